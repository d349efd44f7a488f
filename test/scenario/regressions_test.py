"""Regressions of the http plane (issue 2): large heads, late interims, refreshes, 304s, slow readers, shared links.

Each test fails if the change that it guards is taken out; what TLS has to do with is in regressions_tls_test.py.
"""
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.cache_case import CacheCase
from support.client import Client, Truncated, fetch
from support.fairing import Fairing
from support.origin import CLOSE, Origin, answer
from support.wait import past, wait_until

MIB = 1 << 20
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </late.css>\r\n\r\n"


def site(upstream, **more):
    return {"http": {"listen": "127.0.0.1:0", "upstream": upstream, **more}}


class LargeHeads(unittest.TestCase):
    """limits.header above 64 KiB holds for the whole way: client, fetch, backend and back."""

    def handler(self, request):
        size = int(request.get("X-Ask", "0"))
        return answer(200, {"Cache-Control": "max-age=60", "X-Large": "a" * size}, request.path)

    def test_raised_limit_reaches_the_fetch(self):
        origin = Origin(self, self.handler)
        f = Fairing(self, site(origin.url, limits={"header": "256KiB"}))
        with Client(f.http) as c:
            got = c.get("/asked", {"X-Long": "b" * 100_000, "X-Last": "there"})
            self.assertEqual((got.status, got.text), (200, "/asked"))
            seen = origin.last("/asked")
            self.assertEqual((len(seen.get("X-Long")), seen.get("X-Last")), (100_000, "there"))
            for hit in (False, True):
                got = c.get("/answered", {"X-Ask": "150000"})
                self.assertEqual((got.status, got.text, got.is_hit), (200, "/answered", hit))
                self.assertEqual(got.get("X-Large"), "a" * 150_000)
            self.assertEqual(c.get("/beyond", {"X-Ask": "300000"}).status, 502)
            self.assertEqual(c.get("/after").status, 200)
        self.assertEqual(origin.count("/answered"), 1)
        self.assertEqual(f.metric("fairing_cache_requests_total", result="hit"), 1)

    def test_without_it_64_kib_are_the_most(self):
        origin = Origin(self, self.handler)
        f = Fairing(self, site(origin.url))
        self.assertEqual(fetch(f.http, "/a", headers={"X-Ask": "70000"}).status, 502)
        self.assertEqual(fetch(f.http, "/b", headers={"X-Long": "b" * 70_000}).status, 431)


class LateInterims(unittest.TestCase):
    def test_no_100_in_the_midst_of_an_early_answer(self):
        """The backend answers without waiting for the body; patience for its 100 ends while the answer runs."""
        go = threading.Event()

        def handler(request):
            request.connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
            self.assertTrue(go.wait(15))
            request.connection.send(b"world")
            request.connection.wait_end()
            return CLOSE

        origin = Origin(self, handler)
        f = Fairing(self, site(origin.url))
        with Client(f.http) as c:
            c.request("POST", "/early", {"Expect": "100-continue", "Content-Length": "5"})
            got = c.head()
            self.assertEqual((got.status, c.read_exactly(5)), (200, b"hello"))
            wait_until(past(1.4), what="the patience of one second to end")
            go.set()
            self.assertEqual(c.rest(), b"world", "only the body's rest may follow")
        self.assertEqual(origin.errors, [])

    def test_interim_after_a_final_answer_is_nobodys(self):
        for late in (CONTINUE, HINTS, CONTINUE + HINTS, answer(200, {}, b"poison")):
            for at_once in (True, False):
                with self.subTest(late=late, at_once=at_once):
                    self.late(late, at_once)

    def late(self, late, at_once):
        answered, sent = threading.Event(), threading.Event()

        def handler(request):
            own = answer(200, {"Cache-Control": "no-store"}, "for " + request.target)
            if request.path != "/first":
                return own
            if at_once:
                return own + late
            request.connection.send(own)
            if not answered.wait(15):
                raise AssertionError("no answer came")
            request.connection.send(late)
            sent.set()
            return None

        origin = Origin(self, handler)
        f = Fairing(self, site(origin.url, retry={"attempts": 1}))
        with Client(f.http) as c:
            got = c.get("/first")
            self.assertEqual((got.text, got.interim), ("for /first", []))
            answered.set()
            if not at_once:
                self.assertTrue(sent.wait(15))
            for i in range(3):
                got = c.call("POST", f"/{i}", body=b"x")
                self.assertEqual((got.status, got.text, got.interim), (200, f"for /{i}", []))
            c.end()
            self.assertEqual(c.rest(), b"")
        self.assertGreaterEqual(len(origin.connections), 2, "what followed the answer spoils the connection")
        self.assertEqual(origin.errors, [])

    def test_interim_after_a_refusal_of_the_upload(self):
        def handler(request):
            request.connection.send(answer(413, {}, b"too much") + CONTINUE)
            request.connection.wait_end()
            return CLOSE

        origin = Origin(self, handler)
        f = Fairing(self, site(origin.url))
        with Client(f.http) as c:
            c.request("POST", "/", {"Expect": "100-continue", "Content-Length": "1000000"})
            got = c.response("POST")
            self.assertEqual((got.status, got.text, got.interim), (413, "too much", []))
            self.assertEqual(c.rest(), b"", "no second head")


