// concurrency_limit: how many servers of a pool may be at work at once, whether what they answer is gathered, and how many
// statements are sent to each of them ahead, found by trying.
//
// Problem: more statements at once than the database has cores (and disks) for make each of them slower and, past the
// best point, all of them together: 16 on one core did 45 % of what 2 did. The right number is not in the
// configuration: it depends on the machine, on what it is shared with and on the statements, and it changes.
// And a relay that is woken for each message costs, and makes whoever wakes it pay for it: while clients wait for
// servers anyway, a core that has nothing to do had better sleep on until some messages are there (as a network card
// does that moderates its interrupts). Too long, or where each server is needed at once, this leaves servers idle.
//
// Flow:  concurrency_limit limit(size);
//        at the end of each lease:  limit.ended(somebody_waits, now);
//        before a lease:            running < limit.now()
//        while somebody waits:      limit.gather(at_work) is how long a core may sleep on
// How: while clients wait, it compares the rate at which leases end under what holds now (A) with that under a change
// (B), in pairs of short windows, A B, B A and so on, so that a load that grows or falls does not decide; the pair
// whose ratio is in the middle does, so that a slow or fast moment of the machine does not either. The changes are tried
// in turn: to gather or not, where gathering, which saves CPU, needs only not to be slower; twice as many statements at
// each server, of which all but one were sent ahead, and half as many servers; half the limit, kept unless that is
// slower (`lower_from`); twice of it, kept only when that is faster (`higher_from`); and half as many at each server.
// One alone costs too: whatever holds that process up holds up everybody, so that the slowest percent is slower with one
// than with two at the same rate. It has to be no slower than two at all. At the same rate the lower limit is the better one: who waits in the pool's queue waits as long as
// the others there, while what is at work at once in the database is served in an order of its own, which is what the
// slowest of a hundred consists of. Where statements wait for disks, for locks or for the application more at once is
// faster, and the limit stays at the size of the pool.
// When changes brought nothing it rests, each time for longer, and what was plainly worse is not seen to its end.
// A rate that falls to half while it rests, for three windows, takes it back to the size, without gathering: what was
// measured is not true any more. Without waiters nothing is tried, as the limit then holds nobody back.
// Units: rates are compared only among themselves. Cost: ended() is a few ns; no allocation.
// Threads: one. Source: hill climbing as in Welsh and Culler, "Adaptive Overload Control for Busy Internet Servers"
// (USITS 2003), with paired windows against drift.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "pool/pool_types.hpp"

namespace fairing::pool {

class concurrency_limit {
 public:
  struct rules {
    std::uint32_t window_ends = 192;       // a window is over after so many leases and ...
    microseconds window_least{8'000};      // ... so long; or after ...
    microseconds window_most{1'000'000};   // ... so long, with at least ...
    std::uint32_t window_ends_least = 16;  // ... so many
    double lower_from = 0.95;              // B over A at which the lower limit is kept
    double higher_from = 1.05;             // and the higher one
    double plain = 1.3;   // A over B: it is worse, after the first pair, or a quarter of B's window
    double clear = 1.08;  // by so much better or worse twice: that is enough
    std::uint32_t rest = 2;  // windows between trials; four times after each round of all ...
    std::uint32_t rest_most = 256;     // ... that changed nothing; a quarter after a change
    std::uint32_t leave_out_most = 8;  // rounds without a trial of a change that lost clearly
    bool may_gather = true;
    bool may_ahead = true;
    // Twice as many at each server over now: it is kept. Half as many are where that is not slower.
    double ahead_from = 1.02;
    double gather_worse = 0.95;  // with gathering over without: it is begun, and not ended
    double gather_share = 0.5;   // it lasts until about this share of those that run has ended, ...
    microseconds gather_most{200};  // ... and no longer than this
  };

  explicit concurrency_limit(std::uint32_t size) noexcept : concurrency_limit(size, rules{}) {}
  concurrency_limit(std::uint32_t size, rules r) noexcept;

