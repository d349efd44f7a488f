// server: the benchmark origin's event loop, one thread, epoll.
//
// Problem: an origin that costs more than the proxies before it would hide what they cost on
// misses. Flow: origin_server s; s.listen(port, why); s.port(); s.run() until stop is set (a signal
// handler may). Lifecycle: a delayed answer waits in a map, not in a thread; a connection answers
// in order, one
//   delayed request at a time. Cost: one recv and one send a request.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "bench/origin/routes.hpp"

namespace fairing::bench {

class origin_server {
 public:
  origin_server();
  ~origin_server();
  origin_server(const origin_server&) = delete;
  origin_server& operator=(const origin_server&) = delete;

  // Listens on 127.0.0.1:`port` (0: a free one). False with `why` on failure.
  [[nodiscard]] bool listen(std::uint16_t port, std::string& why);
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  // Serves until `stop` is true, looked at at least every 200 ms.
  void run(const std::atomic<bool>& stop);

 private:
  struct client {
    int fd;
    std::uint64_t id;
    std::string in;
    std::string out;            // small answers, and the heads of large ones
    std::string_view body;      // a large body to follow `out`
    std::size_t sent = 0;       // of out and body together
    std::uint64_t to_skip = 0;  // bytes of a request body still to come
    bool waiting = false;       // for a delayed answer
    bool closing = false;       // after what is written
    bool watching_out = false;
  };

  struct delayed {
    std::uint64_t client_id;
    routed_answer answer;
    std::string fields;
    bool head_only;
  };

  void accept_all();
  void on_event(client& c, std::uint32_t events);
  [[nodiscard]] bool read_some(client& c);
  [[nodiscard]] bool serve(client& c);
  void append(client& c, const routed_answer& a, std::string_view fields, bool head_only);
  [[nodiscard]] bool flush(client& c);
  void drop(client& c);
  void answer_due(std::uint64_t now_ms);
  void set_date();
  [[nodiscard]] int next_timeout_ms(std::uint64_t now_ms) const;

  static constexpr std::size_t copied_body = 4096;     // larger ones go out by reference
  static constexpr std::size_t out_limit = 64 * 1024;  // then flush before more pipelined requests

  routes routes_;
  std::unordered_map<std::uint64_t, std::unique_ptr<client>> clients_;
  std::multimap<std::uint64_t, delayed> delayed_;  // by the monotonic ms when it is due
  std::string date_;
  std::uint64_t next_id_ = 1;
  std::int64_t date_second_ = 0;
  std::uint16_t port_ = 0;
  int epoll_ = -1;
  int listener_ = -1;
};

}  // namespace fairing::bench
