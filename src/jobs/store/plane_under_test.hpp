// plane_under_test: an engine on a store of its own, with time moved by hand, for the tests of both.
//
// Flow:  plane_under_test p(make);   auto id = p.put("mails", "a");   auto j = p.take("mails");   p.ack(j);   p.pass(60s);
//        p.reopen();     // as after a crash: what was not committed is gone
// Each call is a batch of its own unless `begin()` was called; then commit() or lose() ends it.
// Threads: one.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jobs/logic/engine.hpp"

namespace fairing::jobs::test {

// Opens the store of one test; called again after a crash. The store before has been closed.
using store_maker = std::function<std::unique_ptr<store>()>;

class plane_under_test {
 public:
  explicit plane_under_test(store_maker make, jobs_config config = {})
      : make_(std::move(make)), config_(std::move(config)) {
    config_.disk_reserve = 0;
    open();
  }

  void reopen() {
    engine_.reset();
    store_.reset();
    open();
  }
  void configure(const std::function<void(jobs_config&)>& change) {
    change(config_);
    engine_->reconfigure(config_);
  }

  // ---- batches
  void begin() {
    ASSERT_TRUE(store_->begin());
    in_batch_ = true;
  }
  void commit() {
    in_batch_ = false;
    const auto r = store_->commit();
    ASSERT_TRUE(r) << r.error().message();
    engine_->committed();
  }
  void lose() {
    in_batch_ = false;
    store_->rollback();
    engine_->rolled_back();
  }
  // The process dies inside the batch.
  void abandon() {
    in_batch_ = false;
    reopen();
  }
  result<reply> apply(const command& c) {
    if (in_batch_) return engine_->apply(c, now);
    EXPECT_TRUE(store_->begin());
    auto r = engine_->apply(c, now);
    EXPECT_FALSE(engine_->batch_lost()) << r.error().message();
    end();
    return r;
  }
  // A tick and a dispatch.
  void turn() {
    EXPECT_TRUE(store_->begin());
    end();
  }
  void pass(milliseconds by) {
    now.steady_ms += by.count();
    now.wall_ms += by.count();
    turn();
  }

  // ---- commands, short
  result<enqueued> enqueue_one(const std::string& queue, new_job n) {
    enqueue c{.queue = queue};
    c.jobs.push_back(std::move(n));
    return as<enqueued>(apply(c));
  }
  job_id put(const std::string& queue, new_job n) {
    const auto r = enqueue_one(queue, std::move(n));
    EXPECT_TRUE(r) << r.error().message();
    return r ? r->jobs.at(0).id : 0;
  }
  job_id put(const std::string& queue, const std::string& payload = "{}") {
    return put(queue, new_job{.payload = payload});
  }
  std::vector<leased_job> take_some(const std::string& queue, std::size_t most) {
    auto r = as<leased>(apply(lease{.queue = queue, .most = most}));
    EXPECT_TRUE(r) << r.error().message();
    return r ? std::move(r->jobs) : std::vector<leased_job>{};
  }
  // The one job that can be had; id 0: none.
  leased_job take(const std::string& queue) {
    auto jobs = take_some(queue, 1);
    return jobs.empty() ? leased_job{} : std::move(jobs.front());
  }
  result<settled> done(const leased_job& j, std::string text = {}) {
    return as<settled>(apply(ack{.token = j.token, .result = std::move(text)}));
  }
  result<settled> failed(const leased_job& j, std::string why = "no") {
    return as<settled>(apply(fail_job{.token = j.token, .error = std::move(why)}));
  }
  job look(job_id id) {
    auto r = as<job>(apply(read_job{id}));
    EXPECT_TRUE(r) << r.error().message();
    return r ? std::move(*r) : job{};
  }
  queue_counts counts(const std::string& queue) {
    for (const auto& q : engine_->queues(now))
      if (q.row.name == queue) return q.counts;
    return {};
  }
  std::uint64_t count(const std::string& queue, job_state s) {
    return counts(queue).of[static_cast<std::size_t>(s)];
  }
  template <class T>
  static result<T> as(result<reply> r) {
    if (!r) return std::unexpected(r.error());
    auto* value = std::get_if<T>(&*r);
    EXPECT_NE(value, nullptr) << "another kind of reply";
    return value != nullptr ? std::move(*value) : T{};
  }

  store& stored() { return *store_; }
  engine& rules() { return *engine_; }

  plane_time now{.steady_ms = 1'000'000, .wall_ms = 1'767'225'600'000};  // 2026-01-01T00:00Z
  dispatched said;                                                       // by the last batch

 private:
  void open() {
    store_ = make_();
    ASSERT_NE(store_, nullptr);
    engine_ = std::make_unique<engine>(*store_, config_, 42);
    const auto r = engine_->open(now);
    ASSERT_TRUE(r) << r.error().message();
  }
  void end() {
    said = {};
    const auto ticked = engine_->tick(now);
    EXPECT_TRUE(ticked) << ticked.error().message();
    const auto given = engine_->dispatch(now, said);
    EXPECT_TRUE(given) << given.error().message();
    commit();
  }

  store_maker make_;
  jobs_config config_;
  std::unique_ptr<store> store_;
  std::unique_ptr<engine> engine_;
  bool in_batch_ = false;
};

}  // namespace fairing::jobs::test
