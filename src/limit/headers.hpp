// headers: what a client is told of a rate limit, as values of RateLimit-Policy, RateLimit and
// Retry-After.
//
// Flow:
//   std::string policy; append_policy(policy, "login", rate);      // "login";q=10;w=60
//   std::string state;  append_state(state, "login", decision);    // "login";r=7;t=12
//   if (!decision.allowed) fields.add("Retry-After", retry_after_seconds(decision));
// Several limits of one answer are one list: append with ", " between them.
// Threads: any; pure.
// Source: draft-ietf-httpapi-ratelimit-headers-11; RFC 9651 for strings and
// integers; RFC 9110 §10.2.3 for Retry-After.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/units.hpp"
#include "limit/gcra.hpp"

namespace fairing::limit {

// q is the rate's count, w its period in seconds, left out when that is not a whole number.
void append_policy(std::string& out, std::string_view name, rate r);

// r is what may be sent right now. t: seconds until the allowance is whole again or, when nothing
// is left, until the next request may come, so that Retry-After never points before the end of t.
void append_state(std::string& out, std::string_view name, const decision& d);

// Whole seconds, rounded up, at least 1.
[[nodiscard]] std::uint64_t retry_after_seconds(const decision& d) noexcept;

}  // namespace fairing::limit
