/** The queue of this thread: requests go to the library, and their events come back to the event loop. */

import { Answers, Call, runStream } from "./calls.js";
import { Decoder } from "./decoder.js";
import { encode } from "./encoder.js";
import { AbortError, type ErrorRecord, EryxError } from "./errors.js";
import { type Addon, check, native, nativeIfLoaded, Status } from "./native.js";
import { decider } from "./network.js";
import { type Host, Request } from "./request.js";

/** Events nest deeper than the values inside of them. */
const MAX_EVENT_DEPTH = 256;
const BUFFER_BYTES = 1 << 16;
const LARGEST_KEPT = 1 << 20;
/** How often one turn of the loop takes events; other work of the loop's comes next. */
const ROUNDS = 32;
/** Kept, since what replaces the global one for a while, such as fake timers, must not stop events. */
const nextTurn = setImmediate;
type Event = [kind: string, request: number, ...rest: unknown[]];

class Queue {
  readonly #addon: Addon;
  readonly #id: number;
  readonly #requests = new Map<number, Request>();
  readonly #calls = new Map<number, Call>();
  readonly #answers: Answers;
  #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #length = new Uint32Array(1);
  #more = false;
  #scheduled = false;

  constructor(addon: Addon) {
    this.#addon = addon;
    this.#answers = new Answers(addon, () => this.#schedule());
    this.#id = addon.queueOpen((later) => (later ? this.#resume() : this.#take()));
    check(this.#id);
    // Threads of the library's must not wake a loop that is being torn down.
    process.once("exit", () => addon.queueClose());
  }

  submit(request: Request): void {
    const id = this.#addon.submit(this.#id, encode(request.message));
    check(id);
    request.id = id;
    this.#requests.set(id, request);
    if (this.#requests.size === 1) this.#addon.keepAlive(true);
  }

  cancel(request: Request): void {
    this.#addon.cancel(request.id);
  }

  /** Begins an operation whose outcome nobody wants. */
  forget(message: Record<string, unknown>): void {
    this.#addon.submit(0, encode(message));
  }

  /** Sends the answers when the code that runs now has ended: all of them go together. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#answers.flush();
    });
  }

  /** Lets timers and all else have their turn before the addon goes on looking for events. */
  #resume(): boolean {
    nextTurn(() => this.#addon.resume());
    return false;
  }

  /** Takes and handles the events that are there; whether it has left some for the next turn. */
  #take(): boolean {
    let round = 0;
    do {
      try {
        const events = this.#drain();
        if (events !== undefined) this.#dispatch(events);
      } catch (error) {
        this.#more = false;
        this.#fail(error);
      }
      this.#answers.flush();
    } while (this.#more && ++round < ROUNDS);
    if (this.#more) nextTurn(() => this.#take());
    return this.#more;
  }

  /** The events that wait; undefined: none. */
  #drain(): Decoder | undefined {
    let status = this.#addon.drain(this.#id, this.#buffer, this.#length);
    if (status === Status.ESPACE) {
      this.#buffer = new Uint8Array(Math.max(this.#length[0]!, 2 * this.#buffer.length));
      status = this.#addon.drain(this.#id, this.#buffer, this.#length);
    }
    this.#more = status === Status.MORE;
    if (status === Status.EMPTY || status === Status.ECLOSED || status === Status.EHANDLE) return undefined;
    check(status);
    const events = new Decoder(this.#buffer, this.#length[0], MAX_EVENT_DEPTH);
    if (this.#buffer.length > LARGEST_KEPT) this.#buffer = new Uint8Array(BUFFER_BYTES);
    return events;
  }

  #dispatch(events: Decoder): void {
    for (let left = events.listHead(); left > 0; left--) {
      events.fault = undefined;
      const event = events.value() as Event;
      const request = this.#requests.get(event[1]);
      // Those of requests that nobody waits for any more are dropped.
      if (request !== undefined) this.#handle(event, request, events.fault);
    }
  }

  #handle(event: Event, request: Request, fault: RangeError | undefined): void {
    switch (event[0]) {
      case "done":
        this.#done(request, event[2], fault === undefined ? (event[3] as ErrorRecord | null) : unreadable(fault));
        break;
      case "call":
        if (fault !== undefined) this.#answers.failure(event[2] as number, fault);
        else this.#call(request, event[2] as number, event[3] as string, event[4]);
        break;
      case "connect":
        this.#call(request, event[2] as number, "on_connect", event[3], decider(request.host.onConnect));
        break;
      case "ended":
        this.#calls.get(event[2] as number)?.end();
        break;
      case "more":
        this.#calls.get(event[2] as number)?.more();
        break;
      case "output":
        request.output(event[2] as number, event[3] as Uint8Array);
        break;
      case "transfer":
        request.transfer(event[2] as string, event[3] as number, event[4] as number);
        break;
      case "trace":
        request.trace(event[2] as unknown[][]);
        break;
      case "progress":
        process.stderr.write(`eryx: ${event[2]}\n`);
        break;
      case "warning":
        process.emitWarning(String(event[2]), "EryxWarning");
        break;
    }
  }

  #done(request: Request, value: unknown, error: ErrorRecord | null): void {
    this.#requests.delete(request.id);
    if (this.#requests.size === 0) this.#addon.keepAlive(false);
    request.finish(value, error);
  }

  #call(request: Request, id: number, name: string, args: unknown, callback = request.callbacks.get(name)): void {
    if (callback === undefined) {
      this.#answers.unknown(id, name);
      return;
    }
    const call = new Call(id, name);
    try {
      const value = request.context.runInAsyncScope(() =>
        callback.stream ? runStream(call, callback, args, this.#answers) : callback.fn(args, call),
      );
      if (isThenable(value)) this.#later(call, value);
      else this.#answers.value(id, value);
    } catch (error) {
      this.#answers.failure(id, error);
    }
  }

  #later(call: Call, value: PromiseLike<unknown>): void {
    this.#calls.set(call.id, call);
    value.then(
      (result) => {
        this.#calls.delete(call.id);
        if (!call.ended) this.#answers.value(call.id, result);
      },
      (error) => {
        this.#calls.delete(call.id);
        if (!call.ended) this.#answers.failure(call.id, error);
      },
    );
  }

  /** Events that cannot be read are lost, and with them what would end the requests: a fault of ours. */
  #fail(error: unknown): void {
    const message = `a fault in eryx: ${error instanceof Error ? error.message : error}`;
    for (const request of [...this.#requests.values()]) {
      this.cancel(request);
      this.#done(request, null, { code: "internal", message });
    }
  }
}

function unreadable(fault: RangeError): ErrorRecord {
  return { code: "internal", message: fault.message };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}

let open: Queue | undefined;

function queue(): Queue {
  open ??= new Queue(native());
  return open;
}

/**
 * Performs an operation. `read` makes the outcome of its value and its error record, or throws.
 *
 * When the signal is aborted, the operation is cancelled, and its end waited for: no program runs on behind its back.
 */
export function perform<T>(
  message: Record<string, unknown>,
  host: Host,
  read: (value: unknown, error: ErrorRecord | null, signal?: AbortSignal) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const { signal } = host;
    if (signal?.aborted) throw new AbortError("aborted before it began", { cause: signal.reason });
    const cancel = (): void => queue().cancel(request);
    const request = new Request(message, host, (value, error) => {
      signal?.removeEventListener("abort", cancel);
      try {
        resolve(read(value, error, signal));
      } catch (thrown) {
        reject(thrown);
      }
    });
    queue().submit(request);
    signal?.addEventListener("abort", cancel, { once: true });
  });
}

/** Begins an operation whose outcome nobody wants, such as closing in a finalizer. Never throws. */
export function forget(message: Record<string, unknown>): void {
  try {
    if (nativeIfLoaded() !== undefined) queue().forget(message);
  } catch (error) {
    if (!(error instanceof EryxError)) throw error;
  }
}
