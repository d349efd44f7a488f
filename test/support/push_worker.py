"""A worker behind a URL: records the jobs that are POSTed to it and answers as the test says.

Flow:
    worker = PushWorker(test)                       # stopped by the test's cleanup
    worker.answers = [(503, {"Retry-After": "1"}, b""), (200, {}, b"{}")]     # one a job, the last one goes on
    worker.answer = lambda job: (204, {}, b"")      # or a function
    job = worker.next()                             # a Job: headers (lower case), body, id, attempt, lease
    worker.down(); worker.up()                      # the same port
"""
import base64
import hashlib
import hmac
import http.server
import queue
import socketserver
import threading


class Job:
    def __init__(self, headers, body, connection):
        self.headers = {k.lower(): v for k, v in headers.items()}
        self.body = body
        self.connection = connection  # the client's port: the same while the connection is kept
        self.id = self.headers["webhook-id"]
        self.attempt = int(self.headers["fairing-attempt"])
        self.lease = self.headers["fairing-lease"]


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # a connection that down() cut off


class PushWorker:
    def __init__(self, test, tls=None):
        """`tls`: an ssl context of the server side."""
        self.tls = tls
        self.jobs = queue.Queue()
        self.answers = [(204, {}, b"")]
        self.answer = None
        self.at_once = 0  # jobs in hand
        self.most = 0  # the most at a time
        self.lock = threading.Lock()
        self.server = None
        self.port = 0
        test.addCleanup(self.down)
        self.up()

    @property
    def url(self):
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}/jobs"

    def up(self):
        worker = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                worker.handle(self, Job(self.headers, body, self.client_address[1]))

            def log_message(self, *_):
                pass

        self.connections = []
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        if self.tls:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        shown = self.connections
        accept = self.server.get_request
        self.server.get_request = lambda: (lambda got: (shown.append(got[0]), got)[1])(accept())
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self):
        """Nobody listens any more, and what was open is closed."""
        if self.server is None:
            return
        self.server.shutdown()
        self.server.server_close()
        for c in self.connections:
            try:
                c.shutdown(2)
            except OSError:
                pass
        self.server = None

    def handle(self, handler, job):
        with self.lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            chosen = None if self.answer else self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.jobs.put(job)
        status, headers, body = self.answer(job) if chosen is None else chosen
        with self.lock:
            self.at_once -= 1
        try:
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            if status != 204:
                handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        except OSError:
            handler.close_connection = True

    def next(self, timeout=15):
        return self.jobs.get(timeout=timeout)


def signature(secret, job):
    """What webhook-signature must have for this job, computed here."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{job.id}.{job.headers['webhook-timestamp']}.".encode() + job.body
    return "v1," + base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()
