/** The table of errors that every language has, and the records that they are made of. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as eryx from "eryx";

import { CODES, errorFrom } from "../dist/errors.js";

const TABLE = new URL("../../../tests/vectors/errors.json", import.meta.url);

test("every code has its class", () => {
  const { codes } = JSON.parse(readFileSync(TABLE, "utf8")) as { codes: { code: string; node: string }[] };
  assert.deepEqual(codes.map((entry) => entry.code).sort(), Object.keys(CODES).sort());
  for (const { code, node } of codes) {
    const error = errorFrom({ code, message: "text" });
    assert.equal(error.constructor, (eryx as unknown as Record<string, unknown>)[node], code);
    assert.ok(error instanceof eryx.EryxError && error instanceof Error);
    assert.deepEqual([error.name, error.code, error.message, String(error)], [node, code, "text", `${node}: text`]);
  }
});

test("an unknown code is the base error", () => {
  const error = errorFrom({ code: "from_the_future", message: "text", unknown: 1 } as {
    code: string;
    message: string;
  });
  assert.equal(error.constructor, eryx.EryxError);
  assert.equal(error.code, "from_the_future");
  assert.equal(errorFrom({ code: "constructor", message: "text" }).constructor, eryx.EryxError);
});

test("a record of the program's exception", () => {
  const python = { type: "ValueError", message: "no", traceback: "Traceback ...", frames: [["<user>", 1, "f", "x"]] };
  const error = errorFrom({
    code: "python",
    message: "ValueError: no",
    python: python as never,
    killed: true,
  });
  assert.deepEqual(
    [error.type, error.message, error.traceback, error.killed],
    ["ValueError", "no", "Traceback ...", true],
  );
  assert.match(error.stack!, /^ExecutionError: Traceback/);
  assert.deepEqual(error.python?.frames, [{ file: "<user>", line: 1, function: "f", source: "x" }]);
  assert.equal(error.stdout.length, 0);
  assert.equal(error.result, undefined);
});
