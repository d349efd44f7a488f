// endpoint: what is read as a literal address, and how it is written.
#include "net/endpoint.hpp"

#include <gtest/gtest.h>

namespace fairing::net {
namespace {

std::string round_trip(const std::string& address) {
  const auto e = endpoint::parse(address, 8080);
  return e ? e->text() : "none";
}

TEST(endpoint, literal_addresses_are_read_and_written) {
  EXPECT_EQ(round_trip("127.0.0.1"), "127.0.0.1:8080");
  EXPECT_EQ(round_trip("::1"), "[::1]:8080");
  EXPECT_EQ(round_trip("2001:DB8:0::7"), "[2001:db8::7]:8080");
  EXPECT_EQ(round_trip("fe80::1%lo"), "[fe80::1%lo]:8080");
  EXPECT_EQ(round_trip("fe80::1%987654"), "[fe80::1%987654]:8080");
}

TEST(endpoint, what_is_no_literal_address_is_left_to_the_resolver) {
  for (const auto* text : {"", "localhost", "127.1", "1.2.3.4.5", "[::1]", "::1%",
                           "fe80::1%none such", "::1::", "127.0.0.1 "})
    EXPECT_EQ(round_trip(text), "none") << text;
}

TEST(endpoint, loopback_and_paths) {
  EXPECT_EQ(endpoint::loopback_v4(80).text(), "127.0.0.1:80");
  EXPECT_EQ(endpoint::loopback_v6(443).text(), "[::1]:443");
  EXPECT_EQ(endpoint::unix_socket("/run/x.sock").text(), "unix:/run/x.sock");
  const std::string longest(endpoint::max_path, 'p');
  EXPECT_EQ(endpoint::unix_socket(longest).text(), "unix:" + longest);
}

TEST(endpoint, what_the_kernel_gave_is_taken_if_it_is_whole) {
  const auto four = endpoint::loopback_v4(7);
  ASSERT_TRUE(endpoint::from(four.data(), four.size()));
  EXPECT_EQ(endpoint::from(four.data(), four.size())->text(), "127.0.0.1:7");
  EXPECT_FALSE(endpoint::from(four.data(), four.size() - 1));
  EXPECT_FALSE(endpoint::from(four.data(), 1));
  EXPECT_FALSE(endpoint::from(nullptr, 16));
  sockaddr other{};
  other.sa_family = AF_PACKET;
  EXPECT_FALSE(endpoint::from(&other, sizeof other));
}

}  // namespace
}  // namespace fairing::net
