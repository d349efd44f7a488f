// The points of the sql plane, from made-up evidence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checklist/points.hpp"

namespace fairing::checklist {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

sql_evidence plane() {
  sql_evidence e;
  e.configured = true;
  e.statements = e.reads = 500;
  return e;
}

TEST(sql_points, without_the_plane_say_how_to_add_it) {
  for (const auto& p : grade_all({}, {}).points) {
    if (p.number != 1 && p.number != 2 && p.number != 4 && p.number != 10) continue;
    EXPECT_EQ(p.result, grade::not_seen);
    EXPECT_THAT(p.evidence, ElementsAre("not seen: no sql plane configured"));
    EXPECT_THAT(p.fix, Contains("sql: { listen: 127.0.0.1:6432, upstream: \"${DATABASE_URL}\" }"));
  }
}

TEST(point_1, grades_the_index_advice) {
  auto e = plane();
  EXPECT_EQ(grade_indexes(e).result, grade::not_seen);
  e.analysed = true;
  EXPECT_EQ(grade_indexes(e).result, grade::not_seen) << "nothing was planned";
  e.templates_analysed = 12;
  EXPECT_EQ(grade_indexes(e).result, grade::pass);
  e.templates_missed = 3;
  e.first_missed = "not analysed: select from missing: no such relation";
  EXPECT_EQ(grade_indexes(e).evidence.back(), e.first_missed + " (and 2 more: /v1/indexes)");
  e.templates_missed = 0;
  e.indexes = {{.table = "orders",
                .fault = "the table has no primary key",
                .statement = "ALTER TABLE orders ADD COLUMN id ...",
                .caution = "adding a column rewrites the table under a lock",
                .verified = true}};
  EXPECT_EQ(grade_indexes(e).result, grade::warn);
  EXPECT_THAT(grade_indexes(e).evidence, ElementsAre("orders: the table has no primary key"));
  EXPECT_THAT(grade_indexes(e).fix, ElementsAre("# adding a column rewrites the table under a lock",
                                                "ALTER TABLE orders ADD COLUMN id ..."));
  e.indexes.push_back({.table = "orders",
                       .columns = {"user_id"},
                       .fault = "a foreign key without an index",
                       .statement = "CREATE INDEX CONCURRENTLY ON orders (user_id)",
                       .gain = 0.9});
  EXPECT_EQ(grade_indexes(e).result, grade::warn);
  e.indexes.back().verified = true;
  const auto p = grade_indexes(e);
  EXPECT_EQ(p.result, grade::fail);
  EXPECT_EQ(
      p.evidence.front(),
      "orders (user_id): a foreign key without an index; an index takes away 90 % of the cost");
  EXPECT_EQ(p.fix.front(), "CREATE INDEX CONCURRENTLY ON orders (user_id)");
  e.indexes.back().size = "1.2 MiB";
  e.advice_off = "no connection";
  const auto old = grade_indexes(e);
  EXPECT_EQ(old.result, grade::fail);
  EXPECT_THAT(old.evidence.front(), HasSubstr("90 % of the cost; it is 1.2 MiB large"));
  EXPECT_EQ(old.evidence.back(), "as of the last look; no new one: no connection");
  e.analysed = false;
  EXPECT_EQ(grade_indexes(e).result, grade::not_seen);
  EXPECT_EQ(grade_indexes(e).evidence.back(), "no connection");
}

loop_fact loop(std::uint32_t longest, double lost_ms) {
  return {"select * from orders where user_id = $1",
          "select * from users",
          "id",
          "select * from orders where user_id = any($1)",
          "with prisma: prisma.user.findMany({ include: { orders: true } })",
          1,
          longest,
          longest,
          lost_ms};
}

TEST(point_2, grades_loops) {
  auto e = plane();
  EXPECT_EQ(grade_n_plus_one(e).result, grade::pass);
  e.reads = 19;
  EXPECT_EQ(grade_n_plus_one(e).result, grade::not_seen);
  e.loops = {loop(10, 4)};
  EXPECT_EQ(grade_n_plus_one(e).result, grade::warn);
  e.loops = {loop(10, 1000)};
  EXPECT_EQ(grade_n_plus_one(e).result, grade::fail);
  e.loops = {loop(20, 4)};
  const auto p = grade_n_plus_one(e);
  EXPECT_EQ(p.result, grade::fail);
  EXPECT_THAT(p.evidence.front(),
              HasSubstr("20 times in 1 loop (longest 20), once for each `id` of "
                        "select * from users; 19 round trips and 4.0 ms lost"));
  EXPECT_THAT(
      p.fix, ElementsAre("# in one statement: select * from orders where user_id = any($1)",
                         "# in the backend, with prisma: prisma.user.findMany({ include: { orders: "
                         "true } })"));
  e.detect = false;
  EXPECT_EQ(grade_n_plus_one(e).result, grade::not_seen);
  EXPECT_THAT(grade_n_plus_one(e).fix, Contains("n_plus_one: { detect: true }"));
}

TEST(point_3, grades_offset_and_unbounded_selects) {
  auto e = plane();
  EXPECT_EQ(grade_pagination({}, {}, e).result, grade::pass);
  page_fact f;
  f.text = "select * from orders order by id limit $1 offset $2";
  f.deepest = 5000;
  f.executions = 7;
  f.keyset = "select * from orders where id > $3 order by id limit $1";
  e.pages = {f};
  auto p = grade_pagination({}, {}, e);
  EXPECT_EQ(p.result, grade::warn);
  EXPECT_THAT(p.evidence.front(), HasSubstr("OFFSET up to 5000 in 7 executions"));
  EXPECT_THAT(p.fix.front(), HasSubstr(f.keyset));
  e.pages[0].table_rows = 9'999;
  EXPECT_EQ(grade_pagination({}, {}, e).result, grade::pass);
  e.pages[0].table_rows = 2'000'000;
  e.pages[0].deepest = 10'000;
  EXPECT_EQ(grade_pagination({}, {}, e).result, grade::fail);
  e.pages[0].keyset.clear();
  e.pages[0].keyless = true;
  EXPECT_THAT(grade_pagination({}, {}, e).fix, ElementsAre(HasSubstr("add a primary key")));
  e.pages = {{.text = "select * from events", .unbounded = true, .most_rows = 20'000}};
  EXPECT_EQ(grade_pagination({}, {}, e).result, grade::warn);
  e.pages[0].most_rows = 100'001;
  EXPECT_EQ(grade_pagination({}, {}, e).result, grade::fail);
}

pool_fact pool_of(std::uint32_t size) {
  pool_fact f;
  f.name = "app@shop";
  f.size = size;
  f.formula = 9;
  f.fit = pool_fit::fits;
  f.leases = 1000;
  return f;
}

TEST(point_4, measured_waits_say_what_the_size_should_be) {
  auto e = plane();
  e.pools = {pool_of(4)};
  e.pools[0].timeouts = 3;
  e.sizing = {.waits = true, .size = 8, .text = "3.8 of 4 servers leased: set sql.pool.size to 8"};
  auto p = grade_pooling(e);
  EXPECT_EQ(p.result, grade::fail);
  EXPECT_THAT(p.fix, ElementsAre("# set sql.pool.size to 8", "# sql:", "pool: { size: 8 }"));
  EXPECT_THAT(p.evidence, Contains("all pools: " + e.sizing.text));
  e.sizing = {.waits = true, .size = 4, .text = "transactions are idle for 89 % of their time"};
  EXPECT_THAT(grade_pooling(e).fix, ElementsAre("# " + e.sizing.text));
  // Nobody waits: it is told, and not graded.
  e.pools[0].timeouts = 0;
  e.sizing = {.size = 2, .text = "0.2 of 4 servers leased: 2 would do"};
  p = grade_pooling(e);
  EXPECT_EQ(p.result, grade::pass);
  EXPECT_THAT(p.evidence, Contains(HasSubstr("2 would do")));
  EXPECT_THAT(p.fix, IsEmpty());
}

TEST(point_4, grades_the_pools) {
  auto e = plane();
  EXPECT_EQ(grade_pooling(e).result, grade::not_seen);
  e.pools = {pool_of(9)};
  e.pools[0].leases = 0;
  EXPECT_EQ(grade_pooling(e).result, grade::not_seen) << "opened ahead";
  e.pools = {pool_of(9)};
  EXPECT_EQ(grade_pooling(e).result, grade::pass);
  e.pools = {pool_of(19)};
  EXPECT_EQ(grade_pooling(e).result, grade::warn);
  EXPECT_THAT(grade_pooling(e).fix, Contains("pool: { size: 9 }"));
  e.pools = {pool_of(9)};
  e.pools[0].wait_p95_us = 250'000;
  e.pools[0].waited = 400;
  EXPECT_EQ(grade_pooling(e).result, grade::warn);
  e.pools[0].timeouts = 3;
  EXPECT_EQ(grade_pooling(e).result, grade::fail);
  e.pools = {pool_of(9)};
  e.pools[0].fit = pool_fit::too_many;
  e.pools[0].fit_text = "2 instances x 60 are more than the 97 of max_connections";
  const auto p = grade_pooling(e);
  EXPECT_EQ(p.result, grade::fail);
  EXPECT_THAT(p.evidence.front(), HasSubstr("max_connections"));
}

TEST(point_4, tells_what_keeps_connections_and_warns_where_more_would_have) {
  auto e = plane();
  e.pools = {pool_of(9)};
  EXPECT_THAT(grade_pooling(e).evidence.front(), Not(HasSubstr("pinned")));
  e.pools[0].pinned = 2;
  e.pools[0].max_pinned = 4;
  e.pools[0].pins = "listen 3, temp_table 1";
  auto p = grade_pooling(e);
  EXPECT_EQ(p.result, grade::pass);
  EXPECT_THAT(p.evidence.front(), HasSubstr("; pinned: 2 of at most 4 are kept now, since the "
                                            "start: listen 3, temp_table 1"));
  e.pools[0].pins_refused = 2;
  p = grade_pooling(e);
  EXPECT_EQ(p.result, grade::warn);
  EXPECT_THAT(p.evidence.front(), HasSubstr("2 statements were refused (SQLSTATE 53300)"));
  EXPECT_THAT(p.evidence.front(), HasSubstr("listen 3, temp_table 1"));
  EXPECT_THAT(p.fix, Contains(HasSubstr("session_listen")));
  EXPECT_THAT(p.fix, Contains(HasSubstr("max_pinned: 75%")));
  e.pools[0].max_pinned = 9;
  EXPECT_THAT(grade_pooling(e).fix, Not(Contains(HasSubstr("max_pinned"))));
}

TEST(point_4, counts_only_what_is_about_room) {
  auto e = plane();
  e.pools = {pool_of(9)};
  e.pools[0].unserved = 1;
  e.pools[0].last_fault = "password authentication failed for user \"app\" (28P01)";
  auto p = grade_pooling(e);
  EXPECT_EQ(p.result, grade::pass);
  EXPECT_THAT(p.fix, IsEmpty());
  EXPECT_EQ(p.evidence.back(),
            "app@shop: 1 client was given no connection, though not for want of room; the last "
            "error of opening one: password authentication failed for user \"app\" (28P01)");
  e.pools[0].timeouts = 2;
  p = grade_pooling(e);
  EXPECT_EQ(p.result, grade::fail);
  EXPECT_EQ(p.evidence.front(),
            "app@shop: 2 clients were turned away after waiting (SQLSTATE 53300)");
}

TEST(point_4, advises_a_size_once_and_only_another_one) {
  auto e = plane();
  e.pools = {pool_of(9), pool_of(9)};
  for (auto& f : e.pools) f.timeouts = 1;
  EXPECT_THAT(grade_pooling(e).fix, ElementsAre(HasSubstr("transactions that are held open")));
  for (auto& f : e.pools) f.size = 5;
  EXPECT_THAT(grade_pooling(e).fix, ElementsAre("# sql:", "pool: { size: 9 }"));
  for (auto& f : e.pools) f.postgres_full = true;
  EXPECT_THAT(grade_pooling(e).fix, ElementsAre(HasSubstr("max_connections")));
}

TEST(point_8, grades_the_limits_of_sql) {
  auto e = plane();
  const auto p = grade_timeouts({}, {}, e);
  EXPECT_EQ(p.result, grade::warn);
  EXPECT_THAT(p.evidence.front(), HasSubstr("statement without end, transaction_idle without end"));
  EXPECT_THAT(p.fix, ElementsAre("# sql:", "limits: { statement: 30s, transaction_idle: 60s }"));
  e.statement_limit = milliseconds{30'000};
  e.transaction_idle_limit = milliseconds{60'000};
  EXPECT_EQ(grade_timeouts({}, {}, e).result, grade::pass);
  EXPECT_THAT(grade_timeouts({}, {}, e).evidence.front(), HasSubstr("statement 30s"));
}

TEST(point_10, wants_a_reader) {
  auto e = plane();
  EXPECT_EQ(grade_pool_monitoring(e).result, grade::warn);
  EXPECT_THAT(grade_pool_monitoring(e).evidence, Contains("/metrics was never read"));
  e.admin = "127.0.0.1:9902";
  EXPECT_THAT(grade_pool_monitoring(e).fix,
              Contains("# prometheus.yml: scrape_configs: [{ job_name: fairing, static_configs: [{ "
                       "targets: [\"127.0.0.1:9902\"] }] }]"));
  e.admin = "0.0.0.0:9902";
  EXPECT_THAT(grade_pool_monitoring(e).fix,
              Contains(testing::AllOf(HasSubstr("targets: [\"THIS_HOST:9902\"]"),
                                      HasSubstr("credentials_file"))));
  e.admin = "unix:/run/fairing/admin";
  EXPECT_THAT(grade_pool_monitoring(e).fix, Contains(HasSubstr("reads no unix socket")));
  e.since_scrape = milliseconds{300'000};
  EXPECT_EQ(grade_pool_monitoring(e).result, grade::pass);
  e.since_scrape = milliseconds{300'001};
  EXPECT_EQ(grade_pool_monitoring(e).result, grade::warn);
  EXPECT_THAT(grade_pool_monitoring(e).fix,
              Contains(HasSubstr("fairing_pool_wait_seconds_bucket")));
}

}  // namespace
}  // namespace fairing::checklist
