#include "sql/session/pool.hpp"

#include "base/hash.hpp"
#include "base/log.hpp"
#include "sql/session/client.hpp"

namespace fairing::sql {

namespace {
constexpr seconds forget_after{60};  // without clients
constexpr milliseconds pass_within{5};
constexpr milliseconds stand_behind{10};  // a client at most, before it is to be served elsewhere
// Where one of so many had to be, nothing is sent ahead for a while, twice as long each time.
constexpr std::uint32_t one_in_vain_of = 8;
constexpr milliseconds pause_least{100}, pause_most{10'000};
constexpr std::uint32_t looked_back = 1024;  // statements sent ahead
constexpr seconds peer_check_every{5};
constexpr milliseconds linger{1000};  // a server, for what its client may ask next
constexpr milliseconds linger_beside_waiters{10};

metrics::labels with(metrics::labels l, const char* name, std::string_view value) {
  l.emplace_back(name, std::string(value));
  return l;
}

metrics::counter queries_of(metrics::registry& r, const metrics::labels& l, const char* outcome) {
  return r.add_counter("fairing_sql_queries_total", "Statements that clients had run",
                       with(l, "outcome", outcome));
}

metrics::counter ahead_of(metrics::registry& r, const metrics::labels& l, const char* what) {
  return r.add_counter("fairing_sql_ahead_total",
                       "Statements sent to servers that still worked for another client; and those "
                       "of them that were served elsewhere, since that took too long",
                       with(l, "event", what));
}
}  // namespace

pool::micro_time pool_now() noexcept { return pool::at_us(precise_us()); }

pool::pool_options sql_pool::options_of(const sql_runtime& r, const pool_key& k) {
  const auto& c = r.config.pool;
  const auto pinned = static_cast<std::uint32_t>(c.max_pinned * r.pool_size);
  pool::pool_options o;
  o.size = r.pool_size;
  o.min_idle = k.relayed ? 0 : c.min_idle;
  o.max_waiters = c.max_waiting;
  o.max_pinned = std::max(1U, pinned);
  o.adapt = !c.concurrency && k.mode == pool_mode::transaction && !k.relayed;
  o.gather = c.gather;
  o.ahead = c.ahead != ahead_mode::never;
  o.always_ahead = c.ahead == ahead_mode::always && k.mode == pool_mode::transaction && !k.relayed;
  if (c.concurrency && k.mode == pool_mode::transaction) o.concurrency = *c.concurrency;
  o.wait_timeout = c.wait_timeout;
  o.idle_timeout = c.idle_timeout;
  o.max_lifetime = c.max_lifetime;
  return o;
}

sql_pool::sql_pool(plane_state& p, core_part& h, pool_key k, runtime_ptr r,
                   const metrics::labels& l)
    : plane(p),
      home(h),
      key(std::move(k)),
      shared(process_seed()),
      probe(p.registry, l),
      queries(queries_of(p.registry, l, "ok")),
      queries_failed(queries_of(p.registry, l, "error")),
      queries_slow(p.registry.add_counter("fairing_sql_slow_queries_total",
                                          "Statements that took longer than sql.slow", l)),
      sent_ahead(ahead_of(p.registry, l, "sent")),
      called_back(ahead_of(p.registry, l, "called_back")),
      runtime_(std::move(r)),
      secret_(p.secrets, key.user),
      machine_(options_of(*runtime_, key), p.budget, p.budget.join(*this), *this),
      // The probe's own metrics once more, for who asks without a scrape.
      wait_(p.registry.add_histogram("fairing_pool_wait_seconds",
                                     "How long clients waited for a server, 0 included", l)) {
  shared.user = key.user;
  shared.limits.statement_bytes = runtime_->config.limits.statement_bytes;
  shared.watch = home.watch.get();
  // Who logs in by relay is of any database.
  shared.effects.name_by(shared.watch, key.relayed ? std::string() : key.database);
  if (transaction_mode()) shared.functions.enable();
  for (std::size_t i = 0; i < closed_.size(); ++i)
    closed_[i] =
        p.registry.add_counter("fairing_pool_closed_total", "Servers closed, by reason",
                               with(l, "reason", pool::name(static_cast<pool::close_reason>(i))));
  for (std::size_t i = 0; i < pins_.size(); ++i)
    pins_[i] = p.registry.add_counter(
        "fairing_pool_pins_total", "Servers kept beyond a transaction, by reason",
        with(l, "reason", pool::name(static_cast<pool::pin_reason>(i))));
  snapshot_ = live();
}

// The process does not wait for a log-in or a cancel request that hangs.
sql_pool::~sql_pool() {
  for (const auto& s : servers_) machine_.abandon(*s, pool_now());
}

std::shared_ptr<sql_pool> sql_pool::make(plane_state& plane, core_part& home, pool_key key) {
  const auto labels = plane.labels_of(key);
  return std::shared_ptr<sql_pool>(
      new sql_pool(plane, home, std::move(key), plane.runtime(), labels));
}

void sql_pool::add(client& c) { clients_[c.id()] = &c; }

void sql_pool::remove(client& c) {
  clients_.erase(c.id());
  left_at = now().mono;
  expected.fetch_sub(1);
  forget_if_never_let_in();
}

client* sql_pool::find(std::uint32_t id) noexcept {
  const auto at = clients_.find(id);
  return at == clients_.end() ? nullptr : at->second;
}

// Its log-ins are what sql.upstream says. Without a database there, each client names its own.
bool sql_pool::is_upstreams_own(const server_error& e) const {
  const auto& up = runtime_->config.upstream;
  if (key.user != up.user) return false;
  return up.database.empty() ? !e.is_of_the_names() || e.is_of_the_user()
                             : key.database == up.database;
}

pool::server* sql_pool::open() noexcept {
  servers_.push_back(std::make_unique<server>(*this));
  auto* s = servers_.back().get();
  net::spawn(s->run());
  return s;
}

void sql_pool::opened(server& s, const opened_server& how) {
  if (!key.relayed) plane.upstream.opened(is_upstreams_own({}));
  status_ = how.status;
  last_error_ = {};
  s.state_id = state_id_of(s.session.applied);
  hand_over(machine_.opened(s, pool_now(), home.random()), s);
  if (machine_.held_back()) pass_soon();
}

void sql_pool::open_failed(server& s, const server_error& e) {
  // A pool that is forgotten at once would say it to each client anew.
  if (last_error_.message != e.message &&
      plane.is_news(key.user + '\0' + key.database + '\0' + e.message))
    log::warn("sql_server_refused", {{"user", key.user},
                                     {"database", key.database},
                                     {"sqlstate", e.sqlstate},
                                     {"message", e.message}});
  last_error_ = e;
  if (e.postgres_is_full() && e.hint.empty())
    last_error_.hint =
        "PostgreSQL's max_connections is reached: raise it, end other connections, or make "
        "sql.pool.size (" +
        std::to_string(runtime_->pool_size) + ") smaller";
  last_fault_ = last_error_;
  plane.upstream.failed(is_upstreams_own(e), e);
  probe.open_failed();
  machine_.open_failed(s, pool_now(), home.random());
  std::erase_if(servers_, [&s](const auto& each) { return each.get() == &s; });
  forget_if_never_let_in();
}

void sql_pool::give_back(server& s) {
  if (s.what() == server::duty::closing) return;
  if (s.unclean || s.cancels > 0) call_back(s);
  if (s.session.ahead_is_next && !s.next_holder()) s.begin_stray();
  if (s.cancels > 0 || s.stray()) {  // a cancel request may still hit it
    s.give_back_later = true;
    return;
  }
  if (s.unclean && s.what() == server::duty::idle) return s.scrub();
  s.state_id = state_id_of(s.session.applied);
  const auto r = machine_.release(s, pool_now());
  home.core.gather(machine_.gather(), machine_.waiting() == 0);
  probe.held(r.held);
  probe.used(pool::microseconds{s.used_us});
  used_us_ += static_cast<std::uint64_t>(std::max<std::int64_t>(s.used_us, 0));
  hand_over(r, s);
  if (r.to) send_ahead(s);
  if (!machine_.held_back()) return;
  if (machine_.can_pass())
    pass_on();
  else
    pass_soon();
}

// The oldest waiter's statement, to where the one before it still runs: PostgreSQL goes on with it without a pause.
void sql_pool::send_ahead(server& s) {
  if (!s.user || s.session.ahead != s.behind() || s.session.ahead_is_next || s.stray() ||
      s.cancels > 0 || s.unclean || s.out.backlogged())
    return;
  if (!s.user->may_be_followed()) return call_back(s);
  if (home.core.now().mono < ahead_again_) return;
  while (auto* w = machine_.may_stand_behind(s, pool_now())) {
    const auto bytes = static_cast<client&>(*w).send_ahead(s.session);
    if (bytes.empty()) return;
    if (s.behind() == 0) s.ahead_since = home.core.now().mono;
    machine_.stand_behind(s);
    sent_ahead.add();
    if (++sent_lately_ == looked_back) {
      sent_lately_ /= 2;
      in_vain_ /= 2;
      ahead_pause_ = milliseconds{0};
    }
    ++s.session.ahead;
    ahead_.borrow(bytes);
    s.out.put(ahead_, home.writes, sending::at_turn_end);  // it has something to do until then
    call_back_soon();
  }
}

void sql_pool::call_back(server& s) {
  if (!s.next_holder() && !s.session.ahead_is_next) return;
  called_back.add(s.behind());
  machine_.step_back(s, pool_now());
  if (s.session.ahead_is_next) s.begin_stray();
  if (machine_.held_back()) pass_soon();
}

// Whom a long statement keeps back, another server may serve.
void sql_pool::call_back_soon() {
  if (std::exchange(calling_back_soon_, true)) return;
  home.core.after(stand_behind / 2, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->calling_back_soon_ = false;
    const auto since = now().mono - stand_behind;
    bool any = false;
    for (std::size_t i = 0; i < self->servers_.size(); ++i) {
      auto& s = *self->servers_[i];
      if (s.next_holder() && s.ahead_since <= since) {
        self->in_vain_ += s.behind();
        self->call_back(s);
        self->pause_ahead();
      }
      any |= s.behind() > 0;
    }
    if (any) self->call_back_soon();
  });
}

// What was sent ahead in vain runs all the same: where statements are slow that is most of what the database would do.
void sql_pool::pause_ahead() {
  if (in_vain_ * one_in_vain_of <= sent_lately_) return;
  sent_lately_ = in_vain_ = 0;
  ahead_pause_ = std::clamp(ahead_pause_ * 2, pause_least, pause_most);
  ahead_again_ = home.core.now().mono + ahead_pause_;
}

void sql_pool::leave_queue(client& c) {
  if (auto* s = static_cast<server*>(c.behind())) call_back(*s);
  (void)machine_.cancel(c, pool_now());
}

pool::acquired sql_pool::acquire(client& c) {
  const auto a = machine_.acquire(c, pool_now());
  home.core.gather(machine_.gather(), machine_.waiting() == 0);
  if (machine_.held_back()) pass_soon();
  if (a.kind == pool::acquire_kind::waiting && shared.reads_sequences) let_go_soon();
  return a;
}

void sql_pool::scrub(const server* s) {
  for (const auto& each : servers_) {
    if (each.get() != s || s->what() == server::duty::closing) continue;
    each->unclean = true;
    if (s->what() != server::duty::idle || s->state() != pool::server_state::idle) return;
    machine_.take(*each, janitor_, pool_now());
    return each->scrub();
  }
}

// Servers that are kept only for what their client may ask next.
void sql_pool::let_go(mono_time since) {
  for (std::size_t i = 0; i < servers_.size(); ++i)
    if (auto* c = servers_[i]->user) c->let_go(since);
}

// Somebody waits: a client that asks at once has asked by then.
void sql_pool::let_go_soon() {
  if (std::exchange(letting_go_, true)) return;
  home.core.after(linger_beside_waiters, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->letting_go_ = false;
    self->let_go(now().mono - linger_beside_waiters / 2);
    if (self->machine_.waiting() > 0) self->let_go_soon();
  });
}

