/** Sandboxes: programs that know nothing of each other. */

import { type CommonOptions, commonConfig, handlersOf } from "./config.js";
import { Executor } from "./executor.js";
import type { SandboxFactory } from "./factory.js";
import { Offer } from "./library.js";

/** What a sandbox is made with. */
export interface SandboxOptions extends CommonOptions {
  /** Programs begin where the factory's imports and set-up code ended. */
  factory?: SandboxFactory | undefined;
}

/**
 * Runs programs, each from the pristine interpreter with empty files. Any number of them may run at the same time.
 *
 * @example
 * const result = await new Sandbox().execute("print('hello')");
 * result.stdoutText; // "hello\n"
 */
export class Sandbox extends Executor {
  /** Never blocks: what is wrong with the options is thrown by the first execution, or by `ready()`. */
  constructor(options: SandboxOptions = {}) {
    super("sandbox", new Offer(options, options.factory?.offer), handlersOf(options));
    const { factory, vfs, mcp } = options;
    this.create(commonConfig(options), {}, { factory, vfs, mcp });
  }
}
