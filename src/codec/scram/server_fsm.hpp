// server_fsm: the server's side of SCRAM-SHA-256, for the clients that log in here.
//
// Problem: a client must prove that it knows the password without sending it, and must not learn
// from the exchange whether the user exists. What it proves with also yields the key that opens
// PostgreSQL in its name, so that a secret without a password is enough for both sides.
//
// Flow, after AuthenticationSASL with mechanisms(binding) was sent:
//   server_fsm login(secret, {.channel_binding = binding});   // secret: found, or mock_secret
//   auto step = login.start(mechanism, initial_response);     // SASLInitialResponse
//   while (step.what == server_step::action::proceed) {
//     send AuthenticationSASLContinue with step.bytes (may be empty), read a SASLResponse
//     step = login.feed(response);
//   }
//   action::success: send AuthenticationSASLFinal with step.bytes, then AuthenticationOk;
//                    login.keys() opens servers (client_fsm)
//   action::failure: send ErrorResponse with sqlstate_for(step.error); close
// A wrong password and an unknown user differ in nothing the client sees. The message the caller sends
// for both is to be the same one, too.
// Lifecycle: one object a login; any call after the end fails with out_of_order. Keys are wiped.
// Threads: one at a time, any. Cost: 10 to 30 microseconds a login (two HMAC, two hashes; no PBKDF2).
// Source: RFC 5802 §5 to §7, RFC 7677, RFC 5929 §4, PostgreSQL 15 documentation "SASL Authentication".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "codec/scram/keys.hpp"
#include "codec/scram/message.hpp"

namespace fairing::codec::scram {

// The body of AuthenticationSASL: names that end in NUL and a NUL. The -PLUS one comes first and
// only when there is channel binding data.
[[nodiscard]] std::string_view mechanisms(std::string_view channel_binding) noexcept;

struct server_step {
  enum class action : std::uint8_t {
    proceed,  // send `bytes` as AuthenticationSASLContinue, feed the answer
    success,  // send `bytes` as AuthenticationSASLFinal: the client has proved itself
    failure,  // `error` says why; nothing more is to be fed
  };
  action what = action::failure;
  std::string_view bytes;  // valid until the next call
  errc error = errc::ok;
};

class server_fsm {
 public:
  struct options {
    // tls_server_end_point of the certificate in use (channel_binding.hpp); empty: no TLS, or no -PLUS.
    std::string channel_binding;
    // For tests: the server's part of the nonce. Empty: random.
    std::string nonce;
  };
  explicit server_fsm(scram_secret secret) : server_fsm(std::move(secret), options{}) {}
  server_fsm(scram_secret secret, options o) : secret_(std::move(secret)), options_(std::move(o)) {}

  // nullopt: the client sent no initial response (length -1), which asks for an empty challenge.
  [[nodiscard]] server_step start(std::string_view mechanism,
                                  std::optional<std::string_view> initial);
  [[nodiscard]] server_step feed(std::string_view response);

  // After success: what opens a server that has the same secret. Wiped with this object.
  [[nodiscard]] const login_keys* keys() const noexcept {
    return state_ == state::succeeded ? &keys_ : nullptr;
  }

 private:
  enum class state : std::uint8_t {
    fresh,      // start is expected
    first,      // client-first-message is expected
    final,      // client-final-message is expected
    succeeded,  // the client has proved itself
    failed,     // nothing is expected any more
  };
  [[nodiscard]] server_step fail_with(errc e) noexcept;
  [[nodiscard]] server_step on_first(std::string_view text);
  [[nodiscard]] server_step on_final(std::string_view text);
  [[nodiscard]] errc check_binding(const client_first& message) const noexcept;
  [[nodiscard]] errc check_proof(const client_final& message, key& client_key);

  scram_secret secret_;
  options options_;
  state state_ = state::fresh;
  bool plus_ = false;             // the -PLUS mechanism was chosen
  std::string expected_binding_;  // of the client's final message, base64
  std::string nonce_;             // client's and ours
  std::string transcript_;        // client-first-bare "," server-first
  std::string out_;
  login_keys keys_;
};

}  // namespace fairing::codec::scram
