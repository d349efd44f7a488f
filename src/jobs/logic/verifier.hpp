// verifier: the two runs of jobs that `verify_idempotency` chose, from what the engine says and what write_sets saw.
//
// Flow, on the writer's thread, after the commit and before any reply leaves (so that no worker is ahead of it):
//   for (const verified& v : v.on_events(events, wall_ms)) count and log
//         anybody:  v.summary_of(queue)
// Each run of a chosen job has a trace of its own (run_trace): the request that put the job, jobs put by the same
// request and earlier attempts that failed have others, so what is seen under it is that run's.
// In memory only: after a restart a job whose first run is over is compared with nothing, and counted as not seen.
// Bounds: 256 jobs between their runs (the oldest is forgotten); of a queue the last 8 findings that differ.
// Threads: on_events the writer's; summary_of any.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bus/write_sets.hpp"
#include "jobs/logic/engine.hpp"
#include "jobs/logic/same_writes.hpp"

namespace fairing::jobs {

struct verified {
  job_id id = 0;
  std::uint32_t queue = 0;
  std::int64_t wall_ms = 0;
  comparison what;
};

struct verified_summary {
  std::array<std::uint64_t, verdict_count> counts{};  // by verdict, since the start
  std::vector<verified> findings;  // all but the idempotent: the last of each reason and statement
};

class verifier {
 public:
  static constexpr std::size_t most_jobs = 256;
  static constexpr std::size_t most_findings = 8;

  explicit verifier(bus::write_sets& sets) : sets_(sets) {}

  std::vector<verified> on_events(std::span<const job_event> events, std::int64_t wall_ms);
  [[nodiscard]] verified_summary summary_of(std::uint32_t queue) const;

 private:
  struct between {
    std::uint64_t key = 0;  // of the run that goes on; 0: none does
    std::optional<bus::write_set> first;
  };
  void begin(const job_event& e);
  void keep(const verified& v);

  bus::write_sets& sets_;
  std::map<job_id, between> jobs_;
  mutable std::mutex mutex_;
  std::map<std::uint32_t, verified_summary> queues_;
};

}  // namespace fairing::jobs
