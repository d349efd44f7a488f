// What may be sent to a server before the statement before it is answered (ADR 27): one transaction that only reads.
#include "codec/pgwire/client_messages.hpp"
#include "sql/logic/relay.hpp"

namespace fairing::sql {

using pgwire::client_type;
using pgwire::header_bytes;
using pgwire::transaction_status;

namespace {
constexpr std::size_t longest = 4096;  // what is longer is not held up by a round trip

// The whole message at the beginning of `bytes` if it is of that type; else empty.
std::string_view message_of(client_type type, std::string_view bytes) {
  if (bytes.size() < header_bytes || bytes[0] != static_cast<char>(type)) return {};
  const auto length = pgwire::load_u32(bytes.data() + 1);
  if (length < 4 || length >= bytes.size()) return {};
  return bytes.substr(0, length + 1UL);
}

std::string_view body_of(std::string_view message) { return message.substr(header_bytes); }

// Behind an unnamed Parse: Bind, perhaps Describe, Execute, all unnamed, and Sync. Their size; 0: something else.
std::size_t size_of_unnamed_rest(std::string_view bytes) {
  const auto bind = message_of(client_type::bind, bytes);
  if (bind.size() < header_bytes + 2 || bind[header_bytes] != '\0' ||
      bind[header_bytes + 1] != '\0')
    return 0;
  std::size_t used = bind.size();
  if (const auto m = message_of(client_type::describe, bytes.substr(used)); !m.empty()) {
    const auto target = pgwire::read_describe(body_of(m));
    if (!target || !target->name.empty()) return 0;
    used += m.size();
  }
  const auto execute = message_of(client_type::execute, bytes.substr(used));
  if (execute.empty()) return 0;
  const auto wanted = pgwire::read_execute(body_of(execute));
  if (!wanted || !wanted->portal.empty() || wanted->max_rows != 0) return 0;
  used += execute.size();
  const auto sync = message_of(client_type::sync, bytes.substr(used));
  return sync.empty() ? 0 : used + sync.size();
}
}  // namespace

std::size_t relay::sendable_ahead(std::string_view bytes, const server_session& s) {
  const bool own_settings = s.unlisted_of == 0 || s.unlisted_of == serial_;
  if (server_ || over_ || in_flight() || body_left_ > 0 || drop_query_ || state_unknown_ ||
      in_flux() || s.applied != wanted_ || !own_settings || shared_.escapes ||
      shared_.functions.missing())
    return 0;
  bytes = bytes.substr(0, longest);
  if (const auto query = message_of(client_type::query, bytes);
      query.size() > header_bytes && query.back() == '\0')
    return shared_.effects.of(body_of(query.substr(0, query.size() - 1))).reads ? query.size() : 0;
  const auto parse = message_of(client_type::parse, bytes);
  if (parse.empty()) return 0;
  const auto parsed = pgwire::read_parse(body_of(parse));
  if (!parsed || !parsed->name.empty()) return 0;
  const auto rest = size_of_unnamed_rest(bytes.substr(parse.size()));
  return rest > 0 && shared_.effects.of(parsed->sql).reads ? parse.size() + rest : 0;
}

bool relay::may_be_followed() noexcept {
  if (!server_ || server_->ahead_is_next || server_->status != transaction_status::idle ||
      queue_.ready_due() != 1 || unsynced_ || waiting_ || pending_ || skipping_ || body_left_ > 0 ||
      strange_ || pinned_ || kept_ || ask_state_ || ddl_ || functions_changed_ || learning_ ||
      in_flux() || (made_values_ && shared_.reads_sequences))
    return false;
  for (std::size_t i = 0; i < queue_.size(); ++i) {
    const auto& e = queue_.at(i);
    if (e.why > purpose::answered || e.refused || is_strange(e)) return false;
  }
  // Behind an error PostgreSQL skips all up to a Sync, Queries too.
  return queue_.back().kind == entry_kind::sync ||
         (queue_.size() == 1 && queue_.back().kind == entry_kind::query);
}

// The client has all of its answers, and what comes next is to what was sent ahead.
void relay::end_before_ahead(progress& p) {
  server_->ahead_is_next = true;
  // Not what was foreseen: what was sent ahead runs in this client's transaction.
  if (server_->status != transaction_status::idle)
    doubt(p, "a statement left a transaction open that cannot do so");
  else
    settle(p);
}

}  // namespace fairing::sql
