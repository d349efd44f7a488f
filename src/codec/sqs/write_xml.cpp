// Results as the Query protocol has them: flattened lists, one element an item.
#include <variant>

#include "codec/sqs/text.hpp"
#include "codec/sqs/write_reply.hpp"
#include "crypto/crypto.hpp"

namespace fairing::codec::sqs {

namespace {

void open(std::string& out, std::string_view name) {
  out += '<';
  out += name;
  out += '>';
}
void close(std::string& out, std::string_view name) {
  out += "</";
  out += name;
  out += '>';
}
void element(std::string& out, std::string_view name, std::string_view value) {
  open(out, name);
  if (is_message_text(value))
    append_xml(out, value);
  else
    append_xml(out, clean_text(value));
  close(out, name);
}
void element_if(std::string& out, std::string_view name, std::string_view value) {
  if (!value.empty()) element(out, name, value);
}
void number(std::string& out, std::string_view name, std::uint64_t value) {
  element(out, name, std::to_string(value));
}
void pairs(std::string& out, std::string_view name, std::string_view key,
           const string_pairs& values) {
  for (const auto& [k, v] : values) {
    open(out, name);
    element(out, key, k);
    element(out, "Value", v);
    close(out, name);
  }
}

void write_sent(std::string& out, const sent& s) {
  element_if(out, "SequenceNumber", s.sequence_number);
  element(out, "MessageId", s.message_id);
  element(out, "MD5OfMessageBody", s.md5_of_body);
  element_if(out, "MD5OfMessageAttributes", s.md5_of_attributes);
  element_if(out, "MD5OfMessageSystemAttributes", s.md5_of_system_attributes);
}
void write_sent(std::string&, const done&) {}

template <class T>
void write_batch(std::string& out, action_kind kind, const std::vector<entry_outcome<T>>& entries) {
  const std::string good_name = std::string(to_string(kind)) + "ResultEntry";
  for (const auto& e : entries) {
    if (!e.what) continue;
    open(out, good_name);
    element(out, "Id", e.id);
    write_sent(out, *e.what);
    close(out, good_name);
  }
  for (const auto& e : entries) {
    if (e.what) continue;
    const auto& names = names_of(e.what.error().code);
    open(out, "BatchResultErrorEntry");
    element(out, "Id", e.id);
    element(out, "SenderFault", names.sender ? "true" : "false");
    element(out, "Code", names.query);
    element(out, "Message", e.what.error().message());
    close(out, "BatchResultErrorEntry");
  }
}

void write_message(std::string& out, const received_message& m) {
  open(out, "Message");
  element(out, "MessageId", m.message_id);
  element(out, "ReceiptHandle", m.receipt_handle);
  element(out, "MD5OfBody", m.md5_of_body);
  element(out, "Body", m.body);
  pairs(out, "Attribute", "Name", m.system_attributes);
  element_if(out, "MD5OfMessageAttributes", m.md5_of_attributes);
  for (const auto& a : m.attributes) {
    open(out, "MessageAttribute");
    element(out, "Name", a.name);
    open(out, "Value");
    if (a.binary())
      element(out, "BinaryValue", crypto::base64_encode(a.value));
    else
      element(out, "StringValue", a.value);
    element(out, "DataType", a.type);
    close(out, "Value");
    close(out, "MessageAttribute");
  }
  close(out, "Message");
}

void write_task(std::string& out, const move_task& t) {
  open(out, "Result");
  element_if(out, "TaskHandle", t.handle);
  element(out, "Status", t.status);
  element(out, "SourceArn", t.source_arn);
  element_if(out, "DestinationArn", t.destination_arn);
  if (t.a_second)
    number(out, "MaxNumberOfMessagesPerSecond", static_cast<std::uint64_t>(*t.a_second));
  number(out, "ApproximateNumberOfMessagesMoved", t.moved);
  number(out, "ApproximateNumberOfMessagesToMove", t.to_move);
  element_if(out, "FailureReason", t.failure);
  number(out, "StartedTimestamp", static_cast<std::uint64_t>(t.started_ms));
  close(out, "Result");
}

struct writer {
  std::string& out;
  action_kind kind;

  void operator()(const done&) const {}
  void operator()(const sent& s) const { write_sent(out, s); }
  void operator()(const sent_batch& b) const { write_batch(out, kind, b.entries); }
  void operator()(const batch_outcome& b) const { write_batch(out, kind, b.entries); }
  void operator()(const received& r) const {
    for (const auto& m : r.messages) write_message(out, m);
  }
  void operator()(const queue_url& r) const { element(out, "QueueUrl", r.url); }
  void operator()(const queue_urls& r) const {
    for (const auto& url : r.urls) element(out, "QueueUrl", url);
    element_if(out, "NextToken", r.next_token);
  }
  void operator()(const attributes& r) const { pairs(out, "Attribute", "Name", r.values); }
  void operator()(const tags& r) const { pairs(out, "Tag", "Key", r.values); }
  void operator()(const move_started& r) const { element(out, "TaskHandle", r.handle); }
  void operator()(const move_tasks& r) const {
    for (const auto& t : r.tasks) write_task(out, t);
  }
  void operator()(const move_cancelled& r) const {
    number(out, "ApproximateNumberOfMessagesMoved", r.moved);
  }
};

}  // namespace

void write_xml(std::string& out, action_kind kind, const reply& r) {
  std::visit(writer{out, kind}, r);
}

}  // namespace fairing::codec::sqs
