// frame_scanner: where the messages of one direction of a connection begin and end, in place.
//
// Problem: the relay forwards what it reads as it was read. It needs to know which messages passed,
// where the last whole one ends and whether the server is ready again, without copying a row; a
// message may be as long as 1 GiB and begin, go on and end in different reads.
//
// Flow, for each buffer that was read:
//   std::string_view rest = buffer;
//   while (!rest.empty()) {
//     const auto p = scanner.scan(rest, wanted);     // counts, up to the first message of `wanted`
//     rest.remove_prefix(p.consumed);                // forward those bytes; look at p.types ...
//     if (p.error != errc::ok) close, with scanner.describe_error();
//     if (rest.empty()) break;
//     frame f;                                       // now at (a piece of) a message of `wanted`
//     if (!scanner.next(rest, f)) close;
//     rest.remove_prefix(f.bytes.size());
//     switch (collector.add(f)) ...                  // its whole body, if that is what is needed
//   }
// With an empty set scan() takes the whole buffer; next() alone walks every message. Which bytes
// come in which call never changes what is reported of the messages.
//
// Lifecycle: one a direction and connection; begins after the start-up packet (client) or after the
// one-byte answer to an SSLRequest (server). A fault is final: the connection must be closed.
// Threads: the connection's. Cost: a table look-up and two compares a message; no allocation;
// nothing is kept but the header bytes of a message whose header is split.
// Source: PostgreSQL documentation, "Message Formats".
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "codec/pgwire/errors.hpp"
#include "codec/pgwire/message_type.hpp"

namespace fairing::codec::pgwire {

// The part of one message that lies in the bytes given to next().
struct frame {
  std::string_view bytes;    // the part, header included; never empty
  std::uint32_t size = 0;    // of the whole message, header included; 0: header not yet complete
  std::uint32_t before = 0;  // bytes of this message that came in earlier parts
  char type = 0;
  bool starts = false;  // the message's first byte is the first of `bytes`
  bool ends = false;    // the message's last byte is the last of `bytes`

  [[nodiscard]] bool whole() const noexcept { return starts && ends; }
  // Of a whole message.
  [[nodiscard]] std::string_view body() const noexcept { return bytes.substr(header_bytes); }
  [[nodiscard]] client_type client() const noexcept { return static_cast<client_type>(type); }
  [[nodiscard]] server_type server() const noexcept { return static_cast<server_type>(type); }
};

// What scan() passed.
struct passed {
  std::size_t consumed = 0;        // bytes taken: to the end, a message of `stop`, or the fault
  std::size_t complete_bytes = 0;  // to the end of the last message that ended; 0: none ended
  type_set types;                  // of the messages that ended here
  std::uint32_t messages = 0;      // that ended here
  std::uint32_t data_rows = 0;     // DataRow that ended here (server direction)
  std::uint32_t ready = 0;         // ReadyForQuery that ended here (server direction)
  transaction_status status = transaction_status::idle;  // of the last of them; valid if ready != 0
  errc error = errc::ok;
};

class frame_scanner {
 public:
  explicit frame_scanner(direction d) noexcept : rules_(&rules_of(d)), direction_(d) {}

  // Takes messages until `bytes` end, or before the first part of a message whose type is in
  // `stop`, also where that message began in an earlier call.
  [[nodiscard]] passed scan(std::string_view bytes, type_set stop = {}) noexcept;
  // Takes one message, or the part of it that lies in `bytes`, which must not be empty. False on a
  // fault.
  [[nodiscard]] bool next(std::string_view bytes, frame& out) noexcept;

  // Between two messages: the connection may be handed over.
  [[nodiscard]] bool at_boundary() const noexcept { return left_ == 0 && header_size_ == 0; }
  // The type of the message that began and has not ended; 0 at a boundary.
  [[nodiscard]] char open_type() const noexcept { return at_boundary() ? '\0' : header_[0]; }
  // Bytes of it still to come; 0 at a boundary and while its header is not complete.
  [[nodiscard]] std::uint32_t open_bytes() const noexcept { return left_; }
  [[nodiscard]] errc error() const noexcept { return error_; }
  // What was wrong, in words: the type byte, the length and where it stood. Allocates.
  [[nodiscard]] std::string describe_error() const;
  // All bytes that were taken without fault.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }

 private:
  // Refuses the header {type, length} if its type or length is out of bounds.
  [[nodiscard]] bool admit(char type, std::uint32_t length) noexcept;
  void refuse(errc e, char type, std::uint32_t length) noexcept;
  [[nodiscard]] bool take_split_header(std::string_view bytes, frame& out) noexcept;
  [[nodiscard]] bool take_part(std::string_view bytes, frame& out) noexcept;
  [[nodiscard]] bool good_end(char type, char last) noexcept;
  void count(const frame& f, passed& out) const noexcept;

  const type_rules* rules_;
  std::uint64_t offset_ = 0;
  std::uint32_t left_ = 0;        // bytes of the open message still to come
  std::uint32_t size_ = 0;        // of the open message; valid if left_ != 0
  std::uint32_t bad_length_ = 0;  // for describe_error
  std::array<char, header_bytes> header_{};
  std::uint8_t header_size_ = 0;  // header bytes kept, 1 to 4, of a message whose header is split
  direction direction_;
  errc error_ = errc::ok;
};

}  // namespace fairing::codec::pgwire
