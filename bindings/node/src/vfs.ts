/** Files in memory that the host's program and any number of sandboxes and sessions share. */

import { Closing } from "./closing.js";
import { FileError } from "./errors.js";
import { perform } from "./queue.js";
import { answerOf, type Host } from "./request.js";

/** A path in a storage; bytes where it is not valid UTF-8. */
export type VfsPath = string | Uint8Array;

/** A file, directory or symbolic link of a storage. */
export interface VfsEntry {
  /** From the storage's root, with a slash at its beginning. */
  readonly path: VfsPath;
  readonly type: "file" | "directory" | "link";
  /** The permissions, such as 0o644. */
  readonly mode: number;
  /** Of a file. */
  readonly sizeBytes: number;
  /** When its contents changed last, in milliseconds since 1970. */
  readonly modifiedMs: number;
  /** Where a link leads; empty for others. */
  readonly target: VfsPath;
}

/** What a storage holds, and its limits. */
export interface VfsUsage {
  readonly byteCount: number;
  readonly fileCount: number;
  readonly maxBytes: number;
  readonly maxFiles: number;
}

/** How far a load or a save has come: what it last copied, and how many files and bytes in all. */
export interface VfsProgress {
  readonly path: VfsPath;
  readonly fileCount: number;
  readonly byteCount: number;
}

/** What a load or a save can ask for. */
export interface VfsTransferOptions {
  /** The directory of the storage; default its root. */
  path?: VfsPath | undefined;
  /** Called some times a second, and at the end. */
  onProgress?: ((progress: VfsProgress) => void) | undefined;
  /** Stops the transfer when it is aborted. */
  signal?: AbortSignal | undefined;
}

/** What a storage is made with. */
export interface VfsStorageOptions {
  /** Sizes of files, plus 128 bytes and the name for each; default 64 MiB. Beyond it a program gets ENOSPC. */
  maxBytes?: number | undefined;
  /** Files, directories and links; default 100,000. */
  maxFiles?: number | undefined;
}

/** A storage that the library has made. */
class Adopted {
  constructor(readonly id: number) {}
}

type EntryRecord = readonly [VfsPath, VfsEntry["type"], number, number, number, VfsPath | null];

function entryOf([path, type, mode, sizeBytes, modifiedMs, target]: EntryRecord): VfsEntry {
  return { path, type, mode, sizeBytes, modifiedMs, target: target ?? "" };
}

function transferHost({ onProgress, signal }: VfsTransferOptions): Host {
  const onTransfer: Host["onTransfer"] =
    onProgress && ((path, fileCount, byteCount) => onProgress({ path, fileCount, byteCount }));
  return { onTransfer, signal };
}

/**
 * Files in memory for sessions and sandboxes. They outlive those and their resets; a snapshot or a fork of a session does not
 * hold them. Errors are FileError, and ResourceLimitError when a limit is reached.
 *
 * @example
 * const storage = new VfsStorage();
 * await storage.write("/in.txt", "hello");
 * const session = new Session({ vfs: storage });
 * await session.execute("open('/data/out.txt', 'w').write(open('/data/in.txt').read().upper())");
 * await storage.readText("/out.txt"); // "HELLO"
 */
export class VfsStorage extends Closing {
  constructor(options: VfsStorageOptions = {}) {
    super("vfs");
    if (options instanceof Adopted) {
      this.open(Promise.resolve(options.id));
      return;
    }
    const message = { op: "vfs.new", max_bytes: options.maxBytes, max_files: options.maxFiles };
    this.open(perform(message, {}, answerOf).then((answer) => answer.vfs as number));
  }

  /** The contents of a file. */
  async read(path: VfsPath): Promise<Uint8Array> {
    return (await this.ask("read", { path })).data as Uint8Array;
  }

  /** The contents of a file as text. */
  async readText(path: VfsPath): Promise<string> {
    return new TextDecoder().decode(await this.read(path));
  }

  /** Makes a file, or replaces what is in it; text becomes UTF-8. `parents` makes the directories above. */
  async write(path: VfsPath, data: Uint8Array | string, options: { parents?: boolean } = {}): Promise<void> {
    const content = typeof data === "string" ? new TextEncoder().encode(data) : data;
    await this.ask("write", { path, data: content, parents: options.parents });
  }

