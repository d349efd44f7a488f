// core, event, gate, offload and stream together: small programs on real cores and socket pairs.
#include "net/core.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <numeric>
#include <thread>

#include "net/alarm.hpp"
#include "net/event.hpp"
#include "net/gate.hpp"
#include "net/offload.hpp"
#include "net/stream.hpp"
#include "net/task.hpp"

namespace fairing::net {
namespace {

// Runs a task on a core and waits for its result.
template <class T, class F>
T run_on(core& c, F make) {
  std::promise<T> result;
  c.post([&] {
    spawn([](F m, std::promise<T>& out) -> task<void> {
      auto value = co_await m();
      out.set_value(std::move(value));
    }(make, result));
  });
  return result.get_future().get();
}

struct cores_fixture : testing::Test {
  cores_fixture() { cores.start(); }
  ~cores_fixture() override { cores.stop(); }
  core_group cores{2};
};

struct core_test : cores_fixture {};
struct gate_test : cores_fixture {};
struct stream_test : cores_fixture {};

TEST_F(core_test, an_event_set_before_the_wait_lets_it_pass_and_resets) {
  const int passed = run_on<int>(cores.at(0), [this]() -> task<int> {
    event e(cores.at(0));
    e.set();
    e.set();
    co_await e.wait();
    alarm a(cores.at(0), e.make_waker(), now().mono + milliseconds{1});
    co_await e.wait();  // only the alarm can end this
    co_return a.rang() ? 1 : 0;
  });
  EXPECT_EQ(passed, 1);
}

TEST_F(core_test, a_waker_of_another_core_resumes_on_the_home_core) {
  const auto home = run_on<std::thread::id>(cores.at(0), [this]() -> task<std::thread::id> {
    event e(cores.at(0));
    cores.at(1).post([w = e.make_waker()] { w(); });
    co_await e.wait();
    co_return std::this_thread::get_id();
  });
  const auto expected = run_on<std::thread::id>(
      cores.at(0), []() -> task<std::thread::id> { co_return std::this_thread::get_id(); });
  EXPECT_EQ(home, expected);
}

struct seen final : watched {
  void on_ready(std::uint32_t events) override { readable += (events & EPOLLIN) != 0; }
  int readable = 0;
};

TEST(reactor_test, what_comes_while_it_gathers_is_served_in_one_turn) {
  int a[2], b[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, a), 0);
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b), 0);
  reactor r;
  seen of_a, of_b;
  ASSERT_TRUE(r.add(of_a, a[0]) && r.add(of_b, b[0]));
  EXPECT_TRUE(r.wait(1000, std::chrono::microseconds{0})) << "writable";
  r.serve();
  {
    const std::jthread peer([&] {
      std::this_thread::sleep_for(milliseconds{5});
      EXPECT_EQ(::write(a[1], "x", 1), 1);
      std::this_thread::sleep_for(milliseconds{5});
      EXPECT_EQ(::write(b[1], "x", 1), 1);
    });
    EXPECT_TRUE(r.wait(10'000, milliseconds{500}));
  }
  r.serve();
  EXPECT_EQ(of_a.readable + of_b.readable, 2);
  ASSERT_EQ(::write(a[1], "x", 1), 1);
  EXPECT_TRUE(r.wait(1'000'000'000, std::chrono::hours{24})) << "what is ready is not left lying";
  for (const int fd : {a[0], a[1], b[0], b[1]}) ::close(fd);
}

TEST_F(core_test, a_core_that_gathers_still_keeps_its_ticks) {
  const auto core_runs = [](core& c) { return run_on<int>(c, []() -> task<int> { co_return 7; }); };
  cores.at(0).post([this] { cores.at(0).gather(std::chrono::hours{24}); });
  EXPECT_EQ(core_runs(cores.at(0)), 7);
  EXPECT_EQ(core_runs(cores.at(0)), 7);
}

TEST_F(core_test, a_waker_outlives_its_event) {
  waker left;
  run_on<int>(cores.at(0), [&]() -> task<int> {
    event e(cores.at(0));
    left = e.make_waker();
    co_return 0;
  });
  left();  // wakes nobody, harms nothing
  EXPECT_EQ(run_on<int>(cores.at(0), []() -> task<int> { co_return 7; }), 7);
}

TEST_F(core_test, posts_of_one_thread_run_in_order) {
  constexpr int each = 20'000;
  std::vector<int> seen[2];  // core 0 only
  std::promise<void> all;
  const auto send_from = [&](int who) {
    for (int i = 0; i < each; ++i)
      cores.at(0).post([&, who, i] {
        seen[who].push_back(i);
        if (seen[0].size() + seen[1].size() == 2 * each) all.set_value();
      });
  };
  std::thread other(send_from, 1);
  send_from(0);
  other.join();
  all.get_future().get();
  std::vector<int> expected(each);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(seen[0], expected);
  EXPECT_EQ(seen[1], expected);
}

TEST_F(core_test, what_follows_from_a_post_runs_after_it) {
  // Core 1 posts A to core 0 and then lets core 0, which is in the middle of a job, post B: A was first.
  std::string order;  // core 0 only
  std::promise<void> done;
  cores.at(0).post([&] {
    std::promise<void> posted;
    cores.at(1).post([&] {
      cores.at(0).post([&] { order += 'A'; });
      posted.set_value();
    });
    posted.get_future().get();
    cores.at(0).post([&] {
      order += 'B';
      done.set_value();
    });
  });
  done.get_future().get();
  EXPECT_EQ(order, "AB");
}

TEST_F(core_test, no_wake_up_is_lost) {
  // Both cores fall asleep and wake each other, again and again: a lost wake-up would cost a tick each.
  constexpr int rounds = 20'000;
  std::promise<void> done;
  struct ping {
    core_group& on;
    std::promise<void>& end;
    int left;
    void operator()() {
      if (left == 0) return end.set_value();
      on.at(static_cast<std::uint32_t>(left & 1)).post(ping{on, end, left - 1});
    }
  };
  cores.at(0).post(ping{cores, done, rounds});
  EXPECT_EQ(done.get_future().wait_for(seconds{20}), std::future_status::ready)
      << "at a tick a round it would take half an hour";
}

TEST_F(core_test, jobs_that_post_jobs_leave_their_turn_to_sockets_and_ticks) {
  const bool read = run_on<bool>(cores.at(0), [this]() -> task<bool> {
    struct forever {
      core& home;
      bool& stop;
      void operator()() {
        if (!stop) home.post(forever{home, stop});
      }
    };
    bool stop = false;
    cores.at(0).post(forever{cores.at(0), stop});
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
      co_return false;
    stream in(cores.at(0), socket(fds[0]));
    socket out(fds[1]);
    cores.at(1).post([fd = out.native()] { (void)!::write(fd, "x", 1); });
    char byte[1];
    const auto r = co_await in.read_some(byte);
    event e(cores.at(0));
    const alarm a(cores.at(0), e.make_waker(), now().mono + milliseconds{1});
    co_await e.wait();
    stop = true;
    co_await yield(cores.at(0));  // the last of them has seen it
    co_return r.ok() && a.rang();
  });
  EXPECT_TRUE(read);
}

TEST_F(core_test, what_is_for_later_runs_later_in_its_order_and_sooner_than_a_tick) {
  std::promise<std::vector<std::string>> told;
  auto order = std::make_shared<std::vector<std::string>>();
  auto& core = cores.at(0);
  core.post([&] {
    const auto began = std::chrono::steady_clock::now();  // the core's own clock is coarse
    core.after(milliseconds{60}, [&, order] {
      order->push_back("sixty");
      told.set_value(*order);
    });
    core.after(milliseconds{5}, [&, order, began] {
      EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds{1});
      order->push_back("five");
      core.after(milliseconds{5}, [order] { order->push_back("again"); });
    });
    core.post([order] { order->push_back("now"); });
  });
  EXPECT_EQ(told.get_future().get(), (std::vector<std::string>{"now", "five", "again", "sixty"}));
}

// The third tick is told; at 0.3 s after `began`, not sooner.
struct ticks {
  explicit ticks(core& c) {
    c.every_tick([this](instant) {
      if (++count == 3) third.set_value();
    });
  }
  void expect_three(std::chrono::steady_clock::time_point began) {
    third.get_future().get();
    EXPECT_GE(std::chrono::steady_clock::now() - began, milliseconds{300});
  }
  int count = 0;
  std::promise<void> third;
};

TEST(core, ticks_come_to_a_core_that_sleeps) {
  const auto began = std::chrono::steady_clock::now();
  core_group cores{2};
  ticks first(cores.at(0)), second(cores.at(1));
  cores.start();
  first.expect_three(began);
  second.expect_three(began);
  cores.stop();
}

TEST(core, ticks_come_beside_what_is_for_later) {
  const auto began = std::chrono::steady_clock::now();
  core_group cores{1};
  ticks seen(cores.at(0));
  struct forever {
    core& home;
    void operator()() { home.after(milliseconds{5}, forever{home}); }
  };
  cores.at(0).post(forever{cores.at(0)});
  cores.start();
  seen.expect_three(began);
  cores.stop();
}

TEST(core, ticks_that_were_missed_are_one) {
  core_group cores{1};
  ticks seen(cores.at(0));
  std::this_thread::sleep_for(milliseconds{350});
  const auto late = std::chrono::steady_clock::now() - milliseconds{200};
  cores.start();
  seen.expect_three(late);
  cores.stop();
}

TEST_F(core_test, a_yield_lets_ready_sockets_go_first) {
  const auto order = run_on<std::string>(cores.at(0), [this]() -> task<std::string> {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
      co_return "no sockets";
    stream in(cores.at(0), socket(fds[0]));
    const socket out(fds[1]);
    std::string seen;
    event done(cores.at(0));
    spawn([](stream& s, std::string& to, event& end) -> task<void> {
      char byte[1];
      (void)co_await s.read_some(byte);
      to += "socket ";
      end.set();
    }(in, seen, done));
    (void)!::write(out.native(), "x", 1);
    co_await yield(cores.at(0));
    co_await yield(cores.at(0));  // the first may still be of the turn that was running
    seen += "yielded ";
    co_await done.wait();
    co_return seen;
  });
  EXPECT_EQ(order, "socket yielded ");
}

TEST(core, what_is_posted_but_never_run_is_destroyed) {
  const auto token = std::make_shared<int>(1);
  {
    core_group group(2);
    group.at(0).post([token] {});  // never started
    // As a request whose last owner is a job of another core: its end posts once more.
    const std::shared_ptr<void> posts_at_its_end(
        nullptr, [&group, token](void*) { group.at(0).post([token] {}); });
    group.at(1).post([posts_at_its_end] {});
    EXPECT_GT(token.use_count(), 1);
  }
  EXPECT_EQ(token.use_count(), 1);
}

TEST(core, stop_wakes_a_core_that_sleeps) {
  core_group group(1);
  group.start();
  std::promise<void> ran;
  group.at(0).post([&] { ran.set_value(); });
  ran.get_future().get();
  EXPECT_FALSE(group.at(0).is_here());
  group.stop();
  group.at(0).post([] { FAIL() << "it has stopped"; });
}

TEST_F(core_test, an_exception_reaches_the_awaiting_task) {
  const bool caught = run_on<bool>(cores.at(0), []() -> task<bool> {
    auto thrower = []() -> task<int> {
      throw std::runtime_error("x");
      co_return 0;
    };
    try {
      (void)co_await thrower();
    } catch (const std::runtime_error&) {
      co_return true;
    }
    co_return false;
  });
  EXPECT_TRUE(caught);
}

TEST_F(gate_test, a_released_permit_goes_to_the_oldest_waiter) {
  auto g = std::make_shared<gate>(1, 10);
  std::vector<int> order;  // core 0 only
  std::promise<void> all;
  auto first = run_on<gate::permit>(cores.at(0), [&]() -> task<gate::permit> {
    auto p = co_await g->acquire(cores.at(0), mono_time::max());
    co_return p;
  });
  ASSERT_TRUE(first);
  run_on<int>(cores.at(0), [&]() -> task<int> {
    for (int i = 0; i < 3; ++i)
      spawn([](std::shared_ptr<gate> gate_, core& c, std::vector<int>& out,
               std::promise<void>& done, int me) -> task<void> {
        auto p = co_await gate_->acquire(c, mono_time::max());
        out.push_back(me);
        if (out.size() == 3) done.set_value();
      }(g, cores.at(0), order, all, i));
    co_return 0;
  });
  EXPECT_EQ(g->waiting(), 3U);
  first.release();
  all.get_future().get();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

TEST_F(gate_test, a_deadline_and_a_full_queue_give_no_permit) {
  auto g = std::make_shared<gate>(1, 1);
  const auto outcome =
      run_on<std::pair<bool, bool>>(cores.at(0), [&]() -> task<std::pair<bool, bool>> {
        auto held = co_await g->acquire(cores.at(0), mono_time::max());
        auto late = co_await g->acquire(cores.at(0), now().mono + milliseconds{1});
        co_return std::pair(static_cast<bool>(held), static_cast<bool>(late));
      });
  EXPECT_EQ(outcome, std::pair(true, false));
  EXPECT_EQ(g->waiting(), 0U);
}

std::pair<std::unique_ptr<stream>, std::unique_ptr<stream>> make_pair_on(core& c) {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  const auto wrap = [&](int fd) { return std::make_unique<stream>(c, socket(fd)); };
  return {wrap(fds[0]), wrap(fds[1])};
}

TEST_F(stream_test, memory_and_file_parts_arrive_in_order_and_whole) {
  std::string big(300'000, '\0');
  for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>('a' + i % 23);
  const std::string_view whole(big);
  auto file = sealed_file::create(std::span<const std::string_view>(&whole, 1));
  ASSERT_TRUE(file);
  const auto received = run_on<std::string>(cores.at(0), [&]() -> task<std::string> {
    auto [a, b] = make_pair_on(cores.at(0));
    bool ok = false;
    event written(cores.at(0));
    spawn([](stream& out, const sealed_file* f, std::string_view text, bool& good,
             event& done) -> task<void> {
      const part parts[] = {{.memory = "head:"},
                            {.memory = text},
                            {.file = f, .offset = 1000, .length = 200'000},
                            {.memory = ":tail"}};
      auto ec = co_await out.write(parts);
      good = !ec;
      out.shutdown_send();
      done.set();
    }(*a, file.get(), big, ok, written));
    std::string got;
    char block[7000];
    for (;;) {
      auto r = co_await b->read_some(block);
      if (!r.ok() || r.bytes == 0) break;
      got.append(block, r.bytes);
    }
    co_await written.wait();
    co_return ok ? got : std::string("write failed");
  });
  EXPECT_EQ(received, "head:" + big + big.substr(1000, 200'000) + ":tail");
}

TEST_F(stream_test, quiet_sees_bytes_and_the_end) {
  const auto seen = run_on<std::vector<bool>>(cores.at(0), [&]() -> task<std::vector<bool>> {
    auto [a, b] = make_pair_on(cores.at(0));
    std::vector<bool> out{a->quiet()};
    auto ec = co_await b->write("x");
    out.push_back(!ec && a->quiet());
    char one[1];
    (void)co_await a->read_some(one);
    out.push_back(a->quiet());
    b->close();
    out.push_back(a->quiet());
    co_return out;
  });
  EXPECT_EQ(seen, (std::vector<bool>{true, false, true, false}));
}

TEST(sealed_file, reads_back_and_honours_its_bound) {
  const std::string_view parts[] = {"hello ", "world"};
  auto f = sealed_file::create(parts);
  ASSERT_TRUE(f);
  EXPECT_EQ(f->size(), 11U);
  char out[5];
  EXPECT_EQ(f->read(6, out), 5U);
  EXPECT_EQ(std::string_view(out, 5), "world");
  EXPECT_EQ(f->read(9, out), 2U);
  EXPECT_LT(::write(f->fd(), "x", 1), 0) << "it is sealed";
  sealed_file::set_limit(sealed_file::live());
  EXPECT_FALSE(sealed_file::create(parts));
  sealed_file::set_limit(16384);
}

TEST(offload, runs_in_order_and_refuses_when_full) {
  std::promise<void> gate_open;
  auto opened = gate_open.get_future().share();
  std::promise<void> begun;
  std::vector<int> order;
  offload o("test", 2, false);
  ASSERT_TRUE(o.submit([&] {
    begun.set_value();
    opened.wait();
    order.push_back(0);
  }));
  begun.get_future().wait();
  EXPECT_TRUE(o.submit([&] { order.push_back(1); }));
  EXPECT_TRUE(o.submit([&] { order.push_back(2); }));
  EXPECT_FALSE(o.submit([&] { order.push_back(3); }));
  gate_open.set_value();
  o.drain();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
}

}  // namespace
}  // namespace fairing::net
