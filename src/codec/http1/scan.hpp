// scan: the byte classes of HTTP/1.1 and the three searches that the parsers spend their time in.
//
// Problem: nearly all bytes of a head are plain text; what matters is the next byte that is not.
// Each search returns the first byte of its stop set, sixteen bytes a step where SSE2 is there
// (every x86-64), by table elsewhere and at the end of the buffer. Nothing is read beyond `end`.
// Internal to the module. Pure; any thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ascii.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace fairing::codec::http1::scan {

// Bit flags of a byte.
enum char_class : std::uint8_t {
  token = 1,        // tchar, RFC 9110 §5.6.2
  control = 2,      // below 0x20 but HTAB, and DEL: never inside a value
  target_stop = 4,  // ends or questions a request target: controls, SP, DEL, >= 0x80, '#', '%', '?'
  hex = 8,          // HEXDIG
  host = 16,        // unreserved and sub-delims without the comma (a list of hosts is refused)
  value_stop = 32,  // below 0x20 (HTAB too) and DEL
};

consteval std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> table{};
  for (unsigned i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    unsigned bits = 0;
    if (is_token_char(c)) bits |= token;
    if ((i < 0x20 && c != '\t') || i == 0x7f) bits |= control;
    if (i < 0x20 || i == 0x7f) bits |= value_stop;
    if (i <= 0x20 || i >= 0x7f || c == '#' || c == '%' || c == '?') bits |= target_stop;
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) bits |= hex;
    const bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (alnum || std::string_view("-._~!$&'()*+;=").find(c) != std::string_view::npos) bits |= host;
    table[i] = static_cast<std::uint8_t>(bits);
  }
  return table;
}
inline constexpr auto classes = make_classes();

[[nodiscard]] constexpr bool is(char c, char_class k) noexcept {
  return (classes[static_cast<unsigned char>(c)] & k) != 0;
}

[[nodiscard]] constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The first byte that is below 0x20 or DEL, or `end`.
[[nodiscard]] inline const char* find_value_stop(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i low = _mm_set1_epi8(0x1f);
  const __m128i del = _mm_set1_epi8(0x7f);
  for (; end - p >= 16; p += 16) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i hit =
        _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(x, low), x), _mm_cmpeq_epi8(x, del));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(hit));
    if (mask != 0) return p + std::countr_zero(mask);
  }
#endif
  while (p != end && !is(*p, value_stop)) ++p;
  return p;
}

// Is [p, to) made of tchar? `end` is the buffer's end, where bytes after `to` may be read. Names are letters, digits
// and '-' nearly always: sixteen of those at once, anything else by table.
[[nodiscard]] inline bool is_token(const char* p, const char* to,
                                   [[maybe_unused]] const char* end) noexcept {
#if defined(__SSE2__)
  const auto between = [](__m128i x, char low, char high) {
    return _mm_and_si128(_mm_cmpgt_epi8(x, _mm_set1_epi8(static_cast<char>(low - 1))),
                         _mm_cmplt_epi8(x, _mm_set1_epi8(static_cast<char>(high + 1))));
  };
  for (; p < to && end - p >= 16; p += 16) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i letter = between(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 'z');
    const __m128i other = _mm_or_si128(between(x, '0', '9'), _mm_cmpeq_epi8(x, _mm_set1_epi8('-')));
    const auto good = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(letter, other)));
    if (std::countr_one(good) < std::min<std::ptrdiff_t>(to - p, 16)) break;
  }
#endif
  for (; p < to; ++p)
    if (!is(*p, token)) return false;
  return true;
}

// Does [p, end) hold neither '%' nor a '/' that '/' or '.' follows? A path without them is in plain form.
[[nodiscard]] inline bool is_plain_path(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i slash = _mm_set1_epi8('/');
  const __m128i dot = _mm_set1_epi8('.');
  const __m128i percent = _mm_set1_epi8('%');
  for (; end - p > 16; p += 16) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i next = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 1));
    const __m128i odd = _mm_or_si128(_mm_cmpeq_epi8(next, slash), _mm_cmpeq_epi8(next, dot));
    const __m128i hit =
        _mm_or_si128(_mm_and_si128(_mm_cmpeq_epi8(x, slash), odd), _mm_cmpeq_epi8(x, percent));
    if (_mm_movemask_epi8(hit) != 0) return false;
  }
#endif
  for (; p != end; ++p) {
    if (*p == '%') return false;
    if (*p == '/' && p + 1 != end && (p[1] == '/' || p[1] == '.')) return false;
  }
  return true;
}

// The first byte of the target's stop set, or `end`.
[[nodiscard]] inline const char* find_target_stop(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i space = _mm_set1_epi8(0x21);
  const __m128i del = _mm_set1_epi8(0x7f);
  const __m128i hash = _mm_set1_epi8('#');
  const __m128i percent = _mm_set1_epi8('%');
  const __m128i question = _mm_set1_epi8('?');
  for (; end - p >= 16; p += 16) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    // Signed: bytes from 0x80 on are negative, hence below the space too.
    const __m128i a = _mm_or_si128(_mm_cmplt_epi8(x, space), _mm_cmpeq_epi8(x, del));
    const __m128i b = _mm_or_si128(_mm_cmpeq_epi8(x, hash), _mm_cmpeq_epi8(x, percent));
    const __m128i hit = _mm_or_si128(_mm_or_si128(a, b), _mm_cmpeq_epi8(x, question));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(hit));
    if (mask != 0) return p + std::countr_zero(mask);
  }
#endif
  while (p != end && !is(*p, target_stop)) ++p;
  return p;
}

// The first ':' or byte below 0x21 (so that a line without a colon stops at its end), or `end`.
[[nodiscard]] inline const char* find_name_end(const char* p, const char* end) noexcept {
#if defined(__SSE2__)
  const __m128i space = _mm_set1_epi8(0x20);
  const __m128i colon = _mm_set1_epi8(':');
  for (; end - p >= 16; p += 16) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i hit =
        _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(x, space), x), _mm_cmpeq_epi8(x, colon));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(hit));
    if (mask != 0) return p + std::countr_zero(mask);
  }
#endif
  while (p != end && *p != ':' && static_cast<unsigned char>(*p) > 0x20) ++p;
  return p;
}

}  // namespace fairing::codec::http1::scan
