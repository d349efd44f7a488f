"""What people get wrong: each mistake has its exit code, and its message says where, what, and what to do."""
import ctypes
import os
import re
import socket
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.fairing import Fairing, run_cli
from support.mistakes import MistakeCase
from support.origin import Origin

SITE = """http:
  listen: 127.0.0.1:0
  upstream: http://127.0.0.1:3000
"""

# What is wrong, the file, LINE:COLUMN, and words of the message: what was wrong, then what to do.
FILES = (
    ("an unknown key", SITE + "  upstraem: x\n", "4:3", ("`http.upstraem`", "did you mean `upstream`?")),
    ("a key far from any", SITE + "colour: red\n", "4:1", ("`colour`", "known here: runtime")),
    (
        "a key at the wrong depth",
        SITE + "  trusted_proxies: [10.0.0.0/8]\n",
        "4:3",
        ("`http.trusted_proxies`", "it is a key of the top level"),
    ),
    ("a bad duration", SITE + "  timeouts: { total: 5 parsecs }\n", "4:22", ("`5 parsecs`", "write 250ms, 5s")),
    ("a duration without unit", SITE + "  timeouts: { total: 30 }\n", "4:22", ("`30`", "write 250ms, 5s")),
    ("a negative duration", SITE + "  timeouts: { total: -5s }\n", "4:22", ("`-5s`", "write 250ms, 5s")),
    ("a bad size", SITE + "  limits: { body: 10 MegaB }\n", "4:19", ("`10 MegaB`", "write 512B, 64KiB")),
    ("a negative size", SITE + "  limits: { body: -1 }\n", "4:19", ("`-1` is not a size", "write 512B, 64KiB")),
    ("a size too small", SITE + "cache: { memory: 1KiB }\n", "4:18", ("`1KiB`", "between 4MiB and 1024GiB")),
    ("a bad rate", SITE + "  routes: [ { match: /a, rate_limit: 10/fortnight } ]\n", "4:38", ("`10/fortnight`", "write 10/m")),
    ("a negative number", SITE + "  max_connections: -3\n", "4:20", ("`-3`", "write one from 1 to 1000000")),
    ("a word that is none", SITE + "  cache: { mode: obsrve }\n", "4:18", ("`obsrve`", "did you mean `observe`?")),
    ("no boolean", SITE + "  egress: perhaps\n", "4:11", ("`perhaps`", "true or false")),
    ("a duplicate key", SITE + "  listen: 1\n", "4:3", ("`http.listen` is written twice", "the first is at")),
    ("a tab", "http:\n\tlisten: 8080\n", "2:1", ("a tab indents this line", "spaces only")),
    ("a bracket left open", "http: [\n", "2:1", ("not YAML", "bracket or quote left open")),
    ("a list for a file", "- http\n", "1:1", ("not a list", "mapping of keys")),
    ("an unset variable", SITE + "  ca_file: ${NOT_SET}\n", "4:12", ("NOT_SET is not set", "${NOT_SET:-default}")),
    (
        "a secret's file that is not there",
        SITE + "admin: { token: '${file:/nonexistent/t}' }\n",
        "4:17",
        ("cannot read /nonexistent/t: No such file", "make the file readable"),
    ),
    ("a broken reference", SITE + "  ca_file: ${not a name}\n", "4:12", ("${not a name}", "write ${VAR}")),
    ("a file that is not there", SITE + "  ca_file: /nonexistent.pem\n", "4:12", ("/nonexistent.pem", "PEM file")),
    ("a certificate without key", SITE + "  tls: { cert: /etc/hostname }\n", "4:8", ("has no `key`", "PEM file of the private key")),
    (
        "a certificate that is none",
        SITE + "  tls: { cert: /etc/passwd, key: /etc/passwd }\n",
        "4:16",
        ("/etc/passwd", "-----BEGIN CERTIFICATE"),
    ),
    ("a URL's scheme", SITE.replace("http://127", "ftp://127"), "3:13", ("ftp://127.0.0.1:3000", "http://HOST:PORT")),
    (
        "a URL without scheme",
        SITE.replace("http://127", "127"),
        "3:13",
        ("`127.0.0.1:3000` has no scheme", "write http://127.0.0.1:3000"),
    ),
    (
        "a password in a URL",
        SITE.replace("http://", "http://me:hunter2@"),
        "3:13",
        ("user and password", "take what is before the @ out"),
    ),
    ("no backend", "http: { listen: 8080 }\n", "1:7", ("has no `upstream`", "The backend")),
    ("nothing to serve", "cache: { memory: 64MiB }\n", "1:1", ("nothing to serve", "give `http` a site")),
    ("a port that is none", SITE.replace("127.0.0.1:0", "99999"), "2:11", ("`99999`", "PORT (0 to 65535)")),
    (
        "one address twice",
        SITE.replace(":0", ":8080") + "admin: 8080\n",
        "2:11",
        ("127.0.0.1:8080 is also `admin.listen`", "give each its own"),
    ),
    ("a route without slash", SITE + "  routes: [ { match: GET api } ]\n", "4:22", ("`GET api`", "begins with '/'")),
    ("a health path without slash", SITE + "  health: healthz\n", "4:11", ("`healthz`", "write /healthz")),
    ("a network that is none", SITE + "trusted_proxies: [10.0.0.0/99]\n", "4:18", ("`10.0.0.0/99`", "write 10.0.0.0/8")),
    ("a short token", SITE + "admin: { token: short }\n", "4:17", ("16 characters", "openssl rand")),
    (
        "a coding that is none",
        SITE + "  compression: { encodings: [gzip, lzma] }\n",
        "4:29",
        ("`lzma`", "one of identity, gzip, br, zstd"),
    ),
    (
        "timeouts that contradict",
        SITE + "  timeouts: { connect: 2m }\n",
        "4:24",
        ("`http.timeouts.connect` (2m) is longer", "lower it or raise that"),
    ),
    ("PROXY headers of nobody", SITE + "  proxy_protocol: true\n", "4:19", ("trusted_proxies", "list who sends it")),
    ("the redis plane", SITE + "redis: { listen: 6380 }\n", "4:1", ("`redis` is not in this version", "remove it")),
    ("jobs without a store", SITE + "jobs: { listen: 9324 }\n", "4:7", ("`jobs` has no `store`",)),
    (
        "a job store that is not here yet",
        SITE + "jobs: { listen: 9324, store: \"redis://h/1\" }\n",
        "4:30",
        ("not in this version", "sqlite:PATH", "postgres://"),
    ),
    (
        "a SQLite job store of two",
        SITE + "instance: { count: 2 }\njobs: { listen: 9324, store: \"sqlite:j.db\" }\n",
        "5:30",
        ("one instance owns", "the same job twice"),
    ),
    (
        "jobs for the network without a token",
        SITE + "jobs: { listen: \"0.0.0.0:9324\", store: \"sqlite:j.db\" }\n",
        "4:17",
        ("beyond loopback", "`jobs.token`"),
    ),
    (
        "a queue's name",
        SITE + "jobs: { listen: 9324, store: \"sqlite:j.db\", queues: [a b] }\n",
        "4:54",
        ("1 to 80 characters",),
    ),
    (
        "a ladder that is none",
        SITE + "jobs: { listen: 9324, store: \"sqlite:j.db\", queues: [ { name: a, attempts: [soon] } ] }\n",
        "4:76",
        ("`soon` is no duration", "[0s, 1m, 5m, 30m]"),
    ),
)

