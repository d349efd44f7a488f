// The checks must bite: whatever is wrong with an answer is found, and what is right is not.
#include "answer_check.hpp"

#include <gtest/gtest.h>

#include "codec/pgwire/server_messages.hpp"
#include "codec/pgwire/server_writer.hpp"
#include "fault_log.hpp"
#include "script_writer.hpp"

namespace fairing::torture {
namespace {

namespace pgwire = codec::pgwire;

class checked : public testing::Test {
 protected:
  // Feeds all messages; the last verdict, or the first that is not `more`.
  verdict feed(std::string_view bytes) {
    auto v = verdict::more;
    while (!bytes.empty() && v == verdict::more) {
      const auto size = 1 + pgwire::load_u32(bytes.data() + 1);
      v = check.take(bytes[0], bytes.substr(5, size - 5));
      bytes.remove_prefix(size);
    }
    left = bytes.size();
    return v;
  }
  std::string row(std::string_view tag, std::string_view number) {
    std::string out;
    const pgwire::value_view values[] = {{tag}, {number}};
    EXPECT_TRUE(pgwire::append_data_row(out, values));
    return out;
  }
  std::string columns() {
    std::string out;
    const pgwire::column_view all[] = {{.name = "a"}, {.name = "b"}};
    EXPECT_TRUE(pgwire::append_row_description(out, all));
    return out;
  }
  std::string done(std::string_view tag) {
    std::string out;
    pgwire::append_command_complete(out, tag);
    return out;
  }
  std::string ready_message(pgwire::transaction_status s = pgwire::transaction_status::idle) {
    std::string out;
    pgwire::append_ready_for_query(out, s);
    return out;
  }
  std::string error(pgwire::sqlstate code, std::string_view severity = "ERROR") {
    std::string out;
    pgwire::append_error(out, {.code = code, .severity = severity});
    return out;
  }
  void begin_two_rows(bool may_be_cancelled = false) {
    asked = {};
    simple_rows(asked, {.tag = "~1.1-1~", .first = 7, .count = 2});
    ready(asked.answers, 'I');
    check.begin(asked.answers, may_be_cancelled);
  }

  answer_check check;
  step asked;
  std::size_t left = 0;
};

TEST_F(checked, takes_the_right_answer) {
  begin_two_rows();
  EXPECT_EQ(feed(columns() + row("~1.1-1~", "7") + row("~1.1-1~", "8") + done("SELECT 2") +
                 ready_message()),
            verdict::done);
  EXPECT_FALSE(check.broke());
}

TEST_F(checked, finds_a_row_of_somebody_else) {
  begin_two_rows();
  EXPECT_EQ(feed(columns() + row("~2.1-1~", "7")), verdict::fault);
  EXPECT_TRUE(check.wrong_row());
}

TEST_F(checked, finds_rows_out_of_order_missing_and_one_too_many) {
  begin_two_rows();
  EXPECT_EQ(feed(columns() + row("~1.1-1~", "8")), verdict::fault);
  begin_two_rows();
  EXPECT_EQ(feed(columns() + row("~1.1-1~", "7") + done("SELECT 2")), verdict::fault);
  begin_two_rows();
  EXPECT_EQ(feed(columns() + row("~1.1-1~", "7") + row("~1.1-1~", "8") + row("~1.1-1~", "9")),
            verdict::fault);
}

TEST_F(checked, finds_what_nothing_asked_for) {
  EXPECT_EQ(feed(ready_message()), verdict::fault);
  EXPECT_EQ(feed(error(pgwire::sqlstate::internal_error)), verdict::fault);
}

TEST_F(checked, finds_a_wrong_status_and_a_wrong_count) {
  begin_two_rows();
  EXPECT_EQ(feed(columns() + row("~1.1-1~", "7") + row("~1.1-1~", "8") + done("SELECT 3")),
            verdict::fault);
  begin_two_rows();
  EXPECT_EQ(feed(columns() + row("~1.1-1~", "7") + row("~1.1-1~", "8") + done("SELECT 2") +
                 ready_message(pgwire::transaction_status::in_transaction)),
            verdict::fault);
}

TEST_F(checked, a_cancel_is_good_only_where_one_was_sent) {
  begin_two_rows(true);
  EXPECT_EQ(feed(columns() + error(pgwire::sqlstate::query_canceled) + ready_message()),
            verdict::done);
  EXPECT_TRUE(check.cancelled());
  begin_two_rows(false);
  EXPECT_EQ(feed(columns() + error(pgwire::sqlstate::query_canceled)), verdict::fault);
}

TEST_F(checked, a_server_that_is_gone_breaks_the_statement_alone) {
  begin_two_rows();
  EXPECT_EQ(feed(error(pgwire::sqlstate::connection_failure) + ready_message()), verdict::done);
  EXPECT_TRUE(check.broke());
  EXPECT_EQ(check.sqlstate(), "08006");
  begin_two_rows();
  EXPECT_EQ(feed(error(pgwire::sqlstate::admin_shutdown, "FATAL")), verdict::fatal);
}

TEST_F(checked, finds_a_name_of_somebody_else) {
  check.names = {"torture-1"};
  std::string out;
  pgwire::append_parameter_status(out, "application_name", "torture-1");
  EXPECT_EQ(feed(out), verdict::more);
  out.clear();
  pgwire::append_parameter_status(out, "application_name", "torture-2");
  EXPECT_EQ(feed(out), verdict::fault);
}

TEST(fault_log, a_kill_explains_one_loss) {
  fault_log log;
  log.add({.at_us = 100, .what = "kill_before_answer", .kills = true, .busy = true, .client = 3});
  log.add({.at_us = 200, .what = "kill_before_answer", .kills = true, .busy = false, .client = 4});
  log.add({.at_us = 300, .what = "delay"});
  const auto e = log.explain(
      {{.at_us = 150, .client = 3}, {.at_us = 250, .client = 9}, {.at_us = 350, .client = 8}});
  EXPECT_EQ(e.by_tag, 1U);
  EXPECT_EQ(e.loosely, 1U);
  EXPECT_EQ(e.not_at_all, 1U);
  EXPECT_EQ(log.kills(), 2U);
}

TEST(fault_log, finds_tags_in_passing_bytes) {
  EXPECT_EQ(last_tag("Q SELECT '~12.3-4~'::text; SELECT '~12.3-5~'"), "~12.3-5~");
  EXPECT_EQ(last_tag("~ no tag ~"), "");
  EXPECT_EQ(last_tag("~12.3-4~ and ~"), "~12.3-4~");
  EXPECT_EQ(client_of_tag("~12.3-5~"), 12U);
  EXPECT_EQ(client_of_tag("-"), std::nullopt);
}

TEST(script_writer, the_same_seed_gives_the_same_scripts) {
  script_writer a(5, 9, {});
  script_writer b(5, 9, {});
  a.connected(1);
  b.connected(1);
  for (int i = 0; i < 500; ++i) {
    const auto x = a.next();
    const auto y = b.next();
    ASSERT_STREQ(x.kind, y.kind);
    ASSERT_EQ(x.steps.size(), y.steps.size());
    ASSERT_GT(x.statements, 0U);
    for (std::size_t s = 0; s < x.steps.size(); ++s) {
      ASSERT_EQ(x.steps[s].bytes, y.steps[s].bytes);
      ASSERT_FALSE(x.steps[s].answers.empty());
    }
  }
}

}  // namespace
}  // namespace fairing::torture
