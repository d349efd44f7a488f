#include "http/logic/request_key.hpp"

#include <gtest/gtest.h>

#include "http/logic/test_heads.hpp"

namespace fairing::http {
namespace {

std::string key(std::string_view line, const key_config& config = {}, std::string_view fields = {},
                bool head_as_get = true) {
  std::string out;
  make_key(out, "shop", test::request(fields, line).head, config, head_as_get);
  return out;
}

TEST(request_key, lowers_the_authority_byte_by_byte) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  http1::request_head head;
  head.path = "/A";
  for (std::size_t from = 0; from < all.size(); ++from) {
    const auto text = all.substr(from);
    head.authority = text;
    std::string made;
    make_key(made, "Site", head, {});
    EXPECT_EQ(made, "Site\n" + to_lower(text) + "/A");
  }
}

TEST(request_key, is_site_authority_and_target_as_sent) {
  EXPECT_EQ(key("GET /a?x=1"), "shop\nexample.com/a?x=1");
  EXPECT_EQ(key("HEAD /a?x=1"), key("GET /a?x=1"));
  EXPECT_NE(key("HEAD /a?x=1", {}, {}, false), key("GET /a?x=1"));
  EXPECT_NE(key("GET /a?"), key("GET /a"));
  EXPECT_NE(key("GET /%61"), key("GET /a"));
  EXPECT_NE(key("GET //a"), key("GET /a"));
}

TEST(request_key, query_as_configured) {
  key_config c;
  c.drop_query = {"utm_*", "ref"};
  EXPECT_EQ(key("GET /a?utm_source=x&b=2&ref=q&a=1", c), "shop\nexample.com/a?b=2&a=1");
  EXPECT_EQ(key("GET /a?utm_source=x", c), key("GET /a"));
  EXPECT_EQ(key("GET /a?refer=1", c), "shop\nexample.com/a?refer=1");
  c.sort_query = true;
  EXPECT_EQ(key("GET /a?b=2&a=2&a=1", c), "shop\nexample.com/a?a=2&a=1&b=2");
  std::string many = "GET /a?z=1";
  for (int i = 0; i < 70; ++i) many += "&p" + std::to_string(i);
  EXPECT_TRUE(key(many, c).starts_with("shop\nexample.com/a?z=1&p0&"));
  c.ignore_query = true;
  EXPECT_EQ(key("GET /a?b=2", c), key("GET /a"));
}

TEST(request_key, headers_and_cookies) {
  key_config c;
  c.headers = {"X-Tenant"};
  c.cookies = {"lang"};
  EXPECT_EQ(key("GET /a", c, "x-tenant: 7\r\nCookie: a=1; lang=de\r\n"),
            "shop\nexample.com/a\nx-tenant=7\ncookie lang=de");
  EXPECT_NE(key("GET /a", c), key("GET /a", c, "x-tenant:\r\n"));
  EXPECT_EQ(key_from_url("shop", "http://example.com/a", c), std::nullopt);
}

TEST(request_key, from_urls) {
  EXPECT_EQ(key_from_url("shop", "HTTP://Example.com:80/a?x=1#f", {}), key("GET /a?x=1"));
  EXPECT_EQ(key_from_url("shop", "https://example.com:443", {}), key("GET /"));
  EXPECT_EQ(key_from_url("shop", "https://example.com:80/a", {}), "shop\nexample.com:80/a");
  EXPECT_EQ(key_from_url("shop", "/a", {}, "EXAMPLE.com"), key("GET /a"));
  for (const auto* bad : {"/a", "ftp://example.com/", "http:///a", "http://u@example.com/", "a",
                          "http://example.com/a b"})
    EXPECT_EQ(key_from_url("shop", bad, {}), std::nullopt) << bad;
  EXPECT_TRUE(key("GET /a/b").starts_with(*prefix_from_url("shop", "http://example.com/a/")));
}

TEST(request_key, dot_segments) {
  for (const auto* yes : {"/.", "/..", "/a/./b", "/a/..", "/%2E/", "/a/.%2e", "/a/..;x/b"})
    EXPECT_TRUE(has_dot_segments(yes)) << yes;
  for (const auto* no : {"/", "/a.b", "/...", "/.well-known/x", "/%2ehtaccess", "/a..", "*"})
    EXPECT_FALSE(has_dot_segments(no)) << no;
}

}  // namespace
}  // namespace fairing::http
