#include "http/logic/prefer.hpp"

#include <gtest/gtest.h>

#include "http/logic/test_heads.hpp"

namespace fairing::http {
namespace {

struct asked {
  explicit asked(const std::string& fields)
      : of(test::request(fields)),
        what(preferences_of(of.head)),
        others(other_preferences(of.head)) {}
  test::owned_request of;
  preferences what;
  std::string others;
};

TEST(prefer, respond_async_and_wait) {
  const asked a("Prefer: respond-async, wait=10\r\n");
  EXPECT_TRUE(a.what.respond_async);
  EXPECT_EQ(a.what.wait, seconds{10});
  EXPECT_EQ(a.others, "");
  const asked b("Prefer: Respond-Async\r\nPrefer: return=minimal; foo=\"a, b\", wait=\"3\"\r\n");
  EXPECT_TRUE(b.what.respond_async);
  EXPECT_EQ(b.what.wait, seconds{3});
  EXPECT_EQ(b.others, "return=minimal; foo=\"a, b\"");
}

TEST(prefer, nothing_is_asked_for) {
  EXPECT_FALSE(asked("").what.respond_async);
  const asked a("Prefer: handling=lenient\r\n");
  EXPECT_FALSE(a.what.respond_async);
  EXPECT_EQ(a.what.wait, std::nullopt);
  EXPECT_EQ(a.others, "handling=lenient");
}

// Two quotes that do not end, joined, set free what the second one quotes.
TEST(prefer, what_does_not_end_is_not_passed_on) {
  const asked a("Prefer: foo=\"a\r\nPrefer: bar=\"b, wait=3\r\nPrefer: return=minimal\r\n");
  EXPECT_EQ(a.what.wait, std::nullopt);
  EXPECT_EQ(a.others, "return=minimal");
}

TEST(prefer, a_wait_that_is_none_is_ignored_and_a_long_one_is_cut) {
  EXPECT_EQ(asked("Prefer: wait=soon\r\n").what.wait, std::nullopt);
  EXPECT_EQ(asked("Prefer: wait=\r\n").what.wait, std::nullopt);
  EXPECT_EQ(asked("Prefer: wait=-1\r\n").what.wait, std::nullopt);
  EXPECT_EQ(asked("Prefer: wait=5, wait=9\r\n").what.wait, seconds{5});
  EXPECT_EQ(asked("Prefer: wait=99999999999999999999999\r\n").what.wait, seconds{86'400});
}

}  // namespace
}  // namespace fairing::http
