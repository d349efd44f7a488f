"""The SQS API with Celery and kombu's SQS transport, unchanged: the worker names its queue by the path and is signed."""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.sqs_case import KEY, SqsCase
from support.wait import wait_until

ORDERS = 40
STEPS = 6


class Celery(SqsCase):
    def setUp(self):
        # The queues as the native API sees them: the program has the only key.
        self.start(keys=[KEY])

    def queues(self):
        return {q["name"]: q for q in json.loads(self.http("GET", "/v1/queues")[1])["items"]}

    def prepare(self):
        """Queues with a RedrivePolicy, which Celery does not set itself."""
        program = (
            "import boto3, json, os; s = boto3.client('sqs', endpoint_url=os.environ['ENDPOINT'])\n"
            "s.create_queue(QueueName='shop-dead')\n"
            "p = {'deadLetterTargetArn': 'arn:aws:sqs:us-east-1:000000000000:shop-dead', 'maxReceiveCount': 2}\n"
            "s.create_queue(QueueName='shop', Attributes={'VisibilityTimeout': '10', 'RedrivePolicy': json.dumps(p)})\n"
        )
        self.program("/usr/bin/python3", "-c", program)

    def done(self):
        path = os.path.join(self.folder, "done")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as f:
            return f.read().splitlines()

    def test_tasks_run_are_retried_and_end_as_dead_letters(self):
        self.prepare()
        worker = self.background("/usr/bin/python3", "-m", "celery", "-A", "shop", "worker", "--concurrency=2",
                                 "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=INFO")  # fmt: skip
        self.program("/usr/bin/python3", "shop.py", str(ORDERS))
        try:
            wait_until(lambda: {f"order {n}" for n in range(ORDERS)} <= set(self.done()), 60)
            wait_until(lambda: "mail 1 at try 3" in self.done(), 60)
            wait_until(lambda: self.queues()["shop-dead"]["depth"]["queued"] == 1, 60)
        except AssertionError:
            with open(worker.log_path, encoding="utf-8") as f:
                print(f.read()[-6000:], file=sys.stderr)
            raise
        self.assertEqual(self.done().count("broken 1"), 2)
        counts = self.queues()["shop"]["depth"]
        self.assertEqual((counts["queued"], counts["scheduled"], counts["leased"]), (0, 0, 0))

    def test_tasks_of_a_fifo_queue_run_in_the_order_of_their_group(self):
        program = (
            "import boto3, os; s = boto3.client('sqs', endpoint_url=os.environ['ENDPOINT'])\n"
            "s.create_queue(QueueName='steps.fifo', Attributes={'FifoQueue': 'true', 'VisibilityTimeout': '3'})\n"
        )
        self.program("/usr/bin/python3", "-c", program)
        worker = self.background("/usr/bin/python3", "-m", "celery", "-A", "shop", "worker", "--concurrency=2", "-Q", "steps.fifo",
                                 "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=INFO")  # fmt: skip
        self.program("/usr/bin/python3", "shop.py", "steps", str(STEPS))
        try:
            wait_until(lambda: sum(line.startswith("step ") for line in self.done()) >= 3 * STEPS, 60)
        except AssertionError:
            with open(worker.log_path, encoding="utf-8") as f:
                print(self.done(), f.read()[-6000:], file=sys.stderr)
            raise
        for group in "abc":
            lines = [line for line in self.done() if line.split()[1] == group]
            wanted = [f"step {group} {n}" for n in range(STEPS)]
            if group == "b":
                wanted.insert(2, "fails b 2")
            self.assertEqual(lines, wanted)
        wait_until(lambda: self.queues()["steps.fifo"]["depth"]["leased"] == 0, 20)
        depth = self.queues()["steps.fifo"]["depth"]
        self.assertEqual((depth["queued"], depth["scheduled"], depth["leased"]), (0, 0, 0))


if __name__ == "__main__":
    unittest.main()
