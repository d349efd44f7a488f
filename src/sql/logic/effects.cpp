#include "sql/logic/effects.hpp"

#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "base/hash.hpp"
#include "codec/sql_lexer/name.hpp"

namespace fairing::sql {

namespace lex = codec::sql_lexer;
using lex::statement_flag;
using lex::statement_kind;
using pool::pin_reason;

namespace {

constexpr std::array<std::string_view, 12> meaning_settings{"array_nulls",
                                                            "backslash_quote",
                                                            "client_encoding",
                                                            "datestyle",
                                                            "intervalstyle",
                                                            "lc_monetary",
                                                            "search_path",
                                                            "standard_conforming_strings",
                                                            "timezone",
                                                            "timezone_abbreviations",
                                                            "transform_null_equals",
                                                            "xmloption"};

void add_kind(effects& e, std::string_view text, const lex::statement& s);
void add_sequences(effects& e, const lex::statement& s);

// PREPARE .. AS, EXPLAIN ANALYZE: what the statement inside does, in time.
void add_inner(effects& e, std::string_view text, const lex::statement& s) {
  if (s.inner.empty()) return;
  const auto inner = s.inner.of(text);
  lex::analyzer a;
  a.run(inner, lex::part::statements);
  for (const auto& each : a.statements()) {
    if (!each.inner.empty())
      continue;  // PostgreSQL has no such thing, and it may be nested as deep as its text is long
    add_kind(e, inner, each);
    add_sequences(e, each);
  }
}

void add_kind(effects& e, std::string_view text, const lex::statement& s) {
  switch (s.kind) {
    case statement_kind::set:
    case statement_kind::reset:
      e.resets |= s.kind == statement_kind::reset;
      // SET LOCAL ends with its transaction.
      (s.local ? e.sets_local : e.leaves_state) = true;
      break;
    case statement_kind::load:
    case statement_kind::do_block:
    case statement_kind::call:
    case statement_kind::other:
      e.leaves_state = e.unlisted = true;
      break;
    case statement_kind::reset_all:
      e.leaves_state = e.resets = true;
      break;
    case statement_kind::set_characteristics:
    case statement_kind::unlisten:
    case statement_kind::unlisten_all:
    case statement_kind::close:
    case statement_kind::close_all:
    case statement_kind::discard_temp:
      e.leaves_state = true;
      break;
    case statement_kind::discard_all:
      e.leaves_state = e.names_statements = e.drops_statements = e.resets = true;
      break;
    case statement_kind::deallocate_all:
      e.names_statements = e.drops_statements = true;
      break;
    case statement_kind::prepare:
      add_inner(e, text, s);
      [[fallthrough]];
    case statement_kind::execute:
    case statement_kind::deallocate:
      e.names_statements = true;
      break;
    case statement_kind::listen:
      e.leaves_state = true;
      e.pin = pin_reason::listen;
      break;
    case statement_kind::create_temp:
      e.leaves_state = true;
      e.pin = pin_reason::temp_table;
      break;
    case statement_kind::ddl:
      e.ddl = e.leaves_state = true;  // DROP TABLE may drop the last temporary one
      break;
    case statement_kind::explain:
      if (s.flags.has(statement_flag::explain_analyze)) add_inner(e, text, s);
      break;
    default:
      break;
  }
}

// A connection of dblink: PostgreSQL does not list it, and DISCARD ALL does not close it.
void add_link(effects& e) {
  e.leaves_state = e.opens_link = true;
  e.pin = pin_reason::unknown_state;
}

void add_flags(effects& e, const lex::statement& s) {
  const auto& f = s.flags;
  if (f.has(statement_flag::local_set_config)) e.sets_local = true;
  if (f.has(statement_flag::session_lock)) e.leaves_state = true, e.pin = pin_reason::advisory_lock;
  if (f.has(statement_flag::session_unlock) || f.has(statement_flag::session_unlock_all) ||
      f.has(statement_flag::session_set_config))
    e.leaves_state = true;
  if (f.has(statement_flag::into_temp) || f.has(statement_flag::temp_reference))
    e.leaves_state = true, e.pin = pin_reason::temp_table;
  if (f.has(statement_flag::with_hold)) e.leaves_state = true, e.pin = pin_reason::with_hold_cursor;
  if (f.has(statement_flag::session_sequence)) e.reads_sequences = true;
  if (f.has(statement_flag::dblink)) e.leaves_state = true;
  if (f.has(statement_flag::dblink_connect)) add_link(e);
  if (f.has(statement_flag::executes)) e.names_statements = true;
}

// Whose values currval and lastval tell afterwards.
void add_sequences(effects& e, const lex::statement& s) {
  const auto& f = s.flags;
  const bool makes = s.kind == statement_kind::insert || s.kind == statement_kind::merge ||
                     s.kind == statement_kind::copy_in || f.has(statement_flag::modifying_cte) ||
                     f.has(statement_flag::nextval) || f.has(statement_flag::setval);
  e.touches_sequences |= makes || s.calls;
  e.makes_sequences |= makes && !f.has(statement_flag::returning);  // what it made it is told
  switch (s.kind) {
    case statement_kind::update:  // a trigger may
    case statement_kind::delete_rows:
    case statement_kind::copy_server:
    case statement_kind::fetch:
    case statement_kind::move:
    case statement_kind::load:
    case statement_kind::do_block:
    case statement_kind::call:
    case statement_kind::other:
      e.touches_sequences = true;
      break;
    default:
      break;
  }
}

bool mentions_link(std::string_view code) {
  return to_lower(code).find("dblink_connect") != std::string::npos;
}

// UPDATE pg_settings is SET.
bool writes_settings(std::string_view text, const lex::analyzer& a) {
  return std::ranges::any_of(a.relations().relations(), [&](const lex::relation& r) {
    return r.written && lex::canonical_name(r.name.of(text)).ends_with("pg_settings");
  });
}

void add_reset(effects& e, std::string_view text, const lex::analyzer& a) {
  if (a.statements().size() != 1 || !a.statements_complete()) return;
  const auto& s = a.statements()[0];
  e.resets_all = s.kind == statement_kind::reset_all;
  e.resets_name = s.kind == statement_kind::reset && lex::name_of(text, s) == "application_name";
}

void add_set_names(effects& e, std::string_view text, lex::lexer_options read) {
  auto found = set_names_of(text, read);
  if (e.ddl) found.unknown = false;  // it stands in a function's body
  e.sets_by_parameter = !found.parameters.empty();
  e.sets_unknown = found.unknown;
  const bool any = e.sets_by_parameter || !found.names.empty();
  e.unlisted |= any || found.unknown;
  if (found.unknown) e.pin = pin_reason::session_setting;
  if (any) e.sets = std::make_shared<const set_names>(std::move(found));
}

void add_unknown(effects& e) noexcept {
  e.leaves_state = e.ddl = e.reads_sequences = e.touches_sequences = e.names_statements =
      e.drops_statements = e.unlisted = true;
}

// What can be said of `whole` and `reads` once all else is known.
void add_whole(effects& e, const lex::analyzer& a) {
  constexpr auto flag = [](statement_flag f) { return static_cast<std::uint32_t>(f); };
  constexpr auto harmless = flag(statement_flag::row_lock) | flag(statement_flag::with) |
                            flag(statement_flag::modifying_cte) | flag(statement_flag::returning);
  if (a.statements().size() != 1 || !a.statements_complete()) return;
  const auto& s = a.statements()[0];
  const bool quiet = !e.leaves_state && !e.ddl && !e.reads_sequences && !e.names_statements &&
                     !e.sets_local && !e.unlisted && !e.pin && !e.sets;
  e.whole = quiet && (s.flags.bits & ~harmless) == 0 &&
            (s.kind == statement_kind::select || s.kind == statement_kind::insert ||
             s.kind == statement_kind::update || s.kind == statement_kind::delete_rows);
  e.reads = e.whole && s.kind == statement_kind::select && !s.calls &&
            (s.flags.bits & ~flag(statement_flag::with)) == 0;
}

// SET LOCAL of what tells no meaning is nothing to others. Also of a name that is not in the text.
bool names_meaning(std::string_view text) {
  const auto lower = to_lower(text);
  return lower.find('$') != lower.npos || lower.find("time zone") != lower.npos ||
         lower.find("names") != lower.npos || std::ranges::any_of(meaning_settings, [&](auto each) {
           return lower.find(each) != lower.npos;
         });
}

}  // namespace

bool tells_meaning(std::string_view setting) noexcept {
  return std::ranges::any_of(meaning_settings, [&](auto each) { return iequals(each, setting); });
}

effects effects_unknown() noexcept {
  effects e;
  add_unknown(e);
  return e;
}

effects effects_with_escapes(std::string_view text) {
  constexpr lex::lexer_options read{.standard_conforming_strings = false};
  lex::analyzer a;
  a.run(text, lex::part::all, read);
  auto e = effects_of(text, a, read);
  add_reset(e, text, a);
  e.leaves_state = e.unlisted = true;
  return e;
}

effects effects_of(std::string_view text, const lex::analyzer& a, lex::lexer_options read) {
  effects e;
  for (const auto& s : a.statements()) {
    add_kind(e, text, s);
    add_flags(e, s);
    add_sequences(e, s);
    if (s.kind == statement_kind::do_block && mentions_link(s.all.of(text))) add_link(e);
  }
  if (writes_settings(text, a)) e.leaves_state = true;
  // What was not looked at may do anything.
  if (!a.statements_complete()) add_unknown(e);
  if (e.leaves_state) add_set_names(e, text, read);
  if (e.sets_local) e.sets_local = names_meaning(text);
  return e;
}

effects_cache::effects_cache(std::uint64_t seed)
    : seed_(seed),
      texts_(text_entries),
      outlines_(outline_entries),
      analyzer_(lex::analyzer_options{.seed = seed}) {}

const effects& effects_cache::table::keep(std::uint64_t hash, std::string_view text,
                                          const effects& e) {
  const auto at = hash % hashes_.size();
  hashes_[at] = hash;
  entries_[at].text.assign(text);
  entries_[at].value = e;
  return entries_[at].value;
}

void effects_cache::table::clear() {
  for (auto& each : hashes_) each = 0;
  for (auto& each : entries_) each = {};
}

void effects_cache::forget() {
  ++generation_;
  texts_.clear();
  outlines_.clear();
}

// As CALL, with the names of settings that are in the functions.
void effects_cache::add_functions(effects& e, std::string_view text) const {
  e.changes_functions = e.ddl && changes_functions(text);
  auto settings = functions_->called_by(text, analyzer_);
  if (!settings) return;
  e.leaves_state = e.unlisted = true;
  if (settings->empty()) return;
  set_names all = e.sets ? *e.sets : set_names{};
  all.names.insert(all.names.end(), settings->begin(), settings->end());
  e.sets = std::make_shared<const set_names>(std::move(all));
}

bool effects_cache::outline_tells_all() const noexcept {
  const auto values = outline_.literals();
  const auto slots = analyzer_.shape().slots();
  if (!analyzer_.shape().complete() || analyzer_.shape().slot_count() != values.size() ||
      slots.size() != values.size() || !analyzer_.statements_complete())
    return false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto& v = values[i];
    const auto& s = slots[i];
    if (s.kind != (v.string ? lex::slot_kind::string : lex::slot_kind::number) || s.end != v.end ||
        (v.string ? s.begin != v.begin : s.begin > v.begin))
      return false;
  }
  return std::ranges::all_of(analyzer_.statements(), [](const lex::statement& s) {
    constexpr auto harmless = static_cast<std::uint32_t>(statement_flag::row_lock) |
                              static_cast<std::uint32_t>(statement_flag::with) |
                              static_cast<std::uint32_t>(statement_flag::modifying_cte) |
                              static_cast<std::uint32_t>(statement_flag::returning) |
                              static_cast<std::uint32_t>(statement_flag::nextval);
    return (s.kind == statement_kind::select || s.kind == statement_kind::insert ||
            s.kind == statement_kind::update || s.kind == statement_kind::delete_rows) &&
           (s.flags.bits & ~harmless) == 0;
  });
}

