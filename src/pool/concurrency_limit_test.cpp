// A database that is simulated by a clock: so many clients wait all the time, and the time a lease takes depends on
// how many run at once, and on how long what is ready is left lying.
#include "pool/concurrency_limit.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <queue>
#include <random>

namespace fairing::pool {
namespace {

// Microseconds between two ends.
using cost = std::function<double(std::uint32_t running, double gather_us)>;
using plain_cost = double(std::uint32_t running);

cost whatever_is_gathered(plain_cost* c) {
  return [c](std::uint32_t n, double) { return c(n); };
}

class database {
 public:
  database(concurrency_limit& l, std::uint32_t clients, cost c)
      : limit(l), clients_(clients), cost_(std::move(c)) {}
  database(concurrency_limit& l, std::uint32_t clients, plain_cost* c)
      : database(l, clients, whatever_is_gathered(c)) {}

  void run(double seconds) {
    const double until = t_ + seconds * 1e6;
    std::exponential_distribution<double> chance(4.0);
    while (t_ < until) {
      const auto running = std::min(limit.now(), clients_);
      // A mean of 1, but never quite even.
      t_ += cost_(running, static_cast<double>(limit.gather(limit.now()).count())) *
            (0.75 + chance(random_));
      ++ended;
      if (limit.gather(limit.now()).count() == 0) ++at_once;
      limit.ended(clients_ > running, at_us(1'000'000 + static_cast<std::int64_t>(t_)));
      lowest = std::min(lowest, limit.chosen());
    }
  }
  // The clients have what they want: those that run end, nobody waits, and for a while nothing comes.
  void pause(double seconds) {
    for (auto left = limit.now(); left > 0; --left) {
      t_ += cost_(left, 0);
      limit.ended(false, at_us(1'000'000 + static_cast<std::int64_t>(t_)));
    }
    t_ += seconds * 1e6;
  }
  // The machine does something else.
  void stall(double seconds) { t_ += seconds * 1e6; }
  void change(std::uint32_t clients, cost c) {
    clients_ = clients;
    cost_ = std::move(c);
  }
  void change(std::uint32_t clients, plain_cost* c) { change(clients, whatever_is_gathered(c)); }

  concurrency_limit& limit;
  std::uint64_t ended = 0;
  std::uint64_t at_once = 0;  // of them, without gathering
  std::uint32_t lowest = UINT32_MAX;

