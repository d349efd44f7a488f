#include "jobs/logic/push_pace.hpp"

namespace fairing::jobs {

push_pace::ticket push_pace::begin(std::int64_t) noexcept {
  ++in_flight_;
  full_ = full_ || in_flight_ >= limit_;
  return {round_};
}

void push_pace::end(ticket t, push_strain s, std::int64_t now_ms) noexcept {
  in_flight_ -= in_flight_ > 0 ? 1 : 0;
  const bool news = t.round == round_;
  if (s != push_strain::absent) pauses_ = 0;
  if (s == push_strain::fine) return succeed();
  if (s == push_strain::neutral || !news) return;
  ++round_;
  successes_ = 0;
  full_ = false;
  limit_ = std::max(1U, limit_ / 2);
  if (s != push_strain::absent) return;
  const auto doubled = first_pause_ms << std::min(pauses_, 10U);
  closed_until_ms_ = now_ms + std::min(doubled, longest_pause_ms);
  ++pauses_;
}

// More only where all there is was used: an idle queue says nothing about what its target bears.
void push_pace::succeed() noexcept {
  if (++successes_ < limit_ || !full_) return;
  successes_ = 0;
  full_ = false;
  limit_ = std::min(limit_ + 1, most_);
}

}  // namespace fairing::jobs
