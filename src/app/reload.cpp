#include "app/reload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "app/config/address.hpp"
#include "app/config/source.hpp"
#include "app/config/substitute.hpp"
#include "base/ascii.hpp"
#include "base/hash.hpp"

namespace fairing::app {

namespace {

constexpr std::size_t max_file_bytes = 1024 * 1024;  // as the check of a configuration allows

// What of a site's evidence holds.
struct kept_rows {
  std::set<std::string> routes;  // by `match`
  bool whole = true;             // nothing of the site has changed
};

kept_rows kept_of(const http::site_config& running, const http::site_config& next,
                  const std::vector<std::string>& changed, std::size_t index) {
  kept_rows kept;
  const auto site = fmt::format("http.{}.", index);
  const auto routes = site + "routes";
  std::size_t same = std::min(running.routes.size(), next.routes.size());
  kept.whole = running.routes.size() == next.routes.size();
  for (const auto& key : changed) {
    if (!key.starts_with(site)) continue;
    kept.whole = false;
    if (key == routes) continue;  // their number
    if (!key.starts_with(routes + ".")) return kept;
    const auto rest = std::string_view(key).substr(routes.size() + 1);
    if (const auto number = parse_digits(rest.substr(0, rest.find('.'))))
      same = std::min(same, static_cast<std::size_t>(*number));
  }
  for (std::size_t i = 0; i < same; ++i) kept.routes.insert(running.routes[i].match);
  // Two routes of one `match` (for two hosts) share their rows.
  for (std::size_t i = same; i < running.routes.size(); ++i)
    kept.routes.erase(running.routes[i].match);
  return kept;
}

}  // namespace

void name_by_address(config::config& c, const std::vector<std::string>& bound) {
  for (std::size_t i = 0; i < std::min(c.http.size(), bound.size()); ++i) {
    auto& site = c.http[i];
    const auto listen = config::parse_listen(site.listen);
    const bool any_port = listen && listen->unix_path.empty() && listen->port == 0;
    if (any_port && (site.name == site.listen || site.name == fmt::format("{}#{}", site.listen, i)))
      site.name = bound[i];
  }
}

file_digests digests_of(const config::config& c) {
  file_digests out;
  const auto put = [&](const std::string& key, const std::string& path) {
    if (path.empty()) return;
    std::string problem;
    const auto text = config::read_small_file(path, max_file_bytes, problem);
    out[key] = {path, text ? hash64(*text, process_seed()) | 1 : 0};
  };
  const auto add = [&](std::size_t i, const char* key, const std::string& path) {
    put(fmt::format("http.{}.{}", i, key), path);
  };
  for (std::size_t i = 0; i < c.http.size(); ++i) {
    const auto& site = c.http[i];
    add(i, "ca_file", site.ca_file);
    if (!site.tls) continue;
    add(i, "tls.cert", site.tls->cert);
    add(i, "tls.key", site.tls->key);
  }
  if (c.sql) {
    put("sql.tls.cert", c.sql->tls_cert);
    put("sql.tls.key", c.sql->tls_key);
    put("sql.upstream", c.sql->upstream.ssl_root);
  }
  return out;
}

std::vector<std::string> changed_files(const file_digests& before, const file_digests& after) {
  std::vector<std::string> out;
  for (const auto& [key, now] : after) {
    const auto then = before.find(key);
    if (then == before.end() || then->second.path != now.path) continue;  // the key itself differs
    if (then->second.digest != now.digest)
      out.push_back(fmt::format("{} (the content of {})", key, now.path));
  }
  return out;
}

std::function<bool(const checklist::row&)> evidence_kept(const config::config& running,
                                                         const config::config& next) {
  const auto changed = config::diff(running, next);
  std::map<std::string, kept_rows> sites;
  bool all = true;
  for (std::size_t i = 0; i < std::min(running.http.size(), next.http.size()); ++i) {
    auto kept = kept_of(running.http[i], next.http[i], changed, i);
    all = all && kept.whole;
    sites[running.http[i].name] = std::move(kept);
  }
  return [sites = std::move(sites), all](const checklist::row& r) {
    if (r.site.empty()) return all;
    const auto found = sites.find(r.site);
    if (found == sites.end()) return false;
    return found->second.whole || (!r.route.empty() && found->second.routes.contains(r.route));
  };
}

}  // namespace fairing::app
