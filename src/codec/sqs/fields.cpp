// Reading parameters, with AWS's own words for what is wrong.
#include "codec/sqs/fields.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/ascii.hpp"
#include "codec/sqs/text.hpp"

namespace fairing::codec::sqs {

void fields::refuse(errc code, std::string why) {
  if (!wrong_) wrong_ = error{code, std::move(why)};
}

node* fields::child(std::string_view name, node_kind kind) {
  node* n = wrong_ ? nullptr : object_.find(name);
  if (n == nullptr || n->kind == kind) return n;
  // A form cannot tell an empty list from an empty text.
  if (form_ && n->kind == node_kind::text && n->text.empty()) return nullptr;
  refuse(errc::malformed_request, fmt::format("The parameter {} is of another type.", name));
  return nullptr;
}

std::string fields::maybe(std::string_view name, std::size_t most) {
  node* n = child(name, node_kind::text);
  if (n == nullptr) return {};
  if (n->text.size() > most) {
    refuse(errc::invalid_parameter_value,
           fmt::format("The parameter {} is longer than {} bytes.", name, most));
    return {};
  }
  return std::move(n->text);
}

std::string fields::need(std::string_view name, std::size_t most) {
  auto text = maybe(name, most);
  if (text.empty())
    refuse(errc::missing_parameter,
           fmt::format("The request must contain the parameter {}.", name));
  return text;
}

std::optional<std::int32_t> fields::number(std::string_view name, std::int32_t low,
                                           std::int32_t high) {
  node* n = child(name, form_ ? node_kind::text : node_kind::integer);
  if (n == nullptr || (form_ && n->text.empty())) return std::nullopt;
  std::optional<std::int64_t> value = n->integer;
  if (form_) {
    const bool negative = n->text.front() == '-';
    const auto digits = parse_digits(std::string_view(n->text).substr(negative ? 1 : 0));
    value.reset();
    if (digits && *digits <= INT32_MAX)
      value = negative ? -static_cast<std::int64_t>(*digits) : static_cast<std::int64_t>(*digits);
  }
  if (value && *value >= low && *value <= high) return static_cast<std::int32_t>(*value);
  refuse(
      errc::invalid_parameter_value,
      fmt::format("Value {} for parameter {} is invalid. Reason: Must be an integer from {} to {}.",
                  form_ ? clean_text(n->text.substr(0, 40)) : std::to_string(n->integer), name, low,
                  high));
  return std::nullopt;
}

std::int32_t fields::need_number(std::string_view name, std::int32_t low, std::int32_t high) {
  const auto value = number(name, low, high);
  if (!value)
    refuse(errc::missing_parameter,
           fmt::format("The request must contain the parameter {}.", name));
  return value.value_or(low);
}

std::vector<std::string> fields::texts(std::string_view name, std::size_t most) {
  std::vector<std::string> out;
  node* n = child(name, node_kind::list);
  if (n == nullptr) return out;
  if (n->children.size() > most)
    refuse(errc::invalid_parameter_value,
           fmt::format("The parameter {} has more than {} members.", name, most));
  for (auto& c : n->children) {
    if (c.kind != node_kind::text || c.text.empty() || c.text.size() > 256)
      refuse(errc::invalid_parameter_value,
             fmt::format("A member of {} is not a text of 1 to 256 bytes.", name));
    if (wrong_) return {};
    out.push_back(std::move(c.text));
  }
  return out;
}

string_pairs fields::pairs(std::string_view name, std::size_t most, std::size_t most_bytes) {
  string_pairs out;
  node* n = child(name, node_kind::object);
  if (n == nullptr) return out;
  if (n->children.size() > most)
    refuse(errc::invalid_parameter_value,
           fmt::format("The parameter {} has more than {} members.", name, most));
  for (auto& c : n->children) {
    const bool fits = c.kind == node_kind::text && !c.name.empty() && c.name.size() <= 256 &&
                      c.text.size() <= most_bytes;
    if (!fits || !is_message_text(c.name) || !is_message_text(c.text))
      refuse(
          errc::invalid_parameter_value,
          fmt::format("A member of {} has a name or a value that cannot be: texts, names of 1 to "
                      "256 bytes, values of at most {} bytes.",
                      name, most_bytes));
    if (wrong_) return {};
    out.emplace_back(std::move(c.name), std::move(c.text));
  }
  return out;
}

std::string fields::queue_name() {
  auto name = need("QueueName");
  if (!wrong_ && !is_queue_name(name))
    refuse(errc::invalid_parameter_value,
           "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.");
  return name;
}

std::string fields::queue(std::string_view path) {
  const auto url = maybe("QueueUrl", 2048);
  if (wrong_) return {};
  const auto name = queue_of_path(url.empty() ? path : std::string_view(url));
  if (url.empty() && name.empty())
    refuse(errc::missing_parameter, "The request must contain the parameter QueueUrl.");
  else if (!is_queue_name(name))
    refuse(errc::queue_does_not_exist, "The specified queue does not exist: its URL names none.");
  return std::string(name);
}

std::string fields::queue_by_arn(std::string_view name, bool required) {
  const auto arn = required ? need(name) : maybe(name);
  if (wrong_ || arn.empty()) return {};
  const auto queue = queue_of_arn(arn);
  if (!queue)
    refuse(errc::invalid_parameter_value,
           fmt::format("Value for parameter {} is invalid. Reason: Must be an ARN of a queue, "
                       "arn:aws:sqs:REGION:ACCOUNT:NAME.",
                       name));
  return std::string(queue.value_or(""));
}

std::string_view queue_of_path(std::string_view url_or_path) noexcept {
  if (const auto scheme = url_or_path.find("://"); scheme != std::string_view::npos) {
    const auto path = url_or_path.find('/', scheme + 3);
    url_or_path = path == std::string_view::npos ? "" : url_or_path.substr(path);
  }
  while (url_or_path.ends_with('/')) url_or_path.remove_suffix(1);
  const auto slash = url_or_path.rfind('/');
  return slash == std::string_view::npos ? url_or_path : url_or_path.substr(slash + 1);
}

}  // namespace fairing::codec::sqs
