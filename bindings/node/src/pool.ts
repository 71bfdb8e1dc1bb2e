/** Pools: a bounded number of sandboxes, some of them ready-made. */

import { Closing, type Links, withIds } from "./closing.js";
import { type CommonOptions, commonConfig, type HostOptions, handlersOf } from "./config.js";
import { PoolClosedError, PoolExhaustedError } from "./errors.js";
import type { Handlers } from "./executor.js";
import type { SandboxFactory } from "./factory.js";
import { Offer } from "./library.js";
import { limitsMessage } from "./limits.js";
import { perform } from "./queue.js";
import { answerOf } from "./request.js";
import { Stateful } from "./session.js";

/** What a pool is made with; what sandboxes and executions have too is of every lease that does not ask for its own. */
export interface SandboxPoolOptions extends CommonOptions {
  /** Where leases begin; default the plain interpreter. */
  factory?: SandboxFactory | undefined;
  /** How many leases there may be at once; default 10. */
  maxSize?: number | undefined;
  /** How many sandboxes wait ready-made; default 1, 0: none. */
  minIdle?: number | undefined;
  /** How long `acquire` waits, in milliseconds; default 30,000, null: for ever. */
  acquireTimeoutMs?: number | null | undefined;
  /** How long more than `minIdle` are kept unused, in milliseconds; default 300,000, null: for ever. */
  idleTimeoutMs?: number | null | undefined;
}

/** What differs from the pool's, for one lease. */
export interface LeaseOptions extends HostOptions {
  /** The program's `sys.argv`. */
  args?: readonly string[] | undefined;
  /** Environment variables that the program sees. */
  env?: Readonly<Record<string, string>> | undefined;
  /** What the program reads from standard input. */
  stdin?: Uint8Array | string | undefined;
  /** Gives up waiting when it is aborted. */
  signal?: AbortSignal | undefined;
}

/** How a pool is used: sandboxes now, and counts and times since it was made. */
export interface PoolStats {
  readonly total: number;
  readonly idle: number;
  readonly available: number;
  readonly inUse: number;
  readonly totalAcquisitions: number;
  readonly totalCreations: number;
  readonly waitCount: number;
  readonly totalWaitTimeMs: number;
  readonly averageWaitTimeMs: number;
}

/** A sandbox of a pool, the caller's until it is released. Its state lasts as long; nobody else sees any of it. */
export class PooledSandbox extends Stateful {
  /** Which is kept from the garbage collector as long. */
  readonly #pool: SandboxPool;

  /** @internal */
  constructor(id: number, offer: Offer, handlers: Handlers, pool: SandboxPool) {
    super("session", offer, handlers);
    this.#pool = pool;
    this.open(Promise.resolve(id));
  }

  /** The pool that lent it. */
  get pool(): SandboxPool {
    return this.#pool;
  }

  /** Gives the sandbox back; `close` does the same. Releasing again does nothing. */
  release(): Promise<void> {
    return this.close();
  }
}

/**
 * Bounds how many sandboxes run at once and keeps some ready. Each lease is pristine.
 *
 * @example
 * const pool = new SandboxPool({ maxSize: 4 });
 * const sandbox = await pool.acquire();
 * try {
 *   await sandbox.execute("print(1)");
 * } finally {
 *   await sandbox.release();
 * }
 */
export class SandboxPool extends Closing {
  readonly #offer: Offer;
  readonly #handlers: Handlers;
  readonly #links: Links;

  /** @throws RangeError for a size that is none. */
  constructor(options: SandboxPoolOptions = {}) {
    super("pool");
    const { factory, maxSize, minIdle, acquireTimeoutMs, idleTimeoutMs } = options;
    if (maxSize !== undefined && !(maxSize >= 1)) throw new RangeError(`maxSize is ${maxSize}: use a positive number`);
    this.#offer = new Offer(options, factory?.offer);
    this.#handlers = handlersOf(options);
    this.#links = { factory, vfs: options.vfs, mcp: options.mcp };
    const config = { ...commonConfig(options), ...this.#offer.config() };
    const message = {
      op: "pool.new",
      max_size: maxSize,
      min_idle: minIdle,
      acquire_timeout_ms: acquireTimeoutMs === null ? -1 : acquireTimeoutMs,
      idle_timeout_ms: idleTimeoutMs === null ? -1 : idleTimeoutMs,
    };
    const make = async ({ factory, ...ids }: Record<string, number>): Promise<number> =>
      (await perform({ ...message, config: { ...config, ...ids }, factory }, {}, answerOf)).pool as number;
    this.open(withIds(this.#links, make));
  }

  /** @internal */
  protected override closedError(): Error {
    return new PoolClosedError("the pool is closed");
  }

  async #lease(wait: boolean, options: LeaseOptions): Promise<PooledSandbox> {
    const { resourceLimits, callbacks, args, env, stdin, signal } = options;
    const offer = callbacks === undefined ? this.#offer : new Offer({ callbacks }, this.#offer);
    const config = {
      limits: resourceLimits && limitsMessage(resourceLimits),
      callbacks: callbacks && offer.messages(),
      args,
      env,
      stdin: typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin,
    };
    const { session } = await this.ask("acquire", { config, wait }, { signal });
    const handlers = {
      ...this.#handlers,
      onStdout: options.onStdout ?? this.#handlers.onStdout,
      onStderr: options.onStderr ?? this.#handlers.onStderr,
    };
    return new PooledSandbox(session as number, offer, handlers, this);
  }

  /** A lease; waits for one behind those who wait already. PoolTimeoutError, PoolClosedError, AbortError. */
  acquire(options: LeaseOptions = {}): Promise<PooledSandbox> {
    return this.#lease(true, options);
  }

  /** A lease, or null when there is none at once. */
  async tryAcquire(options: LeaseOptions = {}): Promise<PooledSandbox | null> {
    try {
      return await this.#lease(false, options);
    } catch (error) {
      if (error instanceof PoolExhaustedError) return null;
      throw error;
    }
  }

  /** How the pool is used now. */
  async stats(): Promise<PoolStats> {
    const stats = (await this.ask("stats")) as Record<string, number>;
    return {
      total: stats.total!,
      idle: stats.idle!,
      available: stats.available!,
      inUse: stats.in_use!,
      totalAcquisitions: stats.total_acquisitions!,
      totalCreations: stats.total_creations!,
      waitCount: stats.wait_count!,
      totalWaitTimeMs: stats.total_wait_time_ms!,
      averageWaitTimeMs: stats.average_wait_time_ms!,
    };
  }

  /** Runs an empty program as a lease would, beside the leases; throws what fails when the pool does not work. */
  async check(): Promise<void> {
    await this.ask("check");
  }

  /** Frees sandboxes that were unused for longer than the timeout; how many. */
  async evictIdle(): Promise<number> {
    return (await this.ask("evict_idle")).count as number;
  }
}
