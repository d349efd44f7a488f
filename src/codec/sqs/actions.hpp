// actions: what SQS clients may ask for, as plain values, whichever protocol the request came in.
//
// Problem: AWS JSON 1.0 and the Query protocol say the same 23 things in two ways; nothing behind the decoder
// should know which.
//
// Flow:  decode() (decode.hpp) makes a `request`; std::visit(handler, request.what).
// What a value here guarantees: ranges, counts, lengths and characters are those AWS documents; ids of a batch are
// distinct; `queue` is a name, resolved from QueueUrl or from the path. What depends on the queue's own attributes
// (content-based deduplication, its MaximumMessageSize) is for jobs/logic/sqs_rules to check.
// Bounds: 10 entries a batch, 10 attributes a message, 50 tags, 1 MiB a batch (limits below).
// Threads: plain values.
// Source: AWS SQS API reference, API version 2012-11-05.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "codec/sqs/errc.hpp"

namespace fairing::codec::sqs {

inline constexpr std::size_t max_batch_entries = 10;
inline constexpr std::size_t max_message_attributes = 10;
inline constexpr std::size_t max_message_bytes =
    1024 * 1024;                                   // body and attributes; of a batch too
inline constexpr std::size_t max_name_bytes = 80;  // of queues and of batch entries
inline constexpr std::size_t max_tags = 50;
inline constexpr std::int32_t max_visibility_s = 43'200;
inline constexpr std::int32_t max_wait_s = 20;
inline constexpr std::int32_t max_delay_s = 900;

using string_pairs = std::vector<std::pair<std::string, std::string>>;

// `name` ends in .fifo: a queue whose groups keep their order.
[[nodiscard]] constexpr bool is_fifo_name(std::string_view name) noexcept {
  return name.ends_with(".fifo");
}

struct message_attribute {
  std::string name;
  std::string type;   // String, Number or Binary, with an optional .suffix
  std::string value;  // Binary: the bytes themselves
  [[nodiscard]] bool binary() const noexcept { return type.starts_with("Binary"); }
  [[nodiscard]] bool operator==(const message_attribute&) const = default;
};

// ---- messages
struct message {
  std::string body;
  std::optional<std::int32_t> delay_s;        // 0 to 900, or to decode_options::most_delay_s
  std::vector<message_attribute> attributes;  // ascending by name, names distinct
  std::string trace_header;                   // the system attribute AWSTraceHeader; empty: none
  std::string group;                          // MessageGroupId; never empty on a FIFO queue
  std::string deduplication;                  // MessageDeduplicationId; empty: not said
};
struct send_message {
  std::string queue;
  message what;
};
struct send_entry {
  std::string id;
  result<message> what;  // an error: this entry is refused, the others are not
};
struct send_message_batch {
  std::string queue;
  std::vector<send_entry> entries;  // 1 to 10
};
struct receive_message {
  std::string queue;
  std::int32_t most = 1;                     // 1 to 10
  std::optional<std::int32_t> visibility_s;  // instead of the queue's
  std::optional<std::int32_t> wait_s;        // instead of the queue's
  std::vector<std::string>
      system_attributes;  // AttributeNames and MessageSystemAttributeNames; may hold All
  std::vector<std::string> message_attributes;  // names, All, .* or prefix.*
  std::string attempt_id;                       // ReceiveRequestAttemptId
};
struct delete_message {
  std::string queue;
  std::string receipt_handle;
};
struct delete_entry {
  std::string id;
  std::string receipt_handle;
};
struct delete_message_batch {
  std::string queue;
  std::vector<delete_entry> entries;  // 1 to 10
};
struct change_visibility {
  std::string queue;
  std::string receipt_handle;
  std::int32_t visibility_s = 0;  // 0: given back
};
struct change_entry {
  std::string id;
  std::string receipt_handle;
  result<std::int32_t> visibility_s;  // an error: this entry is refused
};
struct change_visibility_batch {
  std::string queue;
  std::vector<change_entry> entries;  // 1 to 10
};

// ---- queues
struct create_queue {
  std::string queue;
  string_pairs attributes;
  string_pairs tags;
};
struct get_queue_url {
  std::string queue;
};
struct list_queues {
  std::string prefix;
  std::optional<std::int32_t> most;  // 1 to 1,000; only then are there pages
  std::string next_token;
};
struct delete_queue {
  std::string queue;
};
struct get_queue_attributes {
  std::string queue;
  std::vector<std::string> names;  // may hold All; empty: none
};
struct set_queue_attributes {
  std::string queue;
  string_pairs attributes;  // at least one
};
struct purge_queue {
  std::string queue;
};
struct list_dead_letter_source_queues {
  std::string queue;
  std::optional<std::int32_t> most;
  std::string next_token;
};
struct tag_queue {
  std::string queue;
  string_pairs tags;
};
struct untag_queue {
  std::string queue;
  std::vector<std::string> keys;
};
struct list_queue_tags {
  std::string queue;
};
struct add_permission {
  std::string queue;
  std::string label;
};
struct remove_permission {
  std::string queue;
  std::string label;
};

// ---- message move tasks; queues by ARN
struct start_message_move_task {
  std::string source;                    // name of the queue in SourceArn
  std::string destination;               // name; empty: back to where the messages came from
  std::optional<std::int32_t> a_second;  // 1 to 500
};
struct list_message_move_tasks {
  std::string source;
  std::int32_t most = 1;  // 1 to 10
};
struct cancel_message_move_task {
  std::string handle;
};

using action =
    std::variant<send_message, send_message_batch, receive_message, delete_message,
                 delete_message_batch, change_visibility, change_visibility_batch, create_queue,
                 get_queue_url, list_queues, delete_queue, get_queue_attributes,
                 set_queue_attributes, purge_queue, list_dead_letter_source_queues, tag_queue,
                 untag_queue, list_queue_tags, add_permission, remove_permission,
                 start_message_move_task, list_message_move_tasks, cancel_message_move_task>;

// In the order of `action`: kind_of(a) is a.index().
enum class action_kind : std::uint8_t {
  send_message,
  send_message_batch,
  receive_message,
  delete_message,
  delete_message_batch,
  change_visibility,
  change_visibility_batch,
  create_queue,
  get_queue_url,
  list_queues,
  delete_queue,
  get_queue_attributes,
  set_queue_attributes,
  purge_queue,
  list_dead_letter_source_queues,
  tag_queue,
  untag_queue,
  list_queue_tags,
  add_permission,
  remove_permission,
  start_message_move_task,
  list_message_move_tasks,
  cancel_message_move_task,
  unknown,  // the request named none: only errors are written for it
};
inline constexpr std::size_t action_count = std::variant_size_v<action>;
[[nodiscard]] inline action_kind kind_of(const action& a) noexcept {
  return static_cast<action_kind>(a.index());
}
// AWS's word: SendMessage ...; unknown: "Unknown".
[[nodiscard]] std::string_view to_string(action_kind k) noexcept;
[[nodiscard]] action_kind action_kind_from(std::string_view word) noexcept;

// ---- how a request came, and so how its answer has to be written
enum class protocol : std::uint8_t {
  json,   // AWS JSON 1.0
  query,  // a form or a query string; the answer is XML
};
struct wire {
  protocol how = protocol::json;
  bool query_mode =
      false;  // x-amzn-query-mode: true: errors bear the Query protocol's code as well
  action_kind kind = action_kind::unknown;
};

// arn:aws:sqs:REGION:ACCOUNT:NAME -> NAME; nullopt: it is none.
[[nodiscard]] std::optional<std::string_view> queue_of_arn(std::string_view arn) noexcept;
// [A-Za-z0-9_-]{1,80}, .fifo at the end included; dots are allowed beyond AWS, as Fairing's queues have them.
[[nodiscard]] bool is_queue_name(std::string_view name) noexcept;

}  // namespace fairing::codec::sqs
