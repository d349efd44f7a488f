// What happens on each statement; insight_texts.cpp has what happens once a text.
#include "sql/logic/insight.hpp"

#include <algorithm>
#include <bit>

#include "base/hash.hpp"
#include "codec/pgwire/message_type.hpp"
#include "codec/pgwire/server_messages.hpp"

namespace fairing::sql {

namespace lex = codec::sql_lexer;
namespace pgwire = codec::pgwire;
using advise::value_format;

namespace {

constexpr std::uint64_t of_request = 1ULL << 63;

std::uint32_t folded(std::uint32_t sum, std::uint32_t hash) noexcept {
  return static_cast<std::uint32_t>(mix64(static_cast<std::uint64_t>(sum) << 32 | hash));
}

// The type ids at the end of a Parse message, if there is one for each parameter; else empty.
std::string_view types_in(std::string_view definition, std::size_t count) noexcept {
  const auto size = 2 + 4 * count;
  if (count == 0 || definition.size() < size + 1) return {};
  const auto tail = definition.substr(definition.size() - size);
  const bool there =
      definition[definition.size() - size - 1] == '\0' && pgwire::load_u16(tail.data()) == count;
  return there ? tail.substr(2) : std::string_view();
}

// Columns in binary format, a bit each.
std::uint64_t binary_columns(const pgwire::format_codes& formats) noexcept {
  if (formats.size() == 1) return formats[0] == 1 ? ~0ULL : 0;
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(formats.size(), 64); ++i)
    if (formats[i] == 1) out |= 1ULL << i;
  return out;
}

}  // namespace

advise::session_tracker* insight::watching(const insight_client& c) const noexcept {
  return c.owner == 0 ? nullptr : watched_.of(c.watched, c.owner);
}

// The tracker of the client's session, or of the statement's request.
advise::session_tracker* insight::watch(insight_client& c, text_ids ids, std::int64_t now_us) {
  if (c.key == 0) c.key = ++clients_;
  const auto key = ids.request != 0 ? (of_request | ids.request) : c.key;
  auto* open = watching(c);
  if (open != nullptr && c.owner == key) {
    watched_.touch(c.watched, now_us);
    return open;
  }
  if (open != nullptr) open->results().end(c.rows);
  c.text = 0;
  c.rows = {};
  c.owner = 0;
  const auto slot = watched_.admit(key, now_us, *this);
  if (!slot) return nullptr;
  c.watched = *slot;
  c.owner = key;
  watched_.touch(*slot, now_us);
  return watched_.of(*slot, key);
}

void insight::note_pages(const text_record& r, std::int64_t limit, std::int64_t offset) {
  if (offset < 0 && r.offset < 0) return;
  templates_.on_page(r.template_id, limit >= 0 ? limit : r.limit, offset >= 0 ? offset : r.offset);
}

void insight::on_query(insight_client& c, text_ids ids, std::string_view text,
                       std::int64_t now_us) {
  if (ids.text == 0 || !options_.detect) return;
  auto& r = texts_[ids.text];
  r.binary = 0;
  if (r.has_parameters || !r.watched || r.units == 0) return;
  const auto hash = hash64(text, options_.seed);
  auto* found = last_literals_.hash == hash ? &last_literals_ : &literals_of(hash);
  if (found->hash != hash) {
    analyzer_.run(text, lex::part::shape);
    found = &remember_literals(hash, analyzer_.shape().slots());
  }
  if (!found->usable) return;
  std::array<advise::unit, most_units> units{};
  std::array<bool, most_units> set{};
  std::uint32_t rest = 0;
  for (std::size_t i = 0; i < found->count; ++i) {
    const auto& p = found->places[i];
    const auto key =
        advise::key_of({text.substr(p.begin, p.end - p.begin), 0, value_format::literal});
    if (p.unit >= r.units) {
      rest = folded(rest, key.hash);
      continue;
    }
    auto& u = units[p.unit];
    u.may_be_key = !p.several && (r.may_be_key >> p.unit & 1) != 0;
    u.key = key;
    if (p.several) u.key.hash = folded(set[p.unit] ? units[p.unit].key.hash : 0, key.hash);
    set[p.unit] = true;
  }
  const auto count_at = [&](std::int8_t unit) {
    return unit < 0 ? -1 : units[static_cast<std::size_t>(unit)].key.integer;
  };
  note_pages(r, count_at(r.limit_unit), count_at(r.offset_unit));
  if (auto* tracker = watch(c, ids, now_us))
    tracker->execute({.text = ids.text,
                      .units = std::span(units).first(r.units),
                      .rest = rest,
                      .route = route_of(ids.request),
                      .now_us = now_us},
                     *this);
}

