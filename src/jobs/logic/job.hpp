// job: one unit of work and what is known of it, as every store keeps it.
//
// Problem: stores differ (SQL tables, Redis, AMQP, Kafka, SQS), the rules must not: what a job is, which states it has
// and which time means what stands here once.
//
// States:   scheduled --due--> queued --lease--> leased --ack--> done
//                ^                                 |  \--fail, lease over, attempts left--> scheduled
//                |                                 |   \--no attempt left, or told so-----> dead --redrive--> queued
//           cancel from scheduled, queued, leased: cancelled
// Time: two clocks, both in milliseconds (plane_time below). What people write down (run_at, cron) is wall time; what
// must not jump with it (leases, delays of the ladder) is steady time.
// Threads: plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace fairing::jobs {

enum class job_state : std::uint8_t {
  queued,     // may be leased now, or waits for its key's turn
  scheduled,  // becomes queued when its time has come
  leased,     // a worker has it
  done,       // acknowledged; the result is kept for a while
  dead,  // no attempt left, or a worker said that there is no point: kept until redriven or too old
  cancelled,  // somebody called it off
};
inline constexpr std::size_t job_state_count = 6;
[[nodiscard]] std::string_view to_string(job_state s) noexcept;
[[nodiscard]] std::optional<job_state> job_state_from(std::string_view word) noexcept;
[[nodiscard]] constexpr bool finished(job_state s) noexcept {
  return s == job_state::done || s == job_state::dead || s == job_state::cancelled;
}

// Ascending in the order of creation, also over restarts and when the wall clock is set back.
using job_id = std::uint64_t;
// 13 characters, base 32 (Crockford), as the API writes ids; ordered as the numbers are.
[[nodiscard]] std::string id_text(job_id id);
[[nodiscard]] std::optional<job_id> id_from(std::string_view text) noexcept;

// Names one delivery of one job. Whoever has another secret than the job's current one is too late.
struct lease_token {
  job_id job = 0;
  std::uint64_t secret = 0;
  [[nodiscard]] bool operator==(const lease_token&) const = default;
};
[[nodiscard]] std::string token_text(const lease_token& t);  // 26 characters: id, secret
[[nodiscard]] std::optional<lease_token> token_from(std::string_view text) noexcept;

// The trace id of a traceparent (00-TRACEID-SPANID-FLAGS); empty: it is none.
[[nodiscard]] std::string_view trace_of(std::string_view traceparent) noexcept;

// Both clocks at one moment. `steady` goes on from where the last process left it and never back; `wall` is since 1970.
struct plane_time {
  std::int64_t steady_ms = 0;
  std::int64_t wall_ms = 0;
};
enum class clock_kind : std::uint8_t {
  steady,  // leases, delays, the ladder
  wall,    // run_at, cron
};

// One delivery; kept with the job. While it goes on ended_ms is 0.
struct attempt_record {
  std::uint32_t attempt = 0;   // from 1
  std::int64_t began_ms = 0;   // wall
  std::int64_t ended_ms = 0;   // wall
  std::string error;           // empty: it was the one that succeeded
  bool lease_expired = false;  // nobody answered for it
  bool unsure = false;         // it failed, and nobody knows whether it took effect
};

struct job {
  job_id id = 0;
  std::uint32_t queue = 0;  // number of the queue in its store
  job_state state = job_state::queued;
  // Among queued jobs of a queue the smallest goes first, then the smallest id: ready time minus priority times
  // queue_config::ageing. So a higher priority wins at once, and a lower one in the end.
  std::int64_t rank = 0;
  std::int16_t priority = 0;  // -100 to 100; higher first
  clock_kind due_clock = clock_kind::steady;
  std::int64_t due_ms =
      0;  // scheduled: becomes queued then. leased: the lease is over then (steady)
  std::uint32_t attempt = 0;  // deliveries begun so far in this life; redrive begins again at 0
  // Of the current lease, or of the one that made it done; 0: none. Of a job that waits for its key's rate: the book
  // that its turn stands in (engine::parts::key_turns).
  std::uint64_t secret = 0;
  bool parked = false;  // queued, but its key has as many jobs leased or ready as it may
  // It counts against its key's concurrency: leased, ready, or (FIFO; over its key's rate) waiting for its time.
  bool holds_key = false;
  std::uint32_t timeout_ms = 0;        // of one attempt; 0: the queue's
  std::vector<milliseconds> attempts;  // its own ladder; empty: the queue's
  std::string key;                     // concurrency, rate and FIFO group; empty: none
  std::string unique;                  // at most one live job of the queue bears it; empty: none
  std::string owner;         // the principal that may read it; empty: anybody who knows the id
  std::string content_type;  // of payload
  std::string payload;
  std::vector<std::pair<std::string, std::string>>
      fields;                           // traceparent, attributes; handed to the worker
  std::string trace;                    // trace id, for search
  std::uint64_t batch = 0;              // id of its batch; 0: none
  std::uint64_t bytes = 0;              // what it takes in the store, about
  std::int64_t created_ms = 0;          // wall
  std::int64_t finished_ms = 0;         // wall; 0: not yet
  std::vector<attempt_record> history;  // the last 32
  std::string progress;                 // what the worker said last
  std::string result;                   // of the ack
  std::string result_type;
  std::uint16_t result_status = 0;  // of an HTTP answer that was kept; 0: none
};

// What people may see, and search, of the payload: all of it, but of a request that was put off (message/http), which
// bears its client's credentials, the first line.
[[nodiscard]] std::string_view visible_payload(const job& j) noexcept;
// A request that the http plane put off: its owner alone may read the answer.
[[nodiscard]] bool is_kept_request(const job& j) noexcept;

}  // namespace fairing::jobs
