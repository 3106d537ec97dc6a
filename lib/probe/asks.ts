import { isSafe } from '../policy/safe-methods.js';
import type { Ask, Forgery } from './observations.js';
import type { ProbeSite, SiteRoute } from './site.js';

/** A name that is nobody's (RFC 2606 2), for a request that pretends to be for another site. */
export const FOREIGN_HOST = 'nestjs-secure-probe.invalid';

/** A port that a request pretends the client used. */
export const FORGED_PORT = 4437;

/** A prefix that a request pretends a proxy took off. */
export const FORGED_PREFIX = '/nestjs-secure-probe';

/** A route that is asked only by name. */
export interface NamedRoute {
  readonly method: string;
  readonly path: string;
}

/**
 * Reads `POST /orders`.
 *
 * @throws RangeError where it is no route of the site.
 */
export function parseNamedRoute(given: string, { routes }: ProbeSite): NamedRoute {
  const [, method = '', path = ''] = /^([A-Za-z]+) +(\/\S*)$/.exec(given.trim()) ?? [];
  const named = { method: method.toUpperCase(), path };
  if (routes.some((route) => isNamed(route, named))) return named;
  throw new RangeError(
    `'${given}' is no route of the application. Accepted: a method and the path of a route as the audit lists it, such as 'GET /logout'.`,
  );
}

/** Whether a route is the one that was named. */
export function isNamed({ method, path }: SiteRoute, named: NamedRoute): boolean {
  return method === named.method && path === named.path;
}

/**
 * Every request that the probe sends, in order. GET and HEAD only, and no handler that may write, unless it is named. A
 * named handler of another method is asked over plain HTTP alone, where it must not run.
 */
export function planAsks(site: ProbeSite, named: readonly NamedRoute[] = []): readonly Ask[] {
  const first = `${site.prefix}/`;
  const asks: Ask[] = [
    ...site.routes.flatMap((route, index) => asksForRoute(site, route, index, named)),
    // Judged even where it is no route: it is what preload lists look at.
    { scheme: 'http', method: 'GET', target: first, route: undefined, headers: {} },
    { scheme: 'https', method: 'HEAD', target: first, route: undefined, headers: {} },
    ...forgedAsks(site),
  ];
  const held = heldTargets(site, named);
  const seen = new Set<string>();
  return asks.filter(({ scheme, method, target, forged = '' }) => {
    if (held.has(target) && isSafe(method)) return false;
    const key = [scheme, method, target, forged].join(' ');
    // Of two routes that share a path the one that was registered first answers.
    return !seen.has(key) && seen.add(key);
  });
}

/** Paths that a handler answers which may write and is not named: also where another route leads there, or the first page. */
function heldTargets({ routes, prefix }: ProbeSite, named: readonly NamedRoute[]): ReadonlySet<string> {
  const first = new Map<string, SiteRoute>();
  for (const route of routes) {
    if (route.target !== undefined && isRead(route) && !first.has(route.target)) first.set(route.target, route);
  }
  return new Set([...first].flatMap(([target, route]) => (isAsked(route, named) ? [] : [prefix + target])));
}

function isRead({ method }: SiteRoute): boolean {
  return method === 'GET' || method === 'ALL';
}

function isAsked(route: SiteRoute, named: readonly NamedRoute[]): boolean {
  return route.reserved === undefined || named.some((one) => isNamed(route, one));
}

function asksForRoute(site: ProbeSite, route: SiteRoute, index: number, named: readonly NamedRoute[]): Ask[] {
  if (route.target === undefined || !isAsked(route, named)) return [];
  const target = site.prefix + route.target;
  const method = isRead(route) ? 'GET' : route.method;
  const overHttp: Ask = { scheme: 'http', method, target, route: index, headers: {} };
  if (!isRead(route)) return route.requirement.level === 'required' ? [overHttp] : [];
  if (route.invented) return route.requirement.level === 'required' ? [overHttp] : [];
  return [overHttp, { scheme: 'https', method: 'HEAD', target, route: index, headers: {} }];
}

/** What a client must not be believed, tried on one page that requires https. */
function forgedAsks(site: ProbeSite): Ask[] {
  const index = exampleRoute(site);
  const target = index === undefined ? undefined : site.routes[index]?.target;
  if (target === undefined) return [];
  const { name, value } = site.schemeHeader;
  const forge = (forged: Forgery, headers: Record<string, string>): Ask => ({
    scheme: 'http',
    method: 'GET',
    target: site.prefix + target,
    route: index,
    forged,
    headers,
  });
  return [
    forge('scheme', { [name]: value }),
    ...(name === 'X-Forwarded-Proto' ? [] : [forge('forwarded-proto', { 'X-Forwarded-Proto': 'https' })]),
    forge('host', { Host: FOREIGN_HOST }),
    forge('forwarded-host', { 'X-Forwarded-Host': FOREIGN_HOST }),
    forge('port', { 'X-Forwarded-Port': String(FORGED_PORT) }),
    forge('prefix', { 'X-Forwarded-Prefix': FORGED_PREFIX }),
  ];
}

/** The page that requires https which says most: one that exists, and is redirected. */
function exampleRoute({ routes }: ProbeSite): number | undefined {
  const fit = routes.flatMap((route, index) => {
    const { requirement, reserved, target, invented, overHttp } = route;
    if (requirement.level !== 'required' || reserved !== undefined || target === undefined) return [];
    return [{ index, rank: (invented ? 1 : 0) + (overHttp.safe.action === 'redirect' ? 0 : 2) }];
  });
  return fit.toSorted((a, b) => a.rank - b.rank)[0]?.index;
}
