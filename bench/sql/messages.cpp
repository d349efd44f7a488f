#include "bench/sql/messages.hpp"

#include <algorithm>

namespace fairing::bench {

std::string_view take_text(std::string_view& bytes) noexcept {
  const auto end = std::min(bytes.find('\0'), bytes.size());
  const auto text = bytes.substr(0, end);
  bytes.remove_prefix(std::min(end + 1, bytes.size()));
  return text;
}

void put_u16(std::string& out, std::uint16_t value) {
  out.push_back(static_cast<char>(value >> 8));
  out.push_back(static_cast<char>(value & 0xff));
}

void put_u32(std::string& out, std::uint32_t value) {
  put_u16(out, static_cast<std::uint16_t>(value >> 16));
  put_u16(out, static_cast<std::uint16_t>(value & 0xffff));
}

void put_text(std::string& out, std::string_view text) {
  out += text;
  out.push_back('\0');
}

void append_message(std::string& out, char type, std::string_view body) {
  out.push_back(type);
  put_u32(out, static_cast<std::uint32_t>(body.size() + 4));
  out += body;
}

std::string error_text(std::string_view body) {
  std::string_view severity = "ERROR";
  std::string_view code = "?";
  std::string_view text = "(no message)";
  while (!body.empty() && body[0] != '\0') {
    const char field = body[0];
    body.remove_prefix(1);
    const auto value = take_text(body);
    if (field == 'S') severity = value;
    if (field == 'C') code = value;
    if (field == 'M') text = value;
  }
  std::string out(severity);
  return out.append(" ").append(code).append(": ").append(text);
}

}  // namespace fairing::bench
