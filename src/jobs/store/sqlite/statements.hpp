// statements: the SQL of the store, each text once, prepared when the store opens.
//
// Threads: constants.
#pragma once

#include <array>
#include <cstddef>
#include <string>

namespace fairing::jobs::sqlite {

enum class sql : std::size_t {
  begin,
  commit,
  rollback,
  add_queue,
  find_queue,
  save_queue,
  put,
  load_head,
  load_whole,
  erase_job,
  erase_payload,
  erase_result,
  ready,
  next_priority,
  ranks_from,
  ranked_up_to,
  active_of,
  first_parked,
  parked,
  next_parked_key,
  due,
  expired,
  next_due,
  next_expiry,
  finished_before,
  newest_finished,
  clear_ready,
  clear_parked,
  clear_scheduled,
  count_failure,
  add_failure,
  count_groups,
  mark_failure,
  drop_failures,
  find_unique,
  put_unique,
  drop_unique,
  drop_uniques,
  fact,
  set_fact,
  drop_fact,
  payload,
  result,
  put_payload,
  put_result,
  last_one,
};
inline constexpr std::size_t sql_count = static_cast<std::size_t>(sql::last_one);

// In the order of `sql`.
[[nodiscard]] std::array<std::string, sql_count> statement_texts();
// Writes these parts (jobs::part) of a job: ?1 is its id, then the columns of each part in the order of its bit.
[[nodiscard]] std::string save_text(unsigned parts);

}  // namespace fairing::jobs::sqlite
