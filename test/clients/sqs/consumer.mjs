// sqs-consumer: 60 messages of which every third fails once and one fails always; ends when that one is a dead letter.
import assert from "node:assert/strict";
import { SQSClient, SendMessageBatchCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { Consumer } from "sqs-consumer";

const sqs = new SQSClient({ endpoint: process.env.ENDPOINT });
const { QUEUE_URL, DEAD_URL } = process.env;
const tries = new Map();
const done = [];

for (let batch = 0; batch < 6; ++batch) {
  const Entries = Array.from({ length: 10 }, (_, i) => ({ Id: `${i}`, MessageBody: `${batch * 10 + i}` }));
  const sent = await sqs.send(new SendMessageBatchCommand({ QueueUrl: QUEUE_URL, Entries }));
  assert.equal(sent.Successful.length, 10);
}

const consumer = Consumer.create({
  sqs, queueUrl: QUEUE_URL, batchSize: 10, waitTimeSeconds: 5, terminateVisibilityTimeout: true,
  visibilityTimeout: 20, heartbeatInterval: 5,
  handleMessage: async (message) => {
    const n = Number(message.Body);
    tries.set(n, (tries.get(n) ?? 0) + 1);
    if (n === 59 || (n % 3 === 0 && tries.get(n) === 1)) throw new Error(`${n} fails`);
    done.push(n);
    return message;
  },
});
const faults = [];
consumer.on("error", (e) => faults.push(e));
consumer.on("timeout_error", (e) => faults.push(e));
consumer.start();

let letter;
while (!letter || done.length < 59) {
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: DEAD_URL, WaitTimeSeconds: 1 }));
  letter ??= Messages[0];
}
consumer.stop({ abort: true });
assert.equal(letter.Body, "59");
assert.equal(tries.get(59), 3);
assert.deepEqual(done.sort((a, b) => a - b), Array.from({ length: 59 }, (_, i) => i));
for (const [n, count] of tries) assert.equal(count, n === 59 ? 3 : n % 3 === 0 ? 2 : 1, `${n}`);
assert.deepEqual(faults.filter((e) => !/abort/i.test(e.name + e.message)), []);
console.log("sqs-consumer: 59 done, 20 of them at the second try, 1 dead letter");
