// alarm: wakes an event when a time has come, while it is in scope.
//
// Flow:  event e(core); alarm a(core, e.make_waker(), deadline); ... co_await e.wait(); if (a.rang()) timed out
#pragma once

#include "net/core.hpp"
#include "net/event.hpp"

namespace fairing::net {

class alarm final : public timed {
 public:
  alarm(core& c, waker w, mono_time at) : wake_(std::move(w)) {
    set_deadline(at);
    c.watch(*this);
  }
  [[nodiscard]] bool rang() const noexcept { return rang_; }
  void on_deadline() override {
    rang_ = true;
    wake_();
  }

 private:
  waker wake_;
  bool rang_ = false;
};

}  // namespace fairing::net
