// How long jobs stay: finished ones by age for each kind of end, and by bytes over all of a queue, the oldest first;
// unfinished ones where their queue has a retention.
#include <algorithm>

#include "jobs/logic/engine_parts.hpp"

namespace fairing::jobs {

namespace {

constexpr std::int64_t look_every_ms = 5'000;
constexpr std::int64_t look_at_failures_ms = 3'600'000;
constexpr std::size_t most_queues_a_tick = 8;
constexpr std::size_t most_keys_a_look = 200;
constexpr std::string_view retention_passed = "retention passed";

}  // namespace

// Erases finished jobs of a state: those before `before_ms`, or the oldest until `over_bytes` are gone.
result<std::size_t> engine::parts::erase_some(queue_entry& q, job_state s, std::int64_t before_ms,
                                              std::size_t most, std::uint64_t over_bytes) {
  if (q.of(s) == 0 || most == 0) return 0U;
  const auto rows = stored.finished_before(q.row.number, s, {}, before_ms, most);
  if (!rows) return lost(rows.error());
  std::vector<job_id> ids;
  std::uint64_t bytes = 0;
  for (const auto& row : *rows) {
    if (over_bytes > 0 && bytes >= over_bytes) break;
    ids.push_back(row.id);
    bytes += row.bytes;
  }
  if (ids.empty()) return 0U;
  if (auto r = stored.erase(ids); !r) return lost(r.error());
  touch(q);
  q.counts.of[static_cast<std::size_t>(s)] -= ids.size();
  q.counts.finished_bytes -= std::min(q.counts.finished_bytes, bytes);
  return ids.size();
}

// Since its first attempt; of a job that had none yet, since it could run. A second run is never too late.
bool engine::parts::past_retention(const job& j, const queue_entry& q, plane_time now) {
  if (!q.config.retention || succeeded_before(j)) return false;
  const auto longest = q.config.retention->count();
  if (j.attempt == 0) return reading(now, j.due_clock) - j.due_ms > longest;
  // SQS counts from when a message was sent.
  const bool all_known = j.attempt <= j.history.size() && !q.config.retention_drops;
  const auto since = all_known ? j.history[j.history.size() - j.attempt].began_ms : j.created_ms;
  return now.wall_ms - since > longest;
}

// It is counted in the state that it has: nobody has it any more, or it waits.
result<void> engine::parts::let_go(job& j, queue_entry& q, plane_time now) {
  leave(q, j);
  if (j.state == job_state::scheduled) turn_lost(j);
  if (j.history.size() >= most_history) j.history.erase(j.history.begin());
  j.history.push_back({.attempt = j.attempt,
                       .began_ms = now.wall_ms,
                       .ended_ms = now.wall_ms,
                       .error = std::string(retention_passed)});
  const auto as = q.config.retention_drops ? job_state::cancelled : job_state::dead;
  if (auto r = finish(j, q, as, part::state | part::history, now); !r) return r;
  const bool dead = as == job_state::dead;
  if (dead)
    if (auto r = stored.count_failure(j, retention_passed, now.wall_ms); !r) return lost(r.error());
  tell(dead ? job_event::kind::died : job_event::kind::cancelled, j, std::string(retention_passed));
  return {};
}

result<bool> engine::parts::let_go_if_past(job_id id, queue_entry& q, plane_time now) {
  auto j = stored.load(id, false);
  if (!j && j.error().code == errc::not_found) return false;  // it was set aside
  if (!j) return lost(j.error());
  if (!past_retention(*j, q, now)) return false;
  if (auto r = let_go(*j, q, now); !r) return std::unexpected(r.error());
  return true;
}

// Key by key, some keys a look: the first parked one of a key is its oldest.
result<std::size_t> engine::parts::let_go_of_parked(queue_entry& q, plane_time now,
                                                    std::size_t most) {
  std::size_t gone = 0;
  for (std::size_t i = 0; i < most_keys_a_look && q.counts.parked > 0; ++i) {
    const auto found = stored.first_parked_behind(q.row.number, q.retention_key);
    if (!found) return lost(found.error());
    const auto& first = found.value();
    if (!first) {
      q.retention_key.clear();
      break;
    }
    for (std::optional<job_id> id = first->id; id;) {
      if (gone == most) return gone;
      const auto went = let_go_if_past(*id, q, now);
      if (!went) return std::unexpected(went.error());
      if (!*went) break;
      ++gone;
      const auto next = stored.first_parked(q.row.number, first->key);
      if (!next) return lost(next.error());
      id = next.value();
    }
    q.retention_key = first->key;
  }
  return gone;
}

// Those that wait, the smallest rank first: of two that wait as long the higher priority, which is no older, hides the
// other at most for what it is worth. Parked ones first: who holds their key lets the next one in, as young as new.
result<std::size_t> engine::parts::let_go_of_old_ones(queue_entry& q, plane_time now,
                                                      std::size_t most) {
  if (!q.config.retention || q.of(job_state::queued) == 0) return 0U;
  const auto parked = let_go_of_parked(q, now, most);
  if (!parked || *parked == most) return parked;
  auto gone = *parked;
  const auto until = now.steady_ms - q.config.retention->count();
  const auto ids = stored.ranked_up_to(q.row.number, until, most - gone);
  if (!ids) return lost(ids.error());
  for (const auto id : *ids) {
    const auto went = let_go_if_past(id, q, now);
    if (!went) return std::unexpected(went.error());
    gone += *went ? 1 : 0;
  }
  return gone;
}

result<std::size_t> engine::parts::retain(queue_entry& q, plane_time now, std::size_t most) {
  const std::pair<job_state, milliseconds> ages[] = {{job_state::done, q.config.keep_done},
                                                     {job_state::cancelled, q.config.keep_done},
                                                     {job_state::dead, q.config.keep_dead}};
  if (now.steady_ms >= q.failures_ms) {
    const auto dropped =
        stored.drop_failures_before(q.row.number, now.wall_ms - q.config.keep_dead.count());
    if (!dropped) return lost(dropped.error());
    q.failures_ms = now.steady_ms + look_at_failures_ms;
  }
  const auto old = let_go_of_old_ones(q, now, most);
  if (!old) return old;
  auto gone = *old;
  for (const auto& [s, age] : ages) {
    const auto n = erase_some(q, s, now.wall_ms - age.count(), most - gone, 0);
    if (!n) return n;
    gone += *n;
  }
  for (const auto s : {job_state::done, job_state::cancelled, job_state::dead}) {
    if (q.counts.finished_bytes <= q.config.keep_bytes) break;
    const auto over = q.counts.finished_bytes - q.config.keep_bytes;
    const auto n = erase_some(q, s, INT64_MAX, most - gone, over);
    if (!n) return n;
    gone += *n;
  }
  return gone;
}

result<void> engine::parts::retention(plane_time now) {
  auto left = most_of_a_tick;
  std::size_t looked = 0;
  for (auto& [number, q] : queues) {
    const bool over = q.counts.finished_bytes > q.config.keep_bytes;
    if (q.retention_ms > now.steady_ms && !over) continue;
    if (++looked > most_queues_a_tick || left == 0) return {};
    const auto gone = retain(q, now, left);
    if (!gone) return std::unexpected(gone.error());
    left -= *gone;
    if (left > 0) q.retention_ms = now.steady_ms + look_every_ms;
  }
  return {};
}

}  // namespace fairing::jobs
