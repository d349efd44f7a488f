// core, event, gate, offload and stream together: small programs on real cores and socket pairs.
#include "net/core.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <numeric>

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
