// pool_size: how large a pool should be, whether the database bears it, what measured waits advise.
//
// Problem: most pools are far too large, a few too small, and nobody says which or why.
//
// Flow:
//   size = auto_size(cores, spindles);                       // `size: auto`
//   auto v = check_size({...});   v.level, v.text            // at start, on reload, and live
//   auto a = advise({...});       a.size, a.text             // from the numbers of a period
// Threads: any. Cost: not hot, the texts allocate.
// Source: PostgreSQL's wiki, "Number of database connections": cores * 2 + effective spindles.
// Little's law: servers in use on average = leases a second * seconds a lease. Square-root staffing
// (Halfin and Whitt): that many plus twice its square root keeps most from waiting.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "pool/pool_types.hpp"

namespace fairing::pool {

// Cores of the database, without hyper-threads; spindles: disks that seek, 0 when all is in memory.
[[nodiscard]] std::uint32_t auto_size(std::uint32_t cores, std::uint32_t spindles) noexcept;

enum class size_level : std::uint8_t {
  fits,      // with room to spare
  tight,     // it fits, but with little room for others
  too_many,  // PostgreSQL will refuse connections
};
struct size_question {
  std::uint32_t instances = 1;        // Fairings that share this database
  std::uint32_t size = 0;             // servers each of them may open
  std::uint32_t beside = 0;           // connections each opens beside its pool: the advice's
  std::uint32_t max_connections = 0;  // of PostgreSQL
  std::uint32_t reserved = 3;         // superuser_reserved_connections and reserved_connections
  std::uint32_t others = 0;           // connections of others now, from pg_stat_activity
};
struct size_verdict {
  size_level level;
  std::uint32_t most;  // the largest size that fits each instance
  std::string text;    // numbers, and what to do
};
[[nodiscard]] size_verdict check_size(const size_question& q);

// Differences of pool_totals and of the session layer's use over one period (pool_periods.hpp).
struct pool_period {
  microseconds length{0};      // of the period
  std::uint64_t leases = 0;    // that ended
  microseconds held{0};        // summed over them
  microseconds used{0};        // of that, while PostgreSQL worked
  std::uint64_t waited = 0;    // leases that had to wait
  microseconds wait{0};        // summed over those
  std::uint64_t timeouts = 0;  // clients that got nothing
  std::uint32_t size = 0;      // configured
  std::uint32_t formula = 0;   // auto_size() of this database
  std::uint32_t concurrency =
      0;  // transactions that may run at once; 0: as many as there are servers
};
enum class size_change : std::uint8_t {
  unknown,   // too few leases to say
  keep,      // it is right
  grow,      // clients wait, and the database would bear more
  shrink,    // it is never used in full
  shorten,   // clients wait because transactions idle: shorten them rather than grow
  database,  // clients wait for the database itself: more connections make it slower
};
struct size_advice {
  size_change change;
  std::uint32_t size;  // advised
  double busy;         // servers leased on average (Little)
  std::string text;
};
[[nodiscard]] std::string_view name(size_change c) noexcept;
[[nodiscard]] size_advice advise(const pool_period& p);

}  // namespace fairing::pool
