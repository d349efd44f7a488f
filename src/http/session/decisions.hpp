// decisions: the last requests of a core and what was decided on each, for `fairing explain` and the access log.
//
// Problem: "why was this a miss?" must be answered afterwards, from memory, without a request of its own. Each core
// keeps a ring of its last answers; writing one is a copy into a fixed slot under the core's own lock.
// Threads: record() on the core; copy_matching() from any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/short_lock.hpp"

namespace fairing::http {

// One finished request, with views that are valid during the call that is given it.
struct exchange_record {
  std::int64_t time_ms = 0;  // since 1970, at the end
  std::string_view trace_id;
  std::string_view method;
  std::string_view authority;
  std::string_view target;
  std::string_view site;
  std::string_view route;
  std::string_view client_ip;
  std::string_view cache_status;  // the member, "fairing; hit; ttl=12"
  std::string_view result;        // cache_result's word
  std::string_view user_agent;
  std::string_view problem;  // slug of our own error, or ""
  std::uint16_t status = 0;
  std::uint64_t bytes_out = 0;
  std::int64_t duration_us = 0;
};

struct decision {
  static constexpr std::size_t texts =
      7;  // trace id, method, result, site, route, cache status, url
  static constexpr std::size_t most[texts] = {32, 12, 12, 32, 64, 112, 224};

  std::int64_t time_ms = 0;
  std::int64_t duration_us = 0;
  std::uint64_t bytes_out = 0;
  std::uint16_t status = 0;
  std::uint8_t sizes[texts] = {};
  char bytes[488] =
      {};  // one text behind the other: a record touches few lines of memory, most being short

  [[nodiscard]] std::string_view text(std::size_t which) const noexcept {
    std::size_t at = 0;
    for (std::size_t i = 0; i < which; ++i) at += sizes[i];
    return {bytes + at, sizes[which]};
  }
};

class decision_ring {
 public:
  static constexpr std::size_t slots = 1024;

  void record(const exchange_record& r) {
    const std::lock_guard lock(lock_);
    auto& d = ring_[next_++ % slots];
    d.time_ms = r.time_ms;
    d.duration_us = r.duration_us;
    d.bytes_out = r.bytes_out;
    d.status = r.status;
    const std::string_view said[] = {r.trace_id, r.method,       r.result,   r.site,
                                     r.route,    r.cache_status, r.authority};
    char* at = d.bytes;
    for (std::size_t i = 0; i < decision::texts; ++i) {
      const auto n = std::min(said[i].size(), decision::most[i]);
      at = put(at, said[i].data(), n);
      d.sizes[i] = static_cast<std::uint8_t>(n);
    }
    auto& url = d.sizes[decision::texts - 1];
    const auto n = std::min(r.target.size(), decision::most[decision::texts - 1] - url);
    put(at, r.target.data(), n);
    url = static_cast<std::uint8_t>(url + n);
  }
  // Calls f with the newest first, until it returns false.
  void for_each(const std::function<bool(const decision&)>& f) const {
    const std::lock_guard lock(lock_);
    const auto kept = std::min<std::uint64_t>(next_, slots);
    for (std::uint64_t i = 1; i <= kept; ++i)
      if (!f(ring_[(next_ - i) % slots])) return;
  }

 private:
  // A call costs more than most of these texts: up to sixteen bytes as two halves that may overlap.
  static char* put(char* to, const char* from, std::size_t n) noexcept {
    if (n > 16) {
      std::memcpy(to, from, n);
    } else if (n >= 8) {
      std::uint64_t first, last;
      std::memcpy(&first, from, 8);
      std::memcpy(&last, from + n - 8, 8);
      std::memcpy(to, &first, 8);
      std::memcpy(to + n - 8, &last, 8);
    } else if (n >= 4) {
      std::uint32_t first, last;
      std::memcpy(&first, from, 4);
      std::memcpy(&last, from + n - 4, 4);
      std::memcpy(to, &first, 4);
      std::memcpy(to + n - 4, &last, 4);
    } else {
      for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
    }
    return to + n;
  }

  mutable short_lock lock_;
  std::array<decision, slots> ring_;
  std::uint64_t next_ = 0;
};

}  // namespace fairing::http
