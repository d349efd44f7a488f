#include "base/clock.hpp"

#include <ctime>

namespace fairing {

namespace {
milliseconds read_ms(clockid_t id) noexcept {
  timespec ts{};
  ::clock_gettime(id, &ts);
  return milliseconds{static_cast<std::int64_t>(ts.tv_sec) * 1000 + ts.tv_nsec / 1'000'000};
}
}  // namespace

instant now() noexcept {
  const auto wall = std::chrono::floor<seconds>(read_ms(CLOCK_REALTIME_COARSE));
  return {mono_time{read_ms(CLOCK_MONOTONIC_COARSE)}, wall_time{wall}};
}

std::int64_t precise_us() noexcept {
  timespec ts{};
  ::clock_gettime(CLOCK_MONOTONIC, &ts);
  return static_cast<std::int64_t>(ts.tv_sec) * 1'000'000 + ts.tv_nsec / 1000;
}

}  // namespace fairing
