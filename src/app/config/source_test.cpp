#include "app/config/source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/config/test_config.hpp"

namespace fairing::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(source, precedence_is_set_then_flags_then_environment_then_file) {
  test_source s;
  const std::string text = good_site + "admin: { listen: 9001 }\n";
  EXPECT_EQ(s.load(text).value.admin.listen, "127.0.0.1:9001");
  s.environment["FAIRING_ADMIN"] = "http://127.0.0.1:9002/";
  EXPECT_EQ(s.load(text).value.admin.listen, "127.0.0.1:9002");
  s.from.admin = "9003";
  EXPECT_EQ(s.load(text).value.admin.listen, "127.0.0.1:9003");
  s.from.sets = {{"admin.listen", "9004"}};
  EXPECT_EQ(s.load(text).value.admin.listen, "127.0.0.1:9004");
  s.environment["FAIRING_RUNTIME_DIR"] = "/tmp/x";
  EXPECT_EQ(s.load(text).value.runtime.dir, "/tmp/x");
}

TEST(source, the_variable_before_the_file_is_noted) {
  test_source s;
  s.environment["FAIRING_ADMIN"] = "http://127.0.0.1:9002";
  const auto moved = s.load(good_site + "admin: 9001\n");
  EXPECT_TRUE(moved.value.admin.listen_of_variable);
  EXPECT_THAT(test_source::texts(moved.notes),
              ElementsAre("FAIRING_ADMIN: `admin.listen` is 127.0.0.1:9002 and not 9001 of "
                          "fairing.yaml:2:8: the variable goes before the file; unset it, or give "
                          "--admin, for another"));
  EXPECT_THAT(s.load(good_site + "admin: { listen: 9002 }\n").notes, IsEmpty());
  const auto alone = s.load(good_site);
  EXPECT_TRUE(alone.value.admin.listen_of_variable);
  EXPECT_THAT(alone.notes, IsEmpty());
  s.from.admin = "9003";
  const auto by_flag = s.load(good_site + "admin: 9001\n");
  EXPECT_FALSE(by_flag.value.admin.listen_of_variable);
  EXPECT_THAT(by_flag.notes, IsEmpty());
}

TEST(source, http_flags_make_sites_without_a_file) {
  test_source s;
  s.from.sites = {{"8080", "http://127.0.0.1:3000"},
                  {"0.0.0.0:0", "http://b:1/x=y"},
                  {"unix:/tmp/s", "unix:/tmp/b"}};
  const auto c = s.load("");
  ASSERT_THAT(test_source::texts(c.errors), IsEmpty());
  ASSERT_EQ(c.value.http.size(), 3U);
  EXPECT_EQ(c.value.http[0].listen, "127.0.0.1:8080");
  EXPECT_EQ(c.value.http[0].upstreams.at(0).port, 3000);
  EXPECT_EQ(c.value.http[1].listen, "0.0.0.0:0");
  EXPECT_EQ(c.value.http[1].upstreams.at(0).base_path, "/x=y");
  EXPECT_EQ(c.value.http[2].listen, "unix:/tmp/s");
  EXPECT_EQ(c.value.http[2].upstreams.at(0).unix_path, "/tmp/b");
}

TEST(source, an_http_flag_replaces_the_backend_of_its_listener_or_adds_a_site) {
  test_source s;
  s.from.sites = {{"127.0.0.1:8080", "http://b:1"}, {"8081", "http://c:2"}};
  const auto c = s.load(good_site);
  ASSERT_EQ(c.value.http.size(), 2U);
  EXPECT_EQ(c.value.http[0].upstreams.at(0).host, "b");
  EXPECT_EQ(c.value.http[1].upstreams.at(0).host, "c");
}

TEST(source, an_error_of_a_flag_names_the_flag) {
  test_source s;
  s.from.sites = {{"80800", "http://b:1"}};
  EXPECT_THAT(s.errors(""),
              ElementsAre("--http 80800=http://b:1: `http.0.listen`: `80800` is no listen address; "
                          "write PORT (0 to 65535), HOST:PORT or unix:PATH"));
}

