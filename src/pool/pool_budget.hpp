// pool_budget: how many servers all pools of a site may have together, over all cores, and which
// pool gives one up for which.
//
// Problem: PostgreSQL bears so many connections in all, but pools (one a user and database) live on
// different cores and are loaded differently. One that has waiters and nothing must get a server
// though others hold idle ones; under contention nobody may starve, and a server must not be moved
// for nothing (a move costs a close and a login).
//
// Flow (server_pool is the only caller; one member a pool):
//   auto me = budget.join(waker);
//   if (budget.try_take(me)) open one;              // ... later give(me)
//   else budget.want(me, n);                        // n servers wanted; others are woken
//   on a release, if (budget.contended(me)):        // a donor
//     to = budget.choose_claimant(me, {...}, now);  // somebody deserves it more: close the server,
//     ... when it is closed: budget.hand(to);       // and the permit is the claimant's, nobody else's
//   when woken: n = budget.collect(me): permits handed to me, to open with or give().
//   if (budget.try_pin(most)) its client keeps it; ... later unpin()
// Who deserves: a claimant without any server first, then the one whose oldest waiter waits longest.
//   - A server that falls idle goes to a claimant without servers at once; to another when it was
//     idle for `idle_grace`, and the last of a pool when it was idle for `keep_last`.
//   - A pool with waiters gives one of several to a claimant without; else only when the claimant's
//     oldest waiter waits more than twice as long as its own, plus `move_after`.
// So waits of pools stay within a factor of two, which shares the servers in proportion to the load,
// and a pool without a server waits for one release of another.
// Lifecycle: outlives its members; leave() gives back what is left.
// Threads: any for all; a member's calls but hand() come from its home core. wake() is called on
// any core and must only post a message.
// Cost: uncontended take or give: one or two atomic operations. Claims are scanned in O(members) and
// only while somebody wants something.
// Source of the race rule (count, then look again): as in Dekker's, all operations are seq_cst.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "pool/pool_types.hpp"

namespace fairing::pool {

using member_id = std::uint32_t;
inline constexpr member_id nobody = UINT32_MAX;

class budget_waker {
 public:
  // Have the pool's tick() run on its home core soon. Any thread; must not call the pool or block.
  virtual void wake() noexcept = 0;

