/** What one execution may use. */

/** What happens to output beyond `maxOutputBytes`. */
export type OutputOverflow = "truncate" | "fail";

/** The fields of ResourceLimits, of which any may be left out. `null` is no limit, `undefined` the default. */
export interface ResourceLimitsOptions {
  /** Wall-clock time of one execution, in milliseconds; default 30,000. */
  executionTimeoutMs?: number | null | undefined;
  /** Wall-clock time of one call of a host function, in milliseconds; default 10,000. */
  callbackTimeoutMs?: number | null | undefined;
  /** From the polite interrupt to the kill, in milliseconds; default 100. */
  gracePeriodMs?: number | null | undefined;
  /** The guest's memory, interpreter included; default 128 MiB. Beyond it the program sees MemoryError. */
  maxMemoryBytes?: number | bigint | null | undefined;
  /** How many host functions one execution may call; default 1,000. */
  maxCallbackInvocations?: number | bigint | null | undefined;
  /** How many calls may be under way at once; default 10,000. */
  maxPendingCallbacks?: number | bigint | null | undefined;
  /** CPU budget in loop iterations of the guest's machine code, which is deterministic; default none. */
  maxFuel?: number | bigint | null | undefined;
  /** The size of the writable files in memory; default 64 MiB. */
  maxVfsBytes?: number | bigint | null | undefined;
  /** How much output is kept, and given to handlers and streams; default 8 MiB. */
  maxOutputBytes?: number | bigint | null | undefined;
  /** What happens to output beyond that; default "truncate". */
  outputOverflow?: OutputOverflow | undefined;
  /** How many files may be open at once; default 256. */
  maxOpenFiles?: number | bigint | null | undefined;
}

const FIELDS = {
  executionTimeoutMs: "execution_timeout_ms",
  callbackTimeoutMs: "callback_timeout_ms",
  gracePeriodMs: "grace_period_ms",
  maxMemoryBytes: "max_memory_bytes",
  maxCallbackInvocations: "max_callback_invocations",
  maxPendingCallbacks: "max_pending_callbacks",
  maxFuel: "max_fuel",
  maxVfsBytes: "max_vfs_bytes",
  maxOutputBytes: "max_output_bytes",
  maxOpenFiles: "max_open_files",
} as const;

/**
 * Limits of every execution of a sandbox or session. A plain object with the same fields does as well.
 *
 * @example
 * new Sandbox({ resourceLimits: { executionTimeoutMs: 500, maxFuel: 10_000_000 } });
 */
export class ResourceLimits implements ResourceLimitsOptions {
  declare executionTimeoutMs?: number | null | undefined;
  declare callbackTimeoutMs?: number | null | undefined;
  declare gracePeriodMs?: number | null | undefined;
  declare maxMemoryBytes?: number | bigint | null | undefined;
  declare maxCallbackInvocations?: number | bigint | null | undefined;
  declare maxPendingCallbacks?: number | bigint | null | undefined;
  declare maxFuel?: number | bigint | null | undefined;
  declare maxVfsBytes?: number | bigint | null | undefined;
  declare maxOutputBytes?: number | bigint | null | undefined;
  declare outputOverflow?: OutputOverflow | undefined;
  declare maxOpenFiles?: number | bigint | null | undefined;

  /** @throws TypeError for an unknown field, RangeError for a value that is no limit. */
  constructor(limits: ResourceLimitsOptions = {}) {
    Object.assign(this, limits);
    limitsMessage(this);
  }

  /** No limits but those of output, files and pending callbacks, which live in the host's memory. */
  static unlimited(): ResourceLimits {
    return new ResourceLimits({
      executionTimeoutMs: null,
      callbackTimeoutMs: null,
      maxMemoryBytes: null,
      maxCallbackInvocations: null,
    });
  }
}

/** A limit as the library wants it: -1 is none. */
function limitValue(name: string, value: unknown): number | bigint {
  if (value === null) return -1;
  const wanted = typeof value === "number" || typeof value === "bigint";
  if (!wanted) throw new TypeError(`${name} must be a number, or null for no limit`);
  if (!(value >= 0)) throw new RangeError(`${name} is ${value}: it cannot be negative; use null for no limit`);
  if (value === Number.POSITIVE_INFINITY) return -1;
  if (typeof value === "number" && !Number.isInteger(value) && !name.endsWith("Ms")) {
    throw new RangeError(`${name} is ${value}: it must be an integer`);
  }
  return value;
}

/** Limits as a message has them. */
export function limitsMessage(limits: ResourceLimitsOptions | undefined): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(limits ?? {})) {
    if (value === undefined) continue;
    if (name === "outputOverflow") message.output_overflow = value;
    else if (Object.hasOwn(FIELDS, name)) message[FIELDS[name as keyof typeof FIELDS]] = limitValue(name, value);
    else throw new TypeError(`there is no limit ${JSON.stringify(name)}`);
  }
  return message;
}
