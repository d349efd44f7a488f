// proxy_protocol: the PROXY header, versions 1 and 2, that a trusted proxy sends before the first
// byte of a connection to name the real client.
//
// Problem: the header decides who the client is (rate limits, allow lists, logs), so it is read
// only from peers that the configuration trusts, whole or not at all, and bounded.
//
// Flow:
//   proxy_header from;
//   switch (parse_proxy(buffer, from)) {          // buffer: all bytes of the connection so far
//     case parse_status::need_more: read more, call again
//     case parse_status::complete:  drop from.size bytes; if (from.proxied) the client is
//     from.source_* case parse_status::error:     close: it is no PROXY header, or not one that is
//     understood
//   }
// An error is reported at the first byte that does not fit, so a client that speaks HTTP at once is
// told. Cost: at most 552 bytes are looked at; two small strings are made. Never throws but for
// memory. Source: https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt (sections 2.1
// and 2.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "codec/http1/parser.hpp"

namespace fairing::codec::http1 {

inline constexpr std::size_t max_proxy_v1_bytes = 107;          // CRLF included
inline constexpr std::size_t max_proxy_v2_payload_bytes = 536;  // after the 16 bytes of fixed part

struct proxy_header {
  std::size_t size = 0;      // bytes of the header on the wire
  std::uint8_t version = 0;  // 1 or 2
  // False for LOCAL (health checks of the proxy itself), UNKNOWN and unix sockets: the addresses
  // are then empty and the connection's own peer is the client.
  bool proxied = false;
  std::string source_address;  // "192.0.2.1" or "2001:db8::1", in its shortest form
  std::string destination_address;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
};

// Pure; any thread. `out` is meaningful after `complete` only.
[[nodiscard]] parse_status parse_proxy(std::string_view bytes, proxy_header& out);

}  // namespace fairing::codec::http1
