#include "jobs/logic/push_verdict.hpp"

#include <gtest/gtest.h>

namespace fairing::jobs {
namespace {

constexpr std::int64_t wall_ms = 784'111'777'000;  // Sun, 06 Nov 1994 08:49:37 GMT

push_judgement of(std::uint16_t status, std::string retry_after = {}, std::string body = {}) {
  return judge({.status = status, .retry_after = std::move(retry_after), .body = std::move(body)},
               wall_ms);
}

TEST(push_verdict, a_status_says_what_becomes_of_the_job) {
  for (const auto s : {200, 201, 204, 299})
    EXPECT_EQ(of(static_cast<std::uint16_t>(s)).what, push_end::done) << s;
  EXPECT_EQ(of(202).what, push_end::later);
  for (const auto s : {408, 409, 425, 429, 500, 501, 502, 503, 504, 301, 307})
    EXPECT_EQ(of(static_cast<std::uint16_t>(s)).what, push_end::retry) << s;
  for (const auto s : {400, 401, 403, 404, 405, 410, 413, 422, 451})
    EXPECT_EQ(of(static_cast<std::uint16_t>(s)).what, push_end::dead) << s;
}

TEST(push_verdict, a_status_says_how_the_target_bears_it) {
  EXPECT_EQ(of(200).strain, push_strain::fine);
  EXPECT_EQ(of(202).strain, push_strain::fine);
  for (const auto s : {429, 502, 503, 504})
    EXPECT_EQ(of(static_cast<std::uint16_t>(s)).strain, push_strain::strained) << s;
  for (const auto s : {400, 410, 500})
    EXPECT_EQ(of(static_cast<std::uint16_t>(s)).strain, push_strain::neutral) << s;
}

TEST(push_verdict, no_answer_is_another_attempt) {
  const auto timeout = judge({.fault = push_fault::timeout, .detail = "no answer in 5s"}, wall_ms);
  EXPECT_EQ(timeout.what, push_end::retry);
  EXPECT_EQ(timeout.strain, push_strain::strained);
  EXPECT_EQ(timeout.error, "no answer in 5s");
  EXPECT_EQ(judge({.fault = push_fault::absent}, wall_ms).strain, push_strain::absent);
  EXPECT_EQ(judge({.fault = push_fault::broken}, wall_ms).strain, push_strain::neutral);
}

TEST(push_verdict, retry_after_is_seconds_or_a_date) {
  EXPECT_EQ(of(429, "120").not_before, milliseconds{120'000});
  EXPECT_EQ(of(503, "Sun, 06 Nov 1994 08:49:40 GMT").not_before, milliseconds{3'000});
  EXPECT_EQ(of(503, "Sun, 06 Nov 1994 08:00:00 GMT").not_before, milliseconds{0});
  EXPECT_EQ(of(429, "99999999999999999999999").not_before, milliseconds{86'400'000});
  EXPECT_EQ(of(429, "soon").not_before, std::nullopt);
  EXPECT_EQ(of(429, "-5").not_before, std::nullopt);
  EXPECT_EQ(of(429).not_before, std::nullopt);
  EXPECT_EQ(of(410, "5").not_before, std::nullopt);
}

TEST(push_verdict, the_error_is_one_line_of_what_was_said) {
  EXPECT_EQ(of(422, "", "{\n  \"error\":\t\"no such user\"\n}\r\n").error,
            "the push target answered 422: { \"error\": \"no such user\" }");
  EXPECT_EQ(of(500).error, "the push target answered 500");
  EXPECT_EQ(of(200, "", "fine").error, "");
  EXPECT_LT(of(500, "", std::string(10'000, 'x')).error.size(), 250U);
}

}  // namespace
}  // namespace fairing::jobs
