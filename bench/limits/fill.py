#!/usr/bin/env python3
"""Fills the cache with ten times its byte budget, over and over, and watches resident memory.

Objects of 200 B to 200 KB (mean about 30 KB, one in eight compressible) are asked for in turn, so that nearly every
request is a miss that evicts; a second client keeps a small hot set busy. Kept: budget + 64 MiB at every sample.
"""
import subprocess
import sys
import time

import common
from common import MIB, harness

MEAN_BYTES = 29_500  # of /fill/{n}, see bench/origin
SLACK = 64 * MIB


def add_options(parser):
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--memory-mib", type=int, default=256)
    parser.add_argument("--connections", type=int, default=32)


def start_load(workspace, tools, server, name, *options):
    argv = [tools.lg, "--json", "--any-size", "--url", f"http://127.0.0.1:{server.port}/fill/{{n}}", *options]
    return workspace.start(name, argv, harness.LOAD_CORE, stdout=subprocess.PIPE)


def measure(options, tools, workspace):
    origin_port = tools.start_origin(workspace)
    server = common.LimitedFairing(options.memory_mib)
    server.start(workspace, origin_port, access_log=False)
    budget = options.memory_mib * MIB
    distinct = 10 * budget // MEAN_BYTES
    seconds = options.minutes * 60
    at_start = server.resident()
    fill = start_load(workspace, tools, server, "fill", "--cycle", distinct, "--connections", options.connections,
                      "--seconds", seconds)
    hot = start_load(workspace, tools, server, "hot", "--first", distinct, "--cycle", 200, "--connections", 4,
                     "--seconds", seconds)
    peak, samples, next_word = at_start, 0, time.monotonic()
    while fill.poll() is None:
        resident = server.resident()
        peak, samples = max(peak, resident), samples + 1
        if time.monotonic() >= next_word:
            print(f"  resident {resident / MIB:.1f} MiB, peak {peak / MIB:.1f}", file=sys.stderr, flush=True)
            next_word += 15
        time.sleep(0.2)
    reports = [harness.json.loads(process.communicate()[0]) for process in (fill, hot)]
    failed = sum(r["errors"] + r["non_200"] for r in reports)
    filled = reports[0]["body_bytes"]
    told = common.metric(server, "fairing_cache_bytes")
    within = "not told" if told is None else f"{told / MIB:.1f} MiB by its own count"
    return [
        (f"resident memory, {options.minutes:g} min of filling, {options.memory_mib} MiB budget",
         f"{(budget + SLACK) / MIB:.0f} MiB",
         f"peak {peak / MIB:.1f} MiB of {samples} samples ({filled / budget:.0f} budgets of bodies passed; {within}; "
         f"{at_start / MIB:.1f} MiB at start)",
         peak <= budget + SLACK and filled >= budget),
        (f"answers that failed while filling for {options.minutes:g} min", "0",
         f"{failed} of {sum(r['requests'] for r in reports)}", failed == 0),
    ]


if __name__ == "__main__":
    sys.exit(common.run(__doc__, add_options, measure))
