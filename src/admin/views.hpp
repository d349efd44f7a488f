// views: what the admin interface may see of the process and ask of it, as callbacks.
//
// Problem: the admin interface must not depend on the planes; the app, which knows all of them,
// wires these.
//
// Flow:  admin_views v; v.metrics = [&] { return registry.render(); }; ...
//        admin_server::open(cores, "127.0.0.1:9900", std::move(v), token)
// Lifecycle: called until admin_server::stop() has returned; what they capture must live as long.
// Threads: `ready`, `started` and `jobs` on any core and must return at once; all others on the one thread
// "admin", one at a time, and may block (other admin requests wait, clients of the planes do not).
// None may wait for the thread that calls stop().
// Texts are whole JSON documents in UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "admin/message.hpp"
#include "base/result.hpp"
#include "bus/purge_bus.hpp"

namespace fairing::admin {

struct readiness_check {
  std::string check;  // "listener:web", "upstream:web http://127.0.0.1:3000" ...
  bool ok = false;
  std::string detail;  // one line, for people
  bool counts = true;  // false: it is shown, and readiness does not rest on it
};

struct readiness {
  bool ready = false;
  std::vector<readiness_check> checks;
};

// Which cache entries are listed. Empty texts are no condition.
struct entries_query {
  std::string tag;
  std::string prefix;       // of the URL, as a purge's prefix
  std::size_t limit = 100;  // 1 to 1000
};

using answer_later = std::move_only_function<void(response)>;

struct admin_views {
  std::function<std::string()> metrics;    // Prometheus text 0.0.4
  std::function<std::string()> checklist;  // {"points":[...]}
  std::function<std::string()> config;     // the effective configuration, secrets masked
  // dry_run: counts into matched_hint, purges nothing.
  std::function<result<bus::purge_outcome>(const bus::purge_request&, bool dry_run)> purge;
  // Reads the configuration again; what changed, a line each. An error leaves the old one running.
  std::function<result<std::vector<std::string>>()> reload;
  std::function<std::vector<std::string>()> bypassed;  // planes and rules that are off now
  // `off` ends the bypass of `what`; the answer is what is bypassed then.
  std::function<result<std::vector<std::string>>(const std::string& what, bool off)> set_bypass;
  // {"items":[...]}, newest first; "" if nothing is remembered. One of the two is not empty.
  std::function<std::string(const std::string& url, const std::string& trace)> explain;
  std::function<std::string(const entries_query&)> cache_entries;  // {"items":[...],"next":null}
  std::function<std::string()> upstreams;                          // {"items":[...]}
  std::function<std::string()> pools;  // {"items":[...]}, of the sql plane; none where it is off
  // {"items":[...],"next":null}: templates by `sort` (total, count, mean, max, rows, errors), N+1 loops.
  std::function<std::string(std::size_t limit, const std::string& sort)> queries;
  std::function<std::string(std::size_t limit)> n_plus_one;
  std::function<std::string(std::size_t limit)>
      indexes;  // {"items":[...],"next":null, ...}: index advice
  // The jobs plane's own answer, now or by `later`, on any thread and also after stop(), until the server is destroyed.
  // May be empty: there is no such plane.
  std::function<std::optional<response>(const request&, answer_later)> jobs;
  std::function<readiness()> ready;
  std::function<bool()> started;  // may be empty: started as soon as the server is
  std::function<void()> drain;    // begins it; must not wait for its end

  // The name of the first view that has to be there and is not, or "".
  [[nodiscard]] std::string_view missing() const noexcept;
};

}  // namespace fairing::admin
