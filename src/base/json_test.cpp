#include "base/json.hpp"

#include <gtest/gtest.h>

namespace fairing {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "x";
  append_json_string(out, text);
  EXPECT_EQ(out.front(), 'x') << "what was there must stay";
  return out.substr(1);
}

TEST(json, plain_text_is_copied) {
  EXPECT_EQ(quoted(""), R"("")");
  EXPECT_EQ(quoted("/api/products?x=1&y='2'"), R"("/api/products?x=1&y='2'")");
}

TEST(json, controls_quotes_and_backslashes_are_escaped) {
  EXPECT_EQ(quoted("a\"b\\c\n\r\t"), R"("a\"b\\c\n\r\t")");
  EXPECT_EQ(quoted(std::string_view("\0\x01\x1F\x7F", 4)), R"("\u0000\u0001\u001f\u007f")");
}

TEST(json, valid_utf8_is_copied) {
  for (const char* text :
       {"\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xF4\x8F\xBF\xBF", "\xC2\x80", "\xE0\xA0\x80", "\xF0\x90\x80\x80"})
    EXPECT_EQ(quoted(text), "\"" + std::string(text) + "\"");
}

TEST(json, invalid_utf8_becomes_replacement_characters) {
  const std::string r = "\xEF\xBF\xBD";
  const auto expect = [](std::string_view text, const std::string& inner) {
    EXPECT_EQ(quoted(text), "\"" + inner + "\"");
  };
  expect("\x80", r);
  expect("\xFF\xFE", r + r);
  expect("\xC0\xAF", r + r);                  // overlong '/'
  expect("\xE0\x80\xAF", r + r + r);          // overlong
  expect("\xED\xA0\x80", r + r + r);          // surrogate
  expect("\xF4\x90\x80\x80", r + r + r + r);  // over U+10FFFF
  expect("a\xE2\x82", "a" + r);               // cut short: one maximal part
  expect("a\xE2\x82z", "a" + r + "z");
  expect("\xF0\x9F\x98\"", r + "\\\"");
  expect("\xC3", r);
}

}  // namespace
}  // namespace fairing
