"""The rows of the http table: what each asks, how it is measured, and what proves that it was what it claims.

Flow: ROWS[name].measure(run, server, round) -> a sample; prepare(run, server) once before the first round.
A hit row compares the answer with the origin's byte for byte (unpacked) first, and afterwards the origin's count
with the requests made: if the origin was asked, the row's sample says so and the report refuses it.
"""
import gzip
import time

import harness


class Sample(dict):
    """requests, seconds, rps, cpu_us, per_cpu_second, busy, foreign, p50_us, p99_us, origin, bytes, problems."""


class Run:
    """What every row needs: the tools, the origin, and how long to measure."""

    def __init__(self, tools, workspace, origin_port, seconds):
        self.tools, self.workspace, self.origin_port, self.seconds = tools, workspace, origin_port, seconds
        self.next_number = 0

    def numbers(self, count):
        """The first of `count` numbers that no earlier URL bore."""
        first = self.next_number
        self.next_number += count
        return first


class Row:
    def __init__(self, name, title, target, options=(), headers=None, logged=False,
                 large_body=False):
        self.name, self.title, self.target, self.logged = name, title, target, logged
        self.large_body = large_body
        self.headers = headers or {}
        self.options = list(options)
        for field, value in self.headers.items():
            self.options += ["--header", f"{field}: {value}"]

    def prepare(self, run, server):
        pass

    def measured_load(self, run, server, *options, seconds=None):
        """One load run between two looks at the clocks."""
        origin = harness.origin_counts(run.origin_port)["total"]
        cpu, busy, start = run.workspace.cpu_seconds(server.processes), self.busy(), time.monotonic()
        report = run.tools.load(server.port_for(self), self.target, "--seconds", seconds or run.seconds, *self.options, *options)
        elapsed = time.monotonic() - start
        cpu = run.workspace.cpu_seconds(server.processes) - cpu
        busy = self.busy() - busy
        requests = max(1, report["requests"])
        problems = []
        for field, what in (("errors", "requests failed"), ("non_200", "answers were not 200"),
                            ("wrong_size", "bodies had the wrong length"), ("unexpected", "heads were unexpected")):
            if report[field]:
                problems.append(f"{report[field]} {what}")
        return Sample(
            requests=report["requests"], seconds=report["seconds"], rps=report["rps"], cpu_us=cpu / requests * 1e6,
            per_cpu_second=requests / max(cpu, 0.5 / harness.TICK), busy=cpu / elapsed,
            foreign=max(0.0, busy - cpu) / elapsed, p50_us=report["p50_us"], p99_us=report["p99_us"],
            bytes=report["bytes"] / requests, slowest_us=report["max_us"],
            origin=harness.origin_counts(run.origin_port)["total"] - origin, problems=problems)

    @staticmethod
    def busy():
        return harness.core_busy_seconds(harness.SERVER_CORE)


class Hit(Row):
    """A stored answer, again and again."""

    checks = ()  # what the load client holds each answer against

    def prepare(self, run, server):
        _, _, wanted = harness.fetch(run.origin_port, self.target, {"Accept-Encoding": "identity"})
        takes_gzip = self.headers.get("Accept-Encoding") == "gzip"
        for _ in range(5):  # the first ones store; a later one may still wait for a second look (S3-FIFO, min_uses)
            status, fields, body = harness.fetch(server.port_for(self), self.target, self.headers)
            packed = fields.get("content-encoding") == "gzip"
            if packed != takes_gzip:
                raise harness.BenchError(f"{server.name} gives {'gzip' if packed else 'no gzip'} for {self.target} to "
                                         f"a client that takes {'gzip' if takes_gzip else 'none'}")
            if status != 200 or (gzip.decompress(body) if packed else body) != wanted:
                raise harness.BenchError(f"{server.name} answers {self.target} with {status} and another body "
                                         f"than the origin ({len(body)} bytes)")
        # A stored gzip form may be replaced by a better one while it is measured; an identity form may not change.
        self.checks = (["--expect", "content-encoding: gzip", "--any-size"] if takes_gzip
                       else ["--body-size", len(wanted)])

    def measure(self, run, server, _round):
        run.tools.load(server.port_for(self), self.target, "--seconds", 0.2, *self.options)
        sample = self.measured_load(run, server, *self.checks)
        if sample["origin"] > sample["requests"] * 0.001 + 1:
            sample["problems"].append(f"not hits: the origin was asked {sample['origin']} times")
        return sample


class Miss(Row):
    """A new URL each time: stored, never asked for again."""

    def measure(self, run, server, _round):
        sample = self.measured_load(run, server, "--first", run.numbers(10_000_000))
        if sample["origin"] < sample["requests"]:
            sample["problems"].append(f"not misses: the origin was asked {sample['origin']} times")
        return sample


class Collapse(Row):
    """Cold clients of one slow URL, all at the same instant."""

    clients = 200

    def measure(self, run, server, _round):
        target = f"/slow/{run.numbers(1)}?ms=200"
        row = Row(self.name, self.title, target)
        return row.measured_load(run, server, "--once", self.clients, seconds=20)


class Uncacheable(Row):
    """One URL whose answers are private and slow: collapsing must not make its clients queue."""

    whole_seconds = 6

    def measure(self, run, server, _round):
        row = Row(self.name, self.title, f"/nostore?ms=500&n={run.numbers(1)}")
        seconds = self.whole_seconds if run.seconds >= 1 else 3
        sample = row.measured_load(run, server, "--connections", 20, seconds=seconds)
        sample["ideal"] = 20 * (seconds * 2 - 1)  # what begins with the last half second ends after it
        return sample


GZIP = {"Accept-Encoding": "gzip"}
# Said outright: to a request without the field any coding may be sent, and HAProxy then sends what it has.
IDENTITY = {"Accept-Encoding": "identity"}
ROWS = {row.name: row for row in (
    Hit("kb1", "1 KB hit, 64 connections", "/kb1", logged=True),
    Hit("kb100", "100 KB hit, 64 connections", "/kb100", logged=True, large_body=True),
    Hit("json-gzip", "69 KB JSON hit, client takes gzip", "/json69", headers=GZIP),
    Hit("json-identity", "69 KB JSON hit, identity client", "/json69", headers=IDENTITY,
        large_body=True),
    Hit("pipelined", "1 KB hit, pipelined ×16", "/kb1", ["--pipeline", 16]),
    Miss("miss", "1 KB miss, every URL new, stored", "/miss/{n}", logged=True),
    Collapse("collapse", "200 cold clients of one URL (origin takes 200 ms)", "/slow"),
    Uncacheable("uncacheable", "uncacheable, 20 connections, origin takes 500 ms", "/nostore"),
)}
