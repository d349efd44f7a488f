"""Compression: which coding, what it does to ETag, Vary, ranges and conditions, and what is left alone."""
import gzip
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.client import fetch
from support.coding import decode
from support.fairing import Fairing
from support.origin import Origin, Routes, answer, chunk
from support.wait import wait_until

TEXT = b'{"id": 12345, "name": "a product with a name", "tags": ["one", "two"], "price": 9.99},\n' * 800
JSON = {"Content-Type": "application/json", "Cache-Control": "max-age=60", "ETag": '"v1"'}


class Compression(unittest.TestCase):
    def setUp(self):
        self.routes = Routes()
        self.origin = Origin(self, self.routes)
        self.routes.on("/json", answer(200, JSON, TEXT))
        self.fairing = Fairing(
            self,
            {
                "http": {
                    "listen": "127.0.0.1:0",
                    "upstream": self.origin.url,
                    "routes": [{"match": "/never/**", "compression": False}],
                }
            },
        )

    def get(self, path, accept=None, headers=None, **more):
        headers = dict(headers or {})
        if accept is not None:
            headers["Accept-Encoding"] = accept
        return fetch(self.fairing.http, path, headers=headers, **more)

    def test_the_coding_is_chosen_by_quality(self):
        for accept, coding in (
            (None, None),
            ("", None),
            ("identity", None),
            ("gzip", "gzip"),
            ("br", "br"),
            ("zstd", "zstd"),
            ("gzip, br, zstd", "zstd"),
            ("gzip;q=1, br;q=0.5", "gzip"),
            ("gzip;q=0.5, br;q=0.9", "br"),
            ("gzip;q=0", None),
            ("*", "zstd"),
            ("*;q=0", None),
            ("br;q=0, *", "zstd"),
            ("zstd;q=0, br;q=0, *", "gzip"),
            ("identity;q=1, gzip;q=0.5", None),
            ("deflate", None),
            ("GZIP", "gzip"),
            ("x-gzip", None),
            ("gzip;q=0.001", "gzip"),
            ("gzip;q=junk", None),
            ("br;q=1.0, gzip;q=0.8, *;q=0.1", "br"),
            ("gzip, deflate, br", "br"),
        ):
            for _ in range(2):  # first while it is filled or from the entry, then surely from the entry
                got = self.get("/json", accept)
                if accept == "x-gzip" and got.get("Content-Encoding") == "gzip":
                    continue  # RFC 9110 8.4.1.3: x-gzip may be taken as gzip
                if accept == "gzip;q=junk" and got.get("Content-Encoding") == "gzip":
                    continue  # malformed: either reading is safe
                with self.subTest(accept=accept):
                    self.assertEqual(got.get("Content-Encoding"), coding)
                    self.assertEqual(decode(coding, got.body), TEXT)
                    self.assertIn("accept-encoding", got.get("Vary", "").lower())
                    if coding:
                        self.assertLess(len(got.body), len(TEXT) // 4)
        self.assertEqual(self.origin.count("/json"), 1, "variants are made from one stored answer")

    def test_a_first_answer_is_compressed_while_it_streams(self):
        for coding in ("gzip", "br", "zstd"):
            path = f"/first/{coding}"
            self.routes.on(
                path,
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n"
                + b"".join(chunk(TEXT[i : i + 5000]) for i in range(0, len(TEXT), 5000))
                + chunk(b""),
            )
            got = self.get(path, coding)
            self.assertEqual(
                (got.get("Content-Encoding"), decode(got.get("Content-Encoding"), got.body) == TEXT),
                (coding, True),
            )

    def test_small_answers_and_compressed_types_are_left_alone(self):
        for path, kind, body, packed in (
            ("/small", "text/plain", b"x" * 1023, False),
            ("/large-enough", "text/plain", b"x" * 1024, True),
            ("/png", "image/png", TEXT, False),
            ("/jpeg", "image/jpeg", TEXT, False),
            ("/zip", "application/zip", TEXT, False),
            ("/woff2", "font/woff2", TEXT, False),
            ("/mp4", "video/mp4", TEXT, False),
            ("/svg", "image/svg+xml", TEXT, True),
            ("/html", "text/html; charset=utf-8", TEXT, True),
            ("/js", "application/javascript", TEXT, True),
            ("/problem", "application/problem+json", TEXT, True),
            ("/never/json", "application/json", TEXT, False),
        ):
            self.routes.on(path, answer(200, {"Content-Type": kind, "Cache-Control": "max-age=60"}, body))
            for _ in range(2):
                got = self.get(path, "gzip")
                with self.subTest(path):
                    self.assertEqual(got.get("Content-Encoding"), "gzip" if packed else None)
                    self.assertEqual(decode(got.get("Content-Encoding"), got.body), body)

    def test_no_transform_and_encoded_answers_are_not_touched(self):
        packed = gzip.compress(TEXT)
        self.routes.on("/fixed", answer(200, {**JSON, "Cache-Control": "max-age=60, no-transform"}, TEXT))
        self.routes.on(
            "/packed", answer(200, {**JSON, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}, packed)
        )
        for _ in range(2):
            self.assertIsNone(self.get("/fixed", "gzip").get("Content-Encoding"))
            got = self.get("/packed", "gzip, br")
            self.assertEqual((got.get("Content-Encoding"), got.body), ("gzip", packed))

    def test_a_backend_that_compresses_by_itself_is_never_given_to_one_who_cannot_read_it(self):
        def negotiating(request):
            if "gzip" in request.get("Accept-Encoding", ""):
                return answer(
                    200, {**JSON, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}, gzip.compress(TEXT)
                )
            return answer(200, {**JSON, "Vary": "Accept-Encoding"}, TEXT)

        self.routes.on("/own", negotiating)
        for accept in ("gzip", None, "br", "gzip", None, "zstd;q=0.1"):
            got = self.get("/own", accept)
            coding = got.get("Content-Encoding")
            self.assertIn(coding, (None, (accept or "").split(";")[0]))
            self.assertEqual(decode(coding, got.body), TEXT)

    def test_each_variant_has_its_etag_and_is_revalidated_with_it(self):
        tags = {
            coding: self.get("/json", coding or None).get("ETag") for coding in ("", "gzip", "br", "zstd")
        }
        self.assertEqual(tags[""], '"v1"')
        strong = [t for t in tags.values() if not t.startswith("W/")]
        self.assertEqual(len(set(strong)), len(strong), f"one strong ETag for different bytes: {tags}")
        for coding, tag in tags.items():
            got = self.get("/json", coding or None, {"If-None-Match": tag})
            self.assertEqual((got.status, got.body), (304, b""), coding)
            self.assertEqual(got.get("ETag"), tag)
            self.assertIn("accept-encoding", got.get("Vary", "").lower())
        self.assertEqual(self.get("/json", "gzip", {"If-None-Match": '"v0"'}).status, 200)
        self.assertEqual(self.origin.count("/json"), 1)

    def test_a_variants_etag_is_not_sent_upstream(self):
        self.routes.on("/miss", answer(200, {**JSON, "Cache-Control": "no-cache"}, TEXT))
        tag = self.get("/miss", "gzip").get("ETag")
        self.get("/miss", "gzip", {"If-None-Match": tag})
        self.assertIn(self.origin.last("/miss").get("If-None-Match"), (None, '"v1"'))

    def test_unsafe_conditions_reach_the_backend_with_its_own_etag(self):
        tag = self.get("/json", "gzip").get("ETag")
        self.get("/json", headers={"If-Match": tag}, method="PUT", body=b"{}")
        self.assertIn('"v1"', self.origin.last("/json").get("If-Match", ""))

    def test_ranges_are_of_the_bytes_that_the_client_can_put_together(self):
        self.get("/json", "gzip")
        for accept in (None, "gzip"):
            whole = self.get("/json", accept)
            part = self.get("/json", accept, {"Range": "bytes=100-199"})
            self.assertEqual(part.status, 206)
            size = int(part.get("Content-Range").split("/")[1])
            if part.get("Content-Encoding") == whole.get("Content-Encoding"):
                self.assertEqual(
                    (size, part.body, part.get("ETag")),
                    (len(whole.body), whole.body[100:200], whole.get("ETag")),
                )
            else:  # ranges of the plain bytes are right too, if they say so
                self.assertEqual(
                    (part.get("Content-Encoding"), size, part.body, part.get("ETag")),
                    (None, len(TEXT), TEXT[100:200], '"v1"'),
                )
        tag = self.get("/json", "gzip").get("ETag")
        mixed = self.get("/json", None, {"Range": "bytes=100-199", "If-Range": tag})
        self.assertEqual(
            (mixed.status, mixed.body), (200, TEXT), "an If-Range of another variant gives the whole"
        )

    def test_what_is_asked_for_often_is_encoded_better_in_the_background(self):
        for coding in ("gzip", "br", "zstd"):
            first = self.get("/json", coding)
            seen = []

            def smaller(coding=coding, size=len(first.body), seen=seen):
                seen.append(self.get("/json", coding))
                return len(seen[-1].body) < size

            wait_until(smaller, 20, f"a better {coding} than {len(first.body)} bytes")
            self.assertEqual({g.get("ETag") for g in seen}, {first.get("ETag")})
            self.assertEqual(decode(coding, seen[-1].body), TEXT)
        self.assertEqual(self.get("/json").body, TEXT)
        self.assertEqual(self.origin.count("/json"), 1)

    def test_head_says_what_get_would(self):
        for accept in (None, "gzip", "br", "zstd"):
            self.get("/json", accept)
            got, head = self.get("/json", accept), self.get("/json", accept, method="HEAD")
            for name in ("Content-Encoding", "ETag", "Content-Type", "Vary"):
                self.assertEqual(head.get(name), got.get(name), (accept, name))
            self.assertIn(head.get("Content-Length"), (None, str(len(got.body))))
            self.assertEqual(head.body, b"")

    def test_the_bytes_saved_are_counted(self):
        for _ in range(3):
            self.get("/json", "gzip")
        self.assertGreater(self.fairing.metric("fairing_compress_bytes_total", encoding="gzip"), 0)


if __name__ == "__main__":
    unittest.main()
