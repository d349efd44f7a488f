// The small parsers: nearest words, addresses.
#include <gtest/gtest.h>

#include "app/config/address.hpp"
#include "app/config/nearest.hpp"

namespace fairing::config {
namespace {

TEST(nearest, distance_counts_a_swap_once) {
  EXPECT_EQ(edit_distance("cache", "cahce"), 1U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("abc", "abc"), 0U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(nearest, only_what_is_near) {
  const std::vector<std::string> known{"cache", "listen", "upstream", "tls", "reload"};
  EXPECT_EQ(nearest("cahce", known), "cache");
  EXPECT_EQ(nearest("upstreams", known), "upstream");
  EXPECT_EQ(nearest("rel", known), "reload");
  EXPECT_EQ(nearest("zzz", known), std::nullopt);
  EXPECT_EQ(nearest("", known), std::nullopt);
  EXPECT_EQ(nearest(std::string(1000, 'c'), known), std::nullopt);
  EXPECT_EQ(did_you_mean("lisen", known), "; did you mean `listen`?");
}

TEST(address, listen) {
  const auto text = [](std::string_view t) {
    const auto a = parse_listen(t);
    return a ? to_text(*a) : std::string("bad");
  };
  EXPECT_EQ(text("8080"), "127.0.0.1:8080");
  EXPECT_EQ(text("0"), "127.0.0.1:0");
  EXPECT_EQ(text("0.0.0.0:80"), "0.0.0.0:80");
  EXPECT_EQ(text("[::1]:80"), "[::1]:80");
  EXPECT_EQ(text("localhost:80"), "localhost:80");
  EXPECT_EQ(text("unix:/run/x.sock"), "unix:/run/x.sock");
  for (const auto* bad : {"", "65536", "-1", "host", "host:", ":80", "[::1]", "[zz]:1", "a b:1",
                          "unix:", "1.2.3.4:99999", "::1:80"})
    EXPECT_EQ(text(bad), "bad") << bad;
  EXPECT_FALSE(parse_listen("unix:/" + std::string(200, 'x')).has_value());
}

TEST(address, loopback) {
  EXPECT_TRUE(parse_listen("80")->loopback());
  EXPECT_TRUE(parse_listen("[::1]:80")->loopback());
  EXPECT_TRUE(parse_listen("unix:/x")->loopback());
  EXPECT_FALSE(parse_listen("0.0.0.0:80")->loopback());
  EXPECT_FALSE(parse_listen("127.evil.example:80")->loopback());
}

TEST(address, upstream) {
  std::string problem;
  auto u = parse_upstream("https://api.example.com/v1/", problem);
  ASSERT_TRUE(u);
  EXPECT_TRUE(u->tls);
  EXPECT_EQ(u->host, "api.example.com");
  EXPECT_EQ(u->port, 443);
  EXPECT_EQ(u->base_path, "/v1");
  u = parse_upstream("http://[::1]:3000", problem);
  ASSERT_TRUE(u);
  EXPECT_EQ(u->host, "::1");
  EXPECT_EQ(u->port, 3000);
  u = parse_upstream("http+unix:///run/app.sock", problem);
  ASSERT_TRUE(u);
  EXPECT_EQ(u->unix_path, "/run/app.sock");
  for (const auto* bad : {"", "127.0.0.1:3000", "ftp://h", "http://", "http://h:0", "http://h:x",
                          "http://u:p@h", "http://h/?q", "http://h/#f", "http://h h", "unix:"})
    EXPECT_FALSE(parse_upstream(bad, problem).has_value()) << bad;
}

TEST(address, networks) {
  for (const auto* good : {"10.0.0.0/8", "127.0.0.1", "::1/128", "fe80::/10", "0.0.0.0/0"})
    EXPECT_TRUE(is_network(good)) << good;
  for (const auto* bad :
       {"", "10.0.0.0/33", "10.0.0/8", "host", "::1/129", "10.0.0.0/", "10.0.0.0/-1"})
    EXPECT_FALSE(is_network(bad)) << bad;
}

}  // namespace
}  // namespace fairing::config
