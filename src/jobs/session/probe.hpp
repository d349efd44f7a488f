// probe: what the jobs plane tells of itself: metrics, and three log events a job.
//
// Problem: the writer must not be slowed by what is told of it, and a label must not be whatever a client names a queue.
// Flow:  probe p(registry, view); p.configure(config); p.count(report) after each commit;
// Labels: queues that the configuration names; all others are `other`.
// Log events: job_start, job_end, job_error, and job_verified of what is not idempotent, with job, queue, attempt, trace. They are written by the thread "jobs-log";
// where it is 256 batches behind, events are dropped and counted.
// Threads: configure from any, one at a time; count and queues on the writer's.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "jobs/logic/verifier.hpp"
#include "jobs/session/queue_view.hpp"
#include "jobs/session/writer.hpp"
#include "metrics/registry.hpp"
#include "net/offload.hpp"

namespace fairing::jobs {

class probe {
 public:
  probe(metrics::registry& r, const queue_view& queues);
  void configure(const jobs_config& c);
  void count(const batch_report& b);
  void count(const verified& v);
  void name_queues(const std::vector<engine::queue_state>& states);

 private:
  struct queue_metrics {
    metrics::counter outcomes[9];              // by job_event::kind
    metrics::counter verdicts[verdict_count];  // of jobs that were run twice
    metrics::histogram wait;
    metrics::histogram run;
    std::vector<metrics::registry::guard> guards;
  };
  queue_metrics* make(const std::string& label);
  [[nodiscard]] const queue_metrics& of(std::uint32_t number) const;
  [[nodiscard]] queue_counts counts_of(const std::string& label) const;
  void watch_depth(queue_metrics& m, const std::string& label);
  void write_log(const std::vector<job_event>& events);

  metrics::registry& registry_;
  const queue_view& queues_;
  metrics::histogram commit_seconds_;
  metrics::histogram commit_size_;
  metrics::counter lost_lines_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<queue_metrics>> by_label_;  // only ever grows
  std::vector<const queue_metrics*> by_number_;                     // the writer's own
  std::vector<std::string> names_;                                  // by number; the writer's own
  const queue_metrics* other_ = nullptr;
  mutable std::mutex configured_mutex_;  // held for a look only: a scrape takes it
  std::set<std::string> configured_;     // only ever grows
  net::offload log_;
};

[[nodiscard]] std::string_view outcome_of(job_event::kind k) noexcept;

}  // namespace fairing::jobs
