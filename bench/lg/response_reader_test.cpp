#include "bench/lg/response_reader.hpp"

#include <gtest/gtest.h>

namespace fairing::bench {
namespace {

struct answer {
  int status;
  std::uint64_t body_bytes;
  std::size_t used;
};

// Feeds `wire` in pieces of `piece` bytes until one answer is done.
answer read_in_pieces(response_reader& reader, std::string_view wire, std::size_t piece) {
  std::size_t used = 0;
  while (used < wire.size() && !reader.done() && !reader.failed()) {
    used += reader.feed(wire.substr(used, piece));
  }
  return {reader.status(), reader.body_bytes(), used};
}

constexpr std::string_view sized =
    "HTTP/1.1 200 OK\r\ncontent-LENGTH:  5\r\nServer: x\r\n\r\nhello";
constexpr std::string_view chunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5;ext=1\r\nhello\r\nB\r\n, the world\r\n0\r\nTrailer: y\r\n\r\n";

TEST(response_reader, reads_a_sized_answer_however_it_is_cut) {
  for (std::size_t piece = 1; piece <= sized.size(); ++piece) {
    response_reader reader;
    const auto got = read_in_pieces(reader, sized, piece);
    ASSERT_TRUE(reader.done()) << piece;
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body_bytes, 5U);
    EXPECT_EQ(got.used, sized.size());
  }
}

TEST(response_reader, reads_a_chunked_answer_however_it_is_cut) {
  for (std::size_t piece = 1; piece <= chunked.size(); ++piece) {
    response_reader reader;
    const auto got = read_in_pieces(reader, chunked, piece);
    ASSERT_TRUE(reader.done()) << piece;
    EXPECT_EQ(got.body_bytes, 16U);
    EXPECT_EQ(got.used, chunked.size());
  }
}

TEST(response_reader, stops_at_the_end_of_one_of_several) {
  const std::string wire = std::string(sized) + std::string(chunked) + std::string(sized);
  response_reader reader;
  std::size_t used = 0;
  for (const std::uint64_t body : {5U, 16U, 5U}) {
    used += reader.feed(std::string_view(wire).substr(used));
    ASSERT_TRUE(reader.done());
    EXPECT_EQ(reader.body_bytes(), body);
    reader.restart();
  }
  EXPECT_EQ(used, wire.size());
}

TEST(response_reader, a_body_may_be_skipped_unread) {
  response_reader reader;
  static_cast<void>(reader.feed("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc"));
  EXPECT_EQ(reader.body_left(), 997U);
  reader.skip_body(996);
  EXPECT_FALSE(reader.done());
  reader.skip_body(1);
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.body_bytes(), 1000U);
}

TEST(response_reader, answers_without_body_end_with_their_head) {
  for (const std::string_view wire :
       {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}) {
    response_reader reader;
    EXPECT_EQ(reader.feed(wire), wire.size());
    EXPECT_TRUE(reader.done()) << wire;
  }
  response_reader of_head(true);
  static_cast<void>(of_head.feed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"));
  EXPECT_TRUE(of_head.done());
}

TEST(response_reader, an_interim_answer_is_passed_over) {
  response_reader reader;
  static_cast<void>(
      reader.feed("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nContent-Length: 1\r\n\r\nx"));
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(reader.status(), 201);
}

TEST(response_reader, only_an_answer_without_length_may_end_with_the_connection) {
  response_reader open_ended;
  static_cast<void>(open_ended.feed("HTTP/1.1 200 OK\r\n\r\nsome"));
  EXPECT_FALSE(open_ended.done());
  EXPECT_TRUE(open_ended.at_eof());
  EXPECT_EQ(open_ended.body_bytes(), 4U);

  response_reader cut;
  static_cast<void>(cut.feed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome"));
  EXPECT_FALSE(cut.at_eof());
}

TEST(response_reader, says_what_is_not_http) {
  for (const std::string_view wire :
       {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    response_reader reader;
    static_cast<void>(read_in_pieces(reader, wire, wire.size()));
    EXPECT_TRUE(reader.failed()) << wire;
  }
  response_reader endless;
  static_cast<void>(read_in_pieces(endless, std::string(70'000, 'x'), 1000));
  EXPECT_TRUE(endless.failed());
}

TEST(response_reader, checks_the_head_for_the_expected_text) {
  response_reader reader(false, "x-generation: 2");
  static_cast<void>(reader.feed("HTTP/1.1 200 OK\r\nX-Generation: 2\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_TRUE(reader.as_expected());
  reader.restart();
  static_cast<void>(reader.feed("HTTP/1.1 200 OK\r\nX-Generation: 1\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_FALSE(reader.as_expected());
}

TEST(response_reader, keeps_sized_bodies_where_it_is_told_to) {
  response_reader reader;
  std::string body;
  reader.keep_bodies(&body);
  static_cast<void>(reader.feed("HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\nab"));
  static_cast<void>(reader.feed("cdHTTP"));
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(body, "abcd");
}

TEST(response_reader, knows_when_the_server_will_close) {
  response_reader reader;
  static_cast<void>(
      reader.feed("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_TRUE(reader.will_close());
}

}  // namespace
}  // namespace fairing::bench
