// Messages: what is asked of the engine for them, and what is made of its replies.
#include "jobs/logic/sqs_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "codec/sqs/digest.hpp"
#include "jobs/logic/sqs_message.hpp"
#include "jobs/logic/sqs_queue_actions.hpp"

namespace fairing::jobs {

namespace sqs = codec::sqs;

namespace {

constexpr std::size_t uuid_length = 36;

std::unexpected<error> invalid_handle() {
  return fail(sqs::errc::receipt_handle_is_invalid,
              "The input receipt handle is invalid: it is none, or the message was received again "
              "since.");
}

// One job into the plan's only enqueue.
void add_job(sqs_plan& p, const std::string& queue, new_job j, sqs::sent s) {
  if (p.commands.empty()) p.commands.emplace_back(enqueue{.queue = queue, .jobs = {}});
  std::get<enqueue>(p.commands.front()).jobs.push_back(std::move(j));
  p.sent.push_back(std::move(s));
}

result<void> plan_action(sqs_plan& p, sqs::send_message& a, const known_queue& q,
                         const sqs_context& c) {
  sqs::sent s;
  auto j = job_of(std::move(a.what), q, c, s);
  if (!j) return std::unexpected(j.error());
  add_job(p, a.queue, std::move(*j), std::move(s));
  return {};
}

result<void> plan_action(sqs_plan& p, sqs::send_message_batch& a, const known_queue& q,
                         const sqs_context& c) {
  for (auto& entry : a.entries) {
    sqs::sent s;
    auto j = entry.what ? job_of(std::move(*entry.what), q, c, s)
                        : result<new_job>(std::unexpected(entry.what.error()));
    p.refused.push_back(j ? std::nullopt : std::optional(j.error()));
    p.entry_of.push_back(j ? std::optional(p.sent.size()) : std::nullopt);
    if (j) add_job(p, a.queue, std::move(*j), std::move(s));
  }
  return {};
}

result<void> plan_action(sqs_plan& p, sqs::receive_message& a, const known_queue& q,
                         const sqs_context& c) {
  lease l{.queue = a.queue,
          .most = static_cast<std::size_t>(a.most),
          .length = {},
          .tells_runs = false};
  // A lease has a length; of 0 s it is over with the next tick.
  const auto length = [](std::int32_t s) {
    return std::max(milliseconds{1}, milliseconds{s * 1000LL});
  };
  if (a.visibility_s)
    l.length = length(*a.visibility_s);
  else if (q.settings.visibility_s)
    l.length = length(*q.settings.visibility_s);
  const auto wait_s = a.wait_s.value_or(q.settings.wait_s);
  if (wait_s > 0) l.wait_until_steady_ms = c.now.steady_ms + wait_s * 1000LL;
  p.commands.emplace_back(std::move(l));
  return {};
}

// An SDK sends a delete again when its answer was lost.
command deletion(const lease_token& token) {
  return ack{.token = token, .result = {}, .result_type = {}, .repeatable = true};
}

command visibility_command(const lease_token& token, std::int32_t visibility_s) {
  if (visibility_s > 0) return extend{token, milliseconds{visibility_s * 1000LL}};
  // Given back. Unlike `release` the attempt counts, as on AWS, and the queue's ladder says when the next one is.
  return fail_job{.token = token, .error = "given back: its visibility timeout was set to 0"};
}

// One command, or a refusal, for each entry of a batch.
void add_entry(sqs_plan& p, const std::string& handle, const result<std::int32_t>* visibility) {
  const auto token = token_from(handle);
  std::optional<error> refused;
  if (visibility != nullptr && !*visibility)
    refused = visibility->error();
  else if (!token)
    refused = invalid_handle().error();
  p.entry_of.push_back(refused ? std::nullopt : std::optional(p.commands.size()));
  p.refused.push_back(refused);
  if (refused) return;
  if (visibility != nullptr)
    p.commands.push_back(visibility_command(*token, **visibility));
  else
    p.commands.emplace_back(deletion(*token));
}

result<void> plan_action(sqs_plan& p, sqs::delete_message& a, const known_queue&,
                         const sqs_context&) {
  const auto token = token_from(a.receipt_handle);
  if (!token) return invalid_handle();
  p.commands.emplace_back(deletion(*token));
  return {};
}

result<void> plan_action(sqs_plan& p, sqs::delete_message_batch& a, const known_queue&,
                         const sqs_context&) {
  for (const auto& e : a.entries) add_entry(p, e.receipt_handle, nullptr);
  return {};
}

result<void> plan_action(sqs_plan& p, sqs::change_visibility& a, const known_queue&,
                         const sqs_context&) {
  const auto token = token_from(a.receipt_handle);
  if (!token) return invalid_handle();
  p.commands.push_back(visibility_command(*token, a.visibility_s));
  return {};
}

result<void> plan_action(sqs_plan& p, sqs::change_visibility_batch& a, const known_queue&,
                         const sqs_context&) {
  for (const auto& e : a.entries) add_entry(p, e.receipt_handle, &e.visibility_s);
  return {};
}

// A message that is gone was deleted before: a delete is to be repeatable.
bool counts_as_deleted(const command& c, const error& e) {
  return std::holds_alternative<ack>(c) && e.code == errc::not_found;
}

// What became of a delete or a change of visibility.
result<sqs::done> outcome(const command& c, const result<reply>& r) {
  if (r || counts_as_deleted(c, r.error())) return sqs::done{};
  return std::unexpected(sqs_error(r.error()));
}

error lost_reply() {
  return {sqs::errc::internal_failure, "The store's answer is of another kind than the question."};
}

// The sent of each job of the one enqueue, with its id.
result<std::vector<sqs::sent>> sent_of(sqs_plan& p, const result<reply>& r, bool fifo) {
  if (!r) return std::unexpected(sqs_error(r.error()));
  const auto* jobs = std::get_if<enqueued>(&*r);
  if (jobs == nullptr || jobs->jobs.size() != p.sent.size()) return std::unexpected(lost_reply());
  auto out = std::move(p.sent);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].message_id = message_id_text(jobs->jobs[i].id);
    if (fifo) out[i].sequence_number = sqs::sequence_number(jobs->jobs[i].id);
  }
  return out;
}