TEST(source, set_reaches_every_depth) {
  test_source s;
  s.from.sets = {{"http.0.timeouts.total", "3s"},
                 {"cache.memory", "64MiB"},
                 {"http.0.cache.key.drop_query", "[utm_*, gclid]"},
                 {"http.0.routes.0.match", "/a"},
                 {"http.0.routes.0.cache.ttl", "1m"},
                 {"http.compression", "off"},
                 {"http.timeouts.connect", "2s"}};
  const auto c = s.load("http: [ { listen: 1, upstream: http://h, timeouts: 9s } ]");
  ASSERT_THAT(test_source::texts(c.errors), IsEmpty());
  const auto& site = c.value.http.at(0);
  EXPECT_EQ(site.timeouts.total, milliseconds{3000});
  EXPECT_EQ(site.timeouts.connect, milliseconds{2000});
  EXPECT_EQ(c.value.cache.memory, 64ULL << 20);
  EXPECT_THAT(site.cache.key.drop_query, ElementsAre("utm_*", "gclid"));
  EXPECT_EQ(site.routes.at(0).cache.ttl, milliseconds{60'000});
  EXPECT_FALSE(site.compression.enabled);
}

TEST(source, set_errors) {
  const auto one = [](const std::string& key, const std::string& value) {
    test_source s;
    s.from.sets = {{key, value}};
    return s.errors(
        "http: [ { listen: 1, upstream: http://h }, { listen: 2, upstream: http://h } ]");
  };
  EXPECT_THAT(one("cache.memry", "1"),
              ElementsAre("--set cache.memry: unknown key `cache.memry`; did you mean `memory`?"));
  EXPECT_THAT(
      one("http.timeouts.total", "1s"),
      ElementsAre("--set http.timeouts.total: `http` has 2 elements; say which, as in http.0"));
  EXPECT_THAT(one("http.5.listen", "1"),
              ElementsAre("--set http.5.listen: `http` has 2 elements; the next is 2"));
  EXPECT_THAT(
      one("http.1.timeouts.total", "soon"),
      ElementsAre(HasSubstr(
          "--set http.1.timeouts.total: `http.1.timeouts.total`: `soon` is not a duration")));
}

TEST(source, a_file_that_is_not_there) {
  config_source s;
  s.file = "/nonexistent/fairing.yaml";
  EXPECT_THAT(test_source::texts(s.load().errors),
              ElementsAre("/nonexistent/fairing.yaml: cannot read /nonexistent/fairing.yaml: No "
                          "such file or directory; `fairing init` writes a first one"));
}

TEST(source, what_a_reload_cannot_change) {
  const test_source s;
  const auto of = [&](const std::string& text) { return s.load(text).value; };
  const auto base = of(good_site);
  EXPECT_THAT(diff_not_reloadable(base, of(good_site + "http2: 1")), IsEmpty());
  EXPECT_THAT(
      diff_not_reloadable(
          base, of(good_site +
                   "runtime: { threads: 2, log: debug }\nadmin: 9000\ncache: { memory: 8MiB }")),
      ElementsAre("runtime.threads", "admin.listen", "cache.memory"));
  const auto live =
      of("http: { listen: 8080, upstream: http://127.0.0.1:4000, timeouts: 3s, routes: [ { match: "
         "/a } ] }");
  EXPECT_THAT(diff_not_reloadable(base, live), IsEmpty());
  EXPECT_THAT(diff(base, live),
              ElementsAre("http.0.upstream.0.url", "http.0.timeouts.total", "http.0.routes"));
  EXPECT_THAT(
      diff_not_reloadable(base, of("http: [ { listen: 8080, upstream: http://127.0.0.1:3000 }, { "
                                   "listen: 1, upstream: http://h } ]")),
      ElementsAre("http"));
  EXPECT_THAT(
      diff_not_reloadable(base, of("http: { listen: 8081, upstream: http://127.0.0.1:3000 }")),
      ElementsAre("http.0.listen", "http.0.name"));
}

TEST(source, runtime_directory) {
  const auto env = [](std::map<std::string, std::string> m) -> environment {
    return [m](const std::string& n) -> std::optional<std::string> {
      const auto f = m.find(n);
      return f == m.end() ? std::nullopt : std::optional(f->second);
    };
  };
  EXPECT_EQ(runtime_directory(env({{"FAIRING_RUNTIME_DIR", "/a"}}), "/b"), "/a");
  EXPECT_EQ(runtime_directory(env({}), "/b"), "/b");
}

}  // namespace
}  // namespace fairing::config
