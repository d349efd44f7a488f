#include "sql/logic/effects.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace fairing::sql {

namespace lex = codec::sql_lexer;
using lex::statement_flag;
using lex::statement_kind;
using pool::pin_reason;

namespace {

void add_kind(effects& e, const lex::statement& s) {
  switch (s.kind) {
    case statement_kind::set:
    case statement_kind::reset:
      // SET LOCAL ends with its transaction.
      (s.local ? e.sets_local : e.leaves_state) = true;
      break;
    case statement_kind::set_characteristics:
    case statement_kind::reset_all:
    case statement_kind::load:
    case statement_kind::do_block:
    case statement_kind::call:
    case statement_kind::other:
    case statement_kind::unlisten:
    case statement_kind::unlisten_all:
    case statement_kind::close:
    case statement_kind::close_all:
    case statement_kind::discard_temp:
      e.leaves_state = true;
      break;
    case statement_kind::discard_all:
      e.leaves_state = e.names_statements = e.drops_statements = true;
      break;
    case statement_kind::deallocate_all:
      e.names_statements = e.drops_statements = true;
      break;
    case statement_kind::prepare:
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
    default:
      break;
  }
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
}

void add_reset(effects& e, std::string_view text, const lex::analyzer& a) {
  if (a.statements().size() != 1 || !a.statements_complete()) return;
  const auto& s = a.statements()[0];
  e.resets_all = s.kind == statement_kind::reset_all;
  e.discards_all = s.kind == statement_kind::discard_all;
  e.resets_name = s.kind == statement_kind::reset && lex::name_of(text, s) == "application_name";
}

void add_set_names(effects& e, std::string_view text, custom_settings& custom) {
  auto found = set_names_of(text);
  e.sets_by_parameter = found.by_parameter;
  e.sets_unknown = found.unknown;
  for (auto& name : found.names)
    if (!custom.add(std::move(name))) e.sets_unknown = true;
  if (e.sets_unknown) e.pin = pin_reason::session_setting;
}

}  // namespace

effects effects_of(const lex::analyzer& a) {
  effects e;
  for (const auto& s : a.statements()) {
    add_kind(e, s);
    add_flags(e, s);
  }
  // What was not looked at may do anything.
  if (!a.statements_complete())
    e.leaves_state = e.ddl = e.reads_sequences = e.names_statements = e.drops_statements = true;
  return e;
}

effects_cache::effects_cache(std::uint64_t seed)
    : seed_(seed), table_(entries), analyzer_(lex::analyzer_options{.seed = seed}) {}

const effects& effects_cache::of(std::string_view text) {
  const bool keep = text.size() <= longest;
  entry* at = nullptr;
  if (keep) {
    const auto hash = hash64(text, seed_);
    at = &table_[hash % entries];
    if (at->hash == hash && at->text == text) return at->value;
    at->hash = hash;
  }
  analyzer_.run(text);
  last_ = effects_of(analyzer_);
  add_reset(last_, text, analyzer_);
  if (last_.leaves_state) add_set_names(last_, text, custom);
  if (name_) last_.ids = name_(context_, text, analyzer_);
  if (!keep) return last_;
  at->text.assign(text);
  at->value = last_;
  return at->value;
}

}  // namespace fairing::sql
