// gather_fsm: how long the writer waits for more commands before it begins a batch.
//
// Problem: a sync takes a millisecond or four, and clients that wait for an answer send their next command when they
// have it. A writer that begins as soon as one of them is back makes that one durable alone, and the others after it: two
// groups take turns, and each has the disk half of the time. Waiting for those who were just answered makes one group of
// them.
//
// Flow:  g.answered(count, commit_us, now_us);        // a batch's answers have left; later, while commands wait:
//        while (const auto us = g.wait_us(queued, now_us)) sleep until g.enough() are queued, us at most
// It never waits when nobody was answered just now, nor for the only client there is; it stops when all are back, when
// none came for an eighth of a commit, and when a whole commit's time has passed since the answers left. So whoever is
// slow to come back costs the others that eighth.
// Pure; threads: one. Cost: some comparisons.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fairing::jobs {

class gather_fsm {
 public:
  // `commit_us`: how long that batch's commit took. `queued`: commands that wait already.
  void answered(std::size_t count, std::int64_t commit_us, std::size_t queued,
                std::int64_t now_us) noexcept;
  // 0: begin. `queued` is at least 1.
  [[nodiscard]] std::int64_t wait_us(std::size_t queued, std::int64_t now_us) noexcept;
  [[nodiscard]] std::size_t enough() const noexcept { return expected_; }

 private:
  static constexpr std::int64_t shortest_pause_us = 100;
  static constexpr std::int64_t longest_us = 5'000;

  std::int64_t commit_us_ = 0;  // smoothed
  std::int64_t until_us_ = 0;
  std::size_t expected_ = 0;
  std::size_t seen_ = 0;  // at the last look
};

}  // namespace fairing::jobs
