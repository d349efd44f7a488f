// Results as AWS JSON 1.0 has them.
#include <variant>

#include "base/json.hpp"
#include "codec/sqs/write_reply.hpp"
#include "crypto/crypto.hpp"

namespace fairing::codec::sqs {

namespace {

// Members of one object, commas included.
class object {
 public:
  explicit object(std::string& out) : out_(out) { out_ += '{'; }
  ~object() { out_ += '}'; }
  object(const object&) = delete;
  object& operator=(const object&) = delete;

  void key(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    append_json_string(out_, name);
    out_ += ':';
  }
  void text(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(out_, value);
  }
  void text_if(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  void number(std::string_view name, std::uint64_t value) {
    key(name);
    out_ += std::to_string(value);
  }
  void pairs(std::string_view name, const string_pairs& values) {
    key(name);
    object inner(out_);
    for (const auto& [k, v] : values) inner.text(k, v);
  }

 private:
  std::string& out_;
  bool first_ = true;
};

// write(item) for each, in brackets.
template <class Items, class Write>
void write_list(std::string& out, const Items& items, Write write) {
  out += '[';
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ',';
    first = false;
    write(item);
  }
  out += ']';
}

void write_sent(object& o, const sent& s) {
  o.text("MessageId", s.message_id);
  o.text("MD5OfMessageBody", s.md5_of_body);
  o.text_if("MD5OfMessageAttributes", s.md5_of_attributes);
  o.text_if("MD5OfMessageSystemAttributes", s.md5_of_system_attributes);
  o.text_if("SequenceNumber", s.sequence_number);
}
void write_sent(object&, const done&) {}

template <class T>
void write_batch(std::string& out, const std::vector<entry_outcome<T>>& entries) {
  object o(out);
  for (const bool good : {true, false}) {
    std::vector<const entry_outcome<T>*> these;
    for (const auto& e : entries)
      if (e.what.has_value() == good) these.push_back(&e);
    if (these.empty()) continue;
    o.key(good ? "Successful" : "Failed");
    write_list(out, these, [&](const entry_outcome<T>* e) {
      object entry(out);
      entry.text("Id", e->id);
      if (good) return write_sent(entry, *e->what);
      const auto& names = names_of(e->what.error().code);
      entry.key("SenderFault");
      out += names.sender ? "true" : "false";
      entry.text("Code", names.query);
      entry.text("Message", e->what.error().message());
    });
  }
}

void write_attributes(std::string& out, const std::vector<message_attribute>& attributes) {
  object all(out);
  for (const auto& a : attributes) {
    all.key(a.name);
    object one(out);
    one.text("DataType", a.type);
    if (a.binary())
      one.text("BinaryValue", crypto::base64_encode(a.value));
    else
      one.text("StringValue", a.value);
  }
}

void write_message(std::string& out, const received_message& m) {
  object o(out);
  o.text("MessageId", m.message_id);
  o.text("ReceiptHandle", m.receipt_handle);
  o.text("MD5OfBody", m.md5_of_body);
  o.text("Body", m.body);
  if (!m.system_attributes.empty()) o.pairs("Attributes", m.system_attributes);
  if (!m.attributes.empty()) {
    o.key("MessageAttributes");
    write_attributes(out, m.attributes);
  }
  o.text_if("MD5OfMessageAttributes", m.md5_of_attributes);
}

void write_task(std::string& out, const move_task& t) {
  object o(out);
  o.text_if("TaskHandle", t.handle);
  o.text("Status", t.status);
  o.text("SourceArn", t.source_arn);
  o.text_if("DestinationArn", t.destination_arn);
  if (t.a_second) o.number("MaxNumberOfMessagesPerSecond", static_cast<std::uint64_t>(*t.a_second));
  o.number("ApproximateNumberOfMessagesMoved", t.moved);
  o.number("ApproximateNumberOfMessagesToMove", t.to_move);
  o.text_if("FailureReason", t.failure);
  o.number("StartedTimestamp", static_cast<std::uint64_t>(t.started_ms));
}

struct writer {
  std::string& out;
  action_kind kind;

  void operator()(const done&) const {}
  void operator()(const sent& s) const {
    object o(out);
    write_sent(o, s);
  }
  void operator()(const sent_batch& b) const { write_batch(out, b.entries); }
  void operator()(const batch_outcome& b) const { write_batch(out, b.entries); }
  void operator()(const received& r) const {
    object o(out);
    if (r.messages.empty()) return;
    o.key("Messages");
    write_list(out, r.messages, [&](const received_message& m) { write_message(out, m); });
  }
  void operator()(const queue_url& r) const { object(out).text("QueueUrl", r.url); }
  void operator()(const queue_urls& r) const {
    object o(out);
    // AWS's own names: one begins in lower case.
    o.key(kind == action_kind::list_queues ? "QueueUrls" : "queueUrls");
    write_list(out, r.urls, [&](const std::string& url) { append_json_string(out, url); });
    o.text_if("NextToken", r.next_token);
  }
  void operator()(const attributes& r) const {
    object o(out);
    if (!r.values.empty()) o.pairs("Attributes", r.values);
  }
  void operator()(const tags& r) const {
    object o(out);
    if (!r.values.empty()) o.pairs("Tags", r.values);
  }
  void operator()(const move_started& r) const { object(out).text("TaskHandle", r.handle); }
  void operator()(const move_tasks& r) const {
    object o(out);
    o.key("Results");
    write_list(out, r.tasks, [&](const move_task& t) { write_task(out, t); });
  }
  void operator()(const move_cancelled& r) const {
    object(out).number("ApproximateNumberOfMessagesMoved", r.moved);
  }
};

}  // namespace

void write_json(std::string& out, action_kind kind, const reply& r) {
  std::visit(writer{out, kind}, r);
}

}  // namespace fairing::codec::sqs
