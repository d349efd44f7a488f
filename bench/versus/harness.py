"""Processes of a benchmark: started on their core at full priority, measured, and stopped.

Problem: on a small machine the scheduler decides the result. Kernel autogroup gives each session its own share of
a core, so `nice` alone does nothing; the child therefore writes -20 to its own autogroup (needs root). The server
runs on one core, load and origin on another.
Flow: with Workspace() as w: p = w.start(name, argv, core); w.cpu_seconds(p) before and after; w.memory_bytes(p).
Everything started is stopped, and its temporary directory on tmpfs removed, when the block ends.
"""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
TICK = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = CORES[0]
LOAD_CORE = CORES[min(1, len(CORES) - 1)]


class BenchError(Exception):
    """The benchmark cannot go on; the text says what, where, and what to do."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process, name, log, timeout_s=20):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if process.poll() is not None:
            raise BenchError(f"{name} ended with {process.returncode} at its start:\n{tail(log)}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise BenchError(f"{name} did not listen on port {port} within {timeout_s} s:\n{tail(log)}")


def tail(path, size=2000):
    try:
        return pathlib.Path(path).read_text(errors="replace")[-size:]
    except OSError:
        return "(it wrote nothing)"


def fetch(port, target, headers=None, timeout_s=30, method="GET", body=None):
    """One request, `body` in bytes, on a fresh connection: (status, headers with lower-case names, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        # No Accept-Encoding that the caller did not give: http.client would add one.
        connection.putrequest(method, target, skip_accept_encoding=True)
        for field, value in (headers or {}).items():
            connection.putheader(field, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, content
    finally:
        connection.close()


def _priority_and_core(core):
    def in_child():
        os.sched_setaffinity(0, {core})
        try:
            os.nice(-20)
        except OSError:
            pass
        try:
            with open("/proc/self/autogroup", "w", encoding="ascii") as group:
                group.write("-20")
        except OSError:
            pass  # not root, or no autogroup: the results are noisier, not wrong
    return in_child


def tree(pid):
    """The pid and all its descendants, as they are now."""
    children = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = pathlib.Path("/proc", entry, "stat").read_text(encoding="ascii", errors="replace")
            except OSError:
                continue
            children.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        one = todo.pop()
        found.append(one)
        todo += children.get(one, [])
    return found


class Workspace:
    def __init__(self):
        shm = pathlib.Path("/dev/shm")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="fairing-bench-", dir=shm if shm.is_dir() else None))
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            self.stop(process)
        shutil.rmtree(self.dir, ignore_errors=True)

    def start(self, name, argv, core, env=None, stdin=subprocess.DEVNULL, stdout=None):
        """Starts a process that lives as long as the workspace. Its output goes to NAME.out unless `stdout` is given."""
        log = open(self.dir / f"{name}.out", "wb")
        try:
            process = subprocess.Popen(
                [str(a) for a in argv], stdin=stdin, stdout=stdout if stdout is not None else log, stderr=log,
                start_new_session=True, preexec_fn=_priority_and_core(core), env={**os.environ, **(env or {})},
                cwd=self.dir)
        except OSError as error:
            raise BenchError(f"{name}: {argv[0]}: {error.strerror}; is it installed and built?") from error
        finally:
            log.close()
        process.log = self.dir / f"{name}.out"
        self.processes.append(process)
        return process

    @staticmethod
    def stop(process):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                for pid in tree(process.pid):
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()

    @staticmethod
    def cpu_seconds(processes):
        """User and system time so far of the processes and all their descendants, those that have ended included."""
        ticks = 0
        for process in processes:
            for pid in tree(process.pid):
                try:
                    stat = pathlib.Path("/proc", str(pid), "stat").read_text(encoding="ascii", errors="replace")
                except OSError:
                    continue
                fields = stat.rpartition(")")[2].split()
                ticks += sum(map(int, fields[11:15]))  # its own, and what its children had that it has waited for
        return ticks / TICK

    @staticmethod
    def memory_bytes(processes, shared_once=True):
        """Resident memory of the trees. Pages that several share count once in all, where the kernel tells (PSS)."""
        total = 0
        for process in processes:
            for pid in tree(process.pid):
                rollup, key = ("smaps_rollup", "Pss:") if shared_once else ("status", "VmRSS:")
                try:
                    lines = pathlib.Path("/proc", str(pid), rollup).read_text(encoding="ascii").splitlines()
                except OSError:
                    continue
                total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))
        return total


def core_busy_seconds(core):
    """What the core did in all so far, steal included, idle and I/O wait not."""
    for line in pathlib.Path("/proc/stat").read_text(encoding="ascii").splitlines():
        if line.startswith(f"cpu{core} "):
            user, nice, system, _idle, _wait, irq, softirq, steal = map(int, line.split()[1:9])
            return (user + nice + system + irq + softirq + steal) / TICK
    return 0.0


class Tools:
    """The load client and the origin of a build directory."""

    def __init__(self, build):
        build = pathlib.Path(build).resolve()
        self.lg = build / "fairing_lg"
        self.origin_program = build / "fairing_origin"
        for program in (self.lg, self.origin_program):
            if not program.exists():
                raise BenchError(f"{program} is missing: run `./dev build` first, or name another --build")

    def start_origin(self, workspace):
        process = workspace.start("origin", [self.origin_program], LOAD_CORE, stdout=subprocess.PIPE)
        line = process.stdout.readline()
        if not line:
            raise BenchError(f"the origin did not start:\n{tail(process.log)}")
        return json.loads(line)["port"]

    def load(self, port, target, *options, timeout_s=120):
        """Runs the load client to its end and returns its report."""
        argv = [self.lg, "--json", "--url", f"http://127.0.0.1:{port}{target}", *options]
        done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=timeout_s, check=False,
                              start_new_session=True, preexec_fn=_priority_and_core(LOAD_CORE))
        if done.returncode != 0:
            raise BenchError(f"load of {target} at port {port}: {done.stderr.strip()}")
        return json.loads(done.stdout)


def origin_counts(port):
    return json.loads(fetch(port, "/count")[2])


def choose(parser, options, **known):
    """Turns comma-separated options into lists; a name that is not known is wrong usage."""
    for name, names in known.items():
        chosen = getattr(options, name).split(",")
        for one in chosen:
            if one not in names:
                parser.error(f"--{name}: '{one}' is none of {', '.join(names)}")
        setattr(options, name, chosen)


def present(names, servers):
    """Those of the names that can take part; says why another cannot."""
    found = []
    for name in names:
        if why := servers[name].missing():
            print(f"without {name}: {why}", file=sys.stderr)
        else:
            found.append(name)
    if not found:
        raise BenchError("no server can take part")
    return found


def built(build, *names):
    """The programs of a build directory."""
    programs = [pathlib.Path(build).resolve() / name for name in names]
    for program in programs:
        if not program.exists():
            raise BenchError(f"{program} is missing: run `./dev build` first, or name another --build")
    return programs