// Idle servers for those who wait, as far as the limit of transactions at once lets them.
void sql_pool::pass_on() {
  while (true) {
    const auto p = machine_.pass(pool_now());
    if (!p.from) break;
    probe.waited(p.waited);
    static_cast<client&>(*p.to).granted(static_cast<server&>(*p.from));
  }
  if (machine_.held_back()) pass_soon();
}

// Transactions that last step aside by time alone, when nothing else happens.
void sql_pool::pass_soon() {
  if (std::exchange(passing_soon_, true)) return;
  home.core.after(pass_within, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->passing_soon_ = false;
    self->pass_on();
  });
}

void sql_pool::hand_over(const pool::released& r, server& s) {
  if (!r.to && key.relayed &&
      s.state() == pool::server_state::idle) {  // nobody to log in through it
    discard(s, pool::close_reason::surplus);
    return s.begin_close(false);
  }
  if (!r.to) return;
  probe.waited(r.waited);
  static_cast<client&>(*r.to).granted(s);
}

void sql_pool::discard(server& s, pool::close_reason why) {
  const auto t = pool_now();
  const bool leased = s.state() != pool::server_state::idle;
  const auto held = machine_.discard(s, t);
  if (leased) probe.held(held);
  probe.closed(why, t > s.opened_at() ? t - s.opened_at() : pool::microseconds{0});
  if (machine_.held_back()) pass_soon();
}

