#include "http/logic/conditional.hpp"

#include <gtest/gtest.h>

#include "codec/http1/date.hpp"
#include "http/logic/test_heads.hpp"

namespace fairing::http {
namespace {

constexpr wall_time modified{seconds{1'700'000'000}};

std::string line(std::string_view name, int offset) {
  const auto d = http1::format_date(modified + seconds{offset});
  return std::string(name) + ": " + std::string(d.data(), d.size()) + "\r\n";
}
precondition eval(std::string fields, validators v = {"\"x\"", modified, modified + seconds{100}},
                  std::string_view l = "GET /") {
  return evaluate(test::request(fields, l).head, v);
}

TEST(conditional, if_none_match) {
  using enum precondition;
  for (const auto* v : {"\"x\"", "W/\"x\"", "*", "\"a\", \"x\"", "\"a\",\"b,c\" , W/\"x\""})
    EXPECT_EQ(eval("If-None-Match: " + std::string(v) + "\r\n"), not_modified) << v;
  EXPECT_EQ(eval("If-None-Match: \"y\"\r\n"), proceed);
  EXPECT_EQ(eval("If-None-Match: \"a, \\\"x\\\"\"\r\n"), proceed);
  EXPECT_EQ(eval("If-None-Match: \"y\"\r\n" + line("If-Modified-Since", 5)),
            proceed);  // the ETag decides
  EXPECT_EQ(eval("If-None-Match: \"x\"\r\n" + line("If-Modified-Since", -5)), not_modified);
  EXPECT_EQ(eval("If-None-Match: \"x\"\r\n", {"\"x\"", {}, {}}, "PUT /"), precondition_failed);
  EXPECT_EQ(eval("If-None-Match: \"x\"\r\n", {"", modified, modified}), proceed);
}

TEST(conditional, if_modified_since) {
  using enum precondition;
  EXPECT_EQ(eval(line("If-Modified-Since", 0)), not_modified);
  EXPECT_EQ(eval(line("If-Modified-Since", 50)), not_modified);
  EXPECT_EQ(eval(line("If-Modified-Since", -1)), proceed);
  EXPECT_EQ(eval("If-Modified-Since: yesterday\r\n"), proceed);
  EXPECT_EQ(eval(line("If-Modified-Since", 0), {"", {}, modified - seconds{9}}), not_modified);
}

TEST(conditional, if_match_and_if_unmodified_since) {
  using enum precondition;
  EXPECT_EQ(eval("If-Match: \"x\"\r\n"), proceed);
  EXPECT_EQ(eval("If-Match: *\r\n"), proceed);
  EXPECT_EQ(eval("If-Match: W/\"x\"\r\n"), precondition_failed);  // strong comparison
  EXPECT_EQ(eval("If-Match: \"x\"\r\n" + line("If-Unmodified-Since", -5)), proceed);
  EXPECT_EQ(eval(line("If-Unmodified-Since", -5)), precondition_failed);
  EXPECT_EQ(eval(line("If-Unmodified-Since", 0)), proceed);
  EXPECT_EQ(eval("If-Match: \"y\"\r\nIf-None-Match: \"x\"\r\n"),
            precondition_failed);  // first of the order
}

TEST(conditional, if_range) {
  const validators v{"\"x\"", modified, modified + seconds{60}};
  const auto holds = [&](std::string fields, const validators& w) {
    return if_range_holds(test::request(fields).head, w);
  };
  EXPECT_TRUE(holds("", v));
  EXPECT_TRUE(holds("If-Range: \"x\"\r\n", v));
  EXPECT_FALSE(holds("If-Range: W/\"x\"\r\n", v));
  EXPECT_FALSE(holds("If-Range: \"x\"\r\n", {"W/\"x\"", modified, modified}));
  EXPECT_TRUE(holds(line("If-Range", 0), v));
  EXPECT_FALSE(holds(line("If-Range", 1), v));
  EXPECT_FALSE(holds(line("If-Range", 0), {"", modified, modified + seconds{59}}));
  EXPECT_TRUE(is_conditional(test::request("If-Range: \"x\"\r\n").head));
  EXPECT_FALSE(is_conditional(test::request("Range: bytes=0-\r\n").head));
}

}  // namespace
}  // namespace fairing::http
