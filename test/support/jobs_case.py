"""A test with a jobs plane: starts it on a file of its own, and speaks its API.

Flow:  class Mine(JobsCase): ...  self.start_jobs([{"name": "emails"}]); name = self.put("emails", payload=1)
"""
import http.client
import json
import os
import signal
import unittest

from support.fairing import Fairing, split_address
from support.wait import wait_until


class JobsCase(unittest.TestCase):
    def start_jobs(self, queues, more=None, jobs=None, **fairing):
        """`more`: other sections of the configuration; `jobs`: other keys of this one."""
        self.store = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"fairing-jobs-{os.getpid()}-{self.id()}.db")
        for end in ("", "-wal", "-shm", ".lock"):
            self.addCleanup(lambda path=self.store + end: os.path.exists(path) and os.remove(path))
        plane = {"listen": "127.0.0.1:0", "store": f"sqlite:{self.store}", "queues": queues, **(jobs or {})}
        self.config = {"jobs": plane, **(more or {})}
        self.fairing = Fairing(self, self.config, **fairing)
        return self.fairing

    def kill_and_start_again(self):
        self.fairing.signal(signal.SIGKILL)
        self.fairing.wait()
        self.fairing.process.stdout.close()
        self.fairing.log_file.close()
        self.fairing.start()

    def call(self, method, path, body=None, **headers):
        """Status and JSON (or text) of an answer of the jobs listener; its headers in self.headers."""
        host, port = split_address(self.fairing.listeners["jobs"][0])
        connection = http.client.HTTPConnection(host, port, timeout=60)
        try:
            if body is not None and not isinstance(body, (str, bytes)):
                body = json.dumps(body)
                headers.setdefault("Content_Type", "application/json")
            connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
            answer = connection.getresponse()
            text = answer.read().decode()
            self.headers = answer.headers
            is_json = "json" in (answer.headers.get("Content-Type") or "")
            return answer.status, json.loads(text) if is_json and text else text
        finally:
            connection.close()

    def put(self, queue="emails", expect=201, **job):
        status, body = self.call("POST", f"/v1/queues/{queue}/jobs", job)
        self.assertEqual(status, expect, body)
        return body.get("id")

    def job(self, name):
        status, body = self.call("GET", f"/v1/jobs/{name}")
        self.assertEqual(status, 200, body)
        return body

    def finished(self, name, wait=20):
        """The job once it has finished."""
        status, body = self.call("GET", f"/v1/jobs/{name}?wait={wait}")
        self.assertEqual(status, 200, body)
        self.assertIn(body["state"], ("done", "dead", "cancelled"), body)
        return body

    def in_state(self, name, state):
        return wait_until(lambda: self.job(name)["state"] == state and self.job(name), what=f"{name} {state}")
