import type { Database, Key, RootDatabase } from 'lmdb';
import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  hashedId,
  isObject,
  jsonFrom,
  recordFrom,
  type PresentSession,
  type SessionRecord,
  type PresentRecords,
  type SessionUse,
} from './records.js';

const SWEEP_MILLISECONDS = 60_000;

/** How many sessions a transaction sweeps: other work comes between two of them. */
const SWEEP_SIZE = 1_000;

const FILES = ['data.mdb', 'lock.mdb'];

/**
 * Opens the embedded store: sessions survive a restart and a kill, and processes of one machine share them.
 *
 * @throws Error naming the ways out when lmdb is not installed or its binary cannot load, and when the directory cannot
 * be had for nobody else.
 */
export async function openLmdbRecords(directory: string, now: () => number = Date.now): Promise<PresentRecords> {
  const { open } = await loadLmdb();
  const records = new LmdbRecords(openDirectory(open, directory), now);
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

function openDirectory(open: typeof import('lmdb').open, directory: string): RootDatabase<string, Key> {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    closeToOthers(directory);
    // Without noSubdir, lmdb takes a name with a dot in it for a file.
    const root = open<string>({ path: directory, noSubdir: false, encoding: 'string' });
    // lmdb makes its files readable to everybody.
    for (const file of FILES) chmodSync(join(directory, file), 0o600);
    return root;
  } catch (cause) {
    const reason = isObject(cause) ? String(cause['message']) : String(cause);
    throw new Error(
      `The directory of the embedded session store, ${JSON.stringify(directory)}, cannot be used: ${reason}. ` +
        'Give session.dir or SESSION_DIR a directory of its own, which this process can write.',
      { cause },
    );
  }
}

function closeToOthers(directory: string): void {
  // Windows has no such modes, and shows them all.
  if (process.platform === 'win32' || (statSync(directory).mode & 0o077) === 0) return;
  const strange = readdirSync(directory).find((name) => !FILES.includes(name));
  if (strange !== undefined) throw new Error(`it is open to others and holds something else (${strange})`);
  chmodSync(directory, 0o700);
}

class LmdbRecords implements PresentRecords {
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

  async read(id: string): Promise<SessionRecord | undefined> {
    this.look();
    return this.kept(id);
  }

  async insert(id: string, record: SessionRecord): Promise<void> {
    await this.change(() => {
      void this.byExpiry.put([record.expires, id], '');
      this.write(id, record);
    });
  }

  async update(id: string, record: SessionRecord): Promise<boolean> {
    return this.change(() => {
      const kept = this.kept(id);
      if (kept === undefined) return false;
      if (kept.userId !== record.userId) this.forgetUser(id, kept);
      this.write(id, record);
      return true;
    });
  }

  async touch(id: string, { seen, expires }: SessionUse): Promise<void> {
    await this.change(() => {
      const kept = this.kept(id);
      if (kept !== undefined) void this.sessions.put(id, JSON.stringify({ ...kept, seen, expires }));
    });
  }

  async remove(id: string): Promise<void> {
    await this.change(() => this.erase(id));
  }

  async listOf(userId: string): Promise<readonly PresentSession[]> {
    this.look();
    return [...this.byUser.getValues(hashedId(userId))].flatMap((id) => {
      const record = this.kept(id);
      return record?.userId === userId && record.expires > this.now() ? [{ id, record }] : [];
    });
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
      if (kept !== undefined && kept.expires > this.now()) void this.byExpiry.put([kept.expires, id], '');
      else this.erase(id);
    }
    return due.length;
  }

  private write(id: string, record: SessionRecord): void {
    void this.sessions.put(id, JSON.stringify(record));
    if (record.userId !== undefined) void this.byUser.put(hashedId(record.userId), id);
  }

  private erase(id: string): void {
    const kept = this.kept(id);
    if (kept !== undefined) this.forgetUser(id, kept);
    void this.sessions.remove(id);
  }

  private forgetUser(id: string, { userId }: SessionRecord): void {
    if (userId !== undefined) void this.byUser.remove(hashedId(userId), id);
  }

  private kept(id: string): SessionRecord | undefined {
    return recordFrom(jsonFrom(this.sessions.get(id)));
  }

  /** lmdb reads as of the beginning of a turn of the event loop; another process may have ended a session since. */
  private look(): void {
    this.root.resetReadTxn();
  }

  private async change<T>(action: () => T): Promise<T> {
    return this.root.transaction(action);
  }
}
