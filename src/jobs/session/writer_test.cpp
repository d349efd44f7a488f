// The writer with a disk that does what the test says: what is answered when, and what a fault leaves.
#include "jobs/session/writer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <future>

#include "base/log.hpp"
#include "base/uptime.hpp"
#include "jobs/session/test_store.hpp"

namespace fairing::jobs {
namespace {

using replies = std::vector<result<reply>>;
constexpr std::chrono::seconds patience{20};

class listening : public writer_observer {
 public:
  void on_batch(const batch_report& b) override {
    const std::lock_guard lock(mutex_);
    if (b.commands > 0) batches_.push_back(b.commands);
  }
  void on_queues(std::vector<engine::queue_state>) override {
    const std::lock_guard lock(mutex_);
    ++shown_;
  }
  void on_open() override {
    const std::lock_guard lock(mutex_);
    ++opened_;
  }
  std::vector<std::size_t> batches() {
    const std::lock_guard lock(mutex_);
    return batches_;
  }
  int shown() {
    const std::lock_guard lock(mutex_);
    return shown_;
  }
  int opened() {
    const std::lock_guard lock(mutex_);
    return opened_;
  }

 private:
  std::mutex mutex_;
  std::vector<std::size_t> batches_;
  int opened_ = 0;
  int shown_ = 0;
};

class writing : public ::testing::Test {
 protected:
  ~writing() override {
    disk->let_go();
    if (w) w->stop();
  }
  result<void> start(const std::function<void(writer_options&)>& change = {}) {
    writer_options o{.config = {}, .open_store = [d = disk] { return d->open(); }};
    o.config.queues.push_back({.name = "idle"});
    if (change) change(o);
    w = std::make_unique<writer>(std::move(o), heard);
    return w->start();
  }
  static command put(std::string payload) {
    enqueue e{.queue = "q"};
    e.jobs.push_back({.payload = std::move(payload)});
    return e;
  }
  static std::vector<command> one(command c) {
    std::vector<command> out;
    out.push_back(std::move(c));
    return out;
  }
  std::future<replies> ask(std::vector<command> all) {
    auto said = std::make_shared<std::promise<replies>>();
    auto coming = said->get_future();
    EXPECT_TRUE(
        w->submit(nullptr, std::move(all), [said](replies r) { said->set_value(std::move(r)); }));
    return coming;
  }
  static replies got(std::future<replies>& coming) {
    if (coming.wait_for(patience) != std::future_status::ready) {
      ADD_FAILURE() << "no answer";
      return {};
    }
    return coming.get();
  }
  static std::optional<errc> fault(const replies& r) {
    if (r.empty()) return std::nullopt;
    if (r.front()) return std::nullopt;
    return static_cast<errc>(r.front().error().code.value());
  }
  std::optional<errc> put_now(const std::string& payload) {
    auto coming = ask(one(put(payload)));
    return fault(got(coming));
  }
  std::vector<std::string> there() const {
    std::vector<std::string> out;
    for (const auto& [id, j] : disk->durable().jobs) out.push_back(j.payload);
    return out;
  }
  template <class F>
  static bool comes_true(F&& f) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!f()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::yield();
    }
    return true;
  }

  std::shared_ptr<test::test_disk> disk = std::make_shared<test::test_disk>();
  listening heard;
  std::unique_ptr<writer> w;
};

