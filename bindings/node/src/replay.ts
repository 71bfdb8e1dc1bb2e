/** Programs that are suspended and go on later, or again: what their host functions answered is kept in a journal. */

import { type ErrorRecord, EryxError } from "./errors.js";
import { resultOf } from "./request.js";
import type { ExecuteResult } from "./results.js";

/**
 * Thrown by a host function to suspend the execution, for example until a person has approved the call.
 *
 * The execution ends with an ExecutionError of code "suspended". With `executeWithJournal` it can go on later.
 *
 * @example
 * const callbacks = {
 *   pay: async ({ amount }) => {
 *     if (!(await approved(amount))) throw new SuspendCallback("needs approval");
 *   },
 * };
 */
export class SuspendCallback extends Error {
  /** Why; for people. */
  readonly reason: string;

  constructor(reason = "") {
    super(reason);
    this.name = "SuspendCallback";
    this.reason = reason;
  }
}

/** The call at which an execution was suspended. */
export interface SuspendedCallback {
  readonly name: string;
  /** Its arguments as JSON text. */
  readonly argsJson: string;
  /** The reason that was given. */
  readonly reason: string;
}

/** What came of `executeWithJournal`. */
export interface ReplayOutcome {
  /** Of a program that ended well. */
  readonly result: ExecuteResult | undefined;
  /** Why there is no result; `error.result` has what the program printed until then. */
  readonly error: EryxError | undefined;
  /**
   * What the host functions answered, to be given to another execution of the program. It is JSON text and not its value,
   * because JavaScript's own numbers would lose what Python's integers and floats are.
   */
  readonly journal: string;
  /** How many calls the earlier journal answered. */
  readonly replayedCallbacks: number;
  /** The call that suspended the program. */
  readonly suspended: SuspendedCallback | undefined;
}

interface ReplayRecord {
  readonly journal?: string | null;
  readonly replayed_callbacks?: number | null;
  readonly suspended?: readonly [string, string, string] | null;
}

/** The outcome of an execution that has ended. An error that came before it began is thrown. */
export function outcomeOf(value: unknown, error: ErrorRecord | null, signal?: AbortSignal): ReplayOutcome {
  const record = (value ?? {}) as ReplayRecord;
  let result: ExecuteResult | undefined;
  let failure: EryxError | undefined;
  try {
    result = resultOf(value, error, signal);
  } catch (caught) {
    if (!(caught instanceof EryxError) || typeof record.journal !== "string") throw caught;
    failure = caught;
  }
  const { suspended } = record;
  return {
    result,
    error: failure,
    journal: record.journal ?? "",
    replayedCallbacks: record.replayed_callbacks ?? 0,
    suspended: suspended ? { name: suspended[0], argsJson: suspended[1], reason: suspended[2] } : undefined,
  };
}
