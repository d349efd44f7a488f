#!/usr/bin/env python3
"""lint: what a review should not have to look for. Called by `./dev lint`; exit 1 if anything was found.

  its own tests · edges (who includes whom) · style · formatting · headers compile alone · clang-tidy
"""

import argparse
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import edges
import style
from findings import finding

here = Path(__file__).resolve().parent


def run_own_tests(_):
    done = subprocess.run(
        [sys.executable, "-m", "unittest", "-q", "lint_test"], cwd=here, capture_output=True, text=True
    )
    return done.stderr.splitlines() if done.returncode else []


def run_edges(o):
    return edges.check(o.root)


def run_style(o):
    return style.check(o.root)


def run_format(o):
    files = [str(p) for p in style.cpp_files(o.root)]
    chunks = [files[i : i + 16] for i in range(0, len(files), 16)]

    def one(chunk):
        command = ["clang-format-19", "--dry-run", "-Werror", *chunk]
        return subprocess.run(command, cwd=o.root, capture_output=True, text=True).stderr.splitlines()

    first = {}  # path -> [line, count]; one finding a file is enough
    with ThreadPoolExecutor(o.jobs) as pool:
        for out in pool.map(one, chunks):
            for match in re.finditer(r"^(\S+?):(\d+):\d+: error:", "\n".join(out), re.MULTILINE):
                first.setdefault(match.group(1), [int(match.group(2)), 0])[1] += 1
    return [
        finding(path, line, "format", f"not as clang-format-19 writes it ({count} places): ./dev fmt {path}")
        for path, (line, count) in sorted(first.items())
    ]


def run_headers(o):
    command = ["ninja", "-C", str(o.build), "-j", str(o.jobs), "-k", "0", "check_headers"]
    done = subprocess.run(command, cwd=o.root, capture_output=True, text=True)
    if done.returncode == 0:
        return []
    return [line for line in done.stdout.splitlines() if "error" in line or "FAILED" in line] or [done.stderr]


def files_to_tidy(o):
    """Sources (not tests) of modules that do no IO: a second each. All of src/ with --tidy."""
    if o.files:
        return o.files
    table = edges.parse_table((o.root / "CMakeLists.txt").read_text())
    folders = {m.folder for m in table.values() if o.tidy or not any(table[d].does_io for d in edges.closure(table, m.name))}
    out = []
    for path in style.cpp_files(o.root):
        own = path.suffix == ".cpp" and path.parts[0] == "src" and not path.name.endswith("_test.cpp")
        if own and str(path.parent.relative_to("src")) in folders:
            out.append(str(path))
    return out


def run_tidy(o):
    def one(path):
        command = ["clang-tidy-19", "--quiet", "-p", str(o.build), path]
        done = subprocess.run(command, cwd=o.root, capture_output=True, text=True)
        lines = [line for line in done.stdout.splitlines() if "error:" in line or "warning:" in line]
        if done.returncode and not lines:
            lines = [f"{path}:1: clang-tidy failed: {done.stderr.strip()[-500:]} [clang-tidy]"]
        return [line.removeprefix(f"{o.root}/") for line in lines]

    with ThreadPoolExecutor(o.jobs) as pool:
        return sorted({line for out in pool.map(one, files_to_tidy(o)) for line in out})


checks = [
    ("lint's own tests", run_own_tests),
    ("edges", run_edges),
    ("style", run_style),
    ("formatting", run_format),
    ("headers compile alone", run_headers),
    ("clang-tidy", run_tidy),
]
compiling = (run_headers, run_tidy)


def main():
    parser = argparse.ArgumentParser(prog="./dev lint", description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=here.parent)
    parser.add_argument("--build", type=Path, default=Path("build/release"), help="configured build folder")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--tidy", action="store_true", help="clang-tidy on all of src/, modules that do IO, too")
    parser.add_argument("--fast", action="store_true", help="leave out what compiles")
    parser.add_argument("--list-cpp", action="store_true", help="print the C++ files and exit")
    parser.add_argument("files", nargs="*", help="clang-tidy only these")
    o = parser.parse_args()
    if o.list_cpp:
        print("\n".join(str(p) for p in style.cpp_files(o.root)))
        return 0
    todo = [c for c in checks if not (o.fast and c[1] in compiling)]
    total = 0
    for title, check in todo:
        began = time.monotonic()
        found = check(o)
        total += len(found)
        for one in found:
            print(one)
        print(f"{'ok' if not found else 'FAILED':6} {title} ({time.monotonic() - began:.1f} s)", flush=True)
    print(f"lint: {total} finding{'s' if total != 1 else ''}")
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
