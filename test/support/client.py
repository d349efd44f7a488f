"""A client that sends exactly the bytes it is told to, and reads answers strictly.

Flow:
    with Client(fairing.http) as c:
        c.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = c.response()             # raises Truncated if the body breaks off
        c.closed()                        # waits for the server's end of stream
    answer = fetch(fairing.http, "/path", headers={"Cookie": "a=b"})
"""
import re
import socket
import threading

NO_BODY = {204, 304}


class Truncated(Exception):
    """The connection ended, or broke the framing, before the answer was complete."""


class Response:
    def __init__(self, status, reason, version, headers, body=b"", trailers=(), interim=()):
        self.status, self.reason, self.version = status, reason, version
        self.headers, self.body, self.trailers, self.interim = headers, body, list(trailers), list(interim)

    def get(self, name, default=None):
        """All lines of that field joined with a comma, or the default."""
        values = self.get_all(name)
        return ", ".join(values) if values else default

    def get_all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    @property
    def cache(self):
        """Fairing's own member of Cache-Status as a dict: {"hit": True, "ttl": "9"} or {"fwd": "uri-miss", ...}."""
        members = [
            m for m in split_list(self.get("Cache-Status", "")) if m.split(";")[0].strip() == "fairing"
        ]
        if not members:
            return {}
        parts = [p.strip().partition("=") for p in members[-1].split(";")[1:]]
        return {name: value.strip('"') if equals else True for name, equals, value in parts}

    @property
    def is_hit(self):
        return "hit" in self.cache

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:200]!r}>"


def split_list(value):
    return [m.strip() for m in re.findall(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+', value)]


class Client:
    def __init__(self, address, timeout=15.0, tls=None, server_name="localhost", receive_buffer=None):
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(address)
        if family == socket.AF_INET:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=server_name)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def abort(self):
        """Closes with a reset, as a client that vanished."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def end(self):
        self.socket.shutdown(socket.SHUT_WR)

    def request(self, method, path, headers=None, body=None, host="test", version="HTTP/1.1"):
        self.send(build(method, path, headers, body, host, version))

    def call(self, method, path, headers=None, body=None, **more):
        self.request(method, path, headers, body, **more)
        return self.response(method)

    def get(self, path, headers=None, **more):
        return self.call("GET", path, headers, **more)

    # -- reading ------------------------------------------------------------------------------------------

    def fill(self):
        """Reads more into the buffer; False at the end of the stream."""
        try:
            data = self.socket.recv(262144)
        except ConnectionResetError:
            data = b""
        self.buffer += data
        return bool(data)

    def read_until(self, mark):
        while mark not in self.buffer:
            if not self.fill():
                raise Truncated(f"end of stream before {mark!r}; had {self.buffer[:300]!r}")
        found, _, self.buffer = self.buffer.partition(mark)
        return found

    def read_exactly(self, n):
        if len(self.buffer) < n:
            parts, size = [self.buffer], len(self.buffer)
            while size < n:
                self.buffer = b""
                if not self.fill():
                    raise Truncated(f"end of stream after {size} of {n} bytes")
                parts.append(self.buffer)
                size += len(self.buffer)
            self.buffer = b"".join(parts)
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def head(self):
        lines = self.read_until(b"\r\n\r\n").split(b"\r\n")
        match = re.fullmatch(rb"(HTTP/1\.[01]) (\d{3})(?: (.*))?", lines[0])
        if not match:
            raise Truncated(f"not a status line: {lines[0]!r}")
        headers = []
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            if (
                not colon
                or not re.fullmatch(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name)
                or b"\r" in value
                or b"\n" in value
            ):
                raise Truncated(f"not a field line: {line!r}")
            headers.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
        return Response(int(match[2]), (match[3] or b"").decode("latin-1"), match[1].decode(), headers)

    def chunk(self):
        """One chunk's data; b"" for the last one (its trailers are then in self.trailers)."""
        line = self.read_until(b"\r\n")
        if not re.fullmatch(rb"[0-9a-fA-F]{1,16}", line):
            raise Truncated(f"not a chunk size: {line!r}")
        size = int(line, 16)
        if size:
            data = self.read_exactly(size)
            if self.read_exactly(2) != b"\r\n":
                raise Truncated("chunk data without CRLF")
            return data
        self.trailers = []
        while True:
            line = self.read_until(b"\r\n")
            if not line:
                return b""
            name, _, value = line.decode("latin-1").partition(":")
            self.trailers.append((name, value.strip()))

    def body_of(self, answer, method="GET"):
        lengths, codings = answer.get_all("Content-Length"), answer.get_all("Transfer-Encoding")
        if len(lengths) > 1 or (lengths and codings) or codings not in ([], ["chunked"]):
            raise Truncated(f"ambiguous framing: {answer.headers}")
        if answer.status in NO_BODY and (codings or answer.status == 204 and lengths):
            raise Truncated(f"{answer.status} with a framed body: {answer.headers}")
        if method == "HEAD" or answer.status in NO_BODY or answer.status == 101:
            return answer
        if codings:
            parts = list(iter(self.chunk, b""))
            answer.body, answer.trailers = b"".join(parts), self.trailers
        elif lengths:
            answer.body = self.read_exactly(int(lengths[0]))
        else:
            while self.fill():
                pass
            answer.body, self.buffer = self.buffer, b""
        return answer

    def response(self, method="GET"):
        """The next final answer; interim ones are in its `interim`."""
        interim = []
        while True:
            answer = self.head()
            if 100 <= answer.status < 200 and answer.status != 101:
                interim.append(answer)
                continue
            answer.interim = interim
            return self.body_of(answer, method)

    def rest(self):
        """Everything until the server closes."""
        pieces = [self.buffer]  # joined at the end: adding each to what is there would be quadratic
        self.buffer = b""
        while self.fill():
            pieces.append(self.buffer)
            self.buffer = b""
        return b"".join(pieces)

    def closed(self):
        """True when the stream ends with nothing more on it; False if bytes come; a timeout raises."""
        return not self.buffer and not self.fill()


def build(method, path, headers=None, body=None, host="test", version="HTTP/1.1"):
    """The bytes of one request. `headers` is a dict or a list of pairs; a body gets its Content-Length."""
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
    lines = [f"{method} {path} {version}"]
    if host is not None and not any(n.lower() == "host" for n, _ in pairs):
        lines.append(f"Host: {host}")
    lines += [f"{n}: {v}" for n, v in pairs]
    if body is not None and not any(n.lower() in ("content-length", "transfer-encoding") for n, _ in pairs):
        lines.append(f"Content-Length: {len(body)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b"")


def fetch(address, path, method="GET", headers=None, body=None, timeout=15.0, **more):
    """One request on a connection of its own."""
    with Client(address, timeout) as c:
        return c.call(method, path, headers, body, **more)


def in_parallel(functions, timeout=60.0):
    """Runs all at once and returns their results in order; re-raises the first exception."""
    results, errors = [None] * len(functions), []

    def run(index, function):
        try:
            results[index] = function()
        except BaseException as e:  # handed to the caller
            errors.append(e)

    threads = [threading.Thread(target=run, args=pair, daemon=True) for pair in enumerate(functions)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(timeout)
    if any(t.is_alive() for t in threads):
        raise AssertionError(f"a client still hangs after {timeout} s")
    if errors:
        raise errors[0]
    return results
