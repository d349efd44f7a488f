#include "sql/session/server.hpp"

#include <algorithm>
#include <utility>

#include "codec/pgwire/client_writer.hpp"
#include "codec/pgwire/server_messages.hpp"
#include "net/liveness.hpp"
#include "sql/session/client.hpp"
#include "sql/session/pool.hpp"

namespace fairing::sql {

using pgwire::header_bytes;
using pgwire::server_type;

namespace {
constexpr std::size_t most_statements = 500;  // prepared on one server
constexpr milliseconds close_time{1000};      // PostgreSQL's, to end its side
constexpr milliseconds clean_time{10'000};
constexpr std::size_t longest_stray = 64 * 1024;
// DISCARD ALL, as PostgreSQL's documentation spells it out, without DEALLOCATE ALL and DISCARD PLANS.
constexpr std::string_view scrubbing =
    "CLOSE ALL;SET SESSION AUTHORIZATION DEFAULT;RESET ALL;UNLISTEN *;"
    "SELECT pg_catalog.pg_advisory_unlock_all();DISCARD TEMP;DISCARD SEQUENCES";
}  // namespace

server::server(sql_pool& p)
    : owner(p), core(p.home.core), out(core), session(p.shared.settings.none(), most_statements) {
  core.watch(*this);
}

server::~server() = default;

// False: it was destroyed.
net::task<bool> server::open() {
  const auto runtime = owner.runtime();
  const auto& key_of_pool = owner.key;
  credential_ptr secret;
  if (const auto at = runtime->users.find(key_of_pool.user); at != runtime->users.end())
    secret = at->second;
  else
    secret = owner.plane.secrets.last_told(key_of_pool.user);
  auto opened = co_await open_server(
      owner.home, runtime,
      {key_of_pool.user, key_of_pool.database, key_of_pool.parameters, std::move(secret)},
      now().mono + runtime->config.limits.connect);
  if (!opened.stream) {
    owner.open_failed(*this, opened.error);  // destroys this
    co_return false;
  }
  stream = std::move(opened.stream);
  key = opened.key;
  session.pid = key.pid;
  for (const auto& [name, value] : opened.status)
    if (name == "standard_conforming_strings") session.escapes_by_start = value == "off";
  session.escapes = session.escapes_by_start;
  owner.shared.escapes |= session.escapes;
  out.open(*stream);
  duty_ = duty::idle;
  owner.opened(*this, opened);
  co_return true;
}

net::task<bool> server::wait_for_login() {
  net::event over(core);
  login_over_ = &over;
  duty_ = duty::login;
  owner.opened(*this, {});
  while (duty_ == duty::login) co_await over.wait();
  login_over_ = nullptr;
  co_return duty_ == duty::serving;
}

void server::logged_in(pgwire::backend_key k) {
  key = k;
  session.pid = k.pid;
  out.open(*stream);
  duty_ = duty::serving;
  if (login_over_) login_over_->set();
}

void server::login_failed() {
  user = nullptr;
  owner.discard(*this, pool::close_reason::open_failed);
  duty_ = duty::closing;
  if (login_over_) login_over_->set();
}

net::task<void> server::run() {
  co_await net::yield(core);  // the pool wants its answer later
  bool on = false;
  if (owner.key.relayed) {
    on = co_await wait_for_login();
  } else {
    on = co_await open();
    if (!on) co_return;
  }
  while (on) {
    net::io_result r;
    if (stream->is_tls())
      r = co_await stream->read_some(owner.home.scratch);
    else
      r = co_await stream->read_plain(owner.home.scratch);
    if (!r.ok() || r.bytes == 0) break;
    on_bytes({owner.home.scratch.data(), r.bytes});
    // A client that reads slowly stops PostgreSQL, not this process' memory.
    while (user && user->out().backlogged()) co_await user->out().drained();
  }
  fault(pool::close_reason::server_gone);
  if (stream) stream->close();
  while (out.backlogged()) co_await out.drained();
  if (cancels > 0) {
    net::event over(core);
    cancels_over_ = &over;
    while (cancels > 0) co_await over.wait();
  }
  owner.gone(*this);  // destroys this
}

void server::serve(client& c) noexcept {
  user = &c;
  if (duty_ != duty::login) duty_ = duty::serving;
  busy_since = overdue_since = idle_since = mono_time::max();
  used_us = 0;
}

void server::leave() noexcept {
  user = nullptr;
  if (duty_ == duty::serving) duty_ = duty::idle;
  busy_since = overdue_since = idle_since = mono_time::max();
}

void server::on_bytes(std::string_view fresh) {
  if (stray() && duty_ != duty::closing) return serve_bytes(fresh);
  switch (duty_) {
    case duty::serving:
      return serve_bytes(fresh);
    case duty::cleaning:
      return clean_bytes(fresh);
    case duty::idle:
      return idle_bytes(fresh);
    case duty::opening:
    case duty::login:
    case duty::closing:
      return;
  }
}

// What is behind the last answer to one client is its next client's, or nobody's.
void server::serve_bytes(std::string_view fresh) {
  const auto bytes = in_.join(fresh);
  std::size_t used = 0;
  bool more = true;
  while (more && duty_ != duty::closing) {
    const auto rest = bytes.substr(used);
    const auto* const before = user;
    if (stray()) {
      used += drop_stray(rest);
      more = !stray();
      if (more) back_if_due();
    } else {
      used += user->from_server(*this, rest);
      if (session.ahead_is_next && duty_ != duty::closing) owner.call_back(*this);
      more = stray() || user != before;
    }
    more = more && used < bytes.size() && (stray() || duty_ == duty::serving);
  }
  in_.keep(bytes, duty_ == duty::closing ? bytes.size() : used);
  if (duty_ == duty::idle && !stray() && !in_.empty()) idle_bytes({});
}

void server::begin_stray() noexcept {
  session.ahead_is_next = false;
  session.unnamed = 0;  // a Query or a Parse of somebody else's ends the unnamed statement
  stray_ = std::exchange(session.ahead, 0);
  stray_left_ = 0;
}

// Each up to its ReadyForQuery. How many bytes are done with.
std::size_t server::drop_stray(std::string_view bytes) {
  std::size_t used = 0;
  while (stray() && used < bytes.size()) {
    const auto rest = bytes.substr(used);
    if (stray_left_ > 0) {
      const auto n = std::min(stray_left_, rest.size());
      stray_left_ -= n;
      used += n;
      continue;
    }
    if (rest.size() < header_bytes) break;
    const auto& rule = pgwire::rule_of(pgwire::direction::from_server, rest[0]);
    const auto length = pgwire::load_u32(rest.data() + 1);
    if (length < rule.min_length || length > rule.max_length) {
      fault(pool::close_reason::protocol_doubt);
      break;
    }
    const auto size = length + 1UL;
    if (static_cast<server_type>(rest[0]) != server_type::ready_for_query) {
      stray_left_ = size;
      continue;
    }
    if (rest.size() < size) break;
    used += size;
    --stray_;
    if (rest[header_bytes] != static_cast<char>(pgwire::transaction_status::idle))
      fault(pool::close_reason::protocol_doubt);
  }
  return used;
}

void server::back_if_due() {
  if (cancels == 0 && !stray() && duty_ == duty::idle && std::exchange(give_back_later, false))
    owner.give_back(*this);
}

// PostgreSQL may speak of its own accord: a notice, a changed parameter, its farewell.
void server::idle_bytes(std::string_view fresh) {
  const auto bytes = in_.join(fresh);
  std::size_t used = 0;
  while (bytes.size() - used >= header_bytes) {
    const auto rest = bytes.substr(used);
    const auto size = pgwire::load_u32(rest.data() + 1) + 1UL;
    const auto type = static_cast<server_type>(rest[0]);
    const bool harmless =
        type == server_type::notice_response || type == server_type::parameter_status;
    if (type == server_type::error_response && rest.size() < size && size < longest_stray) break;
    if (type == server_type::error_response && rest.size() >= size && size > header_bytes)
      if (const auto e = pgwire::read_error(rest.substr(header_bytes, size - header_bytes));
          e && e->fatal())
        return fault(pool::close_reason::server_gone);
    if (!harmless || size < header_bytes || size > longest_stray)
      return fault(pool::close_reason::protocol_doubt);
    if (rest.size() < size) break;
    if (type == server_type::parameter_status)
      note_reading(rest.substr(header_bytes, size - header_bytes));
    used += size;
  }
  in_.keep(bytes, used);
}

// The server's configuration has changed.
void server::note_reading(std::string_view message) {
  const auto told = pgwire::read_parameter_status(message);
  if (!told || told->name != "standard_conforming_strings") return;
  session.escapes = session.escapes_by_start = told->value == "off";
  owner.shared.escapes |= session.escapes;
}

void server::scrub() {
  unclean = false;
  scrubs_ = true;
  clean({scrubbing});
}

void server::clean(std::initializer_list<std::string_view> statements, bool keep) {
  duty_ = duty::cleaning;
  keep_ = keep;
  scanner_ = pgwire::frame_scanner(pgwire::direction::from_server);
  ready_left_ = 0;
  out_batch batch;
  for (const auto s : statements) {
    if (!pgwire::append_query(batch.own(), s)) return fault(pool::close_reason::reset_failed);
    ++ready_left_;
  }
  // A message that began before cannot be told from an answer.
  if (!in_.empty()) return fault(pool::close_reason::protocol_doubt);
  out.put(batch, owner.home.writes);
  set_deadline(now().mono + clean_time);
}

void server::clean_bytes(std::string_view bytes) {
  const auto p = scanner_.scan(bytes);
  if (p.error != pgwire::errc::ok || p.types.has(server_type::error_response) ||
      p.ready > ready_left_)
    return fault(pool::close_reason::reset_failed);
  ready_left_ -= p.ready;
  if (ready_left_ > 0) return;
  if (!scanner_.at_boundary() || p.status != pgwire::transaction_status::idle)
    return fault(pool::close_reason::reset_failed);
  clear_deadline();
  session.status = pgwire::transaction_status::idle;
  if (keep_ && user) {
    duty_ = duty::serving;
    return user->cleaned();
  }
  session.applied = owner.shared.settings.none();
  if (!std::exchange(scrubs_, false)) session.prepared.clear();
  session.unnamed = session.unlisted_of = session.sequences_of = 0;
  session.escapes = session.escapes_by_start;
  user = nullptr;
  duty_ = duty::idle;
  owner.give_back(*this);
}

void server::fault(pool::close_reason why) {
  if (duty_ == duty::closing || duty_ == duty::opening || duty_ == duty::login) return;
  auto* c = user;
  user = nullptr;
  owner.discard(*this, why);
  begin_close(false);
  if (c) c->lost();
}

void server::begin_close(bool polite) noexcept {
  if (duty_ == duty::closing) return;
  duty_ = duty::closing;
  user = nullptr;
  if (login_over_) login_over_->set();
  if (!stream) return;
  if (polite) {
    std::string text;
    pgwire::append_terminate(text);
    out.put(text);
  }
  stream->shutdown_send();
  set_deadline(now().mono + close_time);
}

void server::on_deadline() {
  if (duty_ == duty::cleaning) return fault(pool::close_reason::reset_failed);
  if (duty_ == duty::closing && stream) stream->close();
}

void server::check_peer() {
  if (duty_ != duty::serving || !net::has_vanished(stream->native())) return;
  fault(pool::close_reason::server_gone);
  stream->close();  // nobody will
}

void server::cancel() {
  owner.call_back(*this);  // it could hit what was sent ahead
  ++cancels;
  net::spawn([](server* s) -> net::task<void> {
    co_await send_cancel(s->owner.home, s->owner.runtime(), s->key);
    if (--s->cancels > 0) co_return;
    if (s->cancels_over_) s->cancels_over_->set();
    s->back_if_due();
  }(this));
}

}  // namespace fairing::sql
