#include "base/assert.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/log.hpp"

namespace fairing {
namespace {

void the_site() { FAIRING_BUG("test_bug"); }
void another_site() { FAIRING_BUG("other_bug"); }

TEST(assert, a_bug_is_logged_once_a_site_and_counted_each_time) {
  std::vector<std::string> lines;
  log::configure({.sink = [&](std::string_view line) { lines.emplace_back(line); }});
  const auto before = bug_count();
  for (int i = 0; i < 3; ++i) the_site();
  another_site();
  log::configure({});

  EXPECT_EQ(bug_count() - before, 4U);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].find(R"("event":"bug","name":"test_bug")"), std::string::npos);
  const auto reports = bugs();
  ASSERT_GE(reports.size(), 2U);
  EXPECT_EQ(reports[0].name, "other_bug");
  EXPECT_EQ(reports[1].name, "test_bug");
  EXPECT_EQ(reports[1].count, 3U);
  EXPECT_NE(reports[1].file.find("assert_test.cpp"), std::string_view::npos);
}

#ifdef NDEBUG
TEST(assert, is_not_evaluated_in_release) {
  int calls = 0;
  FAIRING_ASSERT(++calls > 0);
  EXPECT_EQ(calls, 0);
}
#else
TEST(assert_death, a_broken_invariant_aborts_and_names_itself) {
  FAIRING_ASSERT(1 + 1 == 2);
  EXPECT_DEATH(FAIRING_ASSERT(1 + 1 == 3), "assertion failed: 1 \\+ 1 == 3");
}
#endif

TEST(assert_death, a_panic_says_why) { EXPECT_DEATH(FAIRING_PANIC("no store"), "panic: no store"); }

}  // namespace
}  // namespace fairing
