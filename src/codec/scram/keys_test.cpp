#include "codec/scram/keys.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fairing::codec::scram {
namespace {

using namespace std::string_literals;

// PostgreSQL 15: create role alice password 'secret'.
const auto alice =
    "SCRAM-SHA-256$4096:RmlL7xg5HHr/WGeJZc03yA==$kt2scm00Oud11WlsojdZM/VkSoRbIh5JSzVC0VRg5zg=:"
    "tf5lZHI/5h627Hx3qVc/KQ7JgB950EHTdAeMO+N1m7M="s;

TEST(keys, reads_and_writes_postgresqls_secret) {
  const auto secret = parse_secret(alice);
  ASSERT_TRUE(secret) << secret.error().message();
  EXPECT_EQ(secret->iterations, 4096U);
  EXPECT_EQ(secret->salt.size(), 16U);
  EXPECT_FALSE(secret->mock);
  EXPECT_EQ(secret->to_text(), alice);
  EXPECT_TRUE(verify_password(*secret, "secret"));
  EXPECT_FALSE(verify_password(*secret, "Secret"));
  EXPECT_FALSE(verify_password(*secret, ""));
}

TEST(keys, makes_the_same_secret_from_the_same_salt) {
  const auto known = parse_secret(alice);
  ASSERT_TRUE(known);
  const auto made = make_secret("secret", known->salt, known->iterations);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->to_text(), alice);
  const auto one = make_secret("secret", {}, 1);
  const auto two = make_secret("secret", {}, 1);
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->salt.size(), default_salt_bytes);
  EXPECT_NE(one->to_text(), two->to_text());
  EXPECT_TRUE(verify_password(*one, "secret"));
  EXPECT_TRUE(verify_password(*two, "secret"));
}

TEST(keys, keys_belong_to_one_salt_and_count) {
  const auto keys = derive_keys("pencil", "0123456789abcdef", 2);
  ASSERT_TRUE(keys);
  EXPECT_TRUE(keys->fits("0123456789abcdef", 2));
  EXPECT_FALSE(keys->fits("0123456789abcdef", 3));
  EXPECT_FALSE(keys->fits("0123456789abcdeF", 2));
  const auto secret = secret_of(*keys);
  ASSERT_TRUE(secret);
  EXPECT_TRUE(verify_password(*secret, "pencil"));
}

TEST(keys, refuses_what_is_out_of_bounds) {
  const auto code = [](std::string_view password, std::string_view salt, std::uint32_t count) {
    const auto keys = derive_keys(password, salt, count);
    return keys ? std::error_code{} : keys.error().code;
  };
  EXPECT_EQ(code("", "salt", 1), errc::bad_password);
  EXPECT_EQ(code(std::string(max_password_bytes + 1, 'x'), "salt", 1), errc::bad_password);
  EXPECT_EQ(code("x", std::string(max_salt_bytes + 1, 's'), 1), errc::bad_salt);
  EXPECT_EQ(code("x", "salt", 0), errc::bad_iterations);
  EXPECT_EQ(code("x", "salt", max_iterations + 1), errc::bad_iterations);
  EXPECT_EQ(code(std::string(max_password_bytes, 'x'), "s", 1), std::error_code{});
}

