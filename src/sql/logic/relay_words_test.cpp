// Where the relay speaks in PostgreSQL's place: refused pins, limits of ours, RESET of the client's own name.
#include <gtest/gtest.h>

#include "sql/logic/relay_test_talk.hpp"

namespace fairing::sql {
namespace {

using namespace wire;

const std::string pin_message =
    "this would keep a server beyond its transaction (listen), and other clients keep 2 of at most "
    "2 already";
const std::string refused_pin = ours(sqlstate::too_many_connections, pin_message,
                                     "raise sql.pool.max_pinned, or connect to sql.session_listen");
const std::string failing = Q("SELECT \"refused by fairing\"");

TEST(relay, a_refused_pin_is_an_error_of_the_statement_alone) {
  talk t;
  t.hooks.allow = false;
  EXPECT_EQ(t.client(Q("LISTEN a")), failing);
  EXPECT_EQ(t.server(error("42703", "no such column") + ready()), refused_pin + ready());
  EXPECT_TRUE(t.released);
  EXPECT_FALSE(t.broken);
  EXPECT_EQ(t.client(Q("SELECT 1")), Q("SELECT 1"));
  EXPECT_EQ(t.server(complete("SELECT 0") + ready()), complete("SELECT 0") + ready());
}

TEST(relay, a_refused_pin_names_a_session_listener_only_where_there_is_one) {
  talk t;
  t.hooks.allow = t.hooks.session_listen = false;
  static_cast<void>(t.client(Q("LISTEN a")));
  EXPECT_EQ(t.server(error("42703", "no such column") + ready()),
            ours(sqlstate::too_many_connections, pin_message,
                 "raise sql.pool.max_pinned, or give sql.session_listen an address and connect "
                 "there") +
                ready());
}

// Whatever the cut: nothing of it reaches the server, none of it is kept, and the client stays.
TEST(relay, a_query_over_the_limit_costs_the_statement_alone) {
  const auto told =
      ours(sqlstate::limit_exceeded, "a statement is longer than sql.limits.statement_size",
           "raise sql.limits.statement_size");
  const auto huge = Q("SELECT '" + std::string(1000, 'x') + "'");
  for (const std::size_t cut : {std::size_t{5}, std::size_t{300}, huge.size()}) {
    talk t;
    t.limits().statement_bytes = 200;
    EXPECT_EQ(t.client(huge.substr(0, cut)), failing);
    EXPECT_EQ(t.unread(), 0U);
    EXPECT_EQ(t.server(error("42703", "no such column") + ready()), told + ready());
    EXPECT_TRUE(t.released);
    EXPECT_EQ(t.client(huge.substr(cut) + Q("SELECT 1")), Q("SELECT 1"));
    EXPECT_EQ(t.server(complete("SELECT 0") + ready()), complete("SELECT 0") + ready());
  }
}

// Whoever prepares and never closes: it costs that Parse, not the client, and nobody else.
TEST(relay, a_client_s_part_of_the_memory_for_statements) {
  const auto told =
      ours(sqlstate::limit_exceeded, "this client's prepared statements take too much memory",
           "close those that are not needed any more");
  const auto text = [](char c) { return "SELECT '" + std::string(400, c) + "'"; };
  talk t({}, {.a_client_bytes = 2000});
  for (const char c : {'a', 'b'}) {
    static_cast<void>(t.client(P(std::string(1, c), text(c)) + S()));
    EXPECT_EQ(t.server(parsed() + ready()), parsed() + ready());
  }
  EXPECT_EQ(t.client(P("c", text('c')) + S()), P("", "SELECT \"refused by fairing\"") + S());
  EXPECT_EQ(t.server(error("42703", "no such column") + ready()), told + ready());
  EXPECT_EQ(t.client(Q("PREPARE d AS " + text('d'))), failing);
  EXPECT_EQ(t.server(error("42703", "no such column") + ready()), told + ready());
  EXPECT_FALSE(t.broken);
  // One of them less, and there is room.
  static_cast<void>(t.client(C("a") + S()));
  static_cast<void>(t.shown());
  EXPECT_EQ(t.client(P("c", text('c')) + S()), P("fairing_3", text('c')) + S());
  EXPECT_EQ(t.server(parsed() + ready()), parsed() + ready());
}

TEST(relay, a_first_statement_may_be_of_any_size_and_names_are_counted) {
  talk t({}, {.a_client = 1, .a_client_bytes = 10});
  static_cast<void>(t.client(P("a", "SELECT 1, 2, 3") + S()));
  EXPECT_EQ(t.server(parsed() + ready()), parsed() + ready());
  static_cast<void>(t.client(P("b", "SELECT 2") + S()));
  EXPECT_EQ(t.server(error("42703", "no such column") + ready()),
            ours(sqlstate::limit_exceeded, "this client has too many prepared statements",
                 "close those that are not needed any more") +
                ready());
}

TEST(relay, a_pool_s_memory_for_statements_costs_the_statement_alone) {
  talk t({}, {.bytes = 100});
  const auto long_one = "SELECT '" + std::string(200, 'x') + "'";
  const auto told =
      ours(sqlstate::out_of_memory, "the pool's prepared statements take too much memory",
           "close statements that are not needed any more");
  static_cast<void>(t.client(P("a", long_one) + S()));
  EXPECT_EQ(t.server(error("42703", "no such column") + ready()), told + ready());
  EXPECT_EQ(t.client(Q("PREPARE a AS " + long_one)), failing);
  EXPECT_EQ(t.server(error("42703", "no such column") + ready()), told + ready());
  EXPECT_EQ(t.client(Q("SELECT 1")), Q("SELECT 1"));
}

TEST(relay, a_refused_pin_fails_the_transaction_as_any_error_does) {
  talk t;
  static_cast<void>(t.client(Q("BEGIN")));
  static_cast<void>(t.server(complete("BEGIN") + ready('T')));
  t.hooks.allow = false;
  EXPECT_EQ(t.client(Q("LISTEN a")), failing);
  EXPECT_EQ(t.server(error("42703", "no such column") + ready('E')), refused_pin + ready('E'));
  EXPECT_FALSE(t.released);
  // In a failed transaction PostgreSQL's own words are the right ones.
  EXPECT_EQ(t.client(Q("LISTEN a")), failing);
  const auto aborted = error("25P02", "current transaction is aborted");
  EXPECT_EQ(t.server(aborted + ready('E')), aborted + ready('E'));
  EXPECT_EQ(t.client(Q("ROLLBACK")), Q("ROLLBACK"));
  static_cast<void>(t.server(complete("ROLLBACK") + ready()));
  EXPECT_TRUE(t.released);
}

TEST(relay, a_refused_pin_in_a_pipeline_skips_to_its_sync) {
  talk t;
  t.hooks.allow = false;
  const auto listen = P("", "LISTEN a") + B("", "");
  EXPECT_EQ(t.client(listen + E() + P("", "SELECT 1") + B("", "") + E() + S()),
            listen + E("refused by fairing") + P("", "SELECT 1") + B("", "") + E() + S());
  EXPECT_EQ(t.server(parsed() + bound() + error("34000", "no such portal") + ready()),
            parsed() + bound() + refused_pin + ready());
  EXPECT_TRUE(t.released);
  EXPECT_EQ(t.client(Q("SELECT 1")), Q("SELECT 1"));
}

TEST(relay, a_limit_of_ours_says_so) {
  for (const bool simple : {true, false}) {
    talk t;
    static_cast<void>(t.client(simple ? Q("SELECT 1") : P("", "SELECT 1") + B("", "") + E() + S()));
    if (!simple) static_cast<void>(t.server(parsed() + bound()));
    t.limit(milliseconds{30'000});
    const auto told = ours(sqlstate::query_canceled,
                           "canceling statement due to Fairing's limits.statement of 30s",
                           "raise sql.limits.statement, or make the statement faster");
    EXPECT_EQ(t.server(error("57014", "canceling statement due to user request") + ready()),
              told + ready());
    EXPECT_TRUE(t.released);
    // The next one is the user's again.
    static_cast<void>(t.client(Q("SELECT 2")));
    const auto user = error("57014", "canceling statement due to user request");
    EXPECT_EQ(t.server(user + ready()), user + ready());
  }
}

TEST(relay, a_limit_of_postgresql_stays_postgresql_s) {
  talk t;
  static_cast<void>(t.client(Q("SELECT 1")));
  t.limit(milliseconds{30'000});
  const auto own = error("57014", "canceling statement due to statement timeout");
  EXPECT_EQ(t.server(own + ready()), own + ready());
}

TEST(relay, reset_of_the_name_goes_back_to_the_client_s_start_up) {
  for (const bool all : {false, true}) {
    talk t("shop");
    const std::string set = "SET application_name TO 'shop'";
    static_cast<void>(t.client(Q("BEGIN")));  // after its settings
    static_cast<void>(t.server(row({"shop"}) + complete("SELECT 1") + ready()));
    EXPECT_EQ(t.sent(), Q("BEGIN"));
    static_cast<void>(t.server(complete("BEGIN") + ready('T')));
    EXPECT_EQ(t.client(Q(all ? "RESET ALL" : "reset Application_Name;")),
              Q(all ? "RESET ALL;" + set : set));
    const auto answers = (all ? complete("RESET") : "") + complete("SET") + ready('T');
    EXPECT_EQ(t.server(answers), complete("RESET") + ready('T'));
  }
  talk nameless;
  EXPECT_EQ(nameless.client(Q("RESET application_name")), Q("RESET application_name"));
}

TEST(relay, a_function_call_and_its_answer_pass) {
  talk t;
  const auto call = raw('F', std::string_view("\0\0\0\1\0\0\0\0\0\0", 10));
  const auto result = raw('V', std::string_view("\0\0\0\1x", 5));
  EXPECT_EQ(t.client(call), call);
  EXPECT_EQ(t.server(result), result);
  EXPECT_EQ(t.server(ready()), ready());
  EXPECT_FALSE(t.released) << "a function may have changed the session";
  EXPECT_NE(t.sent(), "");
  talk u;
  EXPECT_EQ(u.client(call), call);
  const auto no = error("42883", "no such function");
  EXPECT_EQ(u.server(no + ready()), no + ready());
}

}  // namespace
}  // namespace fairing::sql
