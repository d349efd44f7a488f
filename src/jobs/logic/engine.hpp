// engine: the rules of the jobs plane: what a command does to the store, who gets which job, what time brings.
//
// Problem: leases, ladder, keys, timers and limits must be exact on every store and through every crash, so they are a
// plain class over `store`, with time as an argument; threads, sockets and fsync are the writer's business.
//
// Flow, on the writer's thread:
//   e.open(now);                                   // recovers: counts, clocks, queues of the configuration
//   s.begin();
//   for (each command) reply = e.apply(command, now);     // or parked: a lease that waits
//   e.tick(now);                                          // due, expired, cron, retention: a bounded share
//   e.dispatch(now, out);                                 // jobs for waiting leases and for pushers
//   s.commit();  then, and only then, all replies leave;  e.committed()   |   on failure: e.rolled_back()
//   sleep until e.next_wake(now) or a command comes
// Leases are fenced: ack, fail, extend and progress need the token of the newest lease, else errc::stale_lease. A job
// is delivered again only when its lease is over or was given back; at most attempts' ladder + redrives; and once more
// after its success where verify_idempotency chose it.
// Order: in a queue by rank; of a key in the order of ids while key_concurrency is 1.
// Bounds: waiting leases 100,000; a tick handles 1,000 jobs; a lease gives 100 jobs; facts of cron one a name.
// Threads: the writer's. Time never comes from anywhere else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "jobs/logic/job.hpp"
#include "jobs/logic/queue_config.hpp"
#include "jobs/logic/store.hpp"

