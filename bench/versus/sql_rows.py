"""The rows of the sql table: what each asks, how it is measured, and what makes a sample void.

Flow: ROWS[name].measure(run, pooler) -> a sample; measure_threads(run) and measure_idle(run) for what is no row.
The load client logs in first and waits; the clocks are looked at between that and its report, so that logins and
goodbyes are in no figure. Each answer must be one row and leave no transaction open; what is not, the sample tells.
"""
import json
import re
import subprocess
import time

import harness
from sql_servers import CLIENT_ENVIRONMENT, DATABASES, PASSWORD, POOL, SCALE, USER, FakePostgres, placed, postgres_program

SELECT = "SELECT abalance FROM pgbench_accounts WHERE aid = {r};"
ACCOUNTS = SCALE * 100_000
WARM_SECONDS = 0.3


class Run:
    """What every row needs: the tools, the workspace, and how long to measure."""

    def __init__(self, tools, workspace, seconds):
        self.tools, self.workspace, self.seconds = tools, workspace, seconds
        self.number = 0

    def client(self, port, *options, name="load", spread=False):
        self.number += 1
        argv = [*placed(spread), self.tools.lg, "--port", port, "--user", USER, "--password", PASSWORD, "--json", *options]
        return self.workspace.start(f"{name}-{self.number}", argv, harness.LOAD_CORE, stdin=subprocess.PIPE,
                                    stdout=subprocess.PIPE)

    def line(self, process, what):
        text = process.stdout.readline()
        if not text:
            raise harness.BenchError(f"{what}: {harness.tail(process.log)}")
        return json.loads(text)

    def end(self, process):
        self.workspace.stop(process)
        self.workspace.processes.remove(process)

    def load(self, pooler, options, seconds=None, spread=False):
        """One load run between two looks at the clocks."""
        process = self.client(pooler.port, "--wait", "--seconds", seconds or self.seconds, *options, spread=spread)
        what = f"load through {pooler.name} at port {pooler.port}"
        self.line(process, what)
        threads, before, start = thread_ticks(pooler.processes), self.clocks(pooler, process), time.monotonic()
        process.stdin.write(b"\n")
        process.stdin.flush()
        report = self.line(process, what)
        elapsed = time.monotonic() - start
        cpu, busy, ours = (after - earlier for after, earlier in zip(self.clocks(pooler, process), before, strict=True))
        threads = sorted((ticks - threads.get(thread, 0) for thread, ticks in thread_ticks(pooler.processes).items()),
                         reverse=True)
        process.stdin.close()
        process.stdin = None
        process.wait(10)
        self.end(process)
        return sample(report, cpu, elapsed, max(0.0, busy - ours) / elapsed / len(used_cores(pooler)), threads)

    def clocks(self, pooler, load):
        """CPU seconds of the pooler, of the cores in use, and of everything that is ours."""
        pooler_cpu = self.workspace.cpu_seconds(pooler.processes)
        # Of `direct` the processes are the backend's.
        backend_cpu = 0 if pooler.name == "direct" else self.workspace.cpu_seconds(pooler.backend.processes)
        busy = sum(harness.core_busy_seconds(core) for core in used_cores(pooler))
        return pooler_cpu, busy, pooler_cpu + backend_cpu + self.workspace.cpu_seconds([load])


def used_cores(pooler):
    return {harness.LOAD_CORE} if pooler.name == "direct" else {harness.SERVER_CORE, harness.LOAD_CORE}


