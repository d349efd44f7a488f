// How jobs come in: checks first, of all of them, so that a refusal leaves nothing behind; then the puts.
#include <algorithm>
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
  if (n.fields.size() > most_fields || bytes > most_field_bytes)
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

// The job that has the name already. A name whose job is gone or has finished is free: purges leave such names.
result<std::optional<enqueued::one>> engine::parts::existing(const new_job& n, const queue_entry& q,
                                                             plane_time now) {
  const std::tuple<std::string, const std::string*, bool> places[] = {
      {"i:" + n.idempotency_scope, &n.idempotency_key, true},
      {unique_scope(q), &n.unique, false},
      {unique_for_scope(q), &n.unique, true},
  };
  for (const auto& [scope, name, timed] : places) {
    if (name->empty()) continue;
    const auto row = stored.find_unique(scope, *name);
    if (!row) return lost(row.error());
    const auto& found = row.value();
    if (!found || (timed && found->expires_ms <= now.wall_ms)) continue;
    const auto j = stored.load(found->job, false);
    if (!j && j.error().code != errc::not_found) return lost(j.error());
    if (!timed && (!j || finished(j->state))) continue;
    if (!n.fingerprint.empty() && !found->fingerprint.empty() &&
        n.fingerprint != found->fingerprint)
      return fail(errc::conflict, "'" + *name + "' was used for another request, which made job " +
                                      id_text(found->job) + ": take a new one");
    return enqueued::one{found->job, j ? j->state : job_state::done, true};
  }
  return std::optional<enqueued::one>{};
}

job engine::parts::made(const new_job& n, const queue_entry& q, plane_time now) {
  job j;
  j.id = next_id(now);
  j.queue = q.row.number;
  j.priority = n.priority;
  j.timeout_ms = n.timeout ? static_cast<std::uint32_t>(n.timeout->count()) : 0;
  j.attempts = n.attempts;
  j.key = n.key.empty() && q.fifo() ? "default" : n.key;  // a FIFO queue without keys is one line
  j.unique = n.unique;
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
  q.arrivals.add(1, now.steady_ms);
  tell(job_event::kind::enqueued, j);
  const auto name = [&](const std::string& scope, const std::string& text, std::int64_t until_ms) {
    return stored.put_unique(scope, text, {j.id, n.fingerprint, until_ms});
  };
  if (!n.unique.empty()) {
    if (auto r = name(unique_scope(q), n.unique, 0); !r) return lost(r.error());
    if (n.unique_for) {
      const auto until = now.wall_ms + n.unique_for->count();
      if (auto r = name(unique_for_scope(q), n.unique, until); !r) return lost(r.error());
    }
  }
  if (!n.idempotency_key.empty()) {
    const auto until = now.wall_ms + idempotency_ms;
    if (auto r = name("i:" + n.idempotency_scope, n.idempotency_key, until); !r)
      return lost(r.error());
  }
  return {};
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

  enqueued out;
  std::map<std::pair<std::string, std::string>, std::size_t> twins;  // inside this request
  std::vector<std::optional<std::size_t>> twin_of(c.jobs.size());
  std::uint64_t members = 0;
  for (std::size_t i = 0; i < c.jobs.size(); ++i) {
    const auto& n = c.jobs[i];
    if (n.unique.empty() && n.idempotency_key.empty()) {
      out.jobs.emplace_back();
      ++members;
      continue;
    }
    const auto one = existing(n, q, now);
    if (!one) return std::unexpected(one.error());
    out.jobs.push_back(one.value().value_or(enqueued::one{}));
    if (out.jobs.back().existed) continue;
    const auto [at, fresh] = twins.try_emplace({n.unique, n.idempotency_key}, i);
    if (!fresh) twin_of[i] = at->second;
    members += fresh ? 1 : 0;
  }
  if (callback_queue != nullptr) out.batch = next_id(now);
  for (std::size_t i = 0; i < c.jobs.size(); ++i) {
    auto& one = out.jobs[i];
    if (one.existed) continue;
    if (const auto& twin = twin_of[i]; twin) {
      one = out.jobs[*twin];
      one.existed = true;
      continue;
    }
    auto j = made(c.jobs[i], q, now);
    j.batch = out.batch;
    if (auto r = put(j, c.jobs[i], q, now); !r) return std::unexpected(r.error());
    one = {j.id, j.state, false};
  }
  if (callback_queue != nullptr)
    if (auto r = begin_batch(out.batch, members, *c.on_complete, *callback_queue, now); !r)
      return std::unexpected(r.error());
  return out;
}

}  // namespace fairing::jobs
