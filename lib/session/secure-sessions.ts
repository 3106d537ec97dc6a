import type { IncomingMessage } from 'node:http';
import { rawRequestOf, type PlatformRequest } from '../enforcement/platform.js';
import { callSession, ownSession, type SessionEngine } from './engine.js';
import { hashedId } from './secure-store.js';
import { stateOf } from './session-state.js';

/** One session of a user, for a page that lists them. */
export interface UserSession {
  /** Names the session in `revoke`; nobody can sign in with it. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** When it was last used, in milliseconds since 1970. */
  readonly seen: number;
  /** What the application keeps in it. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Signs users in and out, and ends their sessions. */
export class SecureSessions {
  constructor(private readonly engine: SessionEngine | undefined) {}

  /**
   * Signs a user in: a new id, the old session ended, `session.userId` and `data` at the top level, saved.
   *
   * @throws Error when the request came in clear: mark the handler with `@SecureRequired()`.
   */
  async signIn(request: object, userId: string | number, data: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const raw = this.served(request, 'signIn');
    await callSession(this.touch(raw), 'regenerate');
    const session = this.touch(raw);
    Object.assign(session, data, { userId });
    await callSession(session, 'save');
  }

  /**
   * Ends the session in the store and takes the cookie back. Nothing happens where there is none.
   *
   * @param options `clearSiteData`: the browser forgets what it has cached and stored of this site as well.
   */
  async signOut(request: object, options: { clearSiteData?: boolean } = {}): Promise<void> {
    const raw = this.served(request, 'signOut');
    const state = stateOf(raw);
    const session = ownSession(raw);
    if (session !== undefined) await callSession(session, 'destroy');
    if (state === undefined) return;
    state.clearsCookie = true;
    // Started or not, no new session may begin in this request.
    this.requiredEngine().finish(state);
    if (options.clearSiteData === true) state.response.setHeader('clear-site-data', '"cache", "cookies", "storage"');
  }

  /**
   * Gives the session a new id and ends the old one, as is due whenever somebody's rights grow.
   *
   * @param options `keep`: true keeps everything that is in it, a list keeps those keys. Default nothing.
   */
  async regenerate(request: object, options: { keep?: boolean | readonly string[] } = {}): Promise<void> {
    const raw = this.served(request, 'regenerate');
    const before = Object.entries(this.touch(raw)).filter(([key]) => key !== 'cookie');
    const { keep = false } = options;
    const kept = before.filter(([key]) => (typeof keep === 'boolean' ? keep : keep.includes(key)));
    await callSession(this.touch(raw), 'regenerate');
    Object.assign(this.touch(raw), Object.fromEntries(kept));
    await callSession(this.touch(raw), 'save');
  }

  /** The sessions of a user that have not ended. */
  async list(userId: string | number): Promise<readonly UserSession[]> {
    const kept = await this.requiredEngine().records.listOf(String(userId));
    return kept.map(({ id, record }) => {
      const { cookie: _, ...data } = record.data;
      return { id, created: record.created, seen: record.seen, data };
    });
  }

  /** The id that the session of a request has in `list`; undefined where there is none. */
  currentId(request: object): string | undefined {
    const session = ownSession(rawOf(request));
    const id: unknown = session === undefined ? undefined : Reflect.get(session, 'id');
    return typeof id === 'string' ? hashedId(id) : undefined;
  }

  /**
   * Ends one session of a user.
   *
   * @returns whether the user had it.
   */
  async revoke(userId: string | number, id: string): Promise<boolean> {
    const { records } = this.requiredEngine();
    const kept = await records.listOf(String(userId));
    if (!kept.some((session) => session.id === id)) return false;
    await records.remove(id);
    return true;
  }

  /** Ends every session of a user: after a change of password, or when an account is closed. */
  async revokeAll(userId: string | number): Promise<void> {
    const { records } = this.requiredEngine();
    for (const { id } of await records.listOf(String(userId))) await records.remove(id);
  }

  private touch(raw: IncomingMessage): object {
    const session: unknown = ownSession(raw) ?? this.requiredEngine().sessionOf(raw);
    if (typeof session === 'object' && session !== null) return session;
    throw new Error('This request has no session: it was ended, or session.cookie.path leaves this path out.');
  }

  private served(request: object, name: string): IncomingMessage {
    const raw = rawOf(request);
    this.requiredEngine();
    const state = stateOf(raw);
    if (state?.served === true) return raw;
    throw new Error(
      state === undefined
        ? `SecureSessions.${name}() was given a request that has not come through this application.`
        : `SecureSessions.${name}() was called for a request in clear (${raw.method} ${raw.url}), where no session is kept. Mark the handler with @SecureRequired().`,
    );
  }

  private requiredEngine(): SessionEngine {
    if (this.engine !== undefined) return this.engine;
    throw new Error(
      'SecureModule has no sessions: give it the session option, SecureModule.forRoot({ session: { secret } }).',
    );
  }
}

function rawOf(request: object): IncomingMessage {
  if (isRequest(request)) return rawRequestOf(request);
  throw new TypeError('A request is needed: the one a handler gets with @Req().');
}

function isRequest(value: object): value is PlatformRequest {
  return 'rawHeaders' in value || 'raw' in value;
}
