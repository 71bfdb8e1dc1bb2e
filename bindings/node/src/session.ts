/** Sessions: one guest whose state lives from one execution to the next. */

import type { Callbacks } from "./callbacks.js";
import { type CommonOptions, commonConfig, handlersOf } from "./config.js";
import { type ExecuteOptions, Executor, type ExecutorLinks, type Handlers } from "./executor.js";
import type { SandboxFactory } from "./factory.js";
import { Offer } from "./library.js";
import { resultOf } from "./request.js";
import type { SessionStore } from "./store.js";

/** What a session is made with. */
export interface SessionOptions extends CommonOptions {
  /** What the program reads from standard input. */
  stdin?: Uint8Array | string | undefined;
  /** asyncio tasks that an execution did not wait for go on in later ones instead of being cancelled. */
  keepTasks?: boolean | undefined;
  /** An execution that fails or is killed leaves the session as it was before, files included. */
  checkpoint?: boolean | undefined;
  /** Start from what `snapshot` gave. */
  image?: Uint8Array | undefined;
  /** Moves the session to disk while it is not used and others are. */
  store?: SessionStore | undefined;
  /** Begin where the factory's imports and set-up code ended. */
  factory?: SandboxFactory | undefined;
}

/** What a call of a function of the program's can ask for. */
export interface CallOptions extends Omit<ExecuteOptions, "interactive" | "filename"> {
  /** Arguments by name. */
  kwargs?: Readonly<Record<string, unknown>> | undefined;
}

/** Whether an interactive prompt should run a source, ask for more of it, or show an error. */
export type Completeness = "complete" | "incomplete" | "invalid";

/** A session or a lease of a pool: a guest with state. */
export abstract class Stateful extends Executor {
  /**
   * Calls a function that the program has defined and gives what it returned; one that is async is awaited. The name may
   * have dots. Throws what `execute` throws.
   */
  async call(name: string, args: readonly unknown[] = [], options: CallOptions = {}): Promise<unknown> {
    const { kwargs = {}, ...rest } = options;
    return (await this.program("call", { name, args, kwargs }, rest, resultOf)).value;
  }

  /**
   * The value of a global of the program's, or of an attribute when the name has dots.
   *
   * @throws ExecutionError with the program's NameError, AttributeError, or TypeError for a value that cannot be passed.
   */
  async get(name: string): Promise<unknown> {
    return (await this.#ask("get", { name })).value ?? null;
  }

  /** Makes `value` a global of the program's. */
  async set(name: string, value: unknown): Promise<void> {
    await this.#ask("set", { name, value });
  }

  /** Replaces the callbacks, but for those of libraries, from the next execution on. */
  async setCallbacks(callbacks: Callbacks): Promise<void> {
    const offer = new Offer({ callbacks, libraries: this.offer.libraries });
    await this.ask("set_callbacks", { callbacks: offer.messages() });
    this.offer = offer;
  }

  /** An operation that may run code of the guest's. */
  #ask(operation: string, fields: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    return this.ask(operation, fields, { callbacks: this.offer.served });
  }

  /** How many executions were begun since the session started or was reset, failed ones included. */
  async executionCount(): Promise<number> {
    return (await this.ask("execution_count")).count as number;
  }

  /**
   * The program's globals, to be restored by any version: data, functions and classes by value, modules by name. What
   * cannot be pickled is left out; `unsaved` says what and why. `snapshot` takes everything.
   */
  async snapshotState(): Promise<{ snapshot: Uint8Array; unsaved: Record<string, string> }> {
    const { snapshot, unsaved } = await this.#ask("snapshot_state");
    return { snapshot: snapshot as Uint8Array, unsaved: Object.fromEntries(unsaved as [string, string][]) };
  }

  /** Merges the globals of a `snapshotState` into the program's. SnapshotError for damaged bytes. */
  async restoreState(snapshot: Uint8Array): Promise<void> {
    await this.#ask("restore_state", { snapshot });
  }

  /**
   * What `restore` and `Session.fromSnapshot` take.
   *
   * An image is all of the session's memory and private files, exactly, generators and open databases included. It can be
   * restored by the same build of eryx, in other processes and on other machines. A pickle is what `snapshotState` gives: for
   * any build, but without what cannot be pickled.
   */
  async snapshot(kind: "image" | "pickle" = "image"): Promise<Uint8Array> {
    return (await this.#ask("snapshot", { kind })).image as Uint8Array;
  }

  /**
   * Replaces the session's memory and private files by those of an image, or merges the globals of a pickle.
   *
   * @throws SnapshotError for bytes that are damaged or of another build; then nothing has changed.
   */
  async restore(snapshot: Uint8Array): Promise<void> {
    await this.#ask("restore", { image: snapshot });
  }

  /** Forgets the program's globals; imports, files and callbacks stay. */
  async clearState(): Promise<void> {
    await this.ask("clear_state");
  }

  /** Starts a new guest; files stay, and `executionCount` is 0 again. Also after a program was killed. */
  async reset(): Promise<void> {
    await this.ask("reset");
  }

  /** Whether `source` is a whole interactive statement. Nothing is run. */
  async isComplete(source: string): Promise<Completeness> {
    return (await this.ask("is_complete", { source })).state as Completeness;
  }
}

/** What a copy begins with: a session that the library has made. */
class Adopted {
  constructor(
    readonly id: number,
    readonly offer: Offer,
    readonly handlers: Handlers,
    readonly links: ExecutorLinks,
  ) {}
}

/**
 * Runs programs in one guest: globals, functions, classes, imports and files persist. Await each execution before the next.
 *
 * @example
 * const session = new Session();
 * await session.execute("x = 20");
 * (await session.execute("print(x + 1)")).stdoutText; // "21\n"
 */
export class Session extends Stateful {
  /** Never blocks: what is wrong with the options is thrown by the first execution, or by `ready()`. */
  constructor(options: SessionOptions = {}) {
    if (options instanceof Adopted) {
      super("session", options.offer, options.handlers);
      this.links = options.links;
      this.open(Promise.resolve(options.id));
      return;
    }
    super("session", new Offer(options, options.factory?.offer), handlersOf(options));
    const { stdin, keepTasks, checkpoint, image, factory, store, vfs, mcp } = options;
    const config = {
      ...commonConfig(options),
      stdin: typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin,
      keep_tasks: keepTasks,
      checkpoint,
    };
    this.create(config, { image }, { factory, store, vfs, mcp });
  }

  /**
   * A session that begins where a snapshot was taken, of either kind. An image of a factory's session needs the option
   * `factory`.
   */
  static async fromSnapshot(snapshot: Uint8Array, options: SessionOptions = {}): Promise<Session> {
    const session = new Session(options);
    try {
      await session.restore(snapshot);
    } catch (error) {
      session[Symbol.dispose]();
      throw error;
    }
    return session;
  }

  /** An independent copy of the session with the same settings. */
  async fork(): Promise<Session> {
    const { session } = await this.ask("fork");
    return new Session(
      new Adopted(session as number, this.offer, this.handlers, this.links) as object as SessionOptions,
    );
  }
}
