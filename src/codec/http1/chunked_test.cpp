#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "codec/http1/parser.hpp"

namespace fairing::codec::http1 {
namespace {

using namespace std::string_literals;

struct outcome {
  std::string body;
  std::string trailers;
  std::size_t consumed = 0;
  parse_status status = parse_status::need_more;
  errc error = errc::ok;
  bool operator==(const outcome&) const = default;
};

// Delivers `step` bytes at a time and drops what the decoder consumed, as a connection does.
outcome decode(std::string_view text, std::size_t step, chunked_decoder::limits limits = {}) {
  chunked_decoder decoder(limits);
  outcome out;
  for (std::size_t at = 0; at < text.size() && out.status == parse_status::need_more; at += step) {
    auto slice = text.substr(at, std::min(step, text.size() - at));
    while (!slice.empty() && out.status == parse_status::need_more) {
      const auto s = decoder.next(slice);
      out.body += s.data;
      out.consumed += s.consumed;
      out.status = s.status;
      slice.remove_prefix(s.consumed);
    }
  }
  out.error = decoder.error();
  if (out.status == parse_status::complete) out.trailers = decoder.trailers();
  return out;
}

outcome decode_all_ways(std::string_view text, chunked_decoder::limits limits = {}) {
  const auto whole = decode(text, text.size(), limits);
  for (std::size_t step = 1; step < std::min<std::size_t>(text.size(), 40); ++step) {
    const auto split = decode(text, step, limits);
    EXPECT_EQ(split.status, whole.status) << text.substr(0, 100) << " in steps of " << step;
    EXPECT_EQ(split.error, whole.error) << text.substr(0, 100) << " in steps of " << step;
    if (whole.status != parse_status::error)
      EXPECT_TRUE(split == whole) << text.substr(0, 100) << " in steps of " << step;
  }
  return whole;
}

TEST(chunked_decoder, decodes_and_stops_at_the_end) {
  const auto text = "4\r\nWiki\r\n0005\r\npedia\r\nA\r\n0123456789\r\n0\r\n\r\nGET /"s;
  const auto out = decode_all_ways(text);
  EXPECT_EQ(out.status, parse_status::complete);
  EXPECT_EQ(out.body, "Wikipedia0123456789");
  EXPECT_EQ(out.consumed, text.size() - 5);
}

TEST(chunked_decoder, accepts_extensions_and_drops_them) {
  for (const auto* extension :
       {";a", ";a=b", ";a=\"b\"", ";a=\"b\\\"c\\\\\"", ";a;b=c;d=\"\"", ";a=\"\tx\x80\""}) {
    const auto out = decode_all_ways("3"s + extension + "\r\nabc\r\n0" + extension + "\r\n\r\n");
    EXPECT_EQ(out.status, parse_status::complete) << extension;
    EXPECT_EQ(out.body, "abc");
  }
}

TEST(chunked_decoder, keeps_good_trailers_and_drops_forbidden_ones) {
  const auto out = decode_all_ways(
      "0\r\nX-Sum: 1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nhost: a\r\n"
      "Authorization: b\r\nSet-Cookie: c\r\nX-Forwarded-For: d\r\nContent-Encoding: gzip\r\n"
      "Cache-Control: no-store\r\nETag: \"e\"\r\nContent-Digest: f\r\n\r\n");
  EXPECT_EQ(out.status, parse_status::complete);
  EXPECT_EQ(out.trailers, "X-Sum: 1\r\nETag: \"e\"\r\nContent-Digest: f\r\n");
}

TEST(chunked_decoder, refuses_what_is_malformed) {
  const std::vector<std::pair<std::string, errc>> cases = {
      {"\r\n", errc::bad_chunk_size},
      {"g\r\n", errc::bad_chunk_size},
      {"0x4\r\n", errc::bad_chunk_size},
      {"+4\r\n", errc::bad_chunk_size},
      {"-4\r\n", errc::bad_chunk_size},
      {" 4\r\n", errc::bad_chunk_size},
      {"4 \r\n", errc::bad_chunk_size},
      {"4\t;a\r\n", errc::bad_chunk_size},
      {"1_0\r\n", errc::bad_chunk_size},
      {"4,4\r\n", errc::bad_chunk_size},
      {"\0"s, errc::bad_chunk_size},
      {";a\r\n", errc::bad_chunk_size},
      {"00000000000000001\r\n", errc::bad_chunk_size},
      {"8000000000000000\r\n", errc::bad_chunk_size},
      {"10000000000000000\r\n", errc::bad_chunk_size},
      {"\n", errc::bare_lf},
      {"4\nabcd\r\n", errc::bare_lf},
      {"4\rabcd", errc::bare_cr},
      {"4;\r\n", errc::bad_chunk_extension},
      {"4;;a\r\n", errc::bad_chunk_extension},
      {"4;=a\r\n", errc::bad_chunk_extension},
      {"4; a\r\n", errc::bad_chunk_extension},
      {"4;a=\r\n", errc::bad_chunk_extension},
      {"4;a=b=c\r\n", errc::bad_chunk_extension},
      {"4;a=\"b\r\n", errc::bad_chunk_extension},
      {"4;a=\"\\\r\n", errc::bad_chunk_extension},
      {"4;a=\"b\"c\r\n", errc::bad_chunk_extension},
      {"4;a\x7f\r\n", errc::bad_chunk_extension},
      {"4;a\nabcd\r\n", errc::bare_lf},
      {"4;a=\"b\n", errc::bare_lf},
      {"4;a\rb", errc::bare_cr},
      {"4\r\nabcdX", errc::bad_chunk_end},
      {"4\r\nabcd\n", errc::bad_chunk_end},
      {"4\r\nabcd\rX", errc::bad_chunk_end},
      {"0\r\nX\r\n\r\n", errc::bad_trailer},
      {"0\r\n: a\r\n\r\n", errc::bad_trailer},
      {"0\r\nX : a\r\n\r\n", errc::bad_trailer},
      {"0\r\n X: a\r\n\r\n", errc::bad_trailer},
      {"0\r\nX: a\r\n b\r\n\r\n", errc::bad_trailer},
      {"0\r\nX: \0\r\n\r\n"s, errc::bad_trailer},
      {"0\r\nX: a\rb\r\n\r\n", errc::bad_trailer},
      {"0\r\nX: a\n\r\n", errc::bare_lf},
      {"0\r\n\n", errc::bare_lf},
  };
  for (const auto& [text, expected] : cases) {
    const auto out = decode_all_ways(text);
    EXPECT_EQ(out.status, parse_status::error) << text;
    EXPECT_EQ(out.error, expected) << text;
  }
}

TEST(chunked_decoder, holds_its_limits) {
  const chunked_decoder::limits limits{.extension_bytes = 10, .trailer_bytes = 20};
  EXPECT_EQ(decode_all_ways("1;abcd\r\na\r\n1;abcd\r\na\r\n0\r\n\r\n", limits).status,
            parse_status::complete);
  EXPECT_EQ(decode_all_ways("1;abcd\r\na\r\n1;abcde\r\na\r\n0\r\n\r\n", limits).error,
            errc::bad_chunk_extension);
  EXPECT_EQ(decode_all_ways("0\r\nX: 3456789012345\r\n\r\n", limits).status,
            parse_status::complete);
  EXPECT_EQ(decode_all_ways("0\r\nX: 34567890123456\r\n\r\n", limits).error, errc::bad_trailer);
  EXPECT_EQ(decode_all_ways("0\r\nX: 345678901234567890123456789", limits).error,
            errc::bad_trailer);
}

TEST(chunked_decoder, can_be_used_again) {
  chunked_decoder decoder;
  EXPECT_EQ(decoder.next("x").status, parse_status::error);
  EXPECT_EQ(decoder.next("0\r\n\r\n").status, parse_status::error) << "errors stay";
  decoder.reset();
  const auto done = decoder.next("0\r\n\r\n");
  EXPECT_EQ(done.status, parse_status::complete);
  EXPECT_EQ(done.consumed, 5U);
  EXPECT_EQ(decoder.next("more").consumed, 0U);
}

}  // namespace
}  // namespace fairing::codec::http1
