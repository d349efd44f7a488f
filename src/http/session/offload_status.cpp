// The address of a request that was put off: its state, its answer, its end.
#include <algorithm>

#include "base/timestamp.hpp"
#include "http/logic/kept_message.hpp"
#include "http/logic/prefer.hpp"
#include "http/session/connection.hpp"
#include "http/session/offload_ask.hpp"

namespace fairing::http {

namespace {

constexpr std::string_view result_end = "/result";
constexpr std::size_t token_length = 26;
constexpr milliseconds longest_wait{60'000};

std::string_view word_of(offload_state s) noexcept {
  switch (s) {
    case offload_state::waiting:
      return "waiting";
    case offload_state::running:
      return "running";
    case offload_state::done:
      return "done";
    case offload_state::failed:
      return "failed";
    case offload_state::cancelled:
      return "cancelled";
  }
  return "waiting";
}

// As one looks, with or without the end that asks for the answer.
bool is_token(std::string_view text) noexcept {
  if (text.ends_with(result_end)) text.remove_suffix(result_end.size());
  return text.size() == token_length && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

bool ended(const offload_reply& r) noexcept {
  return r.state == offload_state::done || r.state == offload_state::failed;
}

}  // namespace

std::string state_json(const offload_reply& r) {
  std::string out = R"({"id":")" + r.token + R"(","state":")";
  out += word_of(r.state);
  out += R"(","attempt":)" + std::to_string(r.attempt);
  if (r.created_ms != 0) {
    out += R"(,"created":")";
    append_rfc3339(out, r.created_ms);
    out += '"';
  }
  out += R"(,"status":")" + status_path(r.token) + "\"}\n";
  return out;
}

bool connection::asks_for_offload(const http1::request_head& head) const {
  if (home_.plane.offload == nullptr || !head.path.starts_with(offload_path)) return false;
  // Where no route puts anything off any more, what was accepted before still has its address.
  return site_->puts_off || is_token(head.path.substr(offload_path.size()));
}

net::task<bool> connection::offload_status(const http1::request_head& head) {
  using http1::method;
  auto& store = *home_.plane.offload;
  pending_->status = {.fwd = fwd_reason::bypass, .detail = "put-off"};
  if (has_body(head)) keep_alive_ = false;  // not worth reading
  auto token = head.path.substr(offload_path.size());
  const bool of_result = token.ends_with(result_end);
  if (of_result) token.remove_suffix(result_end.size());
  const bool reads = head.method == method::get || head.method == method::head;
  if (!reads && (of_result || head.method != method::del)) {
    append_problem(
        &head, problem::method_not_allowed, "a request that was put off is read or deleted",
        of_result ? "Allow: GET, HEAD\r\n" : "Allow: GET, HEAD, DELETE\r\n", &pending_->status);
    const bool sent = co_await flush();
    co_return sent&& keep_alive_;
  }
  // Each route may know its clients by another field: whoever put it off is right in one of these ways.
  auto r = offload_reply{.fault = offload_fault::not_found};
  auto all = principals_of(head);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto who = all[i];
    const auto wait = std::min(preferences_of(head).wait.value_or(milliseconds{0}), longest_wait);
    r = co_await ask(home_.core, [&](offload_store::done d) {
      if (!reads) return store.cancel(home_.core, token, who, std::move(d));
      return store.look(home_.core, token, who, of_result ? milliseconds{0} : wait, std::move(d));
    });
    if (r.fault != offload_fault::not_found) break;
    if (const auto by = principal_from(r.principal_by)) {
      // Its route is another by now, or gone.
      auto then = principal_of(head, *by, pending_->request.client_ip);
      if (std::ranges::find(all, then) == all.end()) all.push_back(std::move(then));
    }
  }
  r.token = token;
  if (r.fault != offload_fault::none)
    append_fault(head, r);
  else if (!reads)
    append_own(head, r.was_running ? 202 : 204, {}, state_json(r));
  else if (of_result)
    answer_result(head, r);
  else
    answer_status(head, r);
  const bool sent = co_await flush();
  co_return sent&& keep_alive_;
}

std::vector<std::string> connection::principals_of(const http1::request_head& head) const {
  std::vector<std::string> all;
  for (const auto& r : site_->config.routes) {
    if (!r.async || r.async->mode == async_mode::never) continue;
    auto who = principal_of(head, *r.async, pending_->request.client_ip);
    if (std::ranges::find(all, who) == all.end()) all.push_back(std::move(who));
  }
  if (std::ranges::find(all, std::string()) == all.end()) all.emplace_back();
  return all;
}

void connection::answer_status(const http1::request_head& head, const offload_reply& r) {
  if (ended(r))
    return append_own(head, 303, "Location: " + status_path(r.token) + "/result\r\n",
                      state_json(r));
  const bool goes_on = r.state != offload_state::cancelled;
  append_own(head, 200, goes_on ? "Retry-After: 1\r\n" : "", state_json(r));
}

void connection::answer_result(const http1::request_head& head, const offload_reply& r) {
  if (r.state == offload_state::done) return append_kept(head, r, false);
  if (r.state == offload_state::failed)
    return append_problem(&head, problem::job_failed, r.error, {}, &pending_->status);
  append_problem(&head, problem::job_not_finished, "its state is " + std::string(word_of(r.state)),
                 "Retry-After: 1\r\n", &pending_->status);
}

}  // namespace fairing::http
