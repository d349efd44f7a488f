// The checks of a message, each with AWS's code and words.
#include "codec/sqs/message_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"
#include "codec/sqs/text.hpp"
#include "crypto/crypto.hpp"

namespace fairing::codec::sqs {

namespace {

constexpr bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// MessageGroupId, MessageDeduplicationId: 1 to 128 letters, digits and punctuation.
bool is_fifo_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= 128 &&
         std::ranges::all_of(id, [](char c) { return c > ' ' && c < '\x7f'; });
}

// String, Number, Binary, or those with a suffix: Number.int
bool is_attribute_type(std::string_view type) noexcept {
  // No colon: it ends the type where attributes are stored as fields of a job.
  if (type.size() > 256 || !is_message_text(type) || type.find(':') != std::string_view::npos)
    return false;
  for (const std::string_view base : {"String", "Number", "Binary"})
    if (type.starts_with(base))
      return type.size() == base.size() ||
             (type.size() > base.size() + 1 && type[base.size()] == '.');
  return false;
}

// Up to 38 digits, with sign, point and exponent.
bool is_number(std::string_view text) noexcept {
  std::size_t i = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  std::size_t digits = 0;
  bool point = false;
  for (; i < text.size(); ++i) {
    if (text[i] >= '0' && text[i] <= '9') {
      ++digits;
    } else if (text[i] == '.' && !point) {
      point = true;
    } else {
      break;
    }
  }
  if (digits == 0 || digits > 38) return false;
  if (i == text.size()) return true;
  if (text[i] != 'e' && text[i] != 'E') return false;
  auto exponent = text.substr(i + 1);
  if (exponent.starts_with('-') || exponent.starts_with('+')) exponent.remove_prefix(1);
  const auto value = parse_digits(exponent);
  return exponent.size() <= 3 && value && *value <= 128;
}

void read_value(fields& f, std::string_view name, node& from, message_attribute& a) {
  fields value(from, f.form());
  a.type = value.maybe("DataType", 512);
  if (const auto& wrong = value.wrong(); wrong)
    return f.refuse(errc::malformed_request, wrong->detail);
  if (a.type.empty())
    return f.refuse(
        errc::invalid_parameter_value,
        fmt::format("The message attribute '{}' must contain a message attribute DataType.", name));
  if (!is_attribute_type(a.type))
    return f.refuse(
        errc::invalid_parameter_value,
        fmt::format("The type of message attribute '{}' is invalid. You must use only the "
                    "following supported type prefixes: Binary, Number, String.",
                    name));
  if (from.find("StringListValues") != nullptr && !from.find("StringListValues")->children.empty())
    return f.refuse(errc::invalid_parameter_value,
                    "Message attribute list values in SendMessage operation are not supported.");
  const std::string_view which = a.binary() ? "BinaryValue" : "StringValue";
  a.value = value.maybe(which, 8 * max_message_bytes);
  if (const auto& wrong = value.wrong(); wrong)
    return f.refuse(errc::malformed_request, wrong->detail);
  if (a.value.empty())
    return f.refuse(
        errc::invalid_parameter_value,
        fmt::format("The message attribute '{}' must contain a non-empty {}, for its type is {}.",
                    name, which, a.type));
  if (a.binary()) {
    auto bytes = crypto::base64_decode(a.value, 8 * max_message_bytes);
    if (!bytes)
      return f.refuse(
          errc::malformed_request,
          fmt::format("The BinaryValue of message attribute '{}' is not base64.", name));
    a.value = std::move(*bytes);
    return;
  }
  if (!is_message_text(a.value))
    return f.refuse(errc::invalid_parameter_value,
                    fmt::format("Invalid characters found in the StringValue of message attribute "
                                "'{}'. Valid unicode characters are #x9 | #xA | #xD | #x20 to "
                                "#xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.",
                                name));
  if (a.type.starts_with("Number") && !is_number(a.value))
    f.refuse(
        errc::invalid_parameter_value,
        fmt::format("Can't cast the value of message (user) attribute '{}' to a number.", name));
}

std::vector<message_attribute> read_attributes(fields& f) {
  std::vector<message_attribute> out;
  node* all = f.child("MessageAttributes", node_kind::object);
  if (all == nullptr) return out;
  if (all->children.size() > max_message_attributes) {
    f.refuse(errc::invalid_parameter_value,
             fmt::format("Number of message attributes [{}] exceeds the allowed maximum [{}].",
                         all->children.size(), max_message_attributes));
    return out;
  }
  for (auto& n : all->children) {
    if (!is_attribute_name(n.name)) {
      f.refuse(
          errc::invalid_parameter_value,
          fmt::format("The message attribute name '{}' is invalid. It is 1 to 256 of A-Z, a-z, "
                      "0-9, underscore, hyphen and period, without a period at its ends or two "
                      "in a row, and does not begin with AWS. or Amazon.",
                      clean_text(n.name.substr(0, 80))));
      return out;
    }
    message_attribute a{.name = std::move(n.name), .type = {}, .value = {}};
    if (n.kind == node_kind::object)
      read_value(f, a.name, n, a);
    else
      f.refuse(errc::malformed_request,
               fmt::format("The message attribute '{}' is of another type.", a.name));
    if (f.wrong()) return out;
    out.push_back(std::move(a));
  }
  std::ranges::sort(out, {}, &message_attribute::name);
  return out;
}

std::string read_trace_header(fields& f) {
  node* all = f.child("MessageSystemAttributes", node_kind::object);
  if (all == nullptr || all->children.empty()) return {};
  node& n = all->children.front();
  if (all->children.size() > 1 || n.name != "AWSTraceHeader" || n.kind != node_kind::object) {
    f.refuse(errc::invalid_parameter_value,
             "Message system attributes can only be AWSTraceHeader, of type String.");
    return {};
  }
  fields value(n, f.form());
  const auto type = value.maybe("DataType");
  auto text = value.maybe("StringValue");
  if (value.wrong() || type != "String" || text.empty() || !is_message_text(text)) {
    f.refuse(errc::invalid_parameter_value,
             "The message system attribute AWSTraceHeader must be a String with a value.");
    return {};
  }
  return text;
}

std::string read_fifo_id(fields& f, std::string_view name) {
  auto id = f.maybe(name);
  if (!f.wrong() && !id.empty() && !is_fifo_id(id))
    f.refuse(errc::invalid_parameter_value,
             fmt::format("Value for parameter {} is invalid. Reason: {} can only include "
                         "alphanumeric and punctuation characters. 1 to 128 in length.",
                         name, name));
  return id;
}

void check_kind_of_queue(fields& f, const message& m, bool fifo) {
  if (fifo && m.group.empty())
    f.refuse(errc::missing_parameter, "The request must contain the parameter MessageGroupId.");
  constexpr std::string_view not_here =
      "Reason: The request includes a parameter that is not valid for this queue type.";
  if (fifo && m.delay_s.value_or(0) != 0)
    f.refuse(
        errc::invalid_parameter_value,
        fmt::format("Value {} for parameter DelaySeconds is invalid. {}", *m.delay_s, not_here));
  if (!fifo && !m.deduplication.empty())
    f.refuse(errc::invalid_parameter_value,
             fmt::format("Value {} for parameter MessageDeduplicationId is invalid. {}",
                         m.deduplication, not_here));
}

}  // namespace

