// problem: the admin interface's refusals as RFC 9457 problem+json, from one fixed list.
//
// Problem: the same shape as the http plane's errors, which admin may not include.
// Flow:  return refuse(problem::not_found, "there is no /v1/purges; /v1/purge is the nearest");
// Pure; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "admin/message.hpp"
#include "service/problem.hpp"

namespace fairing::admin {

enum class problem : std::uint8_t {
  bad_request,            // 400: the request, its query or its JSON is wrong
  unauthorized,           // 401: the bearer token is missing or wrong
  forbidden,              // 403: wrong Host, or another site's page asks
  not_found,              // 404: no such path, or nothing is remembered of what was asked for
  method_not_allowed,     // 405: the path has other methods
  request_timeout,        // 408: the head or body came too slowly
  body_too_large,         // 413: over 1 MiB
  uri_too_long,           // 414: over the head's limit
  reload_refused,         // 422: the configuration is wrong; the old one goes on
  head_too_large,         // 431: over 8 KiB
  internal,               // 500: a view failed
  overloaded,             // 503: too many connections or requests wait
  version_not_supported,  // 505: not HTTP/1.x
};
inline constexpr std::size_t problem_count = 13;

struct problem_info : service::problem_text {
  problem id;
};
[[nodiscard]] const problem_info& info(problem p) noexcept;
[[nodiscard]] std::span<const problem_info> all_problems() noexcept;

// `detail` is for people; it may hold what a peer sent.
[[nodiscard]] response refuse(problem p, std::string_view detail);

}  // namespace fairing::admin
