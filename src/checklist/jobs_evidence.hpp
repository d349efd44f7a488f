// jobs_evidence: what the jobs plane tells the checklist: plain values, for points 6 and 8.
//
// Problem: as with the other planes, a grade must be tested without a store.
// Flow:  jobs_evidence e; e.configured = true; e.queues.push_back(...);  grade_all(snapshot, sites, sql, e)
// Threads: values; no state.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace fairing::checklist {

// Jobs that were run twice to see whether that does harm, by what came of it.
struct verified_fact {
  std::uint64_t idempotent = 0;
  std::uint64_t not_idempotent = 0;
  std::uint64_t unclear = 0;
  std::uint64_t not_seen = 0;  // their SQL did not bear the trace of the run
  struct finding {             // not idempotent
    std::string job;
    std::string reason;  // added_rows, relative, other_values, other_statement, failed
    std::string statement;
    std::uint64_t rows_first = 0;
    std::uint64_t rows_second = 0;
  };
  std::vector<finding> findings;
};

struct queue_fact {
  std::string name;
  std::uint64_t waiting = 0;  // may be leased now
  std::uint64_t dead = 0;
  std::uint64_t died_today = 0;  // within a day, since the start at most
  std::uint64_t done_today = 0;
  bool paused = false;
  milliseconds timeout{0};          // of one attempt; 0: none
  bool timeout_is_default = false;  // nobody has said what fits its jobs
  verified_fact verified;
  milliseconds oldest{0};  // how long the first of those that wait has waited
};

struct jobs_evidence {
  bool configured = false;
  std::vector<queue_fact> queues;
};

}  // namespace fairing::checklist
