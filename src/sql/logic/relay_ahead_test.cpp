// What may be sent ahead, and behind what.
#include <gtest/gtest.h>

#include "sql/logic/relay.hpp"
#include "sql/logic/relay_test_wire.hpp"

namespace fairing::sql {
namespace {

using namespace wire;

class relay_ahead : public testing::Test {
 protected:
  struct silent final : relay_hooks {
    bool keep(std::optional<pool::pin_reason>) override { return true; }
    [[nodiscard]] pin_use pins() const override { return {}; }
    void done(const statement_done&) override {}
    void leave_nothing() override {}
  };
  // Of its bytes, what may be sent before its turn.
  std::string sendable(const std::string& bytes) {
    relay r(shared_, hooks_, 1);
    return bytes.substr(0, r.sendable_ahead(bytes, session_));
  }
  // Whether that may be followed, once it was sent.
  bool followed(const std::string& bytes) {
    server_session s(shared_.settings.none(), 500);
    relay r(shared_, hooks_, 1);
    r.attach(s);
    std::size_t taken = 0;
    static_cast<void>(r.from_client(bytes, taken, {}));
    EXPECT_EQ(taken, bytes.size());
    return r.may_be_followed();
  }
  static std::string unnamed(const std::string& sql) { return P("", sql) + B("", "") + E(""); }

