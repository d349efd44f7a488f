#include "base/ascii.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace fairing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> elements(std::string_view value) {
  std::vector<std::string> out;
  for_each_list_element(value, [&](std::string_view element) { out.emplace_back(element); });
  return out;
}

TEST(ascii, lower_and_iequals) {
  EXPECT_EQ(ascii_lower('A'), 'a');
  EXPECT_EQ(ascii_lower('Z'), 'z');
  EXPECT_EQ(ascii_lower('['), '[');
  EXPECT_EQ(ascii_lower('@'), '@');
  EXPECT_EQ(to_lower("GZip-\xC3\x84"), "gzip-\xC3\x84");
  EXPECT_TRUE(iequals("No-Store", "nO-sTORE"));
  EXPECT_FALSE(iequals("a", "ab"));
  EXPECT_FALSE(iequals("[", "{"));  // they differ by the case bit alone
  EXPECT_TRUE(iequals("", ""));
}

TEST(ascii, eight_at_once_are_each_as_one_alone) {
  for (unsigned byte = 0; byte < 256; ++byte) {
    for (const unsigned neighbour : {0x00U, 0x40U, 0x5AU, 0x7FU, 0x80U, 0xFFU}) {
      for (unsigned at = 0; at < 8; ++at) {
        std::uint64_t x = 0;
        std::uint64_t want = 0;
        for (unsigned i = 0; i < 8; ++i) {
          const auto c = static_cast<char>(i == at ? byte : neighbour);
          x |= std::uint64_t{static_cast<unsigned char>(c)} << 8 * i;
          want |= std::uint64_t{static_cast<unsigned char>(ascii_lower(c))} << 8 * i;
        }
        EXPECT_EQ(ascii_lower8(x), want) << byte << " beside " << neighbour << " at " << at;
      }
    }
  }
}

TEST(ascii, trim_takes_only_ows) {
  EXPECT_EQ(trim_ows(" \t a b \t"), "a b");
  EXPECT_EQ(trim_ows("\r\na"), "\r\na");
  EXPECT_EQ(trim_ows(" \t "), "");
  EXPECT_EQ(trim_ows(""), "");
}

TEST(ascii, token_chars_are_those_of_rfc_9110) {
  std::string tokens;
  for (int c = 0; c < 256; ++c)
    if (is_token_char(static_cast<char>(c))) tokens += static_cast<char>(c);
  EXPECT_EQ(tokens,
            "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~");
}

TEST(ascii, digits_without_sign_space_or_overflow) {
  EXPECT_EQ(parse_digits("0"), 0U);
  EXPECT_EQ(parse_digits("007"), 7U);
  EXPECT_EQ(parse_digits("18446744073709551615"), UINT64_MAX);
  for (const char* text :
       {"", "+1", "-1", " 1", "1 ", "1a", "18446744073709551616", "99999999999999999999"})
    EXPECT_EQ(parse_digits(text), std::nullopt) << text;
}

TEST(ascii, list_elements_are_trimmed_and_empty_ones_skipped) {
  EXPECT_THAT(elements("a, b ,\tc"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(elements("a"), ElementsAre("a"));
  EXPECT_THAT(elements(""), IsEmpty());
  EXPECT_THAT(elements(" , ,, "), IsEmpty());
  EXPECT_THAT(elements(",a,"), ElementsAre("a"));
  EXPECT_THAT(elements("a,,b"), ElementsAre("a", "b"));
}

TEST(ascii, commas_in_quoted_strings_do_not_separate) {
  EXPECT_THAT(elements(R"(no-cache="a, b", max-age=1)"),
              ElementsAre(R"(no-cache="a, b")", "max-age=1"));
  EXPECT_THAT(elements(R"("a\", b", c)"), ElementsAre(R"("a\", b")", "c"));
  EXPECT_THAT(elements(R"("a\\", b)"), ElementsAre(R"("a\\")", "b"));
  EXPECT_THAT(elements(R"(a\,b)"), ElementsAre(R"(a\)", "b"));  // no escape outside quotes
}

TEST(ascii, a_quoted_string_that_never_ends_loses_nothing) {
  EXPECT_THAT(elements(R"(a, "b, c)"), ElementsAre("a", R"("b, c)"));
  EXPECT_THAT(elements(R"(no-store, "b\)"), ElementsAre("no-store", R"("b\)"));
  EXPECT_THAT(elements(R"(")"), ElementsAre(R"(")"));
  EXPECT_THAT(elements(R"("\)"), ElementsAre(R"("\)"));
}

}  // namespace
}  // namespace fairing
