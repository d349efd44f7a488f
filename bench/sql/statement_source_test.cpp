#include "bench/sql/statement_source.hpp"

#include <gtest/gtest.h>

#include <set>

#include "bench/sql/messages.hpp"

namespace fairing::bench {
namespace {

std::vector<wire_message> messages(std::string_view bytes) {
  std::vector<wire_message> out;
  wire_message m;
  while (take_message(bytes, m) == taken::whole) out.push_back(m);
  EXPECT_TRUE(bytes.empty());
  return out;
}

std::string types(std::string_view bytes) {
  std::string out;
  for (const auto& m : messages(bytes)) out += m.type;
  return out;
}

TEST(statement_source, simple_puts_the_number_into_the_text) {
  statement_source source({.text = "SELECT {r};", .how = protocol::simple, .range = 1});
  EXPECT_TRUE(source.preparation().empty());
  std::string out;
  source.append_next(out);
  const auto sent = messages(out);
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].type, 'Q');
  EXPECT_EQ(sent[0].body, std::string_view("SELECT 1;\0", 10));
}

TEST(statement_source, extended_sends_all_in_one) {
  statement_source source({.text = "SELECT {r}", .how = protocol::extended, .range = 1});
  EXPECT_TRUE(source.preparation().empty());
  std::string out;
  source.append_next(out);
  EXPECT_EQ(types(out), "PBDES");
  EXPECT_EQ(messages(out)[0].body, std::string_view("\0SELECT $1\0\0\0", 13));
  // portal, statement, formats, one parameter of one byte, one result format
  EXPECT_EQ(messages(out)[1].body, std::string_view("\0\0\0\0\0\1\0\0\0\1"
                                                    "1\0\1\0\0",
                                                    15));
}

TEST(statement_source, prepared_parses_once) {
  statement_source source({.text = "SELECT 1", .how = protocol::prepared});
  EXPECT_EQ(types(source.preparation()), "PS");
  std::string out;
  source.append_next(out);
  source.append_next(out);
  EXPECT_EQ(types(out), "BDESBDES");
  EXPECT_EQ(messages(out)[0].body, std::string_view("\0P0_0\0\0\0\0\0\0\1\0\0", 14));
}

TEST(statement_source, numbers_stay_in_their_range_and_differ) {
  statement_source source({.text = "{r}", .how = protocol::simple, .range = 10});
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    std::string out;
    source.append_next(out);
    seen.emplace(messages(out)[0].body.substr(0, messages(out)[0].body.size() - 1));
  }
  EXPECT_EQ(seen.size(), 10U);
  EXPECT_EQ(seen.count("10"), 1U);
  EXPECT_EQ(seen.count("0"), 0U);
}

}  // namespace
}  // namespace fairing::bench
