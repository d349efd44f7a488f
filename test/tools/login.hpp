// login: the start of a connection: start-up packet, password or SCRAM, up to the first ReadyForQuery.
//
// Flow:
//   login l(keys, user, password);  send(l.hello(database, application_name));
//   for each message: switch (l.take(type, body)) { more: send(l.reply()) if it is not empty; in: l.key(); failed: l.error() }
// The keys that PBKDF2 gives are kept for all later connections.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "codec/pgwire/startup.hpp"
#include "codec/scram/client_fsm.hpp"

namespace fairing::torture {

struct credentials {
  std::string user, password, database;
  std::optional<codec::scram::login_keys> keys;  // once they were derived
};

class login {
 public:
  enum class state : std::uint8_t {
    more,    // on its way; reply() may be something to send
    in,      // ReadyForQuery came
    failed,  // error() says why
  };
  explicit login(credentials& c) : credentials_(c) {}
  [[nodiscard]] std::string hello(std::string_view application_name) const;
  [[nodiscard]] state take(char type, std::string_view body);
  [[nodiscard]] const std::string& reply() const noexcept { return reply_; }
  [[nodiscard]] codec::pgwire::backend_key key() const noexcept { return key_; }
  // An SQLSTATE, or what was wrong.
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  state authenticate(std::string_view body);
  state step(codec::scram::client_step s, bool first);
  state fail(std::string why);

  credentials& credentials_;
  std::optional<codec::scram::client_fsm> scram_;
  std::string reply_, error_;
  codec::pgwire::backend_key key_;
};

}  // namespace fairing::torture
