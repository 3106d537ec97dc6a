import type { Database, Key, RootDatabase } from 'lmdb';
import { checkLmdbFile } from './check-lmdb-file.js';
import { closeFilesToOthers, directoryError, prepareDirectory } from './lmdb-directory.js';
import { probeRecords } from './probe-records.js';
import {
  followMoved,
  foundInJson,
  hashedId,
  isMoved,
  jsonFrom,
  MOVED_MILLISECONDS,
  oldestFirst,
  pointerFrom,
  recordFrom,
  UnreadableRecordError,
  type KeptSession,
  type MovedSession,
  type SessionRecord,
  type SessionRecords,
  type SessionUse,
} from './records.js';
import { isObject } from '../platform/unknown-values.js';

const SWEEP_MILLISECONDS = 60_000;

/** How many sessions a transaction sweeps: other work comes between two of them. */
const SWEEP_SIZE = 1_000;

/**
 * Opens the embedded store: sessions survive a restart and a kill, and processes of one machine share them.
 *
 * @throws Error naming the ways out when lmdb is not installed or its binary cannot load, when the directory cannot be
 * had for nobody else, and when the file in it is damaged.
 */
export async function openLmdbRecords(directory: string, now: () => number = Date.now): Promise<SessionRecords> {
  const { open } = await loadLmdb();
  prepareDirectory(directory);
  await checkLmdbFile(directory);
  const records = new LmdbRecords(openDatabase(open, directory), now);
  await records.sweep();
  return records;
}

async function loadLmdb(): Promise<typeof import('lmdb')> {
  try {
    return await import('lmdb');
  } catch (cause) {
    throw new Error(
      'The embedded session store needs lmdb, and it could not be loaded. Install it with its optional dependencies ' +
        "(npm install lmdb --include=optional), or give SecureModule another store: session: { store: new RedisStore(...) }, or 'memory' outside production.",
      { cause },
    );
  }
}

function openDatabase(open: typeof import('lmdb').open, directory: string): RootDatabase<string, Key> {
  try {
    // Without noSubdir, lmdb takes a name with a dot in it for a file. With batches of event turns, a full disk rejects
    // promises that nobody has, and one write at a time is six times slower.
    const root = open<string>({ path: directory, noSubdir: false, encoding: 'string', eventTurnBatching: false });
    closeFilesToOthers(directory);
    return root;
  } catch (cause) {
    throw directoryError(directory, cause);
  }
}

class LmdbRecords implements SessionRecords {
  private readonly sessions: Database<string, string>;
  /** The ids of a user. */
  private readonly byUser: Database<string, string>;
  /** When to look at a session. A touch does not move it: the sweep does, if the session lives on. */
  private readonly byExpiry: Database<string, [expires: number, id: string]>;
  private readonly sweeper: NodeJS.Timeout;

  constructor(
    private readonly root: RootDatabase<string, Key>,
    private readonly now: () => number,
  ) {
    this.sessions = root.openDB({ name: 'sessions' });
    this.byUser = root.openDB({ name: 'by-user', dupSort: true });
    this.byExpiry = root.openDB({ name: 'by-expiry' });
    // What a sweep fails of, the next one does.
    this.sweeper = setInterval(() => void this.sweep().catch(() => undefined), SWEEP_MILLISECONDS).unref();
  }

  readNow(id: string): SessionRecord | MovedSession | undefined {
    return this.look(() => this.find(id));
  }

  async read(id: string): Promise<SessionRecord | MovedSession | undefined> {
    return this.readNow(id);
  }

  insert(id: string, record: SessionRecord): Promise<boolean> {
    return this.change(() => {
      if (this.find(id) !== undefined) return false;
      this.forgetUser(id);
      this.scheduleSweep(id, record.expires);
      this.write(id, record);
      return true;
    });
  }

  update(id: string, record: SessionRecord): Promise<boolean> {
    return this.change(() => {
      const kept = this.alive(id);
      if (kept === undefined) return false;
      if (kept.userId !== record.userId) this.forgetUser(id);
      this.write(id, record);
      return true;
    });
  }

  touch(id: string, { seen, expires }: SessionUse): Promise<boolean> {
    return this.change(() => {
      const kept = this.alive(id);
      if (kept === undefined) return false;
      void this.sessions.put(id, JSON.stringify({ ...kept, seen, expires }));
      return true;
    });
  }

  move(oldId: string, newId: string, record: SessionRecord): Promise<boolean> {
    return this.change(() => {
      if (this.alive(oldId) === undefined) return false;
      this.scheduleSweep(newId, record.expires);
      this.write(newId, record);
      this.forgetUser(oldId);
      const pointer: MovedSession = { movedTo: newId, until: this.now() + MOVED_MILLISECONDS };
      this.scheduleSweep(oldId, pointer.until);
      void this.sessions.put(oldId, JSON.stringify(pointer));
      return true;
    });
  }

