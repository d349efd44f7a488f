// pace: how many events a rate allows, by GCRA with reservations, for a queue, a key or a redrive.
//
// Problem: limit::gcra_table says yes or no; a queue must also know when it may go on, and a job that has to wait must
// get its place in the line once, or a thousand jobs of one key would ask again each time one of them may run.
//
// Flow:  if (auto n = p.ready(limit, now_ms)) { give k <= n; p.take(limit, k, now_ms); } else wake at p.next_ms(limit);
//        auto at = p.reserve(limit, now_ms);     // the time that this one may run
// An allowance is a tenth of a second's worth, at least one: events are spaced, and a second never sees over 110 %.
// State is one number; it is not kept over a restart (a limit may be exceeded by one allowance then).
// Source: ITU-T I.371, the virtual scheduling form of GCRA.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/units.hpp"

namespace fairing::jobs {

class pace {
 public:
  [[nodiscard]] std::uint64_t ready(const rate& r, std::int64_t now_ms) const noexcept {
    const auto step = step_us(r);
    const auto latest = now_ms * 1000 + (burst(r) - 1) * step;
    const auto at = std::max(next_us_, now_ms * 1000);
    return at > latest ? 0 : static_cast<std::uint64_t>((latest - at) / step + 1);
  }
  void take(const rate& r, std::uint64_t count, std::int64_t now_ms) noexcept {
    next_us_ = std::max(next_us_, now_ms * 1000) + static_cast<std::int64_t>(count) * step_us(r);
  }
  // When ready() will be over 0.
  [[nodiscard]] std::int64_t next_ms(const rate& r) const noexcept {
    return (next_us_ - (burst(r) - 1) * step_us(r) + 999) / 1000;
  }
  // Takes the next place: when it comes up; not before now.
  [[nodiscard]] std::int64_t reserve(const rate& r, std::int64_t now_ms) noexcept {
    const auto at = std::max(next_ms(r), now_ms);
    take(r, 1, now_ms);
    return at;
  }
  // Nothing is remembered that matters: as good as new.
  [[nodiscard]] bool idle(std::int64_t now_ms) const noexcept { return next_us_ <= now_ms * 1000; }

 private:
  [[nodiscard]] static std::int64_t step_us(const rate& r) noexcept {
    const auto count = static_cast<std::int64_t>(std::clamp<std::uint64_t>(r.count, 1, 1'000'000));
    return std::max<std::int64_t>(1, std::max<std::int64_t>(r.period.count(), 1) * 1000 / count);
  }
  [[nodiscard]] static std::int64_t burst(const rate& r) noexcept {
    return std::max<std::int64_t>(1, 100'000 / step_us(r));
  }

  std::int64_t next_us_ = 0;  // GCRA's TAT
};

}  // namespace fairing::jobs
