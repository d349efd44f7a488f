"""The jobs plane on PostgreSQL: a job's life, the outbox in an application's transaction, a server that goes, a second instance."""
import http.client
import json
import os
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.client import fetch
from support.fairing import Fairing, run_cli, split_address
from support.origin import Origin, answer
from support.postgres import Postgres
from support.wait import wait_until

PATIENCE = 60  # seconds, for a machine that is busy
QUEUES = [
    {"name": "emails", "attempts": ["0s", "100ms", "100ms"], "timeout": "60s"},
    {"name": "orders.fifo", "attempts": ["0s", "100ms"], "timeout": "60s"},
]


class JobsOnPostgres(unittest.TestCase):
    count = 0

    @classmethod
    def setUpClass(cls):
        cls.pg = Postgres().start()
        cls.addClassCleanup(cls.pg.stop)

    def setUp(self):
        """A database of the test's own, where alice may make a schema."""
        JobsOnPostgres.count += 1
        self.database = f"jobs{self.count}"
        self.pg.sql(f"CREATE DATABASE {self.database} OWNER alice")
        self.url = self.pg.url("alice", self.database)

    def start(self, ready=True, **more):
        config = {"jobs": {"listen": "127.0.0.1:0", "store": self.url, "queues": QUEUES}, **more}
        f = Fairing(self, config)
        if ready:
            wait_until(lambda: self.call(f, "POST", "/v1/queues/emails/lease", {})[0] == 200, PATIENCE)
        return f

    def sql(self, text):
        return self.pg.sql(text, database=self.database)

    def call(self, fairing, method, path, body=None, **headers):
        """Status and JSON of an answer of the jobs listener; its headers in self.headers."""
        host, port = split_address(fairing.listeners["jobs"][0])
        connection = http.client.HTTPConnection(host, port, timeout=PATIENCE + 20)
        try:
            headers = {k.replace("_", "-"): v for k, v in headers.items()}
            if body is not None:
                body = json.dumps(body)
                headers["Content-Type"] = "application/json"
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            self.headers = answer.headers
            text = answer.read()
            return answer.status, json.loads(text) if text else None
        finally:
            connection.close()

    def put(self, fairing, queue="emails", **job):
        status, body = self.call(fairing, "POST", f"/v1/queues/{queue}/jobs", job)
        self.assertEqual(status, 201, body)
        return body["id"]

    def one(self, fairing, queue="emails", wait=30):
        status, body = self.call(fairing, "POST", f"/v1/queues/{queue}/lease", {"wait": wait})
        self.assertEqual((status, len(body.get("jobs", []))), (200, 1), body)
        return body["jobs"][0]

    def settle(self, fairing, job, verb="ack", **body):
        return self.call(fairing, "POST", f"/v1/leases/{job['lease']}/{verb}", body)

    def problem(self, answer, status, slug):
        self.assertEqual(answer[0], status, answer[1])
        self.assertEqual(answer[1]["type"], f"urn:fairing:problem:{slug}")
        return answer[1]

    # -- a job's life --------------------------------------------------------------------------------------

    def test_a_job_is_put_leased_failed_redriven_and_found(self):
        f = self.start()
        name = self.put(f, payload={"to": "ann", "n": 12345678901234567890}, key="a\u0000b")
        got = self.one(f)
        self.assertEqual((got["id"], got["payload"]), (name, {"to": "ann", "n": 12345678901234567890}))
        self.settle(f, got, "progress", progress="half")
        self.assertEqual(self.settle(f, got, result={"sent": True})[1]["state"], "done")
        self.assertEqual(self.call(f, "GET", f"/v1/jobs/{name}/result"), (200, {"sent": True}))
        self.problem(self.settle(f, got), 409, "stale-lease")
        dead = self.put(f, payload=1)
        for attempt in (1, 2, 3):
            got = self.one(f)
            self.assertEqual((got["id"], got["attempt"]), (dead, attempt))
            self.settle(f, got, "fail", error=f"smtp {attempt} said no")
        _, groups = self.call(f, "GET", "/v1/failures?queue=emails")
        self.assertEqual([(g["error"], g["count"]) for g in groups["items"]], [("smtp N said no", 3)])
        _, page = self.call(f, "GET", "/v1/jobs?queue=emails&state=dead")
        self.assertEqual([j["id"] for j in page["items"]], [dead])
        self.call(f, "POST", "/v1/queues/emails/redrive", {"id": dead})
        self.settle(f, self.one(f))
        first, second = (self.put(f, "orders.fifo", payload=n, key="k") for n in range(2))
        got = self.one(f, "orders.fifo")
        self.assertEqual(got["id"], first)
        self.settle(f, got)
        self.assertEqual(self.one(f, "orders.fifo")["id"], second)

    # -- the outbox ----------------------------------------------------------------------------------------

    def test_a_transaction_that_commits_makes_a_job_and_one_that_rolls_back_none(self):
        f = self.start()
        self.sql("CREATE TABLE orders (n int); GRANT USAGE ON SCHEMA fairing TO bob; GRANT INSERT ON fairing.outbox TO bob")
        self.sql("GRANT ALL ON orders TO bob")
        insert = "INSERT INTO orders VALUES ({n}); INSERT INTO fairing.outbox (queue, payload) VALUES ('emails', '{{\"order\": {n}}}');"
        got = []
        worker = threading.Thread(target=lambda: got.append(self.one(f, wait=30)))
        worker.start()
        wait_until(lambda: f.metric("fairing_jobs_commands_waiting") == 0, PATIENCE)
        self.sql("SET ROLE bob; BEGIN; " + insert.format(n=1) + " ROLLBACK")
        self.sql("SET ROLE bob; BEGIN; " + insert.format(n=2) + " COMMIT")
        worker.join(PATIENCE)
        self.assertEqual(got[0]["payload"], {"order": 2})
        self.settle(f, got[0])
        self.assertEqual(self.call(f, "POST", "/v1/queues/emails/lease", {})[1]["jobs"], [])
        self.assertEqual(self.sql("SELECT count(*) FROM fairing.outbox"), "0")
        # A NOTIFY that nobody heard is made good: rows are looked for now and then.
        self.sql("ALTER TABLE fairing.outbox DISABLE TRIGGER ALL; " + insert.format(n=3))
        self.assertEqual(self.one(f, wait=30)["payload"], {"order": 3})
        self.sql("INSERT INTO fairing.outbox (queue, payload) VALUES ('no such name', '1')")
        reason = wait_until(lambda: self.sql("SELECT refused FROM fairing.outbox"), PATIENCE)
        self.assertIn("a queue's name has", reason)

    # -- the server ----------------------------------------------------------------------------------------

    def test_a_server_that_restarts_loses_nothing(self):
        f = self.start()
        held = self.put(f, payload="held")
        leased = self.one(f)
        names = [self.put(f, payload=n) for n in range(20)]
        for how in (signal.SIGINT, signal.SIGQUIT):
            self.pg.halt(how)
            down = wait_until(lambda: self.down(f), PATIENCE, "a 503")
            self.assertIn("PostgreSQL", self.problem(down, 503, "job-store-down")["detail"])
            self.assertEqual(self.headers["Retry-After"], "1")
            self.assertEqual(f.call("GET", "/readyz", token=False)[0], 503)
            self.pg.launch()
            # Asked all the time: those who ask do not keep it from opening the store.
            wait_until(lambda: self.call(f, "POST", "/v1/queues/orders.fifo/lease", {})[0] == 200, PATIENCE)
        self.assertEqual(self.settle(f, leased, "extend", lease="60s")[0], 200, "a lease outlives the server")
        seen = [self.one(f) for _ in names]
        self.assertEqual([j["id"] for j in seen], names)
        self.assertEqual(self.settle(f, leased)[1]["state"], "done")
        self.assertEqual(leased["id"], held)
        self.assertEqual(self.call(f, "GET", f"/v1/jobs?q={names[3]}")[1]["items"][0]["id"], names[3])

    def down(self, fairing):
        answer = self.call(fairing, "POST", "/v1/queues/emails/lease", {})
        return answer if answer[0] == 503 and answer[1]["type"].endswith("job-store-down") else None

    def test_without_a_server_the_rest_serves_and_a_wrong_password_ends_the_start(self):
        self.pg.halt()
        try:
            f = self.start(ready=False)
            self.problem(self.call(f, "POST", "/v1/queues/emails/jobs", {"payload": 1}), 503, "job-store-down")
            self.problem(self.call(f, "GET", "/v1/queues"), 503, "job-store-down")
            f.wait_for_log('"event":"job_store_failed"')
        finally:
            self.pg.launch()
        wait_until(lambda: self.call(f, "POST", "/v1/queues/emails/jobs", {"payload": 1})[0] == 201, PATIENCE)
        url = self.pg.url("alice", self.database, password="wrong")
        done = run_cli("run", "--jobs", "0=" + url, "--admin", "0")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("password authentication failed", done.stderr)
        self.assertNotIn("alice:wrong", done.stderr + done.stdout)

    # -- more than one instance ----------------------------------------------------------------------------

    def test_a_second_instance_stands_by_and_takes_over(self):
        first = self.start()
        second = self.start(ready=False)
        names = [self.put(first, payload=n) for n in range(5)]
        leased = self.one(first)
        refused = self.call(second, "POST", "/v1/queues/emails/lease", {})
        self.assertIn(str(first.pid), self.problem(refused, 503, "job-store-standby")["detail"])
        self.assertEqual(self.headers["Retry-After"], "1")
        self.assertEqual(second.call("GET", "/readyz", token=False)[0], 200)
        self.assertEqual(self.call(second, "GET", f"/v1/jobs?q={names[0]}")[1]["items"][0]["id"], names[0])
        for path in ("/v1/queues", "/v1/jobs?queue=emails", "/v1/failures?queue=emails"):
            self.problem(self.call(second, "GET", path), 503, "job-store-standby")
        listed = second.cli("jobs", "ls")
        self.assertEqual((listed.returncode, listed.stdout), (1, ""))
        self.assertIn(str(first.pid), listed.stderr)
        first.expected_exit = -signal.SIGKILL
        began = time.monotonic()
        first.signal(signal.SIGKILL)
        first.wait()
        wait_until(lambda: self.call(second, "POST", "/v1/queues/orders.fifo/lease", {})[0] == 200, PATIENCE)
        print(f"takeover {time.monotonic() - began:.2f} s", flush=True)
        self.assertEqual(self.settle(second, leased)[1]["state"], "done")
        self.assertEqual([self.one(second)["id"] for _ in names[1:]], names[1:])

    def test_a_frozen_instance_loses_the_plane_and_cannot_write_when_it_wakes(self):
        first, second = self.start(), self.start(ready=False)
        name = self.put(first, payload=1)
        first.signal(signal.SIGSTOP)
        began = time.monotonic()
        try:
            wait_until(lambda: self.call(second, "POST", "/v1/queues/orders.fifo/lease", {})[0] == 200, PATIENCE, "the takeover")
            print(f"takeover from a frozen instance {time.monotonic() - began:.1f} s", flush=True)
            self.assertEqual(self.one(second)["id"], name)
        finally:
            first.signal(signal.SIGCONT)
        wait_until(lambda: self.call(first, "POST", "/v1/queues/emails/jobs", {"payload": 2})[0] == 503, PATIENCE)
        refused = wait_until(lambda: self.standby(first), PATIENCE, "the first to stand by")
        self.assertIn(str(second.pid), refused["detail"])
        self.assertEqual(self.sql("SELECT count(*) FROM fairing.job"), "1", "nothing was written by it")

    def test_async_routes_of_an_instance_that_stands_by_are_forwarded(self):
        origin = Origin(self, lambda request: answer(200, {}, b"done: " + request.read_body()))
        rule = {"match": "/reports/**", "async": {"mode": "always", "queue": "reports"}}
        site = {"listen": "127.0.0.1:0", "upstream": origin.url, "routes": [rule]}
        self.start()
        second = self.start(ready=False, http=site)
        wait_until(lambda: self.standby(second), PATIENCE, "the second to stand by")
        got = fetch(second.http, "/reports/year", method="POST", body=b"2026")
        self.assertEqual((got.status, got.body), (200, b"done: 2026"))
        self.assertIn("detail=not-put-off", got.get("Cache-Status"))
        keyed = fetch(second.http, "/reports/year", method="POST", headers={"Idempotency-Key": "k"}, body=b"2026")
        self.assertEqual(keyed.status, 503, keyed.text)
        self.assertIn("its Idempotency-Key may be kept", json.loads(keyed.body)["detail"])
        self.assertEqual(len(origin.requests), 1)

    def standby(self, fairing):
        status, body = self.call(fairing, "POST", "/v1/queues/emails/lease", {})
        return body if status == 503 and body["type"].endswith("job-store-standby") else None


if __name__ == "__main__":
    unittest.main()
