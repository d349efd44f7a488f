"""A PostgreSQL of one's own: Debian's server, a cluster in a temporary folder, a free port, gone at the end."""

import glob
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time

user = "shop"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _binaries():
    found = glob.glob("/usr/lib/postgresql/*/bin/initdb")
    if not found:
        raise SystemExit("demo: no PostgreSQL server in /usr/lib/postgresql: run ./dev setup")
    return os.path.dirname(max(found, key=lambda p: int(p.split("/")[4])))


class cluster:
    """`with cluster() as c:` runs until the block ends. c.url is for clients; c.sql runs a file."""

    def __init__(self):
        self.bin = _binaries()
        self.password = secrets.token_hex(12)
        self.process = None
        # initdb refuses to run as root: then everything belongs to Debian's user postgres.
        self.owner = {}
        if os.geteuid() == 0:
            try:
                entry = pwd.getpwnam("postgres")
            except KeyError:
                raise SystemExit("demo: no user postgres, which Debian's package makes: run ./dev setup") from None
            self.owner = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="fairing-demo-pg-")
        try:
            self._create()
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.send_signal(subprocess.signal.SIGQUIT)  # immediate: nothing in it is worth a checkpoint
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _create(self):
        secret = os.path.join(self.folder, "password")
        with open(secret, "w", encoding="ascii") as f:
            f.write(self.password + "\n")
        if self.owner:
            os.chown(self.folder, self.owner["user"], self.owner["group"])
            os.chown(secret, self.owner["user"], self.owner["group"])
        command = [f"{self.bin}/initdb", "-D", f"{self.folder}/data", "-U", user, f"--pwfile={secret}",
                   "--auth=scram-sha-256", "--no-locale", "-E", "UTF8", "--no-sync"]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, **self.owner)
        if done.returncode:
            raise SystemExit(f"demo: initdb failed in {self.folder}: {done.stderr.strip()}")

    def _start(self):
        for _ in range(5):  # the free port may be taken meanwhile
            self.port = free_port()
            settings = {
                "listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": self.folder,
                "fsync": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0",
                "shared_buffers": "256MB", "work_mem": "32MB", "maintenance_work_mem": "128MB", "max_wal_size": "4GB",
                "autovacuum": "off", "jit": "off",
            }
            command = [f"{self.bin}/postgres", "-D", f"{self.folder}/data"]
            for key, value in settings.items():
                command += ["-c", f"{key}={value}"]
            self.log = open(os.path.join(self.folder, "log"), "w", encoding="utf-8")
            self.process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=self.log,
                                            stderr=self.log, start_new_session=True, **self.owner)
            if self._wait():
                return
        with open(self.log.name, encoding="utf-8") as f:
            raise SystemExit("demo: PostgreSQL does not start:\n" + f.read()[-2000:])

    def _wait(self):
        deadline = time.monotonic() + 30
        ready = [f"{self.bin}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        while time.monotonic() < deadline and self.process.poll() is None:
            if subprocess.run(ready, check=False).returncode == 0:
                return True
            time.sleep(0.05)
        return False

    @property
    def url(self):
        return f"postgres://{user}:{self.password}@127.0.0.1:{self.port}/postgres"

    def sql(self, path):
        """Runs a file in one session, stopping at the first error."""
        command = [f"{self.bin}/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-f", path, self.url]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"demo: {path} failed: {done.stderr.strip()}")
