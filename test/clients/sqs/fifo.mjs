// sqs-consumer, twice, on a FIFO queue: four groups of twelve messages, every fifth of which fails once. Whichever consumer
// has a message, the next one of its group is given to nobody before it has ended, and a retry is not overtaken.
import assert from "node:assert/strict";
import { SQSClient, SendMessageBatchCommand, SendMessageCommand } from "@aws-sdk/client-sqs";
import { Consumer } from "sqs-consumer";

const sqs = new SQSClient({ endpoint: process.env.ENDPOINT });
const queueUrl = process.env.QUEUE_URL;
const groups = ["a", "b", "c", "d"];
const length = 12;

const sequence = [];
for (let n = 0; n < length; n += 2) {
  // Two of each group in a batch, in turn: what was sent first in a group comes first.
  const Entries = [n, n + 1].flatMap((i) =>
    groups.map((g) => ({ Id: `${g}${i}`, MessageBody: `${g} ${i}`, MessageGroupId: g, MessageDeduplicationId: `${g}-${i}` })));
  const { Successful, Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
  assert.deepEqual(Failed, []);
  sequence.push(...Successful.map((s) => s.SequenceNumber));
}
assert.deepEqual(sequence, [...sequence].sort());
assert.equal(new Set(sequence).size, groups.length * length);
// Sent again, as by a client that lost the answer.
const again = await sqs.send(new SendMessageCommand({
  QueueUrl: queueUrl, MessageBody: "a 0", MessageGroupId: "a", MessageDeduplicationId: "a-0",
}));
assert.equal(again.SequenceNumber, sequence[0]);

const tries = new Map();
const running = new Set();
const done = Object.fromEntries(groups.map((g) => [g, []]));
const ended = () => groups.every((g) => done[g].length === length);
let finish;
const finished = new Promise((go) => (finish = go));
const faults = [];

const consume = () => {
  const consumer = Consumer.create({
    sqs, queueUrl, batchSize: 10, waitTimeSeconds: 5, terminateVisibilityTimeout: true, visibilityTimeout: 30,
    suppressFifoWarning: true,
    handleMessage: async (message) => {
      const [group, n] = message.Body.split(" ");
      assert.ok(!running.has(group), `${message.Body} came while another of its group is worked on`);
      running.add(group);
      await new Promise((go) => setTimeout(go, 3));
      running.delete(group);
      const count = (tries.get(message.Body) ?? 0) + 1;
      tries.set(message.Body, count);
      if (Number(n) % 5 === 4 && count === 1) throw new Error(`${message.Body} fails`);
      done[group].push(Number(n));
      if (ended()) finish();
      return message;
    },
  });
  consumer.on("error", (e) => faults.push(e));
  consumer.on("processing_error", (e) => e.message.endsWith("fails") || faults.push(e));
  consumer.start();
  return consumer;
};
const consumers = [consume(), consume()];
await finished;
for (const c of consumers) c.stop();
for (const g of groups) assert.deepEqual(done[g], Array.from({ length }, (_, i) => i), g);
for (const [body, count] of tries) assert.equal(count, Number(body.split(" ")[1]) % 5 === 4 ? 2 : 1, body);
assert.deepEqual(faults.filter((e) => !/abort/i.test(e.name + e.message)), []);
console.log(`fifo: ${groups.length} groups of ${length} in order, ${tries.size} messages`);
