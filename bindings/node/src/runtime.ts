/** The library itself: starting it, and what it has open. */

import { perform } from "./queue.js";
import { answerOf } from "./request.js";

/** What the library is and what is open in this process, in all threads of it. */
export interface RuntimeInfo {
  readonly version: string;
  /** The names of all operations. */
  readonly operations: readonly string[];
  readonly runtimeLoaded: boolean;
  readonly sandboxCount: number;
  readonly sessionCount: number;
  readonly factoryCount: number;
  readonly poolCount: number;
  readonly storeCount: number;
  readonly mcpCount: number;
  readonly vfsCount: number;
  /** Calls of host functions that wait for their answer. */
  readonly callCount: number;
  /** Requests under way, without this one. */
  readonly requestCount: number;
}

/** Starts the interpreter, so that the first program need not wait for it. Everything else starts it, too. */
export async function init(): Promise<void> {
  await perform({ op: "runtime.init" }, {}, answerOf);
}

/** What the library is and what is open. */
export async function info(): Promise<RuntimeInfo> {
  const value = await perform({ op: "info" }, {}, answerOf);
  const camel = (name: string): string => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [camel(name), item])) as unknown as RuntimeInfo;
}
