"""The response cache: hits, staleness, what is never shared, what a break leaves."""
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.cache_case import CacheCase, counted
from support.client import Client, Truncated, fetch, in_parallel
from support.fairing import Fairing
from support.origin import CLOSE, answer, chunk
from support.wait import past, wait_until


class Basics(CacheCase):
    site = {"cache": {"key": {"drop_query": ["utm_*", "gclid"]}}}

    def test_a_miss_then_hits_and_both_say_so(self):
        self.routes.on("/a", counted({"Cache-Control": "max-age=60"}))
        first, second = self.get("/a"), self.get("/a")
        self.assertEqual(first.cache.get("fwd"), "uri-miss")
        self.assertTrue(first.cache.get("stored"), first.cache)
        self.assertTrue(second.is_hit)
        self.assertIn(int(second.cache["ttl"]), range(50, 61))
        self.assertIsNotNone(second.get("Age"))
        self.assertEqual((first.text, second.text), ("/a#1", "/a#1"))
        self.assertEqual(self.fairing.metric("fairing_cache_requests_total", result="hit"), 1)
        self.assertEqual(self.fairing.metric("fairing_cache_requests_total", result="miss"), 1)

    def test_age_adds_up_through_caches(self):
        self.routes.on("/a", counted({"Cache-Control": "max-age=60", "Age": "30"}))
        self.get("/a")
        self.assertIn(int(self.get("/a").get("Age")), range(30, 36))

    def test_head_is_answered_from_a_stored_get(self):
        self.routes.on("/a", counted({"Cache-Control": "max-age=60"}))
        whole = self.get("/a")
        head = self.get("/a", method="HEAD")
        self.assertTrue(head.is_hit)
        self.assertEqual(
            (head.body, head.get("Content-Length"), head.get("ETag")),
            (b"", str(len(whole.body)), self.get("/a").get("ETag")),
        )

    def test_dropped_query_parameters_do_not_count(self):
        self.routes.on("/a", counted({"Cache-Control": "max-age=60"}))
        self.get("/a?x=1&utm_source=mail")
        self.assertTrue(self.get("/a?gclid=7&x=1").is_hit)
        self.assertFalse(self.get("/a?x=2").is_hit)
        self.assertEqual(
            self.origin.requests[0].target, "/a?x=1&utm_source=mail", "the backend still sees them"
        )

    def test_hosts_do_not_share_entries(self):
        self.routes.on("/a", lambda r: answer(200, {"Cache-Control": "max-age=60"}, r.get("Host")))
        self.assertEqual(
            [self.get("/a", host=h).text for h in ("one", "two", "one", "ONE")], ["one", "two", "one", "one"]
        )

    def test_sites_do_not_share_entries(self):
        sites = [{"listen": "127.0.0.1:0", "upstream": self.origin.url} for _ in range(2)]
        two = Fairing(self, {"http": sites})
        self.routes.on("/a", counted({"Cache-Control": "max-age=60"}))
        texts = [fetch(two.site(i), "/a").text for i in (0, 1, 0, 1)]
        self.assertEqual(texts, ["/a#1", "/a#2", "/a#1", "/a#2"])

    def test_a_stored_chunked_answer_keeps_its_bytes(self):
        self.routes.on(
            "/a",
            b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n"
            + chunk(b"hello ")
            + chunk(b"world")
            + chunk(b""),
        )
        self.assertEqual(self.get("/a").body, b"hello world")
        second = self.get("/a")
        self.assertEqual((second.body, second.is_hit), (b"hello world", True))

    def test_only_if_cached(self):
        self.routes.on("/a", counted({"Cache-Control": "max-age=60"}))
        missed = self.get("/a", {"Cache-Control": "only-if-cached"})
        self.assertEqual((missed.status, self.origin.count()), (504, 0))
        self.get("/a")
        self.assertEqual(self.get("/a", {"Cache-Control": "only-if-cached"}).status, 200)

    def test_request_directives(self):
        self.routes.on("/a", counted({"Cache-Control": "max-age=60", "Age": "10"}))
        self.get("/a")
        self.assertEqual(self.get("/a", {"Cache-Control": "no-cache"}).text, "/a#2")
        self.assertEqual(self.get("/a", {"Cache-Control": "max-age=5"}).text, "/a#3")
        self.assertEqual(self.get("/a", {"Cache-Control": "min-fresh=55"}).text, "/a#4")
        self.assertEqual(self.get("/a").text, "/a#4")
        self.routes.on("/b", counted({"Cache-Control": "max-age=60"}))
        self.get("/b", {"Cache-Control": "no-store"})
        self.assertEqual(self.get("/b").text, "/b#2", "an answer to a no-store request is not stored")

    def test_why_a_miss_is_a_miss(self):
        for path, headers, detail in (
            ("/1", {"Cache-Control": "no-store"}, "no-store"),
            ("/2", {"Cache-Control": "private"}, "private"),
            ("/3", {}, "no-freshness"),
            ("/4", {"Cache-Control": "max-age=60", "Set-Cookie": "a=b"}, "set-cookie"),
            ("/5", {"Cache-Control": "max-age=60", "Vary": "*"}, "vary-star"),
        ):
            self.routes.on(path, counted(headers))
            got = self.get(path)
            self.assertEqual((got.cache.get("detail"), got.cache.get("stored")), (detail, None), path)
            self.assertFalse(self.get(path).is_hit, path)


