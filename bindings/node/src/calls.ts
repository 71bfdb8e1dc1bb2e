/** Calls of host functions: running them in the event loop, and their answers. */

import { type Callback, type CallbackContext, failureOf } from "./callbacks.js";
import { Encoder } from "./encoder.js";
import { type Addon, Status } from "./native.js";
import { SuspendCallback } from "./replay.js";

const VALUE = 0;
const ERROR = 1;
const ITEM = 2;
const SUSPEND = 3;

/** How many items of a stream may be under way: docs/abi.md. */
const WINDOW = 16;
/** Answers go to the library at once when they have become so many bytes. */
const FLUSH_BYTES = 1 << 20;
/** Of an array with a length of 32 bits. */
const HEADER_BYTES = 5;

/** Answers that are on their way; all of one turn of the loop go together. */
export class Answers {
  readonly #addon: Addon;
  readonly #written: () => void;
  readonly #encoder = new Encoder();
  #starts: number[] = [];
  #calls: number[] = [];

  /** `written` is called for each answer, and sees to it that `flush` is called soon. */
  constructor(addon: Addon, written: () => void) {
    this.#addon = addon;
    this.#written = written;
    this.#encoder.length = HEADER_BYTES;
  }

  /** The call returns a value; of a stream: it ends. What cannot be passed becomes an error in the program. */
  value(call: number, value: unknown): void {
    try {
      this.#write(call, VALUE, value);
    } catch (error) {
      this.failure(call, error);
    }
  }

  /** One item of a stream. Throws for what cannot be passed. */
  item(call: number, value: unknown): void {
    this.#write(call, ITEM, value);
  }

  /** The call raises. */
  failure(call: number, error: unknown): void {
    if (error instanceof SuspendCallback) {
      this.#write(call, SUSPEND, error.reason.toWellFormed());
      return;
    }
    const [code, text] = failureOf(error);
    this.#write(call, ERROR, code, text);
  }

  /** There is no such function. */
  unknown(call: number, name: string): void {
    this.#write(call, ERROR, "unknown", `Callback '${name}' not found`);
  }

  #write(call: number, kind: number, ...rest: unknown[]): void {
    const encoder = this.#encoder;
    const start = encoder.length;
    try {
      encoder.list(2 + rest.length);
      encoder.value(call);
      encoder.value(kind);
      for (const value of rest) encoder.value(value, 2); // inside of the answer and the array of answers
    } catch (error) {
      encoder.length = start;
      throw error;
    }
    this.#starts.push(start);
    this.#calls.push(call);
    if (encoder.length > FLUSH_BYTES) this.flush();
    else this.#written();
  }

  /** Gives the answers to the library. */
  flush(): void {
    const [encoder, starts, calls] = [this.#encoder, this.#starts, this.#calls];
    if (starts.length === 0) return;
    this.#starts = [];
    this.#calls = [];
    const status = this.#complete(encoder.buffer, encoder.length, starts.length);
    const refused = status === Status.EMESSAGE || status === Status.EINVAL;
    if (refused && starts.length > 1) this.#oneByOne(encoder.buffer, [...starts, encoder.length], calls);
    encoder.clear();
    encoder.length = HEADER_BYTES;
    if (refused && starts.length === 1) this.#tooLarge(calls[0]!);
  }

  #complete(buffer: Buffer, length: number, count: number): number {
    buffer[0] = 0xdd;
    buffer.writeUInt32BE(count, 1);
    return this.#addon.complete(buffer, length);
  }

  /** Together they are more than a message may hold. */
  #oneByOne(buffer: Buffer, starts: number[], calls: number[]): void {
    for (const [i, call] of calls.entries()) {
      const answer = buffer.subarray(starts[i], starts[i + 1]);
      const message = Buffer.concat([Buffer.alloc(HEADER_BYTES), answer]);
      const status = this.#complete(message, message.length, 1);
      if (status === Status.EMESSAGE || status === Status.EINVAL) queueMicrotask(() => this.#tooLarge(call));
    }
  }

  #tooLarge(call: number): void {
    this.#write(call, ERROR, "value", "RangeError: the value is too large for a message");
  }
}

/** A call whose host function has not returned yet. */
export class Call implements CallbackContext {
  readonly id: number;
  readonly name: string;
  #abort: AbortController | undefined;
  #ended = false;
  #room = WINDOW;
  #wake: (() => void) | undefined;

  constructor(id: number, name: string) {
    this.id = id;
    this.name = name;
  }

  /** Made when it is asked for: most functions do not. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#ended) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  /** Whether the answer is not wanted any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The answer is not wanted any more. */
  end(): void {
    this.#ended = true;
    this.#abort?.abort();
    this.#wake?.();
  }

  /** One more item may be sent. */
  more(): void {
    this.#room++;
    this.#wake?.();
  }

  /** Waits until an item may be sent, or the call has ended. */
  async room(): Promise<void> {
    while (this.#room === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#wake = undefined;
    this.#room--;
  }

  /** The next item, or the end when the call ends first. */
  next(item: unknown): Promise<IteratorResult<unknown>> {
    return new Promise((resolve, reject) => {
      this.#wake = () => {
        if (this.#ended) resolve({ done: true, value: undefined });
      };
      Promise.resolve(item as IteratorResult<unknown>).then(resolve, reject);
    });
  }
}

/** Passes on the items of a generator, or of anything else that is iterable; the call's end ends it. */
export async function runStream(call: Call, callback: Callback, args: unknown, answers: Answers): Promise<void> {
  const items = (await callback.fn(args, call)) as AsyncIterable<unknown> & Iterable<unknown>;
  const iterator = items?.[Symbol.asyncIterator]?.() ?? items?.[Symbol.iterator]?.();
  if (iterator === undefined) throw new TypeError(`callback ${JSON.stringify(call.name)} gave nothing to iterate over`);
  let finished = false;
  try {
    while (!call.ended) {
      const next = await call.next(iterator.next());
      finished = next.done === true && !call.ended;
      if (next.done) break;
      await call.room();
      if (!call.ended) answers.item(call.id, await next.value);
    }
  } finally {
    // A generator that waits for something returns only when it has it: nobody waits for that.
    if (!finished) Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}
