// Measures our Node package, or Pyodide in Node, for bench/cmd/bench: it reads {"metric", "count"} per line and answers
// {"samples"} or {"error"}. Samples are in seconds, or bytes.
//   node measure.mjs eryx|pyodide

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const CPU = new URL("../cpu/", import.meta.url);
const checksums = JSON.parse(readFileSync(new URL("checksums.json", CPU), "utf8"));

const SEQUENTIAL = "for i in range(500):\n    await echo(x=i)\n";
const GATHERED = `
import asyncio
got = await asyncio.gather(*[echo(x=i) for i in range(1000)])
assert got == list(range(1000))
`;

/** How each side does what is measured. */
const sides = {
  eryx: async () => {
    const { Sandbox, Session, version } = await import("eryx");
    const resourceLimits = { maxCallbackInvocations: null, executionTimeoutMs: null };
    const callbacks = { echo: async ({ x }) => x };
    const instance = async () => {
      const session = new Session({ callbacks, resourceLimits });
      return { run: async (code) => (await session.execute(code)).stdoutText, close: () => session.close() };
    };
    const createPrint = async () => (await new Sandbox().execute("print('hi')")).stdoutText;
    return { version, instance, createPrint, instances: 100 };
  },
  pyodide: async () => {
    const { loadPyodide, version } = await import("pyodide");
    const instance = async () => {
      let text = "";
      const python = await loadPyodide({ stdout: (line) => (text += `${line}\n`) });
      const echo = async (options) => options.x;
      python.globals.set("_echo", echo);
      // A JavaScript function takes keyword arguments as one object, as ours do.
      python.runPython("def echo(**arguments): return _echo(**arguments)");
      const run = async (code) => {
        text = "";
        await python.runPythonAsync(code);
        return text;
      };
      return { run, close: async () => undefined };
    };
    const createPrint = async () => (await instance()).run("print('hi')");
    return { version, instance, createPrint, instances: 4 };
  },
};

async function timed(work) {
  const began = performance.now();
  const result = await work();
  return [(performance.now() - began) / 1000, result];
}

function expect(got, wanted) {
  if (got.trim() !== wanted.trim()) throw new Error(`it printed ${JSON.stringify(got.slice(0, 200))}`);
}

function privateDirty() {
  globalThis.gc?.();
  return 1024 * Number(/Private_Dirty:\s+(\d+)/.exec(readFileSync("/proc/self/smaps_rollup", "utf8"))[1]);
}

/** Time from the start of a process of this file to the first line that it writes. */
async function untilFirstLine(args) {
  const began = performance.now();
  const child = spawn(process.execPath, ["--expose-gc", fileURLToPath(import.meta.url), ...args], { cwd: HERE });
  let text = "";
  let seconds = 0;
  child.stdout.on("data", (data) => {
    if (text === "") seconds = (performance.now() - began) / 1000;
    text += data;
  });
  let problem = "";
  child.stderr.on("data", (data) => {
    problem += data;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(problem || `exit code ${code}`);
  return [seconds, text];
}

class Measurements {
  #side;
  #name;
  #shared;

  constructor(name, side) {
    this.#name = name;
    this.#side = side;
  }

  async take(metric, count) {
    const samples = [];
    for (let i = 0; i < count; i++) samples.push(await this.#one(metric));
    return samples;
  }

  async #one(metric) {
    if (metric.startsWith("cpu/")) return this.#cpu(metric.slice("cpu/".length));
    switch (metric) {
      case "cold_start": {
        const [seconds, text] = await untilFirstLine([this.#name, "cold_start"]);
        expect(text, "hi");
        return seconds;
      }
      case "create_print": {
        const [seconds, text] = await timed(this.#side.createPrint);
        expect(text, "hi");
        return seconds;
      }
      case "memory":
        return Number((await untilFirstLine([this.#name, "memory"]))[1]);
      case "session_execute":
        return (await timed(async () => (await this.#instance()).run("print('hi')")))[0];
      case "callback_sequential":
        return (await timed(async () => (await this.#instance()).run(SEQUENTIAL)))[0] / 500;
      case "callback_gathered":
        return (await timed(async () => (await this.#instance()).run(GATHERED)))[0] / 1000;
      default:
        throw new Error(`no metric ${metric}`);
    }
  }

  /** The instance that measurements share, which is warm. */
  async #instance() {
    if (this.#shared === undefined) {
      this.#shared = await this.#side.instance();
      await this.#shared.run(GATHERED);
    }
    return this.#shared;
  }

  async #cpu(name) {
    const instance = await this.#side.instance();
    await instance.run(readFileSync(new URL(`${name}.py`, CPU), "utf8"));
    expect(await instance.run("run()"), checksums[name]); // which also warms it up
    const [seconds] = await timed(() => instance.run("run()"));
    await instance.close();
    return seconds;
  }
}

/** Bytes per instance that has printed something, beyond the first. */
async function memory(side) {
  const live = [await side.instance()];
  await live[0].run("print('hi')");
  const before = privateDirty();
  for (let i = 0; i < side.instances; i++) {
    const instance = await side.instance();
    await instance.run("print('hi')");
    live.push(instance);
  }
  return (privateDirty() - before) / side.instances;
}

async function serve(name, side) {
  const measurements = new Measurements(name, side);
  console.log(JSON.stringify({ version: side.version, file: name, python: `node ${process.version}` }));
  for await (const line of createInterface({ input: process.stdin })) {
    const { metric, count } = JSON.parse(line);
    let answer;
    try {
      answer = { samples: await measurements.take(metric, count) };
    } catch (error) {
      answer = {
        error: String(error.message ?? error)
          .trim()
          .split("\n")
          .at(-1),
      };
    }
    console.log(JSON.stringify(answer));
  }
  process.exit(0);
}

const [name, only] = process.argv.slice(2);
const side = await sides[name]();
if (only === "cold_start") console.log((await side.createPrint()).trim());
else if (only === "memory") console.log(await memory(side));
else await serve(name, side);
process.exit(0);
