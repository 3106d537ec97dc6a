import { Logger } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Answer } from '../answer/answer.js';
import { writeAnswer } from '../answer/write-answer.js';
import type { Enforcer } from '../enforcer/enforcer.js';
import {
  rawRequestOf,
  takeResponse,
  targetOf,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform/platform.js';
import type { BindingParts, DeviceBinding } from '../session/device-binding.js';
import type { SessionRecord } from '../session/records.js';
import { cookieValues, expiredCookie, setCookie } from '../session/cookie-header.js';
import { appendCookie } from '../session/session-headers.js';
import type { ResponseHead, SessionState } from '../session/session-state.js';
import { problem, UNAVAILABLE } from '../session/unavailable.js';
import { withPrefix } from '../transport/prefix.js';
import { pathOf } from '../transport/request-target.js';
import { Bindings, type Binding } from './bindings.js';
import { BoundReports } from './bound-reports.js';
import { decideRefresh, decideRegistration, isAdmitted } from './decide.js';
import { parseProof, type NoProof, type Proof } from './proof.js';
import {
  CHALLENGE_HEADER,
  formatChallenge,
  formatInstructions,
  formatRegistration,
  ID_HEADER,
  parseString,
  REGISTRATION_HEADER,
  RESPONSE_HEADER,
  STOP,
} from './protocol.js';
import { SignedValues } from './signed-values.js';

/** Browsers renew the bound cookie before the server stops to accept it, by this part of its lifetime. */
const RENEWED_EARLIER = 0.05;

type Purpose = 'register' | 'refresh';

/**
 * Device Bound Session Credentials, as Chromium ships them: a browser that signs in registers the public part of a key of
 * its device, and from then on proves every few minutes that it has the key. The proof is good for a second, short-lived
 * cookie, without which the session cookie is worthless.
 */
export class DeviceBoundSessions implements DeviceBinding {
  private readonly bindings: Bindings;
  private readonly values: SignedValues;
  private readonly reports: BoundReports;
  private readonly enforcer: Enforcer;
  private readonly settings: BindingParts['settings'];
  private readonly logger = new Logger('SecureModule');

  constructor({ settings, records, enforcer, findings }: BindingParts) {
    this.settings = settings;
    this.enforcer = enforcer;
    this.bindings = new Bindings(records, settings);
    this.values = new SignedValues(settings.secrets);
    this.reports = new BoundReports(findings, enforcer, settings);
    this.reports.atBoot();
  }

  createIdentifier(): string {
    return randomBytes(18).toString('base64url');
  }

  admitsNow(request: IncomingMessage, session: SessionRecord): boolean {
    const identifier = session.stamp?.bound;
    if (identifier === undefined || this.isProven(request, identifier)) return true;
    return this.judge(request, session, this.bindings.readNow(identifier));
  }

  async admits(request: IncomingMessage, session: SessionRecord): Promise<boolean> {
    const identifier = session.stamp?.bound;
    if (identifier === undefined || this.isProven(request, identifier)) return true;
    return this.judge(request, session, await this.bindings.read(identifier));
  }

  writeHeaders(state: SessionState, head: ResponseHead, isNew: boolean): void {
    const { cookieName } = this.settings.deviceBound;
    // Of a session that has ended, or another one than this: the browser asks for a new one, and is told.
    const isOver =
      (state.replaced || state.unproven) && cookieValues(state.request.headers.cookie, cookieName).length > 0;
    if (isOver) {
      appendCookie(head, cookieName, expiredCookie({ name: cookieName, cookie: this.settings.cookie }));
      head.set('cache-control', 'no-store');
    }
    if (!isNew || state.offered === undefined) return;
    const challenge = this.values.createChallenge('register', state.offered, Date.now());
    head.set(REGISTRATION_HEADER, formatRegistration(this.pathOf('register', state.platform), challenge));
  }

  answer(
    state: SessionState,
    response: PlatformResponse,
    find: () => Promise<SessionRecord | false | undefined>,
  ): boolean {
    const purpose = this.purposeOf(state.platform);
    if (purpose === undefined) return false;
    const raw = takeResponse(response);
    this.answerFor(purpose, state, find).then(
      (answer) => writeAnswer(state.request, raw, answer),
      (error: unknown) => {
        this.logger.error('A device-bound session could not be refreshed; the request was answered 503.', error);
        writeAnswer(state.request, raw, UNAVAILABLE);
      },
    );
    return true;
  }

  end(identifier: string): Promise<void> {
    return this.bindings.end(identifier);
  }

  /** Most requests end here, without another look into the store. */
  private isProven({ headers }: IncomingMessage, identifier: string): boolean {
    const now = Date.now();
    const values = cookieValues(headers.cookie, this.settings.deviceBound.cookieName);
    return values.some((value) => this.values.isCookie(value, identifier, now));
  }

  private judge(request: IncomingMessage, session: SessionRecord, binding: Binding | undefined): boolean {
    const { lifetime } = this.settings.deviceBound;
    const admitted = isAdmitted({
      proven: false,
      registeredAt: binding?.registeredAt,
      lifetime,
      now: Date.now(),
    });
    if (!admitted) this.reports.unproven(this.enforcer.asPlatformRequest(request), session);
    return admitted;
  }

  private async answerFor(
    purpose: Purpose,
    { request, platform }: SessionState,
    find: () => Promise<SessionRecord | false | undefined>,
  ): Promise<Answer> {
    if (request.method !== 'POST') return problemWith(405, 'method-not-allowed', { allow: 'POST' });
    const identifier = parseString(request.headers[ID_HEADER]);
    // A script of another site can set neither header, so it learns nothing of a user by the time this takes.
    if (purpose === 'refresh' && identifier === undefined) return problemWith(400, 'no-identifier');
    const proof = proofIn(request);
    if (purpose === 'register' && proof === undefined) return problemWith(400, 'no-proof');
    const session = await find();
    if (session === false) return problemWith(403, 'insecure');
    return purpose === 'register'
      ? this.register(platform, session, proof ?? 'malformed')
      : this.refresh(platform, session, identifier, proof);
  }

  private async register(
    request: PlatformRequest,
    session: SessionRecord | undefined,
    proof: Proof | NoProof,
  ): Promise<Answer> {
    const now = Date.now();
    const identifier = session?.stamp?.bound;
    const verdict = decideRegistration({
      identifier,
      proof,
      readChallenge: (challenge, of) => this.values.readChallenge(challenge, 'register', of, now),
    });
    if (verdict.do === 'stop' || session === undefined || identifier === undefined) return json(STOP);
    if (verdict.do === 'refuse') return this.refuse(request, 'register', verdict.reason);
    if (!(await this.bindings.register(identifier, verdict, session, now))) {
      return this.refuse(request, 'register', 'registered-already');
    }
    return this.renewed(request, identifier, now);
  }

  private async refresh(
    request: PlatformRequest,
    session: SessionRecord | undefined,
    identifier: string | undefined,
    proof: Proof | NoProof | undefined,
  ): Promise<Answer> {
    const now = Date.now();
    const { name } = this.settings;
    const hasCookie = cookieValues(rawRequestOf(request).headers.cookie, name).length > 0;
    const verdict = decideRefresh({
      identifier,
      ofSession: hasCookie ? session?.stamp?.bound : null,
      registered: identifier === undefined ? undefined : await this.bindings.read(identifier),
      proof,
      readChallenge: (challenge, of) => this.values.readChallenge(challenge, 'refresh', of, now),
    });
    if (verdict.do === 'stop' || identifier === undefined) return json(STOP);
    if (verdict.do === 'refuse') return this.refuse(request, 'refresh', verdict.reason);
    if (verdict.do === 'challenge') return this.challenge(identifier, now);
    const { nonce, expires } = verdict.challenge;
    // Of two that bring the same proof, one goes on; the other may be its honest repetition, and proves it anew.
    if (!(await this.bindings.spend(nonce, expires, now))) return this.challenge(identifier, now);
    if (session !== undefined) await this.bindings.extend(identifier, session, now);
    return this.renewed(request, identifier, now);
  }

  private challenge(identifier: string, now: number): Answer {
    const challenge = this.values.createChallenge('refresh', identifier, now);
    return problemWith(403, 'challenge', { [CHALLENGE_HEADER]: formatChallenge(challenge, identifier) });
  }

  private refuse(request: PlatformRequest, purpose: Purpose, reason: string): Answer {
    this.reports.refused(request, purpose, reason);
    return problemWith(400, reason);
  }

  private renewed(request: PlatformRequest, identifier: string, now: number): Answer {
    const { cookie } = this.settings;
    const { cookieName, lifetime } = this.settings.deviceBound;
    const attributes = { path: cookie.path ?? '/', secure: true, httpOnly: true, sameSite: cookie.sameSite };
    const value = this.values.createCookie(identifier, now + lifetime);
    const maxAge = Math.max(1, Math.floor((lifetime * (1 - RENEWED_EARLIER)) / 1000));
    const [, ...named] = setCookie(cookieName, '', attributes).split('; ');
    const instructions = formatInstructions({
      identifier,
      refreshPath: this.pathOf('refresh', request),
      cookieName,
      cookieAttributes: named.join('; '),
      excludedPath: withPrefix(this.enforcer.transportOf(request).prefix, this.settings.deviceBound.path),
    });
    return json(instructions, { 'set-cookie': setCookie(cookieName, value, { ...attributes, maxAge }) });
  }

  /** The path of an endpoint as browsers know it. */
  private pathOf(purpose: Purpose, request: PlatformRequest): string {
    return withPrefix(this.enforcer.transportOf(request).prefix, `${this.settings.deviceBound.path}/${purpose}`);
  }

  private purposeOf(request: PlatformRequest): Purpose | undefined {
    const path = pathOf(targetOf(request));
    const purpose = path.endsWith('/refresh') ? 'refresh' : path.endsWith('/register') ? 'register' : undefined;
    if (purpose === undefined) return undefined;
    const { prefix } = this.enforcer.transportOf(request);
    return withPrefix(prefix, path) === this.pathOf(purpose, request) ? purpose : undefined;
  }
}

function json(body: string, headers: Answer['headers'] = {}): Answer {
  const own = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
  return { status: 200, headers: { ...headers, ...own, 'cache-control': 'no-store' }, body };
}

function problemWith(status: number, reason: string, headers: Answer['headers'] = {}): Answer {
  const { body, headers: own } = problem(status, 'This binds sessions to devices, for browsers alone.', reason);
  return { status, headers: { ...headers, ...own }, body };
}

function proofIn({ headers }: IncomingMessage): Proof | NoProof | undefined {
  const header = headers[RESPONSE_HEADER];
  if (header === undefined) return undefined;
  const text = parseString(header);
  return text === undefined ? 'malformed' : parseProof(text);
}
