#include "http/logic/forward.hpp"

#include <gtest/gtest.h>

#include "http/logic/test_heads.hpp"

namespace fairing::http {
namespace {

using test::request;
using test::response;

std::string up(std::string_view fields, const forward_context& c,
               std::string_view line = "GET /a?x=1") {
  std::string out;
  build_upstream_head(out, request(fields, line).head, c);
  return out;
}
bool has(const std::string& head, std::string_view line) {
  return head.find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
}

TEST(forward, an_untrusted_peer_cannot_say_who_it_is) {
  forward_context c;
  c.peer_ip = "1.2.3.4";
  EXPECT_EQ(up("X-Forwarded-For: 9.9.9.9\r\nForwarded: for=9.9.9.9\r\nX-Real-IP: "
               "9.9.9.9\r\nX_Forwarded_Host: evil\r\n"
               "X-Forwarded-Prefix: /x\r\nTrue-Client-IP: 9.9.9.9\r\nX-Original-URL: "
               "/admin\r\nFairing-Deadline-Ms: 1\r\n"
               "Accept: a\r\nConnection: keep-alive, x-b\r\nX-B: 1\r\nKeep-Alive: "
               "5\r\nProxy-Authorization: p\r\nVia: 1.0 x\r\n",
               c),
            "GET /a?x=1 HTTP/1.1\r\nHost: Example.com\r\nAccept: a\r\nVia: 1.0 x\r\n"
            "Forwarded: for=1.2.3.4;host=\"Example.com\";proto=http\r\nX-Forwarded-For: 1.2.3.4\r\n"
            "X-Forwarded-Proto: http\r\nX-Forwarded-Host: Example.com\r\nX-Real-IP: "
            "1.2.3.4\r\nVia: 1.1 fairing\r\n\r\n");
}

TEST(forward, a_trusted_peer_is_added_to) {
  forward_context c;
  c.peer_ip = "::1";
  c.client_ip = "9.9.9.9";
  c.trusted_peer = true;
  const auto head =
      up("X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: "
         "shop\r\nForwarded: for=9.9.9.9\r\n",
         c);
  EXPECT_TRUE(has(head, "X-Forwarded-For: 9.9.9.9, ::1"));
  EXPECT_TRUE(has(head, "X-Forwarded-Proto: https"));
  EXPECT_TRUE(has(head, "X-Forwarded-Host: shop"));
  EXPECT_TRUE(has(head, "X-Real-IP: 9.9.9.9"));
  EXPECT_TRUE(has(head, "Forwarded: for=9.9.9.9"));
  EXPECT_TRUE(has(head, "Forwarded: for=\"[::1]\";host=\"Example.com\";proto=http"));
}

TEST(forward, surrogate_capability_is_ours_or_a_trusted_peers) {
  forward_context c;
  c.surrogate = true;
  const std::string sent = "Surrogate-Capability: x=\"ESI/1.0\"\r\n";
  EXPECT_TRUE(has(up(sent, c), "Surrogate-Capability: fairing=\"Surrogate/1.0\""));
  EXPECT_FALSE(has(up(sent, c), "Surrogate-Capability: x=\"ESI/1.0\""));
  c.trusted_peer = true;
  EXPECT_TRUE(has(up(sent, c), "Surrogate-Capability: x=\"ESI/1.0\""));
}

TEST(forward, etags_of_our_codings_mean_the_backends) {
  forward_context c;
  c.own_codings = true;
  EXPECT_TRUE(
      has(up("If-Match: \"v1-gzip\", \"v2\"\r\n", c), "If-Match: \"v1-gzip\", \"v2\", \"v1\""));
  EXPECT_TRUE(
      has(up("If-None-Match: W/\"v1-zstd\"\r\n", c), "If-None-Match: W/\"v1-zstd\", W/\"v1\""));
  EXPECT_TRUE(has(up("If-None-Match: *\r\n", c), "If-None-Match: *"));
  c.own_codings = false;
  EXPECT_TRUE(has(up("If-Match: \"v1-gzip\"\r\n", c), "If-Match: \"v1-gzip\""));
}

TEST(forward, egress_tells_nothing) {
  forward_context c;
  c.tell_client = false;
  c.preserve_host = false;
  c.upstream_host = "api.example.org";
  c.base_path = "/v1";
  c.peer_ip = "1.2.3.4";
  c.deadline = milliseconds{5};
  EXPECT_EQ(up("X-Forwarded-For: 9.9.9.9\r\nVia: 1.0 x\r\n", c),
            "GET /v1/a?x=1 HTTP/1.1\r\nHost: api.example.org\r\n\r\n");
}

TEST(forward, fills) {
  forward_context c;
  c.tell_client = false;
  c.as_get = c.drop_conditionals = c.drop_range = true;
  c.encoding = encoding_policy::replace;
  c.accept_encoding = "gzip";
  c.extra_fields = "If-None-Match: \"x\"\r\n";
  EXPECT_EQ(up("If-None-Match: \"c\"\r\nIf-Modified-Since: x\r\nRange: bytes=0-1\r\nIf-Range: "
               "\"c\"\r\nAccept-Encoding: br\r\n",
               c, "HEAD /a"),
            "GET /a HTTP/1.1\r\nHost: Example.com\r\nAccept-Encoding: gzip\r\nIf-None-Match: "
            "\"x\"\r\n\r\n");
  c = {};
  c.tell_client = false;
  EXPECT_TRUE(
      has(up("If-None-Match: \"c\"\r\nAccept-Encoding: br\r\n", c), "If-None-Match: \"c\""));
  c.encoding = encoding_policy::identity;
  EXPECT_FALSE(has(up("Accept-Encoding: br\r\n", c), "Accept-Encoding: br"));
}

TEST(forward, bodies_and_connections) {
  forward_context c;
  c.tell_client = false;
  c.body = {http1::body_kind::length, 5};
  c.expect_continue = true;
  auto head = up("Content-Length: 5\r\nExpect: 100-continue\r\n", c, "POST /a");
  EXPECT_TRUE(has(head, "Content-Length: 5"));
  EXPECT_TRUE(has(head, "Expect: 100-continue"));
  c.expect_continue = false;
  c.body = {http1::body_kind::chunked, 0};
  c.close = true;
  head = up(
      "Transfer-Encoding: chunked\r\nTrailer: X-T\r\nTE: trailers, deflate\r\nConnection: te\r\n",
      c, "POST /a");
  EXPECT_EQ(head,
            "POST /a HTTP/1.1\r\nHost: Example.com\r\nTE: trailers\r\nConnection: te, close\r\n"
            "Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n");
  c = {};
  c.tell_client = false;
  EXPECT_TRUE(has(up("Content-Length: 0\r\n", c, "POST /a"), "Content-Length: 0"));
  c.upgrade = true;
  head = up("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n", c);
  EXPECT_TRUE(has(head, "Connection: upgrade"));
  EXPECT_TRUE(has(head, "Upgrade: websocket"));
  EXPECT_TRUE(has(head, "Sec-WebSocket-Key: k"));
}

TEST(forward, trace_deadline_and_hops) {
  forward_context c;
  c.trace = continue_trace("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", {1, 2, 3});
  c.deadline = milliseconds{1500};
  auto head = up(
      "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\ntracestate: a=1\r\n",
      c);
  EXPECT_TRUE(has(head, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-0000000000000003-01"));
  EXPECT_TRUE(has(head, "tracestate: a=1"));
  EXPECT_TRUE(has(head, "Fairing-Deadline-Ms: 1500"));
  c.trace = continue_trace("nonsense", {1, 2, 3});
  head = up("tracestate: a=1\r\n", c);
  EXPECT_TRUE(has(head, "traceparent: 00-00000000000000010000000000000003-0000000000000003-01"));
  EXPECT_FALSE(has(head, "tracestate: a=1"));
  EXPECT_TRUE(has(up("Max-Forwards: 3\r\n", c, "OPTIONS /a"), "Max-Forwards: 2"));
  EXPECT_TRUE(has(up("Max-Forwards: 3\r\n", c), "Max-Forwards: 3"));
  EXPECT_TRUE(ends_at_this_hop(request("Max-Forwards: 0\r\n", "OPTIONS /a").head));
  EXPECT_FALSE(ends_at_this_hop(request("Max-Forwards: 0\r\n").head));
  EXPECT_EQ(read_deadline(request("Fairing-Deadline-Ms: 250\r\n").head), milliseconds{250});
  EXPECT_EQ(read_deadline(request("Fairing-Deadline-Ms: -1\r\n").head), std::nullopt);
}

TEST(trace_context, refuses_what_is_malformed) {
  const std::string good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  EXPECT_TRUE(parse_traceparent(good));
  EXPECT_TRUE(parse_traceparent("cc" + good.substr(2) + "-more"));
  for (const std::string& bad :
       {good + "-more", "ff" + good.substr(2), good.substr(0, 54), std::string(55, '-'),
        "00-" + std::string(32, '0') + good.substr(35),
        good.substr(0, 36) + std::string(16, '0') + "-01",
        std::string{"00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, std::string{}})
    EXPECT_FALSE(parse_traceparent(bad)) << bad;
}

std::string down(std::string_view fields, const downstream_context& c,
                 std::string_view status = "200 OK") {
  std::string out;
  append_response_head(out, response(fields, status).head, c);
  return out;
}

TEST(downstream, framing_is_our_own) {
  downstream_context c;
  c.now = wall_time{seconds{784'111'777}};
  c.body = {http1::body_kind::chunked, 0};
  cache_status s;
  c.status = &s;
  EXPECT_EQ(down("Transfer-Encoding: chunked\r\nConnection: close, x-a\r\nX-A: 1\r\nSurrogate-Key: "
                 "t\r\nCache-Status: o; hit\r\nX-B: 2\r\n",
                 c),
            "HTTP/1.1 200 OK\r\nCache-Status: o; hit\r\nX-B: 2\r\nDate: Sun, 06 Nov 1994 08:49:37 "
            "GMT\r\nVia: 1.1 fairing\r\n"
            "Cache-Status: fairing\r\nTransfer-Encoding: chunked\r\n\r\n");
  c.status = nullptr;
  c.client_http_1_0 = true;
  EXPECT_TRUE(has(down("", c), "Connection: close"));
  EXPECT_FALSE(has(down("", c), "Transfer-Encoding: chunked"));
  c.body = {http1::body_kind::length, 7};
  EXPECT_TRUE(has(down("Content-Length: 9\r\n", c), "Content-Length: 7"));
  EXPECT_TRUE(has(down("", c), "Connection: keep-alive"));
  c = {};
  c.pass_length = true;
  EXPECT_TRUE(has(down("Content-Length: 9\r\n", c), "Content-Length: 9"));
  c = {};
  EXPECT_TRUE(has(down("", c), "Content-Length: 0"));
  EXPECT_FALSE(has(down("", c, "204 No Content"), "Content-Length: 0"));
}

TEST(downstream, encoding_changes_what_belongs_to_the_bytes) {
  downstream_context c;
  c.body = {http1::body_kind::chunked, 0};
  c.coding = "br";
  const auto head = down(
      "ETag: \"x\"\r\nContent-Length: 9\r\nContent-MD5: m\r\nAccept-Ranges: bytes\r\nVary: "
      "Origin\r\n",
      c);
  EXPECT_TRUE(has(head, "ETag: \"x-br\""));
  EXPECT_TRUE(has(head, "Content-Encoding: br"));
  EXPECT_TRUE(has(head, "Vary: Origin"));
  EXPECT_TRUE(has(head, "Vary: Accept-Encoding"));
  EXPECT_FALSE(has(head, "Content-MD5: m"));
  EXPECT_FALSE(has(head, "Accept-Ranges: bytes"));
  EXPECT_EQ(down("Vary: accept-encoding\r\n", c).find("Vary: Accept"), std::string::npos);
}

TEST(downstream, a_part_of_a_200_is_a_206_without_the_digest_of_the_whole_content) {
  downstream_context c;
  c.partial = true;
  c.body = {http1::body_kind::length, 5};
  c.extra_fields = "Content-Range: bytes 0-4/10\r\n";
  const auto head = down(
      "Content-Length: 10\r\nContent-Range: bytes 0-9/10\r\nContent-Digest: sha-256=:x:\r\n"
      "Content-MD5: m\r\nRepr-Digest: sha-256=:y:\r\nETag: \"1\"\r\n",
      c);
  EXPECT_TRUE(head.starts_with("HTTP/1.1 206 Partial Content\r\n"));
  EXPECT_TRUE(has(head, "Content-Length: 5"));
  EXPECT_TRUE(has(head, "Content-Range: bytes 0-4/10"));
  EXPECT_TRUE(has(head, "Repr-Digest: sha-256=:y:"));
  EXPECT_TRUE(has(head, "ETag: \"1\""));
  for (const auto* gone : {"Content-Length: 10", "Content-Range: bytes 0-9/10",
                           "Content-Digest: sha-256=:x:", "Content-MD5: m"})
    EXPECT_FALSE(has(head, gone)) << gone;
}

TEST(downstream, interim_and_upgrade) {
  downstream_context c;
  c.interim = true;
  c.tell_via = false;
  EXPECT_EQ(down("Link: </a>\r\n", c, "103 Early Hints"),
            "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  c = {};
  c.upgrade = true;
  const auto head =
      down("Connection: upgrade\r\nUpgrade: websocket\r\n", c, "101 Switching Protocols");
  EXPECT_TRUE(has(head, "Connection: upgrade"));
  EXPECT_TRUE(has(head, "Upgrade: websocket"));
}

}  // namespace
}  // namespace fairing::http
