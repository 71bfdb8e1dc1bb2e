/** Every error of this package. All derive from EryxError and carry a stable code. */

import type { ExecuteResult } from "./results.js";

/** One level of a traceback of the sandboxed program, outermost first. */
export interface Frame {
  readonly file: string;
  readonly line: number;
  readonly function: string;
  /** The source line; empty when it is not known. */
  readonly source: string;
}

/** An exception of the sandboxed program, as its own interpreter describes it. */
export interface PythonError {
  /** The exception's class, qualified. */
  readonly type: string;
  /** `str` of the exception. */
  readonly message: string;
  /** As Python prints it. */
  readonly traceback: string;
  readonly frames: readonly Frame[];
}

const nothing = new Uint8Array(0);

/** Base of all errors. */
export class EryxError extends Error {
  static {
    Object.defineProperty(EryxError.prototype, "name", { value: "EryxError", configurable: true, writable: true });
  }
  /** The stable word for what went wrong, the same in every language: "python", "timeout", "limit", ... */
  code = "internal";
  /** The limit that was hit: "execution_timeout", "fuel", "memory", "output", ... */
  limit: string | undefined;
  /** What the program gave to `sys.exit`; 0 otherwise. */
  exitCode = 0;
  /** The program had to be stopped by force: a session must be reset. */
  killed = false;
  /** The program's exception, where there was one. */
  python: PythonError | undefined;
  /** What the execution left nevertheless: output, figures. */
  result: ExecuteResult | undefined;

  /** The class name of the program's exception. */
  get type(): string | undefined {
    return this.python?.type;
  }

  /** The program's traceback, as Python prints it. */
  get traceback(): string | undefined {
    return this.python?.traceback;
  }

  /** What the program wrote before it failed. */
  get stdout(): Uint8Array {
    return this.result?.stdout ?? nothing;
  }

  /** What the program wrote to standard error before it failed, its traceback not included. */
  get stderr(): Uint8Array {
    return this.result?.stderr ?? nothing;
  }
}

/** The program raised an exception, or ended itself with an exit code that is not 0. */
export class ExecutionError extends EryxError {
  override code = "python";
}

/** An argument makes no sense, such as source code with a NUL byte. */
export class InvalidError extends ExecutionError {
  override code = "invalid";
}

/** The interpreter, a factory or a session could not be made. */
export class InitializationError extends EryxError {
  override code = "initialization";
}

/** A limit was hit; `limit` says which. */
export class ResourceLimitError extends EryxError {
  override code = "limit";
}

/** The execution took too long. */
export class TimeoutError extends EryxError {
  override code = "timeout";
}

/** The execution was cancelled by its caller. */
export class CancelledError extends EryxError {
  override code = "cancelled";
}

/** The execution was cancelled by an AbortSignal; `cause` is the signal's reason. */
export class AbortError extends CancelledError {}

/** Base of what can go wrong with a pool. */
export class PoolError extends EryxError {
  override code = "pool";
}

/** All leases of the pool are in use. */
export class PoolExhaustedError extends PoolError {
  override code = "pool_exhausted";
}

/** No lease was released in time. */
export class PoolTimeoutError extends PoolError {
  override code = "pool_timeout";
}

/** The pool is closed. */
export class PoolClosedError extends PoolError {
  override code = "pool_closed";
}

/** A snapshot could not be made or used. */
export class SnapshotError extends InitializationError {
  override code = "snapshot";
}

/** The object is closed, or its guest has ended and the session wants `reset()`. */
export class ClosedError extends EryxError {
  override code = "closed";
}

/** A file of a VfsStorage could not be used. */
export class FileError extends EryxError {
  override code = "file";
  /** Why: "ENOENT" or the like. */
  errno = "";
}

/** This library does not have the operation. */
export class UnsupportedError extends EryxError {
  override code = "unsupported";
}

type ErrorClass = new (message: string, options?: ErrorOptions) => EryxError;

const classes = {
  ExecutionError,
  InvalidError,
  InitializationError,
  ResourceLimitError,
  TimeoutError,
  CancelledError,
  AbortError,
  PoolError,
  PoolExhaustedError,
  PoolTimeoutError,
  PoolClosedError,
  SnapshotError,
  ClosedError,
  FileError,
  UnsupportedError,
};
// Names as text, so that they survive a minifier; on the prototype, as those of JavaScript's own errors are.
for (const [name, value] of Object.entries(classes)) {
  Object.defineProperty(value.prototype, "name", { value: name, configurable: true, writable: true });
}

/** The class for each code of an error record. */
export const CODES: Readonly<Record<string, ErrorClass>> = {
  python: ExecutionError,
  exit: ExecutionError,
  timeout: TimeoutError,
  limit: ResourceLimitError,
  cancelled: CancelledError,
  initialization: InitializationError,
  snapshot: SnapshotError,
  suspended: ExecutionError,
  pool_exhausted: PoolExhaustedError,
  pool_timeout: PoolTimeoutError,
  pool_closed: PoolClosedError,
  closed: ClosedError,
  invalid: InvalidError,
  file: FileError,
  unsupported: UnsupportedError,
  internal: EryxError,
};

/** An error record: docs/abi.md. */
export interface ErrorRecord {
  readonly code: string;
  readonly message: string;
  readonly limit?: string | null;
  readonly exit_code?: number | null;
  readonly errno?: string | null;
  readonly killed?: boolean | null;
  readonly python?: {
    readonly type: string;
    readonly message: string;
    readonly traceback: string;
    readonly frames: readonly (readonly [string, number, string, string])[];
  } | null;
}

/** The error of a record. A code that is not known becomes EryxError. */
export function errorFrom(record: ErrorRecord, result?: ExecuteResult, signal?: AbortSignal): EryxError {
  const python = record.python ? readPython(record.python) : undefined;
  const ofProgram = python !== undefined && record.code === "python";
  const message = ofProgram ? python.message : record.message;
  const known = Object.hasOwn(CODES, record.code) ? CODES[record.code]! : EryxError;
  const error =
    record.code === "cancelled" && signal?.aborted
      ? new AbortError(message, { cause: signal.reason })
      : new known(message);
  error.code = record.code;
  error.python = python;
  error.limit = record.limit ?? undefined;
  error.exitCode = record.exit_code ?? 0;
  error.killed = record.killed ?? false;
  if (error instanceof FileError) error.errno = record.errno ?? "";
  // Not enumerable: a console that prints the error need not print all of the output.
  Object.defineProperty(error, "result", { value: result, enumerable: false, configurable: true, writable: true });
  // The frames of JavaScript are those of the event loop; what helps is where the program failed.
  if (ofProgram) error.stack = `${error.name}: ${python.traceback.trimEnd()}`;
  return error;
}

function readPython(record: NonNullable<ErrorRecord["python"]>): PythonError {
  const frames = record.frames.map(([file, line, name, source]) => ({ file, line, function: name, source }));
  return { type: record.type, message: record.message, traceback: record.traceback, frames };
}
