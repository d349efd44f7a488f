#include "checklist/json_array.hpp"

#include <bit>
#include <cstddef>
#include <limits>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

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

// The first byte at or after i that `is` picks; sixteen at a time by `mask` where the CPU has it.
#if defined(__SSE2__)
template <class Is, class Mask>
std::size_t skip_to(std::string_view s, std::size_t i, Is is, Mask mask) noexcept {
  for (; i + 16 <= s.size(); i += 16) {
    const auto bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(s.data() + i));
    const auto found = static_cast<unsigned>(_mm_movemask_epi8(mask(bytes)));
    if (found != 0) return i + static_cast<std::size_t>(std::countr_zero(found));
  }
  while (i < s.size() && !is(s[i])) ++i;
  return i;
}
__m128i equal(__m128i bytes, char c) noexcept { return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c)); }
#endif

constexpr bool ends_run(char c) noexcept { return c == '"' || c == '\\'; }
constexpr bool is_bracket(char c) noexcept { return c == '[' || c == ']' || c == '{' || c == '}'; }
constexpr bool is_deep(char c) noexcept { return c == '"' || is_bracket(c); }

// In a string: the next quote or backslash.
std::size_t string_special(std::string_view s, std::size_t i) noexcept {
#if defined(__SSE2__)
  return skip_to(s, i, ends_run,
                 [](__m128i b) { return _mm_or_si128(equal(b, '"'), equal(b, '\\')); });
#else
  while (i < s.size() && !ends_run(s[i])) ++i;
  return i;
#endif
}

// Below what counts: the next quote or bracket.
std::size_t deep_special(std::string_view s, std::size_t i) noexcept {
#if defined(__SSE2__)
  return skip_to(s, i, is_deep, [](__m128i b) {
    const auto folded = _mm_or_si128(b, _mm_set1_epi8(0x20));  // [ ] to { }, nothing else to them
    return _mm_or_si128(equal(b, '"'), _mm_or_si128(equal(folded, '{'), equal(folded, '}')));
  });
#else
  while (i < s.size() && !is_deep(s[i])) ++i;
  return i;
#endif
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
        after_value();
      ++i;
      continue;
    }
    if (at_ == place::deep) {
      i = deep_special(piece, i);
      if (i == piece.size()) return;
      const char c = piece[i++];
      if (c == '"')
        at_ = place::string;
      else if (c == '[' || c == '{')
        open(c == '[');
      else
        close(c == ']');
      continue;
    }
    if (at_ == place::scalar) {
      while (i < piece.size() && is_scalar(piece[i])) ++i;
      if (i == piece.size()) return;
      after_value();
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
    case place::deep:
    case place::failed:
      at_ = place::failed;
      return;
  }
}

void json_array_probe::begin_value(char c) noexcept {
  if (depth_ > 0 && in_array()) {
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
  if (depth_ < counted_depth) count_[depth_] = 0;
  ++depth_;
  at_ = depth_ > counted_depth ? place::deep : array ? place::value_or_end : place::key_or_end;
}

void json_array_probe::close(bool array) noexcept {
  if (in_array() != array) {
    at_ = place::failed;
    return;
  }
  --depth_;
  after_value();
}

void json_array_probe::after_value() noexcept {
  if (depth_ > counted_depth)
    at_ = place::deep;
  else
    at_ = depth_ == 0 ? place::done : place::comma_or_end;
}

}  // namespace fairing::checklist
