#include "crypto/crypto.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fairing::crypto {
namespace {

using namespace std::string_literals;

TEST(crypto, base64_goes_both_ways) {
  const struct {
    std::string bytes;
    const char* text;
  } rows[] = {{"", ""},
              {"f", "Zg=="},
              {"fo", "Zm8="},
              {"foo", "Zm9v"},
              {"foob", "Zm9vYg=="},
              {"fooba", "Zm9vYmE="},
              {"\xff\xfe\xfd", "//79"},
              {"\0"s, "AA=="}};
  for (const auto& row : rows) {
    EXPECT_EQ(base64_encode(row.bytes), row.text);
    EXPECT_EQ(base64_decode(row.text, 8), row.bytes) << row.text;
  }
}

TEST(crypto, base64_is_strict) {
  for (const auto& text : {"Zg"s, "Zg="s, "Zg==="s, "Zh=="s, "Zm9="s, "Zg==Zg=="s, "Z==="s, "===="s,
                           "Zm9v\n"s, " Zm9v"s, "Zm9\0"s, "Zm-_"s, "Zm9\xff"s, "=m9v"s})
    EXPECT_EQ(base64_decode(text, 100), std::nullopt) << text;
  EXPECT_EQ(base64_decode("Zm9v", 2), std::nullopt);
  EXPECT_EQ(base64_decode("Zm8=", 2), "fo");
  EXPECT_EQ(base64_decode(std::string(1 << 20, 'A'), 32), std::nullopt);
}

TEST(crypto, hmac_and_hash_are_the_published_ones) {
  key out;
  ASSERT_TRUE(sha256("abc", out));  // FIPS 180-4
  EXPECT_EQ(base64_encode(out.view()), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  ASSERT_TRUE(hmac_sha256("Jefe", "what do ya want for nothing?", out));  // RFC 4231
  EXPECT_EQ(base64_encode(out.view()), "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=");
  key empty;
  EXPECT_TRUE(hmac_sha256("", "", empty));
  ASSERT_TRUE(pbkdf2_sha256("passwd", "salt", 1, out));  // RFC 7914
  EXPECT_EQ(base64_encode(out.view()).substr(0, 8), "VawEblbj");
}

TEST(crypto, compares_and_wipes) {
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_FALSE(constant_time_equal("abc", "abd"));
  EXPECT_FALSE(constant_time_equal("abc", "abcd"));
  auto k = key::from(std::string(32, 'x'));
  ASSERT_TRUE(k.has_value());
  k->wipe();
  EXPECT_EQ(k->view(), std::string(32, '\0'));
  EXPECT_FALSE(key::from("short").has_value());
  std::string text = "a secret that is too long for the string's own bytes";
  const char* start = text.data();
  wipe(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(start[1], '\0');
  const auto one = random_bytes(18);
  const auto two = random_bytes(18);
  ASSERT_TRUE(one && two);
  EXPECT_NE(*one, *two);
}

}  // namespace
}  // namespace fairing::crypto
