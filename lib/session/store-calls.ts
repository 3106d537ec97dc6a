import { assertOwner, hashedId, jsonFrom, type SessionRecord } from './records.js';
import type { SessionStore } from '../options/session-options.js';
import { UnsupportedByStoreError } from './session-errors.js';
import { isObject } from '../platform/unknown-values.js';

/** How long a store may take to answer, in milliseconds, before a request is told that it does not. */
export const STORE_TIMEOUT_MS = 5_000;

/**
 * What a foreign store is given for a session. Stores read the time to live from the cookie. The content is a string,
 * so that nothing in it can mean anything to a store: keys with a dollar or a dot, or U+0000, which Postgres refuses.
 */
export interface StoredSession {
  readonly cookie: { readonly expires: Date; readonly maxAge: number; readonly originalMaxAge: number };
  readonly created: number;
  readonly seen: number;
  readonly expires: number;
  /** The user, hashed. */
  readonly user: string | undefined;
  readonly content: string;
}

/** The form in which a record goes into a foreign store, under an id. */
export function storedFrom(id: string, { userId, data, stamp, ...times }: SessionRecord): StoredSession {
  return {
    cookie: cookieOf(times),
    ...times,
    user: userId === undefined ? undefined : hashedId(userId),
    content: JSON.stringify({ id, userId, data, stamp }),
  };
}

/**
 * What `foundIn` can read, from what a foreign store gave back (for an id, where it is told); undefined where it gave nothing.
 *
 * @throws OutOfStepError where it was kept under another id. Here, and in Redis, what is kept names its id; each row of
 * Postgres has it. lmdb and the memory of this process are left out: a call of a function returns what it was asked.
 */
export function unpackStored(stored: unknown, id?: string): unknown {
  if (!isObject(stored)) return stored === undefined || stored === null ? undefined : false;
  const content = jsonFrom(stored['content']);
  const found = isObject(content) ? { ...stored, ...content } : stored;
  if (id !== undefined) assertOwner(found['id'], id);
  return found;
}

/** A cookie from which every store reads the same time to live. */
export function cookieOf({ seen, expires }: Pick<SessionRecord, 'seen' | 'expires'>): StoredSession['cookie'] {
  const maxAge = expires - seen;
  return { expires: new Date(expires), maxAge, originalMaxAge: maxAge };
}

/** Asks a store, and gives up after a while. The signal says that the answer is no longer waited for. */
export async function inTime<T>(ask: (signal: AbortSignal) => Promise<T>, patience: number): Promise<T> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`The session store did not answer within ${patience} milliseconds.`));
      controller.abort();
    }, patience);
  });
  try {
    return await Promise.race([ask(controller.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** connect-redis 7 and 8, which show a client of their own making. */
interface OldRedisStore extends SessionStore {
  readonly prefix: string;
  readonly client: { scanIterator(pattern: string, count: number): AsyncIterable<unknown> };
}

function isOldRedisStore(store: SessionStore): store is OldRedisStore {
  const client: unknown = Reflect.get(store, 'client');
  if (!isObject(client) || typeof Reflect.get(store, 'prefix') !== 'string') return false;
  return Object.getPrototypeOf(client) === Object.prototype && typeof client['scanIterator'] === 'function';
}

/** The calls of an express-session store, as promises that settle. */
export class StoreCalls {
  constructor(
    private readonly store: SessionStore,
    private readonly patience: number,
  ) {}

  get(id: string): Promise<unknown> {
    return this.ask(this.store.get, [id]);
  }

  /** @param afterFailure called where it fails or is given up, once the store has settled it: it may have been done. */
  async set(id: string, session: object, afterFailure?: () => void): Promise<void> {
    await this.ask(this.store.set, [id, session], afterFailure);
  }

  async destroy(id: string): Promise<void> {
    await this.ask(this.store.destroy, [id]);
  }

  /**
   * What destroys everything.
   *
   * @throws UnsupportedByStoreError where the store has no way to do so.
   */
  clearer(): () => Promise<unknown> {
    const { store } = this;
    if (isOldRedisStore(store)) return () => this.destroyScanned(store);
    const clear: unknown = Reflect.get(store, 'clear');
    if (typeof clear === 'function') return () => this.ask(clear, []);
    throw new UnsupportedByStoreError(
      'The session store has no clear(), so sessions of all users cannot be ended at once. End those of each user with revokeAll(userId), or change the store.',
    );
  }

  /** Its own clear() takes pages of keys for keys with node-redis 5, and is refused by a cluster. */
  private async destroyScanned({ prefix, client }: OldRedisStore): Promise<void> {
    const pattern = prefix.replaceAll(/[*?[\]\\]/g, '\\$&');
    for await (const found of client.scanIterator(`${pattern}*`, 500)) {
      const keys = [found].flat().map(String);
      await Promise.all(keys.map((key) => this.destroy(key.slice(prefix.length))));
    }
  }

  private async ask(method: Function, given: readonly unknown[], afterFailure = ignore): Promise<unknown> {
    const answer = this.start(method, given);
    try {
      return await inTime(() => answer, this.patience);
    } catch (error) {
      answer.then(afterFailure, afterFailure);
      throw error;
    }
  }

  private start(method: Function, given: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const done = (error: unknown, found: unknown): void => (isFailure(error) ? reject(error) : resolve(found));
      const returned: unknown = Reflect.apply(method, this.store, [...given, done]);
      // Some stores return a promise as well, and some of those forget the callback when it rejects.
      if (isObject(returned) && typeof returned['then'] === 'function') Promise.resolve(returned).catch(reject);
    });
  }
}

/** ENOENT says that there is no such session, as in express-session. */
function isFailure(error: unknown): boolean {
  return error !== undefined && error !== null && !(isObject(error) && error['code'] === 'ENOENT');
}

function ignore(): void {}
