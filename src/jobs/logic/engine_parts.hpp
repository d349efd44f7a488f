// engine::parts: the engine's state and its rules, one theme a file (enqueue, lease, settle, keys, timers, ...).
//
// Problem: every rule works on the same few things: the store, the counts, who waits. They are here; the rules are in
// files that can be read alone.
//
// Rules of the house: a job that changes its state leaves the counts before (`leave`) and enters them after (`enter`);
// whatever changes in memory and is not counts has its way back in `undo`; an error of the store goes through `lost`.
// Threads: the engine's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "jobs/logic/cron.hpp"
#include "jobs/logic/engine.hpp"
#include "jobs/logic/queue_entry.hpp"

namespace fairing::jobs {

inline constexpr std::size_t most_waiters = 100'000;
inline constexpr std::size_t most_of_a_tick = 1'000;
inline constexpr std::size_t most_of_a_lease = 100;
inline constexpr std::size_t most_of_an_enqueue = 1'000;
inline constexpr std::size_t most_history = 32;
inline constexpr std::size_t most_heads = 20'000;   // about 600 bytes each, and ...
inline constexpr std::size_t largest_head = 2'048;  // ... texts up to this: 50 MB at most
inline constexpr std::uint64_t most_given =
    16ULL << 20;  // bytes of jobs that a dispatch gives; one goes out whole
inline constexpr std::uint64_t most_given_at_once =
    4 * most_given;                                 // to the leases of a batch that do not wait
inline constexpr std::size_t longest_text = 4'096;  // an error, a progress text
inline constexpr milliseconds longest_lease{86'400'000};  // 24 h
inline constexpr std::int64_t never_ms = INT64_MAX / 4;   // far off, and sums of it do not overflow
inline constexpr std::int64_t idempotency_ms = 86'400'000;  // how long an Idempotency-Key is known

struct cron_entry {
  std::uint32_t queue = 0;
  cron_config config;
  cron_schedule schedule;
  std::string fact;           // name of the row that says when it fired last
  std::int64_t last_ms = 0;   // wall
  std::int64_t next_ms = 0;   // wall; never_ms: no such time
  std::int64_t retry_ms = 0;  // steady: not before, when the store was full
};

// A redrive or a purge that goes on, a share with each tick; its row in the store is `fact`.
struct long_task {
  std::string fact;
  bool purge = false;
  std::uint32_t queue = 0;
  std::uint32_t to = 0;        // redrive; 0: the same queue
  bool waiting = false;        // redrive: queued jobs as well
  bool moves = false;          // redrive: whatever their unique names
  job_id up_to = 0;            // jobs that were there when it began
  std::uint64_t left = 0;      // redrive: how many more at most
  std::int64_t before_ms = 0;  // wall: dead before that
  finished_row after;          // how far it has come
  rate limit;                  // redrive; count 0: as fast as it goes
  std::string error;           // redrive: only this normalised error; empty: all
  pace paced;
};
// What the rate of one key has given away. A job that has to wait gets its turn once and bears the book's mark until it
// is leased; under another mark its turn is none, and it asks again: so after a restart, and when turns were lost.
struct key_turns {
  std::uint32_t queue = 0;
  std::uint64_t book = 0;  // the mark; never 0
  pace given;              // turns, also those that are still to come
  pace used;               // leases
};
// How long a lease lasts: what was asked for, else the job's timeout; and some more.
struct lease_length {
  std::optional<milliseconds> asked;
  milliseconds grace{0};
  bool tells_runs = true;
};

[[nodiscard]] std::string task_text(const long_task& t);
[[nodiscard]] std::optional<long_task> task_from(std::string_view fact, std::string_view text);

struct engine::parts {
  parts(store& s, jobs_config c, std::uint64_t seed);

