// Requests that need the backend: start or join a fetch, wait for its head, stream its body.
#include "codec/http1/writer.hpp"
#include "http/logic/conditional.hpp"
#include "http/logic/fields.hpp"
#include "http/session/connection.hpp"
#include "net/alarm.hpp"

namespace fairing::http {

namespace {
constexpr std::size_t pieces_at_once = 24;
constexpr int most_rounds = 3;

}  // namespace

net::task<bool> connection::exchange() {
  auto& p = *pending_;
  const bool keep_alive_asked = keep_alive_;
  auto& plane = home_.plane;
  chunks_.reset();
  body_failure_.reset();
  body_taken_ = 0;
  http1::request_head own_head;  // views into own_bytes: p.request goes to the fetch
  const std::string own_bytes = p.request.head_bytes;
  http1::head_parser own(http1::parse_limits{own_bytes.size() + 1, own_bytes.size() + 1, 128});
  (void)own.parse_request(own_bytes, own_head);
  body_chunked_ = own_head.body == http1::body_kind::chunked;
  body_left_ = own_head.body == http1::body_kind::length ? own_head.content_length : 0;
  body_complete_ = !has_body(own_head);
  upload_active_ = false;
  if (has_body(own_head)) {
    upload_ended_ = std::make_unique<net::event>(home_.core);
    p.request.body = this;
  }
  const auto total_deadline = p.request.deadline;
  bool again = false;
  for (int round = 0; round < most_rounds; ++round) {
    bool leader = true;
    std::shared_ptr<fetch> f;
    fetch_request r = p.request;
    r.collapsible = r.collapsible && round == 0;
    if (r.collapsible) {
      const auto hash = plane.store.hash(r.flight_key);
      const auto flight_key = r.flight_key;
      auto [joined, found] = plane.flights.join_or(hash, flight_key, [&] { return fetch::start(home_, std::move(r)); });
      f = std::move(joined);
      leader = !found;
    } else {
      f = fetch::start(home_, std::move(r));
    }
    net::event ready(home_.core);
    bool timed_out = false;
    const auto phase = co_await await_answer(*f, leader, ready, timed_out);
    p.status.collapsed = !leader;
    p.status.fwd_status = f->origin_status();
    if (timed_out) {
      keep_alive_ = keep_alive_ && !has_body(own_head);
      append_problem(&own_head, problem::upstream_timeout, "no answer within " + std::to_string(
          site_->total_timeout(*p.request.route).count()) + " ms", {}, &p.status);
      again = co_await flush();
      again = again && keep_alive_;
      break;
    }
    if (phase == fetch_phase::failed) {
      keep_alive_ = keep_alive_asked && body_complete_;
      again = co_await answer_failure(f->failure());
      break;
    }
    if (phase == fetch_phase::stored) {
      again = co_await answer_stored(*f);
      break;
    }
    if (f->raw_head().status == 101 && leader) {
      again = co_await tunnel(f);
      break;
    }
    if (!leader && (!f->shareable() || !f->matches(own_head))) continue;  // not for us: fetch our own
    bool not_possible = false;
    again = co_await stream_answer(f, leader, ready, not_possible);
    if (!not_possible) break;
  }
  (void)total_deadline;
  const bool settled = co_await settle_body(again);
  pending_.reset();
  co_return settled;
}

net::task<fetch_phase> connection::await_answer(fetch& f, bool leader, net::event& ready, bool& timed_out) {
  if (leader && pending_->request.body) upload_active_ = false;
  f.join(ready.make_waker());
  // The fetch keeps its own deadlines; a joined one may have begun long ago, so ours counts as well.
  const net::alarm patience(home_.core, ready.make_waker(),
                            pending_->request.deadline == mono_time::max()
                                ? mono_time::max()
                                : pending_->request.deadline + seconds{1});
  for (;;) {
    const auto phase = f.phase();
    if (leader) {
      const auto interim = f.take_interim();
      if (!interim.empty()) {
        auto ec = co_await stream_.write(interim);
        if (ec) keep_alive_ = false;
      }
    }
    if (phase != fetch_phase::waiting) co_return phase;
    if (patience.rang()) {
      timed_out = true;
      co_return phase;
    }
    co_await ready.wait();
  }
}

net::task<bool> connection::answer_failure(const fetch_failure& failure) {
  auto& p = *pending_;
  auto type = failure.type;
  auto detail = failure.detail;
  if (body_failure_) {
    type = *body_failure_;
    detail = type == problem::body_too_large ? "the request's body is over limits.body of this site"
                                             : "the request's body did not arrive in time or is malformed";
    keep_alive_ = false;
  }
  std::string fields;
  if (failure.retry_after > milliseconds{0})
    fields = "Retry-After: " + std::to_string(std::chrono::ceil<seconds>(failure.retry_after).count()) + "\r\n";
  http1::request_head head;
  http1::head_parser own(http1::parse_limits{p.request.head_bytes.size() + 1, p.request.head_bytes.size() + 1, 128});
  (void)own.parse_request(p.request.head_bytes, head);
  append_problem(&head, type, detail, fields, &p.status);
  const bool sent = co_await flush();
  co_return sent && keep_alive_;
}

net::task<bool> connection::answer_stored(const fetch& f) {
  auto& p = *pending_;
  const auto& v = *f.stored();
  const auto& fresh = v.of->fresh;
  p.status.has_ttl = true;
  p.status.ttl = std::chrono::floor<seconds>(fresh.lifetime - current_age(fresh, now().mono));
  p.status.stored = f.confirmed() && v.of->store;
  p.status.detail = f.confirmed() ? "revalidated" : "stale-if-error";
  if (!f.confirmed()) p.status.hit = true, p.status.fwd = fwd_reason::none;
  http1::request_head head;
  http1::head_parser own(http1::parse_limits{p.request.head_bytes.size() + 1, p.request.head_bytes.size() + 1, 128});
  (void)own.parse_request(p.request.head_bytes, head);
  const auto code = append_stored(head, *p.request.route, v, p.request.stale_key, p.status, keep_alive_);
  const auto bytes = out_.bytes();
  const bool sent = co_await flush();
  finish_request(head, p.request.route, p.status,
                 f.confirmed() ? cache_result::revalidated : cache_result::stale, code, p.began_us, bytes);
  co_return sent && keep_alive_;
}

void connection::append_stream_head(fetch& f, bool leader, compress::coding coding, http1::body_kind kind,
                                    bool keep_alive) {
  auto& p = *pending_;
  const auto& a = *f.head();
  const auto& head = f.request_head();
  const auto coding_name = coding == compress::coding::identity ? std::string_view{} : compress::to_string(coding);
  if (leader) {
    append_response_head(out_.text(), f.raw_head(),
                         {.body = {kind, a.content_length.value_or(0)},
                          .client_http_1_0 = head.version_minor == 0,
                          .keep_alive = keep_alive,
                          .pass_length = head.method == http1::method::head || a.head.status == 304,
                          .tell_via = !site_->config.egress,
                          .now = now().wall,
                          .status = &p.status,
                          .coding = coding_name,
                          .vary_on_encoding = a.compressible});
    return;
  }
  auto& out = out_.text();
  out += a.head.text;
  if (!a.head.etag.empty()) {
    out += "ETag: ";
    if (coding_name.empty())
      out += a.head.etag;
    else
      append_etag_variant(out, a.head.etag, coding_name);
    out += "\r\n";
  }
  if (!coding_name.empty()) http1::append_header(out, "Content-Encoding", coding_name);
  if (kind == http1::body_kind::length) append_content_length(out, a.content_length.value_or(0));
  if (kind == http1::body_kind::chunked) out += "Transfer-Encoding: chunked\r\n";
  append_common(out, head, a, p.status, keep_alive);
  out += "\r\n";
}

net::task<bool> connection::stream_answer(std::shared_ptr<fetch> f, bool leader, net::event& ready,
                                          bool& not_possible) {
  auto& p = *pending_;
  const auto& a = *f->head();
  http1::request_head own;
  http1::head_parser parser(http1::parse_limits{p.request.head_bytes.size() + 1, p.request.head_bytes.size() + 1, 128});
  (void)parser.parse_request(p.request.head_bytes, own);
  auto coding = compress::coding::identity;
  if (const auto* asked = own.find(http1::field::accept_encoding); asked && a.compressible)
    coding = compress::choose(compress::parse_accept_encoding(asked->value), site_->config.compression.encodings)
                 .value_or(coding);
  p.status.stored = a.store;
  if (p.status.detail.empty() && !a.store) p.status.detail = to_string(a.reason);
  const bool conditional = p.request.may_store && a.head.status == 200 && is_conditional(own);
  if (conditional && evaluate(own, a.head.validators()) == precondition::not_modified) {
    auto& out = out_.text();
    out += "HTTP/1.1 304 Not Modified\r\n";
    append_not_modified_fields(out, a.head.text, !a.head.etag.empty());
    if (!a.head.etag.empty()) http1::append_header(out, "ETag", a.head.etag);
    append_common(out, own, a, p.status, keep_alive_);
    out += "\r\n";
    const bool sent = co_await flush();
    // Nobody reads an answer that is not kept: let it go.
    std::size_t id = 0;
    if (f->body().open_reader(compress::coding::identity, ready.make_waker(), id)) f->body().close_reader(id);
    finish_request(own, p.request.route, p.status, leader ? cache_result::miss : cache_result::collapsed, 304,
                   p.began_us, 0);
    co_return sent && keep_alive_;
  }
  std::size_t reader = 0;
  if (!f->body().open_reader(coding, ready.make_waker(), reader)) {
    coding = compress::coding::identity;
    if (!f->body().open_reader(coding, ready.make_waker(), reader)) {
      not_possible = true;
      co_return false;
    }
  }
  const bool bodyless = own.method == http1::method::head || a.head.status == 204 || a.head.status == 304;
  auto kind = http1::body_kind::none;
  if (!bodyless) {
    kind = coding == compress::coding::identity && a.content_length ? http1::body_kind::length
           : own.version_minor > 0                                  ? http1::body_kind::chunked
                                                                    : http1::body_kind::until_close;
  }
  const bool keep_alive = keep_alive_ && kind != http1::body_kind::until_close &&
                          (body_complete_ || !p.request.body);
  append_stream_head(*f, leader, coding, kind, keep_alive);
  std::uint64_t sent_bytes = out_.bytes();
  const bool whole = co_await write_pieces(*f, reader, kind, ready, sent_bytes);
  f->body().close_reader(reader);
  const auto result = p.no_lookup || p.hit_for_miss ? cache_result::bypass
                      : leader                      ? cache_result::miss
                                                    : cache_result::collapsed;
  finish_request(own, p.request.route, p.status, result, a.head.status, p.began_us, sent_bytes);
  co_return whole && keep_alive;
}

net::task<bool> connection::write_pieces(fetch& f, std::size_t reader, http1::body_kind kind, net::event& ready,
                                         std::uint64_t& sent) {
  std::vector<piece> pieces;
  std::vector<net::part> parts;
  std::string framing;
  std::string head;
  out_.swap_block(head);
  bool head_due = true;
  for (;;) {
    pieces.clear();
    parts.clear();
    framing.clear();
    auto state = fill_state::finished;
    if (kind != http1::body_kind::none) state = f.body().next(reader, pieces, pieces_at_once);
    if (head_due) parts.push_back({.memory = head});
    std::size_t bytes = 0;
    for (const auto& p : pieces) bytes += p.bytes.size();
    if (kind == http1::body_kind::chunked && bytes > 0) {
      http1::append_chunk_header(framing, bytes);
      parts.push_back({.memory = framing});
    }
    for (const auto& p : pieces) parts.push_back({.memory = p.bytes});
    if (kind == http1::body_kind::chunked) {
      if (bytes > 0) parts.push_back({.memory = "\r\n"});
      if (state == fill_state::finished) parts.push_back({.memory = "0\r\n\r\n"});
    }
    sent += bytes;
    if (!parts.empty()) {
      const auto before = deadline();
      set_deadline(now().mono + site_->config.timeouts.idle);
      auto ec = co_await stream_.write(parts);
      set_deadline(before);
      if (ec) co_return false;
      head_due = false;
    }
    if (state == fill_state::finished) co_return true;
    if (state == fill_state::aborted) co_return false;
    if (pieces.empty()) co_await ready.wait();
  }
}

}  // namespace fairing::http