class Sharing(CacheCase):
    site = {
        "routes": [
            {"match": "/shared/**", "cache": {"ttl": "60s", "share_with_cookie": True}},
            {"match": "/ttl/**", "cache": {"ttl": "60s"}},
        ]
    }

    def test_what_belongs_to_one_client_is_never_given_to_another(self):
        def personal(headers):
            return lambda r: answer(200, headers, "for " + r.get("Authorization", r.get("Cookie", "nobody")))

        cases = {
            "/auth": ({"Cache-Control": "max-age=60"}, "Authorization", False),
            "/auth-public": ({"Cache-Control": "public, max-age=60"}, "Authorization", True),
            "/auth-smaxage": ({"Cache-Control": "s-maxage=60"}, "Authorization", True),
            "/ttl/auth": ({}, "Authorization", False),
            "/cookie": ({"Cache-Control": "max-age=60"}, "Cookie", False),
            "/cookie-public": ({"Cache-Control": "public, max-age=60"}, "Cookie", True),
            "/cookie-smaxage": ({"Cache-Control": "s-maxage=60"}, "Cookie", True),
            "/ttl/cookie": ({}, "Cookie", False),
            "/shared/cookie": ({}, "Cookie", True),
            "/private": ({"Cache-Control": "private, max-age=60"}, "Cookie", False),
        }
        for path, (headers, field, shared) in cases.items():
            self.routes.on(path, personal(headers))
            first = self.get(path, {field: "alice"})
            second = self.get(path, {field: "bob"})
            third = self.get(path)
            with self.subTest(path):
                self.assertEqual(first.text, "for alice")
                self.assertEqual(second.text, "for alice" if shared else "for bob")
                self.assertEqual(third.text, "for alice" if shared else "for nobody")

    def test_an_anonymous_entry_is_not_used_for_authorization_unless_allowed(self):
        self.routes.on("/a", counted({"Cache-Control": "max-age=60"}))
        self.get("/a")
        self.get("/a", {"Authorization": "Bearer x"})
        self.assertEqual(
            self.get("/a").text, "/a#1", "the answer to Authorization did not replace the public one"
        )

    def test_set_cookie_is_never_stored(self):
        for path, headers in (
            ("/a", {"Cache-Control": "public, s-maxage=60", "Set-Cookie": "id=1"}),
            ("/ttl/a", {"Set-Cookie": "id=1"}),
        ):
            self.routes.on(path, counted(headers))
            self.assertEqual(self.get(path).get("Set-Cookie"), "id=1")
            again = self.get(path)
            self.assertFalse(again.is_hit, path)


