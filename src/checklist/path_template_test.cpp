#include "checklist/path_template.hpp"

#include <gtest/gtest.h>

#include <random>

namespace fairing::checklist {
namespace {

std::string templated(std::string_view path) {
  template_buffer buffer;
  return std::string(path_template(path, buffer));
}

TEST(path_template, keeps_names_and_hides_values) {
  EXPECT_EQ(templated("/"), "/");
  EXPECT_EQ(templated("/api/products"), "/api/products");
  EXPECT_EQ(templated("/api/products/"), "/api/products");
  EXPECT_EQ(templated("//api///products"), "/api/products");
  EXPECT_EQ(templated("/api/products/123"), "/api/products/{id}");
  EXPECT_EQ(templated("/api/v2/users/7/orders/9"), "/api/v2/users/{id}/orders/{id}");
  EXPECT_EQ(templated("/u/6fa459ea-ee8a-3ca4-894e-db77e160355e"), "/u/{id}");
  EXPECT_EQ(templated("/c/deadbeef01"), "/c/{id}");
  EXPECT_EQ(templated("/p/sku-10042"), "/p/{id}");
  EXPECT_EQ(templated("/t/eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"), "/t/{id}");
  EXPECT_EQ(templated("/oauth2/authorize"), "/oauth2/authorize");
  EXPECT_EQ(templated("/a/caf%C3%A9"), "/a/{id}");
  EXPECT_EQ(templated("/a/\xff\"}"), "/a/{id}");
  EXPECT_EQ(templated("/a/*/b"), "/a/{id}/b");
}

TEST(path_template, files_are_told_by_kind) {
  EXPECT_EQ(templated("/static/app.9f3c11.js"), "/static/*.js");
  EXPECT_EQ(templated("/favicon.ico"), "/*.ico");
  EXPECT_EQ(templated("/v1.2/x"), "/v1.2/x");
}

TEST(path_template, is_bounded) {
  EXPECT_EQ(templated("/a/b/c/d/e/f/g/h"), "/a/b/c/d/e/f/g/h");
  EXPECT_EQ(templated("/a/b/c/d/e/f/g/h/i/j"), "/a/b/c/d/e/f/g/h/{rest}");
  const std::string long_name(max_plain_segment, 'x');
  std::string path;
  for (int i = 0; i < 20; ++i) path += "/" + long_name;
  EXPECT_LE(templated(path).size(), template_buffer{}.size());
  EXPECT_EQ(templated("*"), "(none)");
  EXPECT_EQ(templated(""), "(none)");
}

TEST(path_template, any_bytes_give_plain_text) {
  std::mt19937 random(3);
  for (int round = 0; round < 20000; ++round) {
    std::string path = "/";
    for (auto n = random() % 300; n > 0; --n)
      path += random() % 6 == 0 ? '/' : static_cast<char>(random());
    const auto t = templated(path);
    ASSERT_LE(t.size(), template_buffer{}.size());
    for (char c : t) ASSERT_TRUE(c > ' ' && c < 0x7f && c != '"' && c != '\\') << t;
  }
}

TEST(path_template, becomes_a_route) {
  EXPECT_EQ(match_of("/api/users/{id}/orders/{id}"), "/api/users/*/orders/*");
  EXPECT_EQ(match_of("/a/b/{rest}"), "/a/b/**");
  EXPECT_EQ(match_of("/static/*.js"), "/static/*.js");
}

TEST(path_template, login_like) {
  for (const char* path :
       {"/login", "/api/Login", "/sign-in", "/users/sign_in", "/oauth/token", "/password/reset",
        "/forgot-password", "/otp", "/verify-otp", "/otp/7", "/auth/otp.json", "/tokens"})
    EXPECT_TRUE(is_login_like(path)) << path;
  for (const char* path : {"/", "/api/orders", "/hotplug", "/signal/index", "/log/in", "/adopt",
                           "/otps", "/blog/inbox"})
    EXPECT_FALSE(is_login_like(path)) << path;
}

}  // namespace
}  // namespace fairing::checklist
