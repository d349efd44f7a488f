// model_check: random commands in random batches against a simple picture of what must be, with crashes and time.
//
// Problem: rules that hold one by one may not hold together: a retry beside a purge of its key beside a lost batch.
//
// What must hold, after every batch: no job that was put is missing; the state is the one the last answered command
// left; nothing is completed by an old lease; attempts never exceed the ladder; of a FIFO key one job at a time is
// leased, in the order of ids; counts are those of the jobs there are, and the same after a crash.
// Flow:  model_check m(maker, seed);   for (...) m.step();   m.audit();
// A crash closes the store inside a batch: what was not committed is forgotten here as well.
// Threads: one.
#pragma once

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "jobs/store/plane_under_test.hpp"

namespace fairing::jobs::test {

class model_check {
 public:
  model_check(store_maker make, std::uint64_t seed)
      : random_(seed), plane_(std::move(make), config()) {}

  // One batch.
  void step() {
    const auto dice = below(100);
    if (dice < 3) return crash();
    if (dice < 20) pass_time();
    plane_.begin();
    auto before = jobs_;
    for (auto n = 1 + below(6); n > 0; --n) command_at_random();
    dispatched out;
    ASSERT_TRUE(plane_.rules().tick(plane_.now));
    ASSERT_TRUE(plane_.rules().dispatch(plane_.now, out));
    if (below(20) == 0) {
      plane_.lose();
      jobs_ = std::move(before);
      return;
    }
    hear(out.events);
    plane_.commit();
  }

  void audit() {
    std::map<std::uint32_t, queue_counts> found;
    std::map<std::string, std::vector<job_id>> leased_of;
    for (const auto& [id, known] : jobs_) {
      const auto j = plane_.stored().load(id, false);
      ASSERT_TRUE(j) << "job " << id << " is lost";
      ASSERT_EQ(j->state == job_state::leased, known.leased) << "job " << id;
      if (finished(known.state)) ASSERT_EQ(j->state, known.state) << "job " << id;
      ASSERT_LE(j->attempt, steps);
      auto& c = found[j->queue];
      ++c.of[static_cast<std::size_t>(j->state)];
      if (j->state == job_state::queued && j->parked) ++c.parked;
      if (finished(j->state)) c.finished_bytes += j->bytes;
      if (known.fifo && j->state == job_state::leased) leased_of[j->key].push_back(id);
    }
    for (const auto& [key, ids] : leased_of) ASSERT_EQ(ids.size(), 1) << "FIFO key " << key;
    for (const auto& q : plane_.rules().queues(plane_.now)) {
      const auto stored = plane_.stored().counts(q.row.number);
      ASSERT_TRUE(stored);
      for (std::size_t i = 0; i < job_state_count; ++i) {
        ASSERT_EQ(q.counts.of[i], found[q.row.number].of[i]) << q.row.name << ' ' << i;
        ASSERT_EQ(stored->of[i], q.counts.of[i]) << q.row.name << ' ' << i;
      }
      ASSERT_EQ(q.counts.parked, found[q.row.number].parked) << q.row.name;
      ASSERT_EQ(q.counts.finished_bytes, found[q.row.number].finished_bytes) << q.row.name;
      ASSERT_EQ(plane_.stored().unheld(q.row.number, 10)->size(), 0) << "parked behind nobody";
    }
  }

  // Every job comes to an end once workers are there.
  void drain() {
    for (int i = 0; i < 5'000; ++i) {
      plane_.begin();
      bool any = false;
      for (const auto* queue : queues) {
        auto got = plane_test_take(queue, 100);
        for (auto& j : got) {
          any = true;
          note_lease(j);
          ASSERT_TRUE(plane_.rules().apply(ack{.token = j.token}, plane_.now));
          jobs_.at(j.work.id).end(job_state::done);
        }
      }
      dispatched out;
      ASSERT_TRUE(plane_.rules().tick(plane_.now));
      ASSERT_TRUE(plane_.rules().dispatch(plane_.now, out));
      hear(out.events);
      plane_.commit();
      const auto open =
          std::ranges::count_if(jobs_, [](const auto& e) { return !finished(e.second.state); });
      if (open == 0) return;
      if (!any) plane_.now.steady_ms += 5'000, plane_.now.wall_ms += 5'000;
    }
    FAIL() << "jobs that never end";
  }

 private:
  static constexpr std::uint32_t steps = 3;
  static constexpr const char* queues[] = {"plain", "keyed", "line.fifo"};

  struct known_job {
    job_state state = job_state::queued;  // exact where it is an end
    bool leased = false;
    bool fifo = false;
    std::string key;
    void end(job_state as) { state = as, leased = false; }
  };

