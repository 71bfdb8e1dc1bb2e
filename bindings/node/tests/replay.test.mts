/** Journals and suspension. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { ClosedError, EryxError, ExecutionError, Sandbox, Session, SuspendCallback } from "eryx";

test("calls are answered from the journal", async () => {
  let asked = 0;
  const callbacks = {
    add: ({ a, b }: { a: number; b: number }) => {
      asked++;
      return a + b;
    },
    values: () => [1.5, 2n ** 70n, Number.POSITIVE_INFINITY, new Uint8Array([0, 255]), { $eryx: 1 }],
  };
  const code = `
import asyncio
print(await asyncio.gather(*[add(a=i, b=1) for i in range(3)]), await values())`;
  const sandbox = new Sandbox({ callbacks });
  const first = await sandbox.executeWithJournal(code);
  assert.deepEqual([first.error, first.suspended, first.replayedCallbacks, asked], [undefined, undefined, 0, 3]);
  const again = await sandbox.executeWithJournal(code, first.journal);
  assert.deepEqual([again.replayedCallbacks, asked, again.journal], [4, 3, first.journal]);
  assert.equal(again.result!.stdoutText, first.result!.stdoutText);
});

test("a program is suspended and goes on", async () => {
  let approved = false;
  const callbacks = {
    add: async ({ a }: { a: number }) => a + 1,
    pay: async ({ amount }: { amount: number }) => {
      if (!approved) throw new SuspendCallback("needs approval");
      return `paid ${amount}`;
    },
  };
  const session = new Session({ callbacks });
  await session.execute("x = 1");
  const code = "x = 2\nprint(await add(a=1))\nprint(await pay(amount=5))";
  const outcome = await session.executeWithJournal(code);
  assert.equal(outcome.result, undefined);
  assert.ok(outcome.error instanceof ExecutionError);
  assert.deepEqual([outcome.error.code, Buffer.from(outcome.error.stdout).toString()], ["suspended", "2\n"]);
  assert.deepEqual(outcome.suspended, { name: "pay", argsJson: '{"amount":5}', reason: "needs approval" });
  assert.equal(await session.get("x"), 1);
  approved = true;
  const resumed = await session.executeWithJournal(code, outcome.journal);
  assert.deepEqual([resumed.result!.stdoutText, resumed.replayedCallbacks], ["2\npaid 5\n", 1]);
  assert.equal(await session.get("x"), 2);
});

test("a plain execution that is suspended is an error", async () => {
  const sandbox = new Sandbox({
    callbacks: {
      f: () => {
        throw new SuspendCallback();
      },
    },
  });
  await assert.rejects(sandbox.execute("await f()"), { code: "suspended" });
});

test("journals that are none, and what cannot begin", async () => {
  const sandbox = new Sandbox();
  await assert.rejects(sandbox.executeWithJournal("1", "{"), EryxError);
  await assert.rejects(sandbox.executeWithJournal("1", '{"code": "2", "entries": [7]}'), EryxError);
  await sandbox.close();
  await assert.rejects(sandbox.executeWithJournal("1"), ClosedError);
});
