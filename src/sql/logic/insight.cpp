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
  if (c.owner == 0) return nullptr;
  const auto& slot = watched_[c.watched];
  return slot.key == c.owner ? slot.tracker.get() : nullptr;
}

// The tracker of the client's session, or of the statement's request.
advise::session_tracker* insight::watch(insight_client& c, text_ids ids) {
  if (c.key == 0) c.key = ++clients_;
  const auto key = ids.request != 0 ? (of_request | ids.request) : c.key;
  if (c.owner == key && watched_[c.watched].key == key) {
    watched_[c.watched].used = ++ticks_;
    return watched_[c.watched].tracker.get();
  }
  if (auto* open = watching(c)) open->results().end(c.rows);
  c.text = 0;
  c.rows = {};
  auto at = watched_ids_.find(key);
  if (at == watched_ids_.end()) {
    std::uint32_t slot = 0;
    if (watched_.size() < options_.watched) {
      slot = static_cast<std::uint32_t>(watched_.size());
      const advise::n_plus_one_limits limits{.least = options_.least};
      const advise::text_facts& facts = *this;
      watched_.push_back({0, 0, std::make_unique<advise::session_tracker>(facts, limits)});
    } else {
      const auto oldest = std::ranges::min_element(watched_, {}, &watched_session::used);
      slot = static_cast<std::uint32_t>(oldest - watched_.begin());
      oldest->tracker->finish(*this);
      watched_ids_.erase(oldest->key);
    }
    watched_[slot].key = key;
    at = watched_ids_.emplace(key, slot).first;
  }
  c.watched = at->second;
  c.owner = key;
  watched_[c.watched].used = ++ticks_;
  return watched_[c.watched].tracker.get();
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
  watch(c, ids)->execute({.text = ids.text,
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
  watch(c, ids)->execute({.text = ids.text,
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
    auto* tracker = watch(c, ids);
    tracker->results().end(c.rows);
    c.rows = tracker->results().begin(ids.text, r.binary, now_us);
    c.text = ids.text;
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
  if (tracker == nullptr) return;
  if (r.watched) tracker->done(ids.text, f.duration_us);
  if (c.text == ids.text) {
    tracker->results().end(c.rows);
    c.text = 0;
    c.rows = {};
  }
}

void insight::on_leave(insight_client& c) {
  const auto at = watched_ids_.find(c.key);
  if (c.key != 0 && at != watched_ids_.end()) {
    auto& slot = watched_[at->second];
    slot.tracker->finish(*this);
    slot.used = 0;  // the first to be taken
  } else if (auto* open = watching(c)) {
    open->results().end(c.rows);
  }
  c = {};
}

void insight::flush(std::int64_t now_us) {
  for (auto& w : watched_) w.tracker->flush(now_us, *this);
}

std::span<const advise::column> insight::columns(std::uint32_t text) const {
  if (text >= texts_.size()) return {};
  return texts_[text].columns;
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
