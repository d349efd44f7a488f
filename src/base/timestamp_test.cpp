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

TEST(timestamp, is_read_back) {
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(parse_rfc3339("2023-11-14T22:13:20.123Z"), 1'700'000'000'123);
  EXPECT_EQ(parse_rfc3339("2023-11-15t00:13:20.1239+02:00"), 1'700'000'000'123);
  EXPECT_EQ(parse_rfc3339("2023-11-14T22:13:20-00:30"), 1'700'001'800'000);
  for (const auto* bad : {"", "2023-11-14", "2023-11-14T22:13:20", "2023-02-30T00:00:00Z",
                          "2023-11-14T24:00:00Z", "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20Zx",
                          "2023-11-14T22:13:20+0200", "20x3-11-14T22:13:20Z"})
    EXPECT_EQ(parse_rfc3339(bad), std::nullopt) << bad;
}

TEST(timestamp, now_is_after_this_was_written) { EXPECT_GT(unix_ms(), 1'700'000'000'000); }

}  // namespace
}  // namespace fairing
