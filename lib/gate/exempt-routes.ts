import { possibleDecodings } from '../policy/paths.js';
import type { Route, RouteTable } from '../policy/route-table.js';
import { readPath } from '../transport/request-target.js';
import { rawRequestOf, type PlatformRequest } from '../platform/platform.js';
import { compileMatcher } from './route-matcher.js';

/** Whether a handler that is exempt could answer a request. Surer than needed is fine: the guard judges those that can. */
export type MatchesExemptRoute = (request: PlatformRequest) => boolean;

/**
 * Compiles the question for mode `all`, once every route is known. Fastify has found the route by the time the gate is
 * asked; on Express the path is held against the patterns of the exempt routes alone, so the router is never run twice.
 *
 * **Security:** a path that can be read in several ways must lead to an exempt handler in each: static files, which come
 * before handlers, serve `/s.txt` for `/things/..%2fs.txt`, which is a `/things/:id` as well.
 */
export function compileExemptRouteMatcher(table: RouteTable): MatchesExemptRoute {
  let compiled: MatchesExemptRoute | undefined;
  return (request) => (compiled ??= compile(table.routes().filter(isExempt)))(request);
}

function compile(routes: readonly Route[]): MatchesExemptRoute {
  if (routes.length === 0) return () => false;
  const matchers = routes.map(compileMatcher);
  return function matchesExemptRoute(request) {
    if (request.is404 === true) return false;
    const { method = 'GET', url = '/' } = rawRequestOf(request);
    const answering = matchers.filter(({ answers }) => answers(method));
    const found = request.routeOptions?.url;
    if (found !== undefined && !answering.some(({ pattern }) => pattern === found)) return false;
    const path = readPath(url);
    const readings = path === undefined ? undefined : possibleDecodings(path);
    if (readings === undefined) return false;
    if (found !== undefined && readings.length === 1) return true;
    return readings.every((reading) => answering.some(({ regexp }) => regexp?.test(reading) === true));
  };
}

/** Whether a decorator exempts a route. One without a requirement was made by no controller; nothing says that it is exempt. */
export function isExempt({ requirement }: Route): boolean {
  return requirement?.exempt === true;
}
