// templates: statistics of each statement template, one table a core, merged when somebody asks.
//
// Problem: which statements cost the database its time, whatever values they bear? Counted on each
// execution, so without a lock, a look-up by text or an allocation; and no value of a statement may ever
// show in what is told.
//
// Flow (the core):      id = table.intern(analyzer);  table.add(id, {.duration_us = 830, .rows = 10});
//      (who asks):      rows = merge({a.rows(..), b.rows(..)});  body = queries_json(rows, 50, query_sort::total);
// At most 5,000 templates a core; later ones share the row `other` (id 0, text "(other)"). Of a template eight
// routes are told apart, of a core 256; the rest is "(other)".
// Lifecycle: one a core, for as long as the plane runs. Threads: the core's; rows() gives copies.
// Cost: add() is about 10 ns; about 2.5 KiB a template.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "advise/pagination.hpp"
#include "base/clock.hpp"
#include "codec/sql_lexer/analyzer.hpp"

namespace fairing::sql {

// Durations in microseconds, four buckets an octave up to 67 s.
class latency_histogram {
 public:
  static constexpr std::size_t buckets = 104;
  void add(std::int64_t us) noexcept;
  void merge(const latency_histogram& o) noexcept;
  // Under which a share q of them lies, in microseconds, interpolated; 0 without any.
  [[nodiscard]] std::int64_t quantile(double q) const noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  // Buckets an octave wide that have something, the shortest first.
  struct octave {
    std::int64_t below_us = 0;
    std::uint64_t count = 0;
  };
  [[nodiscard]] std::vector<octave> octaves() const;

 private:
  std::array<std::uint32_t, buckets> cells_{};
  std::uint64_t count_ = 0;
};

// Names of routes, from comments in statements. Bounded; id 0 is none.
class route_names {
 public:
  static constexpr std::uint32_t most = 256;
  // Ids in the path ("/users/42") become {id}: a route is a template.
  [[nodiscard]] std::uint32_t intern(std::string_view route);
  [[nodiscard]] std::string_view name(std::uint32_t id) const noexcept;

 private:
  std::vector<std::string> names_{""};
  boost::unordered_flat_map<std::string, std::uint32_t> ids_;
};
// "/users/42/orders" gives "/users/{id}/orders"; at most 128 bytes.
[[nodiscard]] std::string route_template(std::string_view route);

struct execution_stats {
  std::int64_t duration_us = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint32_t route = 0;  // of route_names
  bool failed = false;
  bool in_transaction = false;  // of an explicit transaction
};

// As latency_histogram, one bucket an octave: for the many routes.
class coarse_histogram {
 public:
  static constexpr std::size_t buckets = 28;
  void add(std::int64_t us) noexcept;
  void merge(const coarse_histogram& o) noexcept;
  [[nodiscard]] std::int64_t quantile(double q) const noexcept;

 private:
  std::array<std::uint32_t, buckets> cells_{};
};

struct template_counts {
  std::uint64_t count = 0;
  std::uint64_t errors = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::uint64_t slow = 0;  // took longer than sql.slow
  std::uint64_t in_transaction = 0;
  std::int64_t transaction_us = 0;  // of those in_transaction
  std::int64_t total_us = 0;
  std::int64_t max_us = 0;
  latency_histogram latency;
  advise::page_watch pages;

  void merge(const template_counts& o) noexcept;
};

struct route_share {
  std::string route;
  std::uint64_t count = 0;
  std::int64_t total_us = 0;
};

// Of one template on one route.
struct route_counts {
  std::uint64_t count = 0;
  std::uint64_t errors = 0;
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;
  std::int64_t total_us = 0;
  std::int64_t transaction_us = 0;  // of those in an explicit transaction
  std::int64_t max_us = 0;
  coarse_histogram latency;

  void add(const execution_stats& s) noexcept;
  void merge(const route_counts& o) noexcept;
};
struct template_route {
  std::string route;
  route_counts counts;
};

// One template as it is told.
struct template_row {
  std::uint64_t hash = 0;  // the same on all cores of a process
  std::string text;        // printed: no values
  std::string kind;        // "select", "insert" ...
  std::vector<std::string> tables;
  template_counts counts;
  std::vector<template_route> routes;
  std::int64_t last_seen_unix = 0;               // seconds
  std::vector<std::string> databases = {};       // where it ran; "(other)": in more than eight
  std::optional<std::uint64_t> table_rows = {};  // of the largest of `tables`, where it is known
  advise::row_key key = {};                      // of `tables`, where it is known
};

class template_table {
 public:
  static constexpr std::uint32_t most = 5000;
  static constexpr std::uint32_t other = 0;

  explicit template_table(std::int64_t slow_us = 100'000);
  void set_slow(std::int64_t us) noexcept { slow_us_ = us; }
  // Of an analyzer that ran with all parts.
  [[nodiscard]] std::uint32_t intern(const codec::sql_lexer::analyzer& a, std::string_view text);
  void add(std::uint32_t id, const execution_stats& s, std::int64_t now_us) noexcept;
  void on_page(std::uint32_t id, std::int64_t limit, std::int64_t offset) noexcept {
    rows_[id].counts.pages.on_execution(limit, offset);
  }
  // It is sent to that database, too.
  void note_database(std::uint32_t id, std::string_view database);
  // Whether a slow execution of it is worth a line in the log: one a minute is.
  [[nodiscard]] bool is_news(std::uint32_t id, std::int64_t now_us) noexcept;
  [[nodiscard]] std::uint64_t hash(std::uint32_t id) const noexcept { return rows_[id].hash; }
  [[nodiscard]] const std::string& text(std::uint32_t id) const noexcept { return rows_[id].text; }
  [[nodiscard]] std::uint64_t count(std::uint32_t id) const noexcept {
    return rows_[id].counts.count;
  }
  [[nodiscard]] std::size_t size() const noexcept { return rows_.size() - 1; }
  // What was executed; `now` tells when now_us is.
  [[nodiscard]] std::vector<template_row> rows(const route_names& routes, std::int64_t now_us,
                                               wall_time now) const;

 private:
  struct route_count {
    std::uint32_t route = 0;
    route_counts counts;
  };
  struct entry {
    std::uint64_t hash = 0;
    std::string text;
    std::string_view kind;
    std::vector<std::string> tables;
    std::vector<std::string> databases;
    bool reads = false;
    bool has_limit = false;
    template_counts counts;
    std::array<route_count, 8> routes{};
    std::int64_t last_us = 0;
    std::int64_t told_us = -1;  // when the log had it
  };
  void add_route(entry& e, const execution_stats& s) noexcept;

  std::int64_t slow_us_;
  std::vector<entry> rows_;
  boost::unordered_flat_map<std::uint64_t, std::uint32_t> ids_;
};

// "select", "insert", "begin", "ddl", ...: the statement_kind in a word.
[[nodiscard]] std::string_view kind_name(codec::sql_lexer::statement_kind k) noexcept;

// Rows of several cores as one list, templates that are the same added up.
[[nodiscard]] std::vector<template_row> merge(std::vector<std::vector<template_row>> of_cores);

enum class query_sort : std::uint8_t {
  total,   // time in all
  count,   // executions
  mean,    // time of one
  p95,     // time under which 95 % lie
  rows,    // rows given
  errors,  // failures
};
// `total` for a word that is none of them.
[[nodiscard]] query_sort query_sort_of(std::string_view word) noexcept;

// {"items":[{"template":..., ...}],"next":null}: GET /v1/queries.
[[nodiscard]] std::string queries_json(std::vector<template_row> rows, std::size_t limit,
                                       query_sort by);

}  // namespace fairing::sql
