"""Pushes of the jobs plane: real workers behind URLs, what their answers mean, and what outlives them and us."""
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.certificates import make_authority, make_certificate, server_context
from support.jobs_case import JobsCase
from support.origin import CLOSE, Origin
from support.push_worker import PushWorker, signature
from support.wait import wait_until

CLIENTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "clients")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
LADDER = ["0s", "100ms", "100ms"]


class Push(JobsCase):
    def start(self, worker, **queue):
        rules = {"name": "emails", "push": worker.url, "secret": SECRET, "attempts": LADDER, "timeout": "5s"}
        return self.start_jobs([{**rules, **queue}])

    def test_a_job_is_posted_signed_and_done(self):
        worker = PushWorker(self)
        worker.answers = [(200, {"Content-Type": "application/json"}, b'{"sent":true}')]
        f = self.start(worker)
        name = self.put("emails", payload={"to": "ann"})
        job = worker.next()
        self.assertEqual((job.id, job.attempt, json.loads(job.body)), (name, 1, {"to": "ann"}))
        self.assertEqual(job.headers["webhook-signature"], signature(SECRET, job))
        self.assertLess(abs(int(job.headers["webhook-timestamp"]) - time.time()), 60)
        self.assertEqual(job.headers["content-type"], "application/json")
        self.assertEqual(job.headers["fairing-queue"], "emails")
        self.assertRegex(job.headers["traceparent"], r"^00-[0-9a-f]{32}-[0-9a-f]{16}-01$")
        self.assertRegex(job.headers["fairing-deadline"], r"^20\d\d-.*Z$")
        self.assertEqual(self.finished(name)["state"], "done")
        self.assertEqual(self.call("GET", f"/v1/jobs/{name}/result"), (200, {"sent": True}))
        wait_until(lambda: f.metric("fairing_push_total", queue="emails", outcome="done") == 1)

    def test_the_trace_goes_along_and_connections_are_kept(self):
        worker = PushWorker(self)
        self.start(worker)
        trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        status, _ = self.call("POST", "/v1/queues/emails/jobs", {"payload": 1}, traceparent=trace)
        self.assertEqual(status, 201)
        first = worker.next()
        self.assertEqual(first.headers["traceparent"], trace)
        self.finished(first.id)
        for _ in range(5):
            name = self.put("emails", payload=2)
            self.assertEqual(worker.next().connection, first.connection)
            self.finished(name)

    def test_a_node_worker_verifies_with_the_library(self):
        for rotated in ("", "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz "):
            node = subprocess.Popen(
                ["node", os.path.join(CLIENTS, "webhook_worker.mjs"), SECRET], stdout=subprocess.PIPE, text=True
            )
            self.addCleanup(node.stdout.close)
            self.addCleanup(node.wait)
            self.addCleanup(node.kill)

            class At:
                url = f"http://127.0.0.1:{int(node.stdout.readline())}/hooks?from=fairing"

            f = self.start(At, secret=rotated + SECRET)
            name = self.put("emails", payload={"to": "ünï", "n": [1, 2]})
            self.assertEqual(self.finished(name)["state"], "done")
            self.assertEqual(
                self.call("GET", f"/v1/jobs/{name}/result"), (200, {"did": {"to": "ünï", "n": [1, 2]}, "attempt": 1})
            )
            f.stop()

    def test_faults_go_up_the_ladder_and_out_of_it(self):
        worker = PushWorker(self)
        worker.answers = [(500, {}, b"no\n db"), (408, {}, b""), (503, {}, b"busy")]
        f = self.start(worker)
        name = self.put("emails", payload=1)
        dead = self.finished(name)
        self.assertEqual(dead["state"], "dead")
        said = [a["error"] for a in dead["attempts"]]
        self.assertEqual(
            said,
            [
                "the push target answered 500: no db",
                "the push target answered 408",
                "the push target answered 503: busy",
            ],
        )
        self.assertEqual([worker.next().attempt for _ in range(3)], [1, 2, 3])
        worker.answers = [(204, {}, b"")]
        self.assertEqual(self.call("POST", "/v1/queues/emails/redrive", {"id": name})[0], 200)
        self.assertEqual(worker.next().attempt, 1)
        self.assertEqual(self.finished(name)["state"], "done")
        self.assertEqual(f.metric("fairing_push_total", queue="emails", outcome="retry"), 3)

    def test_retry_after_is_honoured(self):
        worker = PushWorker(self)
        worker.answers = [(429, {"Retry-After": "2"}, b""), (204, {}, b"")]
        self.start(worker)
        began = time.monotonic()
        name = self.put("emails", payload=1)
        self.assertEqual(self.finished(name)["state"], "done")
        self.assertGreaterEqual(time.monotonic() - began, 1.9)

    def test_a_4xx_is_the_end(self):
        worker = PushWorker(self)
        self.start(worker)
        for status in (410, 422, 400):
            worker.answers = [(status, {}, b"no such user")]
            dead = self.finished(self.put("emails", payload=1))
            self.assertEqual((dead["state"], dead["attempt"]), ("dead", 1))
            self.assertEqual(dead["error"], f"the push target answered {status}: no such user")

    def test_a_202_is_acknowledged_later_over_the_api(self):
        worker = PushWorker(self)
        worker.answers = [(202, {}, b"")]
        self.start(worker, concurrency=1)
        name = self.put("emails", payload=1)
        job = worker.next()
        time.sleep(0.2)
        self.assertEqual(self.job(name)["state"], "leased")
        self.assertEqual(self.call("POST", f"/v1/leases/{job.lease}/extend", {"lease": 30})[0], 200)
        self.assertEqual(self.call("POST", f"/v1/leases/{job.lease}/ack", {"result": 7})[0], 200)
        self.assertEqual(self.finished(name)["state"], "done")
        self.assertEqual(self.call("GET", f"/v1/jobs/{name}/result"), (200, 7))

    def test_a_202_that_nobody_acknowledges_comes_again(self):
        worker = PushWorker(self)
        worker.answers = [(202, {}, b""), (204, {}, b"")]
        self.start(worker, timeout="200ms")
        name = self.put("emails", payload=1)
        self.assertEqual([worker.next(20).attempt, worker.next(20).attempt], [1, 2])
        self.assertEqual(self.finished(name)["attempts"][0]["error"], "lease expired")

    def test_a_slow_target_is_a_failed_attempt(self):
        worker = PushWorker(self)
        held = threading.Event()
        self.addCleanup(held.set)
        worker.answer = lambda job: (held.wait(20) if job.attempt == 1 else None, (204, {}, b""))[1]
        f = self.start(worker, timeout="500ms")
        name = self.put("emails", payload=1)
        done = self.finished(name)
        self.assertEqual(done["state"], "done")
        self.assertEqual(done["attempts"][0]["error"], "no whole answer in the attempt's time")
        self.assertEqual(f.metric("fairing_push_total", queue="emails", outcome="timeout"), 1)

    def test_a_target_that_is_down_is_probed_and_comes_back(self):
        worker = PushWorker(self)
        f = self.start(worker, attempts=["0s"] + ["200ms"] * 20)
        worker.down()
        names = [self.put("emails", payload=n) for n in range(40)]
        wait_until(lambda: f.metric("fairing_push_total", queue="emails", outcome="absent") >= 2)
        tried = f.metric("fairing_push_total", queue="emails", outcome="absent")
        self.assertLess(tried, 20)  # not all of them, and not again and again
        worker.up()
        for name in names:
            self.assertEqual(self.finished(name)["state"], "done")
        self.assertIn("cannot connect to 127.0.0.1", json.dumps([self.job(n)["attempts"] for n in names]))

    def test_as_many_at_a_time_as_it_bears_and_never_over_concurrency(self):
        worker = PushWorker(self)
        worker.answer = lambda job: (time.sleep(0.01), (204, {}, b""))[1]
        f = self.start(worker, concurrency=6)
        names = [self.put("emails", payload=n) for n in range(150)]
        self.finished(names[-1])
        wait_until(lambda: f.metric("fairing_push_total", queue="emails", outcome="done") == 150)
        self.assertLessEqual(worker.most, 6)
        self.assertEqual(f.metric("fairing_push_concurrency", queue="emails"), 6)
        worker.answer = lambda job: (429, {}, b"")
        for n in range(12):
            self.put("emails", payload=n)
        wait_until(lambda: f.metric("fairing_push_concurrency", queue="emails") == 1)

    def test_kill_in_the_middle_delivers_again(self):
        worker = PushWorker(self)
        held = threading.Event()
        self.addCleanup(held.set)
        worker.answer = lambda job: (held.wait(20) if job.attempt == 1 else None, (204, {}, b""))[1]
        self.start(worker, timeout="1s", attempts=["0s", "0s", "0s"])
        name = self.put("emails", payload=1)
        first = worker.next()
        self.kill_and_start_again()
        again = worker.next(30)
        self.assertEqual((again.id, again.attempt), (first.id, 2))
        self.assertNotEqual(again.lease, first.lease)
        self.assertEqual(self.finished(name)["state"], "done")

    def test_a_drain_waits_for_the_answer(self):
        worker = PushWorker(self)
        held = threading.Event()
        worker.answer = lambda job: (held.wait(20), (204, {}, b""))[1]
        f = self.start(worker)
        name = self.put("emails", payload=1)
        worker.next()
        threading.Timer(0.5, held.set).start()
        f.stop()
        f.process.stdout.close()
        f.log_file.close()
        f.start()
        self.assertEqual(self.job(name)["state"], "done")

    def test_a_reload_changes_the_target(self):
        old, new = PushWorker(self), PushWorker(self)
        f = self.start(old)
        self.finished(self.put("emails", payload=1))
        old.next()
        self.config["jobs"]["queues"][0]["push"] = new.url
        f.write_config(self.config)
        self.assertEqual(f.cli("reload").returncode, 0)
        name = self.put("emails", payload=2)
        self.assertEqual(new.next().id, name)
        del self.config["jobs"]["queues"][0]["push"]
        f.write_config(self.config)
        self.assertEqual(f.cli("reload").returncode, 0)
        name = self.put("emails", payload=3)
        status, got = self.call("POST", "/v1/queues/emails/lease", {"wait": 5})
        self.assertEqual((status, got["jobs"][0]["id"]), (200, name))

    def test_a_long_answer_is_read_to_a_limit(self):
        worker = PushWorker(self)
        worker.answers = [(200, {}, b"x" * 4_000_000)]
        self.start(worker)
        name = self.put("emails", payload=1)
        self.assertEqual(self.finished(name)["state"], "done")
        self.assertEqual(self.call("GET", f"/v1/jobs/{name}/result")[0], 204)

    def test_https_with_the_systems_authorities(self):
        with tempfile.TemporaryDirectory() as directory:
            authority = make_authority(directory, "ca")
            worker = PushWorker(self, tls=server_context(*make_certificate(directory, "ca", "worker")))
            f = self.start_jobs(
                [{"name": "emails", "push": worker.url, "attempts": ["0s"]}], env={"SSL_CERT_FILE": authority}
            )
            self.assertEqual(self.finished(self.put("emails", payload=1))["state"], "done")
            f.stop()
            f.process.stdout.close()
            f.log_file.close()
            del f.env["SSL_CERT_FILE"]
            f.start()
            dead = self.finished(self.put("emails", payload=2))
            self.assertEqual(dead["state"], "dead")
            self.assertIn("TLS with 127.0.0.1", dead["error"])

    def test_what_is_no_answer_is_a_failed_attempt(self):
        def job_kind(request):
            return request.read_body().decode()

        def hostile(request):
            kind = job_kind(request)
            c = request.connection
            if kind == '"close"':
                return CLOSE
            if kind == '"garbage"':
                c.send(b"220 mail.example.com ESMTP\r\n\r\n")
            if kind == '"cut"':
                c.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
            if kind == '"head"':
                c.send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000 + b"\r\n\r\n")
            if kind == '"chunk"':
                c.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
            return CLOSE

        target = Origin(self, hostile)
        f = self.start(target, attempts=["0s"])
        kinds = ("close", "garbage", "cut", "head", "chunk")
        for kind in kinds:
            dead = self.finished(self.put("emails", payload=kind))
            self.assertEqual(dead["state"], "dead", kind)
            self.assertRegex(dead["error"], "connection ended|no HTTP", kind)
        self.assertEqual(f.metric("fairing_push_total", queue="emails", outcome="broken"), len(kinds))

    def test_interim_chunked_and_until_close_answers_are_read(self):
        def handler(request):
            body = request.read_body()
            if body == b"1":
                request.connection.send(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n")
                return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n"
            request.connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\ntwo")
            return CLOSE

        target = Origin(self, handler)
        self.start(target)
        for payload, said in ((1, "one"), (2, "two")):
            name = self.put("emails", payload=payload)
            self.assertEqual(self.finished(name)["state"], "done")
            self.assertEqual(self.call("GET", f"/v1/jobs/{name}/result"), (200, said))


if __name__ == "__main__":
    unittest.main()
