// evidence: what the planes tell the checklist, and what the checklist keeps of it: plain values.
//
// Problem: a grade must rest on what really passed, and be tested without a socket. So the planes
// fill an http_exchange a request and a site_facts a site; http_evidence adds the exchanges up to a
// snapshot; the points (03_pagination.cpp ...) read only the snapshot and the facts.
//
// Units: durations in microseconds unless named otherwise, sizes in bytes.
// Threads: values; no state.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace fairing::checklist {

// A request that was answered. Views need to live only during the call.
struct http_exchange {
  std::string_view site;
  std::string_view route;   // the matched route's `match` text; "(default)" or empty for none
  std::string_view method;  // as sent
  std::string_view path;    // as sent, without the query; may be anything
  std::uint16_t status = 0;
  bool served_by_tier = false;      // a cache answered (hit, stale, collapsed), not the backend
  bool compressible = false;        // by media type; the size is looked at here
  bool encoded = false;             // left compressed
  bool compress_asked = false;      // the client's Accept-Encoding took a coding of ours
  bool rate_limited_route = false;  // its route has a limit that acts
  bool state_changing = false;      // an unsafe method
  bool streaming = false;           // upgrade or event stream: its duration says nothing
  std::uint64_t body_bytes = 0;     // sent to the client
  std::int64_t duration_us = 0;
  std::uint32_t longest_json_array = 0;  // 0: not JSON, no list, or not looked at
  std::uint64_t key_hash = 0;            // of the primary cache key; 0 unknown
  std::uint64_t body_hash = 0;           // of the identity body; 0 unknown
  // The same only for exchanges alike in site, route, method, path and status, so that their row need not be looked
  // for again; 0 unknown.
  std::uint64_t likeness = 0;
};

// A deadline of a site, by the name of its key.
struct timeout_fact {
  std::string name;       // connect, first_byte, idle, total
  milliseconds value{0};  // meaningless when not finite
  bool finite = true;
};

// What the running configuration says of a site.
struct site_facts {
  std::string name;
  bool egress = false;
  std::vector<std::string> upstreams;  // as written
  std::vector<timeout_fact> timeouts;
  std::vector<std::string> rate_limited_routes;  // `match` texts of the limits that act
  std::vector<std::string> async_routes;         // `match` texts of those that put requests off
  bool compression = true;
  bool cache = true;  // cache.mode is on
  bool has_routes = false;
};

// Method of a row. GET stands for HEAD too.
enum class row_method : std::uint8_t {
  get,          // GET and HEAD
  post,         // POST
  put,          // PUT
  patch,        // PATCH
  del,          // DELETE
  other,        // any other
  not_of_path,  // a collecting row: "(other)", "(not found)"
};
[[nodiscard]] row_method row_method_of(std::string_view method) noexcept;
// The method as a route's `match` spells it; empty where it names none.
[[nodiscard]] std::string_view to_string(row_method method) noexcept;

// Durations in buckets of an eighth of an octave: up to 134 s, at most 12.5 % wide.
class duration_histogram {
 public:
  static constexpr std::size_t buckets = 8 * 25;

  void add(std::int64_t us) noexcept;
  void merge(const duration_histogram& other) noexcept;
  // Microseconds under which a share q of the samples lies, interpolated; 0 without samples.
  [[nodiscard]] std::int64_t quantile(double q) const noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

 private:
  std::array<std::uint32_t, buckets> cells_{};
  std::uint64_t count_ = 0;
  std::int64_t max_us_ = 0;
};

// Sums of a row.
struct row_counts {
  std::uint64_t requests = 0;
  std::uint64_t by_tier = 0;         // of them answered by a cache
  std::uint64_t state_changing = 0;  // with an unsafe method
  std::uint64_t limited = 0;         // on a route with a rate limit
  // compression: answers that could have left compressed
  std::uint64_t plain_answers = 0;  // ... and did not
  std::uint64_t plain_bytes = 0;
  std::uint64_t encoded_answers = 0;  // ... and did
  std::uint64_t encoded_bytes = 0;    // as sent
  // lists
  std::uint64_t lists = 0;       // answers with a list of at least one element
  std::uint64_t long_lists = 0;  // ... of more than long_list elements
  std::uint32_t longest_list = 0;
  // shadow measure: GET 200 of the backend whose key and body are known
  std::uint64_t measured = 0;
  std::uint64_t repeats = 0;    // the answer given within repeat_window before
  std::uint64_t changed = 0;    // another answer than within repeat_window before
  std::int64_t repeats_us = 0;  // what the repeats took
  duration_histogram durations;

  void merge(const row_counts& other) noexcept;
};

struct row {
  std::string site;
  std::string route;  // `match` of the route; empty for the default one
  std::string path;   // template (path_template.hpp); empty if the row stands for the whole route
  row_method method = row_method::get;
  row_counts counts;

  // "GET /api/products/{id}", or the route's `match`.
  [[nodiscard]] std::string label() const;
};

struct snapshot {
  std::vector<row> rows;           // most requests first; at most http_evidence::max_rows
  milliseconds span{0};            // from the first to the last request that is counted
  std::uint64_t requests = 0;      // of all rows
  std::uint64_t in_other_row = 0;  // of them beyond the bound of rows
};

inline constexpr std::uint32_t long_list = 100;  // elements; over it a list wants pages
inline constexpr std::uint64_t compress_from_bytes = 1024;
inline constexpr milliseconds repeat_window{60'000};

}  // namespace fairing::checklist
