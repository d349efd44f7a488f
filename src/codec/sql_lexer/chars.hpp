// chars: the byte classes of PostgreSQL's scanner, and eight bytes read at once, to be folded to lower case.
//
// Problem: identifiers are most of a statement's bytes; they are found by table and folded by words (ascii_lower8).
// Only ASCII is folded: in a multi-byte encoding PostgreSQL does the same (scansup.c). A vertical
// tab is no white space before PostgreSQL 16. Internal to the module. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace fairing::codec::sql_lexer::chars {

// Bit flags of a byte.
enum char_class : std::uint8_t {
  space = 1,        // blank, tab, line feed, carriage return, form feed
  digit = 2,        // 0-9
  ident_start = 4,  // letters, underscore, every byte of 0x80 and more
  ident_cont = 8,   // the same, digits and $
  tag_cont = 16,    // inside a dollar quote's tag: the same without $
  op_char = 32,     // operators are made of these
  self = 64,        // tokens of one character
};

consteval std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> table{};
  for (unsigned i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const auto in = [c](std::string_view set) { return set.find(c) != std::string_view::npos; };
    unsigned bits = 0;
    if (in(" \t\n\r\f")) bits |= space;
    if (c >= '0' && c <= '9') bits |= digit | ident_cont | tag_cont;
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || i >= 0x80)
      bits |= ident_start | ident_cont | tag_cont;
    if (c == '$') bits |= ident_cont;
    if (in("~!@#^&|`?+-*/%<>=")) bits |= op_char;
    if (in(",()[].;:+-*/%^<>=")) bits |= self;
    table[i] = static_cast<std::uint8_t>(bits);
  }
  return table;
}
inline constexpr auto classes = make_classes();

[[nodiscard]] constexpr bool is(char c, char_class k) noexcept {
  return (classes[static_cast<unsigned char>(c)] & k) != 0;
}

// The first `size` (at most 8) bytes at p, the rest zero. `room`: readable bytes at p.
[[nodiscard]] inline std::uint64_t load8(const char* p, std::size_t size,
                                         std::size_t room) noexcept {
  std::uint64_t value = 0;
  if (room >= 8) {
    std::memcpy(&value, p, 8);
    return size >= 8 ? value : value & ((std::uint64_t{1} << (size * 8)) - 1);
  }
  for (std::size_t i = 0; i < size && i < 8; ++i)
    value |= std::uint64_t{static_cast<unsigned char>(p[i])} << (i * 8);
  return value;
}

}  // namespace fairing::codec::sql_lexer::chars
