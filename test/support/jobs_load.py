"""Load for the jobs plane that keeps account of every answer: what was acknowledged, who was given what, who completed it.

Flow:
    plane = Plane(); plane.up("127.0.0.1:9324"); plane.down()        # where the plane is, by whoever starts and kills it
    book = Book()
    threads = [Producer(plane, book, seed, number), Worker(plane, book, seed, "plain"), ...]; start; stop(); join
    book.faults                                                      # what must never be; book.delivered, book.ended ...
A request whose answer did not come is unknown: producers send it again with the same Idempotency-Key until it is
answered, workers send an ack again and take either answer. Times: `tick` orders what happened here, seconds are wall time.
"""
import http.client
import itertools
import json
import random
import threading
import time
from datetime import datetime

from support.fairing import split_address

MOST_OPEN = 300  # jobs; over it the producers pause
CLOCK_SLACK = 0.05  # seconds by which the plane's steady clock may differ from the wall's
LADDER = [0.0, 0.1, 0.25, 0.4]
NOT_DONE = (503, 507)  # the store is down or full: it was not done, or nobody knows
LEASE = 0.5


def seconds(rfc3339):
    return datetime.fromisoformat(rfc3339.replace("Z", "+00:00")).timestamp()


class Plane:
    """The address of a plane that comes and goes."""

    def __init__(self):
        self.address = None
        self.is_up = threading.Event()

    def up(self, address):
        self.address = split_address(address)
        self.is_up.set()

    def down(self):
        self.is_up.clear()


