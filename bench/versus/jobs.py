#!/usr/bin/env python3
"""Fairing's jobs plane beside BullMQ, and beside what the disk and SQLite give at most, in the same run.

  jobs.py [--only enqueue,cycle] [--servers fairing,bullmq] [--rounds 5] [--seconds 2] [--quick] [--out FILE]

Besides rows, --only takes `slow-disk`, `postgres`, `backlog`, `idle`, `parked` and `recovery`. Exit: 0 measured, 1 a
goal was missed (with --strict) or nothing could be measured, 2 wrong usage.
"""
import argparse
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import harness  # noqa: E402
import jobs_report  # noqa: E402
import jobs_rows  # noqa: E402
from jobs_rows import ROWS, in_turn, start_fairing  # noqa: E402
from jobs_servers import SERVERS, BullMQ, Ceiling, Disk, Fairing, Tools  # noqa: E402
from sql_servers import Cluster, raise_file_limit  # noqa: E402

PARTS = (*ROWS, "slow-disk", "postgres", "backlog", "idle", "parked", "recovery")
PAGE = harness.REPOSITORY / "docs/reference/benchmarks-jobs.md"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["jobs"], default="jobs")
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--servers", default=",".join(SERVERS), help=f"of {','.join(SERVERS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each sample")
    parser.add_argument("--backlog", type=int, default=1_000_000, help="jobs, of the parts backlog, idle and recovery")
    parser.add_argument("--polls", type=int, default=10_000, help="of the part parked")
    parser.add_argument("--quick", action="store_true", help="one round of 0.5 s, small parts: a look, not a figure to quote")
    parser.add_argument("--disk", type=pathlib.Path, default=harness.REPOSITORY / "build",
                        help="where the stores are: a directory on a disk, not on tmpfs")
    parser.add_argument("--build", type=pathlib.Path, default=harness.REPOSITORY / "build/release",
                        help="the directory with fairing, fairing_lg_jobs, fairing_jobs_ceiling and libfairing_faults.so")
    parser.add_argument("--tools", type=pathlib.Path, help="the directory with the last three, if another")
    parser.add_argument("--out", type=pathlib.Path, help="the page; by default docs/reference/benchmarks-jobs.md, "
                        "for a full run in which all take part")
    parser.add_argument("--json", type=pathlib.Path, help="every sample, as JSON")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a goal is missed")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds, options.backlog, options.polls = 1, 0.5, 20_000, 500
    harness.choose(parser, options, only=PARTS, servers=tuple(SERVERS))
    return options


def note(what, server, sample):
    client = f"client {sample['client_us']:6.2f}" if "client_us" in sample else " " * 13
    if sample.get("database_us"):
        client += f"  database {sample['database_us']:6.2f}"
    print(f"{what:24} {server:8} {sample['rate']:9,.0f}/s  {sample['cpu_us']:7.2f} us/job  busy {sample['busy']:4.0%}  "
          f"{client}  p50 {sample['p50_us']:8,.0f}  p99 {sample['p99_us']:8,.0f} us  {'; '.join(sample['problems'])}",
          file=sys.stderr, flush=True)


def measure_rows(options, names, tools, disk, result):
    """All rows; the servers run side by side, and are measured in turn with the ceilings of the disk."""
    rows = [ROWS[name] for name in options.only if name in ROWS]
    if not rows:
        return
    ceiling = Ceiling(tools, disk)

    with harness.Workspace() as workspace:
        running = []
        for name in names:
            running.append(Fairing(tools) if name == "fairing" else BullMQ())
            running[-1].start(workspace, disk)
        for row in rows:
            for number in range(options.rounds):
                for who, sample in in_turn(row, ceiling, running, options.seconds):
                    result["rows"].setdefault(row.name, {}).setdefault(who, []).append(sample)
                    note(f"{row.name} {number}", who, sample)


def measure_parts(options, tools, disk, result):
    """What asks for a Fairing of its own."""
    wanted, rounds = set(options.only), min(options.rounds, 3)
    with harness.Workspace() as workspace:
        if "slow-disk" in wanted:
            result["slow_disk"] = jobs_rows.measure_slow_disk(tools, workspace, disk, rounds, options.seconds, note)
        if "postgres" in wanted:
            if why := Cluster.missing():
                print(f"without PostgreSQL: {why}", file=sys.stderr)
            else:
                result["postgres"] = jobs_rows.measure_postgres(tools, workspace, disk, rounds, options.seconds, note)
        if "parked" in wanted:
            server = start_fairing(tools, workspace, disk, "parked")
            result["parked"] = jobs_rows.measure_parked(server, options.polls, options.seconds)
            print(f"parked: {result['parked']}", file=sys.stderr, flush=True)
            server.stop(workspace)
        if wanted & {"backlog", "recovery"}:
            full = start_fairing(tools, workspace, disk, "full")
            jobs_rows.fill(full, options.backlog)
            if "backlog" in wanted:
                empty = start_fairing(tools, workspace, disk, "empty")
                result["backlog"] = jobs_rows.measure_backlog(empty, full, options.rounds, options.seconds, note)
                empty.stop(workspace)
            if "recovery" in wanted:
                result["recovery"] = jobs_rows.measure_recovery(full, rounds)
                print(f"recovery: {result['recovery']}", file=sys.stderr, flush=True)
            full.stop(workspace)
        if "idle" in wanted:
            server = start_fairing(tools, workspace, disk, "idle")
            result["idle"] = jobs_rows.measure_idle(server, options.backlog, 5 * options.seconds)
            print(f"idle: {result['idle']}", file=sys.stderr, flush=True)
            server.stop(workspace)


def main():
    options = arguments()
    Fairing.binary = options.build.resolve() / "fairing"
    raise_file_limit()
    result = {"rows": {}, "slow_disk": {}, "postgres": {}, "backlog": {}, "idle": {}, "parked": {}, "recovery": []}
    try:
        os.sched_setaffinity(0, {harness.LOAD_CORE})
        names = harness.present(options.servers, SERVERS)
        tools = Tools(options.tools or options.build)
        with Disk(options.disk) as disk:
            measure_rows(options, names, tools, disk, result)
            if "fairing" in names:
                measure_parts(options, tools, disk, result)
    except harness.BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    versions = {name: SERVERS[name].version() for name in names}
    if result["postgres"]:
        versions["PostgreSQL"] = Cluster.version()
    page = jobs_report.markdown(result, names, versions, options)
    print(page)
    full = set(options.only) == set(PARTS) and len(names) == len(SERVERS)
    out = options.out or (PAGE if full and not options.quick else None)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page, encoding="utf-8")
        print(f"written to {out}", file=sys.stderr)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1), encoding="utf-8")
    missed = [text for text, _, reached in jobs_report.goals(result) if not reached]
    return 1 if options.strict and missed else 0


if __name__ == "__main__":
    sys.exit(main())
