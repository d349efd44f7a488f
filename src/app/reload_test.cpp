#include "app/reload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace fairing::app {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

http::site_config site_of(const std::string& name, const std::vector<std::string>& matches) {
  http::site_config s;
  s.name = name;
  s.listen = "127.0.0.1:8080";
  for (const auto& m : matches) {
    http::route_config r;
    r.match = m;
    s.routes.push_back(r);
  }
  return s;
}

config::config config_of(std::vector<http::site_config> sites) {
  config::config c;
  c.http = std::move(sites);
  return c;
}

checklist::row row_of(const std::string& site, const std::string& route) {
  checklist::row r;
  r.site = site;
  r.route = route;
  return r;
}

TEST(reload, evidence_of_what_is_unchanged_holds) {
  const auto running = config_of({site_of("a", {"/x", "/y"}), site_of("b", {"/x"})});
  const auto holds = evidence_kept(running, running);
  for (const auto& [site, route] :
       {std::pair{"a", "/x"}, {"a", "/y"}, {"a", ""}, {"b", "/x"}, {"", ""}})
    EXPECT_TRUE(holds(row_of(site, route))) << site << route;
  EXPECT_FALSE(holds(row_of("gone", "")));
}

TEST(reload, a_changed_route_ends_the_evidence_behind_it) {
  const auto running = config_of({site_of("a", {"/x", "/y", "/z"}), site_of("b", {"/y"})});
  auto next = running;
  next.http[0].routes[1].cache.ttl = milliseconds{5000};
  const auto holds = evidence_kept(running, next);
  EXPECT_TRUE(holds(row_of("a", "/x")));
  EXPECT_FALSE(holds(row_of("a", "/y")));
  EXPECT_FALSE(holds(row_of("a", "/z"))) << "what /y does not take any more may come to it";
  EXPECT_FALSE(holds(row_of("a", "")));
  EXPECT_TRUE(holds(row_of("b", "/y")));
  EXPECT_TRUE(holds(row_of("b", "")));
  EXPECT_FALSE(holds(row_of("", ""))) << "(other) may be of any site";
}

TEST(reload, routes_added_and_removed) {
  const auto two = config_of({site_of("a", {"/x", "/y"})});
  const auto three = config_of({site_of("a", {"/x", "/y", "/z"})});
  const auto added = evidence_kept(two, three);
  EXPECT_TRUE(added(row_of("a", "/y")));
  EXPECT_FALSE(added(row_of("a", ""))) << "the new route takes from the default one";
  const auto removed = evidence_kept(three, two);
  EXPECT_TRUE(removed(row_of("a", "/y")));
  EXPECT_FALSE(removed(row_of("a", "/z")));
  EXPECT_FALSE(removed(row_of("a", "")));
}

TEST(reload, one_match_for_two_hosts_is_one_row) {
  auto running = config_of({site_of("a", {"/x", "/x"})});
  running.http[0].routes[0].host = "one.example";
  auto next = running;
  next.http[0].routes[1].compression = false;
  EXPECT_FALSE(evidence_kept(running, next)(row_of("a", "/x")));
}

TEST(reload, a_change_of_the_site_ends_all_its_evidence) {
  const auto running = config_of({site_of("a", {"/x"}), site_of("b", {"/x"})});
  auto next = running;
  next.http[0].compression.enabled = false;
  const auto holds = evidence_kept(running, next);
  EXPECT_FALSE(holds(row_of("a", "/x")));
  EXPECT_TRUE(holds(row_of("b", "/x")));
}

TEST(reload, a_free_port_gives_the_name) {
  auto c = config_of({site_of("127.0.0.1:0", {}), site_of("127.0.0.1:0#1", {}), site_of("web", {}),
                      site_of("127.0.0.1:8080", {})});
  for (std::size_t i = 0; i < 3; ++i) c.http[i].listen = "127.0.0.1:0";
  name_by_address(c, {"127.0.0.1:4001", "127.0.0.1:4002", "127.0.0.1:4003", "127.0.0.1:8080"});
  std::vector<std::string> names;
  for (const auto& s : c.http) names.push_back(s.name);
  EXPECT_THAT(names, ElementsAre("127.0.0.1:4001", "127.0.0.1:4002", "web", "127.0.0.1:8080"));
}

TEST(reload, files_with_another_content_are_told) {
  const auto path = "/tmp/fairing-reload-test-" + std::to_string(::getpid());
  const auto write = [&](const char* text) { std::ofstream(path) << text; };
  auto c = config_of({site_of("a", {})});
  c.http[0].tls = http::tls_config{path, path + ".none"};
  write("one");
  const auto before = digests_of(c);
  EXPECT_THAT(changed_files(before, digests_of(c)), IsEmpty());
  write("two");
  EXPECT_THAT(changed_files(before, digests_of(c)),
              ElementsAre("http.0.tls.cert (the content of " + path + ")"));
  c.http[0].tls->cert = "/nowhere";
  EXPECT_THAT(changed_files(before, digests_of(c)), IsEmpty()) << "the key differs, and is told";
  std::remove(path.c_str());
}

TEST(reload, files_of_the_sql_plane_are_told) {
  const auto path = "/tmp/fairing-reload-test-sql-" + std::to_string(::getpid());
  const auto write = [&](const char* text) { std::ofstream(path) << text; };
  auto c = config_of({});
  auto& plane = c.sql.emplace();
  plane.tls_cert = plane.upstream.ssl_root = path;
  write("one");
  const auto before = digests_of(c);
  write("two");
  EXPECT_THAT(changed_files(before, digests_of(c)),
              ElementsAre("sql.tls.cert (the content of " + path + ")",
                          "sql.upstream (the content of " + path + ")"));
  std::remove(path.c_str());
}

}  // namespace
}  // namespace fairing::app
