#include "pool/http_pool.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace fairing::pool {

void ticked::clear() {
  close.clear();
  open.clear();
  wake_others = false;
}

pool_fsm::pool_fsm(options o, permits& shared) : options_(o), permits_(shared) {}

pool_fsm::~pool_fsm() {
  for (std::uint32_t i = 0; i < size(); ++i) permits_.give();
  for (std::size_t i = 0; i < waiters_.size(); ++i) permits_.unwant();
}

acquired pool_fsm::acquire(mono_time now) {
  if (waiters_.empty()) {  // else it is the oldest waiter's turn
    if (newest_ != no_conn) {
      const auto id = newest_;
      const bool fresh = !too_old(id, now) && now - slots_[id].idle_since < options_.idle_timeout;
      idle_remove(id);
      slots_[id].state = slot_state::leased;
      ++leased_count_;
      if (fresh) return {acquire_kind::reuse, id};
      slots_[id].opened = now;
      return {acquire_kind::reopen, id};
    }
    if (permits_.try_take()) return {acquire_kind::open, lease_new(now)};
  }
  if (waiters_.size() >= options_.queue_limit) return {acquire_kind::refuse};
  permits_.want();
  if (waiters_.empty() && permits_.try_take()) {  // given back between the look and the wish
    permits_.unwant();
    return {acquire_kind::open, lease_new(now)};
  }
  waiters_.push_back(next_ticket_);
  return {acquire_kind::wait, no_conn, next_ticket_++, permits_.in_use() > size()};
}

released pool_fsm::release(conn_id id, bool reusable, mono_time now) {
  if (id >= slots_.size() || slots_[id].state != slot_state::leased) {
    FAIRING_BUG("pool_release_of_what_is_not_leased");
    return {release_kind::close};
  }
  reusable = reusable && !draining_ && !too_old(id, now);
  if (!waiters_.empty() && !permits_.over_limit()) {
    if (!reusable) slots_[id].opened = now;
    return {reusable ? release_kind::hand : release_kind::hand_reopen, pop_waiter()};
  }
  --leased_count_;
  if (reusable && permits_.wanted() == 0 && !permits_.over_limit()) {
    idle_push(id, now);
    return {release_kind::keep};
  }
  free_slot(id);
  return {release_kind::close, 0, permits_.wanted() > 0};
}

void pool_fsm::renew(conn_id id, mono_time now) {
  if (id >= slots_.size() || slots_[id].state != slot_state::leased) {
    FAIRING_BUG("pool_renew_of_what_is_not_leased");
    return;
  }
  slots_[id].opened = now;
}

bool pool_fsm::drop(conn_id id) {
  if (!is_idle(id)) return false;
  idle_remove(id);
  free_slot(id);
  return permits_.wanted() > 0;
}

bool pool_fsm::is_idle(conn_id id) const noexcept {
  return id < slots_.size() && slots_[id].state == slot_state::idle;
}

bool pool_fsm::cancel(ticket t) {
  const auto at = std::lower_bound(waiters_.begin(), waiters_.end(), t);
  if (at == waiters_.end() || *at != t) return false;
  waiters_.erase(at);
  permits_.unwant();
  return true;
}

void pool_fsm::tick(mono_time now, ticked& out) {
  out.clear();
  auto id = oldest_;
  while (id != no_conn) {
    const auto next = slots_[id].newer;
    const bool wanted_elsewhere = permits_.wanted() > out.close.size() && waiters_.empty();
    if (draining_ || wanted_elsewhere || permits_.over_limit() || too_old(id, now) ||
        now - slots_[id].idle_since >= options_.idle_timeout) {
      idle_remove(id);
      free_slot(id);
      out.close.push_back(id);
    }
    id = next;
  }
  while (!waiters_.empty() && permits_.try_take()) {
    const auto to = pop_waiter();
    out.open.emplace_back(to, lease_new(now));
  }
  out.wake_others = !out.close.empty() && permits_.wanted() > 0;
}

conn_id pool_fsm::lease_new(mono_time now) {
  conn_id id = 0;
  if (free_.empty()) {
    id = static_cast<conn_id>(slots_.size());
    slots_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  slots_[id].state = slot_state::leased;
  slots_[id].opened = now;
  ++leased_count_;
  return id;
}

void pool_fsm::free_slot(conn_id id) {
  slots_[id].state = slot_state::free;
  free_.push_back(id);
  permits_.give();
}

void pool_fsm::idle_push(conn_id id, mono_time now) {
  auto& s = slots_[id];
  s.state = slot_state::idle;
  s.idle_since = now;
  s.older = newest_;
  s.newer = no_conn;
  (newest_ == no_conn ? oldest_ : slots_[newest_].newer) = id;
  newest_ = id;
  ++idle_count_;
}

void pool_fsm::idle_remove(conn_id id) {
  const auto& s = slots_[id];
  (s.older == no_conn ? oldest_ : slots_[s.older].newer) = s.newer;
  (s.newer == no_conn ? newest_ : slots_[s.newer].older) = s.older;
  --idle_count_;
}

bool pool_fsm::too_old(conn_id id, mono_time now) const noexcept {
  // Connections opened together must not all end together.
  const auto spread = options_.max_lifetime / 160 * (id % 16);
  return now - slots_[id].opened >= options_.max_lifetime - spread;
}

ticket pool_fsm::pop_waiter() {
  const auto t = waiters_.front();
  waiters_.pop_front();
  permits_.unwant();
  return t;
}

}  // namespace fairing::pool
