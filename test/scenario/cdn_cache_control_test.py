"""CDN-Cache-Control (RFC 9213): read before Cache-Control, and only if it is a valid structured field."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.client import fetch
from support.fairing import Fairing
from support.origin import Origin, Routes, answer
from support.wait import past, wait_until

# (CDN-Cache-Control, other fields, is the second request a hit)
CASES = [
    ("max-age=60", {}, True),
    ("max-age=60", {"Cache-Control": "no-store"}, True),
    ("max-age=60", {"Cache-Control": "private"}, True),
    ("max-age=60", {"Cache-Control": "max-age=0"}, True),
    ("max-age=60", {"Cache-Control": "no-cache"}, True),
    ("max-age=60", {"Expires": "Sun, 06 Nov 1994 08:49:37 GMT"}, True),
    ("max-age=2147483648", {}, True),
    ("max-age=99999999999", {}, True),
    (
        "MaX-aGe=60",
        {},
        False,
    ),  # keys of a structured field are lower case: invalid, and nothing else is fresh
    ("max-age=0", {"Cache-Control": "max-age=60"}, False),
    ("max-age=0", {"Expires": "Sun, 06 Nov 2094 08:49:37 GMT"}, False),
    ("no-store", {"Cache-Control": "max-age=60"}, False),
    ("no-cache", {"Cache-Control": "max-age=60"}, False),
    ("private", {"Cache-Control": "max-age=60"}, False),
    ("no-store, max-age=60", {}, False),
    ("private, max-age=60", {"Cache-Control": "public, max-age=60"}, False),
    ("max-age=60, unknown", {}, True),
    (
        "unknown=1",
        {"Cache-Control": "max-age=60"},
        False,
    ),  # valid and not empty: Cache-Control is not looked at
    ("max-age=60;param=1", {}, True),
    ("s-maxage=60", {}, True),
    ("max-age=60", {"Age": "30"}, True),
    ("max-age=60", {"Age": "90"}, False),
    # not a structured field: ignored as a whole, Cache-Control decides
    ("max-age=60,", {"Cache-Control": "max-age=60"}, True),
    ("max-age=60,", {"Cache-Control": "no-store"}, False),
    ("max-age =60", {"Cache-Control": "no-store"}, False),
    ("no-store,, max-age=60", {"Cache-Control": "max-age=60"}, True),
    ("&no-store", {"Cache-Control": "max-age=60"}, True),
    ("max-age=", {"Cache-Control": "no-store"}, False),
    # a valid field whose directive has a wrong type: the directive does not count
    ('max-age="60"', {"Cache-Control": "no-store"}, False),
    ("max-age=60.5", {"Cache-Control": "no-store"}, False),
    ("max-age=-1", {"Cache-Control": "max-age=60"}, False),
    ("", {"Cache-Control": "max-age=60"}, True),
]


class CdnCacheControl(unittest.TestCase):
    def setUp(self):
        self.routes = Routes()
        self.origin = Origin(self, self.routes)

    def start(self, **cache):
        return Fairing(self, {"http": {"listen": "127.0.0.1:0", "upstream": self.origin.url, "cache": cache}})

    def test_semantics(self):
        f = self.start()
        for number, (value, others, hit) in enumerate(CASES):
            path = f"/{number}"
            self.routes.on(path, answer(200, {"CDN-Cache-Control": value, **others}, path))
            with self.subTest(value=value, others=others):
                self.assertFalse(fetch(f.http, path).is_hit)
                self.assertEqual(fetch(f.http, path).is_hit, hit)

    def test_two_lines_are_one_field(self):
        f = self.start()
        self.routes.on(
            "/a", answer(200, [("CDN-Cache-Control", "max-age=60"), ("CDN-Cache-Control", "no-store")], b"a")
        )
        self.assertEqual([fetch(f.http, "/a").is_hit for _ in range(2)], [False, False])

    def test_the_answer_keeps_both_fields_for_those_behind(self):
        f = self.start()
        self.routes.on(
            "/a", answer(200, {"CDN-Cache-Control": "max-age=60", "Cache-Control": "max-age=5"}, b"a")
        )
        fetch(f.http, "/a")
        got = fetch(f.http, "/a")
        self.assertEqual(
            (got.get("Cache-Control"), got.get("CDN-Cache-Control")), ("max-age=5", "max-age=60")
        )

    def test_it_expires_by_its_own_clock(self):
        f = self.start()
        self.routes.on(
            "/a", answer(200, {"CDN-Cache-Control": "max-age=1", "Cache-Control": "max-age=600"}, b"a")
        )
        fetch(f.http, "/a")
        wait_until(past(2.1), 5)
        self.assertFalse(fetch(f.http, "/a").is_hit)

    def test_stale_windows(self):
        f = self.start()
        self.routes.on(
            "/a",
            answer(
                200,
                {"CDN-Cache-Control": "max-age=1, stale-if-error=60", "Cache-Control": "no-store"},
                b"kept",
            ),
        )
        fetch(f.http, "/a")
        wait_until(past(2.1), 5)
        self.origin.stop()
        self.assertEqual(fetch(f.http, "/a").text, "kept")

    def test_no_authorization_or_cookie_leaks_through_it(self):
        f = self.start()
        self.routes.on(
            "/a",
            lambda r: answer(
                200, {"CDN-Cache-Control": "max-age=60"}, r.get("Authorization", r.get("Cookie", "nobody"))
            ),
        )
        self.assertEqual(fetch(f.http, "/a", headers={"Authorization": "alice"}).text, "alice")
        self.assertEqual(fetch(f.http, "/a", headers={"Authorization": "bob"}).text, "bob")
        self.assertEqual(fetch(f.http, "/a", headers={"Cookie": "carol"}).text, "carol")
        self.assertEqual(fetch(f.http, "/a").text, "nobody")
        self.routes.on("/s", answer(200, {"CDN-Cache-Control": "max-age=60", "Set-Cookie": "a=b"}, b"s"))
        self.assertEqual([fetch(f.http, "/s").is_hit for _ in range(2)], [False, False])

    def test_surrogate_control_is_read_where_there_is_no_cdn_cache_control(self):
        f = self.start()
        for number, (value, others, hit) in enumerate(
            (
                ("max-age=60", {"Cache-Control": "no-store"}, True),
                ("max-age=60;fairing", {"Cache-Control": "no-store"}, True),
                ("max-age=60;other", {"Cache-Control": "no-store"}, False),
                ("no-store", {"Cache-Control": "max-age=60"}, False),
                ('content="ESI/1.0"', {"Cache-Control": "max-age=60"}, True),
                ("max-age=60", {"CDN-Cache-Control": "no-store"}, False),
            )
        ):
            path = f"/surrogate/{number}"
            self.routes.on(path, answer(200, {"Surrogate-Control": value, **others}, path))
            with self.subTest(value=value, others=others):
                self.assertEqual([fetch(f.http, path).is_hit for _ in range(2)], [False, hit])
        self.assertEqual(self.origin.last().get("Surrogate-Capability"), 'fairing="Surrogate/1.0"')

    def test_it_can_be_turned_off(self):
        f = self.start(cdn_cache_control=False)
        self.routes.on(
            "/a", answer(200, {"CDN-Cache-Control": "no-store", "Cache-Control": "max-age=60"}, b"a")
        )
        self.assertEqual([fetch(f.http, "/a").is_hit for _ in range(2)], [False, True])


if __name__ == "__main__":
    unittest.main()
