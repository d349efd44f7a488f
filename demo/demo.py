#!/usr/bin/env python3
"""demo: a real shop under load, directly and through Fairing, side by side. Called by `./dev demo`.

  before:  PostgreSQL (temporary) <- server.mjs (Node, node-postgres, the handbook's mistakes) <- load.mjs
  after:   PostgreSQL <- Fairing (sql) <- the same server.mjs, DATABASE_URL changed <- Fairing (http) <- load.mjs
           and what need not be waited for by way of Fairing's queues (jobs)

Everything listens on loopback, on free ports, and is gone at the end; with --keep it stays until Ctrl-C.
"""

import argparse
import base64
import contextlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import mails
import postgres
import table

here = Path(__file__).resolve().parent


def say(text):
    print(text, file=sys.stderr, flush=True)


class service:
    """A child process that prints one JSON line {"event":"ready",...} on stdout when it listens."""

    def __init__(self, name, command, env, log):
        self.name, self.log = name, log
        self.process = subprocess.Popen(command, env={**os.environ, **env}, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)

    def wait_ready(self, seconds):
        timer = threading.Timer(seconds, self.process.kill)
        timer.start()
        try:
            for line in self.process.stdout:
                with contextlib.suppress(ValueError):
                    message = json.loads(line)
                    if isinstance(message, dict) and message.get("event") == "ready":
                        threading.Thread(target=self._drain, daemon=True).start()
                        return message
        finally:
            timer.cancel()
        self.log.flush()
        tail = Path(self.log.name).read_text(encoding="utf-8", errors="replace")[-2000:]
        raise SystemExit(f"demo: {self.name} did not get ready within {seconds} s; its last words:\n{tail}")

    def _drain(self):
        for _ in self.process.stdout:
            pass

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def start(stack, name, command, env, folder):
    log = stack.enter_context(open(Path(folder, f"{name}.log"), "w", encoding="utf-8"))
    child = service(name, command, env, log)
    stack.callback(child.stop)
    return child, child.wait_ready(20)


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.read().decode()


def load(target, seconds, *arguments):
    command = ["node", str(here / "load.mjs"), "--target", target, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    if done.returncode:
        raise SystemExit(f"demo: the load failed: {done.stderr.strip()}")
    return json.loads(done.stdout)


def run_load(target, it, o, seconds, seed):
    """One run of load.mjs against target, with what the backend and PostgreSQL did meanwhile."""
    it.finish_jobs()
    before = json.loads(get(f"{it.backend}/stats?window=new"))
    order, jobs = it.database.last_order(), it.jobs_so_far()
    statements = it.database.statements()
    waits = it.waits()
    with it.database.watch() as connections:
        seen = load(target, seconds, "--seconds", str(seconds), "--clients", str(o.clients), "--seed", str(seed))
    began = time.monotonic()
    it.finish_jobs()
    seen["backlog_seconds"] = time.monotonic() - began
    after = json.loads(get(f"{it.backend}/stats"))
    seen["origin_requests"] = after["requests"] - before["requests"]
    seen["queries"] = after["queries"] - before["queries"]
    seen["query_p99_ms"] = after["query_p99_ms"]
    # The backend's own pool, then Fairing's. A sum of p99s means something only where one of them is next to
    # nothing, as here: the backend's pool has room for all visitors.
    seen["pool_wait_p99_ms"] = after["pool_wait_p99_ms"] + 1000 * quantile(0.99, waits, it.waits())
    seen["statements"] = it.database.statements() - statements
    seen["connections"] = max(connections)
    seen["jobs"] = {name: count - jobs.get(name, 0) for name, count in it.jobs_so_far().items()}
    orders = it.database.orders_between(order, it.database.last_order())
    sent = mails.confirmed(it.mail_folder)
    seen["orders_placed"] = len(orders)
    seen["orders_confirmed"] = sum(order in sent for order in orders)
    seen["confirmed_twice"] = sum(sent.get(order, 0) > 1 for order in orders)
    return seen


def metrics(admin, name):
    """The lines of one metric as ({label: value}, number)."""
    for line in get(f"{admin}/metrics").splitlines():
        if line.startswith(name + "{"):
            labels, value = line[len(name) + 1:].rsplit("} ", 1)
            yield dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value)