  [[nodiscard]] std::uint32_t now() const noexcept { return now_.limit; }
  // The limit that was chosen; during a trial now() may be another.
  [[nodiscard]] std::uint32_t chosen() const noexcept { return chosen_.limit; }
  // How long a core that finds nothing to do may sleep before it looks again; 0: it is to be woken at once.
  [[nodiscard]] microseconds gather(std::uint32_t at_work) const noexcept {
    return std::min(rules_.gather_most,
                    microseconds{static_cast<std::int64_t>(gather_each_ * at_work)});
  }
  // Whether it was chosen to gather.
  [[nodiscard]] bool gathers() const noexcept { return chosen_.gathers; }
  // How many statements may be sent to a server before the one before them is answered, and how many were chosen.
  static constexpr std::uint32_t most_behind = 3;
  [[nodiscard]] std::uint32_t behind() const noexcept { return now_.at_each - 1; }
  [[nodiscard]] std::uint32_t chosen_behind() const noexcept { return chosen_.at_each - 1; }
  // The size of the pool: no limit is higher. Another size begins anew with that, as does to gather or not to.
  void set_rules(std::uint32_t size, bool may_gather, bool may_ahead) noexcept;

  void ended(bool somebody_waits, micro_time now) noexcept {
    if (size_ < 2) return;
    // Nobody waited, and then nothing came for a while: the load paused, and says nothing of the limit.
    if (alone_ && now - last_ > rules_.window_least) [[unlikely]]
      begin_window(now_, now);
    last_ = now;
    alone_ = !somebody_waits;
    ++ends_;
    if (alone_) ++ends_alone_;
    if (ends_ >= rules_.window_ends_least) [[unlikely]]
      look(now);
  }

 private:
  enum class phase : std::uint8_t { resting, trying };
  // In the order in which they are tried.
  enum class change : std::uint8_t { gathering, deeper, lower, higher, shallower };
  static constexpr std::size_t kinds = 5;
  struct setting {
    std::uint32_t limit;
    bool gathers = false;
    std::uint32_t at_each = 1;  // statements at a server, those sent ahead included
    bool operator==(const setting&) const = default;
  };
  struct pair {
    double a = 0, b = 0;  // rates
    [[nodiscard]] double ratio() const noexcept { return b / a; }
  };
  void look(micro_time now) noexcept;
  void rested(double rate, bool waited, micro_time now) noexcept;
  void tried(double us, bool waited, micro_time now) noexcept;
  [[nodiscard]] bool is_decided() const noexcept;
  void decide() noexcept;
  [[nodiscard]] bool is_better(double ratio) const noexcept;
  [[nodiscard]] bool is_back() const noexcept;
  [[nodiscard]] static bool is_of_other(std::uint8_t step) noexcept;
  [[nodiscard]] bool is_plainly_worse(double us) const noexcept;
  [[nodiscard]] bool is_left_out(change c) noexcept;
  void begin_trial() noexcept;
  [[nodiscard]] static change after(change c) noexcept;
  [[nodiscard]] bool changes(change c) noexcept;
  void begin_window(setting s, micro_time now) noexcept;
  void rest_again(bool changed) noexcept;
  void rest_longer() noexcept;
  void start_over() noexcept;

  rules rules_;
  std::uint32_t size_;
  setting chosen_;
  setting now_;
  setting other_{0};        // the B of a trial
  setting before_{0};       // what was chosen before the last change
  double gather_each_ = 0;  // us, of now_
  phase phase_ = phase::resting;
  change next_ = change::gathering;  // or the one that is being tried
  std::uint8_t step_ = 0;            // windows of the trial so far
  bool doubted_ = false;             // the last trial was for more at once, and is made again
  std::uint8_t in_vain_ = 0;         // trials in a row that changed nothing, since the rest grew
  bool settling_ = true;             // leases that began under another setting are not counted
  double rate_ = 0;         // in leases a us, as chosen, when it last was measured; 0: not yet
  std::uint32_t rest_ = 0;  // of now
  std::uint32_t left_ = 0;  // windows to rest
  std::uint32_t slow_ = 0;  // windows in a row at half the rate
  static constexpr std::uint32_t most_slow = 3;
  // Rounds without a trial of that change after the last one, and what is left of them.
  struct left_out {
    std::uint32_t rounds = 0, left = 0;
  };
  std::array<left_out, kinds> left_out_;
  std::uint32_t ends_ = 0;  // of this window
  std::uint32_t ends_alone_ = 0;
  bool alone_ = false;  // at the last end nobody waited
  micro_time last_{};   // of an end
  micro_time began_{};
  // Odd; fewer where the rest cannot change what is decided.
  static constexpr std::size_t most_pairs = 7;
  std::array<pair, most_pairs> pairs_;
};

}  // namespace fairing::pool
