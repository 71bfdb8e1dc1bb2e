// A queue of jobs that are users' Python, worked off a few at a time. A job has an input and host functions; its result variable
// is its outcome. A job that fails, or takes too long, is tried again; one that was suspended waits until a person has approved it
// and then goes on from its journal, without doing again what it has done.
//
//   npm install && node queue_worker.mjs

import { pathToFileURL } from "node:url";

import { SandboxFactory, SuspendCallback } from "eryx";

/** A queue in memory. */
export class JobQueue {
  #waiting = [];
  #suspended = new Map();
  #wake = [];
  #closed = false;

  /** Adds a job: {id, code, input}. */
  add(job) {
    this.#waiting.push({ attempts: 0, approved: false, ...job });
    this.#wake.shift()?.();
  }

  /** Puts a job aside until `approve`. */
  suspend(job) {
    this.#suspended.set(job.id, job);
  }

  /** The ids of the jobs that wait for approval. */
  get suspended() {
    return [...this.#suspended.keys()];
  }

  /** A suspended job goes on. */
  approve(id) {
    const job = this.#suspended.get(id);
    if (job === undefined) throw new RangeError(`no job ${id} waits for approval`);
    this.#suspended.delete(id);
    this.add({ ...job, approved: true });
  }

  /** The next job; undefined when the queue is closed and empty. */
  async next() {
    while (this.#waiting.length === 0 && !this.#closed) await new Promise((resolve) => this.#wake.push(resolve));
    return this.#waiting.shift();
  }

  /** No more jobs will come. */
  close() {
    this.#closed = true;
    for (const wake of this.#wake.splice(0)) wake();
  }
}

/** What a job can ask of the host. */
function functionsOf(job, orders) {
  return {
    job_input: () => job.input,
    order: async ({ item, price }) => {
      if (price > 100 && !job.approved) throw new SuspendCallback(`${item} costs ${price}`);
      orders.push(`${job.id}: ${item}`);
      return orders.length;
    },
  };
}

/** Works off a queue with so many jobs at once; `report` is called with {id, status, ...} of each. */
export async function work(queue, { concurrency = 4, orders = [], report = console.log } = {}) {
  // Imports and set-up are done once, whatever the number of jobs.
  const factory = new SandboxFactory({ imports: ["json", "statistics"], setupCode: "RATE = 1.19" });

  async function perform(job) {
    const options = { callbacks: functionsOf(job, orders), resourceLimits: { executionTimeoutMs: 500 } };
    const sandbox = factory.createSandbox(options);
    const outcome = await sandbox.executeWithJournal(job.code, job.journal);
    await sandbox.close();
    if (outcome.error === undefined) {
      report({ id: job.id, status: "done", result: outcome.result.result, replayed: outcome.replayedCallbacks });
    } else if (outcome.suspended !== undefined) {
      queue.suspend({ ...job, journal: outcome.journal });
      report({ id: job.id, status: "suspended", reason: outcome.suspended.reason });
    } else if (outcome.error.code === "timeout" && job.attempts < 1) {
      queue.add({ ...job, attempts: job.attempts + 1, journal: outcome.journal });
      report({ id: job.id, status: "again", reason: outcome.error.code });
    } else {
      report({ id: job.id, status: "failed", reason: outcome.error.code, message: outcome.error.message });
    }
  }

  async function worker() {
    for (let job = await queue.next(); job !== undefined; job = await queue.next()) await perform(job);
  }
  try {
    await Promise.all(Array.from({ length: concurrency }, worker));
  } finally {
    await factory.close();
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const queue = new JobQueue();
  queue.add({ id: 1, input: [3, 4, 5], code: "import statistics\nresult = statistics.mean(await job_input()) * RATE" });
  queue.add({
    id: 2,
    input: 150,
    code: "await order(item='pen', price=2)\nresult = await order(item='chair', price=await job_input())",
  });
  queue.add({ id: 3, input: null, code: "while True: pass" });
  queue.add({ id: 4, input: null, code: "1/0" });
  let left = 4;
  const report = (outcome) => {
    console.log(outcome);
    if (outcome.status === "suspended") setTimeout(() => queue.approve(outcome.id), 100); // a person says yes
    if (["done", "failed"].includes(outcome.status) && --left === 0) queue.close();
  };
  await work(queue, { report });
}
