"""A Range on what is not cached: the whole is fetched and kept, the client gets its part from the arriving bytes."""
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.cache_case import CacheCase
from support.client import Client, Truncated, fetch, in_parallel
from support.fairing import Fairing
from support.origin import CLOSE, answer, chunk
from support.wait import past, wait_until

MIB = 1 << 20
SOME = 16 * MIB * int(os.environ.get("FAIRING_MEMORY_FACTOR", "1"))  # what a stream may cost
BODY = bytes(range(256)) * 400
SIZE = len(BODY)
KEPT = {"Cache-Control": "max-age=60", "ETag": '"v1"', "Content-Type": "application/octet-stream"}
MODIFIED = "Sun, 06 Nov 1994 08:49:37 GMT"


def head_of(fields, size, status="200 OK"):
    lines = "".join(f"{n}: {v}\r\n" for n, v in fields.items())
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {size}\r\n\r\n".encode()


class Cold(CacheCase):
    def assert_part(self, got, first, last, size=SIZE, body=BODY):
        self.assertEqual((got.status, got.get("Content-Range")), (206, f"bytes {first}-{last}/{size}"))
        self.assertEqual(got.get_all("Content-Length"), [str(last - first + 1)])
        self.assertEqual(got.body, body[first : last + 1])

    def test_the_part_comes_from_the_fill_and_the_whole_is_kept(self):
        for i, (asked, first, last) in enumerate(
            (
                ("bytes=0-0", 0, 0),
                ("bytes=0-", 0, SIZE - 1),
                ("bytes=70000-70009", 70000, 70009),
                (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
                ("bytes=-5", SIZE - 5, SIZE - 1),
                (f"bytes=10-{SIZE * 2}", 10, SIZE - 1),
                ("bytes=0-9,10-19", 0, 19),
            )
        ):
            path = f"/{i}"
            self.routes.on(path, answer(200, KEPT, BODY))
            got = self.get(path, {"Range": asked})
            self.assert_part(got, first, last)
            self.assertEqual((got.get("ETag"), got.cache.get("fwd")), ('"v1"', "uri-miss"), asked)
            self.assertIn("stored", got.cache)
            self.assertIsNone(self.origin.last(path).get("Range"))
            wait_until(lambda p=path: self.get(p).is_hit, 10, "the whole to be stored")
            self.assertEqual(self.get(path).body, BODY)
            self.assert_part(self.get(path, {"Range": asked}), first, last)

    def test_the_connection_goes_on_after_a_part(self):
        self.routes.on("/a", answer(200, KEPT, BODY))
        with Client(self.http) as c:
            self.assert_part(c.get("/a", {"Range": "bytes=5-9"}), 5, 9)
            self.assertEqual(c.get("/a").body, BODY)
        self.routes.on("/b", answer(200, KEPT, BODY))
        with Client(self.http) as c:
            old = c.call("GET", "/b", {"Range": "bytes=5-9"}, version="HTTP/1.0")
            self.assert_part(old, 5, 9)
        wait_until(lambda: self.get("/b").is_hit, 10, "the whole to be stored")

    def test_the_part_does_not_wait_for_the_rest(self):
        go = threading.Event()
        self.addCleanup(go.set)

        def slow(request):
            request.connection.send(head_of(KEPT, SIZE) + BODY[:5000])
            go.wait(20)
            request.connection.send(BODY[5000:])

        self.routes.on("/a", slow)
        self.assert_part(self.get("/a", {"Range": "bytes=100-199"}), 100, 199)
        with Client(self.http) as late:
            late.request("GET", "/a", {"Range": "bytes=90000-90009"})
            got = late.head()
            self.assertEqual((got.status, got.get("Content-Length")), (206, "10"))
            self.assertIn("collapsed", got.cache)
            self.assertEqual(late.buffer, b"")
            go.set()
            self.assertEqual(late.read_exactly(10), BODY[90000:90010])
        wait_until(lambda: self.get("/a").is_hit, 10, "the whole to be stored")
        self.assertEqual((self.get("/a").body, self.origin.count("/a")), (BODY, 1))

    def test_joined_requests_each_get_their_own_part(self):
        go = threading.Event()
        self.addCleanup(go.set)

        def held(request):
            go.wait(20)
            return answer(200, {**KEPT, "Content-Digest": "sha-256=:x:", "Accept-Ranges": "bytes"}, BODY)

        self.routes.on("/a", held)
        clients = [Client(self.http) for _ in range(9)]
        for c in clients:
            self.addCleanup(c.close)
        for i, c in enumerate(clients[:-1]):
            c.request("GET", "/a", {"Range": f"bytes={i * 1000}-{i * 1000 + 499}"})
        clients[-1].request("GET", "/a")
        self.origin.wait_count(1, "/a")
        go.set()
        for i, c in enumerate(clients[:-1]):
            got = c.response()
            self.assert_part(got, i * 1000, i * 1000 + 499)
            self.assertIsNone(got.get("Content-Digest"), "it is the whole's")
            self.assertEqual((got.get("Accept-Ranges"), got.get("ETag")), ("bytes", '"v1"'))
        whole = clients[-1].response()
        self.assertEqual((whole.status, whole.body), (200, BODY))
        self.assertEqual(whole.get("Content-Digest"), "sha-256=:x:")
        self.assertEqual(self.origin.count("/a"), 1)

    def test_clients_on_several_cores_share_one_fill(self):
        self.routes.on("/a", answer(200, KEPT, BODY))
        many = Fairing(self, {"http": {"listen": "127.0.0.1:0", "upstream": self.origin.url}}, threads=4)

        def asker(i):
            first = (i * 997) % SIZE
            return lambda: (first, fetch(many.http, "/a", headers={"Range": f"bytes={first}-{first + 99}"}))

        for first, got in in_parallel([asker(i) for i in range(64)]):
            self.assert_part(got, first, min(first + 99, SIZE - 1))
        self.assertEqual(self.origin.count("/a"), 1)

    def test_preconditions_and_if_range(self):
        fields = {**KEPT, "Last-Modified": MODIFIED}
        for i, (headers, status) in enumerate(
            (
                ({"If-Range": '"v1"'}, 206),
                ({"If-Range": '"v2"'}, 200),
                ({"If-Range": 'W/"v1"'}, 200),
                ({"If-Range": MODIFIED}, 206),
                ({"If-Range": "Sat, 05 Nov 1994 08:49:37 GMT"}, 200),
                ({"If-None-Match": '"v1"'}, 304),
                ({"If-None-Match": '"v2"'}, 206),
                ({"If-Match": '"v2"'}, 412),
                ({"If-Match": '"v1"'}, 206),
                ({"If-Modified-Since": MODIFIED}, 304),
            )
        ):
            path = f"/{i}"
            self.routes.on(path, answer(200, fields, BODY))
            got = self.get(path, {"Range": "bytes=0-9", **headers})
            self.assertEqual(got.status, status, headers)
            if status == 200:
                self.assertEqual(got.body, BODY)
            self.assertIsNone(self.origin.last(path).get("If-Range"))
            wait_until(lambda p=path: self.get(p).is_hit, 10, "the whole to be stored")

    def test_a_part_of_what_has_to_be_confirmed_first(self):
        version = [1]

        def backend(request):
            tag = f'"{version[0]}"'
            fields = {"Cache-Control": "no-cache", "ETag": tag}
            if request.get("If-None-Match") == tag:
                return answer(304, fields, reason="Not Modified")
            return answer(200, fields, BODY if version[0] == 1 else BODY[::-1])

        self.routes.on("/a", backend)
        self.routes.on("/b", backend)
        self.get("/a")
        self.get("/b")
        confirmed = self.get("/a", {"Range": "bytes=5-9"})
        self.assert_part(confirmed, 5, 9)
        self.assertEqual(confirmed.cache.get("fwd-status"), "304")
        version[0] = 2
        changed = self.get("/a", {"Range": "bytes=5-9"})
        self.assert_part(changed, 5, 9, body=BODY[::-1])
        self.assertEqual((changed.get("ETag"), changed.cache.get("fwd-status")), ('"2"', "200"))
        whole = self.get("/b", {"Range": "bytes=5-9", "If-Range": '"1"'})
        self.assertEqual((whole.status, whole.body), (200, BODY[::-1]))

    def test_what_cannot_be_satisfied(self):
        self.routes.on("/a", answer(200, KEPT, BODY))
        got = self.get("/a", {"Range": f"bytes={SIZE}-"})
        self.assertEqual((got.status, got.get("Content-Range")), (416, f"bytes */{SIZE}"))
        wait_until(lambda: self.get("/a").is_hit, 10, "the whole to be stored")
        self.routes.on("/b", answer(200, KEPT, BODY))
        self.assertEqual(self.get("/b", {"Range": f"bytes={SIZE}-", "If-Range": '"v2"'}).status, 200)
        self.routes.on("/c", answer(404, KEPT, b"no"))
        self.assertEqual(self.get("/c", {"Range": "bytes=10-"}).status, 404)

    def test_ranges_that_are_ignored(self):
        for i, odd in enumerate(("bytes=5-2", "lines=1-2", "bytes=", "bytes=0-1,50-51")):
            path = f"/{i}"
            self.routes.on(path, answer(200, KEPT, BODY))
            got = self.get(path, {"Range": odd})
            self.assertEqual((got.status, got.body), (200, BODY), odd)

        def unknown(request):
            request.connection.send(
                b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            request.connection.send(chunk(BODY) + chunk(b""))

        self.routes.on("/chunked", unknown)
        self.assertEqual(self.get("/chunked", {"Range": "bytes=0-9"}).body, BODY)
        self.assert_part(self.get("/chunked", {"Range": "bytes=0-9"}), 0, 9)

    def test_head_takes_no_range(self):
        self.routes.on("/a", lambda r: head_of(KEPT, SIZE) if r.method == "HEAD" else answer(200, KEPT, BODY))
        got = self.get("/a", {"Range": "bytes=0-9"}, method="HEAD")
        self.assertEqual((got.status, got.get("Content-Length")), (200, str(SIZE)))
        self.assertIsNone(got.get("Content-Range"))

    def test_a_part_is_not_encoded(self):
        text = b"compressible text " * 1000
        self.routes.on("/a", answer(200, {**KEPT, "Content-Type": "text/plain"}, text))
        got = self.get("/a", {"Range": "bytes=18-35", "Accept-Encoding": "gzip"})
        self.assert_part(got, 18, 35, len(text), text)
        self.assertEqual((got.get("Content-Encoding"), got.get("Vary")), (None, "Accept-Encoding"))
        wait_until(lambda: self.get("/a").is_hit, 10, "the whole to be stored")
        self.assertEqual(self.get("/a", {"Accept-Encoding": "gzip"}).get("Content-Encoding"), "gzip")

    def test_a_backend_that_dies_leaves_a_part_that_looks_cut(self):
        die = threading.Event()
        self.addCleanup(die.set)

        def dying(request):
            if self.origin.count("/a") > 1:
                return answer(200, KEPT, BODY)
            request.connection.send(head_of(KEPT, SIZE) + BODY[:2000])
            die.wait(20)
            request.connection.close()
            return CLOSE

        self.routes.on("/a", dying)
        self.assert_part(self.get("/a", {"Range": "bytes=0-999"}), 0, 999)  # all of it was there
        with Client(self.http) as half, Client(self.http) as none:
            half.request("GET", "/a", {"Range": "bytes=1000-2999"})
            none.request("GET", "/a", {"Range": "bytes=50000-50009"})
            for c, first, last in ((half, 1000, 2999), (none, 50000, 50009)):
                got = c.head()
                self.assertEqual(
                    (got.status, got.get("Content-Range")), (206, f"bytes {first}-{last}/{SIZE}")
                )
            self.assertEqual(half.read_exactly(1000), BODY[1000:2000])
            die.set()
            for c in (half, none):
                with self.assertRaises(Truncated):
                    c.read_exactly(1)
        got = self.get("/a", {"Range": "bytes=1500-1509"})
        self.assert_part(got, 1500, 1509)
        self.assertFalse(got.is_hit, "a cut answer was kept")
        self.assertEqual(self.origin.count("/a"), 2)
        self.assertIn("incomplete", self.fairing.cli("explain", "http://test/a").stdout)


class NotKept(CacheCase):
    site = {
        "limits": {"object": "1MiB"},
        "routes": [{"match": "/off/**", "cache": {"mode": "off"}}],
    }

    def ranged(self, fields, body=BODY):
        """A backend that honours Range itself."""

        def handler(request):
            asked = request.get("Range")
            if not asked:
                return answer(200, fields, body)
            first, _, last = asked.removeprefix("bytes=").partition("-")
            first, last = int(first), min(int(last or len(body)), len(body) - 1)
            fields_ = {**fields, "Content-Range": f"bytes {first}-{last}/{len(body)}", "X-By": "origin"}
            return answer(206, fields_, body[first : last + 1], "Partial Content")

        return handler

    def test_the_range_reaches_a_backend_whose_answer_has_no_place_in_the_cache(self):
        for path, fields, headers in (
            ("/off/a", KEPT, {}),
            ("/no-store", KEPT, {"Cache-Control": "no-store"}),
        ):
            self.routes.on(path, self.ranged(fields))
            for _ in range(2):
                got = self.get(path, {"Range": "bytes=7-9", "If-Range": '"v1"', **headers})
                self.assertEqual((got.status, got.body, got.get("X-By")), (206, BODY[7:10], "origin"), path)
                self.assertEqual(self.origin.last(path).get("Range"), "bytes=7-9")
                self.assertEqual(self.origin.last(path).get("If-Range"), '"v1"')

    def test_a_private_answer_is_cut_and_the_next_part_is_asked_for(self):
        self.routes.on("/p", self.ranged({"Cache-Control": "private"}))
        first = self.get("/p", {"Range": "bytes=7-9"})
        self.assertEqual((first.status, first.body, first.get("X-By")), (206, BODY[7:10], None))
        self.assertEqual(first.get("Content-Range"), f"bytes 7-9/{SIZE}")
        self.assertNotIn("stored", first.cache)
        second = self.get("/p", {"Range": "bytes=7-9"})  # known by now not to be kept
        self.assertEqual((second.status, second.body, second.get("X-By")), (206, BODY[7:10], "origin"))

    def test_a_part_far_inside_what_is_not_kept_is_asked_for_instead_of_waited_for(self):
        big = BODY * 40
        self.routes.on("/big", self.ranged(KEPT, big))
        first = 3 * MIB
        got = self.get("/big", {"Range": f"bytes={first}-{first + 9}"})
        self.assertEqual((got.status, got.body, got.get("X-By")), (206, big[first : first + 10], "origin"))
        self.assertEqual(got.cache.get("detail"), "too-large")
        self.assertEqual([r.get("Range") for r in self.origin.requests], [None, f"bytes={first}-{first + 9}"])


class Big(CacheCase):
    site = {"limits": {"object": "64MiB"}}
    total = 48 * MIB

    def push(self, fields):
        block = bytes(range(256)) * 4096

        def handler(request):
            request.connection.send(head_of(fields, self.total))
            for _ in range(self.total // MIB):
                request.connection.send(block)

        return handler

    def test_a_part_far_inside_waits_for_its_bytes(self):
        self.routes.on("/big", self.push(KEPT))
        first = self.total - 1000
        got = self.get("/big", {"Range": f"bytes={first}-{first + 255}"}, timeout=60)
        self.assertEqual(
            (got.status, got.get("Content-Range")), (206, f"bytes {first}-{first + 255}/{self.total}")
        )
        self.assertEqual(got.body, bytes(((first + i) % 256) for i in range(256)))

    def test_memory_stays_bounded_where_the_whole_is_not_kept(self):
        self.routes.on("/big", self.push({"Cache-Control": "private"}))
        before = self.fairing.rss()
        with Client(self.http, timeout=60, receive_buffer=65536) as c:
            c.request("GET", "/big", {"Range": f"bytes={MIB // 2}-"})
            got = c.head()
            self.assertEqual((got.status, got.get("Content-Length")), (206, str(self.total - MIB // 2)))
            left = self.total - MIB // 2 - len(c.buffer)
            self.assertLess(self.fairing.rss() - before, SOME)
            while left:
                c.buffer = b""
                self.assertTrue(c.fill(), f"{left} bytes are missing")
                left -= len(c.buffer)
        self.assertLess(self.fairing.rss() - before, SOME)


class Said(CacheCase):
    """What Cache-Status and `explain` say where the cache could not do what it seemed to at first."""

    site = {
        "routes": [
            {"match": "/soft/**", "cache": {"stale_while_revalidate": "60s"}},
            {"match": "/sie/**", "cache": {"stale_if_error": "60s"}},
        ]
    }

    def explained(self, path):
        return self.fairing.cli("explain", f"http://test{path}").stdout

    def test_a_fill_that_was_purged_meanwhile(self):
        go = threading.Event()
        self.addCleanup(go.set)

        def held(request):
            request.connection.send(head_of(KEPT, SIZE) + BODY[:10])
            go.wait(20)
            request.connection.send(BODY[10:])

        self.routes.on("/a", held)
        with Client(self.http) as c:
            c.request("GET", "/a", {"Range": "bytes=0-"})
            self.assertEqual(c.head().status, 206)
            self.fairing.purge(all=True)
            go.set()
            self.assertEqual(c.read_exactly(SIZE), BODY)
        wait_until(lambda: "purged-meanwhile" in self.explained("/a"), 10, "the reason to be told")
        self.assertFalse(self.get("/a").is_hit)

    def test_a_fresh_answer_that_credentials_may_not_have(self):
        self.routes.on("/a", answer(200, KEPT, BODY))
        self.get("/a")
        for field, word in (("Authorization", "authorization"), ("Cookie", "cookie")):
            got = self.get("/a", {field: "a=b"})
            self.assertEqual((got.cache.get("fwd"), got.cache.get("detail")), ("request", word))
        self.assertTrue(self.get("/a").is_hit)

    def test_what_forbids_stale_answers_outweighs_a_window_of_the_route(self):
        alive = [True]

        def backend(request):
            control = request.path.split("/")[-1].replace("+", ", ")
            return answer(200, {"Cache-Control": control, "ETag": '"1"'}, b"old") if alive[0] else CLOSE

        forbidding = ("must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=1")
        paths = [f"/sie/max-age=1+{word}" for word in forbidding]
        for path in (*paths, "/sie/max-age=1"):
            self.routes.on(path, backend)
            self.assertEqual(self.get(path).text, "old")
        alive[0] = False
        wait_until(past(2.1), 5)
        for path in paths:
            got = self.get(path)
            self.assertEqual((got.status, got.is_hit), (502, False), path)
        got = self.get("/sie/max-age=1")
        self.assertEqual((got.text, got.cache.get("detail")), ("old", "stale-if-error"))
        self.assertLess(int(got.cache["ttl"]), 0)

    def test_a_soft_purge_makes_the_ttl_negative(self):
        self.routes.on("/soft/a", answer(200, KEPT, BODY))
        self.get("/soft/a")
        self.assertGreater(int(self.get("/soft/a").cache["ttl"]), 0)
        self.fairing.purge(all=True, soft=True)
        got = self.get("/soft/a")
        self.assertTrue(got.is_hit)
        self.assertLess(int(got.cache["ttl"]), 0)


if __name__ == "__main__":
    unittest.main()
