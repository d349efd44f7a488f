#include "jobs/logic/cron.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "base/timestamp.hpp"

namespace fairing::jobs {
namespace {

std::int64_t at(int year, int month, int day, int hour, int minute) {
  std::tm t{};
  t.tm_year = year - 1900;
  t.tm_mon = month - 1;
  t.tm_mday = day;
  t.tm_hour = hour;
  t.tm_min = minute;
  return static_cast<std::int64_t>(::timegm(&t)) * 1000;
}

// The next times after `from`, as RFC 3339 without seconds.
std::vector<std::string> times(const std::string& schedule, const std::string& zone,
                               std::int64_t from, int count) {
  const auto s = cron_schedule::parse(schedule, zone);
  EXPECT_TRUE(s) << s.error().message();
  std::vector<std::string> out;
  for (int i = 0; s && i < count; ++i) {
    const auto next = s->next_after(from);
    if (!next) {
      out.emplace_back("never");
      break;
    }
    from = *next;
    std::string text;
    append_rfc3339(text, from);
    out.push_back(text.substr(0, 16));
  }
  return out;
}
using list = std::vector<std::string>;

TEST(cron, steps_ranges_lists_and_names) {
  const auto from = at(2026, 1, 1, 0, 0);  // a Thursday
  EXPECT_EQ(times("*/20 * * * *", "UTC", from, 3),
            (list{"2026-01-01T00:20", "2026-01-01T00:40", "2026-01-01T01:00"}));
  EXPECT_EQ(times("5,10-12/2 3 * * *", "UTC", from, 4),
            (list{"2026-01-01T03:05", "2026-01-01T03:10", "2026-01-01T03:12", "2026-01-02T03:05"}));
  EXPECT_EQ(times("0 9 * FEB mon-Wed", "UTC", from, 4),
            (list{"2026-02-02T09:00", "2026-02-03T09:00", "2026-02-04T09:00", "2026-02-09T09:00"}));
  EXPECT_EQ(times("0 0 * * 7", "UTC", from, 1), (list{"2026-01-04T00:00"}));
  EXPECT_EQ(times("@hourly", "UTC", from, 2), (list{"2026-01-01T01:00", "2026-01-01T02:00"}));
  EXPECT_EQ(times("@yearly", "UTC", from, 1), (list{"2027-01-01T00:00"}));
  // Both days restricted: either is enough.
  EXPECT_EQ(times("0 0 13 * fri", "UTC", from, 3),
            (list{"2026-01-02T00:00", "2026-01-09T00:00", "2026-01-13T00:00"}));
}

TEST(cron, rare_days_and_days_that_never_come) {
  EXPECT_EQ(times("0 0 29 2 *", "UTC", at(2096, 3, 1, 0, 0), 1), (list{"2104-02-29T00:00"}));
  EXPECT_EQ(times("0 0 30 2 *", "UTC", at(2026, 1, 1, 0, 0), 1), (list{"never"}));
}

TEST(cron, a_time_zone_is_the_local_clock) {
  EXPECT_EQ(times("30 9 * * *", "America/New_York", at(2026, 7, 1, 0, 0), 1),
            (list{"2026-07-01T13:30"}));
  EXPECT_EQ(times("30 9 * * *", "Asia/Kathmandu", at(2026, 7, 1, 0, 0), 1),
            (list{"2026-07-01T03:45"}));
}

// Berlin: 29 March 2026 02:00 -> 03:00 (at 01:00 UTC), 25 October 2026 03:00 -> 02:00 (at 01:00 UTC).
TEST(cron, a_skipped_hour_runs_when_the_clocks_go_forward) {
  EXPECT_EQ(times("30 2 * * *", "Europe/Berlin", at(2026, 3, 28, 12, 0), 2),
            (list{"2026-03-29T01:00", "2026-03-30T00:30"}));
  // What follows elapsed time has no such hour.
  EXPECT_EQ(times("30 * * * *", "Europe/Berlin", at(2026, 3, 29, 0, 0), 3),
            (list{"2026-03-29T00:30", "2026-03-29T01:30", "2026-03-29T02:30"}));
}

TEST(cron, a_doubled_hour_runs_once) {
  EXPECT_EQ(times("30 2 * * *", "Europe/Berlin", at(2026, 10, 24, 12, 0), 2),
            (list{"2026-10-25T00:30", "2026-10-26T01:30"}));
  EXPECT_EQ(times("30 * * * *", "Europe/Berlin", at(2026, 10, 25, 0, 0), 3),
            (list{"2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"}));
}

// Clocks that go forward at midnight (Beirut, 29 March 2026 00:00 -> 01:00).
TEST(cron, a_day_without_its_midnight) {
  EXPECT_EQ(times("0 0 * * *", "Asia/Beirut", at(2026, 3, 28, 0, 0), 2),
            (list{"2026-03-28T22:00", "2026-03-29T21:00"}));
}

TEST(cron, what_cannot_be_meant_is_refused) {
  for (const auto* text : {"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *",
                           "* * * 13 *", "* * * * 8", "5-3 * * * *", "*/0 * * * *", "5/2 * * * *",
                           "a * * * *", "1, * * * *", "@never", "1--2 * * * *"})
    EXPECT_FALSE(cron_schedule::parse(text, "UTC")) << text;
  const auto zone = cron_schedule::parse("* * * * *", "Europe/Nowhere");
  ASSERT_FALSE(zone);
  EXPECT_NE(zone.error().detail.find("Europe/Nowhere"), std::string::npos);
}

}  // namespace
}  // namespace fairing::jobs
