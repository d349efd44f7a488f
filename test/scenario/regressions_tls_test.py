"""Regressions where TLS matters (issue 2): leftovers, ends without close_notify, PROXY header with ClientHello.

Each test fails if the change that it guards is taken out.
"""
import contextlib
import os
import socket
import ssl
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.certificates import client_context, make_authority, make_certificate, server_context
from support.client import Client, Truncated, build, fetch
from support.fairing import Fairing
from support.origin import CLOSE, Origin, answer


class TlsCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        kept = tempfile.TemporaryDirectory(prefix="fairing-regress-")
        cls.addClassCleanup(kept.cleanup)
        cls.ca = make_authority(kept.name, "ca")
        cls.certificate = make_certificate(kept.name, "ca", "server")

    def behind(self, handler):
        """A backend with TLS and a Fairing before it."""
        origin = Origin(self, handler, tls=server_context(*self.certificate))
        config = {
            "listen": "127.0.0.1:0",
            "upstream": f"https://localhost:{origin.port}",
            "ca_file": self.ca,
            "retry": {"attempts": 1},
        }
        return origin, Fairing(self, {"http": config})


class Leftovers(TlsCase):
    def test_records_behind_an_answer_are_not_the_next_one(self):
        """Both records come in one segment: the second waits decrypted, where no look at the socket sees it."""
        for behind in (answer(200, {}, b"poison"), b"HTTP/1.1 100 Continue\r\n\r\n", b"x"):
            with self.subTest(behind=behind):
                self.leave_behind(behind)

    def leave_behind(self, behind):
        def handler(request):
            own = answer(200, {"Cache-Control": "no-store"}, "for " + request.target)
            if request.path != "/first":
                return own
            raw = request.connection.socket
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            raw.sendall(own)
            raw.sendall(behind)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
            return None

        origin, f = self.behind(handler)
        with Client(f.http) as c:
            for path in ("/first", "/second", "/third"):
                got = c.call("POST", path, body=b"x")
                self.assertEqual((got.status, got.text, got.interim), (200, "for " + path, []))
            c.end()
            self.assertEqual(c.rest(), b"")
        self.assertEqual(len(origin.connections), 2, "one spoiled, one that serves the rest")
        self.assertEqual(origin.errors, [])

    def test_a_clean_connection_is_kept(self):
        origin, f = self.behind(lambda r: answer(200, {"Cache-Control": "no-store"}, r.target))
        for i in range(5):
            self.assertEqual(fetch(f.http, f"/{i}").text, f"/{i}")
        self.assertEqual(len(origin.connections), 1)


class Ends(TlsCase):
    HEAD = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nConnection: close\r\n\r\n"

    def start(self, polite):
        def handler(request):
            request.connection.send(self.HEAD + b"a part of it")
            if polite:
                with contextlib.suppress(OSError):  # the peer need not answer the close_notify
                    request.connection.socket.unwrap()
            return CLOSE

        return self.behind(handler)

    def test_an_end_without_close_notify_is_a_cut(self):
        origin, f = self.start(polite=False)
        for n in (1, 2):
            with Client(f.http) as c:
                c.request("GET", "/cut")
                with self.assertRaises(Truncated):
                    c.response()
            self.assertEqual(origin.count("/cut"), n, "a cut answer is not stored")
        with Client(f.http) as c:  # where the connection's end is the body's end, it must look like a fault
            c.request("GET", "/cut", version="HTTP/1.0")
            with self.assertRaises(ConnectionResetError):
                while c.socket.recv(65536):
                    pass
        self.assertEqual(f.metric("fairing_cache_entries"), 0)
        self.assertEqual(f.metric("fairing_cache_requests_total", result="hit"), 0)

    def test_an_end_with_it_is_the_bodys(self):
        origin, f = self.start(polite=True)
        for hit in (False, True):
            got = fetch(f.http, "/whole")
            self.assertEqual((got.text, got.is_hit), ("a part of it", hit))
        self.assertEqual(origin.count("/whole"), 1)


class ProxyHeader(TlsCase):
    V2 = b"\r\n\r\n\0\r\nQUIT\n" + b"\x21\x11\0\x0c" + bytes([192, 0, 2, 8, 127, 0, 0, 1]) + b"\x15\xb3\0\x50"

    def ask(self, address, header, split):
        """Speaks TLS over memory, so that the header and the ClientHello leave in one segment."""
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = client_context(self.ca).wrap_bio(into, out, server_hostname="localhost")

        def step(action):
            while True:
                try:
                    result = action()
                    c.send(out.read())
                    return result
                except ssl.SSLWantReadError:
                    if out.pending:
                        c.send(pending.pop() + out.read() if pending else out.read())
                    if data := c.socket.recv(65536):
                        into.write(data)
                    else:
                        into.write_eof()

        with Client(address) as c:
            pending = [header]
            if split:
                c.send(pending.pop())
            step(session.do_handshake)
            step(lambda: session.write(build("GET", "/who", {"Connection": "close"})))
            got = b""
            with contextlib.suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):
                while data := step(lambda: session.read(65536)):
                    got += data
            return got

    def test_in_one_segment_with_the_client_hello(self):
        origin = Origin(self, lambda r: answer(200, {"Cache-Control": "no-store"}, r.get("X-Forwarded-For")))
        cert, key = self.certificate
        f = Fairing(
            self,
            {
                "trusted_proxies": ["127.0.0.1/32"],
                "http": {
                    "listen": "127.0.0.1:0",
                    "upstream": origin.url,
                    "proxy_protocol": True,
                    "timeouts": {"header": "5s"},
                    "tls": {"cert": cert, "key": key},
                },
            },
        )
        v1 = b"PROXY TCP4 192.0.2.7 127.0.0.1 5555 443\r\n"
        for header, client in ((v1, b"192.0.2.7"), (self.V2, b"192.0.2.8")):
            for split in (True, False):
                with self.subTest(header=header, split=split):
                    got = self.ask(f.http, header, split)
                    self.assertTrue(got.startswith(b"HTTP/1.1 200 "), got)
                    self.assertTrue(got.endswith(client), got)
        self.assertEqual(origin.count("/who"), 4)


if __name__ == "__main__":
    unittest.main()
