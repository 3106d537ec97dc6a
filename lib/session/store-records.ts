import type { KeptSession, SessionRecord, SessionRecords } from './records.js';
import type { SessionStore } from './session-options.js';

/** The key beside the session's own data under which its times are kept in a foreign store. */
const TIMES = 'nestjs-secure';

/** How long a removed id is remembered, for a store that cannot refuse to bring it back. */
const TOMBSTONE_MILLISECONDS = 10 * 60_000;

/** How much longer than a session the list of a user's sessions is kept. */
const INDEX_MILLISECONDS = 30 * 86_400_000;

/** What a foreign store is given: the session's data, a cookie that expires with the session, and its times. */
export interface StoredSession {
  readonly cookie: object;
  readonly [key: string]: unknown;
}

/** The form in which a record goes into a foreign store; stores read the time to live from the cookie. */
export function storedFrom({ created, seen, expires, userId, data }: SessionRecord): StoredSession {
  const { cookie } = data;
  const lifetime = { expires: new Date(expires).toISOString(), originalMaxAge: expires - seen };
  return {
    ...data,
    cookie: { ...(isObject(cookie) ? cookie : {}), ...lifetime },
    [TIMES]: { created, seen, expires, userId, cookie },
  };
}

/** The record in what a foreign store gives back; undefined where it is not one of ours. */
export function recordFrom(stored: unknown): SessionRecord | undefined {
  if (!isObject(stored)) return undefined;
  const { [TIMES]: times, ...data } = Object.fromEntries(Object.entries(stored));
  if (!isObject(times)) return undefined;
  const { created, seen, expires, userId, cookie } = Object.fromEntries(Object.entries(times));
  if (typeof created !== 'number' || typeof seen !== 'number' || typeof expires !== 'number') return undefined;
  return { created, seen, expires, userId: typeof userId === 'string' ? userId : undefined, data: { ...data, cookie } };
}

/** The four calls of an express-session store, as promises. */
export class StoreCalls {
  constructor(private readonly store: SessionStore) {}

  async get(id: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.call(
        'get',
        [id, (error: unknown, found: unknown) => (isFailure(error) ? reject(error) : resolve(found))],
        reject,
      );
    });
  }

  async set(id: string, session: StoredSession): Promise<void> {
    await this.run('set', id, session);
  }

  async destroy(id: string): Promise<void> {
    await this.run('destroy', id);
  }

  private async run(name: 'set' | 'destroy', ...given: unknown[]): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.call(name, [...given, (error: unknown) => (isFailure(error) ? reject(error) : resolve())], reject);
    });
  }

  private call(name: keyof SessionStore, given: unknown[], reject: (error: unknown) => void): void {
    const returned: unknown = Reflect.apply(this.store[name], this.store, given);
    // Some stores return a promise as well; what it rejects with has gone to the callback already, or never will.
    if (returned instanceof Promise) returned.catch(reject);
  }
}

/**
 * Any express-session store. Its interface has no conditional write, so a removed id is remembered in this process, and
 * one that is not there is not written; between two processes a moment remains in which a slower request can bring a
 * session back. The embedded store, Redis and Postgres have no such moment.
 */
export class StoreRecords implements SessionRecords {
  private readonly calls: StoreCalls;
  private readonly removed = new Map<string, number>();

  constructor(
    store: SessionStore,
    private readonly now: () => number = Date.now,
  ) {
    this.calls = new StoreCalls(store);
  }

  async read(id: string): Promise<SessionRecord | undefined> {
    return this.isRemoved(id) ? undefined : recordFrom(await this.calls.get(id));
  }

  async insert(id: string, record: SessionRecord): Promise<void> {
    await this.write(id, record);
  }

  async update(id: string, record: SessionRecord): Promise<boolean> {
    if ((await this.read(id)) === undefined) return false;
    await this.write(id, record);
    // Removed while it was written: take it away again.
    if (!this.isRemoved(id)) return true;
    await this.calls.destroy(id);
    return false;
  }

  async touch(id: string, record: SessionRecord): Promise<void> {
    await this.update(id, record);
  }

  async remove(id: string): Promise<void> {
    this.bury(id);
    await this.calls.destroy(id);
  }

  async listOf(userId: string): Promise<readonly KeptSession[]> {
    const found: KeptSession[] = [];
    for (const id of await this.idsOf(userId)) {
      const record = await this.read(id);
      if (record?.userId === userId && record.expires > this.now()) found.push({ id, record });
    }
    return found;
  }

  async close(): Promise<void> {
    this.removed.clear();
  }

  private async write(id: string, record: SessionRecord): Promise<void> {
    await this.calls.set(id, storedFrom(record));
    if (record.userId !== undefined) await this.index(record.userId, id, record);
  }

  /** The ids of a user, kept in the store itself under a key no session has. */
  private async idsOf(userId: string): Promise<string[]> {
    const kept = recordFrom(await this.calls.get(indexKey(userId)));
    const ids: unknown = kept?.data['ids'];
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
  }

  private async index(userId: string, id: string, { seen, expires }: SessionRecord): Promise<void> {
    const ids = await this.idsOf(userId);
    if (ids.includes(id)) return;
    const times = { created: seen, seen, expires: expires + INDEX_MILLISECONDS, userId: undefined };
    await this.calls.set(indexKey(userId), storedFrom({ ...times, data: { ids: [...ids, id] } }));
  }

  private bury(id: string): void {
    const now = this.now();
    for (const [buried, until] of this.removed) {
      if (until > now) break;
      this.removed.delete(buried);
    }
    this.removed.set(id, now + TOMBSTONE_MILLISECONDS);
  }

  private isRemoved(id: string): boolean {
    return (this.removed.get(id) ?? 0) > this.now();
  }
}

function indexKey(userId: string): string {
  return `user:${userId}`;
}

function isFailure(error: unknown): boolean {
  return error !== undefined && error !== null && !(isObject(error) && Reflect.get(error, 'code') === 'ENOENT');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
