"""No request, however malformed, is understood in two ways by Fairing and the backend.

For each case of smuggling_requests.py: the attack goes out on its own connection; then two victims ask on others and
must get their own answers. What arrived at the origin is compared byte for byte by a strict parser: no complete
request for a refused one, exactly one for a forwarded one, never GET /smuggled.
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from scenario.smuggling_requests import ABORT, CASES, EITHER, FORWARD, REFUSE
from support.client import Client, Truncated, fetch
from support.fairing import Fairing
from support.origin import Origin, answer, strict_requests
from support.wait import wait_until


class Smuggling(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = unittest.TestCase()
        cls.addClassCleanup(cls.shared.doCleanups)
        cls.origin = Origin(cls.shared, lambda r: answer(200, {"Cache-Control": "no-store"}, r.target))
        cls.fairing = Fairing(
            cls.shared,
            {
                "http": {"listen": "127.0.0.1:0", "upstream": cls.origin.url, "limits": {"body": 1000000}},
            },
        )

    def attack(self, payload):
        """Sends it; returns the answer, or None if the connection was closed without one."""
        with Client(self.fairing.http, timeout=10) as c:
            try:
                c.send(payload)
            except OSError:
                pass  # refused and closed before all of it was sent
            try:
                got = c.response()
            except (Truncated, ConnectionError):
                return None
            if got.status == 200:
                c.end()
            rest = c.rest()  # a refused one must be closed by Fairing: a timeout here fails the case
            self.assertEqual(rest, b"", "bytes behind the answer")
            return got

    def received(self):
        """All requests the origin can make out in what it received, and whether something incomplete is left."""
        complete, leftover = [], b""
        for connection in list(self.origin.connections):
            requests, rest = strict_requests(connection.raw)
            complete += requests
            leftover = leftover or rest
            if rest:
                wait_until(
                    connection.closed.is_set, 10, "the upstream connection of an aborted request to be closed"
                )
        return complete, leftover

    def refused(self, got, expected, complete, leftover):
        self.assertEqual(complete, [], "the origin got a complete request")
        if expected != ABORT:
            self.assertEqual(leftover, b"", "the origin got bytes")
            self.assertIsNotNone(got, "closed without an answer")
        if got is not None:
            self.assertIn(got.status, (400, 405, 413, 414, 417, 431, 501, 505), got)
            self.assertEqual(got.get("Content-Type"), "application/problem+json", got)
            self.assertEqual(got.get("Connection", "").lower(), "close", got)

    def forwarded(self, got, complete, leftover):
        self.assertEqual(len(complete), 1, "requests at the origin")
        self.assertEqual(leftover, b"", "bytes left over at the origin")
        line, fields, body, trailers = complete[0]
        self.assertIsNotNone(got, "forwarded but not answered")
        self.assertEqual(got.status, 200, got)
        self.assertNotIn(b"smuggled", line)
        self.assertFalse(
            {b"upgrade", b"http2-settings"} & set(fields), "an upgrade to h2c went on to the origin"
        )
        self.assertNotIn(
            b"10.9.9.9", b",".join(fields.get(b"x-forwarded-for", [])), "a forged X-Forwarded-For went on"
        )
        self.assertIn(b"x-forwarded-for", fields)
        forbidden = (b"content-length", b"transfer-encoding", b"host", b"authorization", b"connection")
        self.assertFalse([t for t in trailers if t.split(b":")[0].lower() in forbidden], trailers)
        if line.startswith(b"POST") and b"hello" in self.payload:
            self.assertEqual(body, b"hello")

    def victims(self):
        for name in ("/victim-1", "/victim-2"):
            self.assertEqual(fetch(self.fairing.http, name).text, name)

    def run_case(self, payload, expected):
        self.payload = payload
        self.origin.clear()
        got = self.attack(payload)
        complete, leftover = self.received()
        if isinstance(expected, tuple):
            self.assertIsNotNone(got, "closed without an answer")
            self.assertIn(got.status, expected, got)
            self.refused(got, ABORT, complete, leftover)
        elif expected in (REFUSE, ABORT):
            self.refused(got, expected, complete, leftover)
        elif expected == EITHER and (got is None or got.status != 200):
            self.refused(got, ABORT, complete, leftover)
        else:
            self.assertIn(expected, (FORWARD, EITHER))
            self.forwarded(got, complete, leftover)
        self.victims()
        self.assertEqual([r.target for r in self.origin.requests if "smuggled" in r.target], [])
        later = [r for r in self.received()[0] if b" /victim-" not in r[0]]
        self.assertEqual(later, complete, "more of the attack arrived afterwards")

    def test_every_case(self):
        self.assertGreaterEqual(len(CASES), 80)
        self.assertEqual(len({name for name, _, _ in CASES}), len(CASES), "case names repeat")
        for name, payload, expected in CASES:
            with self.subTest(name):
                self.run_case(payload, expected)
        self.assertEqual(self.origin.errors, [], "the origin could not read what it was sent")

    def test_bytes_behind_an_upgrade_that_was_refused_are_a_request(self):
        self.origin.clear()
        with Client(self.fairing.http) as c:
            c.send(
                b"GET /ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Version: 777\r\n\r\nGET /after HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 10.9.9.9\r\n\r\n"
            )
            self.assertEqual(c.response().text, "/ws")
            try:
                self.assertEqual(c.response().text, "/after")
            except Truncated:
                return  # closing instead is right as well
        complete = [
            r for c in self.origin.connections for r in strict_requests(c.raw)[0] if b"/after" in r[0]
        ]
        self.assertEqual(len(complete), 1)
        self.assertNotIn(b"10.9.9.9", complete[0][1][b"x-forwarded-for"][0], "tunnelled, not parsed")

    def test_heads_split_into_single_bytes_mean_the_same(self):
        for payload, status in (
            (b"GET /slow HTTP/1.1\r\nHost: test\r\n\r\n", 200),
            (b"GET /slow HTTP/1.1\r\nHost : test\r\n\r\n", 400),
            (
                b'POST /slow HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5;a="b"\r\nhello\r\n0\r\n\r\n',
                200,
            ),
        ):
            with self.subTest(payload), Client(self.fairing.http) as c:
                for byte in payload:
                    c.send(bytes([byte]))
                self.assertEqual(c.response().status, status)


if __name__ == "__main__":
    unittest.main()
