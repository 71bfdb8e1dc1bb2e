/** Sandboxes: results, limits, output, files, packages, traces, cancelling. */

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";

import {
  AbortError,
  CancelledError,
  ClosedError,
  type EryxError,
  ExecutionError,
  InitializationError,
  InvalidError,
  ResourceLimitError,
  ResourceLimits,
  Sandbox,
  TimeoutError,
  type TraceEvent,
} from "eryx";

import { deferred } from "./deferred.mjs";

const folder = mkdtempSync(path.join(tmpdir(), "eryx-node-"));
after(() => rmSync(folder, { recursive: true }));

const run = (code: string, options = {}) => new Sandbox(options).execute(code);

async function failure<T extends EryxError>(promise: Promise<unknown>, kind: new (message: string) => T): Promise<T> {
  const error = await promise.then(
    () => assert.fail("no error"),
    (caught: unknown) => caught,
  );
  assert.ok(error instanceof kind, `${error}`);
  return error;
}

test("output and figures", async () => {
  const result = await run("import sys\nprint('hä')\nprint('err', file=sys.stderr)");
  assert.deepEqual(result.stdout, new TextEncoder().encode("hä\n"));
  assert.deepEqual([result.stdoutText, result.stderrText, `${result}`], ["hä\n", "err\n", "hä\n"]);
  assert.ok(result.durationMs > 0 && result.peakMemoryBytes! > 0 && result.fuelConsumed! > 0);
  assert.deepEqual([result.exitCode, result.callbackInvocations, result.callbacks.length], [0, 0, 0]);
});

test("each execution is pristine", async () => {
  const sandbox = new Sandbox();
  await sandbox.execute("x = 1");
  assert.equal((await sandbox.execute("print('x' in globals())")).stdoutText, "False\n");
});

test("the result variable, with bigints where a number would lose", async () => {
  const code = 'result = [1, 2.5, 2**53 - 1, 2**53, -2**70, "1234567890123456789 \\" #", 1e300, {"a": None}, 1e16]';
  const expected = [1, 2.5, 2 ** 53 - 1, 2n ** 53n, -(2n ** 70n), '1234567890123456789 " #', 1e300, { a: null }, 1e16];
  assert.deepStrictEqual((await run(code)).result, expected);
  assert.equal((await run("answer = 42", { resultVariable: "answer" })).result, 42);
  assert.equal((await run("result = None")).result, null);
  assert.equal((await run("1")).result, undefined);
  assert.match((await run("result = {1}")).resultError!, /set/);
});

test("an exception has everything", async () => {
  const error = await failure(run("print('before')\ndef f():\n    raise ValueError('no')\nf()"), ExecutionError);
  assert.deepEqual([error.code, error.type, error.message], ["python", "ValueError", "no"]);
  assert.match(error.traceback!, /in f\n {4}raise ValueError/);
  assert.equal(Buffer.from(error.stdout).toString(), "before\n");
  assert.deepEqual([error.stderr.length, error.result!.stdoutText], [0, "before\n"]);
  assert.equal(error.python!.frames.at(-1)!.function, "f");
});

test("exit codes", async () => {
  const error = await failure(run("import sys\nsys.exit(3)"), ExecutionError);
  assert.deepEqual([error.code, error.exitCode], ["exit", 3]);
});

test("limits", async () => {
  const timeout = await failure(run("while True: pass", { resourceLimits: { executionTimeoutMs: 50 } }), TimeoutError);
  assert.deepEqual([timeout.code, timeout.limit], ["timeout", "execution_timeout"]);
  await failure(new Sandbox().execute("while True: pass", { timeoutMs: 50 }), TimeoutError);
  const fuel = { resourceLimits: { maxFuel: 1_000_000 } };
  assert.equal((await failure(new Sandbox().execute("while True: pass", fuel), ResourceLimitError)).limit, "fuel");
  const output = new ResourceLimits({ maxOutputBytes: 3, outputOverflow: "fail" });
  assert.equal((await failure(run("print('long')", { resourceLimits: output }), ResourceLimitError)).limit, "output");
  const cut = await run("print('long')", { resourceLimits: { maxOutputBytes: 3 } });
  assert.deepEqual([cut.stdoutText, cut.stdoutTruncated, cut.stderrTruncated], ["lon", true, false]);
  assert.equal((await run("print(1)", { resourceLimits: ResourceLimits.unlimited() })).stdoutText, "1\n");
});

