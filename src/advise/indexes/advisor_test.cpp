#include "advise/indexes/advisor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "advise/indexes/catalogue_findings.hpp"
#include "advise/indexes/sample.hpp"

namespace fairing::advise::indexes {
namespace {

// A planner that scans everything for 1000, and uses an index whose statement is in `good` for its cost.
class scripted final : public planner {
 public:
  std::map<std::string, double> good;
  bool tries = true;
  std::vector<std::string> made;
  std::size_t explained = 0;

  result<plan> explain(const statement_facts& s) override {
    ++explained;
    if (s.text.find("refused") != std::string::npos)
      return fail(errc_of(), "relation does not exist");
    plan p;
    p.cost = 1000;
    p.nodes = {{"Seq Scan",
                s.text.find("orders") != std::string::npos ? "orders" : "customers",
                {},
                "(f)",
                10,
                1000}};
    for (const auto& sql : made)
      if (const auto at = good.find(sql); at != good.end() && at->second < p.cost) {
        p.cost = at->second;
        p.nodes = {{"Index Scan", "orders", sql, {}, 1, p.cost}};
      }
    return p;
  }
  [[nodiscard]] bool can_try() const override { return tries; }
  result<hypothetical> create(const std::string& sql) override {
    made.push_back(sql);
    return hypothetical{sql, 4096};
  }
  void clear() override { made.clear(); }

