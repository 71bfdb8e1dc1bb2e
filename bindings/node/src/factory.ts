/** Factories: packages, imports and set-up code that are done once. */

import type { Callbacks } from "./callbacks.js";
import { Closing } from "./closing.js";
import { type Package, packageMessages } from "./config.js";
import { type Library, Offer } from "./library.js";
import { limitsMessage, type ResourceLimitsOptions } from "./limits.js";
import { SandboxPool, type SandboxPoolOptions } from "./pool.js";
import { perform } from "./queue.js";
import { answerOf } from "./request.js";
import { Sandbox, type SandboxOptions } from "./sandbox.js";
import { Session, type SessionOptions } from "./session.js";

/** What a factory is made with. */
export interface SandboxFactoryOptions {
  /** Wheels, source archives or directories on the host. */
  packages?: readonly Package[] | undefined;
  /** Packages to be fetched, such as "jinja2>=3", with what they need. */
  requirements?: readonly string[] | undefined;
  /** Where names, versions and hashes of what was chosen are kept; if it is there, exactly that is used. */
  lockFile?: string | undefined;
  /** Modules that are imported now. */
  imports?: readonly string[] | undefined;
  /** Runs once, now; its globals and files are those of every sandbox and session. */
  setupCode?: string | undefined;
  /** Host functions, for the set-up code and for what the factory makes. */
  callbacks?: Callbacks | undefined;
  /** Bundles of host functions, modules and stubs, for the imports, the set-up code and what the factory makes. */
  libraries?: readonly Library[] | undefined;
  /** Of the imports and of the set-up code, each; default 5 minutes and 1 GiB. */
  resourceLimits?: ResourceLimitsOptions | undefined;
  /** Ends the work when it is aborted. */
  signal?: AbortSignal | undefined;
}

/** What a saved factory can be given anew. */
export interface LoadOptions {
  /** Host functions for what the factory makes: functions are not saved. */
  callbacks?: Callbacks | undefined;
  /** Libraries for what the factory makes: they are not saved either. */
  libraries?: readonly Library[] | undefined;
}

/** A saved factory: where it is, and what it is given anew. */
class Saved {
  constructor(
    readonly fields: { path: string } | { data: Uint8Array },
    readonly callbacks: Callbacks | undefined,
    readonly libraries: readonly Library[] | undefined,
  ) {}
}

function newMessage(options: SandboxFactoryOptions, offer: Offer): Record<string, unknown> {
  const config = {
    packages: packageMessages(options.packages),
    requirements: options.requirements,
    lock_file: options.lockFile,
    imports: options.imports,
    setup_code: options.setupCode,
    ...offer.config(),
    limits: limitsMessage(options.resourceLimits),
  };
  return { op: "factory.new", config };
}

/**
 * Makes sandboxes and sessions that begin where its imports and set-up code ended, as fast as any other. What it made
 * outlives it.
 *
 * @example
 * const factory = new SandboxFactory({ imports: ["json"], setupCode: "RATE = 1.19" });
 * await factory.createSandbox().execute("import json\\nprint(json.dumps(RATE))"); // json is there already
 */
export class SandboxFactory extends Closing {
  readonly #offer: Offer;
  #size = 0;

  /** Begins the work, and never blocks; `ready()` resolves when it is done. */
  constructor(options: SandboxFactoryOptions = {}) {
    super("factory");
    const saved = options instanceof Saved ? options : undefined;
    this.#offer = new Offer(options);
    const message = saved ? { op: "factory.load", ...saved.fields } : newMessage(options, this.#offer);
    const host = { callbacks: this.#offer.served, signal: options.signal };
    this.open(
      perform(message, host, answerOf).then((answer) => {
        this.#size = Number(answer.size_bytes);
        return answer.factory as number;
      }),
    );
  }

  /** A factory that `save` wrote, by the same build of eryx. Its packages are inside of the file. */
  static async load(path: string, options: LoadOptions = {}): Promise<SandboxFactory> {
    return SandboxFactory.#restored(new Saved({ path }, options.callbacks, options.libraries));
  }

  /** A factory of what `toBytes` gave, by the same build of eryx. */
  static async fromBytes(data: Uint8Array, options: LoadOptions = {}): Promise<SandboxFactory> {
    return SandboxFactory.#restored(new Saved({ data }, options.callbacks, options.libraries));
  }

  static async #restored(saved: Saved): Promise<SandboxFactory> {
    const factory = new SandboxFactory(saved as SandboxFactoryOptions);
    await factory.ready();
    return factory;
  }

  /** @internal Host functions and libraries of what the factory makes. */
  get offer(): Offer {
    return this.#offer;
  }

  /** Writes the factory to a file. */
  async save(path: string): Promise<void> {
    await this.ask("save", { path });
  }

  /** The factory as bytes. */
  async toBytes(): Promise<Uint8Array> {
    return (await this.ask("bytes")).data as Uint8Array;
  }

  /** The memory that all sandboxes and sessions of the factory share; 0 until it is ready. */
  get sizeBytes(): number {
    return this.#size;
  }

  /** A sandbox whose programs begin where the factory ended. */
  createSandbox(options: Omit<SandboxOptions, "factory"> = {}): Sandbox {
    return new Sandbox({ ...options, factory: this });
  }

  /** A session that begins where the factory ended. */
  createSession(options: Omit<SessionOptions, "factory"> = {}): Session {
    return new Session({ ...options, factory: this });
  }

  /** A pool of sandboxes that begin where the factory ended. */
  createPool(options: Omit<SandboxPoolOptions, "factory"> = {}): SandboxPool {
    return new SandboxPool({ ...options, factory: this });
  }
}
