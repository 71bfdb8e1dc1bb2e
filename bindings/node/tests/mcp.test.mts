/** MCP: servers' tools in sandboxes, configuration files, and eryx as a server, which is what these servers are. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import {
  ClosedError,
  connectServers,
  discoverServers,
  InitializationError,
  InvalidError,
  MCPManager,
  Sandbox,
  SandboxPool,
  Session,
  TimeoutError,
} from "eryx";

const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const SERVER = [
  "--input-type=module",
  "-e",
  "import { serve } from 'eryx'; await serve({ callbacks: { twice: ({ x }) => 2 * x } });",
];
const folder = mkdtempSync(path.join(tmpdir(), "eryx-mcp-"));
const manager = new MCPManager();

before(async () => {
  assert.equal(await manager.connect("inner", process.execPath, SERVER, { cwd: PACKAGE }), 1);
  assert.equal(await manager.connect("in-ner", process.execPath, SERVER, { cwd: PACKAGE, env: { A: "b" } }), 1);
});
after(async () => {
  await manager.close();
  rmSync(folder, { recursive: true });
});

test("tools are listed", async () => {
  assert.deepEqual(await manager.serverNames(), ["in-ner", "inner"]);
  const tools = await manager.listTools();
  assert.deepEqual(
    tools.map((tool) => tool.name),
    ['mcp["in-ner"].run_python', "mcp.inner.run_python"],
  );
  assert.deepEqual([tools[1]!.server, tools[1]!.tool], ["inner", "run_python"]);
  assert.match(tools[0]!.description, /Python/);
  assert.deepEqual(Object.keys((tools[0]!.schema as { properties: object }).properties), ["code", "timeout_ms"]);
});

test("tools in every kind of sandbox", async () => {
  const code =
    "print(await mcp.inner.run_python(code='print(await twice(x=21))'), await mcp['in-ner'].run_python('print(1)'))";
  const pool = new SandboxPool({ mcp: manager });
  const session = new Session({ mcp: manager, callbacks: { f: () => 3 } });
  for (const sandbox of [new Sandbox({ mcp: manager }), session, await session.fork(), await pool.acquire()]) {
    assert.equal((await sandbox.execute(code)).stdoutText, "42 1\n");
  }
  assert.equal(
    (await session.execute("print(await f() + await mcp.inner.run_python(code='print(1)'))")).stdoutText,
    "4\n",
  );
  const failing = "try:\n    await mcp.inner.run_python(code='1/0')\nexcept RuntimeError as e:\n    print(e.code)";
  assert.equal((await session.execute(failing)).stdoutText, "tool\n");
});

test("servers that cannot be connected", async () => {
  await assert.rejects(manager.connect("x", "eryx-no-such-command"), InitializationError);
  await assert.rejects(manager.connect("x", process.execPath, ["-e", "process.exit(1)"]), InitializationError);
  await assert.rejects(manager.connect("x", "sleep", ["1000"], { timeoutMs: 100 }), TimeoutError);
  await assert.rejects(manager.connect("x", "sleep", ["1000"], { signal: AbortSignal.timeout(50) }), {
    name: "AbortError",
  });
  await assert.rejects(manager.connect("x y", "true"), InvalidError);
});

test("configuration files", async () => {
  const file = path.join(folder, "mcp.json");
  const server = { command: process.execPath, args: SERVER, cwd: PACKAGE, env: { V: "$ERYX_TEST_V" } };
  writeFileSync(file, JSON.stringify({ mcpServers: { filed: server } }));
  process.env.ERYX_TEST_V = "value";
  const [found] = await discoverServers([file]);
  assert.deepEqual(
    [found!.name, found!.command, found!.env, found!.source],
    ["filed", process.execPath, { V: "value" }, file],
  );
  await using connected = await connectServers([file]);
  assert.deepEqual(await connected!.serverNames(), ["filed"]);
  await assert.rejects(discoverServers(["/nonexistent.json"]), InvalidError);
  assert.equal((await discoverServers([file], { others: true })).find((one) => one.name === "filed")!.source, file);
  writeFileSync(file, JSON.stringify({ mcpServers: { broken: { command: "eryx-no-such-command" } } }));
  await assert.rejects(connectServers([file]), InitializationError);
  writeFileSync(file, JSON.stringify({ mcpServers: {} }));
  assert.equal(await connectServers([file]), undefined);
});

test("after close", async () => {
  const closed = new MCPManager();
  await closed.close();
  await assert.rejects(closed.listTools(), ClosedError);
  await assert.rejects(new Sandbox({ mcp: closed }).execute("1"), ClosedError);
});
