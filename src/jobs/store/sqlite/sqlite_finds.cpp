// Look-ups by time, counts, purges and failures.
#include <algorithm>

#include "jobs/logic/packed.hpp"
#include "jobs/store/sqlite/sqlite_store.hpp"

namespace fairing::jobs::sqlite {

namespace {

constexpr std::int64_t most_failures = 10'000;  // groups; further ones are counted as one
constexpr std::string_view other_failures = "(other errors)";

std::size_t index(job_state s) { return static_cast<std::size_t>(s); }

}  // namespace

result<std::vector<job_id>> sqlite_store::ids_of(statement& s) {
  std::vector<job_id> out;
  while (true) {
    const auto row = s.step();
    if (!row) return failed(row.error());
    if (!*row) return out;
    out.push_back(from_sql(s.number(0)));
  }
}

result<std::vector<job_id>> sqlite_store::due(clock_kind clock, std::int64_t until_ms,
                                              std::size_t most) {
  auto& s = use(sql::due);
  s.bind(1, static_cast<std::int64_t>(clock)).bind(2, until_ms);
  s.bind(3, static_cast<std::int64_t>(most));
  return ids_of(s);
}

result<std::vector<job_id>> sqlite_store::expired(std::int64_t until_ms, std::size_t most) {
  auto& s = use(sql::expired);
  s.bind(1, until_ms).bind(2, static_cast<std::int64_t>(most));
  return ids_of(s);
}

result<std::optional<std::int64_t>> sqlite_store::next_due(clock_kind clock) {
  auto& s = use(sql::next_due);
  s.bind(1, static_cast<std::int64_t>(clock));
  return first_number(s);
}

result<std::optional<std::int64_t>> sqlite_store::next_expiry() {
  return first_number(use(sql::next_expiry));
}

result<std::vector<finished_row>> sqlite_store::finished_before(std::uint32_t queue, job_state st,
                                                                const finished_row& after,
                                                                std::int64_t before_ms,
                                                                std::size_t most) {
  auto& s = use(sql::finished_before);
  s.bind(1, queue).bind(2, static_cast<std::int64_t>(st)).bind(3, after.finished_ms);
  s.bind(4, to_sql(after.id)).bind(5, before_ms).bind(6, static_cast<std::int64_t>(most));
  std::vector<finished_row> out;
  while (true) {
    const auto row = s.step();
    if (!row) return failed(row.error());
    if (!*row) return out;
    out.push_back({s.number(0), from_sql(s.number(1)), static_cast<std::uint64_t>(s.number(2))});
  }
}

result<std::int64_t> sqlite_store::newest_finished(std::uint32_t queue, job_state st) {
  auto& s = use(sql::newest_finished);
  s.bind(1, queue).bind(2, static_cast<std::int64_t>(st));
  const auto row = s.step();
  if (!row) return failed(row.error());
  if (!*row) return 0;
  const auto at = s.number(0);
  s.reset();
  return at;
}

// Each from its own index, none from the table: a million jobs are some tens of milliseconds.
result<queue_counts> sqlite_store::counts(std::uint32_t queue) {
  const auto q = " WHERE queue = " + std::to_string(queue) + " AND ";
  auto s =
      db_.prepare("SELECT 0, count(*), 0 FROM job" + q + "state = 0 AND parked = 0 UNION ALL " +
                  "SELECT -1, count(*), 0 FROM job" + q + "state = 0 AND parked = 1 UNION ALL " +
                  "SELECT 1, count(*), 0 FROM job" + q + "state = 1 UNION ALL " +
                  "SELECT 2, count(*), 0 FROM job" + q + "state = 2 UNION ALL " +
                  "SELECT state, count(*), sum(bytes) FROM job" + q + "state >= 3 GROUP BY state");
  if (!s) return failed(s.error());
  queue_counts out;
  while (true) {
    const auto row = s->step();
    if (!row) return failed(row.error());
    if (!*row) break;
    const auto state = s->number(0);
    if (state >= static_cast<std::int64_t>(job_state_count)) continue;  // damaged
    const auto count = static_cast<std::uint64_t>(s->number(1));
    if (state < 0) out.parked = count;
    out.of[state < 0 ? index(job_state::queued) : static_cast<std::size_t>(state)] += count;
    out.finished_bytes += static_cast<std::uint64_t>(s->number(2));
  }
  return out;
}

// From priority to priority: a seek for each that there is.
result<std::vector<rank_row>> sqlite_store::first_ranks(std::uint32_t queue) {
  std::vector<rank_row> out;
  for (std::int64_t last = INT16_MIN;;) {
    auto& s = use(sql::next_priority);
    s.bind(1, queue).bind(2, last);
    const auto row = s.step();
    if (!row) return failed(row.error());
    if (!*row) return out;
    last = s.number(0);
    out.push_back({s.number(1), static_cast<std::int16_t>(last)});
    s.reset();
  }
}

result<std::vector<rank_row>> sqlite_store::ranks_from(std::uint32_t queue, std::int64_t rank,
                                                       std::size_t most) {
  auto& s = use(sql::ranks_from);
  s.bind(1, queue).bind(2, rank).bind(3, static_cast<std::int64_t>(most));
  std::vector<rank_row> out;
  while (true) {
    const auto row = s.step();
    if (!row) return failed(row.error());
    if (!*row) return out;
    out.push_back({s.number(0), static_cast<std::int16_t>(s.number(1))});
  }
}

result<std::vector<job_id>> sqlite_store::ranked_up_to(std::uint32_t queue, std::int64_t rank,
                                                       std::size_t most) {
  auto& s = use(sql::ranked_up_to);
  s.bind(1, queue).bind(2, rank).bind(3, static_cast<std::int64_t>(most));
  return ids_of(s);
}

result<std::uint64_t> sqlite_store::clear_some(sql which, std::uint32_t queue, job_id up_to,
                                               std::size_t most, cleared& out) {
  if (most == 0) return 0;
  auto& s = use(which);
  s.bind(1, queue).bind(2, to_sql(up_to)).bind(3, static_cast<std::int64_t>(most));
  std::vector<job_id> ids;
  while (true) {
    const auto row = s.step();
    if (!row) return failed(row.error());
    if (!*row) break;
    ids.push_back(from_sql(s.number(0)));
    if (const auto batch = batch_in(s.text(1)); batch != 0) ++out.batches[batch];
  }
  if (auto r = erase(ids); !r) return std::unexpected(r.error());
  out.ids.insert(out.ids.end(), ids.begin(), ids.end());
  return ids.size();
}

result<cleared> sqlite_store::clear(std::uint32_t queue, job_id up_to, std::size_t most) {
  cleared out;
  auto& queued = out.counts.of[index(job_state::queued)];
  const auto ready_gone = clear_some(sql::clear_ready, queue, up_to, most, out);
  if (!ready_gone) return std::unexpected(ready_gone.error());
  const auto parked_gone = clear_some(sql::clear_parked, queue, up_to, most - *ready_gone, out);
  if (!parked_gone) return std::unexpected(parked_gone.error());
  queued = *ready_gone + *parked_gone;
  out.counts.parked = *parked_gone;
  const auto rest = clear_some(sql::clear_scheduled, queue, up_to, most - queued, out);
  if (!rest) return std::unexpected(rest.error());
  out.counts.of[index(job_state::scheduled)] = *rest;
  return out;
}

result<std::optional<std::int64_t>> sqlite_store::first_number(statement& s) {
  const auto row = s.step();
  if (!row) return failed(row.error());
  if (!*row) return std::nullopt;
  const auto n = s.number(0);
  s.reset();
  return n;
}

// Groups are counted where there is to be a new one: those that are there cost one look-up.
result<void> sqlite_store::count_failure(const job& j, std::string_view normalised,
                                         std::int64_t wall_ms) {
  const auto run = [&](sql which, std::string_view error) {
    auto& s = use(which);
    s.bind(1, j.queue).bind(2, error).bind(3, wall_ms).bind(4, to_sql(j.id));
    return first_number(s);
  };
  auto group = run(sql::count_failure, normalised);
  if (!group) return std::unexpected(group.error());
  if (!group.value()) {
    const auto groups = first_number(use(sql::count_groups));
    if (!groups) return std::unexpected(groups.error());
    group =
        run(sql::add_failure, groups->value_or(0) < most_failures ? normalised : other_failures);
    if (!group) return std::unexpected(group.error());
  }
  auto& mark = use(sql::mark_failure);
  mark.bind(1, to_sql(j.id)).bind(2, group->value_or(0));
  if (auto r = mark.run(); !r) return failed(r.error());
  return {};
}

result<std::uint64_t> sqlite_store::drop_failures_before(std::uint32_t queue,
                                                         std::int64_t wall_ms) {
  auto& s = use(sql::drop_failures);
  s.bind(1, queue).bind(2, wall_ms);
  if (auto r = s.run(); !r) return failed(r.error());
  return static_cast<std::uint64_t>(db_.changes());
}

}  // namespace fairing::jobs::sqlite
