// Eager forms and keyset pages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "advise/eager_forms.hpp"
#include "advise/pagination.hpp"

namespace fairing::advise {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::map<std::string, std::string> forms(const loop_names& n) {
  std::map<std::string, std::string> out;
  for (const auto& f : eager_forms(n)) out[std::string(f.framework)] = f.code;
  return out;
}

TEST(eager_forms, children_of_rows) {
  auto f = forms(
      {"select * from users limit $1", "id", "select * from order_items where user_id = $1", 1});
  EXPECT_EQ(f.size(), 9U);
  EXPECT_EQ(f["prisma"], "prisma.user.findMany({ include: { orderItems: true } })");
  EXPECT_THAT(f["typeorm"], HasSubstr("relations: { orderItems: true }"));
  EXPECT_THAT(f["typeorm"], HasSubstr("leftJoinAndSelect(\"user.orderItems\", \"orderItems\")"));
  EXPECT_EQ(f["sequelize"], "User.findAll({ include: { model: OrderItem, separate: true } })");
  EXPECT_THAT(f["django"], HasSubstr("User.objects.prefetch_related(\"orderitem_set\")"));
  EXPECT_EQ(f["sqlalchemy"], "select(User).options(selectinload(User.order_items))");
  EXPECT_EQ(f["laravel"], "User::with('orderItems')->get()");
  EXPECT_EQ(f["drizzle"], "db.query.users.findMany({ with: { orderItems: true } })");
  EXPECT_THAT(f["spring"], HasSubstr("join fetch e.orderItems"));
  EXPECT_THAT(f["spring"], HasSubstr("default_batch_fetch_size"));
  EXPECT_THAT(f["knex"], HasSubstr("db(\"order_items\").whereIn(\"user_id\", keys)"));
}

TEST(eager_forms, the_parent_of_rows) {
  auto f = forms({R"(select "o"."id" from "public"."orders" as "o")", "user_id",
                  R"(select * from "users" where "id" = $1 limit $2)", 1});
  EXPECT_EQ(f["prisma"], "prisma.order.findMany({ include: { user: true } })");
  EXPECT_EQ(f["django"], "Order.objects.select_related(\"user\")");
  EXPECT_EQ(f["sqlalchemy"], "select(Order).options(joinedload(Order.user))");
  EXPECT_EQ(f["sequelize"], "Order.findAll({ include: User })");
  EXPECT_EQ(f["laravel"], "Order::with('user')->get()");
}

std::string first(std::string_view loop) {
  return std::string(eager_forms({"select id from users", "id", loop, 1}).front().framework);
}

TEST(eager_forms, columns_that_typeorm_named_after_their_table) {
  auto f = forms(
      {R"(select "User"."id" as "User_id" from "users" "User" order by "User"."id")", "User_id",
       R"(select "Order"."id" as "Order_id" from "orders" "Order" left join "users" "u" )"
       R"(on "u"."id" = "Order"."user_id" where "u"."id" = $1)",
       1});
  EXPECT_THAT(f["typeorm"], HasSubstr("repository.find({ relations: { orders: true } })"));
  f = forms({R"(select "o"."id" as "o_id", "o"."user_id" as "o_user_id" from "orders" "o")",
             "o_user_id",
             R"(select "User"."id" as "User_id" from "users" "User" where "User"."id" = $1)", 1});
  EXPECT_THAT(f["typeorm"], HasSubstr("repository.find({ relations: { user: true } })"));
}

TEST(eager_forms, the_framework_that_wrote_it_comes_first) {
  EXPECT_EQ(
      first(R"(select "placed_at" as "placedAt", "user_id" as "userId" from "orders" as "order" )"
            R"(where "order"."user_id" = $1)"),
      "sequelize");
  EXPECT_EQ(first(R"(select "o"."id", "u"."id" as "u.id" from "orders" as "o" left outer join )"
                  R"("users" as "u" on "o"."user_id" = "u"."id" where "o"."user_id" = $1)"),
            "sequelize");
  EXPECT_EQ(first(R"(select "Order"."id" as "Order_id" from "orders" "Order" where )"
                  R"("Order"."user_id" = $1)"),
            "typeorm");
  EXPECT_EQ(
      first(
          R"(select "orders"."id", "orders"."total" from "orders" where "orders"."user_id" = $1)"),
      "django");
  EXPECT_EQ(first("select orders.id as orders_id from orders where $1 = orders.user_id"),
            "sqlalchemy");
  EXPECT_EQ(first("select users.id as users_id from users where users.id = $1"), "sqlalchemy");
  EXPECT_EQ(
      first(R"(select "s"."orders"."id" from "s"."orders" where "s"."orders"."user_id" = $1)"),
      "prisma");
  EXPECT_EQ(first(R"(select "total" from "orders" where "orders"."user_id" = $1)"), "drizzle");
  EXPECT_EQ(first(R"(select "total" from "orders" where "user_id" = $1)"), "knex");
  EXPECT_EQ(first(R"(select "orders".* from "orders" where "orders"."user_id" = $1)"), "prisma");
  EXPECT_EQ(
      first("select o1_0.user_id, o1_0.id, o1_0.total from orders o1_0 where o1_0.user_id = $1"),
      "spring");
  EXPECT_EQ(first("select orders0_.user_id as user_id3_1_0_, orders0_.id as id1_1_0_ from orders "
                  "orders0_ where orders0_.user_id = $1"),
            "spring");
  EXPECT_EQ(first(R"(select * from "orders" where "orders"."user_id" = $1 and )"
                  R"("orders"."user_id" is not null)"),
            "laravel");
  EXPECT_EQ(first("select t1_x.id from t1_x where t1_x.k = $1"),
            "prisma");  // no alias of Hibernate's
  EXPECT_EQ(first("select id from orders where user_id = $1"), "prisma");  // nobody's: as listed
}

TEST(eager_forms, of_hibernate_by_the_column_behind_its_alias) {
  const auto told = eager_sentence(
      {"select order0_.id as id1_1_, order0_.user_id as user_id3_1_ from orders order0_",
       "user_id3_1_",
       "select user0_.id as id1_2_0_, user0_.name as name2_2_0_ from users user0_ where "
       "user0_.id = $1",
       1});
  EXPECT_THAT(told, StartsWith("with spring: @EntityGraph(attributePaths = \"user\") List<Order>"));
}

TEST(eager_forms, a_sentence_of_the_framework_or_one_of_each_language) {
  EXPECT_THAT(eager_sentence({"select u1_0.id, u1_0.name from users u1_0", "id",
                              "select o1_0.user_id, o1_0.id from orders o1_0 where o1_0.user_id = "
                              "$1",
                              1}),
              StartsWith("with spring: @EntityGraph(attributePaths = \"orders\") List<User>"));
  const auto all =
      eager_sentence({"select id from users", "id", "select id from orders where user_id = $1", 1});
  for (const auto* word :
       {"with prisma: ", "; with django: ", "; with laravel: ", "; with spring: "})
    EXPECT_THAT(all, HasSubstr(word));
}

TEST(eager_forms, rows_of_a_cursor) {
  auto f =
      forms({"fetch forward $1 from name", "id", "select a from orders where user_id = $1", 1});
  EXPECT_EQ(f["django"],
            "User.objects.prefetch_related(\"order_set\")  # or the related_name of Order.user");
  EXPECT_EQ(f["sqlalchemy"], "select(User).options(selectinload(User.orders))");
}

TEST(eager_forms, words) {
  EXPECT_EQ(model_name("categories"), "Category");
  EXPECT_EQ(model_name("order_items"), "OrderItem");
  EXPECT_EQ(model_name("addresses"), "Address");
  EXPECT_EQ(model_name("boxes"), "Box");
  EXPECT_EQ(model_name("status"), "Status");
  EXPECT_EQ(model_name("Orders"), "Order");
}

TEST(eager_forms, unknown_tables_do_not_break_it) {
  EXPECT_EQ(forms({"", "", "", 1}).size(), 9U);
  EXPECT_EQ(forms({"select f()", "x", "select g($1)", 1}).size(), 9U);
}

TEST(pagination, deep_and_growing_offsets) {
  page_watch w;
  for (int i = 0; i < 50; ++i) w.on_execution(20, 0);
  EXPECT_EQ(w.verdict(), page_fault::none);
  for (const int o : {20, 40, 60}) w.on_execution(20, o);
  EXPECT_EQ(w.verdict(), page_fault::none);
  w.on_execution(20, 220);
  EXPECT_EQ(w.verdict(), page_fault::offset);
  page_watch deep;
  deep.on_execution(20, 1000);
  EXPECT_EQ(deep.verdict(), page_fault::offset);
  EXPECT_EQ(deep.deepest(), 1000);
  page_watch jump;
  jump.on_execution(5, 100);
  EXPECT_EQ(jump.verdict(), page_fault::none);
  // Where the table's rows are known, they decide.
  EXPECT_EQ(jump.verdict(10'001), page_fault::offset);
  EXPECT_EQ(jump.verdict(10'000), page_fault::none);
  EXPECT_EQ(deep.verdict(10'000), page_fault::none);
  EXPECT_EQ(page_watch{}.verdict(1'000'000), page_fault::none);
}

TEST(pagination, unbounded) {
  page_watch w;
  w.on_rows(10'001, true);
  EXPECT_EQ(w.verdict(), page_fault::none);
  w.on_rows(10'000, false);
  EXPECT_EQ(w.verdict(), page_fault::none);
  w.on_rows(10'001, false);
  EXPECT_EQ(w.verdict(), page_fault::unbounded);
}

TEST(pagination, keyset_forms) {
  EXPECT_EQ(keyset_form("select * from orders order by created_at desc limit $1 offset $2"),
            "select * from orders where (created_at, id) < ($3, $4) order by created_at desc, id "
            "desc limit $1");
  EXPECT_EQ(
      keyset_form(
          R"(select "t"."a" from "t" where "t"."b" = $1 or c = $2 order by "t"."id" asc limit $3 offset $4)"),
      R"(select "t"."a" from "t" where ("t"."b" = $1 or c = $2) and "t"."id" > $5 order by "t"."id" limit $3)");
  EXPECT_EQ(keyset_form("select a from t limit $1 offset $2"),
            "select a from t where id > $3 order by id limit $1");
  EXPECT_EQ(keyset_form("select a from t offset $1"),
            "select a from t where id > $2 order by id limit 20");
  EXPECT_EQ(keyset_form("select a from t order by a desc, b limit $1 offset $2"), "");
  EXPECT_EQ(keyset_form("select count(*) from t offset $1"), "");
  EXPECT_EQ(keyset_form("select a from t order by lower(a) offset $1"), "");
  EXPECT_EQ(keyset_form("delete from t"), "");
}

TEST(pagination, keyset_forms_by_the_tables_own_key) {
  const std::vector<std::string> two{"tenant", "\"No\""};
  EXPECT_EQ(keyset_form("select a from t order by a limit $1 offset $2", two),
            "select a from t where (a, tenant, \"No\") > ($3, $4, $5) order by a, tenant, \"No\" "
            "limit $1");
  EXPECT_EQ(
      keyset_form(R"(select "t"."a" from "t" order by "t"."tenant" desc limit $1 offset $2)", two),
      R"(select "t"."a" from "t" where ("t"."tenant", "t"."No") < ($3, $4) )"
      R"(order by "t"."tenant" desc, "t"."No" desc limit $1)");
  EXPECT_EQ(keyset_form(R"(select "a" from "t" order by "a" limit $1 offset $2)", {{{"code"}}}),
            R"(select "a" from "t" where ("a", "code") > ($3, $4) order by "a", "code" limit $1)");
  EXPECT_EQ(keyset_form("select a from t offset $1", {{{"code"}}}),
            "select a from t where code > $2 order by code limit 20");
  // Known to have none: nothing is invented.
  EXPECT_EQ(
      keyset_form("select a from t order by a limit $1 offset $2", std::vector<std::string>{}), "");
}

}  // namespace
}  // namespace fairing::advise
