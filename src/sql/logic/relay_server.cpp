// The server's half of the relay: each of its messages must fit the head of the queue.
#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.hpp"
#include "base/hash.hpp"
#include "codec/pgwire/client_writer.hpp"
#include "codec/pgwire/server_messages.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "sql/logic/limit_error.hpp"
#include "sql/logic/relay.hpp"

namespace fairing::sql {

using pgwire::header_bytes;
using pgwire::server_type;
using pgwire::transaction_status;

void relay::show(std::string_view bytes) {
  to_client.borrow(bytes);
  shown_ = true;
}

// For the client, if the head is the client's.
void relay::pass(std::string_view bytes) {
  if (!injected_head()) show(bytes);
}

progress relay::from_server(std::string_view bytes, mono_time now) {
  now_ = now;
  if (shared_.watch) now_us_ = precise_us();
  progress p;
  while (p.taken < bytes.size() && !over_ && !ahead_is_due()) {
    const auto rest = bytes.substr(p.taken);
    if (answer_left_ > 0) {
      const auto n = std::min(answer_left_, rest.size());
      if (!answer_dropped_) to_client.borrow(rest.substr(0, n));
      answer_left_ -= n;
      p.taken += n;
      continue;
    }
    if (rest.size() < header_bytes) break;
    const char type = rest[0];
    const auto& rule = pgwire::rule_of(pgwire::direction::from_server, type);
    const auto length = pgwire::load_u32(rest.data() + 1);
    if (length < rule.min_length || length > rule.max_length) {
      doubt(p, "the server sent a message of wrong type or length");
      return p;
    }
    const auto size = length + 1UL;
    if (!streams(type, size) && rest.size() < size) {
      // Nothing but what may be long is awaited beyond this.
      if (size <= shared_.limits.notice_bytes) break;
      doubt(p, "the server sent a message that is too long");
      return p;
    }
    const auto part = rest.substr(0, std::min(size, rest.size()));
    shown_ = false;
    if (!on_answer(type, part)) {
      doubt(p, "the server sent what does not fit what was asked");
      return p;
    }
    p.taken += part.size();
    answer_left_ = size - part.size();
    answer_dropped_ = !shown_;
  }
  if (over_)
    p.broken = true;
  else if (ahead_is_due())
    end_before_ahead(p);
  else if (at_end_of_answers() && p.taken == bytes.size())
    settle(p);
  if (blocked_ && !waiting_) p.proceed = true;
  return p;
}

// Forwarded as it comes; all else is read whole.
bool relay::streams(char type, std::size_t size) const noexcept {
  switch (static_cast<server_type>(type)) {
    case server_type::data_row:
      return queue_.empty() || queue_.front().why < purpose::state;
    case server_type::copy_data:
    case server_type::function_call_response:
      return true;
    case server_type::error_response:
    case server_type::notice_response:
    case server_type::notification_response:
      return size > shared_.limits.notice_bytes;
    default:
      return false;
  }
}

bool relay::on_answer(char type, std::string_view message) {
  switch (static_cast<server_type>(type)) {
    case server_type::data_row:
      return on_row(message);
    case server_type::ready_for_query:
      return on_ready(message);
    case server_type::command_complete:
    case server_type::empty_query_response:
    case server_type::portal_suspended:
      return on_completion(type, message);
    case server_type::error_response:
      return on_error(message);
    case server_type::row_description:
    case server_type::no_data:
    case server_type::parameter_description:
      return on_description(type, message);
    case server_type::parse_complete:
      return on_acknowledgement(entry_kind::parse, message);
    case server_type::bind_complete:
      return on_acknowledgement(entry_kind::bind, message);
    case server_type::close_complete:
      return on_acknowledgement(entry_kind::close, message);
    case server_type::copy_in_response:
    case server_type::copy_out_response:
    case server_type::copy_data:
    case server_type::copy_done:
      return on_copy_message(type, message);
    case server_type::function_call_response:
      if (!head_is(entry_kind::call, entry_kind::call)) return false;
      pass(message);
      return true;
    case server_type::parameter_status:
    case server_type::notice_response:
    case server_type::notification_response:
      on_async(type, message);
      return true;
    default:
      return false;  // log-in messages, replication
  }
}

void relay::on_async(char type, std::string_view message) {
  const auto why = queue_.empty() ? purpose::client : queue_.front().why;
  switch (static_cast<server_type>(type)) {
    case server_type::notification_response:
      return show_notification(message);  // of the client's own LISTEN
    case server_type::parameter_status:
      // A setting was changed by the client's statement, perhaps by one that does not look like it. What `apply` changes
      // the client knows: it is its own value.
      if (why <= purpose::answered) doubt_session();
      if (why == purpose::functions) return;  // they stand aside, and come back
      note_reading(message);
      if (why != purpose::apply || tell_settings_) show_setting(message);
      return;
    default:
      return pass(message);
  }
}

// Who sent it: a client that notified itself compares with the process id that it was given.
void relay::show_notification(std::string_view message) {
  constexpr std::size_t end_of_pid = header_bytes + 4;
  if (!server_ || message.size() <= end_of_pid ||
      pgwire::load_u32(message.data() + header_bytes) != server_->pid)
    return show(message);
  char pid[4];
  pgwire::store_u32(pid, static_cast<std::uint32_t>(id_));
  auto& own = to_client.own();
  own.append(message.substr(0, header_bytes)).append(pid, sizeof pid);
  own.append(message.substr(end_of_pid));
}

// RESET on a server goes to the server's default; the client's is what its start-up said.
void relay::show_setting(std::string_view message) {
  const auto told = pgwire::read_parameter_status(message.substr(header_bytes));
  if (!told) return show(message);
  if (told->name != "application_name") {
    const auto start =
        resets_
            ? std::ranges::find_if(
                  start_->values, [&](const auto& each) { return iequals(each.first, told->name); })
            : start_->values.end();
    if (start == start_->values.end()) return show(message);
    untold_.emplace_back(told->name, told->value);
    pgwire::append_parameter_status(to_client.own(), told->name, start->second);
    return;
  }
  std::string_view value = told->value;
  if (const auto* start = start_name(); start && value.empty()) value = *start;
  if (value == told_name_) return;
  told_name_ = value;
  pgwire::append_parameter_status(to_client.own(), told->name, value);
}

bool relay::on_row(std::string_view message) {
  if (!head_is(entry_kind::query, entry_kind::execute)) return false;
  auto& e = queue_.front();
  ++e.rows;
  if (e.why == purpose::state) return on_state_row(message);
  if (e.why == purpose::functions) return on_function_row(message);
  if (e.why == purpose::client) {
    e.bytes += pgwire::load_u32(message.data() + 1) + 1UL;
    if (shared_.watch) shared_.watch->on_row(seen_, e.ids, message, now_us_);
  }
  pass(message);
  return true;
}

void relay::pop() {
  auto& e = queue_.front();
  if (e.shared) shared_.statements.give(*e.shared);
  if (e.changes) {
    if (auto* before = changes_.front().before.shared) shared_.statements.give(*before);
    changes_.pop();
  }
  if (e.refused) refusals_.pop();
  if (e.statement != 0 && earlier_statements_ > 0) --earlier_statements_;
  if (e.ends_wait) waiting_ = false;
  strange_ = strange_ || is_strange(e);
  queue_.pop();
}

// What is answered here comes in its turn.
void relay::answer_heads() {
  while (!queue_.empty() && queue_.front().why == purpose::answered) {
    const auto& e = queue_.front();
    auto& own = to_client.own();
    if (e.kind == entry_kind::parse) pgwire::append_parse_complete(own);
    if (e.kind == entry_kind::close) pgwire::append_close_complete(own);
    if (e.kind == entry_kind::query) {
      pgwire::append_command_complete(own, e.tag);
      pgwire::append_ready_for_query(own, server_ ? server_->status : transaction_status::idle);
    }
    pop();
  }
}

bool relay::on_acknowledgement(entry_kind kind, std::string_view message) {
  if (queue_.empty() || queue_.front().kind != kind) return false;
  pass(message);
  pop();
  answer_heads();
  return true;
}

bool relay::on_completion(char type, std::string_view message) {
  if (!head_is(entry_kind::query, entry_kind::execute)) return false;
  auto& e = queue_.front();
  if (e.tag == nullptr)
    pass(message);
  else if (!std::exchange(e.tag_told, true))
    pgwire::append_command_complete(to_client.own(), e.tag);
  copy_in_ = copy_ended_ = false;
  if (type == static_cast<char>(server_type::command_complete)) on_command_tag(message, e);
  if (e.kind == entry_kind::query)
    return true;  // ReadyForQuery, or more of the same Query, follows
  if (e.why == purpose::client) report(e, false);
  ignored_syncs_ = 0;
  pop();
  answer_heads();
  return true;
}

void relay::on_command_tag(std::string_view message, entry& e) {
  if (e.why != purpose::client) return;
  const auto done = pgwire::read_command_complete(message.substr(header_bytes));
  if (!done) return;
  if (e.rows == 0) e.rows = done->rows.value_or(0);
  seen_.traced.on_tag(done->tag);
  const bool one = done->tag == "DEALLOCATE";
  const bool all = done->tag == "DEALLOCATE ALL" || done->tag == "DISCARD ALL";
  if (!one && !all) return;
  if (done->tag == "DISCARD ALL") {
    sets_unknown_ = ran_ = false;
    server_->unlisted_of = server_->sequences_of = 0;
    hooks_.leave_nothing();
  }
  if (e.names && all) {
    forget_all_names();
    server_->prepared.clear();
  } else if (e.kind == entry_kind::query && (!e.names || dropping_.empty())) {
    server_->prepared.doubt_all();  // not seen in the text: it may have freed others'
  } else if (e.names) {
    if (const auto at = names_.find(dropping_.front()); at != names_.end())
      server_->prepared.remove(at->second.shared->id);
    drop_name(dropping_.front());
    dropping_.erase(dropping_.begin());
  }
}

bool relay::on_ready(std::string_view message) {
  if (queue_.empty()) return false;
  const auto e = queue_.front();
  if (e.kind != entry_kind::query && e.kind != entry_kind::sync && e.kind != entry_kind::call)
    return false;
  const auto status = static_cast<transaction_status>(message[5]);
  if (status != transaction_status::idle && status != transaction_status::in_transaction &&
      status != transaction_status::failed)
    return false;
  server_->status = status;
  if (status == transaction_status::idle && queue_.ready_due() == 1) end_transaction();
  copy_in_ = copy_ended_ = false;
  ignored_syncs_ = 0;
  if (e.kind == entry_kind::query && e.why == purpose::client) report(e, false);
  if (shared_.watch) shared_.watch->on_ready(seen_, status == transaction_status::idle);
  pass(message);
  if (e.why == purpose::prepare && std::exchange(prepare_failed_, false)) {
    // The client's Query has had its error; this ends it.
    show(message);
    drop_query_ = true;
  }
  pop();
  // A portal that was bound in the next segment already is kept, with what stands beside it.
  if (status == transaction_status::idle && queue_.empty() && !unsynced_) portals_.clear();
  const bool failed = std::exchange(inject_failed_, false);
  if (!failed && e.why > purpose::answered) inject_tries_ = 0;
  if (e.why == purpose::apply && !failed) {
    server_->applied = changing_;
    const bool custom = std::ranges::any_of(
        changing_->values, [](const auto& each) { return each.first.contains('.'); });
    if (server_->unlisted_of != serial_) server_->unlisted_of = custom ? serial_ : 0;
    tell_settings_ = false;
  }
  if (e.why == purpose::sequences && !failed) server_->sequences_of = 0;
  if (e.why == purpose::state) failed ? on_state_unknown() : on_state_known();
  if (e.why == purpose::functions && !failed) on_functions_known();
  answer_heads();
  return true;
}

bool relay::on_description(char type, std::string_view message) {
  if (queue_.empty()) return false;
  auto& e = queue_.front();
  const bool describes =
      e.kind == entry_kind::describe_statement || e.kind == entry_kind::describe_portal;
  if (type == static_cast<char>(server_type::parameter_description)) {
    if (e.kind != entry_kind::describe_statement) return false;
    if (shared_.watch) shared_.watch->on_parameters(e.ids, message.substr(header_bytes));
    pass(message);
    return true;
  }
  if (shared_.watch && type == static_cast<char>(server_type::row_description))
    shared_.watch->on_columns(e.ids, message.substr(header_bytes));
  if (!describes) {
    if (type != static_cast<char>(server_type::row_description) ||
        !head_is(entry_kind::query, entry_kind::execute))
      return false;
    pass(message);
    return true;
  }
  pass(message);
  if (e.kind == entry_kind::describe_statement && e.shared)
    note_shape(*e.shared, message, e.why == purpose::prepare);
  pop();
  answer_heads();
  return true;
}

// What the statement's rows look like, as PostgreSQL compares it: names and types of the columns, not their tables. Who
// named the statement before they changed is refused, as PostgreSQL would.
void relay::note_shape(shared_statement& s, std::string_view message, bool injected) {
  std::uint64_t shape = message.size();
  if (message[0] == static_cast<char>(server_type::row_description)) {
    const auto columns = pgwire::read_row_description(message.substr(header_bytes));
    if (!columns) return;
    shape = columns->size() + 1;
    for (const auto& c : *columns)
      shape =
          mix64(shape ^ hash64(c.name, process_seed()) ^
                mix64(std::uint64_t{c.type} << 32 | static_cast<std::uint32_t>(c.type_modifier)));
  }
  shape |= 1;
  auto& epoch = shared_.statements.epoch;
  const bool changed = s.shape != shared_statement::unknown_shape && s.shape != shape;
  s.shape = shape;
  if (changed) {
    s.shape_epoch = ++epoch;
    server_->prepared.refresh(s.id, epoch);
  }
  for (auto& [name, n] : names_) {
    if (n.shared != &s) continue;
    n.verified = epoch;
    if (changed && !injected) n.epoch = epoch;  // the client itself was told
  }
}

bool relay::on_copy_message(char type, std::string_view message) {
  if (!head_is(entry_kind::query, entry_kind::execute)) return false;
  if (injected_head()) return false;
  if (type == static_cast<char>(server_type::copy_in_response) && !on_copy_in()) return false;
  pass(message);
  return true;
}

bool relay::on_copy_in() {
  copy_in_ = true;
  // During COPY the server ignores the Sync that the driver sent with Execute.
  while (queue_.size() > 1 && !queue_.at(1).after_copy) {
    if (queue_.at(1).kind != entry_kind::sync || queue_.at(1).why != purpose::client) return false;
    queue_.erase(1);
    ++ignored_syncs_;
    unsynced_ = unsynced_ || queue_.front().kind == entry_kind::execute;
  }
  return true;
}

bool relay::on_error(std::string_view message) {
  const auto error = pgwire::read_error(message.substr(header_bytes));
  if (queue_.empty() || (error && error->fatal())) {
    // Of its own accord: it is going down, or a limit of the session was passed.
    farewell_ = error && error->fatal();
    show_error(message, error);
    over_ = true;
    return true;
  }
  auto& e = queue_.front();
  // Whether COPY had read as far as the Syncs behind its start is known only if it names a line.
  if (ignored_syncs_ > 0 &&
      (!error || error->find('W').find(", line ") == std::string_view::npos)) {
    show(message);
    over_ = true;
    return true;
  }
  copy_in_ = copy_ended_ = false;
  ignored_syncs_ = 0;
  if (e.why > purpose::answered) return on_injected_error(message);
  seen_.traced.on_error();
  if (!error || !columns_changed(e, *error)) pass_error(message);
  if (error) heal(*error);
  if (e.kind == entry_kind::query || e.kind == entry_kind::call) {
    report(e, true);
    e.ids = {};
    if (e.statement != 0) {  // a PREPARE that failed
      server_->prepared.remove(e.statement);
      if (e.changes) undo_change(0);
    }
    return true;
  }
  if (e.kind == entry_kind::execute) report(e, true);
  skip_to_sync();
  return true;
}

// What the server has is not what was believed.
void relay::heal(const pgwire::error_view& error) {
  if (error.sqlstate == pgwire::code(pgwire::sqlstate::feature_not_supported) &&
      error.message.find("cached plan") != std::string_view::npos)
    ++shared_.statements.epoch;
  if (error.sqlstate == pgwire::code(pgwire::sqlstate::undefined_statement) &&
      error.message.find("\"fairing_") != std::string_view::npos)
    server_->prepared.clear();
}

// Drivers read the five characters: an error that has none gets some.
void relay::show_error(std::string_view message, const pgwire::parsed<pgwire::error_view>& error) {
  if (error && !error->sqlstate.empty()) return show(message);
  pgwire::append_error(
      to_client.own(),
      {.severity = error && error->fatal() ? "FATAL" : "ERROR",
       .message = error && !error->message.empty() ? error->message
                                                   : "the server sent an error that says nothing"});
}

void relay::pass_error(std::string_view message) {
  const auto error = pgwire::read_error(message.substr(header_bytes));
  if (limit_.count() > 0 && error && stopped_by_cancel(*error)) {
    append_limit_error(to_client.own(), std::exchange(limit_, milliseconds{0}));
    return;
  }
  if (!queue_.front().refused) return show_error(message, error);
  // Another error came first, such as that of a failed transaction. What is sent in the place of a refused message fails
  // for want of a column, a statement or a portal.
  constexpr std::array<std::string_view, 3> made_by_us{"42703", "26000", "34000"};
  if (!error || std::ranges::find(made_by_us, error->sqlstate) == made_by_us.end())
    return show(message);
  const auto& r = refusals_.front();
  pgwire::append_error(
      to_client.own(),
      {.code = r.code, .message = r.message, .hint = r.hint, .routine = r.routine});
}

// What the entry was to make on the server is not there, or may be.
void relay::forget_sent(const entry& e) {
  if (e.statement != 0) server_->prepared.doubt(e.statement);
  if (e.serial == 0) return;
  if (server_->unnamed == e.serial) server_->unnamed = 0;
  if (unnamed_.serial == e.serial && e.why == purpose::client) unnamed_.serial = 0;
}

// The server ignores what was sent until Sync: it did not happen.
void relay::skip_to_sync() {
  std::size_t skipped = 0;
  std::size_t changes = 0;
  for (; skipped < queue_.size() && queue_.at(skipped).kind != entry_kind::sync; ++skipped) {
    const auto& e = queue_.at(skipped);
    changes += e.changes;
    forget_sent(e);
  }
  while (changes > 0) undo_change(--changes);
  while (skipped-- > 0) pop();
  // Ours is not the one that the client means to send.
  skipping_ = queue_.empty() || queue_.front().why != purpose::client;
}

}  // namespace fairing::sql
