"""What people get wrong in the sql section and in --sql: exit code 2, and where it is, what it is and what to do, never
a password. What is right but worth a word is a note."""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.fairing import Fairing, run_cli
from support.mistakes import MistakeCase

UPSTREAM = "postgres://app:hunter2@127.0.0.1:5432/shop"
PLANE = f"""sql:
  listen: 127.0.0.1:0
  upstream: {UPSTREAM}
"""


def upstream(text):
    return PLANE.replace(UPSTREAM, text)


# What is wrong, the file, LINE:COLUMN, and words of the message: what was wrong, then what to do.
FILES = (
    ("an unknown key", PLANE + "  pol: { size: 3 }\n", "4:3", ("`sql.pol`", "did you mean `pool`?")),
    ("an unknown key of the pool", PLANE + "  pool: { sise: 3 }\n", "4:11", ("`sql.pool.sise`", "did you mean `size`?")),
    (
        "PgBouncer's word",
        PLANE + "  pool: { pool_mode: transaction }\n",
        "4:11",
        ("`sql.pool.pool_mode`", "known here: mode, size"),
    ),
    (
        "a key at the wrong depth",
        PLANE + "  wait_timeout: 5s\n",
        "4:3",
        ("`sql.wait_timeout`", "it is a key of `sql.pool`"),
    ),
    ("no upstream", "sql: { listen: 6432 }\n", "1:6", ("has no `upstream`", "postgres://USER:PASSWORD@HOST:PORT")),
    ("no listener", f"sql: {{ upstream: '{UPSTREAM}' }}\n", "1:6", ("has no `listen`", "`PORT` (loopback)")),
    ("a port that is none", PLANE.replace("127.0.0.1:0", "99999"), "2:11", ("`99999`", "PORT (0 to 65535)")),
    ("a size of 0", PLANE + "  pool: { size: 0 }\n", "4:17", ("`0` must be between 1 and 10000", "or auto")),
    ("a size that is none", PLANE + "  pool: lots\n", "4:9", ("`lots` is not a whole number", "or auto")),
    ("a mode that is none", PLANE + "  pool: { mode: transactions }\n", "4:17", ("`transactions`", "did you mean `transaction`?")),
    ("PgBouncer's third mode", PLANE + "  pool: { mode: statement }\n", "4:17", ("`statement`", "one of transaction, session")),
    ("a share over one", PLANE + "  pool: { max_pinned: 150% }\n", "4:23", ("`150%` is not a share", "write 10%")),
    ("a time without unit", PLANE + "  pool: { wait_timeout: 10 }\n", "4:25", ("`10` is not a duration", "write 250ms, 5s")),
    (
        "more ahead than there may be",
        PLANE + "  pool: { size: 4, min_idle: 5 }\n",
        "4:30",
        ("`sql.pool.min_idle` (5) is more than `sql.pool.size` (4)", "lower it or raise that"),
    ),
    ("no scheme", upstream("127.0.0.1:5432"), "3:13", ("`127.0.0.1:5432` has no scheme", "write postgres://127.0.0.1:5432")),
    ("another database", upstream("mysql://app:hunter2@h/shop"), "3:13", ("mysql URL", "PostgreSQL's protocol only")),
    ("a driver's scheme", upstream("postgresql+psycopg2://app:hunter2@h/shop"), "3:13", ("scheme of a driver", "write postgres://")),
    ("JDBC's scheme", upstream("jdbc:postgresql://h/shop?user=app&password=hunter2"), "3:13", ("scheme of a driver", "write postgres://")),
    ("a slip in the scheme", upstream("postgre://app:hunter2@h/shop"), "3:13", ("`postgre://`", "did you mean `postgres`?")),
    ("keywords for a URL", upstream("host=h user=app password=hunter2"), "3:13", ("keywords", "write postgres://")),
    ("an @ in the password", upstream("postgres://app:hunter2@hunter2@h/shop"), "3:13", ("cannot be taken apart", "%40")),
    ("a / in the password", upstream("postgres://app:hunter2/hunter2@h/shop"), "3:13", ("cannot be taken apart", "%2F")),
    ("a % in the password", upstream("postgres://app:hunter2%@h/shop"), "3:13", ("two hexadecimal digits", "%25")),
    ("a port of the upstream", upstream("postgres://app:hunter2@h:port/shop"), "3:13", ("port that is none", "1 to 65535")),
    ("an unknown option", upstream("postgres://app:hunter2@h/shop?sslmod=require"), "3:13", ("`sslmod`", "did you mean `sslmode`?")),
    ("an sslmode that is none", upstream("postgres://app:hunter2@h/shop?sslmode=verify"), "3:13", ("`verify`", "verify-full")),
    (
        "an option of later",
        upstream("postgres://app:hunter2@h/shop?channel_binding=require"),
        "3:13",
        ("`channel_binding`, which is not in this version", "take it out"),
    ),
    ("two hosts", upstream("postgres://app:hunter2@a,b/shop"), "3:13", ("several hosts", "name the primary")),
    ("an IPv6 address without brackets", upstream("postgres://app:hunter2@::1/shop"), "3:13", ("in brackets", "[::1]")),
    (
        "a root certificate that is not there",
        upstream("postgres://app:hunter2@h/shop?sslmode=verify-full&sslrootcert=/nonexistent/ca"),
        "3:13",
        ("cannot read /nonexistent/ca", "PEM file"),
    ),
    (
        "no secret at all",
        upstream("postgres://127.0.0.1:5432/shop"),
        "3:13",
        ("no user and password", "or list `sql.users`", "`sql.auth_query`", "`sql.pool.mode: session`"),
    ),
    ("a user without secret", PLANE + "  users: [ { name: anna } ]\n", "4:20", ("`anna` has no secret", "`password`, or `scram`")),
    (
        "a user twice",
        PLANE + "  users: [ { name: a, password: hunter2 }, { name: a, password: hunter2 } ]\n",
        "4:52",
        ("`a` is also user 0", "keep one"),
    ),
    (
        "a secret that is none",
        PLANE + "  users: [ { name: a, scram: 'SCRAM-SHA-256$hunter2' } ]\n",
        "4:30",
        ("is no SCRAM secret", "SELECT rolpassword"),
    ),
    ("an auth_query of nobody", PLANE + "  auth_query: SELECT 1\n", "4:15", ("has no $1", "WHERE usename = $1")),
    (
        "its own upstream",
        PLANE.replace("127.0.0.1:0", "127.0.0.1:5432"),
        "2:11",
        ("is `sql.upstream` itself", "a port of its own"),
    ),
    (
        "one address twice",
        PLANE.replace("127.0.0.1:0", "6432") + "  session_listen: 6432\n",
        "4:19",
        ("127.0.0.1:6432 is also `sql.listen`", "give each its own"),
    ),
    ("a certificate without key", PLANE + "  tls: { cert: /etc/hostname }\n", "4:8", ("has no `key`", "PEM file of the private key")),
    (
        "a certificate that is none",
        PLANE + "  tls: { cert: /etc/passwd, key: /etc/passwd }\n",
        "4:16",
        ("/etc/passwd", "-----BEGIN CERTIFICATE"),
    ),
    (
        "elimination of later",
        PLANE + "  n_plus_one: { eliminate: strict }\n",
        "4:28",
        ("`strict` is not in this version", "write off"),
    ),
    ("a result cache of later", PLANE + "  cache: [ { tables: [a], ttl: 60s } ]\n", "4:3", ("`sql.cache` is not in this version", "remove it")),
    ("changes of later", PLANE + "  changes: stats\n", "4:3", ("`sql.changes` is not in this version", "remove it")),
)

