#include "codec/pgwire/rename.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "codec/pgwire/client_writer.hpp"
#include "codec/pgwire/frame_scanner.hpp"

namespace fairing::codec::pgwire {
namespace {

using namespace std::string_literals;

std::string renamed(std::string_view message, std::string_view name) {
  const auto r = rename_statement(message, name);
  EXPECT_TRUE(r) << sentence(r ? errc::ok : r.error());
  if (!r) return {};
  std::string out;
  r->append_to(out);
  EXPECT_EQ(out.size(), r->size());
  return out;
}

TEST(rename, is_the_message_written_with_the_new_name) {
  const std::array<std::uint32_t, 1> types{23};
  const std::array<value_view, 2> values{value_view{"1", false}, value_view{{}, true}};
  const std::array<std::int16_t, 1> formats{1};
  for (const auto* from : {"", "s1", "a longer name than the new one"})
    for (const auto* to : {"", "fairing_7"}) {
      std::string before, after;
      ASSERT_TRUE(append_parse(before, from, "select $1", types));
      ASSERT_TRUE(append_parse(after, to, "select $1", types));
      EXPECT_EQ(statement_name(before), from);
      EXPECT_EQ(renamed(before, to), after);
      // What stands behind the message in the buffer is not part of it.
      EXPECT_EQ(renamed(before + "S\0\0\0\4"s, to), after);
      before.clear();
      after.clear();
      ASSERT_TRUE(append_bind(before, {"portal", from, formats, values, formats}));
      ASSERT_TRUE(append_bind(after, {"portal", to, formats, values, formats}));
      EXPECT_EQ(statement_name(before), from);
      EXPECT_EQ(renamed(before, to), after);
      before.clear();
      after.clear();
      append_describe(before, target_kind::statement, from);
      append_describe(after, target_kind::statement, to);
      EXPECT_EQ(renamed(before, to), after);
      before.clear();
      after.clear();
      append_close(before, target_kind::statement, from);
      append_close(after, target_kind::statement, to);
      EXPECT_EQ(renamed(before, to), after);
    }
}

TEST(rename, takes_the_first_part_of_a_message_once_the_name_is_there) {
  std::string before, after;
  const std::string value(1000, 'v');
  const std::array<value_view, 1> values{value_view{value, false}};
  ASSERT_TRUE(append_bind(before, {"p", "s1", {}, values, {}}));
  ASSERT_TRUE(append_bind(after, {"p", "fairing_7", {}, values, {}}));
  const std::size_t enough = header_bytes + 2 + 3;
  for (std::size_t n = 0; n < before.size(); ++n) {
    const auto part = std::string_view(before).substr(0, n);
    if (n < enough) {
      EXPECT_EQ(rename_statement(part, "fairing_7").error(), errc::truncated) << n;
    } else {
      EXPECT_EQ(renamed(part, "fairing_7") + before.substr(n), after) << n;
    }
  }
}

TEST(rename, gathers_without_copying) {
  std::string message;
  ASSERT_TRUE(append_parse(message, "s1", "select 1", oid_list{}));
  const auto r = rename_statement(message, "fairing_7");
  ASSERT_TRUE(r);
  const auto pieces = r->pieces();
  EXPECT_EQ(pieces[0], "P\0\0\0\x19"s);
  EXPECT_EQ(pieces[1], "");
  EXPECT_EQ(pieces[2], "fairing_7");
  EXPECT_EQ(pieces[3].data(), message.data() + header_bytes + 2);
  EXPECT_EQ(pieces[3].size(), message.size() - header_bytes - 2);
}

TEST(rename, refuses_what_names_no_statement) {
  std::string message;
  append_describe(message, target_kind::portal, "p");
  EXPECT_EQ(statement_name(message).error(), errc::not_a_statement);
  EXPECT_EQ(rename_statement("D\0\0\0\6X\0"s, "x").error(), errc::bad_kind);
  EXPECT_EQ(rename_statement("Q\0\0\0\5\0"s, "x").error(), errc::not_a_statement);
  EXPECT_EQ(rename_statement("", "x").error(), errc::truncated);
  EXPECT_EQ(rename_statement("P\0\0\0\1x\0"s, "x").error(), errc::length_too_small);
  // The name would end beyond the message.
  EXPECT_EQ(rename_statement("P\0\0\0\6ab\0\0"s, "x").error(), errc::truncated);
  EXPECT_EQ(rename_statement("P\x3f\xff\xff\xff\0"s, "x").error(), errc::length_too_large);
  append_close(message = "", target_kind::statement, "s1");
  EXPECT_EQ(rename_statement(message, std::string(10'000, 'x')).error(), errc::length_too_large);
}

}  // namespace
}  // namespace fairing::codec::pgwire
