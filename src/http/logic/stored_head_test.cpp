#include "http/logic/stored_head.hpp"

#include <gtest/gtest.h>

#include "http/logic/fields.hpp"
#include "http/logic/test_heads.hpp"
#include "http/logic/validation.hpp"

namespace fairing::http {
namespace {

constexpr wall_time now{seconds{784'111'777}};  // Sun, 06 Nov 1994 08:49:37 GMT

stored_head store(std::string_view fields, std::string_view status = "200 OK") {
  const auto r = test::response(fields, status);
  return build_stored_head(r.head, parse_response_directives(r.head), now);
}

TEST(stored_head, keeps_end_to_end_fields_only) {
  const auto s = store(
      "Connection: a, close\r\na: 1\r\nc: 3\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: "
      "Basic\r\n"
      "Proxy-Authentication-Info: x\r\nUpgrade: h2c\r\nTE: x\r\nAge: 5\r\nContent-Length: "
      "3\r\nETag: W/\"e\"\r\n"
      "Set-Cookie: s=1\r\nSurrogate-Key: p q\r\nxkey: z\r\nCache-Tag: t\r\nCDN-Cache-Control: "
      "max-age=1\r\n"
      "Cache-Status: origin; hit\r\nCache-Control: max-age=5, no-cache=\"x-user\", "
      "private=\"X-Two\"\r\n"
      "X-User: me\r\nx-two: 2\r\nContent-Encoding: gzip\r\nVary: Accept-Encoding\r\n");
  EXPECT_EQ(
      s.text,
      "HTTP/1.1 200 OK\r\nc: 3\r\nCDN-Cache-Control: max-age=1\r\nCache-Status: origin; hit\r\n"
      "Cache-Control: max-age=5, no-cache=\"x-user\", private=\"X-Two\"\r\nContent-Encoding: "
      "gzip\r\n"
      "Vary: Accept-Encoding\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nVia: 1.1 fairing\r\n");
  EXPECT_EQ(s.etag, "W/\"e\"");
  EXPECT_TRUE(s.encoded);
  EXPECT_TRUE(s.varies_on_encoding);
  EXPECT_EQ(s.date, now);
}

TEST(stored_head, keeps_the_date_and_notes_last_modified) {
  const auto s = store(
      "Date: Sun, 06 Nov 1994 08:49:30 GMT\r\nLast-Modified: Sun, 06 Nov 1994 08:00:00 GMT\r\n");
  EXPECT_EQ(s.date, now - seconds{7});
  EXPECT_EQ(s.last_modified, now - seconds{49 * 60 + 37});
  EXPECT_EQ(s.text.find("Date:"), s.text.rfind("Date:"));
}

TEST(stored_head, etags) {
  EXPECT_EQ(make_etag(0x0123456789abcdef), "\"f-0123456789abcdef\"");
  std::string out;
  append_etag_variant(out, "\"x\"", "br");
  EXPECT_EQ(out, "\"x-br\"");
  EXPECT_TRUE(matches_etag_variant("\"x-br\"", "\"x\"", "br"));
  EXPECT_TRUE(matches_etag_variant("W/\"x-br\"", "\"x\"", "br"));
  EXPECT_FALSE(matches_etag_variant("\"x-gz\"", "\"x\"", "br"));
  EXPECT_FALSE(matches_etag_variant("\"x\"", "\"x\"", "br"));
  EXPECT_FALSE(matches_etag_variant("", "", "br"));
}

TEST(stored_head, not_modified_fields) {
  const auto s = store(
      "Cache-Control: max-age=5\r\nContent-Type: a/b\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
      "Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT\r\n");
  std::string out;
  append_not_modified_fields(out, s.text, true);
  EXPECT_EQ(
      out,
      "Cache-Control: max-age=5\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nVia: 1.1 fairing\r\n");
  out.clear();
  append_not_modified_fields(out, s.text, false);
  EXPECT_NE(out.find("Last-Modified"), std::string::npos);
}

TEST(stored_head, tags) {
  const auto r = test::response("Surrogate-Key: p q  p\r\nCache-Tag: a b, c\r\nxkey: z\r\n");
  const auto tags = extract_tags(r.head);
  EXPECT_EQ(std::vector<std::string_view>(tags.begin(), tags.end()),
            (std::vector<std::string_view>{"p", "q", "a b", "c", "z"}));
  std::string rows = "Surrogate-Key: list";
  for (int i = 0; i < 40; ++i)
    rows += " products:" + std::to_string(i) + " r.users." + std::to_string(i);
  const auto many = test::response(rows + "\r\n");
  const auto tables = extract_tags(many.head);
  EXPECT_EQ(std::vector<std::string_view>(tables.begin(), tables.end()),
            (std::vector<std::string_view>{"list", "products", "r.users"}));
  EXPECT_FALSE(tables.overflow);
  std::string distinct = "Surrogate-Key:";
  for (int i = 0; i < 40; ++i) distinct += " t" + std::to_string(i);
  EXPECT_TRUE(extract_tags(test::response(distinct + "\r\n").head).overflow);
}

TEST(validation, asks_with_the_origins_validators) {
  auto s = store("ETag: \"x\"\r\nLast-Modified: Sun, 06 Nov 1994 08:00:00 GMT\r\n");
  std::string out;
  EXPECT_TRUE(append_validators(out, s));
  EXPECT_EQ(out, "If-None-Match: \"x\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:00:00 GMT\r\n");
  s.etag_made = true;
  s.last_modified.reset();
  EXPECT_FALSE(append_validators(out, s));
}

TEST(validation, a_made_etag_is_nothing_to_ask_with) {
  stored_head h;
  EXPECT_FALSE(has_validators(h));
  h.etag = "\"made\"";
  h.etag_made = true;
  EXPECT_FALSE(has_validators(h));
  std::string out;
  EXPECT_FALSE(append_validators(out, h));
  h.last_modified = wall_time{seconds{784111777}};
  EXPECT_TRUE(has_validators(h));
  h.last_modified.reset();
  h.etag_made = false;
  EXPECT_TRUE(has_validators(h));
}

TEST(validation, takes_in_a_304) {
  const auto s = store(
      "Cache-Control: max-age=1\r\nContent-Type: text/plain\r\nContent-Encoding: "
      "gzip\r\nContent-MD5: a\r\n"
      "X-A: 1\r\nX-A: 2\r\nX-Keep: k\r\nETag: \"x\"\r\nLast-Modified: Sun, 06 Nov 1994 08:00:00 "
      "GMT\r\n");
  const auto r = test::response(
      "Cache-Control: max-age=9\r\nContent-Type: text/html\r\nContent-Encoding: br\r\nContent-MD5: "
      "b\r\n"
      "Content-Length: 9\r\nX-A: 3\r\nETag: \"y\"\r\nSet-Cookie: a=c\r\nAge: 4\r\nConnection: "
      "x-gone\r\nX-Gone: 1\r\n",
      "304 Not Modified");
  EXPECT_EQ(match_304(s, r.head), match_kind::differs);
  const auto u = update_from_304(s, r.head, parse_response_directives(r.head), now + seconds{1});
  EXPECT_EQ(u.text,
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-MD5: a\r\nX-Keep: k\r\n"
            "Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT\r\nVia: 1.1 fairing\r\n"
            "Cache-Control: max-age=9\r\nContent-Type: text/html\r\nX-A: 3\r\nDate: Sun, 06 Nov "
            "1994 08:49:38 GMT\r\n");
  EXPECT_EQ(u.etag, "\"x\"");
  EXPECT_TRUE(u.encoded);
  EXPECT_EQ(u.last_modified, s.last_modified);
  http1::response_head merged;
  parse_stored(u, merged, &r.head);
  EXPECT_EQ(merged.get(http1::field::cache_control), "max-age=9");
  EXPECT_EQ(merged.get(http1::field::etag), "\"x\"");
  EXPECT_EQ(merged.get(http1::field::age), "4");
  EXPECT_EQ(merged.status, 200);
}

TEST(validation, match_kinds) {
  const auto s = store("ETag: \"x\"\r\nLast-Modified: Sun, 06 Nov 1994 08:00:00 GMT\r\n");
  const auto kind = [&](std::string_view fields) {
    return match_304(s, test::response(fields, "304 Not Modified").head);
  };
  EXPECT_EQ(kind("ETag: \"x\"\r\n"), match_kind::strong);
  EXPECT_EQ(kind("ETag: W/\"x\"\r\n"), match_kind::weak);
  EXPECT_EQ(kind("Last-Modified: Sun, 06 Nov 1994 08:00:00 GMT\r\n"), match_kind::weak);
  EXPECT_EQ(kind(""), match_kind::implied);
}

}  // namespace
}  // namespace fairing::http
