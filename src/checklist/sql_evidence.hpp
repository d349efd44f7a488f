// sql_evidence: what the sql plane tells the checklist: plain values, for points 1, 2, 3, 4, 8 and 10.
//
// Problem: as with http evidence, a grade must be tested without a database; and the checklist may not
// know the plane. So the plane fills these (from its templates, loops, pools, advice and configuration).
//
// Flow:  sql_evidence e; e.configured = true; ...;  grade_all(snapshot, sites, e)
// Texts bear no values of statements: templates only. Units are in the names.
// Threads: values; no state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace fairing::checklist {

// A finding of the index advice.
struct index_fact {
  std::string table;
  std::vector<std::string> columns;
  std::string fault;         // "statements look rows up by it, and no index serves that"
  std::string statement;     // CREATE INDEX CONCURRENTLY ..., DROP INDEX CONCURRENTLY ...
  std::string caution = {};  // what to see to before it is run; empty: nothing
  double gain = 0;  // share of the statements' cost that goes; 0 unknown, or none (unused ones)
  bool verified = false;  // a plan with the index was seen to be cheaper
  std::string size = {};  // "1.2 MiB": what it takes, or frees when dropped; empty: not known
};

// An N+1 loop.
struct loop_fact {
  std::string text;    // template sent for each row
  std::string source;  // template whose rows were looped over
  std::string column;
  std::string batched_sql;
  std::string eager;  // "with django: CODE" of the framework; of some where it is not known
  std::uint64_t loops = 0;
  std::uint64_t executions = 0;
  std::uint32_t longest = 0;
  double lost_ms = 0;
};

// A template that pages by OFFSET, or returns everything.
struct page_fact {
  std::string text;
  bool unbounded = false;  // no LIMIT, and over 10,000 rows
  std::int64_t deepest = 0;
  std::uint64_t executions = 0;             // with OFFSET, or unbounded
  std::uint64_t most_rows = 0;              // of an unbounded one
  std::optional<std::uint64_t> table_rows;  // of the largest table in it, where known
  std::string keyset;                       // the form to use; may be empty
  bool keyless = false;                     // its table is known to have no key
};

// Does the pool's size fit max_connections? As pool::size_level.
enum class pool_fit : std::uint8_t {
  unknown,   // max_connections is not known yet
  fits,      // with room
  tight,     // with little room
  too_many,  // PostgreSQL will refuse connections
};

struct pool_fact {
  std::string name;  // user and database
  std::uint32_t size = 0;
  std::uint32_t formula = 0;  // database_cores * 2 + spindles
  pool_fit fit = pool_fit::unknown;
  std::string fit_text;  // numbers, and what to do
  std::uint64_t leases = 0;
  std::uint64_t waited = 0;     // leases that had to wait
  std::uint64_t timeouts = 0;   // clients that got none for want of room, most after wait_timeout
  std::uint64_t unserved = 0;   // clients that got none for another reason
  std::string last_fault = {};  // of opening a connection; empty: there was none
  bool postgres_full = false;   // it was that PostgreSQL had none left
  std::int64_t wait_p95_us = 0;
  std::uint32_t pinned = 0;  // connections that clients keep beyond a transaction now
  std::uint32_t max_pinned = 0;
  std::uint64_t pins_refused = 0;  // statements that would have kept one more
  std::string pins = {};           // since the start, by reason: "listen 3, temp_table 1"
  std::uint32_t advised_size = 0;  // what fits max_connections; 0: nothing to say
};

// What the waits of the busiest minutes say about sql.pool.size: of all pools together.
struct sizing_fact {
  bool waits = false;      // clients waited: `text` says what is to be done about it
  std::uint32_t size = 0;  // advised
  std::string text;        // numbers, and what to do; empty: too little was seen
};

struct sql_evidence {
  bool configured = false;
  bool detect = true;            // sql.n_plus_one.detect
  std::uint64_t statements = 0;  // seen in all
  std::uint64_t reads = 0;       // of them SELECT
  bool analysed = false;         // the index advice has run at least once
  std::string advice_off;        // why it did not, or does not any more; empty: nothing is wrong
  std::uint32_t templates_analysed = 0;
  std::uint32_t templates_missed = 0;  // that could not be analysed
  std::string first_missed;            // "not analysed: STATEMENT: why"
  std::vector<index_fact> indexes;
  std::vector<loop_fact> loops;
  std::vector<page_fact> pages;
  std::vector<pool_fact> pools;
  sizing_fact sizing;
  std::string upstream_fault;                // why PostgreSQL lets nobody in; empty: it does
  milliseconds statement_limit{0};           // sql.limits.statement; 0 none
  milliseconds transaction_idle_limit{0};    // sql.limits.transaction_idle; 0 none
  milliseconds connect_limit{5000};          // sql.limits.connect
  milliseconds wait_timeout{10'000};         // sql.pool.wait_timeout
  std::string admin;                         // where /metrics is: "127.0.0.1:9900", "unix:PATH"
  std::optional<milliseconds> since_scrape;  // since it was last read; nullopt: never
};

}  // namespace fairing::checklist
