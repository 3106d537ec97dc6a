import { Logger } from '@nestjs/common';
import type session from 'express-session';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import onHeaders from 'on-headers';
import type { Findings } from '../audit/findings.js';
import type { Enforcer } from '../enforcement/enforcer.js';
import {
  rawRequestOf,
  rawResponseOf,
  targetOf,
  type PlatformRequest,
  type PlatformResponse,
} from '../enforcement/platform.js';
import { writeAnswer } from '../enforcement/seal.js';
import { isLoopbackHost } from '../transport/host.js';
import { pathOf } from '../urls/absolute-url.js';
import { clearSession } from './clear-session.js';
import { explainClearWrite, explainStore, isPublicAddress } from './explain-session.js';
import { loadExpressSession } from './express-session.js';
import { openRecords } from './open-records.js';
import type { SessionRecords } from './records.js';
import { createSecureStore, hashedId, type SecureStore } from './secure-store.js';
import { cookieValues, expiredCookie, sessionIdIn } from './session-cookie.js';
import type { SessionOptions } from './session-options.js';
import { compileSession, type SessionSettings } from './session-settings.js';
import { setState, stateOf, type SessionState } from './session-state.js';

/** What an answer is while the store cannot be reached. */
export const UNAVAILABLE = {
  status: 503,
  headers: { 'cache-control': 'no-store', 'content-type': 'application/problem+json' },
  body: JSON.stringify({
    type: 'about:blank',
    title: 'Service Unavailable',
    status: 503,
    detail: 'Sessions cannot be reached at the moment. Try again shortly.',
    reason: 'session-store-unavailable',
  }),
};

/** What the engine works with. */
interface EngineParts {
  readonly settings: SessionSettings;
  readonly records: SessionRecords;
  readonly secureStore: SecureStore;
  readonly middleware: unknown;
  readonly enforcer: Enforcer;
  readonly findings: Findings;
}

/**
 * express-session inside this module's policy: over https only, started when a cookie comes or a handler touches
 * `req.session`, saved before the answer leaves, and never an anonymous session in place of one that could not be read.
 */
export class SessionEngine {
  /** Loads the engine and opens the store. */
  static async create(options: SessionOptions, enforcer: Enforcer, findings: Findings): Promise<SessionEngine> {
    const settings = compileSession(options, enforcer.enforcing);
    const expressSession: typeof session = await loadExpressSession();
    const records = await openRecords(options, process.env);
    const secureStore = createSecureStore(expressSession.Store, records, settings, {
      userChanged: (changed) => reportUserChange(changed, findings),
    });
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
    return new SessionEngine({ settings, records, secureStore, middleware, enforcer, findings });
  }

  private readonly logger = new Logger('SecureModule');

  private constructor(private readonly parts: EngineParts) {}

  get settings(): SessionSettings {
    return this.parts.settings;
  }

  get records(): SessionRecords {
    return this.parts.records;
  }

  /** Takes a request on: loads the session its cookie names, or leaves it for the first touch. */
  enter(request: PlatformRequest, response: PlatformResponse, proceed: () => void): void {
    const { enforcer, settings } = this.parts;
    const raw = rawRequestOf(request);
    const served = !enforcer.enforcing || enforcer.isSecure(request);
    const state: SessionState = {
      request: raw,
      response: rawResponseOf(response),
      served,
      started: false,
      clearsCookie: false,
      clear: undefined,
    };
    setState(state);
    const values = cookieValues(raw.headers.cookie, settings.name);
    if (values.length === 0) return proceed();
    if (served) return this.load(state, response, this.choose(values, raw), proceed);
    this.reportLeaks(request, values);
    return proceed();
  }

  /** What a handler finds in `req.session`. */
  sessionOf(request: IncomingMessage): unknown {
    const state = stateOf(request);
    if (state === undefined) return undefined;
    if (!state.served) return (state.clear ??= this.clearSessionOf(state));
    if (state.started) return undefined;
    this.start(state, undefined, () => undefined);
    return Object.getOwnPropertyDescriptor(request, 'session')?.value;
  }

