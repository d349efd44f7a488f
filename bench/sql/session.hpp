// session: from a connected socket to a PostgreSQL session that is ready for its first statement.
//
// Problem: a login by SCRAM costs a hundred times what a query does; it happens before anything is measured.
// Flow: session_opener o(account); o.open(fd, database, why); o.ask(fd, request, why) for one answer.
//   Trust, password and SCRAM-SHA-256 are known; keys derived once serve all later logins with that salt.
// Lifecycle: one for all connections. Threads: one; each call waits, up to its timeout.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bench/sql/messages.hpp"
#include "codec/scram/client_fsm.hpp"

namespace fairing::bench {

struct account {
  std::string user = "bench";
  std::string password;
};

class session_opener {
 public:
  explicit session_opener(account a) : account_(std::move(a)) {}

  // Sends StartupMessage on a connected non-blocking socket and waits for ReadyForQuery.
  [[nodiscard]] bool open(int fd, const std::string& database, std::string& why);
  // Sends `request` and waits for its ReadyForQuery; an ErrorResponse is a failure.
  [[nodiscard]] static bool ask(int fd, std::string_view request, std::string& why);

 private:
  [[nodiscard]] bool authenticate(int fd, std::string_view body, codec::scram::client_fsm& login,
                                  std::string& why);
  [[nodiscard]] bool step(int fd, codec::scram::client_fsm& login, codec::scram::client_step step,
                          std::string& why);

  account account_;
  std::optional<codec::scram::login_keys> keys_;
};

}  // namespace fairing::bench
