#include "codec/scram/saslprep.hpp"

#include <gtest/gtest.h>

#include <string>

#include "codec/scram/keys.hpp"

namespace fairing::codec::scram {
namespace {

using namespace std::string_literals;

TEST(saslprep, follows_rfc_4013) {
  EXPECT_EQ(saslprep("I\u00adX"), "IX");
  EXPECT_EQ(saslprep("user"), "user");
  EXPECT_EQ(saslprep("USER"), "USER");
  EXPECT_EQ(saslprep("\u00aa"), "a");
  EXPECT_EQ(saslprep("\u2168"), "IX");
  EXPECT_EQ(saslprep("e\u0301"), "\u00e9");
  EXPECT_EQ(saslprep("a\u00a0b"), "a b");
  EXPECT_GT(saslprep("\ufdfa").size(), 30U);
}

TEST(saslprep, keeps_the_bytes_where_postgresql_does) {
  for (const auto& text :
       {""s, "\x07 ascii is never looked at"s, "\u00e9\x07"s /* control beside others */,
        "\u06271"s /* right to left, but a digit last */, "a\u0221b"s /* unassigned in 3.2 */,
        "x\u0340y"s /* prohibited, though NFKC would change it */, "\u00ad"s /* nothing left */,
        "caf\xe9"s /* latin1 */, "\xc0\xaf"s /* overlong */, "\xed\xa0\x80"s /* surrogate */,
        "\u00aa\0b"s, "\u00aa\xf0\x9f"s /* cut short */})
    EXPECT_EQ(saslprep(text), text);
}

// Secrets that PostgreSQL 15 made of these passwords.
TEST(saslprep, agrees_with_postgresql) {
  const struct {
    const char* password;
    const char* secret;
  } rows[] = {
      {"p\u00e9\u00aa\u2168 \ufdfa",
       "SCRAM-SHA-256$4096:dvHBSfYKbaVpKggl+SHvNQ==$ZQYy78UN0wFHV7BHXNV5h0wR4SNxXAYya9fUYjd+shc=:"
       "KVBcSgLr7BXNUaSUa0uyxJv4Zys8GmKoheVXzPyxPTU="},
      {"x\u0340y",
       "SCRAM-SHA-256$4096:XkrwHndY4z/kXhta4cA3AQ==$zDOZ93CAehCncAP42uC8FNuf0p+BhUtbUfiXt2yRxWQ=:"
       "B19mPANZ1Sy3513JP6UfCEzw8SxLNaM8PGWHFCdX5p8="},
      {"a\u00a0b\u00ad",
       "SCRAM-SHA-256$4096:tvca98RtWcAv7B0WwJIZEw==$ti7dFBT1OwS8OjRyrr9RAkLo3c9MBrZxgzzJBaNgUpo=:"
       "Xz1ps9p3miDuWZGUG53abdhHINM2FcZoggKRg3X+Rgk="},
      {"a\u0221b",
       "SCRAM-SHA-256$4096:ip3gHrE4HfoXpXSvnDb58g==$etI3Z37d6GDIqsWGHM17V4llCNboh1BK9L0kCOQm3PM=:"
       "XbONQiHjG4KPM3YGKHyj3eY0JSfFVqqZjyEZ6b1VhR8="},
      {"\u06271",
       "SCRAM-SHA-256$4096:F35HoqO1MPDSpHjRaD8snQ==$+9Ym7t9DmcmOSb9SNAQqwiKrRBJsG9FMIceOgaArNy4=:"
       "rMmGDXtKrrxB/KFF7M9ThTCWIK+/H7LCb/EuLUcbDrk="},
  };
  for (const auto& row : rows) {
    const auto secret = parse_secret(row.secret);
    ASSERT_TRUE(secret) << secret.error().message();
    EXPECT_TRUE(verify_password(*secret, row.password)) << row.password;
  }
}

}  // namespace
}  // namespace fairing::codec::scram