  static jobs_config config() {
    jobs_config c;
    const std::vector<milliseconds> ladder{seconds{0}, seconds{10}, seconds{30}};
    c.queues.push_back({.name = "plain", .timeout = seconds{20}, .attempts = ladder});
    c.queues.push_back(
        {.name = "keyed", .timeout = seconds{20}, .attempts = ladder, .key_concurrency = 2});
    c.queues.push_back({.name = "line.fifo", .timeout = seconds{20}, .attempts = ladder});
    return c;
  }
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  void crash() {
    plane_.begin();
    auto before = jobs_;
    for (int i = 0; i < 3; ++i) command_at_random();
    jobs_ = std::move(before);
    plane_.abandon();
    audit();
  }
  void pass_time() {
    const auto by = static_cast<std::int64_t>(below(10) == 0 ? 60'000 : below(8'000));
    plane_.now.steady_ms += by;
    plane_.now.wall_ms += by;
    if (below(20) == 0) plane_.now.wall_ms += below(2) == 0 ? 3'600'000 : -3'600'000;
  }
  void command_at_random() {
    const auto dice = below(100);
    if (dice < 40) return put();
    if (dice < 65) return take();
    if (dice < 95) return settle();
    call_off();
  }
  void put() {
    const std::string queue = queues[below(3)];
    enqueue c{.queue = queue};
    for (auto n = 1 + below(3); n > 0; --n) {
      new_job one{.priority = static_cast<std::int16_t>(below(5)),
                  .key = "k" + std::to_string(below(3))};
      if (below(4) == 0) one.delay = milliseconds{below(20'000)};
      c.jobs.push_back(one);
    }
    const auto r = plane_under_test::as<enqueued>(plane_.rules().apply(c, plane_.now));
    ASSERT_TRUE(r);
    for (std::size_t i = 0; i < c.jobs.size(); ++i)
      jobs_[r->jobs[i].id] = {.fifo = queue == "line.fifo", .key = c.jobs[i].key};
  }
  std::vector<leased_job> plane_test_take(const char* queue, std::size_t most) {
    auto r = plane_under_test::as<leased>(
        plane_.rules().apply(lease{.queue = queue, .most = most}, plane_.now));
    EXPECT_TRUE(r) << r.error().message();
    return r ? std::move(r->jobs) : std::vector<leased_job>{};
  }
  void note_lease(const leased_job& j) {
    auto& known = jobs_.at(j.work.id);
    ASSERT_FALSE(known.leased) << "leased twice at a time";
    ASSERT_FALSE(finished(known.state)) << "leased after its end";
    if (known.fifo)
      for (const auto& [id, other] : jobs_) {
        if (id >= j.work.id) break;
        ASSERT_FALSE(other.fifo && other.key == known.key && !finished(other.state))
            << "job " << j.work.id << " overtakes " << id;
      }
    known.leased = true;
    tokens_.push_back(j.token);
  }
  void take() {
    for (const auto& j : plane_test_take(queues[below(3)], 1 + below(3))) note_lease(j);
  }
  // With any token there ever was: only the newest of a leased job may work.
  void settle() {
    if (tokens_.empty()) return;
    const auto t = tokens_[below(2) == 0 ? tokens_.size() - 1 : below(tokens_.size())];
    const auto there = plane_.stored().load(t.job, false);
    const bool holds = there && there->state == job_state::leased && there->secret == t.secret &&
                       there->due_ms > plane_.now.steady_ms;
    const auto dice = below(10);
    command c = ack{.token = t};
    if (dice >= 5) c = fail_job{.token = t, .error = "no", .dead = dice == 9, .release = dice == 8};
    const auto r = plane_.rules().apply(c, plane_.now);
    ASSERT_EQ(r.has_value(), holds) << "a stale lease did something";
    if (!r) return;
    const auto state = std::get<settled>(*r).state;
    jobs_.at(t.job).end(state);
  }
  void call_off() {
    if (jobs_.empty()) return;
    auto at = jobs_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(below(jobs_.size())));
    const auto r = plane_.rules().apply(cancel_job{at->first}, plane_.now);
    ASSERT_EQ(r.has_value(), !finished(at->second.state));
    if (r) at->second.end(job_state::cancelled);
  }
  // What time did.
  void hear(const std::vector<job_event>& events) {
    for (const auto& e : events)
      if (e.what == job_event::kind::expired) jobs_.at(e.id).end(e.state);
  }

  std::mt19937_64 random_;
  plane_under_test plane_;
  std::map<job_id, known_job> jobs_;
  std::vector<lease_token> tokens_;
};

}  // namespace fairing::jobs::test
