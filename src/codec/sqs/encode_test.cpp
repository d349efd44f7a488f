// Results and errors, letter by letter.
#include "codec/sqs/encode.hpp"

#include <gtest/gtest.h>

namespace fairing::codec::sqs {
namespace {

constexpr wire json(action_kind k) { return {protocol::json, true, k}; }
constexpr wire xml(action_kind k) { return {protocol::query, false, k}; }

TEST(encode, sent) {
  const reply r = sent{"id", "md5", "attr", "", "00000000000000000001"};
  EXPECT_EQ(
      encode(json(action_kind::send_message), r, "r").body,
      R"({"MessageId":"id","MD5OfMessageBody":"md5","MD5OfMessageAttributes":"attr","SequenceNumber":"00000000000000000001"})");
  EXPECT_EQ(encode(xml(action_kind::send_message), r, "r").body,
            "<?xml version=\"1.0\"?><SendMessageResponse "
            "xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">"
            "<SendMessageResult><SequenceNumber>00000000000000000001</"
            "SequenceNumber><MessageId>id</MessageId>"
            "<MD5OfMessageBody>md5</MD5OfMessageBody><MD5OfMessageAttributes>attr</"
            "MD5OfMessageAttributes>"
            "</SendMessageResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></"
            "SendMessageResponse>");
}

TEST(encode, errors) {
  const error e{errc::queue_does_not_exist, "no <q>"};
  const auto a = encode_error(json(action_kind::send_message), e, "r");
  EXPECT_EQ(a.status, 400);
  EXPECT_EQ(a.content_type, "application/x-amz-json-1.0");
  EXPECT_EQ(a.query_error, "AWS.SimpleQueueService.NonExistentQueue;Sender");
  EXPECT_EQ(a.body, R"({"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no <q>"})");
  const auto b = encode_error(xml(action_kind::send_message), e, "r");
  EXPECT_EQ(b.query_error, "");
  EXPECT_EQ(b.body,
            "<?xml version=\"1.0\"?><ErrorResponse "
            "xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><Error>"
            "<Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>no "
            "&lt;q&gt;</Message>"
            "<Detail/></Error><RequestId>r</RequestId></ErrorResponse>");
  EXPECT_EQ(
      encode_error(json(action_kind::unknown), {std::make_error_code(std::errc::io_error), ""}, "r")
          .status,
      500);
}

TEST(encode, batches_say_which_entry_failed) {
  const reply r = sent_batch{
      {{"a", sent{"id", "md5", "", "", ""}}, {"b", fail(errc::invalid_message_contents, "bad")}}};
  EXPECT_EQ(
      encode(json(action_kind::send_message_batch), r, "r").body,
      R"({"Successful":[{"Id":"a","MessageId":"id","MD5OfMessageBody":"md5"}],"Failed":[{"Id":"b","SenderFault":true,"Code":"InvalidMessageContents","Message":"bad"}]})");
  const auto x = encode(xml(action_kind::send_message_batch), r, "r").body;
  EXPECT_NE(x.find("<SendMessageBatchResultEntry><Id>a</Id>"), std::string::npos);
  EXPECT_NE(x.find("<BatchResultErrorEntry><Id>b</Id><SenderFault>true</"
                   "SenderFault><Code>InvalidMessageContents</Code>"),
            std::string::npos);
}

TEST(encode, received) {
  received_message m{
      .message_id = "id", .receipt_handle = "h", .body = "a<b\n", .md5_of_body = "m"};
  m.system_attributes = {{"SentTimestamp", "1"}};
  m.attributes = {{"b", "Binary", "\xff"}};
  m.md5_of_attributes = "n";
  const reply r = received{{m}};
  EXPECT_EQ(
      encode(json(action_kind::receive_message), r, "r").body,
      R"({"Messages":[{"MessageId":"id","ReceiptHandle":"h","MD5OfBody":"m","Body":"a<b\n","Attributes":{"SentTimestamp":"1"},"MessageAttributes":{"b":{"DataType":"Binary","BinaryValue":"/w=="}},"MD5OfMessageAttributes":"n"}]})");
  EXPECT_EQ(encode(json(action_kind::receive_message), received{}, "r").body, "{}");
  const auto x = encode(xml(action_kind::receive_message), r, "r").body;
  EXPECT_NE(
      x.find(
          "<Body>a&lt;b\n</Body><Attribute><Name>SentTimestamp</Name><Value>1</Value></Attribute>"),
      std::string::npos);
}

TEST(encode, nothing_to_tell) {
  EXPECT_EQ(encode(json(action_kind::delete_message), done{}, "r").body, "");
  EXPECT_EQ(
      encode(xml(action_kind::delete_message), done{}, "r").body,
      "<?xml version=\"1.0\"?><DeleteMessageResponse "
      "xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">"
      "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></DeleteMessageResponse>");
  EXPECT_EQ(encode(json(action_kind::list_queues), queue_urls{{"u"}, ""}, "r").body,
            R"({"QueueUrls":["u"]})");
  EXPECT_EQ(
      encode(json(action_kind::list_dead_letter_source_queues), queue_urls{{"u"}, ""}, "r").body,
      R"({"queueUrls":["u"]})");
}

}  // namespace
}  // namespace fairing::codec::sqs
