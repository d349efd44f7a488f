// Jobs: put, load, save, erase, and the look-ups, each by its own index.
#include <algorithm>
#include <array>

#include "jobs/logic/packed.hpp"
#include "jobs/store/sqlite/schema.hpp"
#include "jobs/store/sqlite/sqlite_store.hpp"

namespace fairing::jobs::sqlite {

namespace {

// A text that is empty for most jobs takes no room, and no entry in a partial index.
void bind_text(statement& s, int at, std::string_view text) {
  if (text.empty()) {
    s.bind_null(at);
  } else {
    s.bind(at, text);
  }
}
void bind_body(statement& s, int at, std::string_view body) {
  if (body.size() > longest_inline) {
    s.bind_null(at);
  } else {
    s.bind_blob(at, body);
  }
}

}  // namespace

result<void> sqlite_store::put(const job& j) {
  auto& s = use(sql::put);
  const auto spec = pack_spec(j);
  const auto history = pack_history(j);
  s.bind(1, to_sql(j.id)).bind(2, j.queue).bind(3, static_cast<std::int64_t>(j.state));
  s.bind(4, j.rank).bind(5, j.priority).bind(6, static_cast<std::int64_t>(j.due_clock));
  s.bind(7, j.due_ms).bind(8, j.attempt).bind(9, static_cast<std::int64_t>(j.secret));
  s.bind(10, j.parked ? 1 : 0).bind(11, j.holds_key ? 1 : 0);
  s.bind(12, static_cast<std::int64_t>(j.bytes)).bind(13, j.finished_ms).bind(14, j.created_ms);
  bind_text(s, 15, j.key);
  bind_text(s, 16, j.unique);
  bind_text(s, 17, j.trace);
  s.bind_blob(18, spec);
  bind_text(s, 19, history);
  bind_text(s, 20, j.progress);
  bind_text(s, 21, j.result_type);
  s.bind(22, j.result_status);
  bind_body(s, 23, j.result);
  bind_body(s, 24, j.payload);
  if (auto r = s.run(); !r) return failed(r.error());
  if (auto r = write_body(sql::put_payload, j.id, j.payload); !r) return r;
  return write_body(sql::put_result, j.id, j.result);
}

result<void> sqlite_store::write_body(sql which, job_id id, std::string_view body) {
  if (body.size() <= longest_inline) return {};
  has_bodies_ = true;
  auto& s = use(which);
  s.bind(1, to_sql(id)).bind_blob(2, body);
  if (auto r = s.run(); !r) return failed(r.error());
  return {};
}

result<job> sqlite_store::load(job_id id, bool with_payload) {
  auto& s = use(with_payload ? sql::load_whole : sql::load_head);
  s.bind(1, to_sql(id));
  const auto row = s.step();
  if (!row) return failed(row.error());
  if (!*row) return fail(errc::not_found);
  far_bodies far;
  auto j = read_job(s, with_payload, far);
  auto damaged = j ? damaged_row{} : read_damaged(s);
  s.reset();
  if (!j) {
    if (auto r = set_aside(std::move(damaged)); !r) return std::unexpected(r.error());
    return fail(errc::not_found);
  }
  if (auto r = fetch_bodies(*j, far); !r) return std::unexpected(r.error());
  return j;
}

// Bodies in the side tables stay where they are.
result<void> sqlite_store::set_aside(damaged_row row) {
  const auto id = std::to_string(to_sql(row.id));
  if (auto r = db_.execute("INSERT INTO job_damaged SELECT * FROM job WHERE id = " + id +
                           "; DELETE FROM job WHERE id = " + id);
      !r)
    return failed(r.error());
  const auto largest = row.id;
  damaged_.push_back(std::move(row));
  return raise_last_id(largest);
}

result<void> sqlite_store::fetch_bodies(job& j, const far_bodies& far) {
  const std::pair<sql, std::string*> wanted[] = {{sql::payload, far.payload ? &j.payload : nullptr},
                                                 {sql::result, far.result ? &j.result : nullptr}};
  for (const auto& [which, into] : wanted) {
    if (into == nullptr) continue;
    auto& s = use(which);
    s.bind(1, to_sql(j.id));
    const auto row = s.step();
    if (!row) return failed(row.error());
    if (!*row) continue;
    *into = s.text(0);
    s.reset();
  }
  return {};
}

statement* sqlite_store::save_statement(std::uint32_t parts, result<void>& outcome) {
  auto& s = saves_[parts & 31];
  if (s) return &s;
  auto made = db_.prepare(save_text(parts));
  if (!made) {
    outcome = failed(made.error());
    return nullptr;
  }
  s = std::move(*made);
  return &s;
}

result<void> sqlite_store::save(const job& j, std::uint32_t parts) {
  result<void> outcome;
  auto* found = save_statement(parts, outcome);
  if (found == nullptr) return outcome;
  auto& s = *found;
  s.bind(1, to_sql(j.id));
  int at = 2;
  if ((parts & +part::state) != 0) {
    for (const auto value :
         {static_cast<std::int64_t>(j.queue), static_cast<std::int64_t>(j.state), j.rank,
          static_cast<std::int64_t>(j.priority), static_cast<std::int64_t>(j.due_clock), j.due_ms,
          static_cast<std::int64_t>(j.attempt), static_cast<std::int64_t>(j.secret),
          static_cast<std::int64_t>(j.parked), static_cast<std::int64_t>(j.holds_key),
          static_cast<std::int64_t>(j.bytes), j.finished_ms})
      s.bind(at++, value);
  }
  const auto history = (parts & +part::history) != 0 ? pack_history(j) : std::string();
  if ((parts & +part::history) != 0) bind_text(s, at++, history);
  if ((parts & +part::progress) != 0) bind_text(s, at++, j.progress);
  if ((parts & +part::result) != 0) {
    bind_body(s, at++, j.result);
    bind_text(s, at++, j.result_type);
    s.bind(at++, j.result_status);
  }
  if ((parts & +part::payload) != 0) bind_body(s, at++, j.payload);
  if (auto r = s.run(); !r) return failed(r.error());
  if (db_.changes() == 0) return fail(errc::not_found);
  if ((parts & +part::result) != 0)
    if (auto r = write_body(sql::put_result, j.id, j.result); !r) return r;
  if ((parts & +part::payload) != 0) return write_body(sql::put_payload, j.id, j.payload);
  return {};
}

// A body that became short stays in the side table until the job goes; the row says that it is not asked for.
result<void> sqlite_store::erase_one(job_id id) {
  const auto run = [&](sql which) {
    auto& s = use(which);
    s.bind(1, to_sql(id));
    return s.run();
  };
  if (auto r = run(sql::erase_job); !r) return failed(r.error());
  if (!has_bodies_) return {};
  if (auto r = run(sql::erase_payload); !r) return failed(r.error());
  if (auto r = run(sql::erase_result); !r) return failed(r.error());
  return {};
}

result<void> sqlite_store::erase(std::span<const job_id> ids) {
  job_id largest = 0;
  for (const auto id : ids) {
    if (auto r = erase_one(id); !r) return r;
    largest = std::max(largest, id);
  }
  return raise_last_id(largest);
}

// Ids must go up although the job with the largest is gone and the wall clock was set back.
result<void> sqlite_store::raise_last_id(job_id id) {
  if (id <= erased_up_to_) return {};
  erased_up_to_ = id;
  return set_fact("erased up to", id_text(id));
}

result<job_id> sqlite_store::last_id() {
  auto s = db_.prepare("SELECT id FROM job ORDER BY id DESC LIMIT 1");
  if (!s) return failed(s.error());
  const auto row = s->step();
  if (!row) return failed(row.error());
  return std::max(erased_up_to_, *row ? from_sql(s->number(0)) : 0);
}

result<std::vector<job>> sqlite_store::ready(std::uint32_t queue, std::size_t most,
                                             std::uint64_t most_bytes) {
  while (true) {
    std::vector<damaged_row> damaged;
    auto out = read_ready(queue, most, most_bytes, damaged);
    if (!out || damaged.empty()) return out;
    for (auto& d : damaged)
      if (auto r = set_aside(std::move(d)); !r) return std::unexpected(r.error());
  }
}

result<std::vector<job>> sqlite_store::read_ready(std::uint32_t queue, std::size_t most,
                                                  std::uint64_t most_bytes,
                                                  std::vector<damaged_row>& damaged) {
  auto& s = use(sql::ready);
  s.bind(1, queue).bind(2, static_cast<std::int64_t>(most));
  std::vector<job> out;
  std::vector<std::pair<std::size_t, far_bodies>> later;
  std::uint64_t bytes = 0;
  while (true) {
    const auto row = s.step();
    if (!row) return failed(row.error());
    if (!*row) break;
    far_bodies far;
    auto j = read_job(s, true, far);
    if (!j) {
      damaged.push_back(read_damaged(s));
      continue;
    }
    if (far.payload || far.result) later.emplace_back(out.size(), far);
    bytes += j->bytes;
    out.push_back(std::move(*j));
    if (bytes >= most_bytes) break;
  }
  s.reset();
  for (const auto& [at, far] : later)
    if (auto r = fetch_bodies(out[at], far); !r) return std::unexpected(r.error());
  return out;
}

result<std::uint32_t> sqlite_store::active_of(std::uint32_t queue, std::string_view key) {
  auto& s = use(sql::active_of);
  s.bind(1, queue).bind(2, key);
  const auto row = s.step();
  if (!row) return failed(row.error());
  const auto n = s.number(0);
  s.reset();
  return static_cast<std::uint32_t>(n);
}

result<std::optional<job_id>> sqlite_store::first_parked(std::uint32_t queue,
                                                         std::string_view key) {
  auto& s = use(sql::first_parked);
  s.bind(1, queue).bind(2, key);
  const auto row = s.step();
  if (!row) return failed(row.error());
  if (!*row) return std::nullopt;
  const auto id = from_sql(s.number(0));
  s.reset();
  return id;
}

result<std::vector<job_id>> sqlite_store::parked(std::uint32_t queue, std::size_t most) {
  auto& s = use(sql::parked);
  s.bind(1, queue).bind(2, static_cast<std::int64_t>(most));
  return ids_of(s);
}

result<std::optional<store::key_row>> sqlite_store::first_parked_behind(std::uint32_t queue,
                                                                        std::string_view key) {
  auto& s = use(sql::next_parked_key);
  s.bind(1, queue).bind(2, key);
  const auto row = s.step();
  if (!row) return failed(row.error());
  if (!*row) return std::nullopt;
  key_row found{std::string(s.text(0)), from_sql(s.number(1))};
  s.reset();
  return found;
}

// From key to key, so that many jobs of one key cost as much as one.
result<std::vector<job_id>> sqlite_store::unheld(std::uint32_t queue, std::size_t most) {
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

}  // namespace fairing::jobs::sqlite
