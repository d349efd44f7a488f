#include "checklist/json_array.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

namespace fairing::checklist {
namespace {

std::uint32_t longest(std::string_view text) {
  json_array_probe probe;
  probe.feed(text);
  return probe.longest();
}

std::uint32_t longest_by_piece(std::string_view text, std::size_t piece) {
  json_array_probe probe;
  for (std::size_t i = 0; i < text.size(); i += piece) probe.feed(text.substr(i, piece));
  return probe.longest();
}

TEST(json_array, counts_the_root_and_one_below) {
  EXPECT_EQ(longest("[]"), 0u);
  EXPECT_EQ(longest("[1]"), 1u);
  EXPECT_EQ(longest(" [1, \"a\", null, {\"x\": 1}] "), 4u);
  EXPECT_EQ(longest(R"({"items":[1,2,3],"next":null})"), 3u);
  EXPECT_EQ(longest(R"({"a":[1],"b":[1,2],"c":[]})"), 2u);
  EXPECT_EQ(longest("[[1,2,3],[4]]"), 3u);
  EXPECT_EQ(longest("[[],[],[],[]]"), 4u);
}

TEST(json_array, leaves_out_deeper_arrays) {
  EXPECT_EQ(longest(R"({"data":{"items":[1,2,3]}})"), 0u);
  EXPECT_EQ(longest(R"([{"lines":[1,2,3]}])"), 1u);
  EXPECT_EQ(longest("[[[1,2,3]]]"), 1u);
  EXPECT_EQ(longest(R"({"a":{"b":[1,2,3,4]},"c":[1]})"), 1u);
}

TEST(json_array, reads_strings_as_strings) {
  EXPECT_EQ(longest(R"(["[1,2,3,4]", "a\"],[", "\\"])"), 3u);
  EXPECT_EQ(longest(R"({"[": ["\\\"", "}"]})"), 2u);
  EXPECT_EQ(longest(R"(["long enough to be skipped in words, with , and ] inside", 2])"), 2u);
}

TEST(json_array, garbage_is_zero) {
  for (const char* text : {"",
                           "hello",
                           "<html>[1,2,3]</html>",
                           "[1,2}",
                           "{\"a\":[1,2]]",
                           "[1,,2]",
                           "[1 2]",
                           "[1]x",
                           "[1][2]",
                           "{1:2}",
                           "{\"a\" [1,2]}",
                           "[1,2,]x",
                           "]",
                           "}",
                           "[,1]",
                           "{,}",
                           "(1,2)",
                           "callback([1,2,3])",
                           "[1,2,@]",
                           "{\"a\":[1,2],}",
                           "[1,2,]"})
    EXPECT_EQ(longest(text), 0u) << text;
}

TEST(json_array, a_body_cut_short_tells_what_was_sent) {
  EXPECT_EQ(longest("[1,2,3"), 3u);
  EXPECT_EQ(longest(R"({"items":[{"id":1},{"id":2},{"i)"), 3u);
}

TEST(json_array, depth_is_bounded) {
  const std::string deep(json_array_probe::max_depth - 1, '[');
  EXPECT_EQ(longest("[1," + deep), 2u);
  EXPECT_EQ(longest("[1,[" + deep), 0u);
  json_array_probe probe;
  probe.feed(std::string(1'000'000, '['));
  EXPECT_TRUE(probe.failed());
}

TEST(json_array, reset_begins_anew) {
  json_array_probe probe;
  probe.feed("[1,2,3,\"");
  probe.reset();
  EXPECT_EQ(probe.longest(), 0u);
  probe.feed("[7]");
  EXPECT_EQ(probe.longest(), 1u);
}

using nlohmann::json;

json random_value(std::mt19937& random, int depth) {
  switch (random() % (depth >= 5 ? 4 : 7)) {
    case 0:
      return static_cast<std::int64_t>(random()) - 1'000'000;
    case 1:
      return random() % 2 == 0 ? json(nullptr) : json(static_cast<double>(random()) / 3.0);
    case 2:
      return random() % 2 == 0;
    case 3: {
      std::string text;
      for (auto n = random() % 24; n > 0; --n) text += "\"\\[]{},:ab \n"[random() % 12];
      return text;
    }
    case 4: {
      json object = json::object();
      for (auto n = random() % 5; n > 0; --n)
        object["k\"" + std::to_string(random() % 100)] = random_value(random, depth + 1);
      return object;
    }
    default: {
      json array = json::array();
      for (auto n = random() % 9; n > 0; --n) array.push_back(random_value(random, depth + 1));
      return array;
    }
  }
}

std::size_t reference(const json& root) {
  std::size_t most = root.is_array() ? root.size() : 0;
  if (root.is_structured())
    for (const auto& child : root)
      if (child.is_array()) most = std::max(most, child.size());
  return most;
}

TEST(json_array, agrees_with_a_parser_however_the_bytes_are_cut) {
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    const auto value = random_value(random, 0);
    const auto text = value.dump(round % 3 == 0 ? 2 : -1);
    const auto want = reference(value);
    ASSERT_EQ(longest(text), want) << text;
    for (std::size_t piece : {1u, 2u, 3u, 7u, 9u})
      ASSERT_EQ(longest_by_piece(text, piece), want) << text;
  }
}

TEST(json_array, broken_text_gives_the_same_however_it_is_cut) {
  std::mt19937 random(11);
  for (int round = 0; round < 3000; ++round) {
    auto text = random_value(random, 0).dump();
    for (auto n = random() % 4 + 1; n > 0 && !text.empty(); --n)
      text[random() % text.size()] = static_cast<char>(random());
    text.resize(text.size() - random() % (text.size() + 1) / 4);
    const auto want = longest(text);
    ASSERT_LE(want, text.size());
    // What a parser takes, with at most what it says; what it refuses may be told as cut short.
    const auto parsed = json::parse(text, nullptr, false);
    if (!parsed.is_discarded() && want != 0) {
      ASSERT_GE(want, reference(parsed)) << text;
    }
    for (std::size_t piece : {1u, 2u, 5u}) ASSERT_EQ(longest_by_piece(text, piece), want) << text;
  }
}

}  // namespace
}  // namespace fairing::checklist