  pool_shared shared_{1};
  silent hooks_;
  server_session session_{shared_.settings.none(), 500};
};

TEST_F(relay_ahead, one_statement_that_only_reads) {
  const auto q = Q("SELECT name FROM users WHERE id = 7");
  EXPECT_EQ(sendable(q), q);
  EXPECT_EQ(sendable(q + Q("COMMIT")), q) << "what comes behind it goes its own way";
  const auto e = unnamed("SELECT name FROM users WHERE id = $1") + S();
  EXPECT_EQ(sendable(e), e);
  const auto described =
      P("", "SELECT 1") + B("", "") + D("", pgwire::target_kind::portal) + E("") + S();
  EXPECT_EQ(sendable(described + q), described);
}

TEST_F(relay_ahead, nothing_that_writes_locks_or_may_do_more_than_it_says) {
  for (const auto* sql : {"INSERT INTO t VALUES (1)",
                          "UPDATE t SET a = 1",
                          "DELETE FROM t",
                          "BEGIN",
                          "COMMIT",
                          "SELECT a FROM t FOR UPDATE",
                          "SELECT a INTO u FROM t",
                          "SELECT touch(a) FROM t",
                          "SELECT nextval('s')",
                          "SELECT lastval()",
                          "SELECT set_config('a.b', 'c', false)",
                          "SELECT pg_advisory_lock(1)",
                          "WITH w AS (DELETE FROM t RETURNING a) SELECT a FROM w",
                          "SET x TO 1",
                          "LISTEN c",
                          "PREPARE p AS SELECT 1",
                          "EXECUTE p",
                          "SELECT 1; SELECT 2",
                          "SELECT 1; COMMIT",
                          "COPY t TO STDOUT",
                          "EXPLAIN SELECT 1",
                          "SELECT 'unfinished"}) {
    EXPECT_EQ(sendable(Q(sql)), "") << sql;
    EXPECT_EQ(sendable(unnamed(sql) + S()), "") << sql;
  }
}

TEST_F(relay_ahead, nothing_that_is_not_whole_or_has_names) {
  const auto q = Q("SELECT 1");
  for (std::size_t n = 0; n < q.size(); ++n) EXPECT_EQ(sendable(q.substr(0, n)), "") << n;
  const auto e = unnamed("SELECT 1") + S();
  for (std::size_t n = 0; n < e.size(); ++n) EXPECT_EQ(sendable(e.substr(0, n)), "") << n;
  EXPECT_EQ(sendable(P("s", "SELECT 1") + B("", "s") + E("") + S()), "");
  EXPECT_EQ(sendable(P("", "SELECT 1") + B("p", "") + E("p") + S()), "");
  EXPECT_EQ(sendable(unnamed("SELECT 1") + H() + S()), "");
  EXPECT_EQ(sendable(unnamed("SELECT 1") + unnamed("SELECT 2") + S()), "");
  EXPECT_EQ(sendable(Q("SELECT '" + std::string(5000, 'x') + "'")), "") << "long";
}

TEST_F(relay_ahead, only_to_a_session_that_has_the_clients_settings) {
  const auto q = Q("SELECT 1");
  session_.applied = shared_.settings.intern({{{"timezone", "UTC"}}});
  EXPECT_EQ(sendable(q), "");
  session_.applied = shared_.settings.none();
  session_.unlisted_of = 99;
  EXPECT_EQ(sendable(q), "") << "settings that nobody lists";
  session_.unlisted_of = 0;
  EXPECT_EQ(sendable(q), q);
  shared_.escapes = true;
  EXPECT_EQ(sendable(q), "") << "where a backslash may end a literal, or not";
}

TEST_F(relay_ahead, behind_what_ends_in_no_transaction_and_leaves_nothing) {
  for (const auto* sql :
       {"SELECT 1", "SELECT f(1)", "INSERT INTO t VALUES (1)", "UPDATE t SET a = 1",
        "DELETE FROM t WHERE a = 1", "SELECT a FROM t FOR UPDATE"}) {
    EXPECT_TRUE(followed(Q(sql))) << sql;
    EXPECT_TRUE(followed(unnamed(sql) + S())) << sql;
  }
  for (const auto* sql :
       {"BEGIN", "SET x TO 1", "CREATE TABLE t ()", "CALL p()", "DO ''", "COPY t FROM STDIN",
        "SELECT 1; SELECT 2", "SELECT set_config('a.b', 'c', false)", "LISTEN c",
        "SELECT pg_advisory_lock(1)", "VACUUM", "EXECUTE p", "SHOW x"})
    EXPECT_FALSE(followed(Q(sql))) << sql;
}

TEST_F(relay_ahead, behind_the_last_that_is_on_its_way_and_no_error_that_swallows_it) {
  EXPECT_FALSE(followed(unnamed("SELECT 1"))) << "no Sync yet";
  EXPECT_FALSE(followed(Q("SELECT 1") + Q("SELECT 2"))) << "two are due";
  EXPECT_FALSE(followed(D("missing") + Q("SELECT 1")))
      << "an error skips the Query, and all behind it";
  EXPECT_FALSE(followed(unnamed("BEGIN") + unnamed("SELECT 1") + S()));
  EXPECT_TRUE(followed(unnamed("SELECT 1") + unnamed("SELECT 2") + S()));
}

TEST_F(relay_ahead, the_answers_end_where_the_next_ones_begin) {
  server_session s(shared_.settings.none(), 500);
  relay first(shared_, hooks_, 1);
  first.attach(s);
  std::size_t taken = 0;
  static_cast<void>(first.from_client(Q("SELECT 1"), taken, {}));
  s.ahead = 2;
  EXPECT_EQ(first.from_client(Q("SELECT 3"), taken, {}), step::wait)
      << "behind what was sent ahead";
  EXPECT_EQ(taken, 0U);
  const auto mine = columns({"a"}) + row({"1"}) + complete("SELECT 1") + ready();
  const auto p = first.from_server(mine + mine, {});
  EXPECT_EQ(p.taken, mine.size());
  EXPECT_TRUE(p.released);
  EXPECT_TRUE(p.proceed);
  EXPECT_TRUE(s.ahead_is_next);
  EXPECT_EQ(s.ahead, 2U) << "until the session knows what becomes of them";
  relay second(shared_, hooks_, 2);
  first.detach();
  second.attach(s);
  EXPECT_EQ(second.from_client(Q("SELECT 1"), taken, {}), step::read) << "its own is not behind it";
  EXPECT_EQ(taken, Q("SELECT 1").size());
  EXPECT_FALSE(second.may_be_followed()) << "before it is known whether that is what was sent";
  s.ahead_is_next = false;
  --s.ahead;
  EXPECT_TRUE(second.may_be_followed());
  EXPECT_EQ(second.from_client(Q("SELECT 3"), taken, {}), step::wait);
}

}  // namespace
}  // namespace fairing::sql
