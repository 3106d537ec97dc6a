import ms from 'ms';
import type { Outcome } from '../audit/over-http.js';
import type { AuditedRoute } from '../audit/secure-audit.js';
import { isSafe } from '../policy/safe-methods.js';
import type { Requirement } from '../policy/verdict.js';

/** What becomes of a section or a route over plain HTTP, in one word: the colours of the report. */
export type Exposure = 'open' | 'exempt' | 'redirected' | 'refused';

const BY: Readonly<Record<Requirement['by'], string>> = {
  handler: 'handler',
  class: 'class',
  path: 'path rule',
  'exempt-rule': 'exempt rule',
  mode: "mode 'all'",
  nobody: '',
};

/** Who said what a route requires. */
export function whoSaid({ by }: Requirement): string {
  return BY[by];
}

const KINDS = { http: '', websocket: 'WS', graphql: 'GraphQL', rpc: 'RPC' } as const;

/** The method of a route; the kind of what has none. */
export function methodText({ kind, method }: AuditedRoute): string {
  return method === '' ? KINDS[kind] : method;
}

/** What becomes of a plain-HTTP request: `answers`, `redirect 307`, `refuse 403`; both where methods differ. */
export function overHttpText({ kind, overHttp, method }: AuditedRoute): string {
  if (kind === 'rpc') return 'not over http';
  const { safe, unsafe } = overHttp;
  if (isSafe(method)) return outcomeText(safe);
  if (method !== 'ALL') return outcomeText(unsafe);
  const [first, second] = [outcomeText(safe), outcomeText(unsafe)];
  return first === second ? first : `${first}, ${second} unless GET`;
}

/** The place of a route among the four; undefined for what is not reached over http at all. */
export function routeExposure(route: AuditedRoute): Exposure | undefined {
  const { kind, requirement, overHttp, method } = route;
  if (kind === 'rpc') return undefined;
  const outcome = isSafe(method) || method === 'ALL' ? overHttp.safe : overHttp.unsafe;
  if (outcome.action === 'redirect') return 'redirected';
  if (outcome.action === 'refuse') return 'refused';
  return requirement.level === 'exempt' ? 'exempt' : 'open';
}

/** What stands for method and path in a line: with host and versions, where there are any. */
export function whereText({ path, hosts, versions }: AuditedRoute): string {
  const host = hosts.length === 0 ? '' : ` on ${hosts.join(', ')}`;
  const version = versions.length === 0 ? '' : ` version ${versions.join(', ')}`;
  return `${path}${host}${version}`;
}

/** What a line says of the session of a handler. */
export function sessionText({ session, recentSignIn }: AuditedRoute): string {
  const recent = recentSignIn === undefined ? [] : [`sign-in within ${ms(recentSignIn)}`];
  return [...(session ? ['session'] : []), ...recent].join(', ');
}

function outcomeText(outcome: Outcome): string {
  return outcome.action === 'pass' ? 'answers' : `${outcome.action} ${outcome.status}`;
}
