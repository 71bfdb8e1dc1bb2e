// Runs the compiled tests with node's own runner, one file at a time: each is a process of its own.
//   node scripts/run_tests.mjs [names of tests, default all]
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import path from "node:path";

const folder = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), "../build");
const wanted = process.argv.slice(2);
const files = readdirSync(folder)
  .filter((name) => name.endsWith(".test.mjs"))
  .filter((name) => wanted.length === 0 || wanted.includes(name.replace(".test.mjs", "")))
  .sort()
  .map((name) => path.join(folder, name));
const done = spawnSync(process.execPath, ["--expose-gc", "--test", "--test-concurrency=1", ...files], {
  stdio: "inherit",
});
process.exit(done.status ?? 1);
