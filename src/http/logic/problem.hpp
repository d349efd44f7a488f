// problem: Fairing's own errors, as RFC 9457 problem+json, from one fixed list.
//
// Problem: an answer that Fairing made itself must be told from the backend's, must say what went
// wrong and what to do, and must have a `type` that documentation can be written for.
//
// Flow: append_problem_response(out, problem::upstream_timeout, "no answer head within 15s",
// {.keep_alive = true});
//       for (p : all_problems()) ... docs/reference/problems.md, held to it by app/reference_docs_test.cpp
// Cost: appends only. Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "http/logic/cache_status.hpp"

namespace fairing::http {

enum class problem : std::uint8_t {
  bad_request,            // 400: the request cannot be read in one way only
  uri_too_long,           // 414: the target is over limits.target
  head_too_large,         // 431: the head is over limits.header
  body_too_large,         // 413: the body is over limits.body
  request_timeout,        // 408: the head or body came too slowly
  version_not_supported,  // 505: not HTTP/1.x
  not_implemented,        // 501: a transfer coding or method that is not handled
  method_not_allowed,     // 405: PURGE or CONNECT where it is not allowed
  forbidden,              // 403: a PURGE from an address that may not
  expectation_failed,     // 417: an Expect other than 100-continue
  precondition_failed,    // 412: If-Match or If-Unmodified-Since does not hold
  range_not_satisfiable,  // 416: no part of the ranges is in the body
  rate_limited,           // 429: over the route's limit
  only_if_cached,         // 504: only-if-cached and nothing usable is stored
  overloaded,             // 503: no descriptor, memory or connection left for new work
  no_upstream,            // 503: every upstream is ejected or unhealthy
  upstream_refused,       // 502: no connection to the upstream
  upstream_bad_response,  // 502: the upstream's answer cannot be read
  upstream_closed,        // 502: the upstream closed before its answer was complete
  upstream_timeout,       // 504: no answer within the time
  loop_detected,          // 508: Via shows that the request has been here too often
  no_such_job,            // 404: no request was put off under that address, or somebody else asked
  job_not_finished,       // 409: its answer is not there yet
  job_finished,           // 409: it cannot be cancelled any more
  key_in_flight,          // 409: the request of that Idempotency-Key has not been answered yet
  answer_gone,     // 410: the request of that Idempotency-Key ran, its answer is kept no longer
  key_reused,      // 422: the Idempotency-Key stands for another request
  job_failed,      // 502: it was put off and got no answer
  job_store_down,  // 503: nothing can be put off at the moment
  job_store_full,  // 507: there is no room to put it off
  job_outcome_unknown,  // 503: the job store was lost while it kept it; nobody knows whether it did
};
inline constexpr std::size_t problem_count = 31;

struct problem_info {
  problem id;
  std::uint16_t status;
  std::string_view reason;  // of the status line
  std::string_view slug;    // "upstream-timeout"
  std::string_view title;
  std::string_view advice;  // one sentence: what to do
};
[[nodiscard]] const problem_info& info(problem p) noexcept;
[[nodiscard]] std::span<const problem_info> all_problems() noexcept;
// The `type` is this and the slug. It names the entry; nothing is fetched from it.
inline constexpr std::string_view problem_type_base = "urn:fairing:problem:";

struct problem_context {
  bool keep_alive = false;
  bool client_http_1_0 = false;
  bool head_only = false;  // HEAD: the head of what a GET would get
  wall_time now{};
  const cache_status* status = nullptr;
  std::string_view extra_fields;  // complete lines: Retry-After, Allow, RateLimit
  std::string_view instance;      // the trace id, or ""
};
// A whole response: head, blank line, body. `detail` is for people; it may hold what a peer sent.
void append_problem_response(std::string& out, problem p, std::string_view detail,
                             const problem_context& context);
// The body alone: {"type":...,"title":...,"status":...,"detail":...,"advice":...}
void append_problem_body(std::string& out, problem p, std::string_view detail,
                         std::string_view instance);

}  // namespace fairing::http
