#include "http/logic/cache_status.hpp"

#include <gtest/gtest.h>

namespace fairing::http {
namespace {

std::string text(const cache_status& s) {
  std::string out;
  append_cache_status(out, s);
  return out;
}

TEST(cache_status, hits_and_misses) {
  EXPECT_EQ(text({.hit = true, .has_ttl = true, .ttl = seconds{12}, .detail = "l1"}),
            "Cache-Status: fairing; hit; ttl=12; detail=l1\r\n");
  EXPECT_EQ(text({.hit = true, .has_ttl = true, .ttl = seconds{-3}}),
            "Cache-Status: fairing; hit; ttl=-3\r\n");
  EXPECT_EQ(
      text({.fwd = fwd_reason::uri_miss, .fwd_status = 200, .stored = true, .collapsed = true}),
      "Cache-Status: fairing; fwd=uri-miss; fwd-status=200; stored; collapsed\r\n");
  EXPECT_EQ(text({}), "Cache-Status: fairing\r\n");
}

TEST(cache_status, a_detail_that_is_no_token_is_a_string) {
  EXPECT_EQ(text({.fwd = fwd_reason::miss, .detail = "a \"b\\\r\n"}),
            "Cache-Status: fairing; fwd=miss; detail=\"a \\\"b\\\\\"\r\n");
  EXPECT_EQ(text({.detail = "1st"}), "Cache-Status: fairing; detail=\"1st\"\r\n");
}

TEST(cache_status, every_reason_has_its_word) {
  for (int i = 1; i <= static_cast<int>(fwd_reason::partial); ++i)
    EXPECT_NE(to_string(static_cast<fwd_reason>(i)), "");
}

}  // namespace
}  // namespace fairing::http
