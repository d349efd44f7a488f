"""The response cache: variants, conditions of clients and towards the backend, ranges."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.cache_case import CacheCase, counted
from support.origin import answer
from support.wait import past, wait_until


class Conditions(CacheCase):
    def test_vary_keeps_variants_apart(self):
        self.routes.on(
            "/a",
            lambda r: answer(
                200,
                {"Cache-Control": "max-age=60", "Vary": "Accept-Language, X-Kind"},
                f"{r.get('Accept-Language')}/{r.get('X-Kind')}",
            ),
        )
        asked = [("de", "1"), ("en", "1"), ("de", "2"), (None, "1"), ("de", None)]
        for _ in range(2):
            for language, kind in asked:
                headers = {n: v for n, v in (("Accept-Language", language), ("X-Kind", kind)) if v}
                self.assertEqual(self.get("/a", headers).text, f"{language}/{kind}")
        self.assertEqual(self.origin.count("/a"), len(asked))

    def test_clients_revalidate_against_the_cache(self):
        self.routes.on(
            "/a",
            counted(
                {
                    "Cache-Control": "max-age=60",
                    "ETag": '"v1"',
                    "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT",
                }
            ),
        )
        self.get("/a")
        for headers, status in (
            ({"If-None-Match": '"v1"'}, 304),
            ({"If-None-Match": 'W/"v1"'}, 304),
            ({"If-None-Match": '"x", "v1"'}, 304),
            ({"If-None-Match": "*"}, 304),
            ({"If-None-Match": '"v2"'}, 200),
            ({"If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, 304),
            ({"If-Modified-Since": "Sat, 05 Nov 1994 08:49:37 GMT"}, 200),
            ({"If-None-Match": '"v2"', "If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, 200),
        ):
            got = self.get("/a", headers)
            self.assertEqual((got.status, got.body), (status, b"" if status == 304 else b"/a#1"), headers)
            self.assertEqual(got.get("ETag"), '"v1"')
        self.assertEqual(self.origin.count("/a"), 1)

    def test_the_cache_revalidates_against_the_backend_and_refreshes_fields(self):
        def handler(request):
            if request.get("If-None-Match") == '"v1"':
                return answer(
                    304,
                    {"ETag": '"v1"', "Cache-Control": "max-age=60", "X-Round": "2"},
                    reason="Not Modified",
                )
            return answer(200, {"ETag": '"v1"', "Cache-Control": "no-cache", "X-Round": "1"}, b"body")

        self.routes.on("/a", handler)
        self.assertEqual(self.get("/a").get("X-Round"), "1")
        second = self.get("/a")
        self.assertEqual((second.status, second.body, second.get("X-Round")), (200, b"body", "2"))
        third = self.get("/a")
        self.assertEqual((third.is_hit, third.get("X-Round"), self.origin.count("/a")), (True, "2", 2))

    def confirming(self, path, control, tag=lambda request: '"v1"', **more):
        """A backend that answers 304 to its own ETag."""

        def handler(request):
            headers = {"ETag": tag(request), "Cache-Control": control, **more}
            if request.get("If-None-Match") == tag(request):
                return answer(304, headers, reason="Not Modified")
            return answer(200, headers, "of " + tag(request))

        self.routes.on(path, handler)

    def test_each_variant_is_revalidated_with_its_own_etag(self):
        self.confirming("/v", "no-cache", lambda r: f'"{r.get("X-Kind")}"', Vary="X-Kind")
        for round_ in range(3):
            for kind in "abc":
                got = self.get("/v", {"X-Kind": kind})
                self.assertEqual(got.text, f'of "{kind}"')
                self.assertEqual(got.cache.get("fwd-status"), "304" if round_ else "200")

    def test_whoever_asks_for_himself_neither_takes_nor_spoils_the_common_answer(self):
        self.confirming("/a", "max-age=60")
        self.get("/a")
        for headers, method in (
            ({"Authorization": "x"}, "GET"),
            ({"Cookie": "a=b"}, "GET"),
            ({"Cache-Control": "no-cache"}, "HEAD"),
        ):
            got = self.get("/a", headers, method=method)
            self.assertEqual((got.status, got.cache.get("fwd-status")), (200, "304"), headers)
            self.assertLess(int(got.get("Age")), 30)
            self.assertTrue(self.get("/a").is_hit, headers)

    def test_a_304_about_another_answer_confirms_nothing(self):
        date = "Sun, 06 Nov 1994 08:49:37 GMT"
        self.routes.on(
            "/a",
            lambda r: answer(304, {"ETag": '"new"', "Cache-Control": "max-age=60"}, reason="Not Modified")
            if r.get("If-Modified-Since")
            else answer(200, {"Last-Modified": date, "Cache-Control": "no-cache"}, str(self.origin.count("/a"))),
        )
        self.assertEqual([self.get("/a").text, self.get("/a").text], ["1", "3"])

    def test_conditions_count_on_a_miss_too(self):
        for path, control in (("/kept", "max-age=60"), ("/not-kept", "no-store")):
            body = b"compressible " * 300
            self.routes.on(
                path, answer(200, {"Cache-Control": control, "ETag": '"1"', "Content-Type": "text/plain"}, body)
            )
            self.assertEqual(self.get(path, {"If-Match": '"2"'}).status, 412, path)
            self.assertEqual(self.get(path, {"If-None-Match": '"1"'}).status, 304, path)
            packed = {"Accept-Encoding": "gzip"}
            tag = self.get(path, packed).get("ETag")
            again = self.get(path, {"If-None-Match": tag, **packed})
            self.assertEqual((again.status, again.get("ETag")), (304, tag), path)

    def test_a_part_of_what_is_not_kept_is_asked_for_as_a_part(self):
        self.routes.on(
            "/a",
            lambda r: answer(206, {"Cache-Control": "no-store", "Content-Range": "bytes 2-4/10"}, b"234", "Part")
            if r.get("Range") == "bytes=2-4"
            else answer(200, {"Cache-Control": "no-store"}, b"0123456789"),
        )
        self.get("/a")
        got = self.get("/a", {"Range": "bytes=2-4"})
        self.assertEqual((got.status, got.body), (206, b"234"))

    def test_made_etags_serve_clients_and_are_not_sent_upstream(self):
        self.routes.on("/a", counted({"Cache-Control": "max-age=1"}, b"same"))
        self.get("/a")
        etag = self.get("/a").get("ETag")
        self.assertRegex(etag or "", r'^(W/)?"[^"]+"$')
        self.assertEqual(self.get("/a", {"If-None-Match": etag}).status, 304)
        wait_until(past(2.1), 5)
        self.get("/a")
        self.assertIsNone(self.origin.last("/a").get("If-None-Match"))

    def test_ranges_are_cut_from_the_stored_answer(self):
        body = bytes(range(256)) * 40
        self.routes.on(
            "/a",
            answer(
                200,
                {
                    "Cache-Control": "max-age=60",
                    "ETag": '"v1"',
                    "Content-Type": "application/octet-stream",
                    "Accept-Ranges": "bytes",
                },
                body,
            ),
        )
        self.get("/a")
        size = len(body)
        for asked, first, last in (
            ("bytes=0-0", 0, 0),
            ("bytes=10-99", 10, 99),
            ("bytes=10000-", 10000, size - 1),
            ("bytes=-5", size - 5, size - 1),
            (f"bytes=0-{size * 2}", 0, size - 1),
            (f"bytes=-{size * 2}", 0, size - 1),
        ):
            got = self.get("/a", {"Range": asked})
            self.assertEqual(
                (got.status, got.get("Content-Range")), (206, f"bytes {first}-{last}/{size}"), asked
            )
            self.assertEqual(got.body, body[first : last + 1])
        got = self.get("/a", {"Range": f"bytes={size}-"})
        self.assertEqual((got.status, got.get("Content-Range")), (416, f"bytes */{size}"))
        for headers, status in (
            ({"If-Range": '"v1"'}, 206),
            ({"If-Range": '"v2"'}, 200),
            ({"If-Range": 'W/"v1"'}, 200),
            ({"If-None-Match": '"v1"'}, 304),
        ):
            self.assertEqual(self.get("/a", {"Range": "bytes=0-9", **headers}).status, status, headers)
        for odd in ("bytes=5-2", "bytes=a-b", "lines=1-2", "bytes="):
            self.assertEqual((self.get("/a", {"Range": odd}).status), 200, odd)
        self.assertEqual(self.origin.count("/a"), 1)

    def test_several_ranges_come_as_parts(self):
        body = bytes(range(256)) * 40
        self.routes.on(
            "/a",
            answer(
                200,
                {"Cache-Control": "max-age=60", "ETag": '"v1"', "Content-Type": "application/octet-stream"},
                body,
            ),
        )
        self.get("/a")
        got = self.get("/a", {"Range": "bytes=0-9, 100-109, -10"})
        if got.status == 200:  # allowed: a server may ignore a Range
            self.assertEqual(got.body, body)
            return
        self.assertEqual(got.status, 206)
        self.assertIsNone(got.get("Content-Range"))
        mark = got.get("Content-Type").split("boundary=")[1].strip('"').encode()
        parts = [p.partition(b"\r\n\r\n") for p in got.body.split(b"--" + mark)[1:-1]]
        self.assertEqual([p[2][:-2] for p in parts], [body[0:10], body[100:110], body[-10:]])
        self.assertIn(
            b"bytes 100-109/%d" % len(body), parts[1][0].replace(b"content-range", b"Content-Range")
        )
        self.assertTrue(got.body.rstrip().endswith(b"--" + mark + b"--"))
        flood = self.get("/a", {"Range": "bytes=" + ",".join("0-" for _ in range(500))})
        self.assertLess(len(flood.body), 3 * len(body), "overlapping ranges multiply the answer")


if __name__ == "__main__":
    unittest.main()
