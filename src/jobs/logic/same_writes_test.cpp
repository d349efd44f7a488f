#include "jobs/logic/same_writes.hpp"

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>

namespace fairing::jobs {
namespace {

using bus::write;
using bus::write_kind;
using bus::write_set;
using enum verdict;

constexpr std::uint32_t orders = 1, lines = 2;

write made(write_kind kind, std::uint64_t values, std::uint64_t rows = 1,
           std::uint32_t table = orders, std::string text = "statement") {
  return {.kind = kind,
          .relative = false,
          .rows = rows,
          .values = values,
          .table = table,
          .statement = std::make_shared<const std::string>(std::move(text))};
}
write relative(write w) {
  w.relative = true;
  return w;
}
write_set run(std::initializer_list<write> writes) {
  return {.writes = writes, .statements = writes.size() + 1};
}
void expect(const write_set& first, const write_set& second, verdict v, verdict_reason why,
            bool failed = false) {
  const auto c = compare_runs(first, second, failed);
  EXPECT_EQ(to_string(c.what), to_string(v));
  EXPECT_EQ(to_string(c.why), to_string(why));
}

using k = write_kind;
using r = verdict_reason;

TEST(same_writes, nothing_the_second_time_is_idempotent) {
  const auto first = run({made(k::insert, 1)});
  expect(first, run({}), idempotent, r::wrote_nothing);
  expect(first, run({made(k::insert_or_nothing, 1, 0)}), idempotent, r::wrote_nothing);
  expect(first, run({relative(made(k::update, 1, 0))}), idempotent, r::wrote_nothing);
  expect(run({}), run({}), idempotent, r::wrote_nothing);
  expect(first, {}, not_seen,
         r::no_trace);  // it looked elsewhere whether it had run, or lost its trace
}

TEST(same_writes, rows_that_come_again) {
  const auto first = run({made(k::insert, 1, 2, orders, "INSERT INTO orders ...")});
  const auto c = compare_runs(first, first, false);
  EXPECT_EQ(c.what, not_idempotent);
  EXPECT_EQ(c.why, r::added_rows);
  EXPECT_EQ(c.statement, "INSERT INTO orders ...");
  EXPECT_EQ(c.rows_first, 2);
  EXPECT_EQ(c.rows_second, 2);
  expect(run({made(k::insert_or_nothing, 1)}), run({made(k::insert_or_nothing, 2)}), not_idempotent,
         r::added_rows);
}

TEST(same_writes, updates_by_value) {
  for (const auto kind : {k::update, k::upsert}) {
    const auto first = run({made(kind, 1)});
    expect(first, first, idempotent, r::wrote_the_same);
    expect(first, run({made(kind, 2)}), not_idempotent, r::other_values);
    expect(first, run({made(kind, 2, 1, orders, "another")}), not_idempotent, r::other_statement);
    expect(first, run({made(kind, 1), made(kind, 1)}), not_idempotent, r::other_values);
    expect(first, run({made(kind, 0)}), unclear, r::values_unknown);
    const auto counts = run({relative(made(kind, 1))});
    expect(counts, counts, not_idempotent, r::relative);
  }
}

TEST(same_writes, a_run_that_replaces_what_it_put_is_idempotent) {
  const auto first = run({made(k::remove, 1, 0), made(k::insert, 2, 3)});
  expect(first, run({made(k::remove, 1, 3), made(k::insert, 2, 3)}), idempotent, r::wrote_the_same);
  expect(first, run({made(k::insert, 2, 3), made(k::remove, 1, 3)}), not_idempotent, r::added_rows);
  expect(first, run({made(k::remove, 1, 3), made(k::insert, 4, 3)}), not_idempotent, r::added_rows);
  expect(first, run({made(k::remove, 1, 2), made(k::insert, 2, 3)}), not_idempotent, r::added_rows);
  expect(first, run({made(k::remove, 1, 3, lines), made(k::insert, 2, 3)}), not_idempotent,
         r::added_rows);
  const auto copies = run({made(k::truncate, 1, 0), relative(made(k::insert, 2, 3))});
  expect(copies, copies, not_idempotent, r::added_rows);
  const auto anew = run({made(k::truncate, 1, 0), made(k::insert, 2, 3)});
  expect(anew, anew, idempotent, r::wrote_the_same);
}

TEST(same_writes, deletes) {
  const auto first = run({made(k::remove, 1)});
  expect(first, run({made(k::remove, 1, 0)}), idempotent, r::wrote_nothing);
  expect(first, first, unclear, r::deleted_again);
  expect(first, run({made(k::remove, 2)}), not_idempotent, r::other_values);
}

TEST(same_writes, what_cannot_be_judged_is_unclear_but_harm_that_is_seen_counts) {
  const auto first = run({made(k::opaque, 1), made(k::insert, 2)});
  expect(first, run({made(k::opaque, 1)}), unclear, r::opaque);
  expect(first, first, not_idempotent, r::added_rows);
  auto more = run({});
  more.incomplete = true;
  expect(more, run({}), unclear, r::incomplete);
  expect(run({}), more, unclear, r::incomplete);
  auto undone = run({});
  undone.undone_in_part = true;
  expect(run({}), undone, unclear, r::undone_in_part);
}

TEST(same_writes, a_second_run_that_fails) {
  auto second = run({});
  expect(run({}), second, unclear, r::failed_elsewhere, true);
  second.failures = 1;  // a unique name was taken
  expect(run({}), second, not_idempotent, r::failed, true);
  expect(run({}), second, idempotent, r::wrote_nothing, false);  // it knew what to do about it
}

TEST(same_writes, without_a_trace_nothing_is_said) {
  expect({}, run({made(k::insert, 1)}), not_seen, r::no_trace);
  expect({}, {}, not_seen, r::no_trace);
  EXPECT_EQ(compare_runs(std::nullopt, run({}), false).why, r::not_watched);
  EXPECT_EQ(compare_runs(run({}), std::nullopt, false).what, not_seen);
}

}  // namespace
}  // namespace fairing::jobs
