"""The SQS API of the jobs listener by hand: what is refused and how, long polls, batches, move tasks, a restart, access."""
import json
import os
import signal
import socket
import sys
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support.fairing import split_address
from support.sqs_case import KEY, SqsCase
from support.wait import wait_until

TOKEN = "0123456789abcdef0123456789abcdef"


def redrive_policy(queue, count):
    return json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:us-east-1:000000000000:{queue}", "maxReceiveCount": count})


class Refusals(SqsCase):
    def test_a_queue_that_is_not_there(self):
        self.start()
        url = f"{self.url}/000000000000/nobody"
        for action, more in (
            ("SendMessage", {"MessageBody": "x"}),
            ("ReceiveMessage", {"WaitTimeSeconds": 20}),
            ("GetQueueAttributes", {"AttributeNames": ["All"]}),
            ("SetQueueAttributes", {"Attributes": {"DelaySeconds": "1"}}),
            ("DeleteQueue", {}),
            ("TagQueue", {"Tags": {"a": "b"}}),
        ):
            self.assertIn("nobody", self.refused("NonExistentQueue", action, QueueUrl=url, **more))
            self.assertEqual(self.headers["x-amzn-query-error"], "AWS.SimpleQueueService.NonExistentQueue;Sender")
            self.assertTrue(self.headers["x-amzn-RequestId"])
        status, text = self.query(Action="SendMessage", QueueUrl=url, MessageBody="x")
        self.assertEqual((status, self.headers["Content-Type"]), (400, "text/xml"))
        self.assertIn("<Code>AWS.SimpleQueueService.NonExistentQueue</Code>", text)
        self.assertIn(f"<RequestId>{self.headers['x-amzn-RequestId']}</RequestId>", text)

    def test_malformed_requests(self):
        self.start()
        url = self.queue("q")
        for action, body, code in (
            ("SendMessage", "{", "MalformedQueryString"),
            ("SendMessage", '{"QueueUrl": 7, "MessageBody": "x"}', "MalformedQueryString"),
            ("SendMessage", {"MessageBody": "x"}, "MissingParameter"),
            ("SendMessage", {"QueueUrl": url}, "MissingParameter"),
            ("Explode", {}, "InvalidAction"),
            ("SendMessage", {"QueueUrl": url, "MessageBody": "\x01"}, "InvalidMessageContents"),
            ("SendMessage", {"QueueUrl": url, "MessageBody": "x", "DelaySeconds": 901}, "InvalidParameterValue"),
            ("ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 11}, "InvalidParameterValue"),
            ("ReceiveMessage", {"QueueUrl": url, "WaitTimeSeconds": 21}, "InvalidParameterValue"),
            ("DeleteMessage", {"QueueUrl": url, "ReceiptHandle": "x"}, "ReceiptHandleIsInvalid"),
            ("SendMessageBatch", {"QueueUrl": url, "Entries": []}, "EmptyBatchRequest"),
            ("CreateQueue", {"QueueName": "no spaces"}, "InvalidParameterValue"),
            ("CreateQueue", {"QueueName": "q", "Attributes": {"Colour": "red"}}, "InvalidAttributeName"),
            ("CreateQueue", {"QueueName": "q", "Attributes": {"DelaySeconds": "9"}}, "QueueAlreadyExists"),
        ):
            with self.subTest(action=action, body=body):
                status, answer = self.ask_raw(action, body)
                self.assertEqual(status // 100, 4, answer)
                self.assertEqual(self.code, code, answer)
        many = [{"Id": str(i), "MessageBody": "x"} for i in range(11)]
        self.refused("TooManyEntriesInBatchRequest", "SendMessageBatch", QueueUrl=url, Entries=many)
        self.refused("BatchEntryIdsNotDistinct", "SendMessageBatch", QueueUrl=url, Entries=[many[0], many[0]])
        self.assertEqual(self.query(Action="Explode")[0], 400)
        self.assertEqual(self.http("POST", "/?Action=%zz", "", {})[0], 400)
        self.assertEqual(self.http("PUT", "/?Action=ListQueues", "", {})[0], 400)
        # What is nobody's is the native API's to refuse.
        self.assertEqual(self.http("GET", "/000000000000/q")[0], 404)
        self.assertEqual(self.receive(url), [])

    def test_what_is_too_long(self):
        self.start()
        url = self.queue("q")
        mib = 1024 * 1024
        self.ask("SendMessage", QueueUrl=url, MessageBody="x" * mib)
        self.refused("InvalidParameterValue", "SendMessage", QueueUrl=url, MessageBody="x" * (mib + 1))
        half = [{"Id": str(i), "MessageBody": "x" * (mib // 2 + 1)} for i in range(2)]
        self.refused("BatchRequestTooLong", "SendMessageBatch", QueueUrl=url, Entries=half)
        small = self.queue("small", MaximumMessageSize="1024")
        self.refused("InvalidParameterValue", "SendMessage", QueueUrl=small, MessageBody="x" * 1025)
        # Refused by its length alone: nothing of it is read.
        with socket.create_connection(split_address(self.address), timeout=10) as raw:
            raw.sendall(
                b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n"
                b"X-Amz-Target: AmazonSQS.SendMessage\r\nContent-Length: 99999999\r\n\r\n"
            )
            answer = raw.makefile("rb").read()
        self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
        self.assertIn(b"longer than 8388608 bytes", answer)


class Messages(SqsCase):
    def test_the_queue_is_named_by_the_path_too(self):
        self.start()
        self.queue("q")
        path = "/000000000000/q"
        self.assertEqual(self.query(path, Action="SendMessage", MessageBody="by path")[0], 200)
        self.assertEqual(self.query(path, "GET", Action="SendMessage", MessageBody="by GET")[0], 200)
        status, text = self.query(path, "GET", Action="ReceiveMessage", MaxNumberOfMessages=10)
        self.assertEqual(status, 200)
        self.assertIn("<Body>by path</Body>", text)
        self.assertIn("<Body>by GET</Body>", text)

    def test_a_long_poll_is_woken_by_a_message(self):
        self.start()
        url = self.queue("q")
        asked = self.commands()
        with ThreadPoolExecutor(8) as pool:
            polls = [pool.submit(self.poll, url) for _ in range(8)]
            wait_until(lambda: self.commands() == asked + 8)
            for i in range(8):
                self.ask("SendMessage", QueueUrl=url, MessageBody=str(i), DelaySeconds=i % 2)
            self.assertEqual(sorted(p.result() for p in polls), [[str(i)] for i in range(8)])

    def commands(self):
        """What the writer has been asked; a poll is parked by then."""
        return round(self.fairing.metric("fairing_jobs_commit_size_sum"))

    def poll(self, url):
        case = SqsCase()
        case.address = self.address
        return [m["Body"] for m in case.receive(url, WaitTimeSeconds=20, MaxNumberOfMessages=1)]

    def test_whoever_leaves_takes_no_message_along(self):
        self.start()
        url = self.queue("q")
        body = json.dumps({"QueueUrl": url, "WaitTimeSeconds": 20}).encode()
        head = (
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n"
            f"X-Amz-Target: AmazonSQS.ReceiveMessage\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        leavers = [socket.create_connection(split_address(self.address)) for _ in range(20)]
        for s in leavers:
            s.sendall(head + body)
        for s in leavers:
            s.close()
        self.ask("SendMessage", QueueUrl=url, MessageBody="kept")
        (got,) = self.receive(url, WaitTimeSeconds=20)
        # What was given to somebody who had left was given back, and does not count.
        self.assertEqual((got["Body"], got["Attributes"]["ApproximateReceiveCount"]), ("kept", "1"))

    def test_batches_fail_in_part(self):
        self.start()
        url = self.queue("q")
        answer = self.ask("SendMessageBatch", QueueUrl=url, Entries=[
            {"Id": "a", "MessageBody": "good"},
            {"Id": "b", "MessageBody": ""},
            {"Id": "c", "MessageBody": "good", "DelaySeconds": 10_000},
        ])  # fmt: skip
        self.assertEqual([e["Id"] for e in answer["Successful"]], ["a"])
        self.assertEqual([(e["Id"], e["SenderFault"]) for e in answer["Failed"]], [("b", True), ("c", True)])
        (got,) = self.receive(url)
        late = got["ReceiptHandle"]
        answer = self.ask("ChangeMessageVisibilityBatch", QueueUrl=url, Entries=[
            {"Id": "a", "ReceiptHandle": late, "VisibilityTimeout": 0},
            {"Id": "b", "ReceiptHandle": late, "VisibilityTimeout": 50_000},
        ])  # fmt: skip
        self.assertEqual([e["Id"] for e in answer["Successful"]], ["a"])
        self.assertEqual([e["Id"] for e in answer["Failed"]], ["b"])
        (again,) = self.receive(url, WaitTimeSeconds=10)
        answer = self.ask("DeleteMessageBatch", QueueUrl=url, Entries=[
            {"Id": "late", "ReceiptHandle": late}, {"Id": "now", "ReceiptHandle": again["ReceiptHandle"]},
        ])  # fmt: skip
        self.assertEqual([e["Id"] for e in answer["Successful"]], ["now"])
        self.assertEqual([(e["Id"], e["Code"]) for e in answer["Failed"]], [("late", "ReceiptHandleIsInvalid")])
        # Sent again, as an SDK does when the answer was lost.
        self.ask("DeleteMessage", QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
        self.refused("ReceiptHandleIsInvalid", "DeleteMessage", 404, QueueUrl=url, ReceiptHandle=late)

    def test_both_apis_see_the_same_jobs(self):
        self.start(queues=[{"name": "emails", "attempts": ["0s", "0s"]}])
        url = f"{self.url}/1/emails"
        self.http("POST", "/v1/queues/emails/jobs", json.dumps({"payload": {"n": 1}, "key": "a"}))
        (got,) = self.receive(url)
        self.assertEqual((json.loads(got["Body"]), got["Attributes"]["MessageGroupId"]), ({"n": 1}, "a"))
        self.ask("DeleteMessage", QueueUrl=url, ReceiptHandle=got["ReceiptHandle"])
        self.ask("SendMessage", QueueUrl=url, MessageBody='{"n": 2}',
                 MessageAttributes={"kind": {"DataType": "String", "StringValue": "welcome"}})  # fmt: skip
        _, text = self.http("POST", "/v1/queues/emails/lease", "{}")
        (job,) = json.loads(text)["jobs"]
        self.assertIn("String:welcome", json.dumps(job))
        self.refused("AccessDenied", "DeleteQueue", 403, QueueUrl=url)

    def test_a_full_queue_is_unavailable(self):
        self.start(queues=[{"name": "emails", "max_jobs": 1, "retention": "2d"}])
        url = f"{self.url}/1/emails"
        self.ask("SendMessage", QueueUrl=url, MessageBody="1")
        self.refused("ServiceUnavailable", "SendMessage", 503, QueueUrl=url, MessageBody="2")
        self.ask("DeleteMessage", QueueUrl=url, ReceiptHandle=self.receive(url)[0]["ReceiptHandle"])
        self.ask("SendMessage", QueueUrl=url, MessageBody="2")
        told = self.ask("GetQueueAttributes", QueueUrl=url, AttributeNames=["MessageRetentionPeriod"])
        self.assertEqual(told["Attributes"], {"MessageRetentionPeriod": "172800"})


class Queues(SqsCase):
    def test_changes_at_the_same_time_are_all_kept(self):
        self.start()
        url = self.queue("q")
        with ThreadPoolExecutor(10) as pool:
            for done in [pool.submit(self.tag, url, i) for i in range(40)]:
                done.result()
        tags = self.ask("ListQueueTags", QueueUrl=url)["Tags"]
        self.assertEqual(tags, {f"t{i}": str(i) for i in range(40)})

    def tag(self, url, number):
        case = SqsCase()
        case.address = self.address
        case.ask("TagQueue", QueueUrl=url, Tags={f"t{number}": str(number)})

    def test_a_move_task_goes_on_ends_and_is_called_off(self):
        self.start()
        dead = self.queue("dead")
        url = self.queue("q", RedrivePolicy=redrive_policy("dead", 1))
        for _ in range(4):
            entries = [{"Id": str(i), "MessageBody": "x"} for i in range(10)]
            self.ask("SendMessageBatch", QueueUrl=dead, Entries=entries)
        arn = "arn:aws:sqs:us-east-1:000000000000:dead"
        self.refused("InvalidParameterValue", "StartMessageMoveTask", SourceArn=arn.replace(":dead", ":q"))
        slow = self.ask("StartMessageMoveTask", SourceArn=arn, MaxNumberOfMessagesPerSecond=5)["TaskHandle"]
        self.refused("UnsupportedOperation", "StartMessageMoveTask", SourceArn=arn)
        self.assertEqual(len(self.receive(url, WaitTimeSeconds=10, MaxNumberOfMessages=1)), 1)
        self.ask("CancelMessageMoveTask", TaskHandle=slow)
        self.refused("ResourceNotFoundException", "CancelMessageMoveTask", 404, TaskHandle=slow)
        self.ask("StartMessageMoveTask", SourceArn=arn)
        task = wait_until(lambda: self.newest_task(arn, "COMPLETED"))
        self.assertEqual(task["DestinationArn"], arn.replace(":dead", ":q"))
        wait_until(lambda: self.counts(dead) == ("0", "0"))
        self.assertEqual(self.counts(url), ("39", "1"))
        statuses = [t["Status"] for t in self.ask("ListMessageMoveTasks", SourceArn=arn, MaxResults=10)["Results"]]
        self.assertEqual(statuses, ["COMPLETED", "CANCELLED"])

    def newest_task(self, arn, status):
        (task,) = self.ask("ListMessageMoveTasks", SourceArn=arn)["Results"]
        return task if task["Status"] == status else None

    def counts(self, url):
        """Visible and in flight."""
        got = self.ask("GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return got["ApproximateNumberOfMessages"], got["ApproximateNumberOfMessagesNotVisible"]

    def test_a_kill_in_between_loses_nothing(self):
        self.start()
        dead = self.queue("dead")
        url = self.queue("q", VisibilityTimeout="60")
        for body in ("in flight", "waits", "dies"):
            self.ask("SendMessage", QueueUrl=url, MessageBody=body)
        (held,) = self.receive(url, MaxNumberOfMessages=1)
        self.assertEqual(held["Body"], "in flight")
        # A death that nobody took to its dead letter queue, as after a crash between the two.
        _, text = self.http("POST", "/v1/queues/q/lease", '{"max": 2}')
        waits, dies = json.loads(text)["jobs"]
        self.http("POST", f"/v1/leases/{waits['lease']}/fail", '{"release": true}')
        self.http("POST", f"/v1/leases/{dies['lease']}/fail", '{"error": "e", "dead": true}')
        self.ask("SetQueueAttributes", QueueUrl=url, Attributes={"RedrivePolicy": redrive_policy("dead", 5)})
        self.restart(signal.SIGKILL)
        self.assertEqual([m["Body"] for m in self.receive(url, WaitTimeSeconds=10)], ["waits"])
        self.ask("DeleteMessage", QueueUrl=url, ReceiptHandle=held["ReceiptHandle"])
        self.assertEqual([m["Body"] for m in self.receive(dead, WaitTimeSeconds=10)], ["dies"])
        got = self.ask("GetQueueAttributes", QueueUrl=url, AttributeNames=["VisibilityTimeout", "RedrivePolicy"])
        self.assertEqual(got["Attributes"]["VisibilityTimeout"], "60")
        self.assertEqual(json.loads(got["Attributes"]["RedrivePolicy"])["maxReceiveCount"], 5)

    def test_an_end_answers_those_who_wait(self):
        self.start()
        url = self.queue("q")
        answers = []
        poll = threading.Thread(target=lambda: answers.append(self.receive(url, WaitTimeSeconds=20)))
        poll.start()
        wait_until(lambda: self.counts(url) == ("0", "0"))
        self.fairing.stop()
        poll.join(20)
        self.assertEqual(answers, [[]])


class Access(SqsCase):
    def test_a_token_or_a_signature(self):
        self.start(token=TOKEN)
        self.assertIn("access_keys", self.refused("MissingAuthenticationToken", "ListQueues", 403))
        status, _ = self.http("GET", "/?Action=ListQueues", headers={"Authorization": f"Bearer {TOKEN}"})
        self.assertEqual(status, 200)
        self.jobs["sqs"] = {"access_keys": [KEY]}
        self.fairing.write_config({"jobs": self.jobs})
        self.assertEqual(self.fairing.reload()[0], 200)
        status, text = self.http("GET", "/?Action=ListQueues", headers={"Authorization": f"Bearer {TOKEN}"})
        self.assertEqual(status, 400)
        self.assertIn("IncompleteSignature", text)
        self.assertEqual(self.http("GET", "/v1/queues")[0], 401)
        self.assertEqual(self.http("GET", "/v1/queues", headers={"Authorization": f"Bearer {TOKEN}"})[0], 200)

    def test_pages_of_other_sites_and_other_names_are_refused(self):
        self.start()
        path = "/?Action=CreateQueue&QueueName=q"
        self.assertEqual(self.http("GET", path, headers={"Sec-Fetch-Site": "cross-site"})[0], 403)
        self.assertEqual(self.http("POST", path, "", {"Origin": "https://evil.example"})[0], 403)
        self.assertEqual(self.http("GET", path, headers={"Host": "evil.example"})[0], 403)
        self.assertEqual(self.query(Action="ListQueues")[1].count("<QueueUrl>"), 0)


if __name__ == "__main__":
    unittest.main()
