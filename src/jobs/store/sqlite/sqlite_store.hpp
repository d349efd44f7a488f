// sqlite_store: the jobs plane's default store: one SQLite file beside the program.
//
// Problem: jobs must survive power loss without a broker to install. SQLite in WAL mode with synchronous=FULL makes a
// commit durable with one fsync, and the writer groups what comes meanwhile into the next.
//
// Flow:  auto s = open_sqlite({.path = "fairing-jobs.db"});     // errc::store_failed: held by another, newer, not ours
//        the calls of `store`, and upkeep() between batches
//        auto r = open_sqlite_reader("fairing-jobs.db");        // other threads, for people
// Durability: what commit() answered ok to is on the disk, if the disk's flush does what it says; also where a flush
// failed before and the store was opened again (settled_log).
// The file has to stay where it is: each 0.1 s a batch begins with a look whether the path still leads to it.
// Checkpoints: the WAL is copied into the file by a thread with its own connection once it has grown by 32 MiB, so that
// commits do not wait for it; the last bit is done by upkeep(), else the log would never begin anew.
// Mode 0600. One process a file (file_lock). Threads: one; the checkpoint thread is its own.
// Sources: SQLite's documentation (WAL, pragma synchronous, partial indexes).
#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jobs/logic/store.hpp"
#include "jobs/store/sqlite/checkpointer.hpp"
#include "jobs/store/sqlite/database.hpp"
#include "jobs/store/sqlite/file_lock.hpp"
#include "jobs/store/sqlite/job_row.hpp"
#include "jobs/store/sqlite/read_ahead.hpp"
#include "jobs/store/sqlite/statements.hpp"

namespace fairing::jobs {

enum class sqlite_sync {
  full,    // a commit is on the disk
  normal,  // a commit may be lost by power loss: to show that tests of power loss see it
  off,     // nothing is ever flushed: for tests of rules
};
struct sqlite_options {
  std::string path;
  sqlite_sync sync = sqlite_sync::full;
  bool create = true;  // false: it was there before, and is not made anew where it is gone
};
result<std::unique_ptr<store>> open_sqlite(const sqlite_options& o);
result<std::unique_ptr<reader>> open_sqlite_reader(const std::string& path);

namespace sqlite {

class sqlite_store final : public store {
 public:
  sqlite_store(sqlite_options o, file_lock lock, database db) noexcept;
  ~sqlite_store() override;
  // Pragmas, tables, statements; `file` as it was opened before SQLite did.
  result<void> start(const mapped_file& file);

  [[nodiscard]] capabilities can() const noexcept override { return {}; }
  result<void> begin() override;
  result<void> commit() override;
  void rollback() noexcept override;

  result<std::vector<queue_row>> queues() override;
  result<std::uint32_t> add_queue(std::string_view name) override;
  result<void> save_queue(const queue_row& q) override;
  result<void> drop_queue(std::uint32_t number) override;
  result<queue_counts> counts(std::uint32_t queue) override;

  result<void> put(const job& j) override;
  result<job> load(job_id id, bool with_payload) override;
  result<void> save(const job& j, std::uint32_t parts) override;
  result<void> erase(std::span<const job_id> ids) override;
  result<std::vector<job>> ready(std::uint32_t queue, std::size_t most,
                                 std::uint64_t most_bytes) override;
  result<std::vector<rank_row>> first_ranks(std::uint32_t queue) override;
  result<std::vector<job_id>> ranked_up_to(std::uint32_t queue, std::int64_t rank,
                                           std::size_t most) override;
  result<std::optional<key_row>> first_parked_behind(std::uint32_t queue,
                                                     std::string_view key) override;
  result<std::uint64_t> drop_failures_before(std::uint32_t queue, std::int64_t wall_ms) override;
  result<std::vector<rank_row>> ranks_from(std::uint32_t queue, std::int64_t rank,
                                           std::size_t most) override;
  result<std::uint32_t> active_of(std::uint32_t queue, std::string_view key) override;
  result<std::optional<job_id>> first_parked(std::uint32_t queue, std::string_view key) override;
  result<std::vector<job_id>> parked(std::uint32_t queue, std::size_t most) override;
  result<std::vector<job_id>> unheld(std::uint32_t queue, std::size_t most) override;
  result<std::vector<job_id>> due(clock_kind clock, std::int64_t until_ms,
                                  std::size_t most) override;
  result<std::vector<job_id>> expired(std::int64_t until_ms, std::size_t most) override;
  result<std::optional<std::int64_t>> next_due(clock_kind clock) override;
  result<std::optional<std::int64_t>> next_expiry() override;
  result<std::vector<finished_row>> finished_before(std::uint32_t queue, job_state s,
                                                    const finished_row& after,
                                                    std::int64_t before_ms,
                                                    std::size_t most) override;
  result<std::int64_t> newest_finished(std::uint32_t queue, job_state s) override;
  result<cleared> clear(std::uint32_t queue, job_id up_to, std::size_t most) override;
  result<void> count_failure(const job& j, std::string_view normalised,
                             std::int64_t wall_ms) override;
  std::vector<damaged_row> damaged() override { return std::exchange(damaged_, {}); }
  result<job_id> last_id() override;

