import type { Doubt, Transport } from '../transport/connection.js';
import { withPrefix } from '../transport/prefix.js';
import { absoluteUrl, pathAndQueryOf } from '../transport/request-target.js';
import { isSafe } from './safe-methods.js';
import type { PolicySettings, RefuseVerdict, RefusalReason, RequestFacts, Verdict } from './verdict.js';
import type { RefuseStatus } from '../options/secure-options.js';

/**
 * What is done with a request: the whole policy, read from top to bottom; the first line that applies answers.
 *
 * 1. A secure request passes, and so does whatever does not require https.
 * 2. A CORS preflight is left to the application's CORS (browsers refuse a redirected one), but never reaches a handler.
 * 3. A WebSocket handshake is refused: browsers do not follow a redirect there. 421 where somebody says https.
 * 4. Somebody says https and is not believed, or a declared proxy talks TLS and says nothing: 421 (RFC 9110 7.4), because
 *    a redirect would cause a redirect loop.
 * 5. What may carry a secret is refused: a redirect would hide that it has leaked, and send it again.
 * 6. Without an allowed host there is no safe place to redirect to: 400, never a guess.
 * 7. A browser that was sent to https a moment ago and is back over plain HTTP goes round in circles: 421.
 * 8. Everything else is redirected to its own path over https.
 */
export function decide(facts: RequestFacts, settings: PolicySettings): Verdict {
  const { transport, requirement } = facts;
  if (transport.secure) return { action: 'pass', reason: 'secure' };
  if (requirement.level !== 'required') return { action: 'pass', reason: requirement.level };

  if (facts.preflight)
    return facts.stage === 'gate' ? { action: 'pass', reason: 'preflight' } : refuse('preflight', 403);
  if (facts.websocket) return isDoubted(transport) ? refuse('proxy-not-believed', 421) : refuse('websocket', 403);
  if (transport.silent === true || transport.doubts.some(isStated)) return refuse('proxy-not-believed', 421);

  const mayCarrySecret = facts.authorized || !isSafe(facts.method);
  if (settings.onInsecure === 'refuse' || (settings.onInsecure === 'auto' && mayCarrySecret)) {
    if (transport.doubts.length > 0) return refuse('proxy-not-believed', 421);
    const reason = mayCarrySecret ? 'insecure-secret' : 'insecure-refused';
    if (settings.refuseStatus === 405) return { ...refuse(reason, 405), allow: redirectedMethods(settings, transport) };
    return refuse(reason, settings.refuseStatus);
  }

  const location = secureUrl(facts, settings);
  if (location === undefined) return refuse('host-not-allowed', 400);
  if (facts.redirectedRecently && transport.doubts.length > 0) return refuse('redirect-loop', 421);

  return {
    action: 'redirect',
    reason: 'insecure',
    status: isSafe(facts.method) ? settings.redirectStatus.safe : settings.redirectStatus.unsafe,
    location,
  };
}

/** Returns the URL of a request over https; undefined where no host is allowed to stand in it. */
export function secureUrl(facts: RequestFacts, { redirectHost, httpsPort }: PolicySettings): string | undefined {
  const host = redirectHost(facts.transport.host, facts.transport.port);
  return host === undefined ? undefined : absoluteUrl('https', host, httpsPort(), externalTarget(facts));
}

/** What a 405 allows over plain HTTP (RFC 9110 15.5.6): the methods that are redirected. */
function redirectedMethods({ onInsecure, redirectHost }: PolicySettings, { host, port }: Transport): readonly string[] {
  return onInsecure === 'auto' && redirectHost(host, port) !== undefined ? ['GET', 'HEAD'] : [];
}

/** The target as outsiders know it, before a proxy takes its prefix off. */
function externalTarget({ target, transport: { prefix } }: RequestFacts): string {
  return withPrefix(prefix, pathAndQueryOf(target));
}

function isDoubted({ silent, doubts }: Transport): boolean {
  return silent === true || doubts.length > 0;
}

function isStated(doubt: Doubt): boolean {
  return doubt.grade === 'stated';
}

function refuse(reason: RefusalReason, status: RefuseStatus): RefuseVerdict {
  return { action: 'refuse', reason, status };
}
