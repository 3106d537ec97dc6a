import { ConflictException, HttpException, UnauthorizedException } from '@nestjs/common';
import type { Enforcer } from '../enforcer/enforcer.js';
import type { Findings } from '../findings/findings.js';
import type { SessionOptions } from '../options/session-options.js';
import {
  rawRequestOf,
  rawResponseOf,
  takeResponse,
  targetOf,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform/platform.js';
import { compileSession, withoutSecure, type SessionSettings } from '../settings/session-settings.js';
import { pathOf } from '../transport/request-target.js';
import { SessionCookie } from './session-cookie.js';
import { CookieTags, type Ticket } from './cookie-tag.js';
import { endRecord, type BindingParts, type DeviceBinding } from './device-binding.js';
import { EndedIds } from './ended-ids.js';
import { watchEventStream } from './event-streams.js';
import { compileLeakHandler, type LeakHandler } from './leaked-sessions.js';
import { endOf, timeoutsOf } from './lifetimes.js';
import { createNullSession } from './null-session.js';
import { openRecords } from './open-records.js';
import { probeAtBoot, type BootProbe } from './probe-at-boot.js';
import { createReadOnlySession } from './read-only-session.js';
import type { SessionRecord, SessionRecords, SessionStamp } from './records.js';
import { hookResponse } from './response-hooks.js';
import { SecureSession } from './session.js';
import { SessionConnections } from './session-connections.js';
import { cookieValues } from './cookie-header.js';
import { SessionAdopter } from './session-adopter.js';
import {
  MovedSessionError,
  TooManySessionsError,
  toContent,
  unavailable,
  UnstorableSessionError,
  UnsupportedByStoreError,
} from './session-errors.js';
import { SessionHeaders } from './session-headers.js';
import { listenForErrors } from './store-clients.js';
import { SessionLoader } from './session-loader.js';
import { SessionReports } from './session-reports.js';
import { SessionState, setState, type ResponseHead, type SessionOperations } from './session-state.js';
import { SessionWriter } from './session-writer.js';
import { SocketSessions } from './socket-sessions.js';
import { answerInstead, MOVED, TOO_MANY, UNAVAILABLE, UNSTORABLE } from './unavailable.js';

/** What the engine works with. */
export interface EngineParts {
  readonly settings: SessionSettings;
  readonly records: SessionRecords;
  readonly probe: BootProbe;
  readonly enforcer: Enforcer;
  readonly findings: Findings;
  readonly binding?: DeviceBinding | undefined;
}

/**
 * Sessions over https only, loaded at the first touch where the store can answer at once and before the handler where it
 * cannot, stored before the response leaves. An anonymous session never takes the place of one that could not be read.
 */
export class SessionEngine implements SessionOperations {
  /** Opens the store and makes the engine. */
  static async create(
    options: SessionOptions,
    enforcer: Enforcer,
    findings: Findings,
    loadBinding?: (parts: BindingParts) => Promise<DeviceBinding>,
  ): Promise<SessionEngine> {
    const compiled = compileSession(options, enforcer.enforcing);
    const settings = enforcer.enforcing ? compiled : withoutSecure(compiled);
    listenForErrors(options.store, options.adopt?.store);
    const records = await openRecords(options, process.env);
    try {
      const probe = await probeAtBoot(records, findings);
      const { deviceBound } = settings;
      const binding =
        deviceBound && (await loadBinding?.({ settings: { ...settings, deviceBound }, records, enforcer, findings }));
      return new SessionEngine({ settings, records, probe, enforcer, findings, binding });
    } catch (error) {
      await records.close();
      throw error;
    }
  }

  readonly settings: SessionSettings;
  readonly records: SessionRecords;
  readonly reports: SessionReports;
  /** The sessions of sockets. */
  readonly sockets: SocketSessions;
  private readonly connections: SessionConnections;
  private readonly probe: BootProbe;
  private readonly enforcer: Enforcer;
  private readonly tags: CookieTags;
  private readonly ended = new EndedIds();
  private readonly loader: SessionLoader;
  private readonly writer: SessionWriter;
  private readonly headers: SessionHeaders;
  private readonly handleLeaks: LeakHandler;
  private readonly adopter: SessionAdopter | undefined;
  private readonly binding: DeviceBinding | undefined;

  constructor({ settings, records, probe, enforcer, findings, binding }: EngineParts) {
    const tags = new CookieTags(settings.secrets);
    const reports = new SessionReports(findings, enforcer, settings);
    const shared = [records, settings, tags, this.ended, reports, binding] as const;
    this.settings = settings;
    this.records = records;
    this.probe = probe;
    this.binding = binding;
    this.enforcer = enforcer;
    this.tags = tags;
    this.reports = reports;
    this.loader = new SessionLoader(...shared);
    this.writer = new SessionWriter(...shared);
    const { adopt } = settings;
    this.adopter = adopt && new SessionAdopter(adopt, records, settings, tags, this.ended);
    this.headers = new SessionHeaders(settings, tags, reports, ({ record }) => this.cookieFor(record?.stamp), binding);
    this.handleLeaks = compileLeakHandler({ enforcer, findings, records, settings, tags });
    this.connections = new SessionConnections({
      records,
      load: (key) => this.loader.load(key),
      endOf: ({ record }) => endOf(record, settings),
      onFailure: (error) => reports.storeFaltered(error),
      interval: settings.socketCheckInterval,
    });
    this.sockets = new SocketSessions({
      enforcer,
      settings,
      records,
      tags,
      loader: this.loader,
      reports,
      connections: this.connections,
      revoke: (key) => this.revoke(key),
      cookieFor: (stamp) => this.cookieFor(stamp),
      admits: async (raw, record) => binding === undefined || binding.admits(raw, record),
      onLeak: (request, cookies) => this.handleLeaks(request, cookies),
    });
  }

  /** Takes a request on. The store is read now only where it cannot answer at the first touch. */
  enter(request: PlatformRequest, response: PlatformResponse, proceed: () => void): void {
    const raw = rawRequestOf(request);
    const { name, rolling } = this.settings;
    const values = cookieValues(raw.headers.cookie, name);
    const state = new SessionState(this, raw, rawResponseOf(response), request, values);
    setState(raw, state);
    if (this.binding?.answer(state, response, () => this.find(state)) === true) return;
    const oldId = this.adopter?.idIn(raw.headers.cookie);
    if (values.length === 0 && oldId === undefined) return proceed();
    if (!this.isServed(state)) {
      if (values.length > 0 && !this.sockets.has(raw)) this.handleLeaks(request, values);
      return proceed();
    }
    if (oldId !== undefined && this.coversPath(state) && !values.some((value) => this.tags.read(value))) {
      return this.loadFirst(state, () => this.adopt(state, oldId), response, proceed);
    }
    if (values.length === 0 || (this.loader.isSync && !rolling)) return proceed();
    const ticket = this.loader.choose(state);
    if (ticket === undefined) return proceed();
    const load = async (): Promise<void> => this.loader.take(state, await this.loader.loadFor(state, ticket.key));
    this.loadFirst(state, load, response, proceed);
  }

  /** Looks after the cookies of a request that was answered at the gate. */
  turnAway(request: PlatformRequest): void {
    // The sockets have seen it already.
    if (this.sockets.has(rawRequestOf(request))) return;
    const values = cookieValues(rawRequestOf(request).headers.cookie, this.settings.name);
    if (values.length > 0) this.handleLeaks(request, values);
  }

  /**
   * What a handler finds in `req.session`.
   *
   * @throws ServiceUnavailableException when the store cannot be read. The response is 503 then, whatever catches this.
   */
  touch(state: SessionState): object | undefined {
    switch (state.phase) {
      case 'untouched':
        return this.begin(state);
      case 'failed':
        throw unavailable(undefined);
      case 'loading':
      case 'ended':
        return undefined;
      default:
        return state.shown ?? state.session;
    }
  }

  /** Whether sessions are served for a request: it is secure, or nothing is enforced. */
  isServed(state: SessionState): boolean {
    return (state.served ??= !this.enforcer.enforcing || this.enforcer.isSecure(state.platform));
  }

  ticketFor(state: SessionState, session: SecureSession): Ticket {
    if (state.session !== session) return this.tags.create();
    return (state.own ??= this.tags.create());
  }

  save(state: SessionState, session: SecureSession): Promise<void> {
    if (state.session !== session || state.movedTo !== undefined) return Promise.resolve();
    try {
      return asUnavailable(this.writer.write(state, session, this.writer.snapshot(state, session)));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  destroy(state: SessionState, session: SecureSession): Promise<void> {
    return state.session === session ? asUnavailable(this.end(state)) : Promise.resolve();
  }

  /** An empty session under a new id, whether or not the old one is there. */
  regenerate(state: SessionState, session: SecureSession, keep: readonly string[] = []): Promise<void> {
    if (state.session !== session) return Promise.resolve();
    const kept = Object.fromEntries(Object.entries(session).filter(([key]) => keep.includes(key)));
    const { record } = state;
    const removal = this.writer.release(state);
    state.before = record;
    state.session = this.newSession(state, undefined, kept);
    return asUnavailable(removal);
  }

  async reload(state: SessionState, session: SecureSession): Promise<void> {
    if (state.session !== session) return;
    await state.queue;
    const { own, record } = state;
    const loaded = own === undefined || record === undefined ? undefined : await this.loader.load(own.key);
    if (loaded === undefined || state.session !== session) throw new Error('failed to load session');
    state.record = loaded.record;
    state.content = JSON.stringify(loaded.record.data);
    state.session = this.newSession(state, loaded.record.stamp, loaded.record.data);
  }

  /** `req.session = null`, and `delete req.session`: what the store says of it is seen when the response ends. */
  clear(state: SessionState): void {
    if (state.phase === 'ended' || state.phase === 'failed' || !this.isServed(state)) return;
    this.signOut(state).catch(ignore);
  }

  /** Ends the session of a request and the one that its cookie names, without reading either. */
  signOut(state: SessionState): Promise<void> {
    hookResponse(state);
    this.loader.choose(state);
    return this.end(state);
  }

  /** A new session of this content, under a new id, in place of the one the request has, which ends: what a sign-in does. */
  async replace(state: SessionState, data: object, stamp: SessionStamp | undefined): Promise<void> {
    const removal = this.writer.release(state);
    state.before = undefined;
    if (state.phase === 'ended') state.to('active');
    const session = this.newSession(state, stamp, data);
    state.session = session;
    state.stamp = stamp;
    const snapshot = this.writer.snapshot(state, session);
    await removal;
    await this.writer.write(state, session, snapshot);
  }

  /**
   * A new id for the session of a request, with what is to be kept of it.
   *
   * @throws UnauthorizedException when something is kept and the session has ended meanwhile.
   */
  async renew(state: SessionState, data: object, confirmed?: Pick<SessionStamp, 'authenticatedAt'>): Promise<void> {
    const { session, record } = state;
    if (session === undefined) return;
    if (state.movedTo !== undefined) throw new ConflictException('The session has just been given another id.');
    if (Object.keys(data).length === 0) return this.regenerate(state, session);
    const stamp = confirmed === undefined ? record?.stamp : { ...record?.stamp, ...confirmed };
    if (record === undefined) return this.replace(state, data, stamp);
    if (!(await this.writer.move(state, data, stamp))) {
      throw new UnauthorizedException('The session has ended meanwhile. Sign in again.');
    }
    if (state.session === session) state.session = this.newSession(state, stamp, state.record?.data);
  }

  /** A session begins in a request whose session has ended. */
  restart(state: SessionState): void {
    state.to('active');
    state.session = this.newSession(state, undefined, undefined);
  }

  /** Ends a session by its key. */
  async revoke(key: string): Promise<void> {
    await endRecord(this.records, this.binding, key);
    this.ended.add(key, Date.now());
  }

  /** A copy of data as the store will give it back. Throws where JSON cannot say it. */
  storable(data: object): object {
    return JSON.parse(toContent(() => JSON.stringify(data)));
  }

  settle(state: SessionState): Promise<void> | undefined {
    if (state.phase === 'untouched' || state.phase === 'loading' || state.phase === 'failed') return undefined;
    if (this.isDeleted(state)) this.clear(state);
    return this.writer.settle(state);
  }

  writeHeaders(state: SessionState, head: ResponseHead): void {
    this.headers.write(state, head);
    watchEventStream(state, head, this.connections);
  }

  fail(state: SessionState, error: unknown): void {
    if (state.phase === 'failed') return;
    state.to('failed');
    if (error instanceof UnstorableSessionError) {
      state.failure = UNSTORABLE;
      this.reports.unstorable(state, error);
    } else if (error instanceof TooManySessionsError) {
      state.failure = TOO_MANY;
    } else if (error instanceof MovedSessionError) {
      state.failure = MOVED;
      this.reports.movedWrite(state, 'req.session');
    } else {
      state.failure = UNAVAILABLE;
      this.reports.storeFailed(error);
    }
  }

  finished(state: SessionState): void {
    const { session } = state;
    if (session === undefined || state.movedTo !== undefined || state.phase === 'failed' || state.gone) return;
    if (state.queue === undefined && this.isUnsaved(state, session)) this.reports.lateWrite(state);
  }

  /** Does something in the store for a request; the response is 503 where the store fails, whatever catches it. */
  async inStore<T>(state: SessionState, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (isOwn(cause)) throw cause;
      this.fail(state, cause);
      throw unavailable(cause);
    }
  }

  /** Asks the store for no request in particular; Nest answers 503 where a handler awaits it and the store fails. */
  async withStore<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof UnsupportedByStoreError) throw cause;
      this.reports.storeFaltered(cause);
      throw unavailable(cause);
    }
  }

  /** Lets go of the store. */
  close(): Promise<void> {
    this.probe.stop();
    this.connections.stop();
    return this.records.close();
  }

  /** Reads the store before the handler. */
  private loadFirst(
    state: SessionState,
    load: () => Promise<void>,
    response: PlatformResponse,
    proceed: () => void,
  ): void {
    state.to('loading');
    load().then(
      () => {
        state.to('untouched');
        if ((this.settings.rolling && state.kept) || state.adopted !== undefined) this.activate(state);
        proceed();
      },
      (error: unknown) => {
        this.fail(state, error);
        answerInstead(state.request, takeResponse(response), state.failure ?? UNAVAILABLE);
      },
    );
  }

  /** Moves a session of another engine in. */
  private async adopt(state: SessionState, oldId: string): Promise<void> {
    if (this.probe.misfit !== undefined) throw this.probe.misfit;
    state.chosen = true;
    const adopted = await this.adopter?.adopt(oldId);
    if (adopted === undefined) return;
    const { key } = adopted.ticket;
    this.loader.takeAdopted(state, adopted, await this.loader.loadFor(state, key));
    const { userId, stamp } = state.record ?? {};
    const { absoluteTimeout } = this.settings;
    const maxAge = stamp?.idleTimeout ?? 0;
    if (maxAge > absoluteTimeout) this.reports.adoptedMaxAge(maxAge, absoluteTimeout);
    if (userId !== undefined && state.movedTo === undefined) await this.writer.limit(state, userId, key);
  }

  /** The session that the cookie of a request names, proven or not; false over plain HTTP. */
  private async find(state: SessionState): Promise<SessionRecord | false | undefined> {
    if (!this.isServed(state)) {
      this.handleLeaks(state.platform, state.values);
      return false;
    }
    if (this.probe.misfit !== undefined) throw this.probe.misfit;
    const ticket = this.loader.choose(state);
    return ticket && (await this.loader.load(ticket.key))?.record;
  }

  private begin(state: SessionState): object | undefined {
    if (!this.isServed(state)) {
      return (state.shown ??= createNullSession({ onWrite: (key) => this.refuseOverHttp(state, key) }));
    }
    if (!this.coversPath(state)) return undefined;
    hookResponse(state);
    try {
      if (this.probe.misfit !== undefined) throw this.probe.misfit;
      this.loader.loadNow(state);
    } catch (error) {
      this.fail(state, error);
      throw unavailable(error);
    }
    if (state.record === undefined && state.response.headersSent) {
      return (state.shown ??= createNullSession({ onWrite: () => void this.reports.lateWrite(state) }));
    }
    return this.activate(state);
  }

  private activate(state: SessionState): object {
    hookResponse(state);
    state.to('active');
    const { record } = state;
    const session = this.newSession(state, record?.stamp, record?.data);
    state.session = session;
    if (state.movedTo !== undefined) {
      state.shown = createReadOnlySession(session, (key) => this.reports.movedWrite(state, `req.session.${key}`));
    }
    return state.shown ?? session;
  }

  private newSession(state: SessionState, stamp: SessionStamp | undefined, data: object | undefined): SecureSession {
    return new SecureSession(state, state.own, this.cookieFor(stamp), data);
  }

  private cookieFor(stamp: SessionStamp | undefined): SessionCookie {
    const { cookie } = this.settings;
    if (stamp?.persistent === undefined) return new SessionCookie(cookie, cookie.maxAge ?? null);
    return new SessionCookie(cookie, stamp.persistent ? timeoutsOf(stamp, this.settings).idleTimeout : null);
  }

  /** Ends the session of a request; none begins in it by a touch. */
  private end(state: SessionState): Promise<void> {
    const removal = this.writer.release(state);
    state.session = undefined;
    state.to('ended');
    return removal;
  }

  /** `delete req.session`, after a touch, ends the session. */
  private isDeleted({ session, touchedRequest, touchedRaw }: SessionState): boolean {
    if (session === undefined) return false;
    return (
      (touchedRequest !== undefined && !Object.hasOwn(touchedRequest, 'session')) ||
      (touchedRaw !== undefined && !Object.hasOwn(touchedRaw, 'session'))
    );
  }

  private isUnsaved(state: SessionState, session: SecureSession): boolean {
    if (this.writer.isKept(state, session)) return false;
    try {
      return this.writer.isDirty(state, this.writer.snapshot(state, session));
    } catch {
      return true;
    }
  }

  private coversPath({ platform }: SessionState): boolean {
    const { path = '/' } = this.settings.cookie;
    if (path === '/') return true;
    const asked = pathOf(targetOf(platform));
    return asked.startsWith(path) && (path.endsWith('/') || asked.length === path.length || asked[path.length] === '/');
  }

  /** Outside production the write throws; there it is let by, and lost. */
  private refuseOverHttp(state: SessionState, key: string): Error | undefined {
    const error = this.reports.overHttp(state, `req.session.${key}`);
    return process.env['NODE_ENV'] === 'production' ? undefined : error;
  }
}

/** Nest answers 503 where a handler awaits it and the store fails. */
function asUnavailable(work: Promise<void>): Promise<void> {
  return work.catch((cause: unknown) => {
    throw isOwn(cause) ? cause : unavailable(cause);
  });
}

/** Whether an error is one for the handler, and not one of the store. */
function isOwn(error: unknown): boolean {
  return error instanceof UnstorableSessionError || error instanceof HttpException;
}

function ignore(): void {}