void sql_pool::gone(server& s) {
  machine_.closed(s, pool_now());
  std::erase_if(servers_, [&s](const auto& each) { return each.get() == &s; });
  if (machine_.held_back()) pass_soon();
}

void sql_pool::close(pool::server& s, pool::close_reason why, pool::microseconds age) noexcept {
  probe.closed(why, age);
  static_cast<server&>(s).begin_close(true);
}

void sql_pool::give_up(pool::waiter& w, pool::refusal why, pool::microseconds waited) noexcept {
  probe.refused(why, waited);
  static_cast<client&>(w).given_up();
  // Not from within the machine: what the client does next asks it again.
  home.core.post([self = shared_from_this(), id = static_cast<client&>(w).id(), why, waited] {
    if (auto* c = self->find(id)) c->refused(why, waited);
  });
}

void sql_pool::wake() noexcept {
  home.core.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->tick(pool_now());
  });
}

void sql_pool::tick(pool::micro_time t) {
  machine_.tick(t);
  if (machine_.held_back()) pass_on();
  probe.sizes({.idle = machine_.idle(),
               .leased = machine_.leased(),
               .waiting = machine_.waiting(),
               .size = machine_.size(),
               .concurrency = machine_.concurrency(),
               .gathers = machine_.gathers() ? 1U : 0U});
  const auto coarse = now().mono;
  check_servers(coarse);
  if (shared.reads_sequences) let_go(coarse - linger);
  tell_faults();
  periods_.tell(machine_.totals(), used_us_, t);
  publish();
  plane.look_at_homes(*this);
  // Its servers are opened ahead of any client: once PostgreSQL is there, if it is not now.
  const bool ahead = key_ahead(*runtime_) == key;
  if (dismissed_ || (!ahead && coarse - left_at.load() > forget_after)) forget_soon();
}