  /** No session begins in this request any more; what its answer owes the browser is still written. */
  finish(state: SessionState): void {
    if (state.started) return;
    state.started = true;
    onHeaders(state.response, () => this.finishHeaders(state));
  }

  /** Whether a request has a session that holds something not yet in the store. */
  isDirty(request: IncomingMessage): boolean {
    const current = ownSession(request);
    return current !== undefined && this.parts.secureStore.isDirty(current);
  }

  /** Saves the session of a request. */
  async save(request: IncomingMessage): Promise<void> {
    const current = ownSession(request);
    if (current !== undefined) await callSession(current, 'save');
  }

  /** Says that the store failed, and takes the session out of the request, so that nothing of it is answered. */
  abandon(request: IncomingMessage, error: unknown): void {
    this.parts.findings.report('SEC220', explainStore(error));
    this.logger.error('The session store failed; the request was answered 503.', error);
    Reflect.deleteProperty(request, 'session');
  }

  /** Lets go of the store. */
  close(): Promise<void> {
    return this.parts.records.close();
  }

  private load(state: SessionState, response: PlatformResponse, value: string | undefined, proceed: () => void): void {
    if (value === undefined) return proceed();
    this.start(state, value, (error) => {
      if (error === undefined || error === null) return proceed();
      this.abandon(state.request, error);
      if ('hijack' in response && typeof response.hijack === 'function') response.hijack();
      writeAnswer(state.request, state.response, UNAVAILABLE);
    });
  }

  private start(state: SessionState, value: string | undefined, loaded: (error?: unknown) => void): void {
    const { request, response } = state;
    const { settings, middleware, enforcer } = this.parts;
    state.started = true;
    // Registered before the engine's own listener, and so called after it.
    onHeaders(response, () => this.finishHeaders(state));
    // The engine asks req.secure; Node's own request under Fastify has none.
    if (enforcer.enforcing && Reflect.get(request, 'secure') !== true) {
      Object.defineProperty(request, 'secure', { value: true, configurable: true });
    }
    let answered = false;
    const next = (error?: unknown): void => {
      if (!answered) {
        answered = true;
        loaded(error);
      } else if (error !== undefined && error !== null) {
        this.parts.findings.report('SEC220', explainStore(error));
      }
    };
    const { cookie } = request.headers;
    request.headers.cookie = value === undefined ? undefined : `${settings.name}=${encodeURIComponent(value)}`;
    try {
      if (typeof middleware === 'function') Reflect.apply(middleware, undefined, [request, response, next]);
    } finally {
      if (cookie === undefined) delete request.headers.cookie;
      else request.headers.cookie = cookie;
    }
    this.saveBeforeEnd(state);
  }

  /** express-session writes the answer while it saves; here the answer waits, so that it can still become a 503. */
  private saveBeforeEnd({ request, response }: SessionState): void {
    const end: unknown = response.end;
    let settled = false;
    const finish = (given: unknown[]): void => {
      if (typeof end === 'function') Reflect.apply(end, response, given);
    };
    response.end = (...given: unknown[]) => {
      if (settled || response.headersSent || !this.isDirty(request)) {
        settled = true;
        finish(given);
        return response;
      }
      settled = true;
      this.save(request).then(
        () => finish(given),
        (error: unknown) => {
          this.abandon(request, error);
          writeAnswer(request, response, UNAVAILABLE);
        },
      );
      return response;
    };
  }

  private finishHeaders({ response, clearsCookie }: SessionState): void {
    const { name, cookie } = this.parts.settings;
    const lines = [response.getHeader('set-cookie') ?? []].flat().map(String);
    const others = clearsCookie ? lines.filter((line) => !line.startsWith(`${name}=`)) : lines;
    if (clearsCookie) response.setHeader('set-cookie', [...others, expiredCookie(name, cookie)]);
    if (clearsCookie || lines.some((line) => line.startsWith(`${name}=`)))
      response.setHeader('cache-control', 'no-store');
  }

