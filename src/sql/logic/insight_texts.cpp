// What insight does once a text: templates, places of values, requests, columns.
#include <algorithm>

#include "base/hash.hpp"
#include "codec/pgwire/server_messages.hpp"
#include "codec/sql_lexer/comment.hpp"
#include "codec/sql_lexer/name.hpp"
#include "sql/logic/insight.hpp"
#include "sql/logic/write_shape.hpp"

namespace fairing::sql {

namespace lex = codec::sql_lexer;
namespace pgwire = codec::pgwire;
using lex::slot_kind;
using lex::slot_place;
using lex::statement_flag;
using lex::statement_kind;

namespace {

constexpr std::size_t most_requests = 1024;
// FETCH is one template whatever its cursor, but each cursor has columns of its own: so many are told apart.
constexpr std::size_t cursors_apart = 64;

bool only_reads(const lex::statement& s) noexcept {
  if (s.kind != statement_kind::select) return false;
  for (const auto f :
       {statement_flag::row_lock, statement_flag::into, statement_flag::modifying_cte,
        statement_flag::nextval, statement_flag::setval, statement_flag::pg_notify,
        statement_flag::session_lock, statement_flag::session_unlock,
        statement_flag::session_set_config, statement_flag::local_set_config})
    if (s.flags.has(f)) return false;
  return true;
}

// Drivers and tools ask the catalogue what they need to know, type by type.
bool of_catalogue(std::string_view text, const lex::relation_scanner& relations) {
  if (relations.relations().empty()) return true;  // nothing that a batch could be made of
  return std::ranges::all_of(relations.relations(), [text](const lex::relation& r) {
    const auto name = lex::canonical_name(r.name.of(text));
    return name.starts_with("pg_") || name.starts_with("information_schema.");
  });
}

advise::value_key literal_key(std::string_view text, const lex::slot& s) noexcept {
  return advise::key_of({text.substr(s.begin, s.end - s.begin), 0, advise::value_format::literal});
}

}  // namespace

insight::insight(const insight_options& options)
    : options_(options),
      traced_(options.writes),
      templates_(options.slow_us),
      texts_(other_text + 1),
      literals_(literal_texts),
      analyzer_(lex::analyzer_options{.seed = options.seed}),
      requests_(most_requests),
      watched_(*this, {.least = options.least}, options.watched, options.watched_bytes) {}

insight::~insight() = default;

void insight::set(const insight_options& options) {
  options_.detect = options.detect;
  options_.least = options.least;
  options_.slow_us = options.slow_us;
  templates_.set_slow(options.slow_us);
  watched_.set_limits({.least = options.least});
}

std::string_view insight::template_of(text_ids ids) const noexcept {
  const auto id = ids.text < texts_.size() ? texts_[ids.text].template_id : template_table::other;
  return templates_.text(id);
}

std::string_view insight::slow_news(text_ids ids, std::int64_t now_us) {
  const auto id = ids.text < texts_.size() ? texts_[ids.text].template_id : template_table::other;
  return templates_.is_news(id, now_us) ? std::string_view(templates_.text(id))
                                        : std::string_view();
}

text_ids insight::on_text(const text_view& t, const lex::analyzer& a) {
  const auto text = t.text;
  text_ids ids;
  ids.text = record_of(text, a);
  if (!t.database.empty()) templates_.note_database(texts_[ids.text].template_id, t.database);
  ids.request = request_of(text);
  // A run's trace is new: none of its texts was seen, and remembered, before somebody watched.
  if (traced_.watches(ids)) {
    const auto shape = write_shape_of(text, a);
    ids.kind = shape.kind;
    ids.relative = shape.relative;
    ids.table = shape.table;
  }
  const auto& r = texts_[ids.text];
  if (options_.detect && r.watched && !r.has_parameters && r.units != 0) {
    static_cast<void>(remember_literals(hash64(text, options_.seed), a.shape().slots()));
    if (t.outline != 0) remember_outline(t, a.shape().slots());
  }
  return ids;
}

void insight::on_known(const text_view& t, text_ids ids) {
  const auto& r = texts_[ids.text];
  if (!options_.detect || !r.watched || r.has_parameters || r.units == 0) return;
  const auto& known = literals_of(t.outline);
  if (known.hash != t.outline || known.count != t.literals.size()) return;
  last_literals_.hash = hash64(t.text, options_.seed);
  last_literals_.usable = known.usable;
  last_literals_.count = known.count;
  for (std::size_t i = 0; i < known.count; ++i) {
    auto& p = last_literals_.places[i] = known.places[i];
    p.begin = t.literals[i].begin - p.begin;
    p.end = t.literals[i].end;
  }
}

std::uint32_t insight::record_of(std::string_view text, const lex::analyzer& a) {
  text_record r;
  r.template_id = templates_.intern(a, text);
  const auto statements = a.statements();
  r.single = statements.size() == 1 && a.statements_complete() && a.shape().complete();
  r.watched = r.single && only_reads(statements.front()) && !of_catalogue(text, a.relations()) &&
              a.shape().slot_count() == a.shape().slots().size();
  const auto slots = a.shape().slots();
  r.has_parameters =
      std::ranges::any_of(slots, [](const lex::slot& s) { return s.kind == slot_kind::parameter; });
  std::uint64_t key = a.shape().hash();
  if (r.watched && r.has_parameters) {
    read_parameters(r, text, slots);
    key = mix64(key + r.rest);
    for (const auto n : r.slots) key = mix64(key ^ n);
  } else if (r.watched) {
    read_literals(r, slots);
  }
  if (r.single && statements.front().kind == statement_kind::fetch)
    key = mix64(key + hash64(statements.front().name.of(text), options_.seed) % cursors_apart);
  const auto at = text_ids_.find(key);
  if (at != text_ids_.end()) {
    auto& known = texts_[at->second];
    known.limit = r.limit;
    known.offset = r.offset;
    return at->second;
  }
  if (texts_.size() >= most_texts) {
    // Only counted from now on, as its template where that has a text of its own.
    const auto plain = text_ids_.find(a.shape().hash());
    return plain == text_ids_.end() ? other_text : plain->second;
  }
  const auto id = static_cast<std::uint32_t>(texts_.size());
  texts_.push_back(std::move(r));
  text_ids_.emplace(key, id);
  return id;
}

void insight::read_parameters(text_record& r, std::string_view text,
                              std::span<const lex::slot> slots) const {
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const auto& s = slots[i];
    if (s.kind != slot_kind::parameter) {
      // Pages differ in nothing else: their LIMIT and OFFSET do not make another text.
      if (s.place == slot_place::limit) {
        r.limit = literal_key(text, s).integer;
      } else if (s.place == slot_place::offset) {
        r.offset = literal_key(text, s).integer;
      } else {
        r.rest = static_cast<std::uint32_t>(mix64(r.rest ^ literal_key(text, s).hash));
      }
      continue;
    }
    if (s.parameter == 0 || s.parameter > most_units) continue;
    const auto unit = s.parameter - 1;
    const auto bit = static_cast<std::uint16_t>(1U << unit);
    if (r.slots[unit] == 0) {
      r.slots[unit] = s.number;
      r.may_be_key |= bit;
    }
    r.units = std::max(r.units, static_cast<std::uint8_t>(unit + 1));
    const bool several = s.in_list && std::ranges::count(slots, s.number, &lex::slot::number) > 1;
    if (s.place != slot_place::plain || s.in_values || several || s.number == 0)
      r.may_be_key = static_cast<std::uint16_t>(r.may_be_key & ~bit);
    if (s.place == slot_place::limit) r.limit_unit = static_cast<std::int8_t>(unit);
    if (s.place == slot_place::offset) r.offset_unit = static_cast<std::int8_t>(unit);
  }
}

