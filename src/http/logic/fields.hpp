// fields: what forwarding, storing and answering all need to know of header fields.
//
// Problem: fields that belong to one connection (RFC 9110 §7.6.1) must not pass an intermediary,
// whether they are such by name or because Connection names them; and stored heads are read back
// line by line. Cost: nothing here allocates beyond what is appended.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "codec/http1/head.hpp"
#include "codec/http1/writer.hpp"

namespace fairing::http {

namespace http1 = codec::http1;

// The name this intermediary gives itself in Via and Cache-Status.
inline constexpr std::string_view via_value = "1.1 fairing";
// Our name among surrogates: Surrogate-Capability and the targets of Surrogate-Control.
inline constexpr std::string_view surrogate_name = "fairing";

// Does Connection name anything but hop-by-hop fields, close and keep-alive? Then the backend sees
// a request without a field that the cache key or Vary may have seen.
[[nodiscard]] bool connection_names_fields(const http1::message_head& head) noexcept;

// Cache-Tag(s), Surrogate-Key, xkey and xkey-purge: read as tags, kept from clients.
[[nodiscard]] bool is_tag_field(http1::field id) noexcept;

// "Content-Length: n\r\n".
void append_content_length(std::string& out, std::uint64_t length);

// Calls f(name, value) for each "Name: value\r\n" of a stored head's text, its status line skipped.
template <class F>
void for_each_line(std::string_view text, F&& f) {
  auto at = text.find("\r\n");
  while (at != std::string_view::npos) {
    text.remove_prefix(at + 2);
    at = text.find("\r\n");
    if (at == std::string_view::npos || at == 0) return;
    const auto line = text.substr(0, at);
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    f(line.substr(0, colon), trim_ows(line.substr(colon + 1)));
  }
}

}  // namespace fairing::http
