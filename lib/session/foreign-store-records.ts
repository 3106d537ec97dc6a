import { probeRecords } from './probe-records.js';
import {
  endMoved,
  followMoved,
  foundIn,
  hashedId,
  isMoved,
  LONGEST_WAY,
  MOVED_MILLISECONDS,
  oldestFirst,
  pointerFrom,
  UnreadableRecordError,
  type KeptSession,
  type MovedSession,
  type SessionRecord,
  type SessionRecords,
  type SessionUse,
} from './records.js';
import type { SessionStore } from '../options/session-options.js';
import { cookieOf, STORE_TIMEOUT_MS, StoreCalls, storedFrom, unpackStored } from './store-calls.js';
import { KeyedMutex } from './keyed-mutex.js';
import { isObject } from '../platform/unknown-values.js';

/** How much longer than its last session the list of a user's sessions is kept. */
const LIST_MILLISECONDS = 30 * 86_400_000;

/** How long it is noted that a session has ended or moved: far longer than a request takes to write one. */
const MARKER_MILLISECONDS = 10 * 60_000;

/**
 * Any express-session store. Its interface has no conditional write, so that every write is followed by a look at what
 * may have ended the session meanwhile:
 *
 * - `remove` marks the session as ended, destroys it, and then follows the marker of a move.
 * - `removeAll` marks all sessions that were made until then as ended, before and after it destroys them.
 * - `update`, and `insert` under an id that may have been used before, write, and then read the marks of an ended
 *   session; where one is there, they destroy what they wrote.
 * - `move` sets its marker, writes the new session, and reads the old one; where that is gone or marked as ended, it
 *   destroys the new one. Else it marks the old one as ended, and destroys it.
 *
 * Whatever the order in which two processes do this, a session that was removed is gone when all is done. Within one
 * process nothing comes between the steps.
 *
 * **Security:** a process that dies between two steps may leave a session that was ended alive until its idle timeout;
 * two processes that move one session at the same moment may both do so; and where a user gets sessions in two processes
 * at the same moment, the list of the user's sessions may lack one until it is next written. The embedded store, Redis through connect-redis
 * 9 with node-redis, and Postgres through connect-pg-simple have no such moment.
 */
export class ForeignStoreRecords implements SessionRecords {
  private readonly calls: StoreCalls;
  private readonly turns = new KeyedMutex();

  constructor(
    private readonly store: SessionStore,
    private readonly now: () => number = Date.now,
    patience = STORE_TIMEOUT_MS,
  ) {
    this.calls = new StoreCalls(store, patience);
  }

  async read(id: string): Promise<SessionRecord | MovedSession | undefined> {
    return (await this.record(id)) ?? (await this.find(movedKey(id)));
  }

  insert(id: string, record: SessionRecord, isDerived = false): Promise<boolean> {
    return this.turns.run(id, async () => {
      // Nor does an id come back that has ended.
      if (isDerived && ((await this.record(id)) !== undefined || (await this.isMarked(endedKey(id))))) return false;
      await this.write(id, record);
      return !isDerived || this.isStillThere(id, record);
    });
  }

  update(id: string, record: SessionRecord): Promise<boolean> {
    return this.turns.run(id, () => this.rewrite(id, () => record));
  }

  touch(id: string, { seen, expires }: SessionUse): Promise<boolean> {
    return this.turns.run(id, () => this.rewrite(id, (kept) => ({ ...kept, seen, expires })));
  }

  move(oldId: string, newId: string, record: SessionRecord): Promise<boolean> {
    return this.turns.run(oldId, async () => {
      if ((await this.find(movedKey(oldId))) !== undefined) return false;
      const until = this.now() + MOVED_MILLISECONDS;
      await this.mark(movedKey(oldId), { movedTo: newId, until });
      await this.write(newId, record);
      // In this order: a slower `update` may have brought the old session back for a moment after it was marked.
      if ((await this.record(oldId)) === undefined || (await this.hasEnded(oldId, record))) {
        await this.calls.destroy(newId);
        await this.calls.destroy(movedKey(oldId));
        return false;
      }
      await this.mark(endedKey(oldId), {});
      await this.calls.destroy(oldId);
      return true;
    });
  }

  async remove(id: string): Promise<void> {
    const left = await endMoved(id, (one) => this.end(one));
    // Last, so that a second attempt, after a step has failed, still finds the way.
    for (const one of left) await this.calls.destroy(movedKey(one));
  }

  /**
   * A request that is on its way may write a session back. It finds the mark, which stands before and after; where it
   * looks in the moment in which the mark itself is destroyed, the next write of that session does.
   */
  async removeAll(): Promise<void> {
    // Before the mark: where nothing is ended, no request may take its session for ended.
    const clear = this.calls.clearer();
    const mark = { at: this.now() };
    await this.mark(ENDED_ALL, mark, LIST_MILLISECONDS);
    await clear();
    await this.mark(ENDED_ALL, mark, LIST_MILLISECONDS);
  }

  async listByUser(userId: string): Promise<readonly KeptSession[]> {
    const living = await this.living(userId, await this.idsIn(listKey(userId)));
    // Twice where it moved while it was looked for.
    return [...new Map(living.map((one) => [one.id, one])).values()].toSorted(oldestFirst);
  }

  stillThere(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return followMoved(ids, async (some) => {
      const leads = await Promise.all(
        some.map(async (id): Promise<[string, string][]> => {
          const lead = await this.leadOf(id);
          return lead === undefined ? [] : [[id, lead]];
        }),
      );
      return new Map(leads.flat());
    });
  }

