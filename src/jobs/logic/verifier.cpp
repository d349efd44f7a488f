#include "jobs/logic/verifier.hpp"

#include <algorithm>
#include <utility>

namespace fairing::jobs {

void verifier::begin(const job_event& e) {
  if (jobs_.size() >= most_jobs && !jobs_.contains(e.id)) {
    (void)sets_.end(jobs_.begin()->second.key);
    jobs_.erase(jobs_.begin());
  }
  auto& j = jobs_[e.id];
  if (j.key != 0) (void)sets_.end(j.key);
  j.key = bus::trace_key(run_trace(e.id, e.attempt));
  sets_.begin(j.key);
}

std::vector<verified> verifier::on_events(std::span<const job_event> events, std::int64_t wall_ms) {
  std::vector<verified> out;
  for (const auto& e : events) {
    if (e.what == job_event::kind::started) {
      if (e.run != verify_run::none) begin(e);
      continue;
    }
    const auto at = jobs_.find(e.id);
    if (at == jobs_.end()) {
      if (e.what == job_event::kind::verified) out.push_back({e.id, e.queue, wall_ms, {}});
      continue;
    }
    auto& j = at->second;
    auto seen = j.key != 0 ? sets_.end(std::exchange(j.key, 0)) : std::nullopt;
    if (e.what == job_event::kind::succeeded && e.run == verify_run::first) {
      j.first = std::move(seen);
      continue;
    }
    if (e.what == job_event::kind::verified)
      out.push_back({e.id, e.queue, wall_ms, compare_runs(j.first, seen, !e.error.empty())});
    jobs_.erase(at);
  }
  for (const auto& v : out) keep(v);
  return out;
}

void verifier::keep(const verified& v) {
  const std::lock_guard lock(mutex_);
  auto& q = queues_[v.queue];
  ++q.counts[static_cast<std::size_t>(v.what.what)];
  if (v.what.what == verdict::idempotent) return;
  std::erase_if(q.findings, [&](const verified& f) {
    return f.what.why == v.what.why && f.what.statement == v.what.statement;
  });
  if (q.findings.size() >= most_findings) q.findings.erase(q.findings.begin());
  q.findings.push_back(v);
}

verified_summary verifier::summary_of(std::uint32_t queue) const {
  const std::lock_guard lock(mutex_);
  const auto at = queues_.find(queue);
  return at == queues_.end() ? verified_summary{} : at->second;
}

}  // namespace fairing::jobs
