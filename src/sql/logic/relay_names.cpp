// Statements' names: the client's become the shared ones, and what a server lacks is prepared there first.
#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "base/ascii.hpp"
#include "codec/pgwire/client_writer.hpp"
#include "codec/pgwire/rename.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "sql/logic/relay.hpp"

namespace fairing::sql {

using pgwire::transaction_status;

namespace {
constexpr std::string_view our_prefix = "fairing_";
constexpr char private_mark = '\x02';

// Of a scope, what PostgreSQL does not see to by itself: it plans anew when the search_path is another.
std::string without_path(std::string scope) {
  constexpr std::string_view path{"search_path\0", 12};
  const auto at = scope.find(path);
  if (at == scope.npos) return scope;
  return scope.erase(at, scope.find('\0', at + path.size()) + 1 - at);
}

// 'now', 'today' and their like are read when a statement is prepared, and mean that moment from then on. now() is
// not; a name or a literal that has such a word in it only looks so, which costs nothing but the sharing.
bool may_mean_its_moment(std::string_view text) {
  constexpr std::array<std::string_view, 4> words{"now", "today", "tomorrow", "yesterday"};
  if (text.find('\'') == text.npos && text.find('$') == text.npos) return false;
  const auto is_word = [](char c) {
    return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (std::size_t i = 0; i < text.size();) {
    if (!is_word(text[i])) {
      ++i;
      continue;
    }
    const auto first = i;
    while (i < text.size() && is_word(text[i])) ++i;
    const auto word = text.substr(first, i - first);
    if (i < text.size() && text[i] == '(') continue;
    if (std::ranges::any_of(words, [&](auto each) { return iequals(each, word); })) return true;
  }
  return false;
}
}  // namespace

// A name that no server can have: the server's own error is what the client would get.
std::string relay::unknown_name(std::string_view name) {
  return name.starts_with(our_prefix) ? "?" + std::string(name) : std::string(name);
}

// The same for a text; "" if the name can stand as it is.
std::string relay::unknown_in_sql(std::string_view name) {
  return name.starts_with(our_prefix) ? quote_identifier("?" + std::string(name)) : std::string();
}

// pgjdbc and Rails know by the routine that they had better prepare it anew.
relay::refusal relay::cached_plan() {
  return {pgwire::sqlstate::feature_not_supported,
          "cached plan must not change result type",
          {},
          "RevalidateCachedQuery"};
}

// Clients share a statement if its text means the same to them: names, literals and operators are understood when it is
// prepared.
std::string relay::scope(std::string_view definition) const {
  std::string out;
  const bool moment = may_mean_its_moment(definition);
  // Temporary tables hide others' tables; what changed in this transaction is not known yet.
  if (pinned_ || in_flux() || moment)
    out = private_mark + std::to_string(id_) + '.' +
          (in_flux() ? std::to_string(transaction_) : std::string()) +
          (moment ? '@' + std::to_string(++shared_.last_serial) : std::string()) + '\0';
  for (const auto& [name, value] : wanted_->values)
    if (tells_meaning(name)) out += to_lower(name) + '\0' + value + '\0';
  return out;
}

// Changes the client's name; `e`, the queue's last entry, stands for it: skipped, it takes the change back.
void relay::change_name(entry& e, std::string name, named n) {
  change c{name, {}};
  if (const auto at = names_.find(name); at != names_.end()) {
    c.before = at->second;  // its reference goes with the change
    names_.erase(at);
  }
  if (n.shared) names_.emplace(std::move(name), n);
  c.segment = segment_;
  changes_.push(std::move(c));
  e.changes = true;
}

// An earlier segment changes the name, and may be skipped: what the name is now is not known. Within a segment all that
// follows is skipped as well.
bool relay::unsettled(std::string_view name) {
  if (changes_.empty() || changes_.front().segment == segment_) return false;
  if (changes_.size() > 64) return true;
  for (std::size_t i = 0; i < changes_.size() && changes_.at(i).segment != segment_; ++i)
    if (changes_.at(i).name == name) return true;
  return false;
}

void relay::drop_name(std::string_view name) {
  const auto at = names_.find(name);
  if (at == names_.end()) return;
  shared_.statements.give(*at->second.shared);
  names_.erase(at);
}

// The i-th change did not happen. What came after it of the same name, and is not known to have failed, stays.
void relay::undo_change(std::size_t i) {
  auto& c = changes_.at(i);
  const auto before = std::exchange(c.before, named{});
  for (auto j = i + 1; j < changes_.size(); ++j) {
    auto& later = changes_.at(j);
    if (later.name != c.name || later.undone) continue;
    if (later.before.shared) shared_.statements.give(*later.before.shared);
    later.before = before;
    c.undone = true;
    return;
  }
  c.undone = true;
  drop_name(c.name);
  if (before.shared) names_.emplace(c.name, before);
}

void relay::forget_all_names() {
  for (auto& [name, n] : names_) shared_.statements.give(*n.shared);
  names_.clear();
}

relay::after relay::put_renamed(std::string_view part, std::string_view name, std::size_t size,
                                std::size_t& used) {
  const auto renamed = pgwire::rename_statement(part, name);
  if (!renamed) return protocol_fault("a message is too long");
  const auto pieces = renamed->pieces();
  for (std::size_t i = 0; i + 1 < pieces.size(); ++i) to_server.own().append(pieces[i]);
  to_server.borrow(pieces.back());  // from the old name's end on
  used = std::min(size, part.size());
  body_left_ = size - used;
  body_dropped_ = false;
  return after::go_on;
}

// `definition`: what follows the name in a Parse.
void relay::put_parse(std::string_view name, std::string_view definition, const entry& made) {
  auto& own = to_server.own();
  char header[pgwire::header_bytes] = {'P'};
  pgwire::store_u32(header + 1,
                    static_cast<std::uint32_t>(4 + name.size() + 1 + definition.size()));
  own.append(header, sizeof header);
  own.append(name).push_back('\0');
  own.append(definition);
  queue_.push(made);
}

void relay::put_unnamed() {
  put_parse("", unnamed_.body,
            {.kind = entry_kind::parse, .why = purpose::unnamed, .serial = unnamed_.serial});
  server_->unnamed = unnamed_.serial;
}

void relay::put_close(std::uint32_t statement) {
  pgwire::append_close(to_server.own(), pgwire::target_kind::statement, name_on_servers(statement));
  queue_.push({.kind = entry_kind::close, .why = purpose::evict, .statement = statement});
}

// Before the statement is prepared: what the server has of it, or one that has to go for it, is closed. Close of what is
// not there is no error.
void relay::make_room(shared_statement& s) {
  if (server_->prepared.find(s)) put_close(s.id);
  if (const auto gone = server_->prepared.add(s, shared_.statements.epoch)) put_close(*gone);
}

void relay::put_prepare(shared_statement& s) {
  make_room(s);
  if (!s.from_sql)
    return put_parse(s.name, s.definition,
                     {.kind = entry_kind::parse, .why = purpose::prepare, .statement = s.id});
  put_parse("", s.sql_text() + std::string("\0\0\0", 3),
            {.kind = entry_kind::parse, .why = purpose::prepare, .statement = s.id});
  server_->unnamed = 0;
  static_cast<void>(pgwire::append_bind(to_server.own(), {}));
  queue_.push({.kind = entry_kind::bind, .why = purpose::prepare, .statement = s.id});
  pgwire::append_execute(to_server.own(), "");
  queue_.push({.kind = entry_kind::execute, .why = purpose::prepare, .statement = s.id});
}

// The server has the statement, at least as fresh as the client's own Parse, and of the rows that the client knows; else
// that is brought about now, and the rest waits. If it fails the client gets the error: in place of its Query (`simple`),
// or as that of its extended message.
// The client asks for the columns that it was told, of a statement that was prepared here after the table had changed and
// whose columns Fairing did not know: PostgreSQL would have kept the old plan and refused it. True: the client has that.
bool relay::columns_changed(const entry& e, const pgwire::error_view& error) {
  if (!e.renamed || error.sqlstate != pgwire::code(pgwire::sqlstate::protocol_violation) ||
      !error.message.starts_with("bind message has ") || !error.message.ends_with(" columns"))
    return false;
  const auto as = cached_plan();
  pgwire::append_error(
      to_client.own(),
      {.code = as.code, .message = as.message, .detail = error.message, .routine = as.routine});
  ++shared_.statements.epoch;
  return true;
}

// The client's settings are others now than those under which it prepared the statement: prepared here, it would mean
// something else to those who share it.
void relay::keep_scope(named& n) {
  if (n.shared->scope.starts_with(private_mark)) return;
  if (in_flux()) {
    prepared_in_flux_ = true;
    return;
  }
  const auto now = scope(n.shared->definition);
  if (pinned_ || without_path(n.shared->scope) == without_path(now)) return;
  auto* own = shared_.statements.take(n.shared->definition, n.shared->from_sql, now);
  if (!own) return;  // no room: as it was
  own->what = n.shared->what;
  if (own->shape == shared_statement::unknown_shape) {
    own->shape = n.shared->shape;
    own->shape_epoch = n.shared->shape_epoch;
  }
  shared_.statements.give(*n.shared);
  n.shared = own;
  n.verified = 0;
}

relay::after relay::prepare_on_server(named& n, bool simple) {
  // What the server has is known once they are answered: they may be skipped.
  if (earlier_statements_ > 0) return after::wait;
  if (stale(n)) return after::go_on;  // it will be refused
  renew(n.shared->what, n.shared->definition);
  if (!server_->prepared.find(*n.shared)) keep_scope(n);
  auto& s = *n.shared;
  const auto* held = server_->prepared.find(s);
  const bool there = held && held->epoch >= n.epoch;
  if (there && (held->epoch <= n.verified || s.shape == shared_statement::unknown_shape))
    return after::go_on;
  if (!there) put_prepare(s);
  const bool flush = unsynced_;
  pgwire::append_describe(to_server.own(), pgwire::target_kind::statement, s.name);
  shared_.statements.retain(s);
  queue_.push({.kind = entry_kind::describe_statement,
               .why = purpose::prepare,
               .ends_wait = flush,
               .shared = &s});
  preparing_simple_ = simple;
  prepare_failed_ = false;
  waiting_ = true;
  if (flush) {
    pgwire::append_flush(to_server.own());
  } else {
    pgwire::append_sync(to_server.own());
    queue_.push({.kind = entry_kind::sync, .why = purpose::prepare, .ends_wait = true});
  }
  return after::wait;
}

// Who prepares and never closes is told so, and not the others: of the pool's memory a client has its part. Added up only
// where that may be too much.
std::optional<relay::refusal> relay::refused_name(std::string_view definition) const {
  constexpr std::string_view hint = "close those that are not needed any more";
  const auto& limits = shared_.statements.limits();
  if (names_.size() >= limits.a_client)
    return refusal{pgwire::sqlstate::limit_exceeded, "this client has too many prepared statements",
                   std::string(hint)};
  auto bytes = statement_table::bytes_of(definition);
  if (names_.empty() || shared_.statements.bytes() + bytes <= limits.a_client_bytes)
    return std::nullopt;
  for (const auto& [name, n] : names_) bytes += statement_table::bytes_of(n.shared->definition);
  if (bytes <= limits.a_client_bytes) return std::nullopt;
  return refusal{pgwire::sqlstate::limit_exceeded,
                 "this client's prepared statements take too much memory", std::string(hint)};
}

relay::refusal relay::no_memory() {
  return {pgwire::sqlstate::out_of_memory, "the pool's prepared statements take too much memory",
          "close statements that are not needed any more"};
}

relay::after relay::parse_named(std::string_view message, std::string_view name, const effects& e) {
  if (unsettled(name) || earlier_statements_ > 0) return after::wait;
  std::size_t used = 0;
  if (names_.contains(name)) {
    // What is wrong with the text itself comes before.
    queue_.push({.kind = entry_kind::parse, .why = purpose::unnamed});
    if (const auto next = put_renamed(message, "", message.size(), used); next != after::go_on)
      return next;
    return refuse({pgwire::sqlstate::duplicate_statement,
                   "prepared statement \"" + std::string(name) + "\" already exists",
                   {}},
                  message);
  }
  const auto definition = message.substr(pgwire::header_bytes + name.size() + 1);
  if (auto no = refused_name(definition)) return refuse(std::move(*no), message);
  auto* s = shared_.statements.take(definition, false, scope(definition));
  if (!s) return refuse(no_memory(), message);
  s->what = e;
  const auto epoch = shared_.statements.epoch;
  const auto* held = server_->prepared.find(*s);
  unsynced_ = true;
  if (!held || held->epoch != epoch) {
    make_room(*s);
    queue_.push({.kind = entry_kind::parse, .statement = s->id});
    change_name(queue_.back(), std::string(name), {s, epoch, epoch});
    return put_renamed(message, s->name, message.size(), used);
  }
  if (queue_.ready_due() == 0 && server_->status != transaction_status::failed) {
    queue_.push({.kind = entry_kind::parse, .why = purpose::answered});
    change_name(queue_.back(), std::string(name), {s, epoch, epoch});
    answer_heads();
    return after::go_on;
  }
  // In a failed transaction, or one that may have failed by then, Parse is an error: let the server decide.
  queue_.push({.kind = entry_kind::parse, .serial = ++shared_.last_serial});
  server_->unnamed = shared_.last_serial;
  change_name(queue_.back(), std::string(name), {s, epoch, epoch});
  return put_renamed(message, "", message.size(), used);
}

}  // namespace fairing::sql
