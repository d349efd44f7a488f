// sql_config: what fairing.yaml says of the sql plane, as plain values with their defaults.
//
// Filled by app/config (which checks it), read by the sql plane. Immutable once made: a reload makes a new one. Durations
// in milliseconds, sizes in bytes; nullopt means "not said".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace fairing::sql {

enum class pool_mode : std::uint8_t {
  transaction,  // a server for as long as a transaction lasts
  session,      // a server for as long as the client is connected
};

// Whether a statement may be sent to a server that still works for another client.
enum class ahead_mode : std::uint8_t {
  never,
  automatic,  // with concurrency auto, where that is found to be faster
  always,     // whenever clients wait
};

// As libpq's sslmode.
enum class ssl_mode : std::uint8_t {
  disable,      // never TLS
  allow,        // plain first, TLS if the server insists
  prefer,       // TLS if the server offers it
  require,      // TLS, any certificate
  verify_ca,    // TLS, a certificate of ssl_root
  verify_full,  // and it names the host
};

struct upstream_url {  // postgres://user:password@host:port/database?sslmode=...
  std::string host;    // name or address; a path (begins with /) is the directory of a unix socket
  std::uint16_t port = 5432;
  std::string user;      // empty: every client brings its own
  std::string password;  // secret
  std::string database;  // empty: the client's choice
  ssl_mode ssl = ssl_mode::prefer;
  std::string ssl_root;  // a PEM file; empty: the system's store
};

struct user_config {
  std::string name;
  std::string password;  // secret; or
  std::string scram;     // secret: SCRAM-SHA-256$iterations:salt$stored:server
};

struct sql_pool_config {
  pool_mode mode = pool_mode::transaction;
  std::optional<std::uint32_t> size;  // auto: database_cores * 2 + spindles
  std::optional<std::uint32_t>
      database_cores;  // auto: this machine's, where the database is on it, else 4
  std::uint32_t spindles = 1;
  std::optional<std::uint32_t> concurrency;  // transactions at once; auto: found by trying
  ahead_mode ahead = ahead_mode::automatic;
  bool gather = true;           // with concurrency auto, where that is found to be no slower
  std::uint32_t instances = 1;  // Fairings that share the database
  std::uint32_t min_idle = 0;   // opened ahead
  milliseconds wait_timeout{10'000};
  milliseconds idle_timeout{600'000};
  milliseconds max_lifetime{3'600'000};
  double max_pinned =
      0.5;  // share of size that clients may keep beyond their transaction; at least one
  std::uint32_t max_waiting = 10'000;
};

struct sql_limits_config {
  milliseconds connect{5'000};       // opening a server, TLS and log-in included
  milliseconds login{15'000};        // a client's start-up and log-in
  milliseconds transaction_idle{0};  // an open transaction without a statement; 0: no limit
  milliseconds statement{0};         // one statement; 0: no limit
  milliseconds client_write{
      60'000};  // a client that takes no byte of its answer for so long is cut off
  std::uint32_t connections = 10'000;  // clients at a time
  std::uint64_t statement_bytes = 16ULL << 20;
};

struct n_plus_one_config {
  bool detect = true;
  std::uint32_t least = 5;  // repeats that are reported
};

struct advise_config {
  bool run = true;             // look at plans and catalogue, on a connection of its own
  milliseconds every{60'000};  // a round at most
};

struct sql_config {
  std::string listen;          // LISTEN word
  std::string session_listen;  // empty: none. Session pooling, for migrations and dumps
  upstream_url upstream;
  std::vector<user_config> users;
  std::string auth_query;  // run as the upstream's user with $1 = name; gives name and secret
  std::string tls_cert, tls_key;  // towards clients; empty: plain
  sql_pool_config pool;
  sql_limits_config limits;
  n_plus_one_config n_plus_one;
  advise_config advise;
  milliseconds slow{100};  // a statement that takes longer is logged and counted
};

}  // namespace fairing::sql
