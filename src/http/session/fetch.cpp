#include "http/session/fetch.hpp"

#include "base/log.hpp"
#include "http/logic/validation.hpp"
#include "http/session/plane.hpp"

namespace fairing::http {

namespace {
constexpr std::size_t read_block = 16 * 1024;
constexpr std::size_t most_interim = 8;

exchange_outcome outcome_of(net::dial_fault f) {
  return f == net::dial_fault::timeout ? exchange_outcome::timeout : exchange_outcome::failure;
}

// limits.header is the site's word on how large a head may be, in both directions.
http1::parse_limits answer_limits(const site_config& c) {
  http1::parse_limits l;
  l.head_bytes = std::max<std::size_t>(l.head_bytes, c.limits.header);
  return l;
}
}  // namespace

fetch::fetch(core_state& home, fetch_request request)
    : home_(home),
      request_(std::move(request)),
      parser_(answer_limits(request_.site->config)),
      wake_(home.core),
      upload_wake_(home.core) {
  // The head's views must point into our own copy.
  const auto size = request_.head_bytes.size() + 1;
  http1::head_parser own(http1::parse_limits{size, size, 128});
  (void)own.parse_request(request_.head_bytes, request_.head);
  if (request_.background) {  // whoever caused it: what is stored is the answer to a GET
    request_.head.method = http1::method::get;
    request_.head.method_text = "GET";
  }
  in_flights_ = request_.collapsible;
  buffer_.set_writer(wake_.make_waker());
  if (request_.background) buffer_.disown();
}

fetch::~fetch() = default;

std::shared_ptr<fetch> fetch::start(core_state& home, fetch_request request) {
  // The last to let go may be a reader on another core; events and links die on their own.
  const auto bury = [](fetch* f) {
    auto& core = f->home_.core;
    if (core.is_here())
      delete f;
    else
      core.post([f] { delete f; });
  };
  std::shared_ptr<fetch> made(new fetch(home, std::move(request)), bury);
  home.core.post([made] { net::spawn(made->run()); });
  return made;
}

void fetch::join(net::waker w) {
  std::lock_guard lock(mutex_);
  if (phase_ == fetch_phase::waiting)
    waiting_.push_back(std::move(w));
  else
    w();
}

fetch_phase fetch::phase() const {
  std::lock_guard lock(mutex_);
  return phase_;
}

void fetch::set_phase(fetch_phase p) {
  std::vector<net::waker> wake;
  {
    std::lock_guard lock(mutex_);
    phase_ = p;
    wake.swap(waiting_);
  }
  for (const auto& w : wake) w();
}

bool fetch::joinable() const {
  std::lock_guard lock(mutex_);
  if (phase_ == fetch_phase::failed || phase_ == fetch_phase::stored) return false;
  if (phase_ == fetch_phase::streamed && (!answer_->store || buffer_.passing())) return false;
  // Its head has come: from now on it is a stored answer like any other, which may have to be confirmed first.
  if (phase_ == fetch_phase::streamed &&
      (answer_->fresh.no_cache || answer_->fresh.lifetime <= answer_->fresh.initial_age))
    return false;
  const auto& log = home_.plane.purges;
  if (log.seq() == request_.began) return true;
  const cache::tag_hash url = cache::url_tag_of(request_.key);
  if (log.check({&url, 1}, request_.key, request_.began) != cache::verdict::fresh) return false;
  const auto& known = answer_ ? answer_->tags : request_.route->tags;
  return log.check(known, request_.key, request_.began) == cache::verdict::fresh;
}

bool fetch::matches(const http1::request_head& request) const {
  if (!answer_ || answer_->vary.empty()) return true;
  const bool own = request_.route->compression;
  std::string mine;
  std::string theirs;
  append_variant(mine, answer_->vary, request_.head, own);
  append_variant(theirs, answer_->vary, request, own);
  return mine == theirs;
}

std::string fetch::take_interim() {
  std::lock_guard lock(mutex_);
  return std::exchange(interim_, {});
}

link_ptr fetch::take_tunnel() { return std::move(tunnel_); }

// A backend may not have read a body that it did not expect: the rest of it would be taken for the next request.
bool fetch::reusable_after_body() const noexcept {
  if (!has_body(request_.head)) return true;
  const auto m = request_.head.method;
  return upload_complete_ && m != http1::method::get && m != http1::method::head;
}

// When the answer's head must be there, once the request has been sent.
mono_time fetch::head_deadline(mono_time from) const noexcept {
  if (request_.patient) return request_.deadline;
  return std::min(request_.deadline, from + request_.site->config.timeouts.first_byte);
}

bool fetch::idempotent() const noexcept {
  using enum http1::method;
  switch (request_.head.method) {
    case get:
    case head:
    case put:
    case del:
    case options:
    case trace:
      return true;
    default:
      return false;
  }
}

void fetch::fail_with(problem type, std::string detail, milliseconds retry_after) {
  failure_ = {type, std::move(detail), retry_after};
}

void fetch::leave_flights() {
  if (!in_flights_) return;
  in_flights_ = false;
  home_.plane.flights.leave(home_.plane.store.hash(request_.flight_key), request_.flight_key, this);
}

void fetch::end() {
  leave_flights();
  if (request_.stale) request_.stale->refreshing.store(false, std::memory_order_relaxed);
  if (phase() == fetch_phase::waiting)
    set_phase(serve_stale_on_error() ? fetch_phase::stored : fetch_phase::failed);
}

net::task<void> fetch::run() {
  auto self = shared_from_this();
  auto& group = *request_.site->upstreams;
  group.budget().on_request();
  std::size_t avoid = retry::no_upstream;
  const auto most = std::max(request_.site->config.retry.attempts, 1U);
  bool free_used = false;
  std::size_t others = group.endpoints().size() - 1;
  for (std::uint32_t tries = 1;; ++tries) {
    const auto r = co_await attempt(avoid);
    if (r == attempt_result::done || cancelled_) break;
    if (head_sent_ && (has_body(request_.head) || !idempotent())) break;
    const auto t = now();
    if (t.mono >= request_.deadline) break;
    if (r == attempt_result::retry_free && !free_used) {
      free_used = true;
      --tries;
      continue;
    }
    if (r == attempt_result::elsewhere && others > 0) {
      --others;
      --tries;
      continue;
    }
    if (tries >= most || !group.budget().try_retry(t.mono)) break;
    request_.site->retries.add();
  }
  if (!upload_started_) release_body();
  end();
}

net::task<fetch::attempt_result> fetch::attempt(std::size_t& avoid) {
  auto& group = *request_.site->upstreams;
  const auto& timeouts = request_.site->config.timeouts;
  auto permit = co_await group.gate().acquire(home_.core, request_.deadline);
  if (!permit) {
    fail_with(problem::overloaded,
              "no connection to the backend became free: max_connections of site " +
                  request_.site->config.name + " are in use",
              seconds{1});
    co_return attempt_result::done;
  }
  if (cancelled_) co_return attempt_result::done;
  auto choice = group.pick(home_.random(), now(), avoid);
  if (!choice.endpoint) {
    fail_with(problem::no_upstream, "the backend timed out repeatedly and is being given a pause",
              std::max<milliseconds>(choice.retry_after, seconds{1}));
    co_return attempt_result::done;
  }
  endpoint_ = choice.endpoint;
  avoid = endpoint_->index;
  const auto links = home_.links_of(*request_.site);  // ours: a reload may let go of it meanwhile
  link_ptr link;
  if (!request_.head.upgrade) link = links->take(*endpoint_, now().mono);
  if (!link) {
    auto opened = co_await links->open(*endpoint_,
                                       std::min(request_.deadline, now().mono + timeouts.connect));
    if (!opened.link) {
      using enum net::dial_fault;
      // That we have no descriptor says nothing of the backend.
      if (opened.fault != resources) group.report(choice, outcome_of(opened.fault), now());
      const auto type = opened.fault == timeout     ? problem::upstream_timeout
                        : opened.fault == resources ? problem::overloaded
                                                    : problem::upstream_refused;
      fail_with(type, std::move(opened.detail),
                opened.fault == resources ? seconds{1} : seconds{0});
      co_return opened.fault == resources ? attempt_result::done
      : opened.fault == timeout           ? attempt_result::retry
                                          : attempt_result::elsewhere;
    }
    link = std::move(opened.link);
  }
  if (cancelled_) co_return attempt_result::done;
  endpoint_->in_flight.fetch_add(1, std::memory_order_relaxed);
  const auto r = co_await exchange(choice, std::move(link));
  choice.endpoint->in_flight.fetch_sub(1, std::memory_order_relaxed);
  co_return r;
}

net::task<bool> fetch::send_request(upstream_link& link, const upstream_endpoint& e) {
  const auto& site = *request_.site;
  const auto now_ms = now().mono;
  forward_context c;
  c.preserve_host = site.config.preserve_host && !site.config.egress;
  c.upstream_host = e.host_field;
  c.base_path = e.config.base_path;
  c.peer_ip = request_.peer_ip;
  c.client_ip = request_.client_ip;
  c.scheme = request_.scheme;
  c.trusted_peer = request_.trusted_peer;
  c.tell_client = !site.config.egress;
  c.trace = request_.trace;
  c.encoding = request_.route->compression ? encoding_policy::identity : encoding_policy::pass;
  c.surrogate = !site.config.egress && site.config.cache.cdn_cache_control;
  c.own_codings = request_.route->compression;
  c.drop_conditionals = request_.may_store;
  c.drop_range = request_.may_store;
  std::string validators;
  if (request_.stale && append_validators(validators, request_.stale->of->head)) {
    c.extra_fields = validators;
    c.drop_conditionals = true;
  }
  if (request_.deadline != mono_time::max())
    c.deadline = std::max(milliseconds{1}, request_.deadline - now_ms);
  c.body = {request_.head.body, request_.head.content_length};
  c.expect_continue = request_.head.expect_continue;
  c.upgrade = is_upgrade();
  std::string head;
  head.reserve(request_.head_bytes.size() + 512);
  build_upstream_head(head, request_.head, c);
  link.set_deadline(head_deadline(now_ms));
  head_sent_ = true;
  auto ec = co_await link.stream->write(head);
  co_return !ec;
}

net::task<fetch::attempt_result> fetch::exchange(upstream_group::choice& choice, link_ptr link) {
  auto& group = *request_.site->upstreams;
  const auto began_us = precise_us();
  times_.request_sent = now();
  link_ = link;
  const bool sent = co_await send_request(*link, *choice.endpoint);
  if (sent && request_.body && !upload_started_) {
    upload_started_ = upload_running_ = true;
    net::spawn(upload(link));
  }
  auto status = http1::parse_status::need_more;
  if (sent || request_.body) status = co_await read_head(*link);
  if (status != http1::parse_status::complete) co_return on_no_answer(choice, *link, status);
  origin_status_ = response_.status;
  const bool bad_gateway = origin_status_ == 502 || origin_status_ == 503 || origin_status_ == 504;
  group.report(choice, bad_gateway ? exchange_outcome::failure : exchange_outcome::success, now());
  if (response_.status == 101 && is_upgrade()) {
    link->clear_deadline();
    on_head();
    tunnel_ = std::move(link);
    set_phase(fetch_phase::streamed);
    co_return attempt_result::done;
  }
  if (response_.status == 304 && refuses_304()) {
    link->stream->close();
    co_return attempt_result::retry_free;
  }
  on_head();
  const bool whole = co_await read_body(*link);
  if (!whole) link->stream->close();
  stop_upload(*link);
  request_.site->upstream_duration.observe_us(precise_us() - began_us);
  if (whole && response_.keep_alive && link->in.empty() && !upload_running_ && !cancelled_ &&
      reusable_after_body() && response_.body != http1::body_kind::until_close)
    keep_link(choice, std::move(link));
  co_return attempt_result::done;
}

// The exchange ended without a head. A client's fault says nothing of the backend.
fetch::attempt_result fetch::on_no_answer(upstream_group::choice& choice, upstream_link& link,
                                          http1::parse_status status) {
  const bool ours = upload_failed_ || cancelled_;
  const bool timed_out = link.expired && !ours;
  request_.site->upstreams->report(choice,
                                   ours        ? exchange_outcome::success
                                   : timed_out ? exchange_outcome::timeout
                                               : exchange_outcome::failure,
                                   now());
  link.stream->close();
  stop_upload(link);
  if (ours) {
    fail_with(problem::bad_request, "the request's body broke off");
    return attempt_result::done;
  }
  if (timed_out) {
    fail_with(problem::upstream_timeout, "the backend sent no answer in time");
    return attempt_result::done;
  }
  if (status == http1::parse_status::error) {
    const auto e = parser_.error();
    fail_with(problem::upstream_bad_response,
              e == http1::errc::ok
                  ? "the backend sent interim answers or a switch of protocol nobody asked for"
                  : "the backend's answer cannot be read: " + make_error_code(e).message());
    return attempt_result::done;
  }
  fail_with(problem::upstream_closed, "the backend closed the connection before answering");
  return link.uses > 0 ? attempt_result::retry_free : attempt_result::retry;
}

void fetch::keep_link(upstream_group::choice& choice, link_ptr link) {
  auto idle = std::chrono::duration_cast<milliseconds>(request_.site->config.timeouts.idle);
  const auto hint = response_.get(http1::field::keep_alive);
  if (const auto at = hint.find("timeout="); at != std::string_view::npos) {
    const auto digits = hint.substr(at + 8, hint.find_first_not_of("0123456789", at + 8) - at - 8);
    if (const auto s = parse_digits(digits))
      idle = std::min<milliseconds>(idle,
                                    seconds{std::min<std::uint64_t>(*s, 3600)} - milliseconds{500});
  }
  link->idle_until = now().mono + idle;
  link_.reset();  // from now on another fetch's: leave() must not close it
  home_.links_of(*request_.site)->give(*choice.endpoint, std::move(link), now().mono);
}

net::task<http1::parse_status> fetch::read_head(upstream_link& link) {
  std::size_t interims = 0;
  parser_.reset();
  for (;;) {
    if (!link.in.empty()) {
      const auto status = parser_.parse_response(link.in.view(), request_.head.method, response_);
      if (status == http1::parse_status::error) co_return status;
      if (status == http1::parse_status::complete) {
        response_bytes_.assign(link.in.view().substr(0, response_.size));
        http1::head_parser own(answer_limits(request_.site->config));
        (void)own.parse_response(response_bytes_, request_.head.method, response_);
        link.in.consume(response_bytes_.size());
        times_.response_received = now();
        if (response_.status >= 200 || (response_.status == 101 && is_upgrade())) co_return status;
        if (response_.status == 101 || ++interims > most_interim)
          co_return http1::parse_status::error;
        if (response_.status == 100) {
          may_continue_ = true;
          upload_wake_.set();
        } else if (request_.head.version_minor > 0) {
          std::string text;
          append_response_head(text, response_, {.interim = true});
          std::vector<net::waker> wake;
          {
            std::lock_guard lock(mutex_);
            interim_ += text;
            wake = waiting_;
          }
          for (const auto& w : wake) w();
        }
        parser_.reset();
        continue;
      }
    }
    auto r = co_await link.stream->read_some(link.in.prepare(read_block));
    if (!r.ok() || r.bytes == 0) co_return http1::parse_status::need_more;
    link.in.commit(r.bytes);
  }
}

net::task<bool> fetch::wait_for_readers(upstream_link& link) {
  link.clear_deadline();
  const auto began = now().mono;
  while (buffer_.must_wait()) {
    if (buffer_.abandoned()) co_return false;
    co_await wake_.wait();
  }
  // A slow client's time is not the backend's.
  if (request_.deadline != mono_time::max()) request_.deadline += now().mono - began;
  co_return !buffer_.abandoned();
}

net::task<bool> fetch::read_body(upstream_link& link) {
  const auto idle = request_.site->config.timeouts.idle;
  std::uint64_t left = response_.content_length;
  http1::chunked_decoder chunks;
  const auto kind = response_.body;
  if (kind == http1::body_kind::none || (kind == http1::body_kind::length && left == 0)) {
    finish_body();
    co_return true;
  }
  for (;;) {
    bool ended = false;
    while (!link.in.empty() && !ended) {
      std::string_view data = link.in.view();
      std::size_t consumed = data.size();
      if (kind == http1::body_kind::length) {
        data = data.substr(0, std::min<std::uint64_t>(left, data.size()));
        consumed = data.size();
        left -= consumed;
        ended = left == 0;
      } else if (kind == http1::body_kind::chunked) {
        const auto step = chunks.next(data);
        if (step.status == http1::parse_status::error) {
          log::warn("upstream_bad_chunk", {{"site", request_.site->config.name},
                                           {"reason", make_error_code(chunks.error()).message()}});
          cut_body();
          co_return false;
        }
        data = step.data;
        consumed = step.consumed;
        ended = step.status == http1::parse_status::complete;
      }
      if (!data.empty()) append(data, kind != http1::body_kind::length && !ended);
      link.in.consume(consumed);
      if (consumed == 0 && !ended) break;
    }
    if (ended) {
      if (kind == http1::body_kind::chunked) buffer_.set_trailers(std::string(chunks.trailers()));
      finish_body();
      co_return true;
    }
    const bool wanted = co_await wait_for_readers(link);
    if (!wanted) {
      buffer_.abort();
      co_return false;
    }
    link.set_deadline(std::min(request_.deadline, now().mono + idle));
    auto r = co_await link.stream->read_some(link.in.prepare(read_block));
    if (r.ok() && r.bytes > 0) {
      link.in.commit(r.bytes);
      continue;
    }
    // The end of the connection is the body's end only where nothing else delimits it, and only if it was no fault.
    if (kind == http1::body_kind::until_close && r.error == net::errc::ended && !link.expired) {
      finish_body();
      co_return true;
    }
    cut_body();
    co_return false;
  }
}

}  // namespace fairing::http
