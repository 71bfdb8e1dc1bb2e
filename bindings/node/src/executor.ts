/** What sandboxes and sessions have in common: executing. */

import { Closing, type Kind, withIds } from "./closing.js";
import type { ErrorRecord } from "./errors.js";
import { Execution } from "./execution.js";
import type { Offer } from "./library.js";
import { limitsMessage, type ResourceLimitsOptions } from "./limits.js";
import type { OnConnect } from "./network.js";
import { perform } from "./queue.js";
import { outcomeOf, type ReplayOutcome } from "./replay.js";
import { answerOf, type Host, type OutputHandler, resultOf, type TraceHandler } from "./request.js";
import type { ExecuteResult } from "./results.js";

/** What one execution can ask for. */
export interface ExecuteOptions {
  /** Ends the program when it is aborted: the promise is then rejected with AbortError, once the program has ended. */
  signal?: AbortSignal | undefined;
  /** `executionTimeoutMs` of this execution; null: none. */
  timeoutMs?: number | null | undefined;
  /** What differs from the limits of the sandbox or session. */
  resourceLimits?: ResourceLimitsOptions | undefined;
  /** The program's name in tracebacks; default "<user>". */
  filename?: string | undefined;
  /** One statement, as typed at a prompt: the value of an expression is printed. */
  interactive?: boolean | undefined;
  /** Instead of those of the sandbox or session. */
  onStdout?: OutputHandler | undefined;
  onStderr?: OutputHandler | undefined;
  /** Collect what the program does in `ExecuteResult.trace`; default: as the sandbox or session was made. */
  trace?: boolean | undefined;
  /** Called with each step of the program's while it runs. */
  onTrace?: TraceHandler | undefined;
}

/** Makes the outcome of a request, or throws. */
type Reader<T> = (value: unknown, error: ErrorRecord | null, signal?: AbortSignal) => T;

/** What output is given to, and who decides about connections. */
export interface Handlers {
  readonly onStdout?: OutputHandler | undefined;
  readonly onStderr?: OutputHandler | undefined;
  readonly onConnect?: OnConnect | undefined;
}

/** What a sandbox or session can be made with. A pool is only kept. */
export interface ExecutorLinks {
  readonly factory?: Closing | undefined;
  readonly store?: Closing | undefined;
  readonly vfs?: Closing | undefined;
  readonly mcp?: Closing | undefined;
}

function limitsOf(options: ExecuteOptions): Record<string, unknown> | undefined {
  const { timeoutMs, resourceLimits } = options;
  if (timeoutMs === undefined && resourceLimits === undefined) return undefined;
  const limits = timeoutMs === undefined ? resourceLimits : { ...resourceLimits, executionTimeoutMs: timeoutMs };
  return limitsMessage(limits);
}

/** Base of Sandbox and Session: something that runs programs. */
export abstract class Executor extends Closing {
  readonly #kind: Kind;
  #offer: Offer;
  readonly #handlers: Handlers;
  #links: ExecutorLinks = {};

  /** @internal */
  protected constructor(kind: Kind, offer: Offer, handlers: Handlers) {
    super(kind);
    this.#kind = kind;
    this.#offer = offer;
    this.#handlers = handlers;
  }

  /** @internal Makes the object in the library. */
  protected create(config: Record<string, unknown>, fields: Record<string, unknown>, links: ExecutorLinks): void {
    this.#links = links;
    const offered = this.#offer.config();
    const make = async ({ factory, store, ...ids }: Record<string, number>): Promise<number> => {
      const message = { op: `${this.#kind}.new`, config: { ...config, ...offered, ...ids }, factory, store, ...fields };
      return (await perform(message, {}, answerOf))[this.#kind] as number;
    };
    this.open(withIds({ ...links }, make));
  }

  /** @internal What the object uses, and keeps from the garbage collector. */
  protected get links(): ExecutorLinks {
    return this.#links;
  }

  protected set links(links: ExecutorLinks) {
    this.#links = links;
  }

  /** @internal The host functions that programs can await, and libraries. */
  protected get offer(): Offer {
    return this.#offer;
  }

  protected set offer(offer: Offer) {
    this.#offer = offer;
  }

  /** @internal */
  protected get handlers(): Handlers {
    return this.#handlers;
  }

  /** @internal A request that may run code of the guest's. */
  protected program<T>(
    operation: string,
    fields: Record<string, unknown>,
    options: ExecuteOptions,
    read: Reader<T>,
  ): Promise<T> {
    const { signal, onTrace } = options;
    const onStdout = options.onStdout ?? this.#handlers.onStdout;
    const onStderr = options.onStderr ?? this.#handlers.onStderr;
    const rest = {
      limits: limitsOf(options),
      filename: options.filename,
      interactive: options.interactive,
      stdout_events: onStdout !== undefined || undefined,
      stderr_events: onStderr !== undefined || undefined,
      trace: options.trace,
      trace_events: onTrace !== undefined || undefined,
    };
    return this.withId((id) => {
      const message = { op: `${this.#kind}.${operation}`, [this.#kind]: id, ...fields, ...rest };
      const { onConnect } = this.#handlers;
      const host: Host = { owner: this, callbacks: this.#offer.served, onStdout, onStderr, onTrace, onConnect, signal };
      return perform(message, host, read);
    });
  }

  /** @internal */
  #execute<T>(code: string, fields: object, options: ExecuteOptions, read: Reader<T>): Promise<T> {
    if (typeof code !== "string") return Promise.reject(new TypeError(`code must be text, not ${typeof code}`));
    return this.program("execute", { code, ...fields }, options, read);
  }

  /**
   * Runs a program; `await` is allowed at its top. Host functions run in this event loop, which is never blocked.
   *
   * @throws ExecutionError: the program raised; `traceback` is what Python would print.
   * @throws TimeoutError, ResourceLimitError: a limit was hit.
   * @throws AbortError: the signal was aborted.
   * @throws ClosedError: this object is closed, or the session must be reset.
   */
  async execute(code: string, options: ExecuteOptions = {}): Promise<ExecuteResult> {
    return this.#execute(code, {}, options, resultOf);
  }

  /**
   * Runs a program and keeps a journal of what its host functions answer.
   *
   * With the journal of an earlier run, the calls that are in it are answered from it, in whatever order the program makes
   * them; from the first call that is not, the host functions are called. So a program that was suspended by
   * SuspendCallback, ran out of time or was lost in a crash goes on where it was, if it does the same again. A session whose
   * program is stopped so is as it was before. What becomes of the program, be it an error, is in the outcome.
   *
   * @throws InvalidError: `journal` is none.
   * @throws ClosedError: this object is closed, or the session must be reset.
   */
  async executeWithJournal(code: string, journal = "", options: ExecuteOptions = {}): Promise<ReplayOutcome> {
    return this.#execute(code, { journal }, options, outcomeOf);
  }

  /** Starts a program, whose output can be read while it is written. The handle can be awaited and cancelled. */
  start(code: string, options: ExecuteOptions = {}): Execution {
    return new Execution(this.#handlers, options, (streaming) => this.execute(code, streaming));
  }

  /** The callbacks, and what libraries say of their modules, as Python stubs (`.pyi`): to show to people and language models. */
  async typeStubs(): Promise<string> {
    return (await this.ask("type_stubs")).text as string;
  }
}
