#include "jobs/logic/push_url.hpp"

#include <gtest/gtest.h>

namespace fairing::jobs {
namespace {

TEST(push_url, is_read_into_its_parts) {
  const auto plain = parse_push_url("http://127.0.0.1:3000/jobs/emails?via=fairing");
  ASSERT_TRUE(plain);
  EXPECT_EQ(*plain, (push_url{.tls = false,
                              .host = "127.0.0.1",
                              .port = 3000,
                              .host_field = "127.0.0.1:3000",
                              .target = "/jobs/emails?via=fairing"}));
  const auto secure = parse_push_url("https://workers.example.com");
  ASSERT_TRUE(secure);
  EXPECT_TRUE(secure->tls);
  EXPECT_EQ(secure->port, 443);
  EXPECT_EQ(secure->target, "/");
  const auto v6 = parse_push_url("http://[::1]:81?x");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->host_field, "[::1]:81");
  EXPECT_EQ(v6->target, "/?x");
}

TEST(push_url, refuses_what_cannot_be_posted_to) {
  for (const auto* bad : {"", "127.0.0.1:3000", "ftp://h/", "http://", "http:///x", "http://u:p@h/",
                          "http://h:0/", "http://h:99999/", "http://h:/", "http://h/a b",
                          "http://h/#x", "http://[::1/", "http://a,b/", "http://h\r\nX: y/"})
    EXPECT_FALSE(parse_push_url(bad)) << bad;
}

}  // namespace
}  // namespace fairing::jobs
