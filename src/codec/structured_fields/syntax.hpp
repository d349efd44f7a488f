// syntax: character classes, base64 and UTF-8 for the parser and the serialiser. Internal to the
// module.
#pragma once

#include <string>
#include <string_view>

#include "base/ascii.hpp"

namespace fairing::codec::structured_fields::syntax {

[[nodiscard]] constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_lower(char c) noexcept { return c >= 'a' && c <= 'z'; }
[[nodiscard]] constexpr bool is_alpha(char c) noexcept { return is_lower(ascii_lower(c)); }
[[nodiscard]] constexpr bool is_printable(char c) noexcept { return c >= 0x20 && c <= 0x7e; }

[[nodiscard]] constexpr bool starts_key(char c) noexcept { return is_lower(c) || c == '*'; }
[[nodiscard]] constexpr bool in_key(char c) noexcept {
  return starts_key(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
}
[[nodiscard]] constexpr bool starts_token(char c) noexcept { return is_alpha(c) || c == '*'; }
[[nodiscard]] constexpr bool in_token(char c) noexcept {
  return is_token_char(c) || c == ':' || c == '/';
}

// Decodes base64 (RFC 4648 §4); padding may be missing and pad bits may be set, as RFC 9651 §4.2.7
// advises.
[[nodiscard]] bool decode_base64(std::string_view text, std::string& out);
void append_base64(std::string& out, std::string_view bytes);

// No overlong forms, no surrogates, nothing above U+10FFFF.
[[nodiscard]] bool valid_utf8(std::string_view text) noexcept;

}  // namespace fairing::codec::structured_fields::syntax
