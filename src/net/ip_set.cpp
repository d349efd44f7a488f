#include "net/ip_set.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/ascii.hpp"

namespace fairing::net {

namespace {
constexpr std::array<std::uint8_t, 12> v4_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_v4(const ip_address& a) {
  return std::equal(v4_prefix.begin(), v4_prefix.end(), a.bytes.begin());
}
ip_address from_v4(const void* four) {
  ip_address a;
  std::copy(v4_prefix.begin(), v4_prefix.end(), a.bytes.begin());
  std::memcpy(a.bytes.data() + 12, four, 4);
  return a;
}
}  // namespace

std::optional<ip_address> ip_address::parse(std::string_view text) noexcept {
  if (text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  char zero_ended[INET6_ADDRSTRLEN] = {};
  std::copy(text.begin(), text.end(), zero_ended);
  in_addr four{};
  if (::inet_pton(AF_INET, zero_ended, &four) == 1) return from_v4(&four);
  ip_address a;
  if (::inet_pton(AF_INET6, zero_ended, a.bytes.data()) == 1) return a;
  return std::nullopt;
}

ip_address ip_address::loopback() noexcept {
  static const ip_address a = *parse("127.0.0.1");
  return a;
}

ip_address ip_address::of_peer(int socket) noexcept {
  sockaddr_storage raw{};
  socklen_t length = sizeof raw;
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&raw), &length) != 0) return loopback();
  if (raw.ss_family == AF_INET) return from_v4(&reinterpret_cast<sockaddr_in*>(&raw)->sin_addr);
  if (raw.ss_family != AF_INET6) return loopback();
  ip_address a;
  std::memcpy(a.bytes.data(), &reinterpret_cast<sockaddr_in6*>(&raw)->sin6_addr, 16);
  return a;
}

std::string ip_address::text() const {
  char out[INET6_ADDRSTRLEN] = {};
  if (is_v4(*this))
    ::inet_ntop(AF_INET, bytes.data() + 12, out, sizeof out);
  else
    ::inet_ntop(AF_INET6, bytes.data(), out, sizeof out);
  return out;
}

std::optional<ip_set> ip_set::parse(std::span<const std::string> entries) {
  ip_set set;
  for (const std::string_view entry : entries) {
    const auto slash = entry.find('/');
    const auto address = ip_address::parse(entry.substr(0, slash));
    if (!address) return std::nullopt;
    const unsigned width = is_v4(*address) ? 32 : 128;
    std::uint64_t bits = width;
    if (slash != std::string_view::npos) {
      const auto given = parse_digits(entry.substr(slash + 1));
      if (!given || *given > width) return std::nullopt;
      bits = *given;
    }
    set.networks_.push_back({*address, static_cast<unsigned>(bits) + (128 - width)});
  }
  return set;
}

bool ip_set::contains(const ip_address& a) const noexcept {
  return std::ranges::any_of(networks_, [&](const network& n) {
    const unsigned whole = n.bits / 8;
    if (!std::equal(a.bytes.begin(), a.bytes.begin() + whole, n.base.bytes.begin())) return false;
    const unsigned rest = n.bits % 8;
    if (rest == 0) return true;
    const auto mask = static_cast<std::uint8_t>(0xff00U >> rest);
    return (a.bytes[whole] & mask) == (n.base.bytes[whole] & mask);
  });
}

}  // namespace fairing::net
