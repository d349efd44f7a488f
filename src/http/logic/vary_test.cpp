#include "http/logic/vary.hpp"

#include <gtest/gtest.h>

#include "http/logic/test_heads.hpp"

namespace fairing::http {
namespace {

vary_spec spec(std::string_view fields) { return parse_vary(test::response(fields).head); }
std::string variant(const vary_spec& s, std::string_view fields, bool own = false) {
  std::string out;
  append_variant(out, s, test::request(fields).head, own);
  return out;
}

TEST(vary, names_are_sorted_unique_lower_case) {
  EXPECT_EQ(spec("Vary: Foo, bar\r\nVary: FOO,, baz\r\n").names,
            (std::vector<std::string>{"bar", "baz", "foo"}));
  EXPECT_TRUE(spec("").empty());
}

TEST(vary, star_in_any_form) {
  for (const auto* v : {"*", "*, *", ", *", "Foo, *", "*, Foo", "bad name"})
    EXPECT_TRUE(spec("Vary: " + std::string(v) + "\r\n").star) << v;
  EXPECT_TRUE(spec("Vary:\r\nVary: *\r\n").star);
  std::string many = "Vary: a0";
  for (int i = 1; i < 17; ++i) many += ", a" + std::to_string(i);
  EXPECT_TRUE(spec(many + "\r\n").star);
}

TEST(vary, matching_requests_share_a_text) {
  const auto s = spec("Vary: Foo\r\n");
  EXPECT_EQ(variant(s, "Foo: 1\r\nOther: 2\r\n"), variant(s, "foo: 1\r\nOther: 3\r\n"));
  EXPECT_EQ(variant(s, "Foo: 1, 2\r\n"), variant(s, "Foo: 1\r\nFoo:  2\r\n"));
  EXPECT_EQ(variant(s, "Foo: 1,2\r\n"), variant(s, "Foo:  1 , 2 \r\n"));
  EXPECT_NE(variant(s, "Foo: 1\r\n"), variant(s, "Foo: 2\r\n"));
  EXPECT_NE(variant(s, "Foo: 1,2\r\n"), variant(s, "Foo: 2,1\r\n"));
  EXPECT_NE(variant(s, "Foo: 1\r\n"), variant(s, ""));
  EXPECT_NE(variant(s, "Foo:\r\n"), variant(s, ""));
}

TEST(vary, fields_with_rules_of_their_own) {
  const auto s = spec("Vary: Accept-Language, Accept-Encoding, User-Agent\r\n");
  EXPECT_EQ(variant(s, "Accept-Language: en, de\r\n"), variant(s, "Accept-Language: eN,De\r\n"));
  EXPECT_NE(variant(s, "Accept-Encoding: gzip\r\n"), variant(s, "Accept-Encoding: br\r\n"));
  EXPECT_EQ(variant(s, "Accept-Encoding: gzip\r\n", true),
            variant(s, "Accept-Encoding: br\r\n", true));
  EXPECT_NE(variant(s, "User-Agent: a, b\r\n"), variant(s, "User-Agent: a,b\r\n"));
}

TEST(vary, union_grows) {
  auto s = spec("Vary: Foo\r\n");
  EXPECT_FALSE(merge(s, spec("Vary: foo\r\n")));
  EXPECT_TRUE(merge(s, spec("Vary: bar\r\n")));
  EXPECT_EQ(s.names, (std::vector<std::string>{"bar", "foo"}));
  EXPECT_TRUE(merge(s, spec("Vary: *\r\n")));
  EXPECT_TRUE(s.star);
}

}  // namespace
}  // namespace fairing::http
