// statements: the SQL of the store, each text once, prepared when the store opens.
//
// Threads: constants.
#pragma once

#include <cstddef>
#include <vector>

#include "jobs/store/postgres/session.hpp"

namespace fairing::jobs::postgres {

enum class sql : std::size_t {
  queues,
  add_queue,
  find_queue,
  save_queue,
  drop_jobs,  // the next five: drop_queue
  drop_names,
  drop_failures,
  drop_number,
  last_of_queue,
  counts,
  put,
  load_head,
  load_whole,
  erase,
  set_aside,
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
  drop_old_failures,
  last_id,
  find_unique,
  put_unique,
  drop_unique,
  drop_uniques,
  fact,
  facts,
  set_fact,
  drop_fact,
  outbox,
  outbox_done,
  outbox_refused,
  save,  // and the 31 that follow: by parts (jobs::part), the parts as an offset
};
inline constexpr std::size_t save_count = 32;

// In the order of `sql`; the save with offset 0 is not used.
[[nodiscard]] std::vector<statement_text> statement_texts();

}  // namespace fairing::jobs::postgres
