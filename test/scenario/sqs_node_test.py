"""The SQS API with @aws-sdk/client-sqs and sqs-consumer, unchanged (AWS JSON 1.0, signed); the programs are test/clients/sqs."""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.sqs_case import KEY, SqsCase


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


if __name__ == "__main__":
    unittest.main()
