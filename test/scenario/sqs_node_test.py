"""The SQS API with @aws-sdk/client-sqs and sqs-consumer, unchanged (AWS JSON 1.0, signed); the programs are test/clients/sqs."""
import json
import os
import signal
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.sqs_case import KEY, SqsCase
from support.wait import wait_until


class Node(SqsCase):
    def test_every_part_of_the_sdk(self):
        self.start(keys=[KEY])
        printed = self.program("node", "sdk.mjs")
        self.assertEqual(len(printed.splitlines()), 6, printed)

    def test_sqs_consumer_works_retries_and_gives_up(self):
        self.start()
        dead = self.queue("dead")
        policy = {"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:dead", "maxReceiveCount": 3}
        url = self.queue("work", RedrivePolicy=json.dumps(policy))
        self.assertIn("1 dead letter", self.program("node", "consumer.mjs", QUEUE_URL=url, DEAD_URL=dead))

    def test_two_sqs_consumers_keep_the_order_of_groups(self):
        self.start()
        url = self.queue("orders.fifo", FifoQueue="true")
        printed = self.program("node", "fifo.mjs", QUEUE_URL=url)
        self.assertEqual(printed, "fifo: 4 groups of 12 in order, 48 messages\n")
        wait_until(lambda: self.left(url) == 0, 30)

    def test_the_guides_example_works_when_pasted(self):
        self.start()
        code = self.guide("js", "@aws-sdk")
        self.assertEqual(self.program("node", "--input-type=module", "-e", code), "hello\n")

    def test_sqs_consumer_goes_on_after_a_kill(self):
        self.start()
        self.restart(signal.SIGTERM)  # it has its port for good now
        url = self.queue("work")
        log = self.background("node", "outlives.mjs", QUEUE_URL=url).log_path
        wait_until(lambda: read(log).count("done") >= 10, 30)
        self.restart(signal.SIGKILL)
        wait_until(lambda: "all 40" in read(log), 60)
        wait_until(lambda: self.left(url) == 0, 30)

    def left(self, url):
        """Messages that nobody has deleted."""
        names = ["", "NotVisible", "Delayed"]
        got = self.ask("GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return sum(int(got[f"ApproximateNumberOfMessages{name}"]) for name in names)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


if __name__ == "__main__":
    unittest.main()
