import { hash } from 'node:crypto';

/** What is kept of a session. Times are milliseconds since 1970. */
export interface SessionRecord {
  /** When the session was made. */
  readonly created: number;
  /** When it was last used. */
  readonly seen: number;
  /** When it ends if nobody comes back. */
  readonly expires: number;
  /** Whose it is, once somebody has signed in. */
  readonly userId: string | undefined;
  /** The session itself, as JSON has it, with its cookie. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** That a session was used once more: until when it lives now, and whose it is. */
export type SessionUse = Pick<SessionRecord, 'seen' | 'expires' | 'userId'>;

/** A session of a user, as a list of them shows it. */
export interface KeptSession {
  /** The id under which it is stored: a hash, which nobody can sign in with. */
  readonly id: string;
  readonly record: SessionRecord;
}

/**
 * Where sessions are kept, under hashed ids. `update` and `touch` never bring back what `remove` has taken: that is
 * what keeps a logout a logout while a slower request is still writing. Each rejects where the store cannot be reached.
 */
export interface SessionRecords {
  /** Gives a copy of its own. One that has expired may still be given, and one that cannot be read is none. */
  read(id: string): Promise<SessionRecord | undefined>;
  /** Keeps a session under an id that has never been used. */
  insert(id: string, record: SessionRecord): Promise<void>;
  /** False: the session is gone, and stays gone. */
  update(id: string, record: SessionRecord): Promise<boolean>;
  /** Writes the times and nothing else: another request may have written the data meanwhile. */
  touch(id: string, use: SessionUse): Promise<void>;
  remove(id: string): Promise<void>;
  /** The sessions of a user that have not ended. */
  listOf(userId: string): Promise<readonly KeptSession[]>;
  /** Lets go of files and timers; what the application itself opened stays open. */
  close(): Promise<void>;
}

/** The name under which a session, or the list of a user's sessions, is kept: who reads the store cannot sign in with it. */
export function hashedId(id: string): string {
  return hash('sha256', id, 'base64url');
}

/** The record in what a store gave back; undefined where it is not one. */
export function recordFrom(kept: unknown): SessionRecord | undefined {
  if (!isObject(kept)) return undefined;
  const { created, seen, expires, userId, data } = kept;
  if (!isTime(created) || !isTime(seen) || !isTime(expires) || !isObject(data)) return undefined;
  return { created, seen, expires, userId: typeof userId === 'string' ? userId : undefined, data };
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

/** Whether a value has properties. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isTime(value: unknown): value is number {
  return Number.isFinite(value);
}
