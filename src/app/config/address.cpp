#include "app/config/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include "base/ascii.hpp"

namespace fairing::config {

namespace {

bool is_address(const std::string& text) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > 253) return false;
  for (char c : text) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '-' || c == '.' || c == '_';
    if (!ok) return false;
  }
  return text.front() != '.' && text.front() != '-';
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto value = parse_digits(text);
  if (!value || *value > 65535 || text.size() > 5) return std::nullopt;
  return static_cast<std::uint16_t>(*value);
}

// HOST:PORT, [V6]:PORT or, where `default_port` is given, HOST alone.
bool split_host_port(std::string_view text, std::optional<std::uint16_t> default_port,
                     std::string& host, std::uint16_t& port) {
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return false;
    host = text.substr(1, end - 1);
    if (!is_address(host)) return false;
    rest = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    host = text.substr(0, colon);
    if (!is_host_name(host)) return false;
    rest = colon == std::string_view::npos ? std::string_view{} : text.substr(colon);
  }
  if (rest.empty()) {
    port = default_port.value_or(0);
    return default_port.has_value();
  }
  if (rest[0] != ':') return false;
  const auto parsed = parse_port(rest.substr(1));
  if (parsed) port = *parsed;
  return parsed.has_value();
}

}  // namespace

bool listen_address::loopback() const {
  return !unix_path.empty() || host == "::1" || host == "localhost" ||
         (host.starts_with("127.") && is_address(host));
}

std::optional<listen_address> parse_listen(std::string_view text) {
  listen_address a;
  if (text.starts_with("unix:")) {
    a.unix_path = text.substr(5);
    if (a.unix_path.empty() || a.unix_path.size() > 107) return std::nullopt;  // sun_path
    return a;
  }
  if (const auto port = parse_port(text)) {
    a.host = "127.0.0.1";
    a.port = *port;
    return a;
  }
  if (!split_host_port(text, std::nullopt, a.host, a.port)) return std::nullopt;
  return a;
}

std::string to_text(const listen_address& a) {
  if (!a.unix_path.empty()) return "unix:" + a.unix_path;
  if (a.host.find(':') != std::string::npos) return fmt::format("[{}]:{}", a.host, a.port);
  return fmt::format("{}:{}", a.host, a.port);
}

std::optional<http::upstream_config> parse_upstream(std::string_view url, std::string& problem) {
  http::upstream_config u;
  u.url = url;
  for (const std::string_view scheme : {"unix:", "http+unix:"}) {
    if (!url.starts_with(scheme)) continue;
    auto path = url.substr(scheme.size());
    if (path.starts_with("//")) path.remove_prefix(2);
    u.unix_path = path;
    u.host = "localhost";
    if (u.unix_path.empty() || u.unix_path.size() > 107) {
      problem = "a unix upstream needs a path of 1 to 107 bytes, as in unix:/run/app.sock";
      return std::nullopt;
    }
    return u;
  }
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    u.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    // A password must not come into a log.
    const auto shown = url.find('@') == std::string_view::npos ? fmt::format("`{}` is none: ", url)
                                                               : std::string();
    std::string host;
    std::uint16_t port = 0;
    problem = split_host_port(url, std::nullopt, host, port)
                  ? fmt::format("`{}` has no scheme; write http://{}", url, url)
                  : shown + "an upstream is http://HOST:PORT, https://HOST or unix:PATH";
    return std::nullopt;
  }
  if (rest.find_first_of("?# \t") != std::string_view::npos) {
    problem = "an upstream has no query, fragment or space; take it out";
    return std::nullopt;
  }
  const auto slash = rest.find('/');
  const auto authority = rest.substr(0, slash);
  if (authority.find('@') != std::string_view::npos) {
    problem = "an http upstream has no user and password; take what is before the @ out";
    return std::nullopt;
  }
  if (!split_host_port(authority, u.tls ? 443 : 80, u.host, u.port) || u.port == 0) {
    problem = "the host or port of the upstream is not one; write http://HOST:PORT";
    return std::nullopt;
  }
  if (slash != std::string_view::npos) u.base_path = rest.substr(slash);
  while (u.base_path.ends_with('/')) u.base_path.pop_back();
  return u;
}

bool is_host(std::string_view text) { return is_host_name(text) || is_address(std::string(text)); }

bool is_network(std::string_view text) {
  const auto slash = text.find('/');
  const std::string host(text.substr(0, slash));
  if (!is_address(host)) return false;
  if (slash == std::string_view::npos) return true;
  const auto bits = parse_digits(text.substr(slash + 1));
  return bits && *bits <= (host.find(':') == std::string::npos ? 32U : 128U);
}

}  // namespace fairing::config
