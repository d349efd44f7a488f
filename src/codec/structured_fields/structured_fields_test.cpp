#include "codec/structured_fields/structured_fields.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairing::codec::structured_fields {
namespace {

using namespace std::string_literals;

// What the text is read as, written back; or the name of the fault.
template <class Result>
std::string round_trip(const Result& parsed) {
  if (!parsed) return "error " + std::to_string(parsed.error().code.value());
  const auto text = serialize(*parsed);
  return text ? *text : "not expressible";
}
std::string fault(errc e) { return "error " + std::to_string(static_cast<int>(e)); }

TEST(structured_fields, reads_items) {
  const std::vector<std::pair<std::string, bare_item>> cases = {
      {"5", std::int64_t{5}},
      {"-0", std::int64_t{0}},
      {"0042", std::int64_t{42}},
      {"999999999999999", max_integer},
      {"-999999999999999", -max_integer},
      {"4.5", decimal{4500}},
      {"-1.125", decimal{-1125}},
      {"999999999999.999", decimal{999999999999999}},
      {"1.0", decimal{1000}},
      {"\"hello world\"", "hello world"s},
      {"\"a\\\"b\\\\c\"", "a\"b\\c"s},
      {"\"\"", ""s},
      {"foo123/456", token{"foo123/456"}},
      {"*", token{"*"}},
      {"a_b-c.d:e%f/g!", token{"a_b-c.d:e%f/g!"}},
      {":cHJldGVuZCB0aGlzIGlzIGJpbmFyeSBjb250ZW50Lg==:",
       byte_sequence{"pretend this is binary content."}},
      {":cHJldGVuZCB0aGlzIGlzIGJpbmFyeSBjb250ZW50Lg:",
       byte_sequence{"pretend this is binary content."}},
      {"::", byte_sequence{""}},
      {":/+Ah:", byte_sequence{"\xff\xe0\x21"}},
      {"?1", true},
      {"?0", false},
      {"@1659578233", date{1659578233}},
      {"@-1", date{-1}},
      {"%\"This is intended for display to %c3%bcsers.\"",
       display_string{"This is intended for display to \xc3\xbcsers."}},
      {"%\"%25%22\"", display_string{"%\""}},
      {"  5  ", std::int64_t{5}},
  };
  for (const auto& [text, value] : cases) {
    const auto parsed = parse_item(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(parsed->value, value) << text;
    EXPECT_TRUE(parsed->params.entries.empty());
    const auto again = parse_item(*serialize(*parsed));
    ASSERT_TRUE(again) << text;
    EXPECT_EQ(*again, *parsed) << text;
  }
}

TEST(structured_fields, refuses_bad_items) {
  const std::vector<std::pair<std::string, errc>> cases = {
      {"", errc::unexpected_end},
      {"  ", errc::unexpected_end},
      {"\t5", errc::unexpected_char},
      {"5\t", errc::trailing_text},
      {"5, 6", errc::trailing_text},
      {"-", errc::bad_number},
      {"--1", errc::bad_number},
      {"+1", errc::unexpected_char},
      {".5", errc::unexpected_char},
      {"5.", errc::bad_number},
      {"1.2345", errc::bad_number},
      {"1000000000000.0", errc::bad_number},
      {"1000000000000000", errc::bad_number},
      {"1.5.4", errc::trailing_text},
      {"\"a", errc::bad_string},
      {"\"a\\", errc::bad_string},
      {"\"a\\n\"", errc::bad_string},
      {"\"a\tb\"", errc::bad_string},
      {"\"a\x7f\"", errc::bad_string},
      {"\"\xc3\xa4\"", errc::bad_string},
      {"'a'", errc::unexpected_char},
      {"a\"b", errc::trailing_text},
      {":aGk", errc::bad_byte_sequence},
      {":a:", errc::bad_byte_sequence},
      {":aGk==:", errc::bad_byte_sequence},
      {":a Gk=:", errc::bad_byte_sequence},
      {":_-Ah:", errc::bad_byte_sequence},
      {":=aGk:", errc::bad_byte_sequence},
      {"?", errc::bad_boolean},
      {"?2", errc::bad_boolean},
      {"?true", errc::bad_boolean},
      {"@", errc::bad_date},
      {"@1.5", errc::bad_date},
      {"@\"1\"", errc::bad_date},
      {"%", errc::bad_display_string},
      {"%a", errc::bad_display_string},
      {"%\"a", errc::bad_display_string},
      {"%\"%C3%BC\"", errc::bad_display_string},
      {"%\"%c3\"", errc::bad_display_string},
      {"%\"%c3%28\"", errc::bad_display_string},
      {"%\"%ed%a0%80\"", errc::bad_display_string},
      {"%\"%f4%90%80%80\"", errc::bad_display_string},
      {"%\"%c0%af\"", errc::bad_display_string},
      {"%\"\xc3\xbc\"", errc::bad_display_string},
      {"%\"%4\"", errc::bad_display_string},
      {"5;", errc::unexpected_end},
      {"5;A", errc::bad_key},
      {"5;a=", errc::unexpected_end},
      {"5 ;a", errc::trailing_text},
      {"5;a=(1)", errc::unexpected_char},
      {"(1)", errc::unexpected_char},
      {"5\0"s, errc::trailing_text},
  };
  for (const auto& [text, expected] : cases)
    EXPECT_EQ(round_trip(parse_item(text)), fault(expected)) << text;
}

TEST(structured_fields, reads_parameters) {
  const auto parsed = parse_item("abc;a=1;b=2.5; *c;d=?0;a=\"z\"");
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->params.entries.size(), 4U);
  EXPECT_EQ(*parsed->params.find("a"), bare_item("z"s));
  EXPECT_EQ(*parsed->params.find("*c"), bare_item(true));
  EXPECT_EQ(*parsed->params.find("d"), bare_item(false));
  EXPECT_EQ(parsed->params.find("e"), nullptr);
  EXPECT_EQ(*serialize(*parsed), "abc;a=\"z\";b=2.5;*c;d=?0");
}

TEST(structured_fields, reads_lists) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"   ", ""},
      {"sugar, tea, rum", "sugar, tea, rum"},
      {"a,b \t,\t c", "a, b, c"},
      {"(\"foo\" \"bar\"), (\"baz\"), (\"bat\" \"one\"), ()",
       "(\"foo\" \"bar\"), (\"baz\"), (\"bat\" \"one\"), ()"},
      {"(\"foo\"; a=1;b=2);lvl=5, (\"bar\" \"baz\");lvl=1",
       "(\"foo\";a=1;b=2);lvl=5, (\"bar\" \"baz\");lvl=1"},
      {"(  a   b  )", "(a b)"},
      {"abc;a=1;b=2; cde_456, (ghi;jk=4 l);q=\"9\";r=w",
       "abc;a=1;b=2;cde_456, (ghi;jk=4 l);q=\"9\";r=w"},
      {"fairing; hit; ttl=12; detail=l1, other; fwd=uri-miss",
       "fairing;hit;ttl=12;detail=l1, other;fwd=uri-miss"},
      {"a,", fault(errc::trailing_comma)},
      {"a, ", fault(errc::trailing_comma)},
      {",a", fault(errc::unexpected_char)},
      {"a,,b", fault(errc::unexpected_char)},
      {"a b", fault(errc::unexpected_char)},
      {"(a", fault(errc::unexpected_end)},
      {"(a ", fault(errc::unexpected_end)},
      {"(", fault(errc::unexpected_end)},
      {"(a,b)", fault(errc::unexpected_char)},
      {"(a\tb)", fault(errc::unexpected_char)},
      {"(a\"b\")", fault(errc::unexpected_char)},
      {"((a))", fault(errc::unexpected_char)},
      {"a)", fault(errc::unexpected_char)},
  };
  for (const auto& [text, expected] : cases)
    EXPECT_EQ(round_trip(parse_list(text)), expected) << text;
}