# What is wrong, the arguments, the exit code, and words of the message.
COMMANDS = (
    ("no URL", ("run", "--sql", "6432"), 2, ("--sql 6432", "write LISTEN=URL")),
    ("no listener", ("run", "--sql", UPSTREAM), 2, ("--sql postgres://app:***@", "write LISTEN=URL")),
    ("twice", ("run", "--sql", "1=" + UPSTREAM, "--sql", "2=" + UPSTREAM), 2, ("--sql is given twice (1 and 2)", "one sql plane")),
    ("a bad listener", ("run", "--sql", "99999=" + UPSTREAM), 2, ("--sql 99999=postgres://app:***@", "PORT (0 to 65535)")),
    ("a bad URL", ("run", "--sql", "0=redis://app:hunter2@h"), 2, ("--sql 0=redis://***@h", "`redis://`", "write postgres://")),
    ("no secret", ("run", "--sql", "0=postgres://127.0.0.1:5432"), 2, ("no user and password", "`sql.users`")),
    (
        "--set of an unknown key",
        ("validate", "--sql", "0=" + UPSTREAM, "--set", "sql.pool.sise=3"),
        2,
        ("--set sql.pool.sise", "did you mean `size`?"),
    ),
    (
        "--set of a bad URL",
        ("validate", "--sql", "0=" + UPSTREAM, "--set", "sql.upstream=postgres://app:hunter2@h:x"),
        2,
        ("--set sql.upstream", "port that is none"),
    ),
)

