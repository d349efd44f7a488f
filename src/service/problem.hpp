// problem: a refusal as RFC 9457 problem+json, for the small HTTP servers of this process (admin, jobs).
//
// Problem: each has its own list of refusals; their form is one.
// Flow:  response r = problem_response({.status = 404, .slug = "not-found", ...}, "no queue `mail`");
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "service/message.hpp"

namespace fairing::service {

struct problem_text {
  std::uint16_t status;
  std::string_view slug;  // `type` is "urn:fairing:problem:" and this
  std::string_view title;
  std::string_view advice;  // one sentence: what to do
};

// `detail` is for people; it may hold what a peer sent. Empty: the title. A 401 gets WWW-Authenticate, a 503
// Retry-After: 1.
[[nodiscard]] response problem_response(const problem_text& p, std::string_view detail);

}  // namespace fairing::service
