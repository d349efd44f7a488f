// Requests that are put off: made durable, then answered inline if their answer comes in time, else with 202.
#include <utility>

#include "base/log.hpp"
#include "base/timestamp.hpp"
#include "codec/http1/writer.hpp"
#include "http/logic/fields.hpp"
#include "http/logic/kept_message.hpp"
#include "http/logic/prefer.hpp"
#include "http/session/connection.hpp"
#include "http/session/kept_body.hpp"
#include "http/session/offload_ask.hpp"

namespace fairing::http {

namespace {

constexpr milliseconds longest_wait{60'000};
constexpr std::int64_t quiet_us = 60'000'000;  // after so long it is news again

bool not_kept(offload_fault f) noexcept {
  return f == offload_fault::unavailable || f == offload_fault::full;
}

// Why the Idempotency-Key of a request cannot be taken; "": it can, or there is none.
// Whoever has no name shares one book of keys with all others without a name. A request that bears a log-in of another
// kind must not: the same key and body, and the one gets the other's answer. Nor may that log-in tell them apart: it may
// change until the request is sent again, which then would run twice.
std::string_view key_refused(const http1::request_head& head, std::string_view principal) {
  const auto key = idempotency_of(head);
  if (!key.valid) return "Idempotency-Key is one field of 1 to 200 visible characters";
  const bool logged_in = head.has(http1::field::cookie) || head.has(http1::field::authorization);
  if (!key.present || !principal.empty() || !logged_in) return {};
  return "an Idempotency-Key is its client's own, and nothing in this request says who that is: "
         "the "
         "route's `async.principal` names the field or cookie that does";
}

}  // namespace

bool connection::puts_off(const http1::request_head& head, const route_runtime& route) const {
  using http1::method;
  const auto& c = route.config->async;
  if (!c || c->mode == async_mode::never || home_.plane.offload == nullptr || route.bypassed())
    return false;
  const auto m = head.method;
  const bool fit = m == method::get || m == method::post || m == method::put ||
                   m == method::patch || m == method::del || m == method::other;
  if (!fit || head.upgrade) return false;
  return c->mode == async_mode::always || preferences_of(head).respond_async;
}

net::task<bool> connection::offload() {
  const std::string own_bytes = pending_->request.head_bytes;
  http1::request_head own_head;
  http1::head_parser own(http1::parse_limits{own_bytes.size() + 1, own_bytes.size() + 1, 128});
  (void)own.parse_request(own_bytes, own_head);
  bool again = false;
  if (pending_->of_offload)
    again = co_await offload_status(own_head);
  else
    again = co_await put_off(own_head);
  pending_.reset();
  co_return again;
}

// The request's whole body. False: it was refused, and the answer to that is queued.
net::task<bool> connection::take_body(const http1::request_head& head, std::size_t most,
                                      std::string& body, held_bytes& held) {
  const auto refuse = [&](problem p, std::string_view why, std::string_view fields = {}) {
    keep_alive_ = false;
    append_problem(&head, p, why, fields, &pending_->status);
    return false;
  };
  if (head.body == http1::body_kind::length && head.content_length > most)
    co_return refuse(problem::body_too_large,
                     "a request of this route is put off, and its queue "
                     "takes less: see `payload` of the queue");
  if (head.expect_continue) {
    const bool said = co_await send_continue();
    if (!said) co_return refuse(problem::bad_request, "the client has gone");
  }
  for (;;) {
    const auto s = co_await next();
    if (s.failed) {
      const auto why = body_failure_.value_or(problem::bad_request);
      co_return refuse(why, "the request's body is too large, came too slowly or is malformed");
    }
    if (body.size() + s.data.size() > most)
      co_return refuse(problem::body_too_large,
                       "a request of this route is put off, and its "
                       "queue takes less: see `payload` of the queue");
    if (!held.add(s.data.size()))
      co_return refuse(problem::overloaded, "256MiB of bodies are being taken in to be put off",
                       "Retry-After: 1\r\n");
    body.append(s.data);
    if (s.end) co_return true;
  }
}

offload_order connection::make_order(const http1::request_head& head, std::string_view body) {
  const auto& r = pending_->request;
  const auto c = r.route->config->async.value_or(async_config{});
  offload_order o;
  o.queue = c.queue;
  o.message = keep_request(head, body);
  o.principal = principal_of(head, c, r.client_ip);
  o.principal_by = principal_text(c);
  o.site = site_->config.name;
  o.peer_ip = r.peer_ip;
  o.client_ip = r.client_ip;
  o.scheme = r.scheme;
  o.trusted_peer = r.trusted_peer;
  o.traceparent = "00-" + std::string(r.trace.trace()) + '-' + std::string(r.trace.parent()) +
                  (r.trace.flags != 0 ? "-01" : "-00");
  const auto key = idempotency_of(head);
  o.idempotency_key = key.key;
  if (key.present) o.fingerprint = fingerprint_of(head, body);
  o.once = !key.present && !c.retry;
  return o;
}

net::task<bool> connection::put_off(const http1::request_head& head) {
  auto& plane = home_.plane;
  auto& store = *plane.offload;
  const auto config = pending_->request.route->config->async.value_or(async_config{});
  const auto why_status = pending_->status;
  if (const auto ready = store.ready(); !ready && may_forward(head, offload_fault::unavailable)) {
    const bool again = co_await forward(ready.error().message());
    co_return again;
  }
  pending_->status = {.fwd = fwd_reason::bypass, .detail = "put-off"};
  begin_body(head);
  std::string body;
  held_bytes held(plane.offload_bytes);
  if (!body_complete_) {
    const auto most =
        std::min<std::size_t>(store.most_bytes(config.queue), site_->config.limits.body);
    const bool taken = co_await take_body(head, most, body, held);
    upload_done(taken);
    if (!taken) {
      co_await flush();
      co_return false;
    }
  }
  auto order = make_order(head, body);
  const auto principal = order.principal;
  if (const auto why = key_refused(head, principal); !why.empty()) {
    append_problem(&head, problem::bad_request, why, {}, &pending_->status);
    const bool sent = co_await flush();
    co_return sent&& keep_alive_;
  }
  auto r = co_await ask(home_.core, [&](offload_store::done d) {
    return store.put(home_.core, std::move(order), std::move(d));
  });
  if (may_forward(head, r.fault)) {
    pending_->status = why_status;
    const bool again = co_await forward_taken(head, body, std::move(r.detail));
    co_return again;
  }
  body = std::string();
  held.release();
  const auto wait = std::min(preferences_of(head).wait.value_or(config.wait), longest_wait);
  if (r.fault == offload_fault::none && !r.existed && wait > milliseconds{0}) {
    auto seen = co_await ask(home_.core, [&](offload_store::done d) {
      return store.look(home_.core, r.token, principal, wait, std::move(d));
    });
    // It is kept and will run: where the store tells nothing more of it, that is what its client has to know.
    if (seen.fault == offload_fault::none) {
      seen.token = std::move(r.token);
      r = std::move(seen);
    }
  }
  if (not_kept(r.fault) && idempotency_of(head).present)
    r.detail += "; it is not forwarded instead: what has its Idempotency-Key may be kept already";
  answer_put(head, r);
  const bool sent = co_await flush();
  co_return sent&& keep_alive_;
}

// Where nothing can be put off a request goes on as if its route had no `async`: a job store that fails costs time, not
// answers. But not if it may be in the store: it was lost while it kept this one, or has one of this Idempotency-Key.
bool connection::may_forward(const http1::request_head& head, offload_fault why) const {
  return not_kept(why) && !idempotency_of(head).present && now().mono < pending_->request.deadline;
}

net::task<bool> connection::forward(std::string why) {
  auto& plane = home_.plane;
  plane.offload_forwarded.add();
  const auto at_us = precise_us();
  const auto last_us = plane.forwarded_us.exchange(at_us);
  if (last_us == 0 || at_us - last_us > quiet_us)
    log::warn("requests_not_put_off", {{"site", site_->config.name}, {"reason", why}});
  pending_->status.detail = "not-put-off";
  const bool again = co_await exchange();
  co_return again;
}

net::task<bool> connection::forward_taken(const http1::request_head& head, std::string_view bytes,
                                          std::string why) {
  kept_body body(home_.core, bytes);
  pending_->taken = &body;
  if (has_body(head)) body.lend();
  const bool again = co_await forward(std::move(why));
  co_await body.back();
  co_return again;
}

void connection::answer_put(const http1::request_head& head, const offload_reply& r) {
  auto& plane = home_.plane;
  if (r.fault != offload_fault::none) return append_fault(head, r);
  if (r.existed) plane.offload_repeated.add();
  switch (r.state) {
    case offload_state::done:
      if (!r.existed) plane.offload_inline.add();
      return append_kept(head, r, true);
    case offload_state::failed:
      return append_problem(&head, problem::job_failed, r.error, {}, &pending_->status);
    case offload_state::waiting:
    case offload_state::running:
      if (r.existed)
        return append_problem(&head, problem::key_in_flight,
                              "the first request with this Idempotency-Key has not ended",
                              "Location: " + status_path(r.token) + "\r\nRetry-After: 1\r\n",
                              &pending_->status);
      plane.offload_put.add();
      return append_accepted(head, r);
    case offload_state::cancelled:
      return append_problem(&head, problem::job_failed, "it was cancelled", {}, &pending_->status);
  }
}

void connection::append_accepted(const http1::request_head& head, const offload_reply& r) {
  std::string fields = "Location: " + status_path(r.token) + "\r\nRetry-After: 1\r\n";
  if (preferences_of(head).respond_async) fields += "Preference-Applied: respond-async\r\n";
  append_own(head, 202, fields, state_json(r));
}

// An answer of this plane's own about something that was put off: never for a cache.
void connection::append_own(const http1::request_head& head, std::uint16_t code,
                            std::string_view fields, std::string_view body) {
  auto& out = out_.text();
  const auto before = out_.bytes();
  const auto& p = *pending_;
  out += "HTTP/1.1 ";
  http1::append_decimal(out, code);
  out += code == 202   ? " Accepted\r\n"
         : code == 204 ? " No Content\r\n"
         : code == 303 ? " See Other\r\n"
                       : " OK\r\n";
  if (code != 204) {
    out += "Content-Type: application/json\r\n";
    append_content_length(out, body.size());
  }
  out += "Cache-Control: no-store\r\n";
  append_cache_status(out, p.status);
  out += fields;
  out += rate_fields_;
  if (!keep_alive_)
    out += "Connection: close\r\n";
  else if (head.version_minor == 0)
    out += "Connection: keep-alive\r\n";
  out += "\r\n";
  if (head.method != http1::method::head && code != 204) out += body;
  facts_.streaming = true;  // it waited because its client asked for that
  finish_request(head, p.request.route, p.status, cache_result::bypass, code, p.began_us,
                 out_.bytes() - before);
}

// The backend's answer, as it came. At an address of ours it is for this client alone, whatever it says of caches.
void connection::append_kept(const http1::request_head& head, const offload_reply& r,
                             bool at_its_own_url) {
  const auto& p = *pending_;
  kept_answer kept;
  const auto as = at_its_own_url ? head.method : http1::method::get;
  if (!kept.read(r.answer, as))
    return append_problem(&head, problem::job_failed, "what was kept is no HTTP answer", {},
                          &p.status);
  std::string fields = rate_fields_;
  // A session that began then is not begun again by a request that was sent again.
  if (r.existed)
    std::erase_if(kept.head.headers,
                  [](const http1::header& h) { return h.id == http1::field::set_cookie; });
  if (!at_its_own_url) {
    std::erase_if(kept.head.headers, [](const http1::header& h) {
      return h.id == http1::field::cache_control || h.id == http1::field::cdn_cache_control ||
             h.id == http1::field::surrogate_control || h.id == http1::field::expires;
    });
    fields += "Cache-Control: private, no-store\r\n";
  }
  const auto before = out_.bytes();
  const bool no_body = kept.head.status == 204 || kept.head.status == 304;
  const bool only_head = head.method == http1::method::head;
  downstream_context c;
  c.body = {no_body ? http1::body_kind::none : http1::body_kind::length, kept.body.size()};
  c.client_http_1_0 = head.version_minor == 0;
  c.keep_alive = keep_alive_;
  c.now = now().wall;
  c.status = &p.status;
  c.extra_fields = fields;
  append_response_head(out_.text(), kept.head, c);
  if (!no_body && !only_head) out_.text() += kept.body;
  facts_.streaming = true;
  finish_request(head, p.request.route, p.status, cache_result::bypass, kept.head.status,
                 p.began_us, out_.bytes() - before);
}

void connection::append_fault(const http1::request_head& head, const offload_reply& r) {
  const auto say = [&](problem p, std::string_view fields = {}) {
    append_problem(&head, p, r.detail, fields, &pending_->status);
  };
  switch (r.fault) {
    case offload_fault::not_found:
    case offload_fault::none:
      return say(problem::no_such_job);
    case offload_fault::key_reused:
      return say(problem::key_reused);
    case offload_fault::answer_gone:
      return say(problem::answer_gone);
    case offload_fault::finished:
      return say(problem::job_finished);
    case offload_fault::too_large:
      return say(problem::body_too_large);
    case offload_fault::full:
      return say(problem::job_store_full);
    case offload_fault::unavailable:
      return say(problem::job_store_down, "Retry-After: 1\r\n");
    case offload_fault::unknown:
      return say(problem::job_outcome_unknown,
                 idempotency_of(head).present ? "Retry-After: 1\r\n" : "");
  }
}

}  // namespace fairing::http
