"""What the jobs benchmark is run on: Fairing with its client, BullMQ with its Redis, and the ceilings of the disk.

Flow: server = Fairing(tools); server.start(workspace, disk, "name"); server.measure(Work(...)) -> a sample;
server.empty(); server.stop(workspace). Ceiling(tools, disk).measure(...) has the same samples.
The stores are on `disk`, a directory of a real file system; logs and configurations on the workspace's tmpfs.
Fairing and Ceiling take an environment: tools.slower_sync(ms) makes every sync of theirs take so long.
"""
import dataclasses
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import harness
from servers import fill, first_line

FOLDER = harness.REPOSITORY / "bench/jobs"
QUEUE = "bench"
TMPFS = 0x01021994  # statfs(2)'s number of it, as `stat -f` prints it


@dataclasses.dataclass(frozen=True)
class Work:
    """One kind of load. `outstanding` puts of `batch` jobs at a time; `workers` no-op jobs at a time."""
    outstanding: int = 0
    batch: int = 1
    workers: int = 0
    ahead: int = 0      # jobs put and not yet done, at most; 0: any number
    puts: int = 0       # ends after so many; 0: when the time is over
    delay: int = 0      # seconds until they may run
    fetchers: int = 2   # Fairing: connections that lease ...
    most: int = 50      # ... so many jobs at once


class Disk:
    """A directory on a real disk; removed at the end."""

    def __init__(self, parent):
        parent.mkdir(parents=True, exist_ok=True)
        kind = subprocess.run(["stat", "-f", "-c", "%t", parent], capture_output=True, text=True, check=False).stdout
        if int(kind or "0", 16) == TMPFS:
            raise harness.BenchError(f"{parent} is on tmpfs, where a sync costs nothing: name a --disk that is one")
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="jobs-bench-", dir=parent))
        self.path.chmod(0o755)  # PostgreSQL runs as another user

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


class Tools:
    def __init__(self, build):
        self.lg, self.ceiling, self.faults = harness.built(build, "fairing_lg_jobs", "fairing_jobs_ceiling",
                                                           "libfairing_faults.so")

    def slower_sync(self, ms):
        """What a process is started with that shall have a disk whose syncs take so long."""
        return {"LD_PRELOAD": str(self.faults), "FAIRING_SYNC_LEAST_US": str(ms * 1000)}


def line_of(process, what):
    text = process.stdout.readline()
    if not text:
        raise harness.BenchError(f"{what}: {harness.tail(process.log)}")
    return json.loads(text)


def tell(process, text):
    process.stdin.write(text.encode() + b"\n")
    process.stdin.flush()


class Server:
    """A server and whoever loads it; the one on the server's core, the other on the load's, as is its database, if any."""

    name = ""

    def __init__(self):
        self.processes, self.workspace, self.number, self.port = [], None, 0, 0
        self.database = []  # its processes

    def clocks(self, client):
        busy = sum(harness.core_busy_seconds(core) for core in {harness.SERVER_CORE, harness.LOAD_CORE})
        return (*map(self.workspace.cpu_seconds, (self.processes, [client], self.database)), busy, time.monotonic())

    def sample(self, work, report, before, after):
        """Rates are of jobs: put, or, where there are workers, done."""
        cpu, client, database, busy, elapsed = (b - a for a, b in zip(before, after, strict=True))
        jobs = max(1, report["acks"] if work.workers else report["puts"])
        prefix = "end" if work.workers else "put"
        problems = [f"{report['errors']} errors, the first: {report['first_error']}"] if report["errors"] else []
        return {"jobs": jobs, "rate": jobs / report["seconds"], "cpu_us": cpu / jobs * 1e6, "client_us": client / jobs * 1e6,
                "database_us": database / jobs * 1e6, "p50_us": report[f"{prefix}_p50_us"],
                "p99_us": report[f"{prefix}_p99_us"], "busy": cpu / elapsed, "load_busy": (client + database) / elapsed,
                "foreign": max(0.0, busy - cpu - client - database) / elapsed / 2,
                "puts": report["puts"], "problems": problems}

    def settle(self, quiet_s=0.1, at_most_s=20):
        """Until the server has nothing to do any more."""
        end = time.monotonic() + at_most_s
        while time.monotonic() < end:
            before = self.workspace.cpu_seconds(self.processes)
            time.sleep(quiet_s)
            if self.workspace.cpu_seconds(self.processes) - before <= 1 / harness.TICK:
                return

    def prove(self, sample):
        """What was said to be put is there: the count of the store itself."""
        there, end = self.waiting(), time.monotonic() + 3
        while there < sample["puts"] and time.monotonic() < end:
            time.sleep(0.05)
            there = self.waiting()
        if there < sample["puts"]:
            sample["problems"].append(f"{sample['puts']} jobs were put, {there} are there")

    def waiting(self):
        raise NotImplementedError

    def stop(self, workspace):
        for process in reversed(self.processes):
            workspace.stop(process)
            workspace.processes.remove(process)
        self.processes = []


