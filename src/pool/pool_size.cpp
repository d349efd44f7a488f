#include "pool/pool_size.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace fairing::pool {
namespace {

constexpr std::uint64_t enough_leases = 100;
constexpr double notable_wait_share = 0.05;  // of leases
constexpr double notable_wait_ms = 1.0;      // a lease on average

double seconds_of(microseconds t) { return static_cast<double>(t.count()) / 1e6; }

}  // namespace

std::uint32_t auto_size(std::uint32_t cores, std::uint32_t spindles) noexcept {
  const auto size = std::uint64_t{std::max(cores, 1U)} * 2 + spindles;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(size, 10'000));
}

size_verdict check_size(const size_question& q) {
  const auto instances = std::max(q.instances, 1U);
  const auto needed = std::uint64_t{instances} * (std::uint64_t{q.size} + q.beside);
  const auto taken = std::uint64_t{q.reserved} + q.others;
  const auto room = q.max_connections > taken ? q.max_connections - taken : 0;
  const auto each = static_cast<std::uint32_t>(room / instances);
  const auto most = each > q.beside ? each - q.beside : 0;
  const auto servers = q.beside == 0
                           ? fmt::format("{} servers", q.size)
                           : fmt::format("({} servers + {} for advice)", q.size, q.beside);
  const auto sum = fmt::format(
      "{} instance{} x {} = {} connections; max_connections {} - reserved {} - others {} leaves {}",
      instances, instances == 1 ? "" : "s", servers, needed, q.max_connections, q.reserved,
      q.others, room);
  if (needed > room)
    return {size_level::too_many, most,
            most == 0
                ? sum + ": PostgreSQL will refuse logins; raise max_connections or close others"
                : fmt::format("{}: PostgreSQL will refuse logins; set sql.pool.size to {} or less, "
                              "or raise max_connections",
                              sum, most)};
  if (needed * 10 > std::uint64_t{room} * 9)
    return {size_level::tight, most,
            sum + ": it fits, but leaves less than a tenth for consoles, migrations and replicas"};
  return {size_level::fits, most, sum + ": it fits"};
}

std::string_view name(size_change c) noexcept {
  switch (c) {
    case size_change::unknown:
      return "unknown";
    case size_change::keep:
      return "keep";
    case size_change::grow:
      return "grow";
    case size_change::shrink:
      return "shrink";
    case size_change::shorten:
      return "shorten";
    case size_change::database:
      return "database";
  }
  return "";
}

size_advice advise(const pool_period& p) {
  const auto length = seconds_of(p.length);
  if (p.leases < enough_leases || length <= 0)
    return {size_change::unknown, p.size, 0,
            fmt::format("{} leases seen; {} are needed to say something", p.leases, enough_leases)};
  const auto leases = static_cast<double>(p.leases);
  // A lease counts where it ends: a long one may be longer than the period.
  const auto busy = std::min(seconds_of(p.held) / length, static_cast<double>(p.size));
  const auto working = std::min(seconds_of(p.used) / length, busy);
  const auto wait_ms = seconds_of(p.wait) * 1e3 / leases;
  const auto share = static_cast<double>(p.waited) / leases;
  const bool waits = p.timeouts > 0 || (share > notable_wait_share && wait_ms > notable_wait_ms);
  const auto staffed = static_cast<std::uint32_t>(std::ceil(busy + 2 * std::sqrt(busy)));
  const auto seen = fmt::format(
      "{:.1f} of {} servers leased on average, {:.1f} of them working; {:.0f} % of leases waited, "
      "{:.1f} ms a lease on average{}",
      busy, p.size, working, share * 100, wait_ms,
      p.timeouts > 0 ? fmt::format(", {} timed out", p.timeouts) : "");
  if (!waits) {
    const auto wanted = std::max(staffed, 2U);
    if (wanted * 2 <= p.size)
      return {size_change::shrink, wanted, busy, fmt::format("{}: {} would do", seen, wanted)};
    return {size_change::keep, p.size, busy, seen + ": the size is right"};
  }
  // Waits with little work: the servers are held by transactions in which the application thinks.
  if (working < busy / 2)
    return {size_change::shorten, std::max(p.size, std::min(staffed, p.formula * 2)), busy,
            fmt::format("{}: transactions are idle for {:.0f} % of their time; take calls to other "
                        "services and computing out of them before the pool is enlarged",
                        seen, (1 - working / busy) * 100)};
  if (p.concurrency != 0 && p.concurrency < p.size)
    return {size_change::database, p.size, busy,
            fmt::format("{}: clients wait for the database, which is fastest with {} transactions "
                        "at once; a larger size changes nothing. Look at the slowest queries and "
                        "their indexes",
                        seen, p.concurrency)};
  if (p.size >= p.formula)
    return {size_change::database, p.size, busy,
            fmt::format("{}: clients wait for the database, which is busy; more than {} "
                        "connections make it slower. Look at the slowest queries and their indexes",
                        seen, p.size)};
  const auto wanted = std::clamp(staffed, p.size + 1, p.formula);
  return {size_change::grow, wanted, busy,
          fmt::format("{}: set sql.pool.size to {}", seen, wanted)};
}

}  // namespace fairing::pool
