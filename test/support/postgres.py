"""A PostgreSQL cluster of its own for one test file: made in a temporary directory, on a free port, gone afterwards.

Flow:
    pg = Postgres(tls=False).start()         # in setUpModule; pg.stop() in tearDownModule
    pg.url("alice")                          # postgres://alice:alice@127.0.0.1:PORT/app
    pg.sql("SELECT 1")                       # as the superuser, through psql: the rows, unaligned
    pg.restart()
Users (the password is the name): `alice` and `bob` by SCRAM, `mandy` by md5, `clara` by clear text, `trudy` trusted,
`admin` a superuser by SCRAM. Database `app` belongs to all of them. The superuser `postgres` comes in over the unix socket only.
Everything of fsync is off. Run as root, the cluster runs as the user postgres, which PostgreSQL wants.
initdb takes most of a short test's time: with `template`, a folder, an initialised cluster is kept there and copied.
"""
import ctypes
import fcntl
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile

from support.wait import wait_until

HBA = """
local all postgres trust
local all all scram-sha-256
{kind} all trudy 127.0.0.1/32 trust
{kind} all mandy 127.0.0.1/32 md5
{kind} all clara 127.0.0.1/32 password
{kind} all all 127.0.0.1/32 scram-sha-256
"""
SETTINGS = """
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = {max_connections}
listen_addresses = '127.0.0.1'
unix_socket_directories = '{directory}'
port = {port}
log_min_messages = warning
log_line_prefix = '%m [%p] %q%u@%d '
"""
USERS = """
CREATE USER alice PASSWORD 'alice';
CREATE USER bob PASSWORD 'bob';
CREATE USER admin SUPERUSER PASSWORD 'admin';
CREATE USER clara PASSWORD 'clara';
CREATE USER trudy;
SET password_encryption = 'md5';
CREATE USER mandy PASSWORD 'mandy';
"""
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def programs():
    """The newest PostgreSQL's folder of programs."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda p: int(p.split("/")[4]))
    if found:
        return os.path.dirname(found[-1])
    initdb = shutil.which("initdb")
    if initdb:
        return os.path.dirname(initdb)
    raise RuntimeError("no PostgreSQL server: apt-get install postgresql")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Postgres:
    def __init__(self, tls=None, max_connections=100, settings="", users=USERS, template=None):
        """`tls`: None, or (certificate, key): then TCP clients must use TLS. `settings`: lines of postgresql.conf."""
        self.bin = programs()
        self.directory = tempfile.mkdtemp(prefix="fairing-pg-")
        self.data = os.path.join(self.directory, "data")
        self.port = free_port()
        self.tls = tls
        self.max_connections = max_connections
        self.settings = settings
        self.users = users
        self.template = template
        self.process = None
        self.log_file = None
        self.owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        if self.owner:
            os.chown(self.directory, self.owner.pw_uid, self.owner.pw_gid)
        os.chmod(self.directory, 0o755)

    # -- life ---------------------------------------------------------------------------------------------

    def _as_owner(self):
        if self.owner:
            os.setgid(self.owner.pw_gid)
            os.setuid(self.owner.pw_uid)
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)

    def _own(self, path):
        if self.owner:
            for folder, _, files in os.walk(path):
                for name in [folder, *(os.path.join(folder, f) for f in files)]:
                    os.chown(name, self.owner.pw_uid, self.owner.pw_gid)

    def _initdb(self):
        subprocess.run(
            [os.path.join(self.bin, "initdb"), "-D", self.data, "-U", "postgres", "-A", "trust", "-N"]
            + ["-E", "UTF8", "--locale=C"],
            check=True,
            capture_output=True,
            preexec_fn=self._as_owner,
            cwd=self.directory,
        )

    def _make_data(self):
        if not self.template:
            return self._initdb()
        os.makedirs(self.template, exist_ok=True)
        kept = os.path.join(self.template, "postgres-" + self.bin.split("/")[-2])
        with open(os.path.join(self.template, "lock"), "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not os.path.isdir(kept):
                self._initdb()
                shutil.copytree(self.data, kept + ".new")
                os.rename(kept + ".new", kept)
                return None
        shutil.copytree(kept, self.data)
        os.chmod(self.data, 0o700)
        return self._own(self.data)

    def start(self):
        self._make_data()
        text = SETTINGS.format(directory=self.directory, port=self.port, max_connections=self.max_connections)
        if self.tls:
            for name, path in zip(("server.crt", "server.key"), self.tls):
                target = os.path.join(self.data, name)
                shutil.copy(path, target)
                os.chmod(target, 0o600)
                if self.owner:
                    os.chown(target, self.owner.pw_uid, self.owner.pw_gid)
            text += "ssl = on\n"
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="ascii") as f:
            f.write(text + self.settings + "\n")
        with open(os.path.join(self.data, "pg_hba.conf"), "w", encoding="ascii") as f:
            f.write(HBA.format(kind="hostssl" if self.tls else "host"))
        self.launch()
        if self.users:
            self.sql(self.users)
        self.sql("CREATE DATABASE app")
        self.sql("GRANT ALL ON SCHEMA public TO PUBLIC", database="app")
        return self

    def launch(self):
        self.log_file = open(os.path.join(self.directory, "log"), "ab")
        self.process = subprocess.Popen(
            [os.path.join(self.bin, "postgres"), "-D", self.data],
            stdout=self.log_file,
            stderr=self.log_file,
            preexec_fn=self._as_owner,
            cwd=self.directory,
        )
        wait_until(self.answers, timeout=30, what="PostgreSQL's start:\n" + self.log())

    def answers(self):
        done = subprocess.run(
            [os.path.join(self.bin, "pg_isready"), "-q", "-h", self.directory, "-p", str(self.port)], check=False
        )
        return done.returncode == 0

    def halt(self, how=signal.SIGINT):
        """SIGINT: a fast shutdown, which tells clients 57P01; SIGQUIT: at once."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)
        if self.log_file:
            self.log_file.close()
            self.log_file = None

    def restart(self, how=signal.SIGINT):
        self.halt(how)
        self.launch()

    def stop(self):
        self.halt(signal.SIGQUIT)
        shutil.rmtree(self.directory, ignore_errors=True)

    # -- use ----------------------------------------------------------------------------------------------

    def url(self, user="alice", database="app", password=None, query=""):
        secret = user if password is None else password
        return f"postgres://{user}{':' + secret if secret else ''}@127.0.0.1:{self.port}/{database}{query}"

    def sql(self, text, database="postgres", check=True):
        """Runs the statements as the superuser over the unix socket; answers unaligned rows."""
        done = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.directory, "-p", str(self.port)]
            + ["-U", "postgres", "-d", database],
            input=text,
            check=False,
            capture_output=True,
            text=True,
        )
        if check and done.returncode:
            raise AssertionError(f"psql: {done.stderr.strip()}")
        return done.stdout.strip()

    def backends(self, user):
        """How many server processes that user has, and their pids."""
        rows = self.sql(f"SELECT pid FROM pg_stat_activity WHERE usename = '{user}'").split()
        return [int(r) for r in rows]

    def log(self):
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as f:
            return f.read()
