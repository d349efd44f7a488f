"""The admin interface as its OpenAPI file has it: every path, its real answers, and the dashboard."""
import http.client
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.client import fetch
from support.fairing import ROOT, Fairing, split_address
from support.openapi import Spec
from support.origin import Origin, Routes, answer
from support.pgclient import PgClient
from support.postgres import Postgres
from support.wait import wait_until

FRESH = {"Cache-Control": "max-age=60", "Cache-Tag": "a,b"}


def setUpModule():
    globals()["pg"] = Postgres().start()
    pg.sql(
        "CREATE TABLE api_shops (id int PRIMARY KEY, city text);"
        "INSERT INTO api_shops SELECT i, 'x' FROM generate_series(1, 40) i;"
        "CREATE TABLE api_orders (id int PRIMARY KEY, shop int);"
        "INSERT INTO api_orders SELECT i, i FROM generate_series(1, 40) i;"
        "GRANT SELECT ON api_shops, api_orders TO PUBLIC;",
        database="app",
    )


def tearDownModule():
    pg.stop()


class AdminApi(unittest.TestCase):
    def setUp(self):
        routes = Routes()
        routes.on("/", lambda r: answer(200, FRESH, b"fresh"))
        routes.on("/cart", lambda r: answer(200, {"Set-Cookie": "a=1"}, b"private"))
        self.spec = Spec()
        self.asked = set()
        self.fairing = Fairing(
            self,
            {
                "http": {"listen": "127.0.0.1:0", "upstream": Origin(self, routes).url},
                "sql": {"listen": "127.0.0.1:0", "upstream": pg.url()},
                "jobs": {"listen": "127.0.0.1:0", "store": "sqlite:" + os.path.join(self.folder(), "jobs.db")},
            },
        )

    def folder(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        return made.name

    def ask(self, method, path, query="", body=None, token=None, headers=None, at=None):
        """(status, value) of an answer that is as the file says; `at`: the path as the file has it."""
        connection = http.client.HTTPConnection(*self.fairing.admin, timeout=20)
        try:
            sent = dict(headers or {})
            if token if token is not None else method == "POST":
                sent["Authorization"] = "Bearer " + self.fairing.token()
            connection.request(method, path + query, None if body is None else json.dumps(body), sent)
            got = connection.getresponse()
            text, kind = got.read(), got.getheader("Content-Type")
        finally:
            connection.close()
        if kind is None:  # 204
            self.assertIn(str(got.status), self.spec.paths[at or path][method.lower()]["responses"])
        else:
            self.spec.check(method, at or path, got.status, kind, text)
        self.asked.add((method.lower(), at or path))
        return got.status, json.loads(text) if kind and "json" in kind else text.decode()

    def jobs(self):
        """Every path of the jobs plane's views, with jobs that wait, were cancelled, and are not there."""
        queue, one = "/v1/queues/{queue}/{verb}", "/v1/jobs/{id}"
        connection = http.client.HTTPConnection(*split_address(self.fairing.listeners["jobs"][0]), timeout=20)
        self.addCleanup(connection.close)
        names = []
        for n in range(2):
            connection.request("POST", "/v1/queues/mails/jobs", json.dumps({"payload": n}))
            names.append(json.loads(connection.getresponse().read())["id"])
        self.assertEqual(self.ask("GET", "/v1/jobs/" + names[0], at=one)[0], 200)
        self.assertEqual(self.ask("DELETE", "/v1/jobs/" + names[0], token=True, at=one)[0], 204)
        self.assertEqual(self.ask("GET", "/v1/jobs/0000000000000", at=one)[0], 404)
        self.assertEqual(len(self.ask("GET", "/v1/jobs", "?queue=mails&state=queued")[1]["items"]), 1)
        self.assertEqual(self.ask("GET", "/v1/failures")[0], 200)
        self.assertEqual(self.ask("POST", "/v1/queues/mails/pause", at=queue)[0], 200)
        self.assertEqual(self.ask("POST", "/v1/queues/mails/pause", token=False, at=queue)[0], 401)
        # The view is the writer's last look.
        wait_until(lambda: self.ask("GET", "/v1/queues")[1]["items"][0]["paused"], 10, "the queue is shown as paused")

    def traffic(self):
        for path in ("/a", "/a", "/b?x=1", "/cart", "/cart"):
            fetch(self.fairing.http, path)
        with PgClient(split_address(self.fairing.listeners["sql"][0])) as c:
            c.extended("SELECT id FROM api_shops WHERE city = $1", ["x"])
            for i in range(1, 41):
                c.extended("SELECT * FROM api_orders WHERE shop = $1", [str(i)])
            c.query("SELECT * FROM api_orders ORDER BY id LIMIT 2 OFFSET 30")

    def test_every_answer_is_as_the_file_says(self):
        self.traffic()
        for path in ("/livez", "/readyz", "/startupz", "/metrics", "/", "/dashboard.css", "/dashboard.js"):
            self.assertEqual(self.ask("GET", path)[0], 200, f"{path}: {self.ask('GET', '/readyz', '?verbose')[1]}")
        self.assertEqual(self.ask("GET", "/readyz", "?verbose")[0], 200)
        for path in ("/v1/checklist", "/v1/config", "/v1/bypass", "/v1/upstreams", "/v1/pools", "/v1/indexes"):
            self.assertEqual(self.ask("GET", path)[0], 200, path)
        for path in ("/v1/cache/entries", "/v1/queries", "/v1/n_plus_one", "/v1/pools"):
            status, body = self.ask("GET", path)
            self.assertEqual(status, 200, path)
            self.assertTrue(body["items"], f"{path} has something to compare")
        status, body = self.ask("GET", "/v1/explain", "?url=/cart")
        self.assertEqual((status, len(body["items"])), (200, 2))
        trace = body["items"][0]["trace_id"]
        self.assertEqual(self.ask("GET", "/v1/explain", f"?trace={trace}")[0], 200)

        self.assertEqual(self.ask("POST", "/v1/purge", body={"tags": ["a"], "dry_run": True})[1]["matched"], 2)
        self.assertEqual(self.ask("POST", "/v1/purge", body={"tags": ["a"], "soft": True})[0], 200)
        self.assertTrue(self.ask("GET", "/v1/cache/entries", "?tag=a")[1]["items"][0]["softly_purged"])
        self.assertEqual(self.ask("POST", "/v1/bypass", body={"what": "http"})[1], {"bypassed": ["http"]})
        self.assertEqual(self.ask("POST", "/v1/bypass", body={"what": "http", "off": True})[1], {"bypassed": []})
        self.assertEqual(self.ask("POST", "/v1/reload")[0], 200)
        self.jobs()
        self.assert_refusals()
        self.assertEqual(self.ask("POST", "/v1/drain")[0], 202)

        written = {(m, p) for p, ways in self.spec.paths.items() for m in ways if m != "parameters"}
        self.assertEqual(written - self.asked, set(), "paths of the file that were not asked")

    def assert_refusals(self):
        self.assertEqual(self.ask("GET", "/v1/keyspaces")[0], 404)
        self.assertEqual(self.ask("GET", "/v1/explain", "?url=/nobody-asked")[0], 404)
        self.assertEqual(self.ask("GET", "/v1/queries", "?limit=0")[0], 400)
        self.assertEqual(self.ask("GET", "/v1/cache/entries", "?lmit=1")[0], 400)
        self.assertEqual(self.ask("POST", "/v1/purge", body={"tag": ["a"]})[0], 400)
        for path in ("/v1/purge", "/v1/bypass", "/v1/reload", "/v1/drain"):
            self.assertEqual(self.ask("POST", path, token=False)[0], 401, path)
        self.assertEqual(self.ask("GET", "/livez", headers={"Host": "evil.example"})[0], 403)
        with open(self.fairing.config_path, encoding="utf-8") as f:
            good = f.read()
        self.fairing.write_config("http: { listen: 1, upstrm: x }\n")
        status, problem = self.ask("POST", "/v1/reload")
        self.assertEqual(status, 422)
        self.assertIn("upstream", problem["detail"])
        self.fairing.write_config(good)

    def test_every_endpoint_is_in_the_file(self):
        with open(os.path.join(ROOT, "src", "admin", "router.cpp"), encoding="utf-8") as f:
            served = set(re.findall(r'endpoint\{\.path = "([^"]+)"', f.read()))
        # What stands below /v1/jobs and /v1/queues is the jobs plane's own.
        self.assertEqual(served, {path.partition("/{")[0] for path in self.spec.paths})

    def test_the_dashboard_asks_only_for_what_is_there(self):
        script = self.ask("GET", "/dashboard.js")[1]
        page = self.ask("GET", "/")[1]
        # What is asked for with an id or a queue's name ends in a slash here; dashboard_test asks for all of it.
        asked = {path.removesuffix("/") for path in re.findall(r'"(/(?:v1/|metrics)[^"?]*)', script)}
        lists = {"/v1/pools", "/v1/queries", "/v1/n_plus_one", "/v1/indexes", "/v1/queues", "/v1/failures", "/v1/jobs"}
        self.assertLessEqual({"/metrics", "/v1/checklist", "/v1/explain"} | lists, asked)
        self.assertLessEqual(asked | set(re.findall(r'(?:href|src)="(/[^"]*)"', page)), set(self.spec.paths))
        for name in re.findall(r'\bid\("([^"]+)"\)', script):
            self.assertIn(f'id="{name}"', page)
        checked = subprocess.run(["node", "--check", "-"], input=script, capture_output=True, text=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr)


if __name__ == "__main__":
    unittest.main()
