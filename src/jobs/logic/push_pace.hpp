// push_pace: how many pushes a target gets at a time: as many as it bears.
//
// Problem: a worker behind a URL cannot ask for less; one that slows down under load gets slower the more it is given,
// and one that is down would take a whole backlog up the ladder in a second.
//
// Flow:
//   if (pace.room(now) > 0) { auto t = pace.begin(now); push ...; pace.end(t, judgement.strain, later); }
//   else sleep until pace.opens(now), or an end
// Rules: it begins with 4 at a time; where all of it is used, each round of successes gives one more; a strained answer
// halves it, once a round (answers to what began before the cut say nothing new). A target that is not there gets
// nothing for 0.5 s, doubled up to 10 s, then one push, until there is an answer.
// Threads: the pusher's core. Time in milliseconds, any clock that does not jump.
// Source: AIMD as in TCP's congestion avoidance (RFC 5681 §3.1).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "jobs/logic/push_verdict.hpp"

namespace fairing::jobs {

class push_pace {
 public:
  struct ticket {
    std::uint64_t round = 0;  // the cuts and pauses there had been
  };
  static constexpr std::uint32_t usual_most = 32;  // of a queue without `concurrency`
  static constexpr std::uint32_t first = 4;
  static constexpr std::int64_t first_pause_ms = 500;
  static constexpr std::int64_t longest_pause_ms = 10'000;

  explicit push_pace(std::uint32_t most) noexcept
      : most_(std::max(1U, most)), limit_(std::min(first, most_)) {}

  [[nodiscard]] std::uint32_t room(std::int64_t now_ms) const noexcept {
    if (now_ms < closed_until_ms_) return 0;
    const auto limit = pauses_ > 0 ? 1 : limit_;
    return limit > in_flight_ ? limit - in_flight_ : 0;
  }
  // When a pause ends; nullopt: only an end() gives room.
  [[nodiscard]] std::optional<std::int64_t> opens(std::int64_t now_ms) const noexcept {
    if (now_ms < closed_until_ms_) return closed_until_ms_;
    return std::nullopt;
  }
  [[nodiscard]] ticket begin(std::int64_t now_ms) noexcept;
  void end(ticket t, push_strain s, std::int64_t now_ms) noexcept;

  [[nodiscard]] std::uint32_t limit() const noexcept { return limit_; }
  [[nodiscard]] std::uint32_t in_flight() const noexcept { return in_flight_; }
  [[nodiscard]] bool target_is_away() const noexcept { return pauses_ > 0; }

 private:
  void succeed() noexcept;

  std::uint32_t most_;
  std::uint32_t limit_;
  std::uint32_t in_flight_ = 0;
  std::uint32_t successes_ = 0;  // since limit_ changed
  bool full_ = false;            // since then all of it was used at a moment
  std::uint64_t round_ = 0;
  std::uint32_t pauses_ = 0;  // in a row
  std::int64_t closed_until_ms_ = 0;
};

}  // namespace fairing::jobs
