// Jobs: put, load, save, erase, and the look-ups, each by its own index; the outbox.
#include <algorithm>

#include "base/clock.hpp"
#include "jobs/logic/packed.hpp"
#include "jobs/store/postgres/job_row.hpp"
#include "jobs/store/postgres/postgres_store.hpp"

namespace fairing::jobs::postgres {

namespace {

constexpr std::int64_t look_every_ms = 4'500;  // at the outbox, when nobody tells of it

std::int64_t number(auto value) noexcept { return static_cast<std::int64_t>(value); }
std::size_t index(job_state s) noexcept { return static_cast<std::size_t>(s); }

}  // namespace

result<void> postgres_store::put(const job& j) {
  const auto spec = pack_spec(j);
  const auto history = pack_history(j);
  params p;
  p.add(to_sql(j.id)).add(number(j.queue)).add(number(j.state)).add(j.rank).add(number(j.priority));
  p.add(number(j.due_clock)).add(j.due_ms).add(number(j.attempt)).add(number(j.secret));
  p.add(number(j.parked)).add(number(j.holds_key)).add(number(j.bytes)).add(j.finished_ms);
  p.add(j.created_ms).add_or_null(j.key).add_or_null(j.unique).add_or_null(j.trace).add(spec);
  p.add_or_null(history).add_or_null(j.progress).add_or_null(j.result_type);
  p.add(number(j.result_status)).add_or_null(j.result).add_or_null(j.payload);
  return send(sql::put, p);
}

result<job> postgres_store::load(job_id id, bool with_payload) {
  const auto r = ask(with_payload ? sql::load_whole : sql::load_head, params().add(to_sql(id)));
  if (!r) return std::unexpected(r.error());
  if (r->size() == 0) return fail(errc::not_found);
  auto j = read_job(*r, 0, with_payload);
  if (j) return j;
  if (auto aside = set_aside(read_damaged(*r, 0)); !aside) return std::unexpected(aside.error());
  return fail(errc::not_found);
}

result<void> postgres_store::save(const job& j, std::uint32_t parts) {
  params p;
  p.add(to_sql(j.id));
  if ((parts & +part::state) != 0) {
    p.add(number(j.queue)).add(number(j.state)).add(j.rank).add(number(j.priority));
    p.add(number(j.due_clock)).add(j.due_ms).add(number(j.attempt)).add(number(j.secret));
    p.add(number(j.parked)).add(number(j.holds_key)).add(number(j.bytes)).add(j.finished_ms);
  }
  const auto history = (parts & +part::history) != 0 ? pack_history(j) : std::string();
  if ((parts & +part::history) != 0) p.add_or_null(history);
  if ((parts & +part::progress) != 0) p.add_or_null(j.progress);
  if ((parts & +part::result) != 0)
    p.add_or_null(j.result).add_or_null(j.result_type).add(number(j.result_status));
  if ((parts & +part::payload) != 0) p.add_or_null(j.payload);
  const auto which = static_cast<std::size_t>(sql::save) + (parts & (save_count - 1));
  return session_.send(which, p, true);
}

result<void> postgres_store::erase(std::span<const job_id> ids) {
  job_id largest = 0;
  for (const auto id : ids) {
    if (auto r = send(sql::erase, params().add(to_sql(id))); !r) return r;
    largest = std::max(largest, id);
  }
  return raise_last_id(largest);
}

result<job_id> postgres_store::last_id() {
  const auto largest = first_number(sql::last_id, {});
  if (!largest) return std::unexpected(largest.error());
  const auto& id = largest.value();
  return std::max(erased_up_to_, id ? from_sql(*id) : 0);
}

result<std::vector<job>> postgres_store::ready(std::uint32_t queue, std::size_t most,
                                               std::uint64_t most_bytes) {
  while (true) {
    const auto r =
        ask(sql::ready, params().add(number(queue)).add(number(most)).add(number(most_bytes)));
    if (!r) return std::unexpected(r.error());
    std::vector<job> out;
    for (int i = 0; i < r->size(); ++i) {
      auto j = read_job(*r, i, true);
      if (j)
        out.push_back(std::move(*j));
      else if (auto aside = set_aside(read_damaged(*r, i)); !aside)
        return std::unexpected(aside.error());
    }
    if (out.size() == static_cast<std::size_t>(r->size())) return out;
  }
}

result<void> postgres_store::set_aside(damaged_row row) {
  if (auto r = send(sql::set_aside, params().add(to_sql(row.id)), true); !r) return r;
  const auto largest = row.id;
  damaged_.push_back(std::move(row));
  return raise_last_id(largest);
}

// ---- keys

result<std::uint32_t> postgres_store::active_of(std::uint32_t queue, std::string_view key) {
  const auto n = first_number(sql::active_of, params().add(number(queue)).add(key));
  if (!n) return std::unexpected(n.error());
  return static_cast<std::uint32_t>(n->value_or(0));
}

result<std::optional<job_id>> postgres_store::first_parked(std::uint32_t queue,
                                                           std::string_view key) {
  const auto id = first_number(sql::first_parked, params().add(number(queue)).add(key));
  if (!id) return std::unexpected(id.error());
  if (!id->has_value()) return std::nullopt;
  return from_sql(**id);
}

result<std::vector<job_id>> postgres_store::parked(std::uint32_t queue, std::size_t most) {
  return ids_of(sql::parked, params().add(number(queue)).add(number(most)));
}

result<std::optional<store::key_row>> postgres_store::first_parked_behind(std::uint32_t queue,
                                                                          std::string_view key) {
  const auto r = ask(sql::next_parked_key, params().add(number(queue)).add(key));
  if (!r) return std::unexpected(r.error());
  if (r->size() == 0) return std::nullopt;
  return key_row{std::string(r->bytes(0, 0)), from_sql(r->number(0, 1))};
}

result<std::vector<job_id>> postgres_store::ranked_up_to(std::uint32_t queue, std::int64_t rank,
                                                         std::size_t most) {
  return ids_of(sql::ranked_up_to, params().add(number(queue)).add(rank).add(number(most)));
}

// From key to key, so that many jobs of one key cost as much as one.
result<std::vector<job_id>> postgres_store::unheld(std::uint32_t queue, std::size_t most) {
  std::vector<job_id> out;
  std::string key;
  while (out.size() < most) {
    auto next = first_parked_behind(queue, key);
    if (!next) return std::unexpected(next.error());
    auto& found = next.value();
    if (!found) break;
    key = std::move(found->key);
    const auto active = active_of(queue, key);
    if (!active) return std::unexpected(active.error());
    if (*active == 0) out.push_back(found->id);
  }
  return out;
}

// ---- by time

result<std::vector<job_id>> postgres_store::ids_of(sql which, const params& p) {
  const auto r = ask(which, p);
  if (!r) return std::unexpected(r.error());
  std::vector<job_id> out;
  for (int i = 0; i < r->size(); ++i) out.push_back(from_sql(r->number(i, 0)));
  return out;
}

// The first column of the first row; nullopt: there is none, or it is NULL.
result<std::optional<std::int64_t>> postgres_store::first_number(sql which, const params& p) {
  const auto r = ask(which, p);
  if (!r) return std::unexpected(r.error());
  if (r->size() == 0 || r->is_null(0, 0)) return std::nullopt;
  return r->number(0, 0);
}

result<std::vector<job_id>> postgres_store::due(clock_kind clock, std::int64_t until_ms,
                                                std::size_t most) {
  return ids_of(sql::due, params().add(number(clock)).add(until_ms).add(number(most)));
}
result<std::vector<job_id>> postgres_store::expired(std::int64_t until_ms, std::size_t most) {
  return ids_of(sql::expired, params().add(until_ms).add(number(most)));
}
result<std::optional<std::int64_t>> postgres_store::next_due(clock_kind clock) {
  return first_number(sql::next_due, params().add(number(clock)));
}
result<std::optional<std::int64_t>> postgres_store::next_expiry() {
  return first_number(sql::next_expiry, {});
}

result<std::vector<finished_row>> postgres_store::finished_before(std::uint32_t queue, job_state s,
                                                                  const finished_row& after,
                                                                  std::int64_t before_ms,
                                                                  std::size_t most) {
  params p;
  p.add(number(queue)).add(number(s)).add(after.finished_ms).add(to_sql(after.id));
  p.add(before_ms).add(number(most));
  const auto r = ask(sql::finished_before, p);
  if (!r) return std::unexpected(r.error());
  std::vector<finished_row> out;
  for (int i = 0; i < r->size(); ++i)
    out.push_back(
        {r->number(i, 0), from_sql(r->number(i, 1)), static_cast<std::uint64_t>(r->number(i, 2))});
  return out;
}

result<std::int64_t> postgres_store::newest_finished(std::uint32_t queue, job_state s) {
  const auto at = first_number(sql::newest_finished, params().add(number(queue)).add(number(s)));
  if (!at) return std::unexpected(at.error());
  return at->value_or(0);
}

// ---- counts and purges

result<queue_counts> postgres_store::counts(std::uint32_t queue) {
  const auto r = ask(sql::counts, params().add(number(queue)));
  if (!r) return std::unexpected(r.error());
  queue_counts out;
  for (int i = 0; i < r->size(); ++i) {
    const auto state = r->number(i, 0);
    if (state >= static_cast<std::int64_t>(job_state_count)) continue;  // damaged
    const auto count = static_cast<std::uint64_t>(r->number(i, 1));
    if (state < 0) out.parked = count;
    out.of[state < 0 ? index(job_state::queued) : static_cast<std::size_t>(state)] += count;
    out.finished_bytes += static_cast<std::uint64_t>(r->number(i, 2));
  }
  return out;
}

result<std::vector<rank_row>> postgres_store::first_ranks(std::uint32_t queue) {
  std::vector<rank_row> out;
  for (std::int64_t last = INT16_MIN;;) {
    const auto r = ask(sql::next_priority, params().add(number(queue)).add(last));
    if (!r) return std::unexpected(r.error());
    if (r->size() == 0) return out;
    last = r->number(0, 0);
    out.push_back({r->number(0, 1), static_cast<std::int16_t>(last)});
  }
}

result<std::vector<rank_row>> postgres_store::ranks_from(std::uint32_t queue, std::int64_t rank,
                                                         std::size_t most) {
  const auto r = ask(sql::ranks_from, params().add(number(queue)).add(rank).add(number(most)));
  if (!r) return std::unexpected(r.error());
  std::vector<rank_row> out;
  for (int i = 0; i < r->size(); ++i)
    out.push_back({r->number(i, 0), static_cast<std::int16_t>(r->number(i, 1))});
  return out;
}

result<std::uint64_t> postgres_store::clear_some(sql which, std::uint32_t queue, job_id up_to,
                                                 std::size_t most, cleared& out) {
  if (most == 0) return 0;
  const auto r = ask(which, params().add(number(queue)).add(to_sql(up_to)).add(number(most)));
  if (!r) return std::unexpected(r.error());
  std::vector<job_id> ids;
  for (int i = 0; i < r->size(); ++i) {
    ids.push_back(from_sql(r->number(i, 0)));
    if (const auto batch = batch_in(r->bytes(i, 1)); batch != 0) ++out.batches[batch];
  }
  if (auto done = erase(ids); !done) return std::unexpected(done.error());
  out.ids.insert(out.ids.end(), ids.begin(), ids.end());
  return ids.size();
}

result<cleared> postgres_store::clear(std::uint32_t queue, job_id up_to, std::size_t most) {
  cleared out;
  auto& queued = out.counts.of[index(job_state::queued)];
  const auto ready_gone = clear_some(sql::clear_ready, queue, up_to, most, out);
  if (!ready_gone) return std::unexpected(ready_gone.error());
  const auto parked_gone = clear_some(sql::clear_parked, queue, up_to, most - *ready_gone, out);
  if (!parked_gone) return std::unexpected(parked_gone.error());
  queued = *ready_gone + *parked_gone;
  out.counts.parked = *parked_gone;
  const auto rest = clear_some(sql::clear_scheduled, queue, up_to, most - queued, out);
  if (!rest) return std::unexpected(rest.error());
  out.counts.of[index(job_state::scheduled)] = *rest;
  return out;
}

result<void> postgres_store::count_failure(const job& j, std::string_view normalised,
                                           std::int64_t wall_ms) {
  return send(sql::count_failure,
              params().add(number(j.queue)).add(normalised).add(wall_ms).add(to_sql(j.id)));
}

result<std::uint64_t> postgres_store::drop_failures_before(std::uint32_t queue,
                                                           std::int64_t wall_ms) {
  const auto r = ask(sql::drop_old_failures, params().add(number(queue)).add(wall_ms));
  if (!r) return std::unexpected(r.error());
  return r->changed();
}

// ---- outbox

bool postgres_store::poke() noexcept {
  const auto now = precise_us() / 1'000;
  if (!notices_->take() && now - looked_ms_ < look_every_ms) return false;
  looked_ms_ = now;
  return true;
}

void postgres_store::on_poke(std::function<void()> call) { notices_->on_notice(std::move(call)); }

result<std::vector<outbox_row>> postgres_store::outbox(std::size_t most,
                                                       std::size_t longest_payload) {
  const auto r = ask(sql::outbox, params().add(number(most)).add(number(longest_payload)));
  if (!r) return std::unexpected(r.error());
  std::vector<outbox_row> out;
  for (int i = 0; i < r->size(); ++i) {
    const auto text = [&](int column) { return std::string(r->bytes(i, column)); };
    outbox_row row{.number = r->number(i, 0), .queue = text(1), .payload = text(3)};
    row.payload_bytes = static_cast<std::uint64_t>(r->number(i, 2));
    row.key = text(4);
    row.unique = text(5);
    row.priority = r->number(i, 6);
    if (!r->is_null(i, 7)) row.run_at_ms = r->number(i, 7);
    row.traceparent = text(8);
    out.push_back(std::move(row));
  }
  return out;
}

result<void> postgres_store::take_outbox(std::int64_t number) {
  return send(sql::outbox_done, params().add(number), true);
}

result<void> postgres_store::refuse_outbox(std::int64_t number, std::string_view why) {
  std::string text(why);  // may quote half a character
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) > 126; }, '?');
  return send(sql::outbox_refused, params().add(number).add(text), true);
}

}  // namespace fairing::jobs::postgres
