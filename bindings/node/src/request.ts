/** Requests under way: what to do with their events, and in the end their outcome. */

import { AsyncResource } from "node:async_hooks";

import type { CallbackTable } from "./callbacks.js";
import { type ErrorRecord, errorFrom } from "./errors.js";
import type { OnConnect } from "./network.js";
import { ExecuteResult, type ResultRecord, type TraceEvent, traceEvent } from "./results.js";

/** Takes output as it is written. */
export type OutputHandler = (data: Uint8Array) => void;

/** Takes the steps of a program while they are done. */
export type TraceHandler = (event: TraceEvent) => void;

/** What a request needs of the host's side while its program runs. */
export interface Host {
  /** Kept from the garbage collector, which would close it. */
  readonly owner?: object | undefined;
  readonly callbacks?: CallbackTable | undefined;
  readonly onStdout?: OutputHandler | undefined;
  readonly onStderr?: OutputHandler | undefined;
  readonly onTrace?: TraceHandler | undefined;
  readonly onConnect?: OnConnect | undefined;
  readonly onTransfer?: ((path: string | Uint8Array, fileCount: number, byteCount: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const none: CallbackTable = new Map();

/** One operation. */
export class Request {
  /** What the library calls it. */
  id = 0;
  readonly message: Record<string, unknown>;
  readonly host: Host;
  readonly callbacks: CallbackTable;
  /** Host functions and handlers run in the asynchronous context of who asked. */
  readonly context = new AsyncResource("ERYX", { requireManualDestroy: true });
  readonly #finished: (value: unknown, error: ErrorRecord | null) => void;

  constructor(
    message: Record<string, unknown>,
    host: Host,
    finished: (value: unknown, error: ErrorRecord | null) => void,
  ) {
    this.message = message;
    this.host = host;
    this.callbacks = host.callbacks ?? none;
    this.#finished = finished;
  }

  /** The "done" event. */
  finish(value: unknown, error: ErrorRecord | null): void {
    this.#finished(value, error);
    this.context.emitDestroy();
  }

  /** The "output" event. */
  output(stream: number, data: Uint8Array): void {
    this.#handle(stream === 1 ? this.host.onStdout : this.host.onStderr, data);
  }

  /** The "trace" event. */
  trace(records: readonly (readonly unknown[])[]): void {
    for (const record of records) this.#handle(this.host.onTrace, traceEvent(record));
  }

  /** The "transfer" event. */
  transfer(path: string | Uint8Array, fileCount: number, byteCount: number): void {
    this.#handle(() => this.host.onTransfer?.(path, fileCount, byteCount), undefined);
  }

  /** What a handler throws is a warning: the program must not see it. */
  #handle<T>(handler: ((value: T) => void) | undefined, value: T): void {
    try {
      if (handler !== undefined) this.context.runInAsyncScope(handler, undefined, value);
    } catch (error) {
      process.emitWarning(`a handler of output, trace or progress threw: ${error}`, "EryxWarning");
    }
  }
}

/** The value of an operation, or its error thrown. */
export function answerOf(value: unknown, error: ErrorRecord | null, signal?: AbortSignal): Record<string, unknown> {
  if (error !== null) throw errorFrom(error, undefined, signal);
  return value as Record<string, unknown>;
}

/** The result of an execution, or its error thrown with the result inside. */
export function resultOf(value: unknown, error: ErrorRecord | null, signal?: AbortSignal): ExecuteResult {
  const record = value as ResultRecord | null;
  const result = record?.stdout instanceof Uint8Array ? new ExecuteResult(record) : undefined;
  if (error !== null) throw errorFrom(error, result, signal);
  return result!;
}
