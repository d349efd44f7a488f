// postgres_store: the jobs plane's store in a PostgreSQL database: schema `fairing`, beside the application's tables.
//
// Problem: where a database is at hand already, jobs should be as safe as its data, survive the machine that Fairing runs
// on, and be put by the application inside its own transaction.
//
// Flow:  auto s = open_postgres({.url = "postgres://..."});    // errc::standby: another instance has the plane
//        the calls of `store`;   auto r = open_postgres_reader(url);     // other threads, for people
// One instance at a time: the session that writes holds an advisory lock. Whoever does not get it stands by and asks
// again; who loses its session loses the lock, and cannot write without one: what it had leased is in the rows (ADR 19).
// The server ends a session that is silent for 15 s, so that a frozen instance makes room as well.
// Durability: what commit() answered ok to was flushed by the server; synchronous_commit = off of the database is not
// followed. A commit whose answer did not come is errc::unknown_outcome.
// Outbox: rows of fairing.outbox are taken in the batch that makes them jobs. NOTIFY says when to look; without it they
// are found within 5 s. Rows that an open transaction holds are left for the next look (SKIP LOCKED).
// Needs: PostgreSQL 14 or newer, a direct connection (no transaction pooler), CREATE on the database at the first start.
// Threads: one; the listening thread is its own.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jobs/logic/store.hpp"
#include "jobs/store/postgres/notices.hpp"
#include "jobs/store/postgres/session.hpp"
#include "jobs/store/postgres/statements.hpp"

namespace fairing::jobs {

struct postgres_options {
  std::string url;  // as libpq reads it
};
result<std::unique_ptr<store>> open_postgres(const postgres_options& o);
result<std::unique_ptr<reader>> open_postgres_reader(const std::string& url);

namespace postgres {

class postgres_store final : public store {
 public:
  postgres_store(postgres_options o, session s) noexcept;
  ~postgres_store() override;
  result<void> start();  // lock, tables, statements

  [[nodiscard]] capabilities can() const noexcept override {
    return {.shared = true, .outbox = true};
  }
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

  // The room is the database server's: when it is out of it, commits fail with errc::full.
  [[nodiscard]] std::uint64_t used_bytes() noexcept override { return 0; }
  [[nodiscard]] std::uint64_t free_bytes() noexcept override { return 0; }
  void upkeep() noexcept override {}

  [[nodiscard]] bool poke() noexcept override;
  void on_poke(std::function<void()> call) override;
  result<std::vector<outbox_row>> outbox(std::size_t most, std::size_t longest_payload) override;
  result<void> take_outbox(std::int64_t number) override;
  result<void> refuse_outbox(std::int64_t number, std::string_view why) override;

 private:
  result<rows> ask(sql which, const params& p);
  result<void> send(sql which, const params& p, bool one_row = false);
  result<void> take_lock();
  result<void> read_erased();
  result<std::vector<job_id>> ids_of(sql which, const params& p);
  result<std::optional<std::int64_t>> first_number(sql which, const params& p);
  result<void> raise_last_id(job_id id);
  result<void> set_aside(damaged_row row);
  result<std::uint64_t> clear_some(sql which, std::uint32_t queue, job_id up_to, std::size_t most,
                                   cleared& out);

  postgres_options options_;
  session session_;
  std::unique_ptr<notices> notices_;
  std::vector<damaged_row> damaged_;  // see damaged()
  job_id erased_up_to_ = 0;           // the largest id that was erased; kept as a fact
  std::int64_t looked_ms_ = 0;        // at the outbox; monotonic
};

}  // namespace postgres
}  // namespace fairing::jobs
