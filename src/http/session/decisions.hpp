// decisions: the last requests of a core and what was decided on each, for `fairing explain` and the access log.
//
// Problem: "why was this a miss?" must be answered afterwards, from memory, without a request of its own. Each core
// keeps a ring of its last answers; writing one is a copy into a fixed slot under the core's own lock.
// Threads: record() on the core; copy_matching() from any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"

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
  std::int64_t time_ms = 0;
  std::int64_t duration_us = 0;
  std::uint64_t bytes_out = 0;
  std::uint16_t status = 0;
  std::uint8_t sizes[7] = {};  // of the texts below, in order
  char trace_id[32] = {};
  char method[12] = {};
  char result[12] = {};
  char site[32] = {};
  char route[64] = {};
  char cache_status[112] = {};
  char url[224] = {};

  [[nodiscard]] std::string_view text(int which) const noexcept {
    const char* const texts[] = {trace_id, method, result, site, route, cache_status, url};
    return {texts[which], sizes[which]};
  }
};

class decision_ring {
 public:
  static constexpr std::size_t slots = 1024;

  void record(const exchange_record& r) {
    std::lock_guard lock(mutex_);
    auto& d = ring_[next_++ % slots];
    d.time_ms = r.time_ms;
    d.duration_us = r.duration_us;
    d.bytes_out = r.bytes_out;
    d.status = r.status;
    d.sizes[0] = put(d.trace_id, r.trace_id);
    d.sizes[1] = put(d.method, r.method);
    d.sizes[2] = put(d.result, r.result);
    d.sizes[3] = put(d.site, r.site);
    d.sizes[4] = put(d.route, r.route);
    d.sizes[5] = put(d.cache_status, r.cache_status);
    const auto n = put(d.url, r.authority);
    d.sizes[6] = static_cast<std::uint8_t>(n + put_at(d.url, n, r.target));
  }
  // Calls f with the newest first, until it returns false.
  void for_each(const std::function<bool(const decision&)>& f) const {
    std::lock_guard lock(mutex_);
    const auto kept = std::min<std::uint64_t>(next_, slots);
    for (std::uint64_t i = 1; i <= kept; ++i)
      if (!f(ring_[(next_ - i) % slots])) return;
  }

 private:
  template <std::size_t N>
  static std::uint8_t put(char (&to)[N], std::string_view from) {
    return put_at(to, 0, from);
  }
  template <std::size_t N>
  static std::uint8_t put_at(char (&to)[N], std::size_t at, std::string_view from) {
    const auto n = std::min(from.size(), N - at);
    std::copy_n(from.data(), n, to + at);
    return static_cast<std::uint8_t>(n);
  }
  mutable std::mutex mutex_;
  std::array<decision, slots> ring_;
  std::uint64_t next_ = 0;
};

}  // namespace fairing::http
