import { Logger, ServiceUnavailableException } from '@nestjs/common';
import type session from 'express-session';
import type { Session, SessionData } from 'express-session';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import onHeaders from 'on-headers';
import type { Findings } from '../findings/findings.js';
import type { Enforcer } from '../enforcer/enforcer.js';
import {
  rawRequestOf,
  rawResponseOf,
  takeResponse,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform/platform.js';
import { pathOf } from '../transport/request-target.js';
import { createNullSession } from './null-session.js';
import {
  explaoverHttpWrite,
  explainCookieFailure,
  explainLateWrite,
  explainStore,
  explainUserChange,
} from './explain-session.js';
import { loadExpressSession } from './express-session.js';
import { holdAnswer } from './hold-answer.js';
import { compileLeakHandler, type LeakHandler } from './leaked-sessions.js';
import { openRecords } from './open-records.js';
import { presentRecords } from './present-records.js';
import { callSession, isEmpty, ownSession } from './own-session.js';
import { hashedId, type PresentRecords } from './records.js';
import { createSecureStore, type SecureStore } from './secure-store.js';
import { cookieValues, expiredCookie, sessionIdIn } from './session-cookie.js';
import type { SessionOptions } from '../options/session-options.js';
import { compileSession, withoutSecure, type SessionSettings } from '../settings/session-settings.js';
import { SessionState, setState, stateOf } from './session-state.js';
import { answerUnavailable } from './unavailable.js';

/** What the engine works with. */
interface EngineParts {
  readonly settings: SessionSettings;
  readonly records: PresentRecords;
  readonly secureStore: SecureStore;
  readonly middleware: unknown;
  readonly handleLeaks: LeakHandler;
  readonly enforcer: Enforcer;
  readonly findings: Findings;
}

/** A session that a cookie names with a signature of ours. */
interface NamedSession {
  readonly id: string;
  readonly value: string;
}

/**
 * express-session inside this module's policy: over https only, started when a cookie comes or a handler touches
 * `req.session`, saved before the answer leaves, and never an anonymous session in place of one that could not be read.
 */
export class SessionEngine {
  /** Loads the engine and opens the store. */
  static async create(options: SessionOptions, enforcer: Enforcer, findings: Findings): Promise<SessionEngine> {
    const compiled = compileSession(options, enforcer.enforcing);
    const settings = enforcer.enforcing ? compiled : withoutSecure(compiled);
    const expressSession: typeof session = await loadExpressSession();
    const records = presentRecords(await openRecords(options, process.env));
    const secureStore = createSecureStore(expressSession.Store, records, settings, {
      userChanged: (changed) => reportUserChange(changed, findings),
    });
    writeOnce(secureStore.store);
    const middleware: unknown = expressSession({
      store: secureStore.store,
      secret: [...settings.secrets],
      name: settings.name,
      cookie: settings.cookie,
      rolling: settings.rolling,
      resave: false,
      saveUninitialized: false,
      genid: () => randomBytes(32).toString('base64url'),
    });
    const handleLeaks = compileLeakHandler({ enforcer, findings, records, settings });
    return new SessionEngine({ settings, records, secureStore, middleware, handleLeaks, enforcer, findings });
  }

  private readonly logger = new Logger('SecureModule');

  private constructor(private readonly parts: EngineParts) {}

  get settings(): SessionSettings {
    return this.parts.settings;
  }

  get records(): PresentRecords {
    return this.parts.records;
  }

  /** Takes a request on: loads the session its cookie names, or leaves it for the first touch. */
  enter(request: PlatformRequest, response: PlatformResponse, proceed: () => void): void {
    const { enforcer, settings } = this.parts;
    const raw = rawRequestOf(request);
    const values = cookieValues(raw.headers.cookie, settings.name);
    const served = !enforcer.enforcing || enforcer.isSecure(request);
    const state = new SessionState(raw, rawResponseOf(response), request, served, values.length > 0);
    setState(state);
    if (values.length === 0) return proceed();
    if (!state.served) {
      this.parts.handleLeaks(request, values);
      return proceed();
    }
    const named = this.choose(values, raw);
    if (named === undefined) return proceed();
    this.start(state, named, (error) => {
      if (error === undefined) return proceed();
      this.abandon(raw, error);
      answerUnavailable(raw, takeResponse(response));
    });
  }

  /** Looks after the cookies of a request that was answered at the gate. */
  turnAway(request: PlatformRequest): void {
    const values = cookieValues(rawRequestOf(request).headers.cookie, this.parts.settings.name);
    if (values.length > 0) this.parts.handleLeaks(request, values);
  }

  /** What a handler finds in `req.session` where the engine has not put a session. */
  sessionOf(request: IncomingMessage): object | undefined {
    const state = stateOf(request);
    if (state === undefined) return undefined;
    if (!state.served)
      return (state.empty ??= createNullSession({ onWrite: (key) => this.refuseClearWrite(state, key) }));
    if (state.started) return undefined;
    if (state.response.headersSent) {
      return (state.empty ??= createNullSession({
        onWrite: () => void this.parts.findings.report('SEC202', explainLateWrite(state.platform)),
      }));
    }
    this.start(state, undefined, () => undefined);
    return ownSession(request);
  }

  /** Reports that a session was to be written over plain HTTP. */
  reportClearWrite({ platform }: SessionState, writer: string): Error {
    const explanation = explaoverHttpWrite(writer, platform, this.parts.enforcer);
    this.parts.findings.report('SEC201', explanation);
    return new Error(`SEC201 ${explanation.subject}: ${explanation.cause} ${explanation.fix}`);
  }

  /** Reports that a session was to be written when the answer had begun. */
  reportLateWrite({ platform }: SessionState): Error {
    const explanation = explainLateWrite(platform);
    this.parts.findings.report('SEC202', explanation);
    return new Error(`SEC202 ${explanation.subject}: ${explanation.cause} ${explanation.fix}`);
  }

  /**
   * Does something in the store for a request.
   *
   * @throws ServiceUnavailableException when the store fails; the answer is 503 whoever catches it.
   */
  async inStore(state: SessionState, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      this.abandon(state.request, cause);
      throw new ServiceUnavailableException('Sessions cannot be reached at the moment.', { cause });
    }
  }

  /** No session begins in this request any more; what its answer owes the browser is still written. */
  finish(state: SessionState): void {
    state.settled = true;
    state.clearsCookie = true;
    if (state.started) return;
    state.started = true;
    onHeaders(state.response, () => this.writeSessionHeaders(state));
  }

  /** Whether the store has failed this request, so that its answer must be 503. */
  hasFailed(request: IncomingMessage): boolean {
    return stateOf(request)?.failed === true;
  }

  /** Brings the store up to date with the session of a request; undefined where it is. */
  settle(request: IncomingMessage): Promise<void> | undefined {
    const state = stateOf(request);
    if (state === undefined || !state.started || state.failed) return undefined;
    return this.write(state);
  }

  /** Says that the store failed, and takes the session out of the request, so that nothing of it is answered. */
  abandon(request: IncomingMessage, error: unknown): void {
    const state = stateOf(request);
    if (state !== undefined) state.failed = true;
    this.parts.findings.report('SEC220', explainStore(error));
    this.logger.error('The session store failed; the request was answered 503.', error);
    Reflect.deleteProperty(request, 'session');
  }

  /** Lets go of the store. */
  close(): Promise<void> {
    return this.parts.records.close();
  }

  /** Outside production the write throws; there it is let by, and lost. */
  private refuseClearWrite(state: SessionState, key: string): Error | undefined {
    const error = this.reportClearWrite(state, `req.session.${key}`);
    return process.env['NODE_ENV'] === 'production' ? undefined : error;
  }

  private write(state: SessionState): Promise<void> | undefined {
    const { request, response, known } = state;
    const current = ownSession(request);
    if (current === undefined) {
      // Also where a handler has set it to null, or deleted it.
      if (known === undefined || state.settled) return undefined;
      state.settled = true;
      return this.parts.records.remove(hashedId(known));
    }
    if (this.isDirty(current)) {
      // Of an id that no cookie will tell nobody could make use.
      if (response.headersSent && current.id !== known) return undefined;
      state.settled = true;
      current.touch();
      return callSession(current, 'save');
    }
    if (state.settled || current.id !== known) return undefined;
    state.settled = true;
    current.touch();
    return this.parts.secureStore.isFresh(current) ? undefined : this.extend(current);
  }

  /** Whether a session holds something that is not in the store. What cannot be told as JSON fails when it is saved. */
  private isDirty(current: Session): boolean {
    try {
      return this.parts.secureStore.isDirty(current);
    } catch {
      return true;
    }
  }

  /** A session that was used lives longer. Where the store cannot say so, the answer is right all the same. */
  private extend(current: Session & SessionData): Promise<void> {
    const { store } = this.parts.secureStore;
    return new Promise((resolve) => {
      store.touch?.(current.id, current, (...given: unknown[]) => {
        const [error] = given;
        if (error !== undefined && error !== null) this.parts.findings.report('SEC220', explainStore(error));
        resolve();
      });
    });
  }

  private start(state: SessionState, named: NamedSession | undefined, loaded: (error?: unknown) => void): void {
    const { request, response } = state;
    const { settings, middleware, enforcer } = this.parts;
    state.started = true;
    state.known = named?.id;
    // Registered before the engine's own listener, and so called after it.
    onHeaders(response, () => this.writeSessionHeaders(state));
    // The engine asks req.secure; Node's own request under Fastify has none.
    if (enforcer.enforcing && Reflect.get(request, 'secure') !== true) {
      Object.defineProperty(request, 'secure', { value: true, configurable: true });
    }
    let answered = false;
    const next = (error?: unknown): void => {
      const failure = error === null ? undefined : error;
      if (!answered) {
        answered = true;
        state.first = ownSession(request)?.id;
        loaded(failure);
      } else if (failure !== undefined) {
        // The head is under way: the cookie could not be written.
        this.parts.findings.report('SEC210', explainCookieFailure(settings.name, failure));
      }
    };
    withCookie(request, named === undefined ? undefined : `${settings.name}=${encodeURIComponent(named.value)}`, () => {
      if (typeof middleware === 'function') Reflect.apply(middleware, undefined, [request, response, next]);
    });
    // Registered after it, and so called before.
    onHeaders(response, () => this.enforceCookieAttributes(state));
    this.persistBeforeEnd(state);
    response.once('finish', () => this.reportLost(state));
  }

  /** express-session writes the answer while it saves; here the answer waits, so that it can still become a 503. */
  private persistBeforeEnd(state: SessionState): void {
    const { request, response } = state;
    const end: unknown = response.end;
    const finish = (given: readonly unknown[]): void => {
      state.ending = true;
      if (typeof end === 'function') Reflect.apply(end, response, given);
    };
    const fail = (): void => {
      if (response.headersSent) {
        // Half an answer is not taken for a whole one.
        response.destroy();
        return;
      }
      Reflect.set(response, 'end', end);
      answerUnavailable(request, response);
    };
    let called = false;
    response.end = (...given: unknown[]) => {
      // express-session forgets the callback.
      for (const part of given) if (typeof part === 'function') response.once('finish', () => void part());
      if (called) return response;
      called = true;
      const answer = given.filter((part) => typeof part !== 'function');
      if (state.failed && !response.headersSent) {
        fail();
        return response;
      }
      const settling = this.settle(request);
      if (settling === undefined) {
        finish(answer);
        return response;
      }
      const letGo = holdAnswer(response);
      settling
        .then(
          () => {
            letGo();
            finish(answer);
          },
          (error: unknown) => {
            letGo();
            this.abandon(request, error);
            fail();
          },
        )
        .catch((error: unknown) => {
          // A body that is no body: without sessions it would have thrown in the handler.
          this.logger.error('An answer could not be written.', error);
          response.destroy();
        });
      return response;
    };
  }

  /** Whatever a handler has set on the cookie: it is Secure and HttpOnly, and keeps the rules of its name. */
  private enforceCookieAttributes({ request }: SessionState): void {
    const current = ownSession(request);
    if (current === undefined) return;
    const { name, cookie } = this.parts.settings;
    current.cookie.secure = cookie.secure;
    current.cookie.httpOnly = cookie.httpOnly;
    if (!/^__Host-/i.test(name)) return;
    current.cookie.path = cookie.path;
    delete current.cookie.domain;
  }

  private writeSessionHeaders(state: SessionState): void {
    const { request, response, presented } = state;
    if (state.failed) return;
    const { name, cookie } = this.parts.settings;
    const lines = [response.getHeader('set-cookie') ?? []].flat().map(String);
    const others = lines.filter((line) => !line.startsWith(`${name}=`));
    const current = ownSession(request);
    const sent = others.length < lines.length;
    const hadOne = state.first !== undefined && current === undefined;
    // An id that was made anew and holds nothing is not stored, and needs no cookie.
    const hasNone = sent && current !== undefined && isEmpty(current) && current.id !== state.known;
    const takesBack = presented && (state.clearsCookie || hadOne || hasNone);
    if (takesBack) response.setHeader('set-cookie', [...others, expiredCookie(name, cookie)]);
    else if (hasNone && others.length > 0) response.setHeader('set-cookie', others);
    else if (hasNone) response.removeHeader('set-cookie');
    else if (sent) state.known = current?.id;
    if (takesBack || (sent && !hasNone)) response.setHeader('cache-control', 'no-store');
    if (!state.settled && !state.ending) this.saveWithHead(state);
  }

  /** A stream has begun, so nothing can wait any more; its session is saved now, and not when the stream ends. */
  private saveWithHead({ request, response, known }: SessionState): void {
    const current = ownSession(request);
    if (current === undefined || current.id !== known || !this.isDirty(current)) return;
    callSession(current, 'save').catch((error: unknown) => {
      this.abandon(request, error);
      response.destroy();
    });
  }

  private reportLost(state: SessionState): void {
    const current = ownSession(state.request);
    if (current !== undefined && this.isDirty(current)) this.reportLateWrite(state);
  }

  /** Of several cookies of the name the one that a secret verifies; none where two do, for one of them was planted. */
  private choose(values: readonly string[], request: IncomingMessage): NamedSession | undefined {
    const { settings, findings } = this.parts;
    const named = new Map<string, string>();
    for (const value of values) {
      const id = sessionIdIn(value, settings.secrets);
      if (id !== undefined) named.set(id, value);
    }
    if (values.length > 1) {
      findings.report('SEC212', {
        subject: settings.name,
        cause: `A request to ${pathOf(request.url ?? '/')} brought ${values.length} cookies of this name, as happens when another site of the domain plants one.`,
        fix: 'Use a name that begins with __Host-, which no other host can set.',
      });
    }
    const [only] = named;
    return only === undefined || named.size > 1 ? undefined : { id: only[0], value: only[1] };
  }
}

