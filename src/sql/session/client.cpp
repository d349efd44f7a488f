#include "sql/session/client.hpp"

#include <sys/socket.h>

#include "base/hash.hpp"
#include "base/log.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "sql/session/pool.hpp"

namespace fairing::sql {

using pgwire::sqlstate;

namespace {
constexpr std::size_t most_waiting_bytes = 256 * 1024;  // read ahead of a client that waits
constexpr std::size_t last_bytes = 1 << 20;             // read and dropped at the end

void append_state(std::string& out, const server_error& e, std::string_view what) {
  if (!e.known()) return;
  out += what;
  out += e.message;
}
}  // namespace

client::client(client_seed seed, pgwire::backend_key key)
    : pool_(std::move(seed.pool)),
      core_(pool_->home.core),
      key_(key),
      stream_(core_, std::move(seed.socket)),
      out_(core_),
      greeting_(std::move(seed.greeting)),
      early_(std::move(seed.bytes)),
      application_name_(std::move(seed.application_name)),
      asked_(std::move(seed.settings)),
      address_(std::move(seed.address)),
      relayed_(std::move(seed.relayed)) {
  if (seed.tls) stream_.set_tls(std::move(seed.tls));
  out_.open(stream_, pool_->runtime()->config.limits.client_write);
  if (pool_->transaction_mode())
    relay_.emplace(pool_->shared, static_cast<relay_hooks&>(*this), key_.pid, first_settings());
  else
    raw_.emplace();
  pool_->add(*this);
}

client::~client() {
  pool_->remove(*this);
  pool_->plane.keys.remove(key_.pid);
  pool_->plane.connections.fetch_sub(1, std::memory_order_relaxed);
}

void client::start(client_seed seed) {
  const auto pool = seed.pool;
  const auto key = pool->plane.keys.add(pool);
  if (!key) {  // no random bytes: nothing that is safe can be done
    pool->expected.fetch_sub(1);
    pool->plane.connections.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  auto* made = new client(std::move(seed), *key);
  net::spawn([](client* c) -> net::task<void> {
    const std::unique_ptr<client> owned(c);
    co_await owned->run();
  }(made));
}

net::task<void> client::run() {
  const bool in = co_await welcome();
  if (in && !early_.empty()) read_bytes(std::exchange(early_, {}));
  auto& scratch = pool_->home.scratch;
  while (in && !over_) {
    if (server_ && server_->out.backlogged()) {
      co_await server_->out.drained();
      continue;
    }
    if (out_.backlogged()) {
      co_await out_.drained();
      continue;
    }
    if (must_pause()) {
      net::event more(core_);
      paused_ = &more;
      co_await more.wait();
      paused_ = nullptr;
      continue;
    }
    net::io_result r;
    if (stream_.is_tls())
      r = co_await stream_.read_some(scratch);
    else
      r = co_await stream_.read_plain(scratch);
    if (!r.ok() || r.bytes == 0) {
      gone_ = !over_;
      break;
    }
    if (!over_) read_bytes({scratch.data(), r.bytes});
  }
  finish();
  if (server_) part();
  out_.settle();
  if (gone_) stream_.close();
  while (out_.backlogged()) co_await out_.drained();
  // Unread bytes would turn the close into a reset, which overtakes what was said last.
  stream_.shutdown_send();
  for (std::size_t seen = 0; stream_.is_open() && seen < last_bytes;) {
    const auto n = ::recv(stream_.native(), scratch.data(), scratch.size(), MSG_DONTWAIT);
    if (n <= 0) break;
    seen += static_cast<std::size_t>(n);
  }
  stream_.close();
}

bool client::must_pause() const noexcept {
  return in_.size() >= most_waiting_bytes && (queued() || waiting_answer_);
}

bool client::within_answer() const noexcept {
  return relay_ ? relay_->within_answer() : raw_->within_answer();
}

bool client::farewell() const noexcept { return relay_ ? relay_->farewell() : raw_->farewell(); }

bool client::in_flight() const noexcept {
  return relay_ ? relay_->in_flight() || !relay_->quiet() : raw_->in_flight();
}

std::string_view client::state() const noexcept {
  if (queued() || welcoming_) return "waiting";
  if (!server_) return "idle";
  if (in_flight()) return "active";
  if (relay_ ? relay_->in_transaction() : raw_->in_transaction()) return "in transaction";
  return relay_ && !relay_->lingers() ? "pinned" : "idle";
}

void client::read_bytes(std::string_view fresh) { process(in_.join(fresh)); }

void client::process(std::string_view bytes) {
  std::size_t used = 0;
  first_ = bytes.data();
  waiting_answer_ = false;
  while (!over_) {
    auto rest = bytes.substr(used);
    if (skip_.active()) {
      used += skip_.skip(rest);
      if (skip_.ready()) {
        std::string ready;
        pgwire::append_ready_for_query(ready, pgwire::transaction_status::idle);
        out_.put(ready);
      }
      if (skip_.active()) break;
      continue;
    }
    if (queued() || given_up_) break;
    if (raw_) {
      used += process_session(rest);
      break;
    }
    std::size_t taken = 0;
    // There is no place for more where others stand behind.
    const bool alone = !server_ || !server_->session.ahead_is_next || !server_->next_holder();
    if (!alone) rest = rest.substr(0, sent_ahead_);
    const auto next = relay_->from_client(rest, taken, now().mono);
    flush();
    used += taken;
    if ((next == step::lease && lease()) || (!alone && taken > 0 && used < bytes.size())) continue;
    waiting_answer_ = next == step::wait;
    if (next == step::close) finish();
    break;
  }
  in_.keep(bytes, over_ ? bytes.size() : used);
  mark();
  if (paused_ && !must_pause()) paused_->set();
}

std::size_t client::process_session(std::string_view bytes) {
  if (!server_) return bytes.size();
  const auto n = raw_->from_client(bytes);
  batch_.borrow(bytes.substr(0, n));
  server_->out.put(batch_, pool_->home.writes);
  if (raw_->faulty())
    end(sqlstate::protocol_violation, "a message of unknown type or wrong length");
  else if (raw_->ended())
    finish();
  return n;
}

// True: there is something to go on with, a server or a refusal.
bool client::lease() {
  if (relay_) state_id = relay_->state_id();
  const auto a = pool_->acquire(*this);
  switch (a.kind) {
    case pool::acquire_kind::granted:
      pool_->probe.waited({});
      take(static_cast<server&>(*a.to));
      return true;
    case pool::acquire_kind::waiting:
      return false;
    case pool::acquire_kind::refused:
      pool_->probe.refused(a.why, {});
      refused(a.why, {});
      return false;
  }
  return false;
}

void client::take(server& s) {
  server_ = &s;
  s.serve(*this);
  if (relay_) relay_->attach(s.session);
}

void client::granted(server& s) {
  take(s);
  if (!s.session.ahead_is_next) sent_ahead_ = 0;
  if (welcoming_) return welcoming_->set();
  advance();
}

void client::refused(pool::refusal why, pool::microseconds waited) {
  given_up_ = false;
  auto state = sqlstate::too_many_connections;
  std::string message;
  std::string hint;
  const auto& last = pool_->last_error();
  switch (why) {
    case pool::refusal::timeout:
      message = "no server came free within " +
                std::to_string(std::chrono::duration_cast<milliseconds>(waited).count()) + " ms";
      hint = "Fairing's sql.pool.size is " + std::to_string(pool_->runtime()->pool_size) +
             ": raise it, or look for transactions that are held open (SHOW CLIENTS)";
      if (last.postgres_is_full()) hint = last.hint;
      append_state(hint, last, "; PostgreSQL said last: ");
      break;
    case pool::refusal::paused:
      state = sqlstate::cannot_connect_now;
      message = "the database is paused from Fairing's console";
      hint = "RESUME there ends the pause";
      break;
    case pool::refusal::queue_full:
      message = "too many clients wait for a server already";
      hint = "Fairing's sql.pool.max_waiting is reached; sql.pool.size is " +
             std::to_string(pool_->runtime()->pool_size);
      break;
    case pool::refusal::draining:
      state = sqlstate::admin_shutdown;
      message = "Fairing is shutting down";
      break;
    case pool::refusal::server_refuses:
    case pool::refusal::none:
      if (last.known()) {
        if (welcoming_) {
          last.append_fatal(refusal_);
          return welcoming_->set();
        }
        state = pgwire::sqlstate_from_code(last.sqlstate).value_or(sqlstate::unable_to_connect);
        message = last.message;
        hint = last.hint;
      } else {
        state = sqlstate::unable_to_connect;
        message = "no server connection could be opened";
      }
      break;
  }
  if (welcoming_) {
    pgwire::append_error(refusal_,
                         {.code = state, .severity = "FATAL", .message = message, .hint = hint});
    return welcoming_->set();
  }
  refuse(state, message, hint);
}

// The statement that waits is over; the client stays.
void client::refuse(sqlstate code, std::string_view message, std::string_view hint) {
  std::string text;
  pgwire::append_error(text, {.code = code, .message = message, .hint = hint});
  out_.put(text);
  skip_.begin();
  // Later: this may be called from within the pool's machine, which must not be asked again now.
  core_.post([pool = pool_, id = id()] {
    if (auto* c = pool->find(id)) c->advance();
  });
}

void client::flush() {
  auto& scratch = pool_->home.writes;
  if (!relay_->to_server.empty()) {
    if (server_) {
      if (server_->session.ahead > 0) flush_behind_ahead();
      server_->out.put(relay_->to_server, scratch);
    } else {
      relay_->to_server.clear();
    }
  }
  // Where others stand behind, their answers may be in what was read with this one.
  const bool others = server_ && server_->session.ahead > 0;
  out_.put(relay_->to_client, scratch, others ? sending::at_turn_end : sending::with_others);
}

// Its server has the first bytes of clients that stand behind it; or, as it was one of those, of its own.
void client::flush_behind_ahead() {
  auto& s = *server_;
  const auto n = std::exchange(sent_ahead_, 0);
  // What it needs may be something else, or more than there is place for before those of others.
  if (!s.session.ahead_is_next || n == 0 ||
      (s.next_holder() && !relay_->to_server.is({first_, n})) ||
      !relay_->to_server.drop_front(first_, n))
    return pool_->call_back(s);
  s.session.ahead_is_next = false;
  --s.session.ahead;
  s.ahead_since = now().mono;
}

std::string_view client::send_ahead(const server_session& s) {
  if (!relay_ || welcoming_ || over_ || skip_.active()) return {};
  const auto bytes = in_.view();
  sent_ahead_ = relay_->sendable_ahead(bytes, s);
  return bytes.substr(0, sent_ahead_);
}

std::size_t client::from_server(server& s, std::string_view bytes) {
  if (raw_) return session_answer(s, bytes);
  const auto p = relay_->from_server(bytes, now().mono);
  flush();
  // A byte more than was asked for: whose it is cannot be known.
  if (p.broken || (p.released && p.taken < bytes.size() && !s.session.ahead_is_next)) {
    // The relay has told the client why, unless PostgreSQL has.
    relay_->detach();
    server_ = nullptr;
    s.user = nullptr;
    s.fault(farewell() ? pool::close_reason::server_gone : pool::close_reason::protocol_doubt);
    finish();
    return p.taken;
  }
  mark();
  if (p.released)
    release();
  else if (s.session.ahead_is_next)
    pool_->call_back(s);  // before anything more is sent there
  if (welcoming_ && relay_->start_learned()) welcoming_->set();
  if (p.proceed) advance();
  if (pool_->plane.draining.load(std::memory_order_relaxed)) begin_drain();
  return p.taken;
}

std::size_t client::session_answer(server& s, std::string_view bytes) {
  std::size_t taken = 0;
  const auto before = raw_->answers();
  const bool good = raw_->from_server(bytes, batch_, taken);
  out_.put(batch_, pool_->home.writes, sending::with_others);
  mark();
  if (raw_->answers() != before) restart_limit();
  if (!good)
    s.fault(pool::close_reason::protocol_doubt);
  else if (pool_->plane.draining.load(std::memory_order_relaxed))
    begin_drain();
  return taken;
}

void client::let_go(mono_time since) {
  if (!over_ && relay_ && relay_->lingers() && relay_->idle_since() <= since) release();
}

void client::leave_nothing() {
  if (last_ && last_ != server_) pool_->scrub(last_);
  last_ = nullptr;
}

void client::release() {
  auto& s = *server_;
  if (relay_ && relay_->touched_sequences()) favourite = static_cast<const pool::server*>(&s);
  server_ = nullptr;
  last_ = &s;
  if (relay_) relay_->detach();
  s.leave();
  pool_->give_back(s);
}

void client::lost() {
  // In the middle of a row there is no place for an error: the end of the connection tells.
  const bool torn = within_answer();
  server_ = nullptr;
  if (relay_) relay_->detach();
  std::string text;
  if (!torn && !farewell())  // else the client was shown PostgreSQL's own words
    pgwire::append_error(text,
                         {.code = sqlstate::connection_failure,
                          .severity = "FATAL",
                          .message = "the server connection broke while it was in use",
                          .hint = "the outcome of what was under way is not known; connect again"});
  if (!over_) out_.put(text);
  finish();
}

void client::end(sqlstate code, std::string_view message, std::string_view hint) {
  if (over_) return;
  std::string text;
  if (!within_answer())
    pgwire::append_error(text,
                         {.code = code, .severity = "FATAL", .message = message, .hint = hint});
  out_.put(text);
  finish();
}

void client::finish() {
  if (queued()) pool_->leave_queue(*this);
  if (std::exchange(over_, true)) return;
  if (stream_.is_open()) ::shutdown(stream_.native(), SHUT_RD);  // its reader goes on to the end
  if (paused_) paused_->set();
  if (welcoming_) welcoming_->set();
  if (server_) server_->out.rouse();  // its reader may wait for PostgreSQL to take what it has read
}

// The client is gone, or was sent away; its server must be nobody's again, or closed.
void client::part() {
  if (relay_ && relay_->lingers()) return release();
  auto& s = *server_;
  const bool flight = in_flight();
  const bool open = relay_ ? relay_->in_transaction() : raw_->in_transaction();
  server_ = nullptr;
  if (relay_) relay_->detach();
  const bool ready = s.what() == server::duty::serving;
  s.leave();
  if (flight) s.cancel();  // nobody wants the answer
  if (flight || !ready || s.stray()) {
    pool_->discard(s, pool::close_reason::client_gone);
    return s.begin_close(false);
  }
  if (relayed_) {  // PostgreSQL let this client in, and nobody else
    pool_->discard(s, pool::close_reason::session_over);
    return s.begin_close(true);
  }
  if (s.session.links) {
    pool_->discard(s, pool::close_reason::reset_failed);
    return s.begin_close(true);
  }
  if (open)
    s.clean({"ROLLBACK", "DISCARD ALL"});
  else
    s.clean({"DISCARD ALL"});
}

void client::begin_drain() {
  if (queued() || welcoming_ || !in_.empty() || over_) return;
  // With a server and nothing under way: a session, or pinned. It would stay for as long as it likes.
  if (server_ && (in_flight() || (relay_ ? relay_->in_transaction() : raw_->in_transaction())))
    return;
  end(sqlstate::admin_shutdown, "Fairing is shutting down");
}

bool client::keep(std::optional<pool::pin_reason> reason) {
  if (!server_) return false;
  auto& machine = pool_->machine();
  if (reason) {
    const bool kept = machine.try_pin(*server_, *reason);
    if (kept)
      pool_->probe.pinned(*reason);
    else
      pool_->probe.pin_refused();
    return kept;
  }
  for (std::size_t i = 0; i < pool::pin_reasons; ++i)
    if (const auto r = static_cast<pool::pin_reason>(i); server_->pinned_for(r))
      (void)machine.unpin(*server_, r);
  return true;
}

pin_use client::pins() const {
  const auto& machine = pool_->machine();
  return {.now = machine.pinned_in_all(),
          .most = machine.max_pinned(),
          .session_listen = !pool_->runtime()->config.session_listen.empty()};
}

void client::done(const statement_done& d) {
  (d.failed ? pool_->queries_failed : pool_->queries).add();
  if (d.ended_us - d.began_us >= 1000 * pool_->runtime()->config.slow.count()) slow(d);
  restart_limit();
}

// The template says which statement it is, and gives away no values.
void client::slow(const statement_done& d) {
  pool_->queries_slow.add();
  auto* watch = pool_->shared.watch;
  const auto text = watch ? watch->slow_news(d.ids, d.ended_us) : std::string_view();
  // Other cores may have had it as well.
  if (text.empty() || !pool_->plane.is_news("slow " + std::to_string(hash64(text, 0)))) return;
  log::info("sql_slow_query", {{"template", text},
                               {"duration_ms", static_cast<double>(d.ended_us - d.began_us) / 1000},
                               {"rows", d.rows},
                               {"route", watch->route_name(d.ids)},
                               {"user", pool_->key.user},
                               {"database", pool_->key.database}});
}

}  // namespace fairing::sql
