// pg_origin: the event loop of the fake PostgreSQL, one thread, epoll.
//
// Flow: pg_origin s; s.listen(port, why); s.port(); s.run(stop).
// Lifecycle: a connection lives until its client closes it or sends what is no protocol.
// Cost: one recv and one send a packet, however many messages it has.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "bench/sql/fake_session.hpp"

namespace fairing::bench {

class pg_origin {
 public:
  pg_origin();
  ~pg_origin();
  pg_origin(const pg_origin&) = delete;
  pg_origin& operator=(const pg_origin&) = delete;

  // Listens on 127.0.0.1:`port` (0: a free one). False with `why` on failure.
  [[nodiscard]] bool listen(std::uint16_t port, std::string& why);
  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

  // Serves until `stop` is true, looked at at least every 200 ms.
  void run(const std::atomic<bool>& stop);

 private:
  struct client {
    client(int socket, std::uint32_t id) : fd(socket), session(id) {}
    int fd;
    fake_session session;
    std::string out;
    bool watching_out = false;
  };

  void accept_all();
  void on_event(client& c, std::uint32_t events);
  [[nodiscard]] bool read_some(client& c);
  [[nodiscard]] bool flush(client& c);

  static constexpr std::size_t out_limit = 4 * 1024 * 1024;  // of one that asks and never reads

  std::unordered_map<int, std::unique_ptr<client>> clients_;
  std::uint32_t next_id_ = 1;
  std::uint16_t port_ = 0;
  int epoll_ = -1;
  int listener_ = -1;
};

}  // namespace fairing::bench
