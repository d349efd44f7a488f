// Redrives and purges: one job at once, many a share with each tick, by a row in the store that survives a crash.
#include <algorithm>
#include <charconv>

#include "jobs/logic/engine_parts.hpp"
#include "jobs/logic/error_text.hpp"

namespace fairing::jobs {

namespace {

constexpr std::size_t most_tasks = 100;
constexpr std::size_t most_of_a_step = 500;
constexpr std::string_view index_fact = "tasks";  // names of all running ones, one a line

std::string last_error(const job& j) {
  return j.history.empty() ? std::string() : normalised(j.history.back().error);
}

}  // namespace

// "redrive QUEUE TO WAITING+2*MOVES UP_TO LEFT BEFORE AFTER_MS AFTER_ID COUNT PERIOD ERROR"
std::string task_text(const long_task& t) {
  std::string out = t.purge ? "purge" : "redrive";
  for (const auto n :
       {static_cast<std::int64_t>(t.queue), static_cast<std::int64_t>(t.to),
        static_cast<std::int64_t>(t.waiting) + 2 * static_cast<std::int64_t>(t.moves),
        static_cast<std::int64_t>(t.up_to), static_cast<std::int64_t>(t.left), t.before_ms,
        t.after.finished_ms, static_cast<std::int64_t>(t.after.id),
        static_cast<std::int64_t>(t.limit.count), t.limit.period.count()})
    out += ' ' + std::to_string(n);
  return out + ' ' + t.error;
}

std::optional<long_task> task_from(std::string_view fact, std::string_view text) {
  long_task t{.fact = std::string(fact)};
  t.purge = text.starts_with("purge ");
  if (!t.purge && !text.starts_with("redrive ")) return std::nullopt;
  text.remove_prefix(text.find(' ') + 1);
  std::int64_t n[10] = {};
  for (auto& value : n) {
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failed != std::errc{} || end == text.data() + text.size()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
  }
  t.queue = static_cast<std::uint32_t>(n[0]);
  t.to = static_cast<std::uint32_t>(n[1]);
  t.waiting = (n[2] & 1) != 0;
  t.moves = (n[2] & 2) != 0;
  t.up_to = static_cast<job_id>(n[3]);
  t.left = static_cast<std::uint64_t>(n[4]);
  t.before_ms = n[5];
  t.after = {.finished_ms = n[6], .id = static_cast<job_id>(n[7])};
  t.limit = {static_cast<std::uint64_t>(n[8]), milliseconds{n[9]}};
  t.error = std::string(text);
  return t;
}

result<void> engine::parts::recover_tasks() {
  tasks.clear();
  const auto found = stored.fact(index_fact);
  if (!found) return lost(found.error());
  const auto& index = found.value();
  std::string_view names = index ? std::string_view(*index) : std::string_view{};
  while (!names.empty()) {
    const auto end = names.find('\n');
    const auto name = names.substr(0, end);
    const auto kept = stored.fact(name);
    if (!kept) return lost(kept.error());
    if (const auto& text = kept.value(); text)
      if (auto t = task_from(name, *text); t && queues.contains(t->queue)) {
        if (t->purge) ++queues.at(t->queue).purges;
        tasks.push_back(std::move(*t));
      }
    names = end == std::string_view::npos ? std::string_view{} : names.substr(end + 1);
  }
  return {};
}

namespace {

std::string index_of(const std::vector<long_task>& tasks) {
  std::string out;
  for (const auto& t : tasks) out += t.fact + '\n';
  return out;
}

}  // namespace

result<reply> engine::parts::begin_task(long_task t, std::uint64_t count) {
  if (tasks.size() >= most_tasks)
    return fail(errc::overloaded, "100 redrives and purges are under way: wait for one to end");
  undo.emplace_back([this, before = tasks] { tasks = before; });
  if (t.purge) {
    auto& q = queues.at(t.queue);
    ++q.purges;
    undo.emplace_back([this, n = t.queue] { --queues.at(n).purges; });
  }
  if (auto r = stored.set_fact(t.fact, task_text(t)); !r) return lost(r.error());
  tasks.push_back(std::move(t));
  if (auto r = stored.set_fact(index_fact, index_of(tasks)); !r) return lost(r.error());
  return counted{count};
}

result<reply> engine::parts::run(const purge_queue& c, plane_time now) {
  const auto found = queue_of(c.queue, false, now);
  if (!found) return std::unexpected(found.error());
  auto& q = **found;
  const auto count = q.of(job_state::queued) + q.of(job_state::scheduled);
  long_task t{.fact = "task:" + id_text(next_id(now)), .purge = true, .queue = q.row.number};
  t.up_to = last_id;
  return begin_task(std::move(t), count);
}

result<reply> engine::parts::run(const redrive& c, plane_time now) {
  const auto found = queue_of(c.queue, false, now);
  if (!found) return std::unexpected(found.error());
  auto& q = **found;
  auto* to = &q;
  const auto stays = [](const queue_entry& e) {
    return fail(errc::conflict, "the jobs of queue " + e.row.name +
                                    " are requests that the http plane put off: they stay there");
  };
  if (!c.to.empty() && c.to != c.queue) {
    if (q.config.requests) return stays(q);
    const auto target = queue_of(c.to, true, now);
    if (!target) return std::unexpected(target.error());
    to = *target;
    if (to->config.requests) return stays(*to);
  }
  if (c.id) {
    auto j = stored.load(*c.id, false);
    if (!j && j.error().code != errc::not_found) return lost(j.error());
    if (!j || j->queue != q.row.number)
      return fail(errc::not_found, "queue " + q.row.name + " has no job " + id_text(*c.id));
    if (j->state != job_state::dead)
      return fail(errc::conflict, "job " + id_text(j->id) + " is " +
                                      std::string(to_string(j->state)) +
                                      ": only dead jobs are redriven");
    const auto moved = redrive_one(*j, q, *to, c.moves, now);
    if (!moved) return std::unexpected(moved.error());
    if (!*moved && is_kept_request(*j)) return stays(q);
    if (!*moved)
      return fail(errc::conflict, "another job of queue " + to->row.name +
                                      " bears the unique name '" + j->unique + "'");
    return counted{1};
  }
  long_task t{.fact = "task:" + id_text(next_id(now)), .queue = q.row.number};
  t.to = to->row.number;
  t.waiting = c.waiting && to != &q;
  t.up_to = last_id;
  t.left = c.most == 0 ? INT64_MAX : std::min<std::uint64_t>(c.most, INT64_MAX);
  // By the store's own times: the clock may have been set back since.
  const auto newest = stored.newest_finished(q.row.number, job_state::dead);
  if (!newest) return lost(newest.error());
  t.before_ms = *newest + 1;
  t.limit = c.pace.value_or(rate{});
  t.error = c.error;
  t.moves = c.moves && to != &q;
  if (t.moves && c.most != 0 && t.limit.count == 0) return move_at_once(t, q, now);
  auto count = q.of(job_state::dead) + (t.waiting ? q.of(job_state::queued) : 0);
  const auto most = std::min(count, t.left);
  return begin_task(std::move(t), most);
}

// A share of a move task: whoever asked goes on by what was really moved.
result<reply> engine::parts::move_at_once(long_task& t, queue_entry& q, plane_time now) {
  t.left = std::min<std::uint64_t>(t.left, most_of_a_tick);
  const auto asked = t.left;
  while (true) {
    const auto ended = redrive_some(t, q, now);
    if (!ended) return std::unexpected(ended.error());
    if (*ended) return counted{asked - t.left};
  }
}

// Where `any_name` the job comes without its unique name if another one bears that already.
// False: its unique name is taken, or it is a request that the http plane put off and another queue's workers would get;
// the job stays where it is.
result<bool> engine::parts::redrive_one(job& j, queue_entry& from, queue_entry& to, bool any_name,
                                        plane_time now) {
  const bool was_dead = j.state == job_state::dead;
  if (is_kept_request(j) && &from != &to) return false;
  if (!j.unique.empty() && (was_dead || &from != &to)) {
    const auto other = existing({.unique = j.unique}, to, now);
    if (!other) return std::unexpected(other.error());
    const auto& one = other.value();
    const bool taken = one && one->one.id != j.id;
    if (taken && !any_name) return false;
    if (auto r = drop_name(j, from); !r) return std::unexpected(r.error());
    if (!taken)
      if (auto r = stored.put_unique(unique_scope(to), j.unique, {.job = j.id}); !r)
        return lost(r.error());
  }
  leave(from, j);
  const auto held_key = j.holds_key;
  j.queue = to.row.number;
  j.attempt = 0;
  j.finished_ms = 0;
  j.holds_key = false;
  j.due_clock = clock_kind::steady;
  const auto& ladder = j.attempts.empty() ? to.config.attempts : j.attempts;
  j.due_ms = now.steady_ms + (was_dead && !ladder.empty() ? ladder.front().count() : 0);
  if (auto r = place(j, to, now); !r) return std::unexpected(r.error());
  if (auto r = stored.save(j, +part::state); !r) return lost(r.error());
  enter(to, j);
  if (is_kept_request(j) && !to.config.requests)
    if (auto r = has_requests(to); !r) return std::unexpected(r.error());
  tell(job_event::kind::redriven, j);
  if (was_dead && j.batch != 0)
    if (auto r = batch_member(j, 1, now); !r) return std::unexpected(r.error());
  if (held_key)
    if (auto r = next_of_key(from, j.key, now); !r) return std::unexpected(r.error());
  return true;
}

result<bool> engine::parts::purge_some(long_task& t, queue_entry& q, plane_time now) {
  const auto gone = stored.clear(q.row.number, t.up_to, most_of_a_step);
  if (!gone) return lost(gone.error());
  touch(q);
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < job_state_count; ++i) {
    q.counts.of[i] -= gone->counts.of[i];
    count += gone->counts.of[i];
  }
  q.counts.parked -= gone->counts.parked;
  live -= count;
  if (!watched.empty())
    for (const auto id : gone->ids)
      if (auto r = tell_watchers(id, now); !r) return std::unexpected(r.error());
  for (const auto& [batch, members] : gone->batches)
    if (auto r = batch_members(batch, -static_cast<std::int64_t>(members), now); !r)
      return std::unexpected(r.error());
  if (count > 0) return false;
  // Jobs that came meanwhile may be parked behind one that is gone.
  const auto left = stored.unheld(q.row.number, most_of_a_step);
  if (!left) return lost(left.error());
  for (const auto id : *left)
    if (auto r = unpark(id, q, now); !r) return std::unexpected(r.error());
  if (left->size() == most_of_a_step) return false;
  turns_lost(q.row.number);
  return true;
}

