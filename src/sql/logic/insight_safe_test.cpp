// Workloads that are no N+1: nothing is reported of any of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "sql/logic/test_insight.hpp"

namespace fairing::sql {
namespace {

using namespace testing_insight;

std::string num(std::int64_t v) { return std::to_string(v); }

void expect_none(traffic& t) {
  for (const auto& r : t.loops())
    ADD_FAILURE() << r.executions << " of " << r.of_executions << " " << r.text << " from "
                  << r.source << " " << r.column;
}

TEST(insight_safe, look_ups_by_unrelated_keys) {
  traffic t;
  session s;
  std::mt19937 random(1);
  t.query(s, "SELECT id, name, age FROM users", users(50));
  for (int i = 0; i < 2000; ++i)
    t.query(s, "SELECT * FROM products WHERE id = " +
                   num(1'000'000 + static_cast<int>(random() % 100'000)));
  expect_none(t);
}

TEST(insight_safe, prepared_benchmark_with_random_keys_of_a_small_table) {
  traffic t;
  session s;
  std::mt19937 random(2);
  for (int i = 0; i < 20'000; ++i) {
    if (i % 100 == 0) t.query(s, "SELECT id, name, age FROM users ORDER BY id", users(20));
    const int id = user_id(static_cast<int>(random() % 20));
    t.prepared(s, "SELECT * FROM users WHERE id = $1", {text(id)}, users(1, id));
    if (i % 7 == 0)
      t.prepared(s, "SELECT * FROM orders WHERE user_id = $1", {int4(id)}, orders(id));
  }
  expect_none(t);
}

TEST(insight_safe, offset_pages) {
  traffic t;
  session s;
  for (int page = 0; page < 40; ++page) {
    t.query(s, "SELECT id, name, age FROM users ORDER BY id LIMIT 20 OFFSET " + num(page * 20),
            users(20, page * 20 + 1, 1));
    t.prepared(s, "SELECT id FROM users LIMIT $1 OFFSET $2", {text(20), text(page * 20)},
               users(20, page * 20, 1));
  }
  expect_none(t);
}

TEST(insight_safe, keyset_pages_of_every_size) {
  for (const int size : {2, 3, 5, 8, 20}) {
    for (const std::string op : {">", ">="}) {
      traffic t;
      session s;
      int last = 0;
      for (int page = 0; page < 40; ++page) {
        t.query(s,
                "SELECT id, name, age FROM users WHERE id " + op + " " + num(last) +
                    " ORDER BY id LIMIT " + num(size),
                users(size, last + (op == ">" ? 4 : 0), 4));
        last += (size - (op == ">" ? 0 : 1)) * 4;
      }
      expect_none(t);
    }
  }
}

TEST(insight_safe, batched_already) {
  traffic t;
  session s;
  for (int round = 0; round < 20; ++round) {
    t.query(s, "SELECT id, name, age FROM users", users(30, round + 1));
    std::string in;
    std::string array = "{";
    for (int i = 0; i < 30; ++i) {
      in += (i == 0 ? "" : ",") + num(round + 1 + i * 3);
      array += (i == 0 ? "" : ",") + num(round + 1 + i * 3);
    }
    t.query(s, "SELECT * FROM orders WHERE user_id IN (" + in + ")", orders(round, 20));
    t.prepared(s, "SELECT * FROM orders WHERE user_id = ANY($1)", {text(array + "}")},
               orders(round, 20));
    for (int chunk = 0; chunk < 10; ++chunk)
      t.prepared(
          s, "SELECT * FROM items WHERE order_id IN ($1, $2, $3)",
          {text(round + 1 + chunk * 9), text(round + 4 + chunk * 9), text(round + 7 + chunk * 9)},
          orders(1, 3));
  }
  expect_none(t);
}

TEST(insight_safe, inserts_and_updates_of_a_batch) {
  traffic t;
  session s;
  t.query(s, "SELECT id, name, age FROM users", users(50));
  t.query(s, "BEGIN");
  for (int i = 0; i < 50; ++i) {
    t.prepared(s, "INSERT INTO audit (user_id, at) VALUES ($1, now())", {text(user_id(i))});
    t.prepared(s, "UPDATE users SET seen = now() WHERE id = $1", {text(user_id(i))});
    t.prepared(s, "SELECT * FROM users WHERE id = $1 FOR UPDATE", {text(user_id(i))},
               users(1, user_id(i)));
  }
  t.query(s, "COMMIT");
  expect_none(t);
}

TEST(insight_safe, job_pollers) {
  traffic t;
  session s;
  for (int i = 0; i < 500; ++i) {
    t.query(s, "SELECT id, payload FROM jobs WHERE state = 'queued' ORDER BY id LIMIT 1",
            i % 3 == 0 ? users(1, i) : nothing());
    t.query(
        s, "SELECT id FROM jobs WHERE state = 'queued' ORDER BY id LIMIT 10 FOR UPDATE SKIP LOCKED",
        users(10, i * 10 + 1, 1));
    for (int j = 0; j < 10; ++j)
      t.prepared(s, "UPDATE jobs SET state = 'done' WHERE id = $1", {text(i * 10 + 1 + j)});
    t.pass(2'000'000);
  }
  expect_none(t);
}

TEST(insight_safe, counters_that_no_result_gave) {
  traffic t;
  session s;
  for (int i = 1; i <= 300; ++i)
    t.query(s, "SELECT * FROM products WHERE id = " + num(i), users(1, i));
  t.query(s, "SELECT id, name, age FROM users ORDER BY id LIMIT 20", users(20, 1, 1));
  for (int i = 1; i <= 300; ++i)
    t.query(s, "SELECT * FROM orders WHERE id = " + num(i), orders(i, 1));
  t.query(s, "SELECT id, name, age FROM users ORDER BY id LIMIT 20", users(20, 101, 1));
  for (int i = 91; i <= 110; ++i)
    t.query(s, "SELECT * FROM parcels WHERE id = " + num(i), orders(i, 1));
  expect_none(t);
}

TEST(insight_safe, one_statement_for_unrelated_requests) {
  traffic t;
  std::vector<session> pool(3);
  std::mt19937 random(3);
  for (int request = 0; request < 3000; ++request) {
    auto& s = pool[random() % 3];
    const int id = user_id(static_cast<int>(random() % 40));
    if (request % 10 == 0) t.query(s, "SELECT id, name, age FROM users LIMIT 40", users(40));
    t.prepared(s, "SELECT * FROM users WHERE id = $1", {text(id)}, users(1, id));
    t.prepared(s, "SELECT * FROM orders WHERE user_id = $1 LIMIT 5", {text(id)}, orders(id, 5));
    t.pass(20'000);
  }
  expect_none(t);
}

TEST(insight_safe, traced_requests_that_ask_once_each) {
  traffic t;
  session s;
  for (int i = 0; i < 200; ++i) {
    const auto trace = fmt::format(" /*traceparent='00-{:032x}-b7ad6b7169203331-01'*/", i + 1);
    if (i == 0) t.query(s, "SELECT id, name, age FROM users" + trace, users(200));
    // In the column's order, but each of a request of its own.
    t.query(s, "SELECT * FROM orders WHERE user_id = " + num(user_id(i)) + trace,
            orders(user_id(i)));
  }
  expect_none(t);
}

TEST(insight_safe, a_page_and_its_first_row) {
  traffic t;
  session s;
  for (int page = 0; page < 100; ++page) {
    const int first = 1 + page * 70;
    t.query(s, "SELECT id, name, age FROM users ORDER BY id LIMIT 20", users(20, first));
    t.query(s, "SELECT * FROM orders WHERE user_id = " + num(first), orders(first));
  }
  expect_none(t);
}

TEST(insight_safe, slow_steps_of_a_human) {
  traffic t;
  session s;
  t.query(s, "SELECT id, name, age FROM users", users(20));
  for (int i = 0; i < 20; ++i) {
    t.pass(3'000'000);
    t.query(s, "SELECT * FROM orders WHERE user_id = " + num(user_id(i)), orders(user_id(i)));
  }
  expect_none(t);
}

TEST(insight_safe, two_values_that_change_at_once) {
  traffic t;
  session s;
  t.query(s, "SELECT id, name, age FROM users", users(20));
  for (int i = 0; i < 20; ++i)
    t.prepared(s, "SELECT * FROM prices WHERE product = $1 AND day = $2",
               {text(user_id(i)), text("2026-01-" + num(10 + i))});
  expect_none(t);
}

TEST(insight_safe, catalogue_of_a_driver) {
  traffic t;
  session s;
  t.query(s, "SELECT oid, typname FROM pg_type ORDER BY oid LIMIT 20", users(20));
  for (int i = 0; i < 20; ++i)
    t.query(s, "SELECT * FROM pg_catalog.pg_attribute WHERE attrelid = " + num(user_id(i)));
  expect_none(t);
}

}  // namespace
}  // namespace fairing::sql