class Refreshes(CacheCase):
    def settle(self, n, path):
        """Waits until the backend was asked n times and nothing is in flight."""
        self.origin.wait_count(n, path)
        wait_until(lambda: self.fairing.metric("fairing_http_fills") == 0, what="the refresh to end")

    def bypasses(self):
        return self.fairing.metric("fairing_cache_requests_total", result="bypass")

    def serve(self, path, personal=None):
        """A handler of answers that live a second and are refreshed behind the client's back."""
        count = [0]

        def handler(request):
            count[0] += 1
            control = "public, max-age=1, stale-while-revalidate=600"
            if personal and request.get(personal):
                control = "private"
            return answer(200, {"Cache-Control": control}, f"{path}#{count[0]}")

        self.routes.on(path, handler)
        self.assertEqual(self.get(path).text, f"{path}#1")
        wait_until(past(1.2), what="the answer to be stale")

    def test_refresh_caused_by_head_keeps_the_key_cacheable(self):
        self.serve("/head")
        got = self.get("/head", method="HEAD")
        self.assertEqual((got.status, got.is_hit), (200, True))
        self.settle(2, "/head")
        self.assertEqual(self.origin.last("/head").method, "GET", "what is stored answers a GET")
        got = self.get("/head")
        self.assertEqual((got.text, got.is_hit, self.bypasses()), ("/head#2", True, 0))

    def test_refresh_caused_by_cookie_keeps_the_key_cacheable(self):
        for name in ("Cookie", "Authorization"):
            with self.subTest(name):
                path = "/" + name
                self.serve(path, personal=name)
                got = self.get(path, {name: "a=b"})
                self.assertEqual((got.text, got.is_hit), (path + "#1", True))
                self.settle(2, path)  # answered for that client alone
                got = self.get(path)
                self.assertEqual((got.text, got.is_hit), (path + "#1", True), "still there, in its window")
                self.settle(3, path)
                got = self.get(path)
                self.assertEqual((got.text, got.is_hit, self.bypasses()), (path + "#3", True, 0))


class NotModified(CacheCase):
    def test_new_vary_in_a_304_moves_the_entry(self):
        def handler(request):
            fields = {"Cache-Control": "max-age=600", "ETag": '"one"', "Vary": "X-Lang"}
            if request.get("If-None-Match") == '"one"':
                return answer(304, fields)
            if self.origin.count("/v") == 1:
                return answer(200, {"Cache-Control": "max-age=1", "ETag": '"one"'}, "first")
            return answer(200, {**fields, "ETag": f'"{request.get("X-Lang")}"'}, request.get("X-Lang"))

        self.routes.on("/v", handler)
        self.assertEqual(self.get("/v", {"X-Lang": "de"}).text, "first")
        wait_until(past(1.2), what="the answer to be stale")
        got = self.get("/v", {"X-Lang": "de"})
        self.assertEqual((got.text, got.get("Vary")), ("first", "X-Lang"))
        self.assertEqual(got.cache.get("detail"), "revalidated")
        for hit in (False, True):
            for lang in ("fr", "en"):
                got = self.get("/v", {"X-Lang": lang})
                self.assertEqual((got.text, got.is_hit), (lang, hit))
        self.assertEqual(self.origin.count("/v"), 4)
        self.assertEqual(self.fairing.metric("fairing_cache_requests_total", result="revalidated"), 1)

    def serve(self, path, headers):
        """Answers 304 without an ETag to the condition `"mine"` and to the stored answer's own validators."""
        asked = []

        def handler(request):
            asked.append(request.get("If-None-Match"))
            if asked[-1] == '"mine"' or (asked[-1] and asked[-1] == headers.get("ETag")):
                return answer(304, {"Cache-Control": "max-age=600", "X-New": "yes"})
            return answer(200, headers, f"{path}#{len(asked)}")

        self.routes.on(path, handler)
        self.assertEqual(self.get(path).text, f"{path}#1")
        wait_until(past(1.2), what="the answer to be stale")
        return asked

    def test_304_to_a_heads_own_condition_goes_to_the_client(self):
        asked = self.serve("/bare", {"Cache-Control": "max-age=1, stale-if-error=600"})
        got = self.get("/bare", {"If-None-Match": '"mine"'}, method="HEAD")
        self.assertEqual((got.status, got.get("X-New"), got.is_hit), (304, "yes", False))
        self.assertEqual(asked, [None, '"mine"'])
        got = self.get("/bare", {"If-None-Match": '"another"'}, method="HEAD")
        self.assertEqual((got.status, got.get("X-New")), (200, None))
        # What is stored was not confirmed by it: it is still stale, and its fields are its own.
        got = self.get("/bare")
        self.assertEqual((got.text, got.get("X-New"), got.is_hit), ("/bare#4", None, False))
        self.assertEqual(self.fairing.metric("fairing_cache_requests_total", result="revalidated"), 0)

    def test_304_to_our_own_condition_answers_the_heads(self):
        for path, tag, status, new in (("/same", '"kept"', 304, None), ("/other", '"else"', 200, "yes")):
            asked = self.serve(path, {"Cache-Control": "max-age=1", "ETag": '"kept"'})
            got = self.get(path, {"If-None-Match": tag}, method="HEAD")
            self.assertEqual((got.status, got.get("ETag"), got.get("X-New")), (status, '"kept"', new))
            self.assertEqual(asked, [None, '"kept"'])


