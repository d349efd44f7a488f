// job_columns: a job as the columns of a table, in one order for every SQL store and every statement.
//
// Problem: the stores keep the same row, and two lists of columns that are read by number drift apart.
//
// Flow:  "SELECT " + job_columns(with_bodies) + " FROM job ..."   ->   job_of(row, with_bodies)
//        Row has number(column) -> int64 and bytes(column) -> string_view, 0 and "" for NULL.
// The bodies, `result` and `payload`, are the last two. Threads: any; pure.
#pragma once

#include <optional>
#include <string>

#include "jobs/logic/job.hpp"
#include "jobs/logic/packed.hpp"
#include "jobs/logic/store.hpp"

namespace fairing::jobs {

inline constexpr int column_of_result = 22;
inline constexpr int column_of_payload = 23;
inline constexpr int job_column_count = 24;

[[nodiscard]] inline std::string job_columns(bool with_bodies) {
  std::string out =
      "id, queue, state, rank, priority, due_clock, due_ms, attempt, secret, parked, holds, bytes, "
      "finished_ms, created_ms, key, uniq, trace, spec, history, progress, result_type, "
      "result_status";
  if (with_bodies) out += ", result, payload";
  return out;
}

// What a row says that job_of() cannot read.
template <class Row>
[[nodiscard]] damaged_row damaged_of(const Row& r) {
  const auto state = r.number(2);
  const bool known = state >= 0 && state < static_cast<std::int64_t>(job_state_count);
  return {.id = from_sql(r.number(0)),
          .queue = static_cast<std::uint32_t>(r.number(1)),
          .state = known ? std::optional(static_cast<job_state>(state)) : std::nullopt,
          .parked = r.number(9) != 0,
          .holds_key = r.number(10) != 0,
          .bytes = static_cast<std::uint64_t>(r.number(11)),
          .key = std::string(r.bytes(14))};
}

// Nullopt: the row is damaged.
template <class Row>
[[nodiscard]] std::optional<job> job_of(const Row& r, bool with_bodies) {
  job j;
  j.id = from_sql(r.number(0));
  j.queue = static_cast<std::uint32_t>(r.number(1));
  const auto state = r.number(2);
  j.rank = r.number(3);
  j.priority = static_cast<std::int16_t>(r.number(4));
  j.due_clock = r.number(5) == 0 ? clock_kind::steady : clock_kind::wall;
  j.due_ms = r.number(6);
  j.attempt = static_cast<std::uint32_t>(r.number(7));
  j.secret = static_cast<std::uint64_t>(r.number(8));
  j.parked = r.number(9) != 0;
  j.holds_key = r.number(10) != 0;
  j.bytes = static_cast<std::uint64_t>(r.number(11));
  j.finished_ms = r.number(12);
  j.created_ms = r.number(13);
  j.key = r.bytes(14);
  j.unique = r.bytes(15);
  j.trace = r.bytes(16);
  if (state < 0 || state >= static_cast<std::int64_t>(job_state_count) ||
      !unpack_spec(r.bytes(17), j) || !unpack_history(r.bytes(18), j))
    return std::nullopt;
  j.state = static_cast<job_state>(state);
  j.progress = r.bytes(19);
  j.result_type = r.bytes(20);
  j.result_status = static_cast<std::uint16_t>(r.number(21));
  if (with_bodies) {
    j.result = r.bytes(column_of_result);
    j.payload = r.bytes(column_of_payload);
  }
  return j;
}

}  // namespace fairing::jobs
