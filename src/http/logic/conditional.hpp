// conditional: may this conditional request be answered with 304 or 412 from what is stored?
//
// Problem: a client that holds a copy says so in If-None-Match or If-Modified-Since; answering 304
// from the cache saves the body. The preconditions have a fixed order and two kinds of comparison.
//
// Flow: on a hit (or after a fill) of status 200:
//   switch (evaluate(request, {etag, last_modified, date})) { not_modified: 304;
//   precondition_failed: 412; } then ranges: if_range_holds(request, stored) and parse_ranges
//   (range.hpp)
// Cost: one pass over the request's fields when none is conditional; no allocation.
// Source: RFC 9110 §13; RFC 9111 §4.3.2.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/clock.hpp"
#include "codec/http1/head.hpp"

namespace fairing::http {

namespace http1 = codec::http1;

struct validators {
  std::string_view etag;  // as stored: "x", W/"x", or "" if there is none
  std::optional<wall_time> last_modified;
  std::optional<wall_time> date;  // stands in for a missing Last-Modified (RFC 9111 §4.3.2)
};

enum class precondition : std::uint8_t {
  proceed,              // no condition, or it holds: send the whole answer
  not_modified,         // 304 (GET, HEAD)
  precondition_failed,  // 412
};
[[nodiscard]] precondition evaluate(const http1::request_head& request,
                                    const validators& stored) noexcept;

// Does If-Range hold (or is there none)? If not, Range is ignored. A date holds only if it is
// exactly Last-Modified, and that at least a minute older than Date (RFC 9110 §8.8.2.2).
[[nodiscard]] bool if_range_holds(const http1::request_head& request,
                                  const validators& stored) noexcept;

// Is any precondition field there at all? Such requests may not be forwarded as they are to fill
// the cache.
[[nodiscard]] bool is_conditional(const http1::request_head& request) noexcept;

[[nodiscard]] bool weak_equal(std::string_view a,
                              std::string_view b) noexcept;  // opaque parts equal
[[nodiscard]] bool strong_equal(std::string_view a,
                                std::string_view b) noexcept;  // and neither weak

}  // namespace fairing::http