class SlowReaders(CacheCase):
    """timeouts.idle ends a write that makes no progress, however long one that does may take."""

    size = 24 * MIB  # more than the kernel's buffers ever hold
    idle = 2.0
    site = {"timeouts": {"idle": "2s"}, "limits": {"object": "32MiB"}}

    def setUp(self):
        super().setUp()
        body = bytes(range(256)) * (self.size // 256)
        self.routes.on("/large", answer(200, {"Cache-Control": "max-age=600"}, body))
        self.assertEqual(self.get("/large").body, body)
        self.body = body

    def connections(self):
        return self.fairing.metric("fairing_http_connections")

    def test_progress_however_slow_is_enough(self):
        took, parts, got = 2 * self.idle, [], 0
        with Client(self.fairing.http, receive_buffer=65536) as c:
            c.request("GET", "/large")
            head = c.head()
            self.assertTrue(head.is_hit)
            for i, due in enumerate([past(took * n / 100) for n in range(100)]):
                wait_until(due)  # a hundredth of the body each hundredth of the time
                goal = self.size * (i + 1) // 100
                parts.append(c.read_exactly(goal - got))
                got = goal
        self.assertEqual(b"".join(parts), self.body)

    def test_none_is_cut(self):
        with Client(self.fairing.http, receive_buffer=65536) as c:
            c.request("GET", "/large")
            c.buffer = c.socket.recv(1)
            wait_until(lambda: self.connections() == 0, 15, "the stuck client to be cut")
            with self.assertRaises(Truncated):
                c.response()
        self.assertEqual(fetch(self.fairing.http, "/large").body, self.body)


class SharedLinks(unittest.TestCase):
    def test_a_client_that_left_does_not_take_anothers_connection_along(self):
        """Its interim answers block its connection until its fetch has ended and handed the backend's on."""
        hints = b"HTTP/1.1 103 Early Hints\r\nX-Fill: " + b"f" * (MIB - 200) + b"\r\n\r\n"
        hinted, go, answer_post = threading.Event(), threading.Event(), threading.Event()

        def handler(request):
            if request.path == "/post":
                request.read_body()
                return answer(200, {}, "posted") if answer_post.wait(90) else CLOSE
            for _ in range(8):
                request.connection.send(hints)
            hinted.set()
            return answer(200, {"Cache-Control": "no-store"}, "late") if go.wait(15) else CLOSE

        origin = Origin(self, handler, record=False)
        f = Fairing(self, site(origin.url, limits={"header": "1MiB"}, retry={"attempts": 1}))
        with Client(f.http, receive_buffer=4096) as slow, Client(f.http) as other:
            slow.request("GET", "/slow", {"Cookie": "own=1"})
            self.assertTrue(hinted.wait(15))
            slow.read_exactly(1)
            go.set()
            wait_until(lambda: f.metric("fairing_pool_idle") == 1, what="the connection to be handed back")
            slow.end()
            other.request("POST", "/post", body=b"x")
            origin.wait_count(1, "/post")
            self.assertEqual(len(origin.connections), 1, "the one connection serves both")
            wait_until(past(0.7), what="a look at whether the slow client is still there")
            slow.rest()
            answer_post.set()
            got = other.response("POST")
            self.assertEqual((got.status, got.text), (200, "posted"))
        self.assertEqual(origin.errors, [])


if __name__ == "__main__":
    unittest.main()
