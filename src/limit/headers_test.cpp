#include "limit/headers.hpp"

#include <gtest/gtest.h>

namespace fairing::limit {
namespace {

std::string policy(std::string_view name, rate r) {
  std::string out;
  append_policy(out, name, r);
  return out;
}

std::string state(std::string_view name, const decision& d) {
  std::string out;
  append_state(out, name, d);
  return out;
}

TEST(ratelimit_headers, policy_names_quota_and_window) {
  EXPECT_EQ(policy("login", {10, seconds{60}}), R"("login";q=10;w=60)");
  EXPECT_EQ(policy("fast", {3, milliseconds{250}}), R"("fast";q=3)");
  EXPECT_EQ(policy("big", {UINT64_MAX, seconds{1}}), R"("big";q=999999999999999;w=1)");
}

TEST(ratelimit_headers, a_name_is_a_valid_string) {
  EXPECT_EQ(policy("a\"b\\c\r\n\xC3", {1, seconds{1}}), R"("a\"b\\c___";q=1;w=1)");
}

TEST(ratelimit_headers, state_tells_what_is_left_and_when_more_comes) {
  EXPECT_EQ(state("x", {true, 7, milliseconds{0}, milliseconds{11'001}}), R"("x";r=7;t=12)");
  EXPECT_EQ(state("x", {true, 0, milliseconds{500}, milliseconds{9'500}}), R"("x";r=0;t=1)");
  EXPECT_EQ(state("x", {false, 0, milliseconds{5'000}, milliseconds{18'000}}), R"("x";r=0;t=5)");
}

TEST(ratelimit_headers, retry_after_is_rounded_up_and_never_before_t) {
  EXPECT_EQ(retry_after_seconds({false, 0, milliseconds{1}, seconds{1}}), 1U);
  EXPECT_EQ(retry_after_seconds({false, 0, milliseconds{1000}, seconds{1}}), 1U);
  EXPECT_EQ(retry_after_seconds({false, 0, milliseconds{1001}, seconds{1}}), 2U);
  EXPECT_EQ(retry_after_seconds({}), 1U);
}

}  // namespace
}  // namespace fairing::limit
