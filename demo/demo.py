#!/usr/bin/env python3
"""demo: a real shop under load, directly and through Fairing, side by side. Called by `./dev demo`.

  PostgreSQL (temporary) <- server.mjs (Node, node-postgres, the handbook's mistakes) <- Fairing <- load.mjs

Everything listens on loopback, on free ports, and is gone at the end; with --keep it stays until Ctrl-C.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

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


def origin_stats(backend):
    with urllib.request.urlopen(f"{backend}/stats", timeout=10) as answer:
        return json.load(answer)


def run_load(target, backend, o, seconds):
    """One run of load.mjs against target, with what the backend did meanwhile."""
    before = origin_stats(backend)
    command = ["node", str(here / "load.mjs"), "--target", target, "--seconds", str(seconds),
               "--clients", str(o.clients), "--seed", str(o.seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60)
    if done.returncode:
        raise SystemExit(f"demo: the load failed: {done.stderr.strip()}")
    seen = json.loads(done.stdout)
    after = origin_stats(backend)
    # The password guesses come after the measured seconds: one request and one query each, left out here.
    tried = seen["guesses"]["tried"]
    seen["origin_requests"] = after["requests"] - before["requests"] - tried
    seen["queries"] = after["queries"] - before["queries"] - tried
    return seen


def check(fairing, admin, env):
    """The checklist, in Fairing's own words. Exit 1 is its verdict, not a failure of the demo."""
    done = subprocess.run([fairing, "check", "--admin", admin], env={**os.environ, **env},
                          capture_output=True, text=True, timeout=30)
    if done.returncode not in (0, 1):
        raise SystemExit(f"demo: fairing check failed ({done.returncode}): {done.stderr.strip()}")
    return done.stdout


def start_backend(stack, folder):
    began = time.monotonic()
    say("PostgreSQL: a temporary cluster, 100,000 products, 500,000 orders ...")
    database = stack.enter_context(postgres.cluster())
    database.sql(str(here / "schema.sql"))
    say(f"  ready in {time.monotonic() - began:.1f} s on port {database.port}")
    command = ["node", str(here / "server.mjs")]
    _, ready = start(stack, "backend", command, {"DATABASE_URL": database.url, "PORT": "0"}, folder)
    return f"http://127.0.0.1:{ready['port']}"


def start_fairing(stack, o, backend, folder):
    env = {"DEMO_BACKEND": backend, "FAIRING_RUNTIME_DIR": folder}
    command = [o.fairing, "run", "-c", str(here / "fairing.yaml")]
    _, ready = start(stack, "fairing", command, env, folder)
    listeners = ready["listeners"]
    return f"http://{listeners['http'][0]}", f"http://{listeners['admin'][0]}", env


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
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="fairing-demo-"))
        backend = start_backend(stack, folder)
        addresses = [("backend", backend), ("statistics", f"{backend}/stats")]
        say("warming the backend up for 3 s (in neither run) ...")
        run_load(backend, backend, argparse.Namespace(clients=o.clients, seed=o.seed + 1), 3)
        say(f"{o.clients} visitors directly at the backend for {o.seconds} s ...")
        runs = {"direct": run_load(backend, backend, o, o.seconds)}
        checklist = ""
        if not o.direct_only:
            proxy, admin, env = start_fairing(stack, o, backend, folder)
            addresses = [("Fairing", proxy), ("dashboard", admin + "/"), *addresses]
            say(f"the same {o.clients} visitors through Fairing, its cache empty, for {o.seconds} s ...")
            runs["fairing"] = run_load(proxy, backend, o, o.seconds)
            checklist = check(o.fairing, admin, env)
        if o.json:
            print(json.dumps({**runs, "checklist": checklist}, indent=1))
        else:
            print(table.render(runs["direct"], runs.get("fairing")))
            print(checklist)
        sys.stdout.flush()
        if o.keep:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
            keep(addresses)
        wrong = sum(r["wrong"] for r in runs.values())
        broken = runs.get("fairing", {}).get("failed", 0)
        if wrong or broken:
            say(f"demo: {wrong} wrong answers, {broken} failed requests through Fairing: this must not be")
            return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
