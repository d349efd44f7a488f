#include "retry/outlier.hpp"

#include <algorithm>

namespace fairing::retry {

namespace {
constexpr std::uint32_t longest = 10;  // times `eject`
}

outlier_detector::outlier_detector(std::size_t upstreams, options o)
    : options_(o), upstreams_(upstreams) {
  options_.failures = std::max(o.failures, 1U);
  options_.eject = std::max(o.eject, milliseconds{1});
  options_.max_ejected = std::clamp(o.max_ejected, 0.0, 1.0);
}

bool outlier_detector::ejected(std::size_t i, mono_time now) const noexcept {
  return upstreams_[i].until > now;
}

std::size_t outlier_detector::ejected_count(mono_time now) const noexcept {
  return static_cast<std::size_t>(std::count_if(upstreams_.begin(), upstreams_.end(),
                                                [&](const auto& u) { return u.until > now; }));
}

bool outlier_detector::report(std::size_t i, bool ok, mono_time now) {
  auto& u = upstreams_[i];
  if (u.until > now) return false;
  if (ok) {
    u.failures = 0;
    return false;
  }
  u.failures = std::min(u.failures + 1, options_.failures);
  if (u.failures < options_.failures) return false;
  const auto most =
      static_cast<std::size_t>(options_.max_ejected * static_cast<double>(upstreams_.size()));
  if (ejected_count(now) >= most)
    return false;  // it stays at its limit: the next failure asks again

  if (u.ejections > 0) {
    const auto good_stretches = (now - u.until) / options_.eject;
    u.ejections -= static_cast<std::uint32_t>(std::min<std::int64_t>(good_stretches, u.ejections));
  }
  u.ejections = std::min(u.ejections + 1, longest);
  u.failures = 0;
  u.until = now + options_.eject * u.ejections;
  return true;
}

}  // namespace fairing::retry
