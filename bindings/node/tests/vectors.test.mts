/** The cases of tests/vectors, which every language runs. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import {
  type CallbackOptions,
  type Callbacks,
  EryxError,
  Library,
  type LibraryOptions,
  NetConfig,
  type ResourceLimitsOptions,
  Sandbox,
  type Secret,
  Session,
  type SessionOptions,
} from "eryx";

const VECTORS = fileURLToPath(new URL("../../../tests/vectors", import.meta.url));
const SEPARATOR = "\n# --- next ---\n";

interface Step {
  op: string;
  expect?: Record<string, unknown>;
  [field: string]: unknown;
}

interface Case {
  config?: Record<string, unknown>;
  callbacks?: string[];
  session?: boolean;
  refused?: Record<string, unknown>;
  steps: Step[];
}

const read = <T,>(...parts: string[]): T => JSON.parse(readFileSync(path.join(VECTORS, ...parts), "utf8")) as T;
const index = read<{ case_count: number; host_functions: Record<string, { schema: object }> }>("index.json");
const names = readdirSync(path.join(VECTORS, "cases"))
  .filter((name) => name.endsWith(".json"))
  .map((name) => name.slice(0, -".json".length))
  .sort();

const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const camelKeys = (fields: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [camel(name), value]));

/** The ten host functions; half of them async, so that both ways are used. */
function hostFunctions(): Record<string, CallbackOptions["fn"]> {
  let count = 0;
  return {
    add: ({ a, b }) => a + b,
    echo: ({ value }) => value,
    concat: ({ parts, separator = "" }) => parts.join(separator),
    sleep_ms: ({ ms }) => new Promise((resolve) => setTimeout(resolve, ms, ms)),
    fail: ({ message }) => {
      throw new Error(message);
    },
    get_list: async ({ n }) => Array.from({ length: n }, (_, i) => i),
    big_int: async ({ bits }) => 2n ** BigInt(bits),
    bytes_back: async ({ data }) => data.reverse(),
    counter: () => ++count,
    never: () => new Promise(() => undefined),
  };
}

/** Host functions by their names. */
function callbacksOf(names: readonly string[] = []): Callbacks {
  const functions = hostFunctions();
  assert.deepEqual(Object.keys(functions).sort(), Object.keys(index.host_functions).sort());
  const callbacks: Record<string, CallbackOptions> = {};
  for (const name of names) callbacks[name] = { fn: functions[name]!, schema: index.host_functions[name]!.schema };
  return callbacks;
}

interface Config {
  limits?: object;
  libraries?: (Omit<LibraryOptions, "callbacks"> & { callbacks?: string[] })[];
  network?: object;
  secrets?: ({ name: string } & Record<string, unknown>)[];
}

function options(one: Case): SessionOptions {
  const { limits, libraries, network, secrets, ...config } = (one.config ?? {}) as Config;
  return {
    ...camelKeys(config),
    resourceLimits: camelKeys(limits ?? {}) as ResourceLimitsOptions,
    callbacks: callbacksOf(one.callbacks),
    libraries: libraries?.map((library) => new Library({ ...library, callbacks: callbacksOf(library.callbacks) })),
    network: network && new NetConfig(camelKeys(network)),
    secrets:
      secrets && Object.fromEntries(secrets.map(({ name, ...rest }) => [name, camelKeys(rest) as unknown as Secret])),
  };
}

/** Whether a value is what a matcher wants. */
function same(expected: unknown, got: unknown): boolean {
  if (expected === null) return got === null || got === undefined;
  if (typeof expected === "object" && !Array.isArray(expected)) {
    const matcher = expected as Record<string, unknown>;
    if ("contains" in matcher) return typeof got === "string" && got.includes(matcher.contains as string);
    if ("matches" in matcher) return typeof got === "string" && new RegExp(matcher.matches as string).test(got);
    if ("between" in matcher) {
      const [least, most] = matcher.between as [number, number];
      return typeof got === "number" && least <= got && got <= most;
    }
    if ("bytes" in matcher) return got instanceof Uint8Array && Buffer.from(got).toString("hex") === matcher.bytes;
    if ("list" in matcher) {
      const list = matcher.list as unknown[];
      return Array.isArray(got) && got.length === list.length && list.every((item, i) => same(item, got[i]));
    }
  }
  try {
    assert.deepStrictEqual(got, expected);
    return true;
  } catch {
    return false;
  }
}

