#include "http/logic/kept_message.hpp"

#include <gtest/gtest.h>

#include "http/logic/test_heads.hpp"

namespace fairing::http {
namespace {

TEST(kept_message, a_request_keeps_its_meaning_and_loses_its_connection) {
  const auto r = test::request(
      "Content-Type: application/json\r\nAuthorization: Bearer t\r\n"
      "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n"
      "Prefer: respond-async, wait=2, return=minimal\r\nExpect: 100-continue\r\n",
      "POST /reports?year=2026");
  const auto text = keep_request(r.head, "{\"a\":1}");
  EXPECT_EQ(
      text,
      "POST /reports?year=2026 HTTP/1.1\r\nHost: Example.com\r\nContent-Type: application/json\r\n"
      "Authorization: Bearer t\r\nPrefer: return=minimal\r\nContent-Length: 7\r\n\r\n"
      "{\"a\":1}");
  kept_request back;
  ASSERT_TRUE(back.read(text));
  EXPECT_EQ(back.head.target, "/reports?year=2026");
  EXPECT_EQ(back.body, "{\"a\":1}");
}

TEST(kept_message, a_request_without_a_body_has_no_length) {
  const auto r = test::request("Prefer: respond-async\r\n");
  const auto text = keep_request(r.head, "");
  EXPECT_EQ(text, "GET /a HTTP/1.1\r\nHost: Example.com\r\n\r\n");
  kept_request back;
  EXPECT_TRUE(back.read(text));
  EXPECT_FALSE(back.read(text + "x"));
  EXPECT_FALSE(back.read("nonsense"));
}

// Found by the fuzzer: kept with an empty Host it could not be read again, and so never ran.
TEST(kept_message, a_request_that_names_no_host_can_be_read) {
  const std::string bytes = "POST /a HTTP/1.0\r\nContent-Length: 2\r\n\r\n";
  http1::request_head head;
  http1::head_parser parser;
  ASSERT_EQ(parser.parse_request(bytes, head), http1::parse_status::complete);
  const auto text = keep_request(head, "ab");
  EXPECT_EQ(text, bytes + "ab");
  kept_request back;
  ASSERT_TRUE(back.read(text));
  EXPECT_EQ(back.head.authority, "");
  EXPECT_EQ(back.body, "ab");
  const std::string empty = "GET /a HTTP/1.0\r\nHost: \r\n\r\n";
  parser.reset();
  ASSERT_EQ(parser.parse_request(empty, head), http1::parse_status::complete);
  EXPECT_TRUE(back.read(keep_request(head, "")));
}

TEST(kept_message, an_answer_comes_back_as_it_was) {
  const auto a = test::response(
      "Location: /reports/7\r\nTransfer-Encoding: chunked\r\nSet-Cookie: a=b\r\n"
      "Connection: close\r\n",
      "201 Created");
  const auto text = keep_answer(a.head, "done");
  kept_answer back;
  ASSERT_TRUE(back.read(text, http1::method::post));
  EXPECT_EQ(back.head.status, 201);
  EXPECT_EQ(back.head.get(http1::field::location), "/reports/7");
  EXPECT_FALSE(back.head.has(http1::field::connection));
  EXPECT_EQ(back.body, "done");
  const auto none = test::response("", "204 No Content");
  kept_answer empty;
  ASSERT_TRUE(empty.read(keep_answer(none.head, ""), http1::method::del));
  EXPECT_EQ(empty.head.status, 204);
}

TEST(kept_message, the_principal_is_what_the_route_says) {
  const auto r = test::request("Authorization: Bearer t\r\nCookie: a=1; session=s\r\n");
  const async_config by_token;
  async_config by_cookie;
  by_cookie.principal = rate_key::cookie;
  by_cookie.principal_name = "session";
  EXPECT_EQ(principal_of(r.head, by_token, "::1").size(), 64U);
  EXPECT_NE(principal_of(r.head, by_token, "::1"), principal_of(r.head, by_cookie, "::1"));
  async_config by_address;
  by_address.principal = rate_key::ip;
  EXPECT_EQ(principal_of(r.head, by_address, "::1"),
            principal_of(test::request().head, by_address, "::1"));
  EXPECT_NE(principal_of(r.head, by_address, "::1"), principal_of(r.head, by_address, "::2"));
  for (const auto& c : {by_token, by_cookie, by_address})
    EXPECT_EQ(
        principal_of(r.head, principal_from(principal_text(c)).value_or(async_config{}), "::1"),
        principal_of(r.head, c, "::1"));
  EXPECT_EQ(principal_text(by_cookie), "cookie:session");
  EXPECT_FALSE(principal_from("session"));
  const auto nobody = test::request();
  EXPECT_EQ(principal_of(nobody.head, by_token, "::1"), "");
  EXPECT_EQ(principal_of(nobody.head, by_cookie, "::1"), "");
}

TEST(kept_message, an_idempotency_key_is_one_visible_word) {
  const auto of = [](const std::string& fields) {
    return idempotency_of(test::request(fields).head);
  };
  EXPECT_FALSE(of("").present);
  EXPECT_EQ(of("Idempotency-Key: \"8e03978e\"\r\n").key, "8e03978e");
  EXPECT_EQ(of("Idempotency-Key: 8e03978e\r\n").key, "8e03978e");
  EXPECT_FALSE(of("Idempotency-Key: \"\"\r\n").valid);
  EXPECT_FALSE(of("Idempotency-Key: a b\r\n").valid);
  EXPECT_FALSE(of("Idempotency-Key: a\r\nIdempotency-Key: b\r\n").valid);
  EXPECT_FALSE(of("Idempotency-Key: " + std::string(201, 'x') + "\r\n").valid);
}

TEST(kept_message, the_fingerprint_is_of_all_that_the_key_stands_for) {
  const auto a = test::request("", "POST /x");
  const auto b = test::request("", "POST /y");
  EXPECT_EQ(fingerprint_of(a.head, "1"), fingerprint_of(a.head, "1"));
  EXPECT_NE(fingerprint_of(a.head, "1"), fingerprint_of(a.head, "2"));
  EXPECT_NE(fingerprint_of(a.head, "1"), fingerprint_of(b.head, "1"));
}

}  // namespace
}  // namespace fairing::http
