"""A backend that does as it is told, byte for byte.

Flow:
    def handler(request):                       # in the connection's own thread
        request.read_body()
        return answer(200, {"Cache-Control": "max-age=60"}, b"hello")   # or bytes, or None if it sent itself
    origin = Origin(self, handler)
    origin.url, origin.requests, origin.count("/path"), origin.connections[0].raw

A handler waits for events of the test, never for time. It may call request.connection.send(...), .close(),
.reset(), and return CLOSE to end the connection. An unread body is read before the next request.
"""
import re
import socket
import threading

from support.wait import wait_until

CLOSE = object()
HEAD_END = b"\r\n\r\n"


def answer(status=200, headers=None, body=b"", reason="OK", length=True):
    """The bytes of an answer with its Content-Length. `headers`: dict or pairs."""
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
    if isinstance(body, str):
        body = body.encode()
    if length and status not in (204, 304) and not any(n.lower() == "content-length" for n, _ in pairs):
        pairs.append(("Content-Length", str(len(body))))
    head = f"HTTP/1.1 {status} {reason}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in pairs) + "\r\n"
    return head.encode("latin-1") + body


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


class Request:
    def __init__(self, connection, head):
        self.connection = connection
        self.raw_head = head
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, self.version = lines[0].split(" ", 2)
        self.headers = [(n, v.strip(" \t")) for n, _, v in (line.partition(":") for line in lines[1:])]
        self.path = self.target.partition("?")[0]
        self.body, self.trailers, self.body_read = b"", [], False

    def get(self, name, default=None):
        values = self.get_all(name)
        return ", ".join(values) if values else default

    def get_all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    @property
    def chunked(self):
        return self.get("Transfer-Encoding", "").lower() == "chunked"

    def pieces(self):
        """Yields the body piece by piece as it arrives."""
        self.body_read = True
        c = self.connection
        if self.chunked:
            while True:
                size = int(c.read_until(b"\r\n").split(b";")[0], 16)
                if not size:
                    break
                yield c.read_exactly(size)
                c.read_exactly(2)
            while line := c.read_until(b"\r\n"):
                name, _, value = line.decode("latin-1").partition(":")
                self.trailers.append((name, value.strip()))
        else:
            left = int(self.get("Content-Length", "0"))
            while left:
                piece = c.read_some(min(left, 65536))
                left -= len(piece)
                yield piece

    def read_body(self):
        if not self.body_read:
            self.body = b"".join(self.pieces())
        return self.body

    def __repr__(self):
        return f"<{self.method} {self.target} {self.headers}>"


class Connection:
    def __init__(self, sock, record):
        self.socket, self.buffer, self.raw = sock, b"", bytearray()
        self.record, self.ended, self.closed = record, False, threading.Event()

    def fill(self):
        data = self.socket.recv(65536)
        if self.record and len(self.raw) < 1 << 22:
            self.raw += data
        if not data:
            self.ended = True
            raise EOFError
        self.buffer += data

    def read_until(self, mark):
        while mark not in self.buffer:
            self.fill()
        found, _, self.buffer = self.buffer.partition(mark)
        return found

    def read_exactly(self, n):
        while len(self.buffer) < n:
            self.fill()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def read_some(self, n):
        if not self.buffer:
            self.fill()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def wait_end(self):
        """Reads and drops until the peer closes."""
        try:
            while True:
                self.fill()
                self.buffer = b""
        except (EOFError, OSError):
            self.ended = True

    def send(self, data):
        self.socket.sendall(data)

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.socket.close()


