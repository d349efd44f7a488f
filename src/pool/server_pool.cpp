#include "pool/server_pool.hpp"

namespace fairing::pool {
namespace {

// How often a pool under load compares its waits with those of others.
constexpr microseconds look_interval{1000};

microseconds between(micro_time from, micro_time to) noexcept {
  return to > from ? to - from : microseconds{0};  // coarse and precise clocks may be mixed
}

}  // namespace

server_pool::server_pool(pool_options o, pool_budget& budget, member_id me,
                         pool_events& events) noexcept
    : options_(o),
      budget_(budget),
      events_(events),
      me_(me),
      limit_(o.size, {.may_gather = o.gather, .may_ahead = o.ahead}) {}

server_pool::~server_pool() {
  if (total_ != 0 || !waiters_.empty()) FAIRING_BUG("pool_destroyed_in_use");
  budget_.leave(me_);
}

acquired server_pool::acquire(waiter& w, micro_time now) noexcept {
  if (!waiters_.empty() || idle_.empty() || paused_ || draining_ || w.queued() || full())
      [[unlikely]]
    return acquire_slow(w, now);
  auto* s = choose_idle(w);
  if (s->expires_ <= now) [[unlikely]]
    return acquire_slow(w, now);
  from_idle(*s);
  lease(*s, w, now);
  return {acquire_kind::granted, refusal::none, s};
}

acquired server_pool::acquire_slow(waiter& w, micro_time now) noexcept {
  const auto no = [&](refusal why) {
    count(why);
    return acquired{acquire_kind::refused, why, nullptr};
  };
  if (w.queued()) {
    FAIRING_BUG("pool_acquire_while_waiting");
    return no(refusal::queue_full);
  }
  if (draining_) return no(refusal::draining);
  set_aside_old(now);
  if (waiters_.empty() && !paused_ && !full()) {
    while (auto* s = idle_.back()) {
      from_idle(*s);
      if (s->expires_ > now) {
        lease(*s, w, now);
        return {acquire_kind::granted, refusal::none, s};
      }
      start_close(*s, close_reason::max_lifetime, now);
    }
  }
  if (refusing() && (now < retry_at_ || opening_ > 0)) {
    probe_asked_ = true;
    return no(refusal::server_refuses);
  }
  if (waiters_.size() >= options_.max_waiters)
    return no(paused_ ? refusal::paused : refusal::queue_full);
  enqueue(w, now);
  pursue(now);
  return {acquire_kind::waiting};
}

// The newest, or another of the newest few that has the client's session state: that saves a round trip. Before all of
// them the one that the client would rather have.
server* server_pool::choose_idle(const waiter& w) noexcept {
  auto* const newest = idle_.back();
  std::uint32_t left = options_.look;
  if (w.favourite != nullptr && w.favourite != newest) [[unlikely]]
    for (auto* s = newest; s != nullptr && left > 0; s = pool_list<server>::before(*s), --left)
      if (s == w.favourite) return s;
  if (w.favourite == newest) return newest;
  left = options_.look;
  for (auto* s = newest; s != nullptr && left > 0; s = pool_list<server>::before(*s), --left)
    if (s->state_id == w.state_id) return s;
  return newest;
}

void server_pool::take(server& s, waiter& w, micro_time now) noexcept {
  if (s.state_ != server_state::idle) {
    FAIRING_BUG("pool_take_of_what_is_not_idle");
    return;
  }
  from_idle(s);
  lease(s, w, now);
}

released server_pool::release(server& s, micro_time now) noexcept {
  if (s.state_ != server_state::leased && s.state_ != server_state::pinned) [[unlikely]] {
    FAIRING_BUG("pool_release_of_what_is_not_leased");
    return {};
  }
  const auto held = end_lease(s, now);
  if (options_.adapt) limit_.ended(waiting() > 0, now);
  if (auto* w = s.behind_.front()) {  // its statement is there already, and to be answered there
    leave(s, *w);
    return {w, held, lease_to(s, *w, now)};
  }
  auto r = next_for(s, now);
  r.held = held;
  return r;
}

// What becomes of a server that is nobody's now: the oldest waiter's, idle, or closed.
released server_pool::next_for(server& s, micro_time now) noexcept {
  auto why = close_reason::surplus;
  if (must_close(s, now, why)) [[unlikely]] {
    start_close(s, why, now);
    pursue(now);
    return {};
  }
  if (budget_.contended(me_) && now >= next_look_) [[unlikely]] {
    next_look_ = now + look_interval;
    s.promised_to_ = yields_to(now, microseconds{0});
    if (s.promised_to_ != nobody) {
      start_close(s, close_reason::yielded, now);
      pursue(now);
      return {};
    }
  }
  auto* w = waiters_.front();
  if (w == nullptr || full()) {
    to_idle(s, now);
    return {};
  }
  return {w, microseconds{0}, lease_to_oldest(s, now)};
}

waiter* server_pool::may_stand_behind(const server& s, micro_time now) const noexcept {
  auto why = close_reason::surplus;
  if (s.behind_.size() >= most_behind() || waiters_.empty() || s.state_ != server_state::leased ||
      !s.running_ || running_.size() > at_once() || must_close(s, now, why) ||
      budget_.contended(me_))
    return nullptr;
  return waiters_.front();
}

void server_pool::stand_behind(server& s) noexcept {
  auto* w = waiters_.front();
  if (w == nullptr || s.state_ != server_state::leased) {
    FAIRING_BUG("pool_stands_behind_nobody");
    return;
  }
  dequeue(*w);
  s.behind_.push_back(*w);
  w->behind_ = &s;
  ++behind_;
}

void server_pool::step_back(server& s, micro_time now) noexcept {
  if (s.behind_.empty()) return;
  while (auto* w = s.behind_.back()) {
    leave(s, *w);
    w->queued_ = true;
    next_deadline_ = std::min(next_deadline_, w->until_);
    waiters_.push_front(*w);
  }
  budget_.waiting_since(me_, waiters_.front()->since_);
  pursue(now);
}

void server_pool::leave(server& s, waiter& w) noexcept {
  s.behind_.remove(w);
  w.behind_ = nullptr;
  --behind_;
}

microseconds server_pool::lease_to_oldest(server& s, micro_time now) noexcept {
  auto& w = *waiters_.front();
  dequeue(w);
  return lease_to(s, w, now);
}

microseconds server_pool::lease_to(server& s, waiter& w, micro_time now) noexcept {
  const auto waited = between(w.since_, now);
  ++totals_.waited;
  const auto us = static_cast<std::uint64_t>(waited.count());
  totals_.wait_us += us;
  totals_.max_wait_us = std::max(totals_.max_wait_us, us);
  lease(s, w, now);
  return waited;
}

passed server_pool::pass(micro_time now) noexcept {
  set_aside_old(now);
  while (can_pass()) {
    auto& s = *idle_.back();
    from_idle(s);
    auto why = close_reason::surplus;
    if (must_close(s, now, why)) {
      start_close(s, why, now);
      continue;
    }
    auto* w = waiters_.front();
    return {&s, w, lease_to_oldest(s, now)};
  }
  pursue(now);  // an idle one may have been the last
  return {};
}

void server_pool::set_aside(server& s) noexcept {
  if (!s.running_) return;
  running_.remove(s);
  s.running_ = false;
  aside_.push_back(s);
}

void server_pool::set_aside_old(micro_time now) noexcept {
  while (auto* s = running_.front()) {
    if (s->since_ + options_.step_aside > now) return;
    set_aside(*s);
  }
}

bool server_pool::must_close(const server& s, micro_time now, close_reason& why) const noexcept {
  if (s.era_ != era_) return why = close_reason::retired, true;
  if (s.expires_ <= now) return why = close_reason::max_lifetime, true;
  if (paused_) return why = close_reason::paused, true;
  if (draining_ && waiters_.empty()) return why = close_reason::draining, true;
  if (total_ - closing_.size() > options_.size || budget_.over_limit(closing_.size()))
    return why = close_reason::surplus, true;
  return false;
}

member_id server_pool::yields_to(micro_time now, microseconds idle_for) noexcept {
  const auto* oldest = waiters_.front();
  return budget_.choose_claimant(
      me_, {.oldest_wait = oldest == nullptr ? never : oldest->since_, .idle_for = idle_for}, now);
}

microseconds server_pool::discard(server& s, micro_time now) noexcept {
  step_back(s, now);
  microseconds held{0};
  if (s.state_ == server_state::idle) {
    from_idle(s);
  } else if (s.state_ == server_state::leased || s.state_ == server_state::pinned) {
    held = end_lease(s, now);
  } else {
    FAIRING_BUG("pool_discard_of_what_is_not_ready");
    return held;
  }
  s.state_ = server_state::closing;
  closing_.push_back(s);
  return held;
}

void server_pool::closed(server& s, micro_time now) noexcept {
  if (s.state_ != server_state::closing) {
    FAIRING_BUG("pool_closed_what_is_not_closing");
    return;
  }
  forget(s, now);
  ++totals_.closed;
  pursue(now);
}

void server_pool::abandon(server& s, micro_time now) noexcept {
  if (s.state_ != server_state::absent) forget(s, now);
}

// It is in no list and counted nowhere any more.
void server_pool::forget(server& s, micro_time now) noexcept {
  step_back(s, now);
  switch (s.state_) {
    case server_state::absent:
      return;
    case server_state::opening:
      --opening_;
      break;
    case server_state::idle:
      from_idle(s);
      break;
    case server_state::leased:
    case server_state::pinned:
      end_lease(s, now);
      break;
    case server_state::closing:
      closing_.remove(s);
  }
  s.state_ = server_state::absent;
  --total_;
  if (s.promised_to_ != nobody)
    budget_.hand(s.promised_to_);
  else
    budget_.give(me_);
  s.promised_to_ = nobody;
}

bool server_pool::try_pin(server& s, pin_reason why) noexcept {
  if (s.state_ == server_state::leased) {
    if (!budget_.try_pin(max_pinned())) {
      ++totals_.pins_refused;
      return false;
    }
    ++pinned_;
    s.state_ = server_state::pinned;
    set_aside(s);
  } else if (s.state_ != server_state::pinned) {
    FAIRING_BUG("pool_pin_of_what_is_not_leased");
    return false;
  }
  s.pins_ |= server::bit(why);
  return true;
}

bool server_pool::unpin(server& s, pin_reason why) noexcept {
  s.pins_ &= ~server::bit(why);
  if (s.pins_ != 0) return false;
  end_pin(s);
  return true;
}

void server_pool::end_pin(server& s) noexcept {
  if (s.state_ != server_state::pinned) return;
  --pinned_;
  budget_.unpin();
  s.state_ = server_state::leased;
}

bool server_pool::cancel(waiter& w, micro_time now) noexcept {
  if (auto* s = w.behind_) {
    leave(*s, w);
    return true;
  }
  if (!w.queued_) return false;
  dequeue(w);
  pursue(now);  // claims one server less
  return true;
}

void server_pool::lease(server& s, waiter& w, micro_time now) noexcept {
  s.state_ = server_state::leased;
  s.holder_ = &w;
  s.since_ = now;
  ++s.leases_;
  s.running_ = true;
  running_.push_back(s);
  ++leased_;
  ++totals_.granted;
}

microseconds server_pool::end_lease(server& s, micro_time now) noexcept {
  end_pin(s);
  s.pins_ = 0;
  s.holder_ = nullptr;
  (s.running_ ? running_ : aside_).remove(s);
  s.running_ = false;
  --leased_;
  const auto held = between(s.since_, now);
  ++totals_.released;
  totals_.held_us += static_cast<std::uint64_t>(held.count());
  return held;
}

void server_pool::to_idle(server& s, micro_time now) noexcept {
  s.state_ = server_state::idle;
  s.since_ = now;
  if (idle_.empty()) budget_.idle_since(me_, now);
  idle_.push_back(s);
}

void server_pool::from_idle(server& s) noexcept {
  const bool oldest = idle_.front() == &s;
  idle_.remove(s);
  if (oldest) budget_.idle_since(me_, idle_.empty() ? never : idle_.front()->since_);
}

void server_pool::enqueue(waiter& w, micro_time now) noexcept {
  w.since_ = now;
  w.until_ = std::min<micro_time>(w.deadline, now + options_.wait_timeout);
  w.queued_ = true;
  next_deadline_ = std::min(next_deadline_, w.until_);
  if (waiters_.empty()) budget_.waiting_since(me_, now);
  waiters_.push_back(w);
}

void server_pool::dequeue(waiter& w) noexcept {
  const bool oldest = waiters_.front() == &w;
  waiters_.remove(w);
  w.queued_ = false;
  if (!oldest) return;
  budget_.waiting_since(me_, waiters_.empty() ? never : waiters_.front()->since_);
  if (waiters_.size() < budget_.claims(me_)) budget_.want(me_, waiters_.size());
}

}  // namespace fairing::pool
