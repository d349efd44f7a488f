// Who gets which job: leases that are answered at once, leases that wait, and what holds a queue back.
#include <algorithm>
#include <utility>

#include "base/units.hpp"
#include "jobs/logic/engine_parts.hpp"

namespace fairing::jobs {

namespace {

// What a head holds beyond itself: texts of peers and of workers.
std::size_t head_bytes(const job& j) {
  auto bytes = j.key.size() + j.unique.size() + j.progress.size();
  for (const auto& [name, text] : j.fields) bytes += name.size() + text.size();
  for (const auto& a : j.history) bytes += sizeof a + a.error.size();
  return bytes;
}

constexpr std::size_t most_deferred =
    1'000;  // of one lease: jobs that have to wait for their key's rate
constexpr std::size_t most_buffered = 1'000;

}  // namespace

result<reply> engine::parts::run(const lease& c, plane_time now) {
  if (c.most == 0 || c.most > most_of_a_lease)
    return fail(errc::bad_request, "a lease asks for 1 to 100 jobs");
  if (c.length && (c.length->count() <= 0 || *c.length > longest_lease))
    return fail(errc::bad_request, "a lease lasts over 0 and at most 24h");
  const auto found = queue_of(c.queue, c.creates, now);
  if (!found) return std::unexpected(found.error());
  auto& q = **found;
  if (q.config.requests && !c.requests)
    return fail(errc::conflict, "the jobs of queue " + q.row.name +
                                    " are requests that the http plane put off: only it runs them");
  // Whoever can wait gets its answer from dispatch(), in the same batch if there are jobs: one question to the store
  // for all of them.
  if (c.waiter != 0 && c.wait_until_steady_ms > now.steady_ms) return park(c, q);
  leased out;
  std::vector<job> buffer;
  if (!q.waiters.empty() || c.requests != q.config.requests) return out;  // nobody overtakes
  if (given_at_once >= most_given_at_once)
    return fail(errc::overloaded, "the leases of this moment have " + format_size(given_at_once) +
                                      " of jobs: ask again, or with wait");
  std::uint64_t held = 0;
  if (auto r = lease_some(q, buffer, c.most, held, {c.length, c.grace, c.tells_runs}, now, out); !r)
    return std::unexpected(r.error());
  given_at_once += held;
  return out;
}

result<reply> engine::parts::park(const lease& c, queue_entry& q) {
  if (waiting.size() >= most_waiters)
    return fail(errc::overloaded, "100000 leases wait already: ask with fewer workers");
  if (waiting.contains(c.waiter))
    return fail(errc::bad_request, "this waiter has a lease that waits already");
  q.waiters.push_back(
      {c.waiter, c.most, c.length, c.wait_until_steady_ms, c.grace, c.tells_runs, c.requests});
  waiting.emplace(c.waiter, std::pair{q.row.number, std::prev(q.waiters.end())});
  waits_end.emplace(c.wait_until_steady_ms, c.waiter);
  waited_for.insert(q.row.number);
  return parked{};
}

void engine::parts::take_out(
    std::map<std::uint64_t, std::pair<std::uint32_t, std::list<waiter>::iterator>>::iterator at) {
  const auto [number, w] = at->second;
  auto& q = queues.at(number);
  waits_end.erase({w->until_ms, w->name});
  q.waiters.erase(w);
  if (q.waiters.empty()) waited_for.erase(number);
  waiting.erase(at);
}

result<reply> engine::parts::run(const forget_waiter& c, plane_time) {
  if (const auto at = waiting.find(c.waiter); at != waiting.end()) take_out(at);
  std::erase_if(answered, [&](const auto& a) { return a.second.name == c.waiter; });
  return nothing{};
}

// How many jobs the queue may give right now.
std::size_t engine::parts::room(const queue_entry& q, plane_time now) const {
  if (q.row.paused || q.purges > 0) return 0;
  auto n = q.ready();
  if (const auto most = q.config.concurrency; most) {
    const auto busy = q.of(job_state::leased);
    n = std::min<std::uint64_t>(n, busy >= *most ? 0 : *most - busy);
  }
  if (n > 0 && q.config.limit) n = std::min(n, q.paced.ready(*q.config.limit, now.steady_ms));
  return static_cast<std::size_t>(n);
}

// Gives up to `most` jobs, and no more once `held`, the bytes of what was given, is most_given. `buffer` holds ready jobs
// that were read and not yet given, the last one first.
result<void> engine::parts::lease_some(queue_entry& q, std::vector<job>& buffer, std::size_t most,
                                       std::uint64_t& held, lease_length length, plane_time now,
                                       leased& out) {
  std::size_t deferred = 0;
  while (out.jobs.size() < most && deferred < most_deferred && held < most_given) {
    const auto n = room(q, now);
    if (n == 0) return {};
    if (buffer.empty()) {
      auto more =
          stored.ready(q.row.number, std::min(n, most - out.jobs.size()), most_given - held);
      if (!more) return lost(more.error());
      if (more->empty()) return {};
      buffer = std::move(*more);
      std::ranges::reverse(buffer);  // taken from the back
    }
    auto j = std::move(buffer.back());
    buffer.pop_back();
    if (!q.config.requests && is_kept_request(j)) return has_requests(q);
    if (past_retention(j, q, now)) {
      if (auto r = let_go(j, q, now); !r) return r;
      ++deferred;
      continue;
    }
    const auto waits = wait_for_key_rate(j, q, now);
    if (!waits) return std::unexpected(waits.error());
    if (*waits) {
      ++deferred;
      continue;
    }
    held += j.bytes;
    if (auto r = give(j, q, length, now, out); !r) return r;
  }
  return {};
}

result<void> engine::parts::give(job& j, queue_entry& q, lease_length length, plane_time now,
                                 leased& out) {
  const auto run = length.tells_runs ? run_of(j, q) : verify_run::none;
  leave(q, j);
  const auto ready_ms = j.rank + j.priority * q.config.ageing.count();
  const auto own = j.timeout_ms != 0 ? milliseconds{j.timeout_ms} : q.config.timeout;
  const auto lasts = length.asked.value_or(own) + length.grace;
  do j.secret = random();
  while (j.secret == 0);
  j.state = job_state::leased;
  ++j.attempt;
  j.due_clock = clock_kind::steady;
  j.due_ms = now.steady_ms + lasts.count();
  if (j.history.size() >= most_history) j.history.erase(j.history.begin());
  j.history.push_back({.attempt = j.attempt, .began_ms = now.wall_ms});
  if (auto r = stored.save(j, part::state | part::history); !r) return lost(r.error());
  enter(q, j);
  if (q.config.limit) q.paced.take(*q.config.limit, 1, now.steady_ms);
  next_expiry = std::min(next_expiry, j.due_ms);
  tell(job_event::kind::started, j, {}, 0, std::max<std::int64_t>(0, now.steady_ms - ready_ms));
  remember(j);
  events.back().run = run;
  if (run != verify_run::none) give_run_trace(j);
  const lease_token token{j.id, j.secret};
  out.jobs.push_back({std::move(j), token, now.wall_ms + lasts.count(), run});
  return {};
}

// Keeps the head, and leaves the job as it is.
void engine::parts::remember(job& j) {
  if (heads.size() >= most_heads || head_bytes(j) > largest_head) return;
  auto payload = std::exchange(j.payload, {});
  auto answer = std::exchange(j.result, {});
  heads.insert_or_assign(j.id, j);
  j.payload = std::move(payload);
  j.result = std::move(answer);
}

// Hands ready jobs to those who wait, the longest waiting first.
result<void> engine::parts::serve(queue_entry& q, plane_time now, dispatched& out) {
  std::vector<job> buffer;
  while (!q.waiters.empty()) {
    const auto n = room(q, now);
    if (n == 0) return {};
    if (given >= most_given) {
      given_enough = true;
      return {};
    }
    if (buffer.empty()) {
      std::size_t wanted = 0;
      for (auto w = q.waiters.begin(); w != q.waiters.end() && wanted < n; ++w) wanted += w->most;
      auto more =
          stored.ready(q.row.number, std::min({n, wanted, most_buffered}), most_given - given);
      if (!more) return lost(more.error());
      buffer = std::move(*more);
      std::ranges::reverse(buffer);
    }
    const auto w = q.waiters.front();
    leased got;
    // The queue has become one of requests, or is none any more, since it began to wait.
    const bool fits = w.requests == q.config.requests;
    if (auto r = !fits ? result<void>{}
                       : lease_some(q, buffer, w.most, given, {w.length, w.grace, w.tells_runs},
                                    now, got);
        !r)
      return r;
    if (fits && got.jobs.empty()) return {};
    take_out(waiting.find(w.name));
    answered.emplace_back(q.row.number, w);
    out.replies.push_back({w.name, std::move(got)});
  }
  return {};
}

// All queues in turn: one that has more than a dispatch may give goes on behind the others.
result<void> engine::parts::serve_all(plane_time now, dispatched& out) {
  given = 0;
  given_enough = false;
  std::vector<std::uint32_t> order(waited_for.upper_bound(served), waited_for.end());
  order.insert(order.end(), waited_for.begin(), waited_for.upper_bound(served));
  for (const auto number : order) {
    if (auto r = serve(queues.at(number), now, out); !r) return r;
    served = number;
    if (given_enough) break;
  }
  return {};
}

void engine::parts::end_waits(plane_time now, dispatched& out) {
  while (!waits_end.empty() && waits_end.begin()->first <= now.steady_ms) {
    const auto at = waiting.find(waits_end.begin()->second);
    const auto number = at->second.first;
    const auto w = *at->second.second;
    take_out(at);
    answered.emplace_back(number, w);
    out.replies.push_back({w.name, leased{}});
  }
}

}  // namespace fairing::jobs
