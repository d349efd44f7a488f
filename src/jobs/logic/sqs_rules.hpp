// sqs_rules: what an SQS action means for the engine, and what the engine's replies mean for the client.
//
// Problem: SQS has receipt handles, visibility and redrive policies, the engine has leases, a ladder and dead jobs.
// The mapping is a matter of rules, so it is a pure step before the engine and one behind it.
//
// Flow, for a request that decode() accepted:
//   sqs_plan p = plan(std::move(action), book, moves, context);
//   if (p.answer) encode it: nothing has to be asked of the engine.
//   else submit all of p.commands in order, in one batch; then
//        reply = finish(p, replies, context)      // replies[i] is the engine's to commands[i]
//   A ReceiveMessage that waits has one `lease` with wait_until_steady_ms set: set its `waiter`; where the engine says
//   `parked`, the reply of dispatch() goes into finish() instead; forget_waiter when the client goes.
//   After a set_queue the session makes a new book before it answers.
// Beside requests, on the engine's thread: dead_letter_moves(events, book) after every commit, dead_letter_sweep(book)
// once after open: commands that move dead jobs of queues with a RedrivePolicy into their dead letter queues.
// Names: receipt handle = token_text; MessageId = job id as a UUID (message_id_text); MessageGroupId = job.key;
// MessageDeduplicationId = job.unique for 5 minutes; attributes and system attributes = job.fields (field_* below).
// Threads: any; `moves` only on its own: plan the three move actions there. Cost: a copy of each payload, its MD5.
// Source: AWS SQS API reference; docs/reference/sqs.md has the comparison case by case.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "codec/sqs/actions.hpp"
#include "codec/sqs/replies.hpp"
#include "jobs/logic/engine.hpp"
#include "jobs/logic/sqs_moves.hpp"
#include "jobs/logic/sqs_queue.hpp"

namespace fairing::jobs {

inline constexpr milliseconds deduplication_window{300'000};

struct sqs_context {
  std::string_view base_url;                  // as the client reached us: "http://127.0.0.1:9324"
  std::string_view account = "000000000000";  // in URLs and ARNs
  std::string_view region = "us-east-1";      // in ARNs
  std::string_view sender;                    // id of the access key; empty: nobody signed
  plane_time now;
};

// Fields of a job that came over SQS; a worker of the native API sees them as they are.
//   sqs-attribute:NAME        TYPE:VALUE, a Binary value in base64
//   sqs-system:NAME           AWSTraceHeader, SenderId, MessageDeduplicationId
// Other fields of a job (traceparent of the native API) are message attributes of type String to SQS clients.
inline constexpr std::string_view field_attribute = "sqs-attribute:";
inline constexpr std::string_view field_system = "sqs-system:";

// 8-4-4-4-12 hex digits, version 8; the same for the same job for ever. Some clients parse it as a UUID.
[[nodiscard]] std::string message_id_text(job_id id);
[[nodiscard]] std::optional<job_id> job_of_message_id(std::string_view text) noexcept;

struct sqs_plan {
  // Set: this is the answer, no command is needed.
  std::optional<result<codec::sqs::reply>> answer;
  std::vector<command> commands;
  // What finish() needs.
  codec::sqs::action asked;
  std::vector<codec::sqs::sent> sent;                // of the jobs in an enqueue, without their ids
  std::vector<std::optional<std::size_t>> entry_of;  // batch: entry -> index of its job or command
  std::vector<std::optional<error>> refused;         // batch: entry -> why nothing was asked for it
};

[[nodiscard]] sqs_plan plan(codec::sqs::action a, const queue_book& book, sqs_moves& moves,
                            const sqs_context& c);
[[nodiscard]] result<codec::sqs::reply> finish(sqs_plan& p, std::vector<result<reply>> replies,
                                               const sqs_context& c);

[[nodiscard]] std::vector<command> dead_letter_moves(const std::vector<job_event>& events,
                                                     const queue_book& book);
[[nodiscard]] std::vector<command> dead_letter_sweep(const queue_book& book);

// An error of the engine as SQS says it.
[[nodiscard]] error sqs_error(const error& e);

}  // namespace fairing::jobs
