#include "bench/sql/fake_session.hpp"

#include <gtest/gtest.h>

namespace fairing::bench {
namespace {

std::string startup() {
  std::string body;
  put_u32(body, 196608);
  put_text(body, "user");
  put_text(body, "bench");
  body.push_back('\0');
  std::string out;
  put_u32(out, static_cast<std::uint32_t>(body.size() + 4));
  return out + body;
}

std::string query(std::string_view text) {
  std::string body;
  put_text(body, text);
  std::string out;
  append_message(out, 'Q', body);
  return out;
}

// The types of the messages, with the tag or the status of those that have one.
std::string shape(std::string_view bytes) {
  std::string out;
  wire_message m;
  while (take_message(bytes, m) == taken::whole) {
    out += m.type;
    if (m.type == 'Z') out += m.body;
    if (m.type == 'C') out += "(" + std::string(m.body.substr(0, m.body.size() - 1)) + ")";
  }
  EXPECT_TRUE(bytes.empty());
  return out;
}

class started : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string out;
    ASSERT_TRUE(session.feed(startup(), out));
    ASSERT_EQ(shape(out), "RSSSSSSSSSSSSSKZI");
  }
  std::string ask(std::string_view bytes) {
    std::string out;
    EXPECT_TRUE(session.feed(bytes, out));
    return shape(out);
  }
  fake_session session{7};
};

TEST(fake_session, refuses_encryption_and_goes_on) {
  fake_session session{1};
  std::string ssl;
  put_u32(ssl, 8);
  put_u32(ssl, 80877103);
  std::string out;
  EXPECT_TRUE(session.feed(ssl + startup(), out));
  EXPECT_TRUE(out.starts_with("NR"));
}

TEST(fake_session, closes_on_cancel_requests_and_nonsense) {
  for (const std::uint32_t code : {80877102U, 131072U}) {
    fake_session session{1};
    std::string request;
    put_u32(request, 16);
    put_u32(request, code);
    put_u32(request, 1);
    put_u32(request, 2);
    std::string out;
    EXPECT_FALSE(session.feed(request, out));
  }
  fake_session session{1};
  std::string out;
  EXPECT_FALSE(session.feed("GET / HTTP/1.1\r\n\r\n", out));
}

TEST_F(started, answers_a_simple_select_by_one_row) {
  EXPECT_EQ(ask(query("SELECT 1")), "TDC(SELECT 1)ZI");
  EXPECT_EQ(ask(query("")), "IZI");
}

TEST_F(started, answers_pieces_and_batches_alike) {
  const auto both = query("SELECT 1") + query("SELECT 2");
  std::string out;
  for (const char c : both) ASSERT_TRUE(session.feed({&c, 1}, out));
  EXPECT_EQ(shape(out), "TDC(SELECT 1)ZITDC(SELECT 1)ZI");
}

TEST_F(started, follows_transactions_and_commands) {
  EXPECT_EQ(ask(query("begin")), "C(BEGIN)ZT");
  EXPECT_EQ(ask(query("SELECT 1")), "TDC(SELECT 1)ZT");
  EXPECT_EQ(ask(query("SET a = 1; SET b = 2;")), "C(SET)C(SET)ZT");
  EXPECT_EQ(ask(query("ROLLBACK")), "C(ROLLBACK)ZI");
}

TEST_F(started, answers_the_extended_protocol) {
  std::string parse;
  append_message(parse, 'P', std::string_view("s\0select $1\0\0\0", 14));
  append_message(parse, 'S', {});
  EXPECT_EQ(ask(parse), "1ZI");
  std::string use;
  append_message(use, 'D', std::string_view("Ss\0", 3));
  append_message(use, 'B', std::string_view("\0s\0\0\0\0\0\0\0", 9));
  append_message(use, 'D', std::string_view("P\0", 2));
  append_message(use, 'E', std::string_view("\0\0\0\0\0", 5));
  append_message(use, 'C', std::string_view("Ss\0", 3));
  append_message(use, 'S', {});
  EXPECT_EQ(ask(use), "tT2TDC(SELECT 1)3ZI");
}

TEST_F(started, closes_on_terminate_and_on_a_length_that_cannot_be) {
  std::string out;
  std::string terminate;
  append_message(terminate, 'X', {});
  EXPECT_FALSE(session.feed(terminate, out));
  fake_session other{1};
  ASSERT_TRUE(other.feed(startup(), out));
  EXPECT_FALSE(other.feed(std::string_view("Q\x7f\xff\xff\xff", 5), out));
}

}  // namespace
}  // namespace fairing::bench
