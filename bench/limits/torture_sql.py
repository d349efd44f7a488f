#!/usr/bin/env python3
"""Runs 10^6 tagged statements of 200 clients over a pool of 8 whose servers are killed, and counts what must be 0.

It is test/scenario/sql_torture_test.py at its full length: a third as many statements run without faults first. About
ten minutes. Kept: no row of somebody else, no loss that no fault explains, no server that is left over.
"""
import json
import os
import subprocess
import sys

import common

harness = common.harness
SCRIPT = harness.REPOSITORY / "test/scenario/sql_torture_test.py"


def add_options(parser):
    parser.add_argument("--statements", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)


def measure(options, _tools, _workspace):
    env = os.environ | {
        "FAIRING_BIN": str(options.build.resolve() / "fairing"),
        "FAIRING_TORTURE_STATEMENTS": str(options.statements),
        "FAIRING_TORTURE_SEED": str(options.seed),
    }
    done = subprocess.run(["/usr/bin/python3", SCRIPT], env=env, capture_output=True, text=True, check=False)
    runs = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    if len(runs) != 2:
        raise harness.BenchError(f"the torture did not come to its end:\n{done.stderr[-4000:]}")
    faults = max(runs, key=lambda r: r["lost"])
    both = sum(r["statements"] for r in runs)
    wrong = sum(r["wrong_rows"] + r["faults"] + r["late_cancels"] for r in runs)
    unexplained = sum(r["lost_unexplained"] + r["refused_unexplained"] for r in runs)
    what = f"of {options.statements:,} sql statements of 200 clients under faults"
    return [
        (f"rows and answers of somebody else, {what}", "0",
         f"{wrong} ({both:,} statements with the run without faults; {sum(r['rows'] for r in runs):,} rows)", wrong == 0),
        (f"lost connections and refusals that no fault explains, {what}", "0",
         f"{unexplained} ({faults['lost']} lost and {faults['refused']} refused by killed servers; "
         f"{faults['closed_by_us']} left by their client)", unexplained == 0),
        (f"servers and descriptors left over, {what}", "0",
         "0" if done.returncode == 0 else "see the test's complaint", done.returncode == 0),
    ]


if __name__ == "__main__":
    sys.exit(common.run(__doc__, add_options, measure))
