"""The rows of the jobs benchmark, and its parts that are no rows: slower disks, PostgreSQL, a backlog, idleness, parked
polls, recovery.

Flow: ROWS[name].measure(server, seconds) -> a sample of a server that is empty; in_turn(row, ...) with the ceilings;
measure_slow_disk, measure_postgres, measure_backlog, measure_idle, measure_parked, measure_recovery for the rest. A sample
whose answers are not what they should be says so.
"""
import os
import time

import harness
from jobs_servers import Ceiling, Fairing, Work, line_of
from sql_servers import Cluster

WARM_SECONDS = 0.3
FILL = Work(outstanding=4, batch=1000)  # how a backlog is made
LONGEST_FILL = 300.0
SYNC_MS = (1, 2, 5)  # of the slower disks
POSTGRES_ROWS = ("enqueue", "batch", "cycle")


class Row:
    """One kind of work. `ceiling`: rows a commit of the SQLite that it is held against; 0: none."""

    def __init__(self, name, title, work, ceiling=0, backlog=0):
        self.name, self.title, self.work, self.ceiling, self.backlog = name, title, work, ceiling, backlog

    def measure(self, server, seconds):
        if self.backlog:
            fill(server, self.backlog)
        server.measure(self.work, WARM_SECONDS)
        sample = server.measure(self.work, seconds)
        if not self.work.workers:
            server.prove(sample)
        elif self.backlog and sample["jobs"] > self.backlog * 0.9:
            sample["problems"].append("the backlog was too short")
        server.empty()
        return sample


ROWS = {row.name: row for row in (
    Row("enqueue-50", "put, 50 in flight", Work(outstanding=50)),
    Row("enqueue", "put, 64 in flight", Work(outstanding=64), ceiling=64),
    Row("enqueue-256", "put, 256 in flight", Work(outstanding=256), ceiling=256),
    Row("batch", "put by tens, 64 in flight", Work(outstanding=64, batch=10), ceiling=640),
    Row("cycle", "put, run, acknowledged", Work(outstanding=64, workers=200, ahead=1000)),
    Row("drain", "run and acknowledged, from a backlog", Work(workers=200), backlog=100_000),
)}
BACKLOG_ROWS = {"put, 64 in flight": Work(outstanding=64),
                "put, run, acknowledged": Work(outstanding=64, workers=200, ahead=1000)}


def in_turn(row, ceiling, servers, seconds):
    """One round of a row: (who, sample) of the limits it is held against, if any, and of each server."""
    if row.ceiling:
        yield "sync", ceiling.measure("sync", seconds / 2)
        yield "sqlite", ceiling.measure("sqlite", seconds, row.ceiling)
    for server in servers:
        yield server.name, row.measure(server, seconds)


def measure_slow_disk(tools, workspace, disk, rounds, seconds, note):
    """The row `enqueue` and its limits where a sync takes longer: {ms: {who: samples}}."""
    result = {}
    for ms in SYNC_MS:
        env = tools.slower_sync(ms)
        ceiling, server = Ceiling(tools, disk, env), start_fairing(tools, workspace, disk, f"sync-{ms}-ms", env=env)
        for number in range(rounds):
            for who, sample in in_turn(ROWS["enqueue"], ceiling, [server], seconds):
                if sample["p50_us"] < ms * 1000:
                    sample["problems"].append(f"half of its answers waited for no sync of {ms} ms")
                result.setdefault(ms, {}).setdefault(who, []).append(sample)
                note(f"sync of {ms} ms {number}", who, sample)
        server.stop(workspace)
    return result


def measure_postgres(tools, workspace, disk, rounds, seconds, note):
    """Rows of a Fairing whose store is a PostgreSQL that keeps what it has said: {row: samples}."""
    workspace.dir.chmod(0o755)  # PostgreSQL runs as another user
    cluster = Cluster(workspace, disk, fsync="on", synchronous_commit="on", full_page_writes="on")
    server, result = start_fairing(tools, workspace, disk, "postgres", cluster=cluster), {}
    for name in POSTGRES_ROWS:
        for number in range(rounds):
            sample = ROWS[name].measure(server, seconds)
            result.setdefault(name, []).append(sample)
            note(f"{name} {number}", "postgres", sample)
    server.stop(workspace)
    return result