sqs::reply finish_send_batch(sqs_plan& p, const sqs::send_message_batch& a,
                             const std::vector<result<reply>>& replies) {
  result<std::vector<sqs::sent>> sent = std::vector<sqs::sent>{};
  if (!replies.empty()) sent = sent_of(p, replies.front(), sqs::is_fifo_name(a.queue));
  sqs::sent_batch out;
  for (std::size_t i = 0; i < a.entries.size(); ++i) {
    const auto& id = a.entries[i].id;
    const auto& refused = p.refused[i];
    const auto& at = p.entry_of[i];
    if (refused)
      out.entries.push_back({id, std::unexpected(*refused)});
    else if (!sent)
      out.entries.push_back({id, std::unexpected(sent.error())});
    else if (at)
      out.entries.push_back({id, std::move((*sent)[*at])});
  }
  return out;
}

template <class Entries>
sqs::reply finish_batch(const sqs_plan& p, const Entries& entries,
                        const std::vector<result<reply>>& replies) {
  sqs::batch_outcome out;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& refused = p.refused[i];
    const auto& at = p.entry_of[i];
    if (refused)
      out.entries.push_back({entries[i].id, std::unexpected(*refused)});
    else if (at)
      out.entries.push_back({entries[i].id, outcome(p.commands[*at], replies[*at])});
  }
  return out;
}

result<sqs::reply> finish_receive(const sqs::receive_message& a, const result<reply>& r) {
  if (!r) return std::unexpected(sqs_error(r.error()));
  const auto* got = std::get_if<leased>(&*r);
  if (got == nullptr) return std::unexpected(lost_reply());
  sqs::received out;
  out.messages.reserve(got->jobs.size());
  for (const auto& j : got->jobs) out.messages.push_back(message_of(j, a));
  return out;
}

}  // namespace

std::string message_id_text(job_id id) {
  // 48 bits, the version, 12 bits, the variant, the last 4 bits of the id.
  return fmt::format("{:08x}-{:04x}-8{:03x}-8{:01x}00-000000000000", id >> 32, (id >> 16) & 0xFFFF,
                     (id >> 4) & 0xFFF, id & 0xF);
}

std::optional<job_id> job_of_message_id(std::string_view text) noexcept {
  if (text.size() != uuid_length) return std::nullopt;
  job_id id = 0;
  for (std::size_t i = 0; i < 21; ++i) {
    if (i == 8 || i == 13 || i == 14 || i == 18 || i == 19) continue;
    const char c = text[i];
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return std::nullopt;
    id = id << 4 | static_cast<job_id>(digit ? c - '0' : c - 'a' + 10);
  }
  // Exactly the one spelling: nothing else is an id of ours.
  if (text.substr(21) != "00-000000000000" || text[8] != '-' || text[13] != '-' || text[18] != '-')
    return std::nullopt;
  if (text[14] != '8' || text[19] != '8') return std::nullopt;
  return id;
}