class Stale(CacheCase):
    site = {
        "routes": [
            {"match": "/negative/**", "cache": {"negative_ttl": "60s"}},
            {"match": "/route/**", "cache": {"ttl": "60s", "jitter": 0, "tags": ["routed"]}},
            {"match": "/over/**", "cache": {"ttl": "60s", "jitter": 0, "override": True}},
        ],
        "timeouts": {"connect": "500ms", "first_byte": "2s"},
    }

    def test_stale_while_revalidate_serves_at_once_and_refreshes_once(self):
        self.routes.on("/a", counted({"Cache-Control": "max-age=1, stale-while-revalidate=60"}))
        self.get("/a")
        wait_until(past(2.1), 5)
        stale = in_parallel([lambda: self.get("/a") for _ in range(10)])
        self.assertEqual({s.text for s in stale} - {"/a#1", "/a#2"}, set())
        self.assertIn("/a#1", {s.text for s in stale})
        wait_until(lambda: self.origin.count("/a") == 2, 5, "the refresh")
        wait_until(lambda: self.get("/a").text == "/a#2", 5, "the refreshed answer")

    def test_stale_if_error_when_the_backend_is_dead_and_when_it_fails(self):
        self.routes.on("/a", counted({"Cache-Control": "max-age=1, stale-if-error=60"}))
        self.routes.on("/b", counted({"Cache-Control": "max-age=1, stale-if-error=60"}))
        self.routes.on("/strict", counted({"Cache-Control": "max-age=1, stale-if-error=60, must-revalidate"}))
        for path in ("/a", "/b", "/strict"):
            self.get(path)
        wait_until(past(2.1), 5)
        self.routes.on("/b", answer(503, {}, b"broken", "Down"))
        self.assertEqual(self.get("/b").text, "/b#1")
        self.origin.stop()
        got = self.get("/a")
        self.assertEqual((got.status, got.text), (200, "/a#1"))
        self.assertGreater(int(got.get("Age")), 1)
        self.assertIn(self.get("/strict").status, (502, 504), "must-revalidate is never stale")
        self.assertEqual(self.get("/never-seen").status, 502)

    def test_negative_answers_are_stored_where_the_route_says(self):
        for status in (404, 410):
            self.routes.on("/negative/x", answer(status, {}, b"none"))
            self.assertEqual([self.get(f"/negative/x?{status}").is_hit for _ in range(2)], [False, True])
        self.routes.on("/plain", answer(404, {}, b"none"))
        self.assertEqual([self.get("/plain").is_hit for _ in range(2)], [False, False])

    def test_route_ttl_applies_only_where_the_answer_says_nothing(self):
        self.routes.on("/route/silent", counted({}))
        self.routes.on("/route/says", counted({"Cache-Control": "max-age=0"}))
        self.routes.on("/route/no-store", counted({"Cache-Control": "no-store"}))
        self.routes.on("/over/says", counted({"Cache-Control": "max-age=0"}))
        self.routes.on("/over/no-store", counted({"Cache-Control": "no-store"}))
        self.routes.on("/over/private", counted({"Cache-Control": "private"}))
        hits = {
            p: [self.get(p).is_hit for _ in range(2)][1]
            for p in (
                "/route/silent",
                "/route/says",
                "/route/no-store",
                "/over/says",
                "/over/no-store",
                "/over/private",
            )
        }
        self.assertEqual(
            hits,
            {
                "/route/silent": True,
                "/route/says": False,
                "/route/no-store": False,
                "/over/says": True,
                "/over/no-store": False,
                "/over/private": False,
            },
        )
        self.fairing.purge(tags=["routed"])
        self.assertFalse(self.get("/route/silent").is_hit, "the route's tags are tags")


class Breaks(CacheCase):
    def test_a_client_that_vanishes_in_the_body_does_not_cut_the_entry(self):
        go, body = threading.Event(), b"b" * 300000

        def slow(request):
            request.connection.send(
                b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 300000\r\n\r\n"
                + body[:1000]
            )
            go.wait(10)
            request.connection.send(body[1000:])

        self.routes.on("/a", slow)
        with Client(self.http) as c:
            c.request("GET", "/a")
            c.read_until(b"bbbb")
            c.abort()
        waiting = threading.Thread(target=go.set)
        waiting.start()
        for _ in range(2):
            self.assertEqual(self.get("/a").body, body)

    def test_an_origin_that_dies_in_the_body_leaves_nothing(self):
        good = answer(200, {"Cache-Control": "max-age=60"}, b"whole")
        for path, part in (
            ("/a", b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 100\r\n\r\nhalf"),
            (
                "/b",
                b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n"
                + chunk(b"half"),
            ),
        ):
            self.routes.on(path, lambda r, part=part: (r.connection.send(part), CLOSE)[1])
            with self.assertRaises(Truncated):
                self.get(path)
            self.routes.on(path, good)
            got = self.get(path)
            self.assertEqual((got.text, got.is_hit), ("whole", False), path)

    def test_all_waiters_see_the_break(self):
        go = threading.Event()

        def half(request):
            request.connection.send(
                b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 100\r\n\r\nhalf"
            )
            go.wait(10)
            return CLOSE

        self.routes.on("/a", half)

        def ask():
            try:
                self.get("/a")
                return "whole"
            except Truncated:
                return "cut"

        clients = [ask] * 10
        threading.Thread(target=lambda: (self.origin.wait_count(1, "/a"), go.set()), daemon=True).start()
        self.assertEqual(set(in_parallel(clients)), {"cut"})


if __name__ == "__main__":
    unittest.main()
