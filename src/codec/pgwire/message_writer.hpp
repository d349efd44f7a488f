// message_writer: one message appended to a buffer, its length written when it ends.
//
// Problem: the length comes before what it counts. The writer leaves room for it and fills it in;
// a message that would be over the protocol's limit is taken back.
//
// Flow:
//   message_writer w(out, server_type::parameter_status);
//   w.cstring(name); w.cstring(value);
//   if (!w.finish()) ...                    // only where the size depends on somebody else
//
// Lifecycle: a local; `out` must not be touched meanwhile. Threads: any. Cost: `out` may grow.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/pgwire/message_type.hpp"
#include "codec/pgwire/wire.hpp"

namespace fairing::codec::pgwire {

class message_writer {
 public:
  message_writer(std::string& out, client_type type) : message_writer(out) {
    out.push_back(static_cast<char>(type));
    u32(0);
  }
  message_writer(std::string& out, server_type type) : message_writer(out) {
    out.push_back(static_cast<char>(type));
    u32(0);
  }

  void u8(std::uint8_t v) { out_->push_back(static_cast<char>(v)); }
  void u16(std::uint16_t v) {
    char b[2];
    store_u16(b, v);
    out_->append(b, sizeof b);
  }
  void u32(std::uint32_t v) {
    char b[4];
    store_u32(b, v);
    out_->append(b, sizeof b);
  }
  void i16(std::int16_t v) { u16(static_cast<std::uint16_t>(v)); }
  void i32(std::int32_t v) { u32(static_cast<std::uint32_t>(v)); }
  void bytes(std::string_view v) {
    if (v.size() > max_message_length)
      too_large_ = true;
    else
      out_->append(v);
  }
  // Cut at its first NUL, if it has one.
  void cstring(std::string_view v) {
    bytes(v.substr(0, v.find('\0')));
    out_->push_back('\0');
  }
  void value(const value_view& v) {
    if (v.null) return i32(-1);
    u32(static_cast<std::uint32_t>(v.bytes.size()));
    bytes(v.bytes);
  }
  // A count of at most 65535, of what follows.
  void count(std::size_t n) {
    if (n > 0xffff) too_large_ = true;
    u16(static_cast<std::uint16_t>(n));
  }

  // False, and `out` as it was, if the message is over max_message_length or a count over 65535.
  [[nodiscard]] bool finish() {
    const auto length = out_->size() - start_ - 1;
    if (too_large_ || length > max_message_length) {
      out_->resize(start_);
      return false;
    }
    store_u32(out_->data() + start_ + 1, static_cast<std::uint32_t>(length));
    return true;
  }
  // For a message whose size the caller bounds: it cannot be over the limit.
  void finish_small() { static_cast<void>(finish()); }

 private:
  explicit message_writer(std::string& out) : out_(&out), start_(out.size()) {}

  std::string* out_;
  std::size_t start_;
  bool too_large_ = false;
};

}  // namespace fairing::codec::pgwire
