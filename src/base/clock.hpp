// clock: the two readings of time that logic is given; logic never asks for the time itself.
//
// Problem: lifetimes must not jump with the wall clock, HTTP dates must follow it, and a test must
// be able to set both. An `instant` holds one reading of each; a core takes one per loop turn.
//
// Units: mono_time in milliseconds on the steady clock, wall_time in whole seconds since 1970.
#pragma once

#include <chrono>
#include <cstdint>

namespace fairing {

using std::chrono::milliseconds;
using std::chrono::seconds;

using mono_time = std::chrono::time_point<std::chrono::steady_clock, milliseconds>;
using wall_time = std::chrono::sys_seconds;

struct instant {
  mono_time mono;  // for lifetimes, deadlines, rates
  wall_time wall;  // for Date, Expires, logs
};

// Reads both clocks (coarse: a few milliseconds behind at most). Any thread.
[[nodiscard]] instant now() noexcept;

// Microseconds on the precise steady clock, for measured durations only. Any thread.
[[nodiscard]] std::int64_t precise_us() noexcept;

// A clock that a test moves by hand.
class manual_clock {
 public:
  explicit manual_clock(wall_time wall = wall_time{seconds{1'700'000'000}})
      : now_{mono_time{milliseconds{1'000'000}}, wall}, start_{now_} {}
  [[nodiscard]] instant now() const { return now_; }
  void advance(milliseconds by) {
    now_.mono += by;
    now_.wall = start_.wall + std::chrono::floor<seconds>(now_.mono - start_.mono);
  }

 private:
  instant now_;
  instant start_;
};

}  // namespace fairing