TEST(keys, refuses_every_other_text) {
  const auto stored = "kt2scm00Oud11WlsojdZM/VkSoRbIh5JSzVC0VRg5zg="s;
  const auto server = "tf5lZHI/5h627Hx3qVc/KQ7JgB950EHTdAeMO+N1m7M="s;
  const auto tail = "$" + stored + ":" + server;
  const auto salt = "RmlL7xg5HHr/WGeJZc03yA=="s;
  for (const auto& text : {""s,
                           "secret"s,
                           "SCRAM-SHA-256"s,
                           "SCRAM-SHA-256$"s,
                           "scram-sha-256$4096:" + salt + tail,
                           "SCRAM-SHA-1$4096:" + salt + tail,
                           "SCRAM-SHA-256$:" + salt + tail,
                           "SCRAM-SHA-256$0:" + salt + tail,
                           "SCRAM-SHA-256$04096:" + salt + tail,
                           "SCRAM-SHA-256$+1:" + salt + tail,
                           "SCRAM-SHA-256$-1:" + salt + tail,
                           "SCRAM-SHA-256$10000001:" + salt + tail,
                           "SCRAM-SHA-256$99999999999999999999:" + salt + tail,
                           "SCRAM-SHA-256$4096" + tail,
                           "SCRAM-SHA-256$4096:" + tail,
                           "SCRAM-SHA-256$4096:!!==" + tail,
                           "SCRAM-SHA-256$4096:" + std::string(400, 'A') + tail,
                           "SCRAM-SHA-256$4096:" + salt,
                           "SCRAM-SHA-256$4096:" + salt + "$" + stored,
                           "SCRAM-SHA-256$4096:" + salt + "$" + stored + ":",
                           "SCRAM-SHA-256$4096:" + salt + "$:" + server,
                           "SCRAM-SHA-256$4096:" + salt + "$" + stored + ":AAAA",
                           "SCRAM-SHA-256$4096:" + salt + "$AAAA:" + server,
                           alice + " ",
                           " " + alice,
                           alice + "\n",
                           alice + ":" + server,
                           alice + "$x",
                           alice + "\0"s,
                           alice.substr(0, alice.size() - 1)}) {
    const auto secret = parse_secret(text);
    ASSERT_FALSE(secret) << text;
    EXPECT_EQ(secret.error().code, errc::bad_secret);
    EXPECT_EQ(secret.error().message().find(stored), std::string::npos) << "the detail tells keys";
  }
  EXPECT_TRUE(parse_secret("SCRAM-SHA-256$10000000:" + salt + tail));
}

TEST(keys, a_mock_secret_is_a_function_of_the_name) {
  const auto one = mock_secret("process", "nobody");
  const auto again = mock_secret("process", "nobody");
  const auto other = mock_secret("process", "somebody");
  const auto elsewhere = mock_secret("another process", "nobody");
  ASSERT_TRUE(one && again && other && elsewhere);
  EXPECT_EQ(one->salt, again->salt);
  EXPECT_NE(one->salt, other->salt);
  EXPECT_NE(one->salt, elsewhere->salt);
  EXPECT_EQ(one->salt.size(), default_salt_bytes);
  EXPECT_EQ(one->iterations, default_iterations);
  EXPECT_TRUE(one->mock);
  EXPECT_FALSE(verify_password(*one, "secret"));
}

TEST(keys, tells_what_a_configured_text_is) {
  EXPECT_EQ(kind_of(alice), secret_kind::scram);
  EXPECT_EQ(kind_of("md52aea419619857e8a27f0f7aa641db0c6"), secret_kind::md5);
  EXPECT_EQ(kind_of("md52aea419619857e8a27f0f7aa641db0c"), secret_kind::plain);
  EXPECT_EQ(kind_of("SCRAM-SHA-256$4096:"), secret_kind::plain);
  EXPECT_EQ(kind_of(""), secret_kind::plain);
}

TEST(errors, have_a_sentence_and_a_sqlstate_each) {
  for (int value = 0; value <= static_cast<int>(errc::crypto_failure); ++value) {
    const auto e = static_cast<errc>(value);
    EXPECT_NE(make_error_code(e).message(), "unknown error") << value;
    EXPECT_EQ(sqlstate_for(e).size(), 5U);
  }
  EXPECT_EQ(sqlstate_for(errc::bad_proof), "28P01");
  EXPECT_EQ(sqlstate_for(errc::malformed_message), "08P01");
  EXPECT_EQ(sqlstate_for(errc::mandatory_extension), "0A000");
  EXPECT_EQ(sqlstate_for(errc::channel_binding_mismatch), "28000");
  EXPECT_EQ(make_error_code(errc::ok).category().name(), std::string("scram"));
}

}  // namespace
}  // namespace fairing::codec::scram
