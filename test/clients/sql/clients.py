"""The clients of the matrix: a name, the command that runs it, and what has to be built before."""


from loops import ORDERS, USERS, loop


class client:
    def __init__(self, name, command, build=None, session=False, loops=()):
        self.name = name
        self.command = command
        self.build = build  # folder for what is built -> commands
        self.session = session  # goes to the session_listen
        self.loops = loops  # all that /v1/n_plus_one has to say of it


def node(name, *loops):
    return client(name, ["node", f"js/{name}.mjs"], loops=loops)


def python(name, *loops):
    return client(name, ["/usr/bin/python3", f"py/{name}_client.py"], loops=loops)


SEQUELIZE = (
    loop(
        'select "id", "total", "placed_at" as "placedAt", "user_id" as "userId" from "orders" as "order" where "order"."user_id" = $1 order by "order"."id"',
        'select "id", "email", "name", "active" from "users" as "user" order by "user"."id" limit $1',
        eager=("sequelize", "User.findAll({ include: { model: Order, separate: true } })"),
    ),
    loop(
        'select "id", "email", "name", "active" from "users" as "user" where "user"."id" = $1',
        'select "id", "total", "placed_at" as "placedAt", "user_id" as "userId" from "orders" as "order" order by "order"."id" limit $1',
        "userId",
        eager=("sequelize", "Order.findAll({ include: User })"),
    ),
)
SQLALCHEMY = (
    loop(
        "select orders.id as orders_id, orders.user_id as orders_user_id, orders.total as orders_total, orders.placed_at as orders_placed_at"
        " from orders where $1 = orders.user_id order by orders.id",
        "select users.id, users.email, users.name, users.active from users order by users.id limit $1",
        eager=("sqlalchemy", "select(User).options(selectinload(User.orders))"),
    ),
    loop(
        "select users.id as users_id, users.email as users_email, users.name as users_name, users.active as users_active from users where users.id = $1",
        "select orders.id, orders.user_id, orders.total, orders.placed_at from orders order by orders.id limit $1",
        "user_id",
        eager=("sqlalchemy", "select(Order).options(joinedload(Order.user))"),
    ),
)
DJANGO = (
    loop(
        'select "orders"."id", "orders"."user_id", "orders"."total", "orders"."placed_at" from "orders" where "orders"."user_id" = $1'
        ' order by "orders"."id" asc',
        'select "users"."id", "users"."email", "users"."name", "users"."active" from "users" order by "users"."id" asc limit $1',
        eager=("django", 'User.objects.prefetch_related("order_set")  # or the related_name of Order.user'),
    ),
    loop(
        'select "users"."id", "users"."email", "users"."name", "users"."active" from "users" where "users"."id" = $1 limit $2',
        'select "orders"."id", "orders"."user_id", "orders"."total", "orders"."placed_at" from "orders" order by "orders"."id" asc limit $1',
        "user_id",
        eager=("django", 'Order.objects.select_related("user")'),
    ),
    # Over iterator(): the rows come from FETCH, whose cursor has another name each time. Its table is guessed from the key's name.
    loop(
        'select "orders"."id", "orders"."user_id", "orders"."total", "orders"."placed_at" from "orders" where "orders"."user_id" = $1',
        "fetch forward $1 from name",
        length=40,
        eager=("django", 'User.objects.prefetch_related("order_set")  # or the related_name of Order.user'),
    ),
)
DRIZZLE = loop(
    'select "total" from "orders" where "orders"."user_id" = $1 order by "orders"."id" asc',
    'select "id", "email", "name", "active" from "users" order by "users"."id" asc limit $1',
    eager=("drizzle", "db.query.users.findMany({ with: { orders: true } })"),
)
KNEX = loop(
    'select "total" from "orders" where "user_id" = $1 order by "id" asc',
    'select "id" from "users" order by "id" asc limit $1',
    eager=("knex", 'const keys = rows.map(r => r.id); const found = await db("orders").whereIn("user_id", keys);  // then group by user_id'),
)
TYPEORM_USERS = (
    'select "User"."id" as "User_id", "User"."email" as "User_email", "User"."name" as "User_name", "User"."active" as "User_active"'
    ' from "users" "User" order by "User"."id" asc limit $1'
)
TYPEORM_EAGER = (
    "typeorm",
    'repository.find({ relations: { orders: true } })  // or: createQueryBuilder("user").leftJoinAndSelect("user.orders", "orders")',
)
TYPEORM = (
    loop(
        'select "Order"."id" as "Order_id", "Order"."total" as "Order_total", "Order"."placed_at" as "Order_placed_at", "Order"."user_id" as "Order_user_id"'
        ' from "orders" "Order" left join "users" "Order__Order_user" on "Order__Order_user"."id" = "Order"."user_id"'
        ' where (((("Order__Order_user"."id" = $1)))) order by "Order"."id" asc',
        TYPEORM_USERS,
        "User_id",
        eager=TYPEORM_EAGER,
    ),
    # A lazy relation, awaited for the first eight.
    loop(
        'select "lazyOrders"."id" as "lazyOrders_id", "lazyOrders"."total" as "lazyOrders_total", "lazyOrders"."placed_at" as "lazyOrders_placed_at",'
        ' "lazyOrders"."user_id" as "lazyOrders_user_id" from "orders" "lazyOrders" where "lazyOrders"."user_id" in ($1 /*, ...*/)',
        TYPEORM_USERS,
        "User_id",
        length=8,
        eager=TYPEORM_EAGER,
    ),
)
# Prisma names the schema, which is another for each instance.
PRISMA = loop(
    'select "shop"."orders"."id", "shop"."orders"."user_id", "shop"."orders"."total", "shop"."orders"."placed_at" from "shop"."orders"'
    ' where "shop"."orders"."user_id" = $1 order by "shop"."orders"."id" asc offset $2',
    'select "shop"."users"."id", "shop"."users"."email", "shop"."users"."name", "shop"."users"."active" from "shop"."users"'
    ' where $1 = $2 order by "shop"."users"."id" asc limit $3 offset $4',
    eager=("prisma", "prisma.user.findMany({ include: { orders: true } })"),
)
# In its simple mode the driver writes the value in the text, with its type.
JDBC_LOOPS = (loop(ORDERS, USERS, times=2), loop("select id, total from orders where user_id = ($1::int4) order by id", USERS))
JDBC = "/usr/share/java/postgresql.jar"


