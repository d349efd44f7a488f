"""Starts, drives and stops one Fairing.

Flow:
    f = Fairing(self, {"http": {"listen": "127.0.0.1:0", "upstream": origin.url}})   # stopped by the test's cleanup
    f.http          first http listener, an address for support.client
    f.purge(tags=["a"]); f.metric("fairing_cache_requests_total", result="hit"); f.cli("explain", url)

The configuration is written as JSON, which YAML contains; a string is written as it is. The admin listener gets a
free port unless the configuration has its own. A Fairing that does not end with exit code 0 fails its test.
"""
import ctypes
import glob
import http.client
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import threading

from support.wait import wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIBC = ctypes.CDLL(None)
SAMPLE = re.compile(r"^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def binary():
    """The program under test: FAIRING_BIN, else the newest of build/*/fairing."""
    named = os.environ.get("FAIRING_BIN")
    if named:
        return named
    built = sorted(glob.glob(os.path.join(ROOT, "build", "*", "fairing")), key=os.path.getmtime)
    if not built:
        raise RuntimeError("no fairing: set FAIRING_BIN or run ./dev build")
    return built[-1]


def split_address(text):
    """ "127.0.0.1:80" -> ("127.0.0.1", 80); "unix:/p" -> "/p"."""
    if text.startswith("unix:"):
        return text[5:]
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


class Fairing:
    def __init__(self, test, config=None, args=(), env=None, nofile=None, threads=1, ready=True):
        self.test = test
        self.dir = tempfile.mkdtemp(prefix="fairing-test-")
        self.runtime = os.path.join(self.dir, "run")
        os.makedirs(self.runtime, exist_ok=True)
        self.config_path = os.path.join(self.dir, "fairing.yaml")
        self.process = None
        self.expected_exit = 0
        self.listeners = {}
        test.addCleanup(self._clean_up)
        command = [binary(), "run"]
        self.threads = threads
        if config is not None:
            self.write_config(config)
            command += ["-c", self.config_path]
        self.command = command + list(args)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("FAIRING_")}
        self.env["FAIRING_RUNTIME_DIR"] = self.runtime
        self.env.update(env or {})
        self.nofile = nofile
        if ready:
            self.start()

    # -- life ---------------------------------------------------------------------------------------------

    def write_config(self, config):
        """Replaces the configuration file; a dict gets an admin listener and the threads there are if it names none."""
        if isinstance(config, dict):
            config = dict(config)
            config.setdefault("admin", {"listen": "127.0.0.1:0"})
            config.setdefault("runtime", {"threads": self.threads})
            config = json.dumps(config, indent=1)
        temporary = self.config_path + ".new"
        with open(temporary, "w", encoding="utf-8") as f:
            f.write(config)
        os.replace(temporary, self.config_path)

    def _prepare_child(self):
        LIBC.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: no Fairing outlives a killed test
        if self.nofile:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.nofile, self.nofile))

    def start(self, timeout=20.0):
        self.log_file = open(os.path.join(self.dir, "log"), "ab")
        self.process = subprocess.Popen(
            self.command,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=self.log_file,
            preexec_fn=self._prepare_child,
        )
        lines = []
        reader = threading.Thread(target=lambda: lines.append(self.process.stdout.readline()), daemon=True)
        reader.start()
        reader.join(timeout)
        if not lines or not lines[0]:
            self.process.kill()
            self.process.wait()
            raise AssertionError(
                f"fairing did not become ready; exit {self.process.returncode}, log:\n{self.log()}"
            )
        ready = json.loads(lines[0])
        if ready.get("event") != "ready":
            raise AssertionError(f"first line on stdout is not the ready event: {ready}")
        self.listeners = ready["listeners"]
        return self

    @property
    def http(self):
        return split_address(self.listeners["http"][0])

    def site(self, index):
        return split_address(self.listeners["http"][index])

    @property
    def admin(self):
        return split_address(self.listeners["admin"][0])

    @property
    def admin_url(self):
        return "http://%s:%d" % self.admin

    @property
    def url(self):
        return "http://%s:%d" % self.http

    @property
    def pid(self):
        return self.process.pid

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=20.0):
        return self.process.wait(timeout)

    def stop(self, timeout=20.0):
        """SIGTERM, then its exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(
                f"fairing did not end {timeout} s after SIGTERM; log:\n{self.log()}"
            ) from None

    def _clean_up(self):
        try:
            if self.process is None:
                return
            code = self.stop()
            self.process.stdout.close()
            self.log_file.close()
            self.test.assertEqual(
                code, self.expected_exit, f"fairing's exit code; log:\n{self.log()[-4000:]}"
            )
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)

    def log(self):
        with open(os.path.join(self.dir, "log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def rss(self):
        """Resident bytes, without the pages shared with files."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            fields = dict(line.split(":", 1) for line in f)
        return int(fields["RssAnon"].split()[0]) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    # -- admin --------------------------------------------------------------------------------------------

    def token(self):
        with open(os.path.join(self.runtime, "token"), encoding="ascii") as f:
            return f.read().strip()

    def call(self, method, path, body=None, token=True, headers=None, timeout=10.0):
        """One admin request: (status, parsed JSON or text)."""
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = "Bearer " + (token if isinstance(token, str) else self.token())
        if body is not None:
            body = json.dumps(body)
            sent["Content-Type"] = "application/json"
        connection = http.client.HTTPConnection(*self.admin, timeout=timeout)
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            text = answer.read().decode()
            if "json" in (answer.getheader("Content-Type") or ""):
                return answer.status, json.loads(text)
            return answer.status, text
        finally:
            connection.close()

    def purge(self, **what):
        status, answer = self.call("POST", "/v1/purge", what)
        if status != 200:
            raise AssertionError(f"purge {what}: {status} {answer}")
        return answer

    def reload(self):
        """POST /v1/reload: (status, answer)."""
        return self.call("POST", "/v1/reload")

    def metrics(self):
        """{(name, frozenset of label pairs): value}"""
        status, text = self.call("GET", "/metrics", token=False)
        if status != 200:
            raise AssertionError(f"/metrics: {status}")
        samples = {}
        for line in text.splitlines():
            match = SAMPLE.match(line)
            if match and not line.startswith("#"):
                samples[match[1], frozenset(LABEL.findall(match[2] or ""))] = float(match[3])
        return samples

    def metric(self, name, **labels):
        """The sum of the samples of that name that bear these labels; 0 if there is none."""
        wanted = set(labels.items())
        return sum(v for (n, l), v in self.metrics().items() if n == name and wanted <= l)

    def cli(self, *args, admin=None, timeout=20.0, env=None):
        """`fairing args...` against this instance: a CompletedProcess with text output."""
        full = dict(self.env, FAIRING_ADMIN=admin or self.admin_url, **(env or {}))
        return subprocess.run(
            [binary(), *args], env=full, capture_output=True, text=True, timeout=timeout, check=False
        )

    def wait_for_log(self, text, timeout=10.0):
        wait_until(lambda: text in self.log(), timeout, f"{text!r} in the log")


def run_cli(*args, env=None, timeout=20.0, stdin=None):
    """`fairing args...` without an instance."""
    full = {k: v for k, v in os.environ.items() if not k.startswith("FAIRING_")}
    full.update(env or {})
    return subprocess.run(
        [binary(), *args], env=full, capture_output=True, text=True, timeout=timeout, check=False, input=stdin
    )