# What is wrong, the arguments, the exit code, and words of the message.
COMMANDS = (
    ("an unknown command", ("rnu",), 2, ("unknown command `rnu`", "did you mean `run`?")),
    ("an unknown command for help", ("help", "purg"), 2, ("unknown command `purg`", "did you mean `purge`?")),
    ("an unknown flag", ("run", "--htp", "8080=http://a"), 2, ("`run` has no flag `--htp`", "did you mean `--http`?")),
    ("a word too many", ("check", "now"), 2, ("`check` takes no `now`", "see fairing help check")),
    ("a flag without value", ("validate", "-c"), 2, ("--config", "see fairing help")),
    ("a site without URL", ("run", "--http", "8080"), 2, ("--http 8080", "write LISTEN=URL")),
    ("a scheme in a flag", ("run", "--http", "0=ftp://x"), 2, ("--http 0=ftp://x", "http://HOST:PORT")),
    ("--set without value", ("run", "--set", "cache.memory"), 2, ("--set cache.memory", "write KEY=VALUE")),
    (
        "--set of an unknown key",
        ("validate", "--http", "0=http://a", "--set", "http.0.lsten=1"),
        2,
        ("--set http.0.lsten", "did you mean `listen`?"),
    ),
    (
        "--set of a bad value",
        ("validate", "--http", "0=http://a", "--set", "cache.memory=lots"),
        2,
        ("--set cache.memory: `cache.memory`: `lots`", "write 512B"),
    ),
    ("a bad --admin", ("run", "--http", "0=http://a", "--admin", "99999"), 2, ("--admin 99999", "or off")),
    ("--redis", ("run", "--redis", "1=redis://x"), 2, ("`--redis` is not in this version", "remove it")),
    ("no configuration", ("run",), 2, ("nothing to serve", "--http LISTEN=URL")),
    ("no such file", ("run", "-c", "/nonexistent.yaml"), 2, ("cannot read /nonexistent.yaml", "`fairing init`")),
    ("a directory for a file", ("run", "-c", "/tmp"), 2, ("/tmp: Is a directory", "`fairing init`")),
    ("purge of nothing", ("purge",), 2, ("purge what?", "--tag, --url, --prefix or --all")),
    ("purge of no URL", ("purge", "--url", "/p/1"), 2, ("--url /p/1", "http://HOST[:PORT]/PATH")),
    ("purge of no prefix", ("purge", "--prefix", "shop/p"), 2, ("--prefix shop/p", "http://HOST[:PORT]/PATH")),
    ("explain of nothing", ("explain",), 2, ("explain what?", "fairing explain /api/products")),
    ("the end of no bypass", ("bypass", "--off"), 2, ("bypass --off needs", "plane or rule")),
    ("init where nothing can be written", ("init", "-o", "/nonexistent/f"), 2, ("/nonexistent/f: No such file", "--output")),
)


