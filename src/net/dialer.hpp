// dialer: names to addresses, and addresses to connected streams.
//
// Problem: connecting must have a deadline that counts from the name's look-up on, must not block the core, and must
// say plainly what failed. Look-ups (getaddrinfo) block a thread of the core's own, one at a time for each cache
// whatever the number of callers, and are kept for `resolve_ttl`. A look-up cannot be broken off: who gave up waiting
// for it leaves it running, and what it finds serves the next caller. Literal addresses and localhost need none.
// Lifecycle: a resolver_cache outlives the calls on it, not the look-up. Threads: on the core that is passed in.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "net/core.hpp"
#include "net/endpoint.hpp"
#include "net/stream.hpp"
#include "net/task.hpp"
#include "net/tls.hpp"

namespace fairing::net {

struct dial_target {
  std::string host;  // name or literal address; empty for unix
  std::uint16_t port = 0;
  std::string unix_path;             // not empty: a unix socket
  std::shared_ptr<tls_context> tls;  // null: plain
};

enum class dial_fault : std::uint8_t {
  none,
  resolve,    // the name has no address
  refused,    // refused, unreachable, reset
  timeout,    // the deadline passed, in the look-up, the connecting or the handshake
  resources,  // this process is out of file descriptors, ports or memory
  tls,        // the TLS handshake failed, the certificate was refused
};
[[nodiscard]] std::string_view to_string(dial_fault f) noexcept;

struct dial_result {
  dial_fault fault = dial_fault::none;
  std::string detail;  // for the log and the problem's detail: never a secret
  std::unique_ptr<stream> connection;
};

// Addresses of one name, looked up at most every 30 s; one per core and upstream.
class resolver_cache {
 public:
  // No error: size() > 0. errc::look_up_late: the look-up had not ended by the deadline, and no earlier one is known. While
  // addresses of an earlier look-up are known, half of the time is waited for new ones.
  task<std::error_code> resolve(core& c, const dial_target& target, mono_time now,
                                mono_time deadline);
  // Addresses in turn.
  [[nodiscard]] endpoint next();
  [[nodiscard]] std::size_t size() const noexcept { return addresses_.size(); }

 private:
  struct look_up;
  void start(core& c, const dial_target& target);
  void adopt();
  std::shared_ptr<look_up> running_;  // ended ones until adopted
  std::vector<endpoint> addresses_;
  std::size_t turn_ = 0;
  mono_time valid_until_ = mono_time::min();
};

task<dial_result> dial(core& c, const dial_target& target, resolver_cache& names,
                       mono_time deadline);

}  // namespace fairing::net
