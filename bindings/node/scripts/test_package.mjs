// Installs the packed packages into empty projects, offline and with an empty cache, and runs both kinds of modules.
//   node scripts/test_package.mjs [folder with the .tgz files, default dist of the repository]
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const packed = path.resolve(process.argv[2] ?? path.join(root, "dist"));
const { version } = JSON.parse(readFileSync(path.join(root, "bindings/node/package.json"), "utf8"));
const main = path.join(packed, `eryx-${version}.tgz`);
const platform = path.join(packed, `eryx-linux-${process.arch}-gnu-${version}.tgz`);
for (const file of [main, platform]) assert.ok(existsSync(file), `${file} is missing: make npm`);

const folder = mkdtempSync(path.join(tmpdir(), "eryx-package-"));
// Neither the environment nor a clone nearby may help.
const env = { PATH: process.env.PATH, HOME: folder, npm_config_cache: path.join(folder, "npm-cache") };
const run = (command, args, cwd, more = {}) =>
  execFileSync(command, args, { cwd, env: { ...env, ...more }, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

function project(name, tarballs) {
  const own = path.join(folder, name);
  mkdirSync(own);
  writeFileSync(path.join(own, "package.json"), JSON.stringify({ name, private: true }));
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", "--ignore-scripts", ...tarballs], own);
  return own;
}

const body = `
const sandbox = new Sandbox({ callbacks: { price: async ({ sym }) => 12.5 } });
sandbox.execute('print(await price(sym="ACME"))').then(
  (result) => console.log(result.stdoutText.trim()),
  (error) => console.log(error.name, error.message),
);
`;
const typed = (line) => `${line}
const session: Session = new Session({ callbacks: { add: ({ a, b }: { a: number; b: number }) => a + b } });
export async function f(signal: AbortSignal): Promise<string> {
  await using sandbox = new Sandbox({ resourceLimits: { maxFuel: null } });
  const execution = session.start("print(1)", { signal });
  for await (const { stream, data } of execution) process[stream].write(data);
  const result: ExecuteResult = await sandbox.execute("1", { timeoutMs: 5 });
  // @ts-expect-error a limit that does not exist
  new Sandbox({ resourceLimits: { maxFeul: 1 } });
  try {
    return result.stdoutText;
  } catch (error) {
    return error instanceof ExecutionError ? (error.traceback ?? "") : "";
  }
}
`;
const names = "{ type ExecuteResult, ExecutionError, Sandbox, Session }";
const types = {
  "consumer.mts": typed(`import ${names} from "eryx";`),
  "consumer.cts": typed(`import ${names} from "eryx";`),
};
const tools = path.join(root, "bindings/node/node_modules");
const TSC = ["--noEmit", "--strict", "--module", "node16", "--target", "es2022", "--lib", "es2022,esnext.disposable"];

const programs = {
  "esm.mjs": `import { Sandbox } from "eryx";${body}`,
  "cjs.cjs": `const { Sandbox } = require("eryx");${body}`,
  "both.mjs": `import * as esm from "eryx";
import { createRequire } from "node:module";
const cjs = createRequire(import.meta.url)("eryx");
console.log(cjs.Sandbox === esm.Sandbox, Object.keys(cjs).every((name) => name === "__esModule" || name in esm));`,
};

try {
  const whole = project("whole", [main, platform]);
  for (const [name, text] of Object.entries(programs)) writeFileSync(path.join(whole, name), text);
  for (const name of ["esm.mjs", "cjs.cjs"]) {
    const fresh = { ERYX_CACHE_DIR: path.join(folder, `cache of ${name}`) };
    // The machine code is in the package: the first program of all needs no compiler, and says nothing of one.
    assert.equal(run("node", [name], whole, fresh), "12.5\n", name);
    assert.ok(readdirSync(fresh.ERYX_CACHE_DIR).length > 0);
  }
  assert.equal(run("node", ["both.mjs"], whole), "true true\n");
  for (const [name, text] of Object.entries(types)) writeFileSync(path.join(whole, name), text);
  const typeRoots = ["--types", "node", "--typeRoots", path.join(tools, "@types")];
  run("node", [path.join(tools, "typescript/bin/tsc"), ...TSC, ...typeRoots, ...Object.keys(types)], whole);
  const alone = project("alone", [main]);
  writeFileSync(path.join(alone, "esm.mjs"), programs["esm.mjs"]);
  assert.match(run("node", ["esm.mjs"], alone), /^InitializationError there is no package @eryx\/linux-/);
  const scripts = readdirSync(path.join(whole, "node_modules/@eryx")).concat("../eryx");
  for (const name of scripts) {
    const file = path.join(whole, "node_modules/@eryx", name, "package.json");
    assert.equal(JSON.parse(readFileSync(file, "utf8")).scripts, undefined, `${name} has scripts`);
  }
  console.log("ok: both packages install offline, without scripts; ESM and CommonJS run, are one, and have types");
} finally {
  rmSync(folder, { recursive: true });
}
