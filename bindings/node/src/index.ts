/**
 * Run untrusted Python in a WebAssembly sandbox, with host functions that the sandboxed program can await.
 *
 * @example
 * import { Sandbox } from "eryx";
 * const sandbox = new Sandbox({ callbacks: { price: async ({ sym }) => 12.5 } });
 * const result = await sandbox.execute('print(await price(sym="ACME"))', { timeoutMs: 1000 });
 * console.log(result.stdoutText);
 *
 * @packageDocumentation
 */

export type { CallbackContext, CallbackFunction, CallbackOptions, Callbacks } from "./callbacks.js";
export type { Closing } from "./closing.js";
export type { CommonOptions, HostOptions, Package, PackageOptions, Volume } from "./config.js";
export {
  AbortError,
  CancelledError,
  ClosedError,
  EryxError,
  ExecutionError,
  FileError,
  type Frame,
  InitializationError,
  InvalidError,
  PoolClosedError,
  PoolError,
  PoolExhaustedError,
  PoolTimeoutError,
  type PythonError,
  ResourceLimitError,
  SnapshotError,
  TimeoutError,
  UnsupportedError,
} from "./errors.js";
export type { Execution, OutputChunk } from "./execution.js";
export type { ExecuteOptions, Executor } from "./executor.js";
export { type LoadOptions, SandboxFactory, type SandboxFactoryOptions } from "./factory.js";
export { Library, type LibraryOptions } from "./library.js";
export { type OutputOverflow, ResourceLimits, type ResourceLimitsOptions } from "./limits.js";
export {
  type ConnectOptions,
  connectServers,
  type DiscoverOptions,
  discoverServers,
  MCPManager,
  type MCPOptions,
  type MCPServer,
  type MCPTool,
  type ServeOptions,
  serve,
} from "./mcp.js";
export { configure, type RuntimeOptions } from "./native.js";
export {
  type ClientCertificate,
  type NetAttempt,
  NetConfig,
  type NetConfigOptions,
  type OnConnect,
  type Scrub,
  type Secret,
} from "./network.js";
export { type LeaseOptions, PooledSandbox, type PoolStats, SandboxPool, type SandboxPoolOptions } from "./pool.js";
export { type ReplayOutcome, SuspendCallback, type SuspendedCallback } from "./replay.js";
export type { OutputHandler, TraceHandler } from "./request.js";
export { type CallbackRecord, ExecuteResult, type NetEvent, type TraceEvent } from "./results.js";
export { info, init, type RuntimeInfo } from "./runtime.js";
export { Sandbox, type SandboxOptions } from "./sandbox.js";
export { type CallOptions, type Completeness, Session, type SessionOptions, type Stateful } from "./session.js";
export { SessionStore, type SessionStoreOptions, type StoreStats } from "./store.js";
export { version } from "./version.js";
export { type VfsEntry, type VfsProgress, VfsStorage, type VfsTransferOptions, type VfsUsage } from "./vfs.js";
