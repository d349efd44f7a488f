#include "sql/logic/effects.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairing::sql {
namespace {

// Counts what was analysed and what was known by its outline.
class counting_names final : public text_names {
 public:
  text_ids on_text(const text_view&, const codec::sql_lexer::analyzer& a) override {
    ++analysed;
    return {.request = a.shape().hash()};
  }
  void on_known(const text_view& t, text_ids) override {
    ++known;
    values.clear();
    for (const auto& l : t.literals) values.emplace_back(t.text.substr(l.begin, l.end - l.begin));
  }
  int analysed = 0;
  int known = 0;
  std::vector<std::string> values;
};

class OutlinedEffects : public testing::Test {
 protected:
  OutlinedEffects() { cache.name_by(&names); }
  // Whether `second` was answered by what was found out of `first`.
  bool shares(std::string_view first, std::string_view second) {
    static_cast<void>(cache.of(first));
    const int before = names.known;
    static_cast<void>(cache.of(second));
    return names.known > before;
  }
  counting_names names;
  effects_cache cache{7};
};

TEST_F(OutlinedEffects, PlainStatementsShareThem) {
  EXPECT_TRUE(shares("SELECT a FROM t WHERE id = 1", "SELECT a FROM t WHERE id = 250"));
  EXPECT_EQ(names.values, std::vector<std::string>{"250"});
  EXPECT_TRUE(shares("UPDATE t SET a = a + 1.5, b = 'x' WHERE id = -7",
                     "UPDATE t SET a = a + 10.25, b = 'yy' WHERE id = -8"));
  EXPECT_EQ(names.values, (std::vector<std::string>{"10.25", "'yy'", "8"}));
  EXPECT_TRUE(shares("INSERT INTO t VALUES (1, 'a') RETURNING id",
                     "INSERT INTO t VALUES (2, 'b') RETURNING id"));
  EXPECT_TRUE(shares("DELETE FROM t WHERE id IN (1, 2)", "DELETE FROM t WHERE id IN (3, 4)"));
  EXPECT_TRUE(shares("SELECT a FROM t LIMIT 10 OFFSET 20 FOR UPDATE",
                     "SELECT a FROM t LIMIT 5 OFFSET 0 FOR UPDATE"));
  EXPECT_EQ(names.analysed, 5);
}

TEST_F(OutlinedEffects, WhatTheValueTellsIsLookedAtEachTime) {
  // A position is part of the statement.
  EXPECT_FALSE(shares("SELECT a, b FROM t ORDER BY 1", "SELECT a, b FROM t ORDER BY 2"));
  EXPECT_NE(cache.of("SELECT a, b FROM t ORDER BY 1").ids.request,
            cache.of("SELECT a, b FROM t ORDER BY 2").ids.request);
  // Settings have their names in strings.
  EXPECT_FALSE(shares("SELECT set_config('work_mem', '1MB', true)",
                      "SELECT set_config('timezone', 'UTC', true)"));
  EXPECT_FALSE(cache.of("SELECT set_config('work_mem', '1MB', true)").sets_local);
  EXPECT_TRUE(cache.of("SELECT set_config('timezone', 'UTC', true)").sets_local);
  EXPECT_FALSE(shares("SET a.b = 'x'", "SET a.b = 'y'"));
  EXPECT_FALSE(shares("UPDATE pg_settings SET setting = '1' WHERE name = 'work_mem'",
                      "UPDATE pg_settings SET setting = '2' WHERE name = 'work_mem'"));
  EXPECT_FALSE(shares("SELECT pg_advisory_lock(1)", "SELECT pg_advisory_lock(2)"));
  EXPECT_TRUE(cache.of("SELECT pg_advisory_lock(3)").pin);
  EXPECT_FALSE(
      shares("CREATE TABLE a (b text DEFAULT 'x')", "CREATE TABLE a (b text DEFAULT 'y')"));
  // A parameter beside a literal: the literal tells texts apart.
  EXPECT_FALSE(
      shares("SELECT a FROM t WHERE b = $1 AND c = 1", "SELECT a FROM t WHERE b = $1 AND c = 2"));
  EXPECT_FALSE(shares("SELECT currval('a')", "SELECT currval('b')"));
  EXPECT_TRUE(cache.of("SELECT currval('c')").reads_sequences);
}

TEST_F(OutlinedEffects, ExplainAnalyzeDoesWhatItExplains) {
  EXPECT_EQ(cache.of("EXPLAIN (ANALYZE) CREATE TEMP TABLE x AS SELECT 1").pin,
            pool::pin_reason::temp_table);
  EXPECT_TRUE(cache.of("EXPLAIN ANALYZE CREATE TABLE pg_temp.x AS SELECT 1").leaves_state);
  EXPECT_TRUE(cache.of("EXPLAIN ANALYZE INSERT INTO t VALUES (1)").touches_sequences);
  EXPECT_FALSE(cache.of("EXPLAIN CREATE TEMP TABLE x AS SELECT 1").leaves_state);
  EXPECT_FALSE(cache.of("EXPLAIN ANALYZE SELECT 1").leaves_state);
  EXPECT_TRUE(cache.of("EXPLAIN EXECUTE p").names_statements);
  EXPECT_TRUE(cache.of("CREATE TABLE x AS EXECUTE p").names_statements);
}

TEST_F(OutlinedEffects, WhatSetsOrStaysByOtherMeans) {
  EXPECT_TRUE(cache.of("UPDATE pg_catalog.\"pg_settings\" SET setting = 'a'").leaves_state);
  EXPECT_FALSE(cache.of("UPDATE t SET a = 1 FROM pg_settings").leaves_state);
  EXPECT_TRUE(cache.of("SELECT ext.dblink_connect_u('a')").opens_link);
  EXPECT_TRUE(cache.of("DO $$ BEGIN PERFORM dblink_connect('a'); END $$").opens_link);
  EXPECT_FALSE(cache.of("SELECT dblink('a', 'b')").opens_link);
}

TEST_F(OutlinedEffects, ABackslashMayHideStatements) {
  const auto e = effects_with_escapes(R"(SELECT '\''; SET a.b = 'x'; --')");
  ASSERT_TRUE(e.sets);
  EXPECT_EQ(e.sets->names, std::vector<std::string>{"a.b"});
}

TEST_F(OutlinedEffects, AWholeTextIsRemembered) {
  static_cast<void>(cache.of("SELECT 1 -- one"));
  static_cast<void>(cache.of("SELECT 1 -- one"));
  EXPECT_EQ(names.analysed, 1);
  EXPECT_EQ(names.known, 0);
}

}  // namespace
}  // namespace fairing::sql