 protected:
  ~budget_waker() = default;
};

class pool_budget {
 public:
  struct rules {
    microseconds keep_last{100'000};  // a pool's last idle server stays so long, if nobody has none
    microseconds idle_grace{10'000};  // others stay idle so long before they are given up
    microseconds move_after{10'000};  // a busy server moves when waits differ by more
  };
  // What a member that might give one up says of itself.
  struct donor {
    micro_time oldest_wait = never;  // since when its own oldest waiter waits; never: none does
    microseconds idle_for{0};        // without waiters: how long the server has been idle
  };

  explicit pool_budget(std::uint32_t limit, std::uint32_t max_members = 1024);
  pool_budget(std::uint32_t limit, std::uint32_t max_members, rules r);
  pool_budget(const pool_budget&) = delete;
  pool_budget& operator=(const pool_budget&) = delete;

  // `nobody` when there are max_members already. The waker must live until leave() returns.
  [[nodiscard]] member_id join(budget_waker& waker) noexcept;
  void leave(member_id me) noexcept;

  [[nodiscard]] bool try_take(member_id me) noexcept;
  void give(member_id me) noexcept;  // and serves the best claimant with it
  // From now on `me` claims n servers (0: none). Raising it wakes who may have one to spare.
  void want(member_id me, std::uint32_t n) noexcept;
  [[nodiscard]] std::uint32_t claims(member_id me) const noexcept {
    return slots_[me].claims.load();
  }
  // Permits on their way to `me`: promised by a donor that is closing its server, or handed over.
  [[nodiscard]] std::uint32_t coming(member_id me) const noexcept {
    return slots_[me].promised.load() + slots_[me].handed.load();
  }
  [[nodiscard]] std::uint32_t collect(member_id me) noexcept;
  // To be called when tick() begins: the next wake() is not swallowed.
  void awake(member_id me) noexcept { slots_[me].woken.store(false); }

  void waiting_since(member_id me, micro_time since) noexcept {
    slots_[me].waiting.store(since.time_since_epoch().count(), std::memory_order_relaxed);
  }
  void idle_since(member_id me, micro_time since) noexcept {
    slots_[me].idle.store(since.time_since_epoch().count(), std::memory_order_relaxed);
  }

  // Does another pool claim a server? Two loads.
  [[nodiscard]] bool contended(member_id me) const noexcept {
    return wanted_.load(std::memory_order_relaxed) >
           slots_[me].claims.load(std::memory_order_relaxed);
  }
  // Who is to get a server of `me`, or nobody. When somebody is named, the server must be closed and
  // its permit passed on by hand(); it does not count for `me` any more.
  [[nodiscard]] member_id choose_claimant(member_id me, donor d, micro_time now) noexcept;
  void hand(member_id to) noexcept;
  // Wakes the member whose idle server is the oldest, if another one than `me`; false: it is `me`.
  bool ask_idle(member_id me) noexcept;

  // A lower limit takes effect as servers are released.
  void set_limit(std::uint32_t limit) noexcept;
  [[nodiscard]] std::uint32_t limit() const noexcept { return limit_.load(); }
  [[nodiscard]] std::uint32_t in_use() const noexcept { return in_use_.load(); }
  [[nodiscard]] std::uint32_t wanted() const noexcept { return wanted_.load(); }
  // Are there too many, apart from those the caller is closing already?
  [[nodiscard]] bool over_limit(std::uint32_t closing) const noexcept {
    return in_use_.load(std::memory_order_relaxed) >
           limit_.load(std::memory_order_relaxed) + closing;
  }
  [[nodiscard]] std::uint32_t held(member_id me) const noexcept { return slots_[me].held.load(); }

  // One server more that its client keeps; false if that would be more than `most` of all members'.
  [[nodiscard]] bool try_pin(std::uint32_t most) noexcept;
  void unpin() noexcept { pinned_.fetch_sub(1); }
  [[nodiscard]] std::uint32_t pinned() const noexcept { return pinned_.load(); }

 private:
  static constexpr std::int64_t none = INT64_MAX;  // of `never`
  struct alignas(64) slot {
    std::atomic<bool> taken{false};           // belongs to a member, or to one that is leaving
    std::atomic<bool> live{false};            // may claim and be woken
    std::atomic<bool> woken{false};           // was woken and has not looked yet
    std::atomic<std::uint32_t> calls{0};      // of wake() under way
    std::atomic<std::uint32_t> held{0};       // permits it has
    std::atomic<std::uint32_t> claims{0};     // permits it wants; lowered by donors
    std::atomic<std::uint32_t> promised{0};   // claims that a donor fulfils at this moment
    std::atomic<std::uint32_t> handed{0};     // permits handed over, to be collected
    std::atomic<std::int64_t> waiting{none};  // since when its oldest waiter waits, microseconds
    std::atomic<std::int64_t> idle{none};     // since when its oldest idle server is idle
    budget_waker* waker = nullptr;            // written while not live only
  };

  [[nodiscard]] bool take() noexcept;
  void settle() noexcept;
  [[nodiscard]] member_id best_claimant(member_id except) const noexcept;
  [[nodiscard]] bool starving(const slot& s) const noexcept;
  [[nodiscard]] bool deserves(const slot& mine, const slot& other, donor d,
                              micro_time now) const noexcept;
  [[nodiscard]] bool promise(slot& s) noexcept;
  void wake(slot& s) noexcept;

  rules rules_;
  std::uint32_t max_members_;
  std::unique_ptr<slot[]> slots_;
  std::atomic<std::uint32_t> top_{0};  // slots at and above were never taken
  alignas(64) std::atomic<std::uint32_t> limit_;
  std::atomic<std::uint32_t> in_use_{0};
  std::atomic<std::uint32_t> wanted_{0};  // sum of claims
  std::atomic<std::uint32_t> era_{0};     // grows with each new claim
  std::atomic<std::uint32_t> pinned_{0};
};

}  // namespace fairing::pool
