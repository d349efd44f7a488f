"""Operating it: drain on SIGTERM, reloads, listeners that cannot be had, probes, the access log."""
import json
import os
import signal
import re
import shutil
import socket
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.certificates import client_context, make_authority, make_certificate
from support.client import Client, Truncated, fetch
from support.fairing import ROOT, Fairing, split_address
from support.origin import Origin, Routes, answer
from support.pgclient import PgClient, PgError
from support.wait import past, wait_until

NO_STORE = {"Cache-Control": "no-store"}


class Operations(unittest.TestCase):
    def setUp(self):
        self.routes = Routes()
        self.origin = Origin(self, self.routes)
        self.routes.on("/", lambda r: answer(200, {"X-Silent": "1"}, r.target))

    def config(self, **more):
        return {"http": {"listen": "127.0.0.1:0", "upstream": self.origin.url, **more}}

    def test_sigterm_fails_readiness_first_and_finishes_what_is_in_flight(self):
        f = Fairing(
            self, {**self.config(), "runtime": {"threads": 2, "drain": {"lame_duck": "1s", "timeout": "20s"}}}
        )
        go = threading.Event()
        self.addCleanup(go.set)
        self.routes.on("/slow", lambda r: (go.wait(20), answer(200, NO_STORE, b"finished"))[1])
        self.assertEqual(f.call("GET", "/readyz", token=False)[0], 200)
        with Client(f.http, timeout=20) as busy, Client(f.http) as idle:
            self.assertEqual(idle.get("/x").status, 200)
            busy.request("GET", "/slow")
            self.origin.wait_count(1, "/slow")
            f.signal(signal.SIGTERM)
            wait_until(lambda: f.call("GET", "/readyz", token=False)[0] == 503, 5, "readiness to fail")
            self.assertEqual(
                fetch(f.http, "/lame-duck").status, 200, "in the lame-duck time new requests are still served"
            )
            self.assertEqual(f.call("GET", "/livez", token=False)[0], 200)

            def refused():
                try:
                    socket.create_connection(f.http, 1).close()
                    return False
                except ConnectionRefusedError:
                    return True
                except ConnectionResetError:  # caught in the middle of the close
                    return False

            wait_until(refused, 10, "the listener to close")
            self.assertTrue(idle.closed(), "idle connections are let go")
            self.assertIsNone(f.process.poll(), "the request in flight is waited for")
            go.set()
            self.assertEqual(busy.response().text, "finished")
        self.assertEqual(f.wait(), 0)

    def test_drain_is_bounded(self):
        f = Fairing(self, {**self.config(), "runtime": {"threads": 1, "drain": {"timeout": "300ms"}}})
        go = threading.Event()
        self.addCleanup(go.set)
        self.routes.on("/never", lambda r: (go.wait(30), None)[1])
        with Client(f.http) as c:
            c.request("GET", "/never")
            self.origin.wait_count(1, "/never")
            f.signal(signal.SIGTERM)
            self.assertEqual(f.wait(10), 0)
            with self.assertRaises(Truncated):
                if c.response().status in (502, 503, 504):
                    raise Truncated("an error of our own is right as well")

    def ttl(self, on):
        return self.config(
            routes=[
                {"match": "/r/**", "cache": {"ttl": "60s" if on else "0s", "mode": "on" if on else "off"}}
            ]
        )

    def test_reload_changes_rules_and_keeps_connections(self):
        f = Fairing(self, self.ttl(False))
        with Client(f.http) as c:
            self.assertEqual([c.get("/r/a").is_hit for _ in range(2)], [False, False])
            f.write_config(self.ttl(True))
            status, said = f.reload()
            self.assertEqual(status, 200, said)
            wait_until(lambda: c.get("/r/a").is_hit, 5, "the new rule")
            f.write_config(self.ttl(False))
            f.signal(signal.SIGHUP)
            wait_until(lambda: not c.get("/r/a").is_hit, 5, "the old rule again, by SIGHUP")
        f.write_config(self.ttl(True))
        done = f.cli("reload")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_bad_file_keeps_the_old_configuration_and_says_why(self):
        f = Fairing(self, self.ttl(True))
        fetch(f.http, "/r/a")
        with open(f.config_path, encoding="utf-8") as file:
            good = file.read()
        for bad, words in (
            (good.replace('"upstream"', '"upstraem"'), ("upstraem", "upstream")),
            (good.replace('"60s"', '"60 parsecs"'), ("60 parsecs", "ttl")),
            ("http: [", ()),
        ):
            self.assertNotEqual(bad, good)
            f.write_config(bad)
            status, said = f.reload()
            self.assertEqual(status // 100, 4, said)
            for word in words:
                self.assertIn(word, json.dumps(said))
            done = f.cli("reload")
            self.assertIn(done.returncode, (1, 2))
            for word in words:
                self.assertIn(word, done.stderr + done.stdout)
            self.assertTrue(fetch(f.http, "/r/a").is_hit, "the old configuration runs on")
        f.signal(signal.SIGHUP)
        wait_until(lambda: "fairing.yaml" in f.log(), 5, "the reason in the log")

    def test_what_cannot_be_reloaded_says_restart(self):
        f = Fairing(self, self.config())
        f.write_config({**self.config(), "cache": {"memory": "512MiB"}})
        status, said = f.reload()
        self.assertEqual(status // 100, 4, said)
        self.assertIn("restart", json.dumps(said))
        self.assertIn("cache.memory", json.dumps(said))

    def test_what_a_reload_replaced_leaves_the_metrics(self):
        f = Fairing(self, self.config(routes=[{"match": "/old/**"}, {"match": "/both/**"}]))
        self.assertEqual([fetch(f.http, p).status for p in ("/old/a", "/both/a")], [200, 200])
        f.write_config(self.config(routes=[{"match": "/new/**"}, {"match": "/both/**"}]))
        self.assertEqual(f.reload()[0], 200)

        def routes():
            return {dict(labels).get("http_route") for (_, labels) in f.metrics()}

        wait_until(lambda: fetch(f.http, "/new/a").status == 200 and "/old/**" not in routes(), 5, "/old to go")
        self.assertLessEqual({"/new/**", "/both/**"}, routes())
        seen = "http_server_request_duration_seconds_count"
        self.assertEqual(f.metric(seen, http_route="/both/**"), 1, "what stays keeps its count")
        for i in range(100):
            f.write_config(self.config(routes=[{"match": f"/r{i}/{j}"} for j in range(20)]))
            self.assertEqual(f.reload()[0], 200)
        fetch(f.http, "/r99/19")
        self.assertEqual(f.metric(seen, http_route="/r99/19"), 1)
        self.assertEqual(f.metric("fairing_metrics_refused_total"), 0)

    def start_failing(self, config):
        f = Fairing(self, config, ready=False)
        with self.assertRaises(AssertionError) as caught:
            f.start()
        f.expected_exit = f.process.returncode
        self.assertEqual(f.process.returncode, 2)
        return str(caught.exception)

    def test_a_port_in_use_names_the_key(self):
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        self.addCleanup(taken.close)
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        said = self.start_failing(self.config(listen=address))
        self.assertIn(address, said)
        self.assertRegex(said, r"http(\[0\])?\.listen")
        said = self.start_failing({**self.config(), "admin": {"listen": address}})
        self.assertIn(address, said)
        self.assertIn("admin.listen", said)

    def verbose(self, f):
        return f.call("GET", "/readyz?verbose", token=False)

    def test_readiness_lists_its_checks_and_the_drain(self):
        drain = {"lame_duck": "2s", "timeout": "20s"}
        f = Fairing(self, {**self.config(name="web"), "runtime": {"threads": 1, "drain": drain}})
        status, text = self.verbose(f)
        self.assertEqual(status, 200)
        self.assertIn("[+]listener:web ok: accepts on 127.0.0.1:%d\n" % f.http[1], text)
        self.assertIn("[+]drain ok: not begun", text)
        self.assertIn(f"[+]upstream:web {self.origin.url} ok: up\n", text)
        self.assertTrue(text.endswith("\nready\n"), text)
        go = threading.Event()
        self.addCleanup(go.set)
        self.routes.on("/slow", lambda r: (go.wait(20), answer(200, NO_STORE, b"finished"))[1])
        with Client(f.http, timeout=20) as busy:
            busy.request("GET", "/slow")
            self.origin.wait_count(1, "/slow")
            f.signal(signal.SIGTERM)
            text = wait_until(lambda: (t := self.verbose(f))[0] == 503 and t[1], 5, "readiness to fail")
            self.assertRegex(text, r"\[-\]drain failed: begun, 1 connections; the listeners close in \S+\n")
            self.assertIn("[+]listener:web ok", text, "in the lame-duck time it still accepts")
            self.assertTrue(text.endswith("\nnot ready\n"), text)
            text = wait_until(lambda: "closed" in (t := self.verbose(f))[1] and t[1], 10, "the listeners to close")
            self.assertRegex(text, r"\[-\]drain failed: 1 connections left; cut in \S+\n")
            go.set()
            self.assertEqual(busy.response().text, "finished")

    def test_readiness_tells_of_backends_and_does_not_rest_on_them(self):
        healthy = threading.Event()
        healthy.set()
        dead = socket.socket()
        dead.bind(("127.0.0.1", 0))  # and never listens
        self.addCleanup(dead.close)
        url = "http://127.0.0.1:%d" % dead.getsockname()[1]
        checked = Origin(self, lambda r: answer(200 if healthy.is_set() else 500, NO_STORE))
        outlier = {"failures": 2, "eject": "1h"}
        health = {"path": "/health", "interval": "100ms", "unhealthy_after": 1, "healthy_after": 1}
        f = Fairing(
            self,
            {
                "http": [
                    {"listen": "127.0.0.1:0", "name": "two", "upstream": [self.origin.url, url], "outlier": outlier},
                    {"listen": "127.0.0.1:0", "name": "one", "upstream": url, "outlier": outlier, "retry": 1},
                    {"listen": "127.0.0.1:0", "name": "checked", "upstream": checked.url, "health": health},
                ]
            },
        )
        self.assertEqual(fetch(f.site(1), "/").status, 502)
        self.assertIn(f"[+]upstream:one {url} ok: up, the last request to it failed\n", self.verbose(f)[1])
        fetch(f.site(1), "/")
        self.assertIn(f"[!]upstream:one {url} warning: down, the last 2 requests to it failed\n", self.verbose(f)[1])
        ejected = f"[!]upstream:two {url} warning: ejected, requests to it failed in a row; it is tried again in "
        wait_until(lambda: fetch(f.http, "/").status and ejected in self.verbose(f)[1], 20, "the ejection")
        healthy.clear()
        down = f"[!]upstream:checked {checked.url} warning: down, its health checks fail\n"
        status, text = wait_until(lambda: down in (t := self.verbose(f))[1] and t, 10, "the failing check")
        self.assertEqual(status, 200, "backends that are down do not make it unready: hits go on")
        self.assertIn(f"[+]upstream:two {self.origin.url} ok: up\n", text)
        items = f.call("GET", "/v1/upstreams", token=False)[1]["items"]
        self.assertEqual({(i["site"], i["state"]) for i in items if i["url"] == url}, {("two", "ejected"), ("one", "down")})
        healthy.set()
        wait_until(lambda: down not in self.verbose(f)[1], 10, "it to come back")

    def test_a_free_port_is_named_by_what_was_bound(self):
        site = {"listen": "127.0.0.1:0", "upstream": self.origin.url}
        f = Fairing(self, {"http": [site, dict(site), {**site, "name": "web"}]})
        names = [*f.listeners["http"][:2], "web"]
        for i in range(3):
            self.assertEqual(fetch(f.site(i), "/x").status, 200)

        def check():
            for name in names:
                self.assertEqual(f.metric("fairing_cache_requests_total", site=name), 1, name)
            said = f.call("GET", "/v1/upstreams", token=False)[1]
            self.assertEqual([i["site"] for i in said["items"]], names)

        check()
        status, said = f.reload()
        self.assertEqual((status, said.get("changes")), (200, []), "the name is no change")
        check()

    def test_a_reload_ends_the_evidence_of_what_it_changed(self):
        rows = json.dumps(list(range(150)))
        go = threading.Event()
        self.addCleanup(go.set)
        self.routes.on("/", lambda r: answer(200, {**NO_STORE, "Content-Type": "application/json"}, rows))
        self.routes.on(
            "/b", lambda r: (r.get("X-Wait") and go.wait(20), answer(200, {**NO_STORE, "Content-Type": "application/json"}, rows))[1]
        )
        f = Fairing(self, self.config(routes=[{"match": "GET /a"}, {"match": "GET /b"}]))

        def seen():
            status, said = f.call("GET", "/v1/checklist", token=False)
            self.assertEqual(status, 200)
            point = next(p for p in said["points"] if p["number"] == 3)
            return point["grade"], json.dumps(point)

        for path in ("/a", "/b"):
            for _ in range(30):
                fetch(f.http, path)
        grade, text = seen()
        self.assertIn(grade, ("warn", "fail"), text)
        self.assertIn("GET /a", text)
        self.assertIn("GET /b", text)
        self.assertEqual(f.reload()[0], 200)
        self.assertEqual(seen(), (grade, text), "nothing changed, so all of it holds")
        with Client(f.http, timeout=20) as old:
            old.request("GET", "/b", {"X-Wait": "1"})
            wait_until(lambda: self.origin.count("/b") == 31, 10, "the request of before the reload")
            f.write_config(self.config(routes=[{"match": "GET /a"}]))
            self.assertEqual(f.reload()[0], 200)
            _, text = seen()
            self.assertIn("GET /a", text, "what did not change keeps its evidence")
            self.assertNotIn("GET /b", text)
            go.set()
            self.assertEqual(old.response().status, 200)
        self.assertNotIn("GET /b", seen()[1], "what began before the reload is no evidence after it")
        f.write_config(self.config(routes=[{"match": "GET /a", "cache": {"ttl": "1s"}}]))
        self.assertEqual(f.reload()[0], 200)
        self.assertEqual(seen()[0], "not_seen", "a changed route begins anew")

    def test_new_certificates_are_loaded_and_told(self):
        d = tempfile.TemporaryDirectory(prefix="fairing-tls-")
        self.addCleanup(d.cleanup)
        authority = make_authority(d.name, "authority")
        make_certificate(d.name, "authority", "one")
        make_certificate(d.name, "authority", "two")

        def put(name, suffixes=("pem", "key")):
            for suffix in suffixes:
                shutil.copy(os.path.join(d.name, f"{name}.{suffix}"), os.path.join(d.name, f"live.{suffix}"))

        put("one")
        live = [os.path.join(d.name, f"live.{suffix}") for suffix in ("pem", "key")]
        f = Fairing(self, self.config(tls={"cert": live[0], "key": live[1]}))
        trusting = client_context(authority)

        def served():
            with Client(f.http, tls=trusting) as c:
                self.assertEqual(c.get("/x").status, 200)
                return dict(part[0] for part in c.socket.getpeercert()["subject"])["commonName"]

        self.assertEqual(served(), "one")
        done = f.cli("reload")
        self.assertIn("nothing changed", done.stdout)
        with Client(f.http, tls=trusting) as before:
            self.assertEqual(before.get("/x").status, 200)
            put("two")
            done = f.cli("reload")
            self.assertEqual(done.returncode, 0, done.stderr)
            for line in (f"http.0.tls.cert (the content of {live[0]})", f"http.0.tls.key (the content of {live[1]})"):
                self.assertIn(line, done.stdout)
            wait_until(lambda: served() == "two", 5, "the new certificate")
            self.assertEqual(before.get("/x").status, 200, "open connections go on")
        put("one", ["pem"])
        done = f.cli("reload")
        self.assertEqual(done.returncode, 1, "a key of another certificate")
        self.assertIn(live[1], done.stderr)
        self.assertEqual(served(), "two", "the old pair goes on")
        put("one")
        self.assertIn("2 changed", f.cli("reload").stdout)
        wait_until(lambda: served() == "one", 5, "the pair made whole")

    def test_the_access_log_has_a_json_line_a_request_with_its_trace(self):
        path = os.path.join(Fairing(self, self.config()).dir, "access")  # a directory that is cleaned up
        f = Fairing(
            self, {**self.config(), "runtime": {"threads": 1, "access_log": {"to": path, "buffered": False}}}
        )
        trace = "0af7651916cd43dd8448eb211c80319c"
        fetch(f.http, '/a?secret="x"', headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})

        def written():
            with open(path, encoding="utf-8") as file:
                return file.read().splitlines()

        lines = wait_until(written, 10, "a line")
        self.assertEqual(len(lines), 1)
        entry = json.loads(lines[0])
        self.assertIn(trace, lines[0])
        self.assertIn("200", lines[0])
        self.assertIn("GET", entry.values())

    def test_the_access_log_moves_by_reload_and_survives_rotation(self):
        d = tempfile.TemporaryDirectory(prefix="fairing-log-")
        self.addCleanup(d.cleanup)
        first, second, rotated = (os.path.join(d.name, n) for n in ("first", "second", "second.1"))

        def logging(to):
            return {**self.config(), "runtime": {"threads": 2, "access_log": {"to": to, "buffered": False}}}

        def targets(path):
            if not os.path.exists(path):
                return []
            with open(path, encoding="utf-8") as lines:
                return [json.loads(line)["target"] for line in lines]

        def expect(path, *wanted):
            wait_until(lambda: targets(path) == list(wanted), 5, f"{wanted} in {path}, not {targets(path)}")

        def arrives(path, target):
            """Requests under way while the path is opened anew may still go to the old file."""

            def asked():
                fetch(f.http, target)
                return target in targets(path)

            wait_until(asked, 5, f"{target} in {path}")
            self.assertEqual(set(targets(path)), {target})

        f = Fairing(self, logging(first))
        fetch(f.http, "/1")
        expect(first, "/1")
        f.write_config(logging(second))
        self.assertIn("runtime.access_log.to", f.cli("reload").stdout)
        fetch(f.http, "/2")
        expect(second, "/2")
        os.rename(second, rotated)
        fetch(f.http, "/3")
        expect(rotated, "/2", "/3")
        f.signal(signal.SIGHUP)
        wait_until(lambda: os.path.exists(second), 5, "the path to be opened anew")
        arrives(second, "/4")
        os.remove(second)
        f.write_config("http: [ broken")
        f.signal(signal.SIGHUP)
        wait_until(lambda: os.path.exists(second), 5, "the path to be opened anew, whatever the file says")
        f.write_config(logging(os.path.join(d.name, "no", "such", "directory")))
        done = f.cli("reload")
        self.assertEqual(done.returncode, 1)
        self.assertIn("runtime.access_log.to", done.stderr)
        arrives(second, "/5")
        f.write_config(logging("/dev/full"))
        self.assertEqual(f.reload()[0], 200)
        self.assertEqual([fetch(f.http, "/6").status for _ in range(20)], [200] * 20)
        wait_until(lambda: f.metric("fairing_access_log_dropped_bytes_total") > 0, 5, "the loss to be counted")
        f.write_config(logging("off"))
        self.assertEqual(f.reload()[0], 200)
        fetch(f.http, "/7")
        f.write_config(logging(first))
        self.assertEqual(f.reload()[0], 200)
        fetch(f.http, "/8")
        expect(first, "/1", "/8")
        self.assertEqual(set(targets(second)), {"/5"})
        self.assertEqual(targets(rotated)[:2], ["/2", "/3"])

    def early(self, beta):
        """How often the origin is asked for an entry of 10 s that took 1 s to make, in 60 requests that follow."""
        go, asked = threading.Event(), []

        def handler(r):
            asked.append(r)
            if len(asked) == 1:
                go.wait(20)
            return answer(200, {}, "made once")

        self.addCleanup(go.set)
        self.routes.on("/e", handler)
        cache = {"ttl": "10s", "jitter": 0, "early_refresh_beta": beta}
        f = Fairing(self, self.config(routes=[{"match": "/e", "cache": cache}]))
        with Client(f.http, timeout=20) as c:
            c.request("GET", "/e")
            wait_until(past(1), 5, "the fill to have lasted")
            go.set()
            self.assertFalse(c.response().is_hit)
            hits = [c.get("/e").is_hit for _ in range(60)]
        self.assertTrue(all(hits), "clients see hits only")
        return asked

    def test_early_refresh_asks_before_the_end_and_clients_see_hits(self):
        # With beta 10 a hit refreshes with probability 1/e or more: none in 60 has less than 1e-11. The refresh takes
        # a moment only, and what took a moment to make is hardly refreshed early again.
        asked = self.early(10)
        wait_until(lambda: len(asked) > 1, 5, "the early refresh")
        self.assertLess(len(asked), 6)

    def test_without_early_refresh_nothing_is_asked_before_the_end(self):
        self.assertEqual(len(self.early(0)), 1)

    def test_metrics_are_well_formed_and_labels_are_templates(self):
        nobody = socket.socket()
        nobody.bind(("127.0.0.1", 0))  # and never listens
        self.addCleanup(nobody.close)
        sql = {"listen": "127.0.0.1:0", "upstream": "postgres://alice:alice@127.0.0.1:%d/app" % nobody.getsockname()[1]}
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        pushed = {"name": "pushed", "push": "http://127.0.0.1:%d/" % nobody.getsockname()[1]}
        jobs = {"listen": "127.0.0.1:0", "store": "sqlite:" + os.path.join(folder.name, "jobs.db"), "queues": ["mails", pushed]}
        f = Fairing(self, self.config(routes=[{"match": "/r/**"}]) | {"sql": sql, "jobs": jobs})
        for i in range(20):
            fetch(f.http, f"/r/{i}?q={i}")
        with self.assertRaises(PgError):  # let in, so that there is a pool; it has no PostgreSQL
            PgClient(split_address(f.listeners["sql"][0]), password="alice")
        self.assertEqual(f.metric("fairing_sql_logins_total", outcome="ok"), 1)
        _, text = f.call("GET", "/metrics", token=False)
        self.assertNotIn("/r/7", text)
        for line in text.splitlines():
            self.assertRegex(
                line,
                r'^(#( HELP| TYPE|\s*EOF).*|[a-zA-Z_:][\w:]*(\{([\w]+="([^"\\]|\\.)*",?)*\})? [-+0-9.eEinfNa]+)?$',
            )
        self.assertEqual(f.metric("http_server_request_duration_seconds_count"), 20)
        with open(os.path.join(ROOT, "docs", "reference", "metrics.md"), encoding="utf-8") as page:
            told = set(re.findall(r"^\| `(\w+)` \|", page.read(), re.M))
        shown = set(re.findall(r"^# TYPE (\w+) ", text, re.M))
        labels = {"site", "http_route", "http_response_status_class"}
        values = {name for name in told if "_" not in name} | {"unsafe_method", "http_purge"}
        self.assertEqual(shown, told - labels - values, "docs/reference/metrics.md has the metrics that there are")


if __name__ == "__main__":
    unittest.main()
