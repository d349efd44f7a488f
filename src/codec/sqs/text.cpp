// Characters: UTF-8 that XML 1.0 allows, forms, escapes.
#include "codec/sqs/text.hpp"

#include <cstddef>
#include <cstdint>

namespace fairing::codec::sqs {

namespace {

std::uint32_t byte_at(std::string_view text, std::size_t i) noexcept {
  return static_cast<unsigned char>(text[i]);
}

// Length of the valid character of XML 1.0 at `i`; 0: there is none.
std::size_t character_at(std::string_view text, std::size_t i) noexcept {
  const std::uint32_t first = byte_at(text, i);
  if (first < 0x80) return first >= 0x20 || first == 0x9 || first == 0xA || first == 0xD ? 1 : 0;
  std::size_t length = 0;
  std::uint32_t point = 0;
  std::uint32_t least = 0;
  if (first >= 0xC2 && first <= 0xDF) {
    length = 2, point = first & 0x1F, least = 0x80;
  } else if (first >= 0xE0 && first <= 0xEF) {
    length = 3, point = first & 0x0F, least = 0x800;
  } else if (first >= 0xF0 && first <= 0xF4) {
    length = 4, point = first & 0x07, least = 0x10000;
  } else {
    return 0;
  }
  if (text.size() - i < length) return 0;
  for (std::size_t k = 1; k < length; ++k) {
    const std::uint32_t next = byte_at(text, i + k);
    if ((next & 0xC0) != 0x80) return 0;
    point = point << 6 | (next & 0x3F);
  }
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  const bool allowed =
      point >= least && point <= 0x10FFFF && !surrogate && point != 0xFFFE && point != 0xFFFF;
  return allowed ? length : 0;
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

bool is_message_text(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    const auto length = character_at(text, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

std::string clean_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  bool in_bad = false;  // one U+FFFD for bytes that belong together
  for (std::size_t i = 0; i < text.size();) {
    const auto length = character_at(text, i);
    if (length != 0) {
      out.append(text, i, length);
    } else if (const bool continues = (byte_at(text, i) & 0xC0) == 0x80; !in_bad || !continues) {
      out += "\xEF\xBF\xBD";
    }
    in_bad = length == 0;
    i += length == 0 ? 1 : length;
  }
  return out;
}

bool decode_form(std::string_view raw, std::string& out) {
  out.clear();
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '+') {
      out += ' ';
    } else if (raw[i] != '%') {
      out += raw[i];
    } else {
      const int high = raw.size() - i > 2 ? hex_value(raw[i + 1]) : -1;
      const int low = raw.size() - i > 2 ? hex_value(raw[i + 2]) : -1;
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high << 4 | low);
      i += 2;
    }
  }
  return true;
}

void append_xml(std::string& out, std::string_view text) {
  std::size_t from = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string_view escape;
    switch (text[i]) {
      case '<':
        escape = "&lt;";
        break;
      case '>':
        escape = "&gt;";
        break;
      case '&':
        escape = "&amp;";
        break;
      case '"':
        escape = "&quot;";
        break;
      case '\r':
        escape = "&#xD;";
        break;
      default:
        continue;
    }
    out.append(text, from, i - from);
    out += escape;
    from = i + 1;
  }
  out.append(text, from, text.size() - from);
}

void append_uri_encoded(std::string& out, std::string_view bytes, bool keep_slash) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  for (const char c : bytes) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (letter || digit || c == '-' || c == '.' || c == '_' || c == '~' ||
        (keep_slash && c == '/')) {
      out += c;
    } else {
      const auto value = static_cast<unsigned char>(c);
      out += '%';
      out += digits[value >> 4];
      out += digits[value & 15];
    }
  }
}

void append_hex(std::string& out, std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  for (const char c : bytes) {
    const auto value = static_cast<unsigned char>(c);
    out += digits[value >> 4];
    out += digits[value & 15];
  }
}

}  // namespace fairing::codec::sqs
