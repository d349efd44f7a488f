"""Operating it: drain on SIGTERM, reloads, listeners that cannot be had, probes, the access log."""
import json
import os
import signal
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.client import Client, Truncated, fetch
from support.fairing import Fairing
from support.origin import Origin, Routes, answer
from support.wait import wait_until

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
        good = open(f.config_path, encoding="utf-8").read()
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

    def test_readiness_lists_its_checks(self):
        f = Fairing(self, self.config())
        status, text = f.call("GET", "/readyz?verbose", token=False)
        self.assertEqual(status, 200)
        self.assertGreaterEqual(len(text.splitlines()), 2, text)

    def test_the_access_log_has_a_json_line_a_request_with_its_trace(self):
        path = os.path.join(Fairing(self, self.config()).dir, "access")  # a directory that is cleaned up
        f = Fairing(
            self, {**self.config(), "runtime": {"threads": 1, "access_log": {"to": path, "buffered": False}}}
        )
        trace = "0af7651916cd43dd8448eb211c80319c"
        fetch(f.http, '/a?secret="x"', headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
        lines = wait_until(
            lambda: os.path.exists(path) and open(path, encoding="utf-8").read().splitlines(), 10, "a line"
        )
        self.assertEqual(len(lines), 1)
        entry = json.loads(lines[0])
        self.assertIn(trace, lines[0])
        self.assertIn("200", lines[0])
        self.assertIn("GET", entry.values())

    def test_metrics_are_well_formed_and_labels_are_templates(self):
        f = Fairing(self, self.config(routes=[{"match": "/r/**"}]))
        for i in range(20):
            fetch(f.http, f"/r/{i}?q={i}")
        _, text = f.call("GET", "/metrics", token=False)
        self.assertNotIn("/r/7", text)
        for line in text.splitlines():
            self.assertRegex(
                line,
                r'^(#( HELP| TYPE|\s*EOF).*|[a-zA-Z_:][\w:]*(\{([\w]+="([^"\\]|\\.)*",?)*\})? [-+0-9.eEinfNa]+)?$',
            )
        self.assertEqual(f.metric("http_server_request_duration_seconds_count"), 20)
        for name in ("fairing_cache_requests_total", "fairing_cache_bytes", "fairing_pool_size"):
            self.assertIn(name, text)


if __name__ == "__main__":
    unittest.main()
