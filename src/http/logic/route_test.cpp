#include "http/logic/route.hpp"

#include <gtest/gtest.h>

#include "http/logic/test_heads.hpp"

namespace fairing::http {
namespace {

site_config site(std::initializer_list<std::string_view> matches) {
  site_config s;
  for (const auto m : matches) {
    auto pattern = parse_match(m);
    EXPECT_TRUE(pattern) << m;
    route_config r;
    r.match = m;
    r.methods = pattern->methods;
    r.path = pattern->path;
    s.routes.push_back(std::move(r));
  }
  return s;
}
std::string label(const site_config& s, std::string_view line) {
  const route_table table{s};
  return table.match(test::request({}, line).head).label;
}

TEST(route, first_match_wins) {
  const auto s = site({"GET /api/products/**", "POST,PUT /api/**", "/api/*/reviews", "/img/*.png",
                       "/login", "/**"});
  EXPECT_EQ(label(s, "GET /api/products/1/x"), "GET /api/products/**");
  EXPECT_EQ(label(s, "HEAD /api/products"), "GET /api/products/**");
  EXPECT_EQ(label(s, "GET /api/products/"), "GET /api/products/**");
  EXPECT_EQ(label(s, "GET /api/productsx"), "/**");
  EXPECT_EQ(label(s, "POST /api/products/1"), "POST,PUT /api/**");
  EXPECT_EQ(label(s, "GET /api/7/reviews?x=1"), "/api/*/reviews");
  EXPECT_EQ(label(s, "GET /api//reviews"), "/**");
  EXPECT_EQ(label(s, "GET /api/7/8/reviews"), "/**");
  EXPECT_EQ(label(s, "GET /api/7/reviews/1"), "/**");
  EXPECT_EQ(label(s, "GET /img/a.png"), "/img/*.png");
  EXPECT_EQ(label(s, "GET /img/a/b.png"), "/**");
  EXPECT_EQ(label(s, "M-SEARCH /login"), "/login");
}

TEST(route, a_path_cannot_be_written_around_a_rule) {
  const auto s = site({"/login", "/static/**"});
  for (const auto* line : {"POST /%6Cogin", "POST /x/../login", "POST //login", "POST /./login",
                           "POST /%2e/login", "POST /x/%2E%2e/login"})
    EXPECT_EQ(label(s, line), "/login") << line;
  EXPECT_EQ(label(s, "GET /static/../api/me"), "(default)");
  EXPECT_EQ(label(s, "GET /login/"), "(default)");
  EXPECT_EQ(plain_path("/a/../../b/./c/.."), "/b/");
  EXPECT_EQ(plain_path("/%2f%41%zz%"), "/%2fA%zz%");
}

TEST(route, hosts_and_defaults) {
  auto s = site({"/a"});
  s.routes[0].host = "EXAMPLE.com";
  EXPECT_EQ(label(s, "GET /a"), "/a");
  s.routes[0].host = "other.com";
  EXPECT_EQ(label(s, "GET /a"), "(default)");
  s.cache.mode = rule_mode::observe;
  s.cache.heuristic = true;
  const route_table table{s};
  EXPECT_EQ(table.routes()[0].rules.mode, rule_mode::observe);
  EXPECT_TRUE(table.fallback().rules.heuristic);
  EXPECT_NE(table.fallback().rules.route, nullptr);
  EXPECT_EQ(table.fallback().index, 1u);
}

TEST(route, patterns_that_are_wrong_say_so) {
  EXPECT_EQ(parse_match("get /a").error().code, route_errc::bad_method);
  EXPECT_EQ(parse_match("GET, POST /a").error().code, route_errc::bad_method);
  EXPECT_EQ(parse_match("GET a").error().code, route_errc::bad_path);
  EXPECT_EQ(parse_match("").error().code, route_errc::bad_path);
  EXPECT_EQ(parse_match("/a?b").error().code, route_errc::bad_path);
  EXPECT_EQ(parse_match("/a/**/b").error().code, route_errc::bad_pattern);
  EXPECT_EQ(parse_match("/a*b*").error().code, route_errc::bad_pattern);
  EXPECT_NE(parse_match("/a/**/b").error().message().find("/a/**/b"), std::string::npos);
  EXPECT_EQ(parse_match("OPTIONS *")->path, "*");
}

}  // namespace
}  // namespace fairing::http
