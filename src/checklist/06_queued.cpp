// Point 6: expensive operations offloaded to a queue. Seen in the durations.
//   warn  a row of at least 20 requests has a p95 of over 1 s
//   fail  ... over 3 s
//   pass  a row has 20 requests, and none is as slow
// Of the jobs plane's queues:
//   warn  dead letters; a job that has been ready for over 5 min
//   warn  jobs that verify_idempotency ran twice and none of whose SQL bore the run's trace
//   fail  a job of it whose second run wrote again
//   fail  more than a tenth of what has finished within a day is dead: dead letters are kept for longer than done jobs,
//         so what is there says nothing; a job that has been ready for over an hour
// Upgrades and event streams are not timed. Egress sites are left out: the request that waits for
// them is itself seen.
#include <fmt/format.h>

#include <algorithm>

#include "base/units.hpp"
#include "checklist/points.hpp"

namespace fairing::checklist {

namespace {

constexpr std::int64_t warn_over_us = 1'000'000;
constexpr std::int64_t fail_over_us = 3'000'000;

constexpr milliseconds late{5 * 60'000};
constexpr milliseconds too_late{3'600'000};

// Can its route be put off already? Then only its clients do not ask for it.
bool puts_off(const row& r, const site_facts& site) {
  return std::ranges::find(site.async_routes, r.route) != site.async_routes.end();
}

std::vector<std::string> fix_of(const row& r, const site_facts& site, const jobs_evidence& jobs) {
  std::vector<std::string> fix;
  if (r.method == row_method::get && r.counts.state_changing == 0) {
    fix = route_fix(r, "cache: { ttl: 60s, stale_while_revalidate: 10m }");
    fix.insert(
        fix.begin(),
        "# where an answer of a minute ago is good enough, compute it once; this `cache` goes "
        "in place of the one that point 5 gives the route:");
  }
  if (puts_off(r, site)) {
    fix.emplace_back(
        "# its route has `async`, and these requests did not ask for it: let clients send `Prefer: "
        "respond-async` and follow the Location of the 202, or say");
    for (auto& line : route_fix(r, "async: { mode: always, queue: slow }"))
      fix.push_back(std::move(line));
    return fix;
  }
  fix.emplace_back(
      "# put it off without a change of the backend: a request with `Prefer: respond-async` is "
      "kept, answered 202 with a Location for its state and answer, and run as a job");
  for (auto& line : route_fix(r, "async: { mode: prefer, queue: slow }"))
    fix.push_back(std::move(line));
  if (!jobs.configured) {
    fix.emplace_back("# fairing.yaml, beside http:");
    fix.emplace_back(
        "jobs: { listen: 127.0.0.1:9324, store: \"sqlite:fairing-jobs.db\", queues: [ { name: "
        "slow, timeout: 5m, concurrency: 4 } ] }");
  } else if (std::ranges::none_of(jobs.queues, [](const auto& q) { return q.name == "slow"; })) {
    fix.emplace_back("# under jobs.queues: - { name: slow, timeout: 5m, concurrency: 4 }");
  }
  fix.emplace_back(
      "# or in the backend: put the work on a queue of the jobs plane, answer 202 Accepted with a "
      "Location, let a worker do it");
  return fix;
}

void judge_queue(const queue_fact& q, std::vector<finding>& findings) {
  if (q.dead > 0) {
    finding f;
    // Some may have been redriven since.
    const auto died = std::min(q.dead, q.died_today);
    f.severity = died * 10 > died + q.done_today ? grade::fail : grade::warn;
    f.weight = static_cast<double>(q.dead);
    f.evidence = fmt::format("queue {}: {} dead letters, {} of them within a day, beside {} done",
                             q.name, q.dead, died, q.done_today);
    f.fix = {
        fmt::format("# why they died: GET /v1/failures?queue={}; mend it, then: fairing jobs "
                    "redrive {}",
                    q.name, q.name)};
    findings.push_back(std::move(f));
  }
  if (q.oldest > late) {
    finding f;
    f.severity = q.oldest > too_late && !q.paused ? grade::fail : grade::warn;
    f.weight = static_cast<double>(q.oldest.count());
    f.evidence = fmt::format("queue {}{}: {} jobs wait, the oldest for {}", q.name,
                             q.paused ? " (paused)" : "", q.waiting,
                             format_duration(floor<seconds>(q.oldest)));
    f.fix = {q.paused
                 ? fmt::format("# fairing jobs resume {}", q.name)
                 : fmt::format("# more workers for queue {}, or a higher `concurrency`", q.name)};
    findings.push_back(std::move(f));
  }
}

std::string harm_of(const verified_fact::finding& f) {
  if (f.reason == "failed") return "a statement of its second run failed, and the run with it";
  const auto rows = fmt::format("{} ({} rows the first time, {} the second)",
                                short_sql(f.statement), f.rows_first, f.rows_second);
  if (f.reason == "added_rows") return "added rows again: " + rows;
  if (f.reason == "relative") return "built on what the first run had written: " + rows;
  if (f.reason == "other_values") return "wrote other values: " + rows;
  return "wrote what its first run did not: " + rows;
}

std::vector<std::string> remedy_of(const verified_fact::finding& f, const std::string& queue) {
  std::vector<std::string> fix;
  if (f.reason == "added_rows")
    fix.emplace_back(
        "-- keep the job's id (webhook-id, `id` of the lease) with the row, UNIQUE, and let the "
        "second be nothing: INSERT ... ON CONFLICT (job_id) DO NOTHING");
  else if (f.reason == "relative")
    fix.emplace_back(
        "-- in the same transaction: INSERT INTO done_jobs (id) VALUES ($1) ON CONFLICT DO "
        "NOTHING; "
        "only if that inserted a row, the UPDATE. Or set the value instead of adding to it");
  else if (f.reason == "failed")
    fix.emplace_back(
        "-- a job that finds its work done should succeed: INSERT ... ON CONFLICT DO NOTHING "
        "instead of an error, which becomes a dead letter");
  else
    fix.emplace_back(
        "-- take values from the payload, not from the clock or from what the first run left; or "
        "look first whether the job's id is done");
  fix.push_back(
      fmt::format("# the jobs and what they wrote: `verified` in GET /v1/queues, queue {}", queue));
  return fix;
}

void judge_verified(const queue_fact& q, std::vector<finding>& findings) {
  const auto& v = q.verified;
  const auto all = v.idempotent + v.not_idempotent + v.unclear + v.not_seen;
  for (const auto& bad : v.findings) {
    finding f;
    f.severity = grade::fail;
    f.weight = static_cast<double>(v.not_idempotent);
    f.evidence =
        fmt::format("queue {}: {} of {} jobs that were run twice are not idempotent; {} {}", q.name,
                    v.not_idempotent, all, bad.job, harm_of(bad));
    f.fix = remedy_of(bad, q.name);
    findings.push_back(std::move(f));
  }
  if (all > 0 && v.not_seen == all) {
    finding f;
    f.severity = grade::warn;
    f.weight = static_cast<double>(all);
    f.evidence = fmt::format("queue {}: {} jobs were run twice, and none of their SQL was seen",
                             q.name, all);
    f.fix = {
        "# the worker has to put the `traceparent` it gets into its SQL as a comment "
        "(sqlcommenter, OpenTelemetry), and its DATABASE_URL has to name the sql plane"};
    findings.push_back(std::move(f));
  }
}

}  // namespace

point grade_queued(const snapshot& seen, facts_span sites, const jobs_evidence& jobs) {
  point p{6, "Expensive operations offloaded to queue", grade::not_seen, {}, {}};
  std::vector<finding> findings;
  std::uint64_t most = 0;
  std::int64_t slowest_us = 0;
  for (const auto& r : seen.rows) {
    if (facts_of(r, sites).egress || r.method == row_method::not_of_path) continue;
    const auto& d = r.counts.durations;
    most = std::max(most, d.count());
    if (d.count() < min_samples) continue;
    const auto p95 = d.quantile(0.95);
    slowest_us = std::max(slowest_us, p95);
    if (p95 <= warn_over_us) continue;
    findings.push_back({p95 > fail_over_us ? grade::fail : grade::warn, static_cast<double>(p95),
                        fmt::format("{}: p50 {}, p95 {} over {} requests", show_row(r, sites),
                                    show_us(d.quantile(0.5)), show_us(p95), d.count()),
                        fix_of(r, facts_of(r, sites), jobs)});
  }
  for (const auto& q : jobs.queues) {
    judge_queue(q, findings);
    judge_verified(q, findings);
  }
  if (findings.empty()) {
    if (most >= min_samples) {
      p.result = grade::pass;
      p.evidence.push_back(fmt::format("the slowest route has a p95 of {}", show_us(slowest_us)));
    } else {
      p.evidence.push_back(too_few(most, "requests of one route"));
    }
    for (const auto& q : jobs.queues)
      if (const auto& v = q.verified; v.idempotent > 0)
        p.evidence.push_back(
            fmt::format("queue {}: {} of {} jobs that were run twice wrote nothing, or the same",
                        q.name, v.idempotent, v.idempotent + v.unclear + v.not_seen));
  }
  conclude(p, std::move(findings));
  return p;
}

}  // namespace fairing::checklist
