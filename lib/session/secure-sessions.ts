import { ForbiddenException } from '@nestjs/common';
import type { Duration } from '../options/duration.js';
import { findOperationRequest } from '../guard/graphql-guard.js';
import { isRequest, rawRequestOf, type PlatformRequest } from '../platform/platform.js';
import { durationFrom } from '../settings/durations.js';
import type { SessionEngine } from './engine.js';
import type { SessionStamp } from './records.js';
import { reservedKey, SecureSession } from './session.js';
import type { SessionData, SessionFace } from './session-face.js';
import { stateOf, type SessionState } from './session-state.js';
import { findHandshake } from '../websockets/handshakes.js';

/** One session of a user, for a page that lists them. */
export interface UserSession {
  /** Names the session in `revoke`; nobody can sign in with it. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** When it was last used, in milliseconds since 1970. */
  readonly seen: number;
  /** What the application keeps in it. */
  readonly data: Readonly<Partial<SessionData> & Record<string, unknown>>;
}

/** The options of one sign-in, in place of those of the module. */
export interface SignInOptions {
  /** The idle timeout of this session. Default: the one of the options. */
  idleTimeout?: Duration;
  /** The absolute timeout of this session. Default: the one of the options. */
  absoluteTimeout?: Duration;
  /** Whether the browser keeps the cookie when it is closed ("remember me"). Default: as the cookie options say. */
  persistent?: boolean;
  /**
   * When the user proved who they are: a date, or milliseconds since 1970, such as `auth_time` of OpenID Connect times
   * 1000. Default now; never later than now. `false` where a remembered sign-in is taken up again.
   */
  authenticatedAt?: Date | number | false;
}

/** Signs users in and out, and ends their sessions. */
export class SecureSessions {
  /** @internal Nest makes it; its parts name packages that an application may not have. */
  constructor(private readonly engine: SessionEngine | undefined) {}

  /**
   * Signs a user in: a new id, the old session ended, `session.userId` and `data` at the top level, saved.
   *
   * @param options lifetimes of this session, and when the user proved who they are.
   * @throws Error when the request came over plain HTTP (mark the handler with `@SecureRequired()`), or when the response has
   * begun; TypeError when `data` has a key that is the session's own, such as `id` or `cookie`, or holds what JSON cannot
   * say; a 403 when `perUser` refuses one more session; a 503 when the store fails.
   */
  async signIn(
    request: object,
    userId: string | number,
    data: Readonly<Partial<SessionData> & Record<string, unknown>> = {},
    options: SignInOptions = {},
  ): Promise<void> {
    checkUserId(userId);
    checkKeys(data);
    const stamp = stampFrom(options);
    const { state, engine } = this.served(request, 'signIn', 'open');
    this.begin(state);
    const content = engine.storable({ ...data, userId });
    await engine.inStore(state, () => engine.replace(state, content, stamp));
  }

  /**
   * Ends the session in the store and deletes the cookie. Does nothing where there is no session.
   *
   * @param options `clearSiteData`: the browser forgets what it has cached and stored of this site as well.
   * @throws Error when the request came over plain HTTP; a 503 when the store fails, because the session lives on.
   */
  async signOut(request: object, options: { clearSiteData?: boolean } = {}): Promise<void> {
    const { state, engine } = this.served(request, 'signOut');
    await engine.inStore(state, () => engine.signOut(state));
    if (options.clearSiteData === true && !state.response.headersSent) {
      state.response.setHeader('clear-site-data', '"cache", "cookies", "storage"');
    }
  }

