"""A route whose requests are put off, before a backend that answers when it is told to.

Flow:  class Mine(OffloadCase): ...  self.start(mode="always"); at = self.accepted(); self.go.set(); self.ask(at, "GET")
"""
import json
import threading

from support.client import fetch
from support.jobs_case import JobsCase
from support.origin import CLOSE, Origin, answer

ANN = {"Authorization": "Bearer ann"}
BOB = {"Authorization": "Bearer bob"}
ASYNC = {"Prefer": "respond-async"}


def breaks_off(request):
    """A backend whose answer ends in the middle."""
    request.read_body()
    request.connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
    return CLOSE


class OffloadCase(JobsCase):
    def start(self, handler=None, mode="prefer", queue=None, site=None, env=None, jobs=None, **route):
        self.go = threading.Event()
        self.ran = []

        def usual(request):
            self.ran.append((request.method, request.target, request.read_body(), dict(request.headers)))
            self.go.wait(30)
            body = json.dumps({"run": len(self.ran)}).encode()
            return answer(201, {"X-From": "backend", "Cache-Control": "public, max-age=60"}, body, "Created")

        self.origin = Origin(self, handler or usual)
        rule = {"match": "/reports/**", "async": {"mode": mode, "queue": "reports", **route}}
        http = {"listen": "127.0.0.1:0", "upstream": self.origin.url, "routes": [rule], **(site or {})}
        reports = {"name": "reports", "timeout": "20s", "attempts": ["0s", "100ms", "100ms"], **(queue or {})}
        fairing = self.start_jobs([reports], {"http": http}, jobs=jobs, **({"env": env} if env else {}))
        self.addCleanup(self.go.set)  # before Fairing ends, which waits for what runs
        return fairing

    def ask(self, path, method="POST", body=b'{"year":2026}', **headers):
        """One request on the http listener; underscores in names are dashes."""
        sent = {"Content-Type": "application/json", **ANN}
        sent.update({k.replace("_", "-"): v for k, v in headers.items()})
        sent = {k: v for k, v in sent.items() if v is not None}
        data = body if method == "POST" else None
        return fetch(self.fairing.http, path, method=method, headers=sent, body=data, timeout=40)

    def accepted(self, **headers):
        got = self.ask("/reports/year", **{**ASYNC, **headers})
        self.assertEqual(got.status, 202, got.text)
        return got.get("Location")

    def problem(self, got, status, slug):
        self.assertEqual((got.status, json.loads(got.body)["type"]), (status, f"urn:fairing:problem:{slug}"), got.text)

    def reload(self):
        self.fairing.write_config(self.config)
        self.assertEqual(self.fairing.cli("reload").returncode, 0)
