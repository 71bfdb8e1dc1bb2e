/** What sandboxes, sessions, factories and pools are configured with, as messages. */

import type { Callbacks } from "./callbacks.js";
import type { Handlers } from "./executor.js";
import type { Library } from "./library.js";
import { limitsMessage, type ResourceLimitsOptions } from "./limits.js";
import type { MCPManager } from "./mcp.js";
import {
  type NetConfig,
  type NetConfigOptions,
  networkMessage,
  type Scrub,
  type Secret,
  secretMessages,
} from "./network.js";
import type { OutputHandler } from "./request.js";
import type { VfsStorage } from "./vfs.js";

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

/** A package, with what is to be said about it. */
export interface PackageOptions {
  /** The file or directory on the host. */
  path?: string | undefined;
  /** The file's content instead; `path` is then its name, where that is known. */
  data?: Uint8Array | undefined;
  /** Take a wheel without its machine code. */
  dropNative?: boolean | undefined;
}

/** A wheel, source distribution, archive or directory that programs may import: its path, its content, or details. */
export type Package = string | Uint8Array | PackageOptions;

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
  /** Packages to be fetched by the host's pip, such as "jinja2>=3", with what they need: pure-Python wheels only. */
  requirements?: readonly string[] | undefined;
  /** Where names, versions and hashes of what was chosen are kept; if it is there, exactly that is used. */
  lockFile?: string | undefined;
  /** Grants the network, under rules; default: none. `{}` reaches every host whose address is public. */
  network?: NetConfig | NetConfigOptions | undefined;
  /** Values that programs may send to certain hosts without seeing them, by the names of environment variables. */
  secrets?: Readonly<Record<string, Secret>> | undefined;
  /** Where placeholders of secrets become `[REDACTED]`. */
  scrub?: Scrub | undefined;
  /** Hide the values of secrets in HTTP responses of the hosts that they may be sent to. */
  redactResponses?: boolean | undefined;
  /** Where the program's writable files are kept; default: files of its own. */
  vfs?: VfsStorage | undefined;
  /** Where they are; default "/data". */
  vfsMountPath?: string | undefined;
  /** Bundles of host functions, Python modules and stubs. */
  libraries?: readonly Library[] | undefined;
  /** MCP servers, whose tools the program may call: those that are connected now. */
  mcp?: MCPManager | undefined;
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
    requirements: options.requirements,
    lock_file: options.lockFile,
    network: networkMessage(options.network),
    secrets: secretMessages(options.secrets),
    scrub: options.scrub,
    redact_responses: options.redactResponses,
    vfs_mount_path: options.vfsMountPath,
    trace: options.trace,
    max_trace_events: options.maxTraceEvents,
  };
}

/** What a sandbox, session or pool is tied to on the host's side. */
export function handlersOf(options: CommonOptions): Handlers {
  return { onStdout: options.onStdout, onStderr: options.onStderr, onConnect: options.network?.onConnect };
}
