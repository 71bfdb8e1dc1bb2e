/** Factories and pools. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

import {
  ClosedError,
  EryxError,
  ExecutionError,
  InitializationError,
  PoolClosedError,
  PoolTimeoutError,
  Sandbox,
  SandboxFactory,
  SandboxPool,
  SnapshotError,
} from "eryx";

test("what a factory makes begins where it ended", async () => {
  const callbacks = { rate: async () => 1.19 };
  const factory = new SandboxFactory({ imports: ["json"], setupCode: "RATE = await rate()", callbacks });
  const sandbox = factory.createSandbox();
  assert.equal((await sandbox.execute("import json\nprint(json.dumps(RATE), await rate())")).stdoutText, "1.19 1.19\n");
  assert.ok(factory.sizeBytes > 0);
  const session = factory.createSession({ callbacks: { rate: () => 2, more: () => 3 } });
  assert.equal((await session.execute("print(RATE, await rate(), await more())")).stdoutText, "1.19 2 3\n");
  await factory.close();
  assert.equal((await sandbox.execute("print(RATE)")).stdoutText, "1.19\n");
  await assert.rejects(factory.createSandbox().execute("1"), ClosedError);
});

test("a factory is saved and loaded", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "eryx-factory-"));
  const file = path.join(folder, "f.bin");
  const factory = new SandboxFactory({ setupCode: "X = 5" });
  await factory.save(file);
  const callbacks = { f: () => 6 };
  const loaded = await SandboxFactory.load(file, { callbacks });
  assert.equal((await loaded.createSandbox().execute("print(X, await f())")).stdoutText, "5 6\n");
  const copied = await SandboxFactory.fromBytes(await factory.toBytes());
  assert.equal((await new Sandbox({ factory: copied }).execute("print(X)")).stdoutText, "5\n");
  await assert.rejects(SandboxFactory.fromBytes(new Uint8Array(50)), SnapshotError);
  await assert.rejects(SandboxFactory.load("/nonexistent"), EryxError);
  rmSync(folder, { recursive: true });
});

test("a factory that cannot be made", async () => {
  const factory = new SandboxFactory({ setupCode: "1/0" });
  await assert.rejects(factory.ready(), (error) => error instanceof EryxError && error.type === "ZeroDivisionError");
  await assert.rejects(factory.createSandbox().execute("1"), EryxError);
  await assert.rejects(new SandboxFactory({ packages: ["/nonexistent.whl"] }).ready(), InitializationError);
  const slow = new SandboxFactory({ setupCode: "while True: pass", signal: AbortSignal.timeout(50) });
  await assert.rejects(slow.ready(), { name: "AbortError" });
});

test("leases are pristine, and keep state until they are released", async () => {
  const pool = new SandboxPool({ maxSize: 1, callbacks: { f: () => 1 } });
  const first = await pool.acquire();
  await first.execute("x = 1");
  assert.equal(await first.get("x"), 1);
  assert.equal(await pool.tryAcquire(), null);
  const waiting = pool.acquire({ callbacks: { g: () => 2 }, args: ["a"], stdin: "line\n" });
  await first.release();
  await first.release();
  await assert.rejects(first.execute("1"), ClosedError);
  const second = await waiting;
  const code = "import sys\nprint('x' in globals(), await f(), await g(), sys.argv, input())";
  assert.equal((await second.execute(code)).stdoutText, "False 1 2 ['a'] line\n");
  const stats = await pool.stats();
  assert.deepEqual([stats.inUse, stats.totalAcquisitions, stats.waitCount], [1, 2, 1]);
  assert.ok(
    stats.totalWaitTimeMs >= 0 && stats.averageWaitTimeMs >= 0 && stats.total >= 1 && stats.totalCreations >= 1,
  );
  assert.deepEqual([stats.available, typeof stats.idle, typeof (await pool.evictIdle())], [0, "number", "number"]);
  await second[Symbol.asyncDispose]();
  await pool.close();
});

test("waiting for a lease ends", async () => {
  const pool = new SandboxPool({ maxSize: 1, acquireTimeoutMs: 30 });
  const lease = await pool.acquire({ resourceLimits: { maxFuel: 1_000_000 } });
  await assert.rejects(lease.execute("while True: pass"), { limit: "fuel" });
  await assert.rejects(pool.acquire(), PoolTimeoutError);
  const patient = new SandboxPool({ maxSize: 1, acquireTimeoutMs: null });
  const held = await patient.acquire();
  await assert.rejects(patient.acquire({ signal: AbortSignal.timeout(30) }), { name: "AbortError" });
  const waiting = assert.rejects(patient.acquire(), PoolClosedError);
  await patient.stats();
  await patient.close();
  await waiting;
  await assert.rejects(patient.acquire(), PoolClosedError);
  assert.equal((await held.execute("print(1)")).stdoutText, "1\n");
  assert.throws(() => new SandboxPool({ maxSize: 0 }), RangeError);
});

test("a pool of a factory", async () => {
  const factory = new SandboxFactory({ setupCode: "BASE = 40" });
  await using pool = factory.createPool({ maxSize: 2, minIdle: 0, resultVariable: "answer" });
  await using lease = await pool.acquire();
  assert.equal((await lease.execute("answer = BASE + 2")).result, 42);
  await assert.rejects(lease.execute("raise KeyError"), ExecutionError);
});