class Book:
    """What clients know. All calls are safe from any thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.ticks = itertools.count(1)
        self.acked = {}  # id -> (queue, name, key)
        self.unanswered = set()  # names that were sent without a key and never answered
        self.by_name = {}  # name -> id
        self.newest = {}  # id -> the highest attempt that anybody was given
        self.tokens = {}  # (id, attempt) -> token
        self.delivered = {}  # id -> [tick]
        self.ended = {}  # id -> (how, tick of sending): the end was acknowledged
        self.perhaps_ended = set()  # the answer to an ack or fail never came
        self.refused = 0  # completions with a lease that was over
        self.late_refused = 0  # of those: sent after the deadline on purpose
        self.first_delivery = threading.Event()
        self.faults = []

    def fault(self, text):
        self.faults.append(text)

    def put(self, job, queue, name, key, once):
        with self.lock:
            other = self.by_name.setdefault(name, job)
            if once and other != job:
                self.fault(f"{name} became two jobs by one Idempotency-Key: {other} and {job}")
            self.acked.setdefault(job, (queue, name, key))

    def open_jobs(self):
        return len(self.acked) - len(self.ended)

    def given(self, job, attempt, token):
        with self.lock:
            if self.tokens.setdefault((job, attempt), token) != token:
                self.fault(f"{job}: attempt {attempt} was given out twice")
            if job in self.ended:
                self.fault(f"{job}: given out after its end was acknowledged")
            self.newest[job] = max(self.newest.get(job, 0), attempt)
            self.delivered.setdefault(job, []).append(next(self.ticks))
        self.first_delivery.set()

    def sending(self, job):
        """(tick, newest attempt known) at the moment a completion is sent."""
        with self.lock:
            return next(self.ticks), self.newest[job]

    def completed(self, job, attempt, sent, how, overdue):
        """The plane accepted a completion."""
        with self.lock:
            if sent[1] > attempt:
                self.fault(f"{job}: {how} of attempt {attempt} accepted although {sent[1]} had begun")
            if overdue:
                self.fault(f"{job}: {how} of attempt {attempt} accepted after its deadline")
            if how in ("scheduled", "queued"):
                return
            if job in self.ended:
                self.fault(f"{job}: {how} accepted, but {self.ended[job][0]} was before")
            self.ended[job] = (how, sent[0])

    def refuse(self, overdue):
        with self.lock:
            self.refused += 1
            self.late_refused += overdue


class Client(threading.Thread):
    """One keep-alive connection; waits while the plane is down."""

    def __init__(self, plane, book, seed):
        super().__init__(daemon=True)
        self.plane = plane
        self.book = book
        self.random = random.Random(seed)
        self.halt = threading.Event()
        self.connection = None

    def stop(self):
        self.halt.set()

    def call(self, path, body, headers=None):
        """(status, JSON), or None: whether it was done is not known."""
        if not self.plane.is_up.wait(0.5):
            return None
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(*self.plane.address, timeout=20)
            text = json.dumps(body)
            self.connection.request("POST", path, text, {"Content-Type": "application/json", **(headers or {})})
            answer = self.connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.hang_up()
            time.sleep(0.005)
            return None

    def hang_up(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def run(self):
        try:
            while not self.halt.is_set():
                self.step()
        except Exception as e:  # a fault of the test must not look like silence
            self.book.fault(f"{self.name}: {e!r}")
        finally:
            self.hang_up()

    def step(self):
        raise NotImplementedError


class Producer(Client):
    def __init__(self, plane, book, seed, number):
        super().__init__(plane, book, f"{seed}-producer-{number}")
        self.number = number
        self.count = 0
        self.sequence = {}  # FIFO key -> the next number of it

    def step(self):
        if self.book.open_jobs() > MOST_OPEN:
            time.sleep(0.01)
            return
        self.count += 1
        name = f"{self.number}-{self.count}"
        kind = self.random.choices(["plain", "ladder", "line.fifo", "unique"], [50, 12, 20, 18])[0]
        if kind == "line.fifo":
            key = f"k{self.number}-{self.random.randrange(3)}"
            nth = self.sequence[key] = self.sequence.get(key, 0) + 1
            name = f"{name} {key} {nth}"
            self.put(kind, name, key, self.body(name, {"key": key}))
        elif kind == "unique":
            body = self.body(name, {"unique": f"u{name}"})  # twice the same; two jobs only if the first has ended
            self.put(kind, name, None, body, {})
            self.put(kind, name, None, body, {})
        elif kind == "plain" and self.random.random() < 0.3:
            self.put_once(kind, name)
        else:
            self.put(kind, name, None, self.body(name, {}))

    def body(self, name, more):
        size = 60_000 if self.random.random() < 0.08 else self.random.choice([0, 50, 2_000])
        return {"payload": {"name": name, "pad": "x" * size}, **more}

    def put(self, queue, name, key, body, headers=None):
        """Until it is answered; with an Idempotency-Key unless `headers` are given."""
        headers = {"Idempotency-Key": name} if headers is None else headers
        while True:
            answer = self.call(f"/v1/queues/{queue}/jobs", body, headers)
            if answer and answer[0] in (200, 201):
                self.book.put(answer[1]["id"], queue, name, key, bool(headers))
                return
            if answer and answer[0] not in NOT_DONE:
                self.book.fault(f"put {name}: {answer}")
                return
            if answer and answer[0] == 507:
                time.sleep(0.01)

    def put_once(self, queue, name):
        answer = self.call(f"/v1/queues/{queue}/jobs", self.body(name, {}))
        if answer and answer[0] == 201:
            self.book.put(answer[1]["id"], queue, name, None, True)
        elif answer and answer[0] not in NOT_DONE:
            self.book.fault(f"put {name}: {answer}")
        else:
            with self.book.lock:
                self.book.unanswered.add(name)


class Worker(Client):
    """Takes from one queue. `faithful` set: it drops nothing and is never late (to let the queue run dry)."""

    def __init__(self, plane, book, seed, queue, number):
        super().__init__(plane, book, f"{seed}-worker-{queue}-{number}")
        self.queue = queue
        self.faithful = False
        self.late = []  # (wall time to answer at, job): leases that will be over by then

    def step(self):
        now = time.time()
        for job in [j for at, j in self.late if at <= now]:
            self.settle(job, "ack", {})
        self.late = [(at, j) for at, j in self.late if at > now]
        most = self.random.randint(1, 6)
        answer = self.call(f"/v1/queues/{self.queue}/lease", {"max": most, "wait": "100ms"})
        if answer is None:
            return
        if answer[0] != 200:
            if answer[0] not in (404, *NOT_DONE):
                self.book.fault(f"lease: {answer}")
            time.sleep(0.01)
            return
        jobs = answer[1]["jobs"]
        for job in jobs:
            self.book.given(job["id"], job["attempt"], job["lease"])
        for job in jobs:
            self.work(job)

    def work(self, job):
        dice = self.random.random()
        if self.queue == "ladder":
            if self.faithful or dice > 0.03:
                self.settle(job, "fail", {"error": "no"})
        elif self.faithful or dice < 0.84:
            self.settle(job, "ack", {"result": job["payload"]["name"]})
        elif dice < 0.89:
            self.settle(job, "fail", {"error": "perhaps later"})
        elif dice < 0.93:
            if self.call(f"/v1/leases/{job['lease']}/extend", {"lease": LEASE}):
                self.settle(job, "ack", {}, extended=True)
        elif dice < 0.965:
            self.late.append((seconds(job["deadline"]) + 2 * CLOCK_SLACK, job))
        else:
            self.hang_up()  # it died with the job

    def settle(self, job, verb, body, extended=False):
        overdue = not extended and time.time() > seconds(job["deadline"]) + CLOCK_SLACK
        sent = self.book.sending(job["id"])
        answer = self.call(f"/v1/leases/{job['lease']}/{verb}", body)
        if answer is None or answer[0] in NOT_DONE:
            with self.book.lock:
                self.book.perhaps_ended.add(job["id"])
            answer = self.call(f"/v1/leases/{job['lease']}/{verb}", body)
        if answer is None or answer[0] in NOT_DONE:
            return
        if answer[0] == 200:
            self.book.completed(job["id"], job["attempt"], sent, answer[1]["state"], overdue)
        elif answer[0] == 409:
            self.book.refuse(overdue)
        else:
            self.book.fault(f"{verb} of {job['id']}: {answer}")
