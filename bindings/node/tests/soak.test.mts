/** A randomized soak, bounded by a count: ERYX_SOAK operations (default 400). Nothing may be left over. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { AbortError, EryxError, ExecutionError, info, Sandbox, SandboxPool, Session } from "eryx";

const COUNT = Number(process.env.ERYX_SOAK ?? 400);
const resourceLimits = { executionTimeoutMs: 10_000, maxMemoryBytes: 64 << 20 };
const callbacks = {
  plain: ({ n }: { n: number }) => n,
  later: async ({ n }: { n: number }) => {
    await sleep(0);
    return n;
  },
  fail: () => {
    throw new RangeError("no");
  },
  items: async function* ({ n }: { n: number }) {
    for (let i = 0; i < n; i++) yield i;
  },
};

let seed = 12345;
/** Below 1; the same in each run. */
function random(): number {
  seed = (seed * 1103515245 + 12345) % 2 ** 31;
  return seed / 2 ** 31;
}

const session = new Session({ callbacks, resourceLimits });
const sandbox = new Sandbox({ callbacks, resourceLimits });
const pool = new SandboxPool({ maxSize: 2, callbacks, resourceLimits });

const steps: (() => Promise<unknown>)[] = [
  async () => {
    await using fresh = new Sandbox();
    assert.equal((await fresh.execute("print(1)")).stdoutText, "1\n");
  },
  async () => {
    const code =
      "import asyncio\nprint(sum(await asyncio.gather(*[f(n=i) for f in [plain, later] for i in range(20)])))";
    assert.equal((await sandbox.execute(code)).stdoutText, "380\n");
  },
  async () => {
    assert.equal((await session.execute("print(sum([i async for i in items(n=50)]))")).stdoutText, "1225\n");
  },
  () => assert.rejects(session.execute("await fail()"), ExecutionError),
  async () => assert.equal((await sandbox.execute("print('x' * 1_000_000)")).stdout.length, 1_000_001),
  () => assert.rejects(sandbox.execute("x = []\nwhile True: x.append(bytearray(1 << 20))"), EryxError),
  () =>
    assert.rejects(
      session.execute("while True: pass", { signal: AbortSignal.timeout(Math.floor(random() * 20)) }),
      AbortError,
    ),
  async () => {
    await session.set("x", BigInt(Math.floor(random() * 2 ** 40)) << 40n);
    await using fork = await session.fork();
    assert.deepEqual(await fork.get("x"), await session.get("x"));
  },
  async () => {
    await using lease = await pool.acquire();
    assert.equal((await lease.execute("print(await plain(n=3))")).stdoutText, "3\n");
  },
  async () => {
    const execution = sandbox.start("for i in range(100): print(i)");
    let size = 0;
    for await (const { data } of execution) size += data.length;
    assert.equal(size, 290);
  },
  async () => void new Session(), // dropped: the garbage collector closes it
  () => session.reset(),
];

/** What the process holds, after the garbage was collected. */
async function collected(): Promise<{ resident: number; heap: number }> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc!();
    await sleep(10);
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { resident: rss, heap: heapUsed + external };
}

test(`${COUNT} steps`, async () => {
  const step = (): Promise<unknown> => steps[Math.floor(random() * steps.length)]!();
  for (let i = 0; i < COUNT / 2; i++) await step();
  const before = await collected();
  for (let i = 0; i < COUNT / 2; i++) await step();
  const after = await collected();
  // Our own memory does not grow; that of the library has guests that wait to be used again, and grows until it has enough.
  assert.ok(after.heap - before.heap < 4 << 20, `${(after.heap - before.heap) >> 20} MiB more in the heap`);
  assert.ok(after.resident - before.resident < 256 << 20, `${(after.resident - before.resident) >> 20} MiB more`);
  await Promise.all([session.close(), sandbox.close(), pool.close()]);
  await collected();
  const { callCount, requestCount, sandboxCount, sessionCount, poolCount } = await info();
  assert.deepEqual([callCount, requestCount, sandboxCount, sessionCount, poolCount], [0, 0, 0, 0, 0]);
});
