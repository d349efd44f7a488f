// Statistics of templates, their merging and telling; loops' table.
#include "sql/logic/templates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sql/logic/loops.hpp"

namespace fairing::sql {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct core {
  codec::sql_lexer::analyzer analyzer{codec::sql_lexer::analyzer_options{.seed = 7}};
  template_table table{100'000};
  route_names routes;
  std::uint32_t id(std::string_view sql) {
    analyzer.run(sql);
    return table.intern(analyzer, sql);
  }
  std::vector<template_row> rows() {
    return table.rows(routes, 9'000'000, wall_time{seconds{1'700'000'000}});
  }
};

TEST(latency_histogram, quantiles_and_bounds) {
  latency_histogram h;
  EXPECT_EQ(h.quantile(0.5), 0);
  for (int i = 1; i <= 1000; ++i) h.add(i);
  EXPECT_NEAR(static_cast<double>(h.quantile(0.5)), 500, 60);
  EXPECT_NEAR(static_cast<double>(h.quantile(0.99)), 990, 60);
  h.add(-5);
  h.add(INT64_MAX);
  EXPECT_EQ(h.count(), 1002U);
  latency_histogram other;
  other.add(3);
  h.merge(other);
  EXPECT_EQ(h.count(), 1003U);
}

TEST(templates, counts_and_tells_without_values) {
  core c;
  const auto a = c.id("SELECT * FROM users WHERE name = 'Secretville' AND age > 42");
  EXPECT_EQ(a, c.id("select * from users where name='x' and age > 1 -- other"));
  const auto route = c.routes.intern("/users/4711?q=Secretville");
  c.table.add(a,
              {.duration_us = 150'000,
               .rows = 3,
               .bytes = 90,
               .route = route,
               .failed = false,
               .in_transaction = true},
              1'000'000);
  c.table.add(a, {.duration_us = 50, .failed = true}, 5'000'000);
  const auto text = queries_json(c.rows(), 10, query_sort::total);
  EXPECT_THAT(text, Not(HasSubstr("Secretville")));
  EXPECT_THAT(text, Not(HasSubstr("42")));
  const auto item = nlohmann::json::parse(text)["items"][0];
  EXPECT_EQ(item["template"], "select * from users where name = $1 and age > $2");
  EXPECT_EQ(item["kind"], "select");
  EXPECT_EQ(item["tables"], nlohmann::json({"users"}));
  EXPECT_EQ(item["count"], 2);
  EXPECT_EQ(item["errors"], 1);
  EXPECT_EQ(item["rows"], 3);
  EXPECT_EQ(item["bytes"], 90);
  EXPECT_EQ(item["slow"], 1);
  EXPECT_EQ(item["in_transaction"], 1);
  EXPECT_EQ(item["transaction_ms"], 150.0);
  EXPECT_EQ(item["last_seen"], 1'700'000'000 - 4);
  const auto& of_route = item["routes"][0];
  EXPECT_EQ(of_route["route"], "/users/{id}");
  EXPECT_EQ(of_route["count"], 1);
  EXPECT_EQ(of_route["errors"], 0);
  EXPECT_EQ(of_route["rows"], 3);
  EXPECT_EQ(of_route["bytes"], 90);
  EXPECT_EQ(of_route["transaction_ms"], 150.0);
  EXPECT_GE(of_route["p95_ms"], 131.0);
  EXPECT_LE(of_route["p95_ms"], 262.2);
  ASSERT_EQ(item["histogram"].size(), 2U);
  EXPECT_EQ(item["histogram"][0], nlohmann::json({{"below_ms", 0.064}, {"count", 1}}));
  EXPECT_TRUE(item["pagination"].is_null());
}

TEST(templates, pages_are_told) {
  core c;
  const auto a = c.id("SELECT * FROM t ORDER BY at DESC LIMIT 20 OFFSET 5000");
  c.table.on_page(a, 20, 5000);
  c.table.add(a, {}, 0);
  const auto b = c.id("SELECT * FROM events");
  c.table.add(b, {.rows = 20'000}, 0);
  const auto items = nlohmann::json::parse(queries_json(c.rows(), 10, query_sort::rows))["items"];
  EXPECT_EQ(items[0]["pagination"]["fault"], "unbounded");
  EXPECT_EQ(items[1]["pagination"]["deepest"], 5000);
  EXPECT_THAT(items[1]["pagination"]["keyset"].get<std::string>(),
              HasSubstr("(at, id) < ($3, $4)"));
}

TEST(templates, beyond_the_bound_is_one_row) {
  core c;
  for (int i = 0; i < 5100; ++i) {
    std::string name = "t";
    for (int n = i; n > 0; n /= 10) name += static_cast<char>('a' + n % 10);
    c.table.add(c.id("SELECT * FROM " + name + "_ WHERE c" + name + " = 1"), {}, 0);
  }
  EXPECT_EQ(c.table.size(), 5000U);
  const auto rows = c.rows();
  EXPECT_EQ(rows[0].text, "(other)");
  EXPECT_EQ(rows[0].counts.count, 100U);
}

TEST(templates, cores_are_added_up) {
  core x;
  core y;
  static_cast<void>(y.id("SELECT 1"));
  x.table.add(x.id("SELECT a FROM t"), {.duration_us = 10, .route = x.routes.intern("/a")}, 0);
  y.table.add(y.id("SELECT a FROM t"), {.duration_us = 30, .route = y.routes.intern("/a")}, 0);
  const auto rows = merge({x.rows(), y.rows()});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].counts.count, 2U);
  EXPECT_EQ(rows[0].counts.max_us, 30);
  ASSERT_EQ(rows[0].routes.size(), 1U);
  EXPECT_EQ(rows[0].routes[0].counts.total_us, 40);
  EXPECT_EQ(rows[0].routes[0].counts.max_us, 30);
}

TEST(templates, tell_in_which_databases_they_ran) {
  core a;
  const auto id = a.id("select 1");
  a.table.add(id, {}, 0);
  EXPECT_THAT(a.rows().front().databases, IsEmpty());
  for (const auto* name : {"shop", "blog", "shop"}) a.table.note_database(id, name);
  EXPECT_THAT(a.rows().front().databases, ElementsAre("shop", "blog"));
  core b;
  const auto same = b.id("select 2");
  b.table.add(same, {}, 0);
  b.table.note_database(same, "mail");
  b.table.note_database(same, "blog");
  EXPECT_THAT(merge({a.rows(), b.rows()}).front().databases, ElementsAre("shop", "blog", "mail"));
  for (int i = 0; i < 20; ++i) b.table.note_database(same, "d" + std::to_string(i));
  EXPECT_EQ(b.rows().front().databases.size(), 9U);
  EXPECT_EQ(b.rows().front().databases.back(), "(other)");
}

TEST(templates, sorts_and_limits) {
  core c;
  c.table.add(c.id("SELECT a FROM slow_one"), {.duration_us = 1000}, 0);
  for (int i = 0; i < 9; ++i) c.table.add(c.id("SELECT b FROM often"), {.duration_us = 1}, 0);
  const auto first = [&](query_sort by) {
    return nlohmann::json::parse(queries_json(c.rows(), 1, by))["items"][0]["tables"][0]
        .get<std::string>();
  };
  EXPECT_EQ(first(query_sort_of("total")), "slow_one");
  EXPECT_EQ(first(query_sort_of("mean")), "slow_one");
  EXPECT_EQ(first(query_sort_of("count")), "often");
  EXPECT_EQ(first(query_sort_of("no such word")), "slow_one");
}

TEST(route_names, are_templates_and_bounded) {
  EXPECT_EQ(route_template("/users/42/orders/0af76519-16cd-43dd-8448-eb211c80319c?x=1"),
            "/users/{id}/orders/{id}");
  EXPECT_EQ(route_template("app.views.list"), "app.views.list");
  EXPECT_EQ(route_template("/feedback/deadline"), "/feedback/deadline");
  EXPECT_LE(route_template(std::string(5000, 'r')).size(), 128U);
  route_names r;
  EXPECT_EQ(r.intern(""), 0U);
  for (int i = 0; i < 500; ++i) static_cast<void>(r.intern("/r" + std::to_string(i)));
  EXPECT_EQ(r.name(r.intern("/another")), "(other)");
  EXPECT_EQ(r.name(r.intern("/r7")), "/r7");
}

TEST(loops, those_that_chance_explains_are_left_out_and_cores_added_up) {
  core c;
  const auto loop = c.id("SELECT * FROM orders WHERE user_id = 1");
  const auto list = c.id("SELECT id FROM users");
  for (int i = 0; i < 1000; ++i) c.table.add(loop, {.duration_us = 5}, 0);
  loop_table t;
  t.add({.text = 1, .source = 2, .keys = 9, .lost_us = 800, .first_us = 1, .last_us = 2},
        {loop, list, "id", 1, 23});
  const auto rows = [&] { return t.rows(c.table, {{loop, {100, 100}}}, c.routes, 0, wall_time{}); };
  EXPECT_TRUE(merge_loops({rows()}).empty());
  t.add({.text = 1, .source = 2, .keys = 9, .lost_us = 800, .first_us = 1, .last_us = 2},
        {loop, list, "id", 1, 23});
  ASSERT_EQ(merge_loops({rows()}).size(), 1U);
  const auto both = merge_loops({rows(), rows()});
  ASSERT_EQ(both.size(), 1U);
  EXPECT_EQ(both[0].loops, 4U);
  EXPECT_EQ(both[0].executions, 36U);
  EXPECT_EQ(both[0].round_trips_lost(), 32U);
  EXPECT_EQ(both[0].of_executions, 2000U);
}

}  // namespace
}  // namespace fairing::sql
