#include "codec/scram/md5.hpp"

#include <gtest/gtest.h>

#include <string>

#include "codec/scram/keys.hpp"

namespace fairing::codec::scram {
namespace {

using namespace std::string_literals;

// An exchange of libpq and PostgreSQL 15, and what pg_authid held.
const auto secret_text = "md52aea419619857e8a27f0f7aa641db0c6"s;
const auto salt = "\x94R\xcb\xbe"s;
const auto response_text = "md568426392b65b76a3a54028e5ea08c52e"s;

TEST(md5, answers_as_libpq) {
  const auto secret = md5_secret("md5user", "secret");
  ASSERT_TRUE(secret);
  EXPECT_EQ(*secret, secret_text);
  const auto response = md5_response(*secret, salt);
  ASSERT_TRUE(response);
  EXPECT_EQ(*response, response_text);
}

TEST(md5, verifies_exactly) {
  EXPECT_TRUE(md5_verify(secret_text, salt, response_text));
  EXPECT_FALSE(md5_verify(secret_text, "abcd", response_text));
  EXPECT_FALSE(md5_verify(secret_text, "abc", response_text));
  EXPECT_FALSE(md5_verify("md5", salt, response_text));
  EXPECT_FALSE(md5_verify(secret_text, salt, secret_text));
  EXPECT_FALSE(md5_verify(secret_text, salt, ""));
  EXPECT_FALSE(md5_verify(secret_text, salt, response_text + "\0"s));
  EXPECT_FALSE(md5_verify(secret_text, salt, std::string(1 << 20, 'm')));
}

TEST(md5, refuses_what_is_no_secret) {
  EXPECT_TRUE(is_md5_secret(secret_text));
  EXPECT_FALSE(is_md5_secret("md52AEA419619857e8a27f0f7aa641db0c6"));
  EXPECT_FALSE(is_md5_secret(secret_text + "0"));
  EXPECT_FALSE(is_md5_secret(""));
  EXPECT_EQ(md5_response("plain", salt).error().code, errc::bad_secret);
  EXPECT_EQ(md5_response(secret_text, "").error().code, errc::bad_salt);
  EXPECT_EQ(md5_secret("user", "").error().code, errc::bad_password);
}

}  // namespace
}  // namespace fairing::codec::scram
