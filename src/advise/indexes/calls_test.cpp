#include "advise/indexes/calls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairing::advise::indexes {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::IsSupersetOf;

TEST(calls_of_statement, names_as_the_catalogue_has_them) {
  const auto c = calls_of_statement(
      "SELECT Pg_Catalog . LENGTH/* */(\"Acts\" (id)), U&\"!0041\" UESCAPE '!' (1) FROM t "
      "WHERE a ~~~ b AND c OPERATOR(public.<#>) 1 AND d = 'pg_sleep(1)' LIMIT lim()");
  EXPECT_THAT(c.functions, ElementsAre("A", "Acts", "length", "lim"));
  EXPECT_THAT(c.operators, ElementsAre("<#>", "=", "~~~"));
}

TEST(calls_of_statement, wherever_they_stand) {
  const auto c = calls_of_statement(
      "WITH w AS (SELECT a(1)) SELECT count(*) FILTER (WHERE b()) OVER (ORDER BY c()) FROM d() "
      "JOIN (VALUES (e())) v ON f() WHERE id IN (SELECT g()) GROUP BY h() HAVING i()");
  EXPECT_THAT(c.functions, ElementsAre("a", "b", "c", "count", "d", "e", "f", "g", "h", "i"));
}

TEST(calls_of_statement, of_no_statement) {
  EXPECT_THAT(calls_of_statement("SELEKT f()").functions, IsEmpty());
  EXPECT_THAT(calls_of_statement("").functions, IsEmpty());
}

TEST(calls_of_plan, names_before_parentheses_and_operators) {
  const auto c = calls_of_plan(
      "Seq Scan on public.t\n  Output: public.\"Acts\"\"2\"(id), (id)::text, 'it''s f(1)'::text\n"
      "  Filter: ((t.wide ~~~ t.word) AND (t.id OPERATOR(public.<#>) 1) AND "
      "now_or_never(t.\"g\"))");
  EXPECT_THAT(c.functions, IsSupersetOf({"Acts\"2", "now_or_never"}));
  EXPECT_FALSE(c.functions.contains("f"));
  EXPECT_FALSE(c.functions.contains("g"));
  EXPECT_THAT(c.operators, IsSupersetOf({"~~~", "<#>"}));
}

TEST(calls_of_plan, of_what_ends_in_the_middle) {
  EXPECT_THAT(calls_of_plan("\"").functions, IsEmpty());
  EXPECT_THAT(calls_of_plan("'a").functions, IsEmpty());
  EXPECT_THAT(calls_of_plan("f").functions, IsEmpty());
  EXPECT_THAT(calls_of_plan("<").operators, ElementsAre("<"));
}

TEST(calls, are_added) {
  auto c = calls_of_plan("f(1)");
  add(c, calls_of_statement("SELECT g() + 1"));
  EXPECT_THAT(c.functions, ElementsAre("f", "g"));
  EXPECT_THAT(c.operators, ElementsAre("+"));
}

}  // namespace
}  // namespace fairing::advise::indexes
