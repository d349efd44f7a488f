"""The checklist from live traffic: each point of the http plane fails with its evidence, and its fix, pasted into the
file, mends it."""
import itertools
import json
import os
import re
import sys
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.client import fetch
from support.fairing import Fairing, run_cli
from support.origin import Origin, Routes, answer

LIST = json.dumps([{"id": i, "name": "a product"} for i in range(1200)]).encode()
JSON = {"Content-Type": "application/json"}


def after(seconds, headers, body):
    """A handler that takes its time, as a backend that works; without `body` each answer is another one."""
    numbers = itertools.count()

    def handler(request):
        request.read_body()
        time.sleep(seconds)
        return answer(200, headers, body or b"number %d" % next(numbers))

    return handler


def as_site(fixes):
    """The lines of fixes as a person puts them into a site: one route a match, since the first that matches wins."""
    routes, keys = {}, []
    for line in (line for line in fixes if not line.startswith("#")):
        route = re.fullmatch(r"- \{ match: ([^,]+), (.+) \}", line)
        if route:
            routes.setdefault(route[1], []).append(route[2])
        else:
            keys.append(f"  {line}\n")
    return "".join(keys) + "  routes:\n" + "".join(f"    - {{ match: {m}, {', '.join(r)} }}\n" for m, r in routes.items())


class Checklist(unittest.TestCase):
    def setUp(self):
        routes = Routes()
        routes.on("/list", after(0.06, JSON, LIST))
        routes.on("/slow", after(1.05, {"Cache-Control": "no-store"}, None))
        routes.on("/login", after(0, {}, b"in"))
        self.origin = Origin(self, routes)

    def start(self, site):
        return Fairing(
            self, f"admin: 127.0.0.1:0\nhttp:\n  listen: 127.0.0.1:0\n  name: shop\n  upstream: {self.origin.url}\n{site}"
        )

    def traffic(self, f):
        for _ in range(25):
            fetch(f.http, "/list", headers={"Accept-Encoding": "gzip"})
            fetch(f.http, "/login", "POST", body=b"x")
        with ThreadPoolExecutor(22) as pool:
            for done in [pool.submit(fetch, f.http, "/slow") for _ in range(22)]:
                done.result()

    def points(self, f):
        return {p["number"]: p for p in json.loads(f.cli("check", "--json").stdout)["points"]}

    def test_each_fix_mends_its_point(self):
        before = self.start("  compression: false\n  timeouts: { total: 10m }\n")
        self.traffic(before)
        points = self.points(before)
        self.assertIn(points[6]["grade"], ("warn", "fail"))
        self.assertIn("GET /slow: ", points[6]["evidence"][0])
        for number, grade, evidence in (
            (3, "fail", "GET /list: "),
            (5, "fail", "24 of 25 answers of the backend (96 %)"),
            (7, "fail", "GET /list: 25 of 25"),
            (8, "warn", "total 10m"),
            (9, "fail", "POST /login: 25 requests without a rate limit"),
        ):
            with self.subTest(point=number):
                self.assertEqual(points[number]["grade"], grade, points[number])
                self.assertIn(evidence, " ".join(points[number]["evidence"]))
                self.assertTrue(points[number]["fix"])
        self.assertEqual(before.cli("check").returncode, 1)

        after_it = self.start(as_site([line for n in (5, 7, 8, 9) for line in points[n]["fix"]]))
        done = run_cli("validate", "-c", after_it.config_path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.traffic(after_it)
        points = self.points(after_it)
        self.assertEqual({n: points[n]["grade"] for n in (5, 7, 8)}, {n: "pass" for n in (5, 7, 8)}, points)
        self.assertIn(points[9]["grade"], ("pass", "not_seen"), "what was refused is no sample")
        self.assertIn("limited: POST /login", points[9]["evidence"])

    def test_nothing_is_graded_from_nothing(self):
        f = self.start("")
        points = self.points(f)
        for number in (3, 5, 6, 7, 9):
            self.assertEqual(points[number]["grade"], "not_seen")
            self.assertTrue(points[number]["evidence"], "says how many samples it needs")
        self.assertEqual(f.cli("check", "--strict").returncode, 0)


if __name__ == "__main__":
    unittest.main()
