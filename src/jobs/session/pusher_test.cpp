// A push that went well while the store does not take its end at once: the job is not done twice for that.
#include "jobs/session/pusher.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "base/log.hpp"
#include "jobs/session/test_store.hpp"

namespace fairing::jobs {
namespace {

constexpr std::chrono::seconds patience{20};

struct silent : writer_observer {
  void on_batch(const batch_report&) override {}
  void on_queues(std::vector<engine::queue_state>) override {}
};

class counting final : public carrier {
 public:
  explicit counting(std::atomic<int>& carried) : carried_(carried) {}
  net::task<delivery> carry(const leased_job&, attempt_time) override {
    carried_.fetch_add(1);
    delivery d;
    d.how.what = push_end::done;
    co_return d;
  }
  void stop() override {}

 private:
  std::atomic<int>& carried_;
};

class pushing : public ::testing::Test {
 protected:
  pushing() {
    log::configure({.sink = [this](std::string_view line) {
      if (line.find("push_not_settled") != std::string_view::npos) lost.fetch_add(1);
    }});
    writer_options o{.config = {}, .open_store = [d = disk] { return d->open(); }};
    o.config.queues = {{.name = "q"}};
    work = std::make_unique<writer>(std::move(o), heard);
    EXPECT_TRUE(work->start());
    cores.start();
    by = pusher::make(cores.at(0), *work, {.queue = "q"}, std::make_unique<counting>(carried),
                      probe);
    by->start();
  }
  ~pushing() override {
    by->stop();
    EXPECT_TRUE(by->wait_ended(patience));
    work->stop();
    cores.stop();
    log::configure({});
  }

  void put() {
    std::vector<command> one;
    one.emplace_back(enqueue{.queue = "q", .jobs = {new_job{.payload = "{}"}}});
    ASSERT_TRUE(work->submit(nullptr, std::move(one), [](const auto&) {}));
  }
  template <class F>
  static bool comes_true(F&& f) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!f()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(milliseconds{1});
    }
    return true;
  }
  std::size_t done() const {
    const auto c = disk->durable();
    return static_cast<std::size_t>(std::ranges::count_if(
        c.jobs, [](const auto& j) { return j.second.state == job_state::done; }));
  }
  // The job is done, was carried once, and nothing of it goes on.
  void ends_well(errc code, bool kept = false) {
    SCOPED_TRACE(make_error_code(code).message());
    const auto before = done();
    const auto carried_before = carried.load();
    disk->fail_ends(code, 1, kept);
    put();
    EXPECT_TRUE(comes_true([&] { return done() == before + 1; }));
    EXPECT_TRUE(comes_true([&] { return by->in_flight() == 0; }));
    EXPECT_EQ(carried.load(), carried_before + 1);
  }

  std::shared_ptr<test::test_disk> disk = std::make_shared<test::test_disk>();
  silent heard;
  std::atomic<int> carried{0};
  std::atomic<int> lost{0};
  metrics::registry registry;
  push_probe probe{registry};
  net::core_group cores{1};
  std::unique_ptr<writer> work;
  std::shared_ptr<pusher> by;
};

TEST_F(pushing, the_end_is_said_again_until_the_store_takes_it) {
  for (const auto code : {errc::full, errc::fenced, errc::store_failed, errc::unknown_outcome})
    ends_well(code);
  EXPECT_EQ(lost.load(), 0);
}

TEST_F(pushing, the_end_whose_commit_was_lost_after_all_of_it_was_durable) {
  ends_well(errc::unknown_outcome, true);
  by->stop();
  EXPECT_TRUE(by->wait_ended(patience)) << "it is not said for ever";
  EXPECT_EQ(lost.load(), 0) << "the lease is over because it was done";
}

TEST_F(pushing, another_instance_may_have_the_store_meanwhile) {
  disk->fail_ends(errc::fenced, 1);
  disk->refuse_to_open(errc::standby);
  put();
  EXPECT_TRUE(comes_true([&] { return work->standing_by(); }));
  EXPECT_EQ(done(), 0U);
  // Long enough that it has been told so.
  EXPECT_TRUE(comes_true([&] { return disk->opened() > 3; }));
  disk->refuse_to_open(std::nullopt);
  EXPECT_TRUE(comes_true([&] { return done() == 1; }));
  EXPECT_EQ(carried.load(), 1);
  EXPECT_EQ(lost.load(), 0);
}

}  // namespace
}  // namespace fairing::jobs
