// A worker behind a URL as people write it: Node's own server and the library `standardwebhooks`. Each job that verifies
// is answered 200 with what was in it, each other one 401. The first line on stdout is the port.
//
//   node webhook_worker.mjs whsec_SECRET
import { createServer } from "node:http";
import { Webhook } from "standardwebhooks";

const webhook = new Webhook(process.argv[2]);
const server = createServer((request, answer) => {
  const pieces = [];
  request.on("data", (piece) => pieces.push(piece));
  request.on("end", () => {
    try {
      const job = webhook.verify(Buffer.concat(pieces).toString(), request.headers);
      answer.writeHead(200, { "content-type": "application/json" });
      answer.end(JSON.stringify({ did: job, attempt: Number(request.headers["fairing-attempt"]) }));
    } catch (e) {
      answer.writeHead(401).end(String(e));
    }
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
