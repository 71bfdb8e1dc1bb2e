/** Ends of processes and workers with work in flight, signals, finalizers: in processes of their own, 20 runs each. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const RUNS = 20;
/** A process that hangs is killed after so long; none of them is meant to take a tenth of it. */
const KILL_AFTER_MS = 60_000;

interface Ended {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

interface RunOptions {
  env?: Record<string, string>;
  /** Called when the process has written its first output. */
  begun?: (pid: number) => void;
}

const PRELUDE = `
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import * as eryx from "eryx";
const { Sandbox, Session, SandboxPool } = eryx;
const unlimited = { executionTimeoutMs: null, callbackTimeoutMs: null, maxCallbackInvocations: null };
// Guests that spin, wait, flood the host with calls and with output.
function busy(callbacks = {}) {
  const sandbox = new Sandbox({
    resourceLimits: { ...unlimited, maxOutputBytes: null },
    callbacks: { plain: () => 1, later: async () => { await sleep(0); return 1; }, never: () => new Promise(() => {}), ...callbacks },
    onStdout: () => {},
  });
  const codes = ["while True: pass", "await never()", "while True: await plain()", "while True: await later()", "while True: print(1)",
    "import time\\ntime.sleep(1000)"];
  return codes.map((code) => sandbox.execute(code));
}
`;

function run(code: string, options: RunOptions = {}): Promise<Ended> {
  const child = spawn(process.execPath, ["--expose-gc", "--input-type=module", "-e", PRELUDE + code], {
    cwd: PACKAGE,
    env: { ...process.env, ...options.env },
    timeout: KILL_AFTER_MS,
    killSignal: "SIGKILL",
  });
  const ended: Ended = { code: null, signal: null, stdout: "", stderr: "" };
  child.stdout.on("data", (data) => {
    if (ended.stdout === "") options.begun?.(child.pid!);
    ended.stdout += data;
  });
  child.stderr.on("data", (data) => {
    ended.stderr += data;
  });
  return new Promise((resolve) => {
    child.on("close", (status, signal) => resolve({ ...ended, code: status, signal }));
  });
}

async function always(code: string, expected: Partial<Ended>, options: RunOptions = {}): Promise<void> {
  for (let i = 0; i < RUNS; i += 2) {
    for (const ended of await Promise.all([run(code, options), run(code, options)])) {
      assert.deepEqual({ ...ended, ...expected }, ended, ended.stderr);
    }
  }
}

test("a process with idle sessions, pools and sandboxes ends by itself", async () => {
  const code = `
const session = new Session();
const pool = new SandboxPool();
const lease = await pool.acquire();
await lease.execute("1");
console.log((await session.execute("print('exit')")).stdoutText);`;
  await always(code, { code: 0, stdout: "exit\n\n" });
});

test("a process waits for what is under way", async () => {
  const code = `
const sandbox = new Sandbox({ callbacks: { later: async () => { await sleep(20); return 1; } } });
sandbox.execute("import asyncio\\nawait asyncio.sleep(0.02)\\nprint(await later())").then((r) => console.log(r.stdoutText));`;
  await always(code, { code: 0, stdout: "1\n\n" });
});

test("process.exit with work in flight", async () => {
  await always(`busy(); busy(); await sleep(50); console.log("exit"); process.exit(3);`, { code: 3, stdout: "exit\n" });
});

test("process.exit inside of a callback and of an output handler", async () => {
  await always(`busy({ plain: () => process.exit(4) });`, { code: 4 });
  await always(`new Sandbox({ onStdout: () => process.exit(5) }).execute("while True: print(1)");`, { code: 5 });
});

test("an uncaught exception with work in flight", async () => {
  await always(`busy(); await sleep(30); setTimeout(() => { throw new Error("mine"); });`, { code: 1 });
});

test("SIGTERM with work in flight", async () => {
  const begun = (pid: number) => void process.kill(pid, "SIGTERM");
  await always(`busy(); await sleep(30); console.log("begun");`, { signal: "SIGTERM" }, { begun });
});

test("a loop that is emptied with work cancelled", async () => {
  const code = `
const controller = new AbortController();
const sandbox = new Sandbox({ resourceLimits: unlimited, callbacks: { plain: () => 1 } });
const runs = ["while True: pass", "while True: await plain()"].map((c) => sandbox.execute(c, { signal: controller.signal }));
setTimeout(() => controller.abort(), 30);
console.log((await Promise.allSettled(runs)).map((r) => r.reason.name).join());`;
  await always(code, { code: 0, stdout: "AbortError,AbortError\n" });
});

const WORKER = `
const source = ${JSON.stringify(PRELUDE)} + \`
import { parentPort } from "node:worker_threads";
busy();
console.log((await new Sandbox({ callbacks: { f: async () => 7 } }).execute("print(await f())")).stdoutText.trim());
parentPort.postMessage("begun");
\`;
const url = new URL("data:text/javascript," + encodeURIComponent(source.replaceAll('from "eryx"', 'from ' + JSON.stringify(import.meta.resolve("eryx")))));
const worker = () => new Promise((resolve) => { const w = new Worker(url); w.once("message", () => resolve(w)); });
`;

test("workers are terminated with work in flight", async () => {
  const code = `${WORKER}
const workers = await Promise.all([worker(), worker()]);
const here = busy();
await Promise.all(workers.map((w) => w.terminate()));
console.log((await new Sandbox().execute("print('main lives')")).stdoutText.trim());
process.exit(0);`;
  await always(code, { code: 0, stdout: "7\n7\nmain lives\n" });
});

test("process.exit with workers at work", async () => {
  await always(`${WORKER} await Promise.all([worker(), worker()]); busy(); process.exit(6);`, { code: 6 });
});

test("a worker that ends by itself, and its garbage", async () => {
  const code = `
const source = "import { Session } from " + JSON.stringify(import.meta.resolve("eryx")) +
  "; console.log((await new Session().execute('print(1)')).stdoutText.trim());";
for (let i = 0; i < 3; i++) {
  const worker = new Worker(new URL("data:text/javascript," + encodeURIComponent(source)));
  await new Promise((resolve) => worker.once("exit", resolve));
}
console.log("done");`;
  await always(code, { code: 0, stdout: "1\n1\n1\ndone\n" });
});

test("objects that are dropped are closed", async () => {
  const code = `
for (let i = 0; i < 20; i++) await new Session().execute("x = 1");
let left = Infinity;
for (let i = 0; i < 100 && left > 0; i++) {
  gc();
  await sleep(5);
  left = (await eryx.info()).sessionCount;
}
console.log(left);`;
  const ended = await run(code);
  assert.equal(ended.stdout, "0\n", ended.stderr);
});

test("an object whose program runs is not taken for garbage", async () => {
  const code = `
const running = new Session({ callbacks: { wait: () => sleep(100) } }).execute("await wait()\\nprint('alive')");
const timer = setInterval(gc, 5);
console.log((await running).stdoutText);
clearInterval(timer);`;
  const ended = await run(code);
  assert.equal(ended.stdout, "alive\n\n", ended.stderr);
});

test("handlers of signals and children, while guests run", async () => {
  const code = `
import { spawn } from "node:child_process";
let signals = 0;
process.on("SIGUSR2", () => signals++);
const sandbox = new Sandbox({ callbacks: { later: async () => 1 }, resourceLimits: unlimited });
console.log("begun");
const children = Array.from({ length: 10 }, () => new Promise((resolve) => spawn("true").on("exit", resolve)));
for (let i = 0; i < 50; i++) await sandbox.execute("import asyncio\\nawait asyncio.gather(*[later() for i in range(20)])");
await Promise.all(children);
console.log(signals > 0);
process.exit(0);`;
  const begun = (pid: number): void => {
    const timer = setInterval(() => {
      try {
        for (let i = 0; i < 20; i++) process.kill(pid, "SIGUSR2");
      } catch {
        clearInterval(timer); // it has ended
      }
    }, 1);
  };
  await always(code, { code: 0, stdout: "begun\ntrue\n" }, { begun });
});

test("importing loads no library; a missing one is a clear error", async () => {
  const missing = { ERYX_LIBRARY: "/nonexistent/liberyx.so" };
  const code = `
try { await new Sandbox().execute("1"); } catch (error) { console.log(error.name, error.code, error.message.includes("/nonexistent/liberyx.so")); }`;
  const ended = await run(code, { env: missing });
  assert.equal(ended.stdout, "InitializationError initialization true\n", ended.stderr);
  const folder = await run(code, { env: { ERYX_NATIVE_DIR: "/nonexistent" } });
  assert.match(folder.stdout, /^InitializationError initialization/);
});

test("settings of the whole process", async () => {
  const code = `
eryx.configure({ maxProcs: 1, gcPercent: 50, memoryLimitBytes: 1 << 30 });
await eryx.init();
const { runtimeLoaded, version, operations } = await eryx.info();
console.log(runtimeLoaded, version === eryx.version, operations.includes("session.execute"));
try { eryx.configure({}); } catch (error) { console.log(error.name); }`;
  const ended = await run(code);
  assert.equal(ended.stdout, "true true true\nInitializationError\n", ended.stderr);
});
