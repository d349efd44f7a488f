// BullMQ under load, on the load's core: `node bullmq.mjs PORT`. One process for all rows and rounds, so that its code is
// compiled and its connections are made before anything is measured.
//
// Flow: a line {"event":"connected"}; then for each line of JSON on stdin one line of JSON:
//   {"producers": 50, "batch": 1, "workers": 0, "seconds": 2, "ahead": 0, "puts": 0}  ->  {"puts", "acks", ...}
//   {"empty": true}                                                                  ->  {"event":"empty"}
// BullMQ at its best for this comparison:
// - finished jobs are removed at once (removeOnComplete), and nothing of the queue is read while it is measured;
// - one ioredis connection a role, with enableAutoPipelining for puts of several jobs, which it makes a fifth faster, and
//   without it for puts of one, which it makes half as fast, as commands then wait for a turn of the event loop;
// - a Worker of `workers` concurrency that neither renews locks nor looks for stalled jobs, as no job here lasts;
// - payloads of the same bytes as Fairing's, a short name, no options.
import { createInterface } from "node:readline";
import { performance } from "node:perf_hooks";
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";

const port = Number(process.argv[2]);
const name = "bench";
const payloadBytes = 200;
const padding = "x".repeat(payloadBytes - 20);
const connect = (options) => new Redis({ host: "127.0.0.1", port, maxRetriesPerRequest: null, ...options });
const queueBy = (connection) =>
  new Queue(name, { connection, skipMetasUpdate: true, defaultJobOptions: { removeOnComplete: true, removeOnFail: true } });
const queue = queueBy(connect({}));
const bulkQueue = queueBy(connect({ enableAutoPipelining: true }));

const stamp = () => String(Math.round(performance.now() * 1e6)).padStart(20, "0") + padding;
const age = (data) => performance.now() - Number(data.slice(0, 20)) / 1e6;

function percentile(sorted, share) {
  return sorted.length === 0 ? 0 : sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] * 1000;
}

class Run {
  constructor(what) {
    Object.assign(this, { producers: 0, batch: 1, workers: 0, seconds: 2, ahead: 0, puts: 0 }, what);
    this.done = { puts: 0, acks: 0, errors: 0, firstError: "" };
    this.issued = 0;
    this.over = false;
    this.putTimes = [];
    this.endTimes = [];
    this.waiting = [];
  }

  note(error) {
    if (this.done.errors++ === 0) this.done.firstError = String(error);
  }

  mayPut() {
    return !this.over && (this.puts === 0 || this.issued < this.puts);
  }

  async produce() {
    while (this.mayPut()) {
      if (this.ahead !== 0 && this.issued + this.batch > this.done.acks + this.ahead) {
        await new Promise((resolve) => this.waiting.push(resolve));
        continue;
      }
      this.issued += this.batch;
      const began = performance.now();
      try {
        if (this.batch === 1) await queue.add("job", stamp());
        else await bulkQueue.addBulk(Array.from({ length: this.batch }, () => ({ name: "job", data: stamp() })));
        this.putTimes.push(performance.now() - began);
        this.done.puts += this.batch;
      } catch (error) {
        this.note(error);
      }
    }
  }

  async startWorker() {
    if (this.workers === 0) return;
    this.worker = new Worker(name, async () => undefined, {
      connection: connect({}),
      concurrency: this.workers,
      autorun: false,
      skipStalledCheck: true,
      skipLockRenewal: true,
    });
    this.worker.on("completed", (job) => {
      this.done.acks += 1;
      this.endTimes.push(age(job.data));
      if (this.waiting.length !== 0) this.waiting.pop()();
    });
    this.worker.on("failed", (_, error) => this.note(error));
    this.worker.on("error", (error) => this.note(error));
    await this.worker.waitUntilReady();
  }

  async measure() {
    await this.startWorker();
    const cpu = process.cpuUsage();
    const began = performance.now();
    if (this.worker) this.worker.run().catch((error) => this.note(error));
    const producers = Array.from({ length: this.producers }, () => this.produce());
    const ends = new Promise((resolve) => setTimeout(resolve, this.seconds * 1000));
    await (this.puts === 0 ? ends : Promise.race([ends, Promise.all(producers)]));
    const { puts, acks } = this.done;
    const seconds = (performance.now() - began) / 1000;
    const used = process.cpuUsage(cpu);
    this.over = true;
    const putTimes = Float64Array.from(this.putTimes).sort();
    const endTimes = Float64Array.from(this.endTimes).sort();
    for (const resolve of this.waiting.splice(0)) resolve();
    await Promise.all(producers);
    if (this.worker) await this.worker.close();
    return {
      puts, acks, seconds, errors: this.done.errors, first_error: this.done.firstError,
      client_cpu: (used.user + used.system) / 1e6,
      put_p50_us: percentile(putTimes, 0.5), put_p99_us: percentile(putTimes, 0.99),
      end_p50_us: percentile(endTimes, 0.5), end_p99_us: percentile(endTimes, 0.99),
    };
  }
}

const control = connect({});
async function answer(what) {
  if (!what.empty) return new Run(what).measure();
  await control.flushall();
  return { event: "empty" };
}

await queue.waitUntilReady();
console.log(JSON.stringify({ event: "connected" }));
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
process.exit(0);
