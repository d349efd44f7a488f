"""Many clients of one URL cost one origin request, and nobody waits in a convoy for an answer he may not have."""
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.client import Client, fetch, in_parallel
from support.fairing import Fairing
from support.origin import Origin, Routes, answer
from support.wait import wait_until

CLIENTS = 200


class Collapse(unittest.TestCase):
    def setUp(self):
        self.routes = Routes()
        self.origin = Origin(self, self.routes)
        self.fairing = Fairing(
            self, {"http": {"listen": "127.0.0.1:0", "upstream": self.origin.url, "max_connections": 1000}}
        )
        self.http = self.fairing.http

    def send_all(self, n, path, headers=lambda i: {}):
        clients = [Client(self.http, timeout=20) for _ in range(n)]
        for c in clients:
            self.addCleanup(c.close)
        for i, c in enumerate(clients):
            c.request("GET", path, headers(i))
        return clients

    def test_200_cold_clients_cost_one_request(self):
        go = threading.Event()
        self.routes.on(
            "/a", lambda r: (go.wait(20), answer(200, {"Cache-Control": "max-age=60"}, b"x" * 100000))[1]
        )
        clients = self.send_all(CLIENTS, "/a")
        self.origin.wait_count(1, "/a")
        go.set()
        answers = in_parallel([c.response for c in clients])
        self.assertEqual({a.body for a in answers}, {b"x" * 100000})
        self.assertEqual(self.origin.count("/a"), 1)
        self.assertEqual(sum("collapsed" in a.cache or a.is_hit for a in answers), CLIENTS - 1)

    def test_waiters_get_bytes_as_they_come(self):
        go = threading.Event()

        def slow(request):
            request.connection.send(
                b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\nfirst"
            )
            go.wait(20)
            request.connection.send(b"later")

        self.routes.on("/a", slow)
        clients = self.send_all(10, "/a")
        for c in clients:
            c.head()
            self.assertEqual(c.read_exactly(5), b"first")
        go.set()
        for c in clients:
            self.assertEqual(c.read_exactly(5), b"later")
        self.assertEqual(self.origin.count("/a"), 1)

    def release_case(self, path, headers):
        """The first answer is held until the rest has asked; being private it must release all of them at once."""
        first, rest = threading.Event(), threading.Event()
        lock, seen = threading.Lock(), [0]

        def personal(request):
            with lock:
                seen[0] += 1
                mine = seen[0]
            (first if mine == 1 else rest).wait(20)
            return answer(200, headers, request.get("X-Client"))

        self.routes.on(path, personal)
        clients = self.send_all(50, path, lambda i: {"X-Client": str(i)})
        self.origin.wait_count(1, path)
        first.set()
        self.origin.wait_count(50, path)  # all are at the origin together: none waited for another's answer
        rest.set()
        answers = in_parallel([c.response for c in clients])
        self.assertEqual([a.text for a in answers], [str(i) for i in range(50)])

    def test_an_answer_that_is_private_releases_all_waiters_together(self):
        self.release_case("/private", {"Cache-Control": "private, max-age=60"})

    def test_an_answer_with_a_cookie_releases_all_waiters_together(self):
        self.release_case("/cookie", {"Cache-Control": "max-age=60", "Set-Cookie": "a=b"})

    def test_an_uncacheable_url_is_remembered_and_not_collapsed_again(self):
        self.routes.on("/a", answer(200, {"Cache-Control": "no-store"}, b"mine"))
        fetch(self.http, "/a")
        go = threading.Event()
        self.routes.on("/a", lambda r: (go.wait(20), answer(200, {"Cache-Control": "no-store"}, b"mine"))[1])
        clients = self.send_all(20, "/a")
        self.origin.wait_count(21, "/a")  # before any of them is answered
        go.set()
        answers = in_parallel([c.response for c in clients])
        self.assertEqual({a.text for a in answers}, {"mine"})
        self.assertEqual(answers[0].cache.get("detail"), "hit-for-miss")

    def test_waiters_with_other_credentials_or_variants_do_not_share(self):
        go = threading.Event()
        self.routes.on(
            "/auth",
            lambda r: (go.wait(20), answer(200, {"Cache-Control": "max-age=60"}, r.get("Authorization")))[1],
        )
        clients = self.send_all(10, "/auth", lambda i: {"Authorization": f"user {i}"})
        self.origin.wait_count(1, "/auth")
        go.set()
        self.assertEqual([c.response().text for c in clients], [f"user {i}" for i in range(10)])
        self.routes.on(
            "/vary", lambda r: answer(200, {"Cache-Control": "max-age=60", "Vary": "X-Kind"}, r.get("X-Kind"))
        )
        clients = self.send_all(30, "/vary", lambda i: {"X-Kind": str(i % 3)})
        self.assertEqual([c.response().text for c in clients], [str(i % 3) for i in range(30)])

    def test_waiters_for_another_variant_share_a_fetch_of_it(self):
        go = threading.Event()
        self.routes.on(
            "/vary",
            lambda r: (
                go.wait(20),
                answer(200, {"Cache-Control": "max-age=60", "Vary": "X-Kind"}, r.get("X-Kind")),
            )[1],
        )
        clients = self.send_all(60, "/vary", lambda i: {"X-Kind": str(i % 3)})
        self.origin.wait_count(1, "/vary")
        go.set()
        self.assertEqual([c.response().text for c in clients], [str(i % 3) for i in range(60)])
        # One for each, and those whose fetch had ended before all that wanted it were woken.
        self.assertLess(self.origin.count("/vary"), 12)

    def test_a_stale_answer_that_became_private_makes_no_convoy(self):
        self.routes.on("/was", answer(200, {"Cache-Control": "max-age=0", "ETag": '"1"'}, b"old"))
        fetch(self.http, "/was")
        self.routes.on("/was", answer(200, {"Cache-Control": "private"}, b"new"))
        self.assertEqual(fetch(self.http, "/was").body, b"new")
        go = threading.Event()
        self.routes.on("/was", lambda r: (go.wait(20), answer(200, {"Cache-Control": "private"}, b"new"))[1])
        clients = self.send_all(20, "/was")
        self.origin.wait_count(22, "/was")
        go.set()
        self.assertEqual({c.response().body for c in clients}, {b"new"})

    def test_the_fill_outlives_its_first_client(self):
        go = threading.Event()
        self.routes.on(
            "/a", lambda r: (go.wait(20), answer(200, {"Cache-Control": "max-age=60"}, b"kept"))[1]
        )
        first = Client(self.http)
        first.request("GET", "/a")
        self.origin.wait_count(1, "/a")
        others = self.send_all(5, "/a")
        first.abort()
        go.set()
        self.assertEqual({c.response().text for c in others}, {"kept"})
        self.assertEqual(self.origin.count("/a"), 1)

    def test_a_slow_waiter_does_not_hold_the_others(self):
        body = b"s" * (4 << 20)
        self.routes.on("/big", answer(200, {"Cache-Control": "max-age=60"}, body))
        slow = Client(self.http, receive_buffer=4096)
        self.addCleanup(slow.close)
        slow.request("GET", "/big")  # and reads nothing
        self.origin.wait_count(1, "/big")
        for got in in_parallel([lambda: fetch(self.http, "/big") for _ in range(10)]):
            self.assertEqual(len(got.body), len(body))
        self.assertEqual(self.origin.count("/big"), 1)
        self.assertEqual(slow.response().body, body)

    def test_a_dead_origin_fails_all_waiters_and_hangs_none(self):
        self.routes.on("/dead", lambda r: (dead.wait(20), r.connection.reset())[1])
        dead = threading.Event()
        clients = self.send_all(30, "/dead")
        self.origin.wait_count(1, "/dead")
        dead.set()
        answers = in_parallel([c.response for c in clients])
        self.assertEqual({a.status for a in answers}, {502})
        wait_until(lambda: fetch(self.http, "/dead").status == 502, 5, "a later request to be answered")


if __name__ == "__main__":
    unittest.main()
