#include "checklist/json_array.hpp"

#include <cstddef>
#include <cstring>
#include <limits>

namespace fairing::checklist {

namespace {

constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

// Bytes that numbers and the literals true, false, null are made of.
constexpr bool is_scalar(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' ||
         c == 'E';
}
constexpr bool begins_scalar(char c) noexcept {
  return (c >= '0' && c <= '9') || c == '-' || c == 't' || c == 'f' || c == 'n';
}

constexpr std::uint64_t ones = 0x0101010101010101ULL;

// Non-zero if a byte of x is zero.
constexpr std::uint64_t zero_byte(std::uint64_t x) noexcept {
  return (x - ones) & ~x & (ones << 7);
}

// The first `"` or `\` at or after i; eight bytes at a time.
std::size_t string_special(std::string_view s, std::size_t i) noexcept {
  for (; i + 8 <= s.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, s.data() + i, 8);
    if ((zero_byte(word ^ (ones * '"')) | zero_byte(word ^ (ones * '\\'))) != 0) break;
  }
  while (i < s.size() && s[i] != '"' && s[i] != '\\') ++i;
  return i;
}

}  // namespace

void json_array_probe::feed(std::string_view piece) noexcept {
  std::size_t i = 0;
  while (i < piece.size()) {
    if (at_ == place::failed) return;
    if (at_ == place::string || at_ == place::key_string) {
      if (escaped_) {
        escaped_ = false;
        ++i;
        continue;
      }
      i = string_special(piece, i);
      if (i == piece.size()) return;
      if (piece[i] == '\\')
        escaped_ = true;
      else if (at_ == place::key_string)
        at_ = place::colon;
      else
        at_ = depth_ == 0 ? place::done : place::comma_or_end;
      ++i;
      continue;
    }
    if (at_ == place::scalar) {
      while (i < piece.size() && is_scalar(piece[i])) ++i;
      if (i == piece.size()) return;
      at_ = depth_ == 0 ? place::done : place::comma_or_end;
      continue;
    }
    if (!is_space(piece[i])) step(piece[i]);
    ++i;
  }
}

void json_array_probe::step(char c) noexcept {
  switch (at_) {
    case place::value_or_end:
      if (c == ']') return close(true);
      return begin_value(c);
    case place::start:
    case place::value:
      return begin_value(c);
    case place::key_or_end:
      if (c == '}') return close(false);
      [[fallthrough]];
    case place::key:
      at_ = c == '"' ? place::key_string : place::failed;
      return;
    case place::colon:
      at_ = c == ':' ? place::value : place::failed;
      return;
    case place::comma_or_end:
      if (c == ',')
        at_ = in_array() ? place::value : place::key;
      else if (c == ']' || c == '}')
        close(c == ']');
      else
        at_ = place::failed;
      return;
    case place::done:  // a second root value: not one JSON text
    case place::scalar:
    case place::string:
    case place::key_string:
    case place::failed:
      at_ = place::failed;
      return;
  }
}

void json_array_probe::begin_value(char c) noexcept {
  if (depth_ > 0 && depth_ <= 2 && in_array()) {
    auto& count = count_[depth_ - 1];
    if (count < std::numeric_limits<std::uint32_t>::max()) ++count;
    if (count > longest_) longest_ = count;
  }
  if (c == '[' || c == '{')
    open(c == '[');
  else if (c == '"')
    at_ = place::string;
  else
    at_ = begins_scalar(c) ? place::scalar : place::failed;
}

void json_array_probe::open(bool array) noexcept {
  if (depth_ == max_depth) {
    at_ = place::failed;
    return;
  }
  const auto bit = std::uint64_t{1} << depth_;
  arrays_ = array ? arrays_ | bit : arrays_ & ~bit;
  if (depth_ < 2) count_[depth_] = 0;
  ++depth_;
  at_ = array ? place::value_or_end : place::key_or_end;
}

void json_array_probe::close(bool array) noexcept {
  if (in_array() != array) {
    at_ = place::failed;
    return;
  }
  --depth_;
  at_ = depth_ == 0 ? place::done : place::comma_or_end;
}

}  // namespace fairing::checklist
