// date: HTTP dates (RFC 9110 §5.6.7): IMF-fixdate made; IMF-fixdate, RFC 850 and asctime read.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/clock.hpp"

namespace fairing::codec::http1 {

// Strict: any other form, a wrong comma, a zone that is not GMT or a date that does not exist is
// nullopt.
[[nodiscard]] std::optional<wall_time> parse_date(std::string_view text) noexcept;
// "Sun, 06 Nov 1994 08:49:37 GMT", 29 bytes.
[[nodiscard]] std::array<char, 29> format_date(wall_time t) noexcept;

}  // namespace fairing::codec::http1
