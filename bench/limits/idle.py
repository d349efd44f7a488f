#!/usr/bin/env python3
"""Opens 10,000 connections, has each answer one request, leaves them idle, and looks at resident memory.

Kept: under 100 MB in all, and no connection closed meanwhile.
"""
import subprocess
import sys
import time

import common
from common import harness

LIMIT = 100_000_000


def add_options(parser):
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--hold-seconds", type=float, default=5)


def measure(options, tools, workspace):
    origin_port = tools.start_origin(workspace)
    server = common.LimitedFairing(256)
    server.start(workspace, origin_port, access_log=False)
    at_start = server.resident()
    holder = workspace.start(
        "idle", [tools.lg, "--idle", options.connections, "--seconds", 600, "--url",
                 f"http://127.0.0.1:{server.port}/kb1"], harness.LOAD_CORE, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    line = holder.stdout.readline()
    if not line:
        raise harness.BenchError(f"the connections could not be opened:\n{harness.tail(holder.log)}")
    opened = harness.json.loads(line)["open"]
    peak, end = 0, time.monotonic() + options.hold_seconds
    while time.monotonic() < end:
        peak = max(peak, server.resident())
        time.sleep(0.2)
    closed = harness.json.loads(holder.communicate()[0])["closed"]
    each = (peak - at_start) / max(1, opened)
    return [
        (f"resident memory with {options.connections} idle connections", f"{LIMIT / 1e6:.0f} MB",
         f"{peak / 1e6:.1f} MB ({at_start / 1e6:.1f} MB before; {each:,.0f} B each)",
         peak < LIMIT and opened == options.connections),
        (f"idle connections, of {options.connections}, lost while held", "0",
         f"{options.connections - opened + closed}", opened == options.connections and closed == 0),
    ]


if __name__ == "__main__":
    sys.exit(common.run(__doc__, add_options, measure))
