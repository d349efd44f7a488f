// What each statement is, its names and ranges, and the flags; and what must not mislead.
#include "codec/sql_lexer/statement.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "codec/sql_lexer/analyzer.hpp"
#include "codec/sql_lexer/name.hpp"

namespace fairing::codec::sql_lexer {
namespace {

using k = statement_kind;
using f = statement_flag;

struct facts {
  k kind = k::other;
  std::string name;
  std::string value;
  statement st;
};

std::vector<facts> all_of(std::string_view sql) {
  analyzer a;
  a.run(sql, part::statements);
  EXPECT_TRUE(a.statements_complete()) << sql;
  std::vector<facts> out;
  for (const auto& st : a.statements())
    out.push_back({st.kind, name_of(sql, st), std::string(st.value.of(sql)), st});
  return out;
}

facts one(std::string_view sql) {
  const auto all = all_of(sql);
  EXPECT_EQ(all.size(), 1U) << sql;
  return all.empty() ? facts{} : all.front();
}

TEST(statement, kinds) {
  const std::pair<std::string_view, k> table[] = {
      {"BEGIN", k::begin},
      {"begin work", k::begin},
      {"START TRANSACTION", k::begin},
      {"COMMIT", k::commit},
      {"END;", k::commit},
      {"COMMIT AND CHAIN", k::commit},
      {"ROLLBACK", k::rollback},
      {"ABORT", k::rollback},
      {"PREPARE TRANSACTION 'x'", k::prepare_transaction},
      {"COMMIT PREPARED 'x'", k::commit_prepared},
      {"ROLLBACK PREPARED 'x'", k::rollback_prepared},
      {"SET CONSTRAINTS ALL DEFERRED", k::set_constraints},
      {"SET TRANSACTION READ ONLY", k::set_transaction},
      {"SET LOCAL TRANSACTION READ ONLY", k::set_transaction},
      {"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", k::set_characteristics},
      {"RESET ALL", k::reset_all},
      {"SHOW ALL", k::show},
      {"DISCARD ALL", k::discard_all},
      {"DISCARD TEMPORARY", k::discard_temp},
      {"DISCARD PLANS", k::discard_plans},
      {"DISCARD SEQUENCES", k::discard_sequences},
      {"DEALLOCATE ALL", k::deallocate_all},
      {"DEALLOCATE PREPARE ALL", k::deallocate_all},
      {"CLOSE ALL", k::close_all},
      {"UNLISTEN *", k::unlisten_all},
      {"COPY t FROM STDIN", k::copy_in},
      {"COPY t (a, b) FROM stdout WITH (FORMAT csv)", k::copy_in},
      {"COPY t TO STDOUT", k::copy_out},
      {"COPY (SELECT a FROM b) TO STDOUT", k::copy_out},
      {"COPY t FROM '/x'", k::copy_server},
      {"COPY t TO PROGRAM 'x'", k::copy_server},
      {"CREATE TEMP TABLE x (a int)", k::create_temp},
      {"CREATE TEMPORARY VIEW x AS SELECT 1", k::create_temp},
      {"CREATE OR REPLACE TEMP VIEW x AS SELECT 1", k::create_temp},
      {"CREATE LOCAL TEMP SEQUENCE x", k::create_temp},
      {"CREATE GLOBAL TEMPORARY TABLE x ()", k::create_temp},
      {"CREATE TABLE pg_temp.x (a int)", k::create_temp},
      {"CREATE TABLE IF NOT EXISTS \"pg_temp\".x (a int)", k::create_temp},
      {"CREATE TABLE temp (a int)", k::ddl},
      {"CREATE UNLOGGED TABLE x ()", k::ddl},
      {"LOAD 'x'", k::load},
      {"LOCK t", k::lock},
      {"SELECT 1", k::select},
      {"(SELECT 1)", k::select},
      {"WITH a AS (SELECT 1) SELECT * FROM a", k::select},
      {"VALUES (1)", k::values},
      {"TABLE t", k::table},
      {"INSERT INTO t VALUES (1)", k::insert},
      {"UPDATE t SET a = 1", k::update},
      {"DELETE FROM t", k::delete_rows},
      {"MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", k::merge},
      {"WITH a AS (SELECT 1) UPDATE t SET b = 1", k::update},
      {"WITH insert AS (SELECT 1), b AS (SELECT 2) DELETE FROM t", k::delete_rows},
      {"TRUNCATE t", k::truncate},
      {"CALL p()", k::call},
      {"DO $$ $$", k::do_block},
      {"EXPLAIN SELECT 1", k::explain},
      {"VACUUM", k::maintenance},
      {"ANALYZE t", k::maintenance},
      {"ALTER TABLE t ADD a int", k::ddl},
      {"GRANT SELECT ON t TO u", k::ddl},
      {"FROB x", k::other},
      {"\"set\" x = 1", k::other},
      {"'SET x = 1'", k::other},
      {"x.set", k::other}};
  for (const auto& [sql, kind] : table) EXPECT_EQ(one(sql).kind, kind) << sql;
}

// EXECUTE inside another statement, and what only looks like it.
TEST(statement, executes) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"EXPLAIN EXECUTE P(1)", "p"},
      {"EXPLAIN ANALYZE VERBOSE EXECUTE \"P q\"", "P q"},
      {"EXPLAIN (ANALYZE, COSTS OFF) EXECUTE p(1)", "p"},
      {"CREATE TEMP TABLE z ON COMMIT DROP AS EXECUTE p(1)", "p"},
      {"CREATE TABLE IF NOT EXISTS s.z (a, b) WITH (fillfactor = 70) AS EXECUTE p WITH NO DATA",
       "p"},
      {"EXPLAIN ANALYZE CREATE TABLE z AS EXECUTE p", "p"}};
  for (const auto& [sql, name] : table) {
    EXPECT_TRUE(one(sql).st.flags.has(f::executes)) << sql;
    EXPECT_EQ(one(sql).name, name) << sql;
  }
  for (const auto* sql :
       {"EXPLAIN SELECT 1 AS execute FROM t", "CREATE VIEW v AS SELECT 1 AS execute, 2 AS b",
        "CREATE TABLE z AS SELECT 1 AS execute, 2", "EXPLAIN SELECT execute FROM t",
        "CREATE TABLE z AS (SELECT 1) UNION SELECT 2 AS execute, 3", "EXECUTE p",
        "CREATE TRIGGER r AFTER INSERT ON t EXECUTE FUNCTION g()",
        "EXPLAIN CREATE TABLE z AS SELECT 1 AS execute, 2"})
    EXPECT_FALSE(one(sql).st.flags.has(f::executes)) << sql;
}

