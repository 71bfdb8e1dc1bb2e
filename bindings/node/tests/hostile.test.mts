/** What a hostile program can send, and what a careless host can answer. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { type Callbacks, InvalidError, Sandbox, Session } from "eryx";

async function output(code: string, callbacks: Callbacks): Promise<string> {
  return (await new Sandbox({ callbacks }).execute(code)).stdoutText;
}

test("names that JavaScript's objects have", async () => {
  const seen: object[] = [];
  const f = (args: object): unknown => {
    seen.push(args);
    return args;
  };
  const code = "print(await f(**{'__proto__': {'polluted': 1}, 'constructor': 2, 'then': 3, 'toString': 4}))";
  assert.equal(
    await output(code, { f }),
    "{'__proto__': {'polluted': 1}, 'constructor': 2, 'then': 3, 'toString': 4}\n",
  );
  assert.deepEqual(Object.keys(seen[0]!), ["__proto__", "constructor", "then", "toString"]);
  assert.equal(Object.getPrototypeOf(seen[0]), Object.prototype);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test("calls of what is no callback", async () => {
  const code = `
for name in ["__proto__", "constructor", "toString", "nope", "", "a b", "\\0"]:
    try:
        await invoke(name)
    except Exception as e:
        print(type(e).__name__, getattr(e, "code", ""))`;
  const lines = (await output(code, { f: () => 1 })).trim().split("\n");
  assert.equal(lines.length, 7);
  for (const line of lines) assert.match(line, /unknown|TypeError|ValueError/);
});

test("values that nest deep, are large, or are no text", async () => {
  const code = `
def nest(n):
    v = 0
    for i in range(n): v = [v]
    return v
for v in [nest(150), nest(5000), "\\ud800", [0] * 1_000_000, "x" * 5_000_000, b"y" * 5_000_000, 2**100_000, -(2**100_000)]:
    try:
        print(await f(x=v) == v)
    except Exception as e:
        print(type(e).__name__)`;
  const lines = (await output(code, { f: ({ x }: { x: unknown }) => x })).trim().split("\n");
  assert.equal(lines[0], "True");
  assert.match(lines[1]!, /Error/);
  assert.match(lines[2]!, /Error/);
  assert.deepEqual(lines.slice(3), ["True", "True", "True", "True", "True"]);
});

test("answers that are too much for one message", async () => {
  const wide = () => new Array(3_000_000).fill(0); // two of them are more values than a message may hold
  const deep = () => {
    let value: unknown = 0;
    for (let i = 0; i < 199; i++) value = [value];
    return value;
  };
  const code = `
import asyncio
for v in await asyncio.gather(wide(), fine(), wide(), deep(), return_exceptions=True):
    print(len(v) if isinstance(v, list) else v if isinstance(v, int) else v.code)`;
  const lines = (await output(code, { wide, deep, fine: () => 7 })).trim().split("\n");
  assert.equal(lines[1], "7");
  for (const i of [0, 2]) assert.match(lines[i]!, /^(3000000|value)$/);
  assert.match(lines[3]!, /callback|value/);
});

test("a value whose getter throws, or which changes while it is read", async () => {
  const code = "try:\n    print(await f())\nexcept CallbackError as e:\n    print('refused')";
  const throws = {
    get x(): never {
      throw new Error("getter");
    },
  };
  assert.equal(await output(code, { f: () => throws }), "refused\n");
  const list: unknown[] = [1, 2, 3];
  Object.defineProperty(list, 0, {
    get() {
      list.length = 1;
      return 1;
    },
  });
  assert.equal(await output(code, { f: () => list }), "[1, None, None]\n");
});

test("a program that floods its output", async () => {
  const result = await new Sandbox().execute("import sys\nfor i in range(100): sys.stdout.write('x' * 1_000_000)");
  assert.deepEqual([result.stdout.length, result.stdoutTruncated], [8 << 20, true]);
});

test("source text that is none", async () => {
  await assert.rejects(new Sandbox().execute("print('\ud800')"), TypeError);
  await assert.rejects(new Sandbox().execute("\0"), InvalidError);
});

test("settings of the wrong kind are refused by name", async () => {
  const wrong = [{ args: 1 }, { env: { A: 1 } }, { resultVariable: 1 }, { volumes: [{}] }, { trace: "yes" }];
  for (const options of wrong) {
    await assert.rejects(new Session(options as object).ready(), InvalidError, JSON.stringify(options));
  }
});

test("the process is as it was", async () => {
  const { info } = await import("eryx");
  const { callCount, requestCount } = await info();
  assert.deepEqual([callCount, requestCount], [0, 0]);
});
