#include "base/units.hpp"

#include <gtest/gtest.h>

namespace fairing {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

TEST(units, sizes_are_read) {
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("4096"), 4096U);
  EXPECT_EQ(parse_size("512B"), 512U);
  EXPECT_EQ(parse_size("1KiB"), 1024U);
  EXPECT_EQ(parse_size("64MiB"), 64U << 20);
  EXPECT_EQ(parse_size("2GB"), 2'000'000'000U);
  EXPECT_EQ(parse_size("3kB"), 3000U);
  EXPECT_EQ(parse_size("3KB"), 3000U);
  EXPECT_EQ(parse_size("18446744073709551615"), UINT64_MAX);
}

TEST(units, bad_sizes_are_refused) {
  for (const char* text : {"", "B", "KiB", "-1", "+1", "1.5MiB", "1 MiB", "1mib", "1K", "1TiB",
                           " 1", "18446744073709551616", "17179869184GiB", "1KiBB", "0x10"})
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  EXPECT_EQ(parse_size("17179869183GiB"), 17179869183ULL << 30);
}

TEST(units, durations_are_read) {
  EXPECT_EQ(parse_duration("0"), milliseconds{0});
  EXPECT_EQ(parse_duration("0s"), milliseconds{0});
  EXPECT_EQ(parse_duration("250ms"), milliseconds{250});
  EXPECT_EQ(parse_duration("5s"), seconds{5});
  EXPECT_EQ(parse_duration("1m"), minutes{1});
  EXPECT_EQ(parse_duration("2h"), hours{2});
  EXPECT_EQ(parse_duration("7d"), hours{168});
  EXPECT_EQ(parse_duration("1m30s"), seconds{90});
  EXPECT_EQ(parse_duration("1.5s"), milliseconds{1500});
  EXPECT_EQ(parse_duration("1.5m"), seconds{90});
  EXPECT_EQ(parse_duration("1h0.25s"), hours{1} + milliseconds{250});
  EXPECT_EQ(parse_duration("90s"), seconds{90});
  EXPECT_EQ(parse_duration("1d2h3m4s5ms"), hours{26} + minutes{3} + milliseconds{4005});
  EXPECT_EQ(parse_duration("36500d"), hours{36500 * 24});
}

TEST(units, bad_durations_are_refused) {
  for (const char* text : {"",
                           "5",
                           "s",
                           "-5s",
                           "1s1m",
                           "1s1s",
                           "1.5",
                           "1.s",
                           ".5s",
                           "1.5s1ms",
                           "1.5ms",
                           "0.0001s",
                           "1 s",
                           "1S",
                           "1w",
                           "1.0000000000s",
                           "36501d",
                           "36500d1ms",
                           "99999999999999999999s",
                           "1m30"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

TEST(units, rates_are_read) {
  const auto is = [](std::string_view text, std::uint64_t count, milliseconds period) {
    const auto r = parse_rate(text);
    ASSERT_TRUE(r) << text;
    EXPECT_EQ(r->count, count) << text;
    EXPECT_EQ(r->period, period) << text;
  };
  is("10/m", 10, minutes{1});
  is("100/s", 100, seconds{1});
  is("1000/h", 1000, hours{1});
  is("5000/d", 5000, hours{24});
  is("20/10s", 20, seconds{10});
  is("3/250ms", 3, milliseconds{250});
  for (const char* text :
       {"", "10", "/m", "10/", "0/m", "10/0s", "10/0", "-1/m", "10/mm", "10/5", "1.5/s"})
    EXPECT_FALSE(parse_rate(text)) << text;
}

TEST(units, percents_are_read) {
  EXPECT_EQ(parse_percent("10%"), 0.1);
  EXPECT_EQ(parse_percent("0.5%"), 0.005);
  EXPECT_EQ(parse_percent("0%"), 0.0);
  EXPECT_EQ(parse_percent("100%"), 1.0);
  EXPECT_EQ(parse_percent("100.0%"), 1.0);
  for (const char* text :
       {"", "%", "10", "101%", "100.1%", "-1%", ".5%", "5.%", "1e1%", "10 %", "1.1.1%"})
    EXPECT_EQ(parse_percent(text), std::nullopt) << text;
}

TEST(units, sizes_are_written_short_and_exact) {
  EXPECT_EQ(format_size(67108864), "64MiB");
  EXPECT_EQ(format_size(0), "0B");
  EXPECT_EQ(format_size(512), "512B");
  EXPECT_EQ(format_size(1000), "1KB");
  EXPECT_EQ(format_size(1025), "1025B");
  EXPECT_EQ(format_size(1ULL << 40), "1024GiB");
  for (std::uint64_t n : std::initializer_list<std::uint64_t>{1, 999, 1536, 65536, 1'000'000,
                                                              123'456'789, UINT64_MAX})
    EXPECT_EQ(parse_size(format_size(n)), n);
}

TEST(units, durations_are_written_short_and_exact) {
  EXPECT_EQ(format_duration(milliseconds{0}), "0s");
  EXPECT_EQ(format_duration(milliseconds{5000}), "5s");
  EXPECT_EQ(format_duration(seconds{90}), "1m30s");
  EXPECT_EQ(format_duration(milliseconds{1500}), "1.5s");
  EXPECT_EQ(format_duration(milliseconds{250}), "250ms");
  EXPECT_EQ(format_duration(milliseconds{60'005}), "1m0.005s");
  EXPECT_EQ(format_duration(hours{48}), "2d");
  EXPECT_EQ(format_duration(milliseconds{-250}), "-250ms");
  for (std::int64_t n : {1LL, 999LL, 1001LL, 60'001LL, 3'600'000LL, 90'061'001LL})
    EXPECT_EQ(parse_duration(format_duration(milliseconds{n})), milliseconds{n});
}

}  // namespace
}  // namespace fairing
