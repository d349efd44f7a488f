// ip_set: addresses of peers and lists of networks they are compared with (trusted_proxies, purge_from).
//
// Flow:  auto nets = ip_set::parse({"127.0.0.0/8", "::1/128"}); nets->contains(peer)
// An IPv4 address mapped into IPv6 equals the IPv4 one. A unix socket's peer counts as 127.0.0.1.
// Threads: immutable once made.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fairing::net {

struct ip_address {
  std::array<std::uint8_t, 16> bytes{};  // IPv4 as ::ffff:a.b.c.d
  [[nodiscard]] static std::optional<ip_address> parse(std::string_view text) noexcept;
  [[nodiscard]] static ip_address loopback() noexcept;
  // Of a connected socket's peer; loopback for unix sockets.
  [[nodiscard]] static ip_address of_peer(int socket) noexcept;
  [[nodiscard]] std::string text() const;
  bool operator==(const ip_address&) const = default;
};

class ip_set {
 public:
  // nullopt if an entry is neither an address nor ADDRESS/BITS.
  [[nodiscard]] static std::optional<ip_set> parse(std::span<const std::string> entries);
  [[nodiscard]] bool contains(const ip_address& a) const noexcept;

 private:
  struct network {
    ip_address base;
    unsigned bits;
  };
  std::vector<network> networks_;
};

}  // namespace fairing::net
