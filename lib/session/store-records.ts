import {
  hashedId,
  isObject,
  type PresentSession,
  type SessionRecord,
  type PresentRecords,
  type SessionUse,
} from './records.js';
import type { SessionStore } from '../options/session-options.js';
import { cookieOf, STORE_TIMEOUT_MS, recordFromStored, StoreCalls, storedFrom } from './store-calls.js';
import { KeyedMutex } from './keyed-mutex.js';

/** How much longer than its last session the list of a user's sessions is kept. */
const LIST_MILLISECONDS = 30 * 86_400_000;

/**
 * Any express-session store. Its interface has no conditional write, so a session is read before it is written, and
 * within this process nothing comes between the two.
 *
 * **Security:** between two processes a moment remains in which a slower request brings a session back, and in which of
 * two sign-ins of a user one is missing from the list until its next request. The embedded store, Redis through
 * connect-redis 9 and Postgres through connect-pg-simple have no such moment.
 */
export class StoreRecords implements PresentRecords {
  private readonly calls: StoreCalls;
  private readonly turns = new KeyedMutex();

  constructor(
    store: SessionStore,
    private readonly now: () => number = Date.now,
    patience = STORE_TIMEOUT_MS,
  ) {
    this.calls = new StoreCalls(store, patience);
  }

  async read(id: string): Promise<SessionRecord | undefined> {
    return recordFromStored(await this.calls.get(id));
  }

  insert(id: string, record: SessionRecord): Promise<void> {
    return this.turns.take(id, () => this.write(id, record));
  }

  update(id: string, record: SessionRecord): Promise<boolean> {
    return this.turns.take(id, async () => {
      const kept = await this.read(id);
      if (kept === undefined) return false;
      await this.write(id, record);
      return true;
    });
  }

  touch(id: string, { seen, expires }: SessionUse): Promise<void> {
    return this.turns.take(id, async () => {
      const kept = await this.read(id);
      if (kept !== undefined) await this.write(id, { ...kept, seen, expires });
    });
  }

  remove(id: string): Promise<void> {
    return this.turns.take(id, () => this.calls.destroy(id));
  }

  async listOf(userId: string): Promise<readonly PresentSession[]> {
    return this.living(userId, await this.idsIn(listKey(userId)));
  }

  async close(): Promise<void> {}

  private async write(id: string, record: SessionRecord): Promise<void> {
    await this.calls.set(id, storedFrom(record));
    if (record.userId !== undefined) await this.enlist(record.userId, id, record);
  }

  /** The list of a user's sessions is kept in the store itself, under a key no session has. */
  private enlist(userId: string, id: string, { seen, expires }: SessionRecord): Promise<void> {
    const key = listKey(userId);
    return this.turns.take(key, async () => {
      const ids = await this.idsIn(key);
      if (ids.includes(id)) return;
      const living = await this.living(userId, ids);
      const cookie = cookieOf({ seen, expires: expires + LIST_MILLISECONDS });
      await this.calls.set(key, { cookie, ids: [...living.map((session) => session.id), id] });
    });
  }

  private async idsIn(key: string): Promise<string[]> {
    const kept = await this.calls.get(key);
    const ids: unknown = isObject(kept) ? kept['ids'] : undefined;
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
  }

  private async living(userId: string, ids: readonly string[]): Promise<PresentSession[]> {
    const records = await Promise.all(ids.map((id) => this.read(id)));
    return ids.flatMap((id, place) => {
      const record = records[place];
      return record?.userId === userId && record.expires > this.now() ? [{ id, record }] : [];
    });
  }
}

function listKey(userId: string): string {
  return `user:${hashedId(userId)}`;
}
