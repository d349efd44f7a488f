// sqs_queue_actions: the half of sqs_rules that is about queues, not messages.
//
// Flow:  plan_queue_action(p, book, moves, context)  sets p.answer or p.commands;
//        answer_queue_action(p, context)             after its command has worked.
// Threads: as sqs_rules.
#pragma once

#include "jobs/logic/sqs_rules.hpp"

namespace fairing::jobs {

void plan_queue_action(sqs_plan& p, const queue_book& book, sqs_moves& moves, const sqs_context& c);
[[nodiscard]] codec::sqs::reply answer_queue_action(const sqs_plan& p, const sqs_context& c);

[[nodiscard]] result<const known_queue*> need_queue(const queue_book& book, std::string_view name);

}  // namespace fairing::jobs
