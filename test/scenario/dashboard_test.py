"""The dashboard: the page, style and script of a real Fairing, run under node in support/tiny_dom.mjs.

What is looked at: every endpoint that the script asks is there and every member it reads is in a real answer; what comes
from outside is text; a change is sent with the token and does what its button says; nobody looks: nothing is asked.
"""
import json
import os
import subprocess
import sys
import unittest
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.client import fetch
from support.fairing import ROOT, split_address
from support.jobs_case import JobsCase
from support.origin import Origin, Routes, answer
from support.pgclient import PgClient
from support.postgres import Postgres
from support.wait import wait_until

RUN = os.path.join(ROOT, "test", "support", "dashboard_run.mjs")
HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>'
QUEUES = [
    {"name": "emails", "attempts": ["0s"]},
    {"name": "slow", "attempts": ["0s", "1h"]},
    {"name": "checked", "verify_idempotency": "100%"},
    {"name": "pushed", "push": "http://127.0.0.1:9/jobs", "secret": "whsec_" + "YWFh" * 10},
]
SCHEMA = (
    "CREATE TABLE dash_shops (id int PRIMARY KEY, city text);"
    "INSERT INTO dash_shops SELECT i, 'city ' || i % 5000 FROM generate_series(1, 20000) i;"
    "CREATE TABLE dash_orders (id int PRIMARY KEY, shop int);"
    "INSERT INTO dash_orders SELECT i, i FROM generate_series(1, 20000) i;"
    "GRANT SELECT ON dash_shops, dash_orders TO PUBLIC; ANALYZE;"
)


def setUpModule():
    globals()["pg"] = Postgres().start()
    pg.sql(SCHEMA, database="app")


def tearDownModule():
    pg.stop()


