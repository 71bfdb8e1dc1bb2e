/** What comes of an execution. */

/** One call of a host function: its name, how long it took, and its error's text. */
export interface CallbackRecord {
  readonly name: string;
  readonly durationMs: number;
  readonly error: string | undefined;
}

/** One step of a traced execution. */
export interface TraceEvent {
  /** "line", "call", "return", "exception", "callback_start" or "callback_end". */
  readonly kind: string;
  readonly file: string;
  readonly function: string;
  readonly line: number;
  /** The exception, or the failure of a callback. */
  readonly message?: string;
  /** The host function's name. */
  readonly callback?: string;
  /** What it was given, as JSON; empty when that is too long. */
  readonly argumentsJson?: string;
  /** How long it took, for "callback_end". */
  readonly durationMs?: number;
}

/** One step of a program's on the network. */
export interface NetEvent {
  /** "resolve", "connect", "listen", "accept", or "close" of a connection. */
  readonly kind: string;
  /** "tcp" or "udp". */
  readonly protocol: string;
  /** The name that the program resolved to the address, or the address. */
  readonly host: string;
  readonly address: string | undefined;
  readonly port: number | undefined;
  /** The program listens, or accepts. */
  readonly listen: boolean;
  /** Why it was refused. */
  readonly refused: string | undefined;
  /** Why it failed otherwise. */
  readonly error: string | undefined;
  /** What was sent and received; of "close". */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** How long it took; of "close", how long the connection lasted. */
  readonly durationMs: number;
}

function netEvent(record: Readonly<Record<string, unknown>>): NetEvent {
  return {
    kind: record.kind as string,
    protocol: record.protocol as string,
    host: record.host as string,
    address: (record.address as string | null) ?? undefined,
    port: (record.port as number | null) ?? undefined,
    listen: record.listen === true,
    refused: (record.refused as string | null) ?? undefined,
    error: (record.error as string | null) ?? undefined,
    bytesUp: (record.bytes_up as number | null) ?? 0,
    bytesDown: (record.bytes_down as number | null) ?? 0,
    durationMs: (record.duration_ms as number | null) ?? 0,
  };
}

/** A result record: docs/abi.md. */
export interface ResultRecord {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly stdout_truncated?: boolean | null;
  readonly stderr_truncated?: boolean | null;
  readonly result_json?: string | null;
  readonly result_error?: string | null;
  readonly value?: unknown;
  readonly exit_code?: number | null;
  readonly duration_ms: number;
  readonly callback_invocations: number;
  readonly callbacks?: readonly (readonly [string, number, string | null])[] | null;
  readonly peak_memory_bytes?: number | null;
  readonly fuel_consumed?: number | bigint | null;
  readonly network?: readonly Readonly<Record<string, unknown>>[] | null;
  readonly trace?: readonly (readonly unknown[])[] | null;
  readonly trace_truncated?: boolean | null;
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** All that came of one execution. */
export class ExecuteResult {
  /** What the program wrote, up to the output limit. */
  readonly stdout: Uint8Array;
  /** The same for standard error. */
  readonly stderr: Uint8Array;
  /** There was more output than the limit. */
  readonly stdoutTruncated: boolean;
  readonly stderrTruncated: boolean;
  /** The result variable as JSON text, when the program set it. */
  readonly resultJson: string | undefined;
  /** Why the result variable could not be encoded. */
  readonly resultError: string | undefined;
  /** What a function of the guest returned, for the calls that have one. */
  readonly value: unknown;
  /** What the program gave to `sys.exit`. */
  readonly exitCode: number;
  /** Wall-clock time in milliseconds. */
  readonly durationMs: number;
  /** How many host functions the program called, refused calls included. */
  readonly callbackInvocations: number;
  /** The calls of host functions in the order of their ends, at most 1,000. */
  readonly callbacks: readonly CallbackRecord[];
  /** The most memory that the guest held. */
  readonly peakMemoryBytes: number | undefined;
  /** CPU used, in loop iterations of the guest's machine code: deterministic. */
  readonly fuelConsumed: number | bigint | undefined;
  /** What the program did on the network, at most 1,000 steps. */
  readonly network: readonly NetEvent[];
  /** What the program did, step by step, with `trace: true`. */
  readonly trace: readonly TraceEvent[];
  /** There was more than `maxTraceEvents`. */
  readonly traceTruncated: boolean;

  /** @internal Of a result record; fields that this version does not know are ignored. */
  constructor(record: ResultRecord) {
    this.stdout = record.stdout;
    this.stderr = record.stderr;
    this.stdoutTruncated = record.stdout_truncated ?? false;
    this.stderrTruncated = record.stderr_truncated ?? false;
    this.resultJson = record.result_json ?? undefined;
    this.resultError = record.result_error ?? undefined;
    this.value = record.value ?? null;
    this.exitCode = record.exit_code ?? 0;
    this.durationMs = record.duration_ms;
    this.callbackInvocations = record.callback_invocations;
    this.callbacks = (record.callbacks ?? []).map(([name, durationMs, error]) => ({
      name,
      durationMs,
      error: error ?? undefined,
    }));
    this.peakMemoryBytes = record.peak_memory_bytes ?? undefined;
    this.fuelConsumed = record.fuel_consumed ?? undefined;
    this.network = (record.network ?? []).map(netEvent);
    this.trace = (record.trace ?? []).map(traceEvent);
    this.traceTruncated = record.trace_truncated ?? false;
  }

  /** `stdout` as text; bytes that are not UTF-8 become replacement characters. */
  get stdoutText(): string {
    return utf8.decode(this.stdout);
  }

  /** `stderr` as text; bytes that are not UTF-8 become replacement characters. */
  get stderrText(): string {
    return utf8.decode(this.stderr);
  }

  /**
   * The result variable's value; integers that a number would not hold are bigints. `null` also when it was `None`,
   * `undefined` when it was not set.
   */
  get result(): unknown {
    return this.resultJson === undefined ? undefined : parseJson(this.resultJson);
  }

  /** `stdoutText`. */
  toString(): string {
    return this.stdoutText;
  }
}

/** A record of a trace as docs/abi.md describes it. */
export function traceEvent(record: readonly unknown[]): TraceEvent {
  const [kind, file, name, line, first, second, third] = record;
  const event = { kind, file, function: name, line } as TraceEvent;
  if (kind === "exception") return { ...event, message: first as string };
  if (kind === "callback_start") return { ...event, callback: first as string, argumentsJson: second as string };
  if (kind === "callback_end") {
    return { ...event, callback: first as string, message: second as string, durationMs: third as number };
  }
  return event;
}

const LONG_INTEGER = /\d{16}/;
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/g;

/**
 * The value of JSON with integers of any size. What JSON.parse would lose is first replaced by a text that occurs nowhere
 * else, and put in place afterwards.
 */
export function parseJson(text: string): unknown {
  if (!LONG_INTEGER.test(text)) return JSON.parse(text);
  let mark = "#";
  while (text.includes(mark)) mark += "#";
  const marked = text.replace(TOKENS, (token) => (isLost(token) ? `"${mark}${token}"` : token));
  return JSON.parse(marked, (_key, value) =>
    typeof value === "string" && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
  );
}

function isLost(token: string): boolean {
  return /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token));
}
