/** The code of the README runs, and prints what it says. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const blocks = [...readme.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1]!);
const expected = [
  "['<h1>a</h1>', '<h1>b</h1>']\n[ 10, 10 ]\n",
  "3 [0, 1, 2]\n",
  "[REDACTED]\nPermissionError the host 127.0.0.1:80 is not allowed by the network policy (allowed_hosts does not have it)\n",
  "ZeroDivisionError 20\n0\n1\n2\n",
];

test("every block of code is known", () => {
  assert.equal(blocks.length, expected.length);
});

for (const [i, block] of blocks.entries()) {
  test(`block ${i + 1}`, () => {
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", block], {
      cwd: PACKAGE,
      encoding: "utf8",
    });
    assert.equal(output, expected[i]);
  });
}
