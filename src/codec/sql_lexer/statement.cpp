#include "codec/sql_lexer/statement.hpp"

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"
#include "codec/sql_lexer/head.hpp"
#include "codec/sql_lexer/name.hpp"

namespace fairing::codec::sql_lexer {

namespace {

[[nodiscard]] constexpr bool is_verb(word w) noexcept {
  return w == word::kw_select || w == word::kw_insert || w == word::kw_update ||
         w == word::kw_delete || w == word::kw_merge || w == word::kw_values || w == word::kw_table;
}

[[nodiscard]] constexpr bool is_quoted(token_kind k) noexcept {
  return k == token_kind::quoted_identifier || k == token_kind::unicode_identifier;
}

[[nodiscard]] constexpr bool is_name(token_kind k) noexcept {
  return k == token_kind::identifier || is_quoted(k);
}

[[nodiscard]] bool starts_with(std::string_view name, std::string_view prefix) noexcept {
  return name.size() >= prefix.size() && iequals(name.substr(0, prefix.size()), prefix);
}

// A literal that PostgreSQL reads as true; doubt is false.
[[nodiscard]] bool is_true(std::string_view bytes, const token& t, word w) noexcept {
  if (w == word::kw_true) return true;
  if (t.kind != token_kind::string) return false;
  return iequals(bytes, "'t'") || iequals(bytes, "'true'") || iequals(bytes, "'on'") ||
         iequals(bytes, "'yes'") || bytes == "'1'";
}

}  // namespace

std::string name_of(std::string_view text, const statement& st) {
  if (!st.special_name.empty()) return std::string(st.special_name);
  const bool setting = st.kind == statement_kind::set || st.kind == statement_kind::reset ||
                       st.kind == statement_kind::show;
  return setting ? canonical_setting(st.name.of(text)) : canonical_name(st.name.of(text));
}

statement_scanner::statement_scanner(statement_limits limits) : limits_(limits) {
  list_.reserve(4);
}

void statement_scanner::begin(std::string_view text) noexcept {
  text_ = text;
  list_.clear();
  complete_ = true;
  reset();
}

void statement_scanner::reset() noexcept {
  now_ = {};
  head_size_ = count_ = depth_ = body_depth_ = 0;
  main_verb_ = copy_direction_ = dml_waits_ = word::none;
  inner_open_ = query_begun_ = executes_next_ = false;
  copy_ = statement_kind::other;
  set_config_ = {};
  previous_ = {};
  previous_word_ = word::none;
}

void statement_scanner::finish() {
  if (depth_ != 0 || body_depth_ != 0) complete_ = false;  // the server will refuse the text
  end_statement();
}

void statement_scanner::end_statement() {
  if (count_ != 0) {
    if (list_.size() < limits_.statements) {
      classify();
      list_.push_back(now_);
    } else {
      complete_ = false;
    }
  }
  reset();
}

void statement_scanner::classify() noexcept {
  now_.all.end = previous_.end;
  read_head(text_, {head_.data(), head_size_}, previous_, now_);
  if (inner_open_ && now_.inner.end == 0) now_.inner.end = previous_.end;
  if (copy_ != statement_kind::other) now_.kind = copy_;
  switch (main_verb_) {
    case word::kw_insert:
      now_.kind = statement_kind::insert;
      break;
    case word::kw_update:
      now_.kind = statement_kind::update;
      break;
    case word::kw_delete:
      now_.kind = statement_kind::delete_rows;
      break;
    case word::kw_merge:
      now_.kind = statement_kind::merge;
      break;
    default:
      break;
  }
}

void statement_scanner::on(const token& t, word w) {
  if (t.kind == token_kind::error) {
    complete_ = false;
    return;
  }
  if (t.is(';') && depth_ == 0 && body_depth_ == 0) return end_statement();
  if (count_ == 0) now_.all.begin = t.begin;
  if (head_size_ < head_.size()) head_[head_size_++] = {t, w};
  watch(t, w);
  if (t.is('(') || t.is('[')) {
    ++depth_;
  } else if ((t.is(')') || t.is(']')) && depth_ != 0) {
    --depth_;
  }
  ++count_;
  previous_ = t;
  previous_word_ = w;
}

void statement_scanner::watch(const token& t, word w) {
  if (dml_waits_ != word::none) watch_modifying(t, w);
  if (t.is('(') && is_name(previous_.kind)) {
    watch_call();
  } else if (t.is('.') && is_name(previous_.kind)) {
    watch_schema();
  }
  if (set_config_.depth != 0) watch_set_config(t, w);
  watch_executes(t, w);
  if (copy_direction_ != word::none) watch_copy(w);
  if (depth_ == 1 && t.is(')') && head_[0].w == word::kw_copy && inner_open_ && now_.inner.end == 0)
    now_.inner.end = t.begin;
  if (w == word::none || is_function(w)) return;
  watch_keyword(w);
  watch_inner(t, w);
  if (body_depth_ != 0 || w == word::kw_atomic) watch_body(w);
}

// The previous token is a name and an argument list begins.
void statement_scanner::watch_call() {
  if (is_quoted(previous_.kind)) {
    const auto name = canonical_name(previous_.of(text_));
    // A quoted name is exact: only one that folds to itself is the function.
    if (to_lower(name) == name) note_call(name, word_of(name));
  } else if (previous_word_ == word::none || is_function(previous_word_)) {
    note_call(previous_.of(text_), previous_word_);
  }
}

void statement_scanner::note_call(std::string_view name, word function) noexcept {
  using enum statement_flag;
  switch (function) {
    case word::fn_pg_advisory_lock:
    case word::fn_pg_advisory_lock_shared:
    case word::fn_pg_try_advisory_lock:
    case word::fn_pg_try_advisory_lock_shared:
      return now_.flags.add(session_lock);
    case word::fn_pg_advisory_unlock:
    case word::fn_pg_advisory_unlock_shared:
      return now_.flags.add(session_unlock);
    case word::fn_pg_advisory_unlock_all:
      return now_.flags.add(session_unlock_all);
    case word::fn_set_config:
      if (set_config_.depth != 0) now_.flags.add(session_set_config);
      set_config_ = {.depth = depth_ + 1};
      return;
    case word::fn_nextval:
      return now_.flags.add(nextval);
    case word::fn_currval:
    case word::fn_lastval:
      return now_.flags.add(session_sequence);
    case word::fn_setval:
      return now_.flags.add(setval);
    case word::fn_pg_notify:
      return now_.flags.add(pg_notify);
    case word::fn_loread:
    case word::fn_lowrite:
      return now_.flags.add(large_object);
    case word::fn_pg_backend_pid:
    case word::fn_pg_my_temp_schema:
    case word::fn_pg_listening_channels:
      return now_.flags.add(session_identity);
    case word::fn_pg_current_xact_id:
    case word::fn_pg_current_xact_id_if_assigned:
    case word::fn_pg_current_snapshot:
      return now_.flags.add(transaction_id);
    case word::fn_pg_export_snapshot:
      return now_.flags.add(snapshot_export);
    default:
      now_.calls = true;
      if (starts_with(name, "lo_")) now_.flags.add(large_object);
      if (starts_with(name, "dblink")) now_.flags.add(dblink);
      if (starts_with(name, "dblink_connect")) now_.flags.add(dblink_connect);
      if (starts_with(name, "txid_")) now_.flags.add(transaction_id);
  }
}

// The previous token is a name and a dot follows.
void statement_scanner::watch_schema() {
  const auto bytes = previous_.of(text_);
  if (previous_.kind == token_kind::identifier) {
    if (starts_with(bytes, "pg_temp")) now_.flags.add(statement_flag::temp_reference);
  } else if (canonical_name(bytes).starts_with("pg_temp")) {
    now_.flags.add(statement_flag::temp_reference);
  }
}

void statement_scanner::watch_set_config(const token& t, word w) noexcept {
  auto& call = set_config_;
  if (t.is('(') && depth_ + 1 == call.depth) return;  // its own parenthesis
  if (depth_ == call.depth && t.is(',')) {
    ++call.argument;
    return;
  }
  if (depth_ == call.depth && t.is(')')) {
    const bool local = call.argument == 2 && call.tokens == 1 && call.is_true;
    now_.flags.add(local ? statement_flag::local_set_config : statement_flag::session_set_config);
    call = {};
    return;
  }
  if (call.argument != 2) return;
  ++call.tokens;
  call.is_true = is_true(t.of(text_), t, w);
}

void statement_scanner::watch_keyword(word w) noexcept {
  switch (w) {
    case word::kw_update:
    case word::kw_share:
      if (previous_word_ == word::kw_for || previous_word_ == word::kw_key)
        now_.flags.add(statement_flag::row_lock);
      break;
    case word::kw_returning:
      now_.flags.add(statement_flag::returning);
      break;
    case word::kw_with:
      if (count_ == 0 || previous_.is('(')) now_.flags.add(statement_flag::with);
      break;
    case word::kw_into:
      if (previous_word_ != word::kw_insert && previous_word_ != word::kw_merge &&
          previous_word_ != word::kw_as)
        now_.flags.add(statement_flag::into);
      break;
    case word::kw_temp:
    case word::kw_temporary:
      // INTO [LOCAL|GLOBAL] TEMP
      if (now_.flags.has(statement_flag::into) &&
          (previous_word_ == word::kw_into || previous_word_ == word::kw_local ||
           previous_word_ == word::kw_global))
        now_.flags.add(statement_flag::into_temp);
      break;
    case word::kw_analyze:
    case word::kw_analyse:
      if (head_[0].w == word::kw_explain && !inner_open_)
        now_.flags.add(statement_flag::explain_analyze);
      break;
    default:
      break;
  }
  const bool dml =
      w == word::kw_insert || w == word::kw_update || w == word::kw_delete || w == word::kw_merge;
  if (dml && depth_ != 0 && (previous_.is('(') || previous_.is(')'))) dml_waits_ = w;
}

// INSERT, UPDATE, DELETE or MERGE came inside parentheses: a statement, or a column of that name?
void statement_scanner::watch_modifying(const token& t, word w) noexcept {
  bool statement_begins = false;
  switch (dml_waits_) {
    case word::kw_update:
      statement_begins = is_name(t.kind);
      break;
    case word::kw_delete:
      statement_begins = w == word::kw_from;
      break;
    default:
      statement_begins = w == word::kw_into;
  }
  if (statement_begins) now_.flags.add(statement_flag::modifying_cte);
  dml_waits_ = word::none;
}

// Where the statement inside PREPARE .. AS, DECLARE .. FOR, EXPLAIN, COPY ( begins; the verb behind
// WITH.
void statement_scanner::watch_inner(const token& t, word w) noexcept {
  const word first = head_[0].w;
  if (depth_ == 0 && first == word::kw_copy && copy_ == statement_kind::other &&
      (w == word::kw_from || w == word::kw_to))
    copy_direction_ = w;
  if (!inner_open_ && count_ != 0) {
    bool begins = false;
    if (first == word::kw_prepare && depth_ == 0) {
      begins = previous_word_ == word::kw_as;
    } else if (first == word::kw_declare && depth_ == 0) {
      begins = previous_word_ == word::kw_for;
    } else if (first == word::kw_explain && depth_ == 0) {
      begins = is_verb(w) || w == word::kw_with || w == word::kw_execute || w == word::kw_declare ||
               w == word::kw_create || w == word::kw_refresh;
    } else if (first == word::kw_copy && depth_ == 1 && count_ == 2) {
      begins = is_verb(w) || w == word::kw_with;
    }
    if (begins) {
      inner_open_ = true;
      now_.inner.begin = t.begin;
      if (w == word::kw_with) now_.flags.add(statement_flag::with);
      executes_next_ = first == word::kw_explain && w == word::kw_execute;
      query_begun_ = w != word::kw_create;
    }
  }
  if (first == word::kw_with && depth_ == 0 && main_verb_ == word::none && is_verb(w) &&
      !previous_.is(',') && previous_word_ != word::kw_with && previous_word_ != word::kw_recursive)
    main_verb_ = w;
}

// The name behind EXPLAIN .. EXECUTE or CREATE TABLE .. AS EXECUTE. There it is the first AS that begins the query:
// EXECUTE may also be a column's name.
void statement_scanner::watch_executes(const token& t, word w) noexcept {
  if (std::exchange(executes_next_, false) && is_name(t.kind)) {
    now_.name = {t.begin, t.end};
    now_.flags.add(statement_flag::executes);
  }
  const bool creates = head_[0].w == word::kw_create || head_[0].w == word::kw_explain;
  if (creates && depth_ == 0 && previous_word_ == word::kw_as && !std::exchange(query_begun_, true))
    executes_next_ = w == word::kw_execute;
}

// The token behind COPY .. FROM or TO. PostgreSQL takes STDIN for STDOUT and the other way round.
void statement_scanner::watch_copy(word w) noexcept {
  using enum statement_kind;
  const bool to_client = w == word::kw_stdin || w == word::kw_stdout;
  copy_ = !to_client ? copy_server : copy_direction_ == word::kw_from ? copy_in : copy_out;
  copy_direction_ = word::none;
}

// BEGIN ATOMIC .. END of an SQL function: its semicolons end no statement of the text.
void statement_scanner::watch_body(word w) noexcept {
  if (w == word::kw_atomic && previous_word_ == word::kw_begin && body_depth_ == 0 &&
      head_[0].w == word::kw_create && depth_ == 0) {
    body_depth_ = 1;
  } else if (body_depth_ != 0 && depth_ == 0) {
    if (w == word::kw_case) ++body_depth_;
    if (w == word::kw_end) --body_depth_;
  }
}

}  // namespace fairing::codec::sql_lexer
