#include "codec/sqs/text.hpp"

#include <gtest/gtest.h>

namespace fairing::codec::sqs {
namespace {

TEST(text, what_a_message_may_hold) {
  EXPECT_TRUE(is_message_text(""));
  EXPECT_TRUE(is_message_text("\t\n\r ~\x7f"));
  EXPECT_TRUE(is_message_text("\u00E9\u4E16\U0001F600\uD7FF\uE000\uFFFD\U0010FFFF"));
  for (const std::string_view bad :
       {std::string_view("\0", 1), std::string_view("\x0b"), std::string_view("\x1f"),
        std::string_view("\xEF\xBF\xBE"), std::string_view("\xEF\xBF\xBF"),
        std::string_view("\xED\xA0\x80"), std::string_view("\xC0\x80"),
        std::string_view("\xE0\x80\x80"), std::string_view("\xF4\x90\x80\x80"),
        std::string_view("\x80"), std::string_view("a\xE4\xB8"), std::string_view("\xff")})
    EXPECT_FALSE(is_message_text(bad)) << bad;
}

TEST(text, cleaned_is_message_text) {
  EXPECT_EQ(clean_text("a\x01z"), "a\uFFFDz");
  EXPECT_EQ(clean_text("a\xE4\xB8z"), "a\uFFFDz");
  EXPECT_EQ(clean_text("\xff\xff"), "\uFFFD\uFFFD");
  EXPECT_EQ(clean_text("gr\u00FC\u00DFe"), "gr\u00FC\u00DFe");
}

TEST(text, forms) {
  std::string out;
  EXPECT_TRUE(decode_form("a+b%2Bc%C3%b6", out));
  EXPECT_EQ(out, "a b+c\u00F6");
  for (const std::string_view bad : {"%", "%2", "%zz", "a%2", "%+1"})
    EXPECT_FALSE(decode_form(bad, out));
}

TEST(text, xml) {
  std::string out;
  append_xml(out, "<a&\"b\">\r\n");
  EXPECT_EQ(out, "&lt;a&amp;&quot;b&quot;&gt;&#xD;\n");
}

TEST(text, uri) {
  std::string out;
  append_uri_encoded(out, "a/b ~*\xC3", false);
  EXPECT_EQ(out, "a%2Fb%20~%2A%C3");
}

}  // namespace
}  // namespace fairing::codec::sqs
