#include "base/log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <thread>
#include <vector>

namespace fairing {
namespace {

class log_test : public testing::Test {
 protected:
  void TearDown() override { log::configure({}); }
  void use(log::format format, log::level min = log::level::info) {
    log::configure({.min = min, .format = format, .sink = [this](std::string_view line) {
                      lines.emplace_back(line);
                    }});
  }
  // The line after its time, which must be there and look right.
  std::string after_time(std::size_t i, std::string_view before) {
    const auto& line = lines.at(i);
    EXPECT_EQ(line.substr(0, before.size()), before);
    EXPECT_THAT(line.substr(before.size(), 24),
                testing::MatchesRegex(
                    "2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z"));
    return line.substr(before.size() + 24);
  }
  std::vector<std::string> lines;
};

TEST_F(log_test, json_lines_hold_typed_fields) {
  use(log::format::json);
  const std::string owned = "127.0.0.1:8080";
  log::info("listening", {{"plane", "http"},
                          {"address", owned},
                          {"fd", 7},
                          {"bytes", UINT64_MAX},
                          {"delta", -3L},
                          {"share", 0.5},
                          {"bad", std::numeric_limits<double>::quiet_NaN()},
                          {"tls", false}});
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(
      after_time(0, R"({"time":")"),
      R"(","level":"info","event":"listening","plane":"http","address":"127.0.0.1:8080","fd":7,)"
      R"("bytes":18446744073709551615,"delta":-3,"share":0.5,"bad":null,"tls":false})");
}

TEST_F(log_test, what_a_peer_sent_cannot_forge_a_line) {
  use(log::format::json);
  log::warn("x", {{"path", "a\"}\n{\"event\":\"y\xFF"}});
  EXPECT_EQ(after_time(0, R"({"time":")"),
            "\",\"level\":\"warn\",\"event\":\"x\",\"path\":\"a\\\"}\\n{\\\"event\\\":"
            "\\\"y\xEF\xBF\xBD\"}");
}

TEST_F(log_test, text_lines_quote_what_needs_it) {
  use(log::format::text);
  log::error("failed",
             {{"path", "/a"}, {"why", "no such file"}, {"empty", ""}, {"n", 5}, {"eq", "a=b"}});
  EXPECT_EQ(after_time(0, ""), R"( error failed path=/a why="no such file" empty="" n=5 eq="a=b")");
}

TEST_F(log_test, levels_filter) {
  use(log::format::json, log::level::warn);
  log::debug("a");
  log::info("b");
  log::warn("c");
  log::error("d");
  EXPECT_EQ(lines.size(), 2U);
  EXPECT_FALSE(log::enabled(log::level::info));
  EXPECT_TRUE(log::enabled(log::level::error));
  use(log::format::json, log::level::off);
  log::error("e");
  EXPECT_FALSE(log::enabled(log::level::off));
  EXPECT_EQ(lines.size(), 2U);
}

TEST_F(log_test, braces_in_values_are_not_a_format) {
  use(log::format::text);
  log::info("e", {{"v", "{}{0}%s"}});
  EXPECT_EQ(after_time(0, ""), " info e v={}{0}%s");
}

TEST_F(log_test, lines_of_many_threads_are_whole) {
  use(log::format::text);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      for (int i = 0; i < 100; ++i) log::info("tick", {{"i", i}});
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(lines.size(), 400U);
  for (std::size_t i = 0; i < lines.size(); ++i)
    EXPECT_EQ(after_time(i, "").substr(0, 13), " info tick i=");
}

TEST(log_names, are_read_back) {
  for (const auto l :
       {log::level::debug, log::level::info, log::level::warn, log::level::error, log::level::off})
    EXPECT_EQ(log::level_from(log::to_string(l)), l);
  EXPECT_EQ(log::level_from("INFO"), std::nullopt);
  EXPECT_EQ(log::format_from("json"), log::format::json);
  EXPECT_EQ(log::format_from("text"), log::format::text);
  EXPECT_EQ(log::format_from("xml"), std::nullopt);
}

TEST(log_once_per_change, tells_each_change_once) {
  log::once_per_change<bool> up{true};
  EXPECT_FALSE(up.changed(true));
  EXPECT_TRUE(up.changed(false));
  EXPECT_FALSE(up.changed(false));
  EXPECT_TRUE(up.changed(true));
}

}  // namespace
}  // namespace fairing
