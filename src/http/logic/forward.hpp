// forward: the heads that Fairing writes: requests to the backend, and answers passed on to the
// client.
//
// Problem: what belongs to one connection must not pass; what tells the backend who asked must be
// true (a peer that is not trusted cannot say it); framing is always our own.
//
// Flow: build_upstream_head(out, request, context);       // then the body, framed as the context
// says
//       append_response_head(out, response, context);     // likewise
// Cost: one pass over the fields, appends only. Pure; any thread.
// Source: RFC 9110 §7.6, RFC 9112 §6, RFC 7239, W3C Trace Context.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "codec/http1/head.hpp"
#include "http/logic/cache_status.hpp"
#include "http/logic/trace_context.hpp"

namespace fairing::http {

namespace http1 = codec::http1;

// Milliseconds that are left for the answer: a backend may give up when they are over. From a
// trusted peer the field is read too (read_deadline): the smaller counts.
inline constexpr std::string_view deadline_field = "Fairing-Deadline-Ms";
[[nodiscard]] std::optional<milliseconds> read_deadline(
    const http1::request_head& request) noexcept;

// What becomes of the client's Accept-Encoding.
enum class encoding_policy : std::uint8_t {
  pass,      // as sent: Fairing does not encode on this route
  identity,  // left out: the backend sends identity, Fairing encodes
  replace,   // `accept_encoding` instead: one form for all clients, so that it needs no variants
};

struct framing {
  http1::body_kind kind = http1::body_kind::none;
  std::uint64_t length = 0;  // for body_kind::length
};

struct forward_context {
  // where to
  bool preserve_host = true;
  std::string_view upstream_host;  // Host when it is not preserved, or the client sent none
  std::string_view base_path;      // put before the path, without trailing slash
  // who asked
  std::string_view peer_ip;  // of the connection, text, IPv6 without brackets; "" for a unix socket
  std::string_view client_ip;        // behind trusted proxies: whom they name; else peer_ip again
  std::string_view scheme = "http";  // of the client's connection
  bool trusted_peer = false;         // the peer's own forwarded fields count: kept and added to
  bool tell_client = true;  // false (egress): no Forwarded, X-Forwarded-*, X-Real-IP, Via, deadline
  trace_context trace;
  // what
  encoding_policy encoding = encoding_policy::pass;
  std::string_view accept_encoding;  // for encoding_policy::replace
  bool as_get = false;               // a HEAD becomes a GET, to fill the cache
  bool drop_conditionals = false;    // If-*: a fill wants the whole answer
  bool drop_range = false;           // Range and If-Range likewise
  std::string_view
      extra_fields;  // complete lines, each ending in CRLF: validators, cache directives
  std::optional<milliseconds> deadline;
  framing body;
  bool expect_continue = false;  // send Expect: 100-continue before the body
  bool upgrade = false;          // pass Connection: upgrade and the Upgrade field
  bool surrogate = false;        // say in Surrogate-Capability that Surrogate-Control is understood
  // Fairing encodes on this route: the ETags that it made ("v1-gzip") mean the backend's ("v1").
  bool own_codings = false;
  bool close = false;  // the upstream connection ends with this exchange
};
// Appends request line, fields and the blank line.
void build_upstream_head(std::string& out, const http1::request_head& request,
                         const forward_context& context);

// TE: trailers.
[[nodiscard]] bool accepts_trailers(const http1::request_head& request) noexcept;

// TRACE and OPTIONS with Max-Forwards: 0 are answered here (RFC 9110 §7.6.2), others pass with one
// less.
[[nodiscard]] bool ends_at_this_hop(const http1::request_head& request) noexcept;

struct downstream_context {
  framing body;                  // as Fairing sends it
  bool client_http_1_0 = false;  // no chunks, no 1xx; keep-alive must be said
  bool keep_alive = true;
  bool upgrade = false;  // a 101: Connection: upgrade and the Upgrade field pass
  bool interim = false;  // a 1xx: no framing, no Connection, no Date, no Cache-Status
  bool pass_length =
      false;             // HEAD, 304: the origin's Content-Length describes what a GET would get
  bool tell_via = true;  // false: egress
  wall_time now{};       // for a missing Date
  const cache_status* status = nullptr;
  std::string_view coding;        // "gzip": Fairing encodes; ETag, Vary and digests follow
  bool vary_on_encoding = false;  // another client would have got another coding
  // Of a 200's body one range is sent: the status is 206, `extra_fields` has Content-Range.
  bool partial = false;
  std::string_view extra_fields;  // complete lines
};
// Appends status line, fields and the blank line. Tag fields, hop-by-hop fields and the origin's
// framing are left out.
void append_response_head(std::string& out, const http1::response_head& response,
                          const downstream_context& context);

}  // namespace fairing::http
