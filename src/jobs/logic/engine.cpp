#include "jobs/logic/engine.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "jobs/logic/engine_parts.hpp"

namespace fairing::jobs {

namespace {

constexpr std::int64_t oldest_every_ms = 250;
constexpr std::size_t most_ranks = 1'000;

}  // namespace

engine::parts::parts(store& s, jobs_config c, std::uint64_t seed)
    : stored(s), config(std::move(c)), random(seed) {}

result<void> engine::parts::open(plane_time now) {
  if (auto r = stored.begin(); !r) return r;
  auto r = recover_queues(now);
  if (r) r = recover_tasks();
  if (r) r = recover_watches();
  if (r) r = stored.commit();
  if (!r) {
    stored.rollback();
    rolled_back();
    return r;
  }
  committed();
  return {};
}

// An error of the store, but for what it says of one row, loses the batch.
std::unexpected<error> engine::parts::lost(const error& e) noexcept {
  batch_is_lost = true;
  return std::unexpected(e);
}

void engine::parts::touch(queue_entry& q) {
  if (q.touched == batch_number) return;
  q.touched = batch_number;
  q.before = q.counts;
  touched.push_back(q.row.number);
}

void engine::parts::leave(queue_entry& q, const job& j) {
  touch(q);
  if (j.state == job_state::leased) heads.erase(j.id);
  --q.counts.of[static_cast<std::size_t>(j.state)];
  if (j.state == job_state::queued && j.parked) --q.counts.parked;
  if (finished(j.state)) {
    q.counts.finished_bytes -= std::min(q.counts.finished_bytes, j.bytes);
  } else {
    --live;
  }
}

void engine::parts::enter(queue_entry& q, const job& j) {
  touch(q);
  ++q.counts.of[static_cast<std::size_t>(j.state)];
  if (j.state == job_state::queued && j.parked) ++q.counts.parked;
  if (j.state == job_state::queued && !j.parked && j.priority == 0)
    q.plain_from = std::min(q.plain_from, j.rank);
  if (finished(j.state)) {
    q.counts.finished_bytes += j.bytes;
  } else {
    ++live;
  }
}

void engine::parts::tell(job_event::kind what, const job& j, std::string error,
                         std::int64_t took_ms, std::int64_t waited_ms) {
  events.push_back(
      {what, j.id, j.queue, j.attempt, j.state, took_ms, waited_ms, j.trace, std::move(error)});
}

job_id engine::parts::next_id(plane_time now) {
  const auto clock = static_cast<job_id>(std::max<std::int64_t>(now.wall_ms, 0)) << 22;
  last_id = std::max(last_id + 1, clock);
  return last_id;
}

result<reply> engine::parts::apply(const command& c, plane_time now) {
  return std::visit([&](const auto& which) { return run(which, now); }, c);
}

result<void> engine::parts::tick(plane_time now) {
  if (config_is_new)
    if (auto r = take_config(now); !r) return r;
  if (auto r = timers(now); !r) return r;
  if (auto r = let_in(now); !r) return r;
  if (auto r = fire_crons(now); !r) return r;
  if (auto r = empty_outbox(now); !r) return r;
  if (!strays.empty())
    if (auto r = free_strays(); !r) return r;
  if (auto r = go_on(now); !r) return r;
  return retention(now);
}

// Rows that cannot be read have been set aside; what they counted for, and the keys they held, go with them.
result<void> engine::parts::forget_damaged(plane_time now, dispatched& out) {
  for (auto some = stored.damaged(); !some.empty(); some = stored.damaged()) {
    for (const auto& d : some) {
      out.damaged.push_back(d.id);
      if (auto r = tell_watchers(d.id, now); !r) return r;
      const auto at = queues.find(d.queue);
      if (!d.state || at == queues.end()) continue;
      job j{.id = d.id, .queue = d.queue, .state = *d.state};
      j.parked = d.parked;
      j.bytes = d.bytes;
      leave(at->second, j);
      if (d.holds_key)
        if (auto r = next_of_key(at->second, d.key, now); !r) return r;
    }
  }
  return {};
}

// Since when a job is ready is its rank and what its priority is worth. Of jobs of one priority the first by rank is the
// oldest; those of 0, which most are, have no index of their own: looked at from where the last look ended, a share each
// time, behind jobs of higher priority that stand before them.
result<void> engine::parts::look_for_oldest(queue_entry& q, plane_time now) {
  q.oldest_ms = now.steady_ms;
  q.counts.oldest_ready_ms = 0;
  if (q.ready() == 0) return {};
  auto oldest = now.steady_ms;
  const auto others = stored.first_ranks(q.row.number);
  if (!others) return lost(others.error());
  for (const auto& o : *others)
    oldest = std::min(oldest, o.rank + o.priority * q.config.ageing.count());
  const auto rows = stored.ranks_from(q.row.number, q.plain_from, others->empty() ? 1 : most_ranks);
  if (!rows) return lost(rows.error());
  const auto plain = std::ranges::find(*rows, 0, &rank_row::priority);
  if (plain != rows->end()) {
    q.plain_from = plain->rank;
    oldest = std::min(oldest, plain->rank);
  } else if (rows->size() == most_ranks) {
    // One millisecond may have more of them than a look.
    q.plain_from = std::max(rows->back().rank, rows->front().rank + 1);
    oldest_unknown.insert(q.row.number);
  }
  q.counts.oldest_ready_ms = now.wall_ms - (now.steady_ms - oldest);
  return {};
}

// Of queues in which something has changed, not more often than the pace allows; true: of some.
result<bool> engine::parts::look_for_oldest(plane_time now) {
  oldest_unknown.insert(touched.begin(), touched.end());
  bool some = false;
  for (auto at = oldest_unknown.begin(); at != oldest_unknown.end();) {
    const auto q = queues.find(*at);
    const bool there = q != queues.end();
    const bool known = there && q->second.ready() > 0 && q->second.counts.oldest_ready_ms != 0;
    if (known && now.steady_ms - q->second.oldest_ms < oldest_every_ms) {
      ++at;
      continue;
    }
    at = oldest_unknown.erase(at);
    if (!there) continue;
    if (auto r = look_for_oldest(q->second, now); !r) return std::unexpected(r.error());
    some = true;
  }
  return some;
}

result<void> engine::parts::dispatch(plane_time now, dispatched& out) {
  if (auto r = serve_all(now, out); !r) return r;
  end_waits(now, out);
  for (const auto name : orphans)
    out.replies.push_back(
        {name, fail(errc::not_found, "the queue is gone that this lease waited for")});
  if (auto r = forget_damaged(now, out); !r) return r;
  const auto looked = look_for_oldest(now);
  if (!looked) return std::unexpected(looked.error());
  out.recounted = *looked || !touched.empty();
  std::ranges::move(events, std::back_inserter(out.events));
  events.clear();
  return {};
}

void engine::parts::committed() noexcept {
  ++batch_number;
  touched.clear();
  undo.clear();
  answered.clear();
  orphans.clear();
  given_at_once = 0;
  batch_is_lost = false;
}

// Memory as it was after the last commit: ways back first, newest first, then counts, then those who wait.
void engine::parts::rolled_back() noexcept {
  orphans.clear();
  heads.clear();
  for (auto at = undo.rbegin(); at != undo.rend(); ++at) (*at)();
  const auto told_next = std::exchange(orphans, {});
  live = 0;
  for (const auto number : touched)
    if (const auto at = queues.find(number);
        at != queues.end() && at->second.touched == batch_number) {
      at->second.counts = at->second.before;
      at->second.plain_from = INT64_MIN;
      oldest_unknown.insert(number);
    }
  for (const auto& [number, q] : queues)
    live += q.of(job_state::queued) + q.of(job_state::scheduled) + q.of(job_state::leased);
  for (auto a = answered.rbegin(); a != answered.rend(); ++a) {
    const auto& [number, w] = *a;
    const auto at = queues.find(number);
    if (at == queues.end()) continue;
    auto& q = at->second;
    q.waiters.push_front(w);
    waiting.emplace(w.name, std::pair{number, q.waiters.begin()});
    waits_end.emplace(w.until_ms, w.name);
    waited_for.insert(number);
  }
  events.clear();
  next_due[0] = next_due[1] = next_expiry = next_outbox = 0;  // ask again
  committed();
  orphans = told_next;
}

std::optional<std::int64_t> engine::parts::next_wake(plane_time now) const noexcept {
  if (config_is_new || !unlimited.empty() || given_enough) return now.steady_ms;
  const auto from_wall = [&](std::int64_t wall) { return now.steady_ms + wall - now.wall_ms; };
  auto next = std::min({next_due[0], next_expiry, next_unique_sweep, next_outbox});
  if (next_due[1] < never_ms) next = std::min(next, from_wall(next_due[1]));
  for (const auto& c : crons)
    if (c.next_ms < never_ms) next = std::min(next, std::max(from_wall(c.next_ms), c.retry_ms));
  for (const auto& t : tasks)
    next = std::min(next, t.limit.count == 0 ? now.steady_ms : t.paced.next_ms(t.limit));
  if (!waits_end.empty()) next = std::min(next, waits_end.begin()->first);
  for (const auto number : oldest_unknown)
    if (const auto at = queues.find(number); at != queues.end())
      next = std::min(next, at->second.oldest_ms + oldest_every_ms);
  for (const auto& [number, q] : queues) {
    const bool ageing = q.config.retention && q.of(job_state::queued) > 0;
    if (q.counts.finished_bytes > 0 || ageing) next = std::min(next, q.retention_ms);
    if (!q.waiters.empty() && q.ready() > 0 && q.config.limit)
      next = std::min(next, std::max(now.steady_ms, q.paced.next_ms(*q.config.limit)));
  }
  if (next >= never_ms) return std::nullopt;
  return std::max(next, now.steady_ms);
}

engine::engine(store& s, jobs_config config, std::uint64_t random_seed)
    : parts_(std::make_unique<parts>(s, std::move(config), random_seed)) {}
engine::~engine() = default;

result<void> engine::open(plane_time now) { return parts_->open(now); }
void engine::reconfigure(const jobs_config& next) {
  parts_->config = next;
  parts_->config_is_new = true;
}
result<reply> engine::apply(const command& c, plane_time now) { return parts_->apply(c, now); }
result<void> engine::tick(plane_time now) { return parts_->tick(now); }
result<void> engine::dispatch(plane_time now, dispatched& out) {
  return parts_->dispatch(now, out);
}
bool engine::batch_lost() const noexcept { return parts_->batch_is_lost; }
void engine::committed() noexcept { parts_->committed(); }
void engine::rolled_back() noexcept { parts_->rolled_back(); }
std::optional<std::int64_t> engine::next_wake_steady_ms(plane_time now) const noexcept {
  return parts_->next_wake(now);
}

std::vector<engine::queue_state> engine::queues(plane_time now) const {
  std::vector<queue_state> out;
  for (const auto& [number, q] : parts_->queues)
    out.push_back(
        {q.row, q.config, q.counts, q.arrivals.a_second(now.steady_ms),
         q.finishes.a_second(now.steady_ms), q.expired,
         static_cast<std::uint32_t>(std::ranges::count_if(
             parts_->tasks, [n = number](const long_task& t) { return !t.purge && t.queue == n; })),
         q.done_today.sum(now.steady_ms), q.died_today.sum(now.steady_ms)});
  return out;
}

}  // namespace fairing::jobs
