// How a delivery ends: ack, fail, given back, called off; and the ladder that says what comes next.
#include <algorithm>

#include "jobs/logic/engine_parts.hpp"
#include "jobs/logic/error_text.hpp"
#include "retry/ladder.hpp"

namespace fairing::jobs {

namespace {

constexpr milliseconds longest_retry{365LL * 86'400'000};

std::string said(std::string_view error) {
  return error.empty() ? std::string("failed without an error text")
                       : shortened(error, longest_text);
}

std::int64_t close_attempt(job& j, std::string error, bool expired, plane_time now) {
  if (j.history.empty()) return 0;
  auto& last = j.history.back();
  last.ended_ms = std::max(now.wall_ms, last.began_ms);
  last.error = std::move(error);
  last.lease_expired = expired;
  return last.ended_ms - last.began_ms;
}

std::int64_t wall_of(const job& j, plane_time now) {
  return j.due_clock == clock_kind::wall ? j.due_ms : now.wall_ms + j.due_ms - now.steady_ms;
}

}  // namespace

result<job> engine::parts::head_of(job_id id) {
  const auto at = heads.find(id);
  if (at == heads.end()) return stored.load(id, false);
  auto j = std::move(at->second);
  heads.erase(at);
  return j;
}

// The job of a lease that still holds: its newest, and not over.
result<job> engine::parts::held(const lease_token& t, plane_time now) {
  auto j = head_of(t.job);
  if (!j) {
    if (j.error().code == errc::not_found)
      return fail(errc::not_found, "job " + id_text(t.job) + " is not there (any more)");
    return lost(j.error());
  }
  if (j->state != job_state::leased)
    return fail(errc::stale_lease, "job " + id_text(t.job) + " is " +
                                       std::string(to_string(j->state)) +
                                       ": this lease is over; drop what was done for it");
  if (j->secret != t.secret)
    return fail(errc::stale_lease,
                "job " + id_text(t.job) + " was leased again since: drop what was done for it");
  if (j->due_ms <= now.steady_ms)
    return fail(errc::stale_lease,
                "the lease of job " + id_text(t.job) +
                    " ran out: extend it in time, or give the queue a longer timeout");
  return j;
}

// Whether the job is done by that very lease: its first answer may have been lost.
result<bool> engine::parts::done_by(const lease_token& t) {
  const auto j = stored.load(t.job, false);
  if (!j && j.error().code == errc::not_found) return false;
  if (!j) return lost(j.error());
  return j->state == job_state::done && j->secret == t.secret;
}

result<reply> engine::parts::run(const ack& c, plane_time now) {
  auto j = held(c.token, now);
  if (!j && c.repeatable && j.error().code == errc::stale_lease) {
    const auto before = done_by(c.token);
    if (!before) return std::unexpected(before.error());
    if (*before) return settled{c.token.job, job_state::done, std::nullopt};
  }
  if (!j) return std::unexpected(j.error());
  const auto q = queue_at(j->queue);
  if (!q) return std::unexpected(q.error());
  if (succeeded_before(*j)) {  // its second run; the result is the first one's
    const auto took_again = close_attempt(*j, {}, false, now);
    leave(**q, *j);
    auto ended = end_second_run(*j, **q, {}, took_again, now);
    if (!ended) return std::unexpected(ended.error());
    return *ended;
  }
  if (c.result.size() > (*q)->config.payload)
    return fail(errc::too_large,
                "the result is over what queue " + (*q)->row.name +
                    " takes as a payload: store it elsewhere and answer where it is");
  // The SQS API has nothing that would tell a worker of a second run, or give it a trace.
  const bool again = !c.repeatable && run_of(*j, **q) == verify_run::first;
  const auto took = close_attempt(*j, {}, false, now);
  auto parts_to_save = part::state | part::history;
  leave(**q, *j);
  if (!c.result.empty() || c.result_status != 0) {
    j->result = c.result;
    j->result_type = c.result_type;
    j->result_status = c.result_status;
    j->bytes += c.result.size();
    parts_to_save = parts_to_save | part::result;
  }
  if (again) return run_again(*j, **q, parts_to_save, took, now);
  if (auto r = finish(*j, **q, job_state::done, parts_to_save, now); !r)
    return std::unexpected(r.error());
  tell(job_event::kind::succeeded, *j, {}, took);
  return settled{j->id, j->state, std::nullopt};
}

// Its unique name in the queue, if it is this job's and not another's.
result<void> engine::parts::drop_name(const job& j, queue_entry& q) {
  if (j.unique.empty()) return {};
  const auto scope = unique_scope(q);
  const auto row = stored.find_unique(scope, j.unique);
  if (!row) return lost(row.error());
  if (const auto& found = row.value(); found && found->job == j.id)
    if (auto r = stored.drop_unique(scope, j.unique); !r) return lost(r.error());
  return {};
}

// Ends the job for good. The caller has made it leave the counts.
result<void> engine::parts::finish(job& j, queue_entry& q, job_state as,
                                   std::uint32_t parts_to_save, plane_time now) {
  const bool held_key = j.holds_key;
  j.state = as;
  if (as != job_state::done) j.secret = 0;
  j.due_ms = 0;
  j.parked = false;
  j.holds_key = false;
  j.finished_ms = now.wall_ms;
  if (auto r = stored.save(j, parts_to_save); !r) return lost(r.error());
  enter(q, j);
  q.finishes.add(1, now.steady_ms);
  if (as == job_state::done) q.done_today.add(now.steady_ms);
  if (as == job_state::dead) q.died_today.add(now.steady_ms);
  if (auto r = drop_name(j, q); !r) return r;
  if (held_key)
    if (auto r = next_of_key(q, j.key, now); !r) return r;
  if (auto r = tell_watchers(j.id, now); !r) return r;
  return j.batch != 0 ? batch_member(j, -1, now) : result<void>{};
}

// Before the attempt that comes next; nullopt: there is none.
std::optional<milliseconds> engine::parts::ladder_delay(const job& j, const queue_entry& q) {
  const auto& steps = j.attempts.empty() ? q.config.attempts : j.attempts;
  auto delay = retry::ladder(steps).delay_before(j.attempt + 1);
  if (!delay && j.attempts.empty() && !steps.empty() && j.attempt < q.config.most_attempts)
    delay = steps.back();
  if (!delay || q.config.jitter <= 0) return delay;
  const auto share = std::uniform_real_distribution<double>(0, q.config.jitter)(random);
  return *delay +
         milliseconds{static_cast<std::int64_t>(static_cast<double>(delay->count()) * share)};
}

result<void> engine::parts::retry_later(job& j, queue_entry& q, milliseconds delay,
                                        plane_time now) {
  const bool held_key = j.holds_key;
  j.due_clock = clock_kind::steady;
  j.due_ms = now.steady_ms + std::clamp(delay, milliseconds{0}, longest_retry).count();
  if (delay.count() > 0 && !q.fifo()) j.holds_key = false;
  if (auto r = place(j, q, now); !r) return r;
  if (auto r = stored.save(j, part::state | part::history); !r) return lost(r.error());
  enter(q, j);
  return held_key && !j.holds_key ? next_of_key(q, j.key, now) : result<void>{};
}

result<settled> engine::parts::attempt_failed(job& j, queue_entry& q, std::string_view why,
                                              bool expired, const fail_job& how, plane_time now) {
  const auto text = said(why);
  if (expired) ++q.expired;
  const bool second = succeeded_before(j);
  const auto took = close_attempt(j, text, expired, now);
  if (!j.history.empty()) j.history.back().unsure = how.unsure;
  leave(q, j);
  if (second) return end_second_run(j, q, text, took, now);
  settled out{j.id, job_state::dead, std::nullopt};
  if (past_retention(j, q, now)) {
    if (auto r = stored.count_failure(j, normalised(text), now.wall_ms); !r) return lost(r.error());
    tell(expired ? job_event::kind::expired : job_event::kind::failed, j, text, took);
    enter(q, j);
    if (auto r = let_go(j, q, now); !r) return std::unexpected(r.error());
    out.state = j.state;
    return out;
  }
  const auto next = ladder_delay(j, q);
  if (how.dead || !next) {
    if (auto r = finish(j, q, job_state::dead, part::state | part::history, now); !r)
      return std::unexpected(r.error());
  } else {
    const auto delay = std::max(*next, how.not_before.value_or(milliseconds{0}));
    if (auto r = retry_later(j, q, how.retry_after.value_or(delay), now); !r)
      return std::unexpected(r.error());
    out.state = j.state;
    out.next_attempt_ms = wall_of(j, now);
  }
  if (auto r = stored.count_failure(j, normalised(text), now.wall_ms); !r) return lost(r.error());
  if (expired) tell(job_event::kind::expired, j, text, took);
  if (j.state == job_state::dead) {
    tell(job_event::kind::died, j, text, took);
  } else if (!expired) {
    tell(job_event::kind::failed, j, text, took);
  }
  return out;
}

result<reply> engine::parts::run(const fail_job& c, plane_time now) {
  auto j = held(c.token, now);
  if (!j) return std::unexpected(j.error());
  const auto q = queue_at(j->queue);
  if (!q) return std::unexpected(q.error());
  if (c.release) return give_back(*j, **q, now);
  const auto out = attempt_failed(*j, **q, c.error, false, c, now);
  if (!out) return std::unexpected(out.error());
  return *out;
}

// Unused: the attempt does not count, and the job stands where it stood.
result<reply> engine::parts::give_back(job& j, queue_entry& q, plane_time now) {
  const auto rank = j.rank;
  leave(q, j);
  --j.attempt;
  if (!j.history.empty()) j.history.pop_back();
  j.due_ms = now.steady_ms;
  if (auto r = place(j, q, now); !r) return std::unexpected(r.error());
  j.rank = rank;
  if (auto r = stored.save(j, part::state | part::history); !r) return lost(r.error());
  enter(q, j);
  return settled{j.id, j.state, now.wall_ms};
}

result<reply> engine::parts::run(const extend& c, plane_time now) {
  if (c.length.count() <= 0 || c.length > longest_lease)
    return fail(
        errc::bad_request,
        "a lease is extended by over 0 and at most 24h from now; to give the job back, fail it");
  auto j = held(c.token, now);
  if (!j) return std::unexpected(j.error());
  j->due_ms = now.steady_ms + c.length.count();
  if (auto r = stored.save(*j, +part::state); !r) return lost(r.error());
  next_expiry = std::min(next_expiry, j->due_ms);
  return extended{now.wall_ms + c.length.count()};
}

result<reply> engine::parts::run(const progress& c, plane_time now) {
  if (c.text.size() > longest_text)
    return fail(errc::too_large, "a progress text has at most 4096 bytes");
  auto j = held(c.token, now);
  if (!j) return std::unexpected(j.error());
  j->progress = c.text;
  if (auto r = stored.save(*j, +part::progress); !r) return lost(r.error());
  return extended{wall_of(*j, now)};
}

result<reply> engine::parts::run(const cancel_job& c, plane_time now) {
  auto j = stored.load(c.id, false);
  if (!j) {
    if (j.error().code == errc::not_found)
      return fail(errc::not_found, "job " + id_text(c.id) + " is not there (any more)");
    return lost(j.error());
  }
  if (succeeded_before(*j) && !finished(j->state))
    return fail(errc::conflict, "job " + id_text(c.id) +
                                    " is done already: only its second run goes on, which "
                                    "verify_idempotency asked for");
  if (finished(j->state))
    return fail(errc::conflict,
                "job " + id_text(c.id) + " is " + std::string(to_string(j->state)) + " already");
  const auto q = queue_at(j->queue);
  if (!q) return std::unexpected(q.error());
  auto parts_to_save = +part::state;
  leave(**q, *j);
  if (j->state == job_state::scheduled) turn_lost(*j);
  std::int64_t took = 0;
  if (j->state == job_state::leased) {
    took = close_attempt(*j, "cancelled", false, now);
    parts_to_save = parts_to_save | part::history;
  }
  if (auto r = finish(*j, **q, job_state::cancelled, parts_to_save, now); !r)
    return std::unexpected(r.error());
  tell(job_event::kind::cancelled, *j, {}, took);
  return settled{j->id, j->state, std::nullopt};
}

}  // namespace fairing::jobs
