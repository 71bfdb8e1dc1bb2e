/** Session stores: many sessions, of which few are in memory. */

import { Closing } from "./closing.js";
import { perform } from "./queue.js";
import { answerOf } from "./request.js";

/** What a session store is made with. */
export interface SessionStoreOptions {
  /** How many sessions at rest are kept in memory at most; default 100. */
  maxResident?: number | undefined;
  /** Where the store makes a directory that only the user can read; default the system's for temporary files. */
  directory?: string | undefined;
  /** How much disk its sessions may take; default as much as there is. */
  maxDiskBytes?: number | undefined;
}

/** What a store holds, and how often a session moved. */
export interface StoreStats {
  readonly sessionCount: number;
  readonly residentCount: number;
  readonly onDiskCount: number;
  readonly diskBytes: number;
  readonly totalMoved: number;
  readonly totalReturned: number;
}

/**
 * Moves sessions that are not used to disk, as images, and brings them back when they are used again. A session does not notice,
 * but that its next use takes some milliseconds. Sessions that run, or that have a deleted file open, stay in memory.
 *
 * @example
 * const store = new SessionStore({ maxResident: 100 });
 * const sessions = Array.from({ length: 1000 }, () => new Session({ store }));
 */
export class SessionStore extends Closing {
  constructor(options: SessionStoreOptions = {}) {
    super("store");
    const { maxResident, directory, maxDiskBytes } = options;
    for (const [name, value] of Object.entries({ maxResident, maxDiskBytes })) {
      if (value !== undefined && !(value >= 1)) throw new RangeError(`${name} is ${value}: use a positive number`);
    }
    const message = { op: "store.new", max_resident: maxResident, directory, max_disk_bytes: maxDiskBytes };
    this.open(perform(message, {}, answerOf).then((answer) => answer.store as number));
  }

  /** What the store holds now. */
  async stats(): Promise<StoreStats> {
    const stats = (await this.ask("stats")) as Record<string, number>;
    return {
      sessionCount: stats.session_count!,
      residentCount: stats.resident_count!,
      onDiskCount: stats.on_disk_count!,
      diskBytes: stats.disk_bytes!,
      totalMoved: stats.total_moved!,
      totalReturned: stats.total_returned!,
    };
  }
}
