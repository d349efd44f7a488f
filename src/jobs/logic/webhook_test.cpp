#include "jobs/logic/webhook.hpp"

#include <gtest/gtest.h>

namespace fairing::jobs {
namespace {

// The test vector of the Standard Webhooks libraries.
TEST(webhook, signs_as_the_specification_says) {
  const auto keys = webhook_keys::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST(webhook, signs_with_every_key_while_they_rotate) {
  const auto one = webhook_keys::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  const auto two = webhook_keys::parse(
      "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
  ASSERT_TRUE(one && two);
  const auto both = two->sign("a", 1, "b");
  EXPECT_EQ(both.find("v1,"), 0U);
  EXPECT_TRUE(both.ends_with(" " + one->sign("a", 1, "b"))) << both;
}

TEST(webhook, no_secret_signs_nothing) {
  const auto none = webhook_keys::parse("");
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
  EXPECT_EQ(none->sign("a", 1, "b"), "");
}

TEST(webhook, refuses_what_is_no_secret_and_does_not_repeat_it) {
  for (const auto* bad : {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_short", "whsec_AAAA",
                          "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS*"}) {
    const auto r = webhook_keys::parse(bad);
    ASSERT_FALSE(r) << bad;
    EXPECT_EQ(r.error().message().find("MfKQ"), std::string::npos);
  }
}

}  // namespace
}  // namespace fairing::jobs
