// startup: the packets before the first message: they have a length but no type byte.
//
// Problem: these bytes come from anyone who can connect, before any password. Lengths, terminators,
// the number of parameters and repeated names are checked as strictly as the server does or more.
//
// Flow:
//   startup_packet packet;
//   switch (parse_startup(buffer, packet)) {
//     case startup_status::need_more: read more, at most max_startup_bytes, call again
//     case startup_status::complete:  drop packet.size bytes; look at packet.kind:
//        ssl_request, gssenc_request: answer one byte, 'S' or 'N', and parse the next packet
//        cancel_request:              cancel packet.key, close
//        startup:                     if (packet.needs_negotiation())
//                                       append_negotiate_protocol_version(out, packet)
//     case startup_status::error:     packet.error says why; answer append_error(...) and close
//   }
// No byte may follow an SSLRequest or GSSENCRequest in the same read (CVE-2021-23214): the session
// must refuse the connection if buffer.size() > packet.size there.
//
// Lifecycle: the views point into the buffer. Threads: any. Cost: no allocation; duplicate names
// are found by comparing each pair, at most 64 of them.
// Source: PostgreSQL documentation, "Message Formats" (StartupMessage, SSLRequest, GSSENCRequest,
// CancelRequest); src/backend/postmaster/postmaster.c, ProcessStartupPacket.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "codec/pgwire/wire.hpp"

namespace fairing::codec::pgwire {

inline constexpr std::size_t max_startup_bytes = 10'004;  // length field included
inline constexpr std::size_t max_startup_parameters = 64;
inline constexpr std::uint32_t protocol_3_0 = 196'608;
inline constexpr std::uint32_t cancel_request_code = 80'877'102;
inline constexpr std::uint32_t ssl_request_code = 80'877'103;
inline constexpr std::uint32_t gssenc_request_code = 80'877'104;

enum class startup_status : std::uint8_t {
  need_more,  // the packet is longer than what is there
  complete,   // packet.size bytes are the packet
  error,      // packet.error says why
};

enum class startup_kind : std::uint8_t {
  startup,         // StartupMessage: user, database, parameters
  ssl_request,     // wants TLS before anything else
  gssenc_request,  // wants GSSAPI encryption before anything else
  cancel_request,  // cancels the query of another connection
};

// What identifies a session for a CancelRequest.
struct backend_key {
  std::uint32_t pid = 0;
  std::uint32_t secret = 0;
  [[nodiscard]] bool operator==(const backend_key&) const noexcept = default;
};

struct parameter_view {
  std::string_view name;
  std::string_view value;
  static parameter_view decode(const char*& p) noexcept {
    const auto name = text_view::decode(p).text;
    return {name, text_view::decode(p).text};
  }
};

struct startup_packet {
  startup_kind kind = startup_kind::startup;
  errc error = errc::ok;
  std::size_t size = 0;                     // bytes of the packet
  std::uint32_t version = 0;                // of a StartupMessage: 0x0003'0000 for 3.0
  message_list<parameter_view> parameters;  // of a StartupMessage, in the order sent, all of them
  std::string_view user;                    // not empty
  std::string_view database;                // the user's name where none was given
  std::uint32_t protocol_options = 0;       // parameters whose name begins with `_pq_.`
  backend_key key;                          // of a CancelRequest

  // The value of a parameter, or null.
  [[nodiscard]] value_view find(std::string_view name) const noexcept;
  // The client asked for a minor version or for protocol options that Fairing does not have: a
  // NegotiateProtocolVersion comes before the authentication request.
  [[nodiscard]] bool needs_negotiation() const noexcept {
    return (version & 0xffff) != 0 || protocol_options != 0;
  }
};

// `bytes`: all unconsumed bytes, from the packet's first. Errors: bad_startup_length,
// unsupported_version, missing_terminator, trailing_bytes, duplicate_parameter,
// too_many_parameters, missing_user.
[[nodiscard]] startup_status parse_startup(std::string_view bytes, startup_packet& out) noexcept;

using parameter_pair = std::pair<std::string_view, std::string_view>;
// False, and nothing appended, if the packet would be over max_startup_bytes. A name or value with
// a NUL is cut there.
[[nodiscard]] bool append_startup(std::string& out, std::span<const parameter_pair> parameters);
void append_ssl_request(std::string& out);
void append_gssenc_request(std::string& out);
void append_cancel_request(std::string& out, backend_key key);
// To a packet that needs_negotiation(): version 3.0 and the `_pq_.` options, none of which is known.
void append_negotiate_protocol_version(std::string& out, const startup_packet& packet);

}  // namespace fairing::codec::pgwire
