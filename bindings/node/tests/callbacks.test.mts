/** Host functions: plain, async, generators; values, errors, cancelling. */

import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { type CallbackContext, type Callbacks, ExecutionError, Sandbox } from "eryx";

import { deferred } from "./deferred.mjs";

async function run(code: string, callbacks: Callbacks, resourceLimits = {}): Promise<string> {
  return (await new Sandbox({ callbacks, resourceLimits }).execute(code)).stdoutText;
}

const schema = { properties: { a: { type: "number" }, b: { type: "number" } }, required: ["a"] };
const add = { fn: ({ a, b = 10 }: { a: number; b?: number }) => a + b, description: "Adds.", schema };

test("by name and by position", async () => {
  assert.equal(await run("print(await add(a=1, b=2), await add(1, 2), await add(1))", { add }), "3 3 11\n");
  assert.equal(await run("print(await invoke('add', a=1, b=1))", { add }), "2\n");
  assert.equal(await run("print(await math2.add(1, 2))", { "math2.add": add }), "3\n");
});

test("plain, async, and a function that gives a promise", async () => {
  const callbacks = {
    plain: () => 1,
    later: async () => {
      await sleep(5);
      return 2;
    },
    promise: () => Promise.resolve(3),
    nothing: () => undefined,
  };
  assert.equal(
    await run("print(await plain(), await later(), await promise(), await nothing())", callbacks),
    "1 2 3 None\n",
  );
});

const values: [string, unknown][] = [
  ["None", null],
  ["True", true],
  ["0", 0],
  ["-1", -1],
  ["2**53 - 1", 2 ** 53 - 1],
  ["2**53", 2n ** 53n],
  ["-(2**64)", -(2n ** 64n)],
  ["2**200", 2n ** 200n],
  ["1.5", 1.5],
  ["'text €😀'", "text €😀"],
  ["b'bytes\\x00'", new Uint8Array(Buffer.from("bytes\0"))],
  ["[1, [2]]", [1, [2]]],
  ["{'k': {'n': None}}", { k: { n: null } }],
  ["''", ""],
];

for (const [source, value] of values) {
  test(`a value passes both ways: ${source}`, async () => {
    const seen: unknown[] = [];
    const echo = ({ x }: { x: unknown }): unknown => {
      seen.push(x);
      return x;
    };
    const code = `v = await echo(x=${source})\nassert v == ${source} and type(v) is type(${source}), v\nprint('same')`;
    assert.equal(await run(code, { echo }), "same\n");
    assert.deepStrictEqual(seen, [value]);
  });
}

test("undefined is dropped, whole floats become integers", async () => {
  const f = () => ({ a: undefined, b: 2.0, c: [undefined] });
  assert.equal(await run("print(await f())", { f }), "{'b': 2, 'c': [None]}\n");
});

test("what cannot be passed is an error in the program", async () => {
  const hostile = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error("trap");
      },
    },
  );
  for (const value of [() => 1, Symbol("s"), new Set(), "\ud800", hostile, { x: new WeakMap() }]) {
    const code = "try:\n    await f()\nexcept CallbackError as e:\n    print('refused', e.code)";
    assert.equal(await run(code, { f: () => value }), "refused callback\n");
  }
});

test("what is thrown has name and message but no stack", async () => {
  const code = "try:\n    await f()\nexcept CallbackError as e:\n    print(e.code, e)";
  const boom = () => {
    throw new TypeError("boom");
  };
  assert.equal(await run(code, { f: boom }), "callback TypeError: boom\n");
  assert.equal(await run(code, { f: async () => boom() }), "callback TypeError: boom\n");
  const coded = () => Promise.reject(Object.assign(new Error("gone"), { callbackCode: "not_found" }));
  assert.equal(await run(code, { f: coded }), "not_found Error: gone\n");
  assert.equal(await run(code, { f: () => Promise.reject("text") }), "callback text\n");
  assert.equal(await run(code, { f: () => Promise.reject(null) }), "callback null\n");
  const thrower = {
    get message() {
      throw new Error("twice");
    },
  };
  Object.setPrototypeOf(thrower, Error.prototype);
  assert.equal(await run(code, { f: () => Promise.reject(thrower) }), "callback the host function failed\n");
  await assert.rejects(
    run("await f()", { f: boom }),
    (error) => error instanceof ExecutionError && /boom/.test(error.message),
  );
});

test("many at once", async () => {
  const nap = async ({ i }: { i: number }) => {
    await sleep(20);
    return i;
  };
  const result = await new Sandbox({ callbacks: { nap }, resourceLimits: { maxCallbackInvocations: null } }).execute(
    "import asyncio\nprint(sum(await asyncio.gather(*[nap(i=i) for i in range(2000)])))",
  );
  assert.equal(result.stdoutText, "1999000\n");
  assert.deepEqual([result.callbackInvocations, result.callbacks.length], [2000, 1000]);
  assert.deepEqual([result.callbacks[0]!.name, result.callbacks[0]!.error], ["nap", undefined]);
});

