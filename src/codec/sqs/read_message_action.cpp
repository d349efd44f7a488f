// Send, receive, delete, change visibility; single ones and batches.
#include <fmt/format.h>

#include <utility>

#include "codec/sqs/message_rules.hpp"
#include "codec/sqs/read_action.hpp"
#include "codec/sqs/text.hpp"

namespace fairing::codec::sqs {

namespace {

// The entries of a batch, each with its id, which is moved out; the first fault is in `f`.
std::vector<std::pair<std::string, node*>> entries_of(fields& f) {
  std::vector<std::pair<std::string, node*>> out;
  node* list = f.child("Entries", node_kind::list);
  if (f.wrong()) return out;
  if (list == nullptr || list->children.empty()) {
    f.refuse(errc::empty_batch, "There should be at least one entry in the request.");
    return out;
  }
  if (list->children.size() > max_batch_entries) {
    f.refuse(errc::too_many_entries,
             fmt::format("Maximum number of entries per request are {}. You have sent {}.",
                         max_batch_entries, list->children.size()));
    return out;
  }
  for (auto& n : list->children) {
    if (n.kind != node_kind::object) {
      f.refuse(errc::malformed_request, "An entry is of another type.");
      return out;
    }
    fields entry(n, f.form());
    auto id = entry.need("Id");
    if (const auto& wrong = entry.wrong(); wrong) {
      f.refuse(wrong->code == errc::missing_parameter ? errc::missing_parameter
                                                      : errc::malformed_request,
               wrong->detail);
      return out;
    }
    if (!is_entry_id(id))
      f.refuse(
          errc::invalid_batch_entry_id,
          "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
          "It can be at most 80 letters long.");
    for (const auto& other : out)
      if (other.first == id) f.refuse(errc::ids_not_distinct, fmt::format("Id {} repeated.", id));
    if (f.wrong()) return out;
    out.emplace_back(std::move(id), &n);
  }
  return out;
}

send_message_batch read_send_batch(fields& f, std::string_view path, const decode_options& o) {
  send_message_batch a{.queue = f.queue(path), .entries = {}};
  std::size_t bytes = 0;
  for (auto& [id, n] : entries_of(f)) {
    fields entry(*n, f.form());
    auto m = read_message(entry, a.queue, o);
    bytes += size_of(m);
    if (const auto& wrong = entry.wrong(); wrong)
      a.entries.push_back({std::move(id), std::unexpected(*wrong)});
    else
      a.entries.push_back({std::move(id), std::move(m)});
  }
  if (bytes > o.most_message_bytes)
    f.refuse(errc::batch_too_long,
             fmt::format("Batch requests cannot be longer than {} bytes. You have sent {} bytes.",
                         o.most_message_bytes, bytes));
  return a;
}

receive_message read_receive(fields& f, std::string_view path) {
  receive_message a{.queue = f.queue(path)};
  a.most = f.number("MaxNumberOfMessages", 1, 10).value_or(1);
  a.visibility_s = f.number("VisibilityTimeout", 0, max_visibility_s);
  a.wait_s = f.number("WaitTimeSeconds", 0, max_wait_s);
  a.system_attributes = f.texts("AttributeNames", 64);
  for (auto& name : f.texts("MessageSystemAttributeNames", 64))
    a.system_attributes.push_back(std::move(name));
  a.message_attributes = f.texts("MessageAttributeNames", 64);
  a.attempt_id = f.maybe("ReceiveRequestAttemptId", 128);
  return a;
}

delete_message_batch read_delete_batch(fields& f, std::string_view path) {
  delete_message_batch a{.queue = f.queue(path), .entries = {}};
  for (auto& [id, n] : entries_of(f)) {
    fields entry(*n, f.form());
    a.entries.push_back({std::move(id), entry.need("ReceiptHandle")});
    if (const auto& wrong = entry.wrong(); wrong) f.refuse(errc::missing_parameter, wrong->detail);
  }
  return a;
}

change_visibility_batch read_change_batch(fields& f, std::string_view path) {
  change_visibility_batch a{.queue = f.queue(path), .entries = {}};
  for (auto& [id, n] : entries_of(f)) {
    fields entry(*n, f.form());
    auto handle = entry.need("ReceiptHandle");
    const auto visibility = entry.need_number("VisibilityTimeout", 0, max_visibility_s);
    if (const auto& wrong = entry.wrong(); wrong)
      a.entries.push_back({std::move(id), std::move(handle), std::unexpected(*wrong)});
    else
      a.entries.push_back({std::move(id), std::move(handle), visibility});
  }
  return a;
}

action read(action_kind kind, fields& f, std::string_view path, const decode_options& o) {
  switch (kind) {
    case action_kind::send_message: {
      send_message a{.queue = f.queue(path), .what = {}};
      a.what = read_message(f, a.queue, o);
      return a;
    }
    case action_kind::send_message_batch:
      return read_send_batch(f, path, o);
    case action_kind::receive_message:
      return read_receive(f, path);
    case action_kind::delete_message:
      return delete_message{.queue = f.queue(path), .receipt_handle = f.need("ReceiptHandle")};
    case action_kind::delete_message_batch:
      return read_delete_batch(f, path);
    case action_kind::change_visibility:
      return change_visibility{
          .queue = f.queue(path),
          .receipt_handle = f.need("ReceiptHandle"),
          .visibility_s = f.need_number("VisibilityTimeout", 0, max_visibility_s)};
    default:
      return read_change_batch(f, path);
  }
}

}  // namespace

result<action> read_message_action(action_kind kind, fields& f, std::string_view path,
                                   const decode_options& o) {
  auto a = read(kind, f, path, o);
  if (const auto& wrong = f.wrong(); wrong) return std::unexpected(*wrong);
  return a;
}

}  // namespace fairing::codec::sqs
