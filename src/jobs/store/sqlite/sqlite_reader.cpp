#include "jobs/store/sqlite/sqlite_reader.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <charconv>

#include "base/clock.hpp"
#include "jobs/logic/packed.hpp"
#include "jobs/store/sqlite/sqlite_store.hpp"

namespace fairing::jobs {

namespace sqlite {

namespace {

constexpr std::int64_t longest_us = 250'000;
constexpr std::size_t most_items = 1'000;
constexpr std::size_t longest_payload = 4'096;  // in a list
constexpr int progress_every = 10'000;          // of SQLite's steps: some hundred microseconds

std::optional<cursor> cursor_of(std::string_view text) {
  if (text.empty()) return cursor{};
  cursor c;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), c.order);
  const auto rest = text.substr(static_cast<std::size_t>(end - text.data()));
  if (failed != std::errc{} || !rest.starts_with('.')) return std::nullopt;
  const auto id = id_from(rest.substr(1));
  if (!id) return std::nullopt;
  c.id = to_sql(*id);
  return c;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}
bool matches(const job& j, const job_query& q) {
  if (q.text.empty()) return true;
  return contains(j.key, q.text) || contains(j.unique, q.text) || contains(j.trace, q.text) ||
         contains(visible_payload(j), q.text) || contains(id_text(j.id), q.text) ||
         (!j.history.empty() && contains(j.history.back().error, q.text));
}

// The WHERE and ORDER of a search: the narrowest index there is, else along the ids; the rest is looked at row by row, so
// that the place is known when time is over.
struct plan {
  std::string sql;
  bool by_end = false;  // ordered by finished_ms, not by id
};
plan plan_of(const job_query& q) {
  plan p;
  const auto queue = q.queue ? std::to_string(*q.queue) : std::string();
  std::string where = "id < ?2";
  if (!q.error.empty()) {
    where += " AND failure IN (SELECT id FROM failure WHERE error = ?3" +
             (q.queue ? " AND queue = " + queue : "") + ")";
  } else if (q.state && finished(*q.state) && q.queue) {
    where = "(finished_ms, id) < (?1, ?2) AND queue = " + queue +
            " AND state >= 3 AND state = " + std::to_string(static_cast<int>(*q.state));
    p.by_end = true;
  } else if (q.state == job_state::leased) {
    where += " AND state = 2";  // few: their index, and a sort
  }
  p.sql = "SELECT " + job_columns(true) + " FROM job WHERE " + where +
          (p.by_end ? " ORDER BY finished_ms DESC, id DESC" : " ORDER BY id DESC");
  return p;
}

bool row_matches(const statement& s, const job_query& q) {
  return (!q.queue || s.number(1) == *q.queue) &&
         (!q.state || s.number(2) == static_cast<std::int64_t>(*q.state));
}

}  // namespace

sqlite_reader::sqlite_reader(database db) noexcept : db_(std::move(db)) {
  sqlite3_progress_handler(
      db_.raw(), progress_every,
      [](void* self) {
        return precise_us() > static_cast<sqlite_reader*>(self)->until_us_ ? 1 : 0;
      },
      this);
}

result<void> sqlite_reader::fetch(job& j, const far_bodies& far) {
  const std::pair<const char*, std::string*> wanted[] = {
      {"SELECT body FROM job_payload WHERE id = ?1", far.payload ? &j.payload : nullptr},
      {"SELECT body FROM job_result WHERE id = ?1", far.result ? &j.result : nullptr}};
  for (const auto& [text, into] : wanted) {
    if (into == nullptr) continue;
    auto s = db_.prepare(text);
    if (!s) return std::unexpected(s.error());
    s->bind(1, to_sql(j.id));
    const auto row = s->step();
    if (!row) return std::unexpected(row.error());
    if (*row) *into = s->text(0);
  }
  return {};
}

result<job> sqlite_reader::load(job_id id) {
  until_us_ = precise_us() + longest_us;
  auto s = db_.prepare("SELECT " + job_columns(true) + " FROM job WHERE id = ?1");
  if (!s) return std::unexpected(s.error());
  s->bind(1, to_sql(id));
  const auto row = s->step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return fail(errc::not_found, "job " + id_text(id) + " is not there (any more)");
  far_bodies far;
  auto j = read_job(*s, true, far);
  if (!j) return j;
  if (auto r = fetch(*j, far); !r) return std::unexpected(r.error());
  return j;
}

result<job_page> sqlite_reader::find(const job_query& q) {
  until_us_ = precise_us() + longest_us;
  const auto at = cursor_of(q.after);
  if (!at) return fail(errc::bad_request, "after: give back what `next` said");
  if (const auto id = id_from(q.text); id && q.after.empty())
    if (auto j = load(*id); j) {
      job_page one;
      one.items.push_back(std::move(*j));
      return one;
    }
  const auto p = plan_of(q);
  auto s = db_.prepare(p.sql);
  if (!s) return std::unexpected(s.error());
  if (p.by_end) s->bind(1, at->order);
  s->bind(2, at->id);
  if (!q.error.empty()) s->bind(3, q.error);
  return collect(*s, q, p.by_end, *at);
}

result<job_page> sqlite_reader::collect(statement& s, const job_query& q, bool by_end, cursor at) {
  const auto most = std::clamp<std::size_t>(q.most, 1, most_items);
  job_page out;
  bool moved = false;
  while (true) {
    const auto row = s.step();
    if (!row && precise_us() <= until_us_) return std::unexpected(row.error());
    if (!row && !moved)
      return fail(errc::overloaded, "the search took too long: narrow it, by a queue or a state");
    if (!row) break;  // time is over: the page is what was looked at so far
    if (!*row) return out;
    moved = true;
    at = {by_end ? s.number(12) : 0, s.number(0)};
    if (row_matches(s, q)) {
      far_bodies far;
      auto j = read_job(s, true, far);
      if (!j) continue;  // damaged: whoever works with it sets it aside
      if (far.payload)
        if (auto r = fetch(*j, {.payload = true}); !r) return std::unexpected(r.error());
      if (matches(*j, q)) {
        if (j->payload.size() > longest_payload) j->payload.clear();
        j->result.clear();
        out.items.push_back(std::move(*j));
      }
    }
    if (out.items.size() >= most || precise_us() > until_us_) break;
  }
  out.next = std::to_string(at.order) + '.' + id_text(from_sql(at.id));
  return out;
}

result<std::vector<error_group>> sqlite_reader::errors(std::optional<std::uint32_t> queue,
                                                       std::size_t most) {
  until_us_ = precise_us() + longest_us;
  auto s = db_.prepare(
      "SELECT error, queue, count, first_ms, last_ms, sample FROM failure "
      "WHERE ?1 IS NULL OR queue = ?1 ORDER BY last_ms DESC LIMIT ?2");
  if (!s) return std::unexpected(s.error());
  if (queue) s->bind(1, *queue);
  s->bind(2, static_cast<std::int64_t>(std::min(most, most_items)));
  std::vector<error_group> out;
  while (true) {
    const auto row = s->step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return out;
    out.push_back({std::string(s->text(0)), static_cast<std::uint32_t>(s->number(1)),
                   static_cast<std::uint64_t>(s->number(2)), s->number(3), s->number(4),
                   from_sql(s->number(5))});
  }
}

}  // namespace sqlite

result<std::unique_ptr<reader>> open_sqlite_reader(const std::string& path) {
  auto db = sqlite::database::open(path, sqlite::database::mode::reads);
  if (!db) return std::unexpected(db.error());
  return std::make_unique<sqlite::sqlite_reader>(std::move(*db));
}

}  // namespace fairing::jobs
