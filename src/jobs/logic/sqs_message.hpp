// sqs_message: one SQS message as a job, and a leased job as an SQS message.
//
// Problem: attributes, groups, trace headers and ids have to survive the store, be readable to workers of the native
// API, and come out with the same checksums.
//
// Flow:  auto j = job_of(m, queue, context, sent);   auto r = message_of(leased, asked, queue);
// Threads: any. Cost: a copy of the body and its MD5.
#pragma once

#include "base/result.hpp"
#include "codec/sqs/actions.hpp"
#include "codec/sqs/replies.hpp"
#include "jobs/logic/engine.hpp"
#include "jobs/logic/sqs_queue.hpp"
#include "jobs/logic/sqs_rules.hpp"

namespace fairing::jobs {

// `sent` gets the checksums. Errors: invalid_parameter_value where the queue's attributes ask for something else.
[[nodiscard]] result<new_job> job_of(codec::sqs::message m, const known_queue& queue,
                                     const sqs_context& c, codec::sqs::sent& sent);
// With the attributes that were asked for.
[[nodiscard]] codec::sqs::received_message message_of(const leased_job& j,
                                                      const codec::sqs::receive_message& asked);

}  // namespace fairing::jobs
