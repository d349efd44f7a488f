"""verify_idempotency: jobs are run twice, and the SQL that both runs wrote through the sql plane is compared.

The workers are real ones: a push worker with psycopg (the extended protocol, a transaction) and one that leases with
psycopg2 (the simple protocol, autocommit); their statements bear the traceparent they were given, as sqlcommenter puts it.
"""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import psycopg
import psycopg2
from support.jobs_case import JobsCase
from support.postgres import Postgres
from support.push_worker import PushWorker
from support.wait import wait_until

pg = None


def setUpModule():
    global pg
    pg = Postgres()
    unittest.addModuleCleanup(pg.stop)
    pg.start()
    pg.sql("SET ROLE alice; CREATE TABLE mails (job text, address text); CREATE TABLE counts (name text PRIMARY KEY, n int); "
           "CREATE TABLE sent (job text PRIMARY KEY, at timestamptz)", "app")


def commented(statement, traceparent):
    return f"{statement} /*traceparent='{traceparent}'*/"


class Verify(JobsCase):
    def begin(self, **queue):
        self.worker = PushWorker(self)
        pg.sql("TRUNCATE mails, counts, sent; INSERT INTO counts VALUES ('mails', 0)", "app")
        sql = {"listen": "127.0.0.1:0", "upstream": pg.url("alice"), "advise": False}
        pushed = {"name": "pushed", "push": self.worker.url, "verify_idempotency": "100%", "timeout": "10s", **queue}
        leased = {"name": "leased", "verify_idempotency": "100%"}
        self.start_jobs([pushed, leased, {"name": "plain", "push": self.worker.url}], more={"sql": sql}, threads=2)
        self.database = f"postgres://alice:alice@{self.fairing.listeners['sql'][0]}/app"

    def pushed(self, statements, comment=commented):
        """A push worker that runs (text, parameters of the job) in a transaction of its own."""

        def run(job):
            with psycopg.connect(self.database) as connection:
                for text, values in statements:
                    connection.execute(comment(text, job.headers["traceparent"]), values(job))
            return 204, {}, b""

        self.worker.answer = run

    def verified(self, queue, **counts):
        """`verified` of a queue once it has so many of each verdict."""

        def look():
            status, body = self.call("GET", "/v1/queues")
            self.assertEqual(status, 200, body)
            found = next(q for q in body["items"] if q["name"] == queue).get("verified")
            return found and all(found[name] == n for name, n in counts.items()) and found

        return wait_until(look, what=f"{queue} {counts}")

    def point(self):
        status, body = self.fairing.call("GET", "/v1/checklist", token=False)
        self.assertEqual(status, 200)
        return next(p for p in body["points"] if p["number"] == 6)

    def test_a_push_that_inserts_again_is_found(self):
        self.begin()
        self.pushed([("INSERT INTO mails VALUES (%s, %s)", lambda j: (j.id, "ann@example.org"))])
        name = self.put("pushed", payload={})
        first, second = self.worker.next(), self.worker.next()
        self.assertEqual((first.id, second.id), (name, name))
        self.assertEqual((first.attempt, second.attempt), (1, 2))
        self.assertNotIn("fairing-verify", first.headers)
        self.assertEqual(second.headers["fairing-verify"], "true")
        self.assertNotEqual(first.headers["traceparent"][3:35], second.headers["traceparent"][3:35])
        job = self.finished(name)
        self.assertEqual(job["state"], "done")
        found = self.verified("pushed", not_idempotent=1, idempotent=0, unclear=0, not_seen=0)
        self.assertEqual(found["share"], 1)
        (finding,) = found["findings"]
        self.assertEqual((finding["job"], finding["verdict"], finding["reason"]), (name, "not_idempotent", "added_rows"))
        self.assertIn("insert into mails", finding["statement"])
        self.assertNotIn("ann@", finding["statement"])
        self.assertEqual((finding["rows_first"], finding["rows_second"]), (1, 1))
        self.assertEqual(pg.sql("SELECT count(*) FROM mails", "app"), "2")
        metric = self.fairing.metric
        self.assertEqual(metric("fairing_jobs_verified_total", queue="pushed", verdict="not_idempotent"), 1)
        self.assertEqual(metric("fairing_jobs_total", queue="pushed", outcome="done"), 1)
        self.assertEqual(metric("fairing_jobs_total", queue="pushed", outcome="verified"), 1)
        point = self.point()
        self.assertEqual(point["grade"], "fail")
        line = next(e for e in point["evidence"] if e.startswith("queue pushed: 1 of 1 jobs that were run twice"))
        self.assertIn(name, line)
        self.assertIn("added rows again: insert into mails", line)
        self.assertIn("ON CONFLICT (job_id) DO NOTHING", "\n".join(point["fix"]))
        wait_until(lambda: '"job_verified"' in self.fairing.log(), what="the log event")

    def test_a_push_that_looks_whether_it_was_done_is_idempotent(self):
        self.begin()
        self.pushed([
            ("INSERT INTO sent VALUES (%s, now()) ON CONFLICT DO NOTHING", lambda j: (j.id,)),
            ("INSERT INTO mails SELECT %s, 'x' WHERE NOT EXISTS (SELECT FROM mails WHERE job = %s)", lambda j: (j.id, j.id)),
            ("UPDATE counts SET n = %s WHERE name = 'mails'", lambda j: (7,)),
        ])
        self.finished(self.put("pushed", payload={}))
        found = self.verified("pushed", idempotent=1, not_idempotent=0, unclear=0, not_seen=0)
        self.assertEqual(found["findings"], [])
        point = self.point()
        self.assertIn("queue pushed: 1 of 1 jobs that were run twice wrote nothing, or the same", point["evidence"])
        self.assertEqual(pg.sql("SELECT count(*) FROM mails", "app"), "1")

    def test_an_update_that_counts_is_found_and_a_rollback_is_nothing(self):
        self.begin()
        self.pushed([("UPDATE counts SET n = n + 1 WHERE name = %s", lambda j: ("mails",))])
        self.finished(self.put("pushed", payload={}))
        found = self.verified("pushed", not_idempotent=1)
        self.assertEqual(found["findings"][0]["reason"], "relative")

        def rolled_back(job):
            with psycopg.connect(self.database) as connection:
                connection.execute(commented("UPDATE counts SET n = n + 1", job.headers["traceparent"]))
                connection.rollback()
            return 204, {}, b""

        self.worker.answer = rolled_back
        self.finished(self.put("pushed", payload={}))
        self.verified("pushed", not_idempotent=1, idempotent=1)

    def test_a_second_run_that_fails_leaves_the_job_done(self):
        self.begin(attempts=["0s"])

        def unique(job):
            try:
                with psycopg.connect(self.database) as connection:
                    connection.execute(commented("INSERT INTO sent VALUES (%s)", job.headers["traceparent"]), (job.id,))
            except psycopg.errors.UniqueViolation:
                return 500, {}, b""
            return 200, {"Content-Type": "text/plain"}, b"sent"

        self.worker.answer = unique
        name = self.put("pushed", payload={})
        self.assertEqual(self.finished(name)["state"], "done")
        self.assertEqual(self.call("GET", f"/v1/jobs/{name}/result")[1], "sent")
        self.assertEqual(self.verified("pushed", not_idempotent=1)["findings"][0]["reason"], "failed")

    def test_workers_that_lease(self):
        self.begin()
        connection = psycopg2.connect(self.database)
        connection.autocommit = True
        self.addCleanup(connection.close)
        caller = "00-11111111111111111111111111111111-2222222222222222-01"

        def run(statement, values):
            status, body = self.call("POST", "/v1/queues/leased/lease", {"max": 1, "wait": 10})
            self.assertEqual(status, 200, body)
            (job,) = body["jobs"]
            with connection.cursor() as cursor:
                cursor.execute(commented(statement, job["fields"]["traceparent"]), values)
            self.assertEqual(self.call("POST", f"/v1/leases/{job['lease']}/ack", {})[0], 200)
            return job

        def twice(statement, values):
            body = {"payload": {}}
            status, put = self.call("POST", "/v1/queues/leased/jobs", body, traceparent=caller)
            self.assertEqual(status, 201, put)
            # The request that puts the job writes under its own trace, which is not the run's.
            with connection.cursor() as cursor:
                cursor.execute(commented("INSERT INTO mails VALUES ('request', 'x')", caller))
            first = run(statement, values)
            self.assertTrue(self.job(put["id"])["verify"])
            self.assertEqual(self.call("DELETE", f"/v1/jobs/{put['id']}")[0], 409)
            second = run(statement, values)
            self.assertEqual((first["id"], second["id"], second["verify"]), (put["id"], put["id"], True))
            self.assertNotIn("verify", first)

        twice("UPDATE counts SET n = 5 WHERE name = %s", ("mails",))
        self.verified("leased", idempotent=1, not_idempotent=0)
        twice("INSERT INTO mails VALUES (%s, 'x')", ("again",))
        self.verified("leased", idempotent=1, not_idempotent=1)

    def test_without_the_comment_it_says_so(self):
        self.begin()
        self.pushed([("INSERT INTO mails VALUES (%s, 'x')", lambda j: (j.id,))], comment=lambda text, _: text)
        self.finished(self.put("pushed", payload={}))
        found = self.verified("pushed", not_seen=1, idempotent=0, not_idempotent=0)
        self.assertEqual(found["findings"][0]["reason"], "no_trace")
        point = self.point()
        self.assertIn("queue pushed: 1 jobs were run twice, and none of their SQL was seen", point["evidence"])
        self.assertIn("traceparent", "\n".join(point["fix"]))

    def test_a_queue_without_it_runs_once(self):
        self.begin()
        self.pushed([("INSERT INTO mails VALUES (%s, 'x')", lambda j: (j.id,))])
        self.finished(self.put("plain", payload={}))
        self.assertEqual(pg.sql("SELECT count(*) FROM mails", "app"), "1")

    def test_after_a_restart_the_second_run_is_compared_with_nothing(self):
        self.begin()
        self.put("leased", payload={})
        lease = self.call("POST", "/v1/queues/leased/lease", {"max": 1, "wait": 10})[1]["jobs"][0]
        self.assertEqual(self.call("POST", f"/v1/leases/{lease['lease']}/ack", {})[0], 200)
        self.kill_and_start_again()
        again = self.call("POST", "/v1/queues/leased/lease", {"max": 1, "wait": 10})[1]["jobs"][0]
        self.assertEqual((again["id"], again["verify"]), (lease["id"], True))
        self.assertEqual(self.call("POST", f"/v1/leases/{again['lease']}/ack", {})[0], 200)
        self.assertEqual(self.job(lease["id"])["state"], "done")
        self.assertEqual(self.verified("leased", not_seen=1)["findings"][0]["reason"], "not_watched")


if __name__ == "__main__":
    unittest.main()
