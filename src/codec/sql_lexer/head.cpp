#include "codec/sql_lexer/head.hpp"

#include <algorithm>

#include "base/ascii.hpp"

namespace fairing::codec::sql_lexer {

namespace {

using kind = statement_kind;

// The head as a row of words; beyond its end there are none.
struct reader {
  std::string_view text;
  std::span<const head_token> head;
  const token& last;

  [[nodiscard]] word at(std::size_t i) const noexcept {
    return i < head.size() ? head[i].w : word::none;
  }
  [[nodiscard]] bool is(std::size_t i, char symbol) const noexcept {
    return i < head.size() && head[i].t.is(symbol);
  }
  [[nodiscard]] bool has(std::size_t i) const noexcept { return i < head.size(); }
  [[nodiscard]] text_range one(std::size_t i) const noexcept {
    return has(i) ? text_range{head[i].t.begin, head[i].t.end} : text_range{};
  }
  // From token i to the end of the statement.
  [[nodiscard]] text_range rest(std::size_t i) const noexcept {
    return has(i) ? text_range{head[i].t.begin, last.end} : text_range{};
  }
  // Where a name with dots that begins at i ends.
  [[nodiscard]] std::size_t behind_name(std::size_t i) const noexcept {
    if (has(i)) ++i;
    while (is(i, '.') && has(i + 1)) i += 2;
    return i;
  }
  [[nodiscard]] text_range name(std::size_t i) const noexcept {
    const std::size_t end = behind_name(i);
    return end == i ? text_range{} : text_range{head[i].t.begin, head[end - 1].t.end};
  }
};

void read_modes(const reader& r, std::size_t i, transaction_modes& out) noexcept {
  for (; r.has(i); ++i) {
    switch (r.at(i)) {
      case word::kw_serializable:
        out.isolation = isolation_level::serializable;
        break;
      case word::kw_repeatable:
        out.isolation = isolation_level::repeatable_read;
        break;
      case word::kw_committed:
        out.isolation = isolation_level::read_committed;
        break;
      case word::kw_uncommitted:
        out.isolation = isolation_level::read_uncommitted;
        break;
      case word::kw_only:  // the last word counts, as in PostgreSQL
      case word::kw_write:
        out.read_only = r.at(i) == word::kw_only;
        out.read_write = !out.read_only;
        break;
      case word::kw_deferrable:
        out.not_deferrable = r.at(i - 1) == word::kw_not;
        out.deferrable = !out.not_deferrable;
        break;
      default:
        break;
    }
  }
}

// Names of settings that SET, RESET and SHOW spell in words. `behind`: the token after them.
[[nodiscard]] std::string_view spelled(const reader& r, std::size_t i,
                                       std::size_t& behind) noexcept {
  behind = i + 2;
  if (r.at(i) == word::kw_time && r.at(i + 1) == word::kw_zone) return "timezone";
  if (r.at(i) == word::kw_session && r.at(i + 1) == word::kw_authorization)
    return "session_authorization";
  if (r.at(i) == word::kw_xml && r.at(i + 1) == word::kw_option) return "xmloption";
  if (r.at(i) == word::kw_transaction && r.at(i + 1) == word::kw_isolation) {
    behind = i + 3;
    return "transaction_isolation";
  }
  behind = i + 1;
  return {};
}

[[nodiscard]] bool assigns(const reader& r, std::size_t i) noexcept {
  return r.is(i, '=') || r.at(i) == word::kw_to;
}

// SET's forms without TO: TIME ZONE, NAMES, ROLE, SCHEMA, SESSION AUTHORIZATION, XML OPTION.
[[nodiscard]] bool read_spelled_set(const reader& r, std::size_t i, statement& st) noexcept {
  std::size_t value = i + 1;
  st.special_name = spelled(r, i, value);
  if (st.special_name.empty()) {
    if (r.at(i) == word::kw_names) st.special_name = "client_encoding";
    if (r.at(i) == word::kw_role) st.special_name = "role";
    if (r.at(i) == word::kw_schema) st.special_name = "search_path";
  }
  if (st.special_name.empty()) return false;
  st.name = {r.head[i].t.begin, r.head[std::min(value, r.head.size()) - 1].t.end};
  st.value = r.rest(value);
  const auto text = st.value.of(r.text);
  st.value_is_default = text.empty() || iequals(text, "default");
  if (st.special_name == "timezone" && iequals(text, "local")) st.value_is_default = true;
  if (st.special_name == "role" && iequals(text, "none")) st.value_is_default = true;
  return true;
}

void read_set(const reader& r, statement& st) noexcept {
  st.kind = kind::set;
  std::size_t i = 1;
  const bool scope = r.at(1) == word::kw_local || r.at(1) == word::kw_session;
  if (scope && !assigns(r, 2) && !r.is(2, '.')) {
    if (r.at(2) == word::kw_characteristics) {
      st.kind = kind::set_characteristics;
      return read_modes(r, 3, st.modes);
    }
    st.local = r.at(1) == word::kw_local;
    if (r.at(1) != word::kw_session || r.at(2) != word::kw_authorization) i = 2;
  }
  const std::size_t behind = r.behind_name(i);
  if (assigns(r, behind)) {
    st.name = r.name(i);
    st.value = r.rest(behind + 1);
    st.value_is_default = iequals(st.value.of(r.text), "default");
    return;
  }
  if (r.at(i) == word::kw_transaction) {
    st.kind = kind::set_transaction;
    if (r.at(i + 1) == word::kw_snapshot) st.flags.add(statement_flag::snapshot_export);
    return read_modes(r, i + 1, st.modes);
  }
  if (r.at(i) == word::kw_constraints) {
    st.kind = kind::set_constraints;
    return;
  }
  if (!read_spelled_set(r, i, st)) st.name = r.name(i);
}

void read_reset_or_show(const reader& r, statement& st) noexcept {
  st.kind = r.at(0) == word::kw_show ? kind::show : kind::reset;
  if (r.at(1) == word::kw_all && st.kind == kind::reset) {
    st.kind = kind::reset_all;
    return;
  }
  std::size_t behind = 0;
  st.special_name = spelled(r, 1, behind);
  st.name = st.special_name.empty() ? r.name(1) : r.rest(1);
}

void read_end(const reader& r, statement& st) noexcept {
  const bool commits = r.at(0) == word::kw_commit || r.at(0) == word::kw_end;
  st.kind = commits ? kind::commit : kind::rollback;
  if (r.at(1) == word::kw_prepared) {
    st.kind = commits ? kind::commit_prepared : kind::rollback_prepared;
    st.value = r.rest(2);
    return;
  }
  std::size_t i = 1;
  if (r.at(i) == word::kw_work || r.at(i) == word::kw_transaction) ++i;
  if (!commits && r.at(i) == word::kw_to) {
    ++i;
    // A savepoint may itself be called savepoint.
    if (r.at(i) == word::kw_savepoint && r.has(i + 1)) ++i;
    st.kind = kind::rollback_to;
    st.name = r.one(i);
    return;
  }
  if (r.at(i) == word::kw_and && r.at(i + 1) == word::kw_chain) st.flags.add(statement_flag::chain);
}

void read_cursor(const reader& r, statement& st) noexcept {
  switch (r.at(0)) {
    case word::kw_declare:
      st.kind = kind::declare_cursor;
      st.name = r.one(1);
      for (std::size_t i = 2; r.has(i) && r.at(i) != word::kw_for; ++i)
        if (r.at(i) == word::kw_hold && r.at(i - 1) == word::kw_with)
          st.flags.add(statement_flag::with_hold);
      return;
    case word::kw_close:
      st.kind = r.at(1) == word::kw_all ? kind::close_all : kind::close;
      if (st.kind == kind::close) st.name = r.one(1);
      return;
    default:  // the cursor's name is the last word
      st.kind = r.at(0) == word::kw_move ? kind::move : kind::fetch;
      if (r.has(1)) st.name = {r.last.begin, r.last.end};
  }
}

void read_prepared(const reader& r, statement& st) noexcept {
  switch (r.at(0)) {
    case word::kw_prepare:
      if (r.at(1) == word::kw_transaction && !r.has(3)) {
        st.kind = kind::prepare_transaction;
        st.value = r.rest(2);
        return;
      }
      st.kind = kind::prepare;
      st.name = r.one(1);
      return;
    case word::kw_execute:
      st.kind = kind::execute;
      st.name = r.one(1);
      return;
    default: {
      const std::size_t i = r.at(1) == word::kw_prepare && r.has(2) ? 2 : 1;
      st.kind = r.at(i) == word::kw_all ? kind::deallocate_all : kind::deallocate;
      if (st.kind == kind::deallocate) st.name = r.one(i);
    }
  }
}

void read_create(const reader& r, statement& st) noexcept {
  std::size_t i = 1;
  if (r.at(i) == word::kw_or && r.at(i + 1) == word::kw_replace) i += 2;
  if (r.at(i) == word::kw_local || r.at(i) == word::kw_global) ++i;
  const bool temp = r.at(i) == word::kw_temp || r.at(i) == word::kw_temporary ||
                    st.flags.has(statement_flag::temp_reference);
  st.kind = temp ? kind::create_temp : kind::ddl;
}

void read_discard(const reader& r, statement& st) noexcept {
  switch (r.at(1)) {
    case word::kw_all:
      st.kind = kind::discard_all;
      return;
    case word::kw_temp:
    case word::kw_temporary:
      st.kind = kind::discard_temp;
      return;
    case word::kw_plans:
      st.kind = kind::discard_plans;
      return;
    case word::kw_sequences:
      st.kind = kind::discard_sequences;
      return;
    default:
      st.kind = kind::other;
  }
}

// Statements whose name is the next word, and those that have none.
void read_plain(const reader& r, statement& st) noexcept {
  switch (r.at(0)) {
    case word::kw_savepoint:
      st.kind = kind::savepoint;
      break;
    case word::kw_release:
      st.kind = kind::release;
      if (r.at(1) == word::kw_savepoint && r.has(2)) {
        st.name = r.one(2);
        return;
      }
      break;
    case word::kw_listen:
      st.kind = kind::listen;
      break;
    case word::kw_unlisten:
      st.kind = r.is(1, '*') ? kind::unlisten_all : kind::unlisten;
      if (st.kind == kind::unlisten_all) return;
      break;
    case word::kw_notify:
      st.kind = kind::notify;
      break;
    default:
      return;
  }
  st.name = r.one(1);
}

[[nodiscard]] kind kind_of_verb(word w) noexcept {
  switch (w) {
    case word::kw_select:
    case word::kw_with:
      return kind::select;
    case word::kw_values:
      return kind::values;
    case word::kw_table:
      return kind::table;
    case word::kw_insert:
      return kind::insert;
    case word::kw_update:
      return kind::update;
    case word::kw_delete:
      return kind::delete_rows;
    case word::kw_merge:
      return kind::merge;
    case word::kw_truncate:
      return kind::truncate;
    case word::kw_call:
      return kind::call;
    case word::kw_do:
      return kind::do_block;
    case word::kw_explain:
      return kind::explain;
    case word::kw_lock:
      return kind::lock;
    case word::kw_load:
      return kind::load;
    case word::kw_copy:
      return kind::copy_server;  // the scanner knows better once FROM or TO came
    case word::kw_vacuum:
    case word::kw_analyze:
    case word::kw_analyse:
    case word::kw_reindex:
    case word::kw_cluster:
    case word::kw_checkpoint:
    case word::kw_refresh:
      return kind::maintenance;
    case word::kw_alter:
    case word::kw_drop:
    case word::kw_grant:
    case word::kw_revoke:
    case word::kw_comment:
    case word::kw_security:
    case word::kw_import:
    case word::kw_reassign:
      return kind::ddl;
    default:
      return kind::other;
  }
}

}  // namespace

void read_head(std::string_view text, std::span<const head_token> head, const token& last,
               statement& st) noexcept {
  std::size_t first = 0;
  while (first + 1 < head.size() && head[first].t.is('(')) ++first;
  const reader r{text, head.subspan(first), last};
  switch (r.at(0)) {
    case word::kw_begin:
    case word::kw_start:
      if (r.at(0) == word::kw_start && r.at(1) != word::kw_transaction) return;
      st.kind = kind::begin;
      return read_modes(r, 1, st.modes);
    case word::kw_commit:
    case word::kw_end:
    case word::kw_rollback:
    case word::kw_abort:
      return read_end(r, st);
    case word::kw_set:
      return read_set(r, st);
    case word::kw_reset:
    case word::kw_show:
      return read_reset_or_show(r, st);
    case word::kw_discard:
      return read_discard(r, st);
    case word::kw_prepare:
    case word::kw_execute:
    case word::kw_deallocate:
      return read_prepared(r, st);
    case word::kw_declare:
    case word::kw_fetch:
    case word::kw_move:
    case word::kw_close:
      return read_cursor(r, st);
    case word::kw_create:
      return read_create(r, st);
    case word::kw_savepoint:
    case word::kw_release:
    case word::kw_listen:
    case word::kw_unlisten:
    case word::kw_notify:
      return read_plain(r, st);
    default:
      st.kind = kind_of_verb(r.at(0));
      if (first != 0 && st.kind != kind::select && st.kind != kind::values &&
          st.kind != kind::table)
        st.kind = kind::other;
  }
}

}  // namespace fairing::codec::sql_lexer