void sql_pool::tell_faults() {
  const auto why = shared.functions.take_fault();
  if (!why.empty() && plane.is_news(key.database + '\0' + "functions" + '\0' + why))
    log::warn(
        "sql_functions_unknown",
        {{"user", key.user},
         {"database", key.database},
         {"message", why},
         {"hint", "what functions and triggers do to their session may be seen by other clients"}});
}

void sql_pool::check_servers(mono_time now) {
  if (now >= next_peer_check_) {
    next_peer_check_ = now + peer_check_every;
    for (std::size_t i = 0; i < servers_.size(); ++i) servers_[i]->check_peer();
  }
  const auto& limits = runtime_->config.limits;
  if (limits.statement.count() > 0 || limits.transaction_idle.count() > 0)
    for (std::size_t i = 0; i < servers_.size(); ++i)
      if (auto* c = servers_[i]->user) c->check_limits(now);
}

// Later: it may be used still by whoever calls this.
void sql_pool::forget_soon() {
  if (expected.load() == 0 && servers_.empty())
    home.core.post([self = shared_from_this()] { self->plane.retire(*self); });
}

// A name that is wrong today is no pool that anybody comes back to.
void sql_pool::forget_if_never_let_in() {
  if (machine_.totals().opened == 0 && last_error_.is_of_the_names()) forget_soon();
}

