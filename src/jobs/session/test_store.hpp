// test_store: a store in memory whose disk does what a test says, for tests of the writer.
//
// Problem: what a writer does when a commit hangs or fails cannot be seen on a store that works.
// Flow:  auto disk = std::make_shared<test_disk>();  options.open_store = [disk] { return disk->open(); };
//        disk->hold();  ... commits wait ...  disk->let_go();      disk->fail_next(errc::unknown_outcome);
// Of queries it knows those that put, lease and ack need; the others find nothing.
// Threads: the store is the writer's; the disk's own functions any.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "jobs/logic/store.hpp"

namespace fairing::jobs::test {

class test_disk : public std::enable_shared_from_this<test_disk> {
  friend class test_store;
  template <class F>
  void set(F&& f) {
    const std::lock_guard lock(mutex_);
    f();
    changed_.notify_all();
  }
  template <class F>
  auto get(F&& f) {
    const std::lock_guard lock(mutex_);
    return f();
  }
  template <class F>
  void wait(F&& f) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, f);
  }

 public:
  struct content {
    std::map<job_id, job> jobs;
    std::vector<queue_row> queues;
    std::map<std::string, std::string, std::less<>> facts;
  };

  result<std::unique_ptr<store>> open();

  // ---- what the test says
  // hold() and fail_next() are of commits that bring jobs: the writer makes others, for its clock and for what it shows.
  void hold() {
    set([this] { held_ = true; });
  }
  void let_go() {
    set([this] { held_ = false; });
  }
  void wait_for_commit() {
    wait([this] { return waiting_; });
  }  // one that is held
  void fail_next(errc code, int count = 1) {
    set([=, this] { failure_ = code, failures_ = count; });
  }
  void fail_puts(errc code, int count) {
    set([=, this] { put_failure_ = code, put_failures_ = count; });
  }
  // Commits in which a job finishes; `kept`: they are durable all the same, and only the answer is lost.
  void fail_ends(errc code, int count, bool kept = false) {
    set([=, this] { end_failure_ = code, end_failures_ = count, ends_kept_ = kept; });
  }
  void refuse_to_open(std::optional<errc> code) {
    set([=, this] { no_open_ = code; });
  }

  // ---- what it saw
  int opened() {
    return get([this] { return opened_; });
  }
  int commits() {
    return get([this] { return commits_; });
  }
  content durable() {
    return get([this] { return durable_; });
  }

 private:
  result<void> commit(content next) {
    std::unique_lock lock(mutex_);
    const bool brings_jobs = next.jobs.size() > durable_.jobs.size();
    waiting_ = held_ && brings_jobs;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_ || !brings_jobs; });
    waiting_ = false;
    if (failures_ > 0 && brings_jobs) {
      --failures_;
      return fail(failure_, "the test's disk says no");
    }
    const bool fails = end_failures_ > 0 && ended(next) > ended(durable_);
    if (fails) --end_failures_;
    if (!fails || ends_kept_) durable_ = std::move(next);
    if (fails) return fail(end_failure_, "the test's disk says no");
    ++commits_;
    return {};
  }
  static std::ptrdiff_t ended(const content& c) {
    return std::ranges::count_if(c.jobs, [](const auto& j) { return finished(j.second.state); });
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  content durable_;
  bool held_ = false;
  bool waiting_ = false;
  errc failure_{};
  int failures_ = 0;
  errc put_failure_{};
  int put_failures_ = 0;
  errc end_failure_{};
  int end_failures_ = 0;
  bool ends_kept_ = false;
  std::optional<errc> no_open_;
  int opened_ = 0;
  int commits_ = 0;
};

class test_store final : public store {
 public:
  explicit test_store(std::shared_ptr<test_disk> disk) : disk_(std::move(disk)) {
    now_ = disk_->durable();
  }
  [[nodiscard]] capabilities can() const noexcept override { return {}; }
  result<void> begin() override { return {}; }
  result<void> commit() override { return disk_->commit(now_); }
  void rollback() noexcept override { now_ = disk_->durable(); }

  result<std::vector<queue_row>> queues() override { return now_.queues; }
  result<std::uint32_t> add_queue(std::string_view name) override {
    for (const auto& q : now_.queues)
      if (q.name == name) return q.number;
    now_.queues.push_back({static_cast<std::uint32_t>(now_.queues.size() + 1), std::string(name)});
    return now_.queues.back().number;
  }
  result<void> save_queue(const queue_row&) override { return {}; }
  result<void> drop_queue(std::uint32_t) override { return {}; }
  result<queue_counts> counts(std::uint32_t queue) override {
    queue_counts out;
    for (const auto& [id, j] : now_.jobs)
      if (j.queue == queue) ++out.of[static_cast<std::size_t>(j.state)];
    return out;
  }

