#include "jobs/store/postgres/postgres_reader.hpp"

#include <algorithm>
#include <charconv>

#include "base/clock.hpp"
#include "jobs/logic/packed.hpp"
#include "jobs/store/job_columns.hpp"
#include "jobs/store/postgres/job_row.hpp"
#include "jobs/store/postgres/postgres_store.hpp"

namespace fairing::jobs {

namespace postgres {

namespace {

constexpr std::int64_t longest_us = 250'000;
constexpr std::size_t most_items = 1'000;
constexpr std::int64_t rows_a_look = 500;
// Columns behind those of the job and the one it is sorted by: where the look ended, and at how many rows it was.
constexpr int last_order = job_column_count + 1;
constexpr int last_id = job_column_count + 2;
constexpr int looked_at = job_column_count + 3;

constexpr const char* manners_text =
    "SET search_path = pg_catalog; SET default_transaction_read_only = on; "
    "SET statement_timeout = '2s'; SET lock_timeout = '500ms'; SET jit = off; "
    "SET enable_seqscan = off; SET enable_bitmapscan = off; SET plan_cache_mode = "
    "force_generic_plan";

enum class look : std::size_t {
  load,
  errors,
  by_id,     // along the ids
  by_end,    // finished jobs of a queue and state, along their end
  by_error,  // of a group of failures, along the ids
  leased,    // few: their index, and a sort
};

// Payloads of lists: short ones only.
std::string listed_columns() {
  auto out = columns(false);
  return out +
         ", NULL::bytea AS result, CASE WHEN octet_length(payload) <= 4096 THEN payload END "
         "AS payload";
}

// visible_payload() in SQL. The media type is inside of spec, as it is.
constexpr std::string_view visible =
    "CASE WHEN position('message/http'::bytea IN spec) > 0 "
    "THEN substring(payload FOR position('\\x0d0a'::bytea IN payload)) ELSE payload END";

// A look at the next rows of an index; of those the ones that match, and how far it came. $1, $2 the place, $3 queue or
// -1, $4 state or -1, $5 the text or NULL, $6 rows at most, $7 the group's error.
std::string look_text(std::string_view where, std::string_view order, std::string_view order_by) {
  std::string out = "WITH page AS MATERIALIZED (SELECT * FROM fairing.job WHERE ";
  out += where;
  out += " ORDER BY ";
  out += order_by;
  out +=
      " LIMIT $6), fits AS (SELECT * FROM page WHERE ($3 < 0 OR queue = $3) AND "
      "($4 < 0 OR state = $4) AND ($5::bytea IS NULL OR position($5 IN key) > 0 OR "
      "position($5 IN uniq) > 0 OR position($5 IN trace) > 0 OR position($5 IN history) > 0 OR "
      "position($5 IN ";
  out += visible;
  out += ") > 0)) SELECT j.*, far.* FROM (SELECT min(";
  out += order;
  out += ") AS o, (SELECT id FROM page ORDER BY ";
  out += order;
  out += ", id LIMIT 1) AS i, count(*) AS n FROM page) far LEFT JOIN (SELECT ";
  out += listed_columns();
  out += ", ";
  out += order;
  out += " AS place FROM fits) j ON true ORDER BY j.place DESC, j.id DESC";
  return out;
}

std::vector<statement_text> texts() {
  const std::string along_ids = "id < $2 AND $1 = $1 AND ($7::bytea IS NULL OR true)";
  const std::string group =
      "failure IN (SELECT id FROM fairing.failure WHERE error = $7 AND ($3 < 0 OR queue = $3)) AND "
      "id < $2 AND $1 = $1";
  return {
      {"SELECT " + columns(true) + " FROM fairing.job WHERE id = $1", "n"},
      {"SELECT error, queue::int8, count, first_ms, last_ms, sample FROM fairing.failure WHERE "
       "$1 < 0 OR queue = $1 ORDER BY last_ms DESC LIMIT $2",
       "nn"},
      {look_text(along_ids, "id", "id DESC"), "nnnnbnb"},
      {look_text("(finished_ms, id) < ($1, $2) AND queue = $3 AND state = $4 AND state >= 3 AND "
                 "($7::bytea IS NULL OR true)",
                 "finished_ms", "finished_ms DESC, id DESC"),
       "nnnnbnb"},
      {look_text(group, "id", "id DESC"), "nnnnbnb"},
      {look_text(along_ids + " AND state = 2", "id", "id DESC"), "nnnnbnb"},
  };
}

look way_of(const job_query& q) {
  if (!q.error.empty()) return look::by_error;
  if (q.state && finished(*q.state) && q.queue) return look::by_end;
  return q.state == job_state::leased ? look::leased : look::by_id;
}

std::size_t at(look which) noexcept { return static_cast<std::size_t>(which); }

}  // namespace

std::optional<postgres_reader::place> postgres_reader::place_of(std::string_view text) {
  if (text.empty()) return place{};
  place p;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), p.order);
  const auto rest = text.substr(static_cast<std::size_t>(end - text.data()));
  if (failed != std::errc{} || !rest.starts_with('.')) return std::nullopt;
  const auto id = id_from(rest.substr(1));
  if (!id) return std::nullopt;
  p.id = to_sql(*id);
  return p;
}

