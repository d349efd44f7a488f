"""A server that speaks PostgreSQL's protocol just far enough to be trusted, and then does what a test tells it to.

Flow:
    fake = FakePostgres(test)
    fake.answers["SELECT evil"] = [row_description(), b"D\\x7f\\xff\\xff\\xff"]   # sent, then the connection is closed
    fake.login = [message(b"R", ...)]      # in place of the whole log-in; None: the usual one
Statements that it does not know and that begin with `SELECT '` are answered with that text as one row.
"""
import re
import socket
import struct
import threading

OK = struct.pack("!i", 0)


def message(kind, body=b""):
    return kind + struct.pack("!i", len(body) + 4) + body


def error(fields):
    """ErrorResponse of these fields: {"S": "ERROR", ...}"""
    return message(b"E", b"".join(k.encode() + v.encode() + b"\0" for k, v in fields.items()) + b"\0")


def row_description(name=b"a"):
    return message(b"T", struct.pack("!h", 1) + name + b"\0" + struct.pack("!ihihih", 0, 0, 25, -1, -1, 0))


def data_row(text):
    return message(b"D", struct.pack("!hi", 1, len(text)) + text)


def complete(tag=b"SELECT 1"):
    return message(b"C", tag + b"\0")


READY = message(b"Z", b"I")
KEEP = b""  # the last part of an answer after which the connection stays open


class FakePostgres:
    def __init__(self, test):
        self.answers = {}  # SQL -> parts to send; the connection is closed after them unless the last one is READY or KEEP
        self.extended = None  # parts to send at a Sync, in place of the usual refusal of the extended protocol
        self.syncs = 0
        self.login = None
        self.behind_ready = b""  # sent in one piece with the ReadyForQuery of the usual log-in
        self.silent = False  # accepts, and never says a word
        self.connections = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        test.addCleanup(self.stop)
        threading.Thread(target=self.accept, daemon=True).start()

    def url(self, user="alice"):
        return f"postgres://{user}:{user}@127.0.0.1:{self.port}/app?sslmode=disable"

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def stop(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.drop_all()

    def drop_all(self):
        """Ends all connections."""
        with self.lock:
            connections, self.connections = self.connections, []
        for c in connections:
            try:
                c.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @staticmethod
    def take(connection, n):
        out = b""
        while len(out) < n:
            got = connection.recv(n - len(out))
            if not got:
                raise ConnectionError
            out += got
        return out

    def serve(self, connection):
        try:
            with connection:
                self.converse(connection)
        except (ConnectionError, OSError):
            pass

    def converse(self, connection):
        code = 80877103
        while code in (80877103, 80877104):
            length, code = struct.unpack("!ii", self.take(connection, 8))
            self.take(connection, length - 8)
            if code in (80877103, 80877104):
                connection.sendall(b"N")
        if code == 80877102 or self.silent:  # a cancel request
            return connection.recv(1)
        if self.login is not None:
            for part in self.login:
                connection.sendall(part)
                if part[:1] == b"R":
                    self.take_message(connection)
            return None
        status = {"server_version": "15.0", "client_encoding": "UTF8", "standard_conforming_strings": "on"}
        connection.sendall(
            message(b"R", OK)
            + b"".join(message(b"S", f"{k}\0{v}\0".encode()) for k, v in status.items())
            + message(b"K", struct.pack("!ii", 4711, 42))
            + READY
            + self.behind_ready
        )
        while self.answer(connection):
            pass
        return None

    def take_message(self, connection):
        kind, length = struct.unpack("!ci", self.take(connection, 5))
        return kind, self.take(connection, length - 4)

    def answer(self, connection):
        kind, body = self.take_message(connection)
        if kind == b"X":
            return False
        if kind != b"Q":  # of the extended protocol nothing is understood
            if kind == b"S":
                refusal = error({"S": "ERROR", "V": "ERROR", "C": "0A000", "M": "simple only"}) + READY
                connection.sendall(refusal if self.extended is None else b"".join(self.extended))
                self.syncs += 1
            return True
        sql = body[:-1].decode()
        parts = self.answers.get(sql)
        if parts is not None:
            for part in parts:
                connection.sendall(part)
            return bool(parts) and parts[-1] in (READY, KEEP)
        text = re.match(r"SELECT '([^']*)'", sql)
        statements = sql.count(";") + (0 if sql.rstrip().endswith(";") else 1)
        if text:
            connection.sendall(row_description() + data_row(text[1].encode()) + complete() + READY)
        elif sql.lstrip().upper().startswith("SELECT"):
            connection.sendall((row_description() + complete(b"SELECT 0")) * statements + READY)
        else:
            connection.sendall(complete(sql.split()[0].encode()) * statements + READY)
        return True