const effects& effects_cache::of(std::string_view text) {
  const bool keep = text.size() <= longest;
  const auto hash = keep ? hash64(text, seed_) : 0;
  if (const auto* known = keep ? texts_.find(hash, text) : nullptr) return *known;
  text_view view{.text = text, .database = database_};
  const bool outlined = outline_.read(text) && !outline_.literals().empty();
  if (outlined) {
    view.literals = outline_.literals();
    view.outline = hash64(outline_.bytes(), seed_);
    if (const auto* known = outlines_.find(view.outline, outline_.bytes())) {
      if (names_) names_->on_known(view, known->ids);
      return *known;
    }
  }
  analyzer_.run(text);
  last_ = effects_of(text, analyzer_);
  add_reset(last_, text, analyzer_);
  last_.generation = generation_;
  if (functions_) add_functions(last_, text);
  add_whole(last_, analyzer_);
  // What is left in the session has its names in literals.
  const bool tells_all = outlined && !last_.leaves_state && outline_tells_all();
  if (!tells_all) view.outline = 0;
  if (names_) last_.ids = names_->on_text(view, analyzer_);
  if (tells_all) return outlines_.keep(view.outline, outline_.bytes(), last_);
  return keep ? texts_.keep(hash, text, last_) : last_;
}

}  // namespace fairing::sql
