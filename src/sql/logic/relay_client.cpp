// The client's half of the relay: what becomes of each of its messages.
#include <algorithm>
#include <span>
#include <utility>

#include "codec/pgwire/client_messages.hpp"
#include "codec/pgwire/client_writer.hpp"
#include "codec/pgwire/rename.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "sql/logic/relay.hpp"

namespace fairing::sql {

using pgwire::client_type;
using pgwire::header_bytes;
using pgwire::sqlstate;
using pgwire::transaction_status;

relay::relay(pool_shared& shared, relay_hooks& hooks, std::uint64_t id, const settings_ptr& wanted)
    : shared_(shared),
      hooks_(hooks),
      id_(id),
      start_(wanted ? wanted : shared.settings.none()),
      wanted_(start_),
      serial_(++shared.relays) {
  if (const auto* name = start_name()) told_name_ = *name;
}

// application_name of the client's start-up; null: none.
const std::string* relay::start_name() const noexcept {
  for (const auto& [name, value] : start_->values)
    if (name == "application_name") return &value;
  return nullptr;
}

relay::~relay() {
  if (shared_.watch) shared_.watch->on_leave(seen_);
  detach();
  forget_all_names();
}

void relay::attach(server_session& s) {
  server_ = &s;
  strange_ = false;
}

void relay::detach() noexcept {
  server_ = nullptr;
  while (!queue_.empty()) pop();
  portals_.clear();
  dropping_.clear();
  waiting_ = pending_ = unsynced_ = skipping_ = copy_in_ = copy_ended_ = ask_state_ = ddl_ = false;
  functions_changed_ = false;
  preparing_simple_ = prepare_failed_ = drop_query_ = state_unknown_ = inject_failed_ = false;
  pinned_ = kept_ = made_values_ = false;
  inject_tries_ = 0;
  limit_ = milliseconds{0};
  torn_ = torn_ || (answer_left_ > 0 && !answer_dropped_);
  answer_left_ = ignored_syncs_ = 0;
}

void relay::fatal(sqlstate code, std::string_view message, std::string_view hint) {
  if (over_) return;
  over_ = true;
  // Within another message these bytes would be taken for its own.
  if (torn_ || (answer_left_ > 0 && !answer_dropped_)) return;
  pgwire::append_error(to_client.own(),
                       {.code = code, .severity = "FATAL", .message = message, .hint = hint});
}

relay::after relay::protocol_fault(std::string_view why) {
  fatal(pgwire::sqlstate::protocol_violation, why);
  return after::close;
}

step relay::from_client(std::string_view bytes, std::size_t& taken, mono_time now) {
  now_ = now;
  const auto next = take_messages(bytes, taken);
  blocked_ = next == step::wait;
  return next;
}

step relay::take_messages(std::string_view bytes, std::size_t& taken) {
  taken = 0;
  for (;;) {
    if (over_) return step::close;
    if (body_left_ > 0) {
      const auto n = std::min(body_left_, bytes.size() - taken);
      if (n == 0) return step::read;
      if (!body_dropped_) to_server.borrow(bytes.substr(taken, n));
      taken += n;
      body_left_ -= n;
      if (body_left_ == 0 && !body_dropped_) nudge();
      continue;
    }
    // Behind what was sent ahead there is no place: it goes to the next server.
    if (waiting_ || (server_ && server_->ahead > 0 && !server_->ahead_is_next)) return step::wait;
    const auto rest = bytes.substr(taken);
    if (rest.size() < header_bytes) return step::read;
    const auto& rule = pgwire::rule_of(pgwire::direction::from_client, rest[0]);
    const auto length = pgwire::load_u32(rest.data() + 1);
    if (length < rule.min_length || length > rule.max_length) {
      protocol_fault(rule.bit == 0 ? "a message of unknown type" : "a message's length is wrong");
      return step::close;
    }
    if (queue_.size() >= shared_.limits.pipeline) return step::wait;
    std::size_t used = 0;
    const auto before = queue_.size();
    const auto next = on_message(rest, length + 1UL, used);
    if (copy_ended_)
      for (auto i = before; i < queue_.size(); ++i) queue_.at(i).after_copy = true;
    taken += used;
    pending_ = next == after::wait;
    switch (next) {
      case after::go_on:
        break;
      case after::read:
        return step::read;
      case after::lease:
        return step::lease;
      case after::wait:
        return step::wait;
      case after::close:
        return step::close;
    }
  }
}

relay::after relay::on_message(std::string_view rest, std::size_t size, std::size_t& used) {
  const auto type = static_cast<client_type>(rest[0]);
  switch (type) {
    case client_type::query:
      return on_query(rest, size, used);
    case client_type::bind:
      return on_bind(rest, size, used);
    case client_type::copy_data:
    case client_type::copy_done:
    case client_type::copy_fail:
      return on_copy(rest, size, used);
    case client_type::terminate:
      over_ = true;
      return after::close;
    case client_type::password:
      return protocol_fault("a password message after log-in");
    default:
      break;
  }
  if (copy_in_ && !copy_ended_ && type != client_type::flush && type != client_type::sync)
    return protocol_fault("COPY is under way: only CopyData, CopyDone and CopyFail may follow");
  if (skipping_ && type != client_type::sync) return drop(rest, size, used);
  if (type == client_type::function_call) {
    if (const auto ready = need_server(); ready != after::go_on) return ready;
    queue_.push({.kind = entry_kind::call, .began_us = precise_us()});
    doubt_session();  // the function may do anything
    unsynced_ = false;
    return forward(rest, size, used);
  }
  if (size > shared_.limits.statement_bytes) {
    const auto no = too_long();
    fatal(no.code, no.message, no.hint);
    return after::close;
  }
  if (rest.size() < size) return after::read;
  const auto message = rest.substr(0, size);
  after next = after::go_on;
  switch (type) {
    case client_type::parse:
      next = on_parse(message);
      break;
    case client_type::describe:
      next = on_describe(message);
      break;
    case client_type::close:
      next = on_close(message);
      break;
    case client_type::execute:
      next = on_execute(message);
      break;
    case client_type::sync:
      next = on_sync(message);
      break;
    case client_type::flush:
      if (server_ && (!copy_in_ || copy_ended_)) to_server.borrow(message);
      break;
    default:
      return protocol_fault("a message of unknown type");
  }
  if (next == after::go_on) used = size;
  return next;
}

relay::after relay::forward(std::string_view rest, std::size_t size, std::size_t& used) {
  used = std::min(size, rest.size());
  to_server.borrow(rest.substr(0, used));
  body_left_ = size - used;
  body_dropped_ = false;
  return after::go_on;
}

relay::after relay::drop(std::string_view rest, std::size_t size, std::size_t& used) {
  used = std::min(size, rest.size());
  body_left_ = size - used;
  body_dropped_ = true;
  return after::go_on;
}

relay::after relay::on_query(std::string_view rest, std::size_t size, std::size_t& used) {
  if (copy_in_ && !copy_ended_) return protocol_fault("a Query while COPY is under way");
  if (skipping_) return drop(rest, size, used);
  if (std::exchange(drop_query_, false)) {
    nudge();
    return drop(rest, size, used);
  }
  if (size > shared_.limits.statement_bytes) {
    if (const auto ready = need_server(); ready != after::go_on) return ready;
    const auto next = refuse(too_long(), rest, size, used);
    next_segment();
    return next;
  }
  if (rest.size() < size) return after::read;
  const auto text = rest.substr(header_bytes, size - header_bytes - 1);
  if (rest[size - 1] != '\0') return protocol_fault("a Query without its final NUL");
  if (const auto ready = know_reading(text); ready != after::go_on) return ready;
  const effects e = effects_in_session(text);
  if (e.names_statements) {
    const auto next = on_named_query(text, e);
    if (next == after::go_on) used = size;
    return next;
  }
  if (const auto ready = need_server(); ready != after::go_on) return ready;
  if (const auto ready = isolate_sequences(e); ready != after::go_on) return ready;
  if (auto no = refused_pin(e)) {
    const auto next = refuse(std::move(*no), rest, size, used);
    next_segment();
    return next;
  }
  if (const auto* start = start_name(); start && (e.resets_name || e.resets_all)) {
    used = size;
    return reset_name(text, e, *start);
  }
  note_effects(e);
  ddl_ |= e.ddl;
  queue_.push(
      {.kind = entry_kind::query, .whole = e.whole, .ids = e.ids, .began_us = precise_us()});
  unnamed_.serial = 0;  // a Query ends the unnamed statement
  server_->unnamed = 0;
  unsynced_ = false;  // and what was not synced
  next_segment();
  if (shared_.watch) {
    shared_.watch->on_query(seen_, e.ids, text, queue_.back().began_us);
    queue_.back().ids.values = shared_.watch->values_of_query(e.ids, text);
  }
  return forward(rest, size, used);
}

relay::after relay::on_parse(std::string_view message) {
  const auto parsed = pgwire::read_parse(message.substr(header_bytes));
  if (!parsed) return protocol_fault("a Parse message that does not parse");
  if (const auto ready = need_server(); ready != after::go_on) return ready;
  const effects e = effects_in_session(parsed->sql);
  if (const auto ready = isolate_sequences(e); ready != after::go_on) return ready;
  if (e.names_statements) return parse_naming(message, *parsed, e);
  return parse_plain(message, parsed->name, e);
}

relay::after relay::parse_plain(std::string_view message, std::string_view name, const effects& e) {
  if (!name.empty()) return parse_named(message, name, e);
  unsynced_ = true;
  unnamed_.body.assign(message.substr(header_bytes + 1));
  unnamed_.what = e;
  unnamed_.serial = server_->unnamed = ++shared_.last_serial;
  queue_.push({.kind = entry_kind::parse, .serial = unnamed_.serial});
  to_server.borrow(message);
  return after::go_on;
}

relay::after relay::on_bind(std::string_view rest, std::size_t size, std::size_t& used) {
  if (copy_in_ && !copy_ended_) return protocol_fault("a Bind while COPY is under way");
  if (skipping_) return drop(rest, size, used);
  // Both names are at its beginning: the values may come as they like.
  const auto part = rest.substr(0, size);
  const auto name = pgwire::statement_name(part);
  if (!name) {
    if (part.size() < size && part.size() < shared_.limits.statement_bytes) return after::read;
    return protocol_fault("a Bind message without its names");
  }
  if (const auto ready = need_server(); ready != after::go_on) return ready;
  const auto portal_name = part.substr(header_bytes, part.find('\0', header_bytes) - header_bytes);
  if (name->empty()) {
    if (unnamed_.serial == 0)
      return refuse(
          {pgwire::sqlstate::undefined_statement, "unnamed prepared statement does not exist", {}},
          rest, size, used);
    renew(unnamed_.what, unnamed_.body);
    if (const auto ready = isolate_sequences(unnamed_.what); ready != after::go_on) return ready;
    if (names_to_come(unnamed_.what, part, size)) return after::read;
    if (server_->unnamed != unnamed_.serial) put_unnamed();
    note_set_names(unnamed_.what, part, size);
    const auto values = watch_bind(unnamed_.what.ids, unnamed_.body, part, size);
    note_portal(portal_name, unnamed_.what, values);
    unsynced_ = true;
    queue_.push({.kind = entry_kind::bind});
    return forward(rest, size, used);
  }
  if (unsettled(*name)) return after::wait;
  const auto at = names_.find(*name);
  if (at == names_.end()) {
    note_portal(portal_name, {});
    unsynced_ = true;
    queue_.push({.kind = entry_kind::bind});
    return put_renamed(part, unknown_name(*name), size, used);
  }
  auto& n = at->second;
  if (names_to_come(n.shared->what, part, size)) return after::read;
  if (const auto ready = isolate_sequences(n.shared->what); ready != after::go_on) return ready;
  if (const auto ready = prepare_on_server(n); ready != after::go_on) return ready;
  if (stale(n)) return refuse(cached_plan(), rest, size, used);
  note_set_names(n.shared->what, part, size);
  const auto values = watch_bind(n.shared->what.ids, n.shared->definition, part, size);
  note_portal(portal_name, n.shared->what, values);
  unsynced_ = true;
  queue_.push({.kind = entry_kind::bind, .renamed = true});
  return put_renamed(part, n.shared->name, size, used);
}

// What the values were, if somebody wants to know; 0: unknown.
std::uint64_t relay::watch_bind(text_ids ids, std::string_view definition, std::string_view message,
                                std::size_t size) {
  if (!shared_.watch || message.size() != size) return 0;
  const auto body = message.substr(header_bytes);
  shared_.watch->on_bind(seen_, ids, definition, body, precise_us());
  return shared_.watch->values_of_bind(ids, definition, body);
}

void relay::note_portal(std::string_view name, const effects& e, std::uint64_t values) {
  auto at = std::find_if(portals_.begin(), portals_.end(),
                         [&](const portal& p) { return p.name == name; });
  if (at != portals_.end()) {
    at->what = e;
  } else if (portals_.size() < most_portals) {
    portals_.push_back({std::string(name), e});
    at = std::prev(portals_.end());
  } else {
    return;
  }
  at->what.ids.values = values;
}

relay::after relay::on_describe(std::string_view message) {
  const auto target = pgwire::read_describe(message.substr(header_bytes));
  if (!target) return protocol_fault("a Describe message that does not parse");
  if (const auto ready = need_server(); ready != after::go_on) return ready;
  const bool of_portal = target->kind == pgwire::target_kind::portal;
  entry made{.kind = of_portal ? entry_kind::describe_portal : entry_kind::describe_statement};
  if (of_portal || target->name.empty()) {
    if (!of_portal && unnamed_.serial == 0)
      return refuse(
          {pgwire::sqlstate::undefined_statement, "unnamed prepared statement does not exist", {}},
          message);
    if (!of_portal && server_->unnamed != unnamed_.serial) put_unnamed();
    if (of_portal) {
      const auto at = std::find_if(portals_.begin(), portals_.end(),
                                   [&](const portal& p) { return p.name == target->name; });
      if (at != portals_.end()) made.ids = at->what.ids;
    } else {
      made.ids = unnamed_.what.ids;
    }
    unsynced_ = true;
    queue_.push(made);
    to_server.borrow(message);
    return after::go_on;
  }
  if (unsettled(target->name)) return after::wait;
  std::string other;
  std::string_view server_name;
  if (const auto at = names_.find(target->name); at != names_.end()) {
    if (const auto ready = prepare_on_server(at->second); ready != after::go_on) return ready;
    if (stale(at->second)) return refuse(cached_plan(), message);
    made.shared = at->second.shared;
    made.ids = made.shared->what.ids;
    shared_.statements.retain(*made.shared);
    server_name = made.shared->name;
  } else {
    server_name = other = unknown_name(target->name);
  }
  unsynced_ = true;
  queue_.push(made);
  pgwire::append_describe(to_server.own(), pgwire::target_kind::statement, server_name);
  return after::go_on;
}

relay::after relay::on_close(std::string_view message) {
  const auto target = pgwire::read_close(message.substr(header_bytes));
  if (!target) return protocol_fault("a Close message that does not parse");
  const bool of_statement = target->kind == pgwire::target_kind::statement;
  if (of_statement && !target->name.empty()) {
    if (unsettled(target->name)) return after::wait;
    const bool known = names_.contains(target->name);
    unsynced_ = unsynced_ || server_ != nullptr;
    // A pinned client may have made it by a PREPARE that is not followed.
    if (!known && pinned_) {
      queue_.push({.kind = entry_kind::close});
      pgwire::append_close(to_server.own(), target->kind, unknown_name(target->name));
      return after::go_on;
    }
    queue_.push({.kind = entry_kind::close, .why = purpose::answered});
    if (known) change_name(queue_.back(), std::string(target->name), {});
    answer_heads();
    return after::go_on;
  }
  if (const auto ready = need_server(); ready != after::go_on) return ready;
  if (of_statement) unnamed_.serial = server_->unnamed = 0;
  unsynced_ = true;
  queue_.push({.kind = entry_kind::close});
  to_server.borrow(message);
  return after::go_on;
}

relay::after relay::on_execute(std::string_view message) {
  const auto wanted = pgwire::read_execute(message.substr(header_bytes));
  if (!wanted) return protocol_fault("an Execute message that does not parse");
  if (const auto ready = need_server(); ready != after::go_on) return ready;
  const auto at = std::find_if(portals_.begin(), portals_.end(),
                               [&](const portal& p) { return p.name == wanted->portal; });
  // A portal that was not bound here is a cursor of DECLARE, or one too many.
  const effects e = at != portals_.end() ? at->what : effects{};
  if (auto no = refused_pin(e)) return refuse(std::move(*no), message);
  note_effects(e);
  if (at == portals_.end() && portals_.size() == most_portals) doubt_session();
  ddl_ |= e.ddl;
  unsynced_ = true;
  queue_.push({.kind = entry_kind::execute,
               .ends_wait = e.drops_statements,
               .names = e.drops_statements,
               .whole = e.whole,
               .ids = e.ids,
               .began_us = precise_us()});
  to_server.borrow(message);
  if (e.drops_statements) {  // what the names after it are, its completion tells
    pgwire::append_flush(to_server.own());
    waiting_ = true;
  }
  return after::go_on;
}

relay::after relay::on_sync(std::string_view message) {
  // COPY ends by CopyDone or CopyFail; until then the server ignores it.
  if (copy_in_ && !copy_ended_) return after::go_on;
  skipping_ = false;
  unsynced_ = false;
  if (!server_) {
    pgwire::append_ready_for_query(to_client.own(), transaction_status::idle);
    return after::go_on;
  }
  next_segment();
  queue_.push({.kind = entry_kind::sync, .after_copy = copy_ended_});
  to_server.borrow(message);
  return after::go_on;
}

relay::after relay::on_copy(std::string_view rest, std::size_t size, std::size_t& used) {
  // After an error the server ignores what was on its way; without a server nobody wants it.
  if (!server_ || (!copy_in_ && queue_.empty())) return drop(rest, size, used);
  if (rest[0] != static_cast<char>(client_type::copy_data)) copy_ended_ = true;
  return forward(rest, size, used);
}

}  // namespace fairing::sql
