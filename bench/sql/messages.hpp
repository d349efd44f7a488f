// messages: PostgreSQL's wire messages, as much as a load client and a fake server need.
//
// Problem: both ends of the benchmark must cost less than the pooler between them, so a message is
// looked at where it lies in the read buffer, and requests and answers are built once.
// Flow: while (take_message(bytes, m) == taken::whole) ...; append_message(out, 'Q', body).
// Threads: any, nothing is shared. Cost: five bytes looked at a message; taking never allocates.
// Source: PostgreSQL 15 documentation, chapter 55 (Frontend/Backend Protocol).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fairing::bench {

struct wire_message {
  char type = 0;
  std::string_view body;  // without type and length; valid while the bytes are
};

enum class taken : std::uint8_t {
  whole,       // a message was taken off the front
  incomplete,  // more bytes are needed
  malformed,   // the length is impossible or over max_message_bytes
};

inline constexpr std::size_t max_message_bytes = 1024 * 1024;

[[nodiscard]] inline std::uint32_t get_u32(std::string_view bytes) noexcept {
  const auto at = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i]));
  };
  return at(0) << 24 | at(1) << 16 | at(2) << 8 | at(3);
}

// Takes one message off the front of `bytes`, which is left alone unless the message is whole.
[[nodiscard]] inline taken take_message(std::string_view& bytes, wire_message& out) noexcept {
  if (bytes.size() < 5) return taken::incomplete;
  const std::size_t length = get_u32(bytes.substr(1, 4));
  if (length < 4 || length > max_message_bytes) return taken::malformed;
  if (bytes.size() < length + 1) return taken::incomplete;
  out = {bytes[0], bytes.substr(5, length - 4)};
  bytes.remove_prefix(length + 1);
  return taken::whole;
}

// The text up to the next NUL, which is taken off too; what there is, if there is no NUL.
[[nodiscard]] std::string_view take_text(std::string_view& bytes) noexcept;

void put_u16(std::string& out, std::uint16_t value);
void put_u32(std::string& out, std::uint32_t value);
void put_text(std::string& out, std::string_view text);  // and its NUL
void append_message(std::string& out, char type, std::string_view body);

// "SEVERITY CODE: message" of an ErrorResponse's body.
[[nodiscard]] std::string error_text(std::string_view body);

}  // namespace fairing::bench
