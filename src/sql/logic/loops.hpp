// loops: the N+1 loops that were found, added up by statement and source: GET /v1/n_plus_one.
//
// Problem: a loop happens thousands of times; the report wants it once, with what it cost in all, the
// statement that would replace it and the fix in the words of the ORM.
//
// Flow (the core):   table.add(run, names, column, now_us);      // a run: advise/n_plus_one.hpp
//     (who asks):    body = n_plus_one_json(merge_loops({a.rows(..), b.rows(..)}), 50);
// At most 256 loops a core; those that cost least make room. Keys asked at random run down a column now and
// then; and begin to, and then do not, far more often. So a loop whose executions are under 1 % of its
// statement's is left out if the false starts that were seen would make one as long by chance; how often
// the statement runs elsewhere says nothing by itself.
// Lifecycle: one a core. Threads: the core's; rows() gives copies.
// Cost: a look-up a finished loop.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "advise/n_plus_one.hpp"
#include "base/clock.hpp"
#include "sql/logic/templates.hpp"

namespace fairing::sql {

// Runs of a statement's keys that ended too early to be loops (advise::run_sink).
struct false_starts_count {
  std::uint64_t starts = 0;
  std::uint64_t steps = 0;  // keys of them behind their second
};
using false_starts_of = std::unordered_map<std::uint32_t, false_starts_count>;  // by template

struct loop_row {
  std::uint64_t hash = 0;  // of the templates and the column: the same on all cores
  std::string text;        // template that was sent for each row
  std::string source;      // template whose rows were looped over
  std::string column;      // of that result
  std::uint32_t slot = 1;  // $slot of `text` that ran
  std::uint32_t type = 0;  // object id of the column's type
  advise::value_kind kind = advise::value_kind::integer;
  std::uint64_t loops = 0;
  std::uint64_t executions = 0;
  std::uint32_t longest = 0;        // executions of the longest loop
  std::int64_t lost_us = 0;         // durations of all executions but each loop's first
  std::uint64_t of_executions = 0;  // of the template in all
  false_starts_count false_starts;  // of the template in all
  std::int64_t first_seen_unix = 0;
  std::int64_t last_seen_unix = 0;
  std::vector<route_share> routes;

  [[nodiscard]] std::uint64_t round_trips_lost() const noexcept { return executions - loops; }
};

// What a run's ids stand for.
struct loop_names {
  std::uint32_t text = 0;  // of template_table
  std::uint32_t source = 0;
  std::string_view column;
  std::uint32_t slot = 1;
  std::uint32_t type = 0;
};

class loop_table {
 public:
  static constexpr std::size_t most = 256;

  void add(const advise::run& r, const loop_names& names);
  [[nodiscard]] std::vector<loop_row> rows(const template_table& templates,
                                           const false_starts_of& false_starts,
                                           const route_names& routes, std::int64_t now_us,
                                           wall_time now) const;
  // Loops and their executions since the start.
  [[nodiscard]] std::uint64_t loops() const noexcept { return loops_; }
  [[nodiscard]] std::uint64_t executions() const noexcept { return executions_; }

 private:
  struct route_count {
    std::uint32_t route = 0;
    std::uint64_t count = 0;
    std::int64_t lost_us = 0;
  };
  struct entry {
    std::uint32_t text = 0;
    std::uint32_t source = 0;
    std::string column;
    std::uint32_t slot = 1;
    std::uint32_t type = 0;
    advise::value_kind kind = advise::value_kind::integer;
    std::uint64_t loops = 0;
    std::uint64_t executions = 0;
    std::uint32_t longest = 0;
    std::int64_t lost_us = 0;
    std::int64_t first_us = 0;
    std::int64_t last_us = 0;
    std::vector<route_count> routes;  // at most 16
  };
  std::vector<entry> entries_;
  std::uint64_t loops_ = 0;
  std::uint64_t executions_ = 0;
};

// The same loops of several cores added up; those that chance explains left out; those that lost most first.
[[nodiscard]] std::vector<loop_row> merge_loops(std::vector<std::vector<loop_row>> of_cores);

// Milliseconds that one query in place of each loop would save: an estimate. A key in a batch was measured
// to cost a tenth of a query of its own (PostgreSQL 15, 100 keys, lateral form).
[[nodiscard]] double eager_saves_ms(const loop_row& r) noexcept;

// {"items":[{"template","source":{"template","column"},"count","lost_ms","batched_sql","eager",..}],"next":null}
[[nodiscard]] std::string n_plus_one_json(const std::vector<loop_row>& rows, std::size_t limit);

}  // namespace fairing::sql
