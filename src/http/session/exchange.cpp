// Requests that need the backend: start or join a fetch and wait for its head; stream.cpp does the body.
#include "http/session/connection.hpp"
#include "net/alarm.hpp"

namespace fairing::http {

namespace {
// Joined, joined with those of its own variant, alone, alone and as a part.
constexpr int most_rounds = 4;
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
  if (pending_->taken != nullptr) {
    pending_->request.body = pending_->taken;
    body_left_ = 0;
    body_complete_ = true;
    upload_active_ = false;
    return;
  }
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
  p.status.ttl = ttl_of(fresh, !f.confirmed() && p.request.stale_softly_purged, now().mono);
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

}  // namespace fairing::http