TEST(structured_fields, reads_dictionaries) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", ""},
      {"en=\"Applepie\", da=:w4ZibGV0w6ZydGU=:", "en=\"Applepie\", da=:w4ZibGV0w6ZydGU=:"},
      {"a=?0, b, c; foo=bar", "a=?0, b, c;foo=bar"},
      {"rating=1.5, feelings=(joy sadness)", "rating=1.5, feelings=(joy sadness)"},
      {"a=(1 2), b=3, c=4;aa=bb, d=(5 6);valid", "a=(1 2), b=3, c=4;aa=bb, d=(5 6);valid"},
      {"max-age=60, stale-while-revalidate=30,public",
       "max-age=60, stale-while-revalidate=30, public"},
      {"a=1, b=2, a=3", "a=3, b=2"},
      {"a=?1", "a"},
      {"a=1,", fault(errc::trailing_comma)},
      {"A=1", fault(errc::bad_key)},
      {"1=a", fault(errc::bad_key)},
      {"a=", fault(errc::unexpected_end)},
      {"a =1", fault(errc::unexpected_char)},
      {"a= 1", fault(errc::unexpected_char)},
      {"a=1 b=2", fault(errc::unexpected_char)},
      {"max-age='60'", fault(errc::unexpected_char)},
  };
  for (const auto& [text, expected] : cases)
    EXPECT_EQ(round_trip(parse_dictionary(text)), expected) << text;
  EXPECT_NE(parse_dictionary("a=(1)")->find("a"), nullptr);
  EXPECT_EQ(parse_dictionary("a")->find("b"), nullptr);
}