TEST(statement, names) {
  const std::tuple<std::string_view, k, std::string_view> table[] = {
      {"SAVEPOINT A", k::savepoint, "a"},
      {"RELEASE x", k::release, "x"},
      {"RELEASE SAVEPOINT \"X\"", k::release, "X"},
      {"ROLLBACK TO x", k::rollback_to, "x"},
      {"ROLLBACK WORK TO SAVEPOINT x", k::rollback_to, "x"},
      {"PREPARE P1 (int) AS SELECT 1", k::prepare, "p1"},
      {"EXECUTE \"P\"(1)", k::execute, "P"},
      {"DEALLOCATE pdo_stmt_00000001", k::deallocate, "pdo_stmt_00000001"},
      {"DEALLOCATE PREPARE x", k::deallocate, "x"},
      {"DEALLOCATE prepare", k::deallocate, "prepare"},
      {"DECLARE \"C 1\" CURSOR FOR SELECT 1", k::declare_cursor, "C 1"},
      {"FETCH FORWARD 5 FROM c", k::fetch, "c"},
      {"FETCH c", k::fetch, "c"},
      {"MOVE ALL IN c", k::move, "c"},
      {"CLOSE c", k::close, "c"},
      {"LISTEN Chan", k::listen, "chan"},
      {"UNLISTEN chan", k::unlisten, "chan"},
      {"NOTIFY chan, 'x'", k::notify, "chan"},
      {"RESET Search_Path", k::reset, "search_path"},
      {"RESET my.Var", k::reset, "my.var"},
      {"RESET TIME ZONE", k::reset, "timezone"},
      {"RESET SESSION AUTHORIZATION", k::reset, "session_authorization"},
      {"SHOW TRANSACTION ISOLATION LEVEL", k::show, "transaction_isolation"},
      {"SHOW \"DateStyle\"", k::show, "datestyle"},
      {"RESET role", k::reset, "role"}};
  for (const auto& [sql, kind, name] : table) {
    EXPECT_EQ(one(sql).kind, kind) << sql;
    EXPECT_EQ(one(sql).name, name) << sql;
  }
}