void insight::on_bind(insight_client& c, text_ids ids, std::string_view definition,
                      std::string_view body, std::int64_t now_us) {
  if (ids.text == 0 || !options_.detect) return;
  auto& r = texts_[ids.text];
  if (!r.single) return;
  const auto bind = pgwire::read_bind(body);
  if (!bind) return;
  r.binary = binary_columns(bind->result_formats);
  if (!r.watched || !r.has_parameters) return;
  const auto types = types_in(definition, bind->parameters.size());
  std::array<advise::unit, most_units> units{};
  std::uint32_t rest = r.rest;
  std::size_t i = 0;
  for (const auto& v : bind->parameters) {
    const bool binary = bind->parameter_formats.of(i) == 1;
    advise::value_view value{v.bytes, 0, binary ? value_format::binary : value_format::text,
                             v.null};
    if (!types.empty()) value.type = pgwire::load_u32(types.data() + 4 * i);
    if (value.type == 0 && i < most_units) value.type = r.types[i];
    const auto key = advise::key_of(value);
    if (i < r.units) {
      units[i] = {key, (r.may_be_key >> i & 1) != 0};
    } else {
      rest = folded(rest, key.hash);
    }
    ++i;
  }
  const auto count_at = [&](std::int8_t unit) {
    return unit < 0 ? -1 : units[static_cast<std::size_t>(unit)].key.integer;
  };
  note_pages(r, count_at(r.limit_unit), count_at(r.offset_unit));
  if (auto* tracker = watch(c, ids, now_us))
    tracker->execute({.text = ids.text,
                      .units = std::span(units).first(std::min<std::size_t>(i, r.units)),
                      .rest = rest,
                      .route = route_of(ids.request),
                      .now_us = now_us},
                     *this);
}

void insight::on_row(insight_client& c, text_ids ids, std::string_view message,
                     std::int64_t now_us) {
  if (ids.text == 0 || !options_.detect) return;
  const auto& r = texts_[ids.text];
  if (!r.single || message.size() <= pgwire::header_bytes) return;
  if (c.text != ids.text) {
    if (auto* tracker = watch(c, ids, now_us)) {
      tracker->results().end(c.rows);
      c.rows = tracker->results().begin(ids.text, r.binary, now_us);
    }
    c.text = ids.text;  // without a place, too: it is not asked for again at each row
  }
  if (auto* tracker = watching(c))
    tracker->results().add_row(c.rows, message.substr(pgwire::header_bytes));
}

void insight::on_done(insight_client& c, text_ids ids, const finished& f, std::int64_t now_us) {
  if (ids.text == 0) return;
  if (ids.request != 0) traced_.on_done(c.traced, ids, f.rows, f.failed, template_of(ids));
  const auto& r = texts_[ids.text];
  templates_.add(r.template_id,
                 {.duration_us = f.duration_us,
                  .rows = f.rows,
                  .bytes = f.bytes,
                  .route = route_of(ids.request),
                  .failed = f.failed,
                  .in_transaction = f.in_transaction},
                 now_us);
  auto* tracker = watching(c);
  if (tracker == nullptr) {
    c.text = 0;
    return;
  }
  if (r.watched) tracker->done(ids.text, f.duration_us);
  if (c.text == ids.text) {
    tracker->results().end(c.rows);
    c.text = 0;
    c.rows = {};
  }
}

void insight::on_leave(insight_client& c) {
  const bool left = c.key != 0 && watched_.leave(c.key, *this);
  // Of a request that goes on elsewhere.
  if (auto* open = left ? nullptr : watching(c)) open->results().end(c.rows);
  c = {};
}

void insight::flush(std::int64_t now_us) { watched_.flush(now_us, *this); }

std::span<const advise::column> insight::columns(std::uint32_t text) const {
  if (text >= texts_.size()) return {};
  return texts_[text].columns;
}

void insight::on_false_start(std::uint32_t text, std::uint32_t keys) noexcept {
  auto& f = texts_[text].false_starts;
  ++f.starts;
  f.steps += keys - 2;
}

false_starts_of insight::false_starts() const {
  false_starts_of out;
  for (const auto& r : texts_) {
    if (r.false_starts.starts == 0) continue;
    auto& sum = out[r.template_id];
    sum.starts += r.false_starts.starts;
    sum.steps += r.false_starts.steps;
  }
  return out;
}

void insight::on_run(const advise::run& run) {
  const auto& r = texts_[run.text];
  const auto named = columns(run.source);
  const bool known = run.column < named.size();
  const std::string name =
      known ? named[run.column].name : "column " + std::to_string(run.column + 1);
  loops_.add(run, {.text = r.template_id,
                   .source = texts_[run.source].template_id,
                   .column = name,
                   .slot = r.slots[std::min<std::size_t>(run.unit, most_units - 1)],
                   .type = known ? named[run.column].type : 0});
}

}  // namespace fairing::sql
