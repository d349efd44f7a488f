// sqs_queue: what the SQS API has set for a queue, and how that shows in its queue_config.
//
// Problem: SQS keeps a queue's behaviour in attributes (VisibilityTimeout, RedrivePolicy ...), Fairing in queue_config.
// The attributes are stored as JSON in queue_row::attributes; here they are checked, read, merged and listed.
//
// Flow:
//   the engine, at open and at set_queue:  config = effective_config(config_of_name, row.attributes);
//   the session, when queues have changed: auto book = std::make_shared<const queue_book>(states, configured, old.get());
//   the rules:                             book.find("emails")->settings
// Made by CreateQueue, a queue behaves as on AWS: received again at once, without end (1,000 times), or
// maxReceiveCount times and then moved to the deadLetterTarget. A queue of fairing.yaml keeps its ladder; attribute
// FairingAttempts ("0s,1m,5m,30m") gives one to any queue.
// Bounds: 10,000 queues; attributes of 64 KiB.  Threads: plain values; a book is immutable.
// Source: AWS SQS API reference, SetQueueAttributes and CreateQueue.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "codec/sqs/actions.hpp"
#include "jobs/logic/engine.hpp"

namespace fairing::jobs {

// How often a message of a queue without RedrivePolicy and without a ladder is received at most; AWS's own bound for
// maxReceiveCount.
inline constexpr std::uint32_t most_receives = 1'000;

struct queue_settings {
  codec::sqs::string_pairs given;  // as they were set, by name
  codec::sqs::string_pairs tags;
  std::int64_t created_ms = 0;  // wall; 0: not made by the API
  std::int64_t modified_ms = 0;
  std::optional<std::int32_t> visibility_s;
  std::int32_t delay_s = 0;
  std::int32_t wait_s = 0;
  std::optional<std::uint64_t> most_bytes;
  std::optional<milliseconds> retention;  // MessageRetentionPeriod, where it was set
  std::string dead_letter_queue;          // name; empty: none
  std::uint32_t receives = 0;             // maxReceiveCount; 0: no RedrivePolicy
  std::vector<milliseconds> ladder;       // FairingAttempts; empty: not said
  bool content_based = false;             // ContentBasedDeduplication
  bool deduplicate_by_group = false;      // DeduplicationScope = messageGroup

  [[nodiscard]] std::optional<std::string_view> attribute(std::string_view name) const noexcept;
};

// Of queue_row::attributes. What cannot be read counts as not set: it was checked before it was stored.
[[nodiscard]] queue_settings read_settings(std::string_view attributes);
[[nodiscard]] std::string write_settings(const queue_settings& s);
// Checks and merges; an empty value of Policy, RedrivePolicy or RedriveAllowPolicy takes it away. Errors:
// invalid_attribute_name, invalid_attribute_value, invalid_parameter_value.
[[nodiscard]] result<void> set_attributes(queue_settings& s, std::string_view queue,
                                          const codec::sqs::string_pairs& attributes);

// What the attributes make of a configuration. `row_attributes` empty: the configuration itself.
[[nodiscard]] queue_config effective_config(const queue_config& base,
                                            std::string_view row_attributes);

struct known_queue {
  engine::queue_state state;
  queue_settings settings;
  bool configured = false;  // in fairing.yaml
};

class queue_book {
 public:
  static constexpr std::size_t most_queues = 10'000;
  queue_book() = default;
  queue_book(const queue_book&) = delete;  // by_number_ points into queues_
  queue_book& operator=(const queue_book&) = delete;
  // `configured`: names of the queues of fairing.yaml. `last`: its settings are taken over where nothing changed.
  queue_book(std::vector<engine::queue_state> states, const std::vector<std::string>& configured,
             const queue_book* last);

  [[nodiscard]] const known_queue* find(std::string_view name) const noexcept;  // nullptr: none
  [[nodiscard]] const known_queue* find(std::uint32_t number) const noexcept;
  // It is there, and not SQS's: its jobs are requests that the http plane put off, which nobody else makes or receives.
  [[nodiscard]] bool of_requests(std::string_view name) const noexcept;
  // By name, ascending.
  [[nodiscard]] const std::map<std::string, known_queue, std::less<>>& all() const noexcept {
    return queues_;
  }

 private:
  std::map<std::string, known_queue, std::less<>> queues_;
  std::map<std::uint32_t, const known_queue*> by_number_;
  std::set<std::string, std::less<>> of_requests_;
};

}  // namespace fairing::jobs
