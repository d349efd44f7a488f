// request_scan: what the benchmark origin needs of a request, found in one pass.
//
// Flow: scan(bytes, out) on what was read so far: `incomplete` until the head is whole, then
// `ready`
//   with views into the bytes, or `bad`.
// Threads: any. Cost: one scan. This is a test origin behind trusted proxies, not a parser to copy:
//   a request body is only skipped, by Content-Length; chunked ones are refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace fairing::bench {

struct scanned_request {
  std::string_view method;
  std::string_view path;        // without the query
  std::string_view query;       // behind the '?', or empty
  std::size_t size = 0;         // of the head
  std::uint64_t body_size = 0;  // to be skipped behind it
  bool gzip = false;            // Accept-Encoding names gzip
  bool close = false;           // Connection: close, or HTTP/1.0
};

enum class scan_result : std::uint8_t {
  incomplete,  // more bytes are needed
  ready,       // one request head was read
  bad,         // not a request this origin answers; close the connection
};

inline constexpr std::size_t head_limit = 64 * 1024;

[[nodiscard]] scan_result scan(std::string_view bytes, scanned_request& out) noexcept;

// The number behind `name=` in a query; `otherwise` if there is none.
[[nodiscard]] std::uint64_t query_number(std::string_view query, std::string_view name,
                                         std::uint64_t otherwise) noexcept;

// The digits at the start of `text`; 0 if there are none.
[[nodiscard]] std::uint64_t leading_number(std::string_view text) noexcept;

}  // namespace fairing::bench
