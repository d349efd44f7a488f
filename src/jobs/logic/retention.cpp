// How long finished jobs stay: by age for each kind of end, and by bytes over all of a queue, the oldest first.
#include <algorithm>

#include "jobs/logic/engine_parts.hpp"

namespace fairing::jobs {

namespace {

constexpr std::int64_t look_every_ms = 5'000;
constexpr std::size_t most_queues_a_tick = 8;

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

result<std::size_t> engine::parts::retain(queue_entry& q, plane_time now, std::size_t most) {
  const std::pair<job_state, milliseconds> ages[] = {{job_state::done, q.config.keep_done},
                                                     {job_state::cancelled, q.config.keep_done},
                                                     {job_state::dead, q.config.keep_dead}};
  std::size_t gone = 0;
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
