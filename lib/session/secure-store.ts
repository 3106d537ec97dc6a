import type { Session, SessionData, Store } from 'express-session';
import { createHash } from 'node:crypto';
import type { SessionRecord, SessionRecords } from './records.js';

/** How long sessions live, in milliseconds. */
export interface SessionLifetimes {
  readonly idleTimeout: number;
  readonly absoluteTimeout: number;
}

/** What the policy hears of the store. */
export interface SessionEvents {
  /** The user of a session changed without a new id: whoever knew the id before is signed in now. */
  readonly userChanged: (session: object) => void;
}

type Done = (error?: unknown) => void;

/** The id under which a session is kept: who reads the store cannot sign in with it. */
export function hashedId(id: string): string {
  return createHash('sha256').update(id).digest('base64url');
}

/** Whose session this is: `signIn` writes `userId`, Passport writes `passport.user`. */
export function userIdOf(session: object): string | undefined {
  const own: unknown = Reflect.get(session, 'userId');
  const passport: unknown = Reflect.get(session, 'passport');
  const id: unknown = own ?? (typeof passport === 'object' && passport !== null ? Reflect.get(passport, 'user') : own);
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined;
}

/** The store of the engine, and what only it knows. */
export interface SecureStore {
  readonly store: Store;
  /** Whether a session holds something that is not in the store. */
  readonly isDirty: (session: object) => boolean;
}

/**
 * The store that express-session is given: ids hashed, idle and absolute timeout, and a session that was loaded is only
 * ever updated, never made anew, so one that was ended meanwhile stays ended.
 */
export function createSecureStore(
  Base: typeof Store,
  records: SessionRecords,
  { idleTimeout, absoluteTimeout }: SessionLifetimes,
  events: SessionEvents,
  now: () => number = Date.now,
): SecureStore {
  /** What was read from the store, by the session that was made of it. */
  const loaded = new WeakMap<object, Pick<SessionRecord, 'created' | 'userId'>>();
  const written = new WeakMap<object, string>();

  class Records extends Base {
    get(id: string, done: (error: unknown, session?: SessionData | null) => void): void {
      settle(
        records.read(hashedId(id)).then((record) => {
          if (record === undefined || hasEnded(record)) return null;
          const session = sessionDataFrom(record);
          loaded.set(session, record);
          return session;
        }),
        done,
      );
    }

    override createSession(request: Parameters<Store['createSession']>[0], data: SessionData): Session & SessionData {
      const session = super.createSession(request, data);
      const record = loaded.get(data);
      if (record !== undefined) loaded.set(session, record);
      written.set(session, contentOf(session));
      return session;
    }

    set(id: string, session: SessionData, done: Done = ignore): void {
      const before = loaded.get(session);
      const record = recordFrom(session, before?.created ?? now());
      if (before !== undefined && before.userId !== record.userId && record.userId !== undefined)
        events.userChanged(session);
      const content = contentOf(session);
      settle(
        (before === undefined ? records.insert(hashedId(id), record) : records.update(hashedId(id), record)).then(
          () => {
            loaded.set(session, record);
            written.set(session, content);
          },
        ),
        done,
      );
    }

    override touch(id: string, session: SessionData, done: Done = ignore): void {
      const record = recordFrom(session, loaded.get(session)?.created ?? now());
      settle(records.touch(hashedId(id), record), done);
    }

    destroy(id: string, done: Done = ignore): void {
      settle(records.remove(hashedId(id)), done);
    }
  }

  function hasEnded({ created, seen, expires }: SessionRecord): boolean {
    return now() >= Math.min(expires, seen + idleTimeout, created + absoluteTimeout);
  }

  function recordFrom(session: SessionData, created: number): SessionRecord {
    const seen = now();
    const data: SessionRecord['data'] = JSON.parse(JSON.stringify(session));
    const expires = Math.min(seen + idleTimeout, created + absoluteTimeout);
    return { created, seen, expires, userId: userIdOf(session), data };
  }

  return {
    store: new Records(),
    isDirty: (session) => contentOf(session) !== (written.get(session) ?? '{}'),
  };
}

/** The one place where what JSON gave back is taken for a session: it was a session when it was written. */
function sessionDataFrom({ data }: SessionRecord): SessionData {
  const copy: { cookie?: unknown } = structuredClone(data);
  assertSession(copy);
  return copy;
}

function assertSession(value: { cookie?: unknown }): asserts value is SessionData {
  if (typeof value.cookie !== 'object' || value.cookie === null) throw new TypeError('a kept session has no cookie');
}

/** What a session says, without its cookie: that changes with every request. */
function contentOf(session: object): string {
  return JSON.stringify({ ...session, cookie: undefined });
}

function settle<T>(promise: Promise<T>, done: (error: unknown, value?: T) => void): void {
  promise.then(
    (value) => done(null, value),
    (error: unknown) => done(error ?? new Error('the session store failed')),
  );
}

function ignore(): void {}
