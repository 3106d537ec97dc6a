import type { Duration } from './duration.js';

/** The session cookie (RFC 6265bis). Secure and HttpOnly always, `Path=/` and no `Domain` unless said here. */
export interface SessionCookieOptions {
  /** Default `'lax'`. */
  sameSite?: 'lax' | 'strict' | 'none';
  /** Default `/`. With another path the default name is `__Secure-sid`. */
  path?: string;
  /** Default none: this host only. With a domain the default name is `__Secure-sid`. */
  domain?: string;
  /** Kept apart per top-level site (CHIPS). Default false. */
  partitioned?: boolean;
  /** After how long the browser forgets it. Default: when it is closed. */
  maxAge?: Duration;
}

/** An express-session store, as every store of that ecosystem is. */
export interface SessionStore {
  get(id: string, callback: (error: unknown, session?: object | null) => void): unknown;
  set(id: string, session: never, callback?: (error?: unknown) => void): unknown;
  destroy(id: string, callback?: (error?: unknown) => void): unknown;
}

/** How many sessions a user may have at a time. */
export interface PerUserOptions {
  max: number;
  /** What a sign-in beyond `max` does: it ends the oldest session, or is refused with 403. */
  then: 'end-oldest' | 'refuse';
}

/**
 * Sessions of express-session or `@fastify/session` that go on here: a browser that brings their cookie over https, and none
 * of ours, has its session moved, once. Its record ends in the old store.
 *
 * **Security:** anyone who has the old secret can try ids in the old store. Leave the option out again once `until` has passed.
 */
export interface AdoptOptions {
  /** The name of the old cookie. Default `connect.sid`, that of express-session; the one of `@fastify/session` is `sessionId`. */
  name?: string;
  /** The old secret, or all that verify old cookies. Undefined, as an environment variable may be, is a boot error. */
  secret: string | readonly string[] | undefined;
  /** The store in which the old engine kept its sessions. It may be the same as `session.store`. */
  store: SessionStore;
  /**
   * From this time on old cookies are ignored: a date, or a string such as `'2027-03-01'`, which is 00:00 UTC at the start of
   * that day. If it has passed, visitors with an old cookie are signed out, and a warning says so at boot.
   */
  until: Date | string;
}

/**
 * How sessions are bound to devices.
 *
 * @experimental The draft changes, and so will this.
 */
export interface DeviceBoundOptions {
  /**
   * How long a browser may use a session before it proves again that it has the key. A copied cookie works no longer than
   * this. Default 10 minutes.
   *
   * Chromium signs six proofs per site within nine minutes and no more, so a lifetime under three minutes locks users out.
   */
  lifetime?: Duration;
  /** Under which path the two endpoints answer, as proxies in front of the application pass it on. Default `/device-bound-session`, under the path of the cookie. */
  path?: string;
}

/** The `session` option of `SecureModule`. Durations are milliseconds, as in express-session, or strings such as `'30m'`. */
export interface SessionOptions {
  /**
   * Signs the cookie: 32 bytes or more; in an array the first signs and all verify, so that it can be changed. Undefined,
   * as an environment variable may be, is a boot error.
   *
   * **Security:** anyone who has it can forge session cookies. Take it from the environment, never from the code.
   */
  secret: string | readonly string[] | undefined;
  /** The name of the cookie. Default `__Host-sid`; `__Secure-sid` with a cookie path or domain; `sid` with `httpsSupport: false`. */
  name?: string;
  cookie?: SessionCookieOptions;
  /** After how long without a request a session ends. Default 30 minutes. */
  idleTimeout?: Duration;
  /** After how long a session ends even if it is used, counted from the sign-in. Default 12 hours. */
  absoluteTimeout?: Duration;
  /** Default: an embedded lmdb database in `dir`. `'memory'` is for tests and refused in production. */
  store?: 'memory' | SessionStore;
  /** The directory of the embedded store, made with mode 0700. Default `SESSION_DIR`, else `.sessions`. */
  dir?: string;
  /** Sends the cookie again with every response. Default false. */
  rolling?: boolean;
  /** How many sessions a user may have at a time. Default: any number. */
  perUser?: PerUserOptions;
  /** Sessions of express-session or `@fastify/session` that go on here. Default: none. */
  adopt?: AdoptOptions;
  /**
   * The path of the page where users sign in, and confirm who they are: `@RecentSignIn()` sends pages there, with the path
   * to return to in `return`. Default none: pages are answered 401, as programs are.
   */
  signInPath?: string;
  /**
   * How often the store is asked whether sessions that have open sockets here have been ended by another process, from
   * `'100ms'` to `'1m'`. Redis sends messages and is not asked. Default `'500ms'`.
   */
  socketCheckInterval?: Duration;
  /**
   * Binds each session to a key that never leaves the browser's device (Device Bound Session Credentials, a W3C draft), so
   * a copied cookie is soon worthless. Chromium supports it; other browsers work as before. Default false.
   *
   * @experimental The draft changes, and so will this.
   */
  deviceBound?: boolean | DeviceBoundOptions;
}
