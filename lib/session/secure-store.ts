import type { Session, SessionData, Store } from 'express-session';
import { callbackify } from 'node:util';
import { hashedId, isObject, type SessionRecord, type PresentRecords } from './records.js';
import type { SessionLifetimes } from '../options/session-lifetimes.js';
import { KeyedMutex } from './keyed-mutex.js';

export { hashedId } from './records.js';

/** What the policy hears of the store. */
export interface SessionEvents {
  /** The user of a session changed without a new id: whoever knew the id before is signed in now. */
  readonly userChanged: (session: object) => void;
}

/** The store of the engine, and what only it knows. */
export interface SecureStore {
  readonly store: Store;
  /** Whether a session holds something that the store has not been given. */
  readonly isDirty: (session: object) => boolean;
  /** Whether the store need not be told of a use: it was a moment ago, or knows nothing of the session. */
  readonly isFresh: (session: object) => boolean;
}

type Done<T = undefined> = (error?: unknown, value?: T) => void;

/**
 * How often, of an idle timeout, a store is told that a session was used. Telling it costs a write, so a session that
 * is only read may end this part of the idle timeout early, and never late.
 */
const USES_PER_TIMEOUT = 60;

/** How long an ended id is remembered, in milliseconds: longer than anybody keeps the session object of it. */
const ENDED_MILLISECONDS = 60_000;

/** Whose session this is: `signIn` writes `userId`, Passport `passport.user`, which is the id or an object with it. */
export function userIdOf(session: object): string | undefined {
  const passport: unknown = Reflect.get(session, 'passport');
  const user: unknown = Reflect.get(session, 'userId') ?? (isObject(passport) ? passport['user'] : undefined);
  const id: unknown = isObject(user) ? user['id'] : user;
  return (typeof id === 'string' && id !== '') || typeof id === 'number' ? String(id) : undefined;
}

/**
 * The store that express-session is given: ids hashed, idle and absolute timeout, and a session that was loaded is only
 * ever updated, never made anew, so one that was ended meanwhile stays ended.
 */
export function createSecureStore(
  Base: typeof Store,
  records: PresentRecords,
  { idleTimeout, absoluteTimeout }: SessionLifetimes,
  events: SessionEvents,
  now: () => number = Date.now,
): SecureStore {
  /** What the store has of each session. */
  const kept = new WeakMap<object, Kept>();
  /** Until when ids ended in this process are remembered, in the order they were ended. */
  const ended = new Map<string, number>();
  /** A request may save and end a session without waiting. */
  const turns = new KeyedMutex();

  const find = callbackify(async (id: string): Promise<SessionData | null> => {
    const key = hashedId(id);
    const record = await records.read(key);
    if (record === undefined || hasExpired(record) || hasEnded(key)) return null;
    const session: object = { ...record.data };
    if (!isSession(session)) return null;
    kept.set(session, new Kept(record));
    return session;
  });

  const keep = callbackify(async (id: string, session: SessionData): Promise<void> => {
    const data: SessionRecord['data'] = JSON.parse(JSON.stringify(session));
    const key = hashedId(id);
    await turns.take(key, () => save(key, session, data));
  });

  const prolong = callbackify(async (id: string, session: SessionData): Promise<void> => {
    const before = kept.get(session)?.times;
    if (before === undefined || isFresh(session)) return;
    const key = hashedId(id);
    await turns.take(key, () => records.touch(key, { ...lifeFrom(before.created), userId: before.userId }));
  });

  const remove = callbackify(async (id: string): Promise<void> => {
    const key = hashedId(id);
    end(key);
    await turns.take(key, () => records.remove(key));
  });

  class Records extends Base {
    get(id: string, done: Done<SessionData | null>): void {
      find(id, done);
    }

    override createSession(request: Parameters<Store['createSession']>[0], data: SessionData): Session & SessionData {
      const session = super.createSession(request, data);
      kept.set(session, new Kept(kept.get(data)?.times, contentOf(session)));
      return session;
    }

    set(id: string, session: SessionData, done: Done = ignore): void {
      keep(id, session, done);
    }

    override touch(id: string, session: SessionData, done: Done = ignore): void {
      prolong(id, session, done);
    }

    destroy(id: string, done: Done = ignore): void {
      remove(id, done);
    }
  }

  async function save(key: string, session: object, data: SessionRecord['data']): Promise<void> {
    const before = kept.get(session)?.times;
    const times = hasEnded(key) ? before : await write(key, session, before, data);
    kept.set(session, new Kept(times, contentOf(data)));
  }

  async function write(
    key: string,
    session: object,
    before: KeptTimes | undefined,
    data: SessionRecord['data'],
  ): Promise<KeptTimes> {
    const created = before?.created ?? now();
    const record: SessionRecord = { created, ...lifeFrom(created), userId: userIdOf(data), data };
    if (before === undefined) {
      await records.insert(key, record);
    } else {
      if (record.userId !== undefined && record.userId !== before.userId) events.userChanged(session);
      await records.update(key, record);
    }
    return record;
  }

  function lifeFrom(created: number): Pick<SessionRecord, 'seen' | 'expires'> {
    const seen = now();
    return { seen, expires: Math.min(seen + idleTimeout, created + absoluteTimeout) };
  }

  function hasExpired({ created, seen, expires }: SessionRecord): boolean {
    return now() >= Math.min(expires, seen + idleTimeout, created + absoluteTimeout);
  }

  function isFresh(session: object): boolean {
    const before = kept.get(session)?.times;
    return before === undefined || now() - before.seen < idleTimeout / USES_PER_TIMEOUT;
  }

  function end(key: string): void {
    for (const [old, until] of ended) {
      if (until > now()) break;
      ended.delete(old);
    }
    ended.delete(key);
    ended.set(key, now() + ENDED_MILLISECONDS);
  }

  function hasEnded(key: string): boolean {
    return (ended.get(key) ?? 0) > now();
  }

  return {
    store: new Records(),
    isDirty: (session) => contentOf(session) !== (kept.get(session)?.content ?? NOTHING),
    isFresh,
  };
}

/** The content of a session that holds nothing. */
const NOTHING = '{}';

/** Of the record of a session, what the store needs once it is loaded. */
type KeptTimes = Pick<SessionRecord, 'created' | 'seen' | 'userId'>;

/** What the store has of a session. A class, as `SessionState` is one. */
class Kept {
  constructor(
    /** Undefined where the session is new. */
    readonly times: KeptTimes | undefined,
    /** What the store has been given of it. */
    readonly content = NOTHING,
  ) {}
}

function isSession(value: object): value is SessionData {
  return isObject(Reflect.get(value, 'cookie'));
}

/** What a session says, without its cookie: that changes with every request. */
function contentOf(session: object): string {
  return JSON.stringify({ ...session, cookie: undefined });
}

function ignore(): void {}
