// postgres_reader: lists and searches for people, on a connection of their own.
//
// Problem: a search for a text has to look at rows one by one, and must not run for minutes on the application's database.
// So rows are looked at by the server, 500 at a time along an index, for 250 ms; `next` says where to go on.
//
// Flow:  auto page = r.find({.queue = 3, .state = job_state::dead, .text = "4711"});   again with .after = page->next
// Order: newest id first; finished jobs of one queue and state: by the end, newest first.
// A lost connection is opened again by the next call. An instance that stands by reads, too. Threads: one at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "jobs/logic/store.hpp"
#include "jobs/store/postgres/session.hpp"

namespace fairing::jobs::postgres {

class postgres_reader final : public reader {
 public:
  explicit postgres_reader(std::string url) noexcept : url_(std::move(url)) {}
  result<job> load(job_id id) override;
  result<job_page> find(const job_query& q) override;
  result<std::vector<error_group>> errors(std::optional<std::uint32_t> queue,
                                          std::size_t most) override;

 private:
  struct place {  // where a page ended
    std::int64_t order = INT64_MAX;
    std::int64_t id = INT64_MAX;
  };
  static std::optional<place> place_of(std::string_view text);
  result<void> open();
  result<rows> ask(std::size_t which, const params& p);

  std::string url_;
  std::optional<session> session_;
};

}  // namespace fairing::jobs::postgres
