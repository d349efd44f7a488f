// directives: the small pieces that Cache-Control and CDN-Cache-Control share.
//
// Problem: lifetimes arrive as text from peers; what is malformed must shorten, never lengthen, a
// lifetime. Source: RFC 9111 §1.2.2 (delta-seconds: overflow is 2^31), §4.2.1 (invalid freshness:
// stale).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace fairing::http {

inline constexpr seconds delta_max{2147483648};  // 2^31: about 68 years, "as long as you like"

// Digits only; over 2^31 is 2^31; anything else nullopt.
[[nodiscard]] std::optional<seconds> parse_delta(std::string_view text) noexcept;
// As a directive's argument: a token or a quoted string of digits.
[[nodiscard]] std::optional<seconds> parse_delta_argument(std::string_view text) noexcept;
// Keeps the smaller of two (duplicate directives: the stricter counts).
void keep_smaller(std::optional<seconds>& slot, seconds value) noexcept;
// "a, B" -> {"a", "b"}; false (nothing added) if a name is no token or there is none.
[[nodiscard]] bool add_field_names(std::vector<std::string>& out, std::string_view list);

}  // namespace fairing::http
