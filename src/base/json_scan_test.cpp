#include "base/json_scan.hpp"

#include <gtest/gtest.h>

namespace fairing {
namespace {

TEST(json_scan, takes_what_rfc_8259_allows_and_nothing_else) {
  for (const auto* good :
       {"{}", " [ ] ", "null", "-0.5e+3", "0", R"({"a":[1,{"b":"\u00e4\n"}],"":true})",
        "\"\xC3\xA4\"", R"("\ud83d\ude00")"})
    EXPECT_TRUE(json_valid(good)) << good;
  for (const auto* bad :
       {"", "{", "[1,]", "{\"a\"}", "{a:1}", "01", "1.", "+1", "tru", "\"\x01\"", "\"\\x\"",
        "\"\xC0\xAF\"", "\"\xED\xA0\x80\"", "1 2", "'a'", "\"\\u12\"", "nan", "{\"a\":1,}"})
    EXPECT_FALSE(json_valid(bad)) << bad;
}

// Strings are looked at eight bytes at a time: each byte means the same at each place, whatever its neighbours are.
TEST(json_scan, a_byte_means_the_same_wherever_it_stands) {
  for (int byte = 0; byte < 256; ++byte) {
    const bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
    for (const char neighbour : {' ', '!', 'a', '~', '\x7f', '#', '['}) {
      for (std::size_t at = 0; at < 20; ++at) {
        std::string text(20, neighbour);
        text[at] = static_cast<char>(byte);
        EXPECT_EQ(json_valid('"' + text + '"'), plain)
            << byte << " beside " << neighbour << " at " << at;
      }
    }
  }
}

TEST(json_scan, a_string_that_does_not_end_is_none) {
  for (std::size_t n = 0; n < 20; ++n) {
    EXPECT_FALSE(json_valid('"' + std::string(n, 'a'))) << n;
    EXPECT_TRUE(json_valid('"' + std::string(n, 'a') + '"')) << n;
    EXPECT_TRUE(json_valid('"' + std::string(n, 'a') + "\\n\xC3\xA4" + std::string(n, 'b') + '"'))
        << n;
  }
}

TEST(json_scan, has_a_deepest_level) {
  EXPECT_TRUE(json_valid(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(json_valid(std::string(65, '[') + std::string(65, ']')));
}

TEST(json_scan, gives_members_as_they_were_written) {
  std::string seen;
  EXPECT_TRUE(json_members(R"( { "a" : 1.50, "b\n":"x" ,"c": [1, 2] } )",
                           [&](std::string_view k, std::string_view v) {
                             seen += std::string(k) + "=" + std::string(v) + ";";
                             return true;
                           }));
  EXPECT_EQ(seen, "a=1.50;b\n=\"x\";c=[1, 2];");
  EXPECT_FALSE(json_members("[1]", [](std::string_view, std::string_view) { return true; }));
  int n = 0;
  EXPECT_TRUE(json_elements("[1,[2,3],{}]", [&](std::string_view) { return ++n, true; }));
  EXPECT_EQ(n, 3);
}

TEST(json_scan, undoes_escapes) {
  EXPECT_EQ(json_string(R"("a\"\\\/\b\t\u00e4\ud83d\ude00")"),
            "a\"\\/\b\t\xC3\xA4\xF0\x9F\x98\x80");
  EXPECT_EQ(json_string(R"("\ud83dx")"), "\xEF\xBF\xBDx");
  EXPECT_EQ(json_string("12"), std::nullopt);
  EXPECT_EQ(json_integer(" -12 "), -12);
  EXPECT_EQ(json_integer("1.0"), std::nullopt);
  EXPECT_EQ(json_integer("99999999999999999999"), std::nullopt);
  EXPECT_EQ(json_boolean("true"), true);
  EXPECT_EQ(json_boolean("1"), std::nullopt);
}

}  // namespace
}  // namespace fairing
