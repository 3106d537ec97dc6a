import onHeaders from 'on-headers';
import type { Findings } from '../findings/findings.js';
import type { Settings } from '../settings/settings.js';
import { gateRequirement, type RequirementOf } from '../policy/requirement.js';
import type { Requirement } from '../policy/verdict.js';
import { cookieProblems, secureCookies } from '../response/cookies.js';
import type { Connection } from '../transport/connection.js';
import { answerOf } from '../answer/answer.js';
import { isPreflight, type Enforcer } from '../enforcer/enforcer.js';
import type { MatchesExemptRoute } from './exempt-routes.js';
import type { RoutePolicy } from './route-policy.js';
import { watchRewrites } from './watch-rewrites.js';
import {
  rawRequestOf,
  rawResponseOf,
  takeResponse,
  targetOf,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform/platform.js';
import { writeAnswer } from '../answer/lock-response.js';
import { testingClaims } from '../platform/testing-claims.js';
import { explainCookie } from '../enforcer/explain.js';
import type { ServerResponse } from 'node:http';

/** Sees a request before anything of the application does; true when it has answered it. */
export type Gate = (request: PlatformRequest, response: PlatformResponse) => boolean;

/** What the gate works with. */
export interface GateParts {
  readonly enforcer: Enforcer;
  readonly findings: Findings;
  /** Whether an exempt handler could answer a request; the guard judges those. */
  readonly matchesExemptRoute: MatchesExemptRoute;
  /** How a request is answered: as the module has it, narrowed by the decorator of the handler it is for. */
  readonly routePolicy: RoutePolicy;
  /** False when a test has overridden the guard: marked handlers are meant to run, so mode `all` must not stop them here. */
  readonly guarded: boolean;
}

/**
 * Compiles the gate. On a secure request it adds HSTS and `Secure` to cookies; on one over plain HTTP it enforces path rules
 * and mode `all`. Whatever the options do not ask for is not even looked at: undefined where they ask for nothing.
 */
export function compileGate(parts: GateParts): Gate | undefined {
  const { enforcer } = parts;
  const { settings } = enforcer;
  const decorate = enforcer.enforcing ? compileDecoration(settings, parts.findings) : undefined;
  const bounds = compileBounds(parts);

  // The test kit's header is taken off whatever the options ask for, so the gate looks at every request.
  if (bounds === undefined && decorate === undefined && testingClaims() === undefined) return undefined;
  return function gate(request, response) {
    const connection = enforcer.connectionOf(request);
    if (settings.transport.isSecure(connection)) {
      enforcer.arrived(request);
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
    if (transport.isSecure(connection) || isPreflight(rawRequestOf(request))) return false;
    const requirement = bounds.requirementOf(request)(targetOf(request));
    return requirement.level === 'required' && bounds.stop(request, response, connection, () => requirement);
  };
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
function compileBounds({ enforcer, matchesExemptRoute, routePolicy, guarded }: GateParts): Bounds | undefined {
  const { mode, rules } = enforcer.settings;
  const enforced = { mode: guarded ? mode : 'marked', rules } as const;
  if (!enforcer.enforcing || (enforced.mode === 'marked' && rules.empty)) return undefined;

  const stop: Bounds['stop'] = (request, response, connection, requirementOf) => {
    const answered = enforcer.judge(request, { requirementOf, policy: routePolicy, asks: 'gate' }, connection);
    if (answered === undefined) return false;
    const raw = rawRequestOf(request);
    writeAnswer(raw, takeResponse(response), answerOf(answered, raw.headers.accept));
    return true;
  };

  function follow(request: PlatformRequest, response: PlatformResponse, connection: Connection): void {
    const by = (): Requirement => BY_PATH;
    watchRewrites(
      request,
      (target) =>
        rules.requires(target) && !rawResponseOf(response).headersSent && stop(request, response, connection, by),
    );
  }

  return {
    requirementOf: (request) => (target) => gateRequirement(target, enforced, () => matchesExemptRoute(request)),
    stop,
    follow: rules.anyRequired ? follow : undefined,
  };
}

type Decoration = (request: PlatformRequest, response: ServerResponse, connection: Connection) => void;

function compileDecoration(settings: Settings, findings: Findings): Decoration | undefined {
  const { hsts, secureCookies: which, transport } = settings;
  const adds = which === 'all';
  // A listener on each response has a price, so production pays it only where cookies are changed.
  const inspects = adds || process.env['NODE_ENV'] !== 'production';
  if (hsts === undefined && !inspects) return undefined;
  return function decorate(request, response, connection) {
    const header = hsts?.(transport.host(connection));
    // Set first, so that a handler's own header replaces it (RFC 6797 7.1).
    if (header !== undefined) response.setHeader('strict-transport-security', header);
    // Registered before any other listener, and so called after all of them: whoever set a cookie has done so.
    if (!inspects) return;
    onHeaders(response, () => {
      if (adds) addSecure(response);
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
