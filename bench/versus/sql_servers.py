"""What the sql benchmark is run on: two backends, and the poolers before them, each at its best settings.

Flow: backend = RealPostgres(workspace) or FakePostgres(workspace, tools); pooler = POOLERS[name]();
pooler.start(workspace, backend); pooler.port; pooler.processes; pooler.stop(workspace). Direct is no pooler.
Cluster(workspace, directory, ...) is a PostgreSQL for other benchmarks.
"""
import base64
import hashlib
import hmac
import json
import os
import pathlib
import pwd
import re
import resource
import shutil
import subprocess
import time

import harness
from servers import fill, first_line

USER = PASSWORD = "bench"
DATABASES = ("bench", "bench2")
POOL = 16
SCALE = 10  # of pgbench: a million rows, 150 MB
FAIRING_TEMPLATE = harness.REPOSITORY / "bench/sql/fairing.yaml"
CLIENT_ENVIRONMENT = {"PGPASSWORD": PASSWORD, "PGSSLMODE": "disable", "PGGSSENCMODE": "disable"}


def raise_file_limit():
    """For children too: 5,000 clients need more files than the usual soft limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def scram_secret(password, salt=b"fairing-benchmark"[:16], iterations=4096):
    """What pg_authid holds (RFC 5802, PostgreSQL's form)."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    text = [base64.b64encode(b).decode() for b in (salt, stored, hmac.digest(salted, b"Server Key", "sha256"))]
    return f"SCRAM-SHA-256${iterations}:{text[0]}${text[1]}:{text[2]}"


realtime = False  # set once, before anything starts


def placed(spread=False):
    """Before every command of the benchmark: the real-time policy, if asked for, and all cores instead of one."""
    return ((["chrt", "--rr", "1"] if realtime else []) +
            (["taskset", "-c", ",".join(str(core) for core in harness.CORES)] if spread else []))


def unprivileged():
    """Before a command that refuses to run as root: PostgreSQL and PgBouncer both do."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []


def own(path):
    """Gives a file or directory to the user of unprivileged()."""
    if os.getuid() == 0:
        entry = pwd.getpwnam("postgres")
        os.chown(path, entry.pw_uid, entry.pw_gid)


def postgres_program(name):
    """The newest PostgreSQL's program of that name; None if there is none."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda p: float(p.parts[4]))
    return found[-1] if found else shutil.which(name)


class Tools:
    """The sql load client and the fake backend of a build directory."""

    def __init__(self, build):
        self.lg, self.origin = harness.built(build, "fairing_lg_sql", "fairing_pg_origin")


class FakePostgres:
    """Answers every statement at once with one row: what is measured is the pooler."""

    name = "fake"

    def __init__(self, workspace, tools):
        process = workspace.start("pg-origin", [*placed(), tools.origin], harness.LOAD_CORE, stdout=subprocess.PIPE)
        line = process.stdout.readline()
        if not line:
            raise harness.BenchError(f"the fake PostgreSQL did not start:\n{harness.tail(process.log)}")
        self.port, self.processes = json.loads(line)["port"], [process]


class Cluster:
    """A PostgreSQL of its own with one user and one database, its data in `place`; the load's core is its core."""

    settings = {
        "listen_addresses": "'127.0.0.1'", "shared_buffers": "256MB", "max_connections": "200", "jit": "off",
        "password_encryption": "scram-sha-256", "dynamic_shared_memory_type": "mmap", "log_min_messages": "fatal",
        "logging_collector": "off",
    }

    def __init__(self, workspace, place, **settings):
        if why := self.missing():
            raise harness.BenchError(why)
        initdb, server = postgres_program("initdb"), postgres_program("postgres")
        # Sockets stay on the workspace: the name of one has 107 characters at most.
        self.directory, data = workspace.dir / "postgres", place / "postgres" / "data"
        for directory in {self.directory, data.parent}:
            directory.mkdir()
            own(directory)
        self.port = harness.free_port()
        self.url = f"postgres://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{DATABASES[0]}?sslmode=disable"
        self.run([initdb, "-D", data, "-U", "postgres", "-A", "trust", "--locale=C", "-E", "UTF8"])
        (data / "pg_hba.conf").write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
        settings = {**self.settings, **settings, "port": self.port, "unix_socket_directories": f"'{self.directory}'"}
        with open(data / "postgresql.conf", "a", encoding="ascii") as config:
            config.writelines(f"{key} = {value}\n" for key, value in settings.items())
        self.processes = [workspace.start("postgres", [*placed(), *unprivileged(), server, "-D", data], harness.LOAD_CORE)]
        self.wait_until_ready()
        self.psql("postgres", f"CREATE ROLE {USER} LOGIN PASSWORD '{scram_secret(PASSWORD)}'")
        self.psql("postgres", f"CREATE DATABASE {DATABASES[0]} OWNER {USER}")

    def wait_until_ready(self, timeout_s=20):
        """Its port is open before it lets anybody in."""
        process, end = self.processes[0], time.monotonic() + timeout_s
        asked = [str(a) for a in (postgres_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", self.port)]
        while subprocess.run(asked, check=False).returncode != 0:
            if process.poll() is not None or time.monotonic() > end:
                raise harness.BenchError(f"postgres was not ready within {timeout_s} s:\n{harness.tail(process.log)}")
            time.sleep(0.05)

    def run(self, argv):
        done = subprocess.run([*unprivileged(), *(str(a) for a in argv)], capture_output=True, text=True, check=False,
                              cwd=self.directory)
        if done.returncode != 0:
            raise harness.BenchError(f"{argv[0]} ended with {done.returncode}:\n{done.stderr[-2000:]}")

    def psql(self, database, text):
        self.run([postgres_program("psql"), "-X", "-q", "-h", self.directory, "-p", self.port, "-U", "postgres", "-d",
                  database, "-v", "ON_ERROR_STOP=1", "-c", text])

    @staticmethod
    def missing():
        programs = ("initdb", "postgres", "psql", "pgbench")
        return "" if all(map(postgres_program, programs)) else "PostgreSQL is not installed: run `./dev setup bench`"

    @staticmethod
    def version():
        return first_line([str(postgres_program("postgres")), "--version"], r"([\d.]+)")


class RealPostgres(Cluster):
    """On tmpfs, with pgbench's tables, and nothing that would make it wait."""

    name = "real"

    def __init__(self, workspace):
        super().__init__(workspace, workspace.dir, fsync="off", synchronous_commit="off", full_page_writes="off",
                         autovacuum="off")
        self.run([postgres_program("pgbench"), "-q", "-i", "-s", SCALE, "-h", self.directory, "-p", self.port, "-U", USER,
                  DATABASES[0]])
        self.psql(DATABASES[0], "CHECKPOINT")


class Pooler:
    name = ""
    started = 0

    def __init__(self):
        self.port = 0
        self.processes = []
        self.backend = None

    def start(self, workspace, backend, databases=DATABASES[:1], threads=1, spread=False):
        """`spread`: on all cores, not on the server's alone."""
        Pooler.started += 1
        self.backend = backend
        directory = workspace.dir / f"{self.name}-{backend.name}-{Pooler.started}"
        directory.mkdir()
        self.launch(workspace, directory, backend, databases, threads, placed(spread))

    def launch(self, workspace, directory, backend, databases, threads, prefix):
        raise NotImplementedError

    def run(self, workspace, directory, argv, **options):
        self.processes.append(workspace.start(directory.name, argv, harness.SERVER_CORE, **options))

    def stop(self, workspace):
        for process in self.processes:
            workspace.stop(process)
            workspace.processes.remove(process)
        self.processes = []


class Direct(Pooler):
    """No pooler at all: what there is to be had. Its processes are the backend's."""

    name = "direct"

    @staticmethod
    def missing():
        return ""

    @staticmethod
    def version():
        return ""

    def launch(self, workspace, directory, backend, databases, threads, prefix):
        self.port, self.processes = backend.port, list(backend.processes)

    def stop(self, workspace):
        self.processes = []


class PgBouncer(Pooler):
    name = "pgbouncer"

    @staticmethod
    def missing():
        return "" if shutil.which("pgbouncer") else "pgbouncer is not installed: run `./dev setup bench`"

    @staticmethod
    def version():
        return first_line(["pgbouncer", "-V"], r"PgBouncer ([\d.]+)")

    def launch(self, workspace, directory, backend, databases, threads, prefix):
        self.port = harness.free_port()
        lines = [f"{name} = host=127.0.0.1 port={backend.port} dbname={name} user={USER} password={PASSWORD}"
                 for name in databases]
        values = {"DIR": directory, "PORT": self.port, "POOL": POOL, "DATABASES": "\n".join(lines)}
        config = fill("pgbouncer.ini", directory / "pgbouncer.ini", values)
        (directory / "userlist.txt").write_text(f'"{USER}" "{scram_secret(PASSWORD)}"\n', encoding="ascii")
        self.run(workspace, directory, [*prefix, *unprivileged(), shutil.which("pgbouncer"), "-q", config])
        harness.wait_for_port(self.port, self.processes[0], self.name, self.processes[0].log)


class Fairing(Pooler):
    name = "fairing"
    binary = harness.REPOSITORY / "build/release/fairing"

    @classmethod
    def missing(cls):
        return "" if cls.binary.exists() else f"{cls.binary} is not built"

    @classmethod
    def version(cls):
        return first_line([str(cls.binary), "version"], r"([\d.]+\S*)")

    def launch(self, workspace, directory, backend, databases, threads, prefix):
        values = {"THREADS": threads, "BACKEND_PORT": backend.port, "POOL": POOL * len(databases)}
        config = fill(FAIRING_TEMPLATE, directory / "fairing.yaml", values)
        self.run(workspace, directory, [*prefix, self.binary, "run", "-c", config], stdout=subprocess.PIPE,
                 env={"FAIRING_RUNTIME_DIR": str(directory)})
        log = self.processes[0].log
        line = self.processes[0].stdout.readline()
        addresses = json.loads(line).get("listeners", {}).get("sql") if line else None
        if not addresses:
            raise harness.BenchError(f"fairing has no sql listener: {line.decode(errors='replace')}{harness.tail(log)}")
        self.port = int(re.search(r":(\d+)$", addresses[0])[1])


POOLERS = {pooler.name: pooler for pooler in (Fairing, PgBouncer, Direct)}
