"""The clients of the matrix: a name, the command that runs it, and what has to be built before."""


from loops import ORDERS, USERS, loop


class client:
    def __init__(self, name, command, build=None, session=False, loops=None):
        self.name = name
        self.command = command
        self.build = build  # folder for what is built -> commands
        self.session = session  # goes to the session_listen
        self.loops = loops  # all that /v1/n_plus_one has to say of it; None: it is not asked


def node(name, *loops):
    return client(name, ["node", f"js/{name}.mjs"], loops=loops or None)


def python(name, *loops):
    return client(name, ["/usr/bin/python3", f"py/{name}_client.py"], loops=loops or None)


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
    # Its cases read the same orders twice, by iterator() and by a list: either may be named as the source.
    loop(
        'select "users"."id", "users"."email", "users"."name", "users"."active" from "users" where "users"."id" = $1 limit $2',
        None,
        "user_id",
    ),
)
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
    node("postgres_js"),
    node("knex", loop('select "total" from "orders" where "user_id" = $1 order by "id" asc', 'select "id" from "users" order by "id" asc limit $1')),
    node("sequelize", *SEQUELIZE),
    node("typeorm"),
    client("drizzle_node_postgres", ["node", "js/drizzle.mjs", "node-postgres"]),
    client("drizzle_postgres_js", ["node", "js/drizzle.mjs", "postgres-js"]),
    client("prisma", ["node", "js/prisma.mjs"], prisma),
    python("psycopg2", loop(ORDERS, USERS)),
    python("psycopg3", loop(ORDERS, USERS)),
    python("sqlalchemy", *SQLALCHEMY),
    python("django", *DJANGO),
    client("php_pdo", ["php", "-d", "memory_limit=512M", "php/pdo.php"],
           loops=[loop("select total from orders where user_id = $1 order by id", USERS, times=3)]),
    client("perl_dbi", ["perl", "perl/dbi.pl"], loops=[loop(ORDERS, USERS)]),
    client("jdbc", ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dfile.encoding=UTF-8",
                    "-cp", JDBC + ":{built}", "Jdbc"], java),
    client("libpq", ["{built}/libpq_pipeline"], c, loops=[loop(ORDERS, USERS)]),
    client("psql", ["bash", "psql/run.sh"], loops=[loop(ORDERS, "select id from users order by id limit $1", length=8)]),
    client("pg_dump", ["bash", "pg_dump.sh"]),
    client("pg_dump_session", ["bash", "pg_dump.sh"], session=True),
]}  # fmt: skip