test("limits that are none", () => {
  const wrong = (limits: object, kind: ErrorConstructor) => assert.throws(() => new ResourceLimits(limits), kind);
  wrong({ maxFuel: -1 }, RangeError);
  wrong({ maxFuel: Number.NaN }, RangeError);
  wrong({ maxFuel: 1.5 }, RangeError);
  wrong({ maxFuel: "1" }, TypeError);
  wrong({ maxFeul: 1 }, TypeError);
  assert.throws(() => new Sandbox({ resourceLimits: { maxFuel: -1 } }), RangeError);
});

test("arguments that make no sense", async () => {
  await assert.rejects(new Sandbox().execute(1 as never), TypeError);
  await failure(new Sandbox().execute("print(1)\0"), InvalidError);
  assert.throws(() => new Sandbox({ onStdout: 1 as never }), TypeError);
  const sandbox = new Sandbox({ callbacks: { "not a name": () => 1 } });
  await failure(sandbox.ready(), InvalidError);
  await failure(sandbox.execute("1"), InvalidError);
  await failure(new Sandbox({ volumes: [{ hostPath: "/nonexistent", guestPath: "/x" }] }).ready(), InvalidError);
});

test("closing", async () => {
  const sandbox = new Sandbox();
  await sandbox.close();
  await sandbox.close();
  assert.equal(sandbox.closed, true);
  await failure(sandbox.execute("1"), ClosedError);
  await new Sandbox().close(); // before it is there
  let inside: Sandbox;
  {
    await using sandbox = new Sandbox();
    inside = sandbox;
    using other = new Sandbox();
    assert.equal((await other.execute("print(2)")).stdoutText, "2\n");
  }
  assert.equal(inside.closed, true);
});

test("handlers get output as it is written", async () => {
  const pieces: string[] = [];
  const onStdout = (data: Uint8Array) => void pieces.push(`out ${Buffer.from(data)}`);
  const onStderr = (data: Uint8Array) => void pieces.push(`err ${Buffer.from(data)}`);
  const code = "import sys\nprint('a', flush=True)\nprint('b', file=sys.stderr, flush=True)\nprint('c')";
  const result = await run(code, { onStdout, onStderr });
  assert.deepEqual(pieces, ["out a\n", "err b\n", "out c\n"]);
  assert.equal(result.stdoutText, "a\nc\n");
});

test("a handler that throws is a warning, and the program goes on", async () => {
  const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
  const onStdout = () => {
    throw new Error("mine");
  };
  assert.equal((await run("print(1)", { onStdout })).stdoutText, "1\n");
  assert.match((await warned).message, /mine/);
});

test("output as an async iterator", async () => {
  const execution = new Sandbox().start("import sys\nprint(1)\nprint(2, file=sys.stderr)\nprint(3)");
  const pieces: string[] = [];
  for await (const { stream, data } of execution) pieces.push(`${stream} ${Buffer.from(data)}`);
  assert.equal(pieces.join(""), "stdout 1\nstderr 2\nstdout 3\n");
  assert.equal(execution.done, true);
  assert.equal((await execution).stdoutText, "1\n3\n");
  const failing = new Sandbox().start("print(1)\n1/0");
  await assert.rejects(async () => {
    for await (const { data } of failing) assert.equal(Buffer.from(data).toString(), "1\n");
  }, ExecutionError);
});

test("leaving the loop early cancels the program", async () => {
  const execution = new Sandbox().start("print(1, flush=True)\nwhile True: pass");
  for await (const chunk of execution) {
    assert.equal(chunk.stream, "stdout");
    break;
  }
  await failure(execution.result, AbortError);
});

test("output as ReadableStream", async () => {
  const execution = new Sandbox().start("for i in range(1000): print(i)\nraise KeyError('k')");
  const failed = failure(execution.result, ExecutionError);
  let text = "";
  for await (const piece of execution.stdout.pipeThrough(new TextDecoderStream())) text += piece;
  assert.equal(text.split("\n").length, 1001);
  assert.equal((await failed).type, "KeyError");
  for await (const piece of execution.stderr) assert.fail(`nothing was written there: ${piece}`);
});

test("an AbortSignal cancels", async () => {
  const controller = new AbortController();
  const begun = deferred<void>();
  const running = new Sandbox({ onStdout: begun.resolve as () => void }).execute(
    "print('begun', flush=True)\nwhile True: pass",
    { signal: controller.signal },
  );
  await begun.promise;
  controller.abort(new Error("enough"));
  const error = await failure(running, AbortError);
  assert.ok(error instanceof CancelledError);
  assert.deepEqual([error.name, error.code, (error.cause as Error).message], ["AbortError", "cancelled", "enough"]);
  assert.equal(Buffer.from(error.stdout).toString(), "begun\n");
  await failure(new Sandbox().execute("1", { signal: AbortSignal.abort() }), AbortError);
});

