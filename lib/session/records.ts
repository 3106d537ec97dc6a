import { hash } from 'node:crypto';
import { isObject } from '../platform/unknown-values.js';

/** How long a moved session is found under its old id, in milliseconds: as long as a slow request may take. */
export const MOVED_MILLISECONDS = 30_000;

/** How many times in a row a session may have moved, within that time, for its first id to lead to it. */
export const LONGEST_WAY = 8;

/** What is kept of a session. Times are milliseconds since 1970. */
export interface SessionRecord {
  /** When the session was made. `move` does not restart it. */
  readonly created: number;
  /** When it was last used. */
  readonly seen: number;
  /** When it ends if nobody comes back. */
  readonly expires: number;
  /** Whose it is, once somebody has signed in. */
  readonly userId: string | undefined;
  /** The session itself, as JSON has it. */
  readonly data: Readonly<Record<string, unknown>>;
  /** Kept beside the data, so that nothing merges it away. */
  readonly stamp?: SessionStamp;
}

/** What this package itself notes of a session. */
export interface SessionStamp {
  /** When the user last proved who they are, in milliseconds since 1970; absent where they never did. */
  readonly authenticatedAt?: number;
  /** The idle timeout of this session, in milliseconds; absent: the one of the options. */
  readonly idleTimeout?: number;
  /** The absolute timeout of this session, in milliseconds; absent: the one of the options. */
  readonly absoluteTimeout?: number;
  /** Whether the browser keeps the cookie when it is closed. */
  readonly persistent?: boolean;
  /** The identifier under which a browser may bind the session to a key of its device. */
  readonly bound?: string;
}

/** What is found under the old id of a session that was moved, until `until`. */
export interface MovedSession {
  readonly movedTo: string;
  readonly until: number;
}

/** A use of a session: until when it lives now, and whose it is. */
export type SessionUse = Pick<SessionRecord, 'seen' | 'expires' | 'userId'>;

/** A session of a user, as a list of them shows it. */
export interface KeptSession {
  /** The id under which it is stored: a hash, which nobody can sign in with. */
  readonly id: string;
  /** Undefined where it cannot be read. It is there all the same, and may be readable tomorrow. */
  readonly record: SessionRecord | undefined;
}

/**
 * Where sessions are kept, under hashed ids. `update`, `touch` and `move` never bring back what was removed or has
 * expired, so a logout stays a logout while a slower request is still writing. Every method rejects where the store
 * cannot be reached.
 */
export interface SessionRecords {
  /** `read` without waiting; only stores that can answer at once have it. Throws where `read` rejects. */
  readNow?(id: string): SessionRecord | MovedSession | undefined;

  /**
   * Gives a copy of the caller's own, and nothing that has expired.
   *
   * Rejects with {@link UnreadableRecordError} where something is kept and cannot be read: that is not the same as absent.
   */
  read(id: string): Promise<SessionRecord | MovedSession | undefined>;

  /**
   * Keeps a new session. False: another is kept under this id, and stays as it is.
   *
   * @param isDerived the id is not random, so that another may be, or have been: a store that cannot ask and write at
   * once asks first.
   */
  insert(id: string, record: SessionRecord, isDerived?: boolean): Promise<boolean>;

  /** False: the session has ended or was moved, and nothing is written. */
  update(id: string, record: SessionRecord): Promise<boolean>;

  /** Writes the times and nothing else: another request may have written the data meanwhile. False as in `update`. */
  touch(id: string, use: SessionUse): Promise<boolean>;

  /**
   * Gives a session a new id, and `record` as its content. For {@link MOVED_MILLISECONDS} the old id leads to the new
   * one. False as in `update`: then nothing is kept under the new id either.
   */
  move(oldId: string, newId: string, record: SessionRecord): Promise<boolean>;

  /** Ends a session, whether or not it is there. Where it was moved, the session under its new id ends. */
  remove(id: string): Promise<void>;

  /**
   * Ends every session.
   *
   * Rejects where the store has no way to do so.
   */
  removeAll(): Promise<void>;

  /** The sessions of a user that have not ended, oldest first. */
  listByUser(userId: string): Promise<readonly KeptSession[]>;

  /** Which of these sessions have not ended: each with the id it has now, another one where it was moved. */
  stillThere(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;

  /** Tells of sessions that any process ends or moves, as soon as it does. Only stores that can send messages have it. */
  listen?(events: RecordEvents): void;

  /**
   * Writes, reads, updates and removes a throw-away record.
   *
   * Rejects with {@link UnfitStoreError} where the store answers and does not do what a session needs.
   */
  probe(): Promise<void>;

  /** Lets go of files and timers; what the application itself opened stays open. */
  close(): Promise<void>;
}

/** Hears of sessions that end or move, whichever process does it. */
export interface RecordEvents {
  ended(id: string): void;
  moved(id: string, movedTo: string): void;
  /** Whether messages arrive from now on. Before the first call, and while this is false, the store has to be asked. */
  connected(isConnected: boolean): void;
}

/** Something is kept under the id of a session, and it cannot be read. */
export class UnreadableRecordError extends Error {
  override readonly name = 'UnreadableRecordError';
}

/** The connection to a store is out of step: what it answered belongs to another question. */
export class OutOfStepError extends Error {
  override readonly name = 'OutOfStepError';

