#!/usr/bin/env python3
"""Logs 5,000 PostgreSQL clients in, has each make one query, leaves them idle, and looks at resident memory.

Transaction pooling, 16 connections to a backend that answers at once. Kept: under 60 MB in all, and nobody lost.
"""
import sys

import common
import sql_rows
import sql_servers

LIMIT = 60_000_000


def add_options(parser):
    parser.add_argument("--clients", type=int, default=5000)
    parser.add_argument("--hold-seconds", type=float, default=5)


def measure(options, _tools, workspace):
    sql_servers.raise_file_limit()
    sql_servers.Fairing.binary = options.build.resolve() / "fairing"
    tools = sql_servers.Tools(options.tools or options.build)
    server = sql_servers.Fairing()
    server.start(workspace, sql_servers.FakePostgres(workspace, tools))
    run = sql_rows.Run(tools, workspace, options.hold_seconds)
    idle = sql_rows.measure_idle(run, server, options.clients, options.hold_seconds)
    return [
        (f"resident memory with {options.clients} idle sql clients", f"{LIMIT / 1e6:.0f} MB",
         f"{idle['bytes'] / 1e6:.1f} MB ({idle['before'] / 1e6:.1f} MB before; {idle['each']:,.0f} B each)",
         idle["bytes"] < LIMIT),
        (f"idle sql clients, of {options.clients}, lost while held", "0", f"{idle['closed']}", idle["closed"] == 0),
    ]


if __name__ == "__main__":
    sys.exit(common.run(__doc__, add_options, measure))
