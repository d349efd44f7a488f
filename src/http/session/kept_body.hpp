// kept_body: the body of a request that has been read whole, for a fetch.
//
// Flow:  kept_body body(core, bytes); request.body = &body; body.lend();  ... the fetch ...  co_await body.back();
// Lifecycle: `bytes` and this outlive back(), which returns once the fetch wants no more of it. Threads: one core.
#pragma once

#include <string_view>
#include <utility>

#include "http/session/fetch.hpp"
#include "net/event.hpp"
#include "net/task.hpp"

namespace fairing::http {

class kept_body final : public body_source {
 public:
  kept_body(net::core& c, std::string_view bytes) : bytes_(bytes), ended_(c) {}
  net::task<step> next() override { co_return step{std::exchange(bytes_, {}), true, false}; }
  [[nodiscard]] std::string_view trailers() const override { return {}; }
  net::task<bool> send_continue() override { co_return true; }
  void upload_done(bool) override {
    used_ = false;
    ended_.set();
  }
  void lend() noexcept { used_ = true; }
  net::task<void> back() {
    while (used_) co_await ended_.wait();
  }

 private:
  std::string_view bytes_;
  net::event ended_;
  bool used_ = false;
};

}  // namespace fairing::http