void sql_pool::dismiss() {
  dismissed_ = true;
  machine_.drain(pool_now());
}

pool_snapshot sql_pool::live() const {
  pool_snapshot s;
  s.clients = static_cast<std::uint32_t>(clients_.size());
  s.size = machine_.size();
  s.opening = machine_.opening();
  s.idle = machine_.idle();
  s.leased = machine_.leased();
  s.pinned = machine_.pinned();
  s.max_pinned = machine_.max_pinned();
  s.closing = machine_.closing();
  s.waiting = machine_.waiting();
  s.running = machine_.running();
  s.concurrency = machine_.concurrency();
  s.ahead = machine_.ahead();
  s.gathers = machine_.gathers();
  s.paused = machine_.paused();
  s.last_fault = last_fault_;
  s.totals = machine_.totals();
  s.periods = periods_.all();
  return s;
}

void sql_pool::publish() {
  const auto s = live();
  const std::lock_guard lock(snapshot_mutex_);
  snapshot_ = s;
}

pool_snapshot sql_pool::snapshot() const {
  const std::lock_guard lock(snapshot_mutex_);
  return snapshot_;
}

void sql_pool::apply(runtime_ptr r) {
  const bool anew = !same_servers(runtime_->config, r->config);
  // Its servers were opened for whoever comes, and another pool's are now.
  const bool unneeded = expected.load() == 0 && key_ahead(*runtime_) == key && key_ahead(*r) != key;
  runtime_ = std::move(r);
  shared.limits.statement_bytes = runtime_->config.limits.statement_bytes;
  shared.functions.expire();
  auto options = options_of(*runtime_, key);
  if (unneeded) options.min_idle = 0;
  machine_.set_options(options, pool_now());
  if (anew || unneeded) reconnect();
}

void sql_pool::set_paused(bool on) {
  if (on == machine_.paused()) return;
  if (on)
    machine_.pause(pool_now());
  else
    machine_.resume(pool_now());
}

void sql_pool::reconnect() {
  shared.starts.clear();
  shared.functions.forget();
  machine_.retire_all(pool_now());
}

void sql_pool::begin_drain() {
  std::vector<client*> all;
  for (const auto& [id, c] : clients_) all.push_back(c);
  for (auto* c : all) c->begin_drain();
}

void sql_pool::close() {
  std::vector<client*> all;
  for (const auto& [id, c] : clients_) all.push_back(c);
  for (auto* c : all) c->end(pgwire::sqlstate::admin_shutdown, "Fairing is shutting down");
  machine_.drain(pool_now());
}

}  // namespace fairing::sql
