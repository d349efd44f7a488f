"""The clients of the matrix: a name, the command that runs it, and what has to be built before."""


class client:
    def __init__(self, name, command, build=None, session=False, loops=()):
        self.name = name
        self.command = command
        self.build = build  # folder for what is built -> commands
        self.session = session  # goes to the session_listen
        self.loops = loops  # what /v1/n_plus_one has to say of it


def node(name):
    return client(name, ["node", f"js/{name}.mjs"])


def python(name):
    return client(name, ["/usr/bin/python3", f"py/{name}_client.py"])


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
    node("node_postgres"),
    node("postgres_js"),
    node("knex"),
    node("sequelize"),
    node("typeorm"),
    client("drizzle_node_postgres", ["node", "js/drizzle.mjs", "node-postgres"]),
    client("drizzle_postgres_js", ["node", "js/drizzle.mjs", "postgres-js"]),
    client("prisma", ["node", "js/prisma.mjs"], prisma),
    python("psycopg2"),
    python("psycopg3"),
    python("sqlalchemy"),
    python("django"),
    client("php_pdo", ["php", "-d", "memory_limit=512M", "php/pdo.php"]),
    client("perl_dbi", ["perl", "perl/dbi.pl"]),
    client("jdbc", ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Dfile.encoding=UTF-8",
                    "-cp", JDBC + ":{built}", "Jdbc"], java),
    client("libpq", ["{built}/libpq_pipeline"], c),
    client("psql", ["bash", "psql/run.sh"]),
    client("pg_dump", ["bash", "pg_dump.sh"]),
    client("pg_dump_session", ["bash", "pg_dump.sh"], session=True),
]}  # fmt: skip
