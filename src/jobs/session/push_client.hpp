// push_client: POSTs to one target over connections that are kept.
//
// Problem: a push must end by its deadline whatever the target does, must not read without a limit, and must not take
// a kept connection that the target has just closed for a target that is gone.
//
// Flow:  push_client c(core, target, limits);  auto a = co_await c.post(head, body, deadline);  ... c.stop();
// An answer of a kind: what came, or a fault with its words. A connection that was kept and ends before a byte of the
// answer is tried again on another one: a push is delivered at least once anyway.
// Lifecycle: the client outlives its posts; stop() makes them end with push_fault::stopped.
// Bounds: a head of 16 KiB, limits.body bytes of a body, limits.idle kept connections, 5 s to connect.
// Threads: one core.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "codec/http1/parser.hpp"
#include "jobs/logic/push_verdict.hpp"
#include "net/dialer.hpp"
#include "net/in_buffer.hpp"
#include "net/task.hpp"

namespace fairing::jobs {

class push_client {
 public:
  struct limits {
    std::size_t idle = 32;
    std::size_t body = 256 * 1024;
  };
  static constexpr milliseconds connect_time{5'000};

  push_client(net::core& c, net::dial_target target, limits l)
      : core_(c), target_(std::move(target)), limits_(l) {}

  // `body` must live until the answer.
  net::task<push_answer> post(std::string head, std::string_view body, mono_time deadline);
  void stop();

 private:
  struct link final : net::timed {
    link(net::core& c, std::unique_ptr<net::stream> s) : stream(std::move(s)) { c.watch(*this); }
    void on_deadline() override {
      expired = true;
      stream->close();
    }
    std::unique_ptr<net::stream> stream;
    net::in_buffer in;
    mono_time idle_until{};
    bool expired = false;  // its deadline passed: the socket was closed
    bool heard = false;    // a byte of the answer came
    bool reusable = false;
  };
  using link_ptr = std::shared_ptr<link>;

  [[nodiscard]] link_ptr take();
  void keep(link_ptr l);
  net::task<push_answer> exchange(link_ptr l, std::string_view head, std::string_view body);
  net::task<bool> read_head(link_ptr l, codec::http1::response_head& head, std::string& bytes);
  net::task<bool> read_body(link_ptr l, const codec::http1::response_head& head, push_answer& a);
  net::task<bool> more(link_ptr l);

  net::core& core_;
  net::dial_target target_;
  limits limits_;
  net::resolver_cache names_;
  std::vector<link_ptr> idle_;  // the newest last
  std::vector<link_ptr> busy_;
  bool stopped_ = false;
};

}  // namespace fairing::jobs
