// outlier: takes an upstream out of the choice for a while when requests to it keep failing.
//
// Problem: active checks are slow and see one path; live traffic sees failures at once. But a
// network fault that hits all must not eject all.
//
// Flow:
//   if (outliers.report(i, ok, now)) log("upstream_ejected");   // not ok: 502, 503, 504, no answer
//   usable = !outliers.ejected(i, now);
// Ejection ends by itself. It lasts `eject` times the ejections so far, at most ten times; each
// stretch of `eject` without one takes one off again. At most a share `max_ejected` is out at once,
// rounded down: a site's only upstream is never ejected.
// Threads: one (a core's own, or under its owner's lock). Pure: `now` is given.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.hpp"

namespace fairing::retry {

class outlier_detector {
 public:
  struct options {
    std::uint32_t failures = 5;  // in a row, that eject
    milliseconds eject{10'000};  // the first time
    double max_ejected = 0.5;    // share that may be out at once
  };
  outlier_detector(std::size_t upstreams, options o);

  // How a request to upstream i ended. True when this ejected it. Results that arrive while it is
  // out are ignored: they belong to requests of before.
  bool report(std::size_t i, bool ok, mono_time now);
  [[nodiscard]] bool ejected(std::size_t i, mono_time now) const noexcept;
  [[nodiscard]] std::size_t ejected_count(mono_time now) const noexcept;
  // How long upstream i stays out; 0 if it is not.
  [[nodiscard]] milliseconds out_for(std::size_t i, mono_time now) const noexcept {
    return ejected(i, now) ? std::chrono::ceil<milliseconds>(upstreams_[i].until - now)
                           : milliseconds{0};
  }
  // Failures in a row, counted up to `failures`; at the limit it would be out, but for max_ejected.
  [[nodiscard]] std::uint32_t failures(std::size_t i) const noexcept {
    return upstreams_[i].failures;
  }
  [[nodiscard]] bool at_limit(std::size_t i) const noexcept {
    return upstreams_[i].failures >= options_.failures;
  }

 private:
  struct upstream {
    std::uint32_t failures = 0;   // in a row
    std::uint32_t ejections = 0;  // that still count towards the length of the next
    mono_time until = mono_time::min();
  };
  options options_;
  std::vector<upstream> upstreams_;
};

}  // namespace fairing::retry
