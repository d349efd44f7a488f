#include "sql/logic/session_functions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/logic/effects.hpp"

namespace fairing::sql {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Optional;

functions_answer answer(std::string version,
                        const std::vector<std::pair<std::string, std::string>>& rows) {
  functions_answer a;
  a.add("v" + version, "");
  for (const auto& [node, setting] : rows) a.add(node, setting);
  return a;
}

class SessionFunctions : public testing::Test {
 protected:
  SessionFunctions() {
    EXPECT_TRUE(f.tell(answer("1", {{"fset_tenant", ""},
                                    {"fset_tenant", "app.tenant"},
                                    {"flock it", ""},
                                    {"waudited", "app.user"},
                                    {"rsneaky", ""}})));
  }
  [[nodiscard]] std::optional<std::vector<std::string>> of(std::string_view text) {
    analyzer.run(text);
    return f.called_by(text, analyzer);
  }
  session_functions f;
  codec::sql_lexer::analyzer analyzer;
};

TEST_F(SessionFunctions, are_found_where_they_are_called) {
  EXPECT_THAT(of("SELECT set_tenant('a')"), Optional(ElementsAre("app.tenant")));
  EXPECT_THAT(of("select 1 from App . /* a */ \"Set_Tenant\" /* b */ ($1)"),
              Optional(ElementsAre("app.tenant")));
  EXPECT_THAT(of("SELECT a, \"lock it\"() FROM b"), Optional(IsEmpty()));
  EXPECT_THAT(of("UPDATE t SET a = set_tenant(a)"), Optional(ElementsAre("app.tenant")));
  EXPECT_EQ(of("SELECT set_tenant FROM t WHERE a = 'set_tenant(1)' -- set_tenant(1)"),
            std::nullopt);
  EXPECT_EQ(of("SELECT lower(a) FROM t"), std::nullopt);
}

TEST_F(SessionFunctions, tables_count_where_they_are_written_and_views_where_they_are_read) {
  EXPECT_THAT(of("INSERT INTO public.Audited (a) VALUES (1)"), Optional(ElementsAre("app.user")));
  EXPECT_THAT(of("WITH w AS (DELETE FROM \"audited\" RETURNING *) SELECT * FROM w"),
              Optional(ElementsAre("app.user")));
  EXPECT_EQ(of("SELECT * FROM audited"), std::nullopt);
  EXPECT_THAT(of("SELECT * FROM a JOIN sneaky USING (b)"), Optional(IsEmpty()));
}

TEST_F(SessionFunctions, the_same_again_is_no_news_and_more_than_fit_are_none) {
  EXPECT_FALSE(f.tell(answer("1", {}))) << "nothing was looked at";
  EXPECT_EQ(f.size(), 4U);
  EXPECT_TRUE(f.tell(answer("2", {{"fset_tenant", "app.tenant"}})));
  EXPECT_EQ(f.size(), 1U);
  EXPECT_FALSE(f.tell(answer("3", {{"fset_tenant", "app.tenant"}})));
  auto many = answer("4", {});
  for (int i = 0; i < 4097; ++i) many.add("f" + std::to_string(i), "");
  EXPECT_TRUE(f.tell(std::move(many)));
  EXPECT_EQ(f.size(), 0U);
  EXPECT_THAT(f.take_fault(), HasSubstr("4096"));
  EXPECT_EQ(f.take_fault(), "");
}

TEST_F(SessionFunctions, are_asked_for_at_first_and_then_by_time) {
  session_functions g;
  const mono_time t{};
  EXPECT_FALSE(g.missing() || g.due(t)) << "not enabled";
  g.enable();
  EXPECT_TRUE(g.missing() && g.due(t));
  g.asking(t);
  EXPECT_TRUE(g.missing());
  EXPECT_FALSE(g.due(t + seconds{59}));
  EXPECT_TRUE(g.asked_within(seconds{2}, t + seconds{1}));
  EXPECT_FALSE(g.asked_within(seconds{2}, t + seconds{2}));
  EXPECT_TRUE(g.due(t + seconds{60}));
  g.failed("no", t);
  EXPECT_FALSE(g.missing());
  EXPECT_EQ(g.take_fault(), "no");
  EXPECT_FALSE(g.due(t + seconds{599}));
  g.asking(t);
  g.expire();
  EXPECT_TRUE(g.due(t));
  g.forget();
  EXPECT_TRUE(g.missing());
}

TEST_F(SessionFunctions, the_question_means_the_same_to_every_session) {
  EXPECT_THAT(f.question(), Not(HasSubstr("\\")));
  EXPECT_THAT(f.question(), HasSubstr("IS DISTINCT FROM '1')"));
}

TEST_F(SessionFunctions, effects_follow_what_is_known) {
  effects_cache cache(7);
  cache.know(&f);
  const std::string text = "SELECT set_tenant('a')";
  const auto& known = cache.of(text);
  EXPECT_TRUE(known.leaves_state && known.unlisted && known.sets);
  EXPECT_THAT(known.sets->names, ElementsAre("app.tenant"));
  EXPECT_FALSE(cache.of("SELECT other('a')").leaves_state);
  EXPECT_TRUE(f.tell(answer("2", {{"fother", ""}})));
  EXPECT_FALSE(cache.of("SELECT other('b')").leaves_state) << "by its outline";
  cache.forget();
  EXPECT_TRUE(cache.of("SELECT other('a')").leaves_state);
  EXPECT_TRUE(cache.of("SELECT other('b')").leaves_state);
  EXPECT_FALSE(cache.of(text).leaves_state);
  EXPECT_EQ(cache.of(text).generation, cache.generation());
}

TEST(session_functions, ddl_that_makes_them_is_known) {
  session_functions f;
  effects_cache cache(7);
  cache.know(&f);
  for (const auto* text :
       {"CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "create trigger t before insert on a execute function f()", "DROP PROCEDURE p",
        "ALTER TABLE t DISABLE TRIGGER ALL", "CREATE VIEW v AS SELECT f()"})
    EXPECT_TRUE(cache.of(text).changes_functions) << text;
  for (const auto* text :
       {"CREATE TABLE t (i int)", "SELECT 'function'", "ALTER TABLE t ADD c int"})
    EXPECT_FALSE(cache.of(text).changes_functions) << text;
}

}  // namespace
}  // namespace fairing::sql
