// address: LISTEN words (`PORT`, `HOST:PORT`, `unix:PATH`), upstream URLs and networks, as text
// that was checked.
//
// Flow:  auto a = parse_listen("8080");           // {host "127.0.0.1", port 8080}; to_text:
// "127.0.0.1:8080"
//        auto u = parse_upstream("http://127.0.0.1:3000/base", problem);
// A port alone is loopback. IPv6 addresses stand in brackets. Port 0 means a free one, picked at
// start.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/logic/site_config.hpp"

namespace fairing::config {

struct listen_address {
  std::string host;  // an address or name, without brackets; empty for unix
  std::uint16_t port = 0;
  std::string unix_path;

  [[nodiscard]] bool loopback() const;  // 127.0.0.0/8, ::1, localhost and unix
  bool operator==(const listen_address&) const = default;
};

[[nodiscard]] std::optional<listen_address> parse_listen(std::string_view text);
[[nodiscard]] std::string to_text(
    const listen_address& a);  // "127.0.0.1:8080", "[::1]:80", "unix:/p"

// http://HOST[:PORT][/BASE], https://..., unix:PATH or http+unix:PATH. Credentials, a query and a
// fragment are refused. On error nullopt and the reason in `problem`.
[[nodiscard]] std::optional<http::upstream_config> parse_upstream(std::string_view url,
                                                                  std::string& problem);

// A host name or an address, without port.
[[nodiscard]] bool is_host(std::string_view text);

// `10.0.0.0/8`, `::1/128`, or an address alone.
[[nodiscard]] bool is_network(std::string_view text);

}  // namespace fairing::config
