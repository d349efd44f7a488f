// How jobs come in: checks first, of all of them, so that a refusal leaves nothing behind; then the puts.
#include <algorithm>
#include <set>
#include <tuple>

#include "base/units.hpp"
#include "jobs/logic/engine_parts.hpp"

namespace fairing::jobs {

namespace {

constexpr std::size_t longest_name = 256;  // key, unique, owner, Idempotency-Key
constexpr std::size_t most_fields = 64;
constexpr std::size_t most_field_bytes = 64 * 1024;
constexpr milliseconds longest_delay{365LL * 86'400'000};
constexpr std::int64_t room_every_ms = 100;
constexpr std::uint64_t room_every_bytes = 4ULL << 20;
constexpr std::uint64_t row_bytes = 300;  // of a job without its texts, with its index entries

result<void> check_delays(const new_job& n) {
  const auto bad = [](milliseconds d) { return d.count() < 0 || d > longest_delay; };
  if (n.delay && n.run_at_ms)
    return fail(errc::bad_request, "delay and run_at cannot both be given: say one of them");
  if ((n.delay && bad(*n.delay)) || std::ranges::any_of(n.attempts, bad))
    return fail(errc::bad_request, "delay and attempts are from 0 to 365d");
  if (n.unique_for && (bad(*n.unique_for) || n.unique.empty()))
    return fail(errc::bad_request, "unique_for is from 0 to 365d and needs unique");
  if (n.attempts.size() > most_history)
    return fail(errc::bad_request, "attempts has at most 32 steps");
  if (n.timeout && (n.timeout->count() <= 0 || *n.timeout > longest_lease))
    return fail(errc::bad_request, "timeout is over 0 and at most 24h");
  if (n.run_at_ms && *n.run_at_ms < 0) return fail(errc::bad_request, "run_at is before 1970");
  return {};
}

std::uint64_t bytes_of(const new_job& n) {
  auto bytes = row_bytes + n.payload.size() + n.key.size() + n.unique.size() + n.owner.size();
  for (const auto& [name, value] : n.fields) bytes += name.size() + value.size() + 4;
  return bytes;
}

}  // namespace

result<void> engine::parts::check(const new_job& n, const queue_entry& q, plane_time) const {
  if (n.payload.size() > q.config.payload)
    return fail(errc::too_large,
                "the payload has " + std::to_string(n.payload.size()) + " bytes, queue " +
                    q.row.name + " takes " + format_size(q.config.payload) +
                    ": store it elsewhere and enqueue where it is, or raise jobs.queues.payload");
  for (const auto* name : {&n.key, &n.unique, &n.owner, &n.idempotency_key, &n.idempotency_scope})
    if (name->size() > longest_name)
      return fail(errc::bad_request,
                  "key, unique, owner and Idempotency-Key have at most 256 bytes");
  if (n.priority < -100 || n.priority > 100)
    return fail(errc::bad_request, "priority is from -100 to 100");
  std::size_t bytes = 0;
  for (const auto& [name, value] : n.fields) bytes += name.size() + value.size();
  if (n.fields.size() > most_fields || (!n.fields_checked && bytes > most_field_bytes))
    return fail(errc::bad_request, "a job has at most 64 fields, of 64KiB in all");
  return check_delays(n);
}

// The disk is asked every 100 ms or 4 MiB: between two looks no more than that can be taken.
result<void> engine::parts::check_room(std::size_t count, std::uint64_t bytes, plane_time now) {
  if (live + count > config.max_jobs)
    return fail(errc::full, std::to_string(live) + " jobs wait, jobs.max_jobs is " +
                                std::to_string(config.max_jobs) +
                                ": let workers catch up, purge a queue or raise it");
  room_taken += bytes;
  if (room_looked_ms < 0 || now.steady_ms - room_looked_ms >= room_every_ms ||
      room_taken >= room_every_bytes) {
    stored.keep_free(config.disk_reserve);
    room_free = stored.free_bytes();
    room_looked_ms = now.steady_ms;
    room_taken = bytes;
  }
  if (room_free != 0 && room_free < config.disk_reserve + room_taken)
    return fail(
        errc::full,
        format_size(room_free) + " are free where the jobs are stored, " +
            format_size(config.disk_reserve) +
            " stay free (jobs.disk_reserve): free some, or shorten keep_done and keep_bytes");
  return {};
}

result<void> engine::parts::check_room_of(const queue_entry& q, std::uint64_t count) {
  if (count == 0 || q.live() + count <= q.config.max_jobs) return {};
  return fail(errc::full, std::to_string(q.live()) + " jobs of queue " + q.row.name +
                              " wait, its max_jobs is " + std::to_string(q.config.max_jobs) +
                              ": let workers catch up, purge it or raise that");
}

// The job that has the name already. A name whose job is gone or has finished is free: purges leave such names.
// Only an Idempotency-Key stands for one request; a unique name is asked for by many.
result<std::optional<engine::parts::known_job>> engine::parts::existing(const new_job& n,
                                                                        const queue_entry& q,
                                                                        plane_time now) {
  const std::tuple<std::string, const std::string*, bool, bool> places[] = {
      {"i:" + n.idempotency_scope, &n.idempotency_key, true, true},
      {unique_scope(q), &n.unique, false, false},
      {unique_for_scope(q), &n.unique, true, false},
  };
  for (const auto& [scope, name, timed, by_key] : places) {
    if (name->empty() || (n.unique_by_time && !timed)) continue;
    const auto row = stored.find_unique(scope, *name);
    if (!row) return lost(row.error());
    const auto& found = row.value();
    if (!found || (timed && found->expires_ms <= now.wall_ms)) continue;
    const auto j = stored.load(found->job, false);
    if (!j && j.error().code != errc::not_found) return lost(j.error());
    if (!timed && (!j || finished(j->state))) continue;
    if (by_key && n.fingerprint != found->fingerprint)
      return fail(errc::conflict, "'" + *name + "' was used for another request, which made job " +
                                      id_text(found->job) + ": take a new one");
    return known_job{{found->job, j ? j->state : job_state::done, true}, by_key};
  }
  return std::optional<known_job>{};
}

// From now on the key stands for that job.
result<void> engine::parts::keep_key(const new_job& n, job_id id, plane_time now) {
  if (n.idempotency_key.empty()) return {};
  const unique_row row{id, n.fingerprint, now.wall_ms + idempotency_ms};
  if (auto r = stored.put_unique("i:" + n.idempotency_scope, n.idempotency_key, row); !r)
    return lost(r.error());
  return {};
}

result<std::uint64_t> engine::parts::batch_of(job_id id) {
  const auto j = stored.load(id, false);
  if (j) return j->batch;
  if (j.error().code == errc::not_found) return 0U;
  return lost(j.error());
}

job engine::parts::made(const new_job& n, const queue_entry& q, plane_time now) {
  job j;
  j.id = next_id(now);
  j.queue = q.row.number;
  j.priority = n.priority;
  j.timeout_ms = n.timeout ? static_cast<std::uint32_t>(n.timeout->count()) : 0;
  j.attempts = n.attempts;
  j.key = n.key.empty() && q.fifo() ? "default" : n.key;  // a FIFO queue without keys is one line
  if (!n.unique_by_time) j.unique = n.unique;
  j.owner = n.owner;
  j.content_type = n.content_type;
  j.payload = n.payload;
  j.fields = n.fields;
  j.trace = n.trace;
  j.created_ms = now.wall_ms;
  j.bytes = bytes_of(n);
  if (n.run_at_ms) {
    j.due_clock = clock_kind::wall;
    j.due_ms = *n.run_at_ms;
  } else {
    const auto& ladder = n.attempts.empty() ? q.config.attempts : n.attempts;
    const auto delay = n.delay ? *n.delay : ladder.empty() ? milliseconds{0} : ladder.front();
    j.due_ms = now.steady_ms + delay.count();
  }
  return j;
}

result<void> engine::parts::put(job& j, const new_job& n, queue_entry& q, plane_time now) {
  if (auto r = place(j, q, now); !r) return r;
  if (auto r = stored.put(j); !r) return lost(r.error());
  enter(q, j);
  if (!q.config.requests && is_kept_request(j))
    if (auto r = has_requests(q); !r) return r;
  q.arrivals.add(1, now.steady_ms);
  tell(job_event::kind::enqueued, j);
  const auto name = [&](const std::string& scope, const std::string& text, std::int64_t until_ms) {
    return stored.put_unique(scope, text, {j.id, n.fingerprint, until_ms});
  };
  if (!n.unique.empty()) {
    if (!n.unique_by_time)
      if (auto r = name(unique_scope(q), n.unique, 0); !r) return lost(r.error());
    if (n.unique_for) {
      const auto until = now.wall_ms + n.unique_for->count();
      if (auto r = name(unique_for_scope(q), n.unique, until); !r) return lost(r.error());
    }
  }
  return keep_key(n, j.id, now);
}

// What each job of a request will be: one that is there, the same as an earlier one of the request, or a new one. Nothing
// is written: the request may still be refused.
result<engine::parts::known_jobs> engine::parts::look_up(const enqueue& c, const queue_entry& q,
                                                         plane_time now) {
  known_jobs out;
  std::map<std::string, std::size_t> twins;  // by name
  for (std::size_t i = 0; i < c.jobs.size(); ++i) {
    const auto& n = c.jobs[i];
    auto& is = out.jobs.emplace_back();
    if (n.unique.empty() && n.idempotency_key.empty()) {
      ++out.fresh;
      continue;
    }
    const auto found = existing(n, q, now);
    if (!found) return std::unexpected(found.error());
    if (const auto& known = found.value(); known) {
      is = {known->one, std::nullopt, !known->by_key};
      continue;
    }
    const auto [at, first] =
        twins.try_emplace(n.unique.empty() ? "i:" + n.idempotency_key : "u:" + n.unique, i);
    if (!first) is = {{}, at->second, true};
    out.fresh += first ? 1 : 0;
  }
  if (!c.is_stored)
    if (auto r = check_room_of(q, out.fresh); !r) return std::unexpected(r.error());
  return out;
}

result<reply> engine::parts::run(const enqueue& c, plane_time now) {
  if (c.jobs.empty() || c.jobs.size() > most_of_an_enqueue)
    return fail(errc::bad_request, "an enqueue has from 1 to 1000 jobs");
  const auto found = queue_of(c.queue, true, now);
  if (!found) return std::unexpected(found.error());
  auto& q = **found;
  std::uint64_t bytes = 0;
  for (const auto& n : c.jobs) {
    if (auto r = check(n, q, now); !r) return std::unexpected(r.error());
    bytes += bytes_of(n);
  }
  queue_entry* callback_queue = nullptr;
  if (c.on_complete) {
    const auto to =
        queue_of(c.on_complete_queue.empty() ? c.queue : c.on_complete_queue, true, now);
    if (!to) return std::unexpected(to.error());
    callback_queue = *to;
    if (callback_queue->fifo())
      return fail(errc::bad_request,
                  "on_complete cannot go to a FIFO queue: it would block its key until then");
    if (auto r = check(*c.on_complete, *callback_queue, now); !r) return std::unexpected(r.error());
  }
  if (auto r = check_room(c.jobs.size() + 1, bytes, now); !r) return std::unexpected(r.error());

  const auto known = look_up(c, q, now);
  if (!known) return std::unexpected(known.error());
  enqueued out;
  std::uint64_t batch = 0;  // of the jobs that are put now
  if (callback_queue != nullptr) {
    const auto callback = existing(*c.on_complete, *callback_queue, now);
    if (!callback) return std::unexpected(callback.error());
    const auto& taken = callback.value();
    if (!taken) batch = next_id(now);
    // Put before, and its callback with it: that batch is told.
    const auto told =
        batch != 0 ? result<std::uint64_t>(batch) : batch_of(known->jobs.front().one.id);
    if (!told) return std::unexpected(told.error());
    if (taken && !taken->by_key && (known->fresh > 0 || *told == 0))
      return fail(errc::conflict, "job " + id_text(taken->one.id) +
                                      " bears the unique name of on_complete: nobody would call "
                                      "back when these jobs have ended");
    out.batch = *told;
  }
  for (std::size_t i = 0; i < c.jobs.size(); ++i) {
    const auto& [there, twin, key_is_new] = known->jobs[i];
    const auto is = twin ? out.jobs[*twin] : there;  // a copy: the list grows
    auto& one = out.jobs.emplace_back(is);
    if (twin) one.existed = true;
    if (one.existed) {
      if (key_is_new)
        if (auto r = keep_key(c.jobs[i], one.id, now); !r) return std::unexpected(r.error());
      continue;
    }
    auto j = made(c.jobs[i], q, now);
    j.batch = batch;
    if (auto r = put(j, c.jobs[i], q, now); !r) return std::unexpected(r.error());
    one = {j.id, j.state, false};
  }
  std::set<job_id> others;  // that live: waited for as well
  for (const auto& k : known->jobs)
    if (batch != 0 && k.one.existed && !finished(k.one.state)) others.insert(k.one.id);
  for (const auto id : others)
    if (auto r = watch(id, batch); !r) return std::unexpected(r.error());
  if (batch != 0)
    if (auto r =
            begin_batch(batch, known->fresh + others.size(), *c.on_complete, *callback_queue, now);
        !r)
      return std::unexpected(r.error());
  return out;
}

}  // namespace fairing::jobs
