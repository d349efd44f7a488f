// route: which entry of `routes` speaks for a request.
//
// Problem: every request asks, so the answer must cost about 100 ns for twenty routes; and a rule
// (a rate limit on /login) must not be passed by writing the path another way.
//
// Flow: route_table table{site};  const compiled_route& r = table.match(request);
// Patterns: [METHOD[,METHOD...] ]PATH. A segment `*` is any one segment; one `*` inside a segment
// is any run of characters without '/': /img/*.png; `**` only as the last segment: the rest, and
// also nothing: /api/** matches /api, /api/ and /api/x/y. GET implies HEAD. The first match wins
// whole. The path is compared in its plain form: unreserved characters decoded, dot segments
// removed, double slashes made one. (Cache keys keep the path as sent.) Lifecycle: immutable once
// made; refers to the site_config, which must outlive it. Cost: match() allocates only for a path
// with '%', "/." or "//".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/result.hpp"
#include "codec/http1/head.hpp"
#include "http/logic/cache_policy.hpp"
#include "http/logic/site_config.hpp"

namespace fairing::http {

enum class route_errc {
  ok = 0,
  bad_method,   // not a token in capitals
  bad_path,     // does not begin with '/' (or is "*")
  bad_pattern,  // `**` before the end, or two `*` in one segment
};
[[nodiscard]] const std::error_category& route_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(route_errc e) noexcept {
  return {static_cast<int>(e), route_category()};
}

struct match_pattern {
  std::vector<std::string> methods;  // empty: all
  std::string path;
};
// "GET,POST /api/products/**". The error's detail says what is wrong and what to write instead.
[[nodiscard]] result<match_pattern> parse_match(std::string_view text);

struct compiled_route {
  const route_config* config = nullptr;
  cache_rules rules;      // of the route and its site
  std::string label;      // its `match` text: the metrics' route label; "(default)" for none
  std::size_t index = 0;  // in site_config::routes; their number for the default

  // matching
  std::uint32_t methods = 0;               // bit per http1::method; 0: all
  std::vector<std::string> other_methods;  // tokens that are no http1::method
  std::string host;                        // lower case, without port; empty: all
  std::string prefix;                      // literal text that the path begins with
  std::vector<std::string> segments;       // the rest of the pattern, split at '/'
  bool literal = false;                    // `prefix` is the whole pattern
  bool rest = false;                       // it ends in `**`
};

class route_table {
 public:
  explicit route_table(const site_config& site);
  route_table(const route_table&) = delete;
  route_table& operator=(const route_table&) = delete;
  // The first route that matches, else the default one (site-wide settings). Never fails. Any
  // thread.
  [[nodiscard]] const compiled_route& match(const http1::request_head& request) const;
  [[nodiscard]] const std::vector<compiled_route>& routes() const noexcept { return routes_; }
  [[nodiscard]] const compiled_route& fallback() const noexcept { return fallback_; }

 private:
  route_config default_config_;
  std::vector<compiled_route> routes_;
  compiled_route fallback_;
};

// The plain form of a path, as routes compare it.
[[nodiscard]] std::string plain_path(std::string_view path);

}  // namespace fairing::http

template <>
struct std::is_error_code_enum<fairing::http::route_errc> : std::true_type {};
