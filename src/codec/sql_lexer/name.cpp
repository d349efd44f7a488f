#include "codec/sql_lexer/name.hpp"

#include <cstdint>

#include "base/ascii.hpp"
#include "codec/sql_lexer/lexer.hpp"

namespace fairing::codec::sql_lexer {

namespace {

constexpr std::size_t longest_name = 63;  // NAMEDATALEN - 1

void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  if (c < 0x800) {
    out += static_cast<char>(0xc0 | (c >> 6));
  } else {
    if (c < 0x10000) {
      out += static_cast<char>(0xe0 | (c >> 12));
    } else {
      out += static_cast<char>(0xf0 | (c >> 18));
      out += static_cast<char>(0x80 | ((c >> 12) & 0x3f));
    }
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
  }
  out += static_cast<char>(0x80 | (c & 0x3f));
}

// The code point of `digits` hex digits at the front of text, or 0.
[[nodiscard]] std::uint32_t hex_of(std::string_view text, std::size_t digits) noexcept {
  if (text.size() < digits) return 0;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const char c = ascii_lower(text[i]);
    const bool number = c >= '0' && c <= '9';
    if (!number && (c < 'a' || c > 'f')) return 0;
    value = value * 16 + static_cast<std::uint32_t>(number ? c - '0' : c - 'a' + 10);
  }
  return value <= 0x10ffff ? value : 0;
}

// `quoted` without its quotes; "" is one quote, and with `escapes` \0061 and \+000061 a character.
[[nodiscard]] std::string unquote(std::string_view quoted, bool escapes) {
  std::string out;
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    const auto rest = quoted.substr(i + 1);
    if (quoted[i] == '"') {
      ++i;
    } else if (escapes && quoted[i] == '\\') {
      const bool six = !rest.empty() && rest.front() == '+';
      const auto code = six ? hex_of(rest.substr(1), 6) : hex_of(rest, 4);
      if (code != 0) {
        append_utf8(out, code);
        i += six ? 7 : 4;
        continue;
      }
      if (!rest.empty() && rest.front() == '\\') ++i;
    }
    out += quoted[i];
  }
  return out;
}

void cut(std::string& name) {
  if (name.size() <= longest_name) return;
  std::size_t size = longest_name;
  while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xc0) == 0x80) --size;
  name.resize(size);
}

}  // namespace

std::string canonical_name(std::string_view name) {
  std::string out;
  lexer lex(name);
  token t;
  while (lex.next(t)) {
    const auto bytes = t.of(name);
    std::string part;
    switch (t.kind) {
      case token_kind::comment:
        continue;
      case token_kind::identifier:
        part = to_lower(bytes);
        cut(part);
        break;
      case token_kind::quoted_identifier:
        part = unquote(bytes.substr(1, bytes.size() - 2), false);
        cut(part);
        break;
      case token_kind::unicode_identifier:
        part = unquote(bytes.substr(3, bytes.size() - 4), true);
        cut(part);
        break;
      default:
        part = bytes;
        break;
    }
    out += part;
  }
  return out;
}

std::string canonical_setting(std::string_view name) { return to_lower(canonical_name(name)); }

}  // namespace fairing::codec::sql_lexer