def java(folder):
    return ["javac", "-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-proc:none", "-encoding", "UTF-8", "-cp", JDBC, "-d", folder, "java/Jdbc.java"]


def c(folder):
    return ["clang-19", "-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-I/usr/include/postgresql", "-o", folder + "/libpq_pipeline",
            "c/libpq_pipeline.c", "-lpq"]  # fmt: skip


def prisma(_):
    # Generating needs no engine, but the command line downloads what these do not name; any file that exists will do.
    schema = "prisma/schema.prisma"
    engines = [f"PRISMA_{name}={schema}" for name in ("SCHEMA_ENGINE_BINARY", "QUERY_ENGINE_LIBRARY")]
    return ["env", *engines, "PRISMA_HIDE_UPDATE_MESSAGE=1", "CHECKPOINT_DISABLE=1",
            "node", "node_modules/prisma/build/index.js", "generate", "--no-hints", "--schema", schema]  # fmt: skip


ALL = {c.name: c for c in [
    node("node_postgres", loop(ORDERS, USERS)),
    node("postgres_js", loop(ORDERS, USERS, times=2)),
    node("knex", KNEX),
    node("sequelize", *SEQUELIZE),
    node("typeorm", *TYPEORM),
    client("drizzle_node_postgres", ["node", "js/drizzle.mjs", "node-postgres"], loops=[DRIZZLE]),
    client("drizzle_postgres_js", ["node", "js/drizzle.mjs", "postgres-js"], loops=[DRIZZLE]),
    client("prisma", ["node", "js/prisma.mjs"], prisma, loops=[PRISMA]),
    python("psycopg2", loop(ORDERS, USERS)),
    python("psycopg3", loop(ORDERS, USERS)),
    python("sqlalchemy", *SQLALCHEMY),
    python("django", *DJANGO),
    client("php_pdo", ["php", "-d", "memory_limit=512M", "php/pdo.php"],
           loops=[loop("select total from orders where user_id = $1 order by id", USERS, times=3)]),
    client("perl_dbi", ["perl", "perl/dbi.pl"], loops=[loop(ORDERS, USERS)]),
    client("jdbc", ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dfile.encoding=UTF-8",
                    "-cp", JDBC + ":{built}", "Jdbc"], java, loops=JDBC_LOOPS),
    client("libpq", ["{built}/libpq_pipeline"], c, loops=[loop(ORDERS, USERS)]),
    client("psql", ["bash", "psql/run.sh"], loops=[loop(ORDERS, "select id from users order by id limit $1", length=8)]),
    client("pg_dump", ["bash", "pg_dump.sh"]),
    client("pg_dump_session", ["bash", "pg_dump.sh"], session=True),
]}  # fmt: skip
