// postgres_url: `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=...` as sql.upstream has it.
//
// Problem: the same URL that the application's driver is given (DATABASE_URL) must work here, in libpq's reading of it;
// and its password must come into no message, log or answer, however broken the URL is.
//
// Flow:  auto u = parse_postgres_url(text, problem);          // nullopt: `problem` says why, and repeats no secret
//        to_text(u->upstream, password_shown::masked);        // postgres://app:***@127.0.0.1:5432/shop
// Forms: scheme postgres or postgresql; percent-encoding in user, password, host, database and options; [V6] hosts; a
// unix socket's directory as ?host=/run/postgresql, as host %2Frun%2Fpostgresql, or by an empty host
// (/var/run/postgresql). Options: sslmode, sslrootcert, host, port, user, password, dbname. What only the application's
// driver looks at is left alone and named in `ignored`; any other option is an error.
// Threads: any; pure. Source: PostgreSQL 15 libpq-connect, "Connection URIs" and "Parameter Key Words".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/config/address.hpp"
#include "sql/logic/sql_config.hpp"

namespace fairing::config {

struct postgres_url {
  sql::upstream_url upstream;
  std::vector<std::string>
      ignored;  // options that are the driver's own: "schema", "connect_timeout"
};

[[nodiscard]] std::optional<postgres_url> parse_postgres_url(std::string_view text,
                                                             std::string& problem);

enum class password_shown : std::uint8_t {
  whole,   // to be compared, never to be printed
  masked,  // ***
};
// The URL in its plain form; what is the default is left out.
[[nodiscard]] std::string to_text(const sql::upstream_url& u, password_shown password);

// Whether who connects to the URL comes out at that listener.
[[nodiscard]] bool leads_to(const sql::upstream_url& u, const listen_address& a);

// Any text that may be such a URL, right or wrong, with everything that may be a password as ***.
[[nodiscard]] std::string masked(std::string_view url);

}  // namespace fairing::config
