#include "bench/jobs/requests.hpp"

#include <gtest/gtest.h>

namespace fairing::bench {
namespace {

TEST(put_source, stamps_each_request_and_says_its_length) {
  put_source one({.authority = "h:1", .queue = "q", .payload = 22});
  std::string out;
  one.append_next(out, 12);
  EXPECT_EQ(out,
            "POST /v1/queues/q/jobs HTTP/1.1\r\nHost: h:1\r\nContent-Type: application/json\r\n"
            "Content-Length: 36\r\n\r\n{\"payload\":\"00000000000000000012xx\"}");
  out.clear();
  one.append_next(out, 345);
  EXPECT_TRUE(out.ends_with("{\"payload\":\"00000000000000000345xx\"}"));
}

TEST(put_source, several_jobs_are_a_list) {
  put_source two({.authority = "h", .queue = "q", .batch = 2, .payload = 20, .delay_s = 60});
  std::string out;
  two.append_next(out, 7);
  EXPECT_TRUE(out.ends_with(R"({"jobs":[{"payload":"00000000000000000007","delay":60},)"
                            R"({"payload":"00000000000000000007","delay":60}]})"));
}

TEST(lease_request, says_how_many_and_how_long) {
  EXPECT_EQ(lease_request("h", "q", 10, 30),
            "POST /v1/queues/q/lease HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
            "Content-Length: 20\r\n\r\n{\"max\":10,\"wait\":30}");
}

TEST(read_deliveries, finds_token_and_stamp_of_each_job) {
  std::vector<delivery> found;
  ASSERT_TRUE(read_deliveries(
      R"({"jobs":[{"id":"A","lease":"T1","attempt":1,"payload":"00000000000000000012xx"},)"
      R"({"id":"B","lease":"T2","attempt":1,"payload":"00000000000000000013xx"}]})",
      found));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].token, "T1");
  EXPECT_EQ(found[0].stamp, 12U);
  EXPECT_EQ(found[1].token, "T2");
  EXPECT_EQ(found[1].stamp, 13U);
}

TEST(read_deliveries, an_empty_lease_is_one_and_other_answers_are_none) {
  std::vector<delivery> found;
  EXPECT_TRUE(read_deliveries("{\"jobs\":[]}\n", found));
  EXPECT_TRUE(found.empty());
  EXPECT_FALSE(read_deliveries(R"({"title":"no"})", found));
  EXPECT_FALSE(read_deliveries(R"({"jobs":[{"lease":"T","payload":"short"}]})", found));
  EXPECT_FALSE(read_deliveries(R"({"jobs":[{"lease":"T"}]})", found));
}

TEST(append_ack, has_no_body) {
  std::string out;
  append_ack(out, "h:1", "TOKEN");
  EXPECT_EQ(out, "POST /v1/leases/TOKEN/ack HTTP/1.1\r\nHost: h:1\r\nContent-Length: 0\r\n\r\n");
}

}  // namespace
}  // namespace fairing::bench
