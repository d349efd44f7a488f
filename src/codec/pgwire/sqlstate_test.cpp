#include "codec/pgwire/sqlstate.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "codec/pgwire/errors.hpp"

namespace fairing::codec::pgwire {
namespace {

TEST(sqlstate, every_value_has_its_code_and_sentence) {
  std::set<std::string_view> codes;
  for (std::size_t i = 0; i < sqlstate_count; ++i) {
    const auto s = static_cast<sqlstate>(i);
    EXPECT_TRUE(is_sqlstate(code(s))) << code(s);
    EXPECT_FALSE(sentence(s).empty());
    EXPECT_EQ(sqlstate_from_code(code(s)), s);
    codes.insert(code(s));
  }
  EXPECT_EQ(codes.size(), sqlstate_count);
  EXPECT_EQ(code(sqlstate::too_many_connections), "53300");
  EXPECT_EQ(code(sqlstate::protocol_violation), "08P01");
  EXPECT_EQ(code(sqlstate::undefined_statement), "26000");
  EXPECT_EQ(code(sqlstate::duplicate_statement), "42P05");
  EXPECT_EQ(code(sqlstate::cannot_connect_now), "57P03");
  EXPECT_EQ(sqlstate_from_code("99999"), std::nullopt);
}

TEST(sqlstate, five_digits_or_capitals) {
  for (const auto* good : {"00000", "08P01", "XX000", "P0001"}) EXPECT_TRUE(is_sqlstate(good));
  for (const auto* bad : {"", "0800", "080000", "08p01", "08 01", "08-01"})
    EXPECT_FALSE(is_sqlstate(bad)) << bad;
}

TEST(pgwire_errors, every_value_has_its_sentence) {
  const auto last = static_cast<int>(errc::not_a_statement);
  std::set<std::string> sentences;
  for (int i = 0; i <= last; ++i) {
    const std::error_code e = static_cast<errc>(i);
    EXPECT_STREQ(e.category().name(), "pgwire");
    sentences.insert(e.message());
  }
  EXPECT_EQ(sentences.size(), static_cast<std::size_t>(last) + 1);
  EXPECT_FALSE(sentences.contains("unknown error"));
  EXPECT_EQ(sqlstate_for(errc::truncated), sqlstate::protocol_violation);
  EXPECT_EQ(sqlstate_for(errc::unsupported_version), sqlstate::feature_not_supported);
}

}  // namespace
}  // namespace fairing::codec::pgwire