  /**
   * Gives the session a new id and ends the old one, as is necessary whenever a user gets more rights. The absolute timeout
   * goes on.
   *
   * @param options `keep`: true keeps everything that is in it, a list keeps those keys. Default nothing.
   * @throws as `signIn` does; a 401 when something is kept and the session has ended meanwhile.
   */
  async regenerate(request: object, options: { keep?: boolean | readonly string[] } = {}): Promise<void> {
    const { state, engine } = this.served(request, 'regenerate', 'open');
    const session = this.begin(state);
    const { keep = false } = options;
    const kept = Object.entries(session)
      .filter(([key]) => key !== 'cookie')
      .filter(([key]) => (typeof keep === 'boolean' ? keep : keep.includes(key)));
    await engine.inStore(state, () => engine.renew(state, Object.fromEntries(kept)));
  }

  /**
   * Notes that the user has just proved again who they are, as before a change of password: the session gets a new id.
   *
   * @throws as `signIn` does; a 403 when the session is another user's or nobody's; a 401 when it has ended meanwhile.
   */
  async confirm(request: object, { userId }: { userId: string | number }): Promise<void> {
    const { state, engine } = this.served(request, 'confirm', 'open');
    const session = this.begin(state);
    if (state.record?.userId !== String(userId)) {
      throw new ForbiddenException('This session is not one of the user who was confirmed.');
    }
    const { cookie: _, ...data } = session;
    await engine.inStore(state, () => engine.renew(state, data, { authenticatedAt: Date.now() }));
  }

  /**
   * Returns the session of a WebSocket: that of its handshake, as the store has it now. Undefined where the handshake brought none,
   * where it has ended, and where the handshake came over plain HTTP, which is a finding that says why (SEC240).
   *
   * Reading it is a use, which moves the idle timeout; other messages are none. What is changed is stored by `save()`.
   *
   * @param client what a gateway gets with `@ConnectedSocket()`, of `ws` or socket.io; what a resolver gets with
   * `@Context()`; the request of a handshake. For an HTTP request it gives `req.session`.
   * @throws TypeError when it is none of these; a 503 when the store fails.
   *
   * **Security:** ask for it whenever a message needs it. A session that was kept from an earlier message may have ended.
   */
  async of(client: object): Promise<(SessionFace & Partial<SessionData>) | undefined> {
    const engine = this.requiredEngine();
    const request = findHandshake(client)?.request ?? findRequest(client);
    const raw = request === undefined ? undefined : rawRequestOf(request);
    if (raw !== undefined && engine.sockets.has(raw)) return facing(await engine.sockets.current(raw));
    const state = raw === undefined ? undefined : stateOf(raw);
    if (state === undefined) {
      throw new TypeError(
        'SecureSessions.of() was given something that has no handshake in this application. Accepted: a client of a gateway on WsAdapter or IoAdapter (@ConnectedSocket()), the context of a GraphQL operation (@Context()), or a request.',
      );
    }
    if (engine.isServed(state)) return facing(engine.touch(state));
    engine.reports.socketOverHttp(state.platform);
    return undefined;
  }

  /** Returns the sessions of a user that have not ended, oldest first. */
  async list(userId: string | number): Promise<readonly UserSession[]> {
    const engine = this.requiredEngine();
    const kept = await engine.withStore(() => engine.records.listByUser(String(userId)));
    return kept.flatMap(({ id, record }) =>
      record === undefined ? [] : [{ id, created: record.created, seen: record.seen, data: record.data }],
    );
  }

  /** Returns the id that the session of a request has in `list`; undefined where there is none. */
  currentId(request: object): string | undefined {
    const state = stateOf(rawOf(request));
    if (state === undefined || !this.requiredEngine().isServed(state)) return undefined;
    this.requiredEngine().touch(state);
    return state.movedTo ?? (state.kept ? state.own?.key : undefined);
  }

  /**
   * Ends one session of a user.
   *
   * @returns whether the user had it.
   */
  async revoke(userId: string | number, id: string): Promise<boolean> {
    const engine = this.requiredEngine();
    return engine.withStore(async () => {
      const kept = await engine.records.listByUser(String(userId));
      if (!kept.some((session) => session.id === id)) return false;
      await engine.revoke(id);
      return true;
    });
  }

