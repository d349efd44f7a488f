// plane: the sql plane of one process: its listeners, its pools, and what others are told of them.
//
// Flow:   auto p = sql_plane::open(cores, registry, config);   // binds; before the cores start
//         (*p)->start(); ... (*p)->reload(next); ... (*p)->begin_drain(); ... connections() == 0 or time is over;
//         (*p)->close();                                        // while the cores still run
//         cores.stop(); then the plane is destroyed
// Threads: the main thread, but for connections(), upstream() and pools_json(): any; queries() and loops(): any but a core.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "bus/write_sets.hpp"
#include "metrics/registry.hpp"
#include "net/core.hpp"
#include "pool/pool_size.hpp"
#include "sql/logic/loops.hpp"
#include "sql/logic/sql_config.hpp"
#include "sql/logic/templates.hpp"

namespace fairing::sql {

// One user's servers of one database, for the checklist.
struct pool_report {
  std::string name;  // user and database, in words
  std::string user;
  std::string database;
  std::uint32_t size = 0;     // servers that all pools together may have
  std::uint32_t formula = 0;  // database_cores * 2 + spindles
  std::uint64_t leases = 0;
  std::uint64_t waited = 0;    // of them, after a wait
  std::uint64_t refused = 0;   // clients that got none
  std::uint64_t no_room = 0;   // of them, for want of room
  std::string last_fault;      // of opening a server, with its SQLSTATE; empty: there was none
  bool postgres_full = false;  // it was that PostgreSQL had no connection left
  std::int64_t wait_p95_us = 0;
  std::uint32_t pinned = 0;  // now
  std::uint32_t max_pinned = 0;
  std::uint64_t pins_refused = 0;
  std::string pins;  // since the start, by reason: "listen 3, temp_table 1"
};

// Whether PostgreSQL lets Fairing in, as far as is known.
struct upstream_report {
  bool up = true;      // or not tried yet
  std::string where;   // HOST:PORT, or a socket's directory
  std::string detail;  // in words that anyone may read
  std::string fault;   // what was met; empty: nothing
};

class sql_plane {
 public:
  // Reads certificates, derives keys, binds. An error names the key of the configuration. `writes` gets those of
  // watched traces; null: nobody asks.
  static result<std::unique_ptr<sql_plane>> open(net::core_group& cores,
                                                 metrics::registry& registry,
                                                 const sql_config& config,
                                                 bus::write_sets* writes = nullptr);
  ~sql_plane();
  sql_plane(const sql_plane&) = delete;
  sql_plane& operator=(const sql_plane&) = delete;

  void start();
  // Of listen, then of session_listen.
  [[nodiscard]] std::vector<std::string> addresses() const;
  // What changed, a line each; or why it cannot: then nothing has.
  result<std::vector<std::string>> reload(const sql_config& next);
  // No new clients; those that are idle are sent away, the others when their transaction ends.
  void begin_drain();
  // Clients, those that log in included.
  [[nodiscard]] std::int64_t connections() const noexcept;
  // {"items":[...],"sizing":{...}}, an item a user, database and mode.
  [[nodiscard]] std::string pools_json() const;
  [[nodiscard]] std::vector<pool_report> pools() const;
  // What the waits of the last hour's busiest five minutes say about sql.pool.size.
  [[nodiscard]] pool::size_advice sizing() const;
  [[nodiscard]] upstream_report upstream() const;
  [[nodiscard]] sql_config config() const;        // the one in force
  [[nodiscard]] std::uint32_t pool_size() const;  // servers over all pools, `auto` resolved
  // What was seen of the statements, all cores: for /v1/queries, /v1/n_plus_one and the checklist. Not from a core.
  [[nodiscard]] std::vector<template_row> queries() const;
  [[nodiscard]] std::vector<loop_row> loops() const;
  // Clients that are left get FATAL, servers Terminate; waits for them, two seconds at most.
  void close();

 private:
  struct parts;
  explicit sql_plane(std::unique_ptr<parts> p);
  std::unique_ptr<parts> parts_;
};

}  // namespace fairing::sql