  store& stored;
  jobs_config config;
  std::mt19937_64 random;
  std::map<std::uint32_t, queue_entry> queues;
  std::map<std::string, std::uint32_t, std::less<>> numbers;
  std::vector<cron_entry> crons;
  std::vector<long_task> tasks;
  job_id last_id = 0;
  std::uint64_t live = 0;      // jobs not finished, of all queues
  bool config_is_new = false;  // queues and crons of it have not been looked at yet
  bool batch_is_lost = false;
  std::uint64_t batch_number = 1;
  std::vector<std::uint32_t> touched;
  std::set<std::uint32_t> oldest_unknown;  // queues whose oldest job is to be looked up
  std::vector<std::function<void()>> undo;
  std::vector<job_event> events;
  // Waiting leases.
  std::map<std::uint64_t, std::pair<std::uint32_t, std::list<waiter>::iterator>> waiting;
  std::set<std::pair<std::int64_t, std::uint64_t>> waits_end;  // (until, name)
  std::set<std::uint32_t> waited_for;                          // queues with waiters
  std::vector<std::pair<std::uint32_t, waiter>> answered;      // in this batch
  std::vector<std::uint64_t> orphans;                          // waiters whose queue is gone
  // The next of each; 0: ask the store.
  std::int64_t next_due[2] = {0, 0};  // by clock_kind
  std::int64_t next_expiry = 0;
  std::int64_t next_unique_sweep = 0;
  std::int64_t next_outbox =
      0;  // 0: look at it now; else steady, or never_ms: when the store says so
  // Jobs that batches found there already, and which; facts "watch:ID".
  std::unordered_map<job_id, std::vector<std::uint64_t>> watched;
  // Queues that may have parked jobs although nothing holds their keys back: key_concurrency was taken away.
  std::set<std::uint32_t> unlimited;
  std::unordered_map<std::uint64_t, key_turns> turns;  // by queue and key
  // Queues with requests that the http plane put off; of those, the ones that the configuration does not name.
  std::set<std::uint32_t> request_queues;
  std::set<std::uint32_t> strays;
  // Leased jobs as the lease left them in the store, without bodies: their ack need not read them again. A job that leaves
  // its state leaves here too; a batch that is lost takes all of them along.
  std::unordered_map<job_id, job> heads;
  // What the batch's leases hold: job::bytes of those that were answered at once, and of those that dispatch() answers.
  std::uint64_t given_at_once = 0;
  std::uint64_t given = 0;
  bool given_enough = false;  // dispatch() ended with jobs and leases left
  std::uint32_t served = 0;   // the queue that dispatch() ended with: the next one begins behind it
  // Room in the store, looked at now and then.
  std::int64_t room_looked_ms = -1;
  std::uint64_t room_taken = 0;
  std::uint64_t room_free = 0;

  // ---- engine.cpp: frame, counts, errors
  result<void> open(plane_time now);
  result<reply> apply(const command& c, plane_time now);
  result<void> tick(plane_time now);
  result<void> dispatch(plane_time now, dispatched& out);
  void committed() noexcept;
  void rolled_back() noexcept;
  [[nodiscard]] std::optional<std::int64_t> next_wake(plane_time now) const noexcept;
  std::unexpected<error> lost(const error& e) noexcept;
  void touch(queue_entry& q);
  void leave(queue_entry& q, const job& j);
  void enter(queue_entry& q, const job& j);
  result<void> forget_damaged(plane_time now, dispatched& out);
  result<void> look_for_oldest(queue_entry& q, plane_time now);
  result<bool> look_for_oldest(plane_time now);
  void tell(job_event::kind what, const job& j, std::string error = {}, std::int64_t took_ms = 0,
            std::int64_t waited_ms = 0);
  [[nodiscard]] job_id next_id(plane_time now);

  // ---- queues.cpp
  result<void> recover_queues(plane_time now);
  result<void> take_config(plane_time now);
  result<queue_entry*> queue_of(std::string_view name, bool create, plane_time now);
  result<queue_entry*> queue_at(std::uint32_t number);
  result<queue_entry*> add_queue(const std::string& name);
  result<reply> run(const set_paused& c, plane_time now);
  result<reply> run(const set_queue& c, plane_time now);
  result<reply> drop_queue(queue_entry& q);
  result<reply> run(const read_job& c, plane_time now);

