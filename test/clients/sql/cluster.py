"""A PostgreSQL of one's own for the client matrix: Debian's server, a temporary folder, a free port, gone at the end.

initdb takes most of a small test's time, so an initialised cluster is kept and copied: in $SQL_CLIENTS_CACHE (CMake
names a folder of the build), else in a temporary folder for this run alone.
"""
import contextlib
import fcntl
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

USER = "app"
PASSWORD = "s3cret, and ünï"  # of a loopback server that lives for seconds
DATABASE = "shop"
SETTINGS = {
    "listen_addresses": "127.0.0.1", "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off",
    "wal_level": "minimal", "max_wal_senders": "0", "shared_buffers": "32MB", "max_connections": "40",
    "autovacuum": "off", "jit": "off", "password_encryption": "scram-sha-256", "timezone": "UTC",
    "lc_messages": "C", "log_min_messages": "fatal", "log_min_error_statement": "panic",
}


def url(port):
    return f"postgres://{USER}:{urllib.parse.quote(PASSWORD)}@127.0.0.1:{port}/{DATABASE}"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def binaries():
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    if not found:
        sys.exit("matrix: no PostgreSQL server in /usr/lib/postgresql: run ./dev setup")
    return os.path.dirname(max(found, key=lambda p: int(p.split("/")[4])))


def _owner():
    """Who the server runs as: initdb refuses root, then it is Debian's user postgres."""
    if os.geteuid():
        return {}
    entry = pwd.getpwnam("postgres")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _own(path):
    if owner := _owner():
        for folder, _, files in os.walk(path):
            for name in [folder, *(os.path.join(folder, f) for f in files)]:
                os.chown(name, owner["user"], owner["group"])


def _template(folder):
    """The initialised cluster to copy; made by whoever comes first."""
    os.makedirs(folder, exist_ok=True)
    data = os.path.join(folder, "postgres-" + binaries().split("/")[4])
    with open(os.path.join(folder, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.isdir(data):
            return data
        with tempfile.TemporaryDirectory(prefix="fairing-matrix-pg-") as made:
            _own(made)
            done = subprocess.run(
                [binaries() + "/initdb", "-D", made + "/data", "-U", "postgres", "--auth=trust", "--no-locale",
                 "-E", "UTF8", "--no-sync"], cwd=made, capture_output=True, text=True, **_owner())  # fmt: skip
            if done.returncode:
                sys.exit(f"matrix: initdb failed: {done.stderr.strip()}")
            with open(made + "/data/pg_hba.conf", "w", encoding="ascii") as f:
                f.write("local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
            shutil.copytree(made + "/data", data + ".new")
            os.rename(data + ".new", data)
    return data


class cluster:
    """`with cluster() as c:` runs until the block ends; c.port; c.sql(text) as the superuser."""

    def __enter__(self):
        self.process = None
        self.folder = tempfile.mkdtemp(prefix="fairing-matrix-pg-")
        try:
            cache = os.environ.get("SQL_CLIENTS_CACHE") or os.path.join(self.folder, "cache")
            shutil.copytree(_template(cache), self.folder + "/data")
            os.chmod(self.folder + "/data", 0o700)
            _own(self.folder)
            self._start()
            self.sql(f"create role {USER} login password '{PASSWORD}'; create database {DATABASE} owner {USER}", "postgres")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)  # immediate: nothing in it is worth a checkpoint
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self):
        for _ in range(5):  # the free port may be taken meanwhile
            self.port = free_port()
            command = [binaries() + "/postgres", "-D", self.folder + "/data"]
            for key, value in {**SETTINGS, "port": self.port, "unix_socket_directories": self.folder}.items():
                command += ["-c", f"{key}={value}"]
            with open(os.path.join(self.folder, "log"), "w", encoding="utf-8") as log:
                self.process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                                                stderr=log, start_new_session=True, **_owner())  # fmt: skip
            if self._wait():
                return
        sys.exit("matrix: PostgreSQL does not start:\n" + self.log())

    def _wait(self):
        deadline = time.monotonic() + 30
        ready = [binaries() + "/pg_isready", "-q", "-h", self.folder, "-p", str(self.port)]
        while time.monotonic() < deadline and self.process.poll() is None:
            if subprocess.run(ready, check=False).returncode == 0:
                return True
            time.sleep(0.05)
        return False

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8", errors="replace") as f:
            return f.read()[-2000:]

    def sql(self, text, database=DATABASE):
        command = [binaries() + "/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", str(self.port),
                   "-U", "postgres", "-d", database, "-o", os.devnull]  # fmt: skip
        done = subprocess.run(command, input=text, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"matrix: SQL failed: {done.stderr.strip()}")
