// What is put in between the client's messages; what its session holds when a transaction is over, and whether its
// server can be given back.
#include <algorithm>
#include <span>
#include <utility>

#include "base/ascii.hpp"
#include "codec/pgwire/client_messages.hpp"
#include "codec/pgwire/client_writer.hpp"
#include "codec/pgwire/server_messages.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "sql/logic/relay.hpp"

namespace fairing::sql {

using pgwire::client_type;
using pgwire::header_bytes;
using pgwire::transaction_status;

namespace {
bool has(const parameter_list& values, std::string_view name) {
  return std::ranges::any_of(values, [&](const auto& each) { return iequals(each.first, name); });
}
}  // namespace

// A server that has the client's settings.
relay::after relay::need_server() {
  if (!server_) return after::lease;
  if (std::exchange(state_unknown_, false)) ask_state_ = true;
  const bool between = queue_.empty() && !unsynced_ && server_->status == transaction_status::idle;
  if (between && shared_.functions.missing()) return ask_functions();
  const bool strange = server_->unlisted_of != 0 && server_->unlisted_of != serial_;
  if ((server_->applied == wanted_ && !strange) || !between) return after::go_on;
  changing_ = wanted_;
  return inject_query(strange ? renewal_query(*server_->applied, *wanted_)
                              : change_query(*server_->applied, *wanted_),
                      purpose::apply);
}

relay::after relay::inject_query(std::string_view sql, purpose why) {
  if (!pgwire::append_query(to_server.own(), sql)) return protocol_fault("settings are too long");
  queue_.push({.kind = entry_kind::query, .why = why, .ends_wait = true});
  server_->unnamed = 0;
  waiting_ = true;
  return after::wait;
}

void relay::learn_start() {
  learning_ = true;
  for (const auto& [name, value] : start_->values) note_name(name);
  changing_ = start_;
  const bool strange = server_->unlisted_of != 0 && server_->unlisted_of != serial_;
  const auto change = strange ? renewal_query(*server_->applied, *start_)
                              : change_query(*server_->applied, *start_);
  if (!change.empty()) static_cast<void>(inject_query(change, purpose::apply));
  static_cast<void>(inject_query(state_question(), purpose::state));
}

relay::after relay::inject_sync(bool wait) {
  pgwire::append_sync(to_server.own());
  queue_.push({.kind = entry_kind::sync, .why = purpose::settle, .ends_wait = wait});
  waiting_ = waiting_ || wait;
  return wait ? after::wait : after::go_on;
}

// Nothing is on its way that would bring the moment at which the server can be given back: one Sync does.
void relay::nudge() {
  if (server_ && queue_.empty() && !unsynced_ && !skipping_ && !waiting_ &&
      server_->status == transaction_status::idle)
    static_cast<void>(inject_sync(false));
}

// A Query ends what extended messages began; where it is not sent as it is, a Sync of ours does. (PostgreSQL would have
// both in one implicit transaction.)
relay::after relay::end_segment() {
  unsynced_ = false;
  next_segment();
  return inject_sync(true);
}

// In the place of the client's message something of its kind is sent that fails with a known error, unless the server has
// another reason to refuse. The whole of the message is dropped.
relay::after relay::refuse(refusal r, std::string_view rest, std::size_t size, std::size_t& used) {
  constexpr std::string_view failing = "SELECT \"refused by fairing\"";
  auto& own = to_server.own();
  entry made{.refused = true, .began_us = precise_us()};
  switch (static_cast<client_type>(rest[0])) {
    case client_type::parse:
      made.kind = entry_kind::parse;
      made.serial = server_->unnamed = ++shared_.last_serial;
      static_cast<void>(pgwire::append_parse(own, "", failing, std::span<const std::uint32_t>{}));
      break;
    case client_type::bind:
      made.kind = entry_kind::bind;
      static_cast<void>(pgwire::append_bind(own, {.statement = "?"}));
      break;
    case client_type::describe:
      made.kind = entry_kind::describe_statement;
      pgwire::append_describe(own, pgwire::target_kind::statement, "?");
      break;
    case client_type::execute:
      made.kind = entry_kind::execute;
      pgwire::append_execute(own, "refused by fairing");
      break;
    default:
      unnamed_.serial = server_->unnamed = 0;
      static_cast<void>(pgwire::append_query(own, failing));
      break;
  }
  unsynced_ = made.kind != entry_kind::query;
  refusals_.push(std::move(r));
  queue_.push(made);
  return drop(rest, size, used);
}

relay::after relay::refuse(refusal r, std::string_view message) {
  std::size_t used = 0;
  return refuse(std::move(r), message, message.size(), used);
}

// Nothing is on its way, and the server's bytes are all used. Called after each batch of them.
void relay::settle(progress& p) {
  const bool in_body = body_left_ > 0 && !body_dropped_;  // the rest of it is the server's
  if (!server_ || unsynced_ || skipping_ || waiting_ || pending_ || in_body ||
      server_->status != transaction_status::idle)
    return;
  if (std::exchange(ddl_, false)) ++shared_.statements.epoch;
  if (std::exchange(ask_state_, false)) {
    state_.values.clear();
    state_reason_.reset();
    static_cast<void>(inject_query(state_question(), purpose::state));
    return;
  }
  if (std::exchange(functions_changed_, false)) shared_.functions.expire();
  if (shared_.functions.due(now_)) {
    static_cast<void>(ask_functions());
    return;
  }
  // Who has made values of sequences will ask for them, where that is usual.
  made_values_ = made_values_ && shared_.reads_sequences;
  p.released = !pinned_ && !made_values_;
}

// A statement that will keep its server asks for that before it runs.
// Where it may not, it fails as a statement does, and nothing of it has run.
std::optional<relay::refusal> relay::refused_pin(const effects& e) {
  if (!e.pin || kept_) return std::nullopt;
  kept_ = hooks_.keep(e.pin);
  if (!kept_) return too_many_pins(*e.pin);
  pinned_ = true;
  return std::nullopt;
}

relay::refusal relay::too_long() {
  return {pgwire::sqlstate::limit_exceeded, "a statement is longer than sql.limits.statement_size",
          "raise sql.limits.statement_size"};
}

// currval() and lastval() must not tell another client's values: rather PostgreSQL's own error. Where a pool's clients ask
// for them, others' are discarded before a client makes its own.
relay::after relay::isolate_sequences(const effects& e) {
  // A text that could not be looked at says nothing of what is usual.
  shared_.reads_sequences |= e.reads_sequences && !(e.unlisted && e.drops_statements);
  const bool asks = e.reads_sequences || (shared_.reads_sequences && e.touches_sequences);
  if (!asks || server_->sequences_of == 0 || server_->sequences_of == serial_ || unsynced_)
    return after::go_on;
  if (!queue_.empty()) return after::wait;
  if (server_->status == transaction_status::failed) return after::go_on;
  return inject_query("DISCARD SEQUENCES", purpose::sequences);
}

// Where a backslash escapes in literals, a statement may hide behind one. That is known of a server that has the client's
// settings, once what may change them is answered.
relay::after relay::know_reading(std::string_view text) {
  if (!may_be_read_otherwise(text)) [[likely]]
    return after::go_on;
  if (queue_.empty() || !in_flux()) return need_server();
  return unsynced_ ? end_segment() : after::wait;
}

effects relay::effects_in_session(std::string_view text) {
  if (!may_be_read_otherwise(text)) [[likely]]
    return shared_.effects.of(text);
  if (in_flux() && !queue_.empty()) return effects_unknown();
  return server_ && server_->escapes ? effects_with_escapes(text) : shared_.effects.of(text);
}

// PostgreSQL reports what its session reads by, whoever changed it.
void relay::note_reading(std::string_view message) {
  const auto told = pgwire::read_parameter_status(message.substr(header_bytes));
  if (!told || told->name != "standard_conforming_strings" || !server_) return;
  server_->escapes = told->value == "off";
  shared_.escapes |= server_->escapes;
}

// What the statement that runs now may leave in its session.
void relay::note_effects(const effects& e) {
  ran_ = true;
  made_values_ = e.makes_sequences && !e.reads_sequences;
  if (server_) {
    server_->links |= e.opens_link;
    if (e.touches_sequences) server_->sequences_of = serial_;
  }
  ask_state_ |= e.leaves_state;
  sets_local_ |= e.sets_local;
  resets_ |= e.resets;
  sets_unknown_ |= e.sets_unknown;
  functions_changed_ |=
      e.changes_functions;  // until they are known, whoever calls them may do anything
  if ((e.unlisted || e.changes_functions) && server_) server_->unlisted_of = serial_;
  if (e.sets)
    for (const auto& name : e.sets->names) note_name(name);
}

// The names of settings that a Bind brings. One that is too long to come whole cannot be looked at.
void relay::note_set_names(const effects& e, std::string_view message, std::size_t size) {
  if (!e.sets_by_parameter || !e.sets) return;
  const auto bind = pgwire::read_bind(message.substr(header_bytes));
  if (!bind || message.size() != size) {
    sets_unknown_ = true;
    return;
  }
  std::uint16_t number = 0;
  for (const auto& v : bind->parameters)
    if (std::ranges::find(e.sets->parameters, ++number) != e.sets->parameters.end())
      note_name(v.bytes);
}

void relay::note_name(std::string_view name) {
  constexpr std::size_t most = 1024;  // of one client
  if (name.find('.') == name.npos) return;
  if (!sets_unknown_) custom_.unasked = false;  // DISCARD ALL came meanwhile
  auto custom = custom_name(name);
  if (custom.empty() || custom_.unasked || custom_.fresh.size() + custom_.own.size() >= most)
    sets_unknown_ = true;
  else if (std::ranges::find(custom_.fresh, custom) == custom_.fresh.end())
    custom_.fresh.push_back(std::move(custom));
}

// For the names that all clients ask for, and for this one's own that are not among them (any more).
std::string relay::state_question() {
  custom_.shown.clear();
  std::vector<std::string> mine;
  if (!custom_.unasked)
    for (const auto* names : {&custom_.fresh, &custom_.own})
      for (const auto& name : *names)
        if (!shared_.custom.contains(name)) mine.push_back(name);
  custom_.asked = !mine.empty();
  if (mine.empty()) return std::string(shared_.custom.state_query());
  mine.insert(mine.end(), shared_.custom.names().begin(), shared_.custom.names().end());
  std::ranges::sort(mine);
  mine.erase(std::unique(mine.begin(), mine.end()), mine.end());
  return state_query_with(mine);
}

void relay::end_transaction() {
  ++transaction_;
  sets_local_ = false;
  // Others must not use what was prepared under settings that are gone.
  if (std::exchange(prepared_in_flux_, false)) server_->prepared.doubt_all();
}

// A row of state_query.
bool relay::on_state_row(std::string_view message) {
  const auto row = pgwire::read_data_row(message.substr(header_bytes));
  if (!row || row->size() != 3) return false;
  std::string_view column[3];
  std::size_t n = 0;
  for (const auto& v : *row) column[n++] = v.bytes;
  if (column[0] == "s") {
    state_.values.emplace_back(column[1], column[2]);
    return true;
  }
  if (column[0] == "c") {
    on_custom_row(column[1], column[2]);
    return true;
  }
  std::optional<pool::pin_reason> reason;
  if (column[0] == "u") {
    if (column[2] != shared_.user) reason = pool::pin_reason::session_setting;
  } else if (column[2] != "0") {
    if (column[0] == "t") reason = pool::pin_reason::temp_table;
    if (column[0] == "h") reason = pool::pin_reason::with_hold_cursor;
    if (column[0] == "a") reason = pool::pin_reason::advisory_lock;
    if (column[0] == "l") reason = pool::pin_reason::listen;
    if (column[0] == "p") reason = pool::pin_reason::prepared_sql;
  }
  if (reason) state_reason_ = reason;
  return true;
}

// A setting with a dot. Without a value it is what RESET, or another client, has left of it; but it is the client's own
// will where its start-up had given one.
void relay::on_custom_row(std::string_view name, std::string_view value) {
  if (std::ranges::find(custom_.fresh, name) != custom_.fresh.end())
    shared_.custom.add(name);
  else if (!value.empty())
    shared_.custom.see(name);
  const bool of_start = has(start_->values, name);
  if (learning_ ? of_start : !value.empty() || (of_start && !resets_)) {
    state_.values.emplace_back(name, value);
    custom_.shown.emplace_back(name);
  }
}

void relay::on_state_known() {
  custom_.fresh.clear();
  custom_.own.swap(custom_.shown);
  if (std::exchange(learning_, false) && start_error_.empty()) {
    // What is not listed is there all the same: it was set.
    for (const auto& one : start_->values)
      if (!has(state_.values, one.first)) state_.values.push_back(one);
    start_ = shared_.settings.intern(state_);
    start_listed_ = true;
  }
  // A RESET that was followed by a SET: the client does not have what it began with.
  for (const auto& [name, value] : std::exchange(untold_, {}))
    if (std::ranges::any_of(state_.values, [&](const auto& row) {
          return iequals(row.first, name) && row.second == value;
        }))
      pgwire::append_parameter_status(to_client.own(), name, value);
  resets_ = false;
  // A setting of the client's start-up that the server does not list was RESET to the server's own default: the client's
  // default is what it began with.
  auto rows = shared_.settings.intern(std::move(state_));
  settings with_start = *rows;
  for (const auto& one : start_->values)
    if (!has(rows->values, one.first)) with_start.values.push_back(one);
  state_ = {};
  tell_settings_ = with_start.values.size() != rows->values.size();
  wanted_ = tell_settings_ ? shared_.settings.intern(std::move(with_start)) : rows;
  server_->applied = std::move(rows);
  if (server_->links && !state_reason_) state_reason_ = pool::pin_reason::unknown_state;
  if (sets_unknown_ && !state_reason_) state_reason_ = pool::pin_reason::session_setting;
  if (state_reason_) {
    pinned_ = keep_for(*state_reason_);
    return;
  }
  if (kept_) static_cast<void>(hooks_.keep(std::nullopt));
  kept_ = pinned_ = false;
}

// The question was cancelled, by a late cancel request or the client's own statement_timeout. It is asked again; in vain,
// the client stays where it is until its next statement.
void relay::on_state_unknown() {
  if (inject_tries_ < 2) {
    ask_state_ = true;
    return;
  }
  inject_tries_ = 0;
  if (std::exchange(learning_, false)) {  // it has what it asked for, however that is listed
    server_->unlisted_of = serial_;
    return;
  }
  state_unknown_ = true;
  pinned_ = keep_for(pool::pin_reason::unknown_state);
}

relay::refusal relay::too_many_pins(pool::pin_reason reason) const {
  const auto pins = hooks_.pins();
  return {pgwire::sqlstate::too_many_connections,
          "this would keep a server beyond its transaction (" + std::string(pool::name(reason)) +
              "), and other clients keep " + std::to_string(pins.now) + " of at most " +
              std::to_string(pins.most) + " already",
          std::string("raise sql.pool.max_pinned, or ") +
              (pins.session_listen ? "connect to sql.session_listen"
                                   : "give sql.session_listen an address and connect there")};
}

bool relay::keep_for(pool::pin_reason reason) {
  if (!kept_) kept_ = hooks_.keep(reason);
  if (kept_) return true;
  const auto no = too_many_pins(reason);
  fatal(no.code, no.message, no.hint);
  return false;
}

// Of a message that was put in: what is lost is the client's.
bool relay::on_injected_error(std::string_view message) {
  const auto error = pgwire::read_error(message.substr(header_bytes));
  const auto& e = queue_.front();
  switch (e.why) {
    case purpose::prepare:
    case purpose::unnamed:
    case purpose::evict: {
      show(message);
      skip_to_sync();
      // Not of extended messages before it: the ReadyForQuery of our Sync ends the client's Query.
      prepare_failed_ =
          preparing_simple_ && !queue_.empty() && queue_.front().why == purpose::prepare;
      if (prepare_failed_) skipping_ = false;
      return true;
    }
    case purpose::state:
      // Cancelled, or a name that may not be asked for. The question of all clients is answered to all.
      if (custom_.asked &&
          !(error && error->sqlstate == pgwire::code(pgwire::sqlstate::query_canceled)))
        custom_.unasked = sets_unknown_ = true;
      ++inject_tries_;
      inject_failed_ = true;
      return true;
    case purpose::functions:
      on_functions_refused(error);
      return true;
    case purpose::apply:
    case purpose::sequences:
      if (learning_ && e.why == purpose::apply) {
        start_error_ = message.substr(header_bytes);
        inject_failed_ = true;
        return true;
      }
      if (error && error->sqlstate == pgwire::code(pgwire::sqlstate::query_canceled) &&
          ++inject_tries_ < 3) {
        inject_failed_ = true;
        return true;
      }
      // The session could not be made the client's, or not be known: nothing may run in it.
      show(message);
      fatal(pgwire::sqlstate::connection_failure,
            "the session's settings could not be brought to this server");
      return true;
    default:
      return false;  // nothing that can fail
  }
}

// An answer that was not asked for, or none where one is due: this server connection is not used again.
void relay::doubt(progress& p, std::string_view why) {
  p.broken = true;
  fatal(pgwire::sqlstate::connection_failure, why,
        "the server connection was closed; connect again");
}

void relay::report(const entry& e, bool failed) {
  if (e.began_us == 0) return;
  const auto ended = precise_us();
  if (shared_.watch)
    shared_.watch->on_done(
        seen_, e.ids,
        {.duration_us = ended - e.began_us,
         .rows = e.rows,
         .bytes = e.bytes,
         .failed = failed,
         .in_transaction = server_ && server_->status != pgwire::transaction_status::idle},
        ended);
  hooks_.done(
      {.ids = e.ids, .began_us = e.began_us, .ended_us = ended, .rows = e.rows, .failed = failed});
}

}  // namespace fairing::sql
