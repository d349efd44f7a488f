#include "jobs/session/dead_letters.hpp"

#include <algorithm>

#include "jobs/logic/sqs_rules.hpp"

namespace fairing::jobs {
namespace {

constexpr std::int64_t sweep_pause_ms = 1'000;

// Anything else may be otherwise the next time.
bool is_final(const error& e) { return e.code == errc::conflict || e.code == errc::not_found; }

}  // namespace

void dead_letters::on_batch(const std::vector<job_event>& events) {
  const bool died = std::ranges::any_of(
      events, [](const job_event& e) { return e.what == job_event::kind::died; });
  const auto now = writer_.steady_now();
  const bool all = sweep_ && now >= next_sweep_ms_;
  if (!died && !all) return;
  if (all) {
    sweep_ = false;
    next_sweep_ms_ = now + sweep_pause_ms;
  }
  const auto book = books_.get();
  auto moves = all ? dead_letter_sweep(*book) : dead_letter_moves(events, *book);
  if (!moves.empty()) submit(std::move(moves));
}

void dead_letters::submit(std::vector<command> moves) {
  const bool taken =
      writer_.submit(nullptr, std::move(moves), [this](const std::vector<result<reply>>& replies) {
        for (const auto& r : replies)
          if (!r && !is_final(r.error())) sweep_ = true;
      });
  if (!taken) sweep_ = true;
}

}  // namespace fairing::jobs
