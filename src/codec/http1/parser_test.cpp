// The request side of head_parser: what is accepted and what it means, what is refused and why, and
// that neither depends on how the bytes arrive.
#include "codec/http1/parser.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairing::codec::http1 {
namespace {

using namespace std::string_literals;

struct verdict {
  parse_status status = parse_status::need_more;
  errc error = errc::ok;
};

verdict parse_whole(std::string_view text, request_head& head, parse_limits limits = {}) {
  head_parser p(limits);
  const auto status = p.parse_request(text, head);
  return {status, p.error()};
}

// Feeds ever longer prefixes, each in a buffer of its own: the bytes of a connection may move.
verdict parse_in_steps(std::string_view text, std::size_t step, parse_limits limits = {}) {
  head_parser p(limits);
  request_head head;
  for (std::size_t size = 0;; size = std::min(size + step, text.size())) {
    const std::string copy(text.substr(0, size));
    const auto status = p.parse_request(copy, head);
    if (status != parse_status::need_more || size == text.size()) return {status, p.error()};
  }
}

errc fault_of(std::string_view text, parse_limits limits = {}) {
  request_head head;
  const auto whole = parse_whole(text, head, limits);
  for (std::size_t step : {1U, 2U, 3U, 7U, 64U}) {
    const auto split = parse_in_steps(text, step, limits);
    EXPECT_EQ(split.status, whole.status) << text.substr(0, 200) << " in steps of " << step;
    EXPECT_EQ(split.error, whole.error) << text.substr(0, 200) << " in steps of " << step;
  }
  return whole.error;
}

// A request with these field lines after a good request line and Host.
std::string with_fields(std::string_view lines) {
  return "POST /a HTTP/1.1\r\nHost: a.example\r\n" + std::string(lines) + "\r\n";
}

TEST(request_parser, splits_a_plain_request) {
  const std::string text =
      "GET /a/b?x=1&y=%20z HTTP/1.1\r\nHost: Example.com:8080\r\naccept:text/html "
      "\t\r\nX-Odd:\r\n\r\nrest";
  request_head head;
  ASSERT_EQ(parse_whole(text, head).status, parse_status::complete);
  EXPECT_EQ(head.method, method::get);
  EXPECT_EQ(head.method_text, "GET");
  EXPECT_EQ(head.target, "/a/b?x=1&y=%20z");
  EXPECT_EQ(head.path, "/a/b");
  EXPECT_TRUE(head.has_query);
  EXPECT_EQ(head.query, "x=1&y=%20z");
  EXPECT_EQ(head.authority, "Example.com:8080");
  EXPECT_EQ(head.version_minor, 1);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(head.body, body_kind::none);
  EXPECT_EQ(head.size, text.size() - 4);
  ASSERT_EQ(head.headers.size(), 3U);
  EXPECT_EQ(head.headers[1].name, "accept");
  EXPECT_EQ(head.headers[1].value, "text/html");
  EXPECT_EQ(head.headers[1].id, field::accept);
  EXPECT_EQ(head.headers[2].value, "");
  EXPECT_EQ(head.headers[2].id, field::other);
}

struct good_target {
  const char* line;
  const char* path;
  bool has_query;
  const char* query;
  const char* authority;
};

TEST(request_parser, accepts_the_four_target_forms) {
  const std::vector<good_target> cases = {
      {"GET / HTTP/1.1", "/", false, "", "a.example"},
      {"GET /? HTTP/1.1", "/", true, "", "a.example"},
      {"GET /a?b?c HTTP/1.1", "/a", true, "b?c", "a.example"},
      {"GET //a//b HTTP/1.1", "//a//b", false, "", "a.example"},
      {"GET /x://y HTTP/1.1", "/x://y", false, "", "a.example"},
      {"GET http://a.example HTTP/1.1", "/", false, "", "a.example"},
      {"GET http://A.example/ HTTP/1.1", "/", false, "", "A.example"},
      {"GET HTTPS://a.example?q=/ HTTP/1.1", "/", true, "q=/", "a.example"},
      {"PURGE http://a.example/p?q HTTP/1.1", "/p", true, "q", "a.example"},
      {"OPTIONS * HTTP/1.1", "*", false, "", "a.example"},
      {"OPTIONS http://a.example HTTP/1.1", "*", false, "", "a.example"},
      {"OPTIONS http://a.example/ HTTP/1.1", "/", false, "", "a.example"},
      {"GET /a|b{c}\"<>^`\\ HTTP/1.1", "/a|b{c}\"<>^`\\", false, "", "a.example"},
      {"GET /%41%c3%A4 HTTP/1.1", "/%41%c3%A4", false, "", "a.example"},
  };
  for (const auto& c : cases) {
    const auto text = std::string(c.line) + "\r\nHost: a.example\r\n\r\n";
    request_head head;
    EXPECT_EQ(fault_of(text), errc::ok) << c.line;
    ASSERT_EQ(parse_whole(text, head).status, parse_status::complete) << c.line;
    EXPECT_EQ(head.path, c.path) << c.line;
    EXPECT_EQ(head.has_query, c.has_query) << c.line;
    EXPECT_EQ(head.query, c.query) << c.line;
    EXPECT_EQ(head.authority, c.authority) << c.line;
  }
  request_head head;
  const auto text = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"s;
  ASSERT_EQ(parse_whole(text, head).status, parse_status::complete);
  EXPECT_EQ(head.authority, "a.example:443");
  EXPECT_EQ(head.path, "/");
}

TEST(request_parser, says_which_paths_are_plain) {
  const auto plain = [](const std::string& path) {
    request_head head;
    EXPECT_EQ(parse_whole("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n", head).status,
              parse_status::complete);
    return head.plain_path;
  };
  // Every place relative to the sixteen bytes that are looked at together.
  for (std::size_t before = 0; before < 40; ++before) {
    const auto start = "/" + std::string(before, 'a');
    EXPECT_EQ(plain(start + "/b.c/"), before > 0) << before;
    EXPECT_TRUE(plain(start + "?x=//%2e")) << before;
    for (const std::string odd : {"/", "/.", "/./", "/..", "/.b", "/%2e", "%41", "//c"}) {
      const bool still = odd == "/" && before > 0;
      EXPECT_EQ(plain(start + odd), still) << before << odd;
      EXPECT_FALSE(plain(start + odd + "/some/more/of/it")) << before << odd;
    }
  }
}

TEST(request_parser, knows_which_fields_it_saw) {
  request_head head;
  ASSERT_EQ(parse_whole("GET / HTTP/1.1\r\nHost: a\r\nVia: x\r\nX-Odd: y\r\n\r\n", head).status,
            parse_status::complete);
  EXPECT_EQ(head.present, bit_of(field::host) | bit_of(field::via) | bit_of(field::other));
  ASSERT_EQ(parse_whole("GET / HTTP/1.1\r\nHost: a\r\nTE: z\r\n\r\n", head).status,
            parse_status::complete);
  EXPECT_FALSE(head.has(field::via));
  EXPECT_TRUE(head.has(field::te));
}

TEST(request_parser, takes_names_of_token_characters_only) {
  // Wherever the odd byte stands, also in a name that ends less than sixteen bytes before the head does.
  for (std::size_t before = 0; before < 40; ++before)
    for (int c = 0x21; c < 0x100; ++c) {
      const auto byte = static_cast<char>(c);
      if (byte == ':') continue;
      request_head head;
      const auto name = std::string(before, 'x') + byte + "y";
      const auto seen = parse_whole("GET / HTTP/1.1\r\nHost: a\r\n" + name + ":\r\n\r\n", head);
      ASSERT_EQ(seen.status == parse_status::complete, is_token_char(byte)) << before << ' ' << c;
    }
}

TEST(request_parser, refuses_bad_first_lines) {
  const std::vector<std::pair<std::string, errc>> cases = {
      {"\x16\x03\x01\x02\x00\x01"s, errc::bad_method},  // TLS ClientHello
      {"HTTP/1.1 200 OK\r\n", errc::bad_method},        // an answer
      {"SSH-2.0-OpenSSH_9.2\r\n", errc::bad_request_line},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", errc::bad_version},
      {" GET / HTTP/1.1\r\n", errc::bad_method},
      {"G(T / HTTP/1.1\r\n", errc::bad_method},
      {"G\x80T / HTTP/1.1\r\n", errc::bad_method},
      {std::string(33, 'M') + " / HTTP/1.1\r\n", errc::bad_method},
      {"GET\t/ HTTP/1.1\r\n", errc::bad_method},
      {"GET\r\n", errc::bad_request_line},
      {"GET\n", errc::bare_lf},
      {"GET /\r\n", errc::bad_version},
      {"GET /\n", errc::bare_lf},
      {"GET /\rx", errc::bare_cr},
      {"GET  / HTTP/1.1\r\n", errc::bad_target},
      {"GET /  HTTP/1.1\r\n", errc::bad_request_line},
      {"GET /\tHTTP/1.1\r\n", errc::bad_target},
      {"GET /a\x7f HTTP/1.1\r\n", errc::bad_target},
      {"GET /a\xc3\xa4 HTTP/1.1\r\n", errc::bad_target},
      {"GET /a\0b HTTP/1.1\r\n"s, errc::bad_target},
      {"GET /a#b HTTP/1.1\r\n", errc::bad_target},
      {"GET /%4 HTTP/1.1\r\n", errc::bad_target},
      {"GET /%zz HTTP/1.1\r\n", errc::bad_target},
      {"GET /%\r\n", errc::bad_target},
      {"GET / HTTP/1.1 \r\n", errc::bad_request_line},
      {"GET / HTTP/1.1\n", errc::bare_lf},
      {"GET / HTTP/1.1\rX", errc::bare_cr},
      {"GET / http/1.1\r\n", errc::bad_request_line},
      {"GET / HTTP/1.2\r\n", errc::bad_version},
      {"GET / HTTP/0.9\r\n", errc::bad_version},
      {"GET / HTTP/2\r\n", errc::bad_version},
      {"GET / HTTP/11\r\n", errc::bad_request_line},
      {"GET / HTTP/1.10\r\n", errc::bad_request_line},
      {"GET / ICY/1.1\r\n", errc::bad_request_line},
      {"GET / HT\n", errc::bare_lf},
      {"\n", errc::bare_lf},
      {"\r\n\r\n\r\n\r\n\r\n", errc::bad_request_line},
      {"\rG", errc::bare_cr},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(fault_of(text), expected) << text;
}

TEST(request_parser, refuses_target_forms_the_method_does_not_allow) {
  const std::vector<std::string> cases = {
      "GET * HTTP/1.1",           "GET a.example:80 HTTP/1.1", "GET a HTTP/1.1",
      "GET ?a HTTP/1.1",          "GET http:// HTTP/1.1",      "GET http:///p HTTP/1.1",
      "GET ftp://a/ HTTP/1.1",    "GET http://u@a/ HTTP/1.1",  "GET http://a:x/ HTTP/1.1",
      "CONNECT / HTTP/1.1",       "CONNECT a HTTP/1.1",        "CONNECT a:0 HTTP/1.1",
      "CONNECT a:65536 HTTP/1.1", "OPTIONS *a HTTP/1.1",       "CONNECT [::1] HTTP/1.1",
  };
  for (const auto& line : cases)
    EXPECT_EQ(fault_of(line + "\r\nHost: a\r\n\r\n"), errc::bad_target) << line;
}

TEST(request_parser, checks_the_host) {
  const std::vector<std::string> good = {
      "a",           "a.example:80", "[::1]", "[2001:db8::1]:8443",
      "127.0.0.1:1", "a_b-c.d",      "a%41",  "A.EXAMPLE:65535"};
  for (const auto& host : good)
    EXPECT_EQ(fault_of("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"), errc::ok) << host;
  const std::vector<std::string> bad = {
      "",        "a b", "a/b", "u@a", "a:b",   "a:",       "a:0",    "a:65536",
      "a:1:2",   ":80", "a,b", "[",   "[]",    "[::1",     "[::1]x", "[fe80::1%25en0]",
      "a%4",     "a?b", "a#b", "a\"", "a\x80", "a:000080", "[::g]",  "a\tb",
      "http://a"};
  for (const auto& host : bad)
    EXPECT_EQ(fault_of("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n"), errc::bad_host) << host;
  EXPECT_EQ(fault_of("GET / HTTP/1.1\r\n\r\n"), errc::bad_host);
  EXPECT_EQ(fault_of("GET http://a/ HTTP/1.1\r\n\r\n"), errc::bad_host);
  EXPECT_EQ(fault_of("GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n"), errc::bad_host);
  EXPECT_EQ(fault_of("GET http://A/ HTTP/1.1\r\nHost: a\r\n\r\n"), errc::ok);
  EXPECT_EQ(fault_of("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"), errc::bad_host);
  EXPECT_EQ(fault_of("GET / HTTP/1.0\r\n\r\n"), errc::ok);
  EXPECT_EQ(fault_of("GET / HTTP/1.0\r\nHost:\r\n\r\n"), errc::ok);
  EXPECT_EQ(fault_of("GET / HTTP/1.0\r\nHost: a b\r\n\r\n"), errc::bad_host);
}

TEST(request_parser, refuses_bad_fields) {
  const std::vector<std::pair<std::string, errc>> cases = {
      {"X : a\r\n", errc::bad_field_name},
      {"X\t: a\r\n", errc::bad_field_name},
      {": a\r\n", errc::bad_field_name},
      {"X(Y): a\r\n", errc::bad_field_name},
      {"X\x80: a\r\n", errc::bad_field_name},
      {"X\0Y: a\r\n"s, errc::bad_field_name},
      {"NoColon\r\n", errc::bad_field_name},
      {"X\rY: a\r\n", errc::bad_field_name},
      {"Cache\rControl: a\r\n", errc::bad_field_name},
      {"X\n", errc::bare_lf},
      {"X: a\n", errc::bare_lf},
      {"X: a\rb\r\n", errc::bare_cr},
      {"X: a\0b\r\n"s, errc::bad_field_value},
      {"X: a\x01\r\n", errc::bad_field_value},
      {"X: a\x7f\r\n", errc::bad_field_value},
      {"X: a\x0b\r\n", errc::bad_field_value},
      {"X: a\r\n b\r\n", errc::obs_fold},
      {"X: a\r\n\tb\r\n", errc::obs_fold},
      {"\n", errc::bare_lf},
  };
  for (const auto& [lines, expected] : cases)
    EXPECT_EQ(fault_of(with_fields(lines)), expected) << lines;
  EXPECT_EQ(fault_of("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), errc::obs_fold);
  EXPECT_EQ(fault_of(with_fields("X: a\tb\x80\xff \r\n")), errc::ok);
}

TEST(request_parser, refuses_ambiguous_framing) {
  const std::vector<std::pair<std::string, errc>> cases = {
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", errc::length_and_encoding},
      {"transfer-encoding: chunked\r\ncontent-length: 0\r\n", errc::length_and_encoding},
      {"Content-Length: 5\r\nContent-Length: 5\r\n", errc::bad_content_length},
      {"Content-Length: 5, 5\r\n", errc::bad_content_length},
      {"Content-Length: 5\r\nContent-Length: 6\r\n", errc::bad_content_length},
      {"Content-Length: +5\r\n", errc::bad_content_length},
      {"Content-Length: -5\r\n", errc::bad_content_length},
      {"Content-Length: 0x5\r\n", errc::bad_content_length},
      {"Content-Length: 5 5\r\n", errc::bad_content_length},
      {"Content-Length: 1_000\r\n", errc::bad_content_length},
      {"Content-Length: 5;a\r\n", errc::bad_content_length},
      {"Content-Length: \"5\"\r\n", errc::bad_content_length},
      {"Content-Length:\r\n", errc::bad_content_length},
      {"Content-Length: 9223372036854775808\r\n", errc::bad_content_length},
      {"Content-Length: 18446744073709551616\r\n", errc::bad_content_length},
      {"Transfer-Encoding: gzip, chunked\r\n", errc::bad_transfer_encoding},
      {"Transfer-Encoding: chunked, chunked\r\n", errc::bad_transfer_encoding},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", errc::bad_transfer_encoding},
      {"Transfer-Encoding: identity\r\n", errc::bad_transfer_encoding},
      {"Transfer-Encoding: xchunked\r\n", errc::bad_transfer_encoding},
      {"Transfer-Encoding: chunked;a=b\r\n", errc::bad_transfer_encoding},
      {"Transfer-Encoding: \"chunked\"\r\n", errc::bad_transfer_encoding},
      {"Transfer-Encoding: chunked,\r\n", errc::bad_transfer_encoding},
      {"Transfer-Encoding:\r\n", errc::bad_transfer_encoding},
      {"Transfer-Encoding: \x0b"
       "chunked\r\n",
       errc::bad_field_value},
  };
  for (const auto& [lines, expected] : cases)
    EXPECT_EQ(fault_of(with_fields(lines)), expected) << lines;
  EXPECT_EQ(fault_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
            errc::bad_transfer_encoding);
}

TEST(request_parser, reads_the_body_kind) {
  request_head head;
  auto text = with_fields("Content-Length: 9223372036854775807\r\n");
  ASSERT_EQ(parse_whole(text, head).status, parse_status::complete);
  EXPECT_EQ(head.body, body_kind::length);
  EXPECT_EQ(head.content_length, 9223372036854775807U);
  text = with_fields("Content-Length: 0\r\n");
  ASSERT_EQ(parse_whole(text, head).status, parse_status::complete);
  EXPECT_EQ(head.body, body_kind::length);
  EXPECT_EQ(head.content_length, 0U);
  text = with_fields("Transfer-Encoding: CHUNKED\r\n");
  ASSERT_EQ(parse_whole(text, head).status, parse_status::complete);
  EXPECT_EQ(head.body, body_kind::chunked);
}

struct connection_case {
  const char* version;
  const char* lines;
  bool keep_alive;
  bool upgrade;
  bool expect_continue;
};

TEST(request_parser, reads_the_connection) {
  const std::vector<connection_case> cases = {
      {"1.1", "", true, false, false},
      {"1.0", "", false, false, false},
      {"1.0", "Connection: Keep-Alive\r\n", true, false, false},
      {"1.0", "Connection: keep-alive, close\r\n", false, false, false},
      {"1.1", "Connection: close\r\n", false, false, false},
      {"1.1", "Connection: foo\r\nConnection: bar , CLOSE\r\n", false, false, false},
      {"1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", true, true, false},
      {"1.1", "Connection: upgrade\r\n", true, false, false},
      {"1.1", "Upgrade: websocket\r\n", true, false, false},
      {"1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", false, false, false},
      {"1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n", true, false, false},
      {"1.1", "Connection: upgrade\r\nUpgrade: websocket, HTTP/2.0\r\n", true, false, false},
      {"1.1", "Connection: upgrade\r\nUpgrade: TLS/1.0\r\n", true, false, false},
      {"1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n", true, false,
       false},
      {"1.1", "Connection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n", true,
       false, false},
      {"1.1", "Expect: 100-Continue\r\n", true, false, true},
      {"1.0", "Expect: 100-continue\r\n", false, false, false},
      {"1.1", "Expect: else\r\n", true, false, false},
  };
  for (const auto& c : cases) {
    const auto text = "GET / HTTP/" + std::string(c.version) + "\r\nHost: a\r\n" + c.lines + "\r\n";
    request_head head;
    ASSERT_EQ(parse_whole(text, head).status, parse_status::complete) << text;
    EXPECT_EQ(head.keep_alive, c.keep_alive) << text;
    EXPECT_EQ(head.upgrade, c.upgrade) << text;
    EXPECT_EQ(head.expect_continue, c.expect_continue) << text;
  }
}

TEST(request_parser, skips_at_most_four_empty_lines) {
  const auto text = "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"s;
  request_head head;
  ASSERT_EQ(parse_whole(text, head).status, parse_status::complete);
  EXPECT_EQ(head.size, text.size());
  EXPECT_EQ(fault_of("\r\n" + text), errc::bad_request_line);
}

TEST(request_parser, holds_its_limits) {
  const parse_limits limits{.head_bytes = 1000, .target_bytes = 100, .fields = 3};
  const auto target = [](std::size_t size) {
    return "GET /" + std::string(size - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  EXPECT_EQ(fault_of(target(100), limits), errc::ok);
  EXPECT_EQ(fault_of(target(101), limits), errc::target_too_long);
  const auto head = [](std::size_t size) {
    const auto start = "GET / HTTP/1.1\r\nHost: a\r\nX: "s;
    return start + std::string(size - start.size() - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(fault_of(head(1000), limits), errc::ok);
  EXPECT_EQ(fault_of(head(1001), limits), errc::head_too_large);
  EXPECT_EQ(fault_of("GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY:\r\n\r\n", limits), errc::ok);
  EXPECT_EQ(fault_of("GET / HTTP/1.1\r\nHost: a\r\nX:\r\nY:\r\nZ:\r\n\r\n", limits),
            errc::head_too_large);
}

TEST(request_parser, reports_faults_before_the_head_is_complete) {
  const std::string filler = "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(3000, 'x');
  for (const auto& [tail, expected] : std::vector<std::pair<std::string, errc>>{
           {"\n", errc::bare_lf}, {"\0"s, errc::bad_field_value}, {"\ry", errc::bare_cr}}) {
    head_parser p;
    request_head head;
    ASSERT_EQ(p.parse_request(filler, head), parse_status::need_more);
    const auto longer = filler + tail;
    EXPECT_EQ(p.parse_request(longer, head), parse_status::error);
    EXPECT_EQ(p.error(), expected);
    EXPECT_EQ(p.parse_request(longer, head), parse_status::error) << "errors stay";
  }
  head_parser p({.target_bytes = 100});
  request_head head;
  EXPECT_EQ(p.parse_request("GET /" + std::string(200, 'a'), head), parse_status::error);
  EXPECT_EQ(p.error(), errc::target_too_long);
}

TEST(request_parser, takes_pipelined_requests_one_by_one) {
  const auto one = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"s;
  const auto two = "HEAD /2 HTTP/1.1\r\nHost: b\r\nX: y\r\n\r\n"s;
  const auto text = one + two;
  head_parser p;
  request_head head;
  ASSERT_EQ(p.parse_request(text, head), parse_status::complete);
  EXPECT_EQ(head.size, one.size());
  p.reset();
  ASSERT_EQ(p.parse_request(std::string_view(text).substr(one.size()), head),
            parse_status::complete);
  EXPECT_EQ(head.method, method::head);
  EXPECT_EQ(head.path, "/2");
  EXPECT_EQ(head.headers.size(), 2U);
}

TEST(http1_errors, have_sentences_and_statuses) {
  for (int i = 0; i <= static_cast<int>(errc::bad_trailer); ++i) {
    const auto e = static_cast<errc>(i);
    EXPECT_NE(make_error_code(e).message(), "unknown error") << i;
    const auto status = status_for(e);
    EXPECT_TRUE(status == 400 || status == 414 || status == 431 || status == 505) << i;
  }
  EXPECT_EQ(status_for(errc::head_too_large), 431);
  EXPECT_EQ(status_for(errc::target_too_long), 414);
  EXPECT_EQ(status_for(errc::bad_version), 505);
}

TEST(field_names, are_found_in_any_case) {
  for (int i = 1; i <= static_cast<int>(field::xkey_purge); ++i) {
    const auto id = static_cast<field>(i);
    const std::string name(field_name(id));
    ASSERT_FALSE(name.empty());
    std::string upper = name;
    for (char& c : upper)
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
    EXPECT_EQ(field_from_name(name), id) << name;
    EXPECT_EQ(field_from_name(to_lower(name)), id) << name;
    EXPECT_EQ(field_from_name(upper), id) << name;
    for (std::size_t at = 0; at < name.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string other = name;
        other[at] = static_cast<char>(other[at] ^ (1 << bit));
        if (!iequals(other, name)) EXPECT_NE(field_from_name(other), id) << other;
      }
    }
  }
  EXPECT_EQ(field_from_name(""), field::other);
  EXPECT_EQ(field_from_name("x-other"), field::other);
  EXPECT_EQ(field_name(field::other), "");
}

TEST(method_names, round_trip) {
  for (int i = 0; i < static_cast<int>(method::other); ++i) {
    const auto m = static_cast<method>(i);
    EXPECT_EQ(method_from_name(method_name(m)), m);
  }
  EXPECT_EQ(method_from_name("get"), method::other);
  EXPECT_EQ(method_from_name("M-SEARCH"), method::other);
  EXPECT_EQ(method_name(method::other), "");
}

}  // namespace
}  // namespace fairing::codec::http1
