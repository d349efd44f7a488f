// writer: helpers that append HTTP/1.1 syntax to a string, and the rules of what a proxy may pass
// on.
//
// Problem: everything Fairing forwards is written anew from the parsed head. These helpers are the
// one place where field lines and chunks are written, so that nothing can be smuggled through a
// value, and where it is decided which fields end at this hop.
//
// Flow:
//   for (const auto& h : head.headers)
//     if (!is_hop_by_hop(head, h)) append_header(out, h.name, h.value);
//   ... then the framing and connection fields of the own connection, and an empty line.
//
// Cost: appends only; reserve in the caller. Any thread. Source: RFC 9110 §7.6.1, RFC 9112 §7.1.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "codec/http1/head.hpp"

namespace fairing::codec::http1 {

// "name: value\r\n". A CR, LF, NUL or other control character in the value is written as a space:
// no value, wherever it comes from, can end its line. The name is the caller's: a parsed one or a
// literal.
void append_header(std::string& out, std::string_view name, std::string_view value);

// The number in decimal digits: at `to`, where most_decimal bytes have room, returning their end; or appended.
inline constexpr std::size_t most_decimal = 20;
inline char* put_decimal(char* to, std::uint64_t value) noexcept {
  if (value < 10) {
    *to = static_cast<char>('0' + value);
    return to + 1;
  }
  return std::to_chars(to, to + most_decimal, value).ptr;
}
void append_decimal(std::string& out, std::uint64_t value);

// "<hex>\r\n" before `size` bytes of data, which the caller follows with "\r\n". Never for size 0:
// that would end the body (append_last_chunk does).
void append_chunk_header(std::string& out, std::size_t size);

// "0\r\n", the trailer lines (each ending in CRLF, as chunked_decoder::trailers() gives them),
// "\r\n".
void append_last_chunk(std::string& out, std::string_view raw_trailers = {});

// True if the field ends at this hop: Connection, Keep-Alive, Proxy-Connection, TE, Trailer,
// Transfer-Encoding, Upgrade, HTTP2-Settings, proxy authentication (between a client and the proxy
// itself, which Fairing is not), and what the Connection field of the same head nominates.
// A nomination is obeyed only for names that nothing here or behind depends on: a name of
// http1::field (Host, Content-Length, Cache-Control, Authorization, Cookie, Vary ...), any
// `content-*`, `x-forwarded-*`, `sec-*` and `access-control-*`, and the usual proxies' identity
// fields are kept although nominated. Otherwise a client could strip what a trusted proxy before
// Fairing added, or what makes an answer private (`Connection: cache-control`). Cost: a table
// look-up; a walk over the Connection values only for names outside http1::field.
[[nodiscard]] bool is_hop_by_hop(const message_head& head, const header& h) noexcept;

// True for fields that must not come as trailers because they would change framing, routing,
// access, caching or the reading of the content (RFC 9110 §6.5.1): chunked_decoder drops them.
[[nodiscard]] bool is_forbidden_trailer(std::string_view name) noexcept;

}  // namespace fairing::codec::http1
