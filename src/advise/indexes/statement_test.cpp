#include "advise/indexes/statement.hpp"

#include <gtest/gtest.h>

#include "advise/indexes/mysql_text.hpp"
#include "advise/indexes/sample.hpp"
#include "advise/indexes/sql_tree.hpp"

namespace fairing::advise::indexes {
namespace {

statement_facts read(std::string_view text) {
  auto s = read_statement(text, sample());
  EXPECT_TRUE(s.has_value()) << text << ": " << (s ? "" : s.error().message());
  return s ? *s : statement_facts{};
}

// table.column=how, in order
std::string predicates(const statement_facts& s) {
  const auto c = sample();
  std::string out;
  for (const auto& p : s.predicates) {
    const auto* t = c.find_table(s.relations[p.relation].table);
    out += t->name + "." + t->find(p.column)->name + ":" + std::to_string(static_cast<int>(p.how)) +
           " ";
  }
  return out;
}

TEST(statement, resolves_aliases_and_schemas) {
  const auto s = read(
      "SELECT * FROM public.orders AS o WHERE o.status = 'new' AND placed_at > $1 AND $2 = o.id");
  EXPECT_EQ(predicates(s), "orders.status:0 orders.placed_at:2 orders.id:0 ");
  EXPECT_EQ(s.predicates[0].constant, "'new'");
  EXPECT_EQ(s.predicates[2].parameter, 2);
  EXPECT_EQ(s.parameters, 2);
  EXPECT_TRUE(s.reads_only);
}

TEST(statement, every_kind_of_comparison) {
  const auto s = read(
      "SELECT 1 FROM customers c WHERE active AND NOT c.active AND deleted_at IS NULL AND "
      "deleted_at IS NOT NULL AND id IN (1, 2) AND id IN (3) AND id = ANY($1) AND email LIKE 'a%' "
      "AND email LIKE '%a' AND id BETWEEN 1 AND 2 AND active IS TRUE");
  EXPECT_EQ(predicates(s),
            "customers.active:6 customers.active:7 customers.deleted_at:4 customers.deleted_at:5 "
            "customers.id:1 customers.id:0 customers.id:1 customers.email:3 customers.id:2 "
            "customers.active:6 ");
}

TEST(statement, what_is_below_or_does_not_count) {
  EXPECT_EQ(predicates(read("SELECT 1 FROM customers WHERE id = 1 OR email = 'x'")), "");
  EXPECT_EQ(predicates(read("SELECT 1 FROM customers WHERE NOT (id = 1)")), "");
}

TEST(statement, joins_of_every_spelling) {
  for (const auto* text :
       {"SELECT 1 FROM customers c JOIN orders o ON o.customer_id = c.id",
        "SELECT 1 FROM customers c, orders o WHERE c.id = o.customer_id",
        "SELECT 1 FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = "
        "c.id)",
        "SELECT 1 FROM customers c WHERE c.id IN (SELECT customer_id FROM orders)",
        "DELETE FROM customers c USING orders o WHERE o.customer_id = c.id",
        "UPDATE customers c SET email = 'x' FROM orders o WHERE o.customer_id = c.id"})
    EXPECT_EQ(read(text).joins.size(), 1U) << text;
  EXPECT_EQ(read("SELECT 1 FROM customers JOIN orders USING (id)").joins.size(), 1U);
}

TEST(statement, with_hides_a_table_and_is_read_itself) {
  const auto s = read(
      "WITH orders AS (SELECT * FROM customers WHERE email = $1) "
      "SELECT * FROM orders WHERE status = $2");
  EXPECT_EQ(predicates(s), "customers.email:0 ");
}

TEST(statement, order_by_of_columns_names_and_numbers) {
  const auto one = [](const char* text) {
    const auto s = read(text);
    return s.orderings.empty() ? std::vector<sort_key>{} : s.orderings[0].keys;
  };
  const auto keys =
      one("SELECT id, placed_at AS at FROM orders ORDER BY at DESC, 1 NULLS FIRST LIMIT 5");
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0].column, 4);
  EXPECT_TRUE(keys[0].descending);
  EXPECT_EQ(keys[1].column, 1);
  EXPECT_EQ(keys[1].nulls, nulls_order::first);
  EXPECT_TRUE(one("SELECT lower(status) AS id FROM orders ORDER BY id").empty());
  EXPECT_TRUE(one("SELECT status, count(*) FROM orders GROUP BY 1 ORDER BY status").empty());
  EXPECT_TRUE(one("SELECT 1 FROM orders ORDER BY 7").empty());
}

TEST(statement, functions_that_hide_a_column) {
  const auto s = read(
      "SELECT 1 FROM customers WHERE lower(email) = $1 AND date_trunc('day', deleted_at) > $2 AND "
      "deleted_at::date = $3 AND lower(email || 'x') = $4");
  ASSERT_EQ(s.wrappings.size(), 3U);
  EXPECT_EQ(s.wrappings[0].expression, "lower(email)");
  EXPECT_EQ(s.wrappings[1].expression, "date_trunc('day', deleted_at)");
  EXPECT_EQ(s.wrappings[2].expression, "((deleted_at)::date)");
}

TEST(statement, refuses_what_is_not_one_plannable_statement) {
  const auto c = sample();
  for (const auto* text : {"", "SELEKT 1", "SELECT 1; SELECT 2", "DROP TABLE orders", "BEGIN"})
    EXPECT_FALSE(read_statement(text, c).has_value()) << text;
  EXPECT_FALSE(read_statement(std::string(max_statement_bytes + 1, ' '), c).has_value());
  std::string deep = "SELECT 1 FROM orders WHERE ";
  for (int i = 0; i < 3000; ++i) deep += "NOT (";
  static_cast<void>(read_statement(deep + "true" + std::string(3000, ')'), c));  // no crash
}

TEST(sql_tree, splits_a_file) {
  const auto parts = split_sql("-- a\nSELECT ';'; /* b */ DELETE FROM t;; nonsense 1;\nSELECT 2");
  EXPECT_EQ(parts,
            (std::vector<std::string>{"SELECT ';'", "DELETE FROM t", "nonsense 1", "SELECT 2"}));
  EXPECT_TRUE(split_sql(" ;; -- x").empty());
}

TEST(mysql_text, becomes_what_postgresql_reads) {
  const auto pg = [](const char* text) { return translate_mysql(text).postgres; };
  EXPECT_EQ(pg("SELECT `a b` FROM t WHERE x = \"it's\" LIMIT 5, 10"),
            "SELECT \"a b\" FROM t WHERE x = 'it''s' LIMIT 10 OFFSET 5");
  EXPECT_EQ(pg("SELECT 1 WHERE a = ? AND b IN (...) # end\n LIMIT ?"),
            "SELECT 1 WHERE a = $1 AND b IN ($2) \n LIMIT $3");
  EXPECT_EQ(pg("SELECT 'a\\'b' /* c */ && limits"), "SELECT  E'a\\'b'    AND  limits");
  const std::string text = "SELECT 1 FROM t WHERE a = ? AND b IN (...)";
  EXPECT_EQ(with_values(text, translate_mysql(text), {"'x'"}),
            "SELECT 1 FROM t WHERE a = 'x' AND b IN (1)");
  for (const auto* broken : {"'", "`", "\"\\", "/*", "LIMIT ", "?", "(..."})
    static_cast<void>(translate_mysql(broken));  // no crash
}

}  // namespace
}  // namespace fairing::advise::indexes