  // ---- request_queues.cpp
  result<void> recover_request_queues();
  result<void> set_request_queues(std::set<std::uint32_t> next);
  result<void> take_request_queues();
  result<void> has_requests(queue_entry& q);
  result<void> forget_requests(std::uint32_t number);
  result<void> free_strays();

  // ---- enqueue.cpp
  result<reply> run(const enqueue& c, plane_time now);
  result<void> check(const new_job& n, const queue_entry& q, plane_time now) const;
  result<void> check_room(std::size_t count, std::uint64_t bytes, plane_time now);
  [[nodiscard]] static result<void> check_room_of(const queue_entry& q, std::uint64_t count);
  struct known_job {
    enqueued::one one;
    bool by_key = false;  // by its Idempotency-Key, not by its unique name
  };
  result<std::optional<known_job>> existing(const new_job& n, const queue_entry& q, plane_time now);
  struct known_jobs {
    struct one_of {
      enqueued::one one;
      std::optional<std::size_t> twin;  // the earlier one of the request that it is
      bool key_is_new = false;          // its Idempotency-Key has to be kept
    };
    std::vector<one_of> jobs;
    std::uint64_t fresh = 0;  // that are to be put
  };
  result<known_jobs> look_up(const enqueue& c, const queue_entry& q, plane_time now);
  result<void> keep_key(const new_job& n, job_id id, plane_time now);
  result<std::uint64_t> batch_of(job_id id);
  job made(const new_job& n, const queue_entry& q, plane_time now);
  result<void> put(job& j, const new_job& n, queue_entry& q, plane_time now);

  // ---- keys.cpp: where a job that nobody has goes
  result<void> place(job& j, queue_entry& q, plane_time now);
  result<void> next_of_key(queue_entry& q, const std::string& key, plane_time now);
  result<void> let_in(plane_time now);
  result<void> unpark(job_id id, queue_entry& q, plane_time now);
  key_turns& turns_of(const job& j, plane_time now);
  void turn_lost(const job& j);
  void turns_lost(std::uint32_t queue);
  result<bool> wait_for_key_rate(job& j, queue_entry& q, plane_time now);

  // ---- lease.cpp
  result<reply> run(const lease& c, plane_time now);
  result<reply> run(const forget_waiter& c, plane_time now);
  result<reply> park(const lease& c, queue_entry& q);
  [[nodiscard]] std::size_t room(const queue_entry& q, plane_time now) const;
  result<void> lease_some(queue_entry& q, std::vector<job>& buffer, std::size_t most,
                          std::uint64_t& held, lease_length length, plane_time now, leased& out);
  result<void> give(job& j, queue_entry& q, lease_length length, plane_time now, leased& out);
  result<void> serve(queue_entry& q, plane_time now, dispatched& out);
  result<void> serve_all(plane_time now, dispatched& out);
  void end_waits(plane_time now, dispatched& out);
  void remember(job& j);
  void take_out(
      std::map<std::uint64_t, std::pair<std::uint32_t, std::list<waiter>::iterator>>::iterator at);

  // ---- settle.cpp
  result<job> head_of(job_id id);
  result<job> held(const lease_token& t, plane_time now);
  result<bool> done_by(const lease_token& t);
  result<reply> run(const ack& c, plane_time now);
  result<reply> run(const fail_job& c, plane_time now);
  result<reply> run(const extend& c, plane_time now);
  result<reply> run(const progress& c, plane_time now);
  result<reply> run(const cancel_job& c, plane_time now);
  result<reply> give_back(job& j, queue_entry& q, plane_time now);
  result<settled> attempt_failed(job& j, queue_entry& q, std::string_view why, bool expired,
                                 const fail_job& how, plane_time now);
  result<void> retry_later(job& j, queue_entry& q, milliseconds delay, plane_time now);
  result<void> finish(job& j, queue_entry& q, job_state as, std::uint32_t parts_to_save,
                      plane_time now);
  result<void> drop_name(const job& j, queue_entry& q);
  [[nodiscard]] std::optional<milliseconds> ladder_delay(const job& j, const queue_entry& q);

