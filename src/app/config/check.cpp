#include "app/config/check.hpp"

#include <fmt/format.h>

#include <map>

#include "app/config/address.hpp"
#include "app/config/check_jobs.hpp"
#include "app/config/check_sql.hpp"
#include "app/config/substitute.hpp"

namespace fairing::config {

namespace {

constexpr std::size_t max_pem_bytes = 1024 * 1024;

class checker {
 public:
  checker(const config& c, const locations& places, diagnostics& errors, diagnostics& notes)
      : c_(c), places_(places), errors_(errors), notes_(notes) {}

  void run() {
    if (c_.http.empty() && !c_.sql && !c_.jobs)
      errors_.push_back(
          {place_of(places_, ""), "http",
           "nothing to serve: give `http` a site with `listen` and `upstream`, or "
           "--http LISTEN=URL; or `sql` the same, or --sql LISTEN=URL; or `jobs` with `listen` and "
           "`store`, or --jobs LISTEN=STORE"});
    admin();
    for (std::size_t i = 0; i < c_.http.size(); ++i) site(i);
    sql();
    check_sql(c_, places_, errors_, notes_);
    if (c_.jobs)
      if (const auto a = parse_listen(c_.jobs->listen)) take_listener("jobs.listen", *a);
    check_jobs(c_, places_, errors_, notes_);
  }

 private:
  // The path of a site's key as the file has it: `http.0.x`, or `http.x` where the site stands
  // alone.
  std::string key(std::size_t i, std::string_view rest) const {
    auto numbered = fmt::format("http.{}", i);
    return join(places_.contains(numbered) ? numbered : "http", rest);
  }
  void error(const std::string& k, std::string text) {
    errors_.push_back({place_of(places_, k), k, std::move(text)});
  }
  void note(const std::string& k, std::string text) {
    notes_.push_back({place_of(places_, k), k, std::move(text)});
  }

  void admin() {
    if (c_.admin.listen == "off") return;
    const auto a = parse_listen(c_.admin.listen);
    if (!a) return;
    take_listener("admin.listen", *a);
    if (!a->loopback() && c_.admin.token.empty())
      note("admin.listen",
           "`admin.listen` is beyond loopback: every request but health needs the token made at "
           "start; set `admin.token` to choose it");
  }

  void take_listener(const std::string& k, const listen_address& a) {
    if (a.unix_path.empty() && a.port == 0) return;  // each picks its own
    const auto [first, fresh] = listeners_.try_emplace(to_text(a), k);
    if (fresh) return;
    const auto& other = first->second;
    error(k, fmt::format("`{}`: {} is also {}; give each its own", k, to_text(a),
                         places_.contains(other)
                             ? fmt::format("`{}`, at {}", other, to_text(place_of(places_, other)))
                             : fmt::format("the default of `{}`", other)));
  }

  void site(std::size_t i) {
    const auto& s = c_.http[i];
    if (const auto a = parse_listen(s.listen)) {
      take_listener(key(i, "listen"), *a);
      if (!a->loopback())
        note(key(i, "listen"),
             fmt::format("`{}` is beyond loopback: {} takes requests from the network",
                         key(i, "listen"), s.listen));
    }
    bool tls_upstream = false;
    for (const auto& u : s.upstreams) tls_upstream = tls_upstream || u.tls;
    if (tls_upstream && !s.egress)
      note(key(i, "upstream"),
           fmt::format("`{}` is https and the site is not `egress: true`: the client's Host is "
                       "sent to it",
                       key(i, "upstream")));
    if (!s.ca_file.empty()) pem(key(i, "ca_file"), s.ca_file, "-----BEGIN CERTIFICATE");
    if (s.tls && !s.tls->cert.empty())
      pem(key(i, "tls.cert"), s.tls->cert, "-----BEGIN CERTIFICATE");
    if (s.tls && !s.tls->key.empty()) pem(key(i, "tls.key"), s.tls->key, "PRIVATE KEY-----");
    thresholds(i, s);
    routes(i, s);
  }

  void sql() {
    if (!c_.sql) return;
    const auto& s = *c_.sql;
    if (const auto a = parse_listen(s.listen)) take_listener("sql.listen", *a);
    if (const auto a = parse_listen(s.session_listen)) take_listener("sql.session_listen", *a);
    if (!s.tls_cert.empty()) pem("sql.tls.cert", s.tls_cert, "-----BEGIN CERTIFICATE");
    if (!s.tls_key.empty()) pem("sql.tls.key", s.tls_key, "PRIVATE KEY-----");
    if (!s.upstream.ssl_root.empty())
      pem("sql.upstream", s.upstream.ssl_root, "-----BEGIN CERTIFICATE");
  }

