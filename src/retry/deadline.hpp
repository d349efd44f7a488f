// deadline: the moment by which something must be done, as a value that is passed down.
//
// Problem: timeouts that restart at every layer add up; an absolute moment does not. Each step
// takes the earlier of its own limit and the one it was given, and tells the next step what is
// left.
//
// Flow:
//   auto d = retry::min(request_deadline, retry::deadline::after(now, timeouts.first_byte));
//   if (d.expired(now)) ...;  header("fairing-deadline", d.remaining(now));
// Threads: a plain value.
#pragma once

#include <algorithm>
#include <compare>

#include "base/clock.hpp"

namespace fairing::retry {

class deadline {
 public:
  constexpr explicit deadline(mono_time at) noexcept : at_(at) {}

  [[nodiscard]] static constexpr deadline never() noexcept { return deadline(mono_time::max()); }
  // now + timeout; never() when that does not fit. A negative timeout is expired at once.
  [[nodiscard]] static constexpr deadline after(mono_time now, milliseconds timeout) noexcept {
    if (timeout > mono_time::max() - std::max(now, mono_time{})) return never();
    return deadline(now + timeout);
  }

  [[nodiscard]] constexpr bool is_never() const noexcept { return at_ == mono_time::max(); }
  [[nodiscard]] constexpr bool expired(mono_time now) const noexcept {
    return !is_never() && at_ <= now;
  }
  // What is left, never negative; milliseconds::max() for never().
  [[nodiscard]] constexpr milliseconds remaining(mono_time now) const noexcept {
    if (is_never()) return milliseconds::max();
    return at_ <= now ? milliseconds{0} : at_ - now;
  }
  [[nodiscard]] constexpr mono_time at() const noexcept { return at_; }

  friend constexpr auto operator<=>(const deadline&, const deadline&) noexcept = default;

 private:
  mono_time at_;
};

[[nodiscard]] constexpr deadline min(deadline a, deadline b) noexcept { return a < b ? a : b; }

}  // namespace fairing::retry
