// store: where jobs live: the one interface of every engine (SQLite, PostgreSQL; Redis, AMQP, Kafka, SQS fit it).
//
// Problem: the rules of the plane (ladder, leases, keys, timers) are the same on every engine, what an engine can do is
// not. The engine keeps and finds; it decides nothing. What it cannot do it declares, and the plane refuses those
// features of a queue with the reason.
//
// Flow, on the one thread that owns it (jobs::writer):
//   s.begin(); s.put(j); s.lease(...); s.save(j, ...); ...; s.commit();   // what commit() answered ok to is durable
// Failure: after any error but errc::not_found / conflict the batch is lost: rollback(), and everybody in it gets the
// error. A commit() that failed fences the store (fsync is never tried again on the same file handle): every later call
// answers errc::fenced until open() again. Where nobody knows whether it was made durable it says errc::unknown_outcome.
// Conformance: jobs/store/conformance_test.hpp runs the same cases on every engine.
// Threads: one. Reads for people (search, lists) go through `reader`, which has threads and handles of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "jobs/logic/job.hpp"

namespace fairing::jobs {

enum class errc {
  not_found = 1,    // no such job, queue or lease
  conflict,         // the state does not allow it, or the unique name is taken
  stale_lease,      // the job was leased again, or finished, since that lease
  full,             // no room: disk, bytes or count
  too_large,        // the payload is over the queue's limit
  unsupported,      // the store cannot do that
  bad_request,      // a value that cannot be meant
  fenced,           // the store failed while it made something durable; it has to be opened again
  store_failed,     // any other fault of the store
  overloaded,       // too many requests wait for the store
  standby,          // another instance has the store; this one takes over when that ends
  unknown_outcome,  // the store was lost while it made the batch durable: it may have been, or not
};
[[nodiscard]] const std::error_category& jobs_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), jobs_category()};
}

// What an engine can do beyond put, lease, settle.
struct capabilities {
  bool find = true;      // load() of any job by its id: status, cancel, search
  bool delay = true;     // scheduled jobs of any delay
  bool priority = true;  // rank orders the queue
  bool keys = true;      // jobs of a key one after the other
  bool unique = true;    // unique names
  bool shared = false;   // several processes on the same data
  bool outbox = false;   // an application can enqueue in its own transaction
};

struct queue_row {
  std::uint32_t number = 0;
  std::string name;
  bool paused = false;
  std::string attributes;  // what the SQS API set, as JSON; empty: nothing
};

struct queue_counts {
  std::uint64_t of[job_state_count] = {};  // by job_state
  std::uint64_t parked = 0;                // of the queued ones
  std::uint64_t finished_bytes = 0;
  std::int64_t oldest_ready_ms =
      0;  // wall: since when the one waits that waits longest; 0: none. Not the store's
};

// Where a ready job stands, and its priority: together with queue_config::ageing since when it is ready.
struct rank_row {
  std::int64_t rank = 0;
  std::int16_t priority = 0;
};

// A unique name or an Idempotency-Key, and the job it stands for.
struct unique_row {
  job_id job = 0;
  std::string fingerprint;      // of the request that took it; empty: not asked for
  std::int64_t expires_ms = 0;  // wall; 0: when the job has finished
};

// A job whose row cannot be read; what its columns still say.
struct damaged_row {
  job_id id = 0;
  std::uint32_t queue = 0;
  std::optional<job_state> state;  // nullopt: one that there is none of
  bool parked = false;
  bool holds_key = false;
  std::uint64_t bytes = 0;
  std::string key;
};

// What a purge has erased.
struct cleared {
  queue_counts counts;                             // by state (of, parked)
  std::map<std::uint64_t, std::uint64_t> batches;  // how many of which batch
  std::vector<job_id> ids;
};

struct finished_row {
  std::int64_t finished_ms = 0;  // wall
  job_id id = 0;
  std::uint64_t bytes = 0;
};

// Which parts of a job save() writes; the rest is left as it is in the store.
enum class part : std::uint32_t {
  // queue, state, rank, priority, due_clock, due_ms, attempt, secret, parked, holds_key, bytes, finished_ms
  state = 1,
  history = 2,   // history
  progress = 4,  // progress
  result = 8,    // result, result_type, result_status
  payload = 16,  // payload (retention drops it)
};
[[nodiscard]] constexpr std::uint32_t operator|(part a, part b) noexcept {
  return static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b);
}
[[nodiscard]] constexpr std::uint32_t operator|(std::uint32_t a, part b) noexcept {
  return a | static_cast<std::uint32_t>(b);
}
[[nodiscard]] constexpr std::uint32_t operator+(part a) noexcept {
  return static_cast<std::uint32_t>(a);
}

