// Queue attributes: checked, merged, stored as JSON, read again; and the book of queues.
#include "jobs/logic/sqs_queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/ascii.hpp"
#include "base/json.hpp"

namespace fairing::jobs {

namespace {

using codec::sqs::is_fifo_name;
using codec::sqs::string_pairs;
using sqs_errc = codec::sqs::errc;

enum class kind : std::uint8_t {
  number,          // from `low` to `high`
  boolean,         // true or false
  choice,          // one of two words
  text,            // kept, of no effect
  redrive_policy,  // {"deadLetterTargetArn", "maxReceiveCount"}
  ladder,          // durations, separated by commas
};
struct settable {
  std::string_view name;
  kind what;
  bool fifo_only = false;
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::string_view words[2] = {};
};
constexpr std::array settables{
    settable{"VisibilityTimeout", kind::number, false, 0, 43'200},
    settable{"DelaySeconds", kind::number, false, 0, 900},
    settable{"MessageRetentionPeriod", kind::number, false, 60, 1'209'600},
    settable{"MaximumMessageSize", kind::number, false, 1'024, codec::sqs::max_message_bytes},
    settable{"ReceiveMessageWaitTimeSeconds", kind::number, false, 0, 20},
    settable{"KmsDataKeyReusePeriodSeconds", kind::number, false, 60, 86'400},
    settable{"ContentBasedDeduplication", kind::boolean, true},
    settable{"FifoQueue", kind::boolean, true},
    settable{"SqsManagedSseEnabled", kind::boolean},
    settable{"DeduplicationScope", kind::choice, true, 0, 0, {"queue", "messageGroup"}},
    settable{"FifoThroughputLimit", kind::choice, true, 0, 0, {"perQueue", "perMessageGroupId"}},
    settable{"Policy", kind::text},
    settable{"KmsMasterKeyId", kind::text},
    settable{"RedriveAllowPolicy", kind::text},
    settable{"RedrivePolicy", kind::redrive_policy},
    settable{"FairingAttempts", kind::ladder},
};
constexpr std::size_t most_steps = 32;

std::optional<std::vector<milliseconds>> ladder_from(std::string_view text) {
  std::vector<milliseconds> out;
  bool good = true;
  for_each_list_element(text, [&](std::string_view step) {
    const auto d = parse_duration(step);
    good = good && d && out.size() < most_steps;
    if (good) out.push_back(*d);
  });
  if (!good || out.empty()) return std::nullopt;
  return out;
}

struct policy {
  std::string queue;
  std::uint32_t receives = 0;
};
std::optional<policy> policy_from(std::string_view text) {
  const auto j = nlohmann::json::parse(text, nullptr, false);
  if (!j.is_object() || !j.contains("deadLetterTargetArn") || !j.contains("maxReceiveCount"))
    return std::nullopt;
  const auto* arn = j["deadLetterTargetArn"].get_ptr<const std::string*>();
  const auto& count = j["maxReceiveCount"];
  const auto* words = count.get_ptr<const std::string*>();
  std::optional<std::uint64_t> receives;
  if (words != nullptr) receives = parse_digits(*words);
  if (count.is_number_unsigned()) receives = count.get<std::uint64_t>();
  const auto queue = arn == nullptr ? std::nullopt : codec::sqs::queue_of_arn(*arn);
  if (!queue || !receives || *receives < 1 || *receives > most_receives) return std::nullopt;
  return policy{std::string(*queue), static_cast<std::uint32_t>(*receives)};
}

result<void> bad_value(std::string_view name, std::string_view why) {
  return fail(sqs_errc::invalid_attribute_value,
              fmt::format("Invalid value for the parameter {}. Reason: {}.", name, why));
}

result<void> check(const settable& s, std::string_view queue, std::string_view value) {
  switch (s.what) {
    case kind::number: {
      const auto n = parse_digits(value);
      if (n && *n >= s.low && *n <= s.high) return {};
      return bad_value(s.name, fmt::format("Must be an integer from {} to {}", s.low, s.high));
    }
    case kind::boolean:
      if (s.name == "FifoQueue" && value != "true")
        return bad_value(s.name, "A queue's kind is in its name: true for those that end in .fifo");
      if (value == "true" || value == "false") return {};
      return bad_value(s.name, "Must be true or false");
    case kind::choice:
      if (value == s.words[0] || value == s.words[1]) return {};
      return bad_value(s.name, fmt::format("Must be {} or {}", s.words[0], s.words[1]));
    case kind::text:
      return {};
    case kind::redrive_policy: {
      if (value.empty()) return {};
      const auto p = policy_from(value);
      if (!p)
        return bad_value(s.name,
                         "Must be JSON with deadLetterTargetArn, the ARN of a queue, and "
                         "maxReceiveCount, an integer from 1 to 1000");
      if (p->queue == queue || is_fifo_name(p->queue) != is_fifo_name(queue))
        return bad_value(s.name,
                         "The dead letter queue is another queue, and of a FIFO queue one "
                         "that is FIFO as well");
      return {};
    }
    case kind::ladder:
      if (value.empty() || ladder_from(value)) return {};
      return bad_value(s.name, "Must be up to 32 durations as in 0s,1m,5m,30m");
  }
  return {};
}

std::optional<std::uint64_t> number_of(const queue_settings& s, std::string_view name) {
  const auto value = s.attribute(name);
  return value ? parse_digits(*value) : std::nullopt;
}

// What the attributes say, once.
void interpret(queue_settings& s) {
  const auto seconds = [&](std::string_view name) {
    return static_cast<std::int32_t>(
        std::min<std::uint64_t>(number_of(s, name).value_or(0), 43'200));
  };
  s.visibility_s.reset();
  if (s.attribute("VisibilityTimeout")) s.visibility_s = seconds("VisibilityTimeout");
  s.delay_s = seconds("DelaySeconds");
  s.wait_s = std::min(seconds("ReceiveMessageWaitTimeSeconds"), codec::sqs::max_wait_s);
  s.most_bytes = number_of(s, "MaximumMessageSize");
  s.retention.reset();
  if (const auto n = number_of(s, "MessageRetentionPeriod"); n)
    s.retention = milliseconds{static_cast<std::int64_t>(*n) * 1000};
  s.content_based = s.attribute("ContentBasedDeduplication") == "true";
  s.deduplicate_by_group = s.attribute("DeduplicationScope") == "messageGroup";
  const auto p = policy_from(s.attribute("RedrivePolicy").value_or(""));
  s.dead_letter_queue = p ? p->queue : std::string();
  s.receives = p ? p->receives : 0;
  s.ladder = ladder_from(s.attribute("FairingAttempts").value_or(""))
                 .value_or(std::vector<milliseconds>{});
}

void set_pair(string_pairs& pairs, const std::string& name, const std::string& value) {
  const auto at =
      std::ranges::lower_bound(pairs, name, {}, &std::pair<std::string, std::string>::first);
  const bool there = at != pairs.end() && at->first == name;
  if (value.empty()) {
    if (there) pairs.erase(at);
  } else if (there) {
    at->second = value;
  } else {
    pairs.insert(at, {name, value});
  }
}

string_pairs pairs_from(const nlohmann::json& all, const char* name) {
  string_pairs out;
  if (!all.contains(name) || !all[name].is_object()) return out;
  for (const auto& [key, value] : all[name].items())
    if (const auto* text = value.get_ptr<const std::string*>()) out.emplace_back(key, *text);
  std::ranges::sort(out);
  return out;
}

void append_pairs(std::string& out, const string_pairs& pairs) {
  out += '{';
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (i != 0) out += ',';
    append_json_string(out, pairs[i].first);
    out += ':';
    append_json_string(out, pairs[i].second);
  }
  out += '}';
}

}  // namespace

std::optional<std::string_view> queue_settings::attribute(std::string_view name) const noexcept {
  for (const auto& [key, value] : given)
    if (key == name) return value;
  return std::nullopt;
}

queue_settings read_settings(std::string_view attributes) {
  queue_settings s;
  const auto j = nlohmann::json::parse(attributes, nullptr, false);
  if (!j.is_object()) return s;
  s.given = pairs_from(j, "attributes");
  s.tags = pairs_from(j, "tags");
  for (const auto& [name, to] :
       {std::pair("created", &s.created_ms), std::pair("modified", &s.modified_ms)})
    if (j.contains(name) && j[name].is_number_integer()) *to = j[name].get<std::int64_t>();
  interpret(s);
  return s;
}

std::string write_settings(const queue_settings& s) {
  std::string out = R"({"attributes":)";
  append_pairs(out, s.given);
  out += R"(,"tags":)";
  append_pairs(out, s.tags);
  out += fmt::format(R"(,"created":{},"modified":{}}})", s.created_ms, s.modified_ms);
  return out;
}

result<void> set_attributes(queue_settings& s, std::string_view queue,
                            const codec::sqs::string_pairs& attributes) {
  for (const auto& [name, value] : attributes) {
    const auto known = std::ranges::find(settables, std::string_view(name), &settable::name);
    if (known == settables.end() || (known->fifo_only && !is_fifo_name(queue)))
      return fail(sqs_errc::invalid_attribute_name,
                  fmt::format("Unknown Attribute {}: it cannot be set for this queue.", name));
    if (auto good = check(*known, queue, value); !good) return good;
  }
  for (const auto& [name, value] : attributes) set_pair(s.given, name, value);
  interpret(s);
  return {};
}

queue_config effective_config(const queue_config& base, std::string_view row_attributes) {
  queue_config c = base;
  if (row_attributes.empty()) return c;
  const auto s = read_settings(row_attributes);
  // A lease of no length would be over before it is given.
  if (s.visibility_s) c.timeout = std::max(milliseconds{1}, milliseconds{*s.visibility_s * 1000LL});
  if (s.most_bytes) c.payload = *s.most_bytes;
  if (s.retention) {
    c.retention = s.retention;
    c.retention_drops = true;
  }
  const bool made_here = s.created_ms != 0;
  auto steps = !s.ladder.empty() ? s.ladder : base.attempts;
  if (s.ladder.empty() && made_here) steps = {milliseconds{0}};
  if (steps.empty()) steps = {milliseconds{0}};
  std::size_t count = s.receives;
  if (count == 0) count = s.ladder.empty() && made_here ? most_receives : steps.size();
  if (steps.size() > count) steps.resize(count);
  c.most_attempts = static_cast<std::uint32_t>(count);
  c.attempts = std::move(steps);
  return c;
}

queue_book::queue_book(std::vector<engine::queue_state> states,
                       const std::vector<std::string>& configured, const queue_book* last) {
  for (auto& state : states) {
    if (queues_.size() >= most_queues) break;
    if (state.config.requests) {
      of_requests_.insert(std::move(state.row.name));
      continue;
    }
    known_queue q;
    const auto* before = last != nullptr ? last->find(state.row.name) : nullptr;
    q.settings = before != nullptr && before->state.row.attributes == state.row.attributes
                     ? before->settings
                     : read_settings(state.row.attributes);
    q.configured = std::ranges::find(configured, state.row.name) != configured.end();
    auto name = state.row.name;
    q.state = std::move(state);
    queues_.emplace(std::move(name), std::move(q));
  }
  for (const auto& [name, q] : queues_) by_number_[q.state.row.number] = &q;
}

const known_queue* queue_book::find(std::string_view name) const noexcept {
  const auto at = queues_.find(name);
  return at == queues_.end() ? nullptr : &at->second;
}

bool queue_book::of_requests(std::string_view name) const noexcept {
  return of_requests_.contains(name);
}

const known_queue* queue_book::find(std::uint32_t number) const noexcept {
  const auto at = by_number_.find(number);
  return at == by_number_.end() ? nullptr : at->second;
}

}  // namespace fairing::jobs