class Origin:
    def __init__(self, test, handler=None, unix_path=None, tls=None, port=0, record=True):
        self.handler = handler or (lambda request: answer(200, {"Cache-Control": "no-store"}, request.target))
        self.requests, self.connections, self.errors = [], [], []
        self.lock, self.tls, self.record, self.unix_path = threading.Lock(), tls, record, unix_path
        self.socket = socket.socket(socket.AF_UNIX if unix_path else socket.AF_INET)
        if not unix_path:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(unix_path or ("127.0.0.1", port))
        self.socket.listen(1024)
        self.port = None if unix_path else self.socket.getsockname()[1]
        self.alive = True
        threading.Thread(target=self._accept, daemon=True).start()
        test.addCleanup(self.stop)

    @property
    def url(self):
        if self.unix_path:
            return "unix:" + self.unix_path
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def stop(self):
        """Stops listening and drops every connection, as a process that died."""
        self.alive = False
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        self.drop_connections()

    def drop_connections(self):
        with self.lock:
            open_now = list(self.connections)
        for c in open_now:
            c.close()

    def count(self, path=None, method=None):
        with self.lock:
            return sum(
                (path is None or r.path == path) and (method is None or r.method == method)
                for r in self.requests
            )

    def wait_count(self, n, path=None, timeout=10.0):
        wait_until(
            lambda: self.count(path) >= n, timeout, f"{n} requests of {path or 'anything'} at the origin"
        )

    def last(self, path=None):
        with self.lock:
            found = [r for r in self.requests if path is None or r.path == path]
        if not found:
            raise AssertionError(f"the origin saw no request of {path}")
        return found[-1]

    def clear(self):
        with self.lock:
            self.requests.clear()
            self.connections = [c for c in self.connections if not c.closed.is_set()]
            for c in self.connections:
                del c.raw[:]

    def _accept(self):
        while self.alive:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        connection = Connection(sock, self.record)
        try:
            if sock.family == socket.AF_INET:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                connection.socket = self.tls.wrap_socket(sock, server_side=True)
            with self.lock:
                self.connections.append(connection)
            while self._one(connection):
                pass
        except (EOFError, OSError):
            pass
        except (
            Exception
        ) as e:  # a broken handler, or bytes that are no request: the test asserts there are none
            self.errors.append(e)
        finally:
            connection.close()
            connection.closed.set()

    def _one(self, connection):
        head = connection.read_until(HEAD_END)
        request = Request(connection, head)
        with self.lock:
            self.requests.append(request)
        result = self.handler(request)
        if result is CLOSE:
            return False
        if not request.body_read:
            request.read_body()
        if isinstance(result, bytes):
            if request.method == "HEAD":
                result = result[: result.index(HEAD_END) + 4]
            connection.send(result)
        return "close" not in request.get("Connection", "").lower()


class Routes:
    """A handler that picks one by path, the longest prefix first; handy where a test has several answers."""

    def __init__(self, **more):
        self.table = dict(more)

    def on(self, path, handler):
        self.table[path] = handler if callable(handler) else (lambda _request, fixed=handler: fixed)
        return self

    def __call__(self, request):
        for path in sorted(self.table, key=len, reverse=True):
            if request.path == path or path.endswith("/") and request.path.startswith(path):
                return self.table[path](request)
        return answer(404, {}, b"no such route")


STRICT_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e\x80-\xff]+ HTTP/1\.[01]")
STRICT_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*")


def strict_requests(raw):
    """Parses everything one connection received, as strictly as RFC 9112 allows.

    Returns (requests, leftover): requests are (line, {lower name: [values]}, body, trailer lines); leftover is an
    incomplete last request. ValueError when the bytes could be read in two ways.
    """
    requests = []
    while HEAD_END in raw:
        head, _, rest = bytes(raw).partition(HEAD_END)
        lines = head.split(b"\r\n")
        if not STRICT_LINE.fullmatch(lines[0]):
            raise ValueError(f"request line {lines[0]!r}")
        fields = {}
        for line in lines[1:]:
            if not STRICT_FIELD.fullmatch(line):
                raise ValueError(f"field line {line!r}")
            name, _, value = line.partition(b":")
            fields.setdefault(name.lower(), []).append(value.strip(b" \t"))
        if len(fields.get(b"host", [])) != 1:
            raise ValueError(f"Host: {fields.get(b'host')}")
        body, trailers, rest = strict_body(fields, rest)
        if rest is None:
            return requests, raw
        requests.append((lines[0], fields, body, trailers))
        raw = rest
    return requests, bytes(raw)


def strict_body(fields, rest):
    lengths, codings = fields.get(b"content-length", []), fields.get(b"transfer-encoding", [])
    if lengths and codings or len(lengths) > 1 or len(codings) > 1:
        raise ValueError(f"framing: {lengths} {codings}")
    if codings:
        return strict_chunks(rest) if codings[0] == b"chunked" else strict_fail(f"coding {codings[0]!r}")
    if lengths and not re.fullmatch(rb"\d{1,19}", lengths[0]):
        raise ValueError(f"length {lengths[0]!r}")
    size = int(lengths[0]) if lengths else 0
    return (rest[:size], [], rest[size:]) if len(rest) >= size else (None, [], None)


def strict_fail(why):
    raise ValueError(why)


def strict_chunks(rest):
    body = b""
    while b"\r\n" in rest:
        line, _, rest = rest.partition(b"\r\n")
        if not re.fullmatch(rb"[0-9a-fA-F]{1,16}", line):
            raise ValueError(f"chunk size {line!r}")
        size = int(line, 16)
        if size == 0:
            trailers = []
            while b"\r\n" in rest:
                line, _, rest = rest.partition(b"\r\n")
                if not line:
                    return body, trailers, rest
                if not STRICT_FIELD.fullmatch(line):
                    raise ValueError(f"trailer {line!r}")
                trailers.append(line)
            return None, [], None
        if len(rest) < size + 2:
            return None, [], None
        if rest[size : size + 2] != b"\r\n":
            raise ValueError("chunk end")
        body, rest = body + rest[:size], rest[size + 2 :]
    return None, [], None