  async remove(id: string): Promise<void> {
    await this.change(() => {
      let next: string | undefined = id;
      for (const seen = new Set<string>(); next !== undefined && !seen.has(next);) {
        seen.add(next);
        const pointer = pointerFrom(this.kept(next));
        this.erase(next);
        next = pointer?.movedTo;
      }
    });
  }

  async removeAll(): Promise<void> {
    await this.change(() => {
      for (const table of [this.sessions, this.byUser, this.byExpiry]) table.clearSync();
    });
  }

  async listByUser(userId: string): Promise<readonly KeptSession[]> {
    return this.look(() =>
      [...this.byUser.getValues(hashedId(userId))].flatMap((id) => this.listed(id, userId)).toSorted(oldestFirst),
    );
  }

  stillThere(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return followMoved(ids, async (some) =>
      this.look(() => new Map(some.flatMap((id) => this.leadOf(id).map((leads): [string, string] => [id, leads])))),
    );
  }

  probe(): Promise<void> {
    return probeRecords(this, this.now);
  }

  async close(): Promise<void> {
    clearInterval(this.sweeper);
    await this.root.close();
  }

  /** Takes away what has expired. */
  async sweep(): Promise<void> {
    while ((await this.change(() => this.sweepSome())) === SWEEP_SIZE);
  }

  private sweepSome(): number {
    const due = [...this.byExpiry.getKeys({ end: [this.now() + 1], limit: SWEEP_SIZE })];
    for (const [time, id] of due) {
      void this.byExpiry.remove([time, id]);
      const kept = this.kept(id);
      const ends = pointerFrom(kept)?.until ?? recordFrom(kept)?.expires ?? 0;
      if (ends > this.now()) this.scheduleSweep(id, ends);
      else this.erase(id);
    }
    return due.length;
  }

  private scheduleSweep(id: string, time: number): void {
    void this.byExpiry.put([time, id], '');
  }

  private write(id: string, record: SessionRecord): void {
    void this.sessions.put(id, JSON.stringify(record));
    if (record.userId !== undefined) void this.byUser.put(hashedId(record.userId), id);
  }

  private erase(id: string): void {
    this.forgetUser(id);
    void this.sessions.remove(id);
  }

  /** Takes a session off the list of its user. */
  private forgetUser(id: string): void {
    const userId = recordFrom(this.kept(id))?.userId;
    if (userId !== undefined) void this.byUser.remove(hashedId(userId), id);
  }

  /** What is kept of a session, whatever it is. */
  private kept(id: string): unknown {
    return jsonFrom(this.sessions.get(id));
  }

  private find(id: string): SessionRecord | MovedSession | undefined {
    return foundInJson(this.sessions.get(id), this.now());
  }

  private alive(id: string): SessionRecord | undefined {
    const found = this.find(id);
    return isMoved(found) ? undefined : found;
  }

  private listed(id: string, userId: string): KeptSession[] {
    try {
      const record = this.alive(id);
      return record?.userId === userId ? [{ id, record }] : [];
    } catch (error) {
      if (error instanceof UnreadableRecordError) return [{ id, record: undefined }];
      throw error;
    }
  }

  /** Where an id leads: itself, the next id of a session that was moved, or nowhere. */
  private leadOf(id: string): string[] {
    try {
      const found = this.find(id);
      if (found === undefined) return [];
      return [isMoved(found) ? found.movedTo : id];
    } catch (error) {
      if (error instanceof UnreadableRecordError) return [id];
      throw error;
    }
  }

  /**
   * Reads the newest state. lmdb reads as of the beginning of a turn of the event loop, and another process may have ended
   * a session since.
   */
  private look<T>(action: () => T): T {
    this.root.resetReadTxn();
    try {
      return action();
    } catch (error) {
      // After a page that cannot be read, lmdb would fail whatever is read next as well.
      if (!(error instanceof UnreadableRecordError)) this.root.resetReadTxn();
      throw error;
    }
  }

  private async change<T>(action: () => T): Promise<T> {
    try {
      return await this.root.transaction(action);
    } catch (error) {
      throw await commitErrorIn(error);
    }
  }
}

/** The cause of a commit that failed. lmdb gives it as a promise that rejects, which would end the process unhandled. */
async function commitErrorIn(error: unknown): Promise<unknown> {
  const commitError = isObject(error) ? error['commitError'] : undefined;
  if (!(commitError instanceof Promise)) return error;
  return commitError.then(
    () => error,
    (cause: unknown) => new Error(`The embedded session store could not write: ${String(cause)}`, { cause }),
  );
}
