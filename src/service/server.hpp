// server: a small HTTP/1.1 server for this process's own interfaces: whole requests in, whole answers out.
//
// Problem: admin and the jobs plane answer requests themselves. They need the same care with connections (bounds,
// deadlines, keep-alive, pipelining, lingering closes, drain), and differ in what they answer and when: at once, after a
// worker, or when something has happened (long poll).
//
// Flow:
//   struct mine : service::handler { ... };
//   auto s = service::server::open(cores, "127.0.0.1:9324", limits);   // binds
//   (*s)->start(handler);  ...  (*s)->begin_drain();  ...  (*s)->stop();      // before the cores stop
// A handler either returns the answer from serve(), or nothing and calls answer(ticket, response) later, on the ticket's
// core and not from inside serve(). A connection has one request at a time; what is pipelined waits in its input.
// Lifecycle: stop() ends all connections and returns when the handler is called no more; answer() stays harmless until
// the server is destroyed.
// Threads: open, start, begin_drain, stop on the main thread, with the cores running; the handler on the cores.
// Bounds: all of `limits`. A parked request costs its connection: about 1.5 KiB and a 4 KiB input block.
// Cost of a request: one read, one write, no coroutine frame, no allocation of the server's own.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/core.hpp"
#include "net/listener.hpp"
#include "service/message.hpp"

namespace fairing::service {

struct limits {
  std::size_t connections = 256;
  std::size_t head_bytes = 8 * 1024;
  std::size_t fields = 64;
  std::size_t body_bytes = 1024 * 1024;
  std::size_t held_bytes =
      256 * 1024 * 1024;  // of bodies over 64 KiB, over all connections, until their answers
  milliseconds head_timeout{10'000};
  milliseconds body_timeout{30'000};
  milliseconds idle_timeout{60'000};
  milliseconds write_timeout{30'000};  // without progress
};

class handler {
 public:
  handler() = default;
  virtual ~handler() = default;
  handler(const handler&) = delete;
  handler& operator=(const handler&) = delete;
  // The head alone, before the body is read: why it is refused, or nothing. If a body would follow, a refusal ends the
  // connection.
  virtual std::optional<response> admit(const request& r) = 0;
  // The whole request. nullopt: server::answer(r.id, ...) will follow, once.
  virtual std::optional<response> serve(const request& r) = 0;
  // The client that waits for this answer has left.
  virtual void gone(const ticket& /*id*/) noexcept {}
  [[nodiscard]] virtual response refuse(fault f, std::string_view detail) const = 0;
};

class session;

class server {
 public:
  static result<std::unique_ptr<server>> open(net::core_group& cores, const std::string& listen,
                                              const limits& l);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  // As net::listener names it, with the port that a port of 0 became.
  [[nodiscard]] const std::string& address() const noexcept { return listener_->address(); }
  void start(handler& h);
  // Of requests that begin from now on. Any thread.
  void set_body_limit(std::size_t bytes) noexcept { body_limit_.store(bytes); }
  void begin_drain();  // no new connections; idle ones end, the others after their answer
  void stop();

  // False: its client has gone. On the ticket's core.
  bool answer(const ticket& id, const response& r);
  [[nodiscard]] net::core& core_of(const ticket& id) noexcept { return cores_.at(id.core); }
  [[nodiscard]] std::size_t connections() const noexcept { return open_.load(); }

 private:
  friend class session;
  struct slot {
    session* owner = nullptr;
    std::uint64_t serial = 0;  // of the newest request; goes on when the slot has another owner
  };
  struct part {  // of one core
    std::vector<slot> slots;
    std::vector<std::uint32_t> free;
    http1::request_head head;  // scratch: of the request in hand
    std::string out;           // scratch: answers of the session in hand
  };
  server(net::core_group& cores, std::unique_ptr<net::listener> listener, const limits& l);
  void accept(net::core& c, net::socket s);
  void on_each_core(const std::function<void(session&)>& f);
  void ended() noexcept;  // a session's last word
  [[nodiscard]] bool hold(std::size_t bytes) noexcept;
  void let_go(std::size_t bytes) noexcept { held_.fetch_sub(bytes, std::memory_order_relaxed); }

  net::core_group& cores_;
  std::unique_ptr<net::listener> listener_;
  handler* handler_ = nullptr;
  const limits limits_;
  std::vector<part> parts_;  // by core; each its own core's
  std::atomic<std::size_t> body_limit_;
  std::atomic<std::size_t> open_{0};
  std::atomic<std::size_t> held_{0};
  std::atomic<bool> draining_{false};
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable none_left_;
};

}  // namespace fairing::service
