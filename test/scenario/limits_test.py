"""Limits: rates, timeouts, sizes, descriptors; retries; backends that fail and are left out."""
import os
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.client import Client, fetch
from support.fairing import Fairing
from support.origin import CLOSE, Origin, Routes, answer
from support.wait import wait_until

NO_STORE = {"Cache-Control": "no-store"}


class LimitCase(unittest.TestCase):
    def start(self, upstream=None, fairing=None, top=None, **site):
        self.routes = Routes()
        self.origin = Origin(self, self.routes)
        self.routes.on("/", lambda r: (r.read_body(), answer(200, NO_STORE, r.target))[1])
        self.fairing = Fairing(
            self,
            {"http": {"listen": "127.0.0.1:0", "upstream": upstream or self.origin.url, **site}, **(top or {})},
            **(fairing or {}),
        )
        self.http = self.fairing.http

    def assert_problem(self, got, status):
        self.assertEqual((got.status, got.get("Content-Type")), (status, "application/problem+json"), got)


class Rates(LimitCase):
    def limited(self, **limit):
        self.start(routes=[{"match": "/limited/**", "rate_limit": {"rate": "6/m", "burst": 3, **limit}}])

    def statuses(self, n, headers=None, path="/limited/x"):
        return [fetch(self.http, path, headers=headers).status for _ in range(n)]

    def test_burst_then_429_that_says_when(self):
        self.limited()
        first = fetch(self.http, "/limited/x")
        self.assertRegex(first.get("RateLimit", ""), r"r=2\b")
        self.assertRegex(first.get("RateLimit-Policy", ""), r"q=\d+")
        self.assertEqual(self.statuses(2), [200, 200])
        refused = fetch(self.http, "/limited/x")
        self.assert_problem(refused, 429)
        self.assertIn(int(refused.get("Retry-After")), range(1, 11))
        self.assertRegex(refused.get("RateLimit", ""), r"r=0\b")
        self.assertEqual(self.origin.count("/limited/x"), 3)
        self.assertEqual(fetch(self.http, "/free").status, 200)
        self.assertEqual(self.fairing.metric("fairing_ratelimit_total"), 4)

    def test_tokens_come_back(self):
        self.start(routes=[{"match": "/limited/**", "rate_limit": {"rate": "2/s", "burst": 1}}])
        self.assertEqual(self.statuses(2), [200, 429])
        wait_until(lambda: fetch(self.http, "/limited/x").status == 200, 5, "the next token")

    def test_each_header_value_and_cookie_has_its_own(self):
        for key, field, one, two in (
            ("header:X-Key", "X-Key", "a", "b"),
            ("cookie:sid", "Cookie", "x=1; sid=a", "sid=b; x=1"),
        ):
            with self.subTest(key):
                self.limited(key=key)
                self.assertEqual(self.statuses(4, {field: one}), [200, 200, 200, 429])
                self.assertEqual(self.statuses(4, {field: two}), [200, 200, 200, 429])

    def test_observe_refuses_nobody_and_counts(self):
        self.limited(mode="observe")
        self.assertEqual(set(self.statuses(10)), {200})
        self.assertGreaterEqual(self.fairing.metric("fairing_ratelimit_total"), 7)

    def test_one_client_cannot_pass_for_many(self):
        self.limited()
        seen = [
            fetch(self.http, "/limited/x", headers={"X-Forwarded-For": f"10.0.0.{i}"}).status
            for i in range(5)
        ]
        self.assertEqual(seen, [200, 200, 200, 429, 429])