std::string repeated(std::size_t count, const std::string& part, const std::string& separator) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "" : separator) + part;
  return out;
}

TEST(structured_fields, holds_its_limits) {
  EXPECT_TRUE(parse_list(repeated(1024, "a", ",")));
  EXPECT_EQ(round_trip(parse_list(repeated(1025, "a", ","))), fault(errc::too_many_members));
  EXPECT_TRUE(parse_list("(" + repeated(256, "a", " ") + ")"));
  EXPECT_EQ(round_trip(parse_list("(" + repeated(257, "a", " ") + ")")),
            fault(errc::too_many_members));
  EXPECT_TRUE(parse_dictionary(repeated(3000, "a", ","))) << "the same key is one member";
  std::string keys;
  std::string params = "x";
  for (int i = 0; i < 1025; ++i) keys += (i == 0 ? "k" : ",k") + std::to_string(i);
  for (int i = 0; i < 257; ++i) params += ";k" + std::to_string(i);
  EXPECT_EQ(round_trip(parse_dictionary(keys)), fault(errc::too_many_members));
  EXPECT_EQ(round_trip(parse_item(params)), fault(errc::too_many_members));
}

TEST(structured_fields, refuses_to_write_what_the_format_lacks) {
  for (const auto& value :
       std::vector<bare_item>{max_integer + 1, -max_integer - 1, decimal{1'000'000'000'000'000},
                              decimal{INT64_MIN}, "tab\t"s, "\xc3\xa4"s, token{""}, token{"1a"},
                              token{"a b"}, date{max_integer + 1}, display_string{"\xff"}})
    EXPECT_EQ(serialize(item{value, {}}).error().code, make_error_code(errc::not_expressible));
  EXPECT_FALSE(serialize(item{true, {{{"Bad", true}}}}));
  EXPECT_FALSE(serialize(dictionary{{{"", item{true, {}}}}}));
  EXPECT_FALSE(serialize(dictionary{{{"a", item{token{""}, {}}}}}));
  EXPECT_FALSE(serialize(list{{inner_list{{item{token{""}, {}}}, {}}}}));
  EXPECT_EQ(*serialize(item{decimal{-5}, {}}), "-0.005");
  EXPECT_EQ(*serialize(item{decimal{120}, {}}), "0.12");
  EXPECT_EQ(*serialize(item{display_string{"\xc3\xbc\n%"}, {}}), "%\"%c3%bc%0a%25\"");
}

TEST(structured_fields, errors_have_sentences) {
  for (int i = 0; i <= static_cast<int>(errc::not_expressible); ++i)
    EXPECT_NE(make_error_code(static_cast<errc>(i)).message(), "unknown error") << i;
}

}  // namespace
}  // namespace fairing::codec::structured_fields
