"""A PostgreSQL client by raw socket: every message is sent and seen as it is.

Flow:
    c = PgClient(address, user="alice", password="alice", database="app")     # logged in
    c.query("SELECT 1")                    # [["1"]]; a PgError with .code, .message, .hint
    c.send(b"Q", b"SELECT 1\\0"); c.receive() -> (b"T", body); c.until_ready() -> all of them
    c.cancel()                             # a CancelRequest on a connection of its own
An address is (host, port) or a unix socket's path.
"""
import base64
import hashlib
import hmac
import os
import socket
import ssl
import struct


class PgError(Exception):
    def __init__(self, body):
        self.fields = {}
        for field in body.split(b"\0"):
            if field:
                self.fields[chr(field[0])] = field[1:].decode(errors="replace")
        self.code = self.fields.get("C", "")
        self.message = self.fields.get("M", "")
        self.hint = self.fields.get("H", "")
        self.severity = self.fields.get("V") or self.fields.get("S", "")
        super().__init__(f"{self.severity} {self.code}: {self.message} ({self.hint})")


class Closed(Exception):
    """The other side ended the connection."""


def connect_socket(address, timeout):
    if isinstance(address, str):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(timeout)
        s.connect(address)
    else:
        s = socket.create_connection(address, timeout)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


class PgClient:
    def __init__(self, address, user="alice", password=None, database="app", tls=False, timeout=20.0, **parameters):
        self.address = address
        self.user = user
        self.password = user if password is None else password
        self.buffer = b""
        self.status = {}
        self.key = None
        self.transaction = None
        self.notices = []
        self.notifications = []
        self.asked = None  # what authentication was asked for
        self.socket = connect_socket(address, timeout)
        try:
            if tls:
                self.socket.sendall(struct.pack("!ii", 8, 80877103))
                answer = self.socket.recv(1)
                if answer != b"S":
                    raise Closed(f"no TLS: {answer!r}")
                context = ssl.create_default_context()
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
                self.socket = context.wrap_socket(self.socket)
            self.start_up(database, parameters)
        except BaseException:
            self.socket.close()
            raise

    # -- messages -----------------------------------------------------------------------------------------

    def send(self, kind, body=b""):
        self.socket.sendall(self.message(kind, body))

    @staticmethod
    def message(kind, body=b""):
        return kind + struct.pack("!i", len(body) + 4) + body

    def read(self, n):
        while len(self.buffer) < n:
            try:
                got = self.socket.recv(65536)
            except ConnectionError as e:
                raise Closed(str(e)) from None
            if not got:
                raise Closed("the connection ended")
            self.buffer += got
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def receive(self):
        """The next message but for what may come at any time: (type, body)."""
        while True:
            head = self.read(5)
            kind, body = head[:1], self.read(struct.unpack("!i", head[1:])[0] - 4)
            if kind == b"S":
                name, value = body[:-1].split(b"\0")
                self.status[name.decode()] = value.decode()
            elif kind == b"N":
                self.notices.append(PgError(body))
            elif kind == b"A":
                self.notifications.append(body)
            else:
                return kind, body

    def until_ready(self):
        seen = []
        while True:
            kind, body = self.receive()
            if kind == b"Z":
                self.transaction = body.decode()
                return seen
            seen.append((kind, body))
            if kind == b"E" and PgError(body).severity in ("FATAL", "PANIC"):
                raise PgError(body)

    # -- log-in -------------------------------------------------------------------------------------------

    def start_up(self, database, parameters):
        pairs = {"user": self.user, "database": database, **parameters}
        body = struct.pack("!i", 196608)
        body += b"".join(k.encode() + b"\0" + str(v).encode() + b"\0" for k, v in pairs.items() if v is not None) + b"\0"
        self.socket.sendall(struct.pack("!i", len(body) + 4) + body)
        while True:
            kind, body = self.receive()
            if kind == b"E":
                raise PgError(body)
            if kind == b"R":
                self.authenticate(struct.unpack("!i", body[:4])[0], body[4:])
            elif kind == b"K":
                self.key = body
            elif kind == b"Z":
                self.transaction = body.decode()
                return

    def authenticate(self, what, data):
        if what == 0:
            return
        if what == 3:
            self.asked = "password"
            self.send(b"p", self.password.encode() + b"\0")
        elif what == 5:
            self.asked = "md5"
            inner = hashlib.md5((self.password + self.user).encode()).hexdigest()
            self.send(b"p", b"md5" + hashlib.md5(inner.encode() + data).hexdigest().encode() + b"\0")
        elif what == 10:
            self.asked = "scram"
            self.nonce = base64.b64encode(os.urandom(18)).decode()
            self.bare = f"n=,r={self.nonce}"
            first = b"n,," + self.bare.encode()
            self.send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first)
        elif what == 11:
            self.send(b"p", self.scram_final(data.decode()))

    def scram_final(self, server_first):
        fields = dict(f.split("=", 1) for f in server_first.split(","))
        salt, rounds = base64.b64decode(fields["s"]), int(fields["i"])
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), salt, rounds)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        without_proof = f"c=biws,r={fields['r']}"
        text = ",".join((self.bare, server_first, without_proof)).encode()
        signature = hmac.digest(hashlib.sha256(client_key).digest(), text, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        return (without_proof + ",p=" + base64.b64encode(proof).decode()).encode()

    # -- statements ---------------------------------------------------------------------------------------

    def query(self, sql):
        """Simple protocol: rows of the last result as lists of texts (None for NULL)."""
        self.send(b"Q", sql.encode() + b"\0")
        return self.rows()

    def extended(self, sql, values=(), name=""):
        """Parse, Bind, Describe, Execute and Sync in one packet."""
        self.socket.sendall(
            self.parse(sql, name) + self.bind(values, name) + self.message(b"D", b"P\0") + self.execute() + self.message(b"S")
        )
        return self.rows()

    def parse(self, sql, name=""):
        return self.message(b"P", name.encode() + b"\0" + sql.encode() + b"\0\0\0")

    def bind(self, values=(), name=""):
        body = b"\0" + name.encode() + b"\0\0\0" + struct.pack("!h", len(values))
        for v in values:
            text = str(v).encode()
            body += struct.pack("!i", len(text)) + text
        return self.message(b"B", body + b"\0\0")

    def execute(self):
        return self.message(b"E", b"\0" + struct.pack("!i", 0))

    def rows(self):
        rows, error = [], None
        for kind, body in self.until_ready():
            if kind in (b"T", b"C") and kind == b"T":
                rows = []
            elif kind == b"D":
                rows.append(self.values(body))
            elif kind == b"E":
                error = error or PgError(body)
        if error:
            raise error
        return rows

    @staticmethod
    def values(body):
        count, at, out = struct.unpack("!h", body[:2])[0], 2, []
        for _ in range(count):
            length = struct.unpack("!i", body[at : at + 4])[0]
            at += 4
            out.append(None if length < 0 else body[at : at + length].decode())
            at += max(length, 0)
        return out

    def cancel(self, key=None):
        with connect_socket(self.address, 10) as s:
            s.sendall(struct.pack("!ii", 16, 80877102) + (key or self.key))
            s.recv(1)

    def server_pid(self):
        return int(self.query("SELECT pg_backend_pid()")[0][0])

    def close(self, polite=True):
        try:
            if polite:
                self.send(b"X")
        except OSError:
            pass
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