  /** Of several cookies of the name the one that a secret verifies; none where two do, for one of them was planted. */
  private choose(values: readonly string[], request: IncomingMessage): string | undefined {
    const [only] = values;
    if (values.length === 1) return only;
    const verified = [
      ...new Set(values.filter((value) => sessionIdIn(value, this.parts.settings.secrets) !== undefined)),
    ];
    this.parts.findings.report('SEC212', {
      subject: this.parts.settings.name,
      cause: `A request to ${pathOf(request.url ?? '/')} brought ${values.length} cookies of this name, as happens when another site of the domain plants one.`,
      fix: 'Use a name that begins with __Host-, which no other host can set.',
    });
    return verified.length === 1 ? verified[0] : undefined;
  }

  private clearSessionOf(state: SessionState): object {
    return clearSession({
      onWrite: (key) => {
        const { request } = state;
        const explanation = explainClearWrite(key, request, this.parts.enforcer);
        this.parts.findings.report('SEC201', explanation);
        if (process.env['NODE_ENV'] === 'production') return undefined;
        return new Error(`SEC201 ${explanation.subject}: ${explanation.cause} ${explanation.fix}`);
      },
    });
  }

  /** A session id that came in clear is never loaded. It is ended when it surely leaked, not when a proxy is to blame. */
  private reportLeaks(request: PlatformRequest, values: readonly string[]): void {
    const { enforcer, settings, records } = this.parts;
    const transport = enforcer.transportOf(request);
    const { host, peer, doubts } = transport;
    const prefixed = /^__(?:host|secure)-/i.test(settings.name);
    const proxyLikely = doubts.some(({ reason }) => reason !== 'secure-cookie');
    // Browsers trust loopback names in clear, and so send Secure cookies there.
    const trusted = host !== undefined && isLoopbackHost(host);
    const surelyLeaked = !proxyLikely && !trusted && (!prefixed || isPublicAddress(peer));
    if (!surelyLeaked) return;
    this.parts.findings.report('SEC214', {
      subject: settings.name,
      cause: `${peer} sent it in clear; the session was not loaded, and has been ended.`,
      fix: 'A browser sends no Secure cookie over http: look for a client of your own that does.',
    });
    for (const value of values) {
      const id = sessionIdIn(value, settings.secrets);
      if (id === undefined) continue;
      records
        .remove(hashedId(id))
        .catch((error: unknown) => this.logger.error('A leaked session was not ended.', error));
      void enforcer.leaked(rawRequestOf(request), {
        kind: 'session',
        method: rawRequestOf(request).method ?? 'GET',
        path: pathOf(targetOf(request)),
        peer,
        hash: enforcer.hash(id),
      });
    }
  }
}

/** Calls a method of a session and waits for its callback. */
export function callSession(current: object, method: 'save' | 'destroy' | 'regenerate' | 'reload'): Promise<void> {
  return new Promise((resolve, reject) => {
    const call: unknown = Reflect.get(current, method);
    if (typeof call !== 'function') return resolve();
    Reflect.apply(call, current, [
      (error: unknown) => (error === undefined || error === null ? resolve() : reject(error)),
    ]);
  });
}

/** The session a request has now, without starting one. */
export function ownSession(request: IncomingMessage | ServerResponse): object | undefined {
  const value: unknown = Object.getOwnPropertyDescriptor(request, 'session')?.value;
  return typeof value === 'object' && value !== null ? value : undefined;
}

function reportUserChange(changed: object, findings: Findings): void {
  const route: unknown = Reflect.get(Object(Reflect.get(changed, 'req')), 'url');
  findings.report('SEC213', {
    subject: pathOf(typeof route === 'string' ? route : '/'),
    cause: 'The user of a session changed and its id did not, so whoever knew the id before is signed in as that user.',
    fix: 'Sign in with SecureSessions.signIn(), or call req.session.regenerate() first.',
  });
}