// What an application put into the outbox in a transaction of its own, as it is there.
struct outbox_row {
  std::int64_t number = 0;
  std::string queue;
  std::string payload;              // JSON; empty where bytes is over what was asked for
  std::uint64_t payload_bytes = 0;  // of the payload that is there
  std::string key;
  std::string unique;
  std::int64_t priority = 0;
  std::optional<std::int64_t> run_at_ms;  // wall
  std::string traceparent;
};

class store {
 public:
  store() = default;
  virtual ~store() = default;
  store(const store&) = delete;
  store& operator=(const store&) = delete;

  [[nodiscard]] virtual capabilities can() const noexcept = 0;

  // ---- a batch: all of it or nothing
  virtual result<void> begin() = 0;
  virtual result<void> commit() = 0;
  virtual void rollback() noexcept = 0;

  // ---- queues; numbers are small and stay
  virtual result<std::vector<queue_row>> queues() = 0;
  virtual result<std::uint32_t> add_queue(std::string_view name) = 0;  // or the one there is
  virtual result<void> save_queue(const queue_row& q) = 0;
  virtual result<void> drop_queue(std::uint32_t number) = 0;  // and its jobs
  virtual result<queue_counts> counts(std::uint32_t queue) = 0;

  // ---- jobs
  virtual result<void> put(const job& j) = 0;  // id is set and new
  // Whole but for payload and result where not `with_payload`. errc::not_found: also for a row that cannot be read. It is
  // set aside, in the batch at hand: kept as it is where no look-up comes (table job_damaged), and told by damaged().
  virtual result<job> load(job_id id, bool with_payload) = 0;
  virtual result<void> save(const job& j, std::uint32_t parts) = 0;
  virtual result<void> erase(std::span<const job_id> ids) = 0;
  // Queued and not parked, the smallest (rank, id) first; whole; not changed by this. It ends with the job that makes
  // job::bytes of all of them reach `most_bytes`.
  virtual result<std::vector<job>> ready(std::uint32_t queue, std::size_t most,
                                         std::uint64_t most_bytes) = 0;
  // Of those: of each priority but 0 the smallest rank; and the ranks from that one on, the smallest first.
  virtual result<std::vector<rank_row>> first_ranks(std::uint32_t queue) = 0;
  virtual result<std::vector<rank_row>> ranks_from(std::uint32_t queue, std::int64_t rank,
                                                   std::size_t most) = 0;
  // Queued and not parked with a rank up to that, the smallest first.
  virtual result<std::vector<job_id>> ranked_up_to(std::uint32_t queue, std::int64_t rank,
                                                   std::size_t most) = 0;
  // Of a key: how many hold it (job::holds_key); and the parked one with the smallest id.
  virtual result<std::uint32_t> active_of(std::uint32_t queue, std::string_view key) = 0;
  virtual result<std::optional<job_id>> first_parked(std::uint32_t queue, std::string_view key) = 0;
  // Parked jobs, key by key, the smallest ids of a key first.
  virtual result<std::vector<job_id>> parked(std::uint32_t queue, std::size_t most) = 0;
  // The first parked job of the first key behind that one.
  struct key_row {
    std::string key;
    job_id id = 0;
  };
  virtual result<std::optional<key_row>> first_parked_behind(std::uint32_t queue,
                                                             std::string_view key) = 0;
  // Parked jobs whose key nobody holds, the first of each such key.
  virtual result<std::vector<job_id>> unheld(std::uint32_t queue, std::size_t most) = 0;
  // Scheduled jobs whose time has come, and leases that are over; the earliest first.
  virtual result<std::vector<job_id>> due(clock_kind clock, std::int64_t until_ms,
                                          std::size_t most) = 0;
  virtual result<std::vector<job_id>> expired(std::int64_t until_ms, std::size_t most) = 0;
  // When the next of those comes; nullopt: none.
  virtual result<std::optional<std::int64_t>> next_due(clock_kind clock) = 0;
  virtual result<std::optional<std::int64_t>> next_expiry() = 0;
  // Finished ones of a queue and state, behind `after` and finished before that; the oldest first, then the smallest
  // id. For retention and redrive.
  virtual result<std::vector<finished_row>> finished_before(std::uint32_t queue, job_state s,
                                                            const finished_row& after,
                                                            std::int64_t before_ms,
                                                            std::size_t most) = 0;
  // finished_ms of the one that finished last; 0: none.
  virtual result<std::int64_t> newest_finished(std::uint32_t queue, job_state s) = 0;
  // Erases queued and scheduled jobs with ids up to that.
  virtual result<cleared> clear(std::uint32_t queue, job_id up_to, std::size_t most) = 0;
  // A failed attempt of the job, for error_groups: counts it, and find() by that error gives the job from now on.
  virtual result<void> count_failure(const job& j, std::string_view normalised,
                                     std::int64_t wall_ms) = 0;
  // Groups of failures of that queue that were last counted before that; how many went.
  virtual result<std::uint64_t> drop_failures_before(std::uint32_t queue, std::int64_t wall_ms) = 0;
  // Those that were set aside in the batch at hand since the last call.
  virtual std::vector<damaged_row> damaged() = 0;
  // The largest id that was ever put; 0: none.
  virtual result<job_id> last_id() = 0;

