// sqs-consumer, slowly over 40 messages, while the server is killed and started again: all of them are done in the end.
import { SQSClient, SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import { Consumer } from "sqs-consumer";

const sqs = new SQSClient({ endpoint: process.env.ENDPOINT });
const queueUrl = process.env.QUEUE_URL;
for (let batch = 0; batch < 4; ++batch) {
  const Entries = Array.from({ length: 10 }, (_, i) => ({ Id: `${i}`, MessageBody: `${batch * 10 + i}` }));
  await sqs.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
}
const done = new Set();
const consumer = Consumer.create({
  sqs, queueUrl, batchSize: 1, waitTimeSeconds: 5, visibilityTimeout: 3, authenticationErrorTimeout: 100,
  handleMessage: async (message) => {
    await new Promise((go) => setTimeout(go, 20));
    // What was handled and could not be deleted comes again: at least once.
    done.add(message.Body);
    console.log("done", message.Body);
    if (done.size === 40) console.log("all 40");
    return message;
  },
});
consumer.on("error", (e) => console.log("error", e.name));
consumer.start();
