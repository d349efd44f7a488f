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
constexpr milliseconds look_every{500};       // for a client that has gone
constexpr std::uint16_t client_closed = 499;  // what logs call it, nginx's number
}  // namespace

net::task<bool> connection::exchange() {
  const std::string own_bytes = pending_->request.head_bytes;
  http1::request_head own_head;  // views into own_bytes: the request goes to the fetch
  http1::head_parser own(http1::parse_limits{own_bytes.size() + 1, own_bytes.size() + 1, 128});
  (void)own.parse_request(own_bytes, own_head);
  begin_body(own_head);
  bool again = false;
  bool may_join = true;
  for (int round = 0; round < most_rounds; ++round) {
    bool leader = true;
    const auto f = start_or_join(may_join, leader);
    bool once_more = false;
    again = co_await take_answer(f, leader, own_head, once_more);
    if (leader) f->leave(false);
    if (!once_more || has_body(own_head)) break;
    // Another variant: those who want the same one now share a fetch of it. Anything else is fetched alone.
    may_join = round == 0 && f->shareable();
    if (!may_join) continue;
    pending_->request.flight_key = pending_->request.key;
    append_variant(pending_->request.flight_key, f->head()->vary, own_head,
                   pending_->request.route->compression);
  }
  const bool settled = co_await settle_body(again);
  pending_.reset();
  co_return settled;
}

void connection::begin_body(const http1::request_head& head) {
  chunks_.reset();
  body_failure_.reset();
  body_taken_ = 0;
  body_chunked_ = head.body == http1::body_kind::chunked;
  body_left_ = head.body == http1::body_kind::length ? head.content_length : 0;
  body_complete_ = !has_body(head);
  upload_active_ = !body_complete_;
  if (body_complete_) return;
  upload_ended_ = std::make_unique<net::event>(home_.core);
  pending_->request.body = this;
}

std::shared_ptr<fetch> connection::start_or_join(bool may_join, bool& leader) {
  auto& plane = home_.plane;
  fetch_request r = pending_->request;
  r.collapsible = r.collapsible && may_join;
  if (!r.collapsible) return fetch::start(home_, std::move(r));
  const auto hash = plane.store.hash(r.flight_key);
  const auto flight_key = r.flight_key;
  auto [joined, found] =
      plane.flights.join_or(hash, flight_key, [&] { return fetch::start(home_, std::move(r)); });
  leader = !found;
  return std::move(joined);
}

// One round; `once_more`: what came is not for this request, which must be fetched on its own.
net::task<bool> connection::take_answer(std::shared_ptr<fetch> f, bool leader,
                                        const http1::request_head& own_head, bool& once_more) {
  auto& p = *pending_;
  const bool keep_alive_asked = keep_alive_;
  net::event ready(home_.core);
  auto how = patience::lasts;
  const auto phase = co_await await_answer(*f, leader, ready, how);
  p.status.collapsed = !leader;
  if (how == patience::in_vain) {
    f->leave(true);
    finish_request(own_head, p.request.route, p.status, cache_result::error, client_closed,
                   p.began_us, 0);
    co_return false;
  }
  if (how == patience::over) {
    keep_alive_ = keep_alive_ && !has_body(own_head);
    append_problem(&own_head, problem::upstream_timeout,
                   "no answer within " +
                       std::to_string(site_->total_timeout(*p.request.route).count()) + " ms",
                   {}, &p.status);
    const bool sent = co_await flush();
    co_return sent&& keep_alive_;
  }
  p.status.fwd_status = f->origin_status();
  bool again = false;
  if (phase == fetch_phase::failed) {
    keep_alive_ = keep_alive_asked && body_complete_;
    again = co_await answer_failure(f->failure());
    co_return again;
  }
  // A purge that came before this client did, but after the fetch began, concerns it; so does a confirmed
  // answer that may no longer be shared.
  if (!leader &&
      (f->purged_since() || (phase == fetch_phase::stored && f->confirmed() && !f->shareable()))) {
    once_more = true;
    co_return false;
  }
  if (phase == fetch_phase::stored) {
    again = co_await answer_stored(*f);
    co_return again;
  }
  if (leader && f->raw_head().status == 101) {
    again = co_await tunnel(f);
    co_return again;
  }
  once_more = !leader && (!f->shareable() || !f->matches(own_head));
  if (once_more) co_return false;
  again = co_await stream_answer(f, leader, ready, once_more);
  co_return again;
}

