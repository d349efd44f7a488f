#include "app/sql_advice.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace fairing::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

sql::sql_config configured() {
  sql::sql_config c;
  c.upstream.host = "db";
  c.upstream.user = "app";
  c.upstream.password = "secret";
  c.upstream.database = "shop";
  return c;
}

TEST(advice_settings, asks_as_the_upstreams_user) {
  auto c = configured();
  c.users = {{"anna", "", "SCRAM-SHA-256$"}};
  const auto s = advice_settings(c, {{.name = "", .user = "bob", .database = "other"}});
  EXPECT_EQ(s.why_off, "");
  EXPECT_EQ(s.url, "postgres://app:secret@db:5432/shop");
  EXPECT_THAT(s.our_users, ElementsAre("anna", "app", "bob"));
}

TEST(advice_settings, a_relay_has_nobody_to_ask_as) {
  auto c = configured();
  c.upstream.user.clear();
  c.users = {{"anna", "", "SCRAM-SHA-256$"}};
  EXPECT_THAT(advice_settings(c, {}).why_off, HasSubstr("no user and password"));
  c.users.push_back({"bob", "pw", ""});
  EXPECT_EQ(advice_settings(c, {}).url, "postgres://bob:pw@db:5432/shop");
  c.advise.run = false;
  EXPECT_EQ(advice_settings(c, {}).why_off, "sql.advise is off");
  EXPECT_EQ(advice_settings(c, {}).url, "");
}

TEST(advice_settings, the_clients_database_where_none_is_named) {
  auto c = configured();
  c.upstream.database.clear();
  EXPECT_THAT(advice_settings(c, {}).why_off, HasSubstr("names no database"));
  const auto s = advice_settings(c, {{.name = "", .user = "a", .database = "few", .leases = 1},
                                     {.name = "", .user = "a", .database = "many", .leases = 9}});
  EXPECT_THAT(s.url, HasSubstr("/many"));
  EXPECT_EQ(s.database, "many");
}

TEST(fit_of, counts_the_advice_and_the_instances) {
  auto c = configured();
  c.pool.instances = 2;
  EXPECT_FALSE(fit_of(std::nullopt, c, 10));
  const advise::connection_room room{30, 3, 7};
  const auto v = fit_of(room, c, 10);
  ASSERT_TRUE(v);
  EXPECT_EQ(v->level, pool::size_level::too_many);
  EXPECT_EQ(v->most, 9U);
  EXPECT_THAT(v->text, HasSubstr("set sql.pool.size to 9 or less"));
}

TEST(live_advice, rows_of_the_largest_table) {
  advise::live_advice a;
  a.tables = {{"public", "orders", true, 70'000},
              {"public", "users", true, 40},
              {"old", "orders", false, 5},
              {"public", "fresh", true, -1}};
  EXPECT_EQ(a.rows_of({"users", "orders"}), 70'000U);
  EXPECT_EQ(a.rows_of({"old.orders"}), 5U);
  EXPECT_EQ(a.rows_of({"fresh"}), std::nullopt);
  EXPECT_EQ(a.rows_of({"nowhere"}), std::nullopt);
}

TEST(live_advice, key_of_the_table) {
  using key = std::vector<std::string>;
  advise::live_advice a;
  a.tables = {{"public", "orders", true, 70'000, {"tenant", "no"}},
              {"public", "users", true, 40, {"id"}},
              {"public", "events", true, 40, {}}};
  EXPECT_EQ(a.key_of({"orders"}), (key{"tenant", "no"}));
  EXPECT_EQ(a.key_of({"events"}), key{});
  EXPECT_EQ(a.key_of({"orders", "events"}), key{});
  EXPECT_EQ(a.key_of({"orders", "users"}), std::nullopt);
  EXPECT_EQ(a.key_of({"orders", "a_view"}), std::nullopt);
  EXPECT_EQ(a.key_of({}), std::nullopt);
}

TEST(tell_tables, only_what_runs_in_the_database_that_was_looked_at) {
  advise::live_advice a;
  a.database = "shop";
  a.tables = {{"public", "orders", true, 70'000, {"no"}}};
  const auto told = [&](std::vector<std::string> databases) {
    sql::template_row r;
    r.tables = {"orders"};
    r.databases = std::move(databases);
    tell_tables(a, r);
    return r;
  };
  EXPECT_EQ(told({"shop"}).table_rows, 70'000U);
  EXPECT_EQ(told({"shop"}).key, std::vector<std::string>{"no"});
  for (const auto& others : {std::vector<std::string>{"blog"}, {"shop", "blog"}, {}}) {
    EXPECT_EQ(told(others).table_rows, std::nullopt);
    EXPECT_EQ(told(others).key, std::nullopt);
  }
}

TEST(indexes_json, says_why_there_is_nothing) {
  advise::live_advice a;
  a.why = "sql.advise is off";
  a.off = true;
  const auto j = nlohmann::json::parse(indexes_json(a, 5));
  EXPECT_EQ(j["items"].size(), 0U);
  EXPECT_EQ(j["on"], false);
  EXPECT_EQ(j["why"], "sql.advise is off");
  EXPECT_TRUE(j["advised"].is_null());
}

}  // namespace
}  // namespace fairing::app