result<bool> engine::parts::move_waiting(long_task& t, queue_entry& q, std::size_t most,
                                         plane_time now) {
  const auto jobs = stored.ready(q.row.number, most, most_given);
  if (!jobs) return lost(jobs.error());
  auto& to = queues.at(t.to);
  std::size_t moved = 0;
  for (auto j : *jobs) {
    if (j.id > t.up_to || t.left == 0) break;  // what came later stays
    const auto done = redrive_one(j, q, to, t.moves, now);
    if (!done) return done;
    if (!*done) break;
    --t.left;
    ++moved;
    t.paced.take(t.limit, t.limit.count == 0 ? 0 : 1, now.steady_ms);
  }
  return moved == 0 || t.left == 0;
}

result<bool> engine::parts::redrive_some(long_task& t, queue_entry& q, plane_time now) {
  std::size_t most = most_of_a_step;
  if (t.limit.count != 0) most = std::min<std::size_t>(most, t.paced.ready(t.limit, now.steady_ms));
  most = std::min<std::size_t>(most, t.left);
  if (most == 0) return t.left == 0;
  // A filter reads more than it moves: it may look at a whole step's rows.
  const auto rows = stored.finished_before(q.row.number, job_state::dead, t.after, t.before_ms,
                                           t.error.empty() ? most : most_of_a_step);
  if (!rows) return lost(rows.error());
  auto& to = queues.at(t.to);
  for (const auto& row : *rows) {
    if (most == 0) return t.left == 0;
    t.after = row;
    auto j = stored.load(row.id, false);
    if (!j && j.error().code == errc::not_found) continue;  // it was set aside
    if (!j) return lost(j.error());
    if (!t.error.empty() && last_error(*j) != t.error) continue;
    const auto moved = redrive_one(*j, q, to, t.moves, now);
    if (!moved) return moved;
    if (!*moved) continue;
    --t.left;
    --most;
    if (t.limit.count != 0) t.paced.take(t.limit, 1, now.steady_ms);
  }
  if (t.left == 0) return true;
  if (!rows->empty()) return false;
  return t.waiting ? move_waiting(t, q, most, now) : true;
}

