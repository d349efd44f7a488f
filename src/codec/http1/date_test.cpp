#include "codec/http1/date.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fairing::codec::http1 {
namespace {

wall_time at(std::int64_t unix_seconds) { return wall_time{seconds{unix_seconds}}; }

std::string formatted(std::int64_t unix_seconds) {
  const auto text = format_date(at(unix_seconds));
  return {text.data(), text.size()};
}

TEST(http_date, reads_the_three_forms) {
  EXPECT_EQ(parse_date("Sun, 06 Nov 1994 08:49:37 GMT"), at(784111777));
  EXPECT_EQ(parse_date("Sunday, 06-Nov-94 08:49:37 GMT"), at(784111777));
  EXPECT_EQ(parse_date("Sun Nov  6 08:49:37 1994"), at(784111777));
  EXPECT_EQ(parse_date("Wed Nov 16 08:49:37 1994"), at(784975777));
  EXPECT_EQ(parse_date("Thursday, 18-Aug-50 02:01:18 GMT"), at(2544400878));
  EXPECT_EQ(parse_date("Saturday, 01-Jan-00 00:00:00 GMT"), at(946684800));
  // RFC 9111 §4.2: a cache matches without regard to case.
  EXPECT_EQ(parse_date("SUN, 06 nov 1994 08:49:37 gmt"), at(784111777));
  EXPECT_EQ(parse_date("Thu, 29 Feb 2024 23:59:60 GMT"), at(1709251200));
  EXPECT_EQ(parse_date("Thu, 01 Jan 1970 00:00:00 GMT"), at(0));
}

TEST(http_date, refuses_everything_else) {
  for (const auto* text : {"",
                           "0",
                           "-1",
                           "Sun",
                           "Sun,",
                           "Sun, 06 Nov 1994 08:49:37",
                           "Sun, 06 Nov 1994 08:49:37 UTC",
                           "Sun, 06 Nov 1994 08:49:37 AEST",
                           "Sun, 06 Nov 1994 08:49:37 GMT ",
                           " Sun, 06 Nov 1994 08:49:37 GMT",
                           "Sun,06 Nov 1994 08:49:37 GMT",
                           "Sun  06 Nov 1994 08:49:37 GMT",
                           "Sun 06 Nov 1994 08:49:37 GMT",
                           "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun, 06-Nov-1994 08:49:37 GMT",
                           "Sun, 06 Nov 94 08:49:37 GMT",
                           "Sun, 06 Nov 1994 8:49:37 GMT",
                           "Sun, 06 Nov 1994 08.49.37 GMT",
                           "Sun, 06 Nov  1994 08:49:37 GMT",
                           "Sun, 31 Feb 1994 08:49:37 GMT",
                           "Sun, 00 Nov 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:00:00 GMT",
                           "Sun, 06 Nov 1994 08:60:00 GMT",
                           "Sun, 06 Nov 1994 08:00:61 GMT",
                           "Sun, 06 Nov 0000 08:00:00 GMT",
                           "Sun, 06 Nox 1994 08:49:37 GMT",
                           "Xun, 06 Nov 1994 08:49:37 GMT",
                           "Sunday, 06 Nov 1994 08:49:37 GMT",
                           "Sunday, 06-Nov-1994 08:49:37 GMT",
                           "Sun, 06-Nov-94 08:49:37 GMT",
                           "Noday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov 6 08:49:37 1994",
                           "Sun Nov  6 08:49:37 94",
                           "Sun Nov  6 08:49:37 1994 GMT",
                           "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT"})
    EXPECT_EQ(parse_date(text), std::nullopt) << text;
}

TEST(http_date, writes_what_it_reads) {
  EXPECT_EQ(formatted(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(formatted(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(formatted(253402300799), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(formatted(INT64_MAX), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(formatted(INT64_MIN), "Mon, 01 Jan 0001 00:00:00 GMT");
  for (std::int64_t t = -1'000'000'000; t < 6'000'000'000; t += 9'876'543)
    EXPECT_EQ(parse_date(formatted(t)), at(t)) << t;
}

}  // namespace
}  // namespace fairing::codec::http1
