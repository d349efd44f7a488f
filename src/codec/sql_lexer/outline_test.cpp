#include "codec/sql_lexer/outline.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairing::codec::sql_lexer {
namespace {

// The outline with # for a whole number and #.# for one with a point; "none" if there is none.
std::string outline_of(std::string_view text) {
  outline o;
  if (!o.read(text)) return "none";
  std::string out;
  for (const char c : o.bytes()) {
    if (c == '\1')
      out += '#';
    else if (c == '\2')
      out += "#.#";
    else
      out += c;
  }
  return out;
}

std::vector<std::string> values_of(std::string_view text) {
  outline o;
  std::vector<std::string> out;
  if (!o.read(text)) return {"none"};
  for (const auto& l : o.literals()) out.emplace_back(text.substr(l.begin, l.end - l.begin));
  return out;
}

TEST(Outline, LeavesOutNumbersAndStrings) {
  EXPECT_EQ(outline_of("SELECT a FROM t WHERE id = 42 AND name='it is' OR x>1.50;"),
            "SELECT a FROM t WHERE id = # AND name='' OR x>#.#;");
  EXPECT_EQ(values_of("SELECT a FROM t WHERE id = 42 AND name='it is' OR x>1.50;"),
            (std::vector<std::string>{"42", "'it is'", "1.50"}));
  EXPECT_EQ(outline_of("IN (1,2, -3)"), "IN (#,#, -#)");
  EXPECT_EQ(outline_of("a=''"), "a=''");
  EXPECT_EQ(outline_of(""), "");
}

TEST(Outline, KeepsWhatBelongsToNamesAndParameters) {
  EXPECT_EQ(outline_of("SELECT t1.c2, \"x 3\", \"it's 4\", $5, a$6 FROM s7.t_8"),
            "SELECT t1.c2, \"x 3\", \"it's 4\", $5, a$6 FROM s7.t_8");
  EXPECT_EQ(outline_of("\xc3\xa4"
                       "9"),
            "\xc3\xa4"
            "9");
  EXPECT_EQ(outline_of("1e5 0x1f .5 1. 1..10 1.2.3 12ab 1_000"),
            "1e5 0x1f .5 1. 1..10 1.2.3 12ab 1_000");
}

TEST(Outline, RefusesWhatMayMeanAnythingElse) {
  for (const auto* text :
       {"E'a'", "U&'a'", "N'a'", "x'1f'", "'it''s'", "'a'\n'b'", "'a' 'b'", "'open", "\"open",
        "$$a$$", "$tag$1$tag$", "1 -- 2", "1 /* 2 */", "a\x01", "a\x0b", "5'x'"})
    EXPECT_EQ(outline_of(text), "none") << text;
  EXPECT_EQ(outline_of(std::string_view("a\0b", 3)), "none");
}

TEST(Outline, IsBounded) {
  std::string list = "1";
  for (std::size_t i = 1; i < outline::most_literals; ++i) list += ",1";
  EXPECT_NE(outline_of(list), "none");
  EXPECT_EQ(outline_of(list + ",1"), "none");
  EXPECT_EQ(outline_of(std::string(outline::most_bytes, 'a')),
            std::string(outline::most_bytes, 'a'));
  EXPECT_EQ(outline_of(std::string(outline::most_bytes + 1, 'a')), "none");
}

}  // namespace
}  // namespace fairing::codec::sql_lexer
