// Where a job goes that nobody has: due later, parked behind its key, or ready. And who comes next when a key is free.
//
// A job holds its key while it is ready or leased; in a FIFO queue also while it waits for its time, so that nothing of
// the key overtakes it. Parked jobs exist only while somebody holds their key: whoever lets go lets the next one in.
// Where the limit itself goes (let_in) all of them are.
#include "base/hash.hpp"
#include "jobs/logic/engine_parts.hpp"

namespace fairing::jobs {

namespace {

constexpr std::size_t most_key_turns = 100'000;
constexpr std::size_t most_let_in = 500;  // of a queue, with each tick
constexpr int most_unparked = 4;  // at once: more than one only after key_concurrency was raised

}  // namespace

// `due_ms` says when it may run. Sets state, rank, parked, holds_key; the caller saves and counts.
result<void> engine::parts::place(job& j, queue_entry& q, plane_time now) {
  const bool early = j.due_ms > reading(now, j.due_clock);
  const auto limit = q.key_concurrency();
  j.parked = false;
  j.secret = 0;
  if (j.key.empty() || !limit) {
    j.holds_key = false;
  } else if (!j.holds_key && (!early || q.fifo())) {
    const auto active = stored.active_of(q.row.number, j.key);
    if (!active) return lost(active.error());
    j.parked = *active >= *limit;
    j.holds_key = !j.parked;
  }
  if (j.parked || !early) {
    j.state = job_state::queued;
    // Ready since now: a tenant with a million parked jobs does not overtake the others with each of them.
    j.rank = now.steady_ms - j.priority * q.config.ageing.count();
    return {};
  }
  j.state = job_state::scheduled;
  auto& next = next_due[static_cast<std::size_t>(j.due_clock)];
  next = std::min(next, j.due_ms);
  return {};
}

result<void> engine::parts::unpark(job_id id, queue_entry& q, plane_time now) {
  auto j = stored.load(id, false);
  if (!j && j.error().code == errc::not_found) return {};  // it was set aside
  if (!j) return lost(j.error());
  leave(q, *j);
  j->parked = false;
  j->holds_key = true;
  if (auto r = place(*j, q, now); !r) return r;
  if (auto r = stored.save(*j, +part::state); !r) return lost(r.error());
  enter(q, *j);
  return {};
}

// Called when a job of the key has let go of it (and was saved).
result<void> engine::parts::next_of_key(queue_entry& q, const std::string& key, plane_time now) {
  for (int i = 0; i < most_unparked && q.counts.parked > 0; ++i) {
    const auto first = stored.first_parked(q.row.number, key);
    if (!first) return lost(first.error());
    const auto& id = first.value();
    if (!id) return {};
    if (const auto limit = q.key_concurrency(); limit) {
      const auto active = stored.active_of(q.row.number, key);
      if (!active) return lost(active.error());
      if (*active >= *limit) return {};
    }
    if (auto r = unpark(*id, q, now); !r) return r;
  }
  return {};
}

// Where the limit is gone that parked them nobody lets the parked jobs in one by one: a share with each tick.
result<void> engine::parts::let_in(plane_time now) {
  for (auto at = unlimited.begin(); at != unlimited.end();) {
    const auto number = *at;
    const auto q = queues.find(number);
    if (q == queues.end() || q->second.counts.parked == 0 || q->second.key_concurrency()) {
      at = unlimited.erase(at);
      undo.emplace_back([this, number] { unlimited.insert(number); });
      continue;
    }
    const auto ids = stored.parked(number, most_let_in);
    if (!ids) return lost(ids.error());
    for (const auto id : *ids)
      if (auto r = unpark(id, q->second, now); !r) return r;
    ++at;
  }
  return {};
}

key_turns& engine::parts::turns_of(const job& j, plane_time now) {
  const auto name = hash64(j.key, mix64(j.queue));
  if (turns.size() >= most_key_turns && !turns.contains(name)) {
    std::erase_if(turns, [&](const auto& e) { return e.second.given.idle(now.steady_ms); });
    if (turns.size() >= most_key_turns) turns.clear();
  }
  const auto [at, fresh] = turns.try_emplace(name);
  if (fresh) at->second = {.queue = j.queue, .book = random() | 1, .given = {}, .used = {}};
  undo.emplace_back([this, name, before = at->second] { turns.insert_or_assign(name, before); });
  return at->second;
}

// A job that waited for its turn will not need it: the turns behind it are given anew as they are asked for, so that
// nobody waits for those that are gone. What was used stays used.
void engine::parts::turn_lost(const job& j) {
  const auto at = turns.find(hash64(j.key, mix64(j.queue)));
  if (j.secret == 0 || at == turns.end() || at->second.book != j.secret) return;
  undo.emplace_back(
      [this, name = at->first, before = at->second] { turns.insert_or_assign(name, before); });
  at->second.given = at->second.used;
  at->second.book = random() | 1;
}

// The same for all keys of a queue: it was purged.
void engine::parts::turns_lost(std::uint32_t queue) {
  undo.emplace_back([this, before = turns] { turns = before; });
  for (auto& [name, t] : turns) {
    if (t.queue != queue) continue;
    t.given = t.used;
    t.book = random() | 1;
  }
}

// True: its key is over its rate; the job waits for its turn and keeps its key.
result<bool> engine::parts::wait_for_key_rate(job& j, queue_entry& q, plane_time now) {
  if (!q.config.key_limit || j.key.empty()) return false;
  auto& t = turns_of(j, now);
  const auto at =
      j.secret == t.book ? now.steady_ms : t.given.reserve(*q.config.key_limit, now.steady_ms);
  if (at <= now.steady_ms) {
    t.used.take(*q.config.key_limit, 1, now.steady_ms);
    return false;
  }
  leave(q, j);
  j.due_clock = clock_kind::steady;
  j.due_ms = at;
  if (auto r = place(j, q, now); !r) return std::unexpected(r.error());
  j.secret = t.book;
  if (auto r = stored.save(j, +part::state); !r) return lost(r.error());
  enter(q, j);
  return true;
}

}  // namespace fairing::jobs
