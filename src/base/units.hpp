// units: the words for sizes, durations, rates and shares in fairing.yaml, on the command line and
// in messages: `64MiB`, `5s`, `10/m`, `50%`.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace fairing {

// `64MiB`, `1KiB`, `2GB`, `512B`, `4096`: bytes. KiB, MiB, GiB are powers of 1024; KB (or kB), MB,
// GB of 1000. No sign, no fraction, no overflow; else nullopt.
[[nodiscard]] std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;

// `250ms`, `5s`, `1m`, `2h`, `7d`, `1m30s`, `1.5s`, `0`; a bare number other than 0 is refused.
// Units go from large to small, each once; a fraction only in the last part, and only if it is
// whole milliseconds. At most 36500d, so that no later conversion overflows.
[[nodiscard]] std::optional<milliseconds> parse_duration(std::string_view text) noexcept;

struct rate {
  std::uint64_t count = 0;  // events ...
  milliseconds period{0};   // ... in each such period; never 0
};

// `10/m`, `100/s`, `1000/h`, `5000/d`, `20/10s`; a count of 0 is refused.
[[nodiscard]] std::optional<rate> parse_rate(std::string_view text) noexcept;

// `10%`, `0.5%`: a share between 0 and 1.
[[nodiscard]] std::optional<double> parse_percent(std::string_view text) noexcept;

// The shortest exact form that the parsers above read back: 67108864 -> "64MiB", 1000 -> "1KB",
// 5000 ms -> "5s", 90 s -> "1m30s", 1500 ms -> "1.5s", 0 -> "0B" and "0s".
[[nodiscard]] std::string format_size(std::uint64_t bytes);
[[nodiscard]] std::string format_duration(milliseconds duration);

}  // namespace fairing
