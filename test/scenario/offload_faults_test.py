"""Requests of `async` routes while the job store is down, full, or is lost in the middle: never run twice, and no error of
Fairing's own where the backend could have answered."""
import http.client
import json
import os
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.faults import Faults
from support.offload_case import ASYNC, OffloadCase
from support.wait import wait_until

KEY = {"Idempotency_Key": '"k-1"'}


class OffloadFaults(OffloadCase):
    def start_faulty(self, **how):
        self.faults = Faults(self)
        return self.start(env=self.faults.env, **how)

    def lose_store(self):
        os.rename(self.store, self.store + ".away")
        self.addCleanup(lambda: os.path.exists(self.store + ".away") and os.remove(self.store + ".away"))

    def bring_back(self):
        os.rename(self.store + ".away", self.store)
        wait_until(lambda: self.fairing.metric("fairing_jobs_store_up") == 1, 20, "the store to be opened again")

    def is_down(self):
        return self.call("POST", "/v1/queues/other/jobs", {"payload": 1})[0] == 503

    def forwarded(self, count, path="/reports/year", **how):
        """The backend's own answer, and what says that it was not put off."""
        got = self.ask(path, **how)
        self.assertEqual((got.status, got.get("X-From")), (201, "backend"), got.text)
        self.assertIn("detail=not-put-off", got.get("Cache-Status"))
        self.assertIsNone(got.get("Preference-Applied"))
        self.assertEqual(self.fairing.metric("fairing_http_offload_total", answered="forwarded"), count)

    def test_while_the_store_is_down_requests_are_forwarded(self):
        f = self.start()
        self.go.set()
        self.lose_store()
        big = os.urandom(300_000)
        wait_until(self.is_down, what="the store to be missed")
        for n, body in enumerate((b"{}", big, b"")):
            self.forwarded(n + 1, body=body, **ASYNC)
            self.assertEqual(self.ran[-1][2], body)
        self.forwarded(4, method="GET", **ASYNC)
        self.assertEqual(f.log().count("requests_not_put_off"), 1, "once, not with each request")
#What was kept under that key before would run twice.
        refused = self.ask("/reports/year", **ASYNC, **KEY)
        self.problem(refused, 503, "job-store-down")
        self.assertIn("Idempotency-Key", json.loads(refused.body)["detail"])
        self.assertEqual(len(self.ran), 4)
        self.bring_back()
        self.accepted(**KEY)

    def test_while_there_is_no_room_requests_are_forwarded_with_the_body_that_was_taken_in(self):
        self.start_faulty(mode="always", jobs={"disk_reserve": "64MiB"})
        self.go.set()
        self.faults.free_bytes = 1 << 20
        wait_until(lambda: self.call("POST", "/v1/queues/other/jobs", {"payload": 1})[0] == 507)
        body = os.urandom(300_000)
        self.forwarded(1, body=body)
        self.forwarded(2, method="GET")
        self.assertEqual(self.chunked(body, b"end"), (201, "backend"))
        self.assertEqual([r[2] for r in self.ran], [body, b"", body + b"end"])
        self.problem(self.ask("/reports/year", **KEY), 507, "job-store-full")
        self.assertEqual(len(self.ran), 3)
        self.faults.free_bytes = -1
        wait_until(lambda: self.ask("/reports/year").status == 202)

    def chunked(self, *pieces):
        connection = http.client.HTTPConnection(*self.fairing.http, timeout=30)
        self.addCleanup(connection.close)
        connection.request("POST", "/reports/year", iter(pieces), {"Transfer-Encoding": "chunked"}, encode_chunked=True)
        got = connection.getresponse()
        got.read()
        return got.status, got.headers["X-From"]

    def lost(self, with_key):
        """The answer to a request whose own sync failed. A sync of the store's own may have the fault instead."""
        for n in range(20):
            wait_until(lambda: self.fairing.metric("fairing_jobs_store_up") == 1)
            self.faults.sync_fails = 1
            got = self.ask("/reports/year", **ASYNC, **({"Idempotency-Key": f"lost-{n}"} if with_key else {}))
            if got.status == 503 and json.loads(got.body)["type"] != "urn:fairing:problem:job-store-down":
                return got
        return got

    def test_where_nobody_knows_whether_it_was_kept_it_is_neither_forwarded_nor_asked_for_again(self):
        self.start_faulty(queue={"paused": True})
        self.go.set()
        lost = self.lost(with_key=False)
        self.problem(lost, 503, "job-outcome-unknown")
        self.assertIsNone(lost.get("Retry-After"))
        self.assertEqual(self.ran, [])
        lost = self.lost(with_key=True)
        self.problem(lost, 503, "job-outcome-unknown")
        self.assertEqual(lost.get("Retry-After"), "1", "with a key it is safe")
        self.assertEqual(self.ran, [])

    def test_a_request_that_is_kept_is_accepted_whatever_the_store_says_afterwards(self):
        self.start()
        got = []
        client = threading.Thread(target=lambda: got.append(self.ask("/reports/year", Prefer="respond-async, wait=30")))
        client.start()
        self.addCleanup(client.join)
        wait_until(lambda: self.ran)
        self.lose_store()
        wait_until(self.is_down, what="the store to be missed")
        client.join(20)
        (answer,) = got
        self.assertEqual(answer.status, 202, answer.text)
        at = answer.get("Location")
        self.assertRegex(at, r"^/_fairing/jobs/[0-9A-Z]{26}$")
        self.problem(self.ask(at, "GET"), 503, "job-store-down")
        self.go.set()
        self.bring_back()
        self.assertEqual(self.ask(at, "GET", Prefer="wait=20").status, 303)
        self.assertEqual(self.ask(at + "/result", "GET").status, 201)
        self.assertEqual(len(self.ran), 1)


if __name__ == "__main__":
    unittest.main()
