// config: what fairing.yaml, the flags and the environment say, as plain values with their
// defaults.
//
// Filled by decode.hpp from the table in schema_table.cpp, checked by check.hpp, read by the
// wiring. Immutable once made: a reload makes a new one and swaps it. Durations in milliseconds,
// sizes in bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "http/logic/site_config.hpp"
#include "jobs/logic/queue_config.hpp"
#include "sql/logic/sql_config.hpp"

namespace fairing::config {

struct log_config {
  log::level level = log::level::info;
  log::format format = log::format::json;
};

struct access_log_config {
  std::string to = "off";  // off | stderr | stdout | a path
  bool buffered = true;    // false: a write a line
};

struct drain_config {
  milliseconds lame_duck{0};     // readiness fails for so long before the listeners close
  milliseconds timeout{30'000};  // then what is in flight may finish
};

struct runtime_config {
  std::uint32_t threads = 0;  // cores to serve on; 0: all
  std::string dir;            // holds the token; empty: runtime_directory() picks
  log_config log;
  access_log_config access_log;
  drain_config drain;
};

struct instance_config {
  std::string id;           // empty: the host's name
  std::uint32_t count = 1;  // how many Fairings share this work
};

struct admin_config {
  std::string listen = "127.0.0.1:9900";  // "off": none
  bool listen_of_variable = false;        // FAIRING_ADMIN gave `listen`, not the file or a flag
  std::string token;                      // empty: one is made at start
};

struct cache_config {
  std::uint64_t memory = 256ULL * 1024 * 1024;  // L1, all planes
};

struct config {
  runtime_config runtime;
  instance_config instance;
  admin_config admin;
  std::vector<std::string> trusted_proxies;  // whose X-Forwarded-* and PROXY headers count
  cache_config cache;
  std::vector<http::site_config> http;
  std::optional<sql::sql_config> sql;            // without it the plane is off
  std::optional<jobs::jobs_config> jobs;         // without it the plane is off
  std::vector<std::string> sql_ignored_options;  // of sql.upstream, that the driver keeps to itself
};

}  // namespace fairing::config
