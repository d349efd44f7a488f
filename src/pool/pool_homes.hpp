// pool_homes: when a pool that is too busy for one core gets another home.
//
// Problem: everything of a pool is on one core, so that a query takes no lock. That core can be the limit while others
// idle. Two homes halve its work, but also its servers: a free one of one home is of no use to who waits in the other, so
// each needs enough of them.
//
// Flow, on the first home's core, every tick:
//   if (homes.look({...}, now)) add one: clients that log in from now on go to the home with the fewest
// A home is added when every home's core was busy for `busy_for` without a break, and every home would keep
// `servers_each` servers. One that nobody uses any more is forgotten like any pool.
// Threads: one core's. Cost: a few compares.
// Source: square-root staffing (Halfin and Whitt): what pooling gains shrinks as pools grow; at 16 servers halves lose little.
#pragma once

#include <cstdint>

#include "base/clock.hpp"

namespace fairing::pool {

class pool_homes {
 public:
  struct rules {
    std::uint32_t busy_permille = 850;  // of a core's time
    milliseconds busy_for{3'000};
    std::uint32_t servers_each = 16;
  };
  // Of all homes of the pool at this moment.
  struct view {
    std::uint32_t homes = 1;
    std::uint32_t cores = 1;          // there are
    std::uint32_t servers = 0;        // that the homes have together
    std::uint32_t busy_permille = 0;  // of the home core that is the least busy
  };

  pool_homes() = default;
  explicit pool_homes(rules r) : rules_(r) {}

  // True: one more. It begins anew then.
  [[nodiscard]] bool look(const view& v, mono_time now) noexcept {
    const auto more = v.homes + 1;
    const bool enough = more <= v.cores && v.servers >= more * rules_.servers_each;
    if (!enough || v.busy_permille < rules_.busy_permille) {
      busy_since_ = mono_time::max();
      return false;
    }
    if (busy_since_ == mono_time::max()) busy_since_ = now;
    if (now - busy_since_ < rules_.busy_for) return false;
    busy_since_ = mono_time::max();
    return true;
  }

 private:
  rules rules_;
  mono_time busy_since_ = mono_time::max();
};

// How busy a thread is: its own processor time over the time that passed.
class busy_meter {
 public:
  // `cpu_us`: what the thread has used so far. Permille since the last call; 0 at the first.
  [[nodiscard]] std::uint32_t add(std::int64_t cpu_us, std::int64_t now_us) noexcept {
    const auto used = cpu_us - cpu_us_;
    const auto passed = now_us - at_us_;
    const bool first = at_us_ == 0;
    cpu_us_ = cpu_us;
    at_us_ = now_us;
    if (first || passed <= 0 || used <= 0) return 0;
    return static_cast<std::uint32_t>(used >= passed ? 1000 : used * 1000 / passed);
  }

 private:
  std::int64_t cpu_us_ = 0;
  std::int64_t at_us_ = 0;
};

}  // namespace fairing::pool
