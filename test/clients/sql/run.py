#!/usr/bin/python3
"""The client matrix: every client does the same cases directly on PostgreSQL and through Fairing; the transcripts are equal.

  run.py [CLIENT...]        with no name: all; -v prints each client's transcript

A client is a program that prints one JSON line a case (`{"case": ..., "got": ...}`) and ends with exit code 0. It runs
once directly, then `instances` times at once through Fairing with a pool of 5 servers, each time in a schema of its own:
so servers are shared, statements meet servers that do not know them, and what one client sets must not be seen by the
others. FAIRING_SQL=1 and FAIRING_BIN name the Fairing; without FAIRING_SQL the same is done with PostgreSQL in its place,
which shows that the transcripts do not depend on chance.
At the end Fairing is asked for the N+1 loops it saw (loops.py): each client's own, and nothing else.
"""
import argparse
import contextlib
import difflib
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(os.path.dirname(HERE)))  # test/, for support
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import clients  # noqa: E402
import cluster  # noqa: E402
import loops  # noqa: E402
from support.fairing import Fairing  # noqa: E402

INSTANCES = 3
POOL = 5
TIME_LIMIT_S = 90


class cleanups:
    """What support.fairing wants of a test case."""

    def __init__(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup = self.stack.callback

    def assertEqual(self, got, wanted, what=""):
        if got != wanted:
            raise AssertionError(f"{what}: {got!r} is not {wanted!r}")


class server:
    """Where clients connect: PostgreSQL itself, or Fairing's two listeners."""

    def __init__(self, name, port, session_port, fairing=None):
        self.name, self.port, self.session_port, self.fairing = name, port, session_port, fairing


@contextlib.contextmanager
def behind(postgres):
    """The server under test: Fairing before `postgres`, or `postgres` once more."""
    if os.environ.get("FAIRING_SQL") != "1":
        yield server("direct, again", postgres.port, postgres.port)
        return
    test = cleanups()
    with test.stack:
        fairing = Fairing(test, {"sql": {
            "listen": "127.0.0.1:0", "session_listen": "127.0.0.1:0",
            "upstream": cluster.url(postgres.port),
            # All instances share one pool, and each may pin a server at the same time.
            "pool": {"mode": "transaction", "size": POOL, "max_pinned": INSTANCES / POOL}, "advise": False,
        }}, threads=2)  # fmt: skip
        ports = [int(address.rpartition(":")[2]) for address in fairing.listeners["sql"]]
        yield server("Fairing", ports[0], ports[-1], fairing)


def prepare(postgres):
    """A fresh copy of the shop for each instance."""
    with open(os.path.join(HERE, "schema.sql"), encoding="utf-8") as f:
        shop = f.read()
    text = f"set client_min_messages = warning; set role {cluster.USER};\n"
    for name in schemas():
        text += f"drop schema if exists {name} cascade; create schema {name}; set search_path = {name};\n{shop}\n"
    postgres.sql(text, cluster.DATABASE)


def schemas():
    return [f"shop_{i}" for i in range(INSTANCES + 1)]


def run_program(client, where, number, folder):
    """One instance of a client: (exit code, transcript lines, what it wrote to stderr)."""
    schema = schemas()[number]
    port = where.session_port if client.session else where.port
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "FAIRING_"))}
    env |= {
        "PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": cluster.USER, "PGPASSWORD": cluster.PASSWORD,
        "PGDATABASE": cluster.DATABASE, "SCHEMA": schema, "INSTANCE": str(number + 1), "TZ": "UTC", "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1", "DATABASE_URL": cluster.url(port),
        "NODE_NO_WARNINGS": "1", "PGCONNECT_TIMEOUT": "20", "SCRATCH": tempfile.mkdtemp(dir=folder),
    }  # fmt: skip
    command = [part.replace("{built}", folder) for part in client.command]
    process = subprocess.Popen(command, cwd=HERE, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)  # fmt: skip
    try:
        out, err = process.communicate(timeout=TIME_LIMIT_S)
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        code = f"none: ended after {TIME_LIMIT_S} s"
    # The one difference that instances may have is the name of their schema.
    out = re.sub(rf"(?<![\w-]){schema}\b", "shop", out.decode(errors="replace"))
    return code, out.splitlines(), err.decode(errors="replace")


def pretty(line):
    """A transcript line for reading; a program that ended in the middle of one leaves no JSON."""
    with contextlib.suppress(ValueError):
        return json.dumps(json.loads(line), indent=1, ensure_ascii=False)
    return line


def differences(client, where, wanted, got):
    """What to print about a transcript that is not the direct one: the case, both transcripts, their difference."""
    a, b = next(pair for pair in itertools.zip_longest(wanted, got, fillvalue="nothing") if pair[0] != pair[1])
    name = re.search('"case": ?"(.*?)"', a + b)
    a_text, b_text = pretty(a), pretty(b)
    both = "".join(f"--- {who}\n{text[:20000]}\n" for who, text in (("direct", a_text), (where, b_text)))
    marked = "\n".join(
        difflib.unified_diff(a_text.splitlines(), b_text.splitlines(), "direct", where, n=1, lineterm="")
    )
    return f"{client.name}: case '{name[1] if name else '?'}' differs\n{both}--- in short\n{marked[:8000]}"


def refusal(postgres, sql):
    """Why PostgreSQL does not take the statement; None if it does."""
    text = f"set search_path = {schemas()[0]}; prepare batched as {sql}"
    try:
        postgres.sql(text, cluster.DATABASE)
    except AssertionError as error:
        return str(error)
    return None


def check(client, postgres, tested, folder, verbose):
    """Runs one client everywhere: a list of complaints."""
    started = time.monotonic()
    if client.build:
        done = subprocess.run(client.build(folder), cwd=HERE, capture_output=True, text=True)
        if done.returncode:
            return [f"{client.name}: cannot be built: {done.stdout}{done.stderr}"]
    prepare(postgres)
    direct = server("direct", postgres.port, postgres.port)
    code, wanted, err = run_program(client, direct, 0, folder)
    if verbose:
        print("\n".join(wanted))
    if code != 0 or not wanted:
        return [f"{client.name}, directly: exit {code} after {len(wanted)} cases\n{err}"]
    complaints = []
    with ThreadPoolExecutor(INSTANCES) as pool:
        runs = pool.map(lambda i: run_program(client, tested, i, folder), range(1, INSTANCES + 1))
        for number, (code, got, err) in enumerate(runs, 1):
            where = f"{tested.name}, instance {number}"
            if got != wanted:
                complaints.append(differences(client, where, wanted, got))
            if code != 0:
                complaints.append(f"{client.name}, {where}: exit {code}\n{err}")
    if tested.fairing:
        complaints += loops.check(client.name, client.loops, tested.fairing, INSTANCES, lambda sql: refusal(postgres, sql))
    print(f"{client.name}: {len(wanted)} cases, {INSTANCES} x {tested.name}, {time.monotonic() - started:.1f} s"
          + (f", {len(complaints)} complaints" if complaints else ", equal"), flush=True)  # fmt: skip
    return complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("client", nargs="*", help=", ".join(clients.ALL))
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args()
    for name in options.client:
        if name not in clients.ALL:
            parser.error(f"no client '{name}'; there are {', '.join(clients.ALL)}")
    complaints = []
    with tempfile.TemporaryDirectory(prefix="fairing-matrix-") as folder, cluster.cluster() as postgres:
        for name in options.client or clients.ALL:
            with behind(postgres) as tested:
                complaints += check(clients.ALL[name], postgres, tested, folder, options.verbose)
    for complaint in complaints:
        print(f"\n{complaint}", file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