  result<std::optional<unique_row>> find_unique(std::string_view scope,
                                                std::string_view name) override;
  result<void> put_unique(std::string_view scope, std::string_view name,
                          const unique_row& u) override;
  result<void> drop_unique(std::string_view scope, std::string_view name) override;
  result<std::uint64_t> drop_uniques_before(std::int64_t wall_ms, std::size_t most) override;

  result<std::optional<std::string>> fact(std::string_view name) override;
  result<std::vector<std::pair<std::string, std::string>>> facts(std::string_view prefix) override;
  result<void> set_fact(std::string_view name, std::string_view value) override;
  result<void> drop_fact(std::string_view name) override;

  [[nodiscard]] std::uint64_t used_bytes() noexcept override;
  [[nodiscard]] std::uint64_t free_bytes() noexcept override;
  void keep_free(std::uint64_t bytes) noexcept override { keep_free_ = bytes; }
  void upkeep() noexcept override;
  [[nodiscard]] bool wants_upkeep() const noexcept override { return cramped_; }

 private:
  [[nodiscard]] statement& use(sql which) noexcept;
  statement* save_statement(std::uint32_t parts, result<void>& outcome);
  // Every error goes through here: one that says the disk is not what was written fences the store.
  std::unexpected<error> failed(const error& e) noexcept;
  result<void> check() const;  // errc::fenced once it is
  result<void> check_file();   // errc::fenced where the path leads to another file, or none
  result<std::vector<job_id>> ids_of(statement& s);
  // The first column of the first row; nullopt: there is none.
  result<std::optional<std::int64_t>> first_number(statement& s);
  result<void> fetch_bodies(job& j, const far_bodies& far);
  result<void> write_body(sql which, job_id id, std::string_view body);
  result<void> erase_one(job_id id);
  result<void> raise_last_id(job_id id);
  result<void> set_aside(damaged_row row);
  result<std::vector<job>> read_ready(std::uint32_t queue, std::size_t most,
                                      std::uint64_t most_bytes, std::vector<damaged_row>& damaged);
  result<std::uint64_t> clear_some(sql which, std::uint32_t queue, job_id up_to, std::size_t most,
                                   cleared& out);
  [[nodiscard]] std::uint64_t disk_free() const noexcept;
  [[nodiscard]] std::uint64_t unused_pages() noexcept;

  sqlite_options options_;
  file_lock lock_;
  database db_;
  std::array<statement, sql_count> statements_;
  std::array<statement, 32> saves_;  // by parts
  std::unique_ptr<checkpointer> checkpoints_;
  bool in_batch_ = false;
  bool fenced_ = false;
  bool has_bodies_ = false;           // there may be rows in the side tables
  std::vector<damaged_row> damaged_;  // see damaged()
  job_id erased_up_to_ = 0;           // the largest id that was erased; kept as a fact
  std::uint32_t vacuums_ = 0;
  std::uint64_t keep_free_ = 0;
  bool cramped_ = false;        // less is free than is to be, and the file has pages to give back
  std::int64_t looked_us_ = 0;  // at the path
};

}  // namespace sqlite
}  // namespace fairing::jobs
