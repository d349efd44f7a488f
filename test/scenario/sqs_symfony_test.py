"""The SQS API with Symfony Messenger's SQS transport and async-aws, unchanged."""
import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.sqs_case import KEY, SqsCase


class Symfony(SqsCase):
    def test_messenger_works_retries_and_keeps_groups(self):
        self.start(keys=[KEY])
        self.assertEqual(len(self.program("php", "symfony.php").splitlines()), 2)


if __name__ == "__main__":
    unittest.main()
