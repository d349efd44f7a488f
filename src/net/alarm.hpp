// alarm: wakes an event when a time has come, while it is in scope.
//
// Flow:  event e(core); alarm a(core, e.make_waker(), deadline); ... co_await e.wait(); if (a.rang()) timed out
#pragma once

#include "net/core.hpp"
#include "net/event.hpp"
#include "net/stream.hpp"

namespace fairing::net {

class alarm final : public timed {
 public:
  alarm(core& c, waker w, mono_time at) : wake_(std::move(w)) {
    set_deadline(at);
    c.watch(*this);
  }
  [[nodiscard]] bool rang() const noexcept { return rang_; }
  void again(mono_time at) noexcept {
    rang_ = false;
    set_deadline(at);
  }
  void on_deadline() override {
    rang_ = true;
    wake_();
  }

 private:
  waker wake_;
  bool rang_ = false;
};

// Closes a stream when a write has moved no byte for so long, while it is in scope.
//
// Flow:  const closer limit(core, stream, timeouts.idle); auto ec = co_await stream.write(parts);
class closer final : public timed {
 public:
  closer(core& c, stream& s, milliseconds idle) : stream_(s), idle_(idle), seen_(s.sent()) {
    set_deadline(now().mono + idle);
    c.watch(*this);
  }
  void on_deadline() override {
    if (stream_.sent() == seen_) return stream_.close();
    seen_ = stream_.sent();
    set_deadline(now().mono + idle_);
  }

 private:
  stream& stream_;
  milliseconds idle_;
  std::uint64_t seen_;
};

}  // namespace fairing::net
