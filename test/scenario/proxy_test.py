"""HTTP/1.1 between a client and a backend: connections, framing, interim answers, upgrades, what is added and dropped."""
import os
import re
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.client import Client, Truncated, build, fetch
from support.fairing import Fairing
from support.origin import CLOSE, Origin, Routes, answer, chunk
from support.wait import wait_until

NO_STORE = {"Cache-Control": "no-store"}


class Proxy(unittest.TestCase):
    def setUp(self):
        self.routes = Routes()
        self.origin = Origin(self, self.routes)
        self.routes.on("/", lambda r: answer(200, NO_STORE, r.target))
        self.fairing = Fairing(self, {"http": {"listen": "127.0.0.1:0", "upstream": self.origin.url}})
        self.http = self.fairing.http

    def test_a_body_after_an_answer_made_here_is_no_request(self):
        inner = b"GET /smuggled HTTP/1.1\r\nHost: t\r\n\r\n"
        head = b"OPTIONS * HTTP/1.1\r\nHost: t\r\nMax-Forwards: 0\r\nContent-Length: %d\r\n\r\n" % len(inner)
        with socket.create_connection(self.http, timeout=5) as s:
            s.sendall(head + inner)
            data = b""
            while block := s.recv(65536):
                data += block
        self.assertEqual(data.count(b"HTTP/1.1 "), 1, data)
        self.assertEqual(self.origin.count("/smuggled"), 0)

    def test_one_client_connection_carries_many_requests_over_one_upstream_connection(self):
        with Client(self.http) as c:
            for i in range(20):
                self.assertEqual(c.get(f"/{i}").text, f"/{i}")
        self.assertEqual(len(self.origin.connections), 1)

    def test_pipelined_requests_are_answered_in_order_hits_and_misses_mixed(self):
        held = threading.Event()
        self.routes.on("/hit/", lambda r: answer(200, {"Cache-Control": "max-age=60"}, r.target))
        self.routes.on("/held/", lambda r: (held.wait(10), answer(200, NO_STORE, r.target))[1])
        for i in range(8):
            fetch(self.http, f"/hit/{i}")
        paths = [f"/{'held' if i % 2 else 'hit'}/{i // 2}" for i in range(16)]
        with Client(self.http) as c:
            c.send(b"".join(build("GET", p) for p in paths))
            first = c.response()
            self.assertEqual((first.text, first.is_hit), (paths[0], True))
            held.set()
            for p in paths[1:]:
                got = c.response()
                self.assertEqual((got.text, got.is_hit), (p, p.startswith("/hit")))

    def test_pipelined_posts_are_not_mixed_with_their_bodies(self):
        self.routes.on("/echo", lambda r: answer(200, NO_STORE, r.read_body()))
        with Client(self.http) as c:
            c.send(b"".join(build("POST", "/echo", body=b"GET /%d HTTP/1.1\r\n\r\n" % i) for i in range(16)))
            for i in range(16):
                self.assertEqual(c.response().body, b"GET /%d HTTP/1.1\r\n\r\n" % i)
        self.assertEqual(self.origin.count("/echo", "POST"), 16)

    def test_chunked_request_and_trailers_reach_the_backend(self):
        def take(request):
            request.read_body()
            return answer(200, NO_STORE, b"taken")

        self.routes.on("/up", take)
        with Client(self.http) as c:
            c.send(
                b"POST /up HTTP/1.1\r\nHost: t\r\nTE: trailers\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n"
                b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nX-Sum: 42\r\n\r\n"
            )
            self.assertEqual(c.response().text, "taken")
        seen = self.origin.last("/up")
        self.assertEqual((seen.body, seen.chunked), (b"hello world", True))
        self.assertEqual(seen.trailers, [("X-Sum", "42")])

    def test_chunked_answer_and_trailers_reach_the_client(self):
        self.routes.on(
            "/down",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nCache-Control: no-store\r\n\r\n"
            + chunk(b"hello")
            + b"A;x=y\r\n0123456789\r\n"
            + b"0\r\nX-Sum: 42\r\n\r\n",
        )
        with Client(self.http) as c:
            got = c.get("/down", {"TE": "trailers"})
            self.assertEqual(got.body, b"hello0123456789")
            self.assertEqual(got.trailers, [("X-Sum", "42")])
            self.assertEqual(c.get("/down").trailers, [], "trailers for a client that did not ask")
            self.assertEqual(c.get("/next").text, "/next")

    def test_expect_continue_is_asked_of_the_backend_and_passed_back(self):
        def accept(request):
            request.connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            return answer(200, NO_STORE, request.read_body())

        self.routes.on("/up", accept)
        with Client(self.http) as c:
            c.request("POST", "/up", {"Expect": "100-continue", "Content-Length": "5"})
            interim = c.head()
            self.assertEqual(interim.status, 100)
            c.send(b"hello")
            self.assertEqual(c.response().body, b"hello")

    def test_a_backend_that_refuses_the_expectation_gets_no_body(self):
        self.routes.on(
            "/up", lambda r: (r.connection.send(answer(417, NO_STORE, b"no", "Expectation Failed")), CLOSE)[1]
        )
        with Client(self.http) as c:
            c.request("POST", "/up", {"Expect": "100-continue", "Content-Length": "5"})
            got = c.response()
            self.assertEqual((got.status, got.text, got.interim), (417, "no", []))
        self.assertNotIn(b"hello", b"".join(bytes(c.raw) for c in self.origin.connections))

    def test_early_hints_pass_to_http_1_1_clients(self):
        self.routes.on(
            "/hints",
            b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
            + answer(200, NO_STORE, b"page"),
        )
        with Client(self.http) as c:
            got = c.get("/hints")
            self.assertEqual(
                [(i.status, i.get("Link")) for i in got.interim], [(103, "</a.css>; rel=preload")]
            )
            self.assertEqual(got.text, "page")
            c.request("GET", "/hints", version="HTTP/1.0")
            self.assertEqual(c.response().interim, [])

    def test_answers_without_bodies_keep_the_connection_in_step(self):
        self.routes.on("/204", b"HTTP/1.1 204 No Content\r\n\r\n").on(
            "/304", b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'
        )
        self.routes.on("/head", lambda r: answer(200, NO_STORE, b"x" * 100))
        with Client(self.http) as c:
            self.assertEqual(c.get("/204").status, 204)
            self.assertEqual(c.get("/304", {"If-None-Match": '"a"'}).status, 304)
            got = c.call("HEAD", "/head")
            self.assertEqual((got.status, got.get("Content-Length"), got.body), (200, "100", b""))
            self.assertEqual(c.get("/after").text, "/after")

    def test_http_1_0_clients_get_no_chunks_and_a_closed_connection(self):
        self.routes.on(
            "/chunks",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: no-store\r\n\r\n"
            + chunk(b"hello")
            + chunk(b""),
        )
        with Client(self.http) as c:
            c.send(b"GET /chunks HTTP/1.0\r\n\r\n")
            got = c.response()
            self.assertEqual((got.body, got.get("Transfer-Encoding")), (b"hello", None))
            self.assertTrue(c.closed())
        with Client(self.http) as c:
            got = c.get("/kept", {"Connection": "keep-alive"}, version="HTTP/1.0")
            self.assertEqual(got.text, "/kept")
            self.assertEqual(got.get("Connection", "").lower(), "keep-alive")
            self.assertEqual(
                c.get("/kept-2", {"Connection": "keep-alive"}, version="HTTP/1.0").text, "/kept-2"
            )

    def test_connection_close_closes(self):
        with Client(self.http) as c:
            got = c.get("/", {"Connection": "close"})
            self.assertEqual(got.get("Connection", "").lower(), "close")
            self.assertTrue(c.closed())

    def test_a_backend_that_closes_does_not_close_the_client(self):
        self.routes.on(
            "/bye",
            lambda r: (r.connection.send(answer(200, {"Connection": "close", **NO_STORE}, b"bye")), CLOSE)[1],
        )
        self.routes.on(
            "/until-close",
            lambda r: (
                r.connection.send(b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\n\r\nto the end"),
                CLOSE,
            )[1],
        )
        with Client(self.http) as c:
            for _ in range(3):
                self.assertEqual(c.get("/bye").text, "bye")
                self.assertEqual(c.get("/until-close").text, "to the end")

    def test_hop_by_hop_fields_stay_on_their_hop(self):
        self.routes.on(
            "/hop",
            lambda r: answer(
                200,
                {
                    **NO_STORE,
                    "Connection": "X-Private",
                    "X-Private": "1",
                    "Keep-Alive": "timeout=5",
                    "Proxy-Authenticate": "Basic",
                    "X-Kept": "1",
                },
                b"ok",
            ),
        )
        got = fetch(
            self.http,
            "/hop",
            headers={
                "Connection": "keep-alive, X-Mine",
                "X-Mine": "1",
                "Keep-Alive": "300",
                "Proxy-Connection": "keep-alive",
                "TE": "gzip",
                "X-End": "1",
            },
        )
        for name in ("X-Private", "Keep-Alive"):
            self.assertIsNone(got.get(name), name)
        self.assertEqual(got.get("X-Kept"), "1")
        seen = self.origin.last("/hop")
        for name in ("X-Mine", "Keep-Alive", "Proxy-Connection"):
            self.assertIsNone(seen.get(name), name)
        self.assertEqual(seen.get("X-End"), "1")

    def test_end_to_end_fields_keep_their_order_and_bytes(self):
        self.routes.on(
            "/fields",
            lambda r: answer(
                200,
                [
                    ("Set-Cookie", "a=1"),
                    ("X-A", "1"),
                    ("Set-Cookie", "b=2; Path=/"),
                    ("X-Latin", "caf\xe9"),
                    *NO_STORE.items(),
                ],
                b"",
            ),
        )
        with Client(self.http) as c:
            got = c.call(
                "GET",
                "/fields?q=%2F&&a=b;c",
                [("X-One", "1"), ("Cookie", "a=b"), ("X-One", "2"), ("X-Latin", "caf\xe9"), ("X-Empty", "")],
            )
        self.assertEqual(got.get_all("Set-Cookie"), ["a=1", "b=2; Path=/"])
        self.assertEqual(got.get("X-Latin"), "caf\xe9")
        seen = self.origin.last("/fields")
        self.assertEqual(seen.target, "/fields?q=%2F&&a=b;c")
        self.assertEqual(seen.get_all("X-One"), ["1", "2"])
        self.assertEqual(
            (seen.get("X-Latin"), seen.get("X-Empty"), seen.get("Cookie")), ("caf\xe9", "", "a=b")
        )

    def test_forwarding_fields_are_made_and_those_of_strangers_dropped(self):
        fetch(
            self.http,
            "/who",
            host="shop.example",
            headers={
                "X-Forwarded-For": "10.9.9.9",
                "X-Forwarded-Host": "evil",
                "X-Forwarded-Proto": "https",
                "X-Real-IP": "10.9.9.9",
                "Forwarded": "for=10.9.9.9",
            },
        )
        seen = self.origin.last("/who")
        everything = seen.raw_head.decode("latin-1")
        self.assertNotIn("10.9.9.9", everything)
        self.assertNotIn("evil", everything)
        self.assertEqual(seen.get("X-Forwarded-For"), "127.0.0.1")
        self.assertEqual(seen.get("X-Forwarded-Proto"), "http")
        self.assertEqual(seen.get("X-Forwarded-Host"), "shop.example")
        self.assertIn("for=127.0.0.1", seen.get("Forwarded", "").replace('"', ""))
        self.assertEqual(seen.get("Host"), "shop.example")
        self.assertRegex(seen.get("Via", ""), r"^1\.1 ")

    def test_trace_context_is_made_or_passed_on(self):
        fetch(self.http, "/trace-1")
        made = self.origin.last("/trace-1").get("traceparent", "")
        self.assertRegex(made, r"^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$")
        given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        fetch(self.http, "/trace-2", headers={"traceparent": given, "tracestate": "a=b"})
        seen = self.origin.last("/trace-2")
        self.assertEqual(seen.get("traceparent", "").split("-")[1], given.split("-")[1], "the trace goes on")
        self.assertEqual(seen.get("tracestate"), "a=b")
        fetch(self.http, "/trace-3", headers={"traceparent": "00-" + "0" * 32 + "-b7ad6b7169203331-01"})
        self.assertNotIn(
            "0" * 32, self.origin.last("/trace-3").get("traceparent", ""), "an invalid one is replaced"
        )

    def test_websocket_bytes_pass_both_ways(self):
        def switch(request):
            c = request.connection
            self.assertEqual(request.get("Upgrade"), "websocket")
            self.assertIn("upgrade", request.get("Connection", "").lower())
            c.send(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\nwelcome"
            )
            while True:
                data = c.read_some(65536)
                c.send(data.upper())

        self.routes.on("/ws", switch)
        with Client(self.http) as c:
            c.send(
                b"GET /ws HTTP/1.1\r\nHost: t\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                b"Sec-WebSocket-Version: 13\r\n\r\nfirst"
            )
            head = c.head()
            self.assertEqual(
                (head.status, head.get("Upgrade"), head.get("Sec-WebSocket-Accept")), (101, "websocket", "x")
            )
            self.assertEqual(c.read_exactly(12), b"welcomeFIRST")
            for i in range(50):
                c.send(b"frame %d\0\r\n\r\n" % i)
                self.assertEqual(c.read_until(b"\r\n\r\n"), b"FRAME %d\0" % i)
            c.end()
            self.assertTrue(c.closed())
        self.assertEqual(self.origin.errors, [])

    def test_a_tunnel_ends_when_the_backend_ends(self):
        def switch(request):
            request.connection.send(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\nbye"
            )
            return CLOSE

        self.routes.on("/raw", switch)
        with Client(self.http) as c:
            c.request("GET", "/raw", {"Connection": "Upgrade", "Upgrade": "raw"})
            self.assertEqual(c.head().status, 101)
            self.assertEqual(c.rest(), b"bye")

    def test_an_origin_that_dies_in_the_body_is_a_broken_transfer(self):
        self.routes.on(
            "/cut",
            lambda r: (r.connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), CLOSE)[1],
        )
        self.routes.on(
            "/cut-chunks",
            lambda r: (
                r.connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(b"half")),
                CLOSE,
            )[1],
        )
        for path in ("/cut", "/cut-chunks"):
            with self.assertRaises(Truncated, msg=path):
                fetch(self.http, path)

    def test_our_own_errors_are_problem_json(self):
        self.routes.on("/dead", CLOSE)
        got = fetch(self.http, "/dead", "POST", body=b"x")
        self.assertEqual((got.status, got.get("Content-Type")), (502, "application/problem+json"))
        self.assertTrue(re.search(r'"type":\s*"[^"]+"', got.text), got.text)
        self.assertTrue(re.search(r'"status":\s*502', got.text), got.text)

    def test_a_flow_of_small_requests_leaves_nothing_open(self):
        for i in range(200):
            fetch(self.http, f"/{i}")
        wait_until(lambda: self.fairing.descriptors() < 80, 10, "descriptors to be given back")


if __name__ == "__main__":
    unittest.main()
