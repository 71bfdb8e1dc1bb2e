/** The only module that knows the addon: finds it, loads it on first use, and says what its statuses mean. */

import { existsSync } from "node:fs";
import path from "node:path";

import { encode } from "./encoder.js";
import { EryxError, InitializationError } from "./errors.js";

const ABI_VERSION = 1;

/** The statuses of include/eryx.h. */
export const Status = {
  OK: 0,
  EMPTY: 1,
  MORE: 2,
  EINVAL: -1,
  EHANDLE: -2,
  EMESSAGE: -3,
  ESPACE: -4,
  EABI: -5,
  EPANIC: -6,
  ECLOSED: -7,
  ESYSTEM: -8,
  EFORK: -100,
} as const;

const TEXTS: Record<number, string> = {
  [Status.EINVAL]: "an argument makes no sense: a message of more than 1 GiB?",
  [Status.EHANDLE]: "no such handle",
  [Status.EMESSAGE]: "the message is not what was expected",
  [Status.EABI]: "the library speaks another ABI version",
  [Status.EPANIC]: "a fault in the library",
  [Status.ECLOSED]: "the library was shut down",
  [Status.ESYSTEM]: "the operating system refused: too many open files?",
  [Status.EFORK]: "eryx was used before the process was forked",
};

/** The functions of src/native.c. */
export interface Addon {
  open(library: string): string | undefined;
  init(abiVersion: number, config: Uint8Array): number;
  queueOpen(wake: (later: boolean) => boolean): number;
  queueClose(): void;
  submit(queue: number, message: Uint8Array): number;
  cancel(request: number): number;
  complete(answers: Uint8Array, length: number): number;
  drain(queue: number, buffer: Uint8Array, length: Uint32Array): number;
  resume(): void;
  keepAlive(wanted: boolean): void;
  fixSignals(): number;
}

/** What `configure` takes. */
export interface RuntimeOptions {
  /** Where compiled code is kept; default the user's cache folder, `"-"`: nowhere. */
  cacheDir?: string | undefined;
  /** How many threads run Python at once; default as many as there are processors. */
  maxProcs?: number | undefined;
  /** As GOGC, for the library's own garbage collector. */
  gcPercent?: number | undefined;
  /** As GOMEMLIMIT. */
  memoryLimitBytes?: number | undefined;
}

let options: RuntimeOptions = {};
let loaded: Addon | undefined;

/** The error of a negative status; nothing for the others. */
export function check(status: number): void {
  if (status < 0) throw new EryxError(`${TEXTS[status] ?? "the call failed"} (status ${status})`);
}

/**
 * Settings of the library for the whole process. To be called before eryx is first used.
 *
 * @throws InitializationError when the library is loaded already.
 */
export function configure(settings: RuntimeOptions): void {
  if (loaded !== undefined) throw new InitializationError("configure must be called before eryx is first used");
  options = { ...settings };
}

/** The platform's package: "linux-x64-gnu". */
function platform(): string {
  return `${process.platform}-${process.arch}-gnu`;
}

/** The folder with eryx.node: what ERYX_NATIVE_DIR names, the platform's package, or ./native of a clone. */
function nativeFolder(): string {
  const named = process.env.ERYX_NATIVE_DIR;
  if (named) return path.resolve(named);
  try {
    return path.dirname(require.resolve(`@eryx/${platform()}/eryx.node`));
  } catch {
    // not installed
  }
  const own = path.join(__dirname, "..", "native");
  if (existsSync(path.join(own, "eryx.node"))) return own;
  throw new InitializationError(
    `there is no package @eryx/${platform()}: eryx runs on Linux with glibc on x64 and arm64. Install without ` +
      "--omit=optional, or set ERYX_NATIVE_DIR to a folder with eryx.node and liberyx.so",
  );
}

function config(folder: string): Uint8Array {
  const code = path.join(folder, "code.tar.zst");
  return encode({
    cache_dir: options.cacheDir ?? (process.env.ERYX_CACHE_DIR || undefined),
    max_procs: options.maxProcs,
    gc_percent: options.gcPercent,
    memory_limit_bytes: options.memoryLimitBytes,
    code_file: existsSync(code) ? code : undefined,
  });
}

/** Handlers that Node installs lack a flag that the library's threads need; its own listener runs before this one. */
function watchSignals(addon: Addon): void {
  process.on("newListener", (event) => {
    if (typeof event === "string" && event.startsWith("SIG")) {
      addon.fixSignals();
      setImmediate(() => addon.fixSignals()).unref();
    }
  });
  addon.fixSignals();
}

function load(): Addon {
  const folder = nativeFolder();
  const library = process.env.ERYX_LIBRARY || path.join(folder, "liberyx.so");
  let addon: Addon;
  try {
    addon = require(path.join(folder, "eryx.node")) as Addon;
  } catch (error) {
    throw new InitializationError(`cannot load ${path.join(folder, "eryx.node")}: ${(error as Error).message}`);
  }
  const fault = addon.open(library);
  if (fault !== undefined) throw new InitializationError(`cannot load ${library}: ${fault}`);
  check(addon.init(ABI_VERSION, config(folder)));
  watchSignals(addon);
  return addon;
}

/**
 * The addon, loaded on first use.
 *
 * @throws InitializationError where there is none for this platform.
 */
export function native(): Addon {
  loaded ??= load();
  return loaded;
}

/** The addon if it is loaded; for clean-up, which must not load it. */
export function nativeIfLoaded(): Addon | undefined {
  return loaded;
}
