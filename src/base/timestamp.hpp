// timestamp: the time as logs write it, RFC 3339 in UTC with milliseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairing {

// Milliseconds since 1970, read from the wall clock now (coarse: a few milliseconds behind at
// most).
[[nodiscard]] std::int64_t unix_ms() noexcept;

// Appends "2026-11-22T10:00:00.123Z". Years 0000 to 9999; a time outside is clamped. Never
// allocates beyond the growth of `out`. Any thread.
void append_rfc3339(std::string& out, std::int64_t unix_milliseconds);

// Milliseconds since 1970 of "2026-11-22T10:00:00Z", with or without a fraction, `Z` or an offset; strict otherwise.
[[nodiscard]] std::optional<std::int64_t> parse_rfc3339(std::string_view text) noexcept;

}  // namespace fairing