result<bool> engine::parts::go_on(long_task& t, plane_time now) {
  const auto q = queues.find(t.queue);
  if (q == queues.end() || (!t.purge && !queues.contains(t.to))) return true;
  return t.purge ? purge_some(t, q->second, now) : redrive_some(t, q->second, now);
}

// One step of each task.
result<void> engine::parts::go_on(plane_time now) {
  if (tasks.empty()) return {};
  undo.emplace_back([this, before = tasks] { tasks = before; });
  std::vector<long_task> going;
  for (auto& t : tasks) {
    const auto before = task_text(t);
    const auto ended = go_on(t, now);
    if (!ended) return std::unexpected(ended.error());
    if (*ended) {
      if (auto r = stored.drop_fact(t.fact); !r) return lost(r.error());
      if (const auto q = queues.find(t.queue); t.purge && q != queues.end()) {
        --q->second.purges;
        undo.emplace_back([this, n = t.queue] { ++queues.at(n).purges; });
      }
      continue;
    }
    if (const auto text = task_text(t); text != before)
      if (auto r = stored.set_fact(t.fact, text); !r) return lost(r.error());
    going.push_back(std::move(t));
  }
  const bool some_ended = going.size() != tasks.size();
  tasks = std::move(going);
  if (some_ended)
    if (auto r = stored.set_fact(index_fact, index_of(tasks)); !r) return lost(r.error());
  return {};
}

}  // namespace fairing::jobs
