// replies: what SQS clients are told, as plain values; encode.hpp writes them in the protocol of the request.
//
// Flow:  reply r = sent{...};  answer a = encode(wire, r, request_id);
// Threads: plain values.
// Source: AWS SQS API reference, API version 2012-11-05.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "codec/sqs/actions.hpp"

namespace fairing::codec::sqs {

struct done {};  // the actions that tell nothing: DeleteMessage, TagQueue ...

struct sent {
  std::string message_id;
  std::string md5_of_body;
  std::string md5_of_attributes;         // empty: there are none
  std::string md5_of_system_attributes;  // empty: there are none
  std::string sequence_number;           // FIFO queues: 20 digits; else empty
};
// One entry of a batch. T: sent, or done where success says nothing more.
template <class T>
struct entry_outcome {
  std::string id;
  result<T> what;
};
struct sent_batch {
  std::vector<entry_outcome<sent>> entries;
};
struct batch_outcome {  // DeleteMessageBatch, ChangeMessageVisibilityBatch
  std::vector<entry_outcome<done>> entries;
};

struct received_message {
  std::string message_id;
  std::string receipt_handle;
  std::string body;
  std::string md5_of_body;
  string_pairs system_attributes;  // those that were asked for
  std::vector<message_attribute> attributes;
  std::string md5_of_attributes;  // of `attributes`; empty: there are none
};
struct received {
  std::vector<received_message> messages;
};

struct queue_url {  // CreateQueue, GetQueueUrl
  std::string url;
};
struct queue_urls {  // ListQueues, ListDeadLetterSourceQueues
  std::vector<std::string> urls;
  std::string next_token;  // empty: that was all
};
struct attributes {  // GetQueueAttributes
  string_pairs values;
};
struct tags {  // ListQueueTags
  string_pairs values;
};

struct move_started {
  std::string handle;
};
struct move_task {
  std::string handle;  // only of those that run
  std::string status;  // RUNNING, COMPLETED, CANCELLING, CANCELLED, FAILED
  std::string source_arn;
  std::string destination_arn;           // empty: back to where the messages came from
  std::optional<std::int32_t> a_second;  // as asked for
  std::uint64_t moved = 0;
  std::uint64_t to_move = 0;  // when it began
  std::string failure;
  std::int64_t started_ms = 0;  // since 1970
};
struct move_tasks {
  std::vector<move_task> tasks;
};
struct move_cancelled {
  std::uint64_t moved = 0;
};

using reply = std::variant<done, sent, sent_batch, batch_outcome, received, queue_url, queue_urls,
                           attributes, tags, move_started, move_tasks, move_cancelled>;

}  // namespace fairing::codec::sqs