  // ---- names: (scope, name) -> job. Scope: "q:NUMBER" for unique, "i:PRINCIPAL" for Idempotency-Key
  virtual result<std::optional<unique_row>> find_unique(std::string_view scope,
                                                        std::string_view name) = 0;
  virtual result<void> put_unique(std::string_view scope, std::string_view name,
                                  const unique_row& u) = 0;
  virtual result<void> drop_unique(std::string_view scope, std::string_view name) = 0;
  virtual result<std::uint64_t> drop_uniques_before(std::int64_t wall_ms, std::size_t most) = 0;

  // ---- small facts: cron's last time, batches, the steady clock
  virtual result<std::optional<std::string>> fact(std::string_view name) = 0;
  // Those whose names begin so: (name, value).
  virtual result<std::vector<std::pair<std::string, std::string>>> facts(
      std::string_view prefix) = 0;
  virtual result<void> set_fact(std::string_view name, std::string_view value) = 0;
  virtual result<void> drop_fact(std::string_view name) = 0;

  // Bytes of the store on its medium, and those still free there; 0: not known.
  [[nodiscard]] virtual std::uint64_t used_bytes() noexcept = 0;
  [[nodiscard]] virtual std::uint64_t free_bytes() noexcept = 0;
  // What is to stay free there: below it the store gives back what it does not use.
  virtual void keep_free(std::uint64_t /*bytes*/) noexcept {}
  // Between batches: checkpoint, vacuum, analyse; some milliseconds at most.
  virtual void upkeep() noexcept = 0;
  // There is more of it to do, soon, though nothing else happens.
  [[nodiscard]] virtual bool wants_upkeep() const noexcept { return false; }

  // ---- capabilities::outbox
  // True: there may be something in the outbox; asked each batch, cheap.
  [[nodiscard]] virtual bool poke() noexcept { return false; }
  // Called, on any thread, when poke() has become true.
  virtual void on_poke(std::function<void()>) {}
  // The oldest rows; each has to be taken or refused (with the reason, for people) in the same batch.
  virtual result<std::vector<outbox_row>> outbox(std::size_t, std::size_t /*longest_payload*/) {
    return std::vector<outbox_row>{};
  }
  virtual result<void> take_outbox(std::int64_t /*number*/) { return {}; }
  virtual result<void> refuse_outbox(std::int64_t /*number*/, std::string_view /*why*/) {
    return {};
  }
};

// ---- reads for people
struct job_query {
  std::optional<std::uint32_t> queue;
  std::optional<job_state> state;
  std::string text;  // in id, key, unique, trace id, payload or last error: a substring; empty: all
  std::string error;  // a normalised error (see error_groups)
  std::string after;  // from `next` of the answer before
  std::size_t most = 100;
};
struct job_page {
  std::vector<job> items;  // without payloads over 4 KiB and results; newest first
  std::string next;        // empty: that was all
};
struct error_group {
  std::string error;  // numbers, ids and quoted texts replaced
  std::uint32_t queue = 0;
  std::uint64_t count = 0;
  std::int64_t first_ms = 0;  // wall
  std::int64_t last_ms = 0;
  job_id sample = 0;
};

// Its own handles, read-only; bounded in time and rows, so that a search never stops the writer. Threads: one at a time.
class reader {
 public:
  reader() = default;
  virtual ~reader() = default;
  reader(const reader&) = delete;
  reader& operator=(const reader&) = delete;
  virtual result<job> load(job_id id) = 0;
  virtual result<job_page> find(const job_query& q) = 0;
  virtual result<std::vector<error_group>> errors(std::optional<std::uint32_t> queue,
                                                  std::size_t most) = 0;
};

}  // namespace fairing::jobs

template <>
struct std::is_error_code_enum<fairing::jobs::errc> : std::true_type {};
