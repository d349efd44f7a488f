#include "metrics/registry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "base/assert.hpp"

namespace fairing::metrics {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(metrics_registry, counters_and_gauges_add_up) {
  registry r;
  const auto c = r.add_counter("c_total", "help");
  const auto g = r.add_gauge("g", "help");
  c.add();
  c.add(4);
  g.add(3);
  g.sub(5);
  EXPECT_EQ(c.value(), 5U);
  EXPECT_EQ(g.value(), -2);
}

TEST(metrics_registry, a_default_metric_is_dead_and_harmless) {
  const counter c;
  const gauge g;
  const histogram h;
  c.add();
  g.add();
  h.observe_us(5);
  EXPECT_EQ(c.value(), 0U);
  EXPECT_EQ(g.value(), 0);
  EXPECT_EQ(h.count(), 0U);
  EXPECT_EQ(h.quantile(0.5), 0);
  EXPECT_EQ(h.sum_seconds(), 0);
}

TEST(metrics_registry, the_same_name_and_labels_are_the_same_metric) {
  registry r;
  const auto a = r.add_counter("c_total", "help", {{"x", "1"}, {"y", "2"}});
  const auto b = r.add_counter("c_total", "help", {{"y", "2"}, {"x", "1"}});
  const auto other = r.add_counter("c_total", "help", {{"x", "2"}, {"y", "2"}});
  a.add();
  b.add();
  EXPECT_EQ(a.value(), 2U);
  EXPECT_EQ(other.value(), 0U);
}

TEST(metrics_registry, nothing_is_lost_over_threads_that_come_and_go) {
  registry r;
  const auto c = r.add_counter("c_total", "help");
  const auto g = r.add_gauge("g", "help");
  const auto h = r.add_histogram("h_seconds", "help");
  constexpr int rounds = 5;
  constexpr int workers = 4;
  constexpr int each = 10'000;
  for (int round = 0; round < rounds; ++round) {
    std::vector<std::thread> threads;
    for (int t = 0; t < workers; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < each; ++i) {
          c.add();
          g.add(2);
          g.sub();
          h.observe_us(i);
        }
      });
    (void)r.render();  // while they write
    for (auto& t : threads) t.join();
  }
  EXPECT_EQ(c.value(), static_cast<std::uint64_t>(rounds) * workers * each);
  EXPECT_EQ(g.value(), static_cast<std::int64_t>(rounds) * workers * each);
  EXPECT_EQ(h.count(), c.value());
  EXPECT_DOUBLE_EQ(h.sum_seconds(), rounds * workers * (each * (each - 1) / 2) / 1e6);
}

TEST(metrics_registry, one_thread_may_use_several_registries) {
  registry first;
  const auto a = first.add_counter("a_total", "help");
  registry second;
  const auto b = second.add_counter("b_total", "help");
  for (int i = 0; i < 10; ++i) {
    a.add();
    b.add(2);
  }
  EXPECT_EQ(a.value(), 10U);
  EXPECT_EQ(b.value(), 20U);
}

TEST(metrics_registry, a_new_registry_never_sees_the_counts_of_a_dead_one) {
  for (int i = 0; i < 50; ++i) {
    auto r = std::make_unique<registry>();
    const auto c = r->add_counter("c_total", "help");
    c.add();
    EXPECT_EQ(c.value(), 1U);
  }
}

struct counts_at_exit {
  const counter* c = nullptr;
  ~counts_at_exit() {
    if (c != nullptr) c->add();
  }
};

TEST(metrics_registry, a_count_in_a_thread_local_destructor_is_kept) {
  registry r;
  const auto c = r.add_counter("c_total", "help");
  std::thread([&] {
    thread_local counts_at_exit late;  // made before the thread's block: destroyed after it
    late.c = &c;
    c.add();
  }).join();
  EXPECT_EQ(c.value(), 2U);
}

TEST(metrics_registry, text_has_one_head_a_family_and_escapes) {
  registry r;
  r.add_counter("hits_total", "Hits.\nSecond \\ line", {{"tier", "l1"}}).add(7);
  const auto g = r.add_gauge("open", "Open \"now\".");
  r.add_counter("hits_total", "Hits.", {{"tier", "a\"b\\c\nd"}}).add(1);
  g.sub(4);
  EXPECT_EQ(r.render(),
            "# HELP hits_total Hits.\\nSecond \\\\ line\n"
            "# TYPE hits_total counter\n"
            "hits_total{tier=\"l1\"} 7\n"
            "hits_total{tier=\"a\\\"b\\\\c\\nd\"} 1\n"
            "# HELP open Open \"now\".\n"
            "# TYPE open gauge\n"
            "open -4\n"
            "# HELP fairing_metrics_refused_total Metrics that could not be registered: too many, "
            "or a bug.\n"
            "# TYPE fairing_metrics_refused_total counter\n"
            "fairing_metrics_refused_total 0\n");
}

TEST(metrics_registry, histogram_text_is_cumulative) {
  registry r;
  constexpr double bounds[] = {0.001, 0.5, 1};
  const auto h = r.add_histogram("d_seconds", "Durations.", {{"route", "/a"}}, bounds);
  h.observe_us(1000);  // le is inclusive
  h.observe_us(1001);
  h.observe_us(2'000'000);
  h.observe_us(-5);  // a clock that went back counts as 0
  EXPECT_THAT(r.render(), HasSubstr("# TYPE d_seconds histogram\n"
                                    "d_seconds_bucket{route=\"/a\",le=\"0.001\"} 2\n"
                                    "d_seconds_bucket{route=\"/a\",le=\"0.5\"} 3\n"
                                    "d_seconds_bucket{route=\"/a\",le=\"1\"} 3\n"
                                    "d_seconds_bucket{route=\"/a\",le=\"+Inf\"} 4\n"
                                    "d_seconds_sum{route=\"/a\"} 2.002001\n"
                                    "d_seconds_count{route=\"/a\"} 4\n"));
}

