"""The command line and the admin API: verbs, exit codes, --json, the token, the Host check."""
import json
import os
import socket
import stat
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.client import fetch
from support.fairing import Fairing, run_cli
from support.origin import Origin, Routes, answer

GOOD = """http:
  - listen: 127.0.0.1:0
    upstream: http://127.0.0.1:3000
"""


class Alone(unittest.TestCase):
    """Verbs that need no instance."""

    def file(self, text):
        d = tempfile.TemporaryDirectory(prefix="fairing-cli-")
        self.addCleanup(d.cleanup)
        path = os.path.join(d.name, "fairing.yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def test_version_and_help(self):
        done = run_cli("version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"\d+\.\d+\.\d+")
        self.assertIn("version", json.loads(run_cli("version", "--json").stdout))
        self.assertEqual(run_cli("--help").returncode, 0)

    def test_usage_errors_are_2(self):
        for args in (
            (),
            ("no-such-verb",),
            ("run", "--no-such-flag"),
            ("purge",),
            ("run", "--http", "nonsense"),
            ("validate",),
        ):
            with self.subTest(args):
                done = run_cli(*args)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                self.assertNotEqual(done.stderr + done.stdout, "")

    def test_schema_is_json_schema(self):
        schema = json.loads(run_cli("schema").stdout)
        self.assertIn("$schema", schema)
        self.assertIn("http", schema["properties"])

    def test_validate_accepts_a_good_file(self):
        self.assertEqual(run_cli("validate", "-c", self.file(GOOD)).returncode, 0)

    def test_validate_names_file_line_column_and_nearest_key(self):
        for text, line, words in (
            (GOOD + "    upstreem: x\n", 4, ("upstreem", "upstream")),
            (GOOD + "    timeouts: { conect: 1s }\n", 4, ("conect", "connect")),
            (GOOD + "    timeouts: { connect: soon }\n", 4, ("soon", "connect")),
            (GOOD + "    limits: { body: 5parsecs }\n", 4, ("5parsecs",)),
            (GOOD + "    upstream: http://127.0.0.1:1\n", 4, ("upstream",)),
            ("htpp: {}\n" + GOOD, 1, ("htpp", "http")),
            (GOOD.replace("http://127.0.0.1:3000", "ftp://x"), 3, ("ftp://x",)),
            (GOOD + "    routes: [ { match: 'GET api' } ]\n", 4, ("GET api",)),
            (GOOD + "    cache: { mode: perhaps }\n", 4, ("perhaps",)),
            (GOOD + "   bad indent: [\n", 4, ()),
        ):
            path = self.file(text)
            with self.subTest(text.splitlines()[-1]):
                done = run_cli("validate", "-c", path)
                self.assertEqual(done.returncode, 2, done.stdout)
                said = done.stderr + done.stdout
                self.assertRegex(said, rf"fairing\.yaml:{line}:\d+")
                for word in words:
                    self.assertIn(word, said)
                self.assertEqual(run_cli("run", "-c", path).returncode, 2)

    def test_variables_are_put_in(self):
        path = self.file(GOOD.replace("3000", "${PORT:-x}"))
        self.assertEqual(run_cli("validate", "-c", path).returncode, 2)
        self.assertEqual(run_cli("validate", "-c", path, env={"PORT": "3000"}).returncode, 0)
        done = run_cli("validate", "-c", self.file(GOOD.replace("3000", "${NOT_SET}")))
        self.assertEqual(done.returncode, 2)
        self.assertIn("NOT_SET", done.stderr + done.stdout)

    def test_a_file_that_is_not_there(self):
        done = run_cli("run", "-c", "/nonexistent/fairing.yaml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nonexistent/fairing.yaml", done.stderr)

    def test_init_writes_a_file_that_validates(self):
        d = tempfile.TemporaryDirectory(prefix="fairing-init-")
        self.addCleanup(d.cleanup)
        here = os.getcwd()
        os.chdir(d.name)
        self.addCleanup(os.chdir, here)
        done = run_cli("init", env={"PORT": "3123"})
        self.assertEqual(done.returncode, 0, done.stderr)
        with open("fairing.yaml", encoding="utf-8") as made:
            text = made.read()
        self.assertIn("3123", text)
        self.assertEqual(run_cli("validate", "-c", self.file(text)).returncode, 0)

    def test_no_instance_is_3(self):
        free = socket.socket()
        free.bind(("127.0.0.1", 0))
        admin = "http://127.0.0.1:%d" % free.getsockname()[1]
        self.addCleanup(free.close)
        for args in (("check",), ("explain", "http://x/"), ("purge", "--all"), ("bypass",), ("reload",)):
            with self.subTest(args):
                self.assertEqual(
                    run_cli(
                        *args, env={"FAIRING_ADMIN": admin, "FAIRING_RUNTIME_DIR": "/nonexistent"}
                    ).returncode,
                    3,
                )
        self.assertEqual(run_cli("check", "--admin", admin).returncode, 3)


class WithInstance(unittest.TestCase):
    def setUp(self):
        self.routes = Routes()
        self.origin = Origin(self, self.routes)
        self.routes.on("/a", answer(200, {"Cache-Control": "max-age=60"}, b"a"))
        self.routes.on("/cookie", answer(200, {"Cache-Control": "max-age=60", "Set-Cookie": "a=b"}, b"c"))
        self.fairing = Fairing(self, {"http": {"listen": "127.0.0.1:0", "upstream": self.origin.url}})

    def get(self, path, headers=None):
        return fetch(self.fairing.http, path, headers=headers)

    def test_explain_says_why_without_asking_the_backend(self):
        self.get("/a"), self.get("/a"), self.get("/cookie")
        before = self.origin.count()
        for path, word in (("/a", "hit"), ("/cookie", "set-cookie")):
            done = self.fairing.cli("explain", f"http://test{path}")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(word, done.stdout)
            json.loads(self.fairing.cli("explain", f"http://test{path}", "--json").stdout)
        self.assertEqual(self.fairing.cli("explain", "http://test/never-asked").returncode, 1)
        self.assertEqual(self.origin.count(), before)

    def test_explain_tells_every_decision_newest_first(self):
        self.routes.on("/b", answer(200, {"Cache-Control": "no-store"}, b"b"))
        asked = (
            ("/a", {}, "fwd=uri-miss; fwd-status=200; stored"),
            ("/a", {}, "hit"),
            ("/a", {"Cache-Control": "no-cache"}, "fwd=request"),
            ("/b", {}, "detail=no-store"),
            ("/b", {}, "detail=hit-for-miss"),
        )
        for path, headers, _ in asked:
            self.get(path, headers)
        self.assertEqual(self.fairing.cli("purge", "--url", "http://test/a").returncode, 0)
        self.get("/a")
        for path in ("/a", "/b"):
            wanted = [word for p, _, word in asked if p == path] + (["fwd=uri-miss"] if path == "/a" else [])
            for said in (path, f"test{path}", f"http://test{path}"):
                done = self.fairing.cli("explain", said, "--json")
                self.assertEqual(done.returncode, 0, done.stderr)
                items = json.loads(done.stdout)["items"]
                self.assertEqual(len(items), len(wanted), items)
                for item, word in zip(items, reversed(wanted)):
                    self.assertIn(word, item["cache"])
                    self.assertEqual((item["method"], item["url"], item["status"]), ("GET", f"test{path}", 200))
                times = [item["time"] for item in items]
                self.assertEqual(times, sorted(times, reverse=True))
        text = self.fairing.cli("explain", "/a").stdout
        self.assertEqual(text.count(" GET test/a 200"), 4, text)
        self.assertLess(text.index("fwd=request"), text.index("; hit;"), "newest first")

    def test_explain_takes_a_trace(self):
        trace = "0af7651916cd43dd8448eb211c80319c"
        fetch(self.fairing.http, "/a", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
        done = self.fairing.cli("explain", trace)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("/a", done.stdout)

    def test_check_grades_the_points(self):
        done = self.fairing.cli("check", "--json")
        self.assertIn(done.returncode, (0, 1))
        points = json.loads(done.stdout)["points"]
        self.assertLessEqual({3, 5, 6, 7, 8, 9}, {p["number"] for p in points})
        for p in points:
            self.assertIn(p["grade"], ("pass", "warn", "fail", "not_seen"))
            self.assertTrue(p["title"])
        self.assertEqual(done.returncode, int(any(p["grade"] == "fail" for p in points)))
        strict = self.fairing.cli("check", "--strict")
        self.assertEqual(strict.returncode, int(any(p["grade"] in ("fail", "warn") for p in points)))
        self.assertEqual(
            self.fairing.call("GET", "/v1/checklist", token=False)[1]["points"][0]["number"],
            points[0]["number"],
        )

    def test_bypass_turns_the_cache_off_and_on_at_once(self):
        self.get("/a")
        self.assertTrue(self.get("/a").is_hit)
        done = self.fairing.cli("bypass", "http")
        self.assertEqual(done.returncode, 0, done.stderr)
        got = self.get("/a")
        self.assertEqual((got.is_hit, got.text), (False, "a"))
        self.assertEqual(self.fairing.cli("bypass", "http", "--off").returncode, 0)
        self.get("/a")
        self.assertTrue(self.get("/a").is_hit)

    def test_bypass_of_a_site_and_of_a_route(self):
        self.routes.on("/c", answer(200, {"Cache-Control": "max-age=60"}, b"c" * 4000))
        limit = {"rate": "1/h", "burst": 1}
        routes = [{"match": "GET /a", "rate_limit": limit}, {"match": "/c"}]
        site = {"listen": "127.0.0.1:0", "name": "web", "upstream": self.origin.url, "routes": routes}
        f = Fairing(self, {"http": site})

        def statuses(path):
            return [fetch(f.http, path).status for _ in range(2)]

        self.assertEqual(statuses("/a"), [200, 429])
        self.assertEqual(fetch(f.http, "/c").cache.get("stored"), True)
        done = f.cli("bypass", "GET /a")
        self.assertEqual((done.returncode, done.stdout), (0, "bypassed: GET /a\n"))
        self.assertEqual(statuses("/a"), [200, 200], "no limit there")
        self.assertEqual(fetch(f.http, "/a").cache.get("detail"), "bypassed")
        self.assertTrue(fetch(f.http, "/c").is_hit, "other routes go on")
        self.assertEqual(f.cli("bypass", "web").stdout, "bypassed: GET /a\nbypassed: web\n")
        plain = fetch(f.http, "/c", headers={"Accept-Encoding": "gzip"})
        self.assertEqual((plain.is_hit, plain.get("Content-Encoding")), (False, None), "neither cache nor coding")
        self.assertEqual(f.cli("reload").returncode, 0)
        self.assertEqual(json.loads(f.cli("bypass", "--json").stdout), {"bypassed": ["GET /a", "web"]})
        self.assertFalse(fetch(f.http, "/c").is_hit, "it survives a reload")
        for what in ("web", "GET /a"):
            self.assertEqual(f.cli("bypass", what, "--off").returncode, 0)
        self.assertEqual(f.cli("bypass").stdout, "nothing is bypassed\n")
        self.assertTrue(fetch(f.http, "/c").is_hit)
        self.assertIn(429, statuses("/a"))

    def test_the_token_is_private(self):
        path = os.path.join(self.fairing.runtime, "token")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        self.assertGreaterEqual(len(self.fairing.token()), 16)

    def test_instances_that_share_a_runtime_directory_share_the_token(self):
        site = {"http": {"listen": "127.0.0.1:0", "upstream": self.origin.url}}
        second = Fairing(self, site, env={"FAIRING_RUNTIME_DIR": self.fairing.runtime})
        for admin in (self.fairing.admin_url, second.admin_url):
            done = self.fairing.cli("purge", "--all", admin=admin)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(second.metric("fairing_purge_total", source="cli"), 1)

    def test_changes_need_the_token_and_reading_does_not(self):
        for path, body in (
            ("/v1/purge", {"all": True}),
            ("/v1/reload", None),
            ("/v1/bypass", {"plane": "http"}),
            ("/v1/drain", None),
        ):
            for token in (False, "wrong", self.fairing.token()[:-1]):
                with self.subTest(path=path, token=token):
                    self.assertIn(self.fairing.call("POST", path, body, token=token)[0], (401, 403))
        self.assertEqual(self.fairing.call("GET", "/readyz", token=False)[0], 200, "nothing was drained")
        for path in (
            "/livez",
            "/readyz",
            "/metrics",
            "/",
            "/v1/checklist",
            "/v1/config",
            "/v1/cache/entries",
        ):
            self.assertEqual(self.fairing.call("GET", path, token=False)[0], 200, path)
        done = self.fairing.cli("purge", "--all", env={"FAIRING_RUNTIME_DIR": "/nonexistent"})
        self.assertEqual(done.returncode, 1, "no token: it says no")
        self.assertIn("token", (done.stderr + done.stdout).lower())

    def test_a_foreign_host_is_refused(self):
        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example"):
            for method, path in (("GET", "/v1/config"), ("GET", "/metrics"), ("POST", "/v1/purge")):
                with self.subTest(host=host, path=path):
                    self.assertIn(
                        self.fairing.call(
                            method, path, {"all": True} if method == "POST" else None, headers={"Host": host}
                        )[0],
                        (400, 403, 421),
                    )
        self.assertEqual(
            self.fairing.call(
                "GET", "/metrics", token=False, headers={"Host": "localhost:%d" % self.fairing.admin[1]}
            )[0],
            200,
        )

    def test_a_page_elsewhere_cannot_make_changes(self):
        status, _ = self.fairing.call(
            "POST", "/v1/purge", {"all": True}, token=False, headers={"Origin": "http://evil.example"}
        )
        self.assertIn(status, (401, 403))

    def test_bad_requests_are_told_what_is_wrong(self):
        for body in ({}, {"tag": ["x"]}, {"tags": "x"}, {"urls": ["not a url"]}, [1]):
            status, said = self.fairing.call("POST", "/v1/purge", body)
            self.assertEqual(status // 100, 4, (body, said))
        self.assertEqual(self.fairing.call("GET", "/v1/no-such-thing")[0], 404)
        self.assertEqual(self.fairing.call("DELETE", "/v1/purge")[0], 405)

    def test_secrets_do_not_show_in_the_configuration(self):
        f = Fairing(
            self,
            {
                "admin": {"listen": "127.0.0.1:0", "token": "a-very-secret-token-1234"},
                "http": {"listen": "127.0.0.1:0", "upstream": self.origin.url},
            },
        )
        status, said = f.call("GET", "/v1/config", token="a-very-secret-token-1234")
        self.assertEqual(status, 200)
        self.assertNotIn("a-very-secret-token-1234", json.dumps(said))

    def test_entries_can_be_listed(self):
        self.get("/a")
        status, said = self.fairing.call("GET", "/v1/cache/entries", token=False)
        self.assertEqual(status, 200)
        self.assertIn("/a", json.dumps(said["items"]))


if __name__ == "__main__":
    unittest.main()