/** Once the engine has brought the store up to date, express-session, which would write again, is told that it has. */
function writeOnce(store: SecureStore['store']): void {
  const set = store.set.bind(store);
  const touch = store.touch?.bind(store);
  store.set = (id, current, done) => (isEnding(current) ? done?.() : set(id, current, done));
  store.touch = (id, current, done) => (isEnding(current) ? done?.() : touch?.(id, current, done));
}

function isEnding(current: object): boolean {
  return requestOf(current)?.ending === true;
}

/** The state of the request that a session is of. */
function requestOf(current: object): SessionState | undefined {
  const request: unknown = Reflect.get(current, 'req');
  return isRequest(request) ? stateOf(request) : undefined;
}

function isRequest(value: unknown): value is IncomingMessage {
  return typeof value === 'object' && value !== null && 'rawHeaders' in value;
}

/** Shows express-session one cookie only, and not what cookie-parser made of the others. */
function withCookie(request: IncomingMessage, cookie: string | undefined, work: () => void): void {
  const { headers } = request;
  const before = headers.cookie;
  const parsed = ['cookies', 'signedCookies'].flatMap((name) => {
    const property = Object.getOwnPropertyDescriptor(request, name);
    return property === undefined ? [] : [[name, property] as const];
  });
  headers.cookie = cookie;
  for (const [name] of parsed) Reflect.deleteProperty(request, name);
  try {
    work();
  } finally {
    if (before === undefined) delete headers.cookie;
    else headers.cookie = before;
    for (const [name, property] of parsed) Object.defineProperty(request, name, property);
  }
}

function reportUserChange(changed: object, findings: Findings): void {
  const state = requestOf(changed);
  if (state !== undefined) findings.report('SEC213', explainUserChange(state.platform));
}
