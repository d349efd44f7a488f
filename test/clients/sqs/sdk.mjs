// @aws-sdk/client-sqs: every answer is checked by the SDK itself (MD5 of bodies and attributes, error classes), the rest here.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import * as sdk from "@aws-sdk/client-sqs";

const endpoint = process.env.ENDPOINT;
const sqs = new sdk.SQS({ endpoint, maxAttempts: 1 });
const parts = {};

const one = async (QueueUrl, more = {}) => {
  const { Messages = [] } = await sqs.receiveMessage({
    QueueUrl, WaitTimeSeconds: 10, MessageSystemAttributeNames: ["All"], MessageAttributeNames: ["All"], ...more,
  });
  assert.equal(Messages.length, 1);
  return Messages[0];
};
const count = async (QueueUrl) => {
  const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ["ApproximateNumberOfMessages"] });
  return Number(Attributes.ApproximateNumberOfMessages);
};
const refused = (promise, name) => assert.rejects(promise, (e) => (assert.equal(e.name, name, e.message), true));

parts.messages = async () => {
  const { QueueUrl } = await sqs.createQueue({ QueueName: "sdk" });
  assert.equal((await sqs.getQueueUrl({ QueueName: "sdk" })).QueueUrl, QueueUrl);
  assert.deepEqual((await sqs.listQueues({ QueueNamePrefix: "sd" })).QueueUrls, [QueueUrl]);
  const raw = Uint8Array.from({ length: 256 }, (_, i) => i);
  const body = 'näh <&> "\\ \r\n\t😀' + "x".repeat(100_000);
  const sent = await sqs.sendMessage({
    QueueUrl, MessageBody: body,
    MessageAttributes: {
      n: { DataType: "Number.int", StringValue: "42" },
      raw: { DataType: "Binary", BinaryValue: raw },
      s: { DataType: "String", StringValue: "ü" },
    },
    MessageSystemAttributes: {
      AWSTraceHeader: { DataType: "String", StringValue: "Root=1-5759e988-bd862e3fe1be46a994272793" },
    },
  });
  assert.equal(await count(QueueUrl), 1);
  const got = await one(QueueUrl);
  assert.equal(got.Body, body);
  assert.equal(got.MessageId, sent.MessageId);
  assert.deepEqual(got.MessageAttributes.raw.BinaryValue, raw);
  assert.equal(got.Attributes.AWSTraceHeader, "Root=1-5759e988-bd862e3fe1be46a994272793");
  await sqs.changeMessageVisibility({ QueueUrl, ReceiptHandle: got.ReceiptHandle, VisibilityTimeout: 0 });
  await refused(sqs.deleteMessage({ QueueUrl, ReceiptHandle: got.ReceiptHandle }), "ReceiptHandleIsInvalid");
  const again = await one(QueueUrl);
  assert.equal(again.Attributes.ApproximateReceiveCount, "2");
  await sqs.deleteMessage({ QueueUrl, ReceiptHandle: again.ReceiptHandle });
  await sqs.deleteQueue({ QueueUrl });
  await refused(sqs.sendMessage({ QueueUrl, MessageBody: "x" }), "QueueDoesNotExist");
};

parts.batches = async () => {
  const { QueueUrl } = await sqs.createQueue({ QueueName: "batches" });
  const Entries = Array.from({ length: 9 }, (_, i) => ({ Id: `e${i}`, MessageBody: `body ${i}` }));
  const sent = await sqs.sendMessageBatch({ QueueUrl, Entries: [...Entries, { Id: "bad", MessageBody: "\u0001" }] });
  assert.equal(sent.Successful.length, 9);
  assert.deepEqual(sent.Failed.map((f) => [f.Id, f.Code, f.SenderFault]), [["bad", "InvalidMessageContents", true]]);
  const { Messages } = await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10 });
  assert.equal(Messages.length, 9);
  const deletes = Messages.map((m, i) => ({ Id: `${i}`, ReceiptHandle: m.ReceiptHandle }));
  const gone = await sqs.deleteMessageBatch({ QueueUrl, Entries: [...deletes, { Id: "no", ReceiptHandle: "none" }] });
  assert.equal(gone.Successful.length, 9);
  assert.equal(gone.Failed[0].Code, "ReceiptHandleIsInvalid");
  await sqs.sendMessage({ QueueUrl, MessageBody: "x" });
  await sqs.purgeQueue({ QueueUrl });
  while ((await count(QueueUrl)) > 0);
};