def thread_ticks(processes):
    """User and system time of each thread of the processes themselves, by thread id."""
    found = {}
    for process in processes:
        for entry in harness.pathlib.Path(f"/proc/{process.pid}/task").iterdir():
            fields = (entry / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            found[entry.name] = int(fields[11]) + int(fields[12])
    return found


def sample(report, cpu, elapsed, foreign, threads):
    queries = max(1, report["queries"])
    problems = []
    if report["errors"]:
        problems.append(f"{report['errors']} errors, the first: {report['first_error']}")
    if report["wrong"]:
        problems.append(f"{report['wrong']} answers were not one row")
    return {"queries": report["queries"], "seconds": report["seconds"], "tps": report["tps"],
            "cpu_us": cpu / queries * 1e6, "p50_us": report["p50_us"], "p99_us": report["p99_us"],
            "busy": cpu / elapsed, "foreign": foreign,
            "busiest_thread": threads[0] / max(1, sum(threads)) if threads else 1.0, "problems": problems}


class Row:
    """The own load client, with statements formed one way."""

    def __init__(self, name, title, backend, how, query=None, clients=32, without=(), fresh=False,
                 scattered=False):
        self.name, self.title, self.backend, self.how = name, title, backend, how
        self.clients, self.without, self.fresh, self.scattered = clients, without, fresh, scattered
        text = query or ("SELECT 1" if backend == "fake" else SELECT)
        self.options = ["--protocol", how, "-c", clients, "--query", text]
        if "{r}" in text:
            self.options += ["--range", ACCOUNTS]

    def measure(self, run, pooler):
        run.load(pooler, self.options, WARM_SECONDS)
        return run.load(pooler, self.options)


class Pgbench:
    """pgbench itself, whose log tells the latencies; it costs more than a pooler, so it is what it saturates."""

    clients, without, fresh, scattered, backend = 32, (), False, False, "real"

    def __init__(self, name, title, how):
        self.name, self.title, self.how = name, title, how

    def measure(self, run, pooler):
        run.number += 1
        prefix = run.workspace.dir / f"pgbench-{run.number}"
        argv = [*placed(), postgres_program("pgbench"), "-n", "-S", "-M", self.how, "-c", self.clients, "-j", 1, "-T",
                max(1, round(run.seconds)), "-l", f"--log-prefix={prefix}", "-h", "127.0.0.1", "-p", pooler.port, "-U",
                USER, DATABASES[0]]
        process = run.workspace.start(prefix.name, argv, harness.LOAD_CORE, env=CLIENT_ENVIRONMENT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired as error:
            raise harness.BenchError(f"pgbench through {pooler.name} did not end:\n{harness.tail(process.log)}") from error
        text = harness.tail(process.log)
        found = re.search(r"tps = ([\d.]+)", text)
        if process.returncode != 0 or not found:
            raise harness.BenchError(f"pgbench through {pooler.name} ended with {process.returncode}:\n{text}")
        run.end(process)
        latencies = []
        for log in run.workspace.dir.glob(f"{prefix.name}.*"):
            if log.suffix != ".out":
                latencies += [int(line.split()[2]) for line in log.read_text(encoding="ascii").splitlines()]
                log.unlink()
        latencies.sort()
        return {"queries": len(latencies), "tps": float(found[1]), "p50_us": latencies[len(latencies) // 2],
                "p99_us": latencies[len(latencies) * 99 // 100], "problems": []}


ROWS = {row.name: row for row in (
    Row("fake-simple", "SELECT 1, simple", "fake", "simple"),
    Row("fake-extended", "SELECT 1, extended unnamed", "fake", "extended"),
    Row("fake-prepared", "SELECT 1, prepared", "fake", "prepared", without=("pgbouncer",)),
    Row("real-simple", "pgbench's SELECT, simple", "real", "simple", scattered=True),
    Row("real-extended", "pgbench's SELECT, extended unnamed", "real", "extended", scattered=True),
    Row("real-prepared", "pgbench's SELECT, prepared", "real", "prepared", without=("pgbouncer",)),
    Row("latency", "SELECT 1, one client", "real", "simple", query="SELECT 1", clients=1, fresh=True),
    Pgbench("pgbench-simple", "pgbench -S -M simple", "simple"),
    Pgbench("pgbench-extended", "pgbench -S -M extended", "extended"),
)}


def measure_threads(run, pooler_class, rounds, note):
    """Two databases, so two pools: a pooler of one thread beside one of two. {"1": samples, "2": samples}.

    Poolers, load and backend share all cores here: with one core for a pooler, its second thread could only wait.
    """
    backend = FakePostgres(run.workspace, run.tools)
    options = ["--protocol", "simple", "-c", 2 * POOL, "--query", "SELECT 1", "--databases", ",".join(DATABASES)]
    result, running = {}, {}
    for threads in (1, 2):
        running[threads] = pooler_class()
        running[threads].start(run.workspace, backend, databases=DATABASES, threads=threads, spread=True)
    for _ in range(rounds):
        for threads, pooler in running.items():
            run.load(pooler, options, WARM_SECONDS, spread=True)
            one = run.load(pooler, options, spread=True)
            if threads == 2 and one["busiest_thread"] > 0.9:
                one["problems"].append(f"one thread did {one['busiest_thread']:.0%} of the work")
            result.setdefault(str(threads), []).append(one)
            note(f"{threads} threads", pooler.name, one)
    for pooler in running.values():
        pooler.stop(run.workspace)
    return result


def measure_idle(run, pooler, clients, seconds=2.0):
    """Clients that made one query each and then nothing: resident bytes before, at most while held, and how many left."""
    def resident():
        return run.workspace.memory_bytes(pooler.processes, shared_once=False)
    before = resident()
    process = run.client(pooler.port, "--idle", clients, "--seconds", 600, name="idle")
    opened = run.line(process, f"{clients} idle clients of {pooler.name}")["open"]
    peak, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        peak = max(peak, resident())
        time.sleep(0.2)
    process.stdin.close()
    process.stdin = None
    closed = run.line(process, f"{clients} idle clients of {pooler.name}")["closed"]
    process.wait(30)
    run.end(process)
    return {"clients": opened, "before": before, "bytes": peak, "each": (peak - before) / max(1, opened), "closed": closed}
