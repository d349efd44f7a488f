// The relay, message by message: what goes to the server, and what to the client, to the byte.
#include "sql/logic/relay.hpp"

#include <gtest/gtest.h>

#include "sql/logic/relay_test_talk.hpp"

namespace fairing::sql {
namespace {

using namespace wire;
using pool::pin_reason;

TEST(relay, forwards_a_query_and_gives_the_server_back) {
  talk t;
  EXPECT_EQ(t.client(Q("SELECT 1")), Q("SELECT 1"));
  EXPECT_EQ(t.leases, 1);
  const auto answer = columns({"a"}) + row({"1"}) + complete("SELECT 1");
  EXPECT_EQ(t.server(answer), answer);
  EXPECT_FALSE(t.released);
  EXPECT_EQ(t.server(ready()), ready());
  EXPECT_TRUE(t.released);
}

TEST(relay, keeps_the_server_in_a_transaction_and_behind_an_unread_byte) {
  talk t;
  static_cast<void>(t.client(Q("BEGIN")));
  static_cast<void>(t.server(complete("BEGIN") + ready('T')));
  EXPECT_FALSE(t.released);
  static_cast<void>(t.client(Q("COMMIT")));
  const auto late = notice("late");
  EXPECT_EQ(t.server(complete("COMMIT") + ready() + late.substr(0, 3)),
            complete("COMMIT") + ready());
  EXPECT_FALSE(t.released) << "half a message is still to be read";
  EXPECT_EQ(t.server(late.substr(3)), late);
  EXPECT_TRUE(t.released);
}

TEST(relay, names_become_shared_ones_and_a_parse_is_answered_here_where_the_server_has_it) {
  talk t;
  EXPECT_EQ(t.client(P("s1", "SELECT 1") + S()), P("fairing_1", "SELECT 1") + S());
  EXPECT_EQ(t.server(parsed() + ready()), parsed() + ready());
  EXPECT_TRUE(t.released);
  EXPECT_EQ(t.client(C("s1") + S()), "");
  EXPECT_EQ(t.shown(), closed() + ready());
  EXPECT_EQ(t.client(P("s2", "SELECT 1") + B("", "s2") + E() + S()),
            B("", "fairing_1") + E() + S());
  EXPECT_EQ(t.shown(), parsed());
  const auto answer = bound() + complete("SELECT 0") + ready();
  EXPECT_EQ(t.server(answer), answer);
}

TEST(relay, prepares_what_the_server_lacks_and_swallows_the_answers) {
  talk t;
  static_cast<void>(t.client(P("s1", "SELECT 1") + S()));
  static_cast<void>(t.server(parsed() + ready()));
  t.other_server();
  const auto asked = t.client(B("", "s1") + E() + S());
  EXPECT_EQ(asked, P("fairing_1", "SELECT 1") + D("fairing_1") + S());
  EXPECT_EQ(t.server(parsed() + parameters() + columns({"a"}) + ready()), "");
  EXPECT_EQ(t.sent(), B("", "fairing_1") + E() + S());
  EXPECT_FALSE(t.released);
  EXPECT_EQ(t.server(bound() + complete("SELECT 0") + ready()),
            bound() + complete("SELECT 0") + ready());
  EXPECT_TRUE(t.released);
}

TEST(relay, a_shape_that_changed_is_refused_before_anything_runs) {
  talk t;
  static_cast<void>(t.client(P("s1", "SELECT * FROM t") + D("s1") + S()));
  static_cast<void>(t.server(parsed() + parameters() + columns({"a"}, 7) + ready()));
  t.other_server();
  static_cast<void>(t.client(B("", "s1") + E() + S()));
  static_cast<void>(t.server(parsed() + parameters() + columns({"a"}, 8) + ready()));
  EXPECT_EQ(t.sent(), B("", "fairing_1") + E() + S()) << "another table of the same columns";
  static_cast<void>(t.server(bound() + complete("SELECT 0") + ready()));
  t.other_server();
  static_cast<void>(t.client(B("", "s1") + E() + S()));
  static_cast<void>(t.server(parsed() + parameters() + columns({"a", "b"}) + ready()));
  EXPECT_EQ(t.sent(), B("", "?") + E() + S());
  EXPECT_EQ(t.server(error("26000", "prepared statement \"?\" does not exist") + ready()),
            cached_plan() + ready());
  EXPECT_TRUE(t.released);
}

TEST(relay, columns_that_a_client_asks_for_and_a_fresh_plan_has_not_are_a_changed_plan) {
  talk t;
  static_cast<void>(t.client(P("s1", "SELECT * FROM t") + S()));
  static_cast<void>(t.server(parsed() + ready()));
  static_cast<void>(t.client(B("", "s1") + E() + S()));
  const std::string why = "bind message has 7 result formats but query has 6 columns";
  EXPECT_EQ(t.server(error("08P01", why) + ready()), cached_plan(why) + ready());
  EXPECT_TRUE(t.released);
  EXPECT_EQ(t.client(P("s2", "SELECT * FROM t") + B("", "s2") + E() + S()),
            C("fairing_1") + P("fairing_1", "SELECT * FROM t") + B("", "fairing_1") + E() + S())
      << "who prepares again gets a fresh plan";
}

TEST(relay, a_failing_preparation_is_the_clients_error_and_skips_to_its_sync) {
  talk t;
  static_cast<void>(t.client(P("s1", "SELECT * FROM t") + S()));
  static_cast<void>(t.server(parsed() + ready()));
  t.other_server();
  static_cast<void>(t.client(B("", "s1") + E() + S()));
  const auto failure = error("42P01", "relation \"t\" does not exist");
  EXPECT_EQ(t.server(failure + ready()), failure);
  EXPECT_EQ(t.sent(), S());
  EXPECT_EQ(t.server(ready()), ready());
  EXPECT_TRUE(t.released);
  // The server is not believed to have it.
  EXPECT_EQ(t.client(B("", "s1") + E() + S()),
            C("fairing_1") + P("fairing_1", "SELECT * FROM t") + D("fairing_1") + S());
}

TEST(relay, changes_of_names_that_an_error_skips_are_taken_back_in_order) {
  talk t;
  static_cast<void>(t.client(P("s", "SELECT 1") + S()));
  static_cast<void>(t.server(parsed() + ready()));
  static_cast<void>(
      t.client(B("", "nobody") + C("s") + P("s", "SELECT 2") + C("s") + P("s", "SELECT 3") + S()));
  const auto failure = error("26000", "prepared statement \"nobody\" does not exist");
  EXPECT_EQ(t.server(failure + ready()), failure + ready());
  EXPECT_EQ(t.client(B("", "s") + E() + S()), B("", "fairing_1") + E() + S());
}

TEST(relay, the_unnamed_statement_follows_its_client_and_dies_by_a_query) {
  talk t;
  static_cast<void>(t.client(P("", "SELECT 1") + S()));
  static_cast<void>(t.server(parsed() + ready()));
  t.other_server();
  EXPECT_EQ(t.client(B("", "") + E() + S()), P("", "SELECT 1") + B("", "") + E() + S());
  EXPECT_EQ(t.server(parsed() + bound() + complete("SELECT 0") + ready()),
            bound() + complete("SELECT 0") + ready());
  static_cast<void>(t.client(Q("SELECT 2")));
  static_cast<void>(t.server(complete("SELECT 0") + ready()));
  EXPECT_EQ(t.client(B("", "") + S()), B("", "?") + S()) << "not another client's";
  EXPECT_EQ(
      t.server(error("26000", "x") + ready()),
      ours(sqlstate::undefined_statement, "unnamed prepared statement does not exist") + ready());
}

TEST(relay, settings_are_asked_for_and_brought_to_the_next_server) {
  talk t;
  static_cast<void>(t.client(Q("SET timezone TO 'UTC'")));
  EXPECT_EQ(t.server(complete("SET") + status("TimeZone", "UTC") + ready()),
            complete("SET") + status("TimeZone", "UTC") + ready());
  EXPECT_EQ(t.sent(), Q(state_query()));
  EXPECT_FALSE(t.released);
  EXPECT_EQ(t.server(columns({"a", "b", "c"}) + row({"s", "TimeZone", "UTC"}) +
                     row({"u", "", "app"}) + complete("SELECT 2") + ready()),
            "");
  EXPECT_TRUE(t.released);
  t.other_server();
  EXPECT_EQ(t.client(Q("SELECT now()")),
            Q("SELECT pg_catalog.set_config('TimeZone','UTC',false);"));
  EXPECT_EQ(t.server(columns({"a"}) + row({"UTC"}) + complete("SELECT 1") +
                     status("TimeZone", "UTC") + ready()),
            "")
      << "the client knows its own value";
  EXPECT_EQ(t.sent(), Q("SELECT now()"));
  EXPECT_FALSE(t.released);
}

TEST(relay, a_cancelled_question_is_asked_again_and_then_pins) {
  talk t;
  static_cast<void>(t.client(Q("SET timezone TO 'UTC'")));
  static_cast<void>(t.server(complete("SET") + ready()));
  EXPECT_EQ(t.sent(), Q(state_query()));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(t.server(error("57014", "canceling statement") + ready()), "");
    EXPECT_EQ(t.sent(), i == 0 ? Q(state_query()) : "");
  }
  EXPECT_FALSE(t.released);
  EXPECT_EQ(t.hooks.reason, pin_reason::unknown_state);
}

TEST(relay, what_stays_in_the_session_pins_and_unpins) {
  talk t;
  static_cast<void>(t.client(Q("CREATE TEMP TABLE x()")));
  EXPECT_EQ(t.hooks.reason, pin_reason::temp_table);
  static_cast<void>(t.server(complete("CREATE TABLE") + ready()));
  static_cast<void>(t.server(columns({"a", "b", "c"}) + row({"t", "", "1"}) +
                             row({"u", "", "app"}) + complete("SELECT 2") + ready()));
  EXPECT_FALSE(t.released);
  EXPECT_TRUE(t.pinned());
  static_cast<void>(t.client(Q("DROP TABLE x")));
  static_cast<void>(t.server(complete("DROP TABLE") + ready()));
  static_cast<void>(t.server(columns({"a", "b", "c"}) + row({"t", "", "0"}) +
                             row({"u", "", "app"}) + complete("SELECT 2") + ready()));
  EXPECT_TRUE(t.released);
  EXPECT_FALSE(t.hooks.reason);
}

TEST(relay, copy_in_by_execute_swallows_the_sync_that_came_with_it) {
  talk t;
  static_cast<void>(t.client(P("", "COPY t FROM STDIN") + B("", "") + E() + S()));
  EXPECT_EQ(t.server(parsed() + bound() + copy_in()), parsed() + bound() + copy_in());
  EXPECT_EQ(t.client(copy_data("1\n") + copy_done() + S()), copy_data("1\n") + copy_done() + S());
  EXPECT_EQ(t.server(complete("COPY 1") + ready()), complete("COPY 1") + ready());
  EXPECT_TRUE(t.released);
}

TEST(relay, a_copy_that_fails_within_a_message_keeps_the_server_until_the_message_is_whole) {
  talk t;
  static_cast<void>(t.client(Q("COPY t FROM STDIN")));
  static_cast<void>(t.server(copy_in()));
  const auto data = copy_data("a line\n");
  EXPECT_EQ(t.client(data.substr(0, 7)), data.substr(0, 7));
  const auto failure = error("23505", "duplicate key");
  EXPECT_EQ(t.server(failure + ready()), failure + ready());
  EXPECT_FALSE(t.released) << "the next client's bytes would be taken for this one's data";
  EXPECT_EQ(t.client(data.substr(7)), data.substr(7) + S());
  EXPECT_EQ(t.server(ready()), "");
  EXPECT_TRUE(t.released);
  EXPECT_EQ(t.client(copy_done()), "");
}

TEST(relay, copy_out_passes) {
  talk t;
  static_cast<void>(t.client(Q("COPY t TO STDOUT")));
  const auto answer = copy_out() + copy_data("1\n") + raw('c') + complete("COPY 1") + ready();
  EXPECT_EQ(t.server(answer), answer);
  EXPECT_TRUE(t.released);
}

TEST(relay, deallocate_and_discard_are_answered_here) {
  talk t;
  static_cast<void>(t.client(P("s", "SELECT 1") + S()));
  static_cast<void>(t.server(parsed() + ready()));
  EXPECT_EQ(t.client(Q("DEALLOCATE s")), "");
  EXPECT_EQ(t.shown(), complete("DEALLOCATE") + ready());
  EXPECT_EQ(t.client(Q("DISCARD ALL")), "");
  EXPECT_EQ(t.shown(), complete("DISCARD ALL") + ready());
  EXPECT_EQ(t.leases, 1);
}

// The lexer looks at 64 statements of a text; what stands behind them must not free other clients' statements unseen.
TEST(relay, a_deallocate_behind_many_statements_is_seen) {
  talk t;
  static_cast<void>(t.client(P("s", "SELECT 1") + S()));
  static_cast<void>(t.server(parsed() + ready()));
  std::string many, answers;
  for (int i = 0; i < 70; ++i) {
    many += "SELECT 1; ";
    answers += columns({"a"}) + row({"1"}) + complete("SELECT 1");
  }
  EXPECT_EQ(t.client(Q(many + "DEALLOCATE s; DEALLOCATE fairing_1; DEALLOCATE ALL")),
            Q(many + "DEALLOCATE fairing_1; DEALLOCATE \"?fairing_1\"; DEALLOCATE ALL"));
  static_cast<void>(t.server(answers + complete("DEALLOCATE") + complete("DEALLOCATE ALL")));
  EXPECT_EQ(t.server(ready()), ready());
  EXPECT_EQ(t.sent(), Q(state_query())) << "it may have done anything to the session";
  static_cast<void>(t.server(complete("SELECT 0") + ready()));
  EXPECT_EQ(t.client(P("s", "SELECT 1") + S()), P("fairing_1", "SELECT 1") + S());
}

TEST(relay, a_deallocate_that_the_text_did_not_show_puts_all_statements_in_doubt) {
  talk t;
  static_cast<void>(t.client(P("s", "SELECT 1") + S()));
  static_cast<void>(t.server(parsed() + ready()));
  static_cast<void>(t.client(Q("SELECT 2")));
  static_cast<void>(t.server(complete("SELECT 1") + complete("DEALLOCATE ALL") + ready()));
  const auto again = t.client(B("", "s") + E() + S());
  EXPECT_TRUE(again.starts_with(C("fairing_1") + P("fairing_1", "SELECT 1"))) << again;
}

TEST(relay, a_query_behind_unsynced_messages_does_not_wait_for_ever) {
  talk t;
  EXPECT_EQ(t.client(P("", "SELECT 1") + B("", "") + E() + Q("DEALLOCATE ALL")),
            P("", "SELECT 1") + B("", "") + E() + S());
  EXPECT_EQ(t.server(parsed() + bound() + complete("SELECT 0") + ready()),
            parsed() + bound() + complete("SELECT 0") + complete("DEALLOCATE ALL") + ready());
}

TEST(relay, a_fatal_error_of_the_server_is_shown_once) {
  talk t;
  static_cast<void>(t.client(Q("BEGIN")));
  static_cast<void>(t.server(complete("BEGIN") + ready('T')));
  const auto last = error("57P01", "terminating connection", "FATAL");
  EXPECT_EQ(t.server(last), last);
  EXPECT_TRUE(t.broken);
}

TEST(relay, a_fatal_error_behind_rows_is_a_farewell) {
  talk t;
  static_cast<void>(t.client(Q("SELECT 1")));
  const auto last = columns({"a"}) + row({"x"}) + error("57P01", "terminating", "FATAL");
  EXPECT_EQ(t.server(last), last);
  EXPECT_TRUE(t.broken);
  EXPECT_TRUE(t.farewell());
  talk idle;
  static_cast<void>(idle.client(Q("SELECT 1")));
  static_cast<void>(idle.server(complete("SELECT 0") + ready() + error("XX000", "unasked")));
  EXPECT_TRUE(idle.broken);
  EXPECT_FALSE(idle.farewell());
}

TEST(relay, every_split_of_the_bytes_gives_the_same) {
  const auto program = P("s", "SELECT $1") + D("s") + B("p", "s", "v") + E("p") + C("s") + S();
  const auto answers = parsed() + parameters({25}) + columns({"a"}) + bound() + row({"v"}) +
                       complete("SELECT 1") + notice("n") + ready();
  talk whole;
  const auto sent = whole.client(program);
  const auto shown = whole.server(answers);
  for (std::size_t cut = 1; cut < program.size(); ++cut) {
    talk t;
    auto first = t.client(program.substr(0, cut));
    EXPECT_EQ(first + t.client(program.substr(cut)), sent) << cut;
  }
  for (std::size_t cut = 1; cut < answers.size(); ++cut) {
    talk t;
    static_cast<void>(t.client(program));
    auto first = t.server(answers.substr(0, cut));
    EXPECT_EQ(first + t.server(answers.substr(cut)), shown) << cut;
    EXPECT_TRUE(t.released) << cut;
  }
}

TEST(relay, hostile_clients_get_one_fatal_error) {
  for (const auto& bytes :
       {std::string("~\0\0\0\4", 5), raw('Q'), raw('P', "no end"), raw('B', "12345678"),
        raw('D', std::string("X\0", 2)), raw('E', "12345"), raw('p', "x"), raw('Q', "no NUL"),
        std::string("Q\xff\xff\xff\xff", 5), std::string("S\0\0\0\5x", 6)}) {
    talk t;
    static_cast<void>(t.client(bytes));
    const auto shown = t.shown();
    EXPECT_NE(shown.find("C08P01"), shown.npos) << bytes;
    EXPECT_EQ(shown.size(), 1 + pg::load_u32(shown.data() + 1)) << "one message";
    EXPECT_EQ(t.last, step::close);
  }
}

TEST(relay, hostile_servers_are_doubted_and_their_rows_not_shown) {
  for (const auto& bytes :
       {raw('R', std::string(4, '\0')), row({"stray"}) + ready() + row({"x"}), parsed(), bound(),
        raw('Z', "X"), ready() + ready(), raw('~'), std::string("D\xff\xff\xff\xff", 5),
        raw('W', "123"), raw('V', "1234")}) {
    talk t;
    static_cast<void>(t.client(Q("SELECT 1")));
    static_cast<void>(t.server(bytes));
    EXPECT_TRUE(t.broken) << bytes;
  }
}

TEST(relay, a_message_that_the_server_tore_is_not_continued_by_ours) {
  talk t;
  static_cast<void>(t.client(Q("SELECT 1")));
  const auto r = row({"a long value"});
  EXPECT_EQ(t.server(r.substr(0, 9)), r.substr(0, 9));
  t.lose_server();
  EXPECT_EQ(t.shown(), "");
}

}  // namespace
}  // namespace fairing::sql
