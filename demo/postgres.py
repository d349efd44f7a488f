"""A PostgreSQL of one's own: Debian's server, a cluster in a temporary folder, a free port, gone at the end."""

import glob
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import threading
import time

user = "shop"
database = "shop"  # the superuser's own, `postgres`, is for looking at it from outside


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
    """`with cluster() as c:` runs until the block ends. c.url is for clients; c.sql runs a file; c.ask and c.watch are
    connections beside the shop's database, so that they are not in its figures."""

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
                "autovacuum": "off", "jit": "off", "shared_preload_libraries": "pg_stat_statements",
                "pg_stat_statements.save": "off",
            }
            command = [f"{self.bin}/postgres", "-D", f"{self.folder}/data"]
            for key, value in settings.items():
                command += ["-c", f"{key}={value}"]
            self.log = open(os.path.join(self.folder, "log"), "w", encoding="utf-8")
            self.process = subprocess.Popen(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=self.log,
                                            stderr=self.log, start_new_session=True, **self.owner)
            if self._wait():
                self.ask(f"CREATE DATABASE {database} TEMPLATE template0")
                self.ask("CREATE EXTENSION pg_stat_statements")
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
        return self._url(database)

    def _url(self, name):
        return f"postgres://{user}:{self.password}@127.0.0.1:{self.port}/{name}"

    def sql(self, path):
        """Runs a file in one session, stopping at the first error."""
        command = [f"{self.bin}/psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-f", path, self.url]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"demo: {path} failed: {done.stderr.strip()}")

    def ask(self, statement, of="postgres"):
        """One statement, beside the shop's database unless it is named; its first value as text."""
        command = [f"{self.bin}/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement,
                   self._url(of)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"demo: {statement} failed: {done.stderr.strip()}")
        return done.stdout.strip()

    def last_order(self):
        return int(self.ask("SELECT last_value FROM orders_id", database))

    def orders_between(self, after, last):
        """Ids of the orders placed after one, up to another."""
        ids = self.ask("SELECT coalesce(string_agg(id::text, ' '), '') FROM orders "
                       f"WHERE id > {after} AND id <= {last}", database)
        return {int(i) for i in ids.split()}

    def statements(self):
        """How many statements ran in the shop's database so far, whoever sent them."""
        return int(self.ask("SELECT coalesce(sum(calls), 0) FROM pg_stat_statements s JOIN pg_database d "
                            f"ON d.oid = s.dbid WHERE d.datname = '{database}'"))

    def watch(self):
        """`with c.watch() as connections:` counts the shop's connections three times a second; max(connections)."""
        return _watch([f"{self.bin}/psql", "-X", "-q", "-A", "-t", self._url("postgres")])


class _watch:
    query = ("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
             f"AND datname = '{database}'\n\\watch 0.33\n")

    def __init__(self, command):
        self.command = command
        self.seen = [0]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        self.process.stdin.write(self.query)
        self.process.stdin.flush()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        return self.seen

    def _read(self):
        for line in self.process.stdout:
            if line.strip().isdigit():  # \watch also prints the time
                self.seen.append(int(line))

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
