"""Invalidation: by unsafe methods, by tag, URL, prefix and all, hard and soft, by API, command line and PURGE."""
import json
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.client import fetch, in_parallel
from support.fairing import Fairing
from support.origin import Origin, Routes, answer
from support.wait import wait_until


class Purge(unittest.TestCase):
    def setUp(self):
        self.routes = Routes()
        self.origin = Origin(self, self.routes)
        self.version = 1
        self.routes.on("/", self.tagged)
        self.fairing = Fairing(self, {"http": {"listen": "127.0.0.1:0", "upstream": self.origin.url}})
        self.http = self.fairing.http

    def tagged(self, request):
        """Tags by path: /by/HEADER/tag1+tag2; the body is the current version."""
        headers = {"Cache-Control": "max-age=60, stale-while-revalidate=60"}
        parts = request.path.split("/")
        if parts[1] == "by":
            headers[parts[2]] = parts[3].replace("+", "," if "cache" in parts[2].lower() else " ")
        return answer(200, headers, str(self.version))

    def get(self, path, headers=None, **more):
        return fetch(self.http, path, headers=headers, **more)

    def fill(self, *paths):
        self.version = 1
        for path in paths:
            self.get(path)
            self.assertTrue(self.get(path).is_hit, path)
        self.version = 2

    def assert_purged(self, *paths):
        for path in paths:
            self.assertEqual(self.get(path).text, "2", path)

    def assert_kept(self, *paths):
        for path in paths:
            self.assertEqual(self.get(path).text, "1", path)

    def test_by_tag_from_each_header(self):
        for header in ("Cache-Tag", "Surrogate-Key", "xkey"):
            with self.subTest(header):
                a, b, c = (f"/by/{header}/{t}" for t in ("red+blue", "blue+green", "green"))
                self.fill(a, b, c)
                answered = self.fairing.purge(tags=["blue"])
                self.assertIn("seq", answered)
                self.assert_purged(a, b)
                self.assert_kept(c)
                self.fairing.purge(all=True)

    def test_tag_headers_are_kept_from_clients(self):
        got = [self.get("/by/Cache-Tag/red") for _ in range(2)]
        self.assertEqual([g.get("Cache-Tag") for g in got], [None, None])
        self.assertIsNone(self.get("/by/Surrogate-Key/red").get("Surrogate-Key"))
        self.assertIsNone(self.get("/by/xkey/red").get("xkey"))

    def test_by_url_with_all_its_variants(self):
        self.routes.on(
            "/v", lambda r: answer(200, {"Cache-Control": "max-age=60", "Vary": "X-Kind"}, str(self.version))
        )
        self.fill("/v", "/v?q=1", "/w")
        self.version = 1
        self.get("/v", {"X-Kind": "b"})
        self.version = 2
        self.fairing.purge(urls=["http://test/v"])
        self.assert_purged("/v")
        self.assertEqual(self.get("/v", {"X-Kind": "b"}).text, "2")
        self.assert_kept("/w", "/v?q=1")

    def test_by_prefix(self):
        self.fill("/shop/a", "/shop/b/c", "/shopping", "/other")
        self.fairing.purge(prefixes=["http://test/shop/"])
        self.assert_purged("/shop/a", "/shop/b/c")
        self.assert_kept("/shopping", "/other")

    def test_all(self):
        self.fill("/a", "/b")
        self.fairing.purge(all=True)
        self.assert_purged("/a", "/b")

    def test_soft_serves_stale_while_it_refreshes_and_hard_never(self):
        self.fill("/by/xkey/soft", "/by/xkey/hard")
        self.fairing.purge(tags=["soft"], soft=True)
        self.assertEqual(self.get("/by/xkey/soft").text, "1", "stale inside its window")
        self.fairing.purge(tags=["hard"])
        self.assert_purged("/by/xkey/hard")
        seen = [self.get("/by/xkey/soft").text for _ in range(2000) if self.origin.count("/by/xkey/soft") < 2]
        self.assertLess(len(seen), 2000, "the soft purge did not refresh")

    def test_a_purge_while_the_origin_answers_keeps_the_answer_out(self):
        arrived, go = threading.Event(), threading.Event()

        def slow(request):
            body = str(self.version)  # read before the purge
            arrived.set()
            go.wait(10)
            return answer(200, {"Cache-Control": "max-age=60", "xkey": "race"}, body)

        for purge in (
            {"tags": ["race"]},
            {"urls": ["http://test/slow"]},
            {"prefixes": ["http://test/sl"]},
            {"all": True},
        ):
            with self.subTest(purge):
                self.routes.on("/slow", slow)
                self.version = 1
                arrived.clear(), go.clear()
                answers = []
                asker = threading.Thread(target=lambda: answers.append(self.get("/slow")))
                asker.start()
                self.assertTrue(arrived.wait(10))
                self.version = 2
                self.fairing.purge(**purge)
                go.set()
                asker.join(10)
                self.assertEqual(answers[0].text, "1")
                after = self.get("/slow")
                self.assertEqual((after.text, after.is_hit), ("2", False))
                self.fairing.purge(all=True)

    def test_a_request_after_the_purge_does_not_join_a_fill_from_before(self):
        gates = [threading.Event(), threading.Event()]

        def slow(request):
            mine = self.origin.count("/slow") - 1
            body = str(self.version)
            gates[mine].wait(10)
            return answer(200, {"Cache-Control": "max-age=60", "xkey": "race"}, body)

        self.routes.on("/slow", slow)
        first = threading.Thread(target=lambda: self.get("/slow"))
        first.start()
        self.origin.wait_count(1, "/slow")
        self.version = 2
        self.fairing.purge(urls=["http://test/slow"])
        gates[1].set()
        self.assertEqual(self.get("/slow").text, "2")
        gates[0].set()
        first.join(10)
        self.assertEqual(
            self.get("/slow").text, "2", "the fill from before the purge overwrote the newer one"
        )

    def test_who_joined_after_a_tag_was_purged_gets_the_new_answer(self):
        """The tag is known only with the answer's head: the client had joined a fill from before the purge."""
        gates = [threading.Event(), threading.Event()]

        def slow(request):
            mine = self.origin.count("/late") - 1
            body = str(self.version)
            gates[mine].wait(10)
            return answer(200, {"Cache-Control": "max-age=60", "xkey": "late-tag"}, body)

        self.routes.on("/late", slow)
        first = threading.Thread(target=lambda: self.get("/late"))
        first.start()
        self.origin.wait_count(1, "/late")
        self.version = 2
        self.fairing.purge(tags=["late-tag"])
        gates[1].set()
        got = []
        second = threading.Thread(target=lambda: got.append(self.get("/late").text))
        second.start()
        wait_until(lambda: self.fairing.metric("fairing_http_connections") >= 2)
        gates[0].set()
        first.join(10)
        second.join(10)
        self.assertEqual(got, ["2"])

    def test_unsafe_methods_invalidate(self):
        self.routes.on(
            "/form",
            lambda r: (
                r.read_body(),
                answer(
                    200,
                    {"Cache-Control": "max-age=60", "Location": "/made", "Content-Location": "/listed"},
                    str(self.version),
                ),
            )[1],
        )
        for method in ("POST", "PUT", "DELETE", "PATCH", "M-SEARCH"):
            with self.subTest(method):
                self.fill("/form", "/made", "/listed", "/apart")
                self.get("/form", method=method, body=b"x")
                self.assert_purged("/form", "/made", "/listed")
                self.assert_kept("/apart")
                self.fairing.purge(all=True)

    def test_failed_unsafe_requests_invalidate_nothing(self):
        self.fill("/form")
        self.routes.on("/form", lambda r: (r.read_body(), answer(500, {}, b"failed"))[1])
        self.get("/form", method="POST", body=b"x")
        self.assert_kept("/form")

    def test_locations_of_other_hosts_are_left_alone(self):
        self.fill("/made")
        self.routes.on(
            "/form", lambda r: (r.read_body(), answer(201, {"Location": "http://other/made"}, b""))[1]
        )
        self.get("/form", method="POST", body=b"x")
        self.assert_kept("/made")

    def test_purge_method(self):
        self.fill("/a", "/b", "/by/xkey/red", "/by/xkey/blue")
        got = self.get("/a", method="PURGE")
        self.assertIn(got.status, (200, 204))
        self.assert_purged("/a")
        self.assert_kept("/b")
        for header in ("xkey", "xkey-purge", "Surrogate-Key", "Cache-Tag", "Cache-Tags"):
            with self.subTest(header):
                self.fairing.purge(all=True)
                self.fill("/b", "/by/xkey/red", "/by/xkey/blue")
                self.get("/", {header: "red"}, method="PURGE")
                self.assert_purged("/by/xkey/red")
                self.assert_kept("/b", "/by/xkey/blue")
        self.assertEqual(self.origin.count(method="PURGE"), 0, "the backend never sees PURGE")

    def test_purge_method_from_elsewhere_is_refused(self):
        f = Fairing(
            self,
            {"http": {"listen": "127.0.0.1:0", "upstream": self.origin.url, "purge_from": ["192.0.2.0/24"]}},
        )
        fetch(f.http, "/a")
        got = fetch(f.http, "/a", "PURGE")
        self.assertIn(got.status, (403, 405))
        self.assertTrue(fetch(f.http, "/a").is_hit)

    def test_command_line(self):
        paths = ("/by/xkey/red", "/by/xkey/blue", "/shop/a", "/x")
        for args, gone in (
            (("--tag", "red"), 0),
            (("--prefix", "http://test/shop/"), 2),
            (("--url", "http://test/x"), 3),
        ):
            self.fill(*paths)
            done = self.fairing.cli("purge", *args)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assert_purged(paths[gone])
            self.assert_kept(*(p for i, p in enumerate(paths) if i != gone))
            self.assertEqual(self.fairing.cli("purge", "--all").returncode, 0)
        self.fill(*paths)
        dry = self.fairing.cli("purge", "--all", "--dry-run", "--json")
        self.assertEqual(dry.returncode, 0, dry.stderr)
        json.loads(dry.stdout)
        self.assert_kept(*paths)

    def test_no_hit_after_the_purge_is_old_under_load(self):
        stop, wrong = threading.Event(), []
        lock = threading.Lock()
        purged = [0]  # the version below which nothing may be served any more

        def load():
            while not stop.is_set():
                with lock:
                    floor = purged[0]
                got = int(self.get("/by/xkey/hot").text)
                if got < floor:
                    wrong.append((got, floor))

        def purge():
            for version in range(2, 60):
                self.version = version
                self.fairing.purge(tags=["hot"])
                with lock:
                    purged[0] = version
            stop.set()

        in_parallel([load, load, load, purge])
        self.assertEqual(wrong, [])
        self.assertGreaterEqual(self.fairing.metric("fairing_purge_total"), 58)


if __name__ == "__main__":
    unittest.main()
