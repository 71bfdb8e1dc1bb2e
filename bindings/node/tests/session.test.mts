/** Sessions: state, functions of the program's, snapshots, forks. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ClosedError, ExecutionError, Session, type SessionOptions, SnapshotError, TimeoutError } from "eryx";

async function output(session: Session, code: string): Promise<string> {
  return (await session.execute(code)).stdoutText;
}

async function started(code: string, options: SessionOptions = {}): Promise<Session> {
  const session = new Session(options);
  await session.execute(code);
  return session;
}

test("state persists, is cleared, is reset", async () => {
  const session = await started("import json\nx = 1");
  assert.equal(await output(session, "print(x)"), "1\n");
  assert.equal(await session.executionCount(), 2);
  await session.clearState();
  assert.equal(await output(session, "print('x' in globals())"), "False\n");
  await session.reset();
  assert.equal(await session.executionCount(), 0);
});

test("executions that nobody waits for run one after the other", async () => {
  const session = await started("n = 0");
  const runs = Array.from({ length: 20 }, () => session.execute("n += 1\nprint(n)"));
  const numbers = (await Promise.all(runs)).map((result) => Number(result.stdoutText));
  assert.deepEqual(
    numbers.sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
});

test("call, get and set", async () => {
  const session = await started(`
async def double(x, times=2):
    return x * times
class box:
    inner = 5
    @staticmethod
    def size(): return 7`);
  assert.equal(await session.call("double", [4]), 8);
  assert.equal(await session.call("double", [], { kwargs: { x: 2n ** 70n, times: 3 } }), 3n * 2n ** 70n);
  assert.equal(await session.call("box.size"), 7);
  assert.equal(await session.get("box.inner"), 5);
  await session.set("value", { list: [1, "two", new Uint8Array([3])], none: null });
  assert.deepStrictEqual(await session.get("value"), { list: [1, "two", new Uint8Array([3])], none: null });
  await session.set("nothing", undefined);
  assert.equal(await session.get("nothing"), null);
  await assert.rejects(
    session.get("missing"),
    (error) => error instanceof ExecutionError && error.type === "NameError",
  );
  await assert.rejects(
    session.call("double", []),
    (error) => error instanceof ExecutionError && error.type === "TypeError",
  );
  await assert.rejects(
    session.set("f", () => 1),
    TypeError,
  );
});

test("a call has limits, a signal and callbacks", async () => {
  const callbacks = { price: async () => 12.5 };
  const session = await started("async def f(): return await price() * 2\ndef g():\n    while True: pass", {
    callbacks,
  });
  assert.equal(await session.call("f"), 25);
  await assert.rejects(session.call("g", [], { timeoutMs: 30 }), TimeoutError);
  await assert.rejects(session.call("g", [], { signal: AbortSignal.timeout(30) }), { name: "AbortError" });
});

test("callbacks are replaced", async () => {
  const session = await started("1", { callbacks: { f: () => 1 } });
  await session.setCallbacks({ g: () => 2 });
  assert.equal(await output(session, "print(await g(), [c['name'] for c in list_callbacks()])"), "2 ['g']\n");
  assert.match(await session.typeStubs(), /async def g/);
});

test("portable snapshots name what they leave out", async () => {
  const session = await started("x = [1]\ndef f(): return x\ng = (i for i in x)");
  const { snapshot, unsaved } = await session.snapshotState();
  assert.deepEqual(Object.keys(unsaved), ["g"]);
  const other = new Session();
  await other.restoreState(snapshot);
  assert.equal(await output(other, "print(f(), 'g' in globals())"), "[1] False\n");
  await assert.rejects(other.restoreState(snapshot.slice(10)), SnapshotError);
});

test("images take everything", async () => {
  const session = await started("g = (i * i for i in range(9))\nnext(g), next(g)");
  const image = await session.snapshot();
  assert.ok(image instanceof Uint8Array);
  const other = new Session({ image });
  assert.equal(await output(other, "print(next(g))"), "4\n");
  await session.execute("next(g)");
  await session.restore(image);
  assert.equal(await output(session, "print(next(g))"), "4\n");
  await assert.rejects(session.restore(new Uint8Array(100)), SnapshotError);
  assert.equal(await output(session, "print(next(g))"), "9\n");
  await assert.rejects(new Session({ image: image.slice(0, 1000) }).ready(), SnapshotError);
});

test("forks are independent and keep callbacks and handlers", async () => {
  const seen: string[] = [];
  const options = {
    callbacks: { who: () => "host" },
    onStdout: (data: Uint8Array) => void seen.push(Buffer.from(data).toString()),
  };
  const session = await started("x = 1", options);
  const fork = await session.fork();
  await session.execute("x = 2");
  assert.equal(await output(fork, "print(x, await who())"), "1 host\n");
  await session.close();
  assert.equal(await output(await fork.fork(), "print(x)"), "1\n");
  assert.deepEqual(seen, ["1 host\n", "1\n"]);
});

test("a checkpoint undoes what fails", async () => {
  const session = await started("x = [1]", { checkpoint: true });
  await assert.rejects(session.execute("x.append(2)\nopen('/tmp/f', 'w').close()\n1/0"), ExecutionError);
  assert.equal(await output(session, "import os\nprint(x, os.path.exists('/tmp/f'))"), "[1] False\n");
});

test("standard input, kept tasks", async () => {
  assert.equal(await output(new Session({ stdin: "a\nb\n" }), "print(input(), input())"), "a b\n");
  const session = new Session({ keepTasks: true });
  await session.execute(
    "import asyncio\nasync def f():\n    await asyncio.sleep(0.01)\n    return 5\nt = asyncio.ensure_future(f())",
  );
  assert.equal(await output(session, "print(await t)"), "5\n");
});

test("whether a statement is complete", async () => {
  const session = new Session();
  const states = ["1 + 1", "def f():", "x = ("].map((source) => session.isComplete(source));
  assert.deepEqual(await Promise.all(states), ["complete", "incomplete", "incomplete"]);
  assert.equal(await session.isComplete("x ="), "invalid");
});

test("a session that was killed wants a reset", async () => {
  const session = new Session({ resourceLimits: { executionTimeoutMs: 30, gracePeriodMs: 10 } });
  const code = "while True:\n    try:\n        while True: pass\n    except BaseException: pass";
  await assert.rejects(session.execute(code), (error) => error instanceof TimeoutError && error.killed);
  await assert.rejects(session.execute("1"), ClosedError);
  await session.reset();
  assert.equal(await output(session, "print(1)"), "1\n");
});

test("closing ends what runs", async () => {
  const session = new Session();
  const ended = assert.rejects(session.execute("while True: pass"), ClosedError);
  await session.ready();
  await session.close();
  await ended;
  await assert.rejects(session.get("x"), ClosedError);
});
