// What applications enqueue in transactions of their own becomes jobs here, in the batch that takes the rows away: once each.
#include "jobs/logic/engine_parts.hpp"

namespace fairing::jobs {

namespace {

constexpr std::size_t most_rows = 200;  // a tick
constexpr std::size_t longest_payload = 16 * 1024 * 1024;
constexpr std::int64_t retry_ms = 1'000;  // when there was no room

}  // namespace

// A row that cannot be a job is left with the reason; one that there is no room for waits, and all behind it.
result<void> engine::parts::empty_outbox(plane_time now) {
  if (!stored.can().outbox) {
    next_outbox = never_ms;
    return {};
  }
  if (!stored.poke() && next_outbox > now.steady_ms) return {};
  const auto rows = stored.outbox(most_rows, longest_payload);
  if (!rows) return lost(rows.error());
  next_outbox = rows->size() == most_rows ? now.steady_ms : never_ms;
  for (const auto& row : *rows) {
    const auto r = take(row, now);
    if (batch_is_lost) return r;
    if (!r && r.error().code == errc::full) {
      next_outbox = now.steady_ms + retry_ms;
      return {};
    }
    const auto done =
        r ? stored.take_outbox(row.number) : stored.refuse_outbox(row.number, r.error().message());
    if (!done) return lost(done.error());
  }
  return {};
}

result<void> engine::parts::take(const outbox_row& row, plane_time now) {
  if (row.payload_bytes > longest_payload)
    return fail(errc::too_large, "a payload in the outbox has at most 16MiB");
  if (row.priority < -100 || row.priority > 100)
    return fail(errc::bad_request, "priority is from -100 to 100");
  enqueue c{.queue = row.queue, .is_stored = true};
  auto& n = c.jobs.emplace_back();
  n.payload = row.payload;
  n.key = row.key;
  n.unique = row.unique;
  n.priority = static_cast<std::int16_t>(row.priority);
  n.run_at_ms = row.run_at_ms;
  n.trace = trace_of(row.traceparent);
  if (!row.traceparent.empty()) n.fields.emplace_back("traceparent", row.traceparent);
  if (auto r = run(c, now); !r) return std::unexpected(r.error());
  return {};
}

}  // namespace fairing::jobs