void insight::read_literals(text_record& r, std::span<const lex::slot> slots) const {
  for (const auto& s : slots) {
    if (s.number == 0 || s.number > most_units) continue;
    const auto unit = static_cast<std::size_t>(s.number - 1);
    r.units = std::max(r.units, static_cast<std::uint8_t>(s.number));
    r.slots[unit] = s.number;
    if (s.place == slot_place::plain && !s.in_values)
      r.may_be_key = static_cast<std::uint16_t>(r.may_be_key | 1U << unit);
    if (s.place == slot_place::limit) r.limit_unit = static_cast<std::int8_t>(unit);
    if (s.place == slot_place::offset) r.offset_unit = static_cast<std::int8_t>(unit);
  }
}

insight::literal_text& insight::remember_literals(std::uint64_t hash,
                                                  std::span<const lex::slot> slots) {
  auto& t = literals_of(hash);
  t.hash = hash;
  t.count = 0;
  t.usable = slots.size() <= literal_slots;
  if (!t.usable) return t;
  for (const auto& s : slots) {
    const auto unit = s.number == 0 || s.number > most_units ? 0xff : s.number - 1;
    const bool several = s.in_list && std::ranges::count(slots, s.number, &lex::slot::number) > 1;
    t.places[t.count++] = {s.begin, s.end, static_cast<std::uint8_t>(unit), several};
  }
  return t;
}

void insight::remember_outline(const text_view& t, std::span<const lex::slot> slots) {
  auto& known = remember_literals(t.outline, slots);
  for (std::size_t i = 0; i < known.count; ++i)
    known.places[i].begin = t.literals[i].begin - known.places[i].begin;
}

std::uint64_t insight::request_of(std::string_view text) {
  const auto comment = lex::read_trace_comment(text);
  if (!comment.has_trace) return 0;
  const auto id = bus::trace_key(comment.trace());
  auto& slot = requests_[id % most_requests];
  if (slot.id != id) slot = {id, 0};
  std::string route;
  if (slot.route == 0 && lex::route_of(text, comment, route)) slot.route = routes_.intern(route);
  return id;
}

std::uint32_t insight::route_of(std::uint64_t request) const noexcept {
  const auto& slot = requests_[request % most_requests];
  return request != 0 && slot.id == request ? slot.route : 0;
}

void insight::on_parameters(text_ids ids, std::string_view body) {
  if (ids.text == 0 || !texts_[ids.text].watched) return;
  const auto types = pgwire::read_parameter_description(body);
  if (!types) return;
  std::size_t i = 0;
  for (const auto& t : *types) {
    if (i == most_units) break;
    texts_[ids.text].types[i++] = t.oid;
  }
}

void insight::on_columns(text_ids ids, std::string_view body) {
  if (ids.text == 0 || !texts_[ids.text].single || !options_.detect) return;
  auto& r = texts_[ids.text];
  const auto shape = hash64(body, options_.seed);
  if (r.shape == shape) return;
  const auto columns = pgwire::read_row_description(body);
  if (!columns) return;
  r.shape = shape;
  r.columns.clear();
  for (const auto& c : *columns) {
    if (r.columns.size() == most_columns) break;
    r.columns.push_back({std::string(c.name.substr(0, 63)), c.table, c.attribute, c.type});
  }
}

}  // namespace fairing::sql
