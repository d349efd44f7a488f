#include "base/units.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/ascii.hpp"

namespace fairing {

namespace {

struct size_unit {
  std::string_view name;
  std::uint64_t bytes;
};
// Binary units first: at equal length format_size takes the earlier one.
constexpr std::array<size_unit, 6> size_units{{{"GiB", 1ULL << 30},
                                               {"MiB", 1ULL << 20},
                                               {"KiB", 1ULL << 10},
                                               {"GB", 1'000'000'000},
                                               {"MB", 1'000'000},
                                               {"KB", 1'000}}};

struct duration_unit {
  std::string_view name;
  std::int64_t ms;
};
constexpr std::array<duration_unit, 5> duration_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::int64_t max_duration_ms = 36'500LL * 86'400'000;
constexpr std::size_t max_fraction_digits = 9;

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view take_digits(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && is_digit(text[n])) ++n;
  const auto digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

std::string_view take_letters(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && text[n] >= 'a' && text[n] <= 'z') ++n;
  const auto letters = text.substr(0, n);
  text.remove_prefix(n);
  return letters;
}

std::size_t duration_unit_index(std::string_view name) {
  std::size_t i = 0;
  while (i < duration_units.size() && duration_units[i].name != name) ++i;
  return i;
}

// ".5" of a unit of `unit_ms` in milliseconds; nullopt unless that is a whole number of them.
std::optional<std::int64_t> fraction_ms(std::string_view digits, std::int64_t unit_ms) {
  if (digits.empty() || digits.size() > max_fraction_digits) return std::nullopt;
  std::int64_t scale = 1;
  for (std::size_t i = 0; i < digits.size(); ++i) scale *= 10;
  // At most 1e9 * 86.4e6: fits.
  const auto count = parse_digits(digits);
  if (!count) return std::nullopt;
  const auto scaled = static_cast<std::int64_t>(*count) * unit_ms;
  if (scaled % scale != 0) return std::nullopt;
  return scaled / scale;
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept {
  const auto digits = take_digits(text);
  const auto number = parse_digits(digits);
  if (!number) return std::nullopt;
  if (text.empty() || text == "B") return number;
  if (text == "kB") text = "KB";
  for (const auto& unit : size_units) {
    if (text != unit.name) continue;
    if (*number > UINT64_MAX / unit.bytes) return std::nullopt;
    return *number * unit.bytes;
  }
  return std::nullopt;
}

std::optional<milliseconds> parse_duration(std::string_view text) noexcept {
  if (text == "0") return milliseconds{0};
  if (text.empty()) return std::nullopt;
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  while (!text.empty()) {
    const auto whole = parse_digits(take_digits(text));
    if (!whole) return std::nullopt;
    std::string_view fraction;
    const bool has_fraction = !text.empty() && text.front() == '.';
    if (has_fraction) {
      text.remove_prefix(1);
      fraction = take_digits(text);
    }
    const auto unit = duration_unit_index(take_letters(text));
    if (unit == duration_units.size() || unit < next_unit) return std::nullopt;
    next_unit = unit + 1;
    const auto unit_ms = duration_units[unit].ms;
    if (*whole > static_cast<std::uint64_t>(max_duration_ms / unit_ms)) return std::nullopt;
    total += static_cast<std::int64_t>(*whole) * unit_ms;
    if (has_fraction) {
      const auto part = fraction_ms(fraction, unit_ms);
      if (!part || !text.empty()) return std::nullopt;
      total += *part;
    }
    if (total > max_duration_ms) return std::nullopt;
  }
  return milliseconds{total};
}

std::optional<rate> parse_rate(std::string_view text) noexcept {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto count = parse_digits(text.substr(0, slash));
  const auto period_text = text.substr(slash + 1);
  if (!count || *count == 0 || period_text.empty()) return std::nullopt;
  if (is_digit(period_text.front())) {
    const auto period = parse_duration(period_text);
    if (!period || period->count() == 0) return std::nullopt;
    return rate{*count, *period};
  }
  const auto unit = duration_unit_index(period_text);
  if (unit == duration_units.size()) return std::nullopt;
  return rate{*count, milliseconds{duration_units[unit].ms}};
}

std::optional<double> parse_percent(std::string_view text) noexcept {
  if (text.empty() || text.back() != '%') return std::nullopt;
  text.remove_suffix(1);
  const auto whole = parse_digits(take_digits(text));
  if (!whole || *whole > 100) return std::nullopt;
  std::uint64_t numerator = *whole;
  std::uint64_t denominator = 100;
  if (!text.empty()) {
    if (text.front() != '.') return std::nullopt;
    text.remove_prefix(1);
    const auto digits = take_digits(text);
    if (digits.empty() || digits.size() > max_fraction_digits || !text.empty()) return std::nullopt;
    for (char c : digits) {
      numerator = numerator * 10 + static_cast<std::uint64_t>(c - '0');
      denominator *= 10;
    }
  }
  if (numerator > denominator) return std::nullopt;
  return static_cast<double>(numerator) / static_cast<double>(denominator);
}

std::string format_size(std::uint64_t bytes) {
  std::string best = fmt::format("{}B", bytes);
  if (bytes == 0) return best;
  for (const auto& unit : size_units) {
    if (bytes % unit.bytes != 0) continue;
    auto candidate = fmt::format("{}{}", bytes / unit.bytes, unit.name);
    if (candidate.size() < best.size()) best = std::move(candidate);
  }
  return best;
}

std::string format_duration(milliseconds duration) {
  auto left = duration.count();
  if (left == 0) return "0s";
  std::string out;
  if (left < 0) {
    if (left == INT64_MIN) ++left;  // one millisecond off in 292 million years, but no overflow
    out = "-";
    left = -left;
  }
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& unit = duration_units[i];
    if (left >= unit.ms) fmt::format_to(std::back_inserter(out), "{}{}", left / unit.ms, unit.name);
    left %= unit.ms;
  }
  if (left == 0) return out;
  const bool alone = out.empty() || out == "-";
  if (left < 1000 && alone) return out + fmt::format("{}ms", left);
  if (left % 1000 == 0) return out + fmt::format("{}s", left / 1000);
  auto seconds_text = fmt::format("{}.{:03}", left / 1000, left % 1000);
  while (seconds_text.back() == '0') seconds_text.pop_back();
  return out + seconds_text + "s";
}

}  // namespace fairing
