#include "service/access.hpp"

#include <arpa/inet.h>
#include <openssl/crypto.h>

#include <utility>

#include "base/ascii.hpp"

namespace fairing::service {
namespace {

// "[::1]:9900" as {"[::1]", "9900"}; the port is empty if there is none.
std::pair<std::string_view, std::string_view> split(std::string_view authority) {
  const auto colon = authority.rfind(':');
  const auto bracket = authority.rfind(']');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket))
    return {authority, {}};
  return {authority.substr(0, colon), authority.substr(colon + 1)};
}

bool is_literal(std::string_view host) {
  unsigned char bytes[16];
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    return ::inet_pton(AF_INET6, std::string(host.substr(1, host.size() - 2)).c_str(), bytes) == 1;
  return ::inet_pton(AF_INET, std::string(host).c_str(), bytes) == 1;
}

bool is_loopback(std::string_view host) {
  return host == "[::1]" || (host.starts_with("127.") && is_literal(host));
}

}  // namespace

caller caller_of(const codec::http1::request_head& head) noexcept {
  using codec::http1::field;
  caller c{.host = head.authority, .authorization = head.get(field::authorization)};
  if (const auto* h = head.find("Origin")) c.origin = h->value;
  if (const auto* h = head.find("Sec-Fetch-Site")) c.fetch_site = h->value;
  return c;
}

access_policy::access_policy(std::string_view address, std::string token)
    : token_(std::move(token)) {
  unix_ = address.starts_with("unix:");
  if (!unix_) {
    const auto [host, port] = split(address);
    host_ = host;
    port_ = port;
  }
  loopback_ = unix_ || is_loopback(host_);
  wildcard_ = host_ == "0.0.0.0" || host_ == "[::]";
}

bool access_policy::known_host(std::string_view authority) const {
  const auto [host, port] = split(authority);
  if (!port.empty() && port != port_) return false;
  if (iequals(host, "localhost") || host == "127.0.0.1" || host == "[::1]") return true;
  return iequals(host, host_) || (wildcard_ && is_literal(host));
}

bool access_policy::host_allowed(const caller& c) const {
  if (unix_ || known_host(c.host)) return true;
  return !loopback_ && has_token(c);
}

bool access_policy::same_site(const caller& c) const {
  if (c.fetch_site == "cross-site" || c.fetch_site == "same-site") return false;
  if (c.origin.empty()) return true;
  return !c.host.empty() && iequals(c.origin, "http://" + std::string(c.host));
}

bool access_policy::has_token(const caller& c) const noexcept {
  std::string_view given = c.authorization;
  if (given.size() < 7 || !iequals(given.substr(0, 7), "Bearer ")) return false;
  given = trim_ows(given.substr(7));
  if (token_.empty() || given.size() != token_.size()) return false;
  return ::CRYPTO_memcmp(given.data(), token_.data(), token_.size()) == 0;
}

}  // namespace fairing::service
