"""What becomes of requests that were put off when their route, their queue or their answer has changed or gone."""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.offload_case import ASYNC, OffloadCase, breaks_off
from support.wait import wait_until


class OffloadKept(OffloadCase):
    def sqs(self, action, **body):
        """Status and the error's name, or the answer."""
        target = {"Content_Type": "application/x-amz-json-1.0", "X_Amz_Target": f"AmazonSQS.{action}"}
        status, said = self.call("POST", "/", json.dumps(body), **target)
        said = json.loads(said) if isinstance(said, str) and said else said
        return status, said.get("__type", "").rsplit("#", 1)[-1] if status >= 400 else said

    def no_worker_gets_it(self):
        status, said = self.call("POST", "/v1/queues/reports/lease", {})
        self.assertEqual(status, 409, said)
        status, said = self.sqs("ReceiveMessage", QueueUrl="http://x/000000000000/reports")
        self.assertEqual((status, said), (400, "QueueDoesNotExist"))

    def test_its_route_names_another_queue_and_then_none(self):
        self.start(queue={"paused": True})
        first, second = self.accepted(), self.accepted()
        self.no_worker_gets_it()
        self.config["http"]["routes"][0]["async"]["queue"] = "slow"
        self.config["jobs"]["queues"] = []
        self.reload()
        self.no_worker_gets_it()
        del self.config["http"]["routes"]
        self.reload()
        self.no_worker_gets_it()
        self.kill_and_start_again()
        self.no_worker_gets_it()
        self.assertEqual(json.loads(self.ask(first, "GET").body)["state"], "waiting")
        self.assertEqual(self.ask(second, "DELETE").status, 204)
        self.go.set()
        self.assertEqual(self.call("POST", "/v1/queues/reports/resume", {})[0], 200)
        self.assertEqual(self.ask(first, "GET", Prefer="wait=20").status, 303)
        self.assertEqual(self.ask(first + "/result", "GET").status, 201)
        self.assertEqual(len(self.ran), 1)
        self.problem(self.ask(first, "GET", Authorization="Bearer bob"), 404, "no-such-job")
        # None is left: the queue is one for workers.
        wait_until(lambda: self.call("POST", "/v1/queues/reports/jobs", {"payload": 1})[0] == 201)
        status, got = self.call("POST", "/v1/queues/reports/lease", {"wait": "5s"})
        self.assertEqual((status, [j["payload"] for j in got["jobs"]]), (200, [1]))

    def test_its_queue_is_pushed_elsewhere_and_its_client_was_known_by_a_cookie(self):
        self.start(queue={"paused": True}, principal="cookie:session")
        at = self.accepted(Cookie="session=s1")
        del self.config["http"]["routes"]
        self.config["jobs"]["queues"][0]["push"] = self.origin.url + "/push"
        self.reload()
        self.go.set()
        self.assertEqual(self.call("POST", "/v1/queues/reports/resume", {})[0], 200)
        self.assertEqual(self.ask(at, "GET", Cookie="session=s1", Prefer="wait=20").status, 303)
        self.problem(self.ask(at, "GET", Cookie="session=s2"), 404, "no-such-job")
        self.assertEqual([target for _, target, _, _ in self.ran], ["/reports/year"])
        wait_until(lambda: self.call("POST", "/v1/queues/reports/jobs", {"payload": 1})[0] == 201)
        wait_until(lambda: [target for _, target, _, _ in self.ran][1:] == ["/push"])

    def test_a_redrive_runs_nothing_twice_that_runs_once(self):
        self.start(breaks_off)
        at = self.accepted()
        self.assertEqual(self.ask(at, "GET", Prefer="wait=20").status, 303)
        name = at.rsplit("/", 1)[1][:13]
        for body in ({}, {"id": name}):
            before = len(self.job(name)["attempts"])
            self.assertEqual(self.call("POST", "/v1/queues/reports/redrive", body)[0], 200)
            wait_until(lambda: len(self.job(name)["attempts"]) > before and self.job(name)["state"] == "dead")
        self.assertEqual(self.job(name)["state"], "dead")
        self.assertIn("not run twice", self.job(name)["error"])
        self.assertEqual(len(self.origin.requests), 1)

    def test_a_key_outlives_its_answer(self):
        self.start(queue={"keep_done": "1s"})
        self.go.set()
        key = {**ASYNC, "Idempotency_Key": "k-1"}
        at = self.ask("/reports/year", **key).get("Location")
        self.assertEqual(self.ask(at, "GET", Prefer="wait=20").status, 303)
        wait_until(lambda: self.ask(at, "GET").status == 404, timeout=30)
        self.problem(self.ask("/reports/year", **key), 410, "idempotency-key-answer-gone")
        self.assertEqual(len(self.ran), 1)

    def test_sqs_cannot_make_a_queue_of_it(self):
        self.start(queue={"timeout": "10m"})
        said = self.sqs("CreateQueue", QueueName="reports", Attributes={"VisibilityTimeout": "1"})
        self.assertEqual(said, (403, "AccessDeniedException"))
        self.assertEqual(self.sqs("CreateQueue", QueueName="others")[0], 200)


if __name__ == "__main__":
    unittest.main()
