#include "base/json.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace fairing {

namespace {

// Does this byte end a run that can be copied as it is?
constexpr std::array<bool, 256> needs_care = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 256; ++c)
    table[c] = c < 0x20 || c == '"' || c == '\\' || c == 0x7F || c >= 0x80;
  return table;
}();

void append_escaped(std::string& out, unsigned char c) {
  constexpr std::string_view hex = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out += hex[c >> 4];
      out += hex[c & 15];
  }
}

struct utf8_part {
  std::size_t length;  // bytes taken, at least 1
  bool valid;
};

// The sequence, or the maximal ill-formed part, that begins with the byte >= 0x80 at text[0].
utf8_part next_part(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  std::size_t more = 0;
  unsigned char low = 0x80;   // bounds of the second byte: they exclude overlong forms, surrogates
  unsigned char high = 0xBF;  // and what lies over U+10FFFF
  if (lead >= 0xC2 && lead <= 0xDF) {
    more = 1;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    more = 2;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    more = 3;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {1, false};
  }
  for (std::size_t i = 1; i <= more; ++i) {
    if (i >= text.size() || byte(i) < low || byte(i) > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {more + 1, true};
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t run = 0;  // start of the bytes not yet copied
  std::size_t i = 0;
  while (i < text.size()) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (!needs_care[c]) {
      ++i;
      continue;
    }
    if (c >= 0x80) {
      const auto part = next_part(text.substr(i));
      if (!part.valid) {
        out.append(text.substr(run, i - run));
        out += "\xEF\xBF\xBD";
        run = i + part.length;
      }
      i += part.length;
      continue;
    }
    out.append(text.substr(run, i - run));
    append_escaped(out, c);
    run = ++i;
  }
  out.append(text.substr(run));
  out += '"';
}

}  // namespace fairing
