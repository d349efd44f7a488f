#include "admin/router.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <vector>

#include "admin/handlers.hpp"
#include "admin/problem.hpp"
#include "base/log.hpp"

namespace fairing::admin {

struct endpoint {
  std::string_view path;
  response (*get)(const admin_views&, const request&) = nullptr;
  response (*post)(const admin_views&, const request&) = nullptr;
  response (*del)(const admin_views&, const request&) = nullptr;
  bool below = false;           // what is below the path as well
  bool at_once = false;         // answers on the core
  bool of_jobs = false;         // the jobs plane answers, if there is one
  bool probe = false;           // free of the token, wherever the listener is
  std::string_view needs = {};  // what it needs and is not in this version; empty: it is here
};

namespace {

constexpr std::array endpoints = {
    endpoint{.path = "/livez", .get = handlers::livez, .at_once = true, .probe = true},
    endpoint{.path = "/readyz", .get = handlers::readyz, .at_once = true, .probe = true},
    endpoint{.path = "/startupz", .get = handlers::startupz, .at_once = true},
    endpoint{.path = "/metrics", .get = handlers::metrics},
    endpoint{.path = "/", .get = handlers::dashboard, .at_once = true},
    endpoint{.path = "/dashboard.css", .get = handlers::dashboard_style, .at_once = true},
    endpoint{.path = "/dashboard.js", .get = handlers::dashboard_script, .at_once = true},
    endpoint{.path = "/v1/checklist", .get = handlers::checklist},
    endpoint{.path = "/v1/config", .get = handlers::config},
    endpoint{.path = "/v1/purge", .post = handlers::purge},
    endpoint{.path = "/v1/reload", .post = handlers::reload},
    endpoint{.path = "/v1/bypass", .get = handlers::bypassed, .post = handlers::set_bypass},
    endpoint{.path = "/v1/explain", .get = handlers::explain},
    endpoint{.path = "/v1/cache/entries", .get = handlers::cache_entries},
    endpoint{.path = "/v1/upstreams", .get = handlers::upstreams},
    endpoint{.path = "/v1/pools", .get = handlers::pools},
    endpoint{.path = "/v1/drain", .post = handlers::drain},
    endpoint{.path = "/v1/queries", .get = handlers::queries},
    endpoint{.path = "/v1/n_plus_one", .get = handlers::n_plus_one},
    endpoint{.path = "/v1/indexes", .get = handlers::indexes},
    endpoint{.path = "/v1/keyspaces", .needs = "the redis plane"},
    endpoint{.path = "/v1/jobs",
             .get = handlers::no_jobs,
             .post = handlers::no_jobs,
             .del = handlers::no_jobs,
             .below = true,
             .of_jobs = true},
    endpoint{.path = "/v1/failures", .get = handlers::no_jobs, .of_jobs = true},
    endpoint{.path = "/v1/queues",
             .get = handlers::no_jobs,
             .post = handlers::no_jobs,
             .below = true,
             .of_jobs = true},
};

// Edits (insert, delete, replace) from a to b.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

response no_such_path(std::string_view path) {
  constexpr std::size_t compared = 64;  // no path of ours is longer
  const auto head = path.substr(0, compared);
  const endpoint* nearest = nullptr;
  std::size_t least = 0;
  for (const auto& e : endpoints) {
    if (!e.needs.empty()) continue;
    const auto d = distance(head, e.path);
    if (nearest == nullptr || d < least) {
      nearest = &e;
      least = d;
    }
  }
  return refuse(problem::not_found,
                fmt::format("there is no {}; the nearest is {}", head, nearest->path));
}

std::string allowed(const endpoint& e) {
  if (e.get == nullptr) return "POST";
  if (e.del != nullptr) return "GET, HEAD, POST, DELETE";
  return e.post == nullptr ? "GET, HEAD" : "GET, HEAD, POST";
}

bool is_at(const endpoint& e, std::string_view path) noexcept {
  if (path == e.path) return true;
  return e.below && path.size() > e.path.size() && path.starts_with(e.path) &&
         path[e.path.size()] == '/';
}

// What answers the method there; null: nothing does.
auto handler_of(const endpoint& e, http1::method m) noexcept {
  switch (m) {
    case http1::method::get:
    case http1::method::head:
      return e.get;
    case http1::method::post:
      return e.post;
    case http1::method::del:
      return e.del;
    default:
      return decltype(e.get){nullptr};
  }
}

response failed(const endpoint& at, const std::exception& e) {
  log::error("admin_request_failed", {{"path", at.path}, {"why", e.what()}});
  return refuse(problem::internal, "see admin_request_failed in the log");
}

bool reads(http1::method m) noexcept { return m == http1::method::get || m == http1::method::head; }

}  // namespace

std::optional<response> router::check_access(const request& r, const endpoint& e) const {
  const bool change = !reads(r.method);
  if (!change && (access_.on_loopback() || e.probe)) return std::nullopt;
  if (access_.has_token(r.who())) return std::nullopt;
  return refuse(problem::unauthorized,
                r.authorization.empty()
                    ? (change ? "a change needs the bearer token, also on loopback"
                              : "reading from off this machine needs the bearer token")
                    : "the bearer token is not this instance's");
}

plan router::admit(const request& r) const {
  if (!access_.host_allowed(r.who()))
    return {
        refuse(problem::forbidden, fmt::format("Host `{}` is not a name of this listener", r.host)),
        nullptr, false};
  const bool change = !reads(r.method);
  if (change && !access_.same_site(r.who()))
    return {refuse(problem::forbidden, "the request comes from another site's page"), nullptr,
            false};
  const auto* e = std::find_if(endpoints.begin(), endpoints.end(),
                               [&](const endpoint& at) { return is_at(at, r.path); });
  if (e == endpoints.end()) return {no_such_path(r.path), nullptr, false};
  if (!e->needs.empty())
    return {refuse(problem::not_found,
                   fmt::format("{} needs {}, which this version does not have", e->path, e->needs)),
            nullptr, false};
  if (handler_of(*e, r.method) == nullptr) {
    auto no = refuse(problem::method_not_allowed, fmt::format("{} takes {}", e->path, allowed(*e)));
    no.fields.emplace_back("Allow", allowed(*e));
    return {std::move(no), nullptr, false};
  }
  if (auto no = check_access(r, *e)) return {std::move(no), nullptr, false};
  const bool later = e->of_jobs && views_.jobs;
  return {std::nullopt, e, !e->at_once && !later, later};
}

std::optional<response> router::begin(const plan& p, const request& r,
                                      answer_later done) const noexcept {
  try {
    return views_.jobs(r, std::move(done));
  } catch (const std::exception& e) {
    return failed(*p.target, e);
  }
}

response router::answer(const plan& p, const request& r) const noexcept {
  try {
    return handler_of(*p.target, r.method)(views_, r);
  } catch (const std::exception& e) {
    return failed(*p.target, e);
  }
}

response router::handle(const request& r) const {
  auto p = admit(r);
  if (p.refusal) return *std::move(p.refusal);
  return answer(p, r);
}

std::string_view admin_views::missing() const noexcept {
  if (!metrics) return "metrics";
  if (!checklist) return "checklist";
  if (!config) return "config";
  if (!purge) return "purge";
  if (!reload) return "reload";
  if (!bypassed) return "bypassed";
  if (!set_bypass) return "set_bypass";
  if (!explain) return "explain";
  if (!cache_entries) return "cache_entries";
  if (!upstreams) return "upstreams";
  if (!pools) return "pools";
  if (!queries) return "queries";
  if (!n_plus_one) return "n_plus_one";
  if (!indexes) return "indexes";
  if (!ready) return "ready";
  if (!drain) return "drain";
  return {};
}

}  // namespace fairing::admin
