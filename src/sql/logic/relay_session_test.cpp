// What a session holds beside settings, at the relay: last values of sequences, how literals are read, what nobody lists.
#include <gtest/gtest.h>

#include "sql/logic/relay_test_talk.hpp"

namespace fairing::sql {
namespace {

using namespace wire;
using pool::pin_reason;

const std::string nothing = columns({"a", "b", "c"}) + row({"u", "", "app"}) + complete("SELECT 1");

// One server, on which another relay's statement was the last to touch sequences.
struct shared_sequences : talk {
  shared_sequences() { session().sequences_of = 99; }
  std::string run(std::string_view sql) {
    const auto sent_first = client(Q(sql));
    static_cast<void>(server(complete("INSERT 0 1") + ready()));
    return sent_first;
  }
};

TEST(relay, last_values_of_others_are_discarded_where_they_are_asked_for) {
  shared_sequences t;
  EXPECT_EQ(t.client(Q("SELECT lastval()")), Q("DISCARD SEQUENCES"));
  EXPECT_EQ(t.server(complete("DISCARD SEQUENCES") + ready()), "");
  EXPECT_EQ(t.sent(), Q("SELECT lastval()"));
}

TEST(relay, last_values_of_others_are_discarded_within_a_transaction_too) {
  shared_sequences t;
  static_cast<void>(t.client(Q("BEGIN") + Q("SELECT currval('s')")));
  EXPECT_EQ(t.server(complete("BEGIN") + ready('T')), complete("BEGIN") + ready('T'));
  EXPECT_EQ(t.sent(), Q("DISCARD SEQUENCES"));
  EXPECT_EQ(t.server(complete("DISCARD SEQUENCES") + ready('T')), "");
  EXPECT_EQ(t.sent(), Q("SELECT currval('s')"));
}

TEST(relay, a_client_s_own_last_values_are_not_discarded) {
  shared_sequences t;
  EXPECT_EQ(t.run("INSERT INTO t VALUES (1)"), Q("INSERT INTO t VALUES (1)"));
  EXPECT_TRUE(t.released) << "nobody asks for them here";
  EXPECT_EQ(t.client(Q("SELECT lastval()")), Q("SELECT lastval()"));
  static_cast<void>(t.server(complete("SELECT 1") + ready()));
  EXPECT_TRUE(t.released);
  // From now on they are kept until they are asked for, and others' are gone before.
  t.session().sequences_of = 99;
  EXPECT_EQ(t.client(Q("INSERT INTO t VALUES (1)")), Q("DISCARD SEQUENCES"));
  static_cast<void>(t.server(complete("DISCARD SEQUENCES") + ready()));
  EXPECT_EQ(t.sent(), Q("INSERT INTO t VALUES (1)"));
  static_cast<void>(t.server(complete("INSERT 0 1") + ready()));
  EXPECT_FALSE(t.released);
  EXPECT_TRUE(t.lingers());
  EXPECT_FALSE(t.pinned());
  EXPECT_EQ(t.client(Q("SELECT lastval()")), Q("SELECT lastval()"));
  EXPECT_FALSE(t.lingers());
  static_cast<void>(t.server(complete("SELECT 1") + ready()));
  EXPECT_TRUE(t.released);
  static_cast<void>(t.run("INSERT INTO t VALUES (1) RETURNING id"));
  EXPECT_TRUE(t.released) << "it was told";
}

// Reads of a SELECT that calls nothing leave the last values alone.
TEST(relay, who_touches_no_sequence_does_not_make_last_values_its_own) {
  shared_sequences t;
  static_cast<void>(t.run("SELECT a FROM t WHERE b IN (1)"));
  EXPECT_EQ(t.session().sequences_of, 99U);
  static_cast<void>(t.run("SELECT f(a) FROM t"));
  EXPECT_NE(t.session().sequences_of, 99U);
}

TEST(relay, a_backslash_is_read_as_the_session_reads_it) {
  const std::string text = R"(SELECT '\''; SET app.tenant = 'a'; --')";
  for (const bool off : {false, true}) {
    talk t;
    static_cast<void>(t.client(Q("SET standard_conforming_strings = x")));
    static_cast<void>(t.server(
        complete("SET") + status("standard_conforming_strings", off ? "off" : "on") + ready()));
    static_cast<void>(t.sent());
    static_cast<void>(t.server(nothing + ready()));
    EXPECT_EQ(t.client(Q(text)), Q(text));
    static_cast<void>(t.server(complete("SELECT 1") + ready()));
    EXPECT_EQ(t.released, !off) << "the session is asked";
  }
}

TEST(relay, a_backslash_waits_for_what_may_change_how_it_is_read) {
  talk t;
  const std::string text = R"(SELECT '\''; SET app.tenant = 'a'; --')";
  EXPECT_EQ(t.client(Q("BEGIN; SET standard_conforming_strings = off") + Q(text)),
            Q("BEGIN; SET standard_conforming_strings = off"));
  static_cast<void>(t.server(complete("BEGIN") + complete("SET") +
                             status("standard_conforming_strings", "off") + ready('T')));
  EXPECT_EQ(t.sent(), Q(text));
  EXPECT_NE(t.session().unlisted_of, 0U);
}

TEST(relay, a_connection_of_dblink_pins_until_its_client_leaves) {
  talk t;
  static_cast<void>(t.client(Q("SELECT dblink_connect('a', 'host=b')")));
  EXPECT_EQ(t.hooks.reason, pin_reason::unknown_state);
  static_cast<void>(t.server(complete("SELECT 1") + ready()));
  static_cast<void>(t.server(nothing + ready()));
  EXPECT_FALSE(t.released);
  static_cast<void>(t.client(Q("DISCARD ALL")));
  static_cast<void>(t.server(complete("DISCARD ALL") + ready()));
  static_cast<void>(t.server(nothing + ready()));
  EXPECT_FALSE(t.released) << "DISCARD ALL does not close it";
  EXPECT_TRUE(t.session().links);
  talk once;
  static_cast<void>(once.client(Q("SELECT * FROM dblink('host=b', 'SELECT 1') AS t(a int)")));
  EXPECT_FALSE(once.hooks.reason);
}

TEST(relay, discard_all_leaves_nothing_on_the_last_server) {
  talk t;
  static_cast<void>(t.client(Q("DISCARD ALL")));
  EXPECT_EQ(t.shown(), complete("DISCARD ALL") + ready());
  EXPECT_EQ(t.hooks.scrubbed, 0) << "nothing ran";
  static_cast<void>(t.client(Q("SELECT take_a_lock()")));
  static_cast<void>(t.server(complete("SELECT 1") + ready()));
  static_cast<void>(t.client(Q("DISCARD ALL") + Q("DISCARD ALL")));
  EXPECT_EQ(t.hooks.scrubbed, 1);
}

TEST(relay, explain_execute_knows_the_client_s_names) {
  talk t;
  static_cast<void>(t.client(Q("PREPARE p AS SELECT set_config('app.a', 'x', false)")));
  static_cast<void>(t.server(complete("PREPARE") + ready()));
  for (const std::string before : {"EXPLAIN ANALYZE EXECUTE ", "CREATE TABLE z AS EXECUTE "}) {
    t.session().unlisted_of = 0;
    EXPECT_EQ(t.client(Q(before + "p")), Q(before + "fairing_1"));
    EXPECT_NE(t.session().unlisted_of, 0U) << "what it executes makes a setting";
    static_cast<void>(t.server(complete("EXPLAIN") + ready()));
    EXPECT_FALSE(t.released);
    static_cast<void>(t.server(nothing + ready()));
    static_cast<void>(t.sent());
    EXPECT_EQ(t.client(P("", before + "p") + B("", "") + E() + S()),
              P("", before + "fairing_1") + B("", "") + E() + S());
    static_cast<void>(t.server(parsed() + bound() + complete("EXPLAIN") + ready()));
    static_cast<void>(t.server(nothing + ready()));
    static_cast<void>(t.sent());
  }
  EXPECT_EQ(t.client(Q("EXPLAIN EXECUTE q")), Q("EXPLAIN EXECUTE q"));
}

TEST(relay, a_prepare_by_parse_pins) {
  talk t;
  static_cast<void>(t.client(P("", "PREPARE p AS SELECT 1") + B("", "") + E() + S()));
  EXPECT_EQ(t.hooks.reason, pin_reason::prepared_sql);
  static_cast<void>(t.server(parsed() + bound() + complete("PREPARE") + ready()));
  static_cast<void>(t.server(columns({"a", "b", "c"}) + row({"p", "", "1"}) +
                             row({"u", "", "app"}) + complete("SELECT 2") + ready()));
  EXPECT_TRUE(t.pinned());
  static_cast<void>(t.sent());
  EXPECT_EQ(t.client(P("s", "EXECUTE p") + S()), P("fairing_1", "EXECUTE p") + S());
}

// Prepared earlier, it would tell an earlier moment.
TEST(relay, what_means_the_moment_of_its_preparation_is_prepared_each_time) {
  for (const std::string text : {"SELECT 'now'::timestamptz", "SELECT date ' TODAY ' + $1",
                                 "SELECT $$tomorrow$$::date", "SELECT 1, E'yesterday'"}) {
    talk t;
    EXPECT_EQ(t.client(P("s", text) + S()), P("fairing_1", text) + S());
    static_cast<void>(t.server(parsed() + ready()));
    EXPECT_EQ(t.client(P("r", text) + S()), P("fairing_2", text) + S());
  }
  for (const std::string text :
       {"SELECT now(), 'x'", "SELECT 'I know', snow", "SELECT today", "SELECT 'nowhere'"}) {
    talk t;
    static_cast<void>(t.client(P("s", text) + S()));
    static_cast<void>(t.server(parsed() + ready()));
    EXPECT_EQ(t.client(P("r", text) + S()), S()) << text;
  }
}

}  // namespace
}  // namespace fairing::sql
