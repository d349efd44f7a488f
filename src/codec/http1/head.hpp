// head: a parsed HTTP/1.1 message head, as views into the connection's input buffer.
//
// Problem: the hot path needs a few well-known fields at once and must not allocate or copy;
// everything else needs all fields in order. A head holds the fields in wire order, each with the
// id of its name.
//
// Lifecycle: the views point into the buffer that was parsed; the head is valid while those bytes
// stay where they are. A head is reused for message after message (its vector keeps its capacity).
// Source: RFC 9112 (framing), RFC 9110 (fields).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/ascii.hpp"

namespace fairing::codec::http1 {

enum class method : std::uint8_t {
  get,
  head,
  post,
  put,
  del,
  connect,
  options,
  trace,
  patch,
  purge,
  other,  // any other token: passed on, treated as unsafe
};

// The field names that Fairing's logic asks for; every other name is `other`.
enum class field : std::uint8_t {
  other,
  accept,
  accept_encoding,
  accept_language,
  age,
  allow,
  authorization,
  cache_control,
  cache_status,
  cache_tag,
  cache_tags,
  cdn_cache_control,
  connection,
  content_encoding,
  content_length,
  content_location,
  content_range,
  content_type,
  cookie,
  date,
  etag,
  expect,
  expires,
  forwarded,
  host,
  if_match,
  if_modified_since,
  if_none_match,
  if_range,
  if_unmodified_since,
  keep_alive,
  last_modified,
  location,
  max_forwards,
  pragma,
  prefer,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  range,
  retry_after,
  server,
  set_cookie,
  surrogate_control,
  surrogate_key,
  te,
  traceparent,
  tracestate,
  trailer,
  transfer_encoding,
  upgrade,
  user_agent,
  vary,
  via,
  warning,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_proto,
  x_real_ip,
  xkey,
  xkey_purge,
};

// Case-insensitive; `field::other` for a name that is not in the list. O(length).
[[nodiscard]] field field_from_name(std::string_view name) noexcept;
// The name as it is written on the wire ("Cache-Control"); "" for `other`.
[[nodiscard]] std::string_view field_name(field id) noexcept;
[[nodiscard]] method method_from_name(std::string_view name) noexcept;  // case-sensitive
[[nodiscard]] std::string_view method_name(method m) noexcept;          // "" for `other`

struct header {
  std::string_view name;   // as sent
  std::string_view value;  // OWS trimmed at both ends
  field id = field::other;
};

// Its bit in message_head::present.
[[nodiscard]] constexpr std::uint64_t bit_of(field id) noexcept {
  return std::uint64_t{1} << static_cast<unsigned>(id);
}
static_assert(static_cast<unsigned>(field::xkey_purge) < 64);

// How the body after a head is delimited (RFC 9112 §6.3).
enum class body_kind : std::uint8_t {
  none,         // no body follows
  length,       // exactly content_length bytes, which may be 0
  chunked,      // chunks, a last chunk, trailers
  until_close,  // responses only: to the end of the connection
};

struct message_head {
  std::vector<header> headers;       // wire order
  std::uint64_t content_length = 0;  // valid if body == length
  body_kind body = body_kind::none;
  std::uint8_t version_minor = 1;  // HTTP/1.0 or HTTP/1.1
  bool keep_alive = true;          // the connection may be used again after this message
  std::size_t size = 0;            // bytes of the head on the wire, final CRLF included
  // A bit for every id that `headers` may hold, so that most questions end here; the parser sets those it saw.
  std::uint64_t present = ~std::uint64_t{0};

  [[nodiscard]] const header* find(field id) const noexcept {
    if ((present & bit_of(id)) == 0) return nullptr;
    for (const auto& h : headers)
      if (h.id == id) return &h;
    return nullptr;
  }
  [[nodiscard]] const header* find(std::string_view name) const noexcept {
    for (const auto& h : headers)
      if (iequals(h.name, name)) return &h;
    return nullptr;
  }
  [[nodiscard]] bool has(field id) const noexcept { return find(id) != nullptr; }
  // The first value of that field, or "".
  [[nodiscard]] std::string_view get(field id) const noexcept {
    const auto* h = find(id);
    return h ? h->value : std::string_view{};
  }
  // Calls f(element) for each comma-separated element of every line of that field.
  template <class F>
  void for_each_element(field id, F&& f) const {
    if ((present & bit_of(id)) == 0) return;
    for (const auto& h : headers)
      if (h.id == id) for_each_list_element(h.value, f);
  }
};

struct request_head : message_head {
  http1::method method = http1::method::other;
  std::string_view method_text;
  std::string_view target;  // as sent (origin-form, absolute-form, or "*")
  std::string_view
      authority;  // from the absolute-form target, else the Host field; may be "" in 1.0
  std::string_view
      path;  // path of the target, never empty ("/" for an empty one); "*" for OPTIONS *
  std::string_view
      query;  // after the first '?', without it; no '?' and an empty query differ in has_query
  bool has_query = false;
  bool plain_path =
      false;  // surely no '%' in the path, and no segment that begins with '.' or is empty but the last
  bool expect_continue = false;
  bool upgrade = false;  // Connection: upgrade with an Upgrade field
};

struct response_head : message_head {
  std::uint16_t status = 0;
  std::string_view reason;
};

}  // namespace fairing::codec::http1
