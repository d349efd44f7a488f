// What is kept of results, and the rules of a loop one by one. Whole conversations: sql/logic/insight_test.cpp.
#include "advise/n_plus_one.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fairing::advise {
namespace {

std::string row_of(const std::vector<std::string>& values) {
  std::string out;
  out += '\0';
  out += static_cast<char>(values.size());
  for (const auto& v : values) {
    const auto n = static_cast<std::uint32_t>(v.size());
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(n >> shift & 0xff);
    out += v;
  }
  return out;
}

result_handle kept(result_store& s, std::uint32_t text, int rows, std::size_t bytes = 10) {
  const auto h = s.begin(text, 0, 0);
  for (int i = 0; i < rows; ++i) s.add_row(h, row_of({std::to_string(i), std::string(bytes, 'x')}));
  s.end(h);
  return h;
}

TEST(results, rows_come_back_in_order_over_blocks) {
  result_store s;
  const auto h = kept(s, 7, 100, 100);
  const auto* r = s.find(h);
  ASSERT_NE(r, nullptr);
  EXPECT_EQ(r->rows, 100);
  EXPECT_GT(r->blocks, 10);
  int i = 0;
  for (auto at = result_store::first(*r); !s.row(at).empty(); s.next(at))
    EXPECT_EQ(s.value(at, 0, false).bytes, std::to_string(i++));
  EXPECT_EQ(i, 100);
  EXPECT_TRUE(s.value(result_store::first(*r), 2, false).left_out);
}

TEST(results, of_long_rows_the_short_values_are_kept) {
  result_store s;
  const std::string uuid = "11111111-1111-1111-1111-111111111111";
  for (const std::size_t columns : {0U, 10U, 40U, 60U, 300U}) {
    const auto h = s.begin(7, 0, 0);
    std::vector<std::string> row = {"17", std::string(5000, 'x'), uuid, std::string(70'000, 'y')};
    for (std::size_t i = 0; i < columns; ++i) row.push_back(std::string(50, 'z'));
    row.insert(row.begin() + 4, "4711");
    for (int i = 0; i < 20; ++i) s.add_row(h, row_of(row));
    s.end(h);
    const auto* r = s.find(h);
    ASSERT_NE(r, nullptr);
    EXPECT_GE(r->rows, columns == 0 ? 20 : 16) << columns;
    const auto at = result_store::first(*r);
    EXPECT_EQ(s.value(at, 0, false).bytes, "17") << columns;
    EXPECT_TRUE(s.value(at, 1, false).left_out) << columns;
    EXPECT_FALSE(s.value(at, 1, false).null) << columns;
    EXPECT_EQ(s.value(at, 2, false).bytes, uuid) << columns;
    EXPECT_TRUE(s.value(at, 3, false).left_out) << columns;
    EXPECT_EQ(s.value(at, 4, false).bytes, "4711") << columns;
  }
}

TEST(results, of_a_row_that_came_in_part_what_came_is_kept) {
  result_store s;
  const auto h = s.begin(7, 0, 0);
  const auto row = row_of({"17", std::string(5000, 'x'), "18"});
  for (const std::size_t part : {1U, 2U, 5U, 7U, 8U, 12U, 200U, 3000U})
    s.add_row(h, row.substr(0, part));
  s.end(h);
  const auto* r = s.find(h);
  ASSERT_NE(r, nullptr);
  EXPECT_EQ(r->rows, 7);
  auto at = result_store::first(*r);
  for (int i = 0; i < 7; ++i, s.next(at)) {
    EXPECT_EQ(s.value(at, 0, false).bytes, i < 3 ? "" : "17") << i;
    EXPECT_TRUE(s.value(at, 2, false).left_out) << i;
  }
}

TEST(results, are_bounded) {
  result_store s;
  const auto wide = kept(s, 1, 20, 1000);  // of each row a block
  ASSERT_NE(s.find(wide), nullptr);
  EXPECT_EQ(s.find(wide)->rows, 16);
  EXPECT_TRUE(s.find(wide)->cut);
  const auto tall = s.begin(2, 0, 0);
  for (int i = 0; i < 2000; ++i) s.add_row(tall, row_of({"1"}));
  s.end(tall);
  EXPECT_EQ(s.find(tall)->rows, 1000);
  EXPECT_TRUE(s.find(tall)->cut);
  for (std::uint32_t t = 3; t < 40; ++t) kept(s, t, 30, 100);
  EXPECT_EQ(s.find(wide), nullptr);
  int used = 0;
  for (const auto& r : s.all()) used += r.blocks;
  EXPECT_LE(used, 32);
}

TEST(results, forgets_short_ones_and_keeps_two_of_a_text) {
  result_store s;
  EXPECT_EQ(s.find(kept(s, 1, 1)), nullptr);
  EXPECT_EQ(s.newest(), 0U);
  const auto a = kept(s, 1, 2);
  const auto b = kept(s, 1, 1);  // of a text that gave more
  EXPECT_NE(s.find(b), nullptr);
  const auto c = kept(s, 1, 2);
  EXPECT_EQ(s.find(a), nullptr);
  EXPECT_NE(s.find(b), nullptr);
  EXPECT_EQ(s.newest(), c.serial);
  s.add_row(a, row_of({"1"}));
  s.end(a);
  s.clear();
  EXPECT_EQ(s.find(c), nullptr);
}

TEST(results, broken_rows_are_only_bytes) {
  result_store s;
  const auto h = s.begin(1, 0, 0);
  for (const std::string_view body : {"", "\0", "\xff\xff", "\0\3\0\0\0\1", "\0\1\x7f\xff\xff\xff"})
    s.add_row(h, body);
  s.add_row(h, std::string_view("\xff\xff\0\0\0\1a", 7));
  s.end(h);
  if (const auto* r = s.find(h))
    for (auto at = result_store::first(*r); !s.row(at).empty(); s.next(at))
      static_cast<void>(s.value(at, 60'000, true));
}

struct nobody : text_facts {
  std::span<const column> columns(std::uint32_t) const override { return {}; }
};
struct runs : run_sink {
  void on_run(const run& r) override { all.push_back(r); }
  void on_false_start(std::uint32_t, std::uint32_t keys) noexcept override { false_starts += keys; }
  std::vector<run> all;
  std::uint32_t false_starts = 0;  // keys of them
};

struct machine {
  nobody facts;
  runs found;
  session_tracker tracker{facts, {.least = 3}};
  std::int64_t now = 1'000'000;

  void list(const std::vector<std::string>& values, std::uint32_t text = 1) {
    const auto h = tracker.results().begin(text, 0, now);
    for (const auto& v : values) tracker.results().add_row(h, row_of({v}));
    tracker.results().end(h);
  }
  void ask(std::string_view key, bool may_be_key = true, std::uint32_t rest = 0) {
    const unit u{key_of({.bytes = key}), may_be_key};
    tracker.execute({.text = 2, .units = {&u, 1}, .rest = rest, .now_us = now}, found);
    tracker.done(2, 100);
    now += 150;
  }
  std::uint32_t keys() {
    tracker.finish(found);
    std::uint32_t sum = 0;
    for (const auto& r : found.all) sum += r.keys;
    return sum;
  }
};

TEST(n_plus_one, counts_a_loop_once) {
  machine m;
  m.list({"a", "b", "c", "d"});
  for (const auto* k : {"a", "b", "c", "d"}) m.ask(k);
  EXPECT_EQ(m.keys(), 4U);
  ASSERT_EQ(m.found.all.size(), 1U);
  EXPECT_EQ(m.found.all[0].lost_us, 300);
  EXPECT_EQ(m.found.all[0].source, 1U);
  EXPECT_EQ(m.found.all[0].last_us - m.found.all[0].first_us, 450);
}

TEST(n_plus_one, a_list_that_is_fetched_again_is_another_loop) {
  machine m;
  for (int i = 0; i < 3; ++i) {
    m.list({"a", "b", "c", "d"});
    for (const auto* k : {"a", "b", "c", "d"}) m.ask(k);
  }
  EXPECT_EQ(m.keys(), 12U);
  EXPECT_EQ(m.found.all.size(), 3U);
}

TEST(n_plus_one, order_constants_and_places_matter) {
  machine backwards;
  backwards.list({"d", "c", "b", "a"});
  for (const auto* k : {"a", "b", "c", "d"}) backwards.ask(k);
  EXPECT_EQ(backwards.keys(), 0U);
  machine limit;
  limit.list({"a", "b", "c", "d"});
  for (const auto* k : {"a", "b", "c", "d"}) limit.ask(k, false);
  EXPECT_EQ(limit.keys(), 0U);
  machine constants;
  constants.list({"a", "b", "c", "d"});
  std::uint32_t rest = 0;
  for (const auto* k : {"a", "b", "c", "d"}) constants.ask(k, true, ++rest);
  EXPECT_EQ(constants.keys(), 0U);
  machine few;
  few.list({"a", "b", "c", "d"});
  for (const auto* k : {"a", "b"}) few.ask(k);
  EXPECT_EQ(few.keys(), 0U);
}

// The first key comes behind a stranger and costs a search in vain; the second must not be passed over,
// or consecutive numbers look like a counter's.
TEST(n_plus_one, look_ups_in_vain_do_not_hide_a_loop) {
  for (const int strangers : {1, 2, 3, 4, 5, 8, 12, 30}) {
    machine m;
    m.list({"500", "501"}, 3);
    for (int i = 0; i < strangers; ++i) m.ask(std::to_string(1000 + i * i));
    m.list({"2", "3", "4", "5", "6", "7"});
    for (const auto* k : {"2", "3", "4", "5", "6", "7"}) m.ask(k);
    EXPECT_EQ(m.keys(), 6U) << strangers;
  }
}

TEST(n_plus_one, too_sparse_or_too_old_is_none) {
  machine sparse;
  std::vector<std::string> list;
  for (int i = 0; i < 60; ++i) list.push_back("v" + std::to_string(i));
  sparse.list(list);
  for (int i = 0; i < 60; i += 5) sparse.ask(list[static_cast<std::size_t>(i)]);
  EXPECT_EQ(sparse.keys(), 0U);
  machine old;
  old.list({"a", "b", "c", "d"});
  old.now += 11'000'000;
  for (const auto* k : {"a", "b", "c", "d"}) old.ask(k);
  EXPECT_EQ(old.keys(), 0U);
}

TEST(n_plus_one, flush_tells_what_is_over_only) {
  machine m;
  m.list({"a", "b", "c", "d"});
  for (const auto* k : {"a", "b", "c"}) m.ask(k);
  m.tracker.flush(m.now, m.found);
  EXPECT_TRUE(m.found.all.empty());
  m.tracker.flush(m.now + 2'000'000, m.found);
  ASSERT_EQ(m.found.all.size(), 1U);
  EXPECT_EQ(m.keys(), 3U);
}

TEST(n_plus_one, goes_on_behind_a_result_that_was_cut) {
  machine m;
  std::vector<std::string> list;
  for (int i = 0; i < 1500; ++i) list.push_back("v" + std::to_string(i));
  m.list(list);
  for (const auto& k : list) m.ask(k);
  EXPECT_EQ(m.keys(), 1500U);
  EXPECT_EQ(m.found.all.size(), 1U);
}

}  // namespace
}  // namespace fairing::advise
