#include "sql/logic/custom_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sql/logic/effects.hpp"
#include "sql/logic/settings.hpp"

namespace fairing::sql {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(custom_settings, names_are_found_where_statements_have_them) {
  EXPECT_THAT(set_names_of("SET app.tenant = 'a'").names, ElementsAre("app.tenant"));
  EXPECT_THAT(
      set_names_of("set /* of */ session App . \"Tenant\" to 'a'; SET x.y TO DEFAULT").names,
      ElementsAre("app.tenant", "x.y"));
  EXPECT_THAT(set_names_of("SELECT set_config('app.Tenant', $1, false)").names,
              ElementsAre("app.tenant"));
  EXPECT_THAT(set_names_of("SELECT pg_catalog.\"set_config\"(E'a.b'::text, 'x', false)").names,
              ElementsAre("a.b"));
  EXPECT_THAT(set_names_of("DO $x$ BEGIN PERFORM set_config('a.b', 'c', false); END $x$").names,
              ElementsAre("a.b"));
  EXPECT_THAT(set_names_of("SET \"app.tenant\" = 'a'; SET SESSION \"b.c\" = 1").names,
              ElementsAre("app.tenant", "b.c"));
  EXPECT_THAT(set_names_of("SET session.user_id = '5'; SET U&\"u1\".x = 1").names,
              ElementsAre("session.user_id", "u1.x"));
  EXPECT_THAT(set_names_of("DO $x$ BEGIN EXECUTE $$SET c.d = 1$$; END $x$").names,
              ElementsAre("c.d"));
}

TEST(custom_settings, what_pg_settings_lists_and_what_is_none_is_left_out) {
  for (const auto* text :
       {"SET search_path = a", "SET LOCAL app.tenant = 'a'", "SELECT 'SET a.b = 1'",
        "-- SET a.b = 1", "SELECT set_config('search_path', $1, false)",
        "SELECT my_set_config('a.b')", "SET", "SET a.", "set_config", "SELECT set_config(",
        "SELECT set_config('a b.c', '', false)"}) {
    const auto found = set_names_of(text);
    EXPECT_THAT(found.names, IsEmpty()) << text;
    EXPECT_THAT(found.parameters, IsEmpty()) << text;
  }
}

TEST(custom_settings, says_when_the_name_is_not_in_the_text) {
  EXPECT_THAT(set_names_of("SELECT set_config($2, $1, false)").parameters, ElementsAre(2));
  EXPECT_THAT(set_names_of("SELECT set_config($1::text, $2, false)").parameters, ElementsAre(1));
  for (const auto* text :
       {"SELECT set_config('app.' || $1, $2, false)", "SELECT set_config(n, v, false) FROM t",
        "SELECT set_config($1 || 'a', 'b', false)", "SELECT set_config(E'a\\056b', 'c', false)",
        "SELECT set_config(setting_name => 'a.b', new_value => '', is_local => false)"})
    EXPECT_TRUE(set_names_of(text).unknown) << text;
  // Names that PostgreSQL may take and Fairing does not follow.
  for (const auto* text :
       {"SET app.\xc3\xa9t\xc3\xa9 = '1'", "SELECT set_config('a b.c', '', false)"})
    EXPECT_TRUE(set_names_of(text).unknown) << text;
  EXPECT_TRUE(
      set_names_of("SELECT set_config('a." + std::string(250, 'b') + "', '1', false)").unknown);
  EXPECT_FALSE(set_names_of("SELECT set_config('a.b', $2, false)").unknown);
  EXPECT_FALSE(
      set_names_of("SELECT set_config(name, '', false) FROM pg_settings WHERE name = 'x'").unknown);
}

TEST(custom_settings, names_are_those_that_postgresql_takes) {
  EXPECT_EQ(custom_name("App.Tenant_Id$1.x"), "app.tenant_id$1.x");
  for (const auto* text :
       {"", "app", "app.", ".app", "a..b", "a.1b", "1a.b", "a.b c", "a-b.c", "public.t'"})
    EXPECT_EQ(custom_name(text), "") << text;
  EXPECT_EQ(custom_name("a." + std::string(198, 'b')), "a." + std::string(198, 'b'));
  EXPECT_EQ(custom_name("a." + std::string(199, 'b')), "");
}

TEST(custom_settings, the_server_is_asked_for_each_and_there_are_so_many_at_most) {
  custom_settings all;
  EXPECT_EQ(all.state_query(), state_query());
  all.add("b.c");
  all.add("a.b");
  all.add("b.c");
  EXPECT_THAT(std::string(all.state_query()), HasSubstr("ARRAY['a.b','b.c']"));
  for (int i = 2; i < 256; ++i) all.add("x.n" + std::to_string(i));
  all.see("b.c");
  all.see("not.there");
  all.add("y.z");  // the one not seen for longest makes room
  EXPECT_EQ(all.names().size(), 256U);
  EXPECT_FALSE(all.contains("a.b"));
  for (const auto* name : {"b.c", "x.n2", "x.n255", "y.z"}) EXPECT_TRUE(all.contains(name)) << name;
  EXPECT_THAT(std::string(all.state_query()), HasSubstr("ARRAY['b.c','x.n10'"));
  EXPECT_THAT(std::string(all.state_query()), HasSubstr("'x.n99','y.z']"));
}

TEST(custom_settings, effects_have_the_names_and_hold_who_cannot_be_followed) {
  effects_cache cache(1);
  const auto set = cache.of("SET app.tenant = 'a'");
  EXPECT_FALSE(set.pin);
  EXPECT_TRUE(set.unlisted);
  ASSERT_TRUE(set.sets);
  EXPECT_THAT(set.sets->names, ElementsAre("app.tenant"));
  EXPECT_TRUE(cache.of("SELECT set_config($1, $2, false)").sets_by_parameter);
  const auto unknown = cache.of("SELECT set_config('app.' || $1, $2, false)");
  EXPECT_TRUE(unknown.sets_unknown);
  EXPECT_EQ(unknown.pin, pool::pin_reason::session_setting);
  EXPECT_FALSE(cache.of("UPDATE t SET a.b = 1").leaves_state);
  EXPECT_FALSE(cache.of("SET search_path = a").unlisted);
  for (const auto* may :
       {"DO $$ BEGIN EXECUTE 'SET a.b = 1'; END $$", "CALL p()", "SET \"a.b\" = 'c'"})
    EXPECT_TRUE(cache.of(may).unlisted) << may;
  for (const auto* reset : {"RESET ALL", "RESET app.tenant", "DISCARD ALL"})
    EXPECT_TRUE(cache.of(reset).resets) << reset;
  EXPECT_TRUE(cache.of("SET LOCAL TimeZone = 'UTC'").sets_local);
  EXPECT_TRUE(cache.of("SELECT set_config($1, $2, true)").sets_local);
  EXPECT_FALSE(cache.of("SET LOCAL work_mem = '1MB'").sets_local);
  EXPECT_FALSE(cache.of("SELECT set_config('request.jwt.claims', '{}', true)").sets_local);
  EXPECT_FALSE(cache
                   .of("CREATE FUNCTION f() RETURNS void AS $$ SELECT set_config(n, 'a', true) $$ "
                       "LANGUAGE sql")
                   .pin);
}

}  // namespace
}  // namespace fairing::sql
