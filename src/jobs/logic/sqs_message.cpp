// Messages to jobs and back.
#include "jobs/logic/sqs_message.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/ascii.hpp"
#include "codec/sqs/digest.hpp"
#include "codec/sqs/message_rules.hpp"
#include "codec/sqs/text.hpp"
#include "crypto/crypto.hpp"

namespace fairing::jobs {

namespace sqs = codec::sqs;

namespace {

constexpr std::size_t most_binary_bytes = 8 * sqs::max_message_bytes;

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
}

// 32 hex digits from traceparent (00-TRACE-SPAN-FLAGS) or AWSTraceHeader (Root=1-8DIGITS-24DIGITS); empty: neither.
std::string trace_of(const sqs::message& m) {
  for (const auto& a : m.attributes)
    if (a.name == "traceparent" && a.value.size() >= 55 && a.value[2] == '-' &&
        a.value[35] == '-' && is_hex(a.value.substr(3, 32)))
      return a.value.substr(3, 32);
  constexpr std::string_view root = "Root=1-";
  const auto at = m.trace_header.find(root);
  if (at == std::string::npos || m.trace_header.size() - at < root.size() + 33) return {};
  const auto id = std::string_view(m.trace_header).substr(at + root.size(), 33);
  if (id[8] != '-') return {};
  auto hex = to_lower(std::string(id.substr(0, 8)) + std::string(id.substr(9)));
  return is_hex(hex) ? hex : std::string();
}

std::string content_type_of(const sqs::message& m) {
  for (const auto& a : m.attributes)
    if (!a.binary() && (iequals(a.name, "content-type") || iequals(a.name, "contenttype")))
      return a.value;
  return "text/plain; charset=utf-8";
}

std::string field_of(const sqs::message_attribute& a) {
  return a.type + ":" + (a.binary() ? crypto::base64_encode(a.value) : a.value);
}

// nullopt: a field that is no message attribute.
std::optional<sqs::message_attribute> attribute_of(std::string_view name, std::string_view value) {
  if (name.starts_with(field_system)) return std::nullopt;
  if (!name.starts_with(field_attribute)) {
    // Of the native API, as far as SQS has a way to say it.
    if (!sqs::is_attribute_name(name) || value.empty() || !sqs::is_message_text(value))
      return std::nullopt;
    return sqs::message_attribute{std::string(name), "String", std::string(value)};
  }
  const auto colon = value.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  sqs::message_attribute a{std::string(name.substr(field_attribute.size())),
                           std::string(value.substr(0, colon)),
                           std::string(value.substr(colon + 1))};
  if (!a.binary()) return a;
  auto bytes = crypto::base64_decode(a.value, most_binary_bytes);
  if (!bytes) return std::nullopt;
  a.value = std::move(*bytes);
  return a;
}

// All, .*, the name itself, or its beginning with .* behind it.
bool asked_for(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::any_of(names, [&](std::string_view n) {
    if (n == "All" || n == name) return true;
    return n.ends_with(".*") && name.starts_with(n.substr(0, n.size() - 2));
  });
}

std::string_view field(const job& j, std::string_view name) {
  for (const auto& [key, value] : j.fields)
    if (key.size() == field_system.size() + name.size() && key.starts_with(field_system) &&
        key.ends_with(name))
      return value;
  return {};
}

sqs::string_pairs system_attributes(const job& j, const std::vector<std::string>& names) {
  sqs::string_pairs out;
  const auto add = [&](std::string_view name, std::string value) {
    const bool asked =
        std::ranges::any_of(names, [&](std::string_view n) { return n == "All" || n == name; });
    if (asked && !value.empty()) out.emplace_back(std::string(name), std::move(value));
  };
  const auto deduplication = field(j, "MessageDeduplicationId");
  const auto first = j.history.empty() ? j.created_ms : j.history.front().began_ms;
  add("SenderId", std::string(field(j, "SenderId")));
  add("SentTimestamp", std::to_string(j.created_ms));
  add("ApproximateReceiveCount", std::to_string(j.attempt));
  add("ApproximateFirstReceiveTimestamp", std::to_string(first));
  add("AWSTraceHeader", std::string(field(j, "AWSTraceHeader")));
  add("MessageGroupId", j.key);
  add("MessageDeduplicationId", std::string(deduplication));
  // Only messages of FIFO queues have a deduplication id.
  if (!deduplication.empty()) add("SequenceNumber", sqs::sequence_number(j.id));
  return out;
}

result<void> deduplicate(new_job& j, const sqs::message& m, const known_queue& queue) {
  auto id = m.deduplication;
  if (id.empty() && queue.settings.content_based) id = sqs::sha256_hex(m.body);
  if (id.empty())
    return fail(sqs::errc::invalid_parameter_value,
                "The queue should either have ContentBasedDeduplication enabled or "
                "MessageDeduplicationId provided explicitly.");
  j.fields.emplace_back(std::string(field_system) + "MessageDeduplicationId", id);
  // Hashed, for group and id together are longer than a name may be.
  j.unique = queue.settings.deduplicate_by_group
                 ? sqs::sha256_hex(m.group + std::string(1, '\0') + id)
                 : std::move(id);
  j.unique_for = deduplication_window;
  j.unique_by_time = true;
  return {};
}

}  // namespace