TEST(metrics_registry, quantiles_are_bucket_bounds) {
  registry r;
  constexpr double bounds[] = {0.001, 0.01, 0.1};
  const auto h = r.add_histogram("d_seconds", "Durations.", {}, bounds);
  EXPECT_EQ(h.quantile(0.95), 0);
  for (int i = 0; i < 90; ++i) h.observe_us(500);
  for (int i = 0; i < 9; ++i) h.observe_us(5000);
  h.observe_us(9'000'000);
  EXPECT_EQ(h.quantile(0), 0.001);
  EXPECT_EQ(h.quantile(0.5), 0.001);
  EXPECT_EQ(h.quantile(0.95), 0.01);
  EXPECT_EQ(h.quantile(1), 0.1);  // at least
}

TEST(metrics_registry, callbacks_live_as_long_as_their_guard) {
  registry r;
  const auto c = r.add_counter("c_total", "help");
  auto guard = r.add_callback("up", "Up.", "gauge", {{"site", "a"}}, [&] {
    c.add();  // a callback may use its registry
    return static_cast<double>(r.add_counter("c_total", "help").value()) + 0.5;
  });
  EXPECT_THAT(r.render(), HasSubstr("# TYPE up gauge\nup{site=\"a\"} 1.5\n"));
  guard.reset();
  EXPECT_THAT(r.render(), Not(HasSubstr("up")));
}

TEST(metrics_registry, during_a_reload_the_newest_callback_is_shown) {
  registry r;
  auto old_guard = r.add_callback("up", "Up.", "gauge", {{"site", "a"}}, [] { return 1.0; });
  auto new_guard = r.add_callback("up", "Up.", "gauge", {{"site", "a"}}, [] { return 2.0; });
  EXPECT_THAT(r.render(), HasSubstr("up{site=\"a\"} 2\n"));
  EXPECT_THAT(r.render(), Not(HasSubstr("up{site=\"a\"} 1\n")));
  old_guard.reset();
  EXPECT_THAT(r.render(), HasSubstr("up{site=\"a\"} 2\n"));
}

TEST(metrics_registry, a_guard_may_outlive_its_registry) {
  auto r = std::make_unique<registry>();
  auto guard = r->add_callback("up", "Up.", "gauge", {}, [] { return 1.0; });
  r.reset();
  guard.reset();
}

TEST(metrics_registry, too_many_metrics_are_refused_and_counted) {
  registry r;
  std::vector<double> bounds(1022);  // 1024 cells each, and there are 32,768
  std::iota(bounds.begin(), bounds.end(), 1.0);
  histogram last;
  for (int i = 0; i < 32; ++i)
    last = r.add_histogram("h_seconds", "help", {{"i", std::to_string(i)}}, bounds);
  last.observe_us(1);
  EXPECT_EQ(last.count(), 1U);
  const auto refused = r.add_counter("one_more_total", "help");
  refused.add();
  EXPECT_EQ(refused.value(), 0U);
  EXPECT_EQ(r.add_histogram("h_seconds", "help", {{"i", "31"}}, bounds).count(), 1U);
  EXPECT_THAT(r.render(), HasSubstr("fairing_metrics_refused_total 1\n"));
}

TEST(metrics_registry, what_a_scope_registered_goes_with_the_last_scope) {
  registry r;
  auto first = std::make_unique<scope>(r);
  auto second = std::make_unique<scope>(r);
  const auto mine = first->add_counter("c_total", "help", {{"site", "a"}});
  const auto same = second->add_counter("c_total", "help", {{"site", "a"}});
  const auto only = first->add_histogram("h_seconds", "help", {{"route", "/old"}});
  mine.add();
  same.add();
  only.observe_us(1);
  first.reset();
  EXPECT_EQ(same.value(), 2U);
  EXPECT_THAT(r.render(), Not(HasSubstr("/old")));
  second.reset();
  EXPECT_THAT(r.render(), Not(HasSubstr("c_total")));
  scope third(r);
  EXPECT_EQ(third.add_counter("c_total", "help", {{"site", "a"}}).value(), 0U);
  (void)r.add_counter("kept_total", "help");
  {
    scope(r).add_counter("kept_total", "help").add();
  }
  EXPECT_THAT(r.render(), HasSubstr("kept_total 1\n"));
}

TEST(metrics_registry, a_thousand_reloads_do_not_use_up_the_cells) {
  registry r;
  for (int reload = 0; reload < 1000; ++reload) {
    scope s(r);
    for (int route = 0; route < 10; ++route) {
      const auto h =
          s.add_histogram("h_seconds", "help", {{"route", std::to_string(reload * 10 + route)}});
      EXPECT_EQ(h.count(), 0U);
      h.observe_us(1);
      EXPECT_EQ(h.count(), 1U);
    }
  }
  EXPECT_THAT(r.render(), HasSubstr("fairing_metrics_refused_total 0\n"));
}

TEST(metrics_registry, wrong_names_and_types_are_bugs_and_dead) {
  registry r;
  const auto before = bug_count();
  (void)r.add_counter("x", "help");
  r.add_gauge("x", "help").add();
  r.add_counter("bad-name", "help").add();
  r.add_counter("", "help").add();
  EXPECT_EQ(bug_count() - before, 3U);
  (void)r.add_counter("y_total", "help", {{"le", "1"}});
  EXPECT_THAT(r.render(), HasSubstr("fairing_metrics_refused_total 4\n"));
}

}  // namespace
}  // namespace fairing::metrics