test("a handle is cancelled", async () => {
  const execution = new Sandbox().start("import time\ntime.sleep(60)");
  execution.cancel();
  execution.cancel();
  await failure(execution.result, CancelledError);
});

test("arguments and environment", async () => {
  process.env.ONLY_OF_THE_HOST = "1";
  const code = "import os, sys\nprint(sys.argv, os.environ['K'], 'ONLY_OF_THE_HOST' in os.environ)";
  assert.equal((await run(code, { args: ["a", "b c"], env: { K: "v" } })).stdoutText, "['a', 'b c'] v False\n");
});

test("volumes", async () => {
  const shared = path.join(folder, "shared");
  mkdirSync(shared);
  writeFileSync(path.join(shared, "in.txt"), "input");
  const code = (mode: string) => `
try:
    open('/mnt/out-${mode}.txt', 'w').write('x')
except OSError as e:
    print(type(e).__name__)
print(open('/mnt/in.txt').read())`;
  for (const mode of ["read_only", "read_write", "copy_on_write"] as const) {
    const result = await run(code(mode), { volumes: [{ hostPath: shared, guestPath: "/mnt", mode }] });
    assert.equal(result.stdoutText.endsWith("input\n"), true);
    assert.equal(result.stdoutText.includes("Error"), mode === "read_only");
  }
  assert.equal(readFileSync(path.join(shared, "out-read_write.txt"), "utf8"), "x");
  assert.throws(() => readFileSync(path.join(shared, "out-copy_on_write.txt")));
  const quota = { hostPath: shared, guestPath: "/mnt", mode: "read_write", quotaBytes: 10 } as const;
  const full = "try:\n    open('/mnt/big', 'w').write('x' * 100)\nexcept OSError as e:\n    print('full')";
  assert.equal((await run(full, { volumes: [quota] })).stdoutText, "full\n");
});

test("packages by their path", async () => {
  const site = path.join(folder, "site");
  mkdirSync(path.join(site, "mine"), { recursive: true });
  writeFileSync(path.join(site, "mine", "__init__.py"), "NAME = 'mine'");
  assert.equal((await run("import mine\nprint(mine.NAME)", { packages: [site] })).stdoutText, "mine\n");
  assert.equal((await run("import mine\nprint(mine.NAME)", { packages: [{ path: site }] })).stdoutText, "mine\n");
  await failure(new Sandbox({ packages: [new Uint8Array([1, 2, 3])] }).ready(), InitializationError);
});

test("traces", async () => {
  const code = "def f():\n    return 1\nf()\nawait ping(x=1)";
  const options = { trace: true, callbacks: { ping: () => 1 } };
  const { trace } = await run(code, options);
  assert.ok(trace.some((event) => event.kind === "call" && event.function === "f" && event.line === 1));
  const start = trace.find((event) => event.kind === "callback_start")!;
  assert.deepEqual([start.callback, start.argumentsJson], ["ping", '{"x":1}']);
  const end = trace.find((event) => event.kind === "callback_end")!;
  assert.ok(end.durationMs! >= 0 && end.message === "");
  const cut = await run(code, { ...options, maxTraceEvents: 2 });
  assert.deepEqual([cut.trace.length, cut.traceTruncated], [2, true]);
  const live: TraceEvent[] = [];
  const sandbox = new Sandbox({ callbacks: options.callbacks });
  const once = await sandbox.execute(code, { trace: true, onTrace: (event) => live.push(event) });
  const kinds = (events: readonly TraceEvent[]) => events.map((event) => event.kind);
  assert.deepEqual(kinds(live), kinds(once.trace));
  assert.equal((await sandbox.execute(code)).trace.length, 0);
});

test("type stubs", async () => {
  const schema = { type: "object", properties: { sym: { type: "string" } }, required: ["sym"] };
  const sandbox = new Sandbox({ callbacks: { price: { fn: () => 1, description: "The price.", schema } } });
  assert.match(await sandbox.typeStubs(), /async def price\(sym: str\)/);
});

test("an interactive statement and its file name", async () => {
  assert.equal((await new Sandbox().execute("1 + 1", { interactive: true })).stdoutText, "2\n");
  const error = await failure(new Sandbox().execute("1/0", { filename: "mine.py" }), ExecutionError);
  assert.match(error.traceback!, /File "mine.py", line 1/);
});
