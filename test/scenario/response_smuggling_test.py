"""No answer of a backend, however malformed, becomes part of another answer.

For each case the origin sends its bytes on a kept-alive connection; the client must see an error or a broken
transfer (or, for CLEAN ones, exactly the right answer), and the requests after it their own answers.
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.client import Client, Truncated, fetch
from support.fairing import Fairing
from support.origin import CLOSE, Origin, answer
from support.wait import wait_until

BAD, BROKEN, CLEAN, EITHER = "bad", "broken", "clean", "either"
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\nX-Poison: 1\r\n\r\npoisoned"
OK = b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\n"
GOOD = OK + b"Content-Length: 4\r\n\r\ngood"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def framing_cases():
    """(name, what the origin sends, whether it then closes, expectation)"""
    for fields in (
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ):
        yield f"length and coding {fields[:14]!r}", OK + fields + b"\r\n4\r\ngood\r\n0\r\n\r\n" + POISON, False, BAD
    yield "two lengths", OK + b"Content-Length: 4\r\nContent-Length: 8\r\n\r\ngood" + POISON, False, BAD
    for value in (b"+4", b"-1", b"0x4", b"4, 8", b"", b"4 4", b"4a", b"18446744073709551620"):
        yield f"length {value!r}", OK + b"Content-Length: " + value + b"\r\n\r\ngood" + POISON, False, BAD
    for value in (
        b"xchunked",
        b"chunked, identity",
        b"chunked, chunked",
        b"identity",
        b"\x0bchunked",
        b"chunked;q=1",
        b"gzip",
    ):
        yield f"coding {value!r}", OK + b"Transfer-Encoding: " + value + b"\r\n\r\n4\r\ngood\r\n0\r\n\r\n" + POISON, False, BAD
    yield "two codings", OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n", False, BAD
    yield "chunked in HTTP/1.0", b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n", True, BAD
    for body in (
        b"0x4\r\ngood\r\n0\r\n\r\n",
        b"+4\r\ngood\r\n0\r\n\r\n",
        b" 4\r\ngood\r\n0\r\n\r\n",
        b"4_\r\ngood\r\n0\r\n\r\n",
        b"4\ngood\n0\n\n",
        b"FFFFFFFFFFFFFFFF4\r\ngood\r\n0\r\n\r\n",
        b"4\r\ngoodXX0\r\n\r\n",
        b"4\r\ngood\r\ng\r\n\r\n",
        b"4\r\ngood\r\n0\r\nbad trailer\r\n\r\n",
        b"2\r\ngood\r\n0\r\n\r\n",
    ):
        yield f"chunks {body!r}", CHUNKED + body + POISON, False, BROKEN
    yield "body shorter than its length", OK + b"Content-Length: 9\r\n\r\ngood", True, BROKEN
    yield "chunks without the last", CHUNKED + b"4\r\ngood\r\n", True, BROKEN
    yield "chunk cut", CHUNKED + b"9\r\ngood", True, BROKEN
    yield "last chunk without its CRLF", CHUNKED + b"4\r\ngood\r\n0\r\n", True, BROKEN
    yield "no length, to the end", OK + b"\r\ngood", True, CLEAN
    yield "HTTP/1.0 to the end", b"HTTP/1.0 200 OK\r\nCache-Control: no-store\r\n\r\ngood", True, CLEAN


def head_cases():
    for name, head in (
        ("no status line", b"garbage\r\n\r\n"),
        ("HTTP/2 status line", b"HTTP/2 200 OK\r\nContent-Length: 4\r\n\r\ngood"),
        ("four digits", b"HTTP/1.1 2000 OK\r\nContent-Length: 4\r\n\r\ngood"),
        ("letters", b"HTTP/1.1 abc OK\r\nContent-Length: 4\r\n\r\ngood"),
        ("two digits", b"HTTP/1.1 20 OK\r\nContent-Length: 4\r\n\r\ngood"),
        ("sign", b"HTTP/1.1 +20 OK\r\nContent-Length: 4\r\n\r\ngood"),
        ("HTTP/0.9 answer", b"<html>good</html>"),
        ("status 000", b"HTTP/1.1 000 OK\r\nContent-Length: 4\r\n\r\ngood"),
        ("bare LF", OK.replace(b"\r\n", b"\n") + b"Content-Length: 4\n\ngood"),
        ("folded", OK + b"X: a\r\n b\r\nContent-Length: 4\r\n\r\ngood"),
        ("NUL in a value", OK + b"X: a\x00b\r\nContent-Length: 4\r\n\r\ngood"),
        ("CR in a value", OK + b"X: a\rSet-Cookie: b=c\r\nContent-Length: 4\r\n\r\ngood"),
        ("LF in a value", OK + b"X: a\nContent-Length: 400\r\nContent-Length: 4\r\n\r\ngood"),
        ("space before colon", OK + b"Content-Length : 4\r\n\r\ngood"),
        ("no colon", OK + b"nocolon\r\nContent-Length: 4\r\n\r\ngood"),
        ("control in the reason", b"HTTP/1.1 200 O\x00K\r\nContent-Length: 4\r\n\r\ngood"),
        ("huge field", OK + b"X: " + b"a" * 400000 + b"\r\nContent-Length: 4\r\n\r\ngood"),
        ("nothing", b""),
        ("half a head", OK + b"X-Half: "),
    ):
        yield name, head, True, BAD
    yield "a switch nobody asked for", b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + POISON, False, BAD
    yield "a flood of interim answers", b"HTTP/1.1 102 Processing\r\n\r\n" * 20000 + GOOD, False, EITHER
    yield "large interim answers", (
        b"HTTP/1.1 103 Early Hints\r\nLink: " + b"a" * 8000 + b"\r\n\r\n"
    ) * 200 + GOOD, False, EITHER
    yield "interim with a length", b"HTTP/1.1 100 Continue\r\nContent-Length: 4\r\n\r\n" + GOOD, False, EITHER
    yield "two interim answers", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + GOOD, False, CLEAN


def queue_cases():
    yield "bytes behind the body", GOOD + b"extra", False, CLEAN
    yield "an answer behind the body", GOOD + POISON, False, CLEAN
    yield "an answer behind the last chunk", CHUNKED + b"4\r\ngood\r\n0\r\n\r\n" + POISON, False, CLEAN
    yield "ten answers behind the body", GOOD + POISON * 10, False, CLEAN


class ResponseSmuggling(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = unittest.TestCase()
        cls.addClassCleanup(cls.shared.doCleanups)
        cls.script = (GOOD, False)
        cls.origin = Origin(cls.shared, cls.handle)
        cls.fairing = Fairing(cls.shared, {"http": {"listen": "127.0.0.1:0", "upstream": cls.origin.url}})

    @classmethod
    def handle(cls, request):
        if not request.path.startswith("/attack"):
            return answer(200, {"Cache-Control": "no-store"}, request.target)
        data, close = cls.script
        request.connection.send(data)
        return CLOSE if close else None

    def run_case(self, number, data, close, expected, method="GET", body=b"good"):
        type(self).script = (data, close)
        with Client(self.fairing.http, timeout=10) as c:
            try:
                got = c.call(method, f"/attack/{number}")
            except Truncated:
                got = None
            if got is not None and got.status == 502:
                self.assertNotIn(expected, (CLEAN,), got)
                self.assertEqual(got.get("Content-Type"), "application/problem+json")
            elif got is not None:
                self.assertIn(expected, (CLEAN, EITHER), got)
                self.assertEqual(got.body, body)
                self.assertIsNone(got.get("X-Poison"))
                self.assertIsNone(got.get("Set-Cookie"))
            else:
                self.assertIn(expected, (BROKEN, EITHER), "a broken answer was passed on")
            framed = got is not None and (
                got.get("Content-Length") or got.get("Transfer-Encoding") or got.status in (204, 304)
            )
            if framed and "close" not in got.get("Connection", "").lower():
                self.assertEqual(c.get("/victim-0").text, "/victim-0")
        for name in ("/victim-1", "/victim-2", "/victim-3"):
            victim = fetch(self.fairing.http, name)
            self.assertEqual((victim.status, victim.text), (200, name))
        self.assertEqual(self.origin.errors, [])

    def run_table(self, cases):
        for number, (name, data, close, expected) in enumerate(cases):
            with self.subTest(name):
                self.run_case(number, data, close, expected)

    def test_framing(self):
        self.run_table(framing_cases())

    def test_heads(self):
        self.run_table(head_cases())

    def test_answers_that_wait_in_the_queue(self):
        self.run_table(queue_cases())

    def test_bodies_where_none_belongs(self):
        for name, method, data in (
            ("204", "GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
            ("304", "GET", b"HTTP/1.1 304 Not Modified\r\n\r\n"),
            ("HEAD", "HEAD", OK + b"Content-Length: 4\r\n\r\n"),
        ):
            for extra in (b"good", POISON):
                with self.subTest(name, extra=extra[:8]):
                    self.run_case(name, data + extra, False, CLEAN, method, b"")
        with self.subTest("204 with a length"):
            self.run_case(
                "204",
                b"HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\ngood" + POISON,
                False,
                EITHER,
                "GET",
                b"",
            )

    def test_an_answer_sent_before_it_is_asked_for_is_dropped(self):
        self.origin.clear()
        self.assertEqual(fetch(self.fairing.http, "/first").text, "/first")
        idle = [c for c in self.origin.connections if not c.closed.is_set()]
        self.assertTrue(idle, "the upstream connection is kept alive")
        for connection in idle:
            connection.send(POISON)
        for name in ("/second", "/third"):
            self.assertEqual(fetch(self.fairing.http, name).text, name)
        wait_until(lambda: all(c.closed.is_set() for c in idle), 10, "the poisoned connections to be closed")


if __name__ == "__main__":
    unittest.main()
