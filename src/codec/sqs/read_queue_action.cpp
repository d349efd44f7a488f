// Queues, their attributes, tags and permissions, message move tasks.
#include <fmt/format.h>

#include <utility>

#include "codec/sqs/read_action.hpp"

namespace fairing::codec::sqs {

namespace {

constexpr std::size_t most_attributes = 64;           // of a queue; AWS knows about 20
constexpr std::size_t most_attribute_bytes = 20'480;  // a Policy

// CreateQueue's is `tags` in JSON.
string_pairs read_tags(fields& f, std::string_view name) {
  auto tags = f.pairs(name, max_tags, 256);
  for (const auto& [key, value] : tags)
    if (key.size() > 128)
      f.refuse(errc::invalid_parameter_value, "A tag's key is longer than 128 bytes.");
  return tags;
}

create_queue read_create(fields& f) {
  create_queue a{.queue = f.queue_name(),
                 .attributes = f.pairs("Attributes", most_attributes, most_attribute_bytes),
                 .tags = read_tags(f, f.form() ? "Tags" : "tags")};
  return a;
}

set_queue_attributes read_set_attributes(fields& f, std::string_view path) {
  set_queue_attributes a{
      .queue = f.queue(path),
      .attributes = f.pairs("Attributes", most_attributes, most_attribute_bytes)};
  if (a.attributes.empty())
    f.refuse(errc::missing_parameter, "The request must contain the parameter Attributes.");
  return a;
}

tag_queue read_tag(fields& f, std::string_view path) {
  tag_queue a{.queue = f.queue(path), .tags = read_tags(f, "Tags")};
  if (a.tags.empty())
    f.refuse(errc::missing_parameter, "The request must contain the parameter Tags.");
  return a;
}

untag_queue read_untag(fields& f, std::string_view path) {
  untag_queue a{.queue = f.queue(path), .keys = f.texts("TagKeys", max_tags)};
  if (a.keys.empty())
    f.refuse(errc::missing_parameter, "The request must contain the parameter TagKeys.");
  return a;
}

// The actions whose parameters are the queue and a text or two.
action read_small(action_kind kind, fields& f, std::string_view path) {
  switch (kind) {
    case action_kind::delete_queue:
      return delete_queue{.queue = f.queue(path)};
    case action_kind::get_queue_attributes:
      return get_queue_attributes{.queue = f.queue(path), .names = f.texts("AttributeNames", 64)};
    case action_kind::purge_queue:
      return purge_queue{.queue = f.queue(path)};
    case action_kind::list_queue_tags:
      return list_queue_tags{.queue = f.queue(path)};
    case action_kind::add_permission:
      return add_permission{.queue = f.queue(path), .label = f.need("Label", max_name_bytes)};
    case action_kind::remove_permission:
      return remove_permission{.queue = f.queue(path), .label = f.need("Label", max_name_bytes)};
    case action_kind::list_message_move_tasks:
      return list_message_move_tasks{.source = f.queue_by_arn("SourceArn", true),
                                     .most = f.number("MaxResults", 1, 10).value_or(1)};
    default:
      return cancel_message_move_task{.handle = f.need("TaskHandle")};
  }
}

action read(action_kind kind, fields& f, std::string_view path) {
  switch (kind) {
    case action_kind::create_queue:
      return read_create(f);
    case action_kind::get_queue_url:
      return get_queue_url{.queue = f.queue_name()};
    case action_kind::list_queues:
      return list_queues{.prefix = f.maybe("QueueNamePrefix"),
                         .most = f.number("MaxResults", 1, 1000),
                         .next_token = f.maybe("NextToken")};
    case action_kind::set_queue_attributes:
      return read_set_attributes(f, path);
    case action_kind::list_dead_letter_source_queues:
      return list_dead_letter_source_queues{.queue = f.queue(path),
                                            .most = f.number("MaxResults", 1, 1000),
                                            .next_token = f.maybe("NextToken")};
    case action_kind::tag_queue:
      return read_tag(f, path);
    case action_kind::untag_queue:
      return read_untag(f, path);
    case action_kind::start_message_move_task:
      return start_message_move_task{.source = f.queue_by_arn("SourceArn", true),
                                     .destination = f.queue_by_arn("DestinationArn", false),
                                     .a_second = f.number("MaxNumberOfMessagesPerSecond", 1, 500)};
    default:
      return read_small(kind, f, path);
  }
}

}  // namespace

result<action> read_queue_action(action_kind kind, fields& f, std::string_view path) {
  auto a = read(kind, f, path);
  if (const auto& wrong = f.wrong(); wrong) return std::unexpected(*wrong);
  return a;
}

}  // namespace fairing::codec::sqs