  result<void> put(const job& j) override {
    const auto no = disk_->get([this] { return disk_->put_failures_ > 0; });
    if (no) {
      disk_->set([this] { --disk_->put_failures_; });
      return fail(disk_->put_failure_, "the test's disk takes no job");
    }
    now_.jobs[j.id] = j;
    return {};
  }
  result<job> load(job_id id, bool) override {
    const auto at = now_.jobs.find(id);
    if (at == now_.jobs.end()) return fail(errc::not_found);
    return at->second;
  }
  result<void> save(const job& j, std::uint32_t parts) override {
    auto& there = now_.jobs[j.id];
    auto next = j;
    if ((parts & +part::payload) == 0) next.payload = there.payload;
    there = std::move(next);
    return {};
  }
  result<void> erase(std::span<const job_id>) override { return {}; }
  result<std::vector<job>> ready(std::uint32_t queue, std::size_t most, std::uint64_t) override {
    std::vector<job> out;
    for (const auto& [id, j] : now_.jobs)
      if (j.queue == queue && j.state == job_state::queued && !j.parked && out.size() < most)
        out.push_back(j);
    return out;
  }
  result<std::vector<rank_row>> first_ranks(std::uint32_t) override {
    return std::vector<rank_row>{};
  }
  result<std::vector<rank_row>> ranks_from(std::uint32_t, std::int64_t, std::size_t) override {
    return std::vector<rank_row>{};
  }
  result<std::uint32_t> active_of(std::uint32_t, std::string_view) override { return 0U; }
  result<std::optional<job_id>> first_parked(std::uint32_t, std::string_view) override {
    return std::optional<job_id>{};
  }
  result<std::vector<job_id>> parked(std::uint32_t, std::size_t) override { return none(); }
  result<std::vector<job_id>> ranked_up_to(std::uint32_t, std::int64_t, std::size_t) override {
    return none();
  }
  result<std::optional<key_row>> first_parked_behind(std::uint32_t, std::string_view) override {
    return std::optional<key_row>{};
  }
  result<std::vector<job_id>> unheld(std::uint32_t, std::size_t) override { return none(); }
  result<std::vector<job_id>> due(clock_kind, std::int64_t, std::size_t) override { return none(); }
  result<std::vector<job_id>> expired(std::int64_t, std::size_t) override { return none(); }
  result<std::optional<std::int64_t>> next_due(clock_kind) override { return never(); }
  result<std::optional<std::int64_t>> next_expiry() override { return never(); }
  result<std::vector<finished_row>> finished_before(std::uint32_t, job_state, const finished_row&,
                                                    std::int64_t, std::size_t) override {
    return std::vector<finished_row>{};
  }
  result<std::int64_t> newest_finished(std::uint32_t, job_state) override { return 0; }
  result<cleared> clear(std::uint32_t, job_id, std::size_t) override { return cleared{}; }
  result<void> count_failure(const job&, std::string_view, std::int64_t) override { return {}; }
  result<std::uint64_t> drop_failures_before(std::uint32_t, std::int64_t) override { return 0U; }
  std::vector<damaged_row> damaged() override { return {}; }
  result<job_id> last_id() override {
    return now_.jobs.empty() ? job_id{0} : now_.jobs.rbegin()->first;
  }

  result<std::optional<unique_row>> find_unique(std::string_view, std::string_view) override {
    return std::optional<unique_row>{};
  }
  result<void> put_unique(std::string_view, std::string_view, const unique_row&) override {
    return {};
  }
  result<void> drop_unique(std::string_view, std::string_view) override { return {}; }
  result<std::uint64_t> drop_uniques_before(std::int64_t, std::size_t) override { return 0U; }

  result<std::optional<std::string>> fact(std::string_view name) override {
    const auto at = now_.facts.find(name);
    return at == now_.facts.end() ? std::nullopt : std::optional(at->second);
  }
  result<std::vector<std::pair<std::string, std::string>>> facts(std::string_view) override {
    return std::vector<std::pair<std::string, std::string>>{};
  }
  result<void> set_fact(std::string_view name, std::string_view value) override {
    now_.facts.insert_or_assign(std::string(name), std::string(value));
    return {};
  }
  result<void> drop_fact(std::string_view name) override {
    if (const auto at = now_.facts.find(name); at != now_.facts.end()) now_.facts.erase(at);
    return {};
  }
  [[nodiscard]] std::uint64_t used_bytes() noexcept override { return 0; }
  [[nodiscard]] std::uint64_t free_bytes() noexcept override { return 0; }
  void upkeep() noexcept override {}

 private:
  static std::vector<job_id> none() { return {}; }
  static std::optional<std::int64_t> never() { return std::nullopt; }
  std::shared_ptr<test_disk> disk_;
  test_disk::content now_;
};

inline result<std::unique_ptr<store>> test_disk::open() {
  const auto no = get([this] {
    ++opened_;
    return no_open_;
  });
  if (no) return fail(*no, "the test's disk does not open");
  return std::make_unique<test_store>(shared_from_this());
}

}  // namespace fairing::jobs::test
