#include "bus/write_sets.hpp"

#include <gtest/gtest.h>

namespace fairing::bus {
namespace {

constexpr std::uint64_t key = 7;

TEST(write_sets, keeps_what_is_told_between_begin_and_end) {
  write_sets sets;
  EXPECT_FALSE(sets.watches(key));
  sets.add(key, {.kind = write_kind::insert, .rows = 1});
  sets.begin(key);
  EXPECT_TRUE(sets.watches(key));
  EXPECT_FALSE(sets.watches(key + 1));
  sets.saw_statement(key);
  sets.saw_statement(key + 1);
  sets.add(key, {.kind = write_kind::update, .rows = 3});
  const auto set = sets.end(key);
  ASSERT_TRUE(set);
  EXPECT_EQ(set->statements, 1);
  ASSERT_EQ(set->writes.size(), 1);
  EXPECT_EQ(set->writes[0].rows, 3);
  EXPECT_FALSE(sets.watches(key));
  EXPECT_FALSE(sets.end(key));
  EXPECT_EQ(sets.open(), 0);
}

TEST(write_sets, begins_anew) {
  write_sets sets;
  sets.begin(key);
  sets.add(key, {.kind = write_kind::insert, .rows = 1});
  sets.begin(key);
  EXPECT_TRUE(sets.end(key)->writes.empty());
}

TEST(write_sets, the_oldest_makes_room) {
  write_sets sets;
  for (std::uint64_t k = 1; k <= write_sets::most_open + 1; ++k) sets.begin(k);
  EXPECT_EQ(sets.open(), write_sets::most_open);
  EXPECT_FALSE(sets.end(1));
  EXPECT_TRUE(sets.end(2));
  EXPECT_TRUE(sets.end(write_sets::most_open + 1));
}

TEST(write_sets, more_writes_than_are_kept_are_told) {
  write_sets sets;
  sets.begin(key);
  for (std::size_t i = 0; i <= write_sets::most_writes; ++i)
    sets.add(key, {.kind = write_kind::insert, .rows = 1});
  const auto set = sets.end(key);
  EXPECT_EQ(set->writes.size(), write_sets::most_writes);
  EXPECT_TRUE(set->incomplete);
}

}  // namespace
}  // namespace fairing::bus
