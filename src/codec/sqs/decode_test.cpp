// What is refused, with which code; in both protocols.
#include "codec/sqs/decode.hpp"

#include <gtest/gtest.h>

namespace fairing::codec::sqs {
namespace {

decoded json(std::string_view action, std::string_view body, const decode_options& o = {}) {
  const std::string target = "AmazonSQS." + std::string(action);
  return decode({.method = "POST",
                 .path = "/",
                 .target = target,
                 .content_type = "application/x-amz-json-1.0",
                 .body = body},
                o);
}
decoded form(std::string_view body, std::string_view path = "/1/q") {
  return decode({.method = "POST",
                 .path = path,
                 .content_type = "application/x-www-form-urlencoded; charset=utf-8",
                 .body = body});
}
std::error_code code(const decoded& d) { return d.what ? std::error_code() : d.what.error().code; }

TEST(decode, protocols_and_actions) {
  EXPECT_EQ(code(json("Nope", "{}")), errc::invalid_action);
  EXPECT_EQ(code(form("Version=2012-11-05")), errc::invalid_action);
  EXPECT_EQ(code(form("Action=Nope")), errc::invalid_action);
  EXPECT_EQ(code(decode({.method = "PUT", .path = "/"})), errc::invalid_action);
  EXPECT_EQ(code(json("ListQueues", "")), std::error_code());
  for (const std::string_view bad :
       {"[]", "1", "{", "{\"a\":1}x", "{\"a\":1,\"a\":2}", "{\"a\":\"\xff\"}",
        "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}"})
    EXPECT_EQ(code(json("ListQueues", bad)), errc::malformed_request) << bad;
  for (const std::string_view bad :
       {"Action=ListQueues&a=%", "Action=ListQueues&a.b=1&a=2", "Action=ListQueues&a=1&a=2",
        "Action=TagQueue&Tag.x.Key=1", "Action=TagQueue&Tag.1.Key=k", "Action=ListQueues&a..b=1"})
    EXPECT_EQ(code(form(bad)), errc::malformed_request) << bad;
}

TEST(decode, the_queue) {
  for (const std::string_view url : {"http://h:1/1/q", "https://h/q/", "/1/q", "q"}) {
    const auto d = json("PurgeQueue", "{\"QueueUrl\":\"" + std::string(url) + "\"}");
    ASSERT_TRUE(d.what) << url;
    EXPECT_EQ(std::get<purge_queue>(*d.what).queue, "q");
  }
  EXPECT_EQ(std::get<purge_queue>(*form("Action=PurgeQueue").what).queue, "q");
  EXPECT_EQ(code(form("Action=PurgeQueue", "/")), errc::missing_parameter);
  EXPECT_EQ(code(form("Action=PurgeQueue&QueueUrl=http%3A%2F%2Fh")), errc::queue_does_not_exist);
  EXPECT_EQ(code(form("Action=PurgeQueue", "/1/a%20b")), errc::queue_does_not_exist);
}

TEST(decode, ranges) {
  const auto receive = [](std::string_view also) {
    return code(json("ReceiveMessage", "{\"QueueUrl\":\"/1/q\"," + std::string(also) + "}"));
  };
  for (const std::string_view good :
       {"\"MaxNumberOfMessages\":1", "\"MaxNumberOfMessages\":10", "\"WaitTimeSeconds\":20",
        "\"VisibilityTimeout\":43200", "\"VisibilityTimeout\":null"})
    EXPECT_EQ(receive(good), std::error_code()) << good;
  for (const std::string_view bad :
       {"\"MaxNumberOfMessages\":0", "\"MaxNumberOfMessages\":11", "\"WaitTimeSeconds\":21",
        "\"WaitTimeSeconds\":-1", "\"VisibilityTimeout\":43201"})
    EXPECT_EQ(receive(bad), errc::invalid_parameter_value) << bad;
  for (const std::string_view bad :
       {"\"MaxNumberOfMessages\":\"1\"", "\"WaitTimeSeconds\":1.5", "\"AttributeNames\":{}"})
    EXPECT_EQ(receive(bad), errc::malformed_request) << bad;
  EXPECT_EQ(code(form("Action=ReceiveMessage&WaitTimeSeconds=x")), errc::invalid_parameter_value);
}

TEST(decode, messages) {
  const auto send = [](std::string_view body, std::string_view queue = "q",
                       const decode_options& o = {}) {
    return code(json("SendMessage",
                     "{\"QueueUrl\":\"/1/" + std::string(queue) + "\"," + std::string(body) + "}",
                     o));
  };
  EXPECT_EQ(send("\"MessageBody\":\"\""), errc::missing_parameter);
  EXPECT_EQ(send("\"MessageBody\":\"\\u0001\""), errc::invalid_message_contents);
  EXPECT_EQ(code(form("Action=SendMessage&MessageBody=%ff")), errc::invalid_message_contents);
  EXPECT_EQ(send("\"MessageBody\":\"a\",\"DelaySeconds\":901"), errc::invalid_parameter_value);
  EXPECT_EQ(send("\"MessageBody\":\"a\",\"DelaySeconds\":901", "q", {.most_delay_s = 1000}),
            std::error_code());
  EXPECT_EQ(send("\"MessageBody\":\"abc\"", "q", {.most_message_bytes = 2}),
            errc::invalid_parameter_value);
  EXPECT_EQ(send("\"MessageBody\":\"a\"", "q.fifo"), errc::missing_parameter);
  EXPECT_EQ(send("\"MessageBody\":\"a\",\"MessageGroupId\":\"g\"", "q.fifo"), std::error_code());
  EXPECT_EQ(send("\"MessageBody\":\"a\",\"MessageGroupId\":\"g h\"", "q.fifo"),
            errc::invalid_parameter_value);
  EXPECT_EQ(send("\"MessageBody\":\"a\",\"MessageGroupId\":\"g\",\"DelaySeconds\":1", "q.fifo"),
            errc::invalid_parameter_value);
  EXPECT_EQ(send("\"MessageBody\":\"a\",\"MessageDeduplicationId\":\"d\""),
            errc::invalid_parameter_value);
  for (const std::string_view bad :
       {R"({".a":{"DataType":"String","StringValue":"v"}})",
        R"({"AWS.a":{"DataType":"String","StringValue":"v"}})",
        R"({"a":{"DataType":"Text","StringValue":"v"}})",
        R"({"a":{"DataType":"String","StringValue":""}})",
        R"({"a":{"DataType":"Number","StringValue":"x"}})", R"({"a":{"StringValue":"x"}})"})
    EXPECT_EQ(send("\"MessageBody\":\"a\",\"MessageAttributes\":" + std::string(bad)),
              errc::invalid_parameter_value)
        << bad;
  EXPECT_EQ(
      send(
          R"("MessageBody":"a","MessageAttributes":{"a":{"DataType":"Binary","BinaryValue":"?"}})"),
      errc::malformed_request);
}

TEST(decode, batches) {
  const auto batch = [](std::string_view entries) {
    return json("SendMessageBatch",
                "{\"QueueUrl\":\"/1/q\",\"Entries\":[" + std::string(entries) + "]}");
  };
  EXPECT_EQ(code(batch("")), errc::empty_batch);
  EXPECT_EQ(code(batch(R"({"Id":"a","MessageBody":"x"},{"Id":"a","MessageBody":"x"})")),
            errc::ids_not_distinct);
  EXPECT_EQ(code(batch(R"({"Id":"a b","MessageBody":"x"})")), errc::invalid_batch_entry_id);
  EXPECT_EQ(code(batch(R"({"MessageBody":"x"})")), errc::missing_parameter);
  std::string eleven;
  for (int i = 0; i < 11; ++i)
    eleven += (i == 0 ? "" : ",") + std::string("{\"Id\":\"") + std::to_string(i) +
              "\",\"MessageBody\":\"x\"}";
  EXPECT_EQ(code(batch(eleven)), errc::too_many_entries);
  const auto mixed = batch(R"({"Id":"a","MessageBody":"x"},{"Id":"b","MessageBody":"\u0000"})");
  ASSERT_TRUE(mixed.what);
  const auto& entries = std::get<send_message_batch>(*mixed.what).entries;
  EXPECT_TRUE(entries[0].what);
  EXPECT_EQ(entries[1].what.error().code, errc::invalid_message_contents);
}

TEST(decode, arns_and_names) {
  EXPECT_EQ(queue_of_arn("arn:aws:sqs:eu-central-1:000000000000:q.fifo"), "q.fifo");
  EXPECT_EQ(queue_of_arn("arn:aws:sns:eu-central-1:000000000000:q"), std::nullopt);
  EXPECT_EQ(queue_of_arn("q"), std::nullopt);
  EXPECT_FALSE(is_queue_name(std::string(81, 'a')));
}

TEST(decode, what_is_not_for_sqs) {
  EXPECT_FALSE(looks_like_sqs(
      {.method = "POST", .path = "/v1/queues/q/jobs", .content_type = "application/json"}));
  EXPECT_TRUE(looks_like_sqs({.method = "GET", .path = "/1/q", .query = "Action=ReceiveMessage"}));
}

}  // namespace
}  // namespace fairing::codec::sqs
