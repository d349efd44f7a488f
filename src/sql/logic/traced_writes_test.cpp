#include "sql/logic/traced_writes.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "codec/pgwire/client_writer.hpp"
#include "codec/sql_lexer/comment.hpp"
#include "sql/logic/write_shape.hpp"

namespace fairing::sql {
namespace {

namespace lex = codec::sql_lexer;
namespace pgwire = codec::pgwire;
using bus::write_kind;

std::string traced(std::string_view sql, char span = '1', char trace = 'a') {
  return std::string(sql) + " /*traceparent='00-" + std::string(32, trace) + "-" +
         std::string(16, span) + "-01'*/";
}

// One client, its statements as insight would tell of them.
struct talk {
  bus::write_sets sets;
  traced_writes writes{&sets};
  traced_client client;
  std::uint64_t key = bus::trace_key(std::string(32, 'a'));

  talk() { sets.begin(key); }

  text_ids ids_of(std::string_view text) const {
    lex::analyzer a;
    a.run(text);
    const auto shape = write_shape_of(text, a);
    const auto comment = lex::read_trace_comment(text);
    return {.text = 5,
            .table = shape.table,
            .request = comment.has_trace ? bus::trace_key(comment.trace()) : 0,
            .kind = shape.kind,
            .relative = shape.relative};
  }
  void statement(std::string_view text, std::string_view tag, std::uint64_t rows) {
    auto ids = ids_of(text);
    ids.values = writes.values_of_query(ids, text);
    client.on_tag(tag);
    writes.on_done(client, ids, rows, false, "printed");
  }
  void failed(std::string_view text) {
    client.on_error();
    writes.on_done(client, ids_of(text), 0, true, "printed");
  }
  void ready(bool idle) { writes.on_ready(client, idle); }
  void query(std::string_view text, std::string_view tag, std::uint64_t rows = 0,
             bool idle = true) {
    statement(text, tag, rows);
    ready(idle);
  }
  bus::write_set end() { return sets.end(key).value_or(bus::write_set{}); }
};

TEST(traced_writes, a_statement_alone_is_committed_at_once) {
  talk t;
  t.query(traced("SELECT 1"), "SELECT", 1);
  t.query(traced("INSERT INTO t VALUES (1)"), "INSERT", 1);
  t.query("INSERT INTO t VALUES (2)", "INSERT", 1);                    // bears no trace
  t.query(traced("INSERT INTO t VALUES (3)", '1', 'b'), "INSERT", 1);  // another's
  const auto set = t.end();
  EXPECT_EQ(set.statements, 2);
  ASSERT_EQ(set.writes.size(), 1);
  EXPECT_EQ(set.writes[0].kind, write_kind::insert);
  EXPECT_EQ(set.writes[0].rows, 1);
  EXPECT_NE(set.writes[0].values, 0);
  EXPECT_EQ(*set.writes[0].statement, "printed");
}

TEST(traced_writes, a_transaction_counts_when_it_is_committed) {
  talk t;
  t.query("BEGIN", "BEGIN", 0, false);
  t.query(traced("UPDATE t SET a = 1"), "UPDATE", 2, false);
  EXPECT_TRUE(t.sets.watches(t.key));
  t.query("COMMIT", "COMMIT");
  t.query("BEGIN", "BEGIN", 0, false);
  t.query(traced("UPDATE t SET a = 2"), "UPDATE", 3, false);
  t.query("ROLLBACK", "ROLLBACK");
  t.query("BEGIN", "BEGIN", 0, false);
  t.query(traced("UPDATE t SET a = 3"), "UPDATE", 4, false);
  t.failed(traced("UPDATE t SET b = 1"));
  t.ready(false);
  t.query("COMMIT", "ROLLBACK");  // what PostgreSQL makes of it
  t.query("BEGIN", "BEGIN", 0, false);
  t.query(traced("UPDATE t SET a = 4"), "UPDATE", 5, false);
  t.failed("COMMIT");  // a deferred constraint
  t.ready(true);
  const auto set = t.end();
  ASSERT_EQ(set.writes.size(), 1);
  EXPECT_EQ(set.writes[0].rows, 2);
  EXPECT_EQ(set.failures, 1);
  EXPECT_FALSE(set.undone_in_part);
}

TEST(traced_writes, an_error_before_sync_takes_all_back) {
  talk t;
  t.statement(traced("INSERT INTO t VALUES (1)"), "INSERT", 1);
  t.failed(traced("INSERT INTO t VALUES (1)"));
  t.ready(true);
  t.query(traced("INSERT INTO t VALUES (2)"), "INSERT", 1);
  EXPECT_EQ(t.end().writes.size(), 1);
}

TEST(traced_writes, a_savepoint_that_is_gone_back_to_makes_it_unclear) {
  talk t;
  t.query("BEGIN", "BEGIN", 0, false);
  t.query(traced("INSERT INTO t VALUES (1)"), "INSERT", 1, false);
  t.query("ROLLBACK TO s", "ROLLBACK", 0, false);
  t.query("COMMIT", "COMMIT");
  const auto set = t.end();
  EXPECT_EQ(set.writes.size(), 1);
  EXPECT_TRUE(set.undone_in_part);
}

TEST(traced_writes, several_transactions_before_one_ready_are_unclear) {
  for (const auto& tags : {std::array{"ROLLBACK", "SELECT"}, std::array{"COMMIT", "ROLLBACK"}}) {
    talk t;
    t.query("BEGIN", "BEGIN", 0, false);
    t.query(traced("UPDATE t SET a = 1"), "UPDATE", 1, false);
    for (const auto* tag : tags) t.statement("another", tag, 0);
    t.ready(true);
    const auto set = t.end();
    EXPECT_TRUE(set.writes.empty()) << tags[0];
    EXPECT_TRUE(set.undone_in_part) << tags[0];
  }
}

TEST(traced_writes, values_do_not_know_the_comment) {
  talk t;
  const auto values = [&t](const std::string& text) {
    return t.writes.values_of_query(t.ids_of(text), text);
  };
  const auto one = values(traced("UPDATE t SET a = 1", '1'));
  EXPECT_EQ(one, values(traced("UPDATE t SET a = 1", '2')));
  EXPECT_NE(one, values(traced("UPDATE t SET a = 2", '2')));
  EXPECT_EQ(values(traced("SELECT 1")), 0);
  EXPECT_EQ(values("UPDATE t SET a = 1"), 0);
}

TEST(traced_writes, values_of_a_bind) {
  talk t;
  const auto values = [&t](std::string_view a, std::string_view b, bool null = false,
                           char span = '1') {
    const auto text = traced("UPDATE t SET a = $1, b = $2", span);
    const std::vector<pgwire::value_view> views{{a, null}, {b, false}};
    std::string bind;
    EXPECT_TRUE(pgwire::append_bind(bind, {.parameters = views}));
    return t.writes.values_of_bind(t.ids_of(text), text + std::string(3, '\0'),
                                   std::string_view(bind).substr(5));
  };
  const auto one = values("1", "2");
  EXPECT_NE(one, 0);
  EXPECT_EQ(one, values("1", "2", false, '2'));
  EXPECT_NE(one, values("12", ""));
  EXPECT_NE(values("", "2"), values("", "2", true));
}

TEST(traced_writes, more_than_a_transaction_keeps_is_told) {
  talk t;
  for (std::size_t i = 0; i <= bus::write_sets::most_writes; ++i)
    t.statement(traced("INSERT INTO t VALUES (1)"), "INSERT", 1);
  t.ready(true);
  const auto set = t.end();
  EXPECT_EQ(set.writes.size(), bus::write_sets::most_writes);
  EXPECT_TRUE(set.incomplete);
}

TEST(traced_writes, nobody_asks) {
  traced_writes none(nullptr);
  EXPECT_FALSE(none.watches({.request = 7}));
}

}  // namespace
}  // namespace fairing::sql
