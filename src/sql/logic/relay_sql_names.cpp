// Statements' names in SQL: PREPARE, EXECUTE, DEALLOCATE and DISCARD ALL, whose texts name the client's statements.
#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "codec/pgwire/client_writer.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "sql/logic/relay.hpp"

namespace fairing::sql {

namespace lex = codec::sql_lexer;
using lex::statement_kind;
using pgwire::transaction_status;

namespace {
// A statement that is made to be freed: DEALLOCATE of what this server may not have.
constexpr std::string_view freed_name = "fairing_freed";
// Of one Query, whose names are replaced: far more than effects_cache looks at.
constexpr lex::statement_limits most_renamed{.statements = 16'384};

// `text` with the bytes of `range` replaced.
std::string replaced(std::string_view text, lex::text_range range, std::string_view by) {
  if (by.empty()) return std::string(text);
  std::string out(text.substr(0, range.begin));
  out += by;
  out += text.substr(range.end);
  return out;
}

bool executes(const lex::statement& s) {
  return s.kind == statement_kind::execute || s.flags.has(lex::statement_flag::executes);
}

effects without_names(effects e) {
  e.names_statements = e.drops_statements = false;
  return e;
}

// Of CREATE TABLE .. AS EXECUTE or EXPLAIN ANALYZE EXECUTE: its own besides those of what it executes.
effects with_those_of(effects e, const effects& own) {
  e.leaves_state |= own.leaves_state;
  e.ddl |= own.ddl;
  if (own.pin) e.pin = own.pin;
  return e;
}

// The values of an EXECUTE are not looked at.
void may_set_unknown(effects& e) {
  e.sets_unknown = e.unlisted = true;
  e.pin = pool::pin_reason::session_setting;
}

std::string already_exists(std::string_view name) {
  return "prepared statement \"" + std::string(name) + "\" already exists";
}
}  // namespace

// PREPARE, EXECUTE and DEALLOCATE by Parse. Their effect comes with Execute; a driver that does so executes at once, so what
// the names are now is what they are then. PREPARE makes a name that is not followed: the client stays on this server.
relay::after relay::parse_naming(std::string_view message, const pgwire::parse_view& p,
                                 const effects& e) {
  lex::analyzer a;
  a.run(p.sql, lex::part::statements, reading());
  if (a.statements().size() != 1 || !a.statements_complete())
    return parse_plain(message, p.name, e);
  const auto& s = a.statements()[0];
  if (s.kind == statement_kind::discard_all || s.kind == statement_kind::deallocate_all)
    return parse_plain(message, p.name, e);
  const auto name = lex::name_of(p.sql, s);
  // Where the client has stayed, a name that is not known may be one that is not followed.
  const bool own = pinned_ && !names_.contains(name);
  if (!p.name.empty() && (s.kind == statement_kind::prepare || !own))
    return refuse({pgwire::sqlstate::feature_not_supported,
                   "a prepared statement of PREPARE, EXECUTE or DEALLOCATE is not supported in "
                   "transaction pooling",
                   "send it as a simple query, or connect to sql.session_listen"},
                  message);
  if (unsettled(name)) return after::wait;
  const auto at = names_.find(name);
  if (s.kind == statement_kind::prepare && at != names_.end())
    return refuse({pgwire::sqlstate::duplicate_statement, already_exists(name), {}}, message);
  std::string text = replaced(p.sql, s.name, at == names_.end() ? unknown_in_sql(name) : "");
  effects what = e;
  if (s.kind == statement_kind::prepare) what.pin = pool::pin_reason::prepared_sql;
  if (at == names_.end()) {
    what.leaves_state |= own || s.kind == statement_kind::prepare;
    what.unlisted |= own;
  }
  if (!p.name.empty()) return parse_plain(message, p.name, without_names(what));
  const bool frees = s.kind == statement_kind::deallocate && at != names_.end();
  if (executes(s) && at != names_.end()) {
    const auto& known = at->second.shared->what;
    if (const auto ready = isolate_sequences(known); ready != after::go_on) return ready;
    if (const auto ready = prepare_on_server(at->second); ready != after::go_on) return ready;
    if (stale(at->second)) return refuse(cached_plan(), message);
    text = replaced(p.sql, s.name, at->second.shared->name);
    what = at->second.shared->what;
    if (s.kind != statement_kind::execute) what = with_those_of(what, e);
    if (what.sets_by_parameter) may_set_unknown(what);
  } else if (frees) {
    // Runs as the one that frees another name: the statement stays for others.
    pgwire::append_close(to_server.own(), pgwire::target_kind::statement, freed_name);
    queue_.push({.kind = entry_kind::close, .why = purpose::evict});
    put_parse(freed_name, std::string_view("SELECT 1\0\0\0", 11),
              {.kind = entry_kind::parse, .why = purpose::evict});
    text = "DEALLOCATE " + std::string(freed_name);
  }
  unsynced_ = true;
  unnamed_.body = text + std::string("\0\0\0", 3);
  unnamed_.what = without_names(what);
  unnamed_.serial = ++shared_.last_serial;
  put_unnamed();
  queue_.back().why = purpose::client;
  if (frees) change_name(queue_.back(), name, {});
  return after::go_on;
}

relay::after relay::answer_query(const char* tag) {
  unnamed_.serial = 0;  // a Query ends the unnamed statement
  queue_.push({.kind = entry_kind::query, .why = purpose::answered, .tag = tag});
  answer_heads();
  nudge();
  return after::go_on;
}

relay::after relay::send_query(std::string_view text, const effects& e, entry made) {
  if (auto no = refused_pin(e)) {
    std::size_t used = 0;
    dropping_.clear();
    return refuse(std::move(*no), "Q", 1, used);
  }
  note_effects(e);
  ddl_ |= e.ddl;
  made.kind = entry_kind::query;
  made.ids = e.ids;
  made.began_us = precise_us();
  queue_.push(made);
  unnamed_.serial = server_->unnamed = 0;
  waiting_ = waiting_ || made.ends_wait;
  if (!pgwire::append_query(to_server.own(), text)) return protocol_fault("a Query is too long");
  return after::go_on;
}

// The server's default is not the client's, which shows within the transaction: the client's is set.
relay::after relay::reset_name(std::string_view text, const effects& e, std::string_view start) {
  if (shared_.watch) shared_.watch->on_query(seen_, e.ids, text, precise_us());
  const auto set = "SET application_name TO " + quote_literal(start);
  unsynced_ = false;
  const auto next = send_query(e.resets_all ? "RESET ALL;" + set : set, e, {.tag = "RESET"});
  next_segment();
  return next;
}

// What is on its way is awaited first: whether a transaction has failed decides.
relay::after relay::on_named_query(std::string_view text, const effects& e) {
  if (unsynced_) return end_segment();
  if (!queue_.empty()) return after::wait;
  lex::analyzer a;
  a.run(text, lex::part::statements, reading());
  if (a.statements().size() != 1 || !a.statements_complete()) return rename_in_texts(text, e);
  // Refused by the server, whatever it is.
  if (server_ && server_->status == transaction_status::failed)
    return send_query(text, without_names({}));
  const auto& s = a.statements()[0];
  switch (s.kind) {
    case statement_kind::prepare:
      return sql_prepare(text, s);
    case statement_kind::execute:
      return sql_execute(text, s);
    case statement_kind::deallocate: {
      const auto name = lex::name_of(text, s);
      if (!names_.contains(name)) break;
      drop_name(name);
      return answer_query("DEALLOCATE");
    }
    case statement_kind::deallocate_all:
      if (pinned_) break;  // it may have some that are not followed
      forget_all_names();
      return answer_query("DEALLOCATE ALL");
    case statement_kind::discard_all:
      // With settings of the client's own the server has to tell what they are now.
      if (pinned_ || ask_state_ || in_transaction() || wanted_ != start_ || (server_ && ran_))
        break;
      forget_all_names();
      if (std::exchange(ran_, false)) hooks_.leave_nothing();
      return answer_query("DISCARD ALL");
    default:
      break;
  }
  return rename_in_texts(text, e);
}

relay::after relay::sql_prepare(std::string_view text, const lex::statement& s) {
  if (const auto ready = need_server(); ready != after::go_on) return ready;
  auto name = lex::name_of(text, s);
  std::size_t used = 0;
  if (names_.contains(name))
    return refuse({pgwire::sqlstate::duplicate_statement, already_exists(name), {}}, "Q", 1, used);
  // Shared by text: with the client's name in it two clients' texts would rarely be the same.
  const auto definition = replaced(text, s.name, shared_statement::name_mark);
  if (auto no = refused_name(definition)) return refuse(std::move(*no), "Q", 1, used);
  auto* shared = shared_.statements.take(definition, true, scope(definition));
  if (!shared) return refuse(no_memory(), "Q", 1, used);
  shared->what = without_names(effects_in_session(text));
  const auto epoch = shared_.statements.epoch;
  const named made{shared, epoch, epoch};
  const auto* held = server_->prepared.find(*shared);
  if (held && held->epoch == epoch) {
    names_.emplace(std::move(name), made);
    return answer_query("PREPARE");
  }
  make_room(*shared);
  const auto next = send_query(shared->sql_text(), {}, {.statement = shared->id});
  change_name(queue_.back(), std::move(name), made);
  return next;
}

relay::after relay::sql_execute(std::string_view text, const lex::statement& s) {
  if (const auto ready = need_server(); ready != after::go_on) return ready;
  const auto name = lex::name_of(text, s);
  const auto at = names_.find(name);
  if (at == names_.end()) {  // where it is pinned it may have made it in a way that is not followed
    const effects unknown{
        .leaves_state = pinned_, .touches_sequences = pinned_, .unlisted = pinned_};
    return send_query(replaced(text, s.name, unknown_in_sql(name)), unknown);
  }
  auto& n = at->second;
  if (const auto ready = isolate_sequences(n.shared->what); ready != after::go_on) return ready;
  if (const auto ready = prepare_on_server(n, true); ready != after::go_on) return ready;
  std::size_t used = 0;
  if (stale(n)) return refuse(cached_plan(), "Q", 1, used);
  auto what = n.shared->what;
  if (what.sets_by_parameter) may_set_unknown(what);
  return send_query(replaced(text, s.name, n.shared->name), what);
}

// Several statements in one Query, or one that Fairing does not follow: names are replaced where they are known. What it
// freed is known when it is done; until then the client's next message waits.
relay::after relay::rename_in_texts(std::string_view text, const effects& e) {
  if (const auto ready = need_server(); ready != after::go_on) return ready;
  if (const auto ready = isolate_sequences(e); ready != after::go_on) return ready;
  lex::analyzer a({.statements = most_renamed});
  a.run(text, lex::part::statements, reading());
  const bool failed = server_->status == transaction_status::failed;
  std::string out;
  std::uint32_t from = 0;
  effects also = e;
  std::vector<const effects*> run;
  dropping_.clear();
  bool freed_all = false;
  for (const auto& s : a.statements()) {
    if (s.kind == statement_kind::deallocate_all || s.kind == statement_kind::discard_all)
      freed_all = true;
    const bool frees = s.kind == statement_kind::deallocate;
    const bool makes = s.kind == statement_kind::prepare;
    if (!executes(s) && !frees && !makes) continue;
    const auto name = lex::name_of(text, s);
    const auto at = names_.find(name);
    bool known = at != names_.end() && !freed_all &&
                 std::find(dropping_.begin(), dropping_.end(), name) == dropping_.end();
    if (known && !failed)
      if (const auto ready = prepare_on_server(at->second, true); ready != after::go_on)
        return ready;
    if (known && failed) {  // nothing can be prepared now
      const auto* held = server_->prepared.find(*at->second.shared);
      known = held && held->epoch != 0;
    }
    if (frees) dropping_.push_back(known ? name : std::string());
    // A PREPARE among others makes a name that Fairing does not follow: the client stays on this server.
    if (makes && !known) {
      also.pin = pool::pin_reason::prepared_sql;
      also.leaves_state = true;
    }
    const std::string by = known ? at->second.shared->name : unknown_in_sql(name);
    if (by.empty()) continue;
    out += text.substr(from, s.name.begin - from);
    out += by;
    from = s.name.end;
    if (!known || !executes(s)) continue;
    const auto& what = at->second.shared->what;
    if (const auto ready = isolate_sequences(what); ready != after::go_on) return ready;
    run.push_back(&what);
    if (what.pin) also.pin = what.pin;
    if (what.sets_by_parameter || what.sets_unknown) may_set_unknown(also);
  }
  out += text.substr(from);
  also.leaves_state |= e.drops_statements || pinned_;
  for (const auto* what : run) note_effects(*what);
  return send_query(out, also, {.ends_wait = true, .names = true});
}

}  // namespace fairing::sql
