"""The edges: unix sockets, TLS on both sides, PROXY protocol, several sites, trusted proxies, flags without a file."""
import os
import ssl
import struct
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.certificates import client_context, make_authority, make_certificate, server_context
from support.client import Client, Truncated, build, fetch
from support.fairing import Fairing
from support.origin import Origin, answer

GET = build("GET", "/who", {"Connection": "close"})
V2 = b"\r\n\r\n\0\r\nQUIT\n"


def named(name):
    return lambda r: answer(200, {"Cache-Control": "no-store"}, f"{name} {r.target}")


class Edges(unittest.TestCase):
    def directory(self):
        d = tempfile.TemporaryDirectory(prefix="fairing-edge-")
        self.addCleanup(d.cleanup)
        return d.name

    def test_flags_alone_are_enough(self):
        origin = Origin(self, named("plain"))
        f = Fairing(self, args=["--http", f"0={origin.url}", "--admin", "0"])
        self.assertEqual(f.http[0], "127.0.0.1", "a bare port listens on loopback only")
        self.assertEqual(fetch(f.http, "/x?a=b").text, "plain /x?a=b")
        self.assertEqual(f.call("GET", "/livez", token=False)[0], 200)

    def test_set_beats_the_file(self):
        origin = Origin(self, named("plain"))
        f = Fairing(
            self,
            {"http": {"listen": "127.0.0.1:0", "upstream": origin.url}},
            args=["--set", "http.limits.body=10"],
        )
        self.assertEqual(fetch(f.http, "/", "POST", body=b"x" * 11).status, 413)

    def test_unix_sockets_on_both_sides(self):
        d = self.directory()
        origin = Origin(self, named("unix"), unix_path=os.path.join(d, "origin"))
        f = Fairing(
            self,
            {"http": {"listen": "unix:" + os.path.join(d, "front"), "upstream": "unix:" + origin.unix_path}},
        )
        self.assertEqual(f.http, os.path.join(d, "front"))
        for i in range(3):
            self.assertEqual(fetch(f.http, f"/{i}").text, f"unix /{i}")
        self.assertEqual(len(origin.connections), 1)

    def test_several_sites_do_not_mix(self):
        origins = [
            Origin(self, lambda r, n=n: answer(200, {"Cache-Control": "max-age=60"}, f"site {n}"))
            for n in range(3)
        ]
        f = Fairing(self, {"http": [{"listen": "127.0.0.1:0", "upstream": o.url} for o in origins]})
        for _ in range(2):
            for n in range(3):
                self.assertEqual(fetch(f.site(n), "/same").text, f"site {n}")
        self.assertEqual([o.count() for o in origins], [1, 1, 1])

    def test_a_base_path_of_the_upstream_goes_before_the_path(self):
        origin = Origin(self, named("based"))
        f = Fairing(self, {"http": {"listen": "127.0.0.1:0", "upstream": origin.url + "/api/v1"}})
        self.assertEqual(fetch(f.http, "/x?y=1").text, "based /api/v1/x?y=1")

    def test_tls_listener(self):
        d = self.directory()
        ca = make_authority(d, "ca")
        cert, key = make_certificate(d, "ca", "front")
        origin = Origin(self, named("tls"))
        f = Fairing(
            self,
            {"http": {"listen": "127.0.0.1:0", "upstream": origin.url, "tls": {"cert": cert, "key": key}}},
        )
        with Client(f.http, tls=client_context(ca)) as c:
            for i in range(5):
                self.assertEqual(c.get(f"/{i}").text, f"tls /{i}")
            c.send(build("GET", "/a") + build("GET", "/b"))
            self.assertEqual([c.response().text, c.response().text], ["tls /a", "tls /b"])
        self.assertEqual(origin.last().get("X-Forwarded-Proto"), "https")
        with Client(f.http) as c:  # plain text to a TLS port: closed, and the port lives on
            c.send(GET)
            c.rest()
        old = client_context(ca)
        old.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises((ssl.SSLError, OSError)):
            Client(f.http, tls=old)
        with Client(f.http, tls=client_context(ca)) as c:
            self.assertEqual(c.get("/alive").text, "tls /alive")

    def egress(self, origin, **more):
        return Fairing(
            self,
            {
                "http": {
                    "listen": "127.0.0.1:0",
                    "upstream": f"https://localhost:{origin.port}",
                    "egress": True,
                    "retry": {"attempts": 1},
                    **more,
                }
            },
        )

    def test_egress_checks_certificates(self):
        d = self.directory()
        good, other = make_authority(d, "good"), make_authority(d, "other")
        origin = Origin(
            self, named("secret"), tls=server_context(*make_certificate(d, "good", "right", "DNS:localhost"))
        )
        wrong_name = Origin(
            self,
            named("secret"),
            tls=server_context(*make_certificate(d, "good", "wrong", "DNS:elsewhere.example")),
        )
        f = self.egress(origin, ca_file=good)
        for i in range(3):
            self.assertEqual(fetch(f.http, f"/{i}", host="anything").text, f"secret /{i}")
        self.assertEqual(
            origin.last().get("Host"), f"localhost:{origin.port}", "an egress site sends the upstream's Host"
        )
        self.assertEqual(len(origin.connections), 1)
        for server, authority in ((origin, other), (wrong_name, good), (origin, None)):
            f = self.egress(server, **({"ca_file": authority} if authority else {}))
            before = server.count()
            got = fetch(f.http, "/")
            self.assertEqual((got.status, got.get("Content-Type")), (502, "application/problem+json"))
            self.assertIn("certificate", got.text.lower())
            self.assertEqual(server.count(), before, "a request went to a server that is not who it says")

    def proxy_site(self, **top):
        origin = Origin(self, lambda r: answer(200, {"Cache-Control": "no-store"}, r.get("X-Forwarded-For")))
        return Fairing(
            self, {"http": {"listen": "127.0.0.1:0", "upstream": origin.url, "proxy_protocol": True}, **top}
        )

    def ask(self, f, header):
        with Client(f.http) as c:
            c.send(header + GET)
            return c.response()

    def test_proxy_protocol_of_a_trusted_peer_names_the_client(self):
        f = self.proxy_site(trusted_proxies=["127.0.0.1/32"])
        for header, client in (
            (b"PROXY TCP4 192.0.2.7 127.0.0.1 5555 80\r\n", "192.0.2.7"),
            (b"PROXY TCP6 2001:db8::7 ::1 5555 80\r\n", "2001:db8::7"),
            (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
            (
                V2
                + b"\x21\x11"
                + struct.pack(">H", 12)
                + bytes([192, 0, 2, 8, 127, 0, 0, 1])
                + struct.pack(">HH", 5555, 80),
                "192.0.2.8",
            ),
            (
                V2
                + b"\x21\x11"
                + struct.pack(">H", 16)
                + bytes([192, 0, 2, 9, 127, 0, 0, 1])
                + struct.pack(">HH", 5555, 80)
                + b"\x04\0\1x",
                "192.0.2.9",
            ),
            (V2 + b"\x20\x00\0\0", "127.0.0.1"),
        ):
            self.assertIn(client, self.ask(f, header).text, header)
        for header in (
            b"PROXY TCP4 192.0.2.7 127.0.0.1 5555\r\n",
            b"PROXY TCP4 999.0.2.7 127.0.0.1 1 2\r\n",
            b"PROXY " + b"x" * 200 + b"\r\n",
            V2 + b"\x31\x11\0\x0c" + b"\0" * 12,
            V2 + b"\x21\x11\0\x02ab",
        ):
            with self.subTest(header):
                try:
                    self.assertEqual(self.ask(f, header).status, 400)
                except Truncated:
                    pass  # closed without an answer: it is no HTTP client

    def test_proxy_protocol_of_a_stranger_does_not_count(self):
        f = self.proxy_site(trusted_proxies=["192.0.2.0/24"])
        try:
            got = self.ask(f, b"PROXY TCP4 192.0.2.7 127.0.0.1 5555 80\r\n")
        except Truncated:
            return
        self.assertNotIn("192.0.2.7", got.text)

    def test_behind_a_trusted_proxy_each_client_has_its_own_limit(self):
        origin = Origin(self, named("t"))
        f = Fairing(
            self,
            {
                "trusted_proxies": ["127.0.0.1/32", "198.51.100.0/24"],
                "http": {
                    "listen": "127.0.0.1:0",
                    "upstream": origin.url,
                    "routes": [{"match": "/**", "rate_limit": {"rate": "1/m", "burst": 1, "key": "ip"}}],
                },
            },
        )
        for chain, client, status in (
            ("192.0.2.7", "192.0.2.7", 200),
            ("192.0.2.8, 198.51.100.1", "192.0.2.8", 200),
            ("10.9.9.9, 192.0.2.9", "192.0.2.9", 200),
            ("10.9.9.10, 192.0.2.9", None, 429),
            ("nonsense, 198.51.100.2", "198.51.100.2", 200),
            ("192.0.2.7, 198.51.100.1", None, 429),
        ):
            with self.subTest(chain):
                self.assertEqual(fetch(f.http, "/", headers={"X-Forwarded-For": chain}).status, status)
                if client:
                    self.assertEqual(origin.last().get("X-Real-IP"), client)

    def test_forwarded_fields_of_a_trusted_proxy_count(self):
        origin = Origin(self, named("t"))
        f = Fairing(
            self,
            {"trusted_proxies": ["127.0.0.1/32"], "http": {"listen": "127.0.0.1:0", "upstream": origin.url}},
        )
        fetch(
            f.http,
            "/",
            headers={
                "X-Forwarded-For": "192.0.2.7",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": "shop.example",
            },
        )
        seen = origin.last()
        self.assertEqual(
            [p.strip() for p in seen.get("X-Forwarded-For").split(",")], ["192.0.2.7", "127.0.0.1"]
        )
        self.assertEqual(
            (seen.get("X-Forwarded-Proto"), seen.get("X-Forwarded-Host")), ("https", "shop.example")
        )


if __name__ == "__main__":
    unittest.main()
