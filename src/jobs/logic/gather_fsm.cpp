#include "jobs/logic/gather_fsm.hpp"

#include <algorithm>

namespace fairing::jobs {

void gather_fsm::answered(std::size_t count, std::int64_t commit_us, std::size_t queued,
                          std::int64_t now_us) noexcept {
  commit_us_ = commit_us_ == 0 ? commit_us : (commit_us_ * 3 + commit_us) / 4;
  expected_ = count == 0 ? 0 : queued + count;
  seen_ = 0;
  until_us_ = now_us + std::min(commit_us_, longest_us);
}

std::int64_t gather_fsm::wait_us(std::size_t queued, std::int64_t now_us) noexcept {
  if (queued >= expected_ || queued == seen_ || now_us >= until_us_) return 0;
  seen_ = queued;
  const auto pause = std::max(std::min(commit_us_, longest_us) / 8, shortest_pause_us);
  return std::min(pause, until_us_ - now_us);
}

}  // namespace fairing::jobs