 private:
  static std::error_code errc_of() { return std::make_error_code(std::errc::invalid_argument); }
};

catalogue without_foreign_key() {
  auto c = sample();
  c.foreign_keys.clear();
  return c;
}

std::vector<std::string> sql_of(const std::vector<finding>& findings) {
  std::vector<std::string> out;
  for (const auto& f : findings) out.push_back(f.statement);
  return out;
}

std::vector<std::string> candidates(const char* text) {
  const auto c = without_foreign_key();
  std::vector<std::string> out;
  for (const auto& k : candidates_of(*read_statement(text, c), c))
    out.push_back(k.create_sql(c, false));
  return out;
}

TEST(candidate, equality_by_distinct_values_then_range_or_order) {
  EXPECT_THAT(candidates("SELECT 1 FROM orders WHERE status = $1 AND customer_id = $2 AND "
                         "placed_at > $3"),
              testing::IsSupersetOf({"CREATE INDEX ON orders (customer_id, status)",
                                     "CREATE INDEX ON orders (customer_id, status, placed_at)",
                                     "CREATE INDEX ON orders (customer_id)"}));
  EXPECT_THAT(candidates("SELECT 1 FROM orders WHERE customer_id = $1 ORDER BY placed_at DESC"),
              testing::Contains("CREATE INDEX ON orders (customer_id, placed_at)"));
  EXPECT_THAT(candidates("SELECT 1 FROM orders ORDER BY placed_at DESC, status LIMIT 3"),
              testing::ElementsAre("CREATE INDEX ON orders (placed_at DESC, status)"));
}

TEST(candidate, partial_where_a_constant_leaves_few_rows) {
  EXPECT_THAT(candidates("SELECT 1 FROM orders WHERE status = 'new' AND customer_id = $1"),
              testing::Contains("CREATE INDEX ON orders (customer_id) WHERE status = 'new'"));
  EXPECT_THAT(candidates("SELECT 1 FROM customers WHERE NOT active"),
              testing::ElementsAre("CREATE INDEX ON customers (id) WHERE NOT active"));
  EXPECT_THAT(candidates("SELECT 1 FROM orders WHERE status = 'done' AND customer_id = $1"),
              testing::Not(testing::Contains(testing::HasSubstr("WHERE"))));
}

TEST(candidate, none_for_small_tables_types_without_order_and_what_is_there) {
  EXPECT_TRUE(candidates("SELECT 1 FROM tiny WHERE id = 1").empty());
  EXPECT_TRUE(candidates("SELECT 1 FROM orders WHERE note = $1").empty());
  EXPECT_TRUE(candidates("SELECT 1 FROM orders WHERE id = $1").empty());
}

TEST(advisor, tells_the_shortest_of_the_best) {
  const auto c = without_foreign_key();
  scripted db;
  db.good = {{"CREATE INDEX ON orders (customer_id)", 10},
             {"CREATE INDEX ON orders (customer_id, status)", 9.5}};
  const std::vector<workload_statement> w = {
      {"SELECT 1 FROM orders WHERE status = $1 AND customer_id = $2", 7, -1}};
  const auto a = give_advice(c, w, db);
  ASSERT_EQ(a.findings.size(), 1U);
  const auto& f = a.findings[0];
  EXPECT_EQ(f.statement, "CREATE INDEX CONCURRENTLY ON orders (customer_id)");
  EXPECT_EQ(f.kind, finding_kind::where);
  EXPECT_EQ(f.verified, verification::yes);
  EXPECT_NEAR(f.gain, 0.99, 0.001);
  EXPECT_NEAR(f.weight, 7 * 990, 0.1);
  EXPECT_EQ(f.size, 4096U);
  EXPECT_EQ(json_of(f)["verified"], "yes");
  EXPECT_TRUE(db.made.empty());
}

TEST(advisor, an_index_that_begins_another_is_left_out) {
  const auto c = without_foreign_key();
  scripted db;
  db.good = {{"CREATE INDEX ON orders (customer_id)", 100},
             {"CREATE INDEX ON orders (customer_id, status)", 10}};
  const std::vector<workload_statement> w = {
      {"SELECT 1 FROM orders WHERE customer_id = $1", 1, -1},
      {"SELECT 1 FROM orders WHERE status = $1 AND customer_id = $2", 1, -1}};
  EXPECT_EQ(sql_of(give_advice(c, w, db).findings),
            std::vector<std::string>{"CREATE INDEX CONCURRENTLY ON orders (customer_id, status)"});
}

TEST(advisor, what_saves_too_little_is_rejected) {
  const auto c = without_foreign_key();
  scripted db;
  db.good = {{"CREATE INDEX ON orders (customer_id)", 750}};
  const std::vector<workload_statement> w = {
      {"SELECT 1 FROM orders WHERE customer_id = $1", 1, -1}};
  const auto a = give_advice(c, w, db);
  EXPECT_TRUE(a.findings.empty());
  ASSERT_EQ(a.rejected.size(), 1U);
  EXPECT_EQ(a.rejected[0].verified, verification::no);
  // Much, but of a statement that hardly matters beside another one on the table.
  db.good = {{"CREATE INDEX ON orders (customer_id)", 10}};
  const std::vector<workload_statement> rare = {
      {"SELECT 1 FROM orders WHERE customer_id = $1", 1, -1},
      {"SELECT count(*) FROM orders", 1000, -1}};
  EXPECT_TRUE(give_advice(c, rare, db).findings.empty());
}

TEST(advisor, foreign_keys_are_tried_on_the_servers_own_look_up) {
  const auto c = sample();
  scripted db;
  db.good = {{"CREATE INDEX ON orders (customer_id)", 4}};
  const auto a = give_advice(c, {}, db);
  ASSERT_EQ(a.findings.size(), 1U);
  EXPECT_EQ(a.findings[0].kind, finding_kind::foreign_key);
  EXPECT_THAT(a.findings[0].evidence, testing::HasSubstr("orders_customer_id_fkey"));
  db.good.clear();
  EXPECT_TRUE(give_advice(c, {}, db).findings.empty());
}

TEST(advisor, without_what_if_it_is_unverified) {
  const auto c = without_foreign_key();
  scripted db;
  db.tries = false;
  const std::vector<workload_statement> w = {
      {"SELECT 1 FROM orders WHERE customer_id = $1 AND placed_at > $2", 1, -1},
      {"SELECT refused FROM orders", 1, -1},
      {"SELECT status FROM orders WHERE status = $1", 1, -1}};  // five values: no index helps
  const auto a = give_advice(c, w, db);
  ASSERT_EQ(a.findings.size(), 1U);
  EXPECT_EQ(a.findings[0].statement,
            "CREATE INDEX CONCURRENTLY ON orders (customer_id, placed_at)");
  EXPECT_EQ(a.findings[0].verified, verification::unverified);
  EXPECT_LT(a.findings[0].gain, 0);
  EXPECT_EQ(a.planned, 2U);
  EXPECT_EQ(a.notes.size(), 1U);
}

TEST(advisor, says_which_statements_it_could_not_analyse) {
  const auto c = without_foreign_key();
  scripted db;
  std::vector<workload_statement> w = {{"SELECT a FROM missing_refused WHERE b = $1", 1, -1},
                                       {"SELECT a FROM some_view", 1, -1},
                                       {"SELEKT 1", 1, -1},
                                       {"SELECT relname FROM pg_class", 1, -1},
                                       {"SELECT name FROM fairing.queue", 1, -1},
                                       {"WITH x AS (SELECT 1) SELECT * FROM x", 1, -1}};
  const auto a = give_advice(c, w, db);
  EXPECT_EQ(a.not_analysed, 3U);
  ASSERT_EQ(a.notes.size(), 3U);
  EXPECT_EQ(a.notes[0],
            "not analysed: SELECT a FROM missing_refused WHERE b = $1: relation does not exist");
  EXPECT_EQ(a.notes[1],
            "not analysed: SELECT a FROM some_view: some_view is a view, or no table of this "
            "database");
  for (int i = 0; i < 20; ++i) w.push_back({"SELECT a FROM view_" + std::to_string(i), 1, -1});
  const auto many = give_advice(c, w, db);
  EXPECT_EQ(many.not_analysed, 23U);
  ASSERT_EQ(many.notes.size(), 11U);
  EXPECT_EQ(many.notes.back(), "and 13 more statements were not analysed");
}

TEST(advisor, plans_are_bounded) {
  const auto c = without_foreign_key();
  scripted db;
  advice_limits few;
  few.max_plans = 3;
  const std::vector<workload_statement> w(50,
                                          {"SELECT 1 FROM orders WHERE customer_id = $1", 1, -1});
  static_cast<void>(give_advice(c, w, db, few));
  EXPECT_LE(db.explained, 3U);
}

TEST(catalogue_findings, redundant_unused_invalid_and_no_primary_key) {
  auto c = without_foreign_key();
  const auto add = [&](const char* name, std::vector<int> keys) -> index& {
    index i;
    i.name = name;
    i.schema = "public";
    i.table = 2;
    i.key_kind.assign(keys.size(), "1 0 0");
    i.keys = std::move(keys);
    i.scans = 5;
    c.indexes.push_back(std::move(i));
    return c.indexes.back();
  };
  add("a", {2, 3});
  add("b", {2});
  add("c", {2, 3});
  add("d", {3, 2});
  add("other_order", {2}).key_kind = {"1 0 3"};
  add("never", {4}).scans = 0;
  add("broken", {3}).valid = false;
  add("partial", {2}).predicate = "(status = 'new'::text)";
  c.indexes.erase(c.indexes.begin() + 1);  // orders_pkey
  c.usage_days = 40;
  std::vector<finding> out;
  find_redundant(c, out);
  EXPECT_EQ(sql_of(out),
            (std::vector<std::string>{"DROP INDEX CONCURRENTLY b", "DROP INDEX CONCURRENTLY c"}));
  out.clear();
  find_unused(c, 30, {}, out);
  EXPECT_EQ(sql_of(out), std::vector<std::string>{"DROP INDEX CONCURRENTLY never"});
  out.clear();
  find_unused(c, 30, {"never"}, out);
  find_unused(c, 50, {}, out);
  EXPECT_TRUE(out.empty());
  find_invalid(c, out);
  EXPECT_EQ(sql_of(out), std::vector<std::string>{"DROP INDEX CONCURRENTLY broken"});
  out.clear();
  find_missing_primary_keys(c, out);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].statement,
            "CREATE UNIQUE INDEX CONCURRENTLY orders_pkey ON orders (id); ALTER TABLE orders ADD "
            "PRIMARY KEY USING INDEX orders_pkey");
}

