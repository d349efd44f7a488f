#include "http/logic/problem.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace fairing::http {
namespace {

TEST(problem, is_a_whole_response) {
  std::string out;
  problem_context c;
  c.now = wall_time{seconds{784'111'777}};
  c.extra_fields = "Retry-After: 1\r\n";
  append_problem_response(out, problem::rate_limited, "10/m", c);
  const auto blank = out.find("\r\n\r\n");
  const auto body = out.substr(blank + 4);
  EXPECT_EQ(out.substr(0, blank + 4),
            "HTTP/1.1 429 Too Many Requests\r\nDate: Sun, 06 Nov 1994 08:49:37 "
            "GMT\r\nContent-Type: application/problem+json\r\n"
            "Cache-Control: no-store\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\nRetry-After: 1\r\nConnection: close\r\n\r\n");
  const auto json = nlohmann::json::parse(body);
  EXPECT_EQ(json["type"], "urn:fairing:problem:rate-limited");
  EXPECT_EQ(json["status"], 429);
  EXPECT_EQ(json["detail"], "10/m");
}

TEST(problem, head_and_keep_alive) {
  std::string out;
  append_problem_response(out, problem::bad_request, "",
                          {.keep_alive = true, .client_http_1_0 = true, .head_only = true});
  EXPECT_TRUE(out.ends_with("Connection: keep-alive\r\n\r\n"));
}

TEST(problem, what_peers_sent_stays_inside_the_string) {
  std::string out;
  append_problem_body(out, problem::bad_request, "a\"b\\\r\n\x01\xff\x7f", "id");
  const auto json = nlohmann::json::parse(out);
  EXPECT_EQ(json["detail"], "a\"b\\\r\n\x01??");
  EXPECT_EQ(json["instance"], "id");
}

TEST(problem, every_one_is_told_apart) {
  std::set<std::string_view> slugs;
  for (const auto& p : all_problems()) {
    EXPECT_TRUE(slugs.insert(p.slug).second);
    EXPECT_GE(p.status, 400);
    EXPECT_TRUE(p.advice.ends_with('.')) << p.slug;
    EXPECT_EQ(info(p.id).slug, p.slug);
  }
  EXPECT_EQ(slugs.size(), problem_count);
}

}  // namespace
}  // namespace fairing::http