result<void> postgres_reader::open() {
  if (session_ && !session_->is_lost()) return {};
  session_.reset();
  auto s = session::open(url_, "fairing jobs lists");
  if (!s) return std::unexpected(s.error());
  if (auto r = s->execute(manners_text); !r) return std::unexpected(r.error());
  const auto all = texts();
  if (auto r = s->prepare(all); !r) return r;
  session_ = std::move(*s);
  return {};
}

// A connection that was idle may have been closed meanwhile: that is found out by asking.
result<rows> postgres_reader::ask(std::size_t which, const params& p) {
  for (bool again = session_.has_value();; again = false) {
    if (auto r = open(); !r) return std::unexpected(r.error());
    auto r = session_->ask(which, p);
    if (r || !session_->is_lost() || !again) return r;
  }
}

result<job> postgres_reader::load(job_id id) {
  const auto r = ask(at(look::load), params().add(to_sql(id)));
  if (!r) return std::unexpected(r.error());
  if (r->size() == 0)
    return fail(errc::not_found, "job " + id_text(id) + " is not there (any more)");
  return read_job(*r, 0, true);
}

result<job_page> postgres_reader::find(const job_query& q) {
  const auto until_us = precise_us() + longest_us;
  auto from = place_of(q.after);
  if (!from) return fail(errc::bad_request, "after: give back what `next` said");
  if (const auto id = id_from(q.text); id && q.after.empty())
    if (auto j = load(*id); j) {
      job_page one;
      one.items.push_back(std::move(*j));
      return one;
    }
  const auto most = std::clamp<std::size_t>(q.most, 1, most_items);
  const auto way = way_of(q);
  job_page out;
  do {
    params p;
    p.add(from->order).add(from->id).add(q.queue ? std::int64_t{*q.queue} : -1);
    p.add(q.state ? static_cast<std::int64_t>(*q.state) : -1).add_or_null(q.text);
    p.add(rows_a_look).add_or_null(q.error);
    const auto r = ask(at(way), p);
    if (!r) return std::unexpected(r.error());
    for (int i = 0; i < r->size() && !r->is_null(i, 0); ++i) {
      auto j = read_job(*r, i, true);
      if (!j) {  // damaged: whoever works with it sets it aside
        *from = {way == look::by_end ? r->number(i, 12) : 0, r->number(i, 0)};
        continue;
      }
      *from = {way == look::by_end ? j->finished_ms : 0, r->number(i, 0)};
      out.items.push_back(std::move(*j));
      if (out.items.size() < most) continue;
      out.next = std::to_string(from->order) + '.' + id_text(out.items.back().id);
      return out;
    }
    if (r->number(0, looked_at) < rows_a_look) return out;
    *from = {way == look::by_end ? r->number(0, last_order) : 0, r->number(0, last_id)};
  } while (precise_us() < until_us);
  out.next = std::to_string(from->order) + '.' + id_text(from_sql(from->id));
  return out;
}

result<std::vector<error_group>> postgres_reader::errors(std::optional<std::uint32_t> queue,
                                                         std::size_t most) {
  const auto r =
      ask(at(look::errors), params()
                                .add(queue ? std::int64_t{*queue} : -1)
                                .add(static_cast<std::int64_t>(std::min(most, most_items))));
  if (!r) return std::unexpected(r.error());
  std::vector<error_group> out;
  for (int i = 0; i < r->size(); ++i)
    out.push_back({std::string(r->bytes(i, 0)), static_cast<std::uint32_t>(r->number(i, 1)),
                   static_cast<std::uint64_t>(r->number(i, 2)), r->number(i, 3), r->number(i, 4),
                   from_sql(r->number(i, 5))});
  return out;
}

}  // namespace postgres

result<std::unique_ptr<reader>> open_postgres_reader(const std::string& url) {
  return std::make_unique<postgres::postgres_reader>(url);
}

}  // namespace fairing::jobs
