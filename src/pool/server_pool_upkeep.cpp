// The slow half of server_pool: opening, closing, timeouts, and what tick() does.
#include "pool/server_pool.hpp"

namespace fairing::pool {

void server_pool::tick(micro_time now) noexcept {
  budget_.awake(me_);
  spare_ += budget_.collect(me_);
  set_aside_old(now);
  age_idle(now);
  expire_waiters(now);
  if (refusing() && now < retry_at_)  // the last server broke while logins fail
    while (auto* w = waiters_.front()) refuse(*w, refusal::server_refuses, now);
  pursue(now);
  prewarm(now);
  for (; spare_ > 0; --spare_) budget_.give(me_);  // handed over too late
  donate_idle(now);
  if (budget_.claims(me_) > 0) budget_.ask_idle(me_);
}

// Opens for those who wait what may be opened, and claims from other pools what may not yet.
void server_pool::pursue(micro_time now) noexcept {
  const auto parallel = refusing() ? 1U : std::max(options_.open_parallel, 1U);
  const auto target = [&] {
    return paused_ || now < retry_at_ || full() || !idle_.empty()
               ? 0U
               : std::min(waiters_.size(), parallel);
  };
  while (opening_ < target() && total_ < options_.size)
    if (!start_open(now)) break;
  std::uint32_t claim = 0;
  if (opening_ < target() && total_ < options_.size) {
    claim = std::min(target() - opening_, options_.size - total_);
    claim -= std::min(claim, budget_.coming(me_));
  }
  if (claim != budget_.claims(me_)) budget_.want(me_, claim);
}

bool server_pool::start_open(micro_time now) noexcept {
  if (spare_ > 0)
    --spare_;
  else if (!budget_.try_take(me_))
    return false;
  auto* s = events_.open();
  if (s == nullptr || s->state_ != server_state::absent) {
    if (s != nullptr) FAIRING_BUG("pool_open_gave_a_server_in_use");
    budget_.give(me_);
    ++totals_.open_failed;
    failed(now, static_cast<std::uint64_t>(now.time_since_epoch().count()));
    return false;
  }
  s->state_ = server_state::opening;
  s->era_ = era_;
  s->opened_ = now;
  s->leases_ = 0;
  ++opening_;
  ++total_;
  return true;
}

released server_pool::opened(server& s, micro_time now, std::uint64_t random) noexcept {
  if (s.state_ != server_state::opening) {
    FAIRING_BUG("pool_opened_what_is_not_opening");
    return {};
  }
  --opening_;
  ++totals_.opened;
  failures_ = 0;
  retry_at_ = {};
  probe_asked_ = false;
  // Servers opened together must not all end together; only downward, the limit is a promise.
  const auto lifetime = std::chrono::duration_cast<microseconds>(options_.max_lifetime);
  const auto tenth = static_cast<std::uint64_t>(std::max<std::int64_t>(lifetime.count() / 10, 0));
  s.opened_ = now;
  s.expires_ = now + lifetime - microseconds{static_cast<std::int64_t>(random % (tenth + 1))};
  const auto r = next_for(s, now);
  pursue(now);
  return r;
}

void server_pool::open_failed(server& s, micro_time now, std::uint64_t random) noexcept {
  if (s.state_ != server_state::opening) {
    FAIRING_BUG("pool_open_failed_of_what_is_not_opening");
    return;
  }
  forget(s, now);
  ++totals_.open_failed;
  failed(now, random);
  if (refusing())
    while (auto* w = waiters_.front()) refuse(*w, refusal::server_refuses, now);
  pursue(now);
}

// Logins that ran at the same time and fail together are one failure.
void server_pool::failed(micro_time now, std::uint64_t random) noexcept {
  if (now < retry_at_) return;
  auto pause = std::max(options_.backoff, milliseconds{1});
  const auto most = std::max(options_.backoff_max, pause);
  for (std::uint32_t i = 0; i < failures_ && pause < most; ++i) pause *= 2;
  const auto us = std::chrono::duration_cast<microseconds>(std::min(pause, most)).count();
  const auto half = us / 2;
  const auto chance = static_cast<std::int64_t>(random % static_cast<std::uint64_t>(us - half + 1));
  retry_at_ = now + microseconds{half + chance};
  if (failures_ < UINT32_MAX) ++failures_;
}

bool server_pool::refusing() const noexcept {
  return options_.connect_attempts > 0 && failures_ >= options_.connect_attempts && idle_.empty() &&
         leased_ == 0;
}

void server_pool::start_close(server& s, close_reason why, micro_time now) noexcept {
  s.state_ = server_state::closing;
  closing_.push_back(s);
  const auto age = now > s.opened_ ? now - s.opened_ : microseconds{0};
  events_.close(s, why, age);  // s may be gone after this
}

void server_pool::refuse(waiter& w, refusal why, micro_time now) noexcept {
  dequeue(w);
  count(why);
  events_.give_up(w, why, now > w.since_ ? now - w.since_ : microseconds{0});
}

void server_pool::close_idle(close_reason why, micro_time now) noexcept {
  while (auto* s = idle_.front()) {
    from_idle(*s);
    start_close(*s, why, now);
  }
}

void server_pool::age_idle(micro_time now) noexcept {
  server* next = nullptr;
  for (auto* s = idle_.front(); s != nullptr; s = next) {
    next = pool_list<server>::after(*s);
    auto why = close_reason::idle_timeout;
    const bool aged = now - s->since_ >= options_.idle_timeout && idle_.size() > options_.min_idle;
    if (!must_close(*s, now, why) && !aged) continue;
    from_idle(*s);
    start_close(*s, why, now);
  }
}

// Gives up idle servers, the oldest of all pools first, while others claim some.
void server_pool::donate_idle(micro_time now) noexcept {
  while (!idle_.empty() && budget_.contended(me_)) {
    auto& s = *idle_.front();
    const auto to = yields_to(now, now > s.since_ ? now - s.since_ : microseconds{0});
    if (to == nobody) return;
    s.promised_to_ = to;
    from_idle(s);
    start_close(s, close_reason::yielded, now);
    if (budget_.contended(me_) && budget_.ask_idle(me_)) return;
  }
}

void server_pool::expire_waiters(micro_time now) noexcept {
  if (now < next_deadline_) return;
  next_deadline_ = never;
  waiter* next = nullptr;
  for (auto* w = waiters_.front(); w != nullptr; w = next) {
    next = pool_list<waiter>::after(*w);
    if (w->until_ > now)
      next_deadline_ = std::min(next_deadline_, w->until_);
    else
      refuse(*w, paused_ ? refusal::paused : refusal::timeout, now);
  }
}

// Opens ahead of need, with permits that nobody else wants; and probes a server that refuses.
void server_pool::prewarm(micro_time now) noexcept {
  if (paused_ || draining_ || now < retry_at_) return;
  if (refusing()) {
    if (opening_ > 0 || total_ >= options_.size) return;
    if (!probe_asked_ && options_.min_idle == 0) return;
    if (start_open(now)) probe_asked_ = false;
    return;
  }
  while (opening_ < options_.open_parallel && total_ < options_.size &&
         idle_.size() + opening_ < options_.min_idle + (full() ? 0U : waiters_.size()) &&
         budget_.wanted() == 0)
    if (!start_open(now)) return;
}

void server_pool::set_options(pool_options o, micro_time now) noexcept {
  options_ = o;
  limit_.set_rules(o.size, o.gather, o.ahead);
  age_idle(now);
  pursue(now);
}

void server_pool::retire_all(micro_time now) noexcept {
  ++era_;
  failures_ = 0;  // what is reached now may be another server
  retry_at_ = {};
  close_idle(close_reason::retired, now);
  pursue(now);
}

void server_pool::pause(micro_time now) noexcept {
  paused_ = true;
  close_idle(close_reason::paused, now);
  pursue(now);  // claims nothing any more
}

void server_pool::resume(micro_time now) noexcept {
  paused_ = false;
  pursue(now);
}

void server_pool::drain(micro_time now) noexcept {
  draining_ = true;
  if (waiters_.empty()) close_idle(close_reason::draining, now);  // else pass() gives them away
}

}  // namespace fairing::pool
