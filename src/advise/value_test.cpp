// Values that are the same compare equal, whatever their form.
#include "advise/value.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fairing::advise {
namespace {

using namespace std::string_literals;

value_key text(std::string_view v) { return key_of({.bytes = v}); }
value_key literal(std::string_view v) {
  return key_of({.bytes = v, .format = value_format::literal});
}
value_key binary(std::string_view v, known_type t = known_type::unknown) {
  return key_of(
      {.bytes = v, .type = static_cast<std::uint32_t>(t), .format = value_format::binary});
}

TEST(value, integers_of_every_size_and_form) {
  const auto k = text("258");
  EXPECT_EQ(k.kind, value_kind::integer);
  EXPECT_EQ(k.integer, 258);
  EXPECT_TRUE(k.same(binary("\x01\x02"s, known_type::int2)));
  EXPECT_TRUE(k.same(binary("\0\0\x01\x02"s, known_type::int4)));
  EXPECT_TRUE(k.same(binary("\0\0\0\0\0\0\x01\x02"s, known_type::int8)));
  EXPECT_TRUE(k.same(binary("\0\0\x01\x02"s)));
  EXPECT_TRUE(k.same(literal("258")));
  EXPECT_TRUE(k.same(literal("'258'")));
  EXPECT_TRUE(k.same(literal("E'258'")));
  EXPECT_TRUE(k.same(integer_key(258)));
  EXPECT_TRUE(text("-5").same(binary("\xff\xfb"s)));
  EXPECT_TRUE(text("-5").same(literal("-5")));
  EXPECT_TRUE(text("4294967295").same(binary("\xff\xff\xff\xff"s, known_type::oid)));
  EXPECT_FALSE(k.same(text("2580")));
}

TEST(value, what_is_no_integer_compares_as_text) {
  EXPECT_EQ(text("007").kind, value_kind::text);
  EXPECT_FALSE(text("007").same(text("7")));
  EXPECT_FALSE(text("1.0").same(text("1")));
  EXPECT_EQ(text("").kind, value_kind::text);
  EXPECT_EQ(text("-").kind, value_kind::text);
  EXPECT_EQ(text("1234567890123456789012").kind, value_kind::text);
  EXPECT_TRUE(text("it's").same(literal("'it''s'")));
  EXPECT_TRUE(text("abc").same(binary("abc", known_type::text)));
  EXPECT_TRUE(text("12").same(binary("12", known_type::varchar)));
  EXPECT_EQ(binary("ab").kind, value_kind::integer);  // two bytes without a type
}

TEST(value, uuids) {
  const auto k = text("0af76519-16cd-43dd-8448-eb211c80319c");
  EXPECT_EQ(k.kind, value_kind::uuid);
  EXPECT_TRUE(k.same(text("0AF76519-16CD-43DD-8448-EB211C80319C")));
  const auto raw = "\x0a\xf7\x65\x19\x16\xcd\x43\xdd\x84\x48\xeb\x21\x1c\x80\x31\x9c"s;
  EXPECT_TRUE(k.same(binary(raw, known_type::uuid)));
  EXPECT_TRUE(k.same(binary(raw)));
  EXPECT_EQ(text("0af76519-16cd-43dd-8448-eb211c80319g").kind, value_kind::text);
  EXPECT_EQ(text("0af76519-16cd-43dd-8448-eb211c80319-").kind, value_kind::text);
  EXPECT_EQ(text("0af76519-16cd-43dd-8448-eb211c8031-8").kind, value_kind::text);
}

TEST(value, null_equals_nothing) {
  const auto null = key_of({.null = true});
  EXPECT_EQ(null.kind, value_kind::null);
  EXPECT_FALSE(null.same(null));
}

TEST(value, counts) {
  EXPECT_EQ(count_of({.bytes = "20"}), 20);
  EXPECT_EQ(count_of({.bytes = "ALL"}), -1);
  EXPECT_EQ(count_of({.null = true}), -1);
}

TEST(value, broken_literals_are_only_bytes) {
  for (const auto* s : {"'", "''", "'a", "E'", "'a''", "E'a\\'b'", "$$x$$", "+", "-"})
    EXPECT_NO_THROW(static_cast<void>(literal(s))) << s;
}

}  // namespace
}  // namespace fairing::advise
