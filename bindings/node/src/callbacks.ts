/** Host functions that the sandboxed program can await. */

/** What a host function is given beside its arguments. */
export interface CallbackContext {
  /** Aborted when the answer is not wanted any more: the call timed out, or its program ended or was cancelled. */
  readonly signal: AbortSignal;
  /** The name by which the program called it. */
  readonly name: string;
}

/**
 * A host function. It takes the call's arguments as one object. It may be plain or async; a generator, plain or async,
 * gives many items: `async for item in name()`. What it throws reaches the program as `CallbackError` with the error's
 * name and message, never its stack; a text in the error's property `callbackCode` becomes the exception's `code`.
 */
// biome-ignore lint/suspicious/noExplicitAny: a function says itself what arguments it takes; the guest may send anything.
export type CallbackFunction = (args: any, context: CallbackContext) => unknown;

/** A host function with what the program is told of it. */
export interface CallbackOptions {
  fn: CallbackFunction;
  /** What it does; for people and language models. */
  description?: string | undefined;
  /**
   * The JSON Schema of its parameters. The order of the properties is that of positional arguments; without a schema the
   * program calls it with arguments by name.
   */
  schema?: object | undefined;
  /** It gives items, one after the other; default true for generator functions. */
  stream?: boolean | undefined;
  /** Instead of `callbackTimeoutMs` of the limits; null: no limit. */
  timeoutMs?: number | null | undefined;
}

/** Host functions by their names in the guest; a name may have dots. */
export type Callbacks = Readonly<Record<string, CallbackFunction | CallbackOptions>>;

/** A host function, ready to be called. */
export interface Callback {
  readonly fn: CallbackFunction;
  readonly stream: boolean;
  /** How the library is told of it. */
  readonly message: Readonly<Record<string, unknown>>;
}

/** Host functions by name. */
export type CallbackTable = ReadonlyMap<string, Callback>;

const GENERATORS = new Set(["GeneratorFunction", "AsyncGeneratorFunction"]);

function collectOne(name: string, item: unknown): Callback {
  const given = typeof item === "function" ? { fn: item as CallbackFunction } : (item as CallbackOptions | null);
  if (typeof given?.fn !== "function") {
    throw new TypeError(`callback ${JSON.stringify(name)} must be a function, or an object with a function "fn"`);
  }
  const { fn, description, schema, timeoutMs } = given;
  if (schema !== undefined && (typeof schema !== "object" || schema === null)) {
    throw new TypeError(`callback ${JSON.stringify(name)}: schema must be an object`);
  }
  const stream = given.stream ?? GENERATORS.has(Object.prototype.toString.call(fn).slice(8, -1));
  const message = {
    name,
    description,
    schema: schema === undefined ? undefined : JSON.stringify(schema),
    stream: stream || undefined,
    timeout_ms: timeoutMs === null ? -1 : timeoutMs,
  };
  return { fn, stream, message };
}

/** The callbacks of an option, beside those that were there before. */
export function collect(callbacks: Callbacks | undefined, before?: CallbackTable): CallbackTable {
  const table = new Map(before);
  for (const [name, item] of Object.entries(callbacks ?? {})) table.set(name, collectOne(name, item));
  return table;
}

/** As the library is told of them; undefined where there are none. */
export function callbackMessages(table: CallbackTable): unknown[] {
  return [...table.values()].map((callback) => callback.message);
}

/** The code and the text that the program sees of what a host function threw. */
export function failureOf(error: unknown): [code: string, text: string] {
  let code = "callback";
  let text = "the host function failed";
  try {
    if (error instanceof Error) text = error.message ? `${error.name}: ${error.message}` : error.name;
    else text = String(error);
    const own = (error as { callbackCode?: unknown } | null | undefined)?.callbackCode;
    if (typeof own === "string") code = own;
  } catch {
    // the thrown thing throws itself when it is looked at
  }
  return [String(code).toWellFormed(), String(text).toWellFormed()];
}
