// login_relay: a log-in that PostgreSQL itself checks: its messages passed on between a client and a fresh server
// connection, from the start-up packet to ReadyForQuery.
//
// Problem: without any secret Fairing cannot tell who a client is, but PostgreSQL can. SCRAM is end to end, so its messages
// may pass through; what must not pass is the offer of channel binding (TLS ends here), a password in clear text over a
// plain network, the server's own cancel key, and a log-in that nobody checked.
//
// Flow:
//   login_relay r(options);  send the start-up packet;
//   loop: step::server: r.from_server(bytes, taken); step::client: r.from_client(bytes, taken);
//         after each call send to_client and to_server, and clear them;
//         ready: logged in; refused: PostgreSQL said no (to_client has its words); failed: refusal() says why
// Lifecycle: one a log-in. Threads: one. Bounds: 64 KiB a message of the server, 16 KiB of the client, 64 rounds, 256
// messages.
// Source: PostgreSQL documentation, "Message Flow", "SASL Authentication"; RFC 5802 section 6 for the channel binding flag.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/pgwire/server_messages.hpp"
#include "codec/pgwire/sqlstate.hpp"
#include "codec/pgwire/startup.hpp"

namespace fairing::sql {

class login_relay {
 public:
  struct options {
    codec::pgwire::backend_key key;  // that the client is told
    bool client_private = false;     // nobody can listen between client and Fairing
    bool server_private = false;     // nor between Fairing and PostgreSQL
    bool server_tls = false;         // TLS between Fairing and PostgreSQL
    bool may_be_trusted = false;     // the client comes in where PostgreSQL asks for nothing
  };
  enum class step : std::uint8_t {
    server,   // a message of the server is due
    client,   // a proof of the client is due
    ready,    // the client is logged in
    refused,  // PostgreSQL does not let it in: code() says why
    failed,   // it cannot go on: refusal() has the words
  };
  struct words {
    codec::pgwire::sqlstate code = codec::pgwire::sqlstate::protocol_violation;
    std::string message;
    std::string hint;
  };

  explicit login_relay(options o) : options_(o) {}

  // `bytes`: all that was not taken yet.
  [[nodiscard]] step from_server(std::string_view bytes, std::size_t& taken);
  [[nodiscard]] step from_client(std::string_view bytes, std::size_t& taken);

  std::string to_client;
  std::string to_server;

  [[nodiscard]] const words& refusal() const noexcept { return refusal_; }
  // SQLSTATE of PostgreSQL's refusal.
  [[nodiscard]] const std::string& code() const noexcept { return code_; }
  // PostgreSQL refused before it asked for anything: another kind of connection may do (libpq's sslmode prefer, allow).
  [[nodiscard]] bool untried() const noexcept { return !asked_ && !authenticated_; }
  // The proof was wrong, or nobody may come in from here: what an attacker learns from must be slow.
  [[nodiscard]] bool denied() const noexcept { return code_.starts_with("28"); }
  [[nodiscard]] codec::pgwire::backend_key server_key() const noexcept { return server_key_; }

 private:
  [[nodiscard]] step on_server(char type, std::string_view message);
  [[nodiscard]] step on_authentication(std::string_view message);
  [[nodiscard]] step offer(const codec::pgwire::authentication_view& a);
  [[nodiscard]] step ask(std::string_view message);
  [[nodiscard]] step fail(codec::pgwire::sqlstate code, std::string message, std::string hint = {});

  options options_;
  step step_ = step::server;
  bool asked_ = false;          // for a proof
  bool sasl_offered_ = false;   // the next proof is a SASLInitialResponse
  bool authenticated_ = false;  // AuthenticationOk was seen
  std::uint32_t rounds_ = 0;
  std::uint32_t messages_ = 0;
  codec::pgwire::backend_key server_key_;
  std::string code_;
  words refusal_;
};

}  // namespace fairing::sql
