// jobs_sqlite_bench: what the rules cost on top of SQLite: jobs in group commits through the engine, beside bare inserts
// of rows of the same size into a table with one index, on the same disk in the same run.
//
// The folder is FAIRING_BENCH_DIR, or the working directory: a real disk, not a tmpfs. Argument: jobs a commit, which is
// what that many clients in flight give.
#include <benchmark/benchmark.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/clock.hpp"
#include "base/timestamp.hpp"
#include "jobs/logic/engine.hpp"
#include "jobs/store/sqlite/sqlite_store.hpp"

namespace {

using namespace fairing;
using namespace fairing::jobs;

constexpr std::size_t payload_bytes = 200;

class folder {
 public:
  folder() {
    const auto* chosen = std::getenv("FAIRING_BENCH_DIR");
    std::string pattern = std::string(chosen != nullptr ? chosen : ".") + "/jobs-bench-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~folder() { std::filesystem::remove_all(path_); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  [[nodiscard]] std::string file() const { return path_ / "jobs.db"; }

 private:
  std::filesystem::path path_;
};

class plane {
 public:
  explicit plane(benchmark::State& state) : state_(state) {
    auto s = open_sqlite({.path = folder_.file()});
    check(s);
    if (!s) std::abort();  // there is nothing to measure
    store_ = std::move(*s);
    jobs_config c;
    c.queues.push_back({.name = "bench", .keep_done = milliseconds{0}});
    engine_ = std::make_unique<engine>(*store_, c, 1);
    check(engine_->open(now()));
  }
  static plane_time now() { return {precise_us() / 1000, unix_ms()}; }
  template <class T>
  void check(const result<T>& r) {
    if (!r) state_.SkipWithError(r.error().message().c_str());
  }
  void begin() { check(store_->begin()); }
  void end() {
    dispatched out;
    check(engine_->tick(now()));
    check(engine_->dispatch(now(), out));
    check(store_->commit());
    engine_->committed();
    store_->upkeep();
  }
  void put(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      enqueue c{.queue = "bench"};
      c.jobs.push_back({.payload = std::string(payload_bytes, 'x')});
      check(engine_->apply(c, now()));
    }
  }
  std::vector<leased_job> take(std::size_t count) {
    std::vector<leased_job> out;
    while (out.size() < count) {
      auto r = engine_->apply(
          lease{.queue = "bench", .most = std::min<std::size_t>(count - out.size(), 10)}, now());
      check(r);
      if (!r || std::get<leased>(*r).jobs.empty()) break;
      for (auto& j : std::get<leased>(*r).jobs) out.push_back(std::move(j));
    }
    return out;
  }
  void ack_all(const std::vector<leased_job>& jobs) {
    for (const auto& j : jobs) check(engine_->apply(ack{.token = j.token}, now()));
  }

 private:
  benchmark::State& state_;
  folder folder_;
  std::unique_ptr<store> store_;
  std::unique_ptr<engine> engine_;
};

void enqueue_in_groups(benchmark::State& state) {
  plane p(state);
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    p.begin();
    p.put(count);
    p.end();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// Each commit puts jobs, leases those of the commit before and acknowledges those leased then.
void full_cycle(benchmark::State& state) {
  plane p(state);
  const auto count = static_cast<std::size_t>(state.range(0));
  std::vector<leased_job> running;
  for (auto _ : state) {
    p.begin();
    p.ack_all(running);
    running = p.take(count);
    p.put(count);
    p.end();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void enqueue_with_backlog(benchmark::State& state) {
  plane p(state);
  for (int i = 0; i < 200; ++i) {
    p.begin();
    p.put(5'000);
    p.end();
  }
  std::vector<leased_job> running;
  for (auto _ : state) {
    p.begin();
    p.ack_all(running);
    running = p.take(static_cast<std::size_t>(state.range(0)));
    p.put(static_cast<std::size_t>(state.range(0)));
    p.end();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// The ceiling: rows of about the same size, one index, no rules.
void bare_inserts(benchmark::State& state) {
  const folder where;
  sqlite3* db = nullptr;
  sqlite3_open(where.file().c_str(), &db);
  sqlite3_exec(db,
               "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
               "CREATE TABLE job (id INTEGER PRIMARY KEY, queue, state, rank, payload BLOB);"
               "CREATE INDEX ready ON job (queue, rank) WHERE state = 0",
               nullptr, nullptr, nullptr);
  sqlite3_stmt* put = nullptr;
  sqlite3_prepare_v2(db, "INSERT INTO job (queue, state, rank, payload) VALUES (1, 0, ?1, ?2)", -1,
                     &put, nullptr);
  const std::string body(payload_bytes + 80, 'x');
  std::int64_t n = 0;
  for (auto _ : state) {
    sqlite3_exec(db, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
    for (int i = 0; i < state.range(0); ++i) {
      sqlite3_bind_int64(put, 1, ++n);
      sqlite3_bind_blob(put, 2, body.data(), static_cast<int>(body.size()), SQLITE_STATIC);
      sqlite3_step(put);
      sqlite3_reset(put);
    }
    if (sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr) != SQLITE_OK)
      state.SkipWithError("commit failed");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  sqlite3_finalize(put);
  sqlite3_close(db);
}

BENCHMARK(bare_inserts)->Arg(64)->Arg(256)->UseRealTime();
BENCHMARK(enqueue_in_groups)->Arg(64)->Arg(256)->UseRealTime();
BENCHMARK(full_cycle)->Arg(64)->Arg(256)->UseRealTime();
BENCHMARK(enqueue_with_backlog)->Arg(64)->UseRealTime();

}  // namespace
