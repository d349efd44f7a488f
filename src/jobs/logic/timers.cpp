// What time brings: scheduled jobs come due, leases run out.
#include "jobs/logic/engine_parts.hpp"

namespace fairing::jobs {

namespace {

constexpr std::int64_t unique_sweep_ms = 60'000;

}  // namespace

result<std::size_t> engine::parts::make_due(clock_kind clock, plane_time now, std::size_t most) {
  auto& next = next_due[static_cast<std::size_t>(clock)];
  const auto time = reading(now, clock);
  if (next > time || most == 0) return 0U;
  const auto ids = stored.due(clock, time, most);
  if (!ids) return lost(ids.error());
  for (const auto id : *ids) {
    auto j = stored.load(id, false);
    if (!j && j.error().code == errc::not_found) continue;  // it was set aside
    if (!j) return lost(j.error());
    const auto q = queue_at(j->queue);
    if (!q) return std::unexpected(q.error());
    if (j->attempt > 0 && past_retention(*j, **q, now)) {
      if (auto r = let_go(*j, **q, now); !r) return std::unexpected(r.error());
      continue;
    }
    leave(**q, *j);
    const auto turn = j->secret;
    if (auto r = place(*j, **q, now); !r) return std::unexpected(r.error());
    j->secret = turn;
    if (auto r = stored.save(*j, +part::state); !r) return lost(r.error());
    enter(**q, *j);
  }
  const auto after = stored.next_due(clock);
  if (!after) return lost(after.error());
  next = after->value_or(never_ms);
  return ids->size();
}

result<std::size_t> engine::parts::expire(plane_time now, std::size_t most) {
  if (next_expiry > now.steady_ms || most == 0) return 0U;
  const auto ids = stored.expired(now.steady_ms, most);
  if (!ids) return lost(ids.error());
  for (const auto id : *ids) {
    auto j = stored.load(id, false);
    if (!j && j.error().code == errc::not_found) continue;  // it was set aside
    if (!j) return lost(j.error());
    const auto q = queue_at(j->queue);
    if (!q) return std::unexpected(q.error());
    const auto r = attempt_failed(*j, **q, "lease expired", true, {}, now);
    if (!r) return std::unexpected(r.error());
  }
  const auto after = stored.next_expiry();
  if (!after) return lost(after.error());
  next_expiry = after->value_or(never_ms);
  return ids->size();
}

result<void> engine::parts::timers(plane_time now) {
  auto left = most_of_a_tick;
  const auto over = expire(now, left);
  if (!over) return std::unexpected(over.error());
  left -= *over;
  for (const auto clock : {clock_kind::steady, clock_kind::wall}) {
    const auto due = make_due(clock, now, left);
    if (!due) return std::unexpected(due.error());
    left -= *due;
  }
  if (now.steady_ms >= next_unique_sweep) {
    const auto gone = stored.drop_uniques_before(now.wall_ms, most_of_a_tick);
    if (!gone) return lost(gone.error());
    next_unique_sweep = now.steady_ms + (*gone == most_of_a_tick ? 100 : unique_sweep_ms);
  }
  return {};
}

}  // namespace fairing::jobs