TEST(statement, settings) {
  struct row {
    std::string_view sql, name, value;
    bool local = false, is_default = false;
  };
  const row table[] = {
      {"SET a = 1", "a", "1"},
      {"SET SESSION Search_Path TO 'x', y", "search_path", "'x', y"},
      {"SET LOCAL my.app.id = 'x';", "my.app.id", "'x'", true},
      {"SET \"TimeZone\" TO DEFAULT", "timezone", "DEFAULT", false, true},
      {"SET TIME ZONE 'UTC'", "timezone", "'UTC'"},
      {"SET LOCAL TIME ZONE LOCAL", "timezone", "LOCAL", true, true},
      {"SET TIME ZONE INTERVAL '1' HOUR TO MINUTE", "timezone", "INTERVAL '1' HOUR TO MINUTE"},
      {"SET NAMES 'utf8'", "client_encoding", "'utf8'"},
      {"SET NAMES", "client_encoding", "", false, true},
      {"SET ROLE bob", "role", "bob"},
      {"SET ROLE NONE", "role", "NONE", false, true},
      {"SET role = bob", "role", "bob"},
      {"SET SESSION AUTHORIZATION bob", "session_authorization", "bob"},
      {"SET SESSION SESSION AUTHORIZATION DEFAULT", "session_authorization", "DEFAULT", false,
       true},
      {"SET SCHEMA 'x'", "search_path", "'x'"},
      {"SET XML OPTION DOCUMENT", "xmloption", "DOCUMENT"},
      {"SET /* c */ x /* d */ = /* e */ -5 /* f */", "x", "-5"}};
  for (const auto& r : table) {
    const auto got = one(r.sql);
    EXPECT_EQ(got.kind, k::set) << r.sql;
    EXPECT_EQ(got.name, r.name) << r.sql;
    EXPECT_EQ(got.value, r.value) << r.sql;
    EXPECT_EQ(got.st.local, r.local) << r.sql;
    EXPECT_EQ(got.st.value_is_default, r.is_default) << r.sql;
  }
}

TEST(statement, transaction_modes) {
  const auto m = one("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY, NOT DEFERRABLE").st.modes;
  EXPECT_EQ(m.isolation, isolation_level::repeatable_read);
  EXPECT_TRUE(m.read_only && !m.read_write && m.not_deferrable && !m.deferrable);
  const auto n =
      one("START TRANSACTION READ WRITE ISOLATION LEVEL READ COMMITTED DEFERRABLE").st.modes;
  EXPECT_EQ(n.isolation, isolation_level::read_committed);
  EXPECT_TRUE(n.read_write && !n.read_only && n.deferrable);
  EXPECT_EQ(one("BEGIN").st.modes.isolation, isolation_level::unset);
  EXPECT_TRUE(one("ROLLBACK AND CHAIN").st.flags.has(f::chain));
  EXPECT_FALSE(one("COMMIT AND NO CHAIN").st.flags.has(f::chain));
}

TEST(statement, flags) {
  const std::tuple<std::string_view, std::vector<f>> table[] = {
      {"SELECT pg_advisory_lock(1)", {f::session_lock}},
      {"SELECT pg_catalog.PG_TRY_ADVISORY_LOCK_shared (1, 2)", {f::session_lock}},
      {"SELECT \"pg_advisory_lock\"(1)", {f::session_lock}},
      {"SELECT U&\"pg\\005fadvisory_lock\"(1)", {f::session_lock}},
      {"SELECT \"PG_ADVISORY_LOCK\"(1), pg_advisory_xact_lock(1)", {}},
      {"SELECT pg_advisory_unlock(1)", {f::session_unlock}},
      {"SELECT pg_advisory_unlock_all()", {f::session_unlock_all}},
      {"SELECT set_config('a', 'b', true)", {f::local_set_config}},
      {"SELECT set_config('a', f(1, 2), 'on')", {f::local_set_config}},
      {"SELECT set_config('a', 'b', false)", {f::session_set_config}},
      {"SELECT set_config('a', 'b', $1)", {f::session_set_config}},
      {"SELECT set_config('a', 'b', not true)", {f::session_set_config}},
      {"SELECT set_config('a', set_config('b', 'c', false), true)", {f::session_set_config}},
      {"SELECT * FROM pg_temp.x", {f::temp_reference}},
      {"SELECT nextval('s'), lastval(), setval('s', 1)",
       {f::nextval, f::session_sequence, f::setval}},
      {"SELECT pg_notify('a', 'b')", {f::pg_notify}},
      {"SELECT lo_create(0), loread(1, 2)", {f::large_object}},
      {"SELECT * FROM dblink_exec('x')", {f::dblink}},
      {"SELECT txid_current()", {f::transaction_id}},
      {"SELECT pg_backend_pid()", {f::session_identity}},
      {"SELECT * FROM t FOR UPDATE", {f::row_lock}},
      {"SELECT * FROM t FOR NO KEY UPDATE OF t", {f::row_lock}},
      {"SELECT * FROM t FOR KEY SHARE", {f::row_lock}},
      {"SELECT a INTO b FROM c", {f::into}},
      {"SELECT a INTO TEMP b FROM c", {f::into, f::into_temp}},
      {"INSERT INTO t VALUES (1) RETURNING id", {f::returning}},
      {"INSERT INTO t (update, delete) VALUES (1, 2) ON CONFLICT (a) DO UPDATE SET a = 1", {}},
      {"WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
       {f::with, f::modifying_cte, f::returning}},
      {"WITH x AS (SELECT 1) SELECT * FROM x", {f::with}},
      {"SELECT * FROM (WITH y AS (UPDATE t SET a = 1) SELECT 1) z", {f::with, f::modifying_cte}},
      {"DECLARE c CURSOR WITH HOLD FOR SELECT 1", {f::with_hold}},
      {"DECLARE c CURSOR WITHOUT HOLD FOR SELECT 1", {}},
      {"EXPLAIN ANALYZE SELECT 1", {f::explain_analyze}},
      {"EXPLAIN (COSTS OFF, ANALYZE) SELECT 1", {f::explain_analyze}},
      {"EXPLAIN SELECT analyze FROM t", {}},
      {"SELECT 'pg_advisory_lock(1)', $$ FOR UPDATE $$ /* nextval('x') */ -- INTO x", {}},
      {"SELECT \"for update\", \"into\", a.into, nextval, 1 AS into FROM \"pg_advisory_lock\"",
       {}}};
  for (const auto& [sql, flags] : table) {
    flag_set expected;
    for (const auto flag : flags) expected.add(flag);
    EXPECT_EQ(one(sql).st.flags.bits, expected.bits) << sql;
  }
}