# What is worth a word, the file, and the words.
NOTES = (
    ("a user that PostgreSQL must trust", upstream("postgres://app@127.0.0.1/shop"), ("no password for `app`", "trust or peer")),
    (
        "nobody's secret, in session pooling",
        upstream("postgres://127.0.0.1/shop") + "  pool: { mode: session }\n",
        ("PostgreSQL checks each log-in itself", "a connection of its own"),
    ),
    (
        "a listener beyond loopback",
        PLANE.replace("127.0.0.1:0", "0.0.0.0:6432"),
        ("`sql.listen` is beyond loopback without `sql.tls`",),
    ),
    ("a password over the network", upstream("postgres://app:hunter2@db.example/shop"), ("without TLS", "sslmode=verify-full")),
    ("the driver's options", upstream(UPSTREAM + "?schema=public&pgbouncer=true"), ("schema, pgbouncer are for",)),
    ("pins without bound", PLANE + "  pool: { max_pinned: 100% }\n", ("`sql.pool.max_pinned` is the whole pool",)),
)


class SqlMistakes(MistakeCase):
    def test_files(self):
        self.check_files(FILES)

    def test_commands(self):
        self.check_commands(COMMANDS)

    def test_notes(self):
        for what, text, words in NOTES:
            with self.subTest(what):
                done = run_cli("validate", "-c", self.write(text))
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(done.stderr.startswith("note: "), done.stderr)
                for word in words:
                    self.assertIn(word, done.stderr)
                self.assertNotIn("hunter2", done.stdout + done.stderr)

    def test_a_good_section_is_shown_without_its_secrets(self):
        path = self.write(PLANE + "  users: { name: anna, password: hunter2 }\n")
        self.assertEqual(run_cli("validate", "-c", path).stdout, f"{path}: ok, 0 sites, 0 routes, sql on 127.0.0.1:0\n")
        done = run_cli("validate", "-c", path, "--json")
        self.assertNotIn("hunter2", done.stdout)
        shown = json.loads(done.stdout)["config"]["sql"]
        self.assertEqual(shown["upstream"], "postgres://app:***@127.0.0.1:5432/shop")
        self.assertEqual(shown["users"], [{"name": "anna", "password": "***"}])
        self.assertEqual(shown["pool"]["size"], "auto")

    def test_the_url_of_the_environment(self):
        path = self.write(upstream("${DATABASE_URL}"))
        for text, code, words in (
            (UPSTREAM, 0, ()),
            ("postgres://app:hunter2@h:x/shop", 2, ("3:13", "port that is none")),
            ("hunter2", 2, ("3:13", "is no URL of a PostgreSQL")),
        ):
            with self.subTest(text):
                done = run_cli("validate", "-c", path, env={"DATABASE_URL": text})
                self.assertEqual(done.returncode, code, done.stderr)
                for word in words:
                    self.assertIn(word, done.stderr)
                self.assertNotIn("hunter2", done.stdout + done.stderr)

    def test_init_writes_the_section(self):
        for text, on in ((UPSTREAM, True), ("mysql://app:hunter2@h/shop", False), ("postgres://h/shop", False)):
            with self.subTest(text):
                env = {"DATABASE_URL": text}
                done = run_cli("init", "-o", "-", env=env)
                self.assertNotIn("hunter2", done.stdout)
                path = self.write(done.stdout)
                said = run_cli("validate", "-c", path, env=env)
                self.assertEqual(said.returncode, 0, said.stderr)
                self.assertEqual("sql on 127.0.0.1:6432" in said.stdout, on, said.stdout)

    def test_addresses_that_cannot_be_had(self):
        used = self.taken_port()
        common = ("--admin", "off")
        with self.subTest("a port in use"):
            self.start_refused("--sql", f"{used}={UPSTREAM}", *common, words=("sql.listen", used, "ss -ltnp"))
        with self.subTest("a second port in use"):
            self.start_refused(
                "--sql", f"0={UPSTREAM}", "--set", f"sql.session_listen={used}", *common, words=("sql.session_listen", used, "ss -ltnp")
            )
        with self.subTest("a socket in no directory"):
            self.start_refused("--sql", f"unix:/nonexistent/s={UPSTREAM}", *common, words=("/nonexistent/s", "make the directory"))

    def test_what_a_reload_cannot_change(self):
        config = {"sql": {"listen": "127.0.0.1:0", "upstream": UPSTREAM}}
        f = Fairing(self, config)
        for what, section, word in (
            ("the listener", {"listen": "127.0.0.1:1", "upstream": UPSTREAM}, "sql.listen"),
            ("one more listener", {"session_listen": "127.0.0.1:0", **config["sql"]}, "sql.session_listen"),
            ("a bad URL", {"listen": "127.0.0.1:0", "upstream": UPSTREAM + "?sslmode=x"}, "sslmode that is none"),
        ):
            with self.subTest(what):
                f.write_config({"sql": section})
                status, answer = f.reload()
                self.assertEqual(status, 422)
                self.assertIn(word, answer["detail"])
                self.assertNotIn("hunter2", json.dumps(answer))
        with self.subTest("the plane itself"):
            f.write_config({"http": {"listen": "127.0.0.1:0", "upstream": "http://127.0.0.1:1"}})
            self.assertEqual(f.reload()[0], 422)
        with self.subTest("a password is a change, and no secret"):
            f.write_config({"sql": {"listen": "127.0.0.1:0", "upstream": UPSTREAM.replace("hunter2", "hunter3")}})
            status, answer = f.reload()
            self.assertEqual((status, answer["changes"]), (200, ["sql.upstream"]))

    def test_only_sql_is_enough(self):
        f = Fairing(self, args=("--sql", "0=" + UPSTREAM, "--admin", "0"))
        self.assertEqual(sorted(f.listeners), ["admin", "sql"])
        status, text = f.call("GET", "/readyz?verbose", token=False)
        self.assertEqual(status, 200)
        self.assertIn("[+]listener:sql ok: accepts on " + f.listeners["sql"][0], text)
        status, pools = f.call("GET", "/v1/pools", token=False)
        self.assertEqual((status, pools["items"], pools["sizing"]["change"]), (200, [], "unknown"))
        self.assertNotIn("hunter2", json.dumps(f.call("GET", "/v1/config", token=False)))


if __name__ == "__main__":
    unittest.main()
