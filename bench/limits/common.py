"""What the scripts of the limits share: Fairing with a byte budget, its resident memory, and the page of results.

Resident memory is VmRSS with shared memory counted by the memfds the process holds open: bodies that live in memfds
and are sent by sendfile are in no process's RSS, and leaving them out would be cheating.
"""
import argparse
import datetime
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "versus"))
import harness  # noqa: E402
import report  # noqa: E402
import servers  # noqa: E402

MIB = 1024 * 1024
PAGE = harness.REPOSITORY / "docs/reference/benchmarks-limits.md"
HEAD = """# Limits: what Fairing keeps to

Written by `./dev bench limits`; do not edit. Resident memory includes the memfds that hold large bodies.

| what | limit | measured | kept | machine | date |
|---|---|---|---|---|---|
"""


def parser(description):
    found = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--build", type=pathlib.Path, default=harness.REPOSITORY / "build/release")
    found.add_argument("--tools", type=pathlib.Path, help="the directory with fairing_lg and fairing_origin, if another")
    found.add_argument("--out", type=pathlib.Path, default=PAGE, help="the page whose lines are renewed; - for none")
    return found


class LimitedFairing(servers.Fairing):
    """Fairing with a byte budget in MiB."""

    def __init__(self, memory_mib):
        super().__init__()
        self.memory_mib = memory_mib

    def launch(self, workspace, directory, values):
        self.directory = directory
        self.admin_port = harness.free_port()
        values.update(ADMIN_PORT=self.admin_port, MEMORY=f"{self.memory_mib}MiB")
        template = pathlib.Path(__file__).resolve().parent / "fairing.yaml"
        config = servers.fill(template, directory / "fairing.yaml", values)
        self.run(workspace, [self.build / "fairing", "run", "-c", config], {"FAIRING_RUNTIME_DIR": str(directory)})

    @property
    def pid(self):
        return self.processes[0].pid

    def token(self):
        return (self.directory / "token").read_text(encoding="ascii").strip()

    def resident(self):
        return resident_bytes(self.pid)


def resident_bytes(pid):
    fields = {}
    for line in pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "RssShmem"):
            fields[name] = int(value.split()[0]) * 1024
    memfds = {}
    for entry in os.scandir(f"/proc/{pid}/fd"):
        try:
            if os.readlink(entry.path).startswith("/memfd:"):
                stat = os.stat(entry.path)
                memfds[stat.st_ino] = stat.st_blocks * 512
        except FileNotFoundError:
            continue  # closed meanwhile
    return fields["VmRSS"] - fields["RssShmem"] + max(fields["RssShmem"], sum(memfds.values()))


def metric(server, name):
    """The sum of a metric's samples on the admin's /metrics; None if there is none."""
    _, _, body = harness.fetch(server.admin_port, "/metrics")
    values = [float(line.rsplit(" ", 1)[1]) for line in body.decode().splitlines()
              if line.startswith(name) and line[len(name):len(name) + 1] in ("{", " ")]
    return sum(values) if values else None


def conclude(results, out):
    """Prints the results [(what, limit, measured, kept)], renews their lines on the page; the exit code."""
    today = datetime.date.today().isoformat()
    lines = {what: f"| {what} | {limit} | {measured} | {'yes' if kept else '**no**'} | {report.machine()} | {today} |"
             for what, limit, measured, kept in results}
    for what, limit, measured, kept in results:
        print(f"{'ok  ' if kept else 'FAIL'} {what}: {measured} (limit: {limit})")
    if str(out) != "-":
        text = out.read_text(encoding="utf-8") if out.exists() else ""
        old = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| what ")]
        kept_lines = [line for line in old if line.split(" | ")[0][2:] not in lines]
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(HEAD + "\n".join(sorted(kept_lines + list(lines.values()))) + "\n", encoding="utf-8")
    return 0 if all(kept for *_, kept in results) else 1


def run(description, add_options, measure):
    """The main of a script: measure(options, tools, workspace) gives the results."""
    arguments = parser(description)
    add_options(arguments)
    options = arguments.parse_args()
    servers.Fairing.build = options.build.resolve()
    try:
        if why := servers.Fairing.missing():
            raise harness.BenchError(f"{why}: run `./dev build` first")
        tools = harness.Tools(options.tools or options.build)
        with harness.Workspace() as workspace:
            return conclude(measure(options, tools, workspace), options.out)
    except harness.BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
