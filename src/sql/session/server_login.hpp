// server_login: opens one connection to PostgreSQL: the socket, TLS as sslmode says, StartupMessage, the log-in.
//
// Problem: everything PostgreSQL may ask before the first statement, with one deadline over all of it, and an error that
// a client can be shown: PostgreSQL's own where there is one.
//
// Flow:  auto r = co_await open_server(part, runtime, {user, database, parameters, credential}, deadline);
//        if (!r.stream) show r.error
// Passwords are sent in clear text only over TLS, a unix socket or the loopback interface.
// Threads: one core's; keys are derived on the plane's own thread.
// Source: PostgreSQL documentation, "Message Flow", "Start-up" and "SSL Session Encryption".
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "codec/pgwire/startup.hpp"
#include "net/stream.hpp"
#include "net/task.hpp"
#include "sql/session/server_error.hpp"
#include "sql/session/state.hpp"

namespace fairing::sql {

struct server_request {
  std::string user;
  std::string database;
  std::vector<std::pair<std::string, std::string>> parameters;
  credential_ptr secret;  // null: none is known
};

struct opened_server {
  std::unique_ptr<net::stream> stream;  // null: see error
  server_error error;
  pgwire::backend_key key;
  std::vector<std::pair<std::string, std::string>> status;  // ParameterStatus, as reported
  bool asked = false;  // PostgreSQL asked for a proof; false: it trusts
};

// PostgreSQL's ErrorResponse body.
[[nodiscard]] server_error read_server_error(std::string_view body);

struct connected {
  std::unique_ptr<net::stream> stream;  // null: see error
  server_error error;
};
// The socket, and TLS if `tls` (and sslmode lets it be without, if PostgreSQL has none).
net::task<connected> connect_server(core_part& part, runtime_ptr runtime, bool tls,
                                    mono_time deadline);
// With TLS or without, in the order that sslmode says.
[[nodiscard]] std::vector<bool> tls_attempts(const sql_runtime& r);
// StartupMessage; empty if it would be too long.
[[nodiscard]] std::string startup_text(const server_request& request);

net::task<opened_server> open_server(core_part& part, runtime_ptr runtime, server_request request,
                                     mono_time deadline);

// make_credential on the plane's own thread: a password takes milliseconds.
net::task<result<credential_ptr>> derive_credential(core_part& part, std::string text);

// Asks PostgreSQL to stop what runs behind that key; returns when it has closed the request's connection.
net::task<void> send_cancel(core_part& part, runtime_ptr runtime, pgwire::backend_key key);

}  // namespace fairing::sql