parts.dead_letters = async () => {
  const dead = (await sqs.createQueue({ QueueName: "dead" })).QueueUrl;
  const { Attributes } = await sqs.getQueueAttributes({ QueueUrl: dead, AttributeNames: ["QueueArn"] });
  const { QueueUrl } = await sqs.createQueue({
    QueueName: "living",
    Attributes: { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: Attributes.QueueArn, maxReceiveCount: 2 }) },
  });
  const { MessageId } = await sqs.sendMessage({ QueueUrl, MessageBody: "bad" });
  for (let i = 0; i < 2; ++i) await one(QueueUrl, { VisibilityTimeout: 0 });
  const letter = await one(dead, { VisibilityTimeout: 0 });
  assert.equal(letter.MessageId, MessageId);
  const source = Attributes.QueueArn;
  assert.deepEqual((await sqs.listDeadLetterSourceQueues({ QueueUrl: dead })).queueUrls, [QueueUrl]);
  const { TaskHandle } = await sqs.startMessageMoveTask({ SourceArn: source });
  assert.ok(TaskHandle);
  const back = await one(QueueUrl);
  assert.equal(back.MessageId, MessageId);
  for (;;) {
    const { Results } = await sqs.listMessageMoveTasks({ SourceArn: source });
    assert.equal(Results.length, 1);
    if (Results[0].Status === "COMPLETED") break;
  }
  await refused(sqs.cancelMessageMoveTask({ TaskHandle }), "ResourceNotFoundException");
  await sqs.deleteMessage({ QueueUrl, ReceiptHandle: back.ReceiptHandle });
};

parts.fifo = async () => {
  const { QueueUrl } = await sqs.createQueue({
    QueueName: "orders.fifo", Attributes: { FifoQueue: "true", VisibilityTimeout: "30" },
  });
  const send = (MessageBody, MessageGroupId, MessageDeduplicationId = MessageBody) =>
    sqs.sendMessage({ QueueUrl, MessageBody, MessageGroupId, MessageDeduplicationId });
  const first = await send("1", "a");
  assert.equal((await send("1 again", "a", "1")).SequenceNumber, first.SequenceNumber);
  await send("2", "a");
  await send("3", "b");
  await refused(sqs.sendMessage({ QueueUrl, MessageBody: "x" }), "MissingParameter");
  const seen = [];
  for (let left = 3; left > 0; ) {
    const { Messages = [] } = await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 5 });
    for (const m of Messages) {
      seen.push(m.Body);
      await sqs.deleteMessage({ QueueUrl, ReceiptHandle: m.ReceiptHandle });
    }
    left -= Messages.length;
  }
  assert.deepEqual(seen, ["1", "3", "2"]);
};

parts.attributes_and_tags = async () => {
  const { QueueUrl } = await sqs.createQueue({ QueueName: "tagged", tags: { a: "1" } });
  await sqs.tagQueue({ QueueUrl, Tags: { b: "2" } });
  await sqs.untagQueue({ QueueUrl, TagKeys: ["a"] });
  assert.deepEqual((await sqs.listQueueTags({ QueueUrl })).Tags, { b: "2" });
  await sqs.setQueueAttributes({ QueueUrl, Attributes: { VisibilityTimeout: "7", DelaySeconds: "1" } });
  const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ["VisibilityTimeout", "DelaySeconds"] });
  assert.deepEqual(Attributes, { VisibilityTimeout: "7", DelaySeconds: "1" });
  await sqs.sendMessage({ QueueUrl, MessageBody: "later" });
  assert.equal((await sqs.receiveMessage({ QueueUrl })).Messages, undefined);
  assert.equal((await one(QueueUrl)).Body, "later");
  await sqs.addPermission({ QueueUrl, Label: "l", AWSAccountIds: ["123456789012"], Actions: ["*"] });
  await sqs.removePermission({ QueueUrl, Label: "l" });
  await refused(sqs.createQueue({ QueueName: "tagged", Attributes: { DelaySeconds: "5" } }), "QueueNameExists");
};

parts.signatures = async () => {
  const credentials = { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: "not/the+secret=at.all" };
  await refused(new sdk.SQS({ endpoint, credentials, maxAttempts: 1 }).listQueues({}), "SignatureDoesNotMatch");
};

const { version } = JSON.parse(await readFile("node_modules/@aws-sdk/client-sqs/package.json", "utf8"));
for (const [name, part] of Object.entries(parts)) {
  await part();
  console.log(`client-sqs ${version}: ${name}`);
}
