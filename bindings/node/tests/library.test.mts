/** Libraries: modules, host functions and stubs that are given together. */

import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

import { type CommonOptions, InvalidError, Library, Sandbox, SandboxFactory, SandboxPool, Session } from "eryx";

const schema = { type: "object", properties: { n: {} }, required: ["n"] };
const count = { fn: ({ n }: { n: number }) => n + 1, schema };

const text = new Library({
  name: "text",
  modules: {
    "tools.case": "def upper(s):\n    return s.upper()\n",
    counting: "async def count_twice(n):\n    return await text.twice(n=await text.count(n))\n",
  },
  callbacks: { "text.count": count, "text.twice": { fn: async ({ n }: { n: number }) => 2 * n, schema } },
  stubs: "# tools.case\ndef upper(s: str) -> str: ...\n",
});
const PROGRAM =
  "import counting\nfrom tools.case import upper\nprint(upper('a'), await counting.count_twice(1), await text.count(5))";
const PRINTED = "A 4 6\n";

const printed = async (target: Sandbox | Session, code = PROGRAM): Promise<string> =>
  (await target.execute(code)).stdoutText;

test("sandboxes, sessions, forks and pools take libraries", async () => {
  assert.equal(await printed(new Sandbox({ libraries: [text] })), PRINTED);
  await using session = new Session({ libraries: [text], callbacks: { own: count } });
  assert.equal(await printed(session, `${PROGRAM}\nprint(await own(7))`), `${PRINTED}8\n`);
  assert.equal(await printed(await session.fork()), PRINTED);
  await session.setCallbacks({ other: count });
  assert.equal(await printed(session, `${PROGRAM}\nprint(await other(7))`), `${PRINTED}8\n`);
  await assert.rejects(session.execute("await own(7)"), /name 'own' is not defined/);
  await assert.rejects(session.setCallbacks({ "text.count": count }), InvalidError);
  await using pool = new SandboxPool({ libraries: [text] });
  for (const options of [{}, { callbacks: { own: count } }]) {
    const lease = await pool.acquire(options);
    assert.equal((await lease.execute(PROGRAM)).stdoutText, PRINTED);
    await lease.release();
  }
});

test("a factory's libraries are those of what it makes", async () => {
  const setupCode = "import counting\nx = await counting.count_twice(2)";
  const factory = new SandboxFactory({ libraries: [text], imports: ["tools.case"], setupCode });
  const more = new Library({ name: "more", modules: { more: "X = 1" } });
  const code = `${PROGRAM}\nprint(x)`;
  assert.equal(await printed(factory.createSandbox(), code), `${PRINTED}6\n`);
  assert.equal(await printed(factory.createSandbox({ libraries: [more, text] }), code), `${PRINTED}6\n`);
  assert.equal(await printed(factory.createSession({ libraries: [more.merge(text)] }), code), `${PRINTED}6\n`);
  const file = path.join(mkdtempSync(path.join(tmpdir(), "eryx-library-")), "factory");
  await factory.save(file);
  const loaded = await SandboxFactory.load(file, { libraries: [text] });
  assert.equal(await printed(loaded.createSandbox(), code), `${PRINTED}6\n`);
});

test("libraries are merged, and what they share is there once", async () => {
  const base = new Library({ name: "base", modules: { base: "N = 1" }, callbacks: { count }, stubs: "N: int" });
  const left = base.merge(
    new Library({ name: "left", modules: { left: "import base\nN = base.N + 1" }, stubs: "M: int" }),
  );
  const right = Library.merge([base, new Library({ name: "right", modules: { "r.m": "" } })]);
  const both = left.merge(right);
  assert.deepEqual(
    [both.name, Object.keys(both.modules), both.callbackNames, both.stubs],
    ["base + left + right", ["base", "left", "r.m"], ["count"], "N: int\nM: int"],
  );
  for (const libraries of [[both], [left, right], [base, left, right, both]]) {
    assert.equal(await printed(new Sandbox({ libraries }), "import left, r.m; print(left.N, await count(1))"), "2 2\n");
  }
  assert.match(await new Sandbox({ libraries: [both] }).typeStubs(), /async def count.*N: int\n.*M: int\n$/s);
});

test("conflicts are InvalidErrors that name both sides", async () => {
  const one = (name: string, modules: Record<string, string>): Library => new Library({ name, modules });
  const conflicts: [Library[], RegExp][] = [
    [[one("a", { m: "" }), one("b", { m: "" })], /module "m" is in library "b" and in library "a"/],
    [[one("a", { json: "" })], /Python's own/],
    [[one("a", { "../m": "" })], /not a module's name/],
    [[one("", { m: "" })], /library name/],
    [
      [new Library({ name: "a", callbacks: { own: count } })],
      /callback "own" is in library "a" and in the configuration/,
    ],
  ];
  for (const [libraries, message] of conflicts) {
    const options: CommonOptions = { libraries, callbacks: { own: count } };
    for (const made of [
      new Sandbox(options),
      new Session(options),
      new SandboxPool(options),
      new SandboxFactory(options),
    ]) {
      await assert.rejects(
        made.ready(),
        (error: Error) => error instanceof InvalidError && message.test(error.message),
      );
    }
  }
});

test("what is no library is a TypeError", () => {
  const wrong: (() => unknown)[] = [
    () => new Library({ name: 1 as unknown as string }),
    () => new Library({ name: "a", stubs: 1 as unknown as string }),
    () => new Library({ name: "a", modules: { m: 1 as unknown as string } }),
    () => new Library({ name: "a", callbacks: { f: 1 as never } }),
    () => new Sandbox({ libraries: text as unknown as Library[] }),
    () => new Sandbox({ libraries: ["text"] as unknown as Library[] }),
  ];
  for (const make of wrong) assert.throws(make, TypeError);
});
