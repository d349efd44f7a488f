#!/usr/bin/env python3
"""Fairing beside its peers on the same work in the same run.

  run.py http [--only kb1,miss] [--servers nginx,fairing] [--rounds 5] [--seconds 2] [--quick] [--out FILE]

Exit: 0 measured, 1 a goal was missed (with --strict) or nothing could be measured, 2 wrong usage.
"""
import argparse
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import harness  # noqa: E402
import report  # noqa: E402
from rows import ROWS, Run  # noqa: E402
from servers import SERVERS, Fairing  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["http"])
    parser.add_argument("--only", default=",".join(ROWS), help=f"rows, of {','.join(ROWS)}")
    parser.add_argument("--servers", default=",".join(SERVERS), help=f"of {','.join(SERVERS)}")
    parser.add_argument("--tables", default="off,on", help="access logs: off, on, or both")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each sample")
    parser.add_argument("--quick", action="store_true", help="one round of 0.5 s: a look, not a figure to quote")
    parser.add_argument("--build", type=pathlib.Path, default=harness.REPOSITORY / "build/release",
                        help="the directory with fairing, fairing_lg and fairing_origin")
    parser.add_argument("--tools", type=pathlib.Path, help="the directory with fairing_lg and fairing_origin, if another")
    parser.add_argument("--out", type=pathlib.Path, help="the page; by default docs/reference/benchmarks-http.md, "
                        "for a full run in which Fairing takes part")
    parser.add_argument("--json", type=pathlib.Path, help="every sample, as JSON")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a goal is missed")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 0.5
    harness.choose(parser, options, only=ROWS, servers=SERVERS, tables=report.TABLES)
    return options


def measure_table(table, options, servers, tools, result, memory):
    rows = [ROWS[name] for name in options.only if table == "off" or ROWS[name].logged]
    if not rows:
        return
    with harness.Workspace() as workspace:
        origin_port = tools.start_origin(workspace)
        run = Run(tools, workspace, origin_port, options.seconds)
        running = {}
        for name in servers:
            running[name] = SERVERS[name]()
            running[name].start(workspace, origin_port, access_log=table == "on")
        for row in rows:
            for server in running.values():
                row.prepare(run, server)
            for number in range(1 if row.name == "uncacheable" else options.rounds):
                for name, server in running.items():
                    sample = row.measure(run, server, number)
                    result.setdefault(table, {}).setdefault(row.name, {}).setdefault(name, []).append(sample)
                    print(f"{table:3} {row.name:13} {number} {name:8} {sample['rps']:9,.0f} req/s "
                          f"{sample['cpu_us']:7.2f} us/req  p99 {sample['p99_us']:8,.0f} us  busy {sample['busy']:4.0%} "
                          f"origin {sample['origin']:6} {'; '.join(sample['problems'])}", file=sys.stderr, flush=True)
        for name, server in running.items():
            memory.setdefault(name, workspace.memory_bytes(server.memory_processes()))
            if table == "on" and server.logged_bytes() == 0:
                raise harness.BenchError(f"{name} wrote no access log: its figures with logs on are void")


def main():
    options = arguments()
    Fairing.build = options.build.resolve()
    try:
        os.sched_setaffinity(0, {harness.LOAD_CORE})
        servers = harness.present(options.servers, SERVERS)
        tools = harness.Tools(options.tools or options.build)
        result, memory = {}, {}
        for table in options.tables:
            measure_table(table, options, servers, tools, result, memory)
    except harness.BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    versions = {name: SERVERS[name].version() for name in servers}
    page = report.markdown(result, servers, versions, memory, options.rounds, options.seconds)
    print(page)
    full = set(options.only) == set(ROWS) and len(servers) == len(SERVERS) and len(options.tables) == 2
    out = options.out or (harness.REPOSITORY / "docs/reference/benchmarks-http.md" if full and not options.quick else None)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(page, encoding="utf-8")
        print(f"written to {out}", file=sys.stderr)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1), encoding="utf-8")
    missed = [text for text, _, reached in report.all_goals(result) if not reached]
    return 1 if options.strict and missed else 0


if __name__ == "__main__":
    sys.exit(main())