def without_privileged_ports():
    ctypes.CDLL(None).prctl(24, 10, 0, 0, 0)  # PR_CAPBSET_DROP, CAP_NET_BIND_SERVICE: root loses it by exec


class Mistakes(MistakeCase):
    def test_files(self):
        self.check_files(FILES)

    def test_all_mistakes_of_a_file_are_told_at_once(self):
        path = self.write(SITE + "  egress: perhaps\n  upstraem: x\ncolour: red\n")
        done = run_cli("validate", "-c", path)
        self.assertEqual(re.findall(r"f\.yaml:(\d+:\d+): ", done.stderr), ["4:11", "5:3", "6:1"])
        self.assertIn("3 errors", done.stderr)

    def test_commands(self):
        self.check_commands(COMMANDS)

    def test_init_does_not_overwrite(self):
        self.write("mine\n", "fairing.yaml")
        self.expect(run_cli("init"), 1, ("fairing.yaml is there already", "--force"))

    def test_https_without_egress_is_noted(self):
        done = run_cli("validate", "--http", "0=https://api.example.com")
        self.assertEqual(done.returncode, 0)
        self.assertIn("note: --http 0=https://api.example.com", done.stderr)
        self.assertIn("egress: true", done.stderr)

    def test_addresses_that_cannot_be_had(self):
        used = self.taken_port()
        backend = "=http://127.0.0.1:1"
        with self.subTest("a port in use"):
            self.start_refused("--http", used + backend, "--admin", "off", words=("http.listen", used, "ss -ltnp"))
        with self.subTest("an admin port in use"):
            self.start_refused("--http", "0" + backend, "--admin", used, words=("admin.listen", used, "ss -ltnp"))
        with self.subTest("an admin port in use, by the variable"):
            env = {"FAIRING_ADMIN": f"http://{used}"}
            self.start_refused("--http", "0" + backend, env=env, words=("admin.listen of FAIRING_ADMIN", used))
        with self.subTest("an address of another machine"):
            self.start_refused(
                "--http", "203.0.113.1:0" + backend, "--admin", "off", words=("http.listen", "203.0.113.1", "no interface")
            )
        with self.subTest("a socket in no directory"):
            self.start_refused(
                "--http", "unix:/nonexistent/s" + backend, "--admin", "off", words=("/nonexistent/s", "make the directory")
            )
        with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as f:
            privileged = int(f.read()) - 1
        if privileged > 0:  # else this machine has no privileged ports
            with self.subTest("a privileged port"):
                self.start_refused(
                    "--http",
                    f"{privileged}{backend}",
                    "--admin",
                    "off",
                    prepare=without_privileged_ports,
                    words=("http.listen", f"127.0.0.1:{privileged}", "CAP_NET_BIND_SERVICE"),
                )

    def test_directories_and_files_that_cannot_be_used(self):
        site = ("--http", "0=http://127.0.0.1:1", "--admin", "0")
        anyones = os.path.join(self.dir, "anyones")
        os.mkdir(anyones)
        os.chmod(anyones, 0o777)
        for what, env, words in (
            ("a runtime directory for all", {"FAIRING_RUNTIME_DIR": anyones}, ("runtime.dir", anyones, "written by all")),
            (
                "a runtime directory that cannot be made",
                {"FAIRING_RUNTIME_DIR": "/proc/no"},
                ("runtime.dir", "/proc/no", "set FAIRING_RUNTIME_DIR"),
            ),
        ):
            with self.subTest(what):
                self.start_refused(*site, env=env, words=words)
        with self.subTest("--set beats the environment"):
            self.start_refused(*site, "--set", f"runtime.dir={anyones}", words=("runtime.dir", anyones))
        with self.subTest("an access log in no directory"):
            self.start_refused(
                *site,
                "--set",
                "runtime.access_log=/nonexistent/log",
                words=("runtime.access_log.to", "/nonexistent/log", "its directory must be there"),
            )

    def test_an_instance_that_is_not_there(self):
        free = socket.socket()
        self.addCleanup(free.close)
        free.bind(("127.0.0.1", 0))
        nobody = "http://127.0.0.1:%d" % free.getsockname()[1]
        for args in (("check",), ("reload",), ("explain", "/a"), ("bypass",), ("purge", "--all"), ("top", "--once")):
            with self.subTest(args):
                self.expect(run_cli(*args, "--admin", nobody), 3, (nobody, "start one with fairing run", "--admin URL"))
        with self.subTest("no http"):
            self.expect(run_cli("check", "--admin", "ftp://127.0.0.1"), 3, ("ftp://127.0.0.1", "--admin URL"))
        mute = Origin(self, lambda r: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        with self.subTest("something else listens there"):
            self.expect(run_cli("check", "--admin", mute.url), 1, (mute.url, "is it a Fairing?"))

    def test_tokens(self):
        f = Fairing(self, {"http": {"listen": "127.0.0.1:0", "upstream": "http://127.0.0.1:1"}})
        for what, env, words in (
            ("a wrong token", {"FAIRING_TOKEN": "0" * 32}, ("FAIRING_TOKEN",)),
            (
                "no token",
                {"FAIRING_RUNTIME_DIR": "/nonexistent"},
                ("cannot read /nonexistent/token: No such file", "set FAIRING_RUNTIME_DIR", "FAIRING_TOKEN"),
            ),
            (
                "a directory for a token",
                {"FAIRING_RUNTIME_DIR": self.dir},
                (f"cannot read {self.dir}/token: Is a directory", "set FAIRING_RUNTIME_DIR"),
            ),
        ):
            os.makedirs(os.path.join(self.dir, "token"), exist_ok=True)
            with self.subTest(what):
                done = f.cli("purge", "--all", env=env)
                self.expect(done, 1, (f.admin_url, "refused the token", *words))

    def test_what_the_instance_does_not_know(self):
        f = Fairing(self, {"http": {"listen": "127.0.0.1:0", "name": "web", "upstream": "http://127.0.0.1:1"}})
        self.expect(f.cli("bypass", "htpp"), 1, ("`htpp` is neither", "http, web"))
        self.expect(f.cli("purge", "--url", "http://a b/"), 1, ("http://host[:port]/path",))
        self.expect(f.cli("explain", "/never"), 1, ("nothing is remembered of /never", "last requests"))


if __name__ == "__main__":
    unittest.main()
