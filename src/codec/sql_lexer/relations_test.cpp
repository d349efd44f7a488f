// Which tables are found, read or written, and of which the scanner is not sure.
#include "codec/sql_lexer/relations.hpp"

#include <gtest/gtest.h>

#include <string>

#include "codec/sql_lexer/analyzer.hpp"

namespace fairing::codec::sql_lexer {
namespace {

// Names in order; `!` written, `?` not sure.
std::string tables(std::string_view sql) {
  analyzer a;
  a.run(sql, part::relations);
  std::string out;
  for (const auto& r : a.relations().relations()) {
    if (!out.empty()) out += ' ';
    out += r.name.of(sql);
    if (r.written) out += '!';
    if (!r.sure) out += '?';
  }
  return out;
}

TEST(relations, are_found) {
  EXPECT_EQ(tables("SELECT * FROM a"), "a");
  EXPECT_EQ(tables("SELECT * FROM s.a x, \"B\" AS y JOIN c.d.e ON x.i = y.i, ONLY f WHERE g = 1"),
            "s.a \"B\" c.d.e f");
  EXPECT_EQ(
      tables("SELECT * FROM (a JOIN b USING (id)) LEFT JOIN LATERAL (SELECT 1 FROM c) d ON 1"),
      "a b c");
  EXPECT_EQ(tables("SELECT * FROM generate_series(1, 2), a, unnest(x) WITH ORDINALITY k(v, o)"),
            "a");
  EXPECT_EQ(tables("SELECT extract(year FROM ts), a IS DISTINCT FROM b FROM t"), "t");
  EXPECT_EQ(tables("SELECT (SELECT 1 FROM a) FROM b ORDER BY c, d"), "a b");
  EXPECT_EQ(tables("SELECT 1 FROM a UNION SELECT 2 FROM b"), "a b");
  EXPECT_EQ(tables("INSERT INTO t (a, b) SELECT 1 FROM u"), "t! u");
  EXPECT_EQ(tables("INSERT INTO t VALUES (1) ON CONFLICT DO UPDATE SET a = 1 RETURNING b"), "t!");
  EXPECT_EQ(tables("UPDATE ONLY t AS x SET a = 1 FROM u, v WHERE b = 1"), "t! u v");
  EXPECT_EQ(tables("DELETE FROM t USING u JOIN v USING (id), w WHERE a = 1"), "t! u v w");
  EXPECT_EQ(tables("MERGE INTO t USING s ON true WHEN MATCHED THEN UPDATE SET a = 1"), "t! s");
  EXPECT_EQ(tables("TRUNCATE TABLE a, b CASCADE"), "a! b!");
  EXPECT_EQ(tables("LOCK TABLE a IN SHARE MODE"), "a!");
  EXPECT_EQ(tables("COPY s.t (a, b) FROM STDIN"), "s.t!");
  EXPECT_EQ(tables("COPY (SELECT 1 FROM t) TO STDOUT"), "t");
  EXPECT_EQ(tables("TABLE t"), "t");
  EXPECT_EQ(tables("DROP TABLE IF EXISTS t"), "t!");
  EXPECT_EQ(tables("CREATE TEMP TABLE IF NOT EXISTS t (a int, b int)"), "t!");
  EXPECT_EQ(tables("SELECT 1 INTO TEMP t FROM u"), "t! u");
  EXPECT_EQ(tables("SELECT 1 FROM t FOR UPDATE OF t; SELECT 2 FROM u"), "t u");
  EXPECT_EQ(tables("SELECT 'FROM x' /* FROM y */ FROM \"from\""), "\"from\"");
}

TEST(relations, names_of_expressions_are_not_sure) {
  EXPECT_EQ(tables("WITH a AS (SELECT 1 FROM b), c AS (SELECT 2 FROM a) SELECT * FROM a, c, d"),
            "b a? c? d");
  EXPECT_EQ(tables("WITH x AS (DELETE FROM t RETURNING *) INSERT INTO log SELECT * FROM x"),
            "t! log! x?");
}

TEST(relations, are_bounded) {
  std::string many = "SELECT 1 FROM a0";
  for (int i = 1; i < 100; ++i) many += ", a" + std::to_string(i);
  analyzer a;
  a.run(many, part::relations);
  EXPECT_EQ(a.relations().relations().size(), 64U);
  EXPECT_FALSE(a.relations().complete());
  a.run("SELECT " + std::string(100000, '(') + "SELECT 1 FROM a", part::all);
  EXPECT_FALSE(a.relations().complete());
}

}  // namespace
}  // namespace fairing::codec::sql_lexer
