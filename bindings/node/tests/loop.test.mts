/** Many sandboxes in parallel, and an event loop that is never blocked. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { CancelledError, Sandbox, Session } from "eryx";

test("a timer keeps its beat while 8 guests spin", async () => {
  // The beats are counted and not timed: were the loop blocked by guests that never end, there would be none at all.
  const controllers = Array.from({ length: 8 }, () => new AbortController());
  let begun = 0;
  const onStdout = () => void begun++;
  const sandbox = new Sandbox({ onStdout, resourceLimits: { executionTimeoutMs: null } });
  const code = "print('begun', flush=True)\nwhile True: pass";
  const runs = controllers.map(({ signal }) =>
    assert.rejects(sandbox.execute(code, { signal }), (error) => error instanceof CancelledError),
  );
  let beats = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (begun < 8) return;
      if (++beats === 100) {
        clearInterval(timer);
        resolve();
      }
    }, 1);
  });
  assert.equal(beats, 100);
  for (const controller of controllers) controller.abort();
  await Promise.all(runs);
});

test("a guest that calls without end leaves the loop its turns", async () => {
  const controller = new AbortController();
  const sandbox = new Sandbox({
    callbacks: { plain: () => 1, later: async () => 2 },
    resourceLimits: { maxCallbackInvocations: null, executionTimeoutMs: null },
  });
  const code = `
import asyncio
async def flood(f):
    while True: await f()
await asyncio.gather(*[flood(f) for f in [plain, later] * 20])`;
  const running = assert.rejects(sandbox.execute(code, { signal: controller.signal }), CancelledError);
  let beats = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      if (++beats === 50) {
        clearInterval(timer);
        resolve();
      }
    }, 1);
  });
  controller.abort();
  await running;
});

test("fake timers do not stop callbacks", async (context) => {
  // Enough calls, one after the other, that the addon gives the loop its turns meanwhile.
  const session = new Session({
    callbacks: { echo: async ({ x }: { x: number }) => x },
    resourceLimits: { maxCallbackInvocations: null },
  });
  context.mock.timers.enable();
  const { stdoutText } = await session.execute("print(sum([await echo(x=i) for i in range(3000)]))");
  context.mock.timers.reset();
  assert.equal(stdoutText, "4498500\n");
});

test("100 sandboxes at once", async () => {
  const double = async ({ n }: { n: number }) => 2 * n;
  const runs = Array.from({ length: 100 }, async (_, i) => {
    await using sandbox = new Sandbox({ callbacks: { double } });
    return Number((await sandbox.execute(`print(await double(n=${i}))`)).stdoutText);
  });
  assert.deepEqual(
    await Promise.all(runs),
    Array.from({ length: 100 }, (_, i) => 2 * i),
  );
});

test("output larger than a queue holds", async () => {
  let bytes = 0;
  const onStdout = (data: Uint8Array) => {
    bytes += data.length;
  };
  const session = new Session({ onStdout, resourceLimits: { maxOutputBytes: null } });
  const result = await session.execute("for i in range(40): print('x' * (1 << 20))");
  assert.equal(bytes, 40 * ((1 << 20) + 1));
  assert.equal(result.stdout.length, bytes);
});