namespace fairing::jobs {

// ---- commands
struct new_job {  // what a client may say of a job
  std::string payload;
  std::string content_type = "application/json";
  std::optional<milliseconds> delay;
  std::optional<std::int64_t> run_at_ms;  // wall
  std::int16_t priority = 0;
  std::string key;
  std::string unique;
  std::optional<milliseconds>
      unique_for;  // the name stays taken so long, also when the job has finished
  // The name counts for unique_for only, not for as long as the job lives: SQS's deduplication.
  bool unique_by_time = false;
  std::optional<milliseconds> timeout;
  std::vector<milliseconds> attempts;
  std::string owner;
  std::string trace;
  std::vector<std::pair<std::string, std::string>> fields;
  bool fields_checked = false;  // their size counts into the message's, which was looked at
  // Idempotency-Key of the request and a hash of what it asked for; empty: none. Kept for 24 h.
  std::string idempotency_key;
  std::string idempotency_scope;
  std::string fingerprint;
};
struct enqueue {
  std::string queue;
  std::vector<new_job> jobs;           // 1 to 1,000; all or none
  std::optional<new_job> on_complete;  // put when all of them have finished: a batch
  std::string on_complete_queue;
  bool is_stored = false;  // in the outbox, which they leave: the queue's max_jobs is not looked at
};
struct lease {
  std::string queue;
  std::size_t most = 1;
  std::optional<milliseconds> length;     // instead of the job's timeout
  std::int64_t wait_until_steady_ms = 0;  // 0: answer at once
  std::uint64_t waiter = 0;               // names the request if it is parked; never 0 then
  milliseconds grace{0};  // on top of the length: for whoever ends an attempt in time by itself
  bool tells_runs =
      true;  // its worker hears of a second run and of the run's trace: not over the SQS API
  bool creates = false;   // a queue that is not there, as enqueue does: not over the SQS API
  bool requests = false;  // for whoever runs what the http plane put off; nobody else gets that
};
struct ack {
  lease_token token;
  std::string result;
  std::string result_type;
  std::uint16_t result_status = 0;
  bool repeatable = false;  // said again with the lease that it ended by, it succeeds again
};
struct fail_job {
  lease_token token;
  std::string error;
  std::optional<milliseconds> retry_after;  // instead of the ladder's delay
  std::optional<milliseconds> not_before;   // the ladder's delay, but at least this
  bool dead = false;                        // no point in another attempt
  bool release = false;  // given back unused: at once, and the attempt does not count
  bool unsure = false;   // for the history: nobody knows whether it took effect
};
struct extend {
  lease_token token;
  milliseconds length;  // from now
};
struct progress {
  lease_token token;
  std::string text;
};
struct cancel_job {
  job_id id = 0;
};
struct forget_waiter {  // its client has gone or its time is over
  std::uint64_t waiter = 0;
};
struct redrive {  // dead jobs of a queue back to queued
  std::string queue;
  std::optional<job_id> id;
  std::string error;       // only those whose last error is this, normalised
  std::string to;          // another queue; empty: where they came from
  std::uint64_t most = 0;  // 0: all
  std::optional<rate> pace;
  // Those that wait as well, not only the dead: a dead letter queue of SQS is a queue like any.
  bool waiting = false;
  // As SQS moves messages: unique names are not looked at. With `most` at once: its answer is what was moved.
  bool moves = false;
};
struct set_paused {
  std::string queue;
  bool paused = false;
};
struct purge_queue {
  std::string queue;
};
struct set_queue {  // the SQS API's CreateQueue, SetQueueAttributes, DeleteQueue
  std::string queue;
  std::optional<std::string> attributes;
  bool drop = false;
};
struct read_job {  // exact: through the writer, behind all that was said before
  job_id id = 0;
};
using command = std::variant<enqueue, lease, ack, fail_job, extend, progress, cancel_job,
                             forget_waiter, redrive, set_paused, purge_queue, set_queue, read_job>;

// ---- replies
struct enqueued {
  struct one {
    job_id id = 0;
    job_state state = job_state::queued;
    bool existed = false;  // the unique name or Idempotency-Key had a job already: this one
  };
  std::vector<one> jobs;
  std::uint64_t batch = 0;
};
// Which run of a job that `verify_idempotency` chose.
enum class verify_run : std::uint8_t {
  none,    // it is not chosen
  first,   // until it succeeds: each attempt
  second,  // once more, after that
};
struct leased_job {
  job work;  // whole; of a chosen one the field traceparent is that of the run (run_trace)
  lease_token token;
  std::int64_t deadline_ms = 0;  // wall
  verify_run run = verify_run::none;
};
struct leased {
  std::vector<leased_job> jobs;  // empty: there was none in time
};
struct settled {  // what became of a job by ack, fail, cancel
  job_id id = 0;
  job_state state = job_state::done;
  std::optional<std::int64_t> next_attempt_ms;  // wall
};
struct extended {
  std::int64_t deadline_ms = 0;  // wall
};
struct counted {
  std::uint64_t count = 0;
};
struct parked {};  // a lease that waits: its reply comes out of dispatch()
struct nothing {};
using reply = std::variant<enqueued, leased, settled, extended, counted, job, parked, nothing>;

struct waiter_reply {
  std::uint64_t waiter = 0;
  result<leased> jobs;
};
// What others want to hear of: log lines, metrics, waiting status requests, pushers.
struct job_event {
  enum class kind : std::uint8_t {
    enqueued,
    started,  // a delivery began
    succeeded,
    failed,   // an attempt; it will be tried again
    died,     // and it will not
    expired,  // a lease: nobody answered ("may run twice")
    cancelled,
    redriven,
    verified,  // a second run has ended; error: it did not succeed
  };
  kind what = kind::enqueued;
  job_id id = 0;
  std::uint32_t queue = 0;
  std::uint32_t attempt = 0;
  job_state state = job_state::queued;
  std::int64_t took_ms = 0;    // of the attempt; enqueued: 0
  std::int64_t waited_ms = 0;  // started: since it was ready
  std::string trace;
  std::string error;
  verify_run run = verify_run::none;  // of started, succeeded, verified
};
struct dispatched {
  std::vector<waiter_reply> replies;
  std::vector<job_event> events;  // of the whole batch, in order
  bool recounted =
      false;  // counts of a queue may have changed, also without an event (purge, retention)
  std::vector<job_id> damaged;  // jobs that were set aside: their rows cannot be read
};

// It has succeeded once; where it has not finished, its second run is due or goes on.
[[nodiscard]] bool succeeded_before(const job& j) noexcept;
// The trace of a chosen job's run: 32 hex digits, of the id and the attempt.
[[nodiscard]] std::string run_trace(job_id id, std::uint32_t attempt);

class engine {
 public:
  engine(store& s, jobs_config config, std::uint64_t random_seed);
  ~engine();

  result<void> open(plane_time now);
  void reconfigure(const jobs_config& next);  // between batches
  [[nodiscard]] result<reply> apply(const command& c, plane_time now);
  [[nodiscard]] result<void> tick(plane_time now);
  [[nodiscard]] result<void> dispatch(plane_time now, dispatched& out);
  // True after a call whose error came from the store: the batch is lost, rollback() and rolled_back(). Other errors of
  // apply() are refusals of that one command; the batch goes on.
  [[nodiscard]] bool batch_lost() const noexcept;
  void committed() noexcept;
  void rolled_back() noexcept;  // whoever is parked stays parked
  // When tick() has something to do without a command; nullopt: never.
  [[nodiscard]] std::optional<std::int64_t> next_wake_steady_ms(plane_time now) const noexcept;
  // For metrics and lists: as of the last commit.
  struct queue_state {
    queue_row row;
    queue_config config;
    queue_counts counts;
    double arrivals_a_second = 0;  // over the last minute
    double finished_a_second = 0;
    std::uint64_t expired =
        0;  // leases that ended with nobody answering, since open(): each job may have run twice
    std::uint32_t redriving = 0;   // redrives out of it that go on
    std::uint64_t done_today = 0;  // over 24 hours, since this process has the store at most
    std::uint64_t died_today = 0;
  };
  [[nodiscard]] std::vector<queue_state> queues(plane_time now) const;

 private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

}  // namespace fairing::jobs
