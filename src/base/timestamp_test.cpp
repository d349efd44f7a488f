#include "base/timestamp.hpp"

#include <gtest/gtest.h>

namespace fairing {
namespace {

std::string written(std::int64_t ms) {
  std::string out;
  append_rfc3339(out, ms);
  return out;
}

TEST(timestamp, is_written_as_rfc_3339) {
  EXPECT_EQ(written(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(written(1'700'000'000'123), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(written(951'782'400'007), "2000-02-29T00:00:00.007Z");
  EXPECT_EQ(written(-1), "1969-12-31T23:59:59.999Z");
}

TEST(timestamp, is_clamped_to_four_digit_years) {
  EXPECT_EQ(written(INT64_MAX), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(written(INT64_MIN), "0000-01-01T00:00:00.000Z");
}

TEST(timestamp, now_is_after_this_was_written) { EXPECT_GT(unix_ms(), 1'700'000'000'000); }

}  // namespace
}  // namespace fairing