def fill(server, jobs, delay=0):
    """`jobs` more; in the store, and the store at rest."""
    before = server.waiting()
    server.measure(Work(outstanding=FILL.outstanding, batch=FILL.batch, puts=jobs, delay=delay), LONGEST_FILL)
    end = time.monotonic() + 5
    while server.waiting() - before < jobs:
        if time.monotonic() > end:
            raise harness.BenchError(f"of {jobs} jobs {server.waiting() - before} are there")
        time.sleep(0.1)
    server.settle()


def measure_backlog(empty, full, rounds, seconds, note):
    """Two Fairings in turn, one of them with a backlog: {row: {"empty": samples, "full": samples}}."""
    result = {}
    for _ in range(rounds):
        for title, work in BACKLOG_ROWS.items():
            for which, server in (("empty", empty), ("full", full)):
                server.measure(work, WARM_SECONDS)
                sample = server.measure(work, seconds)
                if which == "empty":
                    server.empty()
                server.settle()
                result.setdefault(title, {}).setdefault(which, []).append(sample)
                note(title, which, sample)
    return result


def measure_idle(server, jobs, seconds):
    """CPU of a Fairing that has jobs for later and nothing to do now."""
    fill(server, jobs, delay=36_000)
    before, began = server.workspace.cpu_seconds(server.processes), time.monotonic()
    time.sleep(seconds)
    share = (server.workspace.cpu_seconds(server.processes) - before) / (time.monotonic() - began)
    return {"jobs": jobs, "seconds": seconds, "share": share,
            "bytes": server.workspace.memory_bytes(server.processes, shared_once=False)}


def measure_parked(server, polls, seconds):
    """Leases that wait for a job that does not come: resident bytes before and at most, and how many were lost."""
    def resident():
        return server.workspace.memory_bytes(server.processes, shared_once=False)
    before = resident()
    process = server.client("--park", polls, "--seconds", 600, name="park")
    line_of(process, f"{polls} parked polls")
    peak, end = 0, time.monotonic() + seconds
    cpu, began = server.workspace.cpu_seconds(server.processes), time.monotonic()
    while time.monotonic() < end:
        peak = max(peak, resident())
        time.sleep(0.2)
    share = (server.workspace.cpu_seconds(server.processes) - cpu) / (time.monotonic() - began)
    process.stdin.close()
    process.stdin = None
    lost = line_of(process, f"{polls} parked polls")["lost"]
    process.wait(60)
    server.workspace.stop(process)
    server.workspace.processes.remove(process)
    return {"polls": polls, "before": before, "bytes": peak, "each": (peak - before) / polls, "lost": lost, "share": share}


def forget_pages(directory):
    """Takes a store out of the page cache, as a reboot would."""
    for entry in os.scandir(directory):
        if entry.name.startswith("jobs.db"):
            file = os.open(entry.path, os.O_RDONLY)
            os.fsync(file)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


def measure_recovery(server, rounds):
    """Killed while jobs are put, started again, a job asked for: seconds from the start of the process to the job."""
    found = []
    for number in range(rounds):
        for cold in (False, True):
            load = server.client("--producers", 64, "--seconds", 60, name="killed")
            time.sleep(0.7)
            server.kill()
            load.wait(30)
            server.workspace.stop(load)
            server.workspace.processes.remove(load)
            if cold:
                forget_pages(server.config.parent)
            began = time.monotonic()
            server.run()
            listening = time.monotonic() - began
            lease = server.first_job()
            took = time.monotonic() - began
            server.give_back(lease)
            found.append({"round": number, "cold": cold, "listening_s": listening, "seconds": took,
                          "backlog": server.waiting()})
            server.settle()
    return found


def start_fairing(tools, workspace, disk, name, **options):
    server = Fairing(tools, **options)
    server.start(workspace, disk, name)
    return server
