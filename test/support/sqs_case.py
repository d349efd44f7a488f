"""What the scenarios of the SQS API share: a Fairing with a jobs plane of its own, SQS by hand, programs of real clients.

Flow:
    class Boto3(SqsCase):
        def test_it(self): self.start(keys=[KEY]); self.restart(); self.ask("SendMessage", QueueUrl=..., MessageBody="x")
"""
import http.client
import json
import os
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.parse

from support.fairing import ROOT, Fairing, split_address

KEY = {"id": "AKIAFAIRINGTEST", "secret": "a+secret/of=the.scenarios"}
CLIENTS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "clients", "sqs")


class SqsCase(unittest.TestCase):
    def start(self, keys=(), queues=(), threads=2, **jobs):
        """A Fairing with an empty store."""
        folder = tempfile.TemporaryDirectory(prefix="fairing-sqs-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.jobs = {
            "listen": "127.0.0.1:0",
            "store": f"sqlite:{self.folder}/jobs.db",
            "queues": list(queues),
            "sqs": {"access_keys": list(keys)},
            **jobs,
        }
        self.fairing = Fairing(self, {"jobs": self.jobs}, threads=threads)
        self.address = self.fairing.listeners["jobs"][0]
        self.url = f"http://{self.address}"
        return self.fairing

    def restart(self, with_signal=signal.SIGTERM):
        """Ends it and starts it again on the same port, so that queue URLs go on to be right."""
        self.jobs["listen"] = self.address
        self.fairing.write_config({"jobs": self.jobs})
        self.fairing.signal(with_signal)
        self.fairing.wait()
        self.fairing.process.stdout.close()
        self.fairing.log_file.close()
        self.fairing.start()

    # -- by hand ------------------------------------------------------------------------------------------

    def http(self, method, path, body=None, headers=None, timeout=30):
        """(status, text) of one request; the answer's header fields in self.headers."""
        connection = http.client.HTTPConnection(*split_address(self.address), timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            self.headers = answer.headers
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ask_raw(self, action, parameters):
        """AWS JSON 1.0: (status, answer)."""
        body = parameters if isinstance(parameters, (str, bytes)) else json.dumps(parameters)
        status, text = self.http("POST", "/", body, {
            "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}",
            "X-Amzn-Query-Mode": "true"})  # fmt: skip
        return status, json.loads(text) if text else {}

    def ask(self, action, **parameters):
        """The answer of an action that has to succeed."""
        status, answer = self.ask_raw(action, parameters)
        self.assertEqual(status, 200, answer)
        return answer

    def refused(self, code, action, status=400, **parameters):
        """The message of an action that has to be refused with that code, as the Query protocol spells it."""
        got, answer = self.ask_raw(action, parameters)
        self.assertEqual((got, self.code), (status, code), answer)
        return answer["message"]

    @property
    def code(self):
        """Of the last answer."""
        return (self.headers["x-amzn-query-error"] or "").partition(";")[0].removeprefix("AWS.SimpleQueueService.")

    def query(self, path="/", method="POST", **parameters):
        """The Query protocol: (status, XML)."""
        form = urllib.parse.urlencode(parameters)
        if method == "GET":
            return self.http("GET", f"{path}?{form}")
        return self.http("POST", path, form, {"Content-Type": "application/x-www-form-urlencoded"})

    def queue(self, name, **attributes):
        """The URL of a new queue."""
        return self.ask("CreateQueue", QueueName=name, Attributes=attributes)["QueueUrl"]

    def receive(self, url, **how):
        how = {"MaxNumberOfMessages": 10, "AttributeNames": ["All"], **how}
        return self.ask("ReceiveMessage", QueueUrl=url, **how).get("Messages", [])

    def guide(self, language, word):
        """The block of docs/guide/jobs.md in that language that has that word, for this Fairing."""
        path = os.path.join(ROOT, "docs", "guide", "jobs.md")
        with open(path, encoding="utf-8") as f:
            blocks = f.read().split(f"```{language}\n")[1:]
        (found,) = (b.split("```")[0] for b in blocks if word in b.split("```")[0])
        return found.replace("http://127.0.0.1:9324", self.url)

    # -- programs -----------------------------------------------------------------------------------------

    def environment(self, **more):
        """For a client: no file and no host of AWS may be asked."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "FAIRING_"))}
        return kept | {
            "AWS_ACCESS_KEY_ID": KEY["id"], "AWS_SECRET_ACCESS_KEY": KEY["secret"], "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "ENDPOINT": self.url, "SCRATCH": self.folder,
            "PYTHONDONTWRITEBYTECODE": "1", "NODE_NO_WARNINGS": "1", "LC_ALL": "C.UTF-8", **more,
        }  # fmt: skip

    def program(self, *command, timeout=60, **environment):
        """Runs a program of test/clients/sqs to its end: what it printed."""
        done = subprocess.run(command, cwd=CLIENTS, env=self.environment(**environment), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=timeout)  # fmt: skip
        self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}\n{done.stderr}\n{self.fairing.log()[-2000:]}")
        return done.stdout

    def background(self, *command, **environment):
        """A program of test/clients/sqs that is ended with the test; its output goes to self.folder/NAME.log."""
        log = open(os.path.join(self.folder, os.path.basename(command[-1]) + ".log"), "wb")
        process = subprocess.Popen(command, cwd=CLIENTS, env=self.environment(**environment), stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=subprocess.STDOUT, start_new_session=True)  # fmt: skip

        def end():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            log.close()

        self.addCleanup(end)
        process.log_path = log.name
        return process


def now_ms():
    return int(time.time() * 1000)
