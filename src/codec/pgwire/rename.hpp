// rename: a statement's name replaced in a message, without touching the rest of it.
//
// Problem: a client's statement `s1` is `fairing_7` on the server. Only the header and the name of
// its Parse, Bind, Describe and Close change; the text and the values, which may be long or not yet
// here, are sent from where they were read.
//
// Flow:
//   auto renamed = rename_statement(f.bytes, "fairing_7");   // the message or its first part
//   if (renamed) gather(renamed->pieces());                  // or renamed->append_to(out)
//   ... parts of the message that follow are forwarded as they come
//
// Lifecycle: the pieces point into the message, the name and the object itself: all three must
// outlive the write. Threads: any. Cost: two searches for a NUL; no allocation, no copy.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "codec/pgwire/errors.hpp"
#include "codec/pgwire/message_type.hpp"

namespace fairing::codec::pgwire {

// The prepared statement that a Parse, Bind, Describe ('S') or Close ('S') names; "" is the unnamed
// one. `message` begins with the header and holds at least the name. Errors: truncated (the name is
// not all there), not_a_statement, bad_kind.
[[nodiscard]] parsed<std::string_view> statement_name(std::string_view message) noexcept;

class renamed_message {
 public:
  // In the order of sending: header, what stands before the name (Bind's portal, the kind of a
  // Describe or Close), name, everything from the old name's NUL on. None but the header is sure
  // to be non-empty.
  [[nodiscard]] std::array<std::string_view, 4> pieces() const& noexcept {
    return {std::string_view(header_.data(), header_.size()), prefix_, name_, rest_};
  }
  std::array<std::string_view, 4> pieces() const&& = delete;
  [[nodiscard]] std::size_t size() const noexcept {
    return header_bytes + prefix_.size() + name_.size() + rest_.size();
  }
  void append_to(std::string& out) const {
    for (const auto& piece : pieces()) out.append(piece);
  }

 private:
  friend parsed<renamed_message> rename_statement(std::string_view, std::string_view) noexcept;
  std::array<char, header_bytes> header_{};
  std::string_view prefix_;
  std::string_view name_;
  std::string_view rest_;
};

// `message` as for statement_name(); `name` without NUL. Errors besides: length_too_large (the new
// message would be over the limit).
[[nodiscard]] parsed<renamed_message> rename_statement(std::string_view message,
                                                       std::string_view name) noexcept;

}  // namespace fairing::codec::pgwire
