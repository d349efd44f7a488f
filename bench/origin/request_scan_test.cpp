#include "bench/origin/request_scan.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fairing::bench {
namespace {

TEST(request_scan, reads_what_the_origin_needs) {
  const std::string_view wire =
      "POST /slow/a?x=1&ms=250 HTTP/1.1\r\nHost: h\r\naccept-ENCODING: br, gzip\r\n"
      "Content-Length:  12\r\nConnection: close\r\n\r\nhello, world";
  scanned_request request;
  ASSERT_EQ(scan(wire, request), scan_result::ready);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/slow/a");
  EXPECT_EQ(query_number(request.query, "ms", 0), 250U);
  EXPECT_EQ(query_number(request.query, "none", 7), 7U);
  EXPECT_EQ(request.body_size, 12U);
  EXPECT_EQ(request.size + 12, wire.size());
  EXPECT_TRUE(request.gzip);
  EXPECT_TRUE(request.close);
}

TEST(request_scan, waits_for_the_whole_head) {
  const std::string_view wire = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  scanned_request request;
  for (std::size_t n = 0; n < wire.size(); ++n) {
    EXPECT_EQ(scan(wire.substr(0, n), request), scan_result::incomplete) << n;
  }
  EXPECT_EQ(scan(wire, request), scan_result::ready);
  EXPECT_FALSE(request.gzip);
  EXPECT_FALSE(request.close);
}

TEST(request_scan, refuses_what_it_does_not_answer) {
  scanned_request request;
  for (const std::string_view wire : {"GET\r\n\r\n", "GET /\r\n\r\n", "GET x HTTP/1.1\r\n\r\n",
                                      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"}) {
    EXPECT_EQ(scan(wire, request), scan_result::bad) << wire;
  }
  EXPECT_EQ(scan(std::string(head_limit + 1, 'x'), request), scan_result::bad);
}

}  // namespace
}  // namespace fairing::bench