TEST(plan, reads_mariadb_and_mysql) {
  const auto p = read_mysql_plan(
      R"({"query_block":{"select_id":1,"filesort":{"sort_key":"o.a","temporary_table":{"table":
      {"table_name":"o","access_type":"ALL","rows":60000,"attached_condition":"o.b = 1"}}}}})");
  ASSERT_TRUE(p.has_value());
  EXPECT_TRUE(p->sorts);
  ASSERT_NE(p->full_scan("o"), nullptr);
  EXPECT_EQ(p->full_scan("o")->rows, 60000);
  const auto m = read_mysql_plan(
      R"({"query_block":{"cost_info":{"query_cost":"12.50"},"nested_loop":[{"table":{"table_name":"t",
      "access_type":"ref","key":"k","rows_examined_per_scan":3}}]}})");
  ASSERT_TRUE(m.has_value());
  EXPECT_EQ(m->cost, 12.5);
  EXPECT_TRUE(m->uses("k"));
  for (const auto* bad : {"", "[]", "{}", "[{\"Plan\":3}]", "{\"query_block\":7}"}) {
    EXPECT_FALSE(read_mysql_plan(bad).has_value());
    EXPECT_FALSE(read_postgres_plan(bad).has_value());
  }
}

}  // namespace
}  // namespace fairing::advise::indexes
