"""A Celery application of a small shop; what its tasks did stands in $SCRATCH/done, a line each."""
import os
import sys
from urllib.parse import quote

from celery import Celery

HOST = os.environ["ENDPOINT"].removeprefix("http://")
SECRET = quote(os.environ["AWS_SECRET_ACCESS_KEY"], safe="")

app = Celery("shop", broker=f"sqs://{os.environ['AWS_ACCESS_KEY_ID']}:{SECRET}@{HOST}//")
app.conf.update(
    broker_transport_options={"region": "us-east-1", "is_secure": False, "wait_time_seconds": 5},
    task_default_queue="shop",
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    worker_enable_remote_control=False,
)


def note(text):
    with open(os.path.join(os.environ["SCRATCH"], "done"), "a", encoding="utf-8") as f:
        f.write(text + "\n")


@app.task
def order(number):
    note(f"order {number}")


@app.task(bind=True, max_retries=3)
def mail(self, number):
    """Works at its third try; a retry is a new message with a delay."""
    if self.request.retries < 2:
        raise self.retry(countdown=1)
    note(f"mail {number} at try {self.request.retries + 1}")


@app.task(acks_on_failure_or_timeout=False)
def broken(number):
    """Never works, is not acknowledged, and so becomes a dead letter by the queue's RedrivePolicy."""
    note(f"broken {number}")
    raise RuntimeError("it always fails")


@app.task(acks_on_failure_or_timeout=False)
def step(group, number, fails):
    """Of a FIFO queue; a step that fails is not acknowledged at its first try, and its group waits for it."""
    first = not os.path.exists(os.path.join(os.environ["SCRATCH"], f"failed-{group}-{number}"))
    if fails and first:
        with open(os.path.join(os.environ["SCRATCH"], f"failed-{group}-{number}"), "w", encoding="utf-8"):
            note(f"fails {group} {number}")
        raise RuntimeError("it fails once")
    note(f"step {group} {number}")


def send_steps(count):
    """Three groups, one after the other of each; in group b the third fails once."""
    for n in range(count):
        for group in "abc":
            step.apply_async((group, n, (group, n) == ("b", 2)), queue="steps.fifo", MessageGroupId=group)


if __name__ == "__main__" and sys.argv[1] == "steps":
    send_steps(int(sys.argv[2]))
elif __name__ == "__main__":
    for n in range(int(sys.argv[1])):
        order.delay(n)
    mail.delay(1)
    broken.delay(1)
