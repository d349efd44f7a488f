#include "jobs/session/probe.hpp"

#include <algorithm>
#include <array>

#include "base/log.hpp"
#include "base/timestamp.hpp"

namespace fairing::jobs {
namespace {

constexpr std::array<std::string_view, 9> outcomes{"enqueued",  "started",  "done",
                                                   "failed",    "dead",     "expired",
                                                   "cancelled", "redriven", "verified"};
constexpr std::array size_bounds{1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0};
constexpr std::array wait_bounds{0.001, 0.0025, 0.005,  0.01,   0.025,  0.05, 0.1,
                                 0.25,  0.5,    1.0,    2.5,    5.0,    10.0, 30.0,
                                 60.0,  300.0,  1800.0, 3600.0, 86400.0};
constexpr std::size_t most_numbers = 100'000;

struct log_line {
  job_event event;
  std::string queue;
};

void write(const log_line& l) {
  const auto& e = l.event;
  const auto id = id_text(e.id);
  using kind = job_event::kind;
  switch (e.what) {
    case kind::started:
      return log::info("job_start", {{"job", id},
                                     {"queue", l.queue},
                                     {"attempt", e.attempt},
                                     {"waited_ms", e.waited_ms},
                                     {"trace", e.trace}});
    case kind::succeeded:
    case kind::cancelled:
    case kind::verified:
      return log::info("job_end", {{"job", id},
                                   {"queue", l.queue},
                                   {"attempt", e.attempt},
                                   {"state", to_string(e.state)},
                                   {"took_ms", e.took_ms},
                                   {"trace", e.trace}});
    case kind::failed:
    case kind::died:
    case kind::expired:
      return log::warn("job_error", {{"job", id},
                                     {"queue", l.queue},
                                     {"attempt", e.attempt},
                                     {"state", to_string(e.state)},
                                     {"error", e.error},
                                     {"took_ms", e.took_ms},
                                     {"trace", e.trace}});
    case kind::enqueued:
    case kind::redriven:
      return;
  }
}

// A job that died of its lease is told by both: one line.
bool also_died(const job_event& e) noexcept {
  return e.what == job_event::kind::expired && e.state == job_state::dead;
}

bool logged(const job_event& e) noexcept {
  return e.what != job_event::kind::enqueued && e.what != job_event::kind::redriven &&
         !also_died(e);
}

const std::string other_label = "other";

void add(queue_counts& to, const queue_counts& c) noexcept {
  for (std::size_t i = 0; i < job_state_count; ++i) to.of[i] += c.of[i];
  if (c.oldest_ready_ms != 0 && (to.oldest_ready_ms == 0 || c.oldest_ready_ms < to.oldest_ready_ms))
    to.oldest_ready_ms = c.oldest_ready_ms;
}

}  // namespace

std::string_view outcome_of(job_event::kind k) noexcept {
  return outcomes[static_cast<std::size_t>(k)];
}

probe::probe(metrics::registry& r, const queue_view& queues)
    : registry_(r), queues_(queues), log_("jobs-log", 256, true) {
  commit_seconds_ = r.add_histogram("fairing_jobs_commit_seconds",
                                    "How long the store took to make a batch durable.");
  commit_size_ = r.add_histogram("fairing_jobs_commit_size", "Requests that shared a commit.", {},
                                 size_bounds);
  lost_lines_ = r.add_counter("fairing_jobs_log_dropped_total",
                              "Log events of jobs dropped because their writer was behind.");
  other_ = make(other_label);
}

void probe::configure(const jobs_config& c) {
  for (const auto& q : c.queues) {
    {
      const std::lock_guard lock(configured_mutex_);
      configured_.insert(q.name);
    }
    make(q.name);
  }
}

probe::queue_metrics* probe::make(const std::string& label) {
  const std::lock_guard lock(mutex_);
  auto& m = by_label_[label];
  if (m) return m.get();
  m = std::make_unique<queue_metrics>();
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    m->outcomes[i] =
        registry_.add_counter("fairing_jobs_total", "What became of jobs and their attempts.",
                              {{"queue", label}, {"outcome", std::string(outcomes[i])}});
  for (std::size_t i = 0; i < verdict_count; ++i)
    m->verdicts[i] = registry_.add_counter(
        "fairing_jobs_verified_total", "Jobs that were run twice, by what both runs wrote.",
        {{"queue", label}, {"verdict", std::string(to_string(static_cast<verdict>(i)))}});
  m->wait = registry_.add_histogram("fairing_jobs_wait_seconds",
                                    "From when a job was ready to when a worker had it.",
                                    {{"queue", label}}, wait_bounds);
  m->run = registry_.add_histogram("fairing_jobs_run_seconds",
                                   "From a lease to its end: done, failed or expired.",
                                   {{"queue", label}}, wait_bounds);
  watch_depth(*m, label);
  return m.get();
}

// `other`: all queues that clients have named, together.
queue_counts probe::counts_of(const std::string& label) const {
  const auto known = queues_.get();
  if (label != other_label) {
    const auto* q = known->find(label);
    return q == nullptr ? queue_counts{} : q->counts;
  }
  queue_counts sum;
  const std::lock_guard lock(configured_mutex_);
  for (const auto& q : known->states)
    if (!configured_.contains(q.row.name)) add(sum, q.counts);
  return sum;
}

void probe::watch_depth(queue_metrics& m, const std::string& label) {
  for (std::size_t s = 0; s < job_state_count; ++s)
    m.guards.push_back(registry_.add_callback(
        "fairing_jobs_depth", "Jobs that are in the store now.", "gauge",
        {{"queue", label}, {"state", std::string(to_string(static_cast<job_state>(s)))}},
        [this, label, s] { return static_cast<double>(counts_of(label).of[s]); }));
  m.guards.push_back(registry_.add_callback(
      "fairing_jobs_oldest_age_seconds", "Age of the job that has been ready for longest.", "gauge",
      {{"queue", label}}, [this, label]() -> double {
        const auto oldest_ms = counts_of(label).oldest_ready_ms;
        if (oldest_ms == 0) return 0;
        return static_cast<double>(std::max<std::int64_t>(0, unix_ms() - oldest_ms)) / 1000;
      }));
}

void probe::name_queues(const std::vector<engine::queue_state>& states) {
  const std::lock_guard lock(mutex_);
  for (const auto& s : states) {
    const auto n = s.row.number;
    if (n >= most_numbers) continue;
    if (n >= by_number_.size()) by_number_.resize(n + 1, nullptr), names_.resize(n + 1);
    const auto at = by_label_.find(s.row.name);
    by_number_[n] = at == by_label_.end() ? other_ : at->second.get();
    names_[n] = s.row.name;
  }
}

const probe::queue_metrics& probe::of(std::uint32_t number) const {
  const auto* m = number < by_number_.size() ? by_number_[number] : nullptr;
  return m == nullptr ? *other_ : *m;
}

void probe::count(const batch_report& b) {
  if (b.commands > 0) {
    commit_seconds_.observe_us(b.commit_us);
    commit_size_.observe_us(static_cast<std::int64_t>(b.commands) * 1'000'000);
  }
  using kind = job_event::kind;
  for (const auto& e : b.events) {
    const auto& m = of(e.queue);
    m.outcomes[static_cast<std::size_t>(e.what)].add();
    if (e.what == kind::started) m.wait.observe_us(e.waited_ms * 1000);
    if (e.what == kind::succeeded || e.what == kind::failed || e.what == kind::died ||
        (e.what == kind::expired && !also_died(e)))
      m.run.observe_us(e.took_ms * 1000);
  }
  if (!b.events.empty() && log::enabled(log::level::warn)) write_log(b.events);
}

void probe::count(const verified& v) {
  of(v.queue).verdicts[static_cast<std::size_t>(v.what.what)].add();
  if (v.what.what != verdict::not_idempotent || !log::enabled(log::level::warn)) return;
  const bool taken =
      log_.submit([v, queue = v.queue < names_.size() ? names_[v.queue] : std::string()] {
        log::warn("job_verified", {{"job", id_text(v.id)},
                                   {"queue", queue},
                                   {"verdict", to_string(v.what.what)},
                                   {"reason", to_string(v.what.why)},
                                   {"statement", v.what.statement}});
      });
  if (!taken) lost_lines_.add(1);
}

void probe::write_log(const std::vector<job_event>& events) {
  std::vector<log_line> lines;
  const bool all = log::enabled(log::level::info);
  for (const auto& e : events) {
    const bool error = e.what == job_event::kind::failed || e.what == job_event::kind::died ||
                       e.what == job_event::kind::expired;
    if (!logged(e) || (!all && !error)) continue;
    lines.push_back({e, e.queue < names_.size() ? names_[e.queue] : std::string()});
  }
  if (lines.empty()) return;
  const auto count = lines.size();
  const bool taken = log_.submit([l = std::move(lines)] {
    for (const auto& line : l) write(line);
  });
  if (!taken) lost_lines_.add(count);
}

}  // namespace fairing::jobs
