import { Logger } from '@nestjs/common';
import type { Enforcer } from '../enforcer/enforcer.js';
import type { Explanation } from '../enforcer/explain.js';
import type { FindingId } from '../findings/catalogue.js';
import { describeThrown } from '../findings/describe-thrown.js';
import type { Findings } from '../findings/findings.js';
import type { PlatformRequest } from '../platform/platform.js';
import type { SessionSettings } from '../settings/session-settings.js';
import { pathOf } from '../transport/request-target.js';
import {
  explainAdoptedMaxAge,
  explainCookieFailure,
  explainCrossSite,
  explainLateWrite,
  explainLongMaxAge,
  explainMovedWrite,
  explainOverHttpWrite,
  explainSharedCache,
  explainSocketOverHttp,
  explainStore,
  explainUnstorable,
  explainUserChange,
} from './explain-session.js';
import type { SessionState } from './session-state.js';

/** Reports what goes wrong with sessions. What is to be thrown as well is returned as an error. */
export class SessionReports {
  private readonly logger = new Logger('SecureModule');

  constructor(
    private readonly findings: Findings,
    private readonly enforcer: Enforcer,
    private readonly settings: SessionSettings,
  ) {}

  /** A session was to be written over plain HTTP. */
  overHttp({ platform }: SessionState, writer: string): Error {
    return this.error('SEC201', explainOverHttpWrite(writer, platform, this.enforcer));
  }

  /** The session of a socket was asked for that came over plain HTTP. */
  socketOverHttp(request: PlatformRequest): void {
    this.findings.report('SEC240', explainSocketOverHttp(request, this.enforcer));
  }

  /** A session was to be written when the response had begun. */
  lateWrite({ platform }: SessionState): Error {
    return this.error('SEC202', explainLateWrite(platform));
  }

  /** A session was to be written under an id that it no longer has. */
  movedWrite({ platform }: SessionState, writer: string): Error {
    return this.error('SEC235', explainMovedWrite(platform, writer));
  }

  /** The user of a session changed without a new id: an attacker who knew the id is signed in now. */
  userChange({ platform }: SessionState): void {
    this.findings.report('SEC213', explainUserChange(platform));
  }

  /** A new session was made for a request from another site, whose browser had kept the cookie back. */
  crossSite(state: SessionState): void {
    if (state.values.length > 0 || state.request.headers['sec-fetch-site'] !== 'cross-site') return;
    const explanation = explainCrossSite(state.platform, this.settings.cookie.sameSite);
    if (explanation !== undefined) this.findings.report('SEC232', explanation);
  }

  /** A request brought more than one cookie of the name. */
  several({ values, request }: SessionState): void {
    this.findings.report('SEC212', {
      subject: this.settings.name,
      cause: `A request to ${pathOf(request.url ?? '/')} brought ${values.length} cookies of this name, as happens when another site of the domain plants one.`,
      fix: 'Use a name that begins with __Host-, which no other host can set.',
    });
  }

  sharedCache({ platform }: SessionState, cacheControl: string): void {
    this.findings.report('SEC230', explainSharedCache(platform, cacheControl));
  }

  longMaxAge({ platform }: SessionState, asked: number, absoluteTimeout: number): void {
    this.findings.report('SEC236', explainLongMaxAge(platform, asked, absoluteTimeout));
  }

  /** The same, of a session that was moved in from another engine. */
  adoptedMaxAge(asked: number, absoluteTimeout: number): void {
    this.findings.report('SEC236', explainAdoptedMaxAge(asked, absoluteTimeout));
  }

  cookieFailure(error: unknown): void {
    this.findings.report('SEC210', explainCookieFailure(this.settings.name, error));
  }

  unstorable({ platform }: SessionState, error: unknown): void {
    this.findings.report('SEC237', explainUnstorable(platform, error));
    this.logger.error('A session could not be stored: it holds something that JSON cannot say.', error);
  }

  /** The store failed, and the request is answered 503. */
  storeFailed(error: unknown): void {
    this.storeFaltered(error);
    const shown = error instanceof Error ? error : describeThrown(error);
    this.logger.error('The session store failed; the request was answered 503.', shown);
  }

  /** The store failed, and the request is answered all the same. */
  storeFaltered(error: unknown): void {
    this.findings.report('SEC220', explainStore(error));
  }

  private error(id: FindingId, explanation: Explanation): Error {
    this.findings.report(id, explanation);
    return new Error(`${id} ${explanation.subject}: ${explanation.cause} ${explanation.fix}`);
  }
}
