// The response side of head_parser.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "codec/http1/parser.hpp"

namespace fairing::codec::http1 {
namespace {

using namespace std::string_literals;

errc fault_of(std::string_view text, method request = method::get) {
  head_parser whole;
  response_head head;
  const auto status = whole.parse_response(text, request, head);
  head_parser split;
  auto last = parse_status::need_more;
  for (std::size_t size = 0; size <= text.size() && last == parse_status::need_more; ++size) {
    const std::string copy(text.substr(0, size));
    last = split.parse_response(copy, request, head);
  }
  EXPECT_EQ(last, status) << text;
  EXPECT_EQ(split.error(), whole.error()) << text;
  return whole.error();
}

response_head parsed(const std::string& text, method request = method::get) {
  head_parser p;
  response_head head;
  EXPECT_EQ(p.parse_response(text, request, head), parse_status::complete) << text;
  return head;
}

TEST(response_parser, reads_the_status_line) {
  const auto text = "HTTP/1.1 404 Not  Found\t!\r\nServer: x\r\nContent-Length: 3\r\n\r\nabc"s;
  const auto head = parsed(text);
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.reason, "Not  Found\t!");
  EXPECT_EQ(head.body, body_kind::length);
  EXPECT_EQ(head.content_length, 3U);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(head.size, text.size() - 3);
  const auto empty = "HTTP/1.1 200 \r\n\r\n"s;
  EXPECT_EQ(parsed(empty).reason, "");
  const auto bare = "HTTP/1.0 200\r\n\r\n"s;
  EXPECT_EQ(parsed(bare).status, 200);
}

TEST(response_parser, refuses_bad_status_lines) {
  const std::vector<std::pair<std::string, errc>> cases = {
      {"GET / HTTP/1.1\r\n\r\n", errc::bad_status_line},
      {"\r\nHTTP/1.1 200 OK\r\n\r\n", errc::bad_status_line},
      {"HTTP/1.1  200 OK\r\n\r\n", errc::bad_status_line},
      {"HTTP/1.1 20 OK\r\n\r\n", errc::bad_status_line},
      {"HTTP/1.1 2000 OK\r\n\r\n", errc::bad_status_line},
      {"HTTP/1.1 099 OK\r\n\r\n", errc::bad_status_line},
      {"HTTP/1.1 200OK\r\n\r\n", errc::bad_status_line},
      {"HTTP/1.1 200 O\0K\r\n\r\n"s, errc::bad_status_line},
      {"HTTP/1.1\r\n\r\n", errc::bad_status_line},
      {"HTTP/1.1 200 OK\n\n", errc::bare_lf},
      {"HTTP/1.1 2\n", errc::bare_lf},
      {"HTTP/1.1 200 OK\rX", errc::bare_cr},
      {"HTTP/2 200 OK\r\n\r\n", errc::bad_version},
      {"ICY 200 OK\r\n\r\n", errc::bad_status_line},
      {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", errc::bad_field_name},
      {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", errc::obs_fold},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(fault_of(text), expected) << text;
}

struct body_case {
  const char* status;
  const char* lines;
  method request;
  body_kind body;
  bool keep_alive;
};

TEST(response_parser, decides_the_body) {
  const std::vector<body_case> cases = {
      {"200", "", method::get, body_kind::until_close, false},
      {"200", "Content-Length: 0\r\n", method::get, body_kind::length, true},
      {"200", "Content-Length: 5\r\nContent-Length: 5\r\n", method::get, body_kind::length, true},
      {"200", "Content-Length: 5 , 5\r\n", method::get, body_kind::length, true},
      {"200", "Content-Length: 5, 05\r\n", method::get, body_kind::length, true},
      {"200", "Transfer-Encoding: Chunked\r\n", method::get, body_kind::chunked, true},
      {"200", "Transfer-Encoding: chunked\r\nConnection: close\r\n", method::get,
       body_kind::chunked, false},
      {"200", "Content-Length: 5\r\n", method::head, body_kind::none, true},
      {"200", "", method::head, body_kind::none, true},
      {"304", "Content-Length: 5\r\n", method::get, body_kind::none, true},
      {"304", "", method::get, body_kind::none, true},
      {"204", "", method::get, body_kind::none, true},
      {"204", "Content-Length: 0\r\n", method::get, body_kind::none, true},
      {"204", "Content-Length: 5\r\n", method::get, body_kind::none, false},
      {"204", "Transfer-Encoding: chunked\r\n", method::get, body_kind::none, false},
      {"100", "", method::post, body_kind::none, true},
      {"101", "Upgrade: x\r\nConnection: upgrade\r\n", method::get, body_kind::none, true},
      {"200", "", method::connect, body_kind::none, true},
      {"407", "Content-Length: 5\r\n", method::connect, body_kind::length, true},
  };
  for (const auto& c : cases) {
    const auto text = "HTTP/1.1 " + std::string(c.status) + " x\r\n" + c.lines + "\r\n";
    const auto head = parsed(text, c.request);
    EXPECT_EQ(head.body, c.body) << text;
    EXPECT_EQ(head.keep_alive, c.keep_alive) << text;
    EXPECT_EQ(fault_of(text, c.request), errc::ok);
  }
  const auto old = "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n"s;
  EXPECT_FALSE(parsed(old).keep_alive);
  const auto kept = "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\n"s;
  EXPECT_TRUE(parsed(kept).keep_alive);
}

TEST(response_parser, refuses_ambiguous_framing) {
  const std::vector<std::pair<std::string, errc>> cases = {
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", errc::length_and_encoding},
      {"Content-Length: 5, 6\r\n", errc::bad_content_length},
      {"Content-Length: 5\r\nContent-Length: 6\r\n", errc::bad_content_length},
      {"Content-Length: 5,\r\n", errc::bad_content_length},
      {"Content-Length: ,5\r\n", errc::bad_content_length},
      {"Content-Length: 5,,5\r\n", errc::bad_content_length},
      {"Content-Length: x\r\n", errc::bad_content_length},
      {"Transfer-Encoding: gzip\r\n", errc::bad_transfer_encoding},
      {"Transfer-Encoding: gzip, chunked\r\n", errc::bad_transfer_encoding},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", errc::bad_transfer_encoding},
  };
  for (const auto& [lines, expected] : cases)
    EXPECT_EQ(fault_of("HTTP/1.1 200 OK\r\n" + lines + "\r\n"), expected) << lines;
  EXPECT_EQ(fault_of("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
            errc::bad_transfer_encoding);
}

}  // namespace
}  // namespace fairing::codec::http1
