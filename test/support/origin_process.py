"""A small backend in a process of its own, so that it can be killed, frozen and started again on the same port.

    python3 origin_process.py PORT        prints its port when ready

Every body names its URL and the moment it was made (seconds.milliseconds) on every line, so that a mixed, cut or
overaged body is seen by check(): /c/... may be cached for a second, then two stale, ten if the backend fails;
/n/... is no-store; the number after `-` is the number of lines: /c/7-1000.
"""
import http.server
import re
import subprocess
import sys
import time

MAX_AGE, REVALIDATE, IF_ERROR = 1, 2, 10


def lines_of(path):
    match = re.search(r"-(\d+)$", path)
    return int(match[1]) if match else 20


def body_of(path, made):
    line = f"{path} made {made:.3f}\n"
    return (line * lines_of(path)).encode()


def check(path, body):
    """The moment the body was made; ValueError if it is not exactly a whole body of that path."""
    match = re.match(rb"(\S+) made (\d+\.\d{3})\n", body)
    if not match:
        raise ValueError(f"{path}: {body[:100]!r}")
    made = float(match[2])
    if match[1].decode() != path or body != body_of(path, made):
        raise ValueError(f"wrong body for {path}: {len(body)} bytes, begins {body[:100]!r}")
    return made


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        body = body_of(self.path, time.time())
        control = (
            f"max-age={MAX_AGE}, stale-while-revalidate={REVALIDATE}, stale-if-error={IF_ERROR}"
            if self.path.startswith("/c/")
            else "no-store"
        )
        head = (
            f"HTTP/1.1 200 OK\r\nDate: {self.date_time_string()}\r\nContent-Type: text/plain\r\nCache-Control: {control}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.wfile.write(head.encode() + body)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True


class OriginProcess:
    """Starts it; kill(), freeze(), thaw(), start() again on the same port."""

    def __init__(self, test):
        self.port, self.process = 0, None
        test.addCleanup(self.kill)
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(self.port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.port = int(self.process.stdout.readline())

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def freeze(self):
        self.process.send_signal(19)  # SIGSTOP

    def thaw(self):
        self.process.send_signal(18)  # SIGCONT


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
