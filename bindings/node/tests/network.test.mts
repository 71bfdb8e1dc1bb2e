/** The network and secrets. The server is the test's own, on loopback. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, test } from "node:test";

import {
  ExecutionError,
  InvalidError,
  type NetAttempt,
  NetConfig,
  Sandbox,
  type SandboxOptions,
  SandboxPool,
  Session,
} from "eryx";

let seen: unknown[] = [];
const server = createServer((request, response) => {
  seen.push(request.headers["x-key"]);
  response.end(`key ${request.headers["x-key"]}`);
});
let port = 0;
before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
});
beforeEach(() => {
  seen = [];
});
after(() => {
  server.closeAllConnections();
  server.close();
});

const program = (): string => `
import os, urllib.request
request = urllib.request.Request("http://127.0.0.1:${port}/", headers={"X-Key": os.environ.get("KEY", "")})
with urllib.request.urlopen(request) as answer:
    print(answer.status, answer.read().decode())`;

async function refused(options: SandboxOptions, why: RegExp): Promise<void> {
  const running = new Sandbox(options).execute(program());
  await assert.rejects(running, (error) => error instanceof ExecutionError && why.test(error.traceback ?? ""));
  assert.deepEqual(seen, []);
}

test("what is refused", async () => {
  await refused({}, /PermissionError/);
  await refused({ network: new NetConfig() }, /blocked_networks/);
  await refused({ network: {} }, /blocked_networks/);
  await refused({ network: NetConfig.permissive().allowHost("example.com") }, /allowed_hosts/);
  await refused({ network: new NetConfig().allowLocalhost().blockHost("127.0.0.1") }, /blocked_hosts/);
});

test("what is allowed, and the events of it", async () => {
  const { stdoutText, network } = await new Sandbox({ network: new NetConfig().allowLocalhost() }).execute(program());
  assert.equal(stdoutText, "200 key \n");
  const [connect] = network;
  assert.deepEqual(
    [connect!.kind, connect!.address, connect!.port, connect!.refused],
    ["connect", "127.0.0.1", port, undefined],
  );
  const plain = await new Sandbox({ network: { allowedNetworks: ["127.0.0.0/8"] } }).execute(program());
  assert.equal(plain.stdoutText, "200 key \n");
});

test("the host decides about connections", async () => {
  const attempts: NetAttempt[] = [];
  const decide = (answer: unknown) => ({
    ...new NetConfig().allowLocalhost(),
    onConnect: async (attempt: NetAttempt) => {
      attempts.push(attempt);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  const session = new Session({ network: decide(true) });
  for (const sandbox of [session, await session.fork(), new Sandbox({ network: decide(undefined) })]) {
    assert.equal((await sandbox.execute(program())).stdoutText, "200 key \n");
  }
  assert.deepEqual(
    [attempts[0]!.protocol, attempts[0]!.address, attempts[0]!.port, attempts[0]!.listen],
    ["tcp", "127.0.0.1", port, false],
  );
  seen = [];
  await refused({ network: decide(false) }, /refused|denied|PermissionError/i);
  await refused({ network: decide(new Error("mine")) }, /PermissionError|mine/);
});

test("secrets go where they may, and nowhere else", async () => {
  const secrets = { KEY: { value: "real value", allowedHosts: ["127.0.0.1"] } };
  const options = { network: new NetConfig().allowLocalhost(), secrets, redactResponses: true };
  await using pool = new SandboxPool(options);
  await using lease = await pool.acquire();
  for (const sandbox of [new Sandbox(options), new Session(options), lease]) {
    assert.equal((await sandbox.execute(program())).stdoutText, "200 key [REDACTED]\n");
  }
  assert.deepEqual(seen, ["real value", "real value", "real value"]);
  seen = [];
  await refused({ ...options, secrets: { KEY: { value: "x", allowedHosts: ["example.com"] } } }, /secret KEY/);
});

test("placeholders are scrubbed", async () => {
  const code = "import os, sys\nresult = os.environ['KEY']\nprint(result)\nprint(result, file=sys.stderr)";
  const secrets = { KEY: { value: "real value" } };
  const hidden = await new Sandbox({ secrets }).execute(code);
  assert.deepEqual([hidden.stdoutText, hidden.stderrText], ["[REDACTED]\n", "[REDACTED]\n"]);
  assert.match(String(hidden.result), /PLACEHOLDER/);
  const scrub = { stdout: false, stderr: false, result: true, files: false };
  const shown = await new Sandbox({ secrets, scrub }).execute(code);
  assert.match(shown.stdoutText, /PLACEHOLDER/);
  assert.equal(shown.result, "[REDACTED]");
});

test("rules and secrets that make no sense", async () => {
  assert.throws(() => new NetConfig({ allowdHosts: [] } as object), TypeError);
  assert.throws(() => new NetConfig({ onConnect: 1 as never }), TypeError);
  assert.throws(() => new Sandbox({ secrets: { A: { value: 1 as never } } }), TypeError);
  for (const network of [{ allowedPorts: ["x"] }, { blockedNetworks: ["nonsense/99"] }, { maxConnections: -5 }]) {
    await assert.rejects(new Sandbox({ network }).ready(), InvalidError);
  }
  for (const secrets of [{ "A-B": { value: "x" } }, { A: { value: "" } }, { A: { value: "x\n" } }]) {
    await assert.rejects(new Sandbox({ secrets }).ready(), InvalidError);
  }
});

test("a configuration is not changed by its methods", () => {
  const base = new NetConfig({ fetch: true });
  const changed = base.allowHost("a").blockHost("b").allowNetwork("10.0.0.0/8").allowInternalHost("c").allowLocalhost();
  assert.deepEqual({ ...base }, { fetch: true });
  assert.deepEqual(changed.allowedHosts, ["a", "localhost", "*.localhost", "127.0.0.0/8", "::1"]);
  assert.deepEqual(changed.allowedNetworks, ["10.0.0.0/8", "127.0.0.0/8", "::1"]);
  assert.deepEqual([changed.blockedHosts, changed.internalHosts, changed.fetch], [["b"], ["c"], true]);
  assert.equal(base.withRootCertificate(new Uint8Array(3)).rootCertificates!.length, 1);
});
