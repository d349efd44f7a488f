// Each client's N+1 loop as it was captured is found, with source, count and cure.
#include "sql/logic/insight.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sql/logic/test_insight.hpp"

namespace fairing::sql {
namespace {

using namespace testing_insight;
using testing::HasSubstr;
using testing::Not;

loop_row only(traffic& t) {
  const auto rows = t.loops();
  EXPECT_EQ(rows.size(), 1U);
  return rows.empty() ? loop_row{} : rows[0];
}

void expect_users_loop(traffic& t, std::uint64_t count = 10) {
  const auto r = only(t);
  EXPECT_EQ(r.column, "id");
  EXPECT_THAT(r.source, HasSubstr("users"));
  EXPECT_EQ(r.executions, count);
  EXPECT_EQ(r.loops, 1U);
  EXPECT_EQ(r.round_trips_lost(), count - 1);
  EXPECT_EQ(r.lost_us, static_cast<std::int64_t>(count - 1) * 400);
}

TEST(insight_clients, node_postgres) {
  traffic t;
  session s;
  t.query(s, "SELECT id, name, age FROM users ORDER BY id LIMIT 10", users(10));
  for (int i = 0; i < 10; ++i)
    t.prepared(s, "SELECT * FROM orders WHERE user_id = $1", {text(user_id(i))},
               orders(user_id(i)));
  expect_users_loop(t);
}

void loop_of(traffic& t, session& s, int times) {
  t.query(s, "SELECT id, name, age FROM users ORDER BY id LIMIT 10", users(10));
  for (int i = 0; i < times; ++i)
    t.prepared(s, "SELECT * FROM orders WHERE user_id = $1", {text(user_id(i))},
               orders(user_id(i)));
}

TEST(insight, a_reload_changes_what_is_looked_for_and_keeps_what_was_found) {
  traffic t({.detect = false});
  session s;
  loop_of(t, s, 10);
  EXPECT_TRUE(t.loops().empty());
  t.watch.set({.detect = true, .least = 8});
  loop_of(t, s, 10);
  expect_users_loop(t);
  loop_of(t, s, 6);
  expect_users_loop(t);
  t.watch.set({.detect = true, .least = 5});
  loop_of(t, s, 6);
  EXPECT_EQ(only(t).loops, 2U) << "by a session that was there before";
  t.watch.set({.detect = false});
  loop_of(t, s, 10);
  EXPECT_EQ(only(t).loops, 2U);
}

TEST(insight, of_slow_statements_one_a_template_and_minute_is_news) {
  traffic t;
  const auto ids = t.ids_of("SELECT * FROM users WHERE name = 'Anna'");
  const auto same = t.ids_of("SELECT * FROM users WHERE name = 'Berta'");
  const auto text = t.watch.slow_news(ids, t.now_us);
  EXPECT_THAT(std::string(text), HasSubstr("from users where name ="));
  EXPECT_THAT(std::string(text), Not(HasSubstr("Anna")));
  t.pass(59'999'999);
  EXPECT_EQ(t.watch.slow_news(same, t.now_us), "");
  EXPECT_NE(t.watch.slow_news(t.ids_of("SELECT 1 FROM orders"), t.now_us), "");
  t.pass(1);
  EXPECT_NE(t.watch.slow_news(same, t.now_us), "");
}

TEST(insight_clients, knex) {
  traffic t;
  session s;
  t.query(s, "BEGIN;");
  t.prepared(s, R"(select * from "users" limit $1)", {text(10)}, users(10));
  for (int i = 0; i < 10; ++i)
    t.prepared(s, R"(select * from "orders" where "user_id" = $1)", {text(user_id(i))},
               orders(user_id(i)));
  t.query(s, "COMMIT;");
  expect_users_loop(t);
}

TEST(insight_clients, sequelize_sends_literals) {
  traffic t;
  session s;
  t.query(s, R"(SELECT "id", "name" FROM "users" AS "user" LIMIT 10;)", users(10));
  for (int i = 0; i < 10; ++i)
    t.query(s,
            R"(SELECT "id", "user_id" FROM "orders" AS "order" WHERE "order"."user_id" = )" +
                std::to_string(user_id(i)) + ";",
            orders(user_id(i)));
  expect_users_loop(t);
}

TEST(insight_clients, typeorm_find_and_lazy) {
  traffic t;
  session s;
  t.query(s, R"(SELECT "User"."id" AS "User_id" FROM "users" "User")", users(10));
  for (int i = 0; i < 10; ++i)
    t.prepared(
        s,
        R"(SELECT "Order"."id" AS "Order_id" FROM "orders" "Order" LEFT JOIN "users" "Order__u" ON "Order__u"."id"="Order"."user_id" WHERE (((("Order__u"."id" = $1)))))",
        {text(user_id(i))}, orders(user_id(i)));
  EXPECT_EQ(only(t).executions, 10U);
  traffic lazy;
  session z;
  lazy.query(z, R"(SELECT "User"."id" AS "User_id" FROM "users" "User")", users(10));
  for (int i = 0; i < 10; ++i)
    lazy.prepared(z, R"(SELECT "o"."id" AS "o_id" FROM "orders" "o" WHERE "o"."user_id" IN ($1))",
                  {text(user_id(i))}, orders(user_id(i)));
  expect_users_loop(lazy);
}

TEST(insight_clients, drizzle_over_node_postgres_and_postgres_js) {
  for (const bool types_known : {false, true}) {
    traffic t;
    session s;
    t.prepared(s, R"(select "id", "name", "age" from "users" limit $1)", {text(10)}, users(10));
    for (int i = 0; i < 10; ++i) {
      auto p = text(user_id(i));
      if (types_known) p.type = 23;  // postgres.js: described first, then bound with the type
      t.prepared(s, R"(select "id", "total" from "orders" where "orders"."user_id" = $1)", {p},
                 orders(user_id(i)));
    }
    expect_users_loop(t);
  }
}

TEST(insight_clients, prisma_with_its_constant_offset) {
  traffic t;
  session s;
  t.prepared(s, R"(SELECT "public"."users"."id" FROM "public"."users" WHERE 1=1 OFFSET $1)",
             {text(0)}, users(10));
  for (int i = 0; i < 10; ++i)
    t.prepared(
        s,
        R"(SELECT "public"."orders"."id" FROM "public"."orders" WHERE "public"."orders"."user_id" = $1 OFFSET $2)",
        {text(user_id(i)), text(0)}, orders(user_id(i)));
  expect_users_loop(t);
  for (const auto& q : t.watch.queries(t.now_us, wall_time{}))
    EXPECT_EQ(q.counts.pages.verdict(), advise::page_fault::none) << q.text;
}

TEST(insight_clients, django_forward_key_with_limit_21) {
  traffic t;
  session s;
  answer list;
  list.columns = {column("id", 16500, 1, 23), column("user_id", 16500, 2, 23)};
  for (int i = 0; i < 10; ++i)
    list.rows.push_back({{std::to_string(100 + i * 9)}, {std::to_string(user_id(i))}});
  t.query(s, R"(SELECT "shop_order"."id", "shop_order"."user_id" FROM "shop_order")", list);
  for (int i = 0; i < 10; ++i)
    t.query(
        s,
        R"(SELECT "shop_user"."id", "shop_user"."name" FROM "shop_user" WHERE "shop_user"."id" = )" +
            std::to_string(user_id(i)) + " LIMIT 21",
        users(1, user_id(i)));
  const auto r = only(t);
  EXPECT_EQ(r.column, "user_id");
  EXPECT_EQ(r.executions, 10U);
  const auto body = nlohmann::json::parse(n_plus_one_json({r}, 10));
  EXPECT_EQ(body["items"][0]["eager"].begin().key(), "django");
  EXPECT_THAT(body["items"][0]["eager"]["django"].get<std::string>(),
              HasSubstr("select_related(\"user\")"));
}

TEST(insight_clients, sqlalchemy_has_the_literal_on_the_left) {
  traffic t;
  session s;
  t.query(s, "BEGIN");
  t.query(s, "SELECT users.id AS users_id, users.name AS users_name FROM users \n LIMIT 10",
          users(10));
  for (int i = 0; i < 10; ++i)
    t.query(
        s,
        "SELECT orders.id AS orders_id, orders.user_id AS orders_user_id \nFROM orders \nWHERE " +
            std::to_string(user_id(i)) + " = orders.user_id",
        orders(user_id(i)));
  t.query(s, "ROLLBACK");
  const auto r = only(t);
  EXPECT_EQ(r.executions, 10U);
  EXPECT_THAT(n_plus_one_json({r}, 10), HasSubstr("orders.user_id = any($1)"));
}

TEST(insight_clients, psycopg3_sizes_integers_by_value) {
  traffic t;
  session s;
  t.prepared(s, "BEGIN", {});
  t.query(s, "SELECT id, name, age FROM users", users(10, 32'760));
  for (int i = 0; i < 10; ++i) {
    const int id = 32'760 + i * 3;
    t.prepared(s, "SELECT * FROM orders WHERE user_id = $1", {id < 32'768 ? int2(id) : int4(id)},
               orders(id));
  }
  expect_users_loop(t);
}

TEST(insight_clients, pdo_native_and_emulated) {
  for (const bool emulated : {false, true}) {
    traffic t;
    session s;
    t.query(s, "select * from \"users\"", users(10));
    for (int i = 0; i < 10; ++i) {
      const auto id = std::to_string(user_id(i));
      if (emulated)
        t.query(s, "select * from \"orders\" where \"user_id\" = '" + id + "'", orders(user_id(i)));
      else
        t.prepared(s, "select * from \"orders\" where \"user_id\" = $1", {text(id)},
                   orders(user_id(i)));
      t.query(s, "DEALLOCATE pdo_stmt_0000000" + std::to_string(i));
    }
    expect_users_loop(t);
  }
}

TEST(insight_clients, binary_results_and_uuid_keys) {
  traffic t;
  session s;
  answer list;
  list.binary = true;
  list.columns = {column("id", 16400, 1, 2950), column("n", 16400, 2, 20)};
  std::vector<std::string> hex;
  for (int i = 0; i < 8; ++i) {
    std::string raw(16, '\x11');
    raw[3] = static_cast<char>(0x20 + i * 3);
    list.rows.push_back({{raw}, {big_endian(5, 8)}});
    hex.push_back(fmt::format("111111{:02X}-1111-1111-1111-111111111111", 0x20 + i * 3));
  }
  t.prepared(s, "SELECT id, n FROM users", {}, list);
  for (const auto& id : hex)
    t.prepared(s, "SELECT * FROM orders WHERE user_id = $1 AND kind = 'web'", {text(id)},
               orders(1));
  const auto r = only(t);
  EXPECT_EQ(r.executions, 8U);
  EXPECT_THAT(n_plus_one_json({r}, 1), Not(HasSubstr("web")));
  EXPECT_EQ(r.type, 2950U);
}

TEST(insight, a_nested_loop_goes_on_in_the_next_result) {
  traffic t;
  session s;
  t.query(s, "SELECT id, name, age FROM users", users(6));
  int items = 0;
  for (int u = 0; u < 6; ++u) {
    const auto list = orders(user_id(u), 1 + u % 3);
    t.prepared(s, "SELECT * FROM orders WHERE user_id = $1", {text(user_id(u))}, list);
    for (const auto& row : list.rows) {
      t.prepared(s, "SELECT * FROM items WHERE order_id = $1", {text(row[0].bytes)}, users(1));
      ++items;
    }
  }
  const auto rows = t.loops();
  ASSERT_EQ(rows.size(), 2U);
  for (const auto& r : rows) {
    const bool outer = r.text.find("orders") != std::string::npos;
    EXPECT_THAT(r.source, HasSubstr(outer ? "users" : "orders"));
    if (outer) EXPECT_EQ(r.executions, 6U);
    if (!outer) EXPECT_GE(r.executions, static_cast<std::uint64_t>(items - 2));
  }
}

TEST(insight, a_traced_request_is_followed_over_connections) {
  traffic t;
  std::vector<session> pool(4);
  const std::string trace =
      "/*traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',route='%2Fusers%"
      "2F42'*/";
  t.query(pool[0], "SELECT id, name, age FROM users " + trace, users(12));
  for (int i = 0; i < 12; ++i)
    t.query(pool[static_cast<std::size_t>(i) % 4],
            "SELECT * FROM orders WHERE user_id = " + std::to_string(user_id(i)) + " " + trace,
            orders(user_id(i)));
  const auto r = only(t);
  EXPECT_EQ(r.executions, 12U);
  ASSERT_EQ(r.routes.size(), 1U);
  EXPECT_EQ(r.routes[0].route, "/users/{id}");
  EXPECT_EQ(r.routes[0].count, 12U);
}

TEST(insight, repeated_skipped_and_null_keys) {
  traffic t;
  session s;
  answer list;
  list.columns = {column("id", 16500, 1, 23), column("user_id", 16500, 2, 23)};
  const std::vector<int> owners = {5, 5, 9, 0, 9, 12, 31, 31, 40, 77};
  for (std::size_t i = 0; i < owners.size(); ++i)
    list.rows.push_back(
        {{std::to_string(1000 + i * 2)}, {std::to_string(owners[i]), owners[i] == 0}});
  t.query(s, "SELECT id, user_id FROM orders", list);
  for (const int o : {5, 9, 12, 31, 31, 77})  // 40 is skipped, as by a condition in the loop
    t.query(s, "SELECT * FROM users WHERE id = " + std::to_string(o), users(1, o));
  const auto r = only(t);
  EXPECT_EQ(r.column, "user_id");
  EXPECT_EQ(r.executions, 6U);
}

// Whose last column is a user, behind a text of 2,000 bytes.
answer long_posts() {
  answer posts;
  posts.columns = {column("id", 16400, 1, 23), column("body", 16400, 2, 25),
                   column("author_id", 16400, 3, 23)};
  for (int i = 0; i < 30; ++i)
    posts.rows.push_back(
        {{std::to_string(i)}, {std::string(2000, 'x')}, {std::to_string(user_id(i))}});
  return posts;
}

TEST(insight, a_key_behind_a_long_text_is_seen) {
  traffic t;
  session s;
  t.query(s, "SELECT id, body, author_id FROM posts", long_posts());
  for (int i = 0; i < 30; ++i)
    t.prepared(s, "SELECT id, name FROM users WHERE id = $1", {text(user_id(i))},
               users(1, user_id(i)));
  const auto r = only(t);
  EXPECT_EQ(r.column, "author_id");
  EXPECT_EQ(r.executions, 30U);
}

TEST(insight, rows_that_come_in_parts_do_not_break_a_loop) {
  traffic t;
  session s;
  t.part_of_every = 4;  // as reads of 8 KiB give them
  t.query(s, "SELECT id, body, author_id FROM posts", long_posts());
  t.part_of_every = 0;
  for (int i = 0; i < 30; ++i)
    t.prepared(s, "SELECT id, name FROM users WHERE id = $1", {text(user_id(i))},
               users(1, user_id(i)));
  const auto r = only(t);
  EXPECT_EQ(r.column, "author_id");
  EXPECT_GE(r.executions, 29U);
}

TEST(insight, fetches_are_one_source_and_each_cursor_has_its_columns) {
  traffic t;
  session s;
  answer other;
  other.columns = {column("email", 16400, 3, 25), column("name", 16400, 2, 25)};
  other.rows.push_back({{"a@example.com"}, {"A"}});
  for (int n = 1; n <= 3; ++n) {
    const auto cursor = "\"_django_curs_139_sync_" + std::to_string(n) + "\"";
    t.query(s, "FETCH FORWARD 100 FROM " + cursor, users(10));
    t.query(s, "FETCH FORWARD 100 FROM \"_django_curs_139_sync_90\"", other);
    for (int i = 0; i < 10; ++i)
      t.query(s, "SELECT * FROM orders WHERE user_id = " + std::to_string(user_id(i)), orders(1));
  }
  const auto r = only(t);
  EXPECT_EQ(r.source, "fetch forward $1 from name");
  EXPECT_EQ(r.column, "id");
  EXPECT_EQ(r.executions, 30U);
}

TEST(insight, a_session_that_ends_tells_its_loop) {
  traffic t;
  session s;
  t.query(s, "SELECT id, name, age FROM users", users(10));
  for (int i = 0; i < 5; ++i)
    t.query(s, "SELECT * FROM orders WHERE user_id = " + std::to_string(user_id(i)), orders(1));
  EXPECT_EQ(t.watch.found().loops(), 0U);
  t.watch.on_leave(s.client);
  EXPECT_EQ(t.watch.found().loops(), 1U);
  EXPECT_EQ(t.watch.found().executions(), 5U);
}

TEST(insight, the_item_has_the_contract_s_shape_and_no_values) {
  traffic t;
  session s;
  t.query(s, "SELECT id, name FROM users WHERE city = 'Secretville'", users(10, 123'456'701));
  for (int i = 0; i < 10; ++i)
    t.query(s, "SELECT * FROM orders WHERE state = 'hidden' AND user_id = " +
                   std::to_string(123'456'701 + i * 3));
  const auto text = n_plus_one_json(t.loops(), 10);
  const auto item = nlohmann::json::parse(text)["items"][0];
  EXPECT_EQ(item["template"], "select * from orders where state = $1 and user_id = $2");
  EXPECT_EQ(item["source"]["template"], "select id, name from users where city = $1");
  EXPECT_EQ(item["source"]["column"], "id");
  EXPECT_EQ(item["source"]["table"], "users");
  EXPECT_EQ(item["count"], 10);
  EXPECT_NEAR(item["lost_ms"].get<double>(), 3.6, 1e-9);
  EXPECT_EQ(item["batched_sql"], "select * from orders where state = $1 and user_id = any($2)");
  EXPECT_EQ(item["eager"].size(), 9U);
  const auto queries =
      queries_json(merge({t.watch.queries(t.now_us, wall_time{})}), 100, query_sort::total);
  for (const auto* secret : {"Secretville", "hidden", "1234567"}) {
    EXPECT_THAT(text, Not(HasSubstr(secret)));
    EXPECT_THAT(queries, Not(HasSubstr(secret)));
  }
}

TEST(insight, watches_a_bounded_number_of_sessions) {
  traffic t({.seed = process_seed(), .watched = 2});
  std::vector<session> many(5);
  for (auto& s : many) {
    t.query(s, "SELECT id, name, age FROM users", users(10));
    t.pass(1'100'000);  // idle so long, they make room
  }
  for (int i = 0; i < 10; ++i)
    t.query(many[4], "SELECT * FROM orders WHERE user_id = " + std::to_string(user_id(i)));
  EXPECT_EQ(only(t).executions, 10U);
}

// Each of `clients` with a loop of ten, a key in turn.
void loops_in_turn(traffic& t, std::vector<session>& clients) {
  for (auto& s : clients) t.query(s, "SELECT id, name, age FROM users", users(10));
  for (int i = 0; i < 10; ++i)
    for (auto& s : clients)
      t.query(s, "SELECT * FROM orders WHERE user_id = " + std::to_string(user_id(i)));
}

TEST(insight, hundreds_of_clients_at_once_are_watched) {
  traffic t;
  t.taken_us = 10;
  std::vector<session> many(1000);
  loops_in_turn(t, many);
  for (auto& s : many) t.watch.on_leave(s.client);
  EXPECT_EQ(only(t).loops, 1000U);
}

TEST(insight, with_more_clients_than_places_some_are_watched_to_the_end) {
  traffic t({.seed = process_seed(), .watched = 8});
  t.taken_us = 10;
  std::vector<session> many(100);
  loops_in_turn(t, many);
  for (auto& s : many) t.watch.on_leave(s.client);
  EXPECT_EQ(only(t).loops, 8U);
  loops_in_turn(t, many);  // the places of those who left are free
  for (auto& s : many) t.watch.on_leave(s.client);
  EXPECT_EQ(only(t).loops, 16U);
}

TEST(insight, who_is_watched_makes_room_after_ten_seconds) {
  traffic t({.seed = process_seed(), .watched = 1});
  session poller;
  session looper;
  for (int i = 0; i < 25; ++i) {
    t.query(poller, "SELECT * FROM jobs WHERE state = " + std::to_string(i % 2));
    t.pass(500'000);
  }
  t.query(looper, "SELECT id, name, age FROM users", users(10));
  for (int i = 0; i < 10; ++i)
    t.query(looper, "SELECT * FROM orders WHERE user_id = " + std::to_string(user_id(i)));
  EXPECT_EQ(only(t).executions, 10U);
}

TEST(insight, memory_of_all_who_are_watched_is_bounded) {
  traffic t({.seed = process_seed(), .watched_bytes = 128UL * 1024});
  t.taken_us = 10;
  std::vector<session> many(100);
  loops_in_turn(t, many);
  for (auto& s : many) t.watch.on_leave(s.client);
  EXPECT_GE(only(t).loops, 3U);
  EXPECT_LT(only(t).loops, 100U);
}

TEST(insight, a_loop_stays_however_often_its_statement_runs_elsewhere) {
  traffic t;
  session looper;
  session other;
  t.query(looper, "SELECT id, name, age FROM users", users(10));
  for (int i = 0; i < 10; ++i)
    t.query(looper, "SELECT * FROM orders WHERE user_id = " + std::to_string(user_id(i)));
  EXPECT_EQ(only(t).executions, 10U);
  for (int i = 0; i < 5000; ++i)
    t.query(other, "SELECT * FROM orders WHERE user_id = " + std::to_string(i * 7919 % 5000));
  EXPECT_EQ(only(t).executions, 10U);
}

TEST(insight, off_it_counts_but_does_not_watch) {
  traffic t({.seed = process_seed(), .detect = false});
  session s;
  t.query(s, "SELECT id, name, age FROM users", users(10));
  for (int i = 0; i < 10; ++i)
    t.query(s, "SELECT * FROM orders WHERE user_id = " + std::to_string(user_id(i)));
  EXPECT_TRUE(t.loops().empty());
  EXPECT_EQ(t.watch.queries(t.now_us, wall_time{}).size(), 2U);
}

}  // namespace
}  // namespace fairing::sql
