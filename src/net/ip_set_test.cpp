#include "net/ip_set.hpp"

#include <gtest/gtest.h>

namespace fairing::net {
namespace {

ip_set set_of(std::vector<std::string> entries) { return *ip_set::parse(entries); }

TEST(ip_address, reads_and_writes_both_families) {
  for (const auto* text : {"127.0.0.1", "10.1.2.3", "::1", "2001:db8::5"})
    EXPECT_EQ(ip_address::parse(text)->text(), text);
  for (const auto* text : {"", "1.2.3", "1.2.3.4.5", "localhost", "::g", "1.2.3.4 "})
    EXPECT_FALSE(ip_address::parse(text)) << text;
}

TEST(ip_address, a_mapped_address_is_the_ipv4_one) {
  EXPECT_EQ(*ip_address::parse("::ffff:10.0.0.1"), *ip_address::parse("10.0.0.1"));
}

TEST(ip_set, contains_by_prefix) {
  const auto set = set_of({"127.0.0.0/8", "10.20.0.0/15", "2001:db8::/33", "192.0.2.7"});
  for (const auto* in : {"127.0.0.1", "127.255.255.255", "10.20.0.1", "10.21.255.255", "192.0.2.7",
                         "2001:db8:7fff::1", "::ffff:127.0.0.1"})
    EXPECT_TRUE(set.contains(*ip_address::parse(in))) << in;
  for (const auto* out :
       {"128.0.0.1", "10.22.0.0", "10.19.255.255", "192.0.2.8", "2001:db8:8000::", "::1"})
    EXPECT_FALSE(set.contains(*ip_address::parse(out))) << out;
}

TEST(ip_set, zero_bits_is_everything_of_its_family) {
  const auto set = set_of({"0.0.0.0/0"});
  EXPECT_TRUE(set.contains(*ip_address::parse("8.8.8.8")));
  EXPECT_FALSE(set.contains(*ip_address::parse("2001:db8::1")));
}

TEST(ip_set, refuses_what_is_no_network) {
  for (const auto* bad : {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "host/8", "/8"})
    EXPECT_FALSE(ip_set::parse(std::vector<std::string>{bad})) << bad;
}

}  // namespace
}  // namespace fairing::net