message read_message(fields& f, std::string_view queue, const decode_options& o) {
  message m;
  m.body = f.need("MessageBody", o.most_body_bytes);
  m.delay_s = f.number("DelaySeconds", 0, o.most_delay_s);
  m.attributes = read_attributes(f);
  m.trace_header = read_trace_header(f);
  m.group = read_fifo_id(f, "MessageGroupId");
  m.deduplication = read_fifo_id(f, "MessageDeduplicationId");
  if (f.wrong()) return m;
  if (size_of(m) > o.most_message_bytes)
    f.refuse(errc::invalid_parameter_value,
             fmt::format("One or more parameters are invalid. Reason: Message must be shorter than "
                         "{} bytes; with its attributes it has {}.",
                         o.most_message_bytes, size_of(m)));
  if (!is_message_text(m.body))
    f.refuse(errc::invalid_message_contents,
             "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to "
             "#xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.");
  check_kind_of_queue(f, m, is_fifo_name(queue));
  return m;
}

std::size_t size_of(const message& m) noexcept {
  std::size_t size = m.body.size();
  for (const auto& a : m.attributes) size += a.name.size() + a.type.size() + a.value.size();
  return size;
}

bool is_entry_id(std::string_view id) noexcept {
  return !id.empty() && id.size() <= max_name_bytes && std::ranges::all_of(id, [](char c) {
    return is_letter_or_digit(c) || c == '-' || c == '_';
  });
}

bool is_attribute_name(std::string_view name) noexcept {
  if (name.empty() || name.size() > 256 || name.front() == '.' || name.back() == '.') return false;
  if (name.find("..") != std::string_view::npos) return false;
  if (iequals(name.substr(0, 4), "aws.") || iequals(name.substr(0, 7), "amazon.")) return false;
  return std::ranges::all_of(
      name, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.'; });
}

}  // namespace fairing::codec::sqs
