import type { Enforcer } from '../enforcer/enforcer.js';
import type { Explanation } from '../enforcer/explain.js';
import { describeThrown } from '../findings/describe-thrown.js';
import { rawRequestOf, targetOf, type PlatformRequest } from '../platform/platform.js';
import { isSafe } from '../policy/safe-methods.js';
import { pathOf } from '../transport/request-target.js';
import { readProperty } from '../platform/unknown-values.js';

/** Why a session could not be written over plain HTTP, by `writer`: the likeliest cause first. */
export function explainOverHttpWrite(writer: string, request: PlatformRequest, enforcer: Enforcer): Explanation {
  const { reportOnly } = enforcer.settings;
  const subject = routeOf(request);
  const proxy = enforcer.explainDoubts(request);
  const written = `The session of a plain-HTTP request for ${pathOf(targetOf(request))} was written (${writer}), and none is kept.`;
  if (proxy !== undefined) return { subject, cause: `${written} ${proxy.cause}`, fix: proxy.fix };
  if (reportOnly) {
    return {
      subject,
      cause: `${written} With reportOnly it is let through.`,
      fix: 'Take reportOnly out of the options once the reports are quiet.',
    };
  }
  return {
    subject,
    cause: `${written} Nothing required https of it so far.`,
    fix: `Mark the handler with @SecureRequired(), or, where middleware wrote it, which runs before the mark of a handler is looked at, cover it with a rule in paths.${inTest()}`,
  };
}

/** What to do where the mark is there, and a test has switched it off. */
function inTest(): string {
  if (process.env['NODE_ENV'] !== 'test') return '';
  return ' In a test, send the request with asHttps() of nestjs-secure/testing: it works with the guard overridden and with everything switched off.';
}

/** Why a socket has no session: the likeliest cause first. */
export function explainSocketOverHttp(request: PlatformRequest, enforcer: Enforcer): Explanation {
  const path = pathOf(targetOf(request));
  const proxy = enforcer.explainDoubts(request);
  const asked = `The session of a socket at ${path} was asked for (SecureSessions.of), and its handshake came over plain HTTP, so it has none.`;
  if (proxy !== undefined) return { subject: path, cause: `${asked} ${proxy.cause}`, fix: proxy.fix };
  return {
    subject: path,
    cause: asked,
    fix: 'Mark the gateway or the resolver with @SecureRequired(), and let clients connect to the wss address.',
  };
}

/** Why what was written to a session is lost. */
export function explainLateWrite(request: PlatformRequest): Explanation {
  return {
    subject: routeOf(request),
    cause:
      'The head of the answer had been sent, and with it the last chance to send a cookie and to wait for the store.',
    fix: 'Write to req.session before the answer begins; a handler that streams calls req.session.save() first.',
  };
}

/** Who changed the user of a session and kept its id. */
export function explainUserChange(request: PlatformRequest): Explanation {
  return {
    subject: routeOf(request),
    cause:
      'The user of a session changed and its id did not, so an attacker who knew the id before is signed in as that user.',
    fix: 'Sign in with SecureSessions.signIn(), or call req.session.regenerate() first.',
  };
}

/** Why an answer was 503. */
export function explainStore(error: unknown): Explanation {
  return {
    subject: 'session store',
    cause: `It failed: ${messageOf(error).replace(/\.$/, '')}. Requests with a session are answered 503 meanwhile.`,
    fix: 'Bring the store back; nothing needs to be restarted here.',
  };
}

/** Why a write to a session that was moved is refused. */
export function explainMovedWrite(request: PlatformRequest, writer: string): Explanation {
  return {
    subject: routeOf(request),
    cause: `The session was written (${writer}) by a request that came with an id from before regenerate(), which another request of the same browser had called. It can only be read for 30 seconds.`,
    fix: 'Send the write again with the new cookie, or let the page wait for the request that calls regenerate().',
  };
}

