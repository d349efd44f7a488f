// test_views: views that answer fixed texts and remember what they were asked. For tests.
#pragma once

#include <string>
#include <vector>

#include "admin/views.hpp"

namespace fairing::admin {

struct asked {
  std::vector<bus::purge_request> purges;
  std::vector<std::string> calls;
  bool is_ready = true;
  bool backend_up = true;
  bool backend_counts = true;
  bool is_started = true;
  bool queued = false;
  bool refuse_reload = false;
};

inline admin_views views_over(asked& a) {
  admin_views v;
  v.metrics = [] { return std::string("fairing_cache_bytes 7\n"); };
  v.checklist = [] { return std::string(R"({"points":[]})"); };
  v.config = [] { return std::string(R"({"http":[]})"); };
  v.purge = [&a](const bus::purge_request& r, bool dry_run) -> result<bus::purge_outcome> {
    if (r.tags.empty() && r.urls.empty() && r.prefixes.empty() && !r.all)
      return fail(bus::errc::empty_purge, "name what to purge");
    a.purges.push_back(r);
    bus::purge_outcome done{.seq = 42};
    if (dry_run) {
      done.matched_hint = 3;
      return done;
    }
    done.tiers.push_back({"l1", bus::tier_progress::done});
    if (a.queued) done.tiers.push_back({"edge", bus::tier_progress::queued});
    return done;
  };
  v.reload = [&a]() -> result<std::vector<std::string>> {
    if (a.refuse_reload)
      return fail(std::make_error_code(std::errc::invalid_argument), "fairing.yaml:3: bad port");
    return std::vector<std::string>{"http.web.cache.memory"};
  };
  v.bypassed = [] { return std::vector<std::string>{"http"}; };
  v.set_bypass = [&a](const std::string& what, bool off) -> result<std::vector<std::string>> {
    if (what != "http")
      return fail(std::make_error_code(std::errc::invalid_argument), "there is no " + what);
    a.calls.push_back(off ? "end " + what : "bypass " + what);
    if (off) return std::vector<std::string>{};
    return std::vector<std::string>{what};
  };
  v.explain = [&a](const std::string& url, const std::string& trace) {
    a.calls.push_back("explain " + url + trace);
    return url == "http://x/gone" ? std::string() : std::string(R"({"items":[{}]})");
  };
  v.cache_entries = [&a](const entries_query& q) {
    a.calls.push_back("entries " + q.tag + "|" + q.prefix + "|" + std::to_string(q.limit));
    return std::string(R"({"items":[],"next":null})");
  };
  v.upstreams = [] { return std::string(R"({"items":[]})"); };
  v.pools = [] { return std::string(R"({"items":[]})"); };
  v.queries = [](std::size_t, const std::string&) {
    return std::string(R"({"items":[],"next":null})");
  };
  v.n_plus_one = [](std::size_t) { return std::string(R"({"items":[],"next":null})"); };
  v.indexes = [](std::size_t) { return std::string(R"({"items":[],"next":null})"); };
  v.ready = [&a] {
    return readiness{a.is_ready,
                     {{"listener:web", true, ""},
                      {"upstream:web", a.is_ready && a.backend_up, "up", a.backend_counts}}};
  };
  v.started = [&a] { return a.is_started; };
  v.drain = [&a] { a.calls.emplace_back("drain"); };
  return v;
}

}  // namespace fairing::admin
