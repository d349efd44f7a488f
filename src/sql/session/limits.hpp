// limits: a deadline on what one coroutine does with one stream.
//
// Flow:  const stream_limit limit(core, stream, deadline); ... co_await stream.read_some(...); if (limit.passed()) ...
#pragma once

#include "net/core.hpp"
#include "net/stream.hpp"

namespace fairing::sql {

// Closes the stream when the time has come, while it is in scope: what is awaited ends with an error.
class stream_limit final : public net::timed {
 public:
  stream_limit(net::core& c, net::stream& s, mono_time at) : stream_(s) {
    set_deadline(at);
    c.watch(*this);
  }
  void on_deadline() override {
    passed_ = true;
    stream_.close();
  }
  [[nodiscard]] bool passed() const noexcept { return passed_; }

 private:
  net::stream& stream_;
  bool passed_ = false;
};

}  // namespace fairing::sql
