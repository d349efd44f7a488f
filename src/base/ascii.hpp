// ascii: the few text helpers that protocol code needs, without locale and without allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairing {

[[nodiscard]] constexpr char ascii_lower(char c) noexcept {
  return (c >= 'A' && c <= 'Z') ? static_cast<char>(c + 32) : c;
}

// ascii_lower of eight bytes at once.
[[nodiscard]] constexpr std::uint64_t ascii_lower8(std::uint64_t x) noexcept {
  constexpr std::uint64_t each = 0x0101010101010101;
  constexpr std::uint64_t high = 0x80 * each;
  // Without their high bits no byte carries into the next: the sums' high bits say >= 'A' and > 'Z'.
  const std::uint64_t low = x & ~high;
  return x | ((low + (0x80 - 'A') * each) & ~(low + (0x7f - 'Z') * each) & ~x & high) >> 2;
}

[[nodiscard]] constexpr bool iequals(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (ascii_lower(a[i]) != ascii_lower(b[i])) return false;
  return true;
}

[[nodiscard]] inline std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ascii_lower(c);
  return out;
}

// Strips spaces and tabs (OWS, RFC 9110 §5.6.3) at both ends.
[[nodiscard]] constexpr std::string_view trim_ows(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// tchar of RFC 9110 §5.6.2.
[[nodiscard]] constexpr bool is_token_char(char c) noexcept {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  switch (c) {
    case '!':
    case '#':
    case '$':
    case '%':
    case '&':
    case '\'':
    case '*':
    case '+':
    case '-':
    case '.':
    case '^':
    case '_':
    case '`':
    case '|':
    case '~':
      return true;
    default:
      return false;
  }
}

// Decimal digits only, no sign, no space, at least one digit, no overflow; else nullopt.
[[nodiscard]] constexpr std::optional<std::uint64_t> parse_digits(std::string_view text) noexcept {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (value > (UINT64_MAX - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

// Calls f(element) for every comma-separated element of a field value, OWS-trimmed; commas inside
// quoted strings do not separate; empty elements are skipped (RFC 9110 §5.6.1). A quoted string
// that never ends (also one that ends in a lone backslash) takes the rest of the value: no byte is
// lost.
template <class F>
constexpr void for_each_list_element(std::string_view value, F&& f) {
  const auto emit = [&](std::size_t from, std::size_t to) {
    if (const auto element = trim_ows(value.substr(from, to - from)); !element.empty()) f(element);
  };
  std::size_t start = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    if (quoted && c == '\\') {
      ++i;  // the escaped byte, if there is one
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      emit(start, i);
      start = i + 1;
    }
  }
  emit(start, value.size());
}

}  // namespace fairing
