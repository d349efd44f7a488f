#include "admin/router.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "admin/problem.hpp"
#include "admin/test_views.hpp"

namespace fairing::admin {
namespace {

using http1::method;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr auto loopback = "127.0.0.1:9900";

struct fixture {
  explicit fixture(std::string_view address = loopback)
      : router_(views_over(seen), access_policy(address, "s3cret")) {}

  response get(const std::string& path, const std::string& query = "") const {
    request r = ask(method::get, path);
    r.query = query;
    return router_.handle(r);
  }
  response post(const std::string& path, const std::string& body = "") const {
    request r = ask(method::post, path);
    r.authorization = "Bearer s3cret";
    r.body = body;
    return router_.handle(r);
  }
  static request ask(method m, std::string path, std::string host = "localhost:9900") {
    request r;
    r.method = m;
    r.path = std::move(path);
    r.host = std::move(host);
    return r;
  }
  static std::string field(const response& r, std::string_view name) {
    for (const auto& [key, value] : r.fields)
      if (key == name) return value;
    return {};
  }

  asked seen;
  router router_;
};

std::string slug(const response& r) {
  EXPECT_EQ(r.content_type, "application/problem+json");
  const auto body = json::parse(r.body);
  EXPECT_EQ(body.at("status"), r.status);
  EXPECT_TRUE(body.contains("title") && body.contains("detail") && body.contains("advice"));
  return body.at("type").get<std::string>().substr(20);
}
std::string detail(const response& r) { return json::parse(r.body).at("detail"); }

TEST(Router, ReadsAreFreeOnLoopback) {
  const fixture f;
  for (const auto* path :
       {"/livez", "/readyz", "/startupz", "/metrics", "/", "/v1/checklist", "/v1/config",
        "/v1/bypass", "/v1/cache/entries", "/v1/upstreams", "/v1/pools"})
    EXPECT_EQ(f.get(path).status, 200) << path;
  EXPECT_EQ(f.get("/metrics").content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(f.get("/metrics").body, "fairing_cache_bytes 7\n");
  EXPECT_EQ(json::parse(f.get("/v1/bypass").body), (json{{"bypassed", {"http"}}}));
}

// Were something put in as markup or fetched from elsewhere, the policy would stop it; it must not come to that.
TEST(Router, TheDashboardIsSelfContained) {
  const fixture f;
  EXPECT_THAT(f.get("/").body, HasSubstr("<title>Fairing</title>"));
  EXPECT_EQ(f.get("/dashboard.css").content_type, "text/css; charset=utf-8");
  EXPECT_EQ(f.get("/dashboard.js").content_type, "text/javascript; charset=utf-8");
  for (const auto* path : {"/", "/dashboard.css", "/dashboard.js"}) {
    const auto r = f.get(path);
    EXPECT_EQ(r.status, 200) << path;
    const auto policy = fixture::field(r, "Content-Security-Policy");
    EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
    EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
    for (const auto* never : {"https://", "src=\"http", "href=\"http", "url(", "@import", "<style",
                              " style=", "onclick", "innerHTML", "outerHTML", "insertAdjacentHTML",
                              "document.write", "eval("})
      EXPECT_THAT(r.body, Not(HasSubstr(never))) << path;
  }
}

TEST(Router, WhatMayBlockRunsOnTheWorker) {
  const fixture f;
  EXPECT_FALSE(f.router_.admit(fixture::ask(method::get, "/readyz")).on_worker);
  EXPECT_FALSE(f.router_.admit(fixture::ask(method::get, "/")).on_worker);
  EXPECT_TRUE(f.router_.admit(fixture::ask(method::get, "/metrics")).on_worker);
  EXPECT_TRUE(f.router_.admit(fixture::ask(method::head, "/v1/config")).on_worker);
}

TEST(Router, ReadinessAndItsLines) {
  fixture f;
  EXPECT_EQ(f.get("/readyz").body, "ready\n");
  EXPECT_EQ(f.get("/readyz", "verbose").body,
            "[+]listener:web ok\n[+]upstream:web ok: up\nready\n");
  f.seen.is_ready = false;
  f.seen.is_started = false;
  const auto no = f.get("/readyz", "verbose=1");
  EXPECT_EQ(no.status, 503);
  EXPECT_EQ(no.body, "[+]listener:web ok\n[-]upstream:web failed: up\nnot ready\n");
  EXPECT_EQ(f.get("/livez").status, 200);
  EXPECT_EQ(f.get("/startupz").status, 503);
}

TEST(Router, WhatDoesNotCountIsAWarning) {
  fixture f;
  f.seen.backend_counts = false;
  f.seen.backend_up = false;
  const auto said = f.get("/readyz", "verbose");
  EXPECT_EQ(said.status, 200);
  EXPECT_EQ(said.body, "[+]listener:web ok\n[!]upstream:web warning: up\nready\n");
}

TEST(Router, ChangesNeedTheTokenAlsoOnLoopback) {
  for (const auto* address : {loopback, "unix:/run/fairing/admin.sock"}) {
    const fixture f(address);
    auto r = fixture::ask(method::post, "/v1/drain");
    const auto without = f.router_.handle(r);
    EXPECT_EQ(without.status, 401);
    EXPECT_EQ(slug(without), "unauthorized");
    EXPECT_EQ(fixture::field(without, "WWW-Authenticate"), "Bearer realm=\"fairing\"");
    for (const auto* wrong :
         {"Bearer s3creT", "Bearer s3cret2", "Bearer ", "Basic s3cret", "s3cret"}) {
      r.authorization = wrong;
      EXPECT_EQ(f.router_.handle(r).status, 401) << wrong;
    }
    EXPECT_TRUE(f.seen.calls.empty());
    r.authorization = "bearer  s3cret";
    EXPECT_EQ(f.router_.handle(r).status, 202);
    EXPECT_THAT(f.seen.calls, ElementsAre("drain"));
  }
}

TEST(Router, AnEmptyTokenMatchesNothing) {
  asked seen;
  const router none(views_over(seen), access_policy(loopback, ""));
  auto r = fixture::ask(method::post, "/v1/drain");
  r.authorization = "Bearer ";
  EXPECT_EQ(none.handle(r).status, 401);
}

TEST(Router, AwayFromLoopbackReadsNeedTheTokenButProbes) {
  for (const auto* address : {"0.0.0.0:9900", "[::]:9900", "192.0.2.7:9900"}) {
    const fixture f(address);
    auto r = fixture::ask(method::get, "/metrics");
    EXPECT_EQ(f.router_.handle(r).status, 401) << address;
    r.path = "/startupz";
    EXPECT_EQ(f.router_.handle(r).status, 401) << address;
    for (const auto* probe : {"/livez", "/readyz"}) {
      r.path = probe;
      EXPECT_EQ(f.router_.handle(r).status, 200) << probe;
    }
    r.path = "/metrics";
    r.authorization = "Bearer s3cret";
    EXPECT_EQ(f.router_.handle(r).status, 200) << address;
  }
}

TEST(Router, HostMustBeAKnownName) {
  const auto status = [](std::string_view address, const std::string& host, bool token = false) {
    const fixture f(address);
    auto r = fixture::ask(method::get, "/livez", host);
    if (token) r.authorization = "Bearer s3cret";
    return f.router_.handle(r).status;
  };
  for (const auto* good :
       {"localhost", "LOCALHOST:9900", "127.0.0.1", "127.0.0.1:9900", "[::1]", "[::1]:9900"})
    EXPECT_EQ(status(loopback, good), 200) << good;
  for (const auto* bad : {"", "evil.example", "evil.example:9900", "127.0.0.1:80", "localhost:9901",
                          "192.0.2.7:9900", "localhost.evil.example"})
    EXPECT_EQ(status(loopback, bad), 403) << bad;
  EXPECT_EQ(status(loopback, "evil.example", true), 403);
  EXPECT_EQ(status("127.0.0.2:9900", "127.0.0.2:9900"), 200);
  EXPECT_EQ(status("unix:/run/a.sock", "anything"), 200);
  EXPECT_EQ(status("192.0.2.7:9900", "192.0.2.7:9900"), 200);
  EXPECT_EQ(status("192.0.2.7:9900", "192.0.2.8:9900"), 403);
  EXPECT_EQ(status("0.0.0.0:9900", "10.1.2.3:9900"), 200);
  EXPECT_EQ(status("[::]:9900", "[2001:db8::1]:9900"), 200);
  EXPECT_EQ(status("0.0.0.0:9900", "fairing.internal:9900"), 403);
  EXPECT_EQ(status("0.0.0.0:9900", "fairing.internal:9900", true), 200);
}

TEST(Router, ChangesFromOtherSitesPagesAreRefused) {
  const fixture f;
  auto r = fixture::ask(method::post, "/v1/drain");
  r.authorization = "Bearer s3cret";
  for (const auto* origin :
       {"http://evil.example", "null", "https://localhost:9900", "http://localhost:3000"}) {
    r.origin = origin;
    const auto no = f.router_.handle(r);
    EXPECT_EQ(no.status, 403) << origin;
    EXPECT_EQ(slug(no), "forbidden");
  }
  r.origin = "http://localhost:9900";
  EXPECT_EQ(f.router_.handle(r).status, 202);
  r.origin.clear();
  r.fetch_site = "cross-site";
  EXPECT_EQ(f.router_.handle(r).status, 403);
}

TEST(Router, UnknownPathsNameTheNearestAndMethodsAreListed) {
  const fixture f;
  const auto none = f.get("/v1/cheklist");
  EXPECT_EQ(none.status, 404);
  EXPECT_EQ(slug(none), "not-found");
  EXPECT_EQ(detail(none), "there is no /v1/cheklist; the nearest is /v1/checklist");
  EXPECT_EQ(f.get("/" + std::string(7000, 'x')).status, 404);
  const auto get = f.get("/v1/purge");
  EXPECT_EQ(get.status, 405);
  EXPECT_EQ(slug(get), "method-not-allowed");
  EXPECT_EQ(fixture::field(get, "Allow"), "POST");
  EXPECT_EQ(fixture::field(f.post("/v1/checklist"), "Allow"), "GET, HEAD");
  const auto del = f.router_.handle(fixture::ask(method::del, "/v1/bypass"));
  EXPECT_EQ(fixture::field(del, "Allow"), "GET, HEAD, POST");
}

TEST(Router, PathsOfLaterPlanesSayWhatTheyNeed) {
  const fixture f;
  EXPECT_EQ(f.get("/v1/queries", "limit=5&sort=count").status, 200);
  EXPECT_EQ(f.get("/v1/n_plus_one").status, 200);
  EXPECT_EQ(f.get("/v1/indexes", "limit=5").status, 200);
  EXPECT_EQ(f.get("/v1/indexes", "sort=table").status, 400);
  EXPECT_EQ(f.get("/v1/queries", "limit=0").status, 400);
  EXPECT_THAT(detail(f.get("/v1/keyspaces")), HasSubstr("needs the redis plane"));
  EXPECT_THAT(detail(f.get("/v1/jobs")), HasSubstr("there is no jobs plane"));
  EXPECT_EQ(f.get("/v1/jobs").status, 404);
}

TEST(Router, Purge) {
  fixture f;
  const auto done = f.post("/v1/purge", R"({"tags":["a","b"],"urls":["http://x/1"],"soft":true})");
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(json::parse(done.body), (json{{"seq", 42}, {"tiers", {{"l1", "done"}}}}));
  ASSERT_EQ(f.seen.purges.size(), 1U);
  EXPECT_THAT(f.seen.purges[0].tags, ElementsAre("a", "b"));
  EXPECT_THAT(f.seen.purges[0].urls, ElementsAre("http://x/1"));
  EXPECT_EQ(f.seen.purges[0].kind, cache::purge_kind::soft);
  EXPECT_EQ(f.seen.purges[0].source, bus::purge_source::api);
  const auto dry = f.post("/v1/purge", R"({"all":true,"dry_run":true})");
  EXPECT_EQ(json::parse(dry.body), (json{{"dry_run", true}, {"matched", 3}}));
  EXPECT_EQ(f.seen.purges[1].kind, cache::purge_kind::hard);
  f.seen.queued = true;
  const auto queued = f.post("/v1/purge", R"({"prefixes":["http://x/"]})");
  EXPECT_EQ(queued.status, 202);
  EXPECT_EQ(json::parse(queued.body).at("tiers").at("edge"), "queued");
}

TEST(Router, PurgeRefusesWhatItDoesNotUnderstand) {
  const fixture f;
  const std::pair<const char*, const char*> cases[] = {
      {"{", "not JSON"},
      {"[]", "must be a JSON object"},
      {R"({"tag":["a"]})", "`tag` is not known here; known are: tags, urls"},
      {R"({"tags":"a"})", "`tags` must be a list of strings"},
      {R"({"tags":[1]})", "`tags` must be a list of strings"},
      {R"({"all":"yes"})", "`all` must be true or false"},
      {R"({"all":true,"wait":"edge"})", "wait: `edge`"},
      {"{}", "name what to purge"},
      {"", "name what to purge"},
  };
  for (const auto& [body, why] : cases) {
    const auto no = f.post("/v1/purge", body);
    EXPECT_EQ(no.status, 400) << body;
    EXPECT_EQ(slug(no), "bad-request");
    EXPECT_THAT(detail(no), HasSubstr(why));
  }
  EXPECT_EQ(f.post("/v1/purge", std::string(1 << 20, '[')).status, 400);
  EXPECT_EQ(f.post("/v1/purge", "{\"all\xff\":true}").status, 400);
  EXPECT_TRUE(f.seen.purges.empty());
}

TEST(Router, Reload) {
  fixture f;
  EXPECT_EQ(json::parse(f.post("/v1/reload", "{}").body),
            (json{{"changes", {"http.web.cache.memory"}}}));
  EXPECT_EQ(f.post("/v1/reload").status, 200);
  EXPECT_EQ(f.post("/v1/reload", R"({"file":"/etc/passwd"})").status, 400);
  f.seen.refuse_reload = true;
  const auto no = f.post("/v1/reload", "{}");
  EXPECT_EQ(no.status, 422);
  EXPECT_EQ(slug(no), "reload-refused");
  EXPECT_EQ(detail(no), "fairing.yaml:3: bad port");
}

TEST(Router, Bypass) {
  const fixture f;
  EXPECT_EQ(json::parse(f.post("/v1/bypass", R"({"what":"http","off":false})").body),
            (json{{"bypassed", {"http"}}}));
  EXPECT_EQ(json::parse(f.post("/v1/bypass", R"({"what":"http","off":true})").body),
            (json{{"bypassed", json::array()}}));
  EXPECT_THAT(f.seen.calls, ElementsAre("bypass http", "end http"));
  EXPECT_EQ(f.post("/v1/bypass", R"({"what":"nothing"})").status, 400);
  EXPECT_THAT(detail(f.post("/v1/bypass", "{}")), HasSubstr("`what` must name"));
}

TEST(Router, ExplainAndEntriesReadTheirQueries) {
  const fixture f;
  EXPECT_EQ(f.get("/v1/explain", "url=http%3A%2F%2Fx%2Fa%2Bb%3Fq%3D1").status, 200);
  EXPECT_EQ(f.get("/v1/explain", "trace=4bf92f3577b34da6a3ce929d0e0e4736").status, 200);
  EXPECT_EQ(f.get("/v1/explain", "url=http%3A%2F%2Fx%2Fgone").status, 404);
  for (const auto* bad : {"", "url=", "url=a&trace=b", "url=a&url=b", "uri=a", "url=%2", "url=%zz"})
    EXPECT_EQ(f.get("/v1/explain", bad).status, 400) << bad;
  EXPECT_EQ(f.get("/v1/cache/entries").status, 200);
  EXPECT_EQ(f.get("/v1/cache/entries", "tag=a+b&prefix=http://x/&limit=1000").status, 200);
  for (const auto* bad : {"limit=0", "limit=1001", "limit=-1", "limit=x", "tags=a"})
    EXPECT_EQ(f.get("/v1/cache/entries", bad).status, 400) << bad;
  EXPECT_THAT(f.seen.calls,
              ElementsAre("explain http://x/a+b?q=1", "explain 4bf92f3577b34da6a3ce929d0e0e4736",
                          "explain http://x/gone", "entries ||100", "entries a b|http://x/|1000"));
}

TEST(Router, AViewThatThrowsIsA500) {
  asked seen;
  auto views = views_over(seen);
  views.config = []() -> std::string { throw std::runtime_error("broken"); };
  const router r(std::move(views), access_policy(loopback, "s3cret"));
  const auto no = r.handle(fixture::ask(method::get, "/v1/config"));
  EXPECT_EQ(no.status, 500);
  EXPECT_EQ(slug(no), "internal");
}

TEST(Problem, DetailsCannotBreakTheDocument) {
  const auto r = refuse(problem::bad_request, "a \"quote\"\n\xff");
  EXPECT_EQ(slug(r), "bad-request");
  for (const auto& p : all_problems()) EXPECT_NE(reason_of(p.status), "Unknown") << p.slug;
}

}  // namespace
}  // namespace fairing::admin
