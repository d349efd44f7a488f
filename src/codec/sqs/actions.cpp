// The names of actions and of queues.
#include "codec/sqs/actions.hpp"

#include <array>

#include "base/ascii.hpp"

namespace fairing::codec::sqs {

namespace {

// In the order of action_kind.
constexpr std::array<std::string_view, action_count> words{"SendMessage",
                                                           "SendMessageBatch",
                                                           "ReceiveMessage",
                                                           "DeleteMessage",
                                                           "DeleteMessageBatch",
                                                           "ChangeMessageVisibility",
                                                           "ChangeMessageVisibilityBatch",
                                                           "CreateQueue",
                                                           "GetQueueUrl",
                                                           "ListQueues",
                                                           "DeleteQueue",
                                                           "GetQueueAttributes",
                                                           "SetQueueAttributes",
                                                           "PurgeQueue",
                                                           "ListDeadLetterSourceQueues",
                                                           "TagQueue",
                                                           "UntagQueue",
                                                           "ListQueueTags",
                                                           "AddPermission",
                                                           "RemovePermission",
                                                           "StartMessageMoveTask",
                                                           "ListMessageMoveTasks",
                                                           "CancelMessageMoveTask"};
static_assert(words.size() == static_cast<std::size_t>(action_kind::unknown));

}  // namespace

std::string_view to_string(action_kind k) noexcept {
  const auto index = static_cast<std::size_t>(k);
  return index < words.size() ? words[index] : "Unknown";
}

action_kind action_kind_from(std::string_view word) noexcept {
  for (std::size_t i = 0; i < words.size(); ++i)
    if (words[i] == word) return static_cast<action_kind>(i);
  return action_kind::unknown;
}

bool is_queue_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > max_name_bytes) return false;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (!letter && !digit && c != '-' && c != '_' && c != '.') return false;
  }
  return true;
}

std::optional<std::string_view> queue_of_arn(std::string_view arn) noexcept {
  constexpr std::string_view start = "arn:";
  if (!arn.starts_with(start)) return std::nullopt;
  arn.remove_prefix(start.size());
  // The partition is aws, aws-cn ...; then sqs, region, account.
  for (int part = 0; part < 4; ++part) {
    const auto colon = arn.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    if (part == 1 && arn.substr(0, colon) != "sqs") return std::nullopt;
    arn.remove_prefix(colon + 1);
  }
  if (!is_queue_name(arn)) return std::nullopt;
  return arn;
}

}  // namespace fairing::codec::sqs