  probe(): Promise<void> {
    return probeRecords(this, this.now, adviceFor(this.store));
  }

  async close(): Promise<void> {}

  private async find(key: string): Promise<SessionRecord | MovedSession | undefined> {
    return foundIn(await this.kept(key), this.now());
  }

  private async kept(key: string): Promise<unknown> {
    return unpackStored(await this.calls.get(key), key);
  }

  private async record(id: string): Promise<SessionRecord | undefined> {
    const found = await this.find(id);
    return isMoved(found) ? undefined : found;
  }

  /** Writes a session that is there, and takes back what was written where it has ended meanwhile. */
  private async rewrite(id: string, next: (kept: SessionRecord) => SessionRecord): Promise<boolean> {
    const kept = await this.record(id);
    if (kept === undefined) return false;
    // A store may do late what was given up, when the session has been ended in the meantime.
    await this.write(id, next(kept), () => void this.isStillThere(id, kept).catch(ignore));
    return this.isStillThere(id, kept);
  }

  /** Takes back what was written where the session has ended meanwhile. */
  private async isStillThere(id: string, record: SessionRecord): Promise<boolean> {
    if (!(await this.hasEnded(id, record))) return true;
    await this.calls.destroy(id);
    return false;
  }

  /** Ends a session under one id, and says where it has moved meanwhile. */
  private async end(id: string): Promise<string | undefined> {
    return this.turns.run(id, async () => {
      await this.mark(endedKey(id), {});
      await this.calls.destroy(id);
      return pointerFrom(await this.kept(movedKey(id)))?.movedTo;
    });
  }

  private mark(key: string, content: object, lifetime = MARKER_MILLISECONDS): Promise<void> {
    const seen = this.now();
    return this.calls.set(key, { cookie: cookieOf({ seen, expires: seen + lifetime }), id: key, ...content });
  }

  /** Whether a session was ended, by itself or with all others, while it was written. */
  private async hasEnded(id: string, { created }: SessionRecord): Promise<boolean> {
    const [isEnded, all] = await Promise.all([this.isMarked(endedKey(id)), this.kept(ENDED_ALL)]);
    return isEnded || (isObject(all) && Number(all['at']) >= created);
  }

  private async isMarked(key: string): Promise<boolean> {
    return isObject(await this.kept(key));
  }

  private async write(id: string, record: SessionRecord, afterFailure?: () => void): Promise<void> {
    await this.calls.set(id, storedFrom(id, record), afterFailure);
    if (record.userId !== undefined) await this.enlist(record.userId, id, record);
  }

  /** The list of a user's sessions is kept in the store itself, under a key no session has. */
  private enlist(userId: string, id: string, { seen, expires }: SessionRecord): Promise<void> {
    const key = listKey(userId);
    return this.turns.run(key, async () => {
      const ids = await this.idsIn(key);
      if (ids.includes(id)) return;
      const living = await this.living(userId, ids);
      const cookie = cookieOf({ seen, expires: expires + LIST_MILLISECONDS });
      await this.calls.set(key, { cookie, id: key, ids: [...new Set([...living.map((session) => session.id), id])] });
    });
  }

  private async idsIn(key: string): Promise<string[]> {
    const kept = await this.kept(key);
    const ids: unknown = isObject(kept) ? kept['ids'] : undefined;
    return Array.isArray(ids) ? ids.filter((id) => typeof id === 'string') : [];
  }

  private async living(userId: string, ids: readonly string[]): Promise<KeptSession[]> {
    const listed = await Promise.all(ids.map((id) => this.listed(id, userId)));
    return listed.flat();
  }

  private async listed(id: string, userId: string, steps = LONGEST_WAY): Promise<KeptSession[]> {
    try {
      const record = await this.read(id);
      if (isMoved(record)) return steps === 0 ? [] : this.listed(record.movedTo, userId, steps - 1);
      return record?.userId === userId ? [{ id, record }] : [];
    } catch (error) {
      if (error instanceof UnreadableRecordError) return [{ id, record: undefined }];
      throw error;
    }
  }

  private async leadOf(id: string): Promise<string | undefined> {
    try {
      // A process that died while it ended the session has left the mark.
      const [record, marked] = await Promise.all([this.record(id), this.isMarked(endedKey(id))]);
      if (record !== undefined && !marked) return id;
      const found = await this.find(movedKey(id));
      return isMoved(found) ? found.movedTo : undefined;
    } catch (error) {
      if (error instanceof UnreadableRecordError) return id;
      throw error;
    }
  }
}

/** The mark of all sessions at once. */
const ENDED_ALL = 'ended:';

function movedKey(id: string): string {
  return `moved:${id}`;
}

function endedKey(id: string): string {
  return `ended:${id}`;
}

function listKey(userId: string): string {
  return `user:${hashedId(userId)}`;
}

/** What to do where a store does not fit. */
function adviceFor(store: SessionStore): string | undefined {
  const client: unknown = Reflect.get(store, 'client');
  // Up to version 8, connect-redis shows a client of its own making.
  const isIoredis = isObject(client) && typeof client['defineCommand'] === 'function';
  if (!isIoredis) return undefined;
  return 'connect-redis 9 works with node-redis only, and was given a client of ioredis: give it createClient() of the package redis, or install connect-redis 8.';
}

function ignore(): void {}
