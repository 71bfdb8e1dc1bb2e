/** Session stores, both kinds of snapshots, packages as bytes, requirements. */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";

import {
  ClosedError,
  InitializationError,
  InvalidError,
  ResourceLimitError,
  Sandbox,
  SandboxPool,
  Session,
  SessionStore,
  SnapshotError,
} from "eryx";

test("sessions move to disk and come back", async () => {
  const directory = mkdtempSync(path.join(tmpdir(), "eryx-store-"));
  const store = new SessionStore({ maxResident: 2, directory });
  const sessions = Array.from({ length: 6 }, (_, i) => new Session({ store, callbacks: { me: () => i } }));
  for (const [i, session] of sessions.entries()) {
    await session.execute(`import itertools\nn = itertools.count(${i * 10})\nopen('f', 'w').write('${i}')`);
  }
  const stats = await store.stats();
  assert.deepEqual([stats.sessionCount, stats.residentCount, stats.onDiskCount], [6, 2, 4]);
  assert.ok(stats.diskBytes > 0 && stats.totalMoved >= 4 && stats.totalReturned >= 0);
  for (const turn of [0, 1]) {
    for (const [i, session] of sessions.entries()) {
      const result = await session.execute("print(next(n), await me(), open('f').read())");
      assert.equal(result.stdoutText, `${i * 10 + turn} ${i} ${i}\n`);
    }
  }
  const fork = await sessions[0]!.fork();
  assert.equal((await store.stats()).sessionCount, 7);
  assert.equal(await fork.call("n.__next__"), 2);
  assert.equal(readdirSync(directory).length, 1);
  await store.close();
  assert.equal(readdirSync(directory).length, 0);
  await assert.rejects(store.stats(), ClosedError);
  await assert.rejects(sessions[1]!.execute("1"), ClosedError);
  await assert.rejects(new Session({ store }).ready(), ClosedError);
  rmSync(directory, { recursive: true });
});

test("a full disk, and stores that are none", async () => {
  await using store = new SessionStore({ maxResident: 1, maxDiskBytes: 1 << 20 });
  const big = new Session({ store });
  await big.execute("import os\ndata = os.urandom(2 << 20)");
  await assert.rejects(
    new Session({ store }).ready(),
    (error) => error instanceof ResourceLimitError && error.limit === "disk",
  );
  assert.equal((await big.execute("print(len(data))")).stdoutText, "2097152\n");
  assert.throws(() => new SessionStore({ maxResident: 0 }), RangeError);
  await assert.rejects(new SessionStore({ directory: "/nowhere" }).ready(), InitializationError);
});

test("kinds of snapshots", async () => {
  const session = new Session();
  await session.execute("x = 1\nh = (i for i in [3, 4])");
  const [image, pickle] = [await session.snapshot(), await session.snapshot("pickle")];
  for (const [snapshot, generators] of [
    [image, true],
    [pickle, false],
  ] as const) {
    const restored = await Session.fromSnapshot(snapshot, { resultVariable: "x" });
    const result = await restored.execute("print('h' in globals())");
    assert.deepEqual([result.stdoutText, result.result], [generators ? "True\n" : "False\n", 1]);
    await restored.restore(snapshot);
    assert.equal(await restored.get("x"), 1);
  }
  await assert.rejects(session.snapshot("dill" as never), InvalidError);
  for (const damaged of [image.slice(0, -1), image.slice(0, 100), pickle.slice(0, -1)]) {
    await assert.rejects(Session.fromSnapshot(damaged), SnapshotError);
  }
});

/** A zip file of stored files; enough for a wheel. */
function zip(files: Record<string, string>): Uint8Array {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const [path, data] = [Buffer.from(name), Buffer.from(text)];
    const sizes = Buffer.alloc(18);
    sizes.writeUInt32LE(crc32(data), 4);
    sizes.writeUInt32LE(data.length, 8);
    sizes.writeUInt32LE(data.length, 12);
    sizes.writeUInt16LE(path.length, 16);
    const local = Buffer.concat([
      Buffer.from("504b03041400000000000000", "hex").subarray(0, 10),
      sizes,
      Buffer.alloc(2),
      path,
      data,
    ]);
    const entry = Buffer.alloc(4);
    entry.writeUInt32LE(offset);
    central.push(
      Buffer.concat([
        Buffer.from("504b0102140014000000000", "hex"),
        Buffer.alloc(1),
        sizes,
        Buffer.alloc(12),
        entry,
        path,
      ]),
    );
    parts.push(local);
    offset += local.length;
  }
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(central.length, 8);
  end.writeUInt16LE(central.length, 10);
  end.writeUInt32LE(Buffer.concat(central).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...central, end]);
}

function crc32(data: Uint8Array): number {
  let crc = ~0;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}

test("a wheel with machine code is refused, and taken without it", async () => {
  const data = zip({
    "mine/__init__.py": "try:\n    from mine import fast\nexcept ImportError:\n    fast = None\n",
    "mine/fast.cpython-314-x86_64-linux-gnu.so": "\x7fELF",
    "mine-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: cp314-cp314-manylinux2014_x86_64\n",
    "mine-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n",
  });
  const path = "mine-1.0-cp314-cp314-manylinux2014_x86_64.whl";
  await assert.rejects(new Sandbox({ packages: [{ path, data }] }).ready(), /manylinux2014_x86_64/);
  const sandbox = new Sandbox({ packages: [{ path, data, dropNative: true }] });
  assert.equal((await sandbox.execute("import mine\nprint(mine.fast)")).stdoutText, "None\n");
});

test("a package as bytes, requirements that are none, a pool that is checked", async () => {
  const wheel = zip({
    "mine/__init__.py": "VALUE = 42\n",
    "mine-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
    "mine-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n",
  });
  const code = "import mine\nprint(mine.VALUE)";
  assert.equal((await new Sandbox({ packages: [wheel] }).execute(code)).stdoutText, "42\n");
  const named = { path: "mine-1.0-py3-none-any.whl", data: wheel };
  const pool = new SandboxPool({ packages: [named] });
  await pool.check();
  const lease = await pool.acquire();
  assert.equal((await lease.execute(code)).stdoutText, "42\n");
  assert.equal(lease.pool, pool);
  await assert.rejects(new Sandbox({ requirements: ["not a requirement !"] }).ready());
  await assert.rejects(new Sandbox({ requirements: [1 as never] }).ready(), InvalidError);
});
