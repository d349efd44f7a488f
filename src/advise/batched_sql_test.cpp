// The statement that replaces a loop, for the templates that clients were seen to send.
#include "advise/batched_sql.hpp"

#include <gtest/gtest.h>

namespace fairing::advise {
namespace {

TEST(batched_sql, any_where_rows_can_be_told_apart) {
  EXPECT_EQ(batched_sql("select * from orders where user_id = $1", {.slot = 1}),
            "select * from orders where user_id = any($1)");
  EXPECT_EQ(
      batched_sql("select orders.id as orders_id from orders where $1 = orders.user_id",
                  {.slot = 1}),
      "select orders.user_id, orders.id as orders_id from orders where orders.user_id = any($1)");
  EXPECT_EQ(
      batched_sql(
          R"(select "o"."id", "o"."user_id" from "orders" as "o" where "o"."user_id" in ($1 /*, ...*/) and a = $2)",
          {.slot = 1}),
      R"(select "o"."id", "o"."user_id" from "orders" as "o" where "o"."user_id" = any($1) and a = $2)");
  EXPECT_EQ(
      batched_sql(
          R"(select "Order"."id" as "Order_id" from "orders" "Order" left join "users" "u" on "u"."id" = "Order"."user_id" where ((("u"."id" = $1))))",
          {.slot = 1}),
      R"(select "u"."id", "Order"."id" as "Order_id" from "orders" "Order" left join "users" "u" on "u"."id" = "Order"."user_id" where ((("u"."id" = any($1)))))");
}

TEST(batched_sql, lateral_where_something_counts_per_key) {
  EXPECT_EQ(
      batched_sql("select * from orders where user_id = $1 order by at desc limit $2",
                  {.slot = 1, .type = 23}),
      "select k.n, k.key, q.* from unnest($1::integer[]) with ordinality as k(key, n) cross join "
      "lateral "
      "(select * from orders where user_id = k.key order by at desc limit $2) as q order by k.n");
  for (const auto* t :
       {"select count(*) from orders where user_id = $1",
        "select distinct a from orders where user_id = $1",
        "select id from orders where user_id = $1 offset $2",
        "select sum(x) from o where user_id = $1 group by y",
        "select * from orders where user_id = $1 or a = $2",
        "select * from orders where f(user_id) = $1", "select * from orders where user_id + 1 = $1",
        "select * from orders where user_id = $1 + 1",
        "select * from t where exists (select 1 from o where o.id = $1)"})
    EXPECT_NE(batched_sql(t, {.slot = 1}).find("cross join lateral"), std::string::npos) << t;
}

TEST(batched_sql, names_do_not_clash) {
  const auto sql = batched_sql("select k.a from k join q on q.id = k.id where k.b = $1 limit $2",
                               {.slot = 1, .kind = value_kind::uuid});
  EXPECT_EQ(sql,
            "select k_1.n, k_1.key, q_1.* from unnest($1::uuid[]) with ordinality as k_1(key, n) "
            "cross join lateral "
            "(select k.a from k join q on q.id = k.id where k.b = k_1.key limit $2) as q_1 order "
            "by k_1.n");
}

TEST(batched_sql, what_is_no_single_select_is_left_alone) {
  for (const auto* t :
       {"", "update t set a = 1 where id = $1", "select 1; select * from t where id = $1",
        "select a from t where id = $1 union select b from u", "select * from t where id = $2",
        "select * from t where 'a"})
    EXPECT_EQ(batched_sql(t, {.slot = 1}), "") << t;
}

TEST(batched_sql, types) {
  EXPECT_EQ(type_name(21, value_kind::integer), "smallint");
  EXPECT_EQ(type_name(0, value_kind::integer), "bigint");
  EXPECT_EQ(type_name(0, value_kind::uuid), "uuid");
  EXPECT_EQ(type_name(1043, value_kind::integer), "text");
}

}  // namespace
}  // namespace fairing::advise