test("async generators give items", async () => {
  const count = async function* ({ n }: { n: number }) {
    for (let i = 0; i < n; i++) {
      if (i % 100 === 0) await sleep(1);
      yield i;
    }
  };
  const plain = function* () {
    yield "a";
    yield Promise.resolve("b");
  };
  const wrapped = { fn: () => [1, 2], stream: true };
  const code = `
print(sum([i async for i in count(n=1000)]))
print([x async for x in plain()], [x async for x in wrapped()])`;
  assert.equal(await run(code, { count, plain, wrapped }), "499500\n['a', 'b'] [1, 2]\n");
});

test("a stream keeps to the room that the program has", async () => {
  let sent = 0;
  const numbers = function* () {
    for (;;) yield sent++;
  };
  const code = "import asyncio\nasync for i in numbers():\n    if i == 50: break\nawait asyncio.sleep(0.05)\nprint(i)";
  assert.equal(await run(code, { numbers }), "50\n");
  assert.ok(sent >= 50 && sent < 200, String(sent));
});

test("leaving a stream early ends the generator", async () => {
  const ended = deferred<string>();
  const forever = async function* (_args: unknown, context: CallbackContext) {
    try {
      for (let i = 0; ; i++) {
        yield i;
        await sleep(1, undefined, { signal: context.signal });
      }
    } finally {
      ended.resolve("ended");
    }
  };
  assert.equal(await run("async for i in forever():\n    if i == 3: break\nprint(i)", { forever }), "3\n");
  assert.equal(await ended.promise, "ended");
});

test("an error of a generator, and an item that cannot be passed", async () => {
  const failing = async function* () {
    yield 1;
    throw new RangeError("over");
  };
  const strange = function* () {
    yield 1;
    yield new Set();
  };
  const nothing = { fn: () => 1, stream: true };
  const code = (name: string) => `
try:
    async for x in ${name}(): print(x)
except CallbackError as e:
    print(e)`;
  assert.equal(await run(code("failing"), { failing }), "1\nRangeError: over\n");
  assert.match(await run(code("strange"), { strange }), /^1\nTypeError: .*Set/);
  assert.match(await run(code("nothing"), { nothing }), /nothing to iterate over/);
});

test("the signal is aborted when the answer is not wanted any more", async () => {
  const reasons: string[] = [];
  const wait =
    (name: string) =>
    (_args: unknown, { signal }: CallbackContext) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => {
          reasons.push(name);
          resolve("late");
        });
      });
  const code = `
import asyncio
try:
    await slow()
except CallbackError as e:
    print(e.code)
try:
    await asyncio.wait_for(given_up(), 0.02)
except TimeoutError:
    print("gave up")
asyncio.ensure_future(left())
await asyncio.sleep(0)`;
  const slow = { fn: wait("slow"), timeoutMs: 20 };
  const output = await run(code, { slow, given_up: wait("given_up"), left: wait("left") });
  assert.equal(output, "timeout\ngave up\n");
  await sleep(1);
  assert.deepEqual(reasons.sort(), ["given_up", "left", "slow"]);
});

test("limits of calls", async () => {
  const code =
    "for i in range(3):\n    try:\n        print(await add(i, 0))\n    except CallbackError as e:\n        print(e.code)";
  assert.equal(await run(code, { add }, { maxCallbackInvocations: 2 }), "0\n1\nlimit\n");
  const never = () => new Promise(() => undefined);
  const late = "try:\n    await never()\nexcept CallbackError as e:\n    print(e.code)";
  assert.equal(await run(late, { never }, { callbackTimeoutMs: 30 }), "timeout\n");
});

test("the asynchronous context of the caller reaches the callbacks", async () => {
  const storage = new AsyncLocalStorage<string>();
  const who = async () => {
    await sleep(1);
    return storage.getStore();
  };
  const sandbox = new Sandbox({ callbacks: { who } });
  const runs = ["ann", "bob", "eve"].map((name) => storage.run(name, () => sandbox.execute("print(await who())")));
  assert.deepEqual(
    (await Promise.all(runs)).map((result) => result.stdoutText),
    ["ann\n", "bob\n", "eve\n"],
  );
});

test("a sandbox inside of a callback", async () => {
  const inner = async ({ code }: { code: string }) => run(code, { deeper: () => "deep" });
  assert.equal(await run("print(await inner(code='print(await deeper())'))", { inner }), "deep\n\n");
});

test("callbacks that are none", () => {
  for (const wrong of [1, null, {}, { fn: 1 }, { fn: () => 1, schema: "x" }]) {
    assert.throws(() => new Sandbox({ callbacks: { f: wrong as never } }), TypeError);
  }
});
