// cache_status: Fairing's member of Cache-Status (RFC 9211): what the cache did with a request, and
// why.
//
// Flow: append_cache_status(head, {.hit = true, .ttl = seconds{12}, .has_ttl = true, .detail =
// "l1"});
//       -> "Cache-Status: fairing; hit; ttl=12; detail=l1\r\n"
// The origin's own Cache-Status lines come before it (lists of several lines join, last is nearest
// the user). Cost: appends only; runs on every answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace fairing::http {

// Why a request went forward (RFC 9211 §2.2); `none` for a hit.
enum class fwd_reason : std::uint8_t {
  none,       // it did not
  bypass,     // the cache was told not to handle it (hit-for-miss, `fairing bypass`, route off)
  method,     // the method has to go to the origin
  uri_miss,   // nothing is stored for the URL
  vary_miss,  // something is, but not for these request fields
  miss,       // nothing usable, cause not told apart
  request,    // a fresh one is stored, but the request's directives ask for the origin, or its
              // credentials keep it from the common answer (`detail` says which)
  stale,      // a stored one has to be confirmed
  partial,    // part of it is stored
};
[[nodiscard]] std::string_view to_string(fwd_reason r) noexcept;  // "uri-miss"; "" for none

struct cache_status {
  bool hit = false;
  fwd_reason fwd = fwd_reason::none;
  std::uint16_t fwd_status = 0;  // the origin's status, 0: not said
  bool has_ttl = false;
  seconds ttl{0};  // what is left of the freshness; negative when stale is served
  bool stored = false;
  bool collapsed = false;
  std::string_view detail;  // a word: "l1", "set-cookie"; "" for none
};

void append_cache_status(std::string& out, const cache_status& s);
// The member alone, "fairing; hit; ttl=12; detail=l1", for logs and `explain`.
void append_cache_status_member(std::string& out, const cache_status& s);

}  // namespace fairing::http
