#include "pool/pool_periods.hpp"

#include <algorithm>

namespace fairing::pool {

namespace {

std::int64_t number_at(micro_time t) noexcept {
  return t.time_since_epoch() / pool_periods::length;
}

period_sums& place_of(period_list& list, std::int64_t number) noexcept {
  return list[static_cast<std::size_t>(number) % periods_kept];
}

microseconds micro(std::uint64_t us) noexcept {
  return microseconds{static_cast<std::int64_t>(us)};
}

// How long it was seen.
microseconds seen(std::int64_t number, micro_time began, micro_time now) noexcept {
  const micro_time from{number * pool_periods::length};
  return std::min(now, from + pool_periods::length) - std::max(began, from);
}

}  // namespace

void pool_periods::tell(const pool_totals& all, std::uint64_t used_us, micro_time now) noexcept {
  const auto number = number_at(now);
  auto& at = place_of(list_, number);
  if (at.number != number) at = {.number = number};
  const period_sums sums{.leases = all.released,
                         .held_us = all.held_us,
                         .used_us = used_us,
                         .waited = all.waited,
                         .wait_us = all.wait_us,
                         .timeouts = all.no_room};
  at.leases += sums.leases - before_.leases;
  at.held_us += sums.held_us - before_.held_us;
  at.used_us += sums.used_us - before_.used_us;
  at.waited += sums.waited - before_.waited;
  at.wait_us += sums.wait_us - before_.wait_us;
  at.timeouts += sums.timeouts - before_.timeouts;
  before_ = sums;
}

void add(period_list& to, const period_list& more) noexcept {
  for (const auto& p : more) {
    if (p.number < 0) continue;
    auto& at = place_of(to, p.number);
    if (at.number > p.number) continue;
    if (at.number < p.number) at = {.number = p.number};
    at.leases += p.leases;
    at.held_us += p.held_us;
    at.used_us += p.used_us;
    at.waited += p.waited;
    at.wait_us += p.wait_us;
    at.timeouts += p.timeouts;
  }
}

pool_period busiest(const period_list& all, micro_time began, micro_time now,
                    pool_period of) noexcept {
  double most = -1;
  for (const auto& p : all) {
    const bool lately = p.number > number_at(now) - static_cast<std::int64_t>(periods_kept);
    const auto length = p.number < 0 || !lately ? microseconds{0} : seen(p.number, began, now);
    if (length < seconds{1}) continue;
    const auto weight =
        static_cast<double>(p.held_us + p.wait_us) / static_cast<double>(length.count());
    if (weight <= most) continue;
    most = weight;
    of.length = length;
    of.leases = p.leases;
    of.held = micro(p.held_us);
    of.used = micro(p.used_us);
    of.waited = p.waited;
    of.wait = micro(p.wait_us);
    of.timeouts = p.timeouts;
  }
  return of;
}

}  // namespace fairing::pool
