#include "codec/http1/writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "codec/http1/parser.hpp"

namespace fairing::codec::http1 {
namespace {

using namespace std::string_literals;

TEST(writer, no_value_can_end_its_line) {
  std::string out;
  append_header(out, "X", "a\tb");
  append_header(out, "Y", "a\r\nInjected: 1\0\x7f"s);
  append_header(out, "Z", "");
  EXPECT_EQ(out, "X: a\tb\r\nY: a  Injected: 1  \r\nZ: \r\n");
}

TEST(writer, puts_a_number_where_it_is_told) {
  for (const std::uint64_t n :
       {std::uint64_t{0}, std::uint64_t{9}, std::uint64_t{10}, std::uint64_t{12345}, UINT64_MAX}) {
    std::array<char, most_decimal> room;
    EXPECT_EQ(std::string(room.data(), put_decimal(room.data(), n)), std::to_string(n));
  }
}

TEST(writer, writes_numbers_and_chunks) {
  std::string out;
  append_decimal(out, 0);
  append_decimal(out, UINT64_MAX);
  EXPECT_EQ(out, "018446744073709551615");
  std::string body;
  append_chunk_header(body, 26);
  body += "abcdefghijklmnopqrstuvwxyz\r\n";
  append_last_chunk(body, "X: y\r\n");
  EXPECT_EQ(body, "1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nX: y\r\n\r\n");
  chunked_decoder decoder;
  EXPECT_EQ(decoder.next(body).data, "abcdefghijklmnopqrstuvwxyz");
}

TEST(writer, knows_what_ends_at_this_hop) {
  const auto text =
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: x-mine, Cache-Control, host\r\n"
      "connection: content-length, x-forwarded-for, X-SSL-Client-Cert, Foo\r\nX-Mine: 1\r\nfoo: "
      "2\r\n"
      "Keep-Alive: 3\r\nProxy-Connection: 4\r\nTE: trailers\r\nTrailer: 5\r\nUpgrade: 6\r\n"
      "Cache-Control: no-store\r\nContent-Length: 7\r\nX-Forwarded-For: 8\r\nX-Other: 9\r\n"
      "X-SSL-Client-Cert: 10\r\nProxy-Authorization: 11\r\n\r\n"s;
  head_parser p;
  request_head head;
  ASSERT_EQ(p.parse_request(text, head), parse_status::complete);
  std::string kept;
  for (const auto& h : head.headers)
    if (!is_hop_by_hop(head, h)) kept += std::string(h.name) + " ";
  EXPECT_EQ(kept, "Host Cache-Control Content-Length X-Forwarded-For X-Other X-SSL-Client-Cert ");
}

TEST(writer, knows_forbidden_trailers) {
  for (const auto* name : {"Host", "content-length", "Transfer-Encoding", "Content-Foo", "Cookie",
                           "X-Forwarded-Proto", "TE", "Connection", "WWW-Authenticate", "Age"})
    EXPECT_TRUE(is_forbidden_trailer(name)) << name;
  for (const auto* name : {"Server-Timing", "grpc-status", "ETag", "Content-Digest", "X-Sum"})
    EXPECT_FALSE(is_forbidden_trailer(name)) << name;
}

}  // namespace
}  // namespace fairing::codec::http1
