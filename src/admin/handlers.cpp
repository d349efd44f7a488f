#include "admin/handlers.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "admin/dashboard.hpp"
#include "admin/problem.hpp"
#include "base/ascii.hpp"

namespace fairing::admin::handlers {
namespace {

constexpr std::size_t max_entries = 1000;

response text(std::uint16_t status, std::string body) {
  response r;
  r.status = status;
  r.content_type = "text/plain; charset=utf-8";
  r.body = std::move(body);
  return r;
}

response document(std::string body) {
  response r;
  r.body = std::move(body);
  if (!r.body.ends_with('\n')) r.body += '\n';
  return r;
}

}  // namespace

response livez(const admin_views&, const request&) { return text(200, "ok\n"); }

response readyz(const admin_views& v, const request& r) {
  const auto state = v.ready();
  const query_params query(r.query);
  std::string body;
  if (query.get("verbose"))
    for (const auto& c : state.checks)
      body += fmt::format("[{}]{} {}{}{}\n", c.ok ? '+' : (c.counts ? '-' : '!'), c.check,
                          c.ok ? "ok" : (c.counts ? "failed" : "warning"),
                          c.detail.empty() ? "" : ": ", c.detail);
  body += state.ready ? "ready\n" : "not ready\n";
  return text(state.ready ? 200 : 503, std::move(body));
}

response startupz(const admin_views& v, const request&) {
  const bool started = !v.started || v.started();
  return text(started ? 200 : 503, started ? "started\n" : "starting\n");
}

namespace {
response page(std::string_view type, std::string_view body) {
  response r;
  r.content_type = type;
  r.body = body;
  r.fields.emplace_back("Content-Security-Policy", dashboard_policy);
  r.fields.emplace_back("Referrer-Policy", "no-referrer");
  return r;
}
}  // namespace

response dashboard(const admin_views&, const request&) {
  return page("text/html; charset=utf-8", dashboard_html);
}
response dashboard_style(const admin_views&, const request&) {
  return page("text/css; charset=utf-8", dashboard_css);
}
response dashboard_script(const admin_views&, const request&) {
  return page("text/javascript; charset=utf-8", dashboard_js());
}

response metrics(const admin_views& v, const request&) {
  response r;
  r.content_type = "text/plain; version=0.0.4; charset=utf-8";
  r.body = v.metrics();
  return r;
}

response checklist(const admin_views& v, const request&) { return document(v.checklist()); }
response config(const admin_views& v, const request&) { return document(v.config()); }
response upstreams(const admin_views& v, const request&) { return document(v.upstreams()); }

response pools(const admin_views& v, const request&) { return document(v.pools()); }

response bypassed(const admin_views& v, const request&) {
  const nlohmann::json body = {{"bypassed", v.bypassed()}};
  return document(body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

response explain(const admin_views& v, const request& r) {
  const query_params query(r.query);
  if (!query.ok()) return refuse(problem::bad_request, "the query's percent encoding is malformed");
  if (const auto name = query.unknown({"url", "trace"}); !name.empty())
    return refuse(problem::bad_request,
                  fmt::format("`{}` is unknown or repeated; give url or trace", name));
  const auto url = query.get("url").value_or("");
  const auto trace = query.get("trace").value_or("");
  if (url.empty() == trace.empty())
    return refuse(problem::bad_request, "give either ?url= or ?trace=");
  auto body = v.explain(url, trace);
  if (body.empty())
    return refuse(problem::not_found,
                  fmt::format("nothing is remembered of {}; only the last requests are",
                              url.empty() ? trace : url));
  return document(std::move(body));
}

namespace {
// ?limit=, 1 to 1000; nullopt if it is none.
std::optional<std::size_t> limit_of(const query_params& query) {
  const auto text = query.get("limit");
  if (!text) return 50;
  const auto n = parse_digits(*text);
  if (!n || *n < 1 || *n > max_entries) return std::nullopt;
  return static_cast<std::size_t>(*n);
}
}  // namespace

response queries(const admin_views& v, const request& r) {
  const query_params query(r.query);
  if (!query.ok()) return refuse(problem::bad_request, "the query's percent encoding is malformed");
  if (const auto name = query.unknown({"limit", "sort"}); !name.empty())
    return refuse(problem::bad_request,
                  fmt::format("`{}` is unknown or repeated; give limit, sort", name));
  const auto limit = limit_of(query);
  if (!limit)
    return refuse(problem::bad_request, fmt::format("limit must be 1 to {}", max_entries));
  return document(v.queries(*limit, query.get("sort").value_or("total")));
}

namespace {
// A list of which only the length may be chosen.
response limited(const std::function<std::string(std::size_t)>& list, const request& r) {
  const query_params query(r.query);
  if (!query.ok()) return refuse(problem::bad_request, "the query's percent encoding is malformed");
  if (const auto name = query.unknown({"limit"}); !name.empty())
    return refuse(problem::bad_request,
                  fmt::format("`{}` is unknown or repeated; give limit", name));
  const auto limit = limit_of(query);
  if (!limit)
    return refuse(problem::bad_request, fmt::format("limit must be 1 to {}", max_entries));
  return document(list(*limit));
}
}  // namespace

response n_plus_one(const admin_views& v, const request& r) { return limited(v.n_plus_one, r); }
response indexes(const admin_views& v, const request& r) { return limited(v.indexes, r); }

response cache_entries(const admin_views& v, const request& r) {
  const query_params query(r.query);
  if (!query.ok()) return refuse(problem::bad_request, "the query's percent encoding is malformed");
  if (const auto name = query.unknown({"tag", "prefix", "limit"}); !name.empty())
    return refuse(problem::bad_request,
                  fmt::format("`{}` is unknown or repeated; give tag, prefix, limit", name));
  entries_query q;
  q.tag = query.get("tag").value_or("");
  q.prefix = query.get("prefix").value_or("");
  if (const auto limit = query.get("limit")) {
    const auto n = parse_digits(*limit);
    if (!n || *n < 1 || *n > max_entries)
      return refuse(problem::bad_request, fmt::format("limit must be 1 to {}", max_entries));
    q.limit = static_cast<std::size_t>(*n);
  }
  return document(v.cache_entries(q));
}

}  // namespace fairing::admin::handlers
