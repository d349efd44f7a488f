// Checksums against values of other implementations (npm aws-md5-of-message-attributes, Python's hashlib).
#include "codec/sqs/digest.hpp"

#include <gtest/gtest.h>

namespace fairing::codec::sqs {
namespace {

TEST(digest, of_bodies) {
  EXPECT_EQ(md5_hex(""), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(md5_hex("hello & <w\u00F6rld>"), "7144d9876f7c481c155fb0ace5dc9434");
}

TEST(digest, of_attributes) {
  const std::vector<message_attribute> two{{"a", "Number.int", "7"},
                                           {"b", "Binary", std::string("\x00\xff", 2)}};
  EXPECT_EQ(md5_of_attributes(two), "232c400c9d62537ab7cee767e5419dfd");
  const std::vector<message_attribute> one{{"timestamp", "Number", "1493147359900"}};
  EXPECT_EQ(md5_of_attributes(one), "235c5c510d26fb653d073faed50ae77c");
  EXPECT_EQ(md5_of_attributes({}), "");
}

TEST(digest, of_the_trace_header) {
  EXPECT_EQ(md5_of_trace_header("Root=1-5759e988-bd862e3fe1be46a994272793"),
            "62a56dd927315f2b2e12832b84617ea5");
  EXPECT_EQ(md5_of_trace_header(""), "");
}

TEST(digest, content_based_deduplication) {
  EXPECT_EQ(sha256_hex("This is my body"),
            "89110d59c97432b08646d09dcded997ba18dac1de655c4913443d6df07a44c08");
}

TEST(digest, sequence_numbers_have_20_digits) {
  EXPECT_EQ(sequence_number(0), "00000000000000000000");
  EXPECT_EQ(sequence_number(1234567), "00000000000001234567");
  EXPECT_EQ(sequence_number(UINT64_MAX), "18446744073709551615");
}

}  // namespace
}  // namespace fairing::codec::sqs
