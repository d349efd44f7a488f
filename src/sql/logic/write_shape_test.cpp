#include "sql/logic/write_shape.hpp"

#include <gtest/gtest.h>

#include <string>

namespace fairing::sql {
namespace {

using bus::write_kind;

write_shape shape(std::string_view text) {
  codec::sql_lexer::analyzer a;
  a.run(text);
  return write_shape_of(text, a);
}
std::string told(std::string_view text) {
  const auto s = shape(text);
  constexpr std::string_view words[] = {"none",   "insert", "nothing",  "upsert",
                                        "update", "remove", "truncate", "opaque"};
  return std::string(words[static_cast<std::size_t>(s.kind)]) + (s.relative ? " relative" : "");
}

TEST(write_shape, kinds) {
  EXPECT_EQ(told("SELECT * FROM t"), "none");
  EXPECT_EQ(told("SELECT * FROM t FOR UPDATE"), "none");
  EXPECT_EQ(told("BEGIN"), "none");
  EXPECT_EQ(told("SET LOCAL statement_timeout = 5"), "none");
  EXPECT_EQ(told("EXPLAIN UPDATE t SET a = 1"), "none");
  EXPECT_EQ(told("INSERT INTO t (a) VALUES ($1)"), "insert");
  EXPECT_EQ(told("COPY t FROM STDIN"), "insert relative");
  EXPECT_EQ(told("INSERT INTO t (a) VALUES ($1) ON CONFLICT DO NOTHING"), "nothing");
  EXPECT_EQ(told("INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) WHERE b > 0 DO UPDATE SET c = 1"),
            "upsert");
  EXPECT_EQ(told("DELETE FROM t WHERE id = $1"), "remove");
  EXPECT_EQ(told("TRUNCATE t"), "truncate");
  EXPECT_EQ(told("UPDATE t SET a = $1 WHERE id = $2 /*traceparent='00-..'*/"), "update");
}

TEST(write_shape, what_its_text_does_not_tell_is_opaque) {
  for (const auto* text :
       {"CALL f(1)", "DO $$ BEGIN END $$", "EXECUTE p(1)", "CREATE TABLE t (a int)",
        "WITH o AS (INSERT INTO t VALUES (1) RETURNING id) SELECT * FROM o",
        "WITH o AS (DELETE FROM t RETURNING id) UPDATE u SET a = 1",
        "MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE", "SELECT * INTO u FROM t",
        "EXPLAIN ANALYZE UPDATE t SET a = 1", "SELECT lo_unlink(5)",
        "BEGIN; UPDATE t SET a = 1; COMMIT", "UPDATE t SET a = 'no end"})
    EXPECT_EQ(told(text), "opaque") << text;
  EXPECT_EQ(told("BEGIN; SELECT 1"), "none");
}

TEST(write_shape, a_value_that_is_made_of_itself_is_relative) {
  for (const auto* text :
       {"UPDATE t SET n = n + 1", "UPDATE t SET n = t.n + $1 WHERE id = 4",
        R"(UPDATE "t" SET "n" = ("t"."n" + 1) WHERE "t"."id" = 5)", "UPDATE t SET N = 1 + n",
        "UPDATE t SET a = $1, n = n - 1 FROM u WHERE u.id = t.id",
        "UPDATE t SET changed = a IS DISTINCT FROM $1, n = n + 1",
        "UPDATE t SET tags = array_append(tags, $1)", "UPDATE t SET d = d || $1::jsonb",
        "UPDATE t SET n = greatest(n - 1, 0)", "UPDATE t SET n = coalesce(n, 0) + 1",
        "UPDATE t SET n = coalesce($1, n)", "UPDATE t SET (a, b) = (b, a)",
        "UPDATE t SET n = CASE WHEN n > 5 THEN 0 ELSE 7 END", "UPDATE t SET a[1] = a[1] + 1",
        "INSERT INTO t (id, n) VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET n = t.n + 1",
        "INSERT INTO t VALUES ($1, 1) ON CONFLICT (id) DO UPDATE SET n = t.n + EXCLUDED.n",
        "INSERT INTO t VALUES (gen_random_uuid(), 1) ON CONFLICT (id) DO UPDATE SET n = 1",
        "UPDATE t SET token = gen_random_uuid()", "UPDATE t SET n = nextval('s')"})
    EXPECT_TRUE(shape(text).relative) << text;
}

TEST(write_shape, a_value_that_is_said_is_not) {
  for (const auto* text :
       {"UPDATE t SET n = 5", "UPDATE t SET n = $1 WHERE n = 4", "UPDATE t SET a = b + 1",
        "UPDATE t SET sent_at = coalesce(sent_at, now())", "UPDATE t SET n = greatest(n, $1)",
        "UPDATE t SET n = least($1, t.n)", "UPDATE t SET n = n($1)", "UPDATE t SET a = 'a'",
        "UPDATE t SET updated_at = now() RETURNING updated_at",
        "UPDATE t SET (a, b) = ($1, $2) WHERE a > b", "UPDATE t SET a = n.b FROM n",
        "INSERT INTO t VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET n = EXCLUDED.n, m = "
        "excluded.m"})
    EXPECT_FALSE(shape(text).relative) << text;
}

TEST(write_shape, a_sub_select_that_names_the_column_may_be_anything) {
  EXPECT_EQ(told("UPDATE t SET total = (SELECT sum(total) FROM l WHERE l.id = t.id)"), "opaque");
  EXPECT_EQ(told("UPDATE t SET total = (SELECT sum(price) FROM l WHERE l.id = t.id)"), "update");
}

TEST(write_shape, tables) {
  EXPECT_EQ(shape("INSERT INTO t (a) VALUES (1)").table, shape(R"(DELETE FROM "t")").table);
  EXPECT_NE(shape("INSERT INTO t (a) VALUES (1)").table, shape("DELETE FROM u").table);
  EXPECT_EQ(shape("TRUNCATE t, u").table, 0);
}

}  // namespace
}  // namespace fairing::sql
