// writer: the thread "jobs", which alone owns the store and the engine.
//
// Problem: every change must be durable before it is answered, an fsync takes a millisecond, and thousands of requests
// come a second. So whatever arrived while the last batch was made durable is the next one: a single request is committed
// at once, a crowd shares one fsync, and whoever was just answered and comes back soon is waited for (gather_fsm).
//
// Flow:
//   writer w(options, observer); w.start();                                  // opens the store; an error ends the start
//   w.submit(&core, {ack{...}}, [](std::vector<result<reply>> r) { ... });     // runs on that core, after the commit
//   w.watch(&core, {...}, done);                                              // a job's next change
//   w.reconfigure(config); w.stop_leasing(); w.stop();
// A batch: begin, each command, what time brings, jobs for those who wait, commit; then all replies leave, one post for
// each core. The commands of one submit are in one batch.
// Failure: a batch that fails is rolled back and all in it get the error; after a commit that failed the store is closed,
// opened again after a pause (0.1 s, doubled up to 5 s), and meanwhile everybody gets errc::fenced. ready() says so. So
// is a store that fails ten batches in a row for another reason than a lack of room. A store that several may open
// (capabilities::shared) may be in another instance's hands: then this one stands by, answers errc::standby and tries
// again, also from the start on.
// Time: steady_now() goes on from where the last process was, and by what has passed since, as the machine's uptime says
// it; where the machine was started anew, or is another, from the wall clock if that is later. Never back. It is a fact of
// the store ("steady").
// Bounds: 10,000 commands wait (over it submit() says no), 100,000 watches, 100,000 waiting leases (the engine's).
// Threads: start, stop_leasing, stop: the main thread; all else: any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "jobs/logic/engine.hpp"
#include "jobs/logic/gather_fsm.hpp"
#include "net/core.hpp"

namespace fairing::jobs {

struct writer_options {
  jobs_config config;
  std::function<result<std::unique_ptr<store>>()> open_store;
  bool waits_for_store =
      false;  // start() goes on although the store is not there yet, or another's
  std::uint64_t random_seed = 0;
  std::size_t most_queued = 10'000;
};

// What a batch did, for metrics, logs and pushers.
struct batch_report {
  std::size_t commands = 0;
  std::int64_t commit_us = 0;
  std::vector<job_event> events;
};

// All on the writer's thread, or inside of start(); must return soon.
class writer_observer {
 public:
  virtual ~writer_observer() = default;
  virtual void on_batch(const batch_report& b) = 0;
  // At most every 200 ms; at once after the store was opened, a set_queue or a new configuration.
  virtual void on_queues(std::vector<engine::queue_state> queues) = 0;
  virtual void on_open() {}  // the store; before anything is asked of it
  // After the commit, before any reply of the batch leaves.
  virtual void on_committed(const std::vector<job_event>& /*events*/) {}
};

struct watch_request {
  job_id id = 0;
  std::uint64_t seen =
      0;  // version_of(job) that the client knows; 0: it waits until the job has finished
  std::int64_t until_steady_ms = 0;
};
// Changes with whatever a client may see of a job's progress.
[[nodiscard]] std::uint64_t version_of(const job& j) noexcept;

class writer {
 public:
  using completion = std::move_only_function<void(std::vector<result<reply>>)>;

  writer(writer_options options, writer_observer& observer);
  ~writer();
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;

  result<void> start();
  void stop_leasing();  // whoever waits for a job gets none; who asks for one too
  void stop();          // what is queued is done first

  // `to` null: on the writer's thread. False: too many wait; `done` is not called. No commands: the observer sees the
  // queues as they are now before `done` is called, with no replies, or with the error of the store.
  [[nodiscard]] bool submit(net::core* to, std::vector<command> commands, completion done);
  // One reply: the job, once it has changed or the time is over.
  [[nodiscard]] bool watch(net::core* to, const watch_request& what, completion done);
  // The client of a lease that may be parked has gone; its completion may be called or not.
  void forget(std::uint64_t waiter);
  // Of leases whose client has gone before its answer. Where no more is taken they come back when they are over.
  void give_back(const std::vector<lease_token>& leases);
  void reconfigure(const jobs_config& next);

