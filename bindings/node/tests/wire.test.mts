/** The codec: the vectors of tests/vectors/wire, JavaScript's own values, hostile bytes. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { decode } from "../dist/decoder.js";
import { encode } from "../dist/encoder.js";

interface WireValue {
  name: string;
  value: unknown;
  canonical: string;
  accepted: string[];
}

interface Rejected {
  name: string;
  bytes: string;
  repeat: { bytes: string; count: number; then?: string } | null;
}

function cases<T>(name: string): T[] {
  const file = new URL(`../../../tests/vectors/wire/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { cases: T[] }).cases;
}

const FLOATS: Record<string, number> = { inf: Infinity, "-inf": -Infinity, nan: NaN };

/** The JavaScript value of a wire vector's notation: integers are bigints where a number would lose. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const [kind, content] = Object.entries(value)[0] as [string, string];
  if (kind === "$int") return Number.isSafeInteger(Number(content)) ? Number(content) : BigInt(content);
  if (kind === "$float") return FLOATS[content] ?? Number(content);
  if (kind === "$bytes") return new Uint8Array(Buffer.from(content, "hex"));
  return Object.fromEntries((content as unknown as [string, unknown][]).map(([key, item]) => [key, plain(item)]));
}

for (const { name, value, canonical, accepted } of cases<WireValue>("values")) {
  test(`value: ${name}`, () => {
    const expected = plain(value);
    for (const encoded of [canonical, ...accepted]) {
      assert.deepStrictEqual(decode(Buffer.from(encoded, "hex")), expected);
    }
    assert.deepStrictEqual(decode(encode(expected)), expected);
    // A whole float is an integer in JavaScript, and a map keeps its own order.
    if (!name.startsWith("float") && name !== "nan" && name !== "keys in order of bytes") {
      assert.equal(Buffer.from(encode(expected)).toString("hex"), canonical);
    }
  });
}

for (const { name, bytes, repeat } of cases<Rejected>("rejected")) {
  test(`rejected: ${name}`, () => {
    const parts = [Buffer.from(bytes, "hex")];
    if (repeat) {
      const one = Buffer.from(repeat.bytes, "hex");
      parts.push(Buffer.alloc(one.length * repeat.count, one), Buffer.from(repeat.then ?? "", "hex"));
    }
    assert.throws(() => decode(Buffer.concat(parts)), RangeError);
  });
}

test("values of JavaScript's own", () => {
  const pass = (value: unknown): unknown => decode(encode(value));
  assert.deepStrictEqual(pass({ a: undefined, b: [undefined] }), { b: [null] });
  assert.equal(pass(undefined), null);
  assert.ok(Object.is(pass(-0), -0));
  assert.equal(pass(new Date(0)), "1970-01-01T00:00:00.000Z");
  assert.deepStrictEqual(pass(new Map([["k", 1]])), { k: 1 });
  assert.deepStrictEqual(pass(Buffer.from("ab")), new Uint8Array([97, 98]));
  assert.deepStrictEqual(pass(new Uint8Array([1, 2]).buffer), new Uint8Array([1, 2]));
  assert.equal(pass(5n), 5);
  assert.equal(pass(2n ** 53n), 2n ** 53n);
  assert.equal(pass(2 ** 53), 2 ** 53); // as a float: nothing says that it is an integer
  const text = "é".repeat(70_000);
  assert.equal(pass(text), text);
  class Row {
    id = 1;
  }
  assert.deepStrictEqual(pass(new Row()), { id: 1 });
});

test("a key __proto__ is a key", () => {
  const value = decode(Buffer.from("81a95f5f70726f746f5f5f81a17801", "hex")) as object;
  assert.deepEqual(Object.keys(value), ["__proto__"]);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.deepStrictEqual(decode(encode(value)), value);
});

test("what cannot be passed", () => {
  const circle: unknown[] = [];
  circle.push(circle);
  const values = [() => 1, Symbol("s"), new Set(), new Map([[1, 2]]), Promise.resolve(), /x/, new Error("e"), "\ud800"];
  for (const value of [...values, new Float64Array(2)]) {
    assert.throws(() => encode({ value }), TypeError, String(value));
  }
  assert.throws(() => encode(circle), RangeError);
});
