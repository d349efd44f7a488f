// What shares a template and what does not; slots; the printed form has the same template.
#include "codec/sql_lexer/template.hpp"

#include <gtest/gtest.h>

#include <string>

#include "codec/sql_lexer/analyzer.hpp"
#include "codec/sql_lexer/statement_corpus.hpp"

namespace fairing::codec::sql_lexer {
namespace {

std::uint64_t hash_of(std::string_view sql) {
  analyzer a({.seed = 7});
  a.run(sql, part::shape);
  return a.shape().hash();
}

std::string printed(std::string_view sql, std::size_t max = 2048) {
  analyzer a;
  a.run(sql, part::shape);
  std::string out;
  a.shape().print(out, max);
  return out;
}

// Slots as `text:number`, with marks.
std::string slots_of(std::string_view sql) {
  analyzer a;
  a.run(sql, part::shape);
  std::string out;
  for (const auto& s : a.shape().slots()) {
    if (!out.empty()) out += ' ';
    out += std::string(sql.substr(s.begin, s.end - s.begin)) + ':' + std::to_string(s.number);
    if (s.kind == slot_kind::parameter) out += 'p' + std::to_string(s.parameter);
    if (s.negative) out += '-';
    if (s.place == slot_place::limit) out += 'L';
    if (s.place == slot_place::offset) out += 'O';
    if (s.in_list) out += 'I';
    if (s.in_values) out += 'V';
  }
  return out;
}

void same(std::string_view a, std::string_view b) {
  EXPECT_EQ(printed(a), printed(b));
  EXPECT_EQ(hash_of(a), hash_of(b)) << a << "\n" << b;
}
void differ(std::string_view a, std::string_view b) {
  EXPECT_NE(hash_of(a), hash_of(b)) << a << "\n" << b;
}

TEST(sql_template, ignores_values_space_comments_and_case) {
  same("SELECT * FROM orders WHERE id = 5", "select *\n\tfrom Orders /* x */ where ID=6 -- y");
  same("SELECT 'a'", "SELECT $$b$$;");
  same("SELECT a FROM t WHERE b = $1", "SELECT a FROM t WHERE b = 'x' ; ;");
  same("SELECT a = -5", "SELECT a = 5");
  same("SELECT a BETWEEN -5 AND - 1", "SELECT a BETWEEN 5 AND 1");
  same("SELECT x LIMIT 1", "SELECT x LIMIT 10");
  same("SELECT 1 WHERE b IN (1)", "SELECT 1 WHERE b in (1, 2, -3, NULL, $4)");
  same("INSERT INTO t VALUES (1, 'a')", "INSERT INTO t VALUES (1,'a'), (2,NULL), (3,$1)");
  same("SELECT ARRAY[1]", "SELECT ARRAY[1,2,3]");
  same("SELECT 1 WHERE (a,b) IN ((1,2))", "SELECT 1 WHERE (a,b) IN ((1,2),(3,4))");
  same("SELECT 1 WHERE a IN ('1'::int)", "SELECT 1 WHERE a IN ('1'::int, '2'::int)");
  same("VALUES (1, now())", "VALUES (1, now()), (2, now())");
  same("SELECT 1 WHERE a IN (SELECT b WHERE c IN (1))",
       "SELECT 1 WHERE a IN (SELECT b WHERE c IN (1,2))");
}

TEST(sql_template, keeps_everything_else) {
  differ("SELECT a, b", "SELECT b, a");
  differ("BEGIN", "BEGIN ISOLATION LEVEL SERIALIZABLE");
  differ("SELECT x LIMIT 1", "SELECT x LIMIT 1 OFFSET 3");
  differ("SELECT x LIMIT 1", "SELECT x OFFSET 1");
  differ("SELECT a = 5", "SELECT a = NULL");
  differ("SELECT a = 5", "SELECT a IN (5)");
  differ("SELECT a = true", "SELECT a = false");
  differ("SELECT \"A\"", "SELECT a");
  differ("SELECT x ORDER BY 1", "SELECT x ORDER BY 2");
  differ("SELECT x ORDER BY 1, 2", "SELECT x ORDER BY 1, 3");
  differ("SELECT x GROUP BY 1", "SELECT x GROUP BY 2");
  differ("SELECT a - 5", "SELECT a , -5");
  differ("SELECT '5'::int", "SELECT '5'");
  differ("VALUES (1)", "VALUES (1, 2)");
  differ("SELECT f(1)", "SELECT f(1, 2)");
  differ("SELECT 1; SELECT 1", "SELECT 1");
  same("SELECT x ORDER BY a LIMIT 5", "SELECT x ORDER BY a LIMIT 6");
}

TEST(sql_template, names_that_frameworks_number_are_one) {
  same(R"(FETCH 100 FROM "_django_curs_123_sync_1")", R"(fetch 30 from "_django_curs_45_sync_9")");
  same("FETCH FORWARD 5 FROM c_7f3a_1", "FETCH FORWARD 9 FROM \"other\"");
  same("FETCH c1", "FETCH C2");
  same("FETCH LAST FROM c1", "FETCH LAST FROM c2");
  same("FETCH ALL FROM next", "FETCH ALL FROM c2");
  same("MOVE ABSOLUTE -3 c1", "MOVE ABSOLUTE 4 c2");
  same("CLOSE \"a\"", "CLOSE b");
  same("DECLARE c1 CURSOR FOR SELECT a", "DECLARE \"c 2\" CURSOR FOR SELECT a");
  same("SAVEPOINT s1", "SAVEPOINT \"s139_x2\"");
  same("RELEASE SAVEPOINT s1", "RELEASE SAVEPOINT s2");
  same("RELEASE s1", "RELEASE s2");
  same("ROLLBACK TO SAVEPOINT s1", "ROLLBACK TO SAVEPOINT s2");
  same("ABORT WORK TO s1", "ABORT WORK TO s2");
  same("DEALLOCATE pdo_stmt_00000001", "DEALLOCATE pdo_stmt_00000002");
  same("BEGIN; SAVEPOINT s1; SELECT 1", "BEGIN; SAVEPOINT s2; SELECT 2");
  EXPECT_EQ(printed(R"(FETCH FORWARD 100 FROM "_django_curs_1")"), "fetch forward $1 from name");
  EXPECT_EQ(printed("ROLLBACK TO SAVEPOINT s1"), "rollback to savepoint name");
  EXPECT_EQ(printed("DECLARE c NO SCROLL CURSOR FOR SELECT c FROM t"),
            "declare name no scroll cursor for select c from t");
}

TEST(sql_template, a_handle_that_reads_like_a_keyword_is_a_name) {
  same("DEALLOCATE array", "DEALLOCATE p");
  const auto text = printed("DEALLOCATE ! ARRAY [1 + 2]");
  EXPECT_EQ(printed(text), text);
  same("CLOSE select", "CLOSE c");
  same("DECLARE values CURSOR FOR SELECT a", "DECLARE c CURSOR FOR SELECT a");
}

TEST(sql_template, other_words_of_those_statements_stay) {
  differ("CLOSE ALL", "CLOSE c");
  differ("DEALLOCATE ALL", "DEALLOCATE p");
  differ("FETCH FIRST FROM c", "FETCH LAST FROM c");
  differ("FETCH c", "MOVE c");
  differ("DECLARE c CURSOR FOR SELECT a", "DECLARE c CURSOR FOR SELECT b");
  differ("ROLLBACK", "ROLLBACK TO a");
  differ("ROLLBACK AND CHAIN", "ROLLBACK AND NO CHAIN");
  differ("EXECUTE a", "EXECUTE b");  // the name alone tells the statement
  differ("SELECT a FROM t FETCH FIRST 5 ROWS ONLY", "SELECT a FROM u FETCH FIRST 5 ROWS ONLY");
  differ("SAVEPOINT a; SELECT b", "SAVEPOINT a; SELECT c");
}

TEST(sql_template, lists_slots) {
  EXPECT_EQ(slots_of("SELECT * FROM t WHERE a = -5 AND b='x' LIMIT 21 OFFSET $1"),
            "-5:1- 'x':2 21:3L $1:4p1O");
  EXPECT_EQ(slots_of("SELECT a FROM t WHERE 1 = a AND b IN (2,3,4) AND c = 5"),
            "1:1 2:2I 3:2I 4:2I 5:3");
  EXPECT_EQ(slots_of("INSERT INTO t VALUES (1,'a'),(2,'b'),(3,NULL) RETURNING 4"),
            "1:1V 'a':2V 2:1V 'b':2V 3:0V 4:3");
  EXPECT_EQ(slots_of("SELECT a -5, -.5, - 6, b+1"), "5:1 -.5:2- - 6:3- 1:4");
  EXPECT_EQ(slots_of("SELECT x ORDER BY 1 FETCH FIRST 5 ROWS ONLY"), "5:1L");
  EXPECT_EQ(slots_of("SELECT X'1f', N'a'"), "X'1f':1 'a':2");
  EXPECT_EQ(slots_of("SELECT null, true"), "");
}

TEST(sql_template, prints) {
  EXPECT_EQ(printed("SELECT * FROM Orders WHERE user_id=$3 AND \"X y\" ='a'"),
            "select * from orders where user_id = $1 and \"X y\" = $2");
  EXPECT_EQ(printed("select count(*), t.a::text[] from s.t where b in (1,2) and c[1] > -1"),
            "select count(*), t.a::text[] from s.t where b in ($1 /*, ...*/) and c[$2] > $3");
  EXPECT_EQ(printed("INSERT INTO t(a) VALUES (1),(2)"), "insert into t(a) values ($1) /*, ...*/");
  EXPECT_EQ(printed("SELECT aaaaaaaaaaaaaaaaaaaaaa", 10), "select ...");
}

TEST(sql_template, printed_form_has_the_same_template) {
  for (const auto sql : statement_corpus) {
    analyzer a;
    a.run(sql, part::shape);
    ASSERT_TRUE(a.shape().complete()) << sql;
    EXPECT_EQ(hash_of(printed(sql)), hash_of(sql)) << sql << "\n" << printed(sql);
    EXPECT_EQ(printed(printed(sql)), printed(sql));
  }
}

TEST(sql_template, list_length_does_not_matter) {
  const auto many = [](int n) {
    std::string sql = "SELECT * FROM t WHERE id IN (";
    for (int i = 0; i < n; ++i) sql += (i == 0 ? "" : ", ") + std::to_string(i);
    return sql + ") AND b = 2";
  };
  EXPECT_EQ(hash_of(many(1)), hash_of(many(20000)));
  analyzer a;
  a.run(many(20000), part::all);
  EXPECT_TRUE(a.shape().complete());
  EXPECT_EQ(a.shape().slot_count(), 20001U);
  EXPECT_EQ(a.shape().slots().size(), 4096U);
  EXPECT_EQ(a.shape().template_slots(), 2U);
}

TEST(sql_template, what_does_not_lex_is_a_class_of_its_own) {
  analyzer a;
  a.run("SELECT 'a", part::shape);
  EXPECT_FALSE(a.shape().complete());
  EXPECT_EQ(a.shape().error(), lex_error::unterminated_string);
  differ("SELECT 'a", "SELECT");
  same("SELECT 'a", "SELECT 'b");
  differ("SELECT 'a", "SELECT \"a");
  analyzer small({.shape = {.normal_bytes = 64, .slots = 4}});
  small.run("SELECT " + std::string(200, 'a'), part::shape);
  EXPECT_FALSE(small.shape().complete());
  small.run("SELECT 1 WHERE a IN (1, (" + std::string(200, 'a') + "), 3)", part::shape);
  EXPECT_FALSE(small.shape().complete());
  small.run("SELECT 1", part::shape);
  EXPECT_TRUE(small.shape().complete());
}

}  // namespace
}  // namespace fairing::codec::sql_lexer
