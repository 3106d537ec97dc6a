import type { Enforcer } from '../enforcer/enforcer.js';
import type { Explanation } from '../enforcer/explain.js';
import { rawRequestOf, targetOf, type PlatformRequest } from '../platform/platform.js';
import { pathOf } from '../transport/request-target.js';

/** Why a session could not be written over plain HTTP, by `writer`: the likeliest cause first. */
export function explaoverHttpWrite(writer: string, request: PlatformRequest, enforcer: Enforcer): Explanation {
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
    fix: 'Mark the handler with @SecureRequired(), or, where middleware wrote it, which runs before the mark of a handler is looked at, cover it with a rule in paths.',
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
    cause: 'The user of a session changed and its id did not, so whoever knew the id before is signed in as that user.',
    fix: 'Sign in with SecureSessions.signIn(), or call req.session.regenerate() first.',
  };
}

/** Why an answer was 503. */
export function explainStore(error: unknown): Explanation {
  return {
    subject: 'session store',
    cause: `It failed: ${messageOf(error)}. Requests with a session are answered 503 meanwhile.`,
    fix: 'Bring the store back; nothing needs to be restarted here.',
  };
}

/** Why a cookie could not be written. */
export function explainCookieFailure(name: string, error: unknown): Explanation {
  return {
    subject: name,
    cause: `It could not be written: ${messageOf(error)}.`,
    fix: 'Look for what a handler has set on req.session.cookie.',
  };
}

/** Method and route, so that one route is one finding whatever its parameters. In middleware there may be no route yet. */
function routeOf(request: PlatformRequest): string {
  const express: unknown = Reflect.get(request, 'route');
  const path: unknown =
    request.routeOptions?.url ??
    (typeof express === 'object' && express !== null ? Reflect.get(express, 'path') : undefined);
  const { method = 'GET' } = rawRequestOf(request);
  return typeof path === 'string' ? `${method} ${path}` : `${method}, before a route was found`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
