import onHeaders from 'on-headers';
import type { Findings } from '../findings/findings.js';
import { gateRequirement, UNMARKED, type RequirementOf } from '../policy/requirement.js';
import type { Requirement } from '../policy/verdict.js';
import { cookieProblems, secureCookies } from '../response/cookies.js';
import { explainCookie } from '../response/explain-cookie.js';
import type { Connection } from '../transport/connection.js';
import { buildAnswer, type DenyVerdict } from '../answer/answer.js';
import { isPreflight, type Enforcer, type JudgeInput } from '../enforcer/enforcer.js';
import { HSTS_HEADER } from '../enforcer/hsts-header.js';
import type { OnTurnedAway } from './error-leaks.js';
import { hasOtherHost } from '../transport/transport.js';
import type { RouteLookup } from './route-lookup.js';
import { watchRewrites } from './watch-rewrites.js';
import type { ApplicationCors } from '../platform/application-cors.js';
import {
  rawRequestOf,
  rawResponseOf,
  takeResponse,
  targetOf,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform/platform.js';
import { ignoreWrites, writeAnswer } from '../answer/write-answer.js';
import { testingClaims } from '../platform/testing-claims.js';
import type { ServerResponse } from 'node:http';

/** Sees a request before anything of the application does; true when it has answered it. */
export type Gate = (request: PlatformRequest, response: PlatformResponse) => boolean;

/** What the gate works with. */
export interface GateParts {
  readonly enforcer: Enforcer;
  readonly findings: Findings;
  readonly lookup: RouteLookup;
  /** False when a test has overridden the guard: marked handlers are meant to run, so mode `all` must not stop them here. */
  readonly guarded: boolean;
  /** The application's own CORS, with which its origins may read a refusal and follow a redirect. */
  readonly cors: ApplicationCors;
  /** The server speaks HTTP/2, whose requests may name two hosts. */
  readonly http2: boolean;
}

/**
 * Compiles the gate. On a secure request it adds HSTS and `Secure` to cookies; on one over plain HTTP it enforces path rules
 * and mode `all`. Whatever the options do not ask for is not even looked at: undefined where they ask for nothing.
 */
export function compileGate(parts: GateParts): Gate | undefined {
  const { enforcer } = parts;
  const { settings } = enforcer;
  const decorate = enforcer.enforcing ? compileDecoration(parts) : undefined;
  const bounds = compileBounds(parts);

  // The test kit's header is taken off whatever the options ask for, so the gate looks at every request.
  const { normaliseHeaders } = settings;
  const needed = bounds ?? decorate ?? normaliseHeaders ?? testingClaims();
  if (needed === undefined && !parts.http2) return undefined;
  const refusesOtherHosts = parts.http2 && enforcer.enforcing && !settings.reportOnly;
  return function gate(request, response) {
    const connection = enforcer.admit(request);
    if (refusesOtherHosts && hasOtherHost(connection.headers)) {
      enforcer.reportHost(request);
      return answer(request, response, OTHER_HOST);
    }
    if (settings.transport.isSecure(connection)) {
      enforcer.arrived(request);
      enforcer.noticeLinks(request, connection);
      decorate?.(request, rawResponseOf(response), connection);
      return false;
    }
    if (bounds === undefined) return false;
    const stopped = bounds.stop(request, response, connection, bounds.requirementOf(request));
    if (!stopped) bounds.follow?.(request, response, connection);
    return stopped;
  };
}

/**
 * Compiles a gate for requests that the framework has not seen yet. It answers what the gate would answer, and leaves to
 * it whatever may pass: a secure request, one that requires nothing, a CORS preflight. Undefined where it would answer
 * nothing.
 */
export function compileServerGate(parts: GateParts): Gate | undefined {
  const { enforcer } = parts;
  const { transport, reportOnly } = enforcer.settings;
  const bounds = compileBounds(parts);
  if (bounds === undefined || reportOnly) return undefined;
  return function serverGate(request, response) {
    const connection = enforcer.connectionOf(request);
    const raw = rawRequestOf(request);
    // CORS is the framework's to apply.
    if (transport.isSecure(connection) || isPreflight(raw) || parts.cors.concerns(raw)) return false;
    const requirement = enforcer.underPrefix(bounds.requirementOf(request), connection)(targetOf(request));
    return requirement.level === 'required' && bounds.stop(request, response, connection, () => requirement);
  };
}

/**
 * Compiles a gate for requests that wait for `100 Continue`: the verdict of an insecure request is sent in its place where
 * it can be told without the body, by a path rule, mode `all`, or a route that only marked handlers answer.
 */
export function compileContinueGate(parts: GateParts): Gate | undefined {
  const { enforcer, lookup, guarded } = parts;
  const { transport, reportOnly } = enforcer.settings;
  if (!enforcer.enforcing || reportOnly) return undefined;
  const bounds = compileBounds(parts);
  return function continueGate(request, response) {
    const connection = enforcer.connectionOf(request);
    if (transport.isSecure(connection)) return false;
    if (bounds !== undefined) {
      const requirement = enforcer.underPrefix(bounds.requirementOf(request), connection)(targetOf(request));
      if (requirement.level === 'required') return bounds.stop(request, response, connection, () => requirement);
    }
    const route = guarded ? lookup.findMarkedRoute(request) : undefined;
    if (route?.requirement === undefined) return false;
    const input: JudgeInput = { requirementOf: route.requirement.of, policy: lookup.routePolicy, stage: 'guard' };
    return answer(request, response, enforcer.judge(request, input, connection));
  };
}

/** Compiles what is done about a request that was turned away before a guard was asked. */
export function compileTurnedAway({ enforcer, lookup, guarded }: GateParts): OnTurnedAway {
  return function onTurnedAway(request) {
    const route = guarded ? lookup.findMarkedRoute(request) : undefined;
    if (route?.requirement === undefined) return;
    enforcer.reportUnjudged(request, {
      requirementOf: route.requirement.of,
      policy: lookup.routePolicy,
      stage: 'guard',
    });
  };
}

function answer(request: PlatformRequest, response: PlatformResponse, verdict: DenyVerdict | undefined): boolean {
  if (verdict === undefined) return false;
  const raw = rawRequestOf(request);
  writeAnswer(raw, takeResponse(response), buildAnswer(verdict, raw.headers.accept));
  return true;
}

/** What is enforced before a handler is known: path rules and mode `all`. */
interface Bounds {
  readonly requirementOf: (request: PlatformRequest) => RequirementOf;
  /** Judges a request that came over plain HTTP; true when it was answered. */
  readonly stop: (
    request: PlatformRequest,
    response: PlatformResponse,
    connection: Connection,
    requirementOf: RequirementOf,
  ) => boolean;
  /** Stops a request that was let through where the application rewrites it to a path that a rule covers. */
  readonly follow: ((request: PlatformRequest, response: PlatformResponse, connection: Connection) => void) | undefined;
}

const BY_PATH: Requirement = { level: 'required', by: 'path' };

/** Undefined where nothing is. */
function compileBounds({ enforcer, lookup, guarded, cors }: GateParts): Bounds | undefined {
  const { mode, rules } = enforcer.settings;
  const enforced = { mode: guarded ? mode : 'marked', rules } as const;
  if (!enforcer.enforcing || (enforced.mode === 'marked' && rules.empty)) return undefined;

  const judge = (request: PlatformRequest, requirementOf: RequirementOf, connection: Connection) =>
    enforcer.judge(request, { requirementOf, policy: lookup.routePolicy, stage: 'gate' }, connection);

  const stop: Bounds['stop'] = (request, response, connection, requirementOf) => {
    const verdict = judge(request, requirementOf, connection);
    // A browser checks CORS of a redirect too, before it follows (Fetch 4.4).
    if (verdict === undefined || !cors.concerns(rawRequestOf(request))) return answer(request, response, verdict);
    cors.apply(request, response, () => answer(request, response, verdict));
    return true;
  };

  function follow(request: PlatformRequest, response: PlatformResponse, connection: Connection): void {
    const requirementOf = enforcer.underPrefix(
      (target, caller) => (rules.requires(target, caller) ? BY_PATH : UNMARKED),
      connection,
    );
    watchRewrites(request, (target) => {
      const raw = rawResponseOf(response);
      if (raw.writableEnded || requirementOf(target).level !== 'required') return false;
      // Where the application rewrites a request, its own CORS has set the headers.
      const verdict = judge(request, () => BY_PATH, connection);
      const isAnswered = answer(request, response, verdict);
      // The middleware that has rewritten it has not returned.
      if (isAnswered) ignoreWrites(raw);
      return isAnswered;
    });
  }

  return {
    requirementOf: (request) => (target, caller) =>
      gateRequirement(target, enforced, () => lookup.matchesExemptRoute(request), caller),
    stop,
    follow: rules.anyRequired ? follow : undefined,
  };
}

/** An HTTP/2 request that names two hosts is malformed (RFC 9113 8.3.1), over TLS too. */
const OTHER_HOST: DenyVerdict = { action: 'refuse', reason: 'host-not-allowed', status: 400 };

type Decoration = (request: PlatformRequest, response: ServerResponse, connection: Connection) => void;

function compileDecoration({ enforcer, findings, guarded }: GateParts): Decoration | undefined {
  const { hsts, secureCookies: which, transport } = enforcer.settings;
  const adds = which === 'all';
  // A listener on each response has a price, so production pays it only where cookies are changed.
  const inspects = adds || process.env['NODE_ENV'] !== 'production';
  if (hsts === undefined && !inspects) return undefined;
  // It is the guard that tells of handlers.
  const beforeHead = inspects && guarded ? enforcer.hstsHeader?.watchHeads() : undefined;
  return function decorate(request, response, connection) {
    const header = hsts?.(transport.host(connection));
    // Set first, so that a handler's own header replaces it (RFC 6797 7.1); what middleware sets, hsts-header.ts takes back.
    if (header !== undefined) response.setHeader(HSTS_HEADER, header);
    // Registered before any other listener, and so called after all of them: every cookie has been set by then.
    if (!inspects) return;
    onHeaders(response, () => {
      if (adds) addSecure(response);
      beforeHead?.(request, response);
      inspectCookies(request, response, findings);
    });
  };
}

function addSecure(response: ServerResponse): void {
  const secured = secureCookies(response.getHeader('set-cookie'));
  if (secured !== undefined) response.setHeader('set-cookie', secured);
}

function inspectCookies(request: PlatformRequest, response: ServerResponse, findings: Findings): void {
  for (const cookie of [response.getHeader('set-cookie') ?? []].flat().map(String)) {
    for (const problem of cookieProblems(cookie))
      findings.report('SEC210', explainCookie(cookie, problem, targetOf(request)));
  }
}
