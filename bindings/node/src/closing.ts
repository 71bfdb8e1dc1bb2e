/** Objects of the library's: their ids, which come a moment after they are asked for, and their ends. */

import { AsyncResource } from "node:async_hooks";

import { ClosedError } from "./errors.js";
import { forget, perform } from "./queue.js";
import { answerOf, type Host } from "./request.js";

// Node 20 has `using` only through compilers, and not every version of it the symbols that those need.
for (const name of ["dispose", "asyncDispose"] as const) {
  if (Symbol[name] === undefined) Object.defineProperty(Symbol, name, { value: Symbol.for(`Symbol.${name}`) });
}

const NAMES = {
  sandbox: "sandbox",
  session: "session",
  factory: "factory",
  pool: "pool",
  store: "session store",
  vfs: "VFS",
  mcp: "MCP manager",
} as const;

/** The first word of an object's operations, and the field with its id. */
export type Kind = keyof typeof NAMES;

interface Held {
  readonly kind: Kind;
  id: number;
}

const leftovers = new FinalizationRegistry<Held>(({ kind, id }) => {
  if (id !== 0) forget({ op: `${kind}.close`, [kind]: id });
});

/** Objects that another one is made with, by the names of the fields with their ids. */
export type Links = Readonly<Record<string, Closing | undefined>>;

/** Makes something with the ids of objects; at once when there are none. */
export function withIds<T>(links: Links, make: (ids: Record<string, number>) => Promise<T>): Promise<T> {
  const wanted = Object.entries(links).filter((entry): entry is [string, Closing] => entry[1] !== undefined);
  if (wanted.length === 0) return make({});
  const coming = wanted.map(async ([name, object]) => [name, await object.withId(async (id) => id)] as const);
  return Promise.all(coming).then((ids) => make(Object.fromEntries(ids)));
}

/** Base of everything that has an id in the library. */
export abstract class Closing {
  readonly #held: Held;
  #closed = false;
  #failure: Error | undefined;
  #waiting: (() => void)[] = [];
  #opening: Promise<void> = Promise.resolve();

  protected constructor(kind: Kind) {
    this.#held = { kind, id: 0 };
    leftovers.register(this, this.#held, this);
  }

  /** @internal Adopts the id that comes; what was asked for meanwhile begins then, in order. */
  protected open(coming: Promise<number>): void {
    this.#opening = coming.then(
      (id) => this.#settle(id),
      (error: Error) => {
        this.#failure = error;
        this.#settle(0);
        throw error;
      },
    );
    this.#opening.catch(() => undefined); // who awaits nothing of this object misses nothing
  }

  #settle(id: number): void {
    this.#held.id = id;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const begin of waiting) begin();
  }

  /**
   * Resolves when the object is there. Nobody needs to wait for it: everything else does.
   *
   * @throws what prevents it, such as InvalidError for a callback's name that is none.
   */
  ready(): Promise<void> {
    return this.#opening;
  }

  /** @internal Begins something that needs the id, at once when it is there. */
  withId<T>(begin: (id: number) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(this.closedError());
    if (this.#held.id !== 0) return begin(this.#held.id);
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      // In the asynchronous context of who asks, not of the event that the id comes with.
      this.#waiting.push(
        AsyncResource.bind(() => {
          if (this.#failure !== undefined) reject(this.#failure);
          else begin(this.#held.id).then(resolve, reject);
        }),
      );
    });
  }

  /** @internal Performs an operation on the object, and gives its value. */
  protected ask(
    operation: string,
    fields: Record<string, unknown> = {},
    host: Host = {},
  ): Promise<Record<string, unknown>> {
    const { kind } = this.#held;
    return this.withId((id) => {
      const message = { op: `${kind}.${operation}`, [kind]: id, ...fields };
      return perform(message, { owner: this, ...host }, answerOf);
    });
  }

  /** @internal */
  protected closedError(): Error {
    return new ClosedError(`the ${NAMES[this.#held.kind]} is closed`);
  }

  /** Whether `close` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Frees the object; what it executes ends. Closing again does nothing. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    leftovers.unregister(this);
    await this.#opening.catch(() => undefined);
    const { kind, id } = this.#held;
    if (id !== 0) await perform({ op: `${kind}.close`, [kind]: id }, {}, answerOf);
  }

  /** `using`: closes the object without waiting for it. */
  [Symbol.dispose](): void {
    this.close().catch(() => undefined);
  }

  /** `await using`: closes the object. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
