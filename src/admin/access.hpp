// access: who may ask the admin interface for what.
//
// Problem: it listens on loopback, where every web page that the operator opens can send requests
// too (by DNS rebinding or across sites), and where other users of the machine are; it may also be
// told to listen on a network.
//
// Rules, in this order:
// - Host must be localhost, 127.0.0.1, [::1] or the listen address, with its port or none. A unix
//   socket takes any. A listener on all addresses takes any literal address; and away from loopback
//   a request with the right token may use any name, for no page knows the token.
// - A change (POST) that a browser sends for another origin is refused.
// - A change needs the bearer token, also on loopback. Away from loopback reading needs it too, but
//   for /livez and /readyz.
// Flow:  access_policy p(server.address(), token);  if (!p.host_allowed(r)) 403 ...
// Pure, immutable; any thread. The token is compared in constant time.
#pragma once

#include <string>
#include <string_view>

#include "admin/message.hpp"

namespace fairing::admin {

class access_policy {
 public:
  // `address` as net::listener names it: "127.0.0.1:9900", "[::]:9900", "unix:/run/a.sock". An
  // empty token matches nothing.
  access_policy(std::string_view address, std::string token);

  [[nodiscard]] bool host_allowed(const request& r) const;
  [[nodiscard]] bool same_site(const request& r) const;
  [[nodiscard]] bool has_token(const request& r) const noexcept;
  // Unix sockets, 127.0.0.0/8 and ::1.
  [[nodiscard]] bool on_loopback() const noexcept { return loopback_; }

 private:
  [[nodiscard]] bool known_host(std::string_view host) const;

  std::string host_;  // of the listen address, brackets included; "" for unix
  std::string port_;
  std::string token_;
  bool unix_ = false;
  bool loopback_ = false;
  bool wildcard_ = false;  // 0.0.0.0 or [::]
};

}  // namespace fairing::admin
