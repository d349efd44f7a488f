// sqlite_reader: lists and searches for people, on a connection of their own.
//
// Problem: a search for a text has to look at rows one by one. It must not stop the writer, hold the log open for long,
// or run for minutes; so each call has 250 ms, gives what it found, and `next` says where to go on.
//
// Flow:  auto page = r.find({.queue = 3, .state = job_state::dead, .text = "4711"});   again with .after = page->next
// Order: newest id first; finished jobs of one queue and state: by the end, newest first.
// An exact id, key or unique name is found by the same look at rows, an id at once.
// Threads: one at a time.
#pragma once

#include <cstdint>

#include "jobs/logic/store.hpp"
#include "jobs/store/sqlite/database.hpp"
#include "jobs/store/sqlite/job_row.hpp"

namespace fairing::jobs::sqlite {

struct cursor {  // where a page ended
  std::int64_t order = INT64_MAX;
  std::int64_t id = INT64_MAX;
};

class sqlite_reader final : public reader {
 public:
  explicit sqlite_reader(database db) noexcept;
  result<job> load(job_id id) override;
  result<job_page> find(const job_query& q) override;
  result<std::vector<error_group>> errors(std::optional<std::uint32_t> queue,
                                          std::size_t most) override;

 private:
  result<job_page> collect(statement& s, const job_query& q, bool by_end, cursor at);
  result<void> fetch(job& j, const far_bodies& far);

  database db_;
  std::int64_t until_us_ = 0;  // when the call at hand has to end
};

}  // namespace fairing::jobs::sqlite
