"""The SQS API with boto3 as Debian has it (the Query protocol): messages, retries, dead letters, FIFO queues, signatures."""
import collections
import hashlib
import json
import os
import sys
import threading
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from support.sqs_case import KEY, SqsCase
from support.wait import wait_until


class Boto3(SqsCase):
    def client(self, key=KEY["id"], secret=KEY["secret"]):
        made = boto3.client(
            "sqs", region_name="eu-central-1", endpoint_url=self.url, aws_access_key_id=key, aws_secret_access_key=secret,
            config=Config(retries={"max_attempts": 1}, connect_timeout=5, read_timeout=30),
        )  # fmt: skip
        self.addCleanup(made.close)
        return made

    def code_of(self, call, **parameters):
        with self.assertRaises(ClientError) as caught:
            call(**parameters)
        return caught.exception.response["Error"]["Code"]

    # -- the thin line: send, receive, delete --------------------------------------------------------------

    def test_a_message_is_sent_received_and_deleted(self):
        self.start(keys=[KEY])
        sqs = self.client()
        url = sqs.create_queue(QueueName="emails", tags={"team": "shop"})["QueueUrl"]
        self.assertEqual(url, f"{self.url}/000000000000/emails")
        self.assertEqual(sqs.get_queue_url(QueueName="emails")["QueueUrl"], url)
        self.assertEqual(sqs.list_queues()["QueueUrls"], [url])
        self.assertEqual(sqs.list_queue_tags(QueueUrl=url)["Tags"], {"team": "shop"})
        body = "näh <&>\r\n\t" + "x" * 70_000
        sent = sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes={
            "n": {"DataType": "Number", "StringValue": "42"},
            "raw": {"DataType": "Binary", "BinaryValue": bytes(range(256))},
            "s": {"DataType": "String.json", "StringValue": "{}"},
        })  # fmt: skip
        self.assertEqual(sent["MD5OfMessageBody"], hashlib.md5(body.encode()).hexdigest())
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "QueueArn"])
        self.assertEqual(counts["Attributes"]["ApproximateNumberOfMessages"], "1")
        self.assertEqual(counts["Attributes"]["QueueArn"], "arn:aws:sqs:us-east-1:000000000000:emails")
        (got,) = sqs.receive_message(
            QueueUrl=url, WaitTimeSeconds=5, AttributeNames=["All"], MessageAttributeNames=["All"]
        )["Messages"]
        self.assertEqual((got["Body"], got["MessageId"]), (body, sent["MessageId"]))
        self.assertEqual(got["MD5OfMessageAttributes"], sent["MD5OfMessageAttributes"])
        self.assertEqual(got["MessageAttributes"]["raw"]["BinaryValue"], bytes(range(256)))
        self.assertEqual(got["Attributes"]["SenderId"], KEY["id"])
        self.assertEqual(got["Attributes"]["ApproximateReceiveCount"], "1")
        sqs.delete_message(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
        self.assertNotIn("Messages", sqs.receive_message(QueueUrl=url))
        sqs.delete_queue(QueueUrl=url)
        self.assertEqual(
            self.code_of(sqs.get_queue_url, QueueName="emails"), "AWS.SimpleQueueService.NonExistentQueue"
        )

    def test_what_fails_three_times_is_a_dead_letter_and_is_moved_back(self):
        self.start(keys=[KEY])
        sqs = self.client()
        dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "3"})
        url = sqs.create_queue(QueueName="mails", Attributes={"RedrivePolicy": policy})["QueueUrl"]
        self.assertEqual(sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"], [url])
        name = sqs.send_message(QueueUrl=url, MessageBody="bad")["MessageId"]
        for count in ("1", "2", "3"):
            (got,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, AttributeNames=["All"])["Messages"]
            self.assertEqual((got["MessageId"], got["Attributes"]["ApproximateReceiveCount"]), (name, count))
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=0)
        (letter,) = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=5)["Messages"]
        self.assertEqual((letter["MessageId"], letter["Body"]), (name, "bad"))
        self.assertNotIn("Messages", sqs.receive_message(QueueUrl=url))
        sqs.change_message_visibility(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"], VisibilityTimeout=0)
        self.move(sqs, dead, arn)
        (again,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
        self.assertEqual(again["MessageId"], name)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])

    def move(self, sqs, dead, arn):
        """A message move task; this boto3 is older than the action, so it is signed by botocore and sent by hand."""
        status, text = self.signed({"Action": "StartMessageMoveTask", "SourceArn": arn})
        self.assertEqual(status, 200, text)
        waiting = ["ApproximateNumberOfMessages"]
        wait_until(
            lambda: sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=waiting)["Attributes"][waiting[0]] == "0"
        )

    def test_a_visibility_timeout_ends_and_heartbeats_make_it_longer(self):
        self.start(keys=[KEY])
        sqs = self.client()
        url = sqs.create_queue(QueueName="slow", Attributes={"VisibilityTimeout": "1"})["QueueUrl"]
        sqs.send_message(QueueUrl=url, MessageBody="x")
        (first,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
        (second,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10, VisibilityTimeout=30)["Messages"]
        self.assertEqual(first["MessageId"], second["MessageId"])
        late = {"QueueUrl": url, "ReceiptHandle": first["ReceiptHandle"]}
        self.assertEqual(self.code_of(sqs.delete_message, **late), "ReceiptHandleIsInvalid")
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=600)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])

    def test_batches_may_fail_in_part(self):
        self.start(keys=[KEY])
        sqs = self.client()
        url = sqs.create_queue(QueueName="batch")["QueueUrl"]
        entries = [{"Id": f"e{i}", "MessageBody": f"body {i}"} for i in range(9)]
        entries.append({"Id": "bad", "MessageBody": "no \x00 here".replace("\x00", "\x01")})
        answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
        self.assertEqual([e["Id"] for e in answer["Successful"]], [f"e{i}" for i in range(9)])
        (bad,) = answer["Failed"]
        self.assertEqual((bad["Id"], bad["Code"], bad["SenderFault"]), ("bad", "InvalidMessageContents", True))
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
        self.assertEqual(sorted(m["Body"] for m in got), [f"body {i}" for i in range(9)])
        deletes = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(got[1:])]
        deletes.append({"Id": "none", "ReceiptHandle": "no such handle"})
        answer = sqs.delete_message_batch(QueueUrl=url, Entries=deletes)
        self.assertEqual(len(answer["Successful"]), 8)
        self.assertEqual([(e["Id"], e["Code"]) for e in answer["Failed"]], [("none", "ReceiptHandleIsInvalid")])
        answer = sqs.change_message_visibility_batch(
            QueueUrl=url,
            Entries=[{"Id": "a", "ReceiptHandle": got[0]["ReceiptHandle"], "VisibilityTimeout": 0}],
        )
        self.assertEqual([e["Id"] for e in answer["Successful"]], ["a"])
        (last,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
        self.assertEqual(last["Body"], got[0]["Body"])

    def test_a_fifo_queue_keeps_the_order_of_a_group_and_drops_doubles(self):
        self.start(keys=[KEY])
        sqs = self.client()
        url = sqs.create_queue(
            QueueName="orders.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"}
        )["QueueUrl"]
        numbers = []
        for group, body in (("a", "1"), ("a", "2"), ("b", "3"), ("a", "4")):
            sent = sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group)
            numbers.append(sent["SequenceNumber"])
        self.assertEqual(numbers, sorted(numbers))
        double = sqs.send_message(QueueUrl=url, MessageBody="4", MessageGroupId="a")
        self.assertEqual(double["SequenceNumber"], numbers[-1])
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
        self.assertEqual([(m["Body"], m["Attributes"]["MessageGroupId"]) for m in got], [("1", "a"), ("3", "b")])
        seen = []
        while got:
            for m in got:
                seen.append(m["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=m["ReceiptHandle"])
            got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        self.assertEqual(seen, ["1", "3", "2", "4"])

    def test_groups_of_a_fifo_queue_keep_their_order_over_consumers_and_retries(self):
        """Four consumers, five groups; every third message is given back once, and nothing of its group overtakes it."""
        self.start(keys=[KEY])
        sqs = self.client()
        url = sqs.create_queue(QueueName="orders.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        groups, length = "abcde", 8
        for n in range(length):
            entries = [
                {"Id": g, "MessageBody": f"{g} {n}", "MessageGroupId": g, "MessageDeduplicationId": f"{g}{n}"} for g in groups
            ]
            self.assertEqual(len(sqs.send_message_batch(QueueUrl=url, Entries=entries)["Successful"]), len(groups))
        lock, running, done, tries = threading.Lock(), set(), {g: [] for g in groups}, collections.Counter()
        faults = []

        def work(client):
            while sum(map(len, done.values())) < len(groups) * length and not faults:
                got = client.receive_message(QueueUrl=url, MaxNumberOfMessages=3, WaitTimeSeconds=1, AttributeNames=["All"])
                for m in got.get("Messages", []):
                    group, n = m["Body"].split()
                    with lock:
                        if group in running or m["Attributes"]["MessageGroupId"] != group:
                            faults.append(f"{m['Body']} while another of its group is out")
                        running.add(group)
                        tries[m["Body"]] += 1
                        back = int(n) % 3 == 2 and tries[m["Body"]] == 1
                        if not back:
                            done[group].append(int(n))
                        running.discard(group)  # before the plane hears of it, and may give the next one
                    handle = {"QueueUrl": url, "ReceiptHandle": m["ReceiptHandle"]}
                    if back:
                        client.change_message_visibility(VisibilityTimeout=0, **handle)
                    else:
                        client.delete_message(**handle)

        threads = [threading.Thread(target=work, args=(self.client(),)) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
        self.assertEqual(faults, [])
        self.assertEqual(done, {g: list(range(length)) for g in groups})
        self.assertEqual({n for body, n in tries.items() if int(body.split()[1]) % 3 == 2}, {2})

    def test_a_dead_letter_of_a_fifo_queue_lets_its_group_go_on(self):
        self.start(keys=[KEY])
        sqs = self.client()
        dead = sqs.create_queue(QueueName="dead.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "2"})
        url = sqs.create_queue(QueueName="work.fifo", Attributes={"FifoQueue": "true", "RedrivePolicy": policy})["QueueUrl"]
        for body in ("bad", "good"):
            sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageDeduplicationId=body)
        for count in ("1", "2"):
            (got,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MaxNumberOfMessages=10, AttributeNames=["All"])["Messages"]
            self.assertEqual((got["Body"], got["Attributes"]["ApproximateReceiveCount"]), ("bad", count))
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=got["ReceiptHandle"], VisibilityTimeout=0)
        (next_one,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MaxNumberOfMessages=10)["Messages"]
        self.assertEqual(next_one["Body"], "good")
        sqs.delete_message(QueueUrl=url, ReceiptHandle=next_one["ReceiptHandle"])
        (letter,) = sqs.receive_message(QueueUrl=dead, WaitTimeSeconds=5, AttributeNames=["All"])["Messages"]
        self.assertEqual((letter["Body"], letter["Attributes"]["MessageGroupId"]), ("bad", "g"))
        no_group = self.code_of(sqs.send_message, QueueUrl=url, MessageBody="x", MessageDeduplicationId="x")
        self.assertEqual(no_group, "MissingParameter")

    def test_the_guides_example_works_when_pasted(self):
        self.start()
        self.assertEqual(self.program("/usr/bin/python3", "-c", self.guide("python", "boto3")), "hello\n")

    # -- who may ask ---------------------------------------------------------------------------------------

    def signed(self, form, secret=KEY["secret"], change=None):
        """A form that botocore signs, sent as it is or, by `change`, otherwise: (status, text)."""
        from urllib.parse import urlencode

        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        request = AWSRequest("POST", self.url + "/", data=urlencode(form),
                             headers={"Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
        SigV4Auth(Credentials(KEY["id"], secret), "sqs", "us-east-1").add_auth(request)
        headers = dict(request.headers.items())
        body = change(request.data) if change else request.data
        return self.http("POST", "/", body, headers)

    def test_only_those_with_a_key_get_in(self):
        self.start(keys=[KEY, {"id": "AKIASECOND", "secret": "another/good+secret"}])
        self.client("AKIASECOND", "another/good+secret").create_queue(QueueName="q")
        wrong = self.client(secret="not/the+secret=at.all")
        self.assertEqual(self.code_of(wrong.list_queues), "SignatureDoesNotMatch")
        unknown = self.client(key="AKIANOBODY")
        self.assertEqual(self.code_of(unknown.list_queues), "InvalidClientTokenId")
        self.assertEqual(self.query(Action="ListQueues")[0], 403)
        self.assertIn("MissingAuthenticationToken", self.query(Action="ListQueues")[1])
        self.assertEqual(self.signed({"Action": "ListQueues"})[0], 200)
        changed = self.signed({"Action": "ListQueues"}, change=lambda body: body + "&QueueNamePrefix=x")
        self.assertEqual(changed[0], 403)
        self.assertIn("SignatureDoesNotMatch", changed[1])

    def test_a_presigned_address_works_without_a_key(self):
        self.start(keys=[KEY])
        sqs = self.client()
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        address = sqs.generate_presigned_url("send_message", {"QueueUrl": url, "MessageBody": "by link"}, HttpMethod="GET")
        with urllib.request.urlopen(address, timeout=10) as answer:
            self.assertIn(b"<MessageId>", answer.read())
        self.assertEqual(sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"], "by link")
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(address.replace("by%20link", "other").replace("by+link", "other"), timeout=10)
        caught.exception.close()
        self.assertEqual(caught.exception.code, 403)


if __name__ == "__main__":
    unittest.main()