/** Why the state of a request from another site is lost; undefined where browsers send the cookie along. */
export function explainCrossSite(
  request: PlatformRequest,
  sameSite: 'lax' | 'strict' | 'none' | undefined,
): Explanation | undefined {
  const { method = 'GET', headers } = rawRequestOf(request);
  const navigates = headers['sec-fetch-mode'] === 'navigate' && isSafe(method);
  if (sameSite === 'none' || navigates) return undefined;
  return {
    subject: routeOf(request),
    cause: `A request that another site made wrote to a session, and its browser had sent no session cookie: browsers keep it back with SameSite=${sameSite === 'strict' ? 'Strict' : 'Lax'}. A new session was made, which has nothing of the one before.`,
    fix: "Set session.cookie.sameSite to 'none' if another site posts here or calls this site by fetch with credentials; add session.cookie.partitioned for a frame. An identity provider can answer by a redirect (response_mode=query) in place of a POST.",
  };
}

/** Why caches may show the page of one user to another. */
export function explainSharedCache(request: PlatformRequest, cacheControl: string): Explanation {
  return {
    subject: routeOf(request),
    cause: `The handler read a session and sent Cache-Control: ${cacheControl}, so a proxy or CDN may show what it sent for one user to others.`,
    fix: 'Send Cache-Control: private, or do not touch req.session there (middleware and guards count as well).',
  };
}

/** Why a cookie that lasts longer than its session is of no use. */
export function explainLongMaxAge(request: PlatformRequest, asked: number, absoluteTimeout: number): Explanation {
  return {
    subject: routeOf(request),
    cause: `session.cookie.maxAge was set to ${Math.round(asked)} milliseconds, and the absolute timeout ends the session after ${absoluteTimeout}.`,
    fix: `Set session.absoluteTimeout to ${durationFor(asked)} or more, and keep cookie.maxAge: that is the way with Passport. Where signIn() signs in, give it the lifetimes instead: signIn(request, userId, data, { idleTimeout: ${durationFor(asked)}, absoluteTimeout: ${durationFor(asked)}, persistent: true }). It starts a new session that holds userId and data, and nothing else.`,
  };
}

/** Why a session that was moved in ends before the cookie that it had. */
export function explainAdoptedMaxAge(asked: number, absoluteTimeout: number): Explanation {
  return {
    subject: 'session.adopt',
    cause: `A session that was moved in had a cookie.maxAge of ${asked} milliseconds, and the absolute timeout ends it ${absoluteTimeout} milliseconds after the move.`,
    fix: `Set session.absoluteTimeout to ${durationFor(asked)} or more: the longest cookie.maxAge that the old application gave.`,
  };
}

const DAY_MILLISECONDS = 86_400_000;

/** As the options take it, and never less. */
function durationFor(milliseconds: number): string {
  // A date that is a day ahead is so by a millisecond more or less.
  const wholeSeconds = Math.ceil(milliseconds / 1000) * 1000;
  return wholeSeconds >= DAY_MILLISECONDS ? `'${Math.ceil(wholeSeconds / DAY_MILLISECONDS)}d'` : String(wholeSeconds);
}

/** Why a session could not be stored. */
export function explainUnstorable(request: PlatformRequest, error: unknown): Explanation {
  return {
    subject: routeOf(request),
    cause: `${messageOf(error)}. The response was 500.`,
    fix: 'Put plain data into the session: strings, numbers, booleans, null, arrays and objects of those.',
  };
}

/** Why a cookie could not be written. */
export function explainCookieFailure(name: string, error: unknown): Explanation {
  return {
    subject: name,
    cause: `It could not be written: ${messageOf(error)}.`,
    fix: 'Look for a handler that sets an attribute of req.session.cookie.',
  };
}

/** Method and route, so that one route is one finding whatever its parameters. In middleware there may be no route yet. */
function routeOf(request: PlatformRequest): string {
  const path = request.routeOptions?.url ?? readProperty(readProperty(request, 'route'), 'path');
  const { method = 'GET' } = rawRequestOf(request);
  return typeof path === 'string' ? `${method} ${path}` : `${method}, before a route was found`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : describeThrown(error);
}
