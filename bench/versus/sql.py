#!/usr/bin/env python3
"""Fairing's sql plane beside PgBouncer on the same work in the same run.

  sql.py [--only fake-simple,real-prepared] [--servers fairing,pgbouncer] [--rounds 5] [--seconds 2] [--quick] [--out FILE]

Besides rows, --only takes `threads` and `idle`. Exit: 0 measured, 1 a goal was missed (with --strict) or nothing could
be measured, 2 wrong usage.
"""
import argparse
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import harness  # noqa: E402
import sql_report  # noqa: E402
import sql_servers  # noqa: E402
from sql_rows import ROWS, Run, measure_idle, measure_threads  # noqa: E402
from sql_servers import POOLERS, Fairing, FakePostgres, RealPostgres, Tools, raise_file_limit  # noqa: E402

PARTS = (*ROWS, "threads", "idle")
FRESH = 6  # times as many samples, of poolers just started
SCATTERED = 3  # times as many, where a goal is about what has a spread of a tenth and more: p99, two threads
PAGE = harness.REPOSITORY / "docs/reference/benchmarks-sql.md"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["sql"], default="sql")
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {','.join(PARTS)}")
    parser.add_argument("--servers", default=",".join(POOLERS), help=f"of {','.join(POOLERS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each sample")
    parser.add_argument("--idle-clients", type=int, default=5000)
    parser.add_argument("--quick", action="store_true", help="one round of 0.5 s: a look, not a figure to quote")
    parser.add_argument("--build", type=pathlib.Path, default=harness.REPOSITORY / "build/release",
                        help="the directory with fairing, fairing_lg_sql and fairing_pg_origin")
    parser.add_argument("--tools", type=pathlib.Path, help="the directory with the last two, if another")
    parser.add_argument("--realtime", action="store_true", help="the real-time policy for all that is measured: where other "
                        "work on the machine would take the core whenever a server waits")
    parser.add_argument("--out", type=pathlib.Path, help="the page; by default docs/reference/benchmarks-sql.md, "
                        "for a full run in which all take part")
    parser.add_argument("--json", type=pathlib.Path, help="every sample, as JSON")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a goal is missed")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 0.5
    harness.choose(parser, options, only=PARTS, servers=tuple(POOLERS))
    return options


def note(what, server, sample):
    cpu = " " * 39
    if "cpu_us" in sample:
        cpu = f"{sample['cpu_us']:7.2f} us/query  busy {sample['busy']:4.0%}  others {sample['foreign']:4.0%}"
    print(f"{what:17} {server:9} {sample['tps']:9,.0f} queries/s  {cpu}  p50 {sample['p50_us']:6,.0f}  "
          f"p99 {sample['p99_us']:8,.0f} us  {'; '.join(sample['problems'])}", file=sys.stderr, flush=True)


def measure_rows(backend_name, options, servers, tools, result):
    """All rows of one backend; every pooler runs beside the others, and is measured in its turn."""
    rows = [ROWS[name] for name in options.only if name in ROWS and ROWS[name].backend == backend_name]
    if not rows:
        return
    with harness.Workspace() as workspace:
        workspace.dir.chmod(0o755)  # PostgreSQL and PgBouncer run as another user
        backend = FakePostgres(workspace, tools) if backend_name == "fake" else RealPostgres(workspace)
        run = Run(tools, workspace, options.seconds)
        running = {}
        for name in servers:
            running[name] = POOLERS[name]()
            running[name].start(workspace, backend)
        for row in rows:
            if row.fresh:
                measure_fresh(row, options, servers, run, backend, result)
                continue
            for number in range(options.rounds * (SCATTERED if row.scattered else 1)):
                for name, pooler in in_turn(running, number):
                    if name in row.without:
                        continue
                    sample = row.measure(run, pooler)
                    result["rows"].setdefault(row.name, {}).setdefault(name, []).append(sample)
                    note(f"{row.name} {number}", name, sample)


def in_turn(running, number):
    """Whoever is first in one round is last in the next: after whom one is measured counts."""
    return list(running.items())[::-1 if number % 2 else 1]


def measure_fresh(row, options, servers, run, backend, result):
    """A row whose figure also depends on which pages a process happened to get, its own and its PostgreSQL sessions':
    each sample is of poolers that were just started, and there are more of them."""
    for number in range(FRESH * options.rounds):
        running = {name: POOLERS[name]() for name in servers if name not in row.without}
        for name, pooler in running.items():
            pooler.start(run.workspace, backend)
        for name, pooler in in_turn(running, number):
            sample = row.measure(run, pooler)
            result["rows"].setdefault(row.name, {}).setdefault(name, []).append(sample)
            note(f"{row.name} {number}", name, sample)
        for pooler in running.values():
            pooler.stop(run.workspace)


def measure_rest(options, servers, tools, result):
    if "threads" in options.only and "fairing" in servers:
        with harness.Workspace() as workspace:
            workspace.dir.chmod(0o755)
            result["threads"] = measure_threads(Run(tools, workspace, options.seconds), Fairing, SCATTERED * options.rounds, note)
    if "idle" in options.only:
        for name in (name for name in servers if name != "direct"):
            with harness.Workspace() as workspace:
                workspace.dir.chmod(0o755)
                pooler = POOLERS[name]()
                pooler.start(workspace, FakePostgres(workspace, tools))
                idle = measure_idle(Run(tools, workspace, options.seconds), pooler, options.idle_clients)
                result["idle"][name] = idle
                print(f"idle {name}: {idle['clients']} clients, {idle['bytes'] / 1e6:.1f} MB "
                      f"({idle['before'] / 1e6:.1f} before), {idle['closed']} lost", file=sys.stderr, flush=True)


def main():
    options = arguments()
    Fairing.binary = options.build.resolve() / "fairing"
    sql_servers.realtime = options.realtime
    raise_file_limit()
    result = {"rows": {}, "threads": {}, "idle": {}}
    try:
        os.sched_setaffinity(0, {harness.LOAD_CORE})
        servers = harness.present(options.servers, POOLERS)
        tools = Tools(options.tools or options.build)
        for backend in ("fake", "real"):
            measure_rows(backend, options, servers, tools, result)
        measure_rest(options, servers, tools, result)
    except harness.BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    versions = {name: POOLERS[name].version() for name in servers}
    versions["PostgreSQL"] = RealPostgres.version()
    page = sql_report.markdown(result, servers, versions, options.rounds, options.seconds, SCATTERED)
    print(page)
    full = set(options.only) == set(PARTS) and len(servers) == len(POOLERS)
    out = options.out or (PAGE if full and not options.quick else None)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page, encoding="utf-8")
        print(f"written to {out}", file=sys.stderr)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1), encoding="utf-8")
    missed = [text for text, _, reached in sql_report.goals(result) if not reached]
    return 1 if options.strict and missed else 0


if __name__ == "__main__":
    sys.exit(main())