def quantile(q, before, after):
    """Of a Prometheus histogram, between two readings of {upper bound: count so far}; linear within a bucket."""
    rows = [(bound, after[bound] - before.get(bound, 0)) for bound in sorted(after)]
    wanted = q * rows[-1][1] if rows else 0
    low = below = 0
    for bound, count in rows:
        if count >= wanted and count > below:
            return low if bound == float("inf") else low + (bound - low) * (wanted - below) / (count - below)
        low, below = bound, count
    return 0.0


def check(fairing, admin, env):
    """The checklist, in Fairing's own words. Exit 1 is its verdict, not a failure of the demo."""
    done = subprocess.run([fairing, "check", "--admin", admin], env={**os.environ, **env},
                          capture_output=True, text=True, timeout=30)
    if done.returncode not in (0, 1):
        raise SystemExit(f"demo: fairing check failed ({done.returncode}): {done.stderr.strip()}")
    return done.stdout


class shop:
    """What runs: PostgreSQL, the backend, and with `put_fairing_in` Fairing on both sides of it."""

    def __init__(self, stack, fairing):
        self.stack, self.fairing = stack, fairing
        self.admin = None
        self.secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self.folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="fairing-demo-"))
        began = time.monotonic()
        say("PostgreSQL: a temporary cluster, 100,000 products, 500,000 orders ...")
        self.database = stack.enter_context(postgres.cluster())
        self.database.sql(str(here / "schema.sql"))
        say(f"  ready in {time.monotonic() - began:.1f} s on port {self.database.port}")
        self.start_backend("backend", self.database.url, "0")

    def start_backend(self, name, database_url, port, more=None):
        self.mail_folder = os.path.join(self.folder, f"{name}-mails")
        os.mkdir(self.mail_folder)
        _, ready = start(self.stack, f"{name}-mail-sink", ["node", str(here / "mail_sink.mjs")],
                         {"MAIL_FOLDER": self.mail_folder}, self.folder)
        command = ["node", str(here / "server.mjs")]
        env = {"DATABASE_URL": database_url, "PORT": port, "MAIL_URL": f"smtp://127.0.0.1:{ready['port']}", **(more or {})}
        self.process, ready = start(self.stack, name, command, env, self.folder)
        self.port = str(ready["port"])
        self.backend = f"http://127.0.0.1:{self.port}"

    def put_fairing_in(self):
        """Stops the backend and starts it again, the same program on the same port, with another DATABASE_URL and the
        address of the queue of confirmations."""
        self.process.stop()
        self.env = {"DEMO_BACKEND": self.backend, "DEMO_DATABASE_URL": self.database.url, "DEMO_FOLDER": self.folder,
                    "DEMO_WEBHOOK_SECRET": self.secret, "FAIRING_RUNTIME_DIR": self.folder}
        command = [self.fairing, "run", "-c", str(here / "fairing.yaml")]
        _, ready = start(self.stack, "fairing", command, self.env, self.folder)
        http, admin, sql, jobs = (ready["listeners"][name][0] for name in ("http", "admin", "sql", "jobs"))
        self.http, self.admin, self.jobs = f"http://{http}", f"http://{admin}", f"http://{jobs}"
        self.sql = self.database.url.replace(f"127.0.0.1:{self.database.port}", sql)
        self.start_backend("backend-again", self.sql, self.port, {
            "CONFIRMATIONS": f"{self.jobs}/v1/queues/confirmations/jobs", "WEBHOOK_SECRET": self.secret})

    def waits(self):
        """Fairing's histogram of waits for a connection so far: {upper bound in seconds: count}."""
        counts = {}
        if self.admin:
            for labels, count in metrics(self.admin, "fairing_pool_wait_seconds_bucket"):
                bound = float(labels["le"])
                counts[bound] = counts.get(bound, 0) + count
        return counts

    def jobs_so_far(self):
        """What became of jobs and attempts so far, of all queues: {outcome: count}."""
        counts = {}
        if self.admin:
            for labels, count in metrics(self.admin, "fairing_jobs_total"):
                counts[labels["outcome"]] = counts.get(labels["outcome"], 0) + int(count)
        return counts

    def finish_jobs(self):
        """Waits until no job is left, half a minute at most: what was put off belongs to the run."""
        end = time.monotonic() + 30
        empty = 0  # looks in a row: the list is up to 0.2 s old
        while self.admin and empty < 3 and time.monotonic() < end:
            queues = json.loads(get(f"{self.jobs}/v1/queues"))["items"]
            live = sum(q["depth"][state] for q in queues for state in ("queued", "scheduled", "leased"))
            empty = 0 if live else empty + 1
            time.sleep(0.15)

    def addresses(self):
        rows = [("backend", self.backend), ("statistics", f"{self.backend}/stats"), ("PostgreSQL", self.database.url),
                ("mails", self.mail_folder)]
        if self.admin:
            rows = [("Fairing", self.http), ("dashboard", self.admin + "/"), ("sql", self.sql),
                    ("jobs", self.jobs + "/v1/queues"), *rows]
        return rows


