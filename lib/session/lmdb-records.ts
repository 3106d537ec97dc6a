import type { Database, Key, RootDatabase } from 'lmdb';
import { chmodSync, mkdirSync } from 'node:fs';
import type { KeptSession, SessionRecord, SessionRecords } from './records.js';

const SWEEP_MILLISECONDS = 60_000;

/** Nothing sorts after it: the end of a range. */
const LAST = '\uffff';

/**
 * Opens the embedded store: sessions survive a restart and a kill, and processes of one machine share them.
 *
 * @throws Error naming the ways out when lmdb is not installed or its binary cannot load.
 */
export async function openLmdbRecords(directory: string, now: () => number = Date.now): Promise<SessionRecords> {
  const { open } = await loadLmdb();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  const root = open({ path: directory, encoding: 'json' });
  return new LmdbRecords(root, now);
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

class LmdbRecords implements SessionRecords {
  private readonly sessions: Database<SessionRecord, string>;
  private readonly byUser: Database<true, [userId: string, id: string]>;
  private readonly byExpiry: Database<true, [expires: number, id: string]>;
  private readonly sweeper: NodeJS.Timeout;

  constructor(
    private readonly root: RootDatabase<unknown, Key>,
    private readonly now: () => number,
  ) {
    this.sessions = root.openDB({ name: 'sessions', encoding: 'json' });
    this.byUser = root.openDB({ name: 'by-user', encoding: 'json' });
    this.byExpiry = root.openDB({ name: 'by-expiry', encoding: 'json' });
    this.sweeper = setInterval(() => void this.sweep(), SWEEP_MILLISECONDS).unref();
    void this.sweep();
  }

  read(id: string): Promise<SessionRecord | undefined> {
    return Promise.resolve(this.sessions.get(id));
  }

  async insert(id: string, record: SessionRecord): Promise<void> {
    await this.root.transaction(() => this.write(id, record));
  }

  update(id: string, record: SessionRecord): Promise<boolean> {
    return this.root.transaction(() => {
      if (this.sessions.get(id) === undefined) return false;
      this.write(id, record);
      return true;
    });
  }

  async touch(id: string, { seen, expires }: SessionRecord): Promise<void> {
    await this.root.transaction(() => {
      const kept = this.sessions.get(id);
      if (kept !== undefined) this.write(id, { ...kept, seen, expires });
    });
  }

  async remove(id: string): Promise<void> {
    await this.root.transaction(() => this.erase(id));
  }

  listOf(userId: string): Promise<readonly KeptSession[]> {
    const found: KeptSession[] = [];
    for (const [, id] of this.byUser.getKeys({ start: [userId, ''], end: [userId, LAST] })) {
      const record = this.sessions.get(id);
      if (record !== undefined && record.expires > this.now()) found.push({ id, record });
    }
    return Promise.resolve(found);
  }

  async close(): Promise<void> {
    clearInterval(this.sweeper);
    await this.root.close();
  }

  private write(id: string, record: SessionRecord): void {
    this.forget(id);
    void this.sessions.put(id, record);
    void this.byExpiry.put([record.expires, id], true);
    if (record.userId !== undefined) void this.byUser.put([record.userId, id], true);
  }

  private erase(id: string): void {
    this.forget(id);
    void this.sessions.remove(id);
  }

  private forget(id: string): void {
    const kept = this.sessions.get(id);
    if (kept === undefined) return;
    void this.byExpiry.remove([kept.expires, id]);
    if (kept.userId !== undefined) void this.byUser.remove([kept.userId, id]);
  }

  private async sweep(): Promise<void> {
    await this.root.transaction(() => {
      for (const [, id] of [...this.byExpiry.getKeys({ end: [this.now(), LAST] })]) this.erase(id);
    });
  }
}
