// endpoint: where a socket listens or connects to: an IPv4 or IPv6 address with its port, or a unix socket's path.
//
// Flow:  if (const auto at = endpoint::parse("::1", 8080)) ::connect(fd, at->data(), at->size());
// Only literal addresses are read here; names are the dialer's. Threads: any; a value.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fairing::net {

class endpoint {
 public:
  // The longest path that every kernel takes, its ending NUL aside.
  static constexpr std::size_t max_path = 100;

  // "127.0.0.1", "::1", "fe80::1%eth0"; nullopt for what is no literal address.
  [[nodiscard]] static std::optional<endpoint> parse(const std::string& address,
                                                     std::uint16_t port);
  // As the kernel or the resolver gave it; nullopt if it is of another family.
  [[nodiscard]] static std::optional<endpoint> from(const sockaddr* raw, socklen_t size) noexcept;
  [[nodiscard]] static endpoint loopback_v4(std::uint16_t port) noexcept;
  [[nodiscard]] static endpoint loopback_v6(std::uint16_t port) noexcept;
  // `path` has 1 to max_path bytes.
  [[nodiscard]] static endpoint unix_socket(std::string_view path) noexcept;

  [[nodiscard]] int family() const noexcept { return raw_.any.sa_family; }
  [[nodiscard]] const sockaddr* data() const noexcept { return &raw_.any; }
  [[nodiscard]] socklen_t size() const noexcept { return size_; }
  // "127.0.0.1:8080", "[::1]:80", "unix:/run/x.sock"
  [[nodiscard]] std::string text() const;

 private:
  endpoint() = default;
  union {
    sockaddr_un local;  // the largest comes first: it is what {} sets to zero
    sockaddr_in6 v6;
    sockaddr_in v4;
    sockaddr any;
  } raw_{};
  socklen_t size_ = 0;
};

}  // namespace fairing::net
