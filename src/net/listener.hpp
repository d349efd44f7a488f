// listener: accepts connections on one address on every core.
//
// Problem: TCP listeners are per core (SO_REUSEPORT), a unix listener is one, handing sockets round; port 0 must end
// up as the same free port on all cores; being out of file descriptors must neither spin nor hang clients.
//
// Flow:
//   auto l = listener::open(cores, "127.0.0.1:8080");   // or "8080" (loopback), "unix:/run/x.sock"
//   l->on_accept = ...; l->start();                     // on_accept runs on the accepting core
// Out of descriptors: a spare descriptor is given up to accept, `refusal` is sent, and the connection closed; where even
// that fails the core tries again with the first tick after 50 ms.
// Threads: open/start/stop from the main thread; on_accept on the cores.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "net/core.hpp"
#include "net/stream.hpp"

namespace fairing::net {

// Sends what fits and shuts the sending side, without waiting: the cheapest answer to a connection that is not wanted.
// What the client has sent so far is read first; else the close would reset the connection before the answer is read.
// The caller closes `fd`.
void send_refusal(int fd, std::string_view refusal) noexcept;

class listener {
 public:
  using accept_handler = std::function<void(core&, socket)>;

  static result<std::unique_ptr<listener>> open(core_group& cores, const std::string& address);
  ~listener();
  // `refusal`: complete HTTP (or other) bytes for a client that cannot be served; may be empty.
  void start(accept_handler on_accept, std::string refusal);
  void stop();  // no new connections; returns when no core accepts any more
  // As the ready line names it: "127.0.0.1:8080", "[::1]:80", "unix:/run/x.sock".
  [[nodiscard]] const std::string& address() const noexcept;

 private:
  struct impl;
  explicit listener(std::unique_ptr<impl> i);
  std::unique_ptr<impl> impl_;
};

}  // namespace fairing::net
