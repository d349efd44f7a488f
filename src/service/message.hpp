// message: a request and its answer as handlers see them, without sockets and syntax.
//
// Problem: the small HTTP servers of this process (admin, jobs) take whole requests and give whole answers; what a
// handler reads must not cost a copy a field, and what it answers must outlive its call.
// Lifecycle: everything in a request is a view into the connection's input; it is valid until the handler's call
// returns. Whoever answers later copies what it needs.
// Threads: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "codec/http1/head.hpp"

namespace fairing::service {

namespace http1 = codec::http1;

// Names a request that is answered later; a plain value that may outlive its connection.
struct ticket {
  std::uint32_t core = 0;
  std::uint32_t slot = 0;    // of the connection, on that core
  std::uint64_t serial = 0;  // of the request; 0: none
  [[nodiscard]] bool operator==(const ticket&) const = default;
};

struct request {
  const http1::request_head& head;
  std::string_view body;  // whole; empty while the head alone is looked at
  ticket id;
};

struct response {
  std::uint16_t status = 200;
  std::string content_type = "application/json";  // empty: no such field
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;  // Allow, WWW-Authenticate ...
};

// Why a request is refused before a handler has seen it whole.
enum class fault : std::uint8_t {
  bad_request,      // the head or the chunks are not HTTP
  request_timeout,  // the head or body came too slowly
  body_too_large,   // over limits::body_bytes
  uri_too_long,     // over the head's limit
  head_too_large,   // over limits::head_bytes or the number of fields
  overloaded,       // too many connections, or the process is out of descriptors or room for bodies
  version_not_supported,  // not HTTP/1.x
};

// The words of a status line: "Not Found"; "Unknown" for a status that nobody here uses.
[[nodiscard]] std::string_view reason_of(std::uint16_t status) noexcept;

struct wire_form {
  bool keep_alive = true;
  bool client_http_1_0 = false;
  bool head_only = false;  // the answer to HEAD
  wall_time now{};
};
// The answer as it goes over the wire. A 204 or 304 has neither body nor length.
void append_response(std::string& out, const response& r, const wire_form& form);

}  // namespace fairing::service
