/** Programs that run in the background, and their output as streams. */

import type { ExecuteOptions, Handlers } from "./executor.js";
import type { ExecuteResult } from "./results.js";

/** A piece of output, as it was written. */
export interface OutputChunk {
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
}

/** Output that waits for its reader. It holds no more than the limit `maxOutputBytes`. */
class Pipe {
  readonly stream: ReadableStream<Uint8Array>;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  #open = true;

  constructor() {
    this.stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      cancel: () => {
        this.#open = false;
      },
    });
  }

  write(data: Uint8Array): void {
    if (this.#open) this.#controller.enqueue(data);
  }

  end(): void {
    if (this.#open) this.#controller.close();
    this.#open = false;
  }
}

/** Chunks for one reader that iterates. */
class Chunks {
  #waiting: OutputChunk[] = [];
  #done = false;
  #wake: (() => void) | undefined;

  push(chunk: OutputChunk): void {
    this.#waiting.push(chunk);
    this.#wake?.();
  }

  end(): void {
    this.#done = true;
    this.#wake?.();
  }

  async *read(): AsyncGenerator<OutputChunk, void, undefined> {
    for (;;) {
      const chunks = this.#waiting;
      this.#waiting = [];
      yield* chunks;
      if (this.#waiting.length > 0) continue;
      if (this.#done) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

/**
 * A program under way. `await` it for the result, iterate over it for its output in the order in which it was written, or
 * read `stdout` and `stderr`; `cancel` ends it early.
 *
 * @example
 * const execution = session.start("for i in range(3): print(i)");
 * for await (const { stream, data } of execution) process[stream].write(data);
 * const result = await execution;
 */
export class Execution implements PromiseLike<ExecuteResult>, AsyncIterable<OutputChunk> {
  readonly #abort = new AbortController();
  readonly #result: Promise<ExecuteResult>;
  readonly #chunks = new Chunks();
  readonly #pipes = { stdout: new Pipe(), stderr: new Pipe() };
  #done = false;

  /** @internal */
  constructor(handlers: Handlers, options: ExecuteOptions, begin: (options: ExecuteOptions) => Promise<ExecuteResult>) {
    const { signal } = options;
    const write = (stream: OutputChunk["stream"], handler: Handlers["onStdout"]) => (data: Uint8Array) => {
      this.#chunks.push({ stream, data });
      this.#pipes[stream].write(data);
      handler?.(data);
    };
    this.#result = begin({
      ...options,
      signal: signal === undefined ? this.#abort.signal : AbortSignal.any([signal, this.#abort.signal]),
      onStdout: write("stdout", options.onStdout ?? handlers.onStdout),
      onStderr: write("stderr", options.onStderr ?? handlers.onStderr),
    }).finally(() => this.#end());
  }

  #end(): void {
    this.#done = true;
    this.#chunks.end();
    this.#pipes.stdout.end();
    this.#pipes.stderr.end();
  }

  /** The result; rejected with what `execute` throws. */
  get result(): Promise<ExecuteResult> {
    return this.#result;
  }

  /** Standard output while it is written; it ends with the program, however that ends. */
  get stdout(): ReadableStream<Uint8Array> {
    return this.#pipes.stdout.stream;
  }

  /** Standard error likewise. */
  get stderr(): ReadableStream<Uint8Array> {
    return this.#pipes.stderr.stream;
  }

  /** Whether the program has ended. */
  get done(): boolean {
    return this.#done;
  }

  /** Ends the program: it sees KeyboardInterrupt and is killed after a grace period. May be called often. */
  cancel(): void {
    this.#abort.abort();
  }

  /** As of a promise. */
  // biome-ignore lint/suspicious/noThenProperty: to be awaited is what it is for.
  then<A = ExecuteResult, B = never>(
    onfulfilled?: ((value: ExecuteResult) => A | PromiseLike<A>) | null,
    onrejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#result.then(onfulfilled, onrejected);
  }

  /** The output, by one reader; what `execute` throws is thrown at its end. Leaving the loop early cancels the program. */
  async *[Symbol.asyncIterator](): AsyncGenerator<OutputChunk, void, undefined> {
    try {
      yield* this.#chunks.read();
    } finally {
      if (!this.#done) {
        this.cancel();
        this.#result.catch(() => undefined);
      }
    }
    await this.#result;
  }
}
