#!/usr/bin/env python3
"""Purges one tag that a million entries bear, and asks for every one of them again.

The origin's answers tell its generation; it is raised before the purge, so that whatever comes after the purge's
answer and still bears the old one is an old hit. Kept: the purge's whole round trip through the admin API under
1 ms (the best and the median of several are told; entries are stored anew before each), and no old hit.
"""
import http.client
import json
import socket
import statistics
import sys
import time

import common
from common import harness

LIMIT_MS = 1.0
TAG = "all1m"


def add_options(parser):
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--memory-mib", type=int, default=4096)
    parser.add_argument("--purges", type=int, default=3, help="how often it is filled and purged")


class Admin:
    """One keep-alive connection to the admin API, so that a purge's time has no connecting in it."""

    def __init__(self, server):
        self.host = f"127.0.0.1:{server.admin_port}"
        self.socket = socket.create_connection(("127.0.0.1", server.admin_port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.token = server.token()

    def timed(self, method, target, body=b""):
        """(status, body, milliseconds). The request leaves in one send: two would wait for each other's ACK."""
        request = (f"{method} {target} HTTP/1.1\r\nHost: {self.host}\r\nAuthorization: Bearer {self.token}\r\n"
                   f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body
        begin = time.perf_counter_ns()
        self.socket.sendall(request)
        answer = http.client.HTTPResponse(self.socket, method=method)
        answer.begin()
        content = answer.read()
        took = (time.perf_counter_ns() - begin) / 1e6
        if answer.will_close:
            raise harness.BenchError(f"the admin API closes after {method} {target}; its time would hold a connect")
        return answer.status, content, took


def ask_for_all(options, tools, server, generation):
    """Asks for every entry once, each answer to bear the generation."""
    report = tools.load(server.port, "/tagged/{n}", "--requests", options.entries, "--seconds", 1200, "--any-size",
                        "--expect", f"x-generation: {generation}", timeout_s=1300)
    if report["errors"] or report["non_200"]:
        raise harness.BenchError(f"{report['errors']} requests failed and {report['non_200']} answers were not 200")
    return report


def measure(options, tools, workspace):
    origin_port = tools.start_origin(workspace)
    server = common.LimitedFairing(options.memory_mib)
    server.start(workspace, origin_port, access_log=False)
    ask_for_all(options, tools, server, 1)
    times, bare, old, unstored = [], [], 0, 0
    for generation in range(2, options.purges + 2):
        harness.fetch(origin_port, "/reset")
        old += ask_for_all(options, tools, server, generation - 1)["unexpected"]
        unstored = max(unstored, harness.origin_counts(origin_port)["total"])
        harness.fetch(origin_port, f"/generation?set={generation}")
        admin = Admin(server)  # one that idled while all were asked for may have been closed
        bare.append(admin.timed("GET", "/livez")[2])
        status, content, took = admin.timed("POST", "/v1/purge", json.dumps({"tags": [TAG], "soft": False}).encode())
        if status not in (200, 202):
            raise harness.BenchError(f"POST /v1/purge answered {status}: {content[:200].decode(errors='replace')}")
        times.append(took)
        old += ask_for_all(options, tools, server, generation)["unexpected"]
        print(f"  purge {generation - 1}: {took:.3f} ms, {content[:120].decode(errors='replace').strip()}",
              file=sys.stderr, flush=True)
    return [
        (f"entries of one tag that were stored when it was purged, of {options.entries}", "99.9 %",
         f"{options.entries - unstored}", unstored <= options.entries // 1000),
        (f"purge of one tag of {options.entries} entries, round trip through the admin API", f"{LIMIT_MS:g} ms",
         f"median {statistics.median(times):.3f} ms, best {min(times):.3f} (GET /livez: {statistics.median(bare):.3f})",
         statistics.median(times) < LIMIT_MS),
        (f"old hits after the purge, {options.entries} entries asked for, {options.purges} times", "0", f"{old}",
         old == 0),
    ]


if __name__ == "__main__":
    sys.exit(common.run(__doc__, add_options, measure))
