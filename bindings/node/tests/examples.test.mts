/** The quick start and the examples: `make test-node` installs what they need. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const EXAMPLES = fileURLToPath(new URL("../../../examples", import.meta.url));

test("the quick start prints what it prints in every language", () => {
  const output = execFileSync(process.execPath, [path.join(EXAMPLES, "quickstart/node/quickstart.mjs")], {
    encoding: "utf8",
  });
  const lines = output.split("\n");
  assert.deepEqual(lines.slice(0, 2), ["ACME 12.5, INITECH 7.25", "the session remembers: 19.75"]);
  assert.match(lines[2]!, /^timeout: ./);
  assert.deepEqual(lines.slice(3), ["and lives on: 12.5", "restored: 19.75", ""]);
});

interface Application {
  listen(port: number, host: string): import("node:http").Server;
}

test("Express runs its users' code", async (t) => {
  const { createApplication } = (await import(path.join(EXAMPLES, "node/express_server.mjs"))) as {
    createApplication: () => { application: Application; close: () => Promise<void> };
  };
  const { application, close } = createApplication();
  const server = application.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/run`;
  const post = async (user: string, body: string) => {
    const headers = { "Content-Type": "text/plain", "X-User": user };
    const response = await fetch(url, { method: "POST", headers, body });
    return { status: response.status, ...((await response.json()) as Record<string, unknown>) };
  };
  const pay = "print(await balance(), await pay(amount=5), await balance())";
  const both = await Promise.all([post("ann", pay), post("bob", pay)]);
  assert.deepEqual([both[0].status, both[0]["stdout" as never]], [200, "100 paid 5 95\n"]);
  assert.equal(both[1].status, 422);
  assert.match(String(both[1]["message" as never]), /not enough money/);
  const spinning = await post("ann", "print('x')\nwhile True: pass");
  assert.deepEqual([spinning.status, spinning["error" as never], spinning["stdout" as never]], [422, "timeout", "x\n"]);
  const reach = "import os\nprint(os.environ.get('USER'), os.listdir('/data'))";
  assert.equal((await post("ann", reach)).status, 200);
});

test("a queue of jobs", async () => {
  const { JobQueue, work } = (await import(path.join(EXAMPLES, "node/queue_worker.mjs"))) as {
    // biome-ignore lint/suspicious/noExplicitAny: the example is JavaScript
    JobQueue: new () => any;
    work: (queue: object, options: object) => Promise<void>;
  };
  const queue = new JobQueue();
  const orders: string[] = [];
  const reports: Record<string, unknown>[] = [];
  const report = (one: Record<string, unknown>): void => {
    reports.push(one);
    if (one.status === "suspended") queue.approve(one.id);
    if (
      ["done", "failed"].includes(String(one.status)) &&
      reports.filter((r) => r.status === "done" || r.status === "failed").length === 4
    )
      queue.close();
  };
  queue.add({ id: 1, input: [3, 5], code: "import statistics\nresult = statistics.mean(await job_input()) * RATE" });
  queue.add({
    id: 2,
    input: 150,
    code: "await order(item='pen', price=2)\nresult = await order(item='chair', price=await job_input())",
  });
  queue.add({ id: 3, input: null, code: "while True: pass" });
  queue.add({ id: 4, input: null, code: "1/0" });
  await work(queue, { concurrency: 2, orders, report });
  const of = (id: number): unknown[] => reports.filter((one) => one.id === id).map((one) => one.status);
  assert.deepEqual([of(1), of(2), of(3), of(4)], [["done"], ["suspended", "done"], ["again", "failed"], ["failed"]]);
  assert.deepEqual(orders, ["2: pen", "2: chair"]);
  const second = reports.find((one) => one.id === 2 && one.status === "done")!;
  assert.deepEqual([second.result, second.replayed], [2, 2]);
  assert.equal(reports.find((one) => one.id === 4)!.message, "division by zero");
});
