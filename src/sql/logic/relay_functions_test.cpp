// What functions do to sessions, as the relay learns it: when it asks, and what it makes of the answer.
#include <gtest/gtest.h>

#include "sql/logic/relay_test_talk.hpp"

namespace fairing::sql {
namespace {

using namespace wire;

class FunctionTalk : public testing::Test {
 protected:
  FunctionTalk() { t.functions().enable(); }
  // The answer to the question, with its SET LOCALs.
  static std::string told(const std::string& version, const std::vector<std::string>& nodes) {
    auto out = complete("SET") + complete("SET") + complete("SET") + columns({"node", "setting"});
    out += row({"v" + version, ""});
    for (const auto& n : nodes) out += row({n, n == "fset" ? "app.tenant" : ""});
    return out + complete("SELECT 1") + ready();
  }
  // The first statement, before which it is asked.
  void know(const std::vector<std::string>& nodes) {
    EXPECT_EQ(t.client(Q("SELECT 1")), Q(t.functions().question()));
    EXPECT_EQ(t.server(told("1", nodes)), "");
    EXPECT_EQ(t.sent(), Q("SELECT 1"));
    static_cast<void>(t.server(complete("SELECT 1") + ready()));
    EXPECT_TRUE(t.released);
  }
  // It runs `text` and is asked what the session holds now, before its server is given back.
  void asks_behind(const std::string& text) {
    EXPECT_EQ(t.client(Q(text)), Q(text));
    static_cast<void>(t.server(complete("SELECT 1") + ready()));
    EXPECT_FALSE(t.released) << text;
    EXPECT_NE(t.sent().find("pg_settings"), std::string::npos) << text;
    static_cast<void>(t.server(complete("SELECT 0") + ready()));
    EXPECT_TRUE(t.released);
  }
  talk t;
};

TEST_F(FunctionTalk, are_asked_for_before_the_first_statement_only) {
  know({"fset"});
  static_cast<void>(t.client(Q("SELECT other(1)")));
  static_cast<void>(t.server(complete("SELECT 1") + ready()));
  EXPECT_TRUE(t.released);
  asks_behind("SELECT app.set('a')");
}

TEST_F(FunctionTalk, the_settings_of_a_function_are_asked_for_by_name) {
  know({"fset"});
  static_cast<void>(t.client(Q("SELECT set('a')")));
  static_cast<void>(t.server(complete("SELECT 1") + ready()));
  EXPECT_NE(t.sent().find("'app.tenant'"), std::string::npos);
  static_cast<void>(t.server(row({"c", "app.tenant", "a"}) + complete("SELECT 1") + ready()));
  EXPECT_TRUE(t.released);
  t.other_server();
  EXPECT_EQ(t.client(Q("SELECT 1")), Q("SELECT pg_catalog.set_config('app.tenant','a',false);"));
}

TEST_F(FunctionTalk, of_a_server_without_such_catalogues_are_done_without) {
  EXPECT_EQ(t.client(Q("SELECT 1")), Q(t.functions().question()));
  EXPECT_EQ(t.server(row({"1"}) + complete("SELECT 1") + ready()), "");
  EXPECT_EQ(t.functions().take_fault(), "the answer has no version");
  EXPECT_EQ(t.sent(), Q("SELECT 1"));
  EXPECT_EQ(t.server(row({"1"}) + complete("SELECT 1") + ready()),
            row({"1"}) + complete("SELECT 1") + ready());
  EXPECT_TRUE(t.released);
}

TEST_F(FunctionTalk, that_cannot_be_known_are_done_without) {
  EXPECT_EQ(t.client(Q("SELECT set('a')")), Q(t.functions().question()));
  EXPECT_EQ(t.server(error("42P01", "there is no pg_proc") + ready()), "");
  EXPECT_EQ(t.sent(), Q("SELECT set('a')"));
  static_cast<void>(t.server(complete("SELECT 1") + ready()));
  EXPECT_TRUE(t.released);
  EXPECT_EQ(t.functions().take_fault(), "there is no pg_proc");
}

TEST_F(FunctionTalk, a_question_that_was_cancelled_is_asked_again) {
  const auto question = Q(t.functions().question());
  EXPECT_EQ(t.client(Q("SELECT 1")), question);
  EXPECT_EQ(t.server(error("57014", "canceling statement") + ready()), "");
  EXPECT_EQ(t.sent(), question);
  EXPECT_EQ(t.server(told("1", {})), "");
  EXPECT_EQ(t.sent(), Q("SELECT 1"));
}

TEST_F(FunctionTalk, made_by_ddl_are_known_before_the_server_is_given_back) {
  know({});
  static_cast<void>(t.client(P("s", "SELECT set('a')") + S()));
  static_cast<void>(t.server(parsed() + ready()));
  EXPECT_TRUE(t.released);
  const std::string ddl = "CREATE FUNCTION set(text) RETURNS void LANGUAGE c";
  static_cast<void>(t.client(Q(ddl)));
  static_cast<void>(t.server(complete("CREATE FUNCTION") + ready()));
  EXPECT_NE(t.sent().find("pg_settings"), std::string::npos);
  static_cast<void>(t.server(complete("SELECT 0") + ready()));
  EXPECT_EQ(t.sent(), Q(t.functions().question()));
  EXPECT_FALSE(t.released);
  EXPECT_EQ(t.server(told("2", {"fset"})), "");
  EXPECT_TRUE(t.released);
  asks_behind("SELECT set('b')");
  // What was prepared before is of the new kind as well.
  EXPECT_EQ(t.client(B("", "s") + E() + S()), B("", "fairing_1") + E() + S());
  static_cast<void>(t.server(bound() + complete("SELECT 1") + ready()));
  EXPECT_FALSE(t.released);
  EXPECT_NE(t.sent().find("pg_settings"), std::string::npos);
}

TEST_F(FunctionTalk, what_stands_aside_for_the_question_is_not_told) {
  EXPECT_EQ(t.client(Q("SELECT 1")), Q(t.functions().question()));
  EXPECT_EQ(t.server(status("search_path", "pg_catalog") + told("1", {})), "");
  EXPECT_EQ(t.sent(), Q("SELECT 1"));
}

}  // namespace
}  // namespace fairing::sql
