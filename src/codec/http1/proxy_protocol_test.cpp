#include "codec/http1/proxy_protocol.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fairing::codec::http1 {
namespace {

using namespace std::string_literals;

const auto signature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string v2(unsigned char command, unsigned char family, const std::string& payload) {
  return signature + static_cast<char>(command) + static_cast<char>(family) +
         static_cast<char>(payload.size() >> 8) + static_cast<char>(payload.size() & 255) + payload;
}

parse_status status_of(const std::string& text) {
  proxy_header out;
  const auto whole = parse_proxy(text, out);
  auto last = parse_status::need_more;
  for (std::size_t n = 0; n <= text.size() && last == parse_status::need_more; ++n)
    last = parse_proxy(std::string_view(text).substr(0, n), out);
  EXPECT_EQ(last, whole) << text;
  return whole;
}

TEST(proxy_protocol, reads_version_1) {
  const auto line = "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n"s;
  proxy_header out;
  ASSERT_EQ(parse_proxy(line + "GET / HTTP/1.1\r\n", out), parse_status::complete);
  EXPECT_EQ(out.size, line.size());
  EXPECT_EQ(out.version, 1);
  EXPECT_TRUE(out.proxied);
  EXPECT_EQ(out.source_address, "192.0.2.1");
  EXPECT_EQ(out.destination_address, "198.51.100.7");
  EXPECT_EQ(out.source_port, 56324);
  EXPECT_EQ(out.destination_port, 443);
  ASSERT_EQ(parse_proxy("PROXY TCP6 2001:0DB8:0:0::1 ::1 1 65535\r\n", out),
            parse_status::complete);
  EXPECT_EQ(out.source_address, "2001:db8::1");
  for (const auto* unknown : {"PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff::1 x 1 2\r\n"}) {
    ASSERT_EQ(parse_proxy(unknown, out), parse_status::complete);
    EXPECT_FALSE(out.proxied);
    EXPECT_EQ(out.source_address, "");
  }
}

TEST(proxy_protocol, refuses_a_bad_version_1) {
  for (const auto* text :
       {"GET / HTTP/1.1\r\n", "proxy TCP4", "PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n",
        "PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
        "PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n",
        "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\rX",
        "PROXY UNKNOWNX\r\n", "PROXY \r\n", "\x16\x03\x01"})
    EXPECT_EQ(status_of(text), parse_status::error) << text;
  EXPECT_EQ(status_of("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n"), parse_status::complete);
  EXPECT_EQ(status_of("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"), parse_status::error);
  EXPECT_EQ(status_of("PROXY TCP4 1.2.3.4"), parse_status::need_more);
  EXPECT_EQ(status_of(""), parse_status::need_more);
}

TEST(proxy_protocol, reads_version_2) {
  const auto v4 = v2(0x21, 0x11, "\xc0\0\2\1\xc6\x33\x64\7\xdc\4\1\xbb"s);
  proxy_header out;
  ASSERT_EQ(parse_proxy(v4 + "GET", out), parse_status::complete);
  EXPECT_EQ(status_of(v4), parse_status::complete);
  EXPECT_EQ(out.size, 28U);
  EXPECT_EQ(out.version, 2);
  EXPECT_TRUE(out.proxied);
  EXPECT_EQ(out.source_address, "192.0.2.1");
  EXPECT_EQ(out.destination_address, "198.51.100.7");
  EXPECT_EQ(out.source_port, 56324);
  EXPECT_EQ(out.destination_port, 443);
  const auto v6 =
      v2(0x21, 0x21,
         std::string(15, '\0') + '\1' + std::string(16, '\xff') + "\0\1\0\2"s + "\x20\0\3abc"s);
  ASSERT_EQ(parse_proxy(v6, out), parse_status::complete);
  EXPECT_EQ(out.source_address, "::1");
  EXPECT_EQ(out.destination_port, 2);
  EXPECT_EQ(out.size, v6.size());
  for (const auto& local : {v2(0x20, 0x00, ""), v2(0x20, 0x11, "junk"), v2(0x21, 0x00, "x"),
                            v2(0x21, 0x31, std::string(216, 'x'))}) {
    ASSERT_EQ(parse_proxy(local, out), parse_status::complete);
    EXPECT_FALSE(out.proxied);
    EXPECT_EQ(out.size, local.size());
  }
}

TEST(proxy_protocol, refuses_a_bad_version_2) {
  EXPECT_EQ(status_of(v2(0x11, 0x11, std::string(12, 'x'))), parse_status::error);
  EXPECT_EQ(status_of(v2(0x22, 0x11, std::string(12, 'x'))), parse_status::error);
  EXPECT_EQ(status_of(v2(0x21, 0x12, std::string(12, 'x'))), parse_status::error);
  EXPECT_EQ(status_of(v2(0x21, 0x41, std::string(12, 'x'))), parse_status::error);
  EXPECT_EQ(status_of(v2(0x21, 0x11, std::string(11, 'x'))), parse_status::error);
  EXPECT_EQ(status_of(v2(0x21, 0x21, std::string(35, 'x'))), parse_status::error);
  EXPECT_EQ(status_of(v2(0x21, 0x11, std::string(537, 'x'))), parse_status::error);
  EXPECT_EQ(status_of(v2(0x21, 0x11, std::string(536, 'x'))), parse_status::complete);
  EXPECT_EQ(status_of(signature), parse_status::need_more);
  EXPECT_EQ(status_of("\r\n\r\nGET"), parse_status::error);
}

}  // namespace
}  // namespace fairing::codec::http1