  // ---- verify.cpp
  [[nodiscard]] static verify_run run_of(const job& j, const queue_entry& q) noexcept;
  static void give_run_trace(job& j);  // to the copy that is delivered
  result<reply> run_again(job& j, queue_entry& q, std::uint32_t parts_to_save, std::int64_t took,
                          plane_time now);
  result<settled> end_second_run(job& j, queue_entry& q, std::string error, std::int64_t took,
                                 plane_time now);

  // ---- timers.cpp
  result<void> timers(plane_time now);
  result<std::size_t> make_due(clock_kind clock, plane_time now, std::size_t most);
  result<std::size_t> expire(plane_time now, std::size_t most);

  // ---- cron_rules.cpp
  result<void> recover_crons(plane_time now);
  result<void> fire_crons(plane_time now);
  result<void> fire(cron_entry& c, std::int64_t time_ms, plane_time now);
  result<void> count_from(cron_entry& c, plane_time now);

  // ---- retention.cpp
  result<void> retention(plane_time now);
  [[nodiscard]] static bool past_retention(const job& j, const queue_entry& q, plane_time now);
  result<void> let_go(job& j, queue_entry& q, plane_time now);
  result<bool> let_go_if_past(job_id id, queue_entry& q, plane_time now);
  result<std::size_t> let_go_of_old_ones(queue_entry& q, plane_time now, std::size_t most);
  result<std::size_t> let_go_of_parked(queue_entry& q, plane_time now, std::size_t most);
  result<std::size_t> retain(queue_entry& q, plane_time now, std::size_t most);
  result<std::size_t> erase_some(queue_entry& q, job_state s, std::int64_t before_ms,
                                 std::size_t most, std::uint64_t over_bytes);

  // ---- redrive.cpp
  result<void> recover_tasks();
  result<reply> run(const redrive& c, plane_time now);
  result<reply> run(const purge_queue& c, plane_time now);
  result<reply> move_at_once(long_task& t, queue_entry& q, plane_time now);
  result<reply> begin_task(long_task t, std::uint64_t count);
  result<void> go_on(plane_time now);
  result<bool> go_on(long_task& t, plane_time now);  // true: it has ended
  result<bool> purge_some(long_task& t, queue_entry& q, plane_time now);
  result<bool> redrive_some(long_task& t, queue_entry& q, plane_time now);
  result<bool> move_waiting(long_task& t, queue_entry& q, std::size_t most, plane_time now);
  result<bool> redrive_one(job& j, queue_entry& from, queue_entry& to, bool any_name,
                           plane_time now);

  // ---- outbox.cpp
  result<void> empty_outbox(plane_time now);
  result<void> take(const outbox_row& row, plane_time now);

  // ---- batches.cpp
  result<void> begin_batch(std::uint64_t batch, std::uint64_t members, const new_job& callback,
                           queue_entry& q, plane_time now);
  result<void> batch_member(const job& j, int change, plane_time now);
  result<void> recover_watches();
  result<void> watch(job_id id, std::uint64_t batch);
  result<void> tell_watchers(job_id id, plane_time now);
  result<void> batch_members(std::uint64_t batch, std::int64_t change, plane_time now);
};

// The clock that a job waits on.
[[nodiscard]] inline std::int64_t reading(plane_time now, clock_kind c) noexcept {
  return c == clock_kind::steady ? now.steady_ms : now.wall_ms;
}
[[nodiscard]] inline std::string unique_scope(const queue_entry& q) {
  return "q:" + std::to_string(q.row.number);
}
[[nodiscard]] inline std::string unique_for_scope(const queue_entry& q) {
  return "u:" + std::to_string(q.row.number);
}

}  // namespace fairing::jobs
