#include "sql/logic/start_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fairing::sql {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST(start_settings, options_are_read_as_postgresql_reads_them) {
  EXPECT_THAT(*read_options("-c search_path=a,public --work-mem=1MB -cDateStyle=SQL"),
              ElementsAre(Pair("search_path", "a,public"), Pair("work_mem", "1MB"),
                          Pair("datestyle", "SQL")));
  EXPECT_THAT(*read_options(R"(  -c  search_path="$user",\ public\\x  )"),
              ElementsAre(Pair("search_path", R"("$user", public\x)")));
  EXPECT_THAT(*read_options("-c app.tenant="), ElementsAre(Pair("app.tenant", "")));
  EXPECT_THAT(*read_options(""), IsEmpty());
  for (const auto* other :
       {"-d 3", "-e", "--", "-c", "-c a", "-c =b", "--x", "search_path=a", "-c a=b -S 1"})
    EXPECT_FALSE(read_options(other)) << other;
}

TEST(start_settings, what_can_be_set_is_the_client_s_and_the_rest_the_pool_s) {
  const auto s =
      part_start_up({{"timezone", "UTC"},
                     {"log_connections", "on"},
                     {"options", "-c timezone=Asia/Tokyo -c search_path=a -c post_auth_delay=1"},
                     {"transaction_isolation", "serializable"}});
  EXPECT_THAT(s.settings, ElementsAre(Pair("search_path", "a"), Pair("timezone", "UTC")))
      << "a parameter is over options";
  EXPECT_THAT(s.fixed, ElementsAre(Pair("log_connections", "on"), Pair("post_auth_delay", "1"),
                                   Pair("transaction_isolation", "serializable")));
}

TEST(start_settings, options_with_another_switch_stay_whole) {
  const auto s = part_start_up({{"options", "-c search_path=a -d 5"}, {"datestyle", "ISO"}});
  EXPECT_THAT(s.settings, ElementsAre(Pair("datestyle", "ISO")));
  EXPECT_THAT(s.fixed, ElementsAre(Pair("options", "-c search_path=a -d 5")));
}

}  // namespace
}  // namespace fairing::sql
