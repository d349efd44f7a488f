// Move tasks: one share of messages a step, as many a second as was asked for.
#include "jobs/logic/sqs_moves.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "codec/sqs/errc.hpp"

namespace fairing::jobs {

namespace {

using sqs_errc = codec::sqs::errc;

constexpr std::int32_t usual_a_second = 500;  // as AWS's own limit

// Messages of one step: at a low pace one, and then the steps are further apart.
std::uint64_t share(const sqs_moves::task& t) {
  const auto a_second = static_cast<std::uint64_t>(t.a_second.value_or(usual_a_second));
  return std::clamp<std::uint64_t>(a_second * sqs_moves::step_ms / 1000, 1, sqs_moves::most_a_step);
}
std::int64_t pause_ms(const sqs_moves::task& t) {
  const auto a_second = t.a_second.value_or(usual_a_second);
  return static_cast<std::int64_t>(share(t)) * 1000 / std::max(a_second, 1);
}

}  // namespace

std::string_view to_string(move_state s) noexcept {
  switch (s) {
    case move_state::running:
      return "RUNNING";
    case move_state::cancelled:
      return "CANCELLED";
    case move_state::completed:
      return "COMPLETED";
    case move_state::failed:
      return "FAILED";
  }
  return "FAILED";
}

result<std::string> sqs_moves::start(std::string source, std::string destination,
                                     std::optional<std::int32_t> a_second, std::uint64_t to_move,
                                     plane_time now) {
  std::size_t running = 0;
  for (const auto& t : tasks_) {
    if (t.state != move_state::running) continue;
    if (t.source == source)
      return fail(sqs_errc::unsupported_operation,
                  "There is already a task running. Only one active task is allowed for a source "
                  "queue arn at a given time.");
    ++running;
  }
  if (running >= most_running)
    return fail(sqs_errc::over_limit, "100 message move tasks run already: wait for one to end.");
  if (tasks_.size() >= most_kept + most_running) {
    const auto over =
        std::ranges::find_if(tasks_, [](const task& t) { return t.state != move_state::running; });
    if (over != tasks_.end()) tasks_.erase(over);
  }
  task t;
  t.number = next_number_++;
  t.handle = fmt::format("move-{}-{}", now.wall_ms, t.number);
  t.source = std::move(source);
  t.destination = std::move(destination);
  t.a_second = a_second;
  t.to_move = to_move;
  t.started_ms = now.wall_ms;
  t.next_ms = now.steady_ms;
  tasks_.push_back(std::move(t));
  return tasks_.back().handle;
}

result<std::uint64_t> sqs_moves::cancel(std::string_view handle) {
  for (auto& t : tasks_) {
    if (t.handle != handle || t.state != move_state::running) continue;
    t.state = move_state::cancelled;
    return t.moved;
  }
  return fail(sqs_errc::resource_not_found, "No message move task of that handle runs.");
}

std::vector<sqs_moves::task> sqs_moves::list(std::string_view source, std::size_t most) const {
  std::vector<task> out;
  for (auto at = tasks_.rbegin(); at != tasks_.rend() && out.size() < most; ++at)
    if (at->source == source) out.push_back(*at);
  return out;
}

std::vector<sqs_moves::step> sqs_moves::tick(plane_time now) {
  std::vector<step> out;
  for (auto& t : tasks_) {
    if (t.state != move_state::running || t.waiting || t.next_ms > now.steady_ms) continue;
    t.waiting = true;
    t.next_ms = now.steady_ms + pause_ms(t);
    redrive r{.queue = t.source, .id = {}, .error = {}, .to = t.destination};
    r.most = share(t);
    r.waiting = true;
    r.moves = true;
    out.push_back({t.number, std::move(r)});
  }
  return out;
}

void sqs_moves::on_reply(std::uint64_t number, const result<reply>& r) {
  for (auto& t : tasks_) {
    if (t.number != number) continue;
    t.waiting = false;
    const auto* count = r ? std::get_if<counted>(&*r) : nullptr;
    if (count != nullptr) {
      t.moved += count->count;
      if (t.state == move_state::running && count->count < share(t))
        t.state = move_state::completed;
    } else if (r || r.error().code != errc::overloaded) {
      // Too much at a time passes; anything else would be the same again.
      if (t.state == move_state::running) t.state = move_state::failed;
      t.failure = r ? "The store gave no count." : r.error().message();
    }
    return;
  }
}

std::optional<std::int64_t> sqs_moves::next_wake_steady_ms() const noexcept {
  std::optional<std::int64_t> next;
  for (const auto& t : tasks_)
    if (t.state == move_state::running && !t.waiting && (!next || t.next_ms < *next))
      next = t.next_ms;
  return next;
}

}  // namespace fairing::jobs
