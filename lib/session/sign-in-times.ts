import type { Findings } from '../findings/findings.js';
import { rawRequestOf, type PlatformRequest } from '../platform/platform.js';
import type { SignInReader } from '../platform/sign-ins.js';
import { testingClaims } from '../platform/testing-claims.js';
import type { SessionEngine } from './engine.js';
import { isObject } from '../platform/unknown-values.js';
import { type SessionRecord } from './records.js';
import { stateOf } from './session-state.js';

/** Tells when users signed in, by the stamp of their sessions. */
export class SignInTimes implements SignInReader {
  private readonly claims = testingClaims();

  constructor(
    private readonly engine: SessionEngine,
    private readonly findings: Findings,
  ) {}

  read(request: PlatformRequest): number | undefined | Promise<number | undefined> {
    const raw = rawRequestOf(request);
    const { engine } = this;
    if (engine.sockets.has(raw)) return engine.sockets.authenticatedAt(raw);
    const state = stateOf(raw);
    if (state === undefined || !engine.isServed(state)) return undefined;
    engine.touch(state);
    // A cookie from before a move may be a stolen one: what was proved since was proved by the browser with the new one.
    if (state.record === undefined || state.movedTo !== undefined) return undefined;
    const { stamp } = state.record;
    if (stamp?.authenticatedAt === undefined) this.report(state.record, Reflect.get(raw, 'user'));
    const ago = this.claims?.(raw.headers, raw.rawHeaders)?.signedInAgo;
    return stamp?.authenticatedAt === undefined || ago === undefined
      ? stamp?.authenticatedAt
      : Math.min(stamp.authenticatedAt, Date.now() - ago);
  }

  /** A remembered sign-in has a stamp without a time, which is meant; what Passport does has none. */
  private report({ userId, stamp, data }: SessionRecord, user: unknown): void {
    const isPassport = data['passport'] !== undefined;
    if (userId === undefined || (stamp !== undefined && !isPassport)) return;
    this.findings.report('SEC241', {
      subject: isPassport ? 'Passport' : 'a sign-in by hand',
      cause: `A user is signed in, and the session does not say since when: it was written by ${isPassport ? "Passport's logIn" : 'a handler'}. @RecentSignIn() refuses it.`,
      fix: isPassport
        ? `After logIn, add: await sessions.confirm(request, { userId: request.user.${nameOfId(user, userId)} }), where sessions is the injected SecureSessions.`
        : 'Sign in with SecureSessions.signIn(request, userId).',
    });
  }
}

/** The property of Passport's user that its serializer has kept as the id. */
function nameOfId(user: unknown, userId: string): string {
  if (!isObject(user)) return 'id';
  const isId = (name: string): boolean => {
    const value = user[name];
    return (typeof value === 'string' || typeof value === 'number') && String(value) === userId;
  };
  return ['id', ...Object.keys(user)].find((name) => /^[\w$]+$/.test(name) && isId(name)) ?? 'id';
}
