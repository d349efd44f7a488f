"""Clients that people use: curl, Python's http.client, Node's fetch and undici."""
import http.client
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.fairing import Fairing
from support.origin import CLOSE, Origin, Routes, answer, chunk

CLIENTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "clients")
ITEMS = [{"id": i, "name": "an item with a name"} for i in range(2000)]
NO_STORE = {"Cache-Control": "no-store"}


def events(request):
    request.connection.send(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n"
        + chunk(b"data: 1\n\n")
    )
    request.connection.wait_end()
    return CLOSE


class RealClients(unittest.TestCase):
    def setUp(self):
        routes = Routes()
        routes.on("/n/", lambda r: answer(200, NO_STORE, r.target))
        routes.on(
            "/json",
            answer(
                200,
                {"Content-Type": "application/json", "Cache-Control": "max-age=60", "ETag": '"v1"'},
                json.dumps(ITEMS),
            ),
        )
        routes.on("/echo", lambda r: answer(200, NO_STORE, r.read_body()))
        routes.on("/events", events)
        self.origin = Origin(self, routes, record=False)
        self.fairing = Fairing(self, {"http": {"listen": "127.0.0.1:0", "upstream": self.origin.url}})

    def curl(self, *args, data=None):
        return subprocess.run(
            ["curl", "-sS", "--max-time", "20", "--noproxy", "*", *args],
            input=data,
            capture_output=True,
            timeout=30,
            check=True,
        ).stdout

    def test_curl(self):
        url = self.fairing.url
        self.assertEqual(json.loads(self.curl(url + "/json")), ITEMS)
        self.assertEqual(json.loads(self.curl("--compressed", url + "/json")), ITEMS)
        self.assertEqual(
            self.curl(
                "-o",
                "/dev/null",
                "-o",
                "/dev/null",
                "-o",
                "/dev/null",
                "-w",
                "%{num_connects}",
                url + "/n/1",
                url + "/n/2",
                url + "/n/3",
            ),
            b"100",
            "kept alive",
        )
        big = os.urandom(3 << 20)
        self.assertEqual(self.curl("--data-binary", "@-", url + "/echo", data=big), big)
        self.assertEqual(
            self.curl("-T", "-", "-X", "POST", "-H", "Expect: 100-continue", url + "/echo", data=big), big
        )
        self.assertEqual(self.curl("--http1.0", url + "/n/old"), b"/n/old")
        self.assertEqual(
            self.curl("--http2", url + "/n/h2c"), b"/n/h2c", "an upgrade to h2c is declined, not broken"
        )
        self.assertEqual(len(self.curl("-r", "100-199", url + "/json")), 100)
        head = self.curl("-I", url + "/json").decode()
        self.assertTrue(head.startswith("HTTP/1.1 200"), head)

    def test_python_http_client(self):
        c = http.client.HTTPConnection(*self.fairing.http, timeout=20)
        for i in range(20):
            c.request("GET", f"/n/{i}")
            self.assertEqual(c.getresponse().read().decode(), f"/n/{i}")
        c.request(
            "POST",
            "/echo",
            body=(b"piece %d" % i for i in range(10)),
            headers={"Transfer-Encoding": "chunked"},
            encode_chunked=True,
        )
        self.assertEqual(c.getresponse().read(), b"".join(b"piece %d" % i for i in range(10)))
        c.request("HEAD", "/json")
        self.assertEqual(c.getresponse().read(), b"")
        c.request("GET", "/json")
        self.assertEqual(json.loads(c.getresponse().read()), ITEMS)
        c.close()

    def test_node_fetch_and_undici(self):
        done = subprocess.run(
            ["node", os.path.join(CLIENTS, "node_client.mjs"), self.fairing.url],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        seen = json.loads(done.stdout)
        self.assertEqual(seen["undici"], [True] * 40)
        self.assertIn(seen["coding"], ("br", "gzip", "zstd"))
        self.assertEqual(
            (seen["json"], seen["conditional"], seen["echo"], seen["upload"], seen["event"]),
            (len(ITEMS), 304, True, True, "data: 1\n\n"),
        )
        self.assertIn("fairing; hit", seen["status"])


if __name__ == "__main__":
    unittest.main()