  [[nodiscard]] std::uint64_t next_waiter() noexcept { return waiters_.fetch_add(1) + 1; }
  [[nodiscard]] std::int64_t steady_now() const noexcept;
  [[nodiscard]] plane_time time() const noexcept;
  [[nodiscard]] bool ready() const noexcept { return ready_.load(); }
  // What everybody gets while it is not; for whoever answers from what was there before.
  [[nodiscard]] result<void> check_ready() const;
  [[nodiscard]] std::string why_not_ready() const;
  [[nodiscard]] bool standing_by() const;  // not ready, and that is as it should be
  [[nodiscard]] std::size_t queued() const;

 private:
  struct item {
    net::core* to = nullptr;
    std::vector<command> commands;
    completion done;
    std::optional<watch_request> watched;
  };
  struct answer {
    net::core* to = nullptr;
    completion done;
    std::vector<result<reply>> replies;
  };
  struct parked_lease {
    answer what;
    std::size_t index = 0;  // the reply that is open
  };
  struct parked_watch {
    watch_request what;
    net::core* to = nullptr;
    completion done;
    std::multimap<std::int64_t, job_id>::iterator end;  // in watch_ends_
  };
  using watch_map = std::unordered_multimap<job_id, parked_watch>;

  void run();
  [[nodiscard]] bool wait_for_work(std::vector<item>& taken);
  void batch(std::vector<item>& taken);
  [[nodiscard]] result<void> apply_all(std::vector<item>& taken, plane_time now);
  [[nodiscard]] result<void> apply_one(item& i, plane_time now);
  [[nodiscard]] result<reply> run_command(const command& c, plane_time now);
  [[nodiscard]] result<void> look_at_watches(const std::vector<job_event>& events, plane_time now);
  [[nodiscard]] result<void> look_at(watch_map::iterator w, plane_time now, bool over);
  void settle_parked(std::vector<waiter_reply> replies);
  void end_leases(std::vector<item>& taken);
  void fail_batch(std::vector<item>& taken, const error& e);
  void fence(const error& e);
  [[nodiscard]] result<void> open();
  void open_again();
  void close_store();
  [[nodiscard]] error not_ready() const;
  void show_not_ready(const error& e);
  void keep_time(plane_time now);
  [[nodiscard]] static std::int64_t monotonic_ms() noexcept;
  void show_queues(plane_time now, const std::vector<job_event>& events);
  void send(std::vector<answer> answers);
  void gather(std::unique_lock<std::mutex>& lock);

  writer_options options_;
  writer_observer& observer_;
  std::unique_ptr<store> store_;
  std::unique_ptr<engine> engine_;
  // The writer's thread only.
  std::vector<answer> answers_;  // of the batch in hand
  std::unordered_map<std::uint64_t, parked_lease> leases_;
  watch_map watches_;
  std::multimap<std::int64_t, job_id> watch_ends_;
  std::vector<std::uint64_t> parked_now_;  // in this batch
  std::vector<std::uint64_t>
      gone_in_vain_;  // were answered with an error of their batch; the engine may still have them
  std::vector<job_id> touched_;  // jobs whose progress changed in this batch
  std::vector<std::uint32_t> known_queues_;
  std::int64_t kept_steady_ms_ = 0;
  std::int64_t shown_ms_ = 0;
  bool to_show_ = true;
  bool rates_shown_ = false;    // that were not 0
  bool show_now_ = false;       // somebody waits for it
  std::uint32_t failures_ = 0;  // batches in a row
  gather_fsm gather_;
  milliseconds pause_{100};        // before the next try to open
  std::int64_t try_again_ms_ = 0;  // monotonic: that try
  std::error_code logged_;         // why it is not ready, as the log has it; none: it is ready
  // Shared.
  std::atomic<std::int64_t> steady_base_{0};  // added to the monotonic clock
  std::atomic<std::uint64_t> waiters_{0};
  std::atomic<bool> ready_{false};
  std::atomic<bool> leasing_{true};
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<item> queue_;
  std::size_t enough_ = 0;           // so many in the queue, and the writer wants to know
  std::vector<std::uint64_t> gone_;  // waiters to forget
  std::optional<jobs_config> next_config_;
  error not_ready_{make_error_code(errc::fenced), "the job store is being opened"};
  bool poked_ = false;  // the store has something from elsewhere
  bool end_leases_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace fairing::jobs
