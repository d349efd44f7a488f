// statement_corpus: statements that the tests of this module share.
//
// Problem: what real clients send was captured (ORMs, drivers, migration tools); the lexer's rules
// have corners of their own. Both are checked by several tests against several properties.
// For tests only. Flow: for (std::string_view sql : statement_corpus) ... Constant; any thread.
#pragma once

#include <string_view>

namespace fairing::codec::sql_lexer {

inline constexpr std::string_view statement_corpus[] = {
    // node-postgres, knex, Sequelize, TypeORM, drizzle, Prisma
    R"(SELECT * FROM orders WHERE user_id = $1)",
    R"(select * from "orders" where "user_id" = $1)",
    R"(SELECT "id", "user_id" FROM "orders" AS "order" WHERE "order"."user_id" = 1;)",
    R"(SELECT "Order"."id" AS "Order_id" FROM "orders" "Order" LEFT JOIN "users" "Order__u" ON "Order__u"."id"="Order"."user_id" WHERE ((("Order__u"."id" = $1))) LIMIT 1)",
    R"(select "id", "total" from "orders" where "orders"."user_id" = $1)",
    R"(SELECT "public"."orders"."id" FROM "public"."orders" WHERE "public"."orders"."user_id" = $1 OFFSET $2)",
    R"(SELECT "public"."orders"."id" FROM "public"."orders" WHERE "public"."orders"."user_id" IN ($1,$2,$3,$4) OFFSET $5)",
    R"(select "d"."id", "d_orders"."data" as "orders" from "users" "d" left join lateral (select coalesce(json_agg(json_build_array("d_orders"."id")), '[]'::json) as "data" from "orders" "d_orders" where "d_orders"."user_id" = "d"."id") "d_orders" on true)",
    R"(INSERT INTO "users" ("id","name","created_at") VALUES (DEFAULT,$1,$2) RETURNING "id","name";)",
    // Django, SQLAlchemy, psycopg
    R"(SELECT "shop_order"."id" FROM "shop_order" WHERE "shop_order"."user_id" = 7 ORDER BY "shop_order"."id" ASC LIMIT 21)",
    R"(SELECT "shop_user"."id" FROM "shop_user" WHERE "shop_user"."id" IN (1, 2, 3, 4))",
    R"(DECLARE "_django_curs_1_sync_1" NO SCROLL CURSOR WITH HOLD FOR SELECT "a"."id" FROM "a")",
    R"(SELECT orders.id AS orders_id FROM orders WHERE 1 = orders.user_id)",
    R"(select pg_catalog.version())",
    R"(SELECT t.oid, typarray FROM pg_type t JOIN pg_namespace ns ON typnamespace = ns.oid WHERE typname = 'hstore';)",
    R"(SELECT CAST('test plain returns' AS VARCHAR(60)) AS anon_1)",
    R"(SET TIME ZONE 'UTC')",
    R"(INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y'), (3, NULL) ON CONFLICT (a) DO UPDATE SET b = EXCLUDED.b)",
    R"(UPDATE "t" SET "n" = ("t"."n" + 1) WHERE "t"."id" = 5)",
    R"(DELETE FROM "t" WHERE "t"."id" IN (SELECT id FROM old WHERE at < '2020-01-01'::date))",
    // PDO, JDBC, psql, pg_dump
    R"(DEALLOCATE pdo_stmt_00000001)",
    R"(SELECT * FROM orders WHERE user_id = '1')",
    R"(SET extra_float_digits = 3)",
    R"(BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY, NOT DEFERRABLE)",
    R"(SELECT pg_catalog.set_config('search_path', '', false);)",
    R"(COPY public.t (id, name) TO stdout;)",
    R"(SELECT c.relname ~ '^(t)$' COLLATE pg_catalog.default FROM pg_catalog.pg_class c WHERE c.relname OPERATOR(pg_catalog.~) '^(t)$')",
    // strings
    R"(select 'it''s', E'it\'s \\ \n', U&'d\0061t', B'0101', X'1F', N'nat', n'x', $$a'b$$, $t$ $$ $x$ $t$)",
    "select 'a'\n'b', 'c' \t\r\n -- why\n  'd', E'e'\n'f\\'g', b'1'\n'0', 'x' 'y'",
    "select 'a' -- no line break, no string\n, 'b'/**/ 'c'",
    "select 'a'\n--x\n--y\n'b', 'a'--x\n'b'",
    R"(select 'back\slash', 'trailing\')",
    R"(select $q1$x$q1$, $_$y$_$, a$1, a$b$c, $1$2, $a$ b $$ $a $a$)",
    R"(select U&"d\0061ta", u&"x""y" uescape '!', U &'x', "a""b", "A b")",
    R"(select E'\x7f\u0041\U00000041\101', e'\'')",
    // numbers
    R"(select 1, 1.5, .5, 1., 1e5, 1E-5, 1.5e+3, 1.e2, .5e1, 00, 1..10, 1.5.5, x[1:2], 1::int)",
    R"(select a.b, a . b, a.*, 5.*2, t.c1, 1-2, 1 -2, -1, - 1, +1, 2--comment)"
    "\n",
    // operators
    R"(select a<>b, a!=b, a<=b, a>=b, a=>b, a=b, a<b, a||b, a->b, a->>'c', a#>>'{x}', a@>b, a?b, a?|b, a?&b, a~*b, a!~~*b)",
    R"(select a=-1, a<-1, a*-1, a@-b, a@-1, a<=-1, a>=-+1, a!-b, a~-1, a||-1, a+-+-b, a*+b, a%-1, a^-1, a&-1)",
    "select a-- b\n, a*/* b */c, a=/* x */1, a+--c\n1, a<>--c\n1, a<=/**/1, a@--c\n 1",
    R"(select a :: int, b::text::int[], c := d, e => f, g .. h, array[1,2][1:2], :a, x : y)",
    R"(select @ -1, |/ 4, ||/ 8, !! 5, ~ 1, a <-> b, a <#> b, a && b, a &< b, a ^@ b, a -|- b, a === b)",
    // comments
    "/* a /* nested */ b */ select 1 /* end **/ /***/ /**/ -- line",
    "select /* ' */ 1 /* \" */, '/* no */', \"/* no */\", $$/* no */$$ -- 'x",
    "-- only\n/* comments */",
    "",
    "   \t\n ;; ; ",
    // names
    "select \xc3\xa9t\xc3\xa9, \xe6\x97\xa5\xe6\x9c\xac, \"\xc3\xa9\", _a, a_1, a$b FROM "
    "\xc3\xa9.\xc3\xa9",
    R"(select b, e, x, n, u, B, E, X, N, U, bx'1', en, u&1, n.a, e.b)",
    // statements
    R"(BEGIN; SET LOCAL statement_timeout TO 5; SELECT 1; COMMIT)",
    R"(START TRANSACTION ISOLATION LEVEL SERIALIZABLE READ WRITE DEFERRABLE)",
    R"(WITH gone AS (DELETE FROM t WHERE id = 1 RETURNING *) INSERT INTO log SELECT * FROM gone)",
    R"(WITH RECURSIVE r(n) AS (VALUES (1) UNION ALL SELECT n+1 FROM r WHERE n < 100) SELECT sum(n) FROM r)",
    R"(MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v))",
    R"(SELECT count(*) FILTER (WHERE x > 0) OVER (PARTITION BY y ORDER BY 1 ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t GROUP BY 1, 2 HAVING sum(z) > 5 ORDER BY 2 DESC NULLS LAST LIMIT 10 OFFSET 20)",
    R"(SELECT * FROM a, b JOIN c USING (id) LEFT JOIN LATERAL (SELECT 1) d ON true, ONLY e, f(1) g, (h CROSS JOIN i) WHERE x IS DISTINCT FROM y)",
    R"(SELECT extract(year FROM ts), substring(a FROM 1 FOR 2), trim(BOTH 'x' FROM y), position('a' IN b) FROM t)",
    R"(SELECT * INTO TEMP x FROM y)",
    R"(CREATE TEMPORARY TABLE IF NOT EXISTS tt (id int DEFAULT 5 CHECK (id > -1)) ON COMMIT DROP)",
    R"(CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END)",
    R"(CREATE OR REPLACE FUNCTION g() RETURNS trigger AS $body$ BEGIN NEW.x := 1; RETURN NEW; END; $body$ LANGUAGE plpgsql)",
    R"(CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO a VALUES (1); INSERT INTO b VALUES (2)))",
    R"(DO $$ BEGIN PERFORM 1; END $$)",
    R"(EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM t WHERE a = ANY('{1,2}'::int[]))",
    R"(PREPARE p (int, text) AS SELECT $1, $2)",
    R"(EXECUTE p(1, 'x'))",
    R"(LISTEN "Chan"; NOTIFY chan, 'payload'; UNLISTEN *)",
    R"(VACUUM (ANALYZE) t; TRUNCATE a, b CASCADE; LOCK TABLE c IN SHARE MODE)",
    R"(SELECT * FROM t FOR NO KEY UPDATE OF t SKIP LOCKED)",
    R"(SELECT * FROM t FETCH FIRST 5 ROWS ONLY)",
    R"(SELECT ARRAY[1,2,3], ROW(1,'a'), (1,2) IN ((1,2),(3,4)), x BETWEEN -5 AND -1)",
    R"(SELECT interval '1 day' * 2, date '2020-01-01', TIMESTAMP WITH TIME ZONE '2020-01-01', INTERVAL '1' HOUR)",
    R"(SELECT "SET", 'SET x = 1', /* SET y = 2 */ set_config FROM "update")",
    // what the grammar refuses but the scanner passes
    R"(select { } \ $ 'x' $x )",
    R"(SELECT (((((1)))), [[]], ))",
    R"(select a.1, $1.a, 'a'.b, 1. a_ IN (,,1))",
};

}  // namespace fairing::codec::sql_lexer
