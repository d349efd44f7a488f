#include "app/jobs_wiring.hpp"

#include <algorithm>

#include "base/timestamp.hpp"
#include "jobs/store/postgres/postgres_store.hpp"
#include "jobs/store/sqlite/sqlite_store.hpp"

namespace fairing::app {

namespace {

constexpr std::string_view sqlite_word = "sqlite:";

checklist::verified_fact fact_of(const jobs::verified_summary& v) {
  using enum jobs::verdict;
  const auto count = [&v](jobs::verdict what) { return v.counts[static_cast<std::size_t>(what)]; };
  checklist::verified_fact f;
  f.idempotent = count(idempotent);
  f.not_idempotent = count(not_idempotent);
  f.unclear = count(unclear);
  f.not_seen = count(not_seen);
  for (const auto& found : v.findings)
    if (found.what.what == not_idempotent)
      f.findings.push_back({.job = jobs::id_text(found.id),
                            .reason = std::string(to_string(found.what.why)),
                            .statement = found.what.statement,
                            .rows_first = found.what.rows_first,
                            .rows_second = found.what.rows_second});
  return f;
}

}  // namespace

// The check of the configuration saw the word.
result<std::unique_ptr<jobs::jobs_plane>> open_jobs(net::core_group& cores, metrics::registry& r,
                                                    const jobs::jobs_config& c,
                                                    jobs::carrier_maker requests,
                                                    std::shared_ptr<bus::write_sets> writes) {
  jobs::store_factory stores;
  stores.writes = std::move(writes);
  stores.requests = std::move(requests);
  if (c.store.starts_with(sqlite_word)) {
    const auto path = c.store.substr(sqlite_word.size());
    // Made at the start at most: a file that goes later on is missed, not replaced by an empty one.
    stores.open_store = [path, create = true]() mutable {
      auto s = jobs::open_sqlite({.path = path, .create = create});
      create = create && !s;
      return s;
    };
    stores.open_reader = [path] { return jobs::open_sqlite_reader(path); };
  } else {
    const auto url = c.store;
    stores.open_store = [url] { return jobs::open_postgres({.url = url}); };
    stores.open_reader = [url] { return jobs::open_postgres_reader(url); };
    stores.waits_for_store = true;
  }
  return jobs::jobs_plane::open(cores, r, c, std::move(stores));
}

std::optional<admin::response> ask_jobs(jobs::jobs_plane& plane, const admin::request& r,
                                        admin::answer_later done) {
  return plane.ask({.method = r.method, .path = r.path, .query = r.query, .body = r.body},
                   std::move(done));
}

checklist::jobs_evidence evidence_of(const jobs::jobs_plane& plane) {
  checklist::jobs_evidence out;
  out.configured = true;
  const auto now = unix_ms();
  const auto known = plane.queues();
  for (const auto& q : known->states) {
    checklist::queue_fact f;
    f.name = q.row.name;
    const auto of = [&q](jobs::job_state s) { return q.counts.of[static_cast<std::size_t>(s)]; };
    f.waiting = of(jobs::job_state::queued);
    f.dead = of(jobs::job_state::dead);
    f.done_today = q.done_today;
    f.died_today = q.died_today;
    f.paused = q.row.paused;
    f.timeout = q.config.timeout;
    f.timeout_is_default = q.config.timeout == jobs::queue_config{}.timeout;
    if (q.counts.oldest_ready_ms != 0)
      f.oldest = milliseconds{std::max<std::int64_t>(0, now - q.counts.oldest_ready_ms)};
    f.verified = fact_of(plane.verified_of(q.row.number));
    out.queues.push_back(std::move(f));
  }
  return out;
}

}  // namespace fairing::app