class Timeouts(LimitCase):
    def test_a_backend_that_refuses(self):
        free = socket.socket()
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        self.start(upstream=f"http://127.0.0.1:{port}")
        self.assert_problem(fetch(self.http, "/"), 502)

    def test_a_backend_that_does_not_take_the_connection(self):
        deaf = socket.socket()
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        self.addCleanup(deaf.close)
        for _ in range(4):  # fill its queue: further connects get no answer
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(deaf.getsockname())
            self.addCleanup(s.close)
        self.start(upstream=f"http://127.0.0.1:{deaf.getsockname()[1]}", timeouts={"connect": "300ms"})
        self.assert_problem(fetch(self.http, "/"), 504)

    def test_a_backend_that_is_silent(self):
        self.start(timeouts={"first_byte": "300ms"})
        held = threading.Event()
        self.addCleanup(held.set)
        self.routes.on("/silent", lambda r: (held.wait(20), CLOSE)[1])
        self.assert_problem(fetch(self.http, "/silent", "POST", body=b"x"), 504)
        self.assertEqual(self.origin.count("/silent"), 1)
        self.assertEqual(fetch(self.http, "/next").text, "/next")

    def test_a_route_has_its_own_timeout(self):
        self.start(routes=[{"match": "/quick/**", "timeout": "300ms"}])
        held = threading.Event()
        self.addCleanup(held.set)
        self.routes.on("/quick/x", lambda r: (held.wait(20), CLOSE)[1])
        self.assert_problem(fetch(self.http, "/quick/x", "POST", body=b"x"), 504)

    def test_the_deadline_is_passed_on_and_obeyed_only_from_a_trusted_peer(self):
        for trusted in ([], ["127.0.0.1/32"]):
            with self.subTest(trusted=trusted):
                self.start(routes=[{"match": "/**", "timeout": "5s"}], top={"trusted_proxies": trusted})
                held = threading.Event()
                self.addCleanup(held.set)
                self.routes.on("/held", lambda r, h=held: (h.wait(20), CLOSE)[1])
                got = fetch(self.http, "/quick", headers={"Fairing-Deadline-Ms": "300"})
                self.assertEqual(got.status, 200)
                left = int(self.origin.last("/quick").get("Fairing-Deadline-Ms"))
                self.assertTrue(0 < left <= 300 if trusted else 300 < left <= 5000, left)
                if trusted:
                    headers = {"Fairing-Deadline-Ms": "300"}
                    self.assert_problem(fetch(self.http, "/held", "POST", headers=headers, body=b"x"), 504)

    def test_a_client_that_is_slow_with_its_head(self):
        self.start(timeouts={"header": "300ms"})
        with Client(self.http) as c:
            c.send(b"GET / HTTP/1.1\r\nHost:")
            got = c.response()
            self.assert_problem(got, 408)
            self.assertTrue(c.closed())
        self.assertEqual(self.origin.count(), 0)

    def test_a_client_that_is_slow_with_its_body(self):
        self.start(timeouts={"body": "300ms"})
        with Client(self.http) as c:
            c.send(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nhalf")
            self.assert_problem(c.response(), 408)
            self.assertTrue(c.closed())
        wait_until(
            lambda: all(c.closed.is_set() for c in self.origin.connections),
            10,
            "the half request to be dropped upstream",
        )

    def test_an_idle_client_is_let_go(self):
        self.start(timeouts={"idle": "300ms"})
        with Client(self.http) as c:
            self.assertEqual(c.get("/").status, 200)
            self.assertTrue(c.closed(), "an idle connection ends without an answer")

    def test_a_backend_that_stops_in_the_body(self):
        self.start(timeouts={"idle": "300ms"})
        held = threading.Event()
        self.addCleanup(held.set)
        self.routes.on(
            "/stops",
            lambda r: (
                r.connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"),
                held.wait(20),
                CLOSE,
            )[2],
        )
        with Client(self.http) as c:
            c.request("GET", "/stops")
            self.assertEqual(c.head().status, 200)
            self.assertEqual(c.rest(), b"half")


class Sizes(LimitCase):
    def test_bodies_over_the_limit(self):
        self.start(limits={"body": 1000})
        self.assert_problem(fetch(self.http, "/", "POST", body=b"x" * 1001), 413)
        self.assertEqual(self.origin.count(), 0)
        self.assertEqual(fetch(self.http, "/", "POST", body=b"x" * 1000).status, 200)
        with Client(self.http) as c:
            c.request("POST", "/", {"Transfer-Encoding": "chunked"})
            c.send(b"1f4\r\n" + b"x" * 500 + b"\r\n1f5\r\n" + b"x" * 501 + b"\r\n")
            self.assert_problem(c.response(), 413)

    def test_connections_over_the_limit_are_told_so(self):
        self.start(limits={"connections": 3})
        kept = [Client(self.http) for _ in range(3)]
        for c in kept:
            self.addCleanup(c.close)
            self.assertEqual(c.get("/").status, 200)
        for _ in range(3):
            with Client(self.http) as c:
                c.request("GET", "/over")
                got = c.response()
                self.assert_problem(got, 503)
                self.assertGreaterEqual(int(got.get("Retry-After")), 1)
                self.assertIn("limits.connections", got.text)
                self.assertTrue(c.closed())
        self.assertEqual(self.origin.count("/over"), 0)
        self.assertEqual(self.fairing.metric("fairing_http_refused_connections_total"), 3)
        self.assertEqual(kept[0].get("/").status, 200)
        kept[1].close()
        wait_until(lambda: fetch(self.http, "/").status == 200, 5, "room for one more")

    def test_no_descriptors_left_is_503_for_new_work_and_hits_go_on(self):
        self.start(fairing={"nofile": 160}, timeouts={"first_byte": "30s"})
        self.routes.on("/hit", answer(200, {"Cache-Control": "max-age=600"}, b"kept"))
        fetch(self.http, "/hit")
        held = threading.Event()
        self.addCleanup(held.set)
        self.routes.on("/held/", lambda r: (held.wait(30), answer(200, NO_STORE, b"late"))[1])
        with Client(self.http) as old:
            self.assertTrue(old.get("/hit").is_hit)
            clients = []
            for i in range(120):  # each wants two descriptors
                c = Client(self.http, timeout=40)
                self.addCleanup(c.close)
                c.request("GET", f"/held/{i}")
                clients.append(c)
            refused = threading.Event()
            results = []

            def read(c):
                got = c.response()
                results.append(got)
                if got.status == 503:
                    refused.set()

            threads = [threading.Thread(target=read, args=(c,), daemon=True) for c in clients]
            for t in threads:
                t.start()
            self.assertTrue(refused.wait(15), "nobody was told 503")
            for _ in range(50):
                got = old.get("/hit")
                self.assertEqual((got.text, got.is_hit), ("kept", True))
            held.set()
            for t in threads:
                t.join(30)
        self.assertEqual({r.status for r in results}, {200, 503})
        self.assertEqual(len(results), 120)
        for r in results:
            if r.status == 503:
                self.assert_problem(r, 503)
                self.assertGreaterEqual(int(r.get("Retry-After")), 1)
        for c in clients:
            c.close()
        wait_until(lambda: fetch(self.http, "/after").status == 200, 10, "new work to be taken again")


class Pool(LimitCase):
    def test_max_connections_bounds_what_is_under_way_and_a_reload_changes_it(self):
        self.start(max_connections=2)
        held = threading.Semaphore(0)
        self.addCleanup(held.release, 100)
        self.routes.on("/held/", lambda r: (held.acquire(timeout=30), answer(200, NO_STORE, b"late"))[1])
        clients = [Client(self.http, timeout=30) for _ in range(6)]
        for i, c in enumerate(clients):
            self.addCleanup(c.close)
            c.request("GET", f"/held/{i}")
        pool = lambda what: self.fairing.metric("fairing_pool_" + what, plane="http")
        wait_until(lambda: pool("waiting") == 4, 10, "four to wait")
        self.assertEqual((pool("size"), pool("leased"), self.origin.count()), (2, 2, 2))
        site = {"listen": "127.0.0.1:0", "upstream": self.origin.url, "max_connections": 5}
        self.fairing.write_config({"http": site})
        self.assertEqual(self.fairing.reload()[0], 200)
        wait_until(lambda: self.origin.count() == 5, 10, "three more to be let in")
        self.assertEqual((pool("size"), pool("leased"), pool("waiting")), (5, 5, 1))
        self.fairing.write_config({"http": {**site, "max_connections": 1}})
        self.assertEqual(self.fairing.reload()[0], 200)
        held.release(5)
        wait_until(lambda: self.origin.count() == 6, 10, "the last one, when all but one place are gone")
        self.assertEqual((pool("leased"), pool("size")), (1, 1))
        held.release(1)
        self.assertEqual({c.response().status for c in clients}, {200})
        wait_until(lambda: (pool("leased"), pool("waiting")) == (0, 0), 5, "all places to be back")
        self.assertGreaterEqual(pool("idle"), 1)


class Retries(LimitCase):
    def dying(self):
        """Answers the first request of a connection and drops it at the second."""

        def handler(request):
            if self.seen.setdefault(id(request.connection), 0):
                return CLOSE
            self.seen[id(request.connection)] += 1
            request.read_body()
            return answer(200, NO_STORE, request.method)

        self.seen = {}
        return handler

    def test_a_dead_kept_connection_costs_a_get_nothing(self):
        self.start()
        self.routes.on("/", self.dying())
        for method in ("GET", "HEAD", "GET", "OPTIONS", "GET"):
            self.assertEqual(fetch(self.http, "/", method).status, 200)

    def test_a_post_is_sent_once(self):
        self.start()
        self.routes.on("/", self.dying())
        fetch(self.http, "/warm")
        before = self.origin.count()
        got = fetch(self.http, "/", "POST", body=b"pay")
        self.assertIn(got.status, (200, 502))
        self.assertLessEqual(self.origin.count(method="POST"), 1)
        self.assertLessEqual(self.origin.count() - before, 1)

    def test_retries_stay_within_the_budget(self):
        self.start(retry={"budget": "10%", "attempts": 3})
        self.routes.table["/"] = lambda r: CLOSE
        for i in range(200):
            self.assertIn(fetch(self.http, f"/{i}").status, (502, 503))
        self.assertLessEqual(
            self.origin.count(), 200 + 20 + 20, "retries multiply the load on a backend that is down"
        )


class Backends(LimitCase):
    def pair(self, bad, **site):
        good = Origin(self, lambda r: answer(200, NO_STORE, b"good"))
        other = Origin(self, bad)
        self.start(upstream=[good.url, other.url], **site)
        return good, other

    def test_one_that_refuses_is_passed_over(self):
        good, other = self.pair(lambda r: answer(200, NO_STORE, b"other"), balance="round_robin")
        self.assertEqual({fetch(self.http, "/").text for _ in range(10)}, {"good", "other"})
        other.stop()
        self.assertEqual({fetch(self.http, f"/{i}").text for i in range(50)}, {"good"})

    def test_one_that_fails_is_left_out(self):
        good, other = self.pair(
            lambda r: answer(503, NO_STORE, b"bad", "Down"),
            balance="round_robin",
            outlier={"failures": 3, "eject": "60s"},
            retry={"attempts": 1},
        )
        seen = [fetch(self.http, f"/{i}").status for i in range(40)]
        self.assertIn(503, seen, "the failing one was never asked")
        self.assertEqual(set(seen[-20:]), {200})
        self.assertLessEqual(other.count(), 5)

    def test_health_checks_take_out_and_bring_back(self):
        sick = threading.Event()

        def bad(request):
            if request.path == "/healthz" and sick.is_set():
                return answer(500, {}, b"sick")
            return answer(200, NO_STORE, b"other")

        good, other = self.pair(
            bad,
            balance="round_robin",
            health={"path": "/healthz", "interval": "100ms", "unhealthy_after": 2, "healthy_after": 2},
        )

        def seen():
            return {fetch(self.http, "/").text for _ in range(6)}

        wait_until(lambda: seen() == {"good", "other"}, 10, "both in turn")
        sick.set()
        wait_until(lambda: seen() == {"good"}, 10, "the sick one to be left out")
        sick.clear()
        wait_until(lambda: seen() == {"good", "other"}, 10, "it to be back")

    def test_the_last_one_is_never_left_out(self):
        self.start(outlier={"failures": 2, "eject": "60s"}, retry={"attempts": 1})
        self.routes.table["/"] = lambda r: answer(503, NO_STORE, b"bad", "Down")
        for _ in range(10):
            self.assertEqual(fetch(self.http, "/").status, 503)
        self.routes.table["/"] = lambda r: answer(200, NO_STORE, b"back")
        wait_until(lambda: fetch(self.http, "/").status == 200, 15, "the backend to be asked again")


if __name__ == "__main__":
    unittest.main()