class Fairing(Server):
    name = "fairing"
    binary = harness.REPOSITORY / "build/release/fairing"

    def __init__(self, tools, env=None, cluster=None):
        """`cluster`: the PostgreSQL that has its store; without one it is a file of SQLite."""
        super().__init__()
        self.tools, self.env, self.cluster, self.config = tools, env or {}, cluster, None
        if cluster:
            self.database = cluster.processes

    @classmethod
    def missing(cls):
        return "" if cls.binary.exists() else f"{cls.binary} is not built"

    @classmethod
    def version(cls):
        return first_line([str(cls.binary), "version"], r"([\d.]+\S*)")

    def start(self, workspace, disk, name=QUEUE):
        self.workspace = workspace
        directory = disk / f"fairing-{name}"
        directory.mkdir()
        store = self.cluster.url if self.cluster else f"sqlite:{directory / 'jobs.db'}"
        self.config = fill(FOLDER / "fairing.yaml", directory / "fairing.yaml", {"STORE": store})
        self.run()

    def run(self):
        """Starts it where its store is; again after kill()."""
        self.number += 1
        self.processes = [self.workspace.start(
            f"{self.config.parent.name}-{self.number}", [self.binary, "run", "-c", self.config], harness.SERVER_CORE,
            stdout=subprocess.PIPE, env={"FAIRING_RUNTIME_DIR": str(self.config.parent), **self.env})]
        addresses = line_of(self.processes[0], "fairing did not start").get("listeners", {}).get("jobs")
        if not addresses:
            raise harness.BenchError(f"fairing has no jobs listener: {harness.tail(self.processes[0].log)}")
        self.port = int(re.search(r":(\d+)$", addresses[0])[1])

    def kill(self):
        process = self.processes[0]
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.workspace.stop(process)
        self.workspace.processes.remove(process)

    def client(self, *options, name="lg"):
        self.number += 1
        argv = [self.tools.lg, "--port", self.port, "--queue", QUEUE, *options]
        return self.workspace.start(f"{self.config.parent.name}-{name}-{self.number}", argv, harness.LOAD_CORE,
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def end(self, process):
        process.stdin.close()
        process.stdin = None
        process.wait(30)
        self.workspace.stop(process)
        self.workspace.processes.remove(process)

    def measure(self, work, seconds):
        options = ["--wait", "--seconds", seconds, "--producers", work.outstanding, "--batch", work.batch, "--ahead",
                   work.ahead, "--puts", work.puts, "--delay", work.delay]
        if work.workers:
            options += ["--workers", work.workers, "--fetchers", work.fetchers, "--most", work.most]
        process = self.client(*options)
        what = f"load of fairing at port {self.port}"
        line_of(process, what)
        before = self.clocks(process)
        tell(process, "")
        report = line_of(process, what)
        sample = self.sample(work, report, before, self.clocks(process))
        self.end(process)
        return sample

    def queue(self):
        status, _, body = harness.fetch(self.port, "/v1/queues")
        if status != 200:
            raise harness.BenchError(f"fairing: GET /v1/queues: {status}: {body.decode(errors='replace')}")
        return next(q for q in json.loads(body)["items"] if q["name"] == QUEUE)

    def waiting(self):
        depth = self.queue()["depth"]
        return depth["queued"] + depth["scheduled"]

    def empty(self):
        status, _, body = harness.fetch(self.port, f"/v1/queues/{QUEUE}/purge", method="POST", body=b"")
        if status not in (200, 202, 204):
            raise harness.BenchError(f"fairing: purge: {status}: {body.decode(errors='replace')}")
        end = time.monotonic() + 60
        while any(self.queue()["depth"][state] for state in ("queued", "scheduled", "leased")):
            if time.monotonic() > end:
                raise harness.BenchError(f"fairing: its queue is not empty after a minute: {self.queue()}")
            time.sleep(0.1)
        self.settle()

    def first_job(self):
        """Leases one job and gives it back."""
        body = b'{"max":1,"wait":20}'
        status, _, answer = harness.fetch(self.port, f"/v1/queues/{QUEUE}/lease", method="POST", body=body)
        jobs = json.loads(answer)["jobs"] if status == 200 else []
        if not jobs:
            raise harness.BenchError(f"fairing gave no job: {status}: {answer.decode(errors='replace')}")
        return jobs[0]["lease"]

    def give_back(self, lease):
        harness.fetch(self.port, f"/v1/leases/{lease}/fail", method="POST", body=b'{"release":true}')


class BullMQ(Server):
    name = "bullmq"

    @staticmethod
    def missing():
        for program, part in (("redis-server", "bench"), ("node", "node")):
            if not shutil.which(program):
                return f"{program} is not installed: run `./dev setup {part}`"
        return "" if (FOLDER / "node_modules/bullmq").is_dir() else "BullMQ is missing: run `./dev setup npm:bench/jobs`"

    @staticmethod
    def version():
        package = json.loads((FOLDER / "node_modules/bullmq/package.json").read_text(encoding="utf-8"))
        redis = first_line(["redis-server", "--version"], r"v=([\d.]+)")
        return f"{package['version']} on Redis {redis} and Node {first_line(['node', '--version'], r'v([0-9.]+)')}"

    def start(self, workspace, disk, name=QUEUE):
        self.workspace = workspace
        directory = disk / f"redis-{name}"
        directory.mkdir()
        self.port = harness.free_port()
        config = fill("redis.conf", directory / "redis.conf", {"PORT": self.port, "DIR": directory})
        self.processes = [workspace.start(directory.name, ["redis-server", config], harness.SERVER_CORE)]
        harness.wait_for_port(self.port, self.processes[0], "redis", self.processes[0].log)
        self.node = workspace.start(f"{directory.name}-node", ["node", FOLDER / "bullmq.mjs", self.port], harness.LOAD_CORE,
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line_of(self.node, "the client of BullMQ did not start")

    def ask(self, **what):
        tell(self.node, json.dumps(what))
        return line_of(self.node, "the client of BullMQ")

    def measure(self, work, seconds):
        before = self.clocks(self.node)
        report = self.ask(producers=work.outstanding, batch=work.batch, workers=work.workers, seconds=seconds,
                          ahead=work.ahead, puts=work.puts)
        return self.sample(work, report, before, self.clocks(self.node))

    def waiting(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as redis:
            redis.sendall(f"LLEN bull:{QUEUE}:wait\r\n".encode())
            return int(redis.makefile("rb").readline()[1:])

    def empty(self):
        self.ask(empty=True)
        self.settle()


class Ceiling:
    """The limits of the disk, on the server's core: the sync loop, and SQLite with `outstanding` rows a commit."""

    def __init__(self, tools, disk, env=None):
        self.tools, self.disk, self.env = tools, disk, env or {}

    def measure(self, what, seconds, outstanding=1):
        argv = [self.tools.ceiling, "--what", what, "--dir", self.disk, "--seconds", seconds, "--outstanding", outstanding]
        before = os.times()
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=120, check=False,
                              start_new_session=True, preexec_fn=harness._priority_and_core(harness.SERVER_CORE),
                              env={**os.environ, **self.env})
        if done.returncode != 0:
            raise harness.BenchError(f"{what}: {done.stderr.strip()}")
        after, report = os.times(), json.loads(done.stdout)
        jobs = report["jobs"] or report["commits"]
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        return {"jobs": jobs, "rate": jobs / report["seconds"], "cpu_us": cpu / max(1, jobs) * 1e6, "p50_us": report["p50_us"],
                "p99_us": report["p99_us"], "busy": cpu / report["seconds"], "problems": []}


SERVERS = {server.name: server for server in (Fairing, BullMQ)}
