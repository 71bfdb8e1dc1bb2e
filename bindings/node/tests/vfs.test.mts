/** VfsStorage: files that the host's program and sandboxes share. */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";

import { ClosedError, FileError, ResourceLimitError, Sandbox, Session, SnapshotError, VfsStorage } from "eryx";

const folder = mkdtempSync(path.join(tmpdir(), "eryx-vfs-"));
after(() => rmSync(folder, { recursive: true }));

const errno = (name: string) => (error: unknown) =>
  error instanceof FileError && error.code === "file" && error.errno === name;

test("files pass both ways and outlive sessions", async () => {
  const vfs = new VfsStorage();
  await vfs.write("/in.txt", "hello");
  const session = new Session({ vfs });
  await session.execute("open('/data/out.txt', 'w').write(open('/data/in.txt').read().upper())");
  assert.equal(await vfs.readText("/out.txt"), "HELLO");
  await session.close();
  const other = new Sandbox({ vfs, vfsMountPath: "/work" });
  assert.equal(
    (await other.execute("import os\nprint(sorted(os.listdir('/work')))")).stdoutText,
    "['in.txt', 'out.txt']\n",
  );
});

test("every operation", async () => {
  const vfs = new VfsStorage();
  await vfs.write("a/b/c.bin", new Uint8Array([1, 2, 3]), { parents: true });
  assert.deepEqual(await vfs.read("/a/b/c.bin"), new Uint8Array([1, 2, 3]));
  await vfs.mkdir("d/e");
  await vfs.symlink("link", "/a/b/c.bin");
  await vfs.rename("a/b/c.bin", "d/moved");
  const entry = await vfs.stat("d/moved");
  assert.deepEqual([entry.path, entry.type, entry.sizeBytes, entry.target], ["/d/moved", "file", 3, ""]);
  assert.ok(entry.mode > 0 && Math.abs(entry.modifiedMs - Date.now()) < 3_600_000);
  assert.deepEqual([await vfs.exists("link"), await vfs.exists("d/moved")], [false, true]);
  const link = await vfs.stat("link", { followSymlinks: false });
  assert.deepEqual([link.type, link.target], ["link", "/a/b/c.bin"]);
  assert.deepEqual(
    (await vfs.list()).map((item) => item.path),
    ["/a", "/d", "/link"],
  );
  assert.deepEqual(
    (await vfs.walk("d")).map((item) => item.path),
    ["/d/e", "/d/moved"],
  );
  await assert.rejects(vfs.remove("a"), errno("ENOTEMPTY"));
  await vfs.remove("a", { recursive: true });
  await assert.rejects(vfs.read("a/b"), errno("ENOENT"));
  await assert.rejects(vfs.read("d"), errno("EISDIR"));
  await assert.rejects(vfs.exists("d/moved/x"), errno("ENOTDIR"));
  const usage = await vfs.usage();
  assert.ok(usage.fileCount >= 4 && usage.byteCount >= 3 && usage.maxBytes === 64 << 20 && usage.maxFiles === 100_000);
});

test("names that are not UTF-8", async () => {
  const vfs = new VfsStorage();
  const name = new Uint8Array([0x2f, 0xff, 0x61]);
  await vfs.write(name, "x");
  assert.deepEqual((await vfs.list())[0]!.path, name);
  assert.equal(await vfs.readText(name), "x");
});

test("forks, snapshots, limits", async () => {
  const vfs = new VfsStorage({ maxBytes: 10_000, maxFiles: 5 });
  await vfs.write("f", "one");
  const fork = await vfs.fork();
  await vfs.write("f", "two");
  assert.equal(await fork.readText("f"), "one");
  const snapshot = await vfs.snapshot();
  await fork.restore(snapshot);
  assert.equal(await fork.readText("f"), "two");
  await assert.rejects(fork.restore(new Uint8Array(10)), SnapshotError);
  await assert.rejects(vfs.write("g", new Uint8Array(20_000)), ResourceLimitError);
  const session = new Session({ vfs });
  const full =
    "try:\n    with open('/data/g', 'wb') as f: f.write(bytes(20_000))\nexcept OSError as e:\n    import errno\n    print(e.errno == errno.ENOSPC)";
  assert.equal((await session.execute(full)).stdoutText, "True\n");
  await vfs.close();
  await assert.rejects(vfs.read("f"), ClosedError);
  assert.equal((await session.execute("print(open('/data/f').read())")).stdoutText, "two\n");
});

test("copies from and to the host", async () => {
  const source = path.join(folder, "source");
  mkdirSync(path.join(source, "sub"), { recursive: true });
  for (let i = 0; i < 20; i++) writeFileSync(path.join(source, "sub", `${i}.txt`), `${i}`);
  const vfs = new VfsStorage();
  const seen: number[] = [];
  await vfs.load(source, { path: "/in", onProgress: ({ fileCount }) => seen.push(fileCount) });
  assert.equal(seen.at(-1), Math.max(...seen));
  assert.ok(seen.at(-1)! >= 20);
  assert.equal(await vfs.readText("/in/sub/7.txt"), "7");
  const [target, archive] = [path.join(folder, "target"), path.join(folder, "archive.zip")];
  await vfs.save(target, { path: "/in" });
  assert.equal(readFileSync(path.join(target, "sub", "19.txt"), "utf8"), "19");
  await vfs.save(archive);
  const copy = new VfsStorage();
  await copy.load(archive);
  assert.equal(await copy.readText("/in/sub/3.txt"), "3");
  const third = new VfsStorage();
  await third.load(await vfs.toZip("/in"), { path: "/z" });
  assert.equal(await third.readText("/z/sub/0.txt"), "0");
  await vfs.symlink("/in/out", "/etc/passwd");
  await assert.rejects(vfs.save(path.join(folder, "escape"), { path: "/in" }));
  assert.equal(existsSync(path.join(folder, "escape", "out")), false);
  await assert.rejects(vfs.load("/nonexistent"));
});