 private:
  std::uint32_t clients_;
  cost cost_;
  double t_ = 0;
  std::mt19937 random_{7};
};

// Measured: 16 at once 3,242 a second, 4: 5,927, 2: 7,232. One leaves the core idle between two.
double one_core(std::uint32_t n) { return n == 1 ? 200.0 : 105.0 + 14.0 * n; }
// Each waits 10 ms for a disk that serves any number at once.
double disks(std::uint32_t n) { return 10'000.0 / n; }
// Four cores: faster up to 4, then as fast.
double four_cores(std::uint32_t n) { return 400.0 / std::min(n, 4U); }

TEST(concurrency_limit, finds_what_one_core_can_do_within_four_seconds) {
  concurrency_limit limit(16);
  database d(limit, 32, one_core);
  d.run(4);
  EXPECT_EQ(limit.chosen(), 2U);
  d.ended = 0;
  d.run(60);
  EXPECT_EQ(limit.chosen(), 2U);
  EXPECT_GT(static_cast<double>(d.ended) / 60, 0.98 * 1e6 / one_core(2)) << "trials cost little";
}

TEST(concurrency_limit, leaves_alone_what_waits_for_disks) {
  concurrency_limit limit(16);
  database d(limit, 32, disks);
  d.run(120);
  EXPECT_EQ(d.lowest, 16U);
  EXPECT_GT(static_cast<double>(d.ended) / 120, 0.97 * 1e6 / disks(16)) << "trials cost little";
}

TEST(concurrency_limit, goes_down_only_where_that_is_faster) {
  concurrency_limit limit(16);
  database d(limit, 32, four_cores);
  d.run(120);
  EXPECT_GE(d.lowest, 4U) << "fewer are slower";
  EXPECT_GE(static_cast<double>(d.ended) / 120, 0.97 * 1e6 / four_cores(4));
}

TEST(concurrency_limit, nobody_waits_then_nothing_is_tried) {
  concurrency_limit limit(16);
  database d(limit, 8, one_core);
  d.run(20);
  EXPECT_EQ(d.lowest, 16U);
}

TEST(concurrency_limit, another_kind_of_work_brings_it_back_within_seconds) {
  concurrency_limit limit(16);
  database d(limit, 32, one_core);
  d.run(60);
  EXPECT_EQ(limit.chosen(), 2U);
  d.change(32, disks);
  d.run(4);
  EXPECT_EQ(limit.chosen(), 16U);
}

TEST(concurrency_limit, a_database_that_gets_cores_is_noticed) {
  concurrency_limit limit(16);
  database d(limit, 32, one_core);
  d.run(20);
  EXPECT_EQ(limit.chosen(), 2U);
  d.change(32, [](std::uint32_t n, double) { return 200.0 / n; });
  d.run(60);
  EXPECT_EQ(limit.chosen(), 16U);
}

TEST(concurrency_limit, pauses_of_the_load_decide_nothing) {
  concurrency_limit limit(16);
  database d(limit, 32, one_core);
  d.run(20);
  ASSERT_EQ(limit.chosen(), 2U);
  d.lowest = UINT32_MAX;
  for (int burst = 0; burst < 50; ++burst) {
    d.run(0.3);
    d.pause(0.5);
    EXPECT_EQ(limit.chosen(), 2U) << burst;
  }
}

TEST(concurrency_limit, growing_load_does_not_decide) {
  // The rate grows by a third within each trial; fewer at once are a little slower.
  concurrency_limit limit(16);
  double t = 0;
  std::uint32_t lowest = 16;
  for (int i = 0; i < 200'000; ++i) {
    t += (limit.now() < 16 ? 106.0 : 100.0) / (1.0 + t / 4e6);
    limit.ended(true, at_us(1'000'000 + static_cast<std::int64_t>(t)));
    lowest = std::min(lowest, limit.chosen());
  }
  EXPECT_EQ(lowest, 16U);
}

TEST(concurrency_limit, one_server_has_nothing_to_choose) {
  concurrency_limit limit(1);
  database d(limit, 32, one_core);
  d.run(5);
  EXPECT_EQ(limit.chosen(), 1U);
  limit.set_rules(4, true, true);
  EXPECT_EQ(limit.now(), 4U);
  d.run(5);
  EXPECT_EQ(limit.chosen(), 2U);
}

TEST(concurrency_limit, slow_work_is_compared_too) {
  // Five seconds each on one core: 16 at once swap, 4 do not.
  concurrency_limit limit(16);
  database d(limit, 32, [](std::uint32_t n, double) { return n > 4 ? 40'000.0 : 20'000.0; });
  d.run(120);
  EXPECT_LE(limit.chosen(), 4U);
}

// A process that finds its next statement at its socket saves a sleep of 40 us; its own work is 60.
TEST(concurrency_limit, sends_as_many_ahead_as_pays) {
  concurrency_limit limit(16);
  database d(limit, 32, [&limit](std::uint32_t n, double) {
    return (n == 1 ? 10.0 : 0.0) + 60.0 + 40.0 / (limit.behind() + 1.0);
  });
  d.run(20);
  EXPECT_EQ(limit.chosen_behind(), concurrency_limit::most_behind);
  EXPECT_EQ(limit.chosen(), 2U) << "one alone is slower";
  // Now each of those who stand behind waits for the one before it, and a server is missed.
  d.change(32, [&limit](std::uint32_t n, double) { return 600.0 * (limit.behind() + 1.0) / n; });
  d.run(60);
  EXPECT_EQ(limit.chosen_behind(), 0U);
  EXPECT_EQ(limit.chosen(), 16U);
  limit.set_rules(16, true, false);
  d.change(32, [&limit](std::uint32_t, double) { return 60.0 + 40.0 / (limit.behind() + 1.0); });
  d.run(20);
  EXPECT_EQ(limit.behind(), 0U) << "it may not";
}

TEST(concurrency_limit, fewer_at_each_are_found_where_nobody_waits_then) {
  concurrency_limit limit(16);
  // Eight servers leave four of twelve clients waiting, or standing behind, which is slower; sixteen of one leave none.
  database d(limit, 24, [&limit](std::uint32_t n, double) {
    return n >= 8 ? 60.0 + 40.0 / (limit.behind() + 1.0) : 900.0 / n;
  });
  d.run(20);
  ASSERT_EQ(limit.chosen_behind(), 1U);
  d.change(12, [&limit](std::uint32_t, double) { return limit.behind() > 0 ? 150.0 : 50.0; });
  d.run(60);
  EXPECT_EQ(limit.chosen_behind(), 0U);
}

TEST(concurrency_limit, one_stall_does_not_begin_anew) {
  concurrency_limit limit(16);
  database d(limit, 32, one_core);
  d.run(20);
  ASSERT_EQ(limit.chosen(), 2U);
  d.lowest = UINT32_MAX;
  for (int i = 0; i < 50; ++i) {
    d.stall(0.05);
    d.run(0.3);
    EXPECT_EQ(limit.chosen(), 2U) << i;
  }
}

// Each message wakes the relay, at 40 us of the only core, unless several are gathered; while it sleeps for longer than
// the others have work, the core is idle.
double woken(std::uint32_t n, double gather_us) {
  const double work = 80.0;
  const double wakes = gather_us == 0 ? 40.0 : 40.0 / (1 + gather_us / work);
  const double idle = std::max(0.0, gather_us - work * (n - 1));
  return work + wakes + idle / n;
}

TEST(concurrency_limit, gathers_where_wake_ups_cost) {
  concurrency_limit limit(16);
  database d(limit, 32, woken);
  d.run(5);
  EXPECT_TRUE(limit.gathers());
  d.ended = 0;
  d.run(60);
  EXPECT_TRUE(limit.gathers());
  EXPECT_GT(limit.gather(limit.now()).count(), 0);
  EXPECT_LE(limit.gather(limit.now()).count(), 200);
  EXPECT_LT(60e6 / static_cast<double>(d.ended), 110) << "of 120 us without";
}

TEST(concurrency_limit, what_is_plainly_worse_is_tried_on_few) {
  concurrency_limit limit(16);
  database d(limit, 32, [](std::uint32_t, double g) { return g == 0 ? 150.0 : 60.0; });
  d.run(5);
  ASSERT_TRUE(limit.gathers());
  d.ended = d.at_once = 0;
  d.run(2);
  EXPECT_LT(d.at_once, d.ended / 100) << "or it is what the slowest percent consists of";
  d.run(60);
  EXPECT_LT(d.at_once, d.ended / 1000);
  EXPECT_GT(d.at_once, 0U) << "it is tried again";
}

TEST(concurrency_limit, gathers_only_if_it_may) {
  concurrency_limit limit(16, {.may_gather = false});
  database d(limit, 32, woken);
  d.run(20);
  EXPECT_FALSE(limit.gathers());
  limit.set_rules(16, true, true);
  d.run(20);
  EXPECT_TRUE(limit.gathers());
  limit.set_rules(16, false, true);
  EXPECT_FALSE(limit.gathers());
  EXPECT_EQ(limit.gather(limit.now()).count(), 0);
}

TEST(concurrency_limit, does_not_gather_where_each_server_is_missed) {
  // Any number at once takes 600 us each, and each lies about for half the time of gathering.
  concurrency_limit limit(16);
  database d(limit, 32, [](std::uint32_t n, double g) { return (600.0 + g / 2) / n; });
  std::uint64_t gathered = 0;
  for (int i = 0; i < 600; ++i) {
    d.run(0.1);
    gathered += limit.gathers();
  }
  EXPECT_EQ(gathered, 0U);
  EXPECT_EQ(limit.chosen(), 16U);
  EXPECT_GT(static_cast<double>(d.ended) / 60, 0.98 * 16 / 600e-6) << "trials cost little";
}

TEST(concurrency_limit, stops_gathering_when_that_has_become_slower) {
  concurrency_limit limit(16);
  database d(limit, 32, woken);
  d.run(20);
  ASSERT_TRUE(limit.gathers());
  d.change(32, [](std::uint32_t n, double g) { return (1500.0 + 2 * g) / n; });
  d.run(120);
  EXPECT_FALSE(limit.gathers());
}

TEST(concurrency_limit, nothing_is_gathered_before_it_was_tried_nor_without_waiters) {
  concurrency_limit limit(16);
  EXPECT_EQ(limit.gather(limit.now()).count(), 0);
  database d(limit, 8, woken);
  d.run(20);
  EXPECT_FALSE(limit.gathers());
  EXPECT_EQ(limit.gather(limit.now()).count(), 0);
}

}  // namespace
}  // namespace fairing::pool
