#include "bench/lg/request_source.hpp"

#include <gtest/gtest.h>

namespace fairing::bench {
namespace {

std::string next(request_source& source) {
  std::string out;
  source.append_next(out);
  return out;
}

TEST(request_source, a_fixed_target_is_always_the_same) {
  request_source source({.authority = "h:1", .targets = {"/a"}, .fields = {"Accept: x"}});
  EXPECT_EQ(next(source), "GET /a HTTP/1.1\r\nHost: h:1\r\nAccept: x\r\n\r\n");
  EXPECT_EQ(next(source), next(source));
}

TEST(request_source, numbers_count_and_wrap) {
  request_source source({.authority = "h", .targets = {"/m/{n}?x"}, .first = 7, .cycle = 2});
  EXPECT_EQ(next(source), "GET /m/7?x HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(next(source), "GET /m/8?x HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(next(source), "GET /m/7?x HTTP/1.1\r\nHost: h\r\n\r\n");
}

TEST(request_source, unique_adds_a_query_where_there_is_no_number) {
  request_source source({.authority = "h", .targets = {"/a", "/b?c", "/d/{n}"}, .unique = true});
  EXPECT_EQ(next(source), "GET /a?u=0 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(next(source), "GET /b?c&u=1 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(next(source), "GET /d/2 HTTP/1.1\r\nHost: h\r\n\r\n");
}

TEST(split_url, takes_http_urls_apart_and_refuses_others) {
  url_parts parts;
  ASSERT_TRUE(split_url("http://127.0.0.1:8080/a?b", parts));
  EXPECT_EQ(parts.host, "127.0.0.1");
  EXPECT_EQ(parts.port, 8080);
  EXPECT_EQ(parts.target, "/a?b");
  ASSERT_TRUE(split_url("http://h", parts));
  EXPECT_EQ(parts.port, 80);
  EXPECT_EQ(parts.target, "/");
  for (const auto* bad : {"https://h/", "h:1/", "http://h:99999/", "http://h:1x/", "http:///a"}) {
    EXPECT_FALSE(split_url(bad, parts)) << bad;
  }
}

}  // namespace
}  // namespace fairing::bench