TEST(statement, splits_a_text) {
  const auto all = all_of("/* a */ BEGIN;; SET x = 1 /* b */; SELECT 'a;b', (1) ; COMMIT -- c");
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].kind, k::begin);
  EXPECT_EQ(all[1].value, "1");
  EXPECT_EQ(all[2].kind, k::select);
  EXPECT_EQ(all[3].kind, k::commit);
  EXPECT_TRUE(all_of(" ; -- x\n ;").empty());
  EXPECT_EQ(all_of("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true "
                   "THEN 1 END; END; SET x = 1")
                .size(),
            2U);
  EXPECT_EQ(all_of("CREATE FUNCTION begin() RETURNS int AS ''; SET x = 1").size(), 2U);
  EXPECT_EQ(all_of("CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SET x = 1").size(),
            2U);
}

TEST(statement, inner_statements) {
  const auto inner = [](std::string_view sql) { return std::string(one(sql).st.inner.of(sql)); };
  EXPECT_EQ(inner("PREPARE p (numeric(3,1)) AS SELECT $1;"), "SELECT $1");
  EXPECT_EQ(inner("DECLARE c CURSOR FOR SELECT 1 FOR UPDATE"), "SELECT 1 FOR UPDATE");
  EXPECT_EQ(inner("EXPLAIN (ANALYZE) WITH a AS (SELECT 1) SELECT 2"),
            "WITH a AS (SELECT 1) SELECT 2");
  EXPECT_EQ(inner("COPY (SELECT (1)) TO STDOUT"), "SELECT (1)");
}

TEST(statement, says_when_it_does_not_know) {
  analyzer a;
  for (const auto* sql : {"SELECT 'a", "SELECT 1; SET x = \"", "SELECT (1; SET x = 1"}) {
    a.run(sql, part::statements);
    EXPECT_FALSE(a.statements_complete()) << sql;
  }
  std::string many;
  for (int i = 0; i < 65; ++i) many += "SET x = 1;";
  a.run(many, part::statements);
  EXPECT_FALSE(a.statements_complete());
  EXPECT_EQ(a.statements().size(), 64U);
  a.run("SELECT 1", part::statements);
  EXPECT_TRUE(a.statements_complete());
}

TEST(name, canonical) {
  EXPECT_EQ(canonical_name("FooBar"), "foobar");
  EXPECT_EQ(canonical_name("\"Foo\"\"Bar\""), "Foo\"Bar");
  EXPECT_EQ(canonical_name("A . \"B\" /* x */ .c"), "a.B.c");
  EXPECT_EQ(canonical_name("U&\"d\\0061t\\+000061\""), "data");
  EXPECT_EQ(canonical_name(std::string(70, 'A')), std::string(63, 'a'));
  EXPECT_EQ(canonical_name(std::string(62, 'a') + "\xc3\xa9"), std::string(62, 'a'));
  EXPECT_EQ(canonical_setting("\"TimeZone\""), "timezone");
  EXPECT_EQ(canonical_name(""), "");
}

}  // namespace
}  // namespace fairing::codec::sql_lexer
