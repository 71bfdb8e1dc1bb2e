/** MCP: tools of Model Context Protocol servers for sandboxed programs, and a sandbox as such a server. */

import { Closing, withIds } from "./closing.js";
import { type CommonOptions, commonConfig, handlersOf } from "./config.js";
import { InitializationError } from "./errors.js";
import type { SandboxFactory } from "./factory.js";
import { Offer } from "./library.js";
import { perform } from "./queue.js";
import { answerOf } from "./request.js";

/** How an MCP server is started, as a configuration file has it; `source` is the file. */
export interface MCPServer {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly source: string;
}

/** A tool of a connected server. */
export interface MCPTool {
  /** How a program writes it, such as `mcp["my-server"].search`. */
  readonly name: string;
  readonly server: string;
  /** Its name on the server. */
  readonly tool: string;
  readonly description: string;
  /** The JSON Schema of its parameters. */
  readonly schema: object;
}

/** What connecting a server can ask for. */
export interface MCPOptions {
  /** Variables beside this process's own. */
  env?: Readonly<Record<string, string>> | undefined;
  /** The server's working directory; default this process's. */
  cwd?: string | undefined;
  /** How long starting may take, in milliseconds; default 30,000. */
  timeoutMs?: number | undefined;
  /** Gives up when it is aborted. */
  signal?: AbortSignal | undefined;
}

/** Which files are looked at. */
export interface DiscoverOptions {
  /** Other programs' files too, beside those that are named, which count more; default only when none is named. */
  others?: boolean | undefined;
}

/** Which files are looked at, and how long each server may take to start. */
export interface ConnectOptions extends DiscoverOptions {
  /** In milliseconds; default 30,000. */
  timeoutMs?: number | undefined;
}

/** This process's variables, as it has set them. */
function environ(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1]?.isWellFormed() === true),
  );
}

/**
 * Connections to MCP servers: processes that speak the protocol over their standard input and output.
 *
 * Their tools are given to programs by the option `mcp` of Sandbox, Session and SandboxPool: those of the servers that are
 * connected then, as `await mcp.<server>.<tool>(...)`. The servers end with the manager.
 *
 * @example
 * const mcp = new MCPManager();
 * await mcp.connect("time", "uvx", ["mcp-server-time"]);
 * await new Sandbox({ mcp }).execute("print(await mcp.time.get_current_time(timezone='UTC'))");
 */
export class MCPManager extends Closing {
  constructor() {
    super("mcp");
    this.open(perform({ op: "mcp.new" }, {}, answerOf).then((answer) => answer.mcp as number));
  }

  /**
   * Starts a server and asks for its tools; how many there are.
   *
   * @throws InitializationError: the command cannot be started, or is no MCP server.
   * @throws InvalidError: the name is taken, or has spaces.
   * @throws TimeoutError: the server did not answer in time.
   */
  async connect(
    name: string,
    command: string,
    args: readonly string[] = [],
    options: MCPOptions = {},
  ): Promise<number> {
    const { env, cwd, timeoutMs, signal } = options;
    const fields = { name, command, args, env, cwd, environ: environ(), timeout_ms: timeoutMs };
    return (await this.ask("connect", fields, { signal })).tool_count as number;
  }

  /** The tools of all servers. */
  async listTools(): Promise<MCPTool[]> {
    const tools = (await this.ask("list_tools")).tools as Record<
      "name" | "server" | "tool" | "description" | "schema",
      string
    >[];
    return tools.map(({ name, server, tool, description, schema }) => ({
      name,
      server,
      tool,
      description,
      schema: schema === "" ? {} : (JSON.parse(schema) as object),
    }));
  }

  /** The connected servers, sorted. */
  async serverNames(): Promise<string[]> {
    return (await this.ask("server_names")).server_names as string[];
  }

  /** @internal Connects the servers of configuration files; what went wrong. */
  async connectAll(configPaths: readonly string[] | undefined, options: ConnectOptions): Promise<string[]> {
    const { others, timeoutMs } = options;
    const fields = { config_paths: configPaths, others, environ: environ(), timeout_ms: timeoutMs };
    const { failures, warnings } = await this.ask("connect_all", fields);
    const failed = failures as [name: string, message: string, required?: boolean][];
    const fatal = failed.find(([, , required]) => required);
    if (fatal !== undefined) throw new InitializationError(fatal[1]);
    return [...(warnings as string[]), ...failed.map(([, message]) => message)];
  }
}

function warn(texts: readonly string[]): void {
  for (const text of texts) process.emitWarning(text, "EryxWarning");
}

/**
 * The servers of configuration files; of two with one name the later file's. Without paths those where Claude Code, Zed, Codex,
 * Cursor, Windsurf and Gemini keep a user's servers, and those of the project in the working directory.
 */
export async function discoverServers(
  configPaths?: readonly string[],
  options: DiscoverOptions = {},
): Promise<MCPServer[]> {
  const message = { op: "mcp.discover", config_paths: configPaths, others: options.others, environ: environ() };
  const { servers, warnings } = await perform(message, {}, answerOf);
  warn(warnings as string[]);
  return servers as MCPServer[];
}

/**
 * A manager that is connected to the servers of configuration files; undefined when there are none. A server that cannot be
 * connected is a warning of the process; one of the files that are named is an InitializationError.
 */
export async function connectServers(
  configPaths?: readonly string[],
  options: ConnectOptions = {},
): Promise<MCPManager | undefined> {
  const manager = new MCPManager();
  try {
    warn(await manager.connectAll(configPaths, options));
    if ((await manager.serverNames()).length > 0) return manager;
  } catch (error) {
    await manager.close();
    throw error;
  }
  await manager.close();
  return undefined;
}

/** What an MCP server's session is made with. */
export interface ServeOptions extends CommonOptions {
  /** Begin where the factory's imports and set-up code ended. */
  factory?: SandboxFactory | undefined;
  /** Ends serving when it is aborted. */
  signal?: AbortSignal | undefined;
}

/**
 * Makes this process an MCP server on its standard input and output, until its client goes. Its one tool is
 * `run_python(code, timeout_ms?)`, whose programs share a session; the callbacks and tools that they may await are listed in its
 * description. Nothing else may write to standard output meanwhile.
 */
export async function serve(options: ServeOptions = {}): Promise<void> {
  const { factory, vfs, mcp, signal } = options;
  const offer = new Offer(options, factory?.offer);
  const config = { ...commonConfig(options), ...offer.config() };
  await withIds({ factory, vfs, mcp }, ({ factory: id, ...ids }) => {
    const message = { op: "mcp.serve", config: { ...config, ...ids }, factory: id };
    return perform(message, { callbacks: offer.served, signal, ...handlersOf(options), owner: options }, answerOf);
  });
}