  /** Makes a directory and those above it; one that is there is no error. */
  async mkdir(path: VfsPath): Promise<void> {
    await this.ask("mkdir", { path });
  }

  /** Makes `path` a symbolic link to `target`. */
  async symlink(path: VfsPath, target: VfsPath): Promise<void> {
    await this.ask("symlink", { path, target });
  }

  /** Renames a file, directory or link; what is at `to` is replaced. */
  async rename(path: VfsPath, to: VfsPath): Promise<void> {
    await this.ask("rename", { path, to });
  }

  /** Removes a file, a link or an empty directory; with `recursive` a directory and all that is in it. */
  async remove(path: VfsPath, options: { recursive?: boolean } = {}): Promise<void> {
    await this.ask("remove", { path, recursive: options.recursive });
  }

  /** Describes a file, directory or link. */
  async stat(path: VfsPath, options: { followSymlinks?: boolean } = {}): Promise<VfsEntry> {
    const { entry } = await this.ask("stat", { path, nofollow: options.followSymlinks === false });
    return entryOf(entry as EntryRecord);
  }

  /** Whether there is something at `path`; a link that leads nowhere is not. */
  async exists(path: VfsPath): Promise<boolean> {
    try {
      await this.stat(path);
      return true;
    } catch (error) {
      if (error instanceof FileError && error.errno === "ENOENT") return false;
      throw error;
    }
  }

  /** What is in a directory, sorted by name. */
  async list(path: VfsPath = "/"): Promise<VfsEntry[]> {
    return ((await this.ask("list", { path })).entries as EntryRecord[]).map(entryOf);
  }

  /** All that is below a directory, each directory before what is in it; links are not followed. */
  async walk(path: VfsPath = "/"): Promise<VfsEntry[]> {
    return ((await this.ask("list", { path, recursive: true })).entries as EntryRecord[]).map(entryOf);
  }

  /** What is counted against the limits, and the limits. */
  async usage(): Promise<VfsUsage> {
    const usage = (await this.ask("usage")) as Record<string, number>;
    return {
      byteCount: usage.byte_count!,
      fileCount: usage.file_count!,
      maxBytes: usage.max_bytes!,
      maxFiles: usage.max_files!,
    };
  }

  /** All that the storage holds, as bytes for `restore`. */
  async snapshot(): Promise<Uint8Array> {
    return (await this.ask("snapshot")).data as Uint8Array;
  }

  /** Replaces all by a snapshot, which need not be trusted. SnapshotError, ResourceLimitError; then nothing has changed. */
  async restore(snapshot: Uint8Array): Promise<void> {
    await this.ask("restore", { data: snapshot });
  }

  /** An independent copy; contents are copied when one of the two changes them. */
  async fork(): Promise<VfsStorage> {
    return new VfsStorage(new Adopted((await this.ask("fork")).vfs as number) as object);
  }

  /**
   * Copies a directory or zip file of the host, or a zip file's bytes, into a directory. Special files, and links that lead out
   * of the source, are errors.
   */
  async load(source: string | Uint8Array, options: VfsTransferOptions = {}): Promise<void> {
    const from = typeof source === "string" ? { host_path: source } : { data: source };
    const fields = { path: options.path, ...from, transfer_events: options.onProgress !== undefined };
    await this.ask("load", fields, transferHost(options));
  }

  /**
   * Copies a directory to the host: to a zip file if `target` ends in ".zip", else to a directory. Nothing is written outside of
   * it, whatever links programs made.
   */
  async save(target: string, options: VfsTransferOptions = {}): Promise<void> {
    const zip = target.toLowerCase().endsWith(".zip");
    const fields = { path: options.path, host_path: target, zip, transfer_events: options.onProgress !== undefined };
    await this.ask("save", fields, transferHost(options));
  }

  /** A directory as a zip file's bytes. */
  async toZip(path: VfsPath = "/"): Promise<Uint8Array> {
    return (await this.ask("save", { path })).data as Uint8Array;
  }
}
