#include "net/reactor.hpp"

#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "base/assert.hpp"
#include "base/clock.hpp"

namespace fairing::net {

reactor::reactor()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), bell_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event e{};
  e.events = EPOLLIN | EPOLLET;
  e.data.ptr = nullptr;
  if (!epoll_.is_open() || !bell_.is_open() ||
      ::epoll_ctl(epoll_.native(), EPOLL_CTL_ADD, bell_.native(), &e) != 0)
    FAIRING_PANIC("epoll or eventfd failed: no event loop without them");
}

bool reactor::add(watched& w, int fd) noexcept {
  epoll_event e{};
  e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  e.data.ptr = &w;
  return ::epoll_ctl(epoll_.native(), EPOLL_CTL_ADD, fd, &e) == 0;
}

void reactor::remove(watched& w, int fd) noexcept {
  ::epoll_ctl(epoll_.native(), EPOLL_CTL_DEL, fd, nullptr);
  for (int i = next_; i < count_; ++i)
    if (events_[i].data.ptr == &w) events_[i].data.ptr = nullptr;
  for (auto* list : {&again_, &serving_})
    for (auto& each : *list)
      if (each == &w) each = nullptr;
}

bool reactor::wait(int timeout_ms, std::chrono::microseconds gather, bool polls) noexcept {
  ++turn_;
  serving_.swap(again_);
  int ready = 0;
  if (timeout_ms != 0 && gather.count() > 0) {
    ready = ::epoll_wait(epoll_.native(), events_, batch, 0);
    if (ready == 0) {
      auto us = std::int64_t{gather.count()};
      if (timeout_ms > 0) us = std::min(us, std::int64_t{timeout_ms} * 1000);
      const timespec pause{us / 1'000'000, us % 1'000'000 * 1000};
      ::clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
    }
  }
  if (timeout_ms != 0 && gather.count() == 0 && polls) ready = poll_if_soon();
  if (ready == 0) ready = ::epoll_wait(epoll_.native(), events_, batch, timeout_ms);
  next_ = 0;
  count_ = ready > 0 ? ready : 0;  // below 0: a signal came, and the loop comes again
  return ready != 0;
}

// What is ready before it would be worth a sleep.
int reactor::poll_if_soon() noexcept {
  if (!guess_.polls(served_)) return 0;
  const auto until = precise_us() + spin_guess::longest.count();
  int ready = 0;
  do {
    ready = ::epoll_wait(epoll_.native(), events_, batch, 0);
  } while (ready == 0 && precise_us() < until);
  guess_.polled(ready > 0);
  return ready;
}

void reactor::serve() {
  while (next_ < count_) {
    const auto& e = events_[next_++];
    if (e.data.ptr == nullptr) continue;
    auto* w = static_cast<watched*>(e.data.ptr);
    served_ = w;
    w->on_ready(e.events);
  }
  next_ = count_ = 0;
  for (std::size_t i = 0; i < serving_.size(); ++i)
    if (serving_[i]) serving_[i]->on_ready(0);
  serving_.clear();
}

void reactor::wake() noexcept {
  const std::uint64_t one = 1;
  (void)!::write(bell_.native(), &one, sizeof one);
}

}  // namespace fairing::net
