// access: who may ask a listener of this process (admin, jobs) for what.
//
// Problem: such a listener is on loopback, where every web page that the operator opens can send requests
// too (by DNS rebinding or across sites), and where other users of the machine are; it may also be
// told to listen on a network.
//
// Rules, in this order:
// - Host must be localhost, 127.0.0.1, [::1] or the listen address, with its port or none. A unix
//   socket takes any. A listener on all addresses takes any literal address; and away from loopback
//   a request with the right token may use any name, for no page knows the token.
// - A change (POST) that a browser sends for another origin is refused.
// - What needs the bearer token is its owner's to say (admin: changes, and away from loopback all but probes; jobs:
//   everything where a token is set).
// Flow:  access_policy p(server.address(), token);  if (!p.host_allowed(caller_of(head))) 403 ...
// Pure, immutable; any thread. The token is compared in constant time.
#pragma once

#include <string>
#include <string_view>

#include "codec/http1/head.hpp"

namespace fairing::service {

// What of a request says who asks; the values of the fields, or "".
struct caller {
  std::string_view host;  // of the Host field or the absolute target; may be empty in HTTP/1.0
  std::string_view authorization;
  std::string_view origin;
  std::string_view fetch_site;  // Sec-Fetch-Site
};
[[nodiscard]] caller caller_of(const codec::http1::request_head& head) noexcept;

class access_policy {
 public:
  // `address` as net::listener names it: "127.0.0.1:9900", "[::]:9900", "unix:/run/a.sock". An
  // empty token matches nothing.
  access_policy(std::string_view address, std::string token);

  [[nodiscard]] bool host_allowed(const caller& c) const;
  [[nodiscard]] bool same_site(const caller& c) const;
  [[nodiscard]] bool has_token(const caller& c) const noexcept;
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

}  // namespace fairing::service