  constructor() {
    super(
      'The session store answered with what is kept under another id: its connection is out of step. Restart the process, which connects anew, and update the client of the store.',
    );
  }
}

/** A store answers, and does not do what a session needs. */
export class UnfitStoreError extends Error {
  override readonly name = 'UnfitStoreError';
}

/**
 * Checks whose answer a store gave: a client whose connection is out of step gives each answer to the next who asks.
 *
 * @param owner the id that the answer names: none where an older version wrote it, and where it says that nothing is kept.
 * @throws OutOfStepError where it is another than the one that was asked for.
 */
export function assertOwner(owner: unknown, id: string): void {
  if (owner !== undefined && owner !== null && owner !== id) throw new OutOfStepError();
}

/** Whether only the way to a session was found: it has another id now. */
export function isMoved(found: SessionRecord | MovedSession | undefined): found is MovedSession {
  return found !== undefined && 'movedTo' in found;
}

/** The name under which a session, or the list of a user's sessions, is kept: who reads the store cannot sign in with it. */
export function hashedId(id: string): string {
  return hash('sha256', id, 'base64url');
}

/** The record in what a store gave back; undefined where it is not one. */
export function recordFrom(kept: unknown): SessionRecord | undefined {
  if (!isObject(kept)) return undefined;
  const { created, seen, expires, userId, data, stamp } = kept;
  if (!isTime(created) || !isTime(seen) || !isTime(expires) || !isObject(data)) return undefined;
  const owner = typeof userId === 'string' ? userId : undefined;
  if (!isObject(stamp)) return { created, seen, expires, userId: owner, data };
  return { created, seen, expires, userId: owner, data, stamp };
}

/**
 * What a store gave back for the id of a session: undefined where there is nothing, and where that has expired.
 *
 * @throws UnreadableRecordError where there is something else.
 */
export function foundIn(kept: unknown, now: number): SessionRecord | MovedSession | undefined {
  if (kept === undefined || kept === null) return undefined;
  const pointer = pointerFrom(kept);
  if (pointer !== undefined) return pointer.until > now ? pointer : undefined;
  const record = recordFrom(kept);
  if (record === undefined) throw new UnreadableRecordError('A session is kept in a form that cannot be read.');
  return record.expires > now ? record : undefined;
}

/** As {@link foundIn}, in the JSON that a store gave back. */
export function foundInJson(text: unknown, now: number): SessionRecord | MovedSession | undefined {
  if (text === undefined || text === null) return undefined;
  return foundIn(jsonFrom(text) ?? false, now);
}

/** The way to a session under its new id; undefined where this is none. */
export function pointerFrom(kept: unknown): MovedSession | undefined {
  if (!isObject(kept)) return undefined;
  const { movedTo, until } = kept;
  return typeof movedTo === 'string' && isTime(until) ? { movedTo, until } : undefined;
}

/** The order in which a list shows the sessions of a user, the same in every process. What cannot be read comes first. */
export function oldestFirst(one: KeptSession, other: KeptSession): number {
  return (one.record?.created ?? 0) - (other.record?.created ?? 0) || (one.id < other.id ? -1 : 1);
}

/**
 * Follows moved sessions to the ids they have now.
 *
 * @param look which of some ids are there, each with where it leads: itself, or its new id.
 */
export async function followMoved(
  ids: readonly string[],
  look: (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>,
): Promise<ReadonlyMap<string, string>> {
  const there = new Map<string, string>();
  let open = new Map(ids.map((id) => [id, id]));
  // A session moves no faster than a browser asks; a request this far behind is not followed.
  for (let step = 0; step < LONGEST_WAY && open.size > 0; step += 1) {
    const found = await look([...new Set(open.values())]);
    const next = new Map<string, string>();
    for (const [id, at] of open) {
      const leads = found.get(at);
      if (leads === at) there.set(id, at);
      else if (leads !== undefined) next.set(id, leads);
    }
    open = next;
  }
  return there;
}

/**
 * Ends a session under its id and every id it has moved to.
 *
 * @param end ends it under one id, and returns where it has moved.
 * @returns the ids it has moved away from.
 */
export async function endMoved(id: string, end: (id: string) => Promise<unknown>): Promise<readonly string[]> {
  const left = new Set<string>();
  let next = await end(id);
  for (let from = id; typeof next === 'string' && !left.has(from);) {
    left.add(from);
    from = next;
    next = await end(from);
  }
  return [...left];
}

/** What a JSON text says; undefined where it is none. */
export function jsonFrom(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isTime(value: unknown): value is number {
  return Number.isFinite(value);
}
