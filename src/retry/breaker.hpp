// breaker: stops calling what keeps failing, and tries it again with a few calls.
//
// Problem: a dead dependency (L2, a CDN, an upstream) costs every request its timeout. After enough
// failures in a row calls are refused at once; after a pause a few probes decide.
//
// Flow:
//   auto p = breaker.allow(now); if (!p.allowed) take the fallback;
//   ... call ...; breaker.report(p, ok, now);
// A permit that is never reported (its caller was cancelled) blocks nothing: in half open a probe
// slot that was not reported within `open_for` is given again. A result of before the last change
// of state is ignored.
// Threads: one (a core's own, or under its owner's lock). Pure: `now` is
// given.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.hpp"

namespace fairing::retry {

enum class breaker_state : std::uint8_t {
  closed,     // calls go through
  open,       // calls are refused until the pause is over
  half_open,  // a few probes go through; their results decide
};

class breaker {
 public:
  struct options {
    std::uint32_t failures = 5;     // in a row, that open it
    milliseconds open_for{5000};    // the first pause; doubles with each failed probe ...
    milliseconds open_max{60'000};  // ... up to this
    std::uint32_t probes = 1;       // at a time in half open
    std::uint32_t successes = 2;    // of probes, that close it
  };
  struct permit {
    bool allowed = false;
    std::uint32_t era = 0;  // which state it was given in
  };

  explicit breaker(options o) noexcept : options_(o), pause_(o.open_for) {}

  [[nodiscard]] permit allow(mono_time now) noexcept {
    if (state_ == breaker_state::closed) return {true, era_};
    if (state_ == breaker_state::open) {
      if (now < until_) return {};
      enter(breaker_state::half_open);
      until_ = now + options_.open_for;
    }
    if (now >= until_) {  // probes were lost
      probes_out_ = 0;
      until_ = now + options_.open_for;
    }
    if (probes_out_ >= std::max(options_.probes, 1U)) return {};
    ++probes_out_;
    return {true, era_};
  }

  // How a permitted call ended. True when this changed the state: to be logged once.
  bool report(permit p, bool ok, mono_time now) noexcept {
    if (!p.allowed || p.era != era_) return false;
    if (state_ == breaker_state::closed) return report_closed(ok, now);
    if (probes_out_ > 0) --probes_out_;
    if (!ok) {
      pause_ = std::min(pause_ * 2, std::max(options_.open_max, options_.open_for));
      open(now);
      return true;
    }
    if (++count_ < options_.successes) return false;
    enter(breaker_state::closed);
    pause_ = options_.open_for;
    return true;
  }

  [[nodiscard]] breaker_state state() const noexcept { return state_; }
  // When open: how long calls are refused yet; for Retry-After. Else 0.
  [[nodiscard]] milliseconds retry_after(mono_time now) const noexcept {
    if (state_ != breaker_state::open || until_ <= now) return milliseconds{0};
    return until_ - now;
  }

 private:
  bool report_closed(bool ok, mono_time now) noexcept {
    count_ = ok ? 0 : count_ + 1;
    if (count_ < std::max(options_.failures, 1U)) return false;
    open(now);
    return true;
  }
  void open(mono_time now) noexcept {
    enter(breaker_state::open);
    until_ = now + pause_;
  }
  void enter(breaker_state next) noexcept {
    state_ = next;
    ++era_;
    count_ = 0;
    probes_out_ = 0;
  }

  options options_;
  milliseconds pause_;
  breaker_state state_ = breaker_state::closed;
  std::uint32_t era_ = 0;
  std::uint32_t count_ = 0;  // closed: failures in a row; half open: successes
  std::uint32_t probes_out_ = 0;
  mono_time until_{};  // open: the end of the pause; half open: when silent probes count as lost
};

}  // namespace fairing::retry