net::task<fetch_phase> connection::await_answer(fetch& f, bool leader, net::event& ready,
                                                patience& how) {
  const auto& request = pending_->request;
  f.join(ready.make_waker());
  // The fetch keeps its own deadlines; a joined one may have begun long ago, so ours counts as well.
  const auto last =
      request.deadline == mono_time::max() ? mono_time::max() : request.deadline + seconds{1};
  net::alarm alarm(home_.core, ready.make_waker(), std::min(last, now().mono + look_every));
  for (;;) {
    const auto phase = f.phase();
    if (leader) {
      const auto interim = f.take_interim();
      const net::closer limit(home_.core, stream_, site_->config.timeouts.idle);
      if (!interim.empty()) {
        auto ec = co_await stream_.write(interim);
        if (ec) keep_alive_ = false;
      }
    }
    if (phase != fetch_phase::waiting) co_return phase;
    if (const auto t = now().mono; alarm.rang()) {
      // An answer for this client alone is not worth making once the client has ended its side. (One that only
      // half-closed cannot be told from one that left; others that stand here treat it the same.)
      const bool in_vain = leader && !request.collapsible && body_complete_ && stream_.peer_ended();
      if (in_vain || t >= last) {
        how = in_vain ? patience::in_vain : patience::over;
        co_return phase;
      }
      alarm.again(std::min(last, t + look_every));
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
    detail = type == problem::body_too_large
                 ? "the request's body is over limits.body of this site"
                 : "the request's body did not arrive in time or is malformed";
    keep_alive_ = false;
  }
  std::string fields;
  if (failure.retry_after > milliseconds{0})
    fields =
        "Retry-After: " + std::to_string(std::chrono::ceil<seconds>(failure.retry_after).count()) +
        "\r\n";
  http1::request_head head;
  http1::head_parser own(
      http1::parse_limits{p.request.head_bytes.size() + 1, p.request.head_bytes.size() + 1, 128});
  (void)own.parse_request(p.request.head_bytes, head);
  append_problem(&head, type, detail, fields, &p.status);
  const bool sent = co_await flush();
  co_return sent&& keep_alive_;
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
  http1::head_parser own(
      http1::parse_limits{p.request.head_bytes.size() + 1, p.request.head_bytes.size() + 1, 128});
  (void)own.parse_request(p.request.head_bytes, head);
  const auto code =
      append_stored(head, *p.request.route, v, p.request.stale_key, p.status, keep_alive_);
  const auto bytes = out_.bytes();
  const bool sent = co_await flush();
  finish_request(head, p.request.route, p.status,
                 f.confirmed() ? cache_result::revalidated : cache_result::stale, code, p.began_us,
                 bytes);
  co_return sent&& keep_alive_;
}

void connection::append_stream_head(fetch& f, const http1::request_head& head, bool leader,
                                    compress::coding coding, http1::body_kind kind,
                                    bool keep_alive) {
  auto& p = *pending_;
  const auto& a = *f.head();
  const auto coding_name =
      coding == compress::coding::identity ? std::string_view{} : compress::to_string(coding);
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
                          .vary_on_encoding = a.compressible,
                          .extra_fields = rate_fields_});
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
  http1::head_parser parser(
      http1::parse_limits{p.request.head_bytes.size() + 1, p.request.head_bytes.size() + 1, 128});
  (void)parser.parse_request(p.request.head_bytes, own);
  auto coding = compress::coding::identity;
  if (const auto* asked = own.find(http1::field::accept_encoding); asked && a.compressible)
    coding = compress::choose(compress::parse_accept_encoding(asked->value),
                              site_->config.compression.encodings)
                 .value_or(coding);
  p.status.stored = a.store;
  if (p.status.detail.empty() && !a.store) p.status.detail = to_string(a.reason);
  const bool conditional = p.request.may_store && a.head.status == 200 && is_conditional(own);
  if (const auto code =
          conditional ? append_by_condition(own, a, p.status, keep_alive_) : std::uint16_t{0}) {
    const bool sent = co_await flush();
    // Nobody reads an answer that is not kept: let it go.
    std::size_t id = 0;
    if (f->body().open_reader(compress::coding::identity, ready.make_waker(), id))
      f->body().close_reader(id);
    finish_request(own, p.request.route, p.status,
                   leader ? cache_result::miss : cache_result::collapsed, code, p.began_us, 0);
    co_return sent&& keep_alive_;
  }
  std::size_t reader = 0;
  if (!f->body().open_reader(coding, ready.make_waker(), reader)) {
    coding = compress::coding::identity;
    if (!f->body().open_reader(coding, ready.make_waker(), reader)) {
      not_possible = true;
      co_return false;
    }
  }
  const bool bodyless =
      own.method == http1::method::head || a.head.status == 204 || a.head.status == 304;
  auto kind = http1::body_kind::none;
  if (!bodyless) {
    kind = coding == compress::coding::identity && a.content_length ? http1::body_kind::length
           : own.version_minor > 0                                  ? http1::body_kind::chunked
                                                                    : http1::body_kind::until_close;
  }
  const bool keep_alive =
      keep_alive_ && kind != http1::body_kind::until_close && (body_complete_ || !p.request.body);
  append_stream_head(*f, own, leader, coding, kind, keep_alive);
  std::uint64_t sent_bytes = out_.bytes();
  // Trailers may describe the bytes that the backend sent: they go with these only.
  const bool with_trailers = coding == compress::coding::identity && accepts_trailers(own);
  const bool whole = co_await write_pieces(*f, reader, kind, with_trailers, ready, sent_bytes);
  f->body().close_reader(reader);
  note_facts(own, a, coding);
  facts_.streaming = a.content_type.starts_with("text/event-stream");
  if (whole && leader) {
    facts_.key_hash = home_.plane.store.hash(p.request.key);
    facts_.body_hash = f->body_hash();
    facts_.longest_json_array = f->longest_json_array();
  }
  const auto result = p.no_lookup || p.hit_for_miss ? cache_result::bypass
                      : leader                      ? cache_result::miss
                                                    : cache_result::collapsed;
  finish_request(own, p.request.route, p.status, result, a.head.status, p.began_us, sent_bytes);
  co_return whole&& keep_alive;
}