const FIELDS: Record<string, string> = { stdout: "stdoutText", stderr: "stderrText" };

function compare(expect: Record<string, unknown>, outcome: unknown, error: EryxError | undefined): void {
  const { error: wanted, ...fields } = expect;
  if (wanted === undefined && error !== undefined) throw error;
  let got = outcome as Record<string, unknown> | undefined;
  if (wanted !== undefined) {
    assert.ok(error, "no error");
    for (const [key, value] of Object.entries(wanted as object)) {
      const found = (error as unknown as Record<string, unknown>)[camel(key)];
      assert.ok(same(value, found), `error.${key} is ${JSON.stringify(found)}`);
    }
    got = error.result as unknown as Record<string, unknown> | undefined;
  }
  for (const [key, value] of Object.entries(fields)) {
    const found = got?.[FIELDS[key] ?? camel(key)];
    assert.ok(same(value, found), `${key} is ${JSON.stringify(found)}`);
  }
}

/** The steps by their names. */
class Runner {
  readonly #case: Case;
  readonly #parts: string[];
  #target: Sandbox | Session;

  constructor(one: Case, parts: string[]) {
    this.#case = one;
    this.#parts = parts;
    this.#target = one.session ? new Session(options(one)) : new Sandbox(options(one));
  }

  get #session(): Session {
    assert.ok(this.#target instanceof Session);
    return this.#target;
  }

  async run(): Promise<void> {
    if (this.#case.refused !== undefined) {
      const caught = await this.#target.ready().then(
        () => undefined,
        (error: EryxError) => error,
      );
      compare({ error: this.#case.refused }, undefined, caught);
      return;
    }
    for (const step of this.#case.steps) {
      let outcome: unknown;
      let error: EryxError | undefined;
      try {
        outcome = await this.#perform(step);
      } catch (caught) {
        assert.ok(caught instanceof EryxError, String(caught));
        error = caught;
      }
      compare(step.expect ?? {}, outcome, error);
    }
    assert.equal(this.#parts.length, 0, "a part of the program was not run");
    await this.#target.close();
  }

  async #perform(step: Step): Promise<unknown> {
    const name = step.name as string;
    switch (step.op) {
      case "execute":
        return this.#target.execute(this.#parts.shift()!);
      case "clear_state":
        return this.#session.clearState();
      case "reset":
        return this.#session.reset();
      case "execution_count":
        return { count: await this.#session.executionCount() };
      case "call":
        return {
          value: await this.#session.call(name, (step.args as unknown[]) ?? [], {
            kwargs: (step.kwargs as Record<string, unknown>) ?? {},
          }),
        };
      case "type_stubs":
        return { text: await this.#target.typeStubs() };
      case "get":
        return { value: await this.#session.get(name) };
      case "set":
        return this.#session.set(name, step.value);
      case "snapshot_and_restore_in_new": {
        const { snapshot } = await this.#session.snapshotState();
        this.#target = new Session(options(this.#case));
        return this.#session.restoreState(snapshot);
      }
      case "fork_and_use_copy":
        this.#target = await this.#session.fork();
        return undefined;
      default:
        throw new Error(`this test does not know the step ${step.op}`);
    }
  }
}

test("every case is run", () => {
  assert.equal(names.length, index.case_count);
});

for (const name of names) {
  test(`case ${name}`, async () => {
    const one = read<Case>("cases", `${name}.json`);
    const source = readFileSync(path.join(VECTORS, "cases", `${name}.py`), "utf8").replace(/\n+$/, "");
    const parts = !one.steps.some(({ op }) => op === "execute")
      ? []
      : source.split(SEPARATOR).map((part) => part + "\n");
    await new Runner(one, parts).run();
  });
}