TEST_F(writing, what_comes_during_a_commit_is_the_next_batch_in_the_order_in_which_it_came) {
  ASSERT_TRUE(start());
  disk->hold();
  auto first = ask(one(put("0")));
  disk->wait_for_commit();
  std::vector<int> order;
  std::promise<void> last;
  constexpr int count = 50;
  for (int i = 1; i <= count; ++i)
    ASSERT_TRUE(w->submit(nullptr, one(put(std::to_string(i))), [&, i](const replies& r) {
      EXPECT_TRUE(r.front());
      order.push_back(i);
      if (i == count) last.set_value();
    }));
  EXPECT_EQ(first.wait_for(milliseconds{0}), std::future_status::timeout)
      << "answered before it was durable";
  EXPECT_EQ(w->queued(), count);
  disk->let_go();
  ASSERT_EQ(last.get_future().wait_for(patience), std::future_status::ready);
  EXPECT_EQ(fault(got(first)), std::nullopt);
  ASSERT_TRUE(comes_true([&] { return heard.batches().size() == 2; }));
  EXPECT_EQ(heard.batches(), (std::vector<std::size_t>{1, count}));
  std::vector<std::string> wanted;
  for (int i = 0; i <= count; ++i) wanted.push_back(std::to_string(i));
  EXPECT_EQ(there(), wanted);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST_F(writing, a_commit_that_fails_fails_all_of_its_batch_and_the_store_is_opened_again) {
  ASSERT_TRUE(start());
  disk->hold();
  auto before = ask(one(put("before")));
  disk->wait_for_commit();
  auto a = ask(one(put("a")));
  auto b = ask(one(put("b")));
  auto waits = ask(one(lease{.queue = "idle",
                             .wait_until_steady_ms = w->steady_now() + 60'000,
                             .waiter = w->next_waiter()}));
  disk->let_go();
  EXPECT_EQ(fault(got(before)), std::nullopt);
  // Whichever commit it is that fails, nothing of its batch is there, and nobody is told otherwise.
  const auto end_a = fault(got(a));
  const auto end_b = fault(got(b));
  EXPECT_EQ(end_a, std::nullopt);
  EXPECT_EQ(end_b, std::nullopt);
  disk->fail_next(errc::unknown_outcome);
  EXPECT_EQ(put_now("lost"), errc::unknown_outcome);
  EXPECT_EQ(fault(got(waits)), errc::fenced) << "whoever waits for a job is told";
  ASSERT_TRUE(comes_true([&] { return w->ready(); }));
  EXPECT_EQ(heard.opened(), 2);
  EXPECT_EQ(put_now("after"), std::nullopt);
  EXPECT_EQ(there(), (std::vector<std::string>{"before", "a", "b", "after"}));
}

TEST_F(writing, while_the_store_is_down_everybody_gets_the_reason) {
  ASSERT_TRUE(start());
  disk->refuse_to_open(errc::fenced);
  disk->fail_next(errc::unknown_outcome);
  EXPECT_EQ(put_now("lost"), errc::unknown_outcome);
  auto coming = ask(one(put("lost")));
  const auto r = got(coming);
  EXPECT_EQ(fault(r), errc::fenced);
  EXPECT_NE(r.front().error().message().find("the test's disk"), std::string::npos);
  EXPECT_FALSE(w->ready());
  EXPECT_FALSE(w->standing_by());
  EXPECT_NE(w->why_not_ready().find("the test's disk"), std::string::npos);
  ASSERT_TRUE(comes_true([&] { return disk->opened() >= 3; }));
  disk->refuse_to_open(std::nullopt);
  ASSERT_TRUE(comes_true([&] { return w->ready(); }));
  EXPECT_EQ(put_now("after"), std::nullopt);
}

TEST_F(writing, the_commands_of_one_submit_are_done_or_not_together) {
  ASSERT_TRUE(start());
  disk->fail_puts(errc::store_failed, 1);
  std::vector<command> both;
  both.push_back(put("a"));
  both.push_back(put("b"));
  auto coming = ask(std::move(both));
  const auto r = got(coming);
  ASSERT_EQ(r.size(), 2);
  for (const auto& each : r) EXPECT_EQ(each.error().code, errc::store_failed);
  EXPECT_TRUE(there().empty());
  EXPECT_TRUE(w->ready()) << "one batch is no reason to close the store";
  EXPECT_EQ(put_now("c"), std::nullopt);
}

TEST_F(writing, a_refusal_is_its_own_commands_and_the_others_go_on) {
  ASSERT_TRUE(start());
  std::vector<command> all;
  all.push_back(put("a"));
  all.push_back(ack{.token = {7, 7}});
  all.push_back(put("b"));
  auto coming = ask(std::move(all));
  const auto r = got(coming);
  ASSERT_EQ(r.size(), 3);
  EXPECT_TRUE(r[0]);
  EXPECT_EQ(r[1].error().code, errc::not_found);
  EXPECT_TRUE(r[2]);
  EXPECT_EQ(there(), (std::vector<std::string>{"a", "b"}));
}

TEST_F(writing, ten_batches_that_fail_in_a_row_open_the_store_anew_but_a_full_one_does_not) {
  ASSERT_TRUE(start());
  disk->fail_puts(errc::full, 30);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(put_now("x"), errc::full);
  EXPECT_EQ(disk->opened(), 1);
  disk->fail_puts(errc::store_failed, 9);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(put_now("x"), errc::store_failed);
  EXPECT_EQ(put_now("fine"), std::nullopt) << "and counts anew";
  EXPECT_EQ(disk->opened(), 1);
  disk->fail_puts(errc::store_failed, 10);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(put_now("x"), errc::store_failed);
  ASSERT_TRUE(comes_true([&] { return disk->opened() == 2 && w->ready(); }));
  EXPECT_EQ(put_now("after"), std::nullopt);
}

TEST_F(writing, what_waits_is_bounded) {
  ASSERT_TRUE(start([](writer_options& o) { o.most_queued = 3; }));
  disk->hold();
  auto first = ask(one(put("0")));
  disk->wait_for_commit();
  std::vector<std::future<replies>> taken;
  for (int i = 1; i <= 3; ++i) taken.push_back(ask(one(put(std::to_string(i)))));
  EXPECT_FALSE(w->submit(nullptr, one(put("4")), [](const auto&) { FAIL() << "was not taken"; }));
  EXPECT_FALSE(w->watch(nullptr, {.id = 1}, [](const auto&) { FAIL() << "was not taken"; }));
  disk->let_go();
  for (auto& t : taken) EXPECT_EQ(fault(got(t)), std::nullopt);
}

TEST_F(writing, an_end_does_what_is_queued_and_takes_no_more) {
  ASSERT_TRUE(start());
  disk->hold();
  auto first = ask(one(put("0")));
  disk->wait_for_commit();
  auto second = ask(one(put("1")));
  std::thread ends([this] { w->stop(); });
  ASSERT_TRUE(comes_true([&] { return !w->submit(nullptr, {}, [](const auto&) {}); }));
  disk->let_go();
  ends.join();
  EXPECT_EQ(fault(got(first)), std::nullopt);
  EXPECT_EQ(fault(got(second)), std::nullopt);
  EXPECT_EQ(there(), (std::vector<std::string>{"0", "1"}));
}

TEST_F(writing, a_lease_that_waits_gets_the_job_after_its_commit) {
  ASSERT_TRUE(start());
  EXPECT_EQ(put_now("first"), std::nullopt);
  auto none = ask(one(lease{.queue = "q", .most = 5}));
  ASSERT_EQ(std::get<leased>(*got(none).front()).jobs.size(), 1);
  auto waits = ask(one(lease{
      .queue = "q", .wait_until_steady_ms = w->steady_now() + 60'000, .waiter = w->next_waiter()}));
  ASSERT_TRUE(comes_true([&] { return heard.batches().size() == 3; }));  // it waits
  disk->fail_puts(errc::store_failed, 1);
  EXPECT_EQ(put_now("never"), errc::store_failed);
  EXPECT_EQ(waits.wait_for(milliseconds{0}), std::future_status::timeout)
      << "a batch of others that fails does not end it";
  EXPECT_EQ(put_now("second"), std::nullopt);
  const auto r = got(waits);
  ASSERT_EQ(r.size(), 1);
  ASSERT_TRUE(r.front()) << r.front().error().message();
  EXPECT_EQ(std::get<leased>(*r.front()).jobs.at(0).work.payload, "second");
}

TEST_F(writing, rates_are_shown_anew_while_nothing_happens_so_that_they_fall) {
  ASSERT_TRUE(start());
  EXPECT_FALSE(put_now("a"));
  const auto before = heard.shown();  // before the answer: the queue is new
  EXPECT_TRUE(comes_true([&] { return heard.shown() >= before + 2; }));
}

TEST_F(writing, a_store_that_does_not_open_ends_the_start_unless_another_has_it) {
  disk->refuse_to_open(errc::store_failed);
  const auto no = start();
  ASSERT_FALSE(no);
  EXPECT_NE(no.error().message().find("the test's disk"), std::string::npos);
  disk->refuse_to_open(errc::standby);
  ASSERT_TRUE(start([](writer_options& o) { o.waits_for_store = true; }));
  EXPECT_TRUE(w->standing_by());
  EXPECT_EQ(put_now("x"), errc::standby);
  disk->refuse_to_open(std::nullopt);
  ASSERT_TRUE(comes_true([&] { return w->ready(); }));
  EXPECT_EQ(put_now("mine"), std::nullopt);
}

TEST_F(writing, a_store_that_is_down_from_the_start_on_is_logged_once) {
  std::atomic<int> lines{0};
  log::configure({.sink = [&lines](std::string_view line) {
    if (line.find("job_store_failed") != std::string_view::npos) ++lines;
  }});
  disk->refuse_to_open(errc::fenced);
  ASSERT_TRUE(start([](writer_options& o) { o.waits_for_store = true; }));
  EXPECT_FALSE(w->standing_by());
  EXPECT_EQ(w->check_ready().error().code, errc::fenced);
  ASSERT_TRUE(comes_true([&] { return disk->opened() >= 3; }));
  w->stop();
  log::configure({});
  EXPECT_EQ(lines, 1);
}

// ---- the steady clock

class keeping_time : public writing {
 protected:
  // Where the clock stands when a store with that fact is opened, from what the wall says.
  std::int64_t from(const std::string& fact) {
    if (w) w->stop();
    disk = std::make_shared<test::test_disk>();
    {
      auto s = disk->open();
      EXPECT_TRUE((*s)->set_fact("steady", fact));
      EXPECT_TRUE((*s)->commit());
    }
    EXPECT_TRUE(start());
    const auto t = w->time();
    return t.steady_ms - t.wall_ms;
  }
  static constexpr std::int64_t hour = 3'600'000;
  static constexpr std::int64_t slack = 5'000;
};

TEST_F(keeping_time, goes_by_the_machines_uptime_while_it_has_been_up) {
  const auto up = read_uptime();
  ASSERT_FALSE(up.boot.empty());
  const auto wall =
      std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  const auto fact = [&](std::int64_t steady, std::int64_t ago_ms, const std::string& boot) {
    return std::to_string(steady) + ' ' + boot + ' ' + std::to_string(up.ms - ago_ms);
  };
  // Kept a minute ago at an hour before today's wall clock, which has jumped since: a minute has passed, not an hour.
  EXPECT_LE(std::abs(from(fact(wall - hour - 60'000, 60'000, up.boot)) + hour), slack);
  EXPECT_LE(std::abs(from(fact(wall + hour - 60'000, 60'000, up.boot)) - hour), slack);
  // Another start of the machine, another machine, a fact of before: the later of what was kept and the wall clock.
  EXPECT_LE(std::abs(from(fact(wall - hour, 60'000, "another"))), slack);
  EXPECT_LE(std::abs(from(fact(wall + hour, 60'000, "another")) - hour), slack);
  EXPECT_LE(std::abs(from(std::to_string(wall - hour))), slack);
  EXPECT_LE(std::abs(from(std::to_string(wall + hour)) - hour), slack);
  // An uptime that has gone back is none of this start, whatever its name says.
  EXPECT_LE(std::abs(from(fact(wall - hour, -60'000, up.boot))), slack);
  for (const auto* nonsense : {"", "x", "1 2", "1 2 3 4", " "})
    EXPECT_LE(std::abs(from(nonsense)), slack) << nonsense;
}

}  // namespace
}  // namespace fairing::jobs