net::task<bool> connection::write_pieces(fetch& f, std::size_t reader, http1::body_kind kind,
                                         bool with_trailers, net::event& ready,
                                         std::uint64_t& sent) {
  std::vector<piece> pieces;
  std::vector<net::part> parts;
  std::string framing;
  std::string last;
  std::string head;
  out_.swap_block(head);
  bool head_due = true;
  net::alarm look(home_.core, ready.make_waker(), now().mono + look_every);
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
      if (state == fill_state::finished) {
        last.clear();
        http1::append_last_chunk(last, with_trailers ? f.body().trailers() : std::string_view{});
        parts.push_back({.memory = last});
      }
    }
    sent += bytes;
    if (!parts.empty()) {
      const net::closer limit(home_.core, stream_, site_->config.timeouts.idle);
      auto ec = co_await stream_.write(parts);
      if (ec) co_return false;
      head_due = false;
    }
    if (state == fill_state::finished) co_return true;
    if (state == fill_state::aborted) {
      // Where only the connection's end ends the body, a clean end would make it look whole.
      if (kind == http1::body_kind::until_close) stream_.reset();
      co_return false;
    }
    if (!pieces.empty()) continue;
    co_await ready.wait();
    if (!look.rang()) continue;
    // Of a stream that is silent no write tells that the client has left.
    if (stream_.peer_ended()) co_return false;
    look.again(now().mono + look_every);
  }
}

}  // namespace fairing::http
