#include "net/gate.hpp"

#include <algorithm>
#include <vector>

#include "net/alarm.hpp"

namespace fairing::net {

task<gate::permit> gate::acquire(core& c, mono_time deadline) {
  auto self = shared_from_this();
  std::unique_lock lock(mutex_);
  if (free_ > 0 && waiters_.empty()) {
    --free_;
    co_return permit(std::move(self));
  }
  if (waiters_.size() >= max_waiting_) co_return permit();
  event ready(c);
  auto w = std::make_shared<waiter>(waiter{ready.make_waker(), false});
  waiters_.push_back(w);
  lock.unlock();
  alarm a(c, ready.make_waker(), deadline);
  for (;;) {
    co_await ready.wait();
    std::lock_guard again(mutex_);
    if (w->granted) co_return permit(std::move(self));
    if (!a.rang()) continue;
    std::erase(waiters_, w);
    co_return permit();
  }
}

void gate::give() {
  std::shared_ptr<waiter> next;
  {
    std::lock_guard lock(mutex_);
    if (waiters_.empty() || free_ < 0) {
      ++free_;
      return;
    }
    next = std::move(waiters_.front());
    waiters_.pop_front();
    next->granted = true;
  }
  next->wake();
}

void gate::resize(std::uint32_t permits) {
  std::vector<std::shared_ptr<waiter>> woken;
  {
    std::lock_guard lock(mutex_);
    free_ += static_cast<std::int64_t>(permits) - permits_;
    permits_ = permits;
    while (free_ > 0 && !waiters_.empty()) {
      --free_;
      waiters_.front()->granted = true;
      woken.push_back(std::move(waiters_.front()));
      waiters_.pop_front();
    }
  }
  for (const auto& w : woken) w->wake();
}

std::uint32_t gate::size() const {
  std::lock_guard lock(mutex_);
  return permits_;
}

std::uint32_t gate::leased() const {
  std::lock_guard lock(mutex_);
  return static_cast<std::uint32_t>(permits_ - free_);
}

std::uint32_t gate::waiting() const {
  std::lock_guard lock(mutex_);
  return static_cast<std::uint32_t>(waiters_.size());
}

}  // namespace fairing::net