  /**
   * Ends every session of a user: after a change of password, or when an account is closed.
   *
   * @param options `except`: the id of one that goes on, as `currentId` and `list` give it.
   */
  async revokeAll(userId: string | number, options: { except?: string } = {}): Promise<void> {
    const engine = this.requiredEngine();
    await engine.withStore(async () => {
      for (const { id } of await engine.records.listByUser(String(userId))) {
        if (id !== options.except) await engine.revoke(id);
      }
    });
  }

  /**
   * Ends every session there is, of every user, as after a leak.
   *
   * @throws Error when the store has no way to do so; a 503 when the store fails.
   */
  async revokeEverybody(): Promise<void> {
    const engine = this.requiredEngine();
    await engine.withStore(() => engine.records.removeAll());
  }

  /** The session of a request, started where there is none. */
  private begin(state: SessionState): SecureSession {
    this.requiredEngine().touch(state);
    if (state.phase === 'ended') this.requiredEngine().restart(state);
    const { session } = state;
    if (session instanceof SecureSession) return session;
    throw new Error('This request has no session: session.cookie.path leaves this path out.');
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
    if (!engine.isServed(state)) throw engine.reports.overHttp(state, `SecureSessions.${name}()`);
    if (answer === 'open' && state.response.headersSent) throw engine.reports.lateWrite(state);
    return { state, engine };
  }

  private requiredEngine(): SessionEngine {
    if (this.engine !== undefined) return this.engine;
    throw new Error(
      'SecureModule has no sessions: give it the session option, SecureModule.forRoot({ session: { secret } }).',
    );
  }
}

/** With an id that is none, the session would belong to nobody, and revokeAll() never end it. */
function checkUserId(userId: unknown): void {
  if (typeof userId === 'string' ? userId !== '' : Number.isFinite(userId)) return;
  const given = typeof userId === 'string' ? 'an empty string' : typeof userId === 'number' ? userId : typeof userId;
  throw new TypeError(`signIn() was given ${given} as the id of a user. Accepted: a string or a number.`);
}

function checkKeys(data: object): void {
  const reserved = reservedKey(data);
  if (reserved === undefined) return;
  const fix =
    reserved === '__proto__'
      ? 'Leave it out: it would change what the session inherits from.'
      : `Put it deeper, such as { user: { ${reserved} } }.`;
  throw new TypeError(
    `signIn() cannot keep '${reserved}' at the top level of the session: it is the session's own. ${fix}`,
  );
}

function stampFrom({ idleTimeout, absoluteTimeout, persistent, authenticatedAt }: SignInOptions): SessionStamp {
  const now = Date.now();
  const proved = authenticatedAt === false ? undefined : Math.min(Number(authenticatedAt ?? now), now);
  if (Number.isNaN(proved)) throw new TypeError('signIn() was given an authenticatedAt that is no date.');
  return {
    ...(proved === undefined ? {} : { authenticatedAt: proved }),
    ...(idleTimeout === undefined ? {} : { idleTimeout: durationFrom(idleTimeout) }),
    ...(absoluteTimeout === undefined ? {} : { absoluteTimeout: durationFrom(absoluteTimeout) }),
    ...(persistent === undefined ? {} : { persistent }),
  };
}

function facing(session: unknown): (SessionFace & Partial<SessionData>) | undefined {
  return isFace(session) ? session : undefined;
}

function isFace(session: unknown): session is SessionFace & Partial<SessionData> {
  return session instanceof SecureSession;
}

function findRequest(client: object): PlatformRequest | undefined {
  return isRequest(client) ? client : findOperationRequest(client);
}

function rawOf(request: object): ReturnType<typeof rawRequestOf> {
  if (looksLikeRequest(request)) return rawRequestOf(request);
  throw new TypeError('A request is needed: the one a handler gets with @Req().');
}

function looksLikeRequest(value: object): value is PlatformRequest {
  return 'rawHeaders' in value || 'raw' in value;
}
