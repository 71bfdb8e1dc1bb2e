/** What sandboxes, sessions, factories and pools are configured with, as messages. */

import type { Callbacks } from "./callbacks.js";
import { limitsMessage, type ResourceLimitsOptions } from "./limits.js";
import type { OutputHandler } from "./request.js";

/** A directory or file of the host's that programs see. */
export interface Volume {
  /** An existing directory or file. */
  hostPath: string;
  /** The absolute path at which the program sees it. */
  guestPath: string;
  /** Default "read_only". With "copy_on_write" changes are the program's own and are forgotten with it. */
  mode?: "read_only" | "read_write" | "copy_on_write" | undefined;
  /** By how many bytes the program can make it grow. */
  quotaBytes?: number | bigint | undefined;
}

/** A wheel, source distribution, archive or directory that programs may import: its path, its content, or details. */
export type Package =
  | string
  | Uint8Array
  | {
      /** The file or directory on the host. */
      path?: string | undefined;
      /** The file's content instead. */
      data?: Uint8Array | undefined;
      /** Take a wheel without its machine code. */
      dropNative?: boolean | undefined;
    };

/** What an execution can be given beside its code. */
export interface HostOptions {
  /** For each execution. What is left out has its default; `null` is no limit. */
  resourceLimits?: ResourceLimitsOptions | undefined;
  /** Host functions that programs can await, by name. */
  callbacks?: Callbacks | undefined;
  /** Called with the bytes of standard output as they are written. */
  onStdout?: OutputHandler | undefined;
  /** Called with the bytes of standard error as they are written. */
  onStderr?: OutputHandler | undefined;
}

/** What sandboxes and sessions have in common. */
export interface CommonOptions extends HostOptions {
  /** The global whose value becomes `ExecuteResult.result`; default "result". */
  resultVariable?: string | undefined;
  /** The program's `sys.argv`. */
  args?: readonly string[] | undefined;
  /** Environment variables that the program sees. */
  env?: Readonly<Record<string, string>> | undefined;
  /** Directories and files of the host's that the program sees. */
  volumes?: readonly Volume[] | undefined;
  /** What programs may import. */
  packages?: readonly Package[] | undefined;
  /** Collect what programs do, step by step, in `ExecuteResult.trace`. */
  trace?: boolean | undefined;
  /** How many steps at most. */
  maxTraceEvents?: number | undefined;
}

/** Packages as a message has them. */
export function packageMessages(packages: readonly Package[] | undefined): unknown[] | undefined {
  return packages?.map((item) => {
    if (typeof item === "string") return { path: item };
    if (item instanceof Uint8Array) return { data: item };
    return { path: item.path, data: item.data, drop_native: item.dropNative };
  });
}

function volumeMessage(volume: Volume): Record<string, unknown> {
  const { hostPath, guestPath, mode, quotaBytes } = volume;
  return { host_path: hostPath, guest_path: guestPath, mode, quota_bytes: quotaBytes };
}

/** The configuration of a sandbox or session, without callbacks. */
export function commonConfig(options: CommonOptions): Record<string, unknown> {
  for (const name of ["onStdout", "onStderr"] as const) {
    if (options[name] !== undefined && typeof options[name] !== "function") {
      throw new TypeError(`${name} must be a function`);
    }
  }
  return {
    limits: limitsMessage(options.resourceLimits),
    result_variable: options.resultVariable,
    args: options.args,
    env: options.env,
    volumes: options.volumes?.map(volumeMessage),
    packages: packageMessages(options.packages),
    trace: options.trace,
    max_trace_events: options.maxTraceEvents,
  };
}