error sqs_error(const error& e) {
  if (e.code.category() != jobs_category()) return e;
  auto code = sqs::errc::internal_failure;
  switch (static_cast<errc>(e.code.value())) {
    case errc::not_found:
      code = sqs::errc::queue_does_not_exist;
      break;
    case errc::conflict:
    case errc::unsupported:
      code = sqs::errc::unsupported_operation;
      break;
    case errc::stale_lease:
      code = sqs::errc::receipt_handle_is_invalid;
      break;
    case errc::too_large:
    case errc::bad_request:
      code = sqs::errc::invalid_parameter_value;
      break;
    case errc::full:
    case errc::fenced:
      code = sqs::errc::unavailable;
      break;
    case errc::overloaded:
    case errc::standby:
    case errc::unknown_outcome:
      code = sqs::errc::throttled;
      break;
    case errc::store_failed:
      break;
  }
  return {code, e.message()};
}

sqs_plan plan(sqs::action a, const queue_book& book, sqs_moves& moves, const sqs_context& c) {
  sqs_plan p;
  p.asked = std::move(a);
  if (sqs::kind_of(p.asked) > sqs::action_kind::change_visibility_batch) {
    plan_queue_action(p, book, moves, c);
    return p;
  }
  std::visit(
      [&](auto& asked) {
        if constexpr (requires { plan_action(p, asked, std::declval<const known_queue&>(), c); }) {
          const auto q = need_queue(book, asked.queue);
          const auto done =
              q ? plan_action(p, asked, **q, c) : result<void>(std::unexpected(q.error()));
          if (!done) p.answer = std::unexpected(done.error());
        }
      },
      p.asked);
  // A batch of which nothing is left to ask.
  if (!p.answer && p.commands.empty()) p.answer = finish(p, {}, c);
  return p;
}

result<sqs::reply> finish(sqs_plan& p, std::vector<result<reply>> replies, const sqs_context& c) {
  if (replies.size() != p.commands.size()) return std::unexpected(lost_reply());
  if (const auto* batch = std::get_if<sqs::send_message_batch>(&p.asked))
    return finish_send_batch(p, *batch, replies);
  if (const auto* deletes = std::get_if<sqs::delete_message_batch>(&p.asked))
    return finish_batch(p, deletes->entries, replies);
  if (const auto* changes = std::get_if<sqs::change_visibility_batch>(&p.asked))
    return finish_batch(p, changes->entries, replies);
  if (replies.empty()) return std::unexpected(lost_reply());
  const auto& first = replies.front();
  if (const auto* send = std::get_if<sqs::send_message>(&p.asked)) {
    auto sent = sent_of(p, first, sqs::is_fifo_name(send->queue));
    if (!sent) return std::unexpected(sent.error());
    return std::move(sent->front());
  }
  if (const auto* receive = std::get_if<sqs::receive_message>(&p.asked))
    return finish_receive(*receive, first);
  if (sqs::kind_of(p.asked) <= sqs::action_kind::change_visibility_batch) {
    const auto done = outcome(p.commands.front(), first);
    if (!done) return std::unexpected(done.error());
    return sqs::done{};
  }
  if (!first) return std::unexpected(sqs_error(first.error()));
  return answer_queue_action(p, c);
}

std::vector<command> dead_letter_moves(const std::vector<job_event>& events,
                                       const queue_book& book) {
  std::vector<command> out;
  for (const auto& e : events) {
    if (e.what != job_event::kind::died) continue;
    const auto* q = book.find(e.queue);
    if (q == nullptr || book.find(q->settings.dead_letter_queue) == nullptr) continue;
    out.emplace_back(redrive{.queue = q->state.row.name,
                             .id = e.id,
                             .error = {},
                             .to = q->settings.dead_letter_queue,
                             .moves = true});
  }
  return out;
}

std::vector<command> dead_letter_sweep(const queue_book& book) {
  std::vector<command> out;
  for (const auto& [name, q] : book.all())
    if (q.state.counts.of[static_cast<std::size_t>(job_state::dead)] > 0 &&
        book.find(q.settings.dead_letter_queue) != nullptr)
      out.emplace_back(redrive{
          .queue = name, .id = {}, .error = {}, .to = q.settings.dead_letter_queue, .moves = true});
  return out;
}

}  // namespace fairing::jobs
