// problem: the refusals of the jobs API as RFC 9457 problem+json, from one fixed list.
//
// Problem: workers decide by what they are told (drop the work, try again, give up), so each case has a name that stays.
// Flow:  return refuse(problem::stale_lease, "job 0ABC... was leased again");   or   return refuse(error);
// Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.hpp"
#include "service/problem.hpp"

namespace fairing::jobs {

enum class problem : std::uint8_t {
  bad_request,             // 400: the request, its query or its JSON is wrong
  unauthorized,            // 401: the bearer token is missing or wrong
  forbidden,               // 403: wrong Host, or another site's page asks
  not_found,               // 404: no such path, queue or job
  method_not_allowed,      // 405: the path has other methods
  request_timeout,         // 408: the head or body came too slowly
  conflict,                // 409: the job's state does not allow it
  not_finished,            // 409: there is no result yet
  stale_lease,             // 409: the lease is over; drop the work
  body_too_large,          // 413: the request or a payload is over its limit
  uri_too_long,            // 414: over the head's limit
  unsupported_media_type,  // 415: neither JSON nor a CloudEvent
  key_reused,              // 422: the Idempotency-Key stands for another request
  unsupported,             // 422: the job store cannot do that
  head_too_large,          // 431: over 16 KiB
  internal,                // 500: Fairing failed
  overloaded,              // 503: too many connections or commands wait
  store_down,              // 503: the job store failed and is being opened again
  standby,                 // 503: another instance has the job store
  outcome_unknown,         // 503: the job store was lost during the commit of this request
  version_not_supported,   // 505: not HTTP/1.x
  full,                    // 507: no room for more jobs
};
inline constexpr std::size_t problem_count = 22;

struct problem_info : service::problem_text {
  problem id;
};
[[nodiscard]] const problem_info& info(problem p) noexcept;
[[nodiscard]] std::span<const problem_info> all_problems() noexcept;

// `detail` is for people; it may hold what a peer sent.
[[nodiscard]] service::response refuse(problem p, std::string_view detail);
// What the engine or the writer said no with.
[[nodiscard]] service::response refuse(const error& e);
[[nodiscard]] problem problem_of(service::fault f) noexcept;

}  // namespace fairing::jobs
