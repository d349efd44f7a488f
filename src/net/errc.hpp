// errc: what ends a read, a write or a look-up beside the kernel's own errors, which are std::system_category's.
//
// Flow:  if (r.error == errc::ended) the peer has said all; r.error.message() is fit for a log line.
// Threads: any. Cost: nothing is allocated but in message().
#pragma once

#include <system_error>
#include <type_traits>

namespace fairing::net {

enum class errc {
  ok = 0,
  ended,            // the peer has ended its side, or a file is shorter than announced
  closed,           // the connection was closed on this side while something was pending
  tls_failed,       // the TLS handshake failed; the channel knows why
  unknown_host,     // the name exists nowhere, or has no address
  no_name_server,   // no name server answers now; the name may exist
  look_up_failed,   // a name server refused, or the resolver's own settings are broken
  look_up_late,     // the deadline came before the look-up's end
  look_ups_queued,  // too many look-ups wait for the name server already
};
[[nodiscard]] const std::error_category& net_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), net_category()};
}
// The kernel's word for what has just failed.
[[nodiscard]] std::error_code last_error() noexcept;

}  // namespace fairing::net

template <>
struct std::is_error_code_enum<fairing::net::errc> : std::true_type {};