def measure(target, it, o):
    seen = run_load(target, it, o, o.seconds, o.seed)
    seen["guesses"] = load(target, 30, "--guesses", "100")
    return seen


def unaccounted(run):
    return abs(run["orders_placed"] - run["orders_confirmed"] - run["jobs"].get("dead", 0))


def keep(addresses):
    say("")
    for name, address in addresses:
        say(f"  {name:10} {address}")
    say("Running until Ctrl-C.")
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


def parse():
    parser = argparse.ArgumentParser(prog="./dev demo", description=__doc__.splitlines()[0])
    parser.add_argument("--fairing", default=str(here.parent / "build/release/fairing"))
    parser.add_argument("--keep", action="store_true", help="leave everything running and print the addresses")
    parser.add_argument("--direct-only", action="store_true", help="the backend alone, without Fairing")
    parser.add_argument("--seconds", type=int, default=15, help="length of each run (default 15)")
    parser.add_argument("--clients", type=int, default=32, help="visitors at once (default 32, at most 200)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the two runs as JSON instead of the table")
    return parser.parse_args()


def main():
    o = parse()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with contextlib.ExitStack() as stack:
        it = shop(stack, o.fairing)
        say("warming the backend up for 3 s (in neither run) ...")
        run_load(it.backend, it, o, 3, o.seed + 1)
        say(f"{o.clients} visitors directly at the backend for {o.seconds} s ...")
        runs = {"direct": measure(it.backend, it, o)}
        checklist = ""
        if not o.direct_only:
            it.put_fairing_in()
            say("the backend again, its DATABASE_URL and its queue naming Fairing; warming it up for 3 s ...")
            run_load(it.backend, it, o, 3, o.seed + 1)
            say(f"the same {o.clients} visitors through Fairing, its cache empty, for {o.seconds} s ...")
            runs["fairing"] = measure(it.http, it, o)
            checklist = check(o.fairing, it.admin, it.env)
        if o.json:
            print(json.dumps({**runs, "checklist": checklist}, indent=1))
        else:
            print(table.render(runs["direct"], runs.get("fairing")))
            print(checklist)
        sys.stdout.flush()
        if o.keep:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
            keep(it.addresses())
        wrong = sum(r["wrong"] for r in runs.values())
        with_fairing = runs.get("fairing", {})
        broken = with_fairing.get("failed", 0)
        # Each order is confirmed or is a dead letter that can be looked at.
        missing = unaccounted(with_fairing) if with_fairing else 0
        if wrong or broken or missing:
            say(f"demo: {wrong} wrong answers, {broken} failed requests through Fairing, {missing} orders neither "
                "confirmed nor a dead letter: this must not be")
            return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
