// Cron jobs: never twice, also over crashes: the row that says when a name fired last is written with the job.
//
// The row holds the time and the schedule; a changed schedule begins now. Times that have passed when nobody ran are one
// job or none (misfire); within a minute of its time a job is not late.
//
// A wall clock that goes back makes no time come twice: what has fired waits until the clock is there again. Only where
// the last firing lies over a day ahead, the clock was wrong then, and it counts from now: else a clock that was once set
// to another year would stop a schedule until then.
#include <charconv>

#include "base/timestamp.hpp"
#include "jobs/logic/engine_parts.hpp"

namespace fairing::jobs {

namespace {

constexpr std::int64_t on_time_ms = 60'000;
constexpr std::int64_t retry_ms = 1'000;
constexpr std::int64_t wrong_clock_ms = 86'400'000;

std::string text_of(const cron_entry& c) {
  return std::to_string(c.last_ms) + ' ' + c.config.zone + ' ' + c.config.schedule;
}

// nullopt: the row is of another schedule.
std::optional<std::int64_t> last_of(std::string_view text, const cron_entry& c) {
  std::int64_t last = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), last);
  const auto rest = text.substr(static_cast<std::size_t>(end - text.data()));
  if (failed != std::errc{} || rest != ' ' + c.config.zone + ' ' + c.config.schedule)
    return std::nullopt;
  return last;
}

}  // namespace

result<void> engine::parts::recover_crons(plane_time now) {
  std::vector<cron_entry> next;
  for (const auto& q : config.queues) {
    for (const auto& c : q.cron) {
      auto schedule = cron_schedule::parse(c.schedule, c.zone);
      if (!schedule)
        return fail(errc::bad_request, "jobs.queues." + q.name + ".cron." + c.name + ": " +
                                           schedule.error().message());
      cron_entry e{.queue = numbers.at(q.name),
                   .config = c,
                   .schedule = *schedule,
                   .fact = "cron:" + q.name + ':' + c.name};
      const auto row = stored.fact(e.fact);
      if (!row) return lost(row.error());
      const auto& text = row.value();
      auto last = text ? last_of(*text, e) : std::nullopt;
      if (last && *last > now.wall_ms + wrong_clock_ms) last.reset();
      e.last_ms = last.value_or(now.wall_ms);
      if (!last)
        if (auto r = stored.set_fact(e.fact, text_of(e)); !r) return lost(r.error());
      e.next_ms = e.schedule.next_after(e.last_ms).value_or(never_ms);
      next.push_back(std::move(e));
    }
  }
  crons = std::move(next);
  return {};
}

result<void> engine::parts::fire_crons(plane_time now) {
  for (auto& c : crons) {
    if (c.last_ms > now.wall_ms + wrong_clock_ms)
      if (auto r = count_from(c, now); !r) return r;
    if (c.next_ms > now.wall_ms || c.retry_ms > now.steady_ms) continue;
    auto time = c.next_ms;
    bool wanted = true;
    if (c.config.on_misfire == misfire::skip && now.wall_ms - time > on_time_ms) {
      time =
          c.schedule.next_after(std::max(c.last_ms, now.wall_ms - on_time_ms)).value_or(never_ms);
      wanted = time <= now.wall_ms;
    }
    if (wanted) {
      if (auto r = fire(c, time, now); !r) {
        if (batch_is_lost) return r;
        c.retry_ms = now.steady_ms + retry_ms;  // no room: the time is not lost
        continue;
      }
    }
    if (auto r = count_from(c, now); !r) return r;
  }
  return {};
}

// Times up to now are done with.
result<void> engine::parts::count_from(cron_entry& c, plane_time now) {
  undo.emplace_back([this, fact = c.fact, last = c.last_ms, next = c.next_ms] {
    for (auto& e : crons)
      if (e.fact == fact) e.last_ms = last, e.next_ms = next;
  });
  c.last_ms = now.wall_ms;
  if (auto r = stored.set_fact(c.fact, text_of(c)); !r) return lost(r.error());
  c.next_ms = c.schedule.next_after(c.last_ms).value_or(never_ms);
  return {};
}

result<void> engine::parts::fire(cron_entry& c, std::int64_t time_ms, plane_time now) {
  const auto q = queue_at(c.queue);
  if (!q) return std::unexpected(q.error());
  new_job n;
  n.payload = c.config.payload;
  std::string when;
  append_rfc3339(when, time_ms);
  n.fields = {{"cron", c.config.name}, {"scheduled-for", when}};
  if (auto r = check(n, **q, now); !r) return r;
  if (auto r = check_room(1, n.payload.size(), now); !r) return r;
  if (auto r = check_room_of(**q, 1); !r) return r;
  auto j = made(n, **q, now);
  return put(j, n, **q, now);
}

}  // namespace fairing::jobs
