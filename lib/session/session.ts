import { SessionCookie } from './session-cookie.js';
import type { Ticket } from './cookie-tag.js';

/** Names that are the session's own: neither a handler nor `signIn` may use them for data. */
const RESERVED = new Set([
  'cookie',
  'id',
  'req',
  'save',
  'destroy',
  'regenerate',
  'reload',
  'touch',
  'resetMaxAge',
  '__proto__',
]);

/** What a session asks of the request it belongs to. */
export interface SessionOwner {
  ticketFor(session: SecureSession): Ticket;
  save(session: SecureSession): Promise<void>;
  destroy(session: SecureSession): Promise<void>;
  regenerate(session: SecureSession, keep: readonly string[]): Promise<void>;
  reload(session: SecureSession): Promise<void>;
}

/**
 * The session of a request, with the face of express-session: its data and `cookie` are enumerable properties, everything
 * else is on the prototype. Methods take a callback and return the session, or return a promise.
 */
export class SecureSession {
  [key: string]: unknown;
  readonly #owner: SessionOwner;
  #ticket: Ticket | undefined;

  constructor(owner: SessionOwner, ticket: Ticket | undefined, cookie: SessionCookie, data: object | undefined) {
    this.#owner = owner;
    this.#ticket = ticket;
    this.cookie = cookie;
    if (data !== undefined) assignData(this, data);
  }

  /** What `Object.prototype` has under this name would change what the session inherits from, and be stored nowhere. */
  get ['__proto__'](): unknown {
    return SecureSession.prototype;
  }

  set ['__proto__'](_value: unknown) {
    throw protoError();
  }

  /** The key under which the store keeps the session. Nobody can sign in with it, so it may be logged. */
  get id(): string {
    this.#ticket ??= this.#owner.ticketFor(this);
    return this.#ticket.key;
  }

  /** Stores the session now. Nothing is stored of a new session that holds nothing. */
  // One parameter: libraries look at the length to learn that there is a callback.
  save(done?: unknown): unknown {
    return answered(this, this.#owner.save(this), done);
  }

  /** Ends the session. */
  destroy(done?: unknown): unknown {
    return answered(this, this.#owner.destroy(this), done);
  }

  /** Ends the session and starts an empty one under a new id. A list of keys is kept (the face of Fastify's plugins). */
  regenerate(doneOrKeep?: unknown, done?: unknown): unknown {
    const keep = Array.isArray(doneOrKeep) ? doneOrKeep.filter((key) => typeof key === 'string') : [];
    const callback = typeof doneOrKeep === 'function' ? doneOrKeep : done;
    return answered(this, this.#owner.regenerate(this, keep), callback);
  }

  /** Reads the session again; `req.session` is another object then. Fails where the session has ended. */
  reload(done?: unknown): unknown {
    return answered(this, this.#owner.reload(this), done);
  }

  /** Lets the lifetime of the cookie start again. The idle timeout is moved by the use itself. */
  touch(): this {
    return this.resetMaxAge();
  }

  /** As `touch`. */
  resetMaxAge(): this {
    if (this.cookie instanceof SessionCookie) this.cookie.restart();
    return this;
  }

  /** The value under a key (the face of Fastify's plugins). */
  get(key: string): unknown {
    return Object.hasOwn(this, key) ? this[key] : undefined;
  }

  /** Sets the value under a key (the face of Fastify's plugins). */
  set(key: string, value: unknown): void {
    this[key] = value;
  }

  /** Ends the session (the face of Fastify's plugins). */
  delete(): unknown {
    return this.destroy();
  }

  /** What the session holds, without its cookie (the face of Fastify's plugins). */
  data(): Record<string, unknown> {
    const { cookie: _, ...data } = this;
    return data;
  }

  /** Sets attributes of the cookie, `maxAge` in milliseconds (the face of Fastify's plugins). */
  options(attributes: object): void {
    if (this.cookie instanceof SessionCookie) Object.assign(this.cookie, attributes);
  }
}

/** What a write of `__proto__` throws. */
export function protoError(): TypeError {
  return new TypeError(
    "req.session cannot keep '__proto__': it would change what the session inherits from. Check the keys that a request sends before they are assigned.",
  );
}

/** The first key that would take the place of something of the session's own. */
export function reservedKey(data: object): string | undefined {
  return Object.keys(data).find((key) => RESERVED.has(key));
}

/**
 * Whether a session holds these values and no others, told without serialising it. False where it cannot be told so: an
 * object in it may have been changed in place.
 */
export function holdsJust(session: SecureSession, data: Readonly<Record<string, unknown>>): boolean {
  let values = 0;
  for (const key in session) {
    if (key === 'cookie') continue;
    const value = session[key];
    if (value !== data[key] || value === undefined || (typeof value === 'object' && value !== null)) return false;
    values += 1;
  }
  for (const _ in data) values -= 1;
  return values === 0;
}

/** What a session holds, as JSON. Throws a TypeError that names the key where JSON cannot say it. */
export function contentOf(session: SecureSession): string {
  try {
    return JSON.stringify({ ...session, cookie: undefined });
  } catch (cause) {
    const key = Object.keys(session).find((name) => name !== 'cookie' && !isJson(session[name]));
    const reason = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
    throw new TypeError(`req.session.${key} cannot be stored as JSON: ${reason}`, { cause });
  }
}

function assignData(session: SecureSession, data: object): void {
  for (const key of Object.keys(data)) if (!RESERVED.has(key)) session[key] = Reflect.get(data, key);
}

function isJson(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}

/** Calls back and returns the session, or returns the promise. A promise that nobody awaits ends no process. */
function answered(session: SecureSession, work: Promise<void>, done: unknown): unknown {
  if (typeof done !== 'function') {
    work.catch(() => undefined);
    return work;
  }
  // Outside the promise: what a callback throws is no rejection of the session's.
  work.then(
    () => queueMicrotask(() => void Reflect.apply(done, undefined, [])),
    (error: unknown) => queueMicrotask(() => void Reflect.apply(done, undefined, [error])),
  );
  return session;
}
