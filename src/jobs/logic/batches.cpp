// Batches: jobs that are put together, and one that comes when all of them have finished.
//
// The callback is a job like any, scheduled for a time that never comes; the row "batch:ID" counts those that are
// missing. The last one makes the callback due.
#include <charconv>

#include "jobs/logic/engine_parts.hpp"

namespace fairing::jobs {

namespace {

constexpr std::string_view watch_prefix = "watch:";
constexpr std::size_t id_length = 13;

struct batch_row {
  std::uint64_t missing = 0;
  job_id callback = 0;
};

std::string fact_of(std::uint64_t batch) { return "batch:" + id_text(batch); }
std::string watch_of(job_id id) { return std::string(watch_prefix) + id_text(id); }
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

// A job that was there before the batch, and in another one perhaps: its row says nothing of this batch, so a fact of its
// own does.
result<void> engine::parts::recover_watches() {
  watched.clear();
  const auto all = stored.facts(watch_prefix);
  if (!all) return lost(all.error());
  for (const auto& [name, value] : *all) {
    const auto id = id_from(std::string_view(name).substr(watch_prefix.size()));
    if (!id) continue;
    auto& batches = watched[*id];
    for (std::string_view rest = value; rest.size() >= id_length; rest.remove_prefix(id_length))
      if (const auto batch = id_from(rest.substr(0, id_length)); batch) batches.push_back(*batch);
  }
  return {};
}

result<void> engine::parts::watch(job_id id, std::uint64_t batch) {
  auto& batches = watched[id];
  undo.emplace_back([this, id, before = batches] {
    if (before.empty())
      watched.erase(id);
    else
      watched.insert_or_assign(id, before);
  });
  batches.push_back(batch);
  std::string text;
  for (const auto b : batches) text += id_text(b);
  if (auto r = stored.set_fact(watch_of(id), text); !r) return lost(r.error());
  return {};
}

// The job has finished, or is gone.
result<void> engine::parts::tell_watchers(job_id id, plane_time now) {
  const auto at = watched.find(id);
  if (at == watched.end()) return {};
  const auto batches = std::move(at->second);
  watched.erase(at);
  undo.emplace_back([this, id, batches] { watched.insert_or_assign(id, batches); });
  if (auto r = stored.drop_fact(watch_of(id)); !r) return lost(r.error());
  for (const auto batch : batches)
    if (auto r = batch_members(batch, -1, now); !r) return r;
  return {};
}

// A member has finished (-1), or lives again (+1).
result<void> engine::parts::batch_member(const job& j, int change, plane_time now) {
  return batch_members(j.batch, change, now);
}

result<void> engine::parts::batch_members(std::uint64_t batch, std::int64_t change,
                                          plane_time now) {
  const auto fact = fact_of(batch);
  const auto found = stored.fact(fact);
  if (!found) return lost(found.error());
  const auto& text = found.value();
  if (!text) return {};  // the callback has been put: what is redriven later does not call it again
  auto row = row_of(*text);
  if (!row) return {};
  row->missing += static_cast<std::uint64_t>(change);
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
