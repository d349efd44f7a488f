// Batches: jobs that are put together, and one that comes when all of them have finished.
//
// The callback is a job like any, scheduled for a time that never comes; the row "batch:ID" counts those that are
// missing. The last one makes the callback due.
#include <charconv>

#include "jobs/logic/engine_parts.hpp"

namespace fairing::jobs {

namespace {

struct batch_row {
  std::uint64_t missing = 0;
  job_id callback = 0;
};

std::string fact_of(std::uint64_t batch) { return "batch:" + id_text(batch); }
std::string text_of(const batch_row& b) {
  return std::to_string(b.missing) + ' ' + id_text(b.callback);
}
std::optional<batch_row> row_of(std::string_view text) {
  batch_row b;
  const auto blank = text.find(' ');
  if (blank == std::string_view::npos) return std::nullopt;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + blank, b.missing);
  const auto id = id_from(text.substr(blank + 1));
  if (failed != std::errc{} || end != text.data() + blank || !id) return std::nullopt;
  b.callback = *id;
  return b;
}

}  // namespace

result<void> engine::parts::begin_batch(std::uint64_t batch, std::uint64_t members,
                                        const new_job& callback, queue_entry& q, plane_time now) {
  auto j = made(callback, q, now);
  if (members > 0) {
    j.due_clock = clock_kind::steady;
    j.due_ms = never_ms;
  }
  if (auto r = put(j, callback, q, now); !r) return r;
  if (members == 0) return {};
  if (auto r = stored.set_fact(fact_of(batch), text_of({members, j.id})); !r)
    return lost(r.error());
  return {};
}

// A member has finished (-1), or lives again (+1).
result<void> engine::parts::batch_member(const job& j, int change, plane_time now) {
  const auto fact = fact_of(j.batch);
  const auto found = stored.fact(fact);
  if (!found) return lost(found.error());
  const auto& text = found.value();
  if (!text) return {};  // the callback has been put: what is redriven later does not call it again
  auto row = row_of(*text);
  if (!row) return {};
  row->missing += static_cast<std::uint64_t>(static_cast<std::int64_t>(change));
  if (row->missing > 0) {
    if (auto r = stored.set_fact(fact, text_of(*row)); !r) return lost(r.error());
    return {};
  }
  if (auto r = stored.drop_fact(fact); !r) return lost(r.error());
  auto callback = stored.load(row->callback, false);
  if (!callback && callback.error().code == errc::not_found) return {};
  if (!callback) return lost(callback.error());
  if (callback->state != job_state::scheduled) return {};  // cancelled meanwhile
  const auto q = queue_at(callback->queue);
  if (!q) return std::unexpected(q.error());
  leave(**q, *callback);
  callback->due_ms = now.steady_ms;
  if (auto r = place(*callback, **q, now); !r) return r;
  if (auto r = stored.save(*callback, +part::state); !r) return lost(r.error());
  enter(**q, *callback);
  return {};
}

}  // namespace fairing::jobs
