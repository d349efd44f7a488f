#include "net/endpoint.hpp"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>

#include "base/ascii.hpp"

namespace fairing::net {

namespace {
// An interface's name or number: of link-local addresses.
std::optional<std::uint32_t> scope_of(const std::string& text) {
  if (const auto index = ::if_nametoindex(text.c_str()); index != 0) return index;
  const auto number = parse_digits(text);
  if (!number || *number > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}
}  // namespace

std::optional<endpoint> endpoint::parse(const std::string& address, std::uint16_t port) {
  endpoint e;
  if (::inet_pton(AF_INET, address.c_str(), &e.raw_.v4.sin_addr) == 1) {
    e.raw_.v4.sin_family = AF_INET;
    e.raw_.v4.sin_port = htons(port);
    e.size_ = sizeof e.raw_.v4;
    return e;
  }
  e = {};
  const auto percent = address.find('%');
  if (::inet_pton(AF_INET6, address.substr(0, percent).c_str(), &e.raw_.v6.sin6_addr) != 1)
    return std::nullopt;
  if (percent != std::string::npos) {
    const auto scope = scope_of(address.substr(percent + 1));
    if (!scope) return std::nullopt;
    e.raw_.v6.sin6_scope_id = *scope;
  }
  e.raw_.v6.sin6_family = AF_INET6;
  e.raw_.v6.sin6_port = htons(port);
  e.size_ = sizeof e.raw_.v6;
  return e;
}

std::optional<endpoint> endpoint::from(const sockaddr* raw, socklen_t size) noexcept {
  endpoint e;
  if (!raw || size < sizeof(sa_family_t) || size > sizeof e.raw_) return std::nullopt;
  std::memcpy(&e.raw_, raw, size);
  e.size_ = size;
  const auto family = e.family();
  const bool whole = (family == AF_INET && size >= sizeof(sockaddr_in)) ||
                     (family == AF_INET6 && size >= sizeof(sockaddr_in6)) || family == AF_UNIX;
  if (!whole) return std::nullopt;
  return e;
}

endpoint endpoint::loopback_v4(std::uint16_t port) noexcept {
  endpoint e;
  e.raw_.v4.sin_family = AF_INET;
  e.raw_.v4.sin_port = htons(port);
  e.raw_.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  e.size_ = sizeof e.raw_.v4;
  return e;
}

endpoint endpoint::loopback_v6(std::uint16_t port) noexcept {
  endpoint e;
  e.raw_.v6.sin6_family = AF_INET6;
  e.raw_.v6.sin6_port = htons(port);
  e.raw_.v6.sin6_addr = in6addr_loopback;
  e.size_ = sizeof e.raw_.v6;
  return e;
}

endpoint endpoint::unix_socket(std::string_view path) noexcept {
  endpoint e;
  const auto n = std::min(path.size(), max_path);
  e.raw_.local.sun_family = AF_UNIX;
  std::copy_n(path.data(), n, e.raw_.local.sun_path);
  e.size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + n + 1);
  return e;
}

std::string endpoint::text() const {
  if (family() == AF_UNIX) return std::string("unix:") + raw_.local.sun_path;
  char host[INET6_ADDRSTRLEN] = {};
  if (family() == AF_INET) {
    ::inet_ntop(AF_INET, &raw_.v4.sin_addr, host, sizeof host);
    return std::string(host) + ":" + std::to_string(ntohs(raw_.v4.sin_port));
  }
  ::inet_ntop(AF_INET6, &raw_.v6.sin6_addr, host, sizeof host);
  std::string out = "[" + std::string(host);
  if (const auto scope = raw_.v6.sin6_scope_id; scope != 0) {
    char name[IF_NAMESIZE] = {};
    out += "%";
    out += ::if_indextoname(scope, name) ? std::string(name) : std::to_string(scope);
  }
  return out + "]:" + std::to_string(ntohs(raw_.v6.sin6_port));
}

}  // namespace fairing::net