  void pem(const std::string& k, const std::string& path, std::string_view must_have) {
    std::string problem;
    const auto text = read_small_file(path, max_pem_bytes, problem);
    if (!text)
      error(k, fmt::format("`{}`: {}; write the path of a PEM file that this user may read", k,
                           problem));
    else if (text->find(must_have) == std::string::npos)
      error(k, fmt::format("`{}`: {} is not a PEM file of that kind: it has no `{}`", k, path,
                           must_have));
  }

  void thresholds(std::size_t i, const http::site_config& s) {
    if (s.limits.object > c_.cache.memory / 4)
      error(
          key(i, "limits.object"),
          fmt::format(
              "`{}` ({}) is more than a quarter of `cache.memory` ({}); lower it or raise that",
              key(i, "limits.object"), format_size(s.limits.object), format_size(c_.cache.memory)));
    if (s.limits.target > s.limits.header)
      error(key(i, "limits.target"),
            fmt::format("`{}` is larger than `limits.header`, which holds it",
                        key(i, "limits.target")));
    if (s.timeouts.connect > s.timeouts.total)
      error(key(i, "timeouts.connect"),
            fmt::format("`{}` ({}) is longer than `timeouts.total` ({}); lower it or raise that",
                        key(i, "timeouts.connect"), format_duration(s.timeouts.connect),
                        format_duration(s.timeouts.total)));
    if (s.timeouts.first_byte > s.timeouts.total && places_.contains(key(i, "timeouts.first_byte")))
      note(key(i, "timeouts.first_byte"),
           fmt::format("`{}` is longer than `timeouts.total`, which ends the wait first",
                       key(i, "timeouts.first_byte")));
    if (!s.health.path.empty() && !s.health.path.starts_with('/'))
      error(key(i, "health.path"), fmt::format("`{0}`: `{1}` does not begin with `/`; write /{1}",
                                               key(i, "health.path"), s.health.path));
    if (s.health.timeout > s.health.interval)
      error(key(i, "health.timeout"),
            fmt::format("`{}` is longer than `health.interval`; lower it or raise that",
                        key(i, "health.timeout")));
    if (s.proxy_protocol && c_.trusted_proxies.empty())
      error(key(i, "proxy_protocol"),
            fmt::format("`{}` needs `trusted_proxies`: nobody is trusted to send the header; list "
                        "who sends it, or turn it off",
                        key(i, "proxy_protocol")));
  }

  void routes(std::size_t i, const http::site_config& s) {
    std::map<std::string, std::size_t> seen;
    for (std::size_t r = 0; r < s.routes.size(); ++r) {
      const auto [first, fresh] = seen.try_emplace(s.routes[r].host + " " + s.routes[r].match, r);
      const auto k = key(i, fmt::format("routes.{}.match", r));
      if (!fresh)
        note(k, fmt::format("`{}` is never reached: route {} has the same match and comes first", k,
                            first->second));
      async(key(i, fmt::format("routes.{}.async", r)), s.routes[r]);
    }
  }

  void async(const std::string& k, const http::route_config& r) {
    if (!r.async || r.async->mode == http::async_mode::never) return;
    if (!c_.jobs)
      return error(k, fmt::format("`{}` needs the jobs plane, which keeps a request until it has "
                                  "run; add `jobs: {{ listen: 9324, store: "
                                  "\"sqlite:fairing-jobs.db\" }}`, or --jobs "
                                  "9324=sqlite:fairing-jobs.db",
                                  k));
    for (const auto& q : c_.jobs->queues)
      if (q.name == r.async->queue && !q.push.empty())
        error(k + ".queue",
              fmt::format("`{}.queue`: the jobs of `{}` are pushed to a URL; requests "
                          "need a queue of their own",
                          k, q.name));
  }

  const config& c_;
  const locations& places_;
  diagnostics& errors_;
  diagnostics& notes_;
  std::map<std::string, std::string> listeners_;  // address -> key
};

}  // namespace

void check(const config& c, const locations& places, diagnostics& errors, diagnostics& notes) {
  checker(c, places, errors, notes).run();
}

}  // namespace fairing::config
