#include "net/core.hpp"

#include <pthread.h>

#include <chrono>
#include <string>

namespace fairing::net {

namespace {
constexpr auto tick = std::chrono::milliseconds{100};
}

core::core(std::uint32_t index)
    : index_(index),
      context_(1),
      reactor_(context_),
      work_(asio::make_work_guard(context_)),
      timer_(context_) {}

core::~core() {
  // What is still suspended in handlers dies with the context; it must not find the list's head gone.
  timed* t = first_.next_;
  first_.next_ = nullptr;
  while (t) {
    timed* next = t->next_;
    t->prev_ = t->next_ = nullptr;
    t = next;
  }
}

void core::watch(timed& t) noexcept {
  t.prev_ = &first_;
  t.next_ = first_.next_;
  if (first_.next_) first_.next_->prev_ = &t;
  first_.next_ = &t;
}

void core::arm() {
  timer_.expires_after(tick);
  timer_.async_wait([this](const boost::system::error_code& ec) {
    if (ec) return;
    sweep();
    arm();
  });
}

void core::sweep() {
  const auto t_now = now();
  for (timed* t = first_.next_; t; t = t->next_) {
    if (t->deadline_ > t_now.mono) continue;
    t->clear_deadline();
    t->on_deadline();
  }
  for (auto& f : ticks_) f(t_now);
}

void core::run() {
  arm();
  reactor_.arm();
  context_.run();
}

void core::stop() { context_.stop(); }

core_group::core_group(std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) cores_.push_back(std::make_unique<core>(i));
}

core_group::~core_group() { stop(); }

void core_group::start() {
  for (auto& c : cores_) {
    threads_.emplace_back([core = c.get()] {
      const auto name = "core-" + std::to_string(core->index());
      ::pthread_setname_np(::pthread_self(), name.c_str());
      core->run();
    });
  }
}

void core_group::stop() {
  for (auto& c : cores_) c->stop();
  for (auto& t : threads_) t.join();
  threads_.clear();
}

}  // namespace fairing::net
