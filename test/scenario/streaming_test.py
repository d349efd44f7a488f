"""Bodies are streamed both ways with backpressure: nothing waits for the end of a body, nothing is kept whole."""
import os
import select
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.client import Client, fetch
from support.fairing import Fairing
from support.origin import CLOSE, Origin, Routes, answer, chunk
from support.wait import past, wait_until

MIB = 1 << 20
SOME = (
    16 * MIB * int(os.environ.get("FAIRING_MEMORY_FACTOR", "1"))
)  # what a stream may cost; sanitizers need more
BIG = 200 * MIB
NO_STORE = {"Cache-Control": "no-store"}
STREAM = b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def peer_ended(s):
    poll = select.poll()
    poll.register(s, select.POLLRDHUP)
    return bool(poll.poll(0))


class Streaming(unittest.TestCase):
    def setUp(self):
        self.routes = Routes()
        self.origin = Origin(self, self.routes, record=False)
        self.routes.on("/", lambda r: answer(200, NO_STORE, r.target))
        self.fairing = Fairing(
            self, {"http": {"listen": "127.0.0.1:0", "upstream": self.origin.url, "limits": {"body": "1GiB"}}}
        )
        self.http = self.fairing.http

    def test_events_arrive_one_by_one(self):
        go = [threading.Event() for _ in range(5)]

        def events(request):
            request.connection.send(STREAM)
            for i, event in enumerate(go):
                if not event.wait(10):
                    return CLOSE
                request.connection.send(chunk(b"data: %d\n\n" % i))
            request.connection.send(chunk(b""))
            return None

        self.routes.on("/events", events)
        with Client(self.http) as c:
            c.request("GET", "/events", {"Accept": "text/event-stream", "Accept-Encoding": "gzip"})
            self.assertEqual(c.head().status, 200)  # before any event was sent
            for i, event in enumerate(go):
                event.set()
                self.assertEqual(c.chunk(), b"data: %d\n\n" % i)
            self.assertEqual(c.chunk(), b"")

    def test_request_chunks_arrive_one_by_one(self):
        pieces, arrived = [], threading.Condition()

        def collect(request):
            for piece in request.pieces():
                with arrived:
                    pieces.append(piece)
                    arrived.notify_all()
            return answer(200, NO_STORE, b"done")

        self.routes.on("/up", collect)
        with Client(self.http) as c:
            c.request("POST", "/up", {"Transfer-Encoding": "chunked"})
            for i in range(5):
                c.send(chunk(b"piece %d" % i))
                with arrived:
                    self.assertTrue(
                        arrived.wait_for(lambda n=i: b"".join(pieces).endswith(b"piece %d" % n), 10), pieces
                    )
            c.send(chunk(b""))
            self.assertEqual(c.response().text, "done")

    def push(self, client, total, sent):
        block = b"u" * MIB
        for _ in range(total // MIB):
            client.send(block)
            sent[0] += MIB

    def test_upload_waits_for_a_backend_that_reads_late(self):
        read_now, sizes = threading.Event(), []

        def late(request):
            read_now.wait(20)
            sizes.append(sum(len(p) for p in request.pieces()))
            return answer(200, NO_STORE, b"taken")

        self.routes.on("/up", late)
        before, sent = self.fairing.rss(), [0]
        with Client(self.http, timeout=30) as c:
            c.request("POST", "/up", {"Content-Length": str(BIG)})
            sender = threading.Thread(target=self.push, args=(c, BIG, sent), daemon=True)
            sender.start()
            last = [-1, 0]

            def stalled():
                last[1] = last[1] + 1 if sent[0] == last[0] else 0
                last[0] = sent[0]
                return last[1] > 30

            wait_until(stalled, 20, "the upload to stop while the backend does not read")
            self.assertLess(sent[0], 64 * MIB, "bytes taken from the client though the backend read none")
            self.assertLess(self.fairing.rss() - before, SOME, "the upload is kept in memory")
            read_now.set()
            self.assertEqual(c.response().text, "taken")
            sender.join(20)
        self.assertEqual(sizes, [BIG])
        self.assertLess(self.fairing.rss() - before, SOME * 3 // 2)

    def test_download_waits_for_a_client_that_reads_late(self):
        sent = [0]

        def big(request):
            request.connection.send(
                b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: %d\r\n\r\n" % BIG
            )
            self.push(request.connection, BIG, sent)

        self.routes.on("/big", big)
        before = self.fairing.rss()
        with Client(self.http, timeout=30, receive_buffer=65536) as c:
            c.request("GET", "/big")
            last = [-1, 0]

            def stalled():
                last[1] = last[1] + 1 if sent[0] == last[0] else 0
                last[0] = sent[0]
                return last[1] > 30

            wait_until(stalled, 20, "the download to stop while the client does not read")
            self.assertLess(sent[0], 64 * MIB, "bytes taken from the backend though the client read none")
            self.assertLess(self.fairing.rss() - before, SOME, "the download is kept in memory")
            self.assertEqual(c.head().get("Content-Length"), str(BIG))
            got = len(c.buffer)
            c.buffer = b""
            while got < BIG:
                data = c.socket.recv(MIB)
                self.assertTrue(data, f"cut after {got}")
                got += len(data)
            self.assertEqual(got, BIG)
        self.assertLess(self.fairing.rss() - before, SOME * 3 // 2)

    def test_a_cacheable_answer_over_the_object_limit_is_streamed_whole(self):
        def big(request):
            request.connection.send(
                b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: %d\r\n\r\n" % (64 * MIB)
            )
            self.push(request.connection, 64 * MIB, [0])

        self.routes.on("/big", big)
        before = self.fairing.rss()
        self.assertEqual(len(fetch(self.http, "/big").body), 64 * MIB)
        self.assertEqual(len(fetch(self.http, "/big").body), 64 * MIB)
        self.assertEqual(self.origin.count("/big"), 2, "larger than limits.object: not stored")
        self.assertLess(self.fairing.rss() - before, SOME * 3 // 2)

    def test_an_early_answer_during_an_upload_reaches_the_client(self):
        def refuse(request):
            request.connection.send(answer(403, {"Connection": "close", **NO_STORE}, b"no thanks"))
            request.connection.socket.shutdown(socket.SHUT_WR)
            request.connection.wait_end()
            return CLOSE

        self.routes.on("/up", refuse)
        with Client(self.http) as c:
            c.request("POST", "/up", {"Content-Length": str(BIG)})
            c.send(b"u" * 65536)
            got = c.response()  # while most of the body is unsent
            self.assertEqual((got.status, got.text), (403, "no thanks"))
        self.assertEqual(fetch(self.http, "/after").text, "/after")

    def test_large_echo_both_ways_at_once(self):
        def echo(request):
            c = request.connection
            c.send(b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nTransfer-Encoding: chunked\r\n\r\n")
            for piece in request.pieces():
                c.send(chunk(piece))
            c.send(chunk(b""))

        self.routes.on("/echo", echo)
        total = 32 * MIB
        block = bytes(range(256)) * 4096
        with Client(self.http, timeout=30) as c:
            c.request("POST", "/echo", {"Content-Length": str(total)})
            sender = threading.Thread(
                target=lambda: [c.send(block) for _ in range(total // len(block))], daemon=True
            )
            sender.start()
            got = c.response()
            sender.join(10)
        self.assertEqual(len(got.body), total)
        self.assertEqual(got.body, block * (total // len(block)))

    def test_a_client_that_goes_away_stops_the_backend(self):
        ended = threading.Event()

        def endless(request):
            try:
                request.connection.send(STREAM)
                while True:
                    request.connection.send(chunk(b"x" * 65536))
            except OSError:
                ended.set()
                raise

        self.routes.on("/endless", endless)
        with Client(self.http) as c:
            c.request("GET", "/endless")
            c.head()
            c.abort()
        self.assertTrue(ended.wait(10), "the backend still sends to nobody")

    def test_a_client_that_leaves_while_it_waits_frees_the_backend(self):
        held = threading.Event()
        self.addCleanup(held.set)
        self.routes.on("/held", lambda r: (r.read_body(), held.wait(30), answer(200, NO_STORE, b"late"))[2])
        with Client(self.http) as c:
            c.request("POST", "/held", {"Content-Length": "4"})
            c.send(b"body")
            self.origin.wait_count(1, "/held")
            used = self.origin.connections[-1]
            c.abort()
        wait_until(lambda: peer_ended(used.socket), 10, "the answer nobody waits for to be given up")
        self.assertEqual(fetch(self.http, "/after").text, "/after")

    def test_the_time_a_client_takes_to_send_is_not_the_backends(self):
        self.routes.on("/up", lambda r: answer(200, NO_STORE, r.read_body()))
        f = Fairing(
            self,
            {
                "http": {
                    "listen": "127.0.0.1:0",
                    "upstream": self.origin.url,
                    "timeouts": {"first_byte": "300ms", "body": "5s"},
                }
            },
        )
        with Client(f.http) as c:
            c.request("POST", "/up", {"Content-Length": "4"})
            self.origin.wait_count(1, "/up")
            wait_until(past(0.8), 10)
            c.send(b"late")
            self.assertEqual(c.response().text, "late")

    def test_a_stream_both_ways_outlives_the_time_for_one_read_or_write(self):
        def echo(request):
            c = request.connection
            c.send(STREAM)
            for piece in request.pieces():
                c.send(chunk(piece))
            c.send(chunk(b""))

        self.routes.on("/echo", echo)
        f = Fairing(
            self,
            {
                "http": {
                    "listen": "127.0.0.1:0",
                    "upstream": self.origin.url,
                    "timeouts": {"first_byte": "300ms", "body": "500ms", "idle": "500ms"},
                }
            },
        )
        with Client(f.http) as c:
            c.request("POST", "/echo", {"Transfer-Encoding": "chunked"})
            over, first = past(1.5), True
            while not over():
                c.send(chunk(b"ping"))
                if first:
                    self.assertEqual(c.head().status, 200)
                    first = False
                self.assertEqual(c.chunk(), b"ping")
            c.send(chunk(b""))
            self.assertEqual(c.chunk(), b"")

    def test_a_client_that_goes_away_in_an_upload_is_seen_by_the_backend(self):
        cut = threading.Event()

        def watch(request):
            try:
                for _ in request.pieces():
                    pass
            except (EOFError, OSError):
                cut.set()
                raise
            return answer(200, NO_STORE, b"whole")

        self.routes.on("/up", watch)
        with Client(self.http) as c:
            c.request("POST", "/up", {"Transfer-Encoding": "chunked"})
            c.send(chunk(b"some"))
            self.origin.wait_count(1, "/up")
            c.abort()
        self.assertTrue(cut.wait(10), "a cut upload looks complete or hangs at the backend")


if __name__ == "__main__":
    unittest.main()
