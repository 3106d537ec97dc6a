import type { Session } from 'express-session';
import type { IncomingMessage } from 'node:http';
import { rawRequestOf, type PlatformRequest } from '../platform/platform.js';
import type { SessionEngine } from './engine.js';
import { callSession, isSession, ownSession, reservedKey } from './own-session.js';
import { hashedId } from './records.js';
import { stateOf, type SessionState } from './session-state.js';

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
  /** @internal Nest makes it; its parts name packages that an application may not have. */
  constructor(private readonly engine: SessionEngine | undefined) {}

  /**
   * Signs a user in: a new id, the old session ended, `session.userId` and `data` at the top level, saved.
   *
   * @throws Error when the request came over plain HTTP (mark the handler with `@SecureRequired()`), or when the answer has
   * begun; TypeError when `data` has a key that is the session's own, such as `id` or `cookie`; a 503 when the store fails.
   */
  async signIn(request: object, userId: string | number, data: Readonly<Record<string, unknown>> = {}): Promise<void> {
    if (typeof userId !== 'string' && typeof userId !== 'number') {
      throw new TypeError(`signIn() was given ${typeof userId} as the id of a user. Accepted: a string or a number.`);
    }
    const reserved = reservedKey(data);
    if (reserved !== undefined) {
      throw new TypeError(
        `signIn() cannot keep '${reserved}' at the top level of the session: it is the session's own. Put it deeper, such as { user: { ${reserved} } }.`,
      );
    }
    const { state, engine } = this.served(request, 'signIn', 'open');
    const before = this.touch(state);
    await engine.inStore(state, async () => {
      await callSession(before, 'regenerate');
      const session = this.touch(state);
      Object.assign(session, data, { userId });
      await callSession(session, 'save');
    });
  }

  /**
   * Ends the session in the store and takes the cookie back. Nothing happens where there is none.
   *
   * @param options `clearSiteData`: the browser forgets what it has cached and stored of this site as well.
   * @throws Error when the request came over plain HTTP; a 503 when the store fails, for the session lives on.
   */
  async signOut(request: object, options: { clearSiteData?: boolean } = {}): Promise<void> {
    const { state, engine } = this.served(request, 'signOut');
    const session = ownSession(state.request);
    if (session !== undefined) await engine.inStore(state, () => callSession(session, 'destroy'));
    // Started or not, no new session may begin in this request.
    engine.finish(state);
    if (options.clearSiteData === true && !state.response.headersSent) {
      state.response.setHeader('clear-site-data', '"cache", "cookies", "storage"');
    }
  }

  /**
   * Gives the session a new id and ends the old one, as is due whenever somebody's rights grow.
   *
   * @param options `keep`: true keeps everything that is in it, a list keeps those keys. Default nothing.
   * @throws as `signIn` does.
   */
  async regenerate(request: object, options: { keep?: boolean | readonly string[] } = {}): Promise<void> {
    const { state, engine } = this.served(request, 'regenerate', 'open');
    const before = this.touch(state);
    const { keep = false } = options;
    const kept = Object.entries(before)
      .filter(([key]) => key !== 'cookie')
      .filter(([key]) => (typeof keep === 'boolean' ? keep : keep.includes(key)));
    await engine.inStore(state, async () => {
      await callSession(before, 'regenerate');
      const session = this.touch(state);
      Object.assign(session, Object.fromEntries(kept));
      if (kept.length > 0) await callSession(session, 'save');
    });
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
    return session === undefined ? undefined : hashedId(session.id);
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

  private touch({ request }: SessionState): Session {
    const session = ownSession(request) ?? this.requiredEngine().sessionOf(request);
    if (isSession(session)) return session;
    throw new Error('This request has no session: it was ended, or session.cookie.path leaves this path out.');
  }

  private served(
    request: object,
    name: string,
    answer: 'open' | 'any' = 'any',
  ): { state: SessionState; engine: SessionEngine } {
    const engine = this.requiredEngine();
    const state = stateOf(rawOf(request));
    if (state === undefined) {
      throw new Error(`SecureSessions.${name}() was given a request that has not come through this application.`);
    }
    if (!state.served) throw engine.reportClearWrite(state, `SecureSessions.${name}()`);
    if (answer === 'open' && state.response.headersSent) throw engine.reportLateWrite(state);
    return { state, engine };
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