result<new_job> job_of(sqs::message m, const known_queue& queue, const sqs_context& c,
                       sqs::sent& sent) {
  const auto most = std::min<std::uint64_t>(queue.settings.most_bytes.value_or(UINT64_MAX),
                                            queue.state.config.payload);
  if (const auto size = sqs::size_of(m); size > most)
    return fail(sqs::errc::invalid_parameter_value,
                fmt::format("One or more parameters are invalid. Reason: Message must be shorter "
                            "than {} bytes; with its attributes it has {}.",
                            most, size));
  new_job j;
  if (sqs::is_fifo_name(queue.state.row.name))
    if (auto done = deduplicate(j, m, queue); !done) return std::unexpected(done.error());
  sent.md5_of_body = sqs::md5_hex(m.body);
  sent.md5_of_attributes = sqs::md5_of_attributes(m.attributes);
  sent.md5_of_system_attributes = sqs::md5_of_trace_header(m.trace_header);
  j.content_type = content_type_of(m);
  j.trace = trace_of(m);
  if (const auto delay = m.delay_s.value_or(queue.settings.delay_s); delay > 0)
    j.delay = milliseconds{delay * 1000LL};
  for (const auto& a : m.attributes)
    j.fields.emplace_back(std::string(field_attribute) + a.name, field_of(a));
  if (!m.trace_header.empty())
    j.fields.emplace_back(std::string(field_system) + "AWSTraceHeader", m.trace_header);
  if (!c.sender.empty())
    j.fields.emplace_back(std::string(field_system) + "SenderId", std::string(c.sender));
  j.fields_checked = true;
  j.key = std::move(m.group);
  j.payload = std::move(m.body);
  return j;
}

sqs::received_message message_of(const leased_job& l, const sqs::receive_message& asked) {
  const job& j = l.work;
  sqs::received_message m;
  m.message_id = message_id_text(j.id);
  m.receipt_handle = token_text(l.token);
  // A payload of the native API may be any bytes.
  m.body = sqs::is_message_text(j.payload) ? j.payload : sqs::clean_text(j.payload);
  m.md5_of_body = sqs::md5_hex(m.body);
  m.system_attributes = system_attributes(j, asked.system_attributes);
  for (const auto& [name, value] : j.fields) {
    if (asked.message_attributes.empty() || m.attributes.size() == sqs::max_message_attributes)
      break;
    auto a = attribute_of(name, value);
    if (a && asked_for(asked.message_attributes, a->name)) m.attributes.push_back(std::move(*a));
  }
  std::ranges::sort(m.attributes, {}, &sqs::message_attribute::name);
  m.md5_of_attributes = sqs::md5_of_attributes(m.attributes);
  return m;
}

}  // namespace fairing::jobs
