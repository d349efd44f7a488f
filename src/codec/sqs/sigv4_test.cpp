// AWS's published vectors (aws-sig-v4-test-suite, service "service", us-east-1, 2015-08-30) and what is refused.
#include "codec/sqs/sigv4.hpp"

#include <gtest/gtest.h>

#include "codec/sqs/canonical.hpp"

namespace fairing::codec::sqs {
namespace {

using headers = std::vector<std::pair<std::string_view, std::string_view>>;
constexpr std::int64_t then_s = 1'440'938'160;  // 2015-08-30T12:36:00Z
constexpr std::string_view start =
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ";

const verifier& suite() {
  static const verifier v({{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}}, "service");
  return v;
}

struct vector {
  std::string_view name;
  std::string_view method;
  std::string_view path;
  std::string_view query;
  headers also;
  std::string_view names;
  std::string_view signature;
};

const std::vector<vector> published{
    {"get-vanilla",
     "GET",
     "/",
     "",
     {},
     "host;x-amz-date",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/",
     "Param2=value2&Param1=value1",
     {},
     "host;x-amz-date",
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"post-vanilla",
     "POST",
     "/",
     "",
     {},
     "host;x-amz-date",
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"get-header-value-trim",
     "GET",
     "/",
     "",
     {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
     "host;my-header1;my-header2;x-amz-date",
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-relative",
     "GET",
     "/example/..",
     "",
     {},
     "host;x-amz-date",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-slashes",
     "GET",
     "//example//",
     "",
     {},
     "host;x-amz-date",
     "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
    {"get-slash-dot-slash",
     "GET",
     "/./",
     "",
     {},
     "host;x-amz-date",
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-utf8",
     "GET",
     "/\u1234",
     "",
     {},
     "host;x-amz-date",
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-space",
     "GET",
     "/example space/",
     "",
     {},
     "host;x-amz-date",
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
};

TEST(sigv4, the_suite) {
  for (const auto& v : published) {
    const std::string authorization = std::string(start) + "SignedHeaders=" + std::string(v.names) +
                                      ", Signature=" + std::string(v.signature);
    headers h{{"Host", "example.amazonaws.com"},
              {"X-Amz-Date", "20150830T123600Z"},
              {"Authorization", authorization}};
    h.insert(h.end(), v.also.begin(), v.also.end());
    const auto who = suite().verify(
        {.method = v.method, .path = v.path, .query = v.query, .headers = h, .body = ""}, then_s);
    EXPECT_TRUE(who) << v.name << ": " << (who ? "" : who.error().message());
  }
}

const std::string good =
    std::string(start) +
    "SignedHeaders=host;x-amz-date, "
    "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";

result<std::string> verify(headers h, std::int64_t at = then_s, std::string_view query = "") {
  return suite().verify({.method = "GET", .path = "/", .query = query, .headers = h, .body = ""},
                        at);
}

headers with(std::string_view authorization, std::string_view date = "20150830T123600Z") {
  return {
      {"host", "example.amazonaws.com"}, {"x-amz-date", date}, {"authorization", authorization}};
}

TEST(sigv4, fifteen_minutes_both_ways) {
  EXPECT_TRUE(verify(with(good), then_s + 900));
  EXPECT_TRUE(verify(with(good), then_s - 900));
  EXPECT_EQ(verify(with(good), then_s + 901).error().code, errc::request_expired);
  EXPECT_EQ(verify(with(good), then_s - 901).error().code, errc::request_expired);
}

TEST(sigv4, nothing_is_missing) {
  EXPECT_EQ(verify({{"host", "h"}}).error().code, errc::missing_authentication);
  EXPECT_EQ(verify({{"host", "h"}, {"authorization", good}}).error().code,
            errc::incomplete_signature);
  for (const std::string_view bad :
       {"", "Bearer x", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256Credential=a/b/c/service/aws4_request",
        "AWS4-HMAC-SHA256 Credential=a/b/c/service/aws4_request",
        "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=a",
        "AWS4-HMAC-SHA256 Credential=A/20150830/r/service/aws4_request, Credential=A, "
        "SignedHeaders=host, Signature=a",
        "AWS4-HMAC-SHA256 Credential=A/20150830/r/sqs/aws4_request, SignedHeaders=host;x-amz-date, "
        "Signature=a",
        "AWS4-HMAC-SHA256 Credential=A/20150830/r/service/other, SignedHeaders=host;x-amz-date, "
        "Signature=a",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/r/service/aws4_request, "
        "SignedHeaders=x-amz-date, Signature=a",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/r/service/aws4_request, "
        "SignedHeaders=host, Signature=a",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/r/service/aws4_request, "
        "SignedHeaders=x-amz-date;host, Signature=a",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/r/service/aws4_request, "
        "SignedHeaders=Host;x-amz-date, Signature=a",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/r/service/aws4_request, "
        "SignedHeaders=host;nope;x-amz-date, Signature=a",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150829/r/service/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=a"})
    EXPECT_EQ(verify(with(bad)).error().code, errc::incomplete_signature) << bad;
  for (const std::string_view date :
       {"", "20150830", "20150830T123600+", "20151330T123600Z", "2015083aT123600Z"})
    EXPECT_EQ(verify(with(good, date)).error().code, errc::incomplete_signature) << date;
}

TEST(sigv4, a_header_that_says_what_to_do_has_to_be_signed) {
  auto h = with(good);
  h.emplace_back("x-amz-target", "AmazonSQS.PurgeQueue");
  EXPECT_EQ(verify(h).error().code, errc::incomplete_signature);
}

TEST(sigv4, header_and_query_exclude_each_other) {
  EXPECT_EQ(verify(with(good), then_s, "X-Amz-Signature=a").error().code,
            errc::incomplete_signature);
  EXPECT_EQ(verify({{"host", "h"}}, then_s, "X-Amz-Signature=a").error().code,
            errc::incomplete_signature);
  EXPECT_EQ(verify({{"host", "h"}}, then_s, "a=%").error().code, errc::malformed_request);
}

TEST(sigv4, an_unsigned_body_is_refused) {
  const std::string authorization =
      std::string(start) + "SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=a";
  auto h = with(authorization);
  h.emplace_back("x-amz-content-sha256", "UNSIGNED-PAYLOAD");
  EXPECT_EQ(verify(h).error().code, errc::signature_does_not_match);
}

TEST(sigv4, canonical_parts) {
  EXPECT_EQ(canonical_path(""), "/");
  EXPECT_EQ(canonical_path("/a/b%20c"), "/a/b%2520c");
  EXPECT_EQ(canonical_path("/a//b/"), "/a/b/");
  EXPECT_EQ(canonical_path("/../../x"), "/x");
  EXPECT_EQ(canonical_query(*query_parameters("b=2&a=x%2fy&a=&c"), ""), "a=&a=x%2Fy&b=2&c=");
}

}  // namespace
}  // namespace fairing::codec::sqs
