#!/usr/bin/env python3
"""All limits one after another: idle.py, idle_sql.py, purge_tag.py, fill.py, torture_sql.py. Takes about half an hour; each
runs alone too.

  run.py [limits] [--quick] [--build DIR] [--tools DIR] [--out FILE]

Exit: 0 all kept, 1 one was not kept or could not be measured, 2 wrong usage.
"""
import argparse
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
FULL = {"idle.py": [], "idle_sql.py": [], "purge_tag.py": [], "fill.py": [], "torture_sql.py": []}
QUICK = {"idle.py": ["--hold-seconds", "1"], "idle_sql.py": ["--hold-seconds", "1"],
         "purge_tag.py": ["--entries", "50000", "--purges", "2"],
         "fill.py": ["--minutes", "0.2", "--memory-mib", "64"],
         "torture_sql.py": ["--statements", "30000"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["limits"], default="limits")
    parser.add_argument("--quick", action="store_true", help="small and short: a look; nothing is written to the docs")
    for passed_on in ("--build", "--tools", "--out"):
        parser.add_argument(passed_on)
    options = parser.parse_args()
    shared = [word for name in ("build", "tools", "out") if (value := getattr(options, name))
              for word in (f"--{name}", value)]
    if options.quick and not options.out:
        shared += ["--out", "-"]
    codes = [subprocess.run([sys.executable, FOLDER / script, *extra, *shared], check=False).returncode
             for script, extra in (QUICK if options.quick else FULL).items()]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