class Dashboard(JobsCase):
    def begin(self, **more):
        self.start_jobs(QUEUES, more)

    def look(self, *steps, **how):
        """What came of the script's run: see dashboard_run.mjs."""
        request = json.dumps({"base": self.fairing.admin_url, "steps": steps, **how})
        done = subprocess.run(["node", RUN, request], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def seen(self, *steps, **how):
        """The same, of a run without an error."""
        run = self.look(*steps, **how)
        self.assertEqual(run["errors"], [])
        self.assertTrue(run["text"]["state"].startswith("live, "), run["text"]["state"])
        return run

    def lease(self, queue, **how):
        status, body = self.call("POST", f"/v1/queues/{queue}/lease", how)
        self.assertEqual((status, len(body["jobs"])), (200, how.get("max", 1)))
        return body["jobs"][0]["lease"]

    def failed(self, error, queue="emails", **job):
        """A job one attempt of which has failed."""
        name = self.put(queue, payload={"n": 1}, **job)
        self.call("POST", f"/v1/leases/{self.lease(queue)}/fail", {"error": error})
        return name

    def settled(self, test):
        """The queues as the admin interface shows them, once they pass."""

        def look():
            queues = {q["name"]: q for q in self.fairing.call("GET", "/v1/queues", token=False)[1]["items"]}
            return queues if test(queues) else None

        return wait_until(look, what="the queues' look")


class ThePage(Dashboard):
    def test_page_script_and_style_allow_nothing_but_themselves(self):
        self.begin()
        for path, kind in (("/", "text/html"), ("/dashboard.js", "text/javascript"), ("/dashboard.css", "text/css")):
            with urllib.request.urlopen(self.fairing.admin_url + path, timeout=20) as got:
                self.assertEqual(got.headers["Content-Type"], f"{kind}; charset=utf-8")
                policy = dict(p.split(" ", 1) for p in got.headers["Content-Security-Policy"].split("; "))
            self.assertEqual(policy["default-src"], "'none'")
            self.assertEqual({policy[p] for p in ("script-src", "style-src", "connect-src")}, {"'self'"})
            self.assertEqual((policy["trusted-types"], policy["require-trusted-types-for"]), ("'none'", "'script'"))
            self.assertEqual({policy[p] for p in ("frame-ancestors", "base-uri", "form-action")}, {"'none'"})

    def test_planes_that_are_off_say_so_and_are_not_asked(self):
        self.begin()
        run = self.seen({"tick": 3})
        self.assertIn("--sql", run["text"]["sql-state"])
        self.assertEqual((run["hidden"]["sql-plane"], run["hidden"]["jobs-plane"]), (True, False))
        self.assertFalse([a for a in run["asked"] if "/v1/pools" in a])

    def test_while_nobody_looks_nothing_is_asked_and_no_list_is_asked_for_whole(self):
        self.begin()
        before = self.seen({"tick": 2})["asked"]
        hidden = self.look({"tick": 2}, {"hide": True}, {"tick": 10})
        # The poll that was planned ends there: it asks for nothing and plans no other.
        self.assertEqual((len(hidden["asked"]), hidden["timers"]), (len(before), 0))
        again = self.seen({"tick": 2}, {"hide": True}, {"tick": 10}, {"hide": False})
        self.assertGreater(len(again["asked"]), len(before))
        for asked in again["asked"]:
            if any(path in asked for path in ("/v1/queues", "/v1/failures", "/v1/queries", "/v1/n_plus_one", "/v1/jobs")):
                self.assertRegex(asked, r"[?&]limit=\d+(&|$)")

    def test_rows_do_not_move_from_under_who_is_about_to_click(self):
        self.begin()
        self.put("slow", payload=1)
        self.settled(lambda q: q["slow"]["depth"]["queued"] == 1)
        first = [{"tick": 1}, {"focus": ["queues", "Pause", "emails"]}, {"type": ["queues-sort", "name"], "event": ["queues-sort", "change"]}]
        order = lambda run: [n for _, n in sorted((run["text"]["queues"].index(n), n) for n in ("checked", "emails", "slow"))]
        self.assertEqual(order(self.seen(first[0])), ["slow", "checked", "emails"])
        self.assertEqual(order(self.seen(first[0], first[2])), ["checked", "emails", "slow"])
        self.assertEqual(order(self.seen(*first)), ["slow", "checked", "emails"])

    def test_what_comes_from_outside_is_text(self):
        self.begin()
        name = self.failed(HOSTILE, key=HOSTILE, unique=HOSTILE)
        queue = dict(self.settled(lambda q: q["emails"]["depth"]["dead"] == 1)["emails"], name=HOSTILE, push=HOSTILE, paused=True)
        total = {"queues": 40, "depth": queue["depth"], "expired": 0}
        answers = {"/v1/queues": {"items": [queue], "next": HOSTILE, "total": total}}
        steps = [{"tick": 1}, {"hash": "#find?q=" + "img"}, {"hash": "#job/" + name}, {"tick": 1}]
        run = self.seen(*steps, answers=answers)
        self.assertNotIn("IMG", run["tags"])
        self.assertEqual(run["tags"]["SCRIPT"], 1)
        for place in ("queues", "found", "job-facts", "job-attempts"):
            self.assertIn(HOSTILE, run["text"][place], place)
        self.assertIn("<script>", run["text"]["failures"])
        # The same script with markup in place of text is found out.
        broken = self.look(*steps, change=["at.append(...list(inside)", "at.innerHTML = String(inside); at.append(...list(inside)"])
        self.assertIn("innerHTML reads text as markup", "".join(broken["errors"]) + broken["text"]["state"])


class WhatItReads(Dashboard):
    def setUp(self):
        routes = Routes()
        routes.on("/", lambda r: answer(200, {"Cache-Control": "max-age=60"}, b"fresh"))
        sql = {"listen": "127.0.0.1:0", "upstream": pg.url(), "advise": {"every": "1s"}}
        self.begin(http={"listen": "127.0.0.1:0", "upstream": Origin(self, routes).url}, sql=sql)

    def traffic(self):
        for path in ("/a", "/a", "/b"):
            fetch(self.fairing.http, path)
        with PgClient(split_address(self.fairing.listeners["sql"][0])) as c:
            for n in range(20):
                c.extended("SELECT id FROM dash_shops WHERE city = $1", [f"city {n}"])
            c.extended("SELECT id FROM dash_shops WHERE id < 40 AND city <> $1", ["x"])
            for i in range(1, 40):
                c.extended("SELECT * FROM dash_orders WHERE shop = $1", [str(i)])
            c.query("SELECT * FROM dash_orders ORDER BY id LIMIT 2 OFFSET 15000")
            c.query("LISTEN dash")  # a pin

    def jobs_of_every_kind(self):
        """Their ids; together they have every member that a job may have."""
        names = [self.put("slow", payload={"a": 1}, key="k", unique="u", priority=3, delay=3600)]
        status, body = self.call("POST", "/v1/queues/slow/jobs", {"jobs": [{"payload": 1}], "on_complete": {"payload": 2}})
        self.assertEqual(status, 201)
        names.append(body["jobs"][0]["id"])
        self.call("POST", f"/v1/leases/{self.lease('slow')}/progress", {"progress": "half"})
        names.append(self.put("lost", payload=1))
        self.lease("lost", lease=1)
        wait_until(lambda: self.job(names[-1])["attempts"][-1].get("lease_expired"), what="the lease's end")
        names.append(self.failed("no mailbox 550"))
        self.put("checked", payload=1)
        for _ in range(2):  # and its second run
            self.call("POST", f"/v1/leases/{self.lease('checked', wait=10)}/ack", {})
        names.append(self.put("checked", payload=2))
        self.call("POST", f"/v1/leases/{self.lease('checked')}/ack", {})
        ce = {"ce-id": "1", "ce-source": "/s", "ce-type": "t", "ce-specversion": "1.0", "traceparent": f"00-{'4b' * 16}-{'a' * 16}-01"}
        status, body = self.call("POST", "/v1/queues/slow/jobs", b"\xff\x00", Content_Type="application/octet-stream", **ce)
        self.assertEqual(status, 201, body)
        return [*names, body["id"]]

    def test_every_endpoint_and_member_is_there(self):
        self.traffic()
        names = self.jobs_of_every_kind()
        self.settled(lambda q: q["lost"]["expired"] == 1 and q["emails"]["depth"]["dead"] == 1)
        self.settled(lambda q: q["checked"]["verified"]["findings"])
        wait_until(lambda: self.fairing.call("GET", "/v1/indexes", token=False)[1]["items"], 60, "index advice")
        steps = [{"tick": 3}, {"hash": "#find?queue=slow"}, {"hash": "#find?state=dead"}, {"hash": "#why?trace=" + "4b" * 16}]
        steps += [{"type": ["url", "/a"], "submit": "ask"}]
        run = self.seen(*steps, *({"hash": "#job/" + name} for name in names))
        self.assertEqual(run["missing"], [])
        must = ("/v1/indexes.items[].statement", "/v1/n_plus_one.items[].batched_sql", "/v1/pools.items[].pins.listen", "/v1/queries.items[].p95_ms")
        must += ("/v1/queues.items[].verified.findings[].verdict", "/v1/queues.items[].expired", "/v1/failures.items[].first_seen", "/v1/explain.items[].took_us", "/v1/upstreams.items[].reason")
        must += ("/v1/jobs/{id}.attempts[].lease_expired", "/v1/jobs/{id}.payload_base64", "/v1/jobs/{id}.batch", "/v1/checklist.points[].fix")
        self.assertLessEqual(set(must), set(run["read"]))
        for place, words in (("queues", "slow"), ("failures", "no mailbox N"), ("pools", "listen"), ("loops", "dash_orders"), ("advice", "CREATE INDEX")):
            self.assertIn(words, run["text"][place])
        self.assertIn("dash_shops", run["text"]["queries"])
        self.assertIn("Dead jobs", run["text"]["tiles"])

        # A member or an endpoint that is not there is found out.
        broken = self.look(change=["q.oldest_age_ms", "q.oldest_age"])
        self.assertEqual(broken["missing"], ["/v1/queues.items[].oldest_age"])
        broken = self.look(change=['"/v1/failures?"', '"/v1/failure?"'])
        self.assertIn("/v1/failure", broken["text"]["failures-state"])


class Changes(Dashboard):
    def setUp(self):
        self.begin()
        self.token = self.fairing.token()
        self.steps = [{"type": ["token", self.token], "event": ["token", "input"]}, {"tick": 2}]

    def test_without_the_token_nothing_is_sent(self):
        self.put("emails", payload=1)
        run = self.seen({"tick": 1}, {"click": ["queues", "Pause", "emails"]})
        self.assertEqual((run["sent"], run["focused"], run["token"]), ([], "token", None))
        self.assertIn("needs the token", run["text"]["said"])
        run = self.seen({"type": ["token", "wrong"], "event": ["token", "input"]}, {"tick": 1}, {"click": ["queues", "Pause"]})
        self.assertIn("not this instance's", run["text"]["said"])
        self.assertEqual(len(run["sent"]), 1)

    def test_a_queue_is_paused_and_resumed(self):
        self.put("emails", payload=1)
        self.settled(lambda q: q["emails"]["depth"]["queued"] == 1)
        run = self.seen(*self.steps, {"type": ["queues-part", "email"], "event": ["queues-part", "input"]}, {"click": ["queues", "Pause"]})
        self.assertEqual([s["path"] for s in run["sent"]], ["/v1/queues/emails/pause"])
        self.assertEqual(run["token"], self.token)
        self.assertNotIn(self.token, run["hash"] + json.dumps(run["asked"]) + json.dumps(run["text"]))
        self.assertTrue(self.settled(lambda q: q["emails"]["paused"]))
        self.seen(*self.steps, {"click": ["queues", "Resume"]})
        self.settled(lambda q: not q["emails"]["paused"])

    def test_dead_jobs_are_redriven_one_a_group_and_all(self):
        names = [self.failed(error) for error in ("no mailbox 1", "no mailbox 2", "refused", "refused")]
        self.settled(lambda q: q["emails"]["depth"]["dead"] == 4)
        one = self.seen(*self.steps, {"hash": "#job/" + names[0]}, {"click": ["job-buttons", "Redrive"]}, {"tick": 1})
        self.assertEqual(json.loads(one["sent"][0]["body"]), {"id": names[0]})
        self.in_state(names[0], "queued")

        go = [{"click": ["failures", "Redrive its dead", "refused"]}, {"type": ["sure-rate", "100/s"]}]
        left = self.seen(*self.steps, *go, {"click": ["sure", "Leave it"]})
        self.assertEqual(left["sent"], [])
        group = self.seen(*self.steps, *go, {"click": ["sure", "Redrive"]})
        self.assertEqual(json.loads(group["sent"][0]["body"]), {"error": "refused", "rate": "100/s"})
        for name in names[2:]:
            self.in_state(name, "queued")
        self.assertEqual(self.job(names[1])["state"], "dead")

        self.settled(lambda q: q["emails"]["depth"]["dead"] == 1 and not q["emails"]["redriving"])
        everything = self.seen(*self.steps, {"click": ["queues", "Redrive dead"]}, {"type": ["sure-rate", ""]}, {"click": ["sure", "Redrive"]})
        self.assertEqual(json.loads(everything["sent"][0]["body"]), {})
        self.assertIn("1 jobs of emails", everything["text"]["said"])
        self.in_state(names[1], "queued")

    def test_a_job_is_cancelled_from_a_search(self):
        name = self.put("emails", payload={"order": "o-4711"})
        find = [{"type": ["search-text", "o-4711"], "submit": "search"}]
        run = self.seen(*self.steps, *find, {"click": ["found", "Cancel"]}, {"click": ["sure", "Cancel the job"]})
        self.assertEqual((run["sent"][0]["method"], run["hash"]), ("DELETE", "#find?q=o-4711"))
        self.in_state(name, "cancelled")

    def test_a_search_goes_on_by_its_cursor(self):
        for n in range(60):
            self.put("emails", payload=n)
        page = [{"hash": "#find?queue=emails"}, {"click": ["found-pages", "Older"]}, {"click": ["found-pages", "Older"]}]
        run = self.seen(*page)
        self.assertEqual(run["text"]["found"].count("emails"), 10)
        run = self.seen(*page, {"click": ["found-pages", "First page"]})
        self.assertEqual(run["text"]["found"].count("emails"), 25)
        self.assertEqual(self.seen({"hash": "#find?queue=nobody"})["text"]["found-state"], "there is no queue nobody")
        missing = self.seen({"hash": "#job/0000000000000"})
        self.assertIn("0000000000000", missing["text"]["job-state"])


if __name__ == "__main__":
    unittest.main()
