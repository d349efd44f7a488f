// message: the four messages of SCRAM, taken apart strictly.
//
// Problem: the texts come from peers nobody has authenticated yet. Every field has a limit, the size of
// the whole is looked at first (a nonce of a megabyte costs one comparison), and anything that
// does not follow the grammar ends the login.
//
// Flow:  client_first m;  if (auto e = parse(text, m); e != errc::ok) ... fail
// Lifecycle: the fields are views into the text. Threads: any. Cost: one pass, no allocation.
// Source: RFC 5802 §5.1 and §7, RFC 5929 §4; PostgreSQL 15 src/backend/libpq/auth-scram.c for what it
// ignores (the user name in the message, optional extensions of a client) and refuses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "codec/scram/errc.hpp"

namespace fairing::codec::scram {

inline constexpr std::string_view mechanism_plain = "SCRAM-SHA-256";
inline constexpr std::string_view mechanism_plus = "SCRAM-SHA-256-PLUS";
inline constexpr std::string_view binding_type = "tls-server-end-point";

inline constexpr std::size_t max_message_bytes = 2048;  // any one message
inline constexpr std::size_t max_client_nonce_bytes = 512;
inline constexpr std::size_t max_nonce_bytes = 1024;   // client's and server's together
inline constexpr std::size_t nonce_random_bytes = 18;  // of ours; 24 characters, as libpq

struct client_first {
  char flag = 'n';              // 'n' no channel binding, 'y' not offered, 'p' used
  std::string_view binding;     // after `p=`
  std::string_view gs2_header;  // up to and with its second comma
  std::string_view bare;        // the rest
  std::string_view nonce;
};

struct client_final {
  std::string_view binding;        // base64, after `c=`
  std::string_view nonce;          // after `r=`
  std::string_view proof;          // base64, after `p=`
  std::string_view without_proof;  // all before `,p=`
};

struct server_first {
  std::string_view nonce;
  std::string_view salt;  // base64
  std::uint32_t iterations = 0;
};

struct server_final {
  std::string_view verifier;  // base64, after `v=`
};

// What is left in `out` after an error means nothing.
[[nodiscard]] errc parse(std::string_view text, client_first& out) noexcept;
[[nodiscard]] errc parse(std::string_view text, client_final& out) noexcept;
[[nodiscard]] errc parse(std::string_view text, server_first& out) noexcept;
// `e=...` gives server_refused.
[[nodiscard]] errc parse(std::string_view text, server_final& out) noexcept;

// One to max_bytes printable ASCII characters but the comma.
[[nodiscard]] bool is_nonce(std::string_view text, std::size_t max_bytes) noexcept;

}  // namespace fairing::codec::scram
