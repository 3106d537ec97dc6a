import type { Route, RouteTable } from '../policy/route-table.js';
import { readPath } from '../transport/request-target.js';
import { rawRequestOf, targetOf, type PlatformRequest } from '../platform/platform.js';
import { compileMatcher } from './route-matcher.js';

/** Finds the route of a request that only handlers can answer which require https; undefined where another one could. */
export type FindMarkedRoute = (request: PlatformRequest) => Route | undefined;

/**
 * Compiles the question what a request that no guard has seen would have met. Fastify may have found the route; elsewhere
 * the path is held against the pattern of every route, and each that fits must require https.
 */
export function compileMarkedRouteFinder(table: RouteTable): FindMarkedRoute {
  let compiled: FindMarkedRoute | undefined;
  return (request) => (compiled ??= compile(table.routes()))(request);
}

function compile(routes: readonly Route[]): FindMarkedRoute {
  const matchers = routes.map((route) => ({ route, ...compileMatcher(route) }));
  return function findMarkedRoute(request) {
    const { method = 'GET', url = '/' } = rawRequestOf(request);
    const path = readPath(url);
    if (path === undefined) return undefined;
    const found = request.routeOptions?.url;
    const target = targetOf(request);
    const matching = matchers.filter(
      ({ answers, pattern, regexp }) =>
        answers(method) && (found === undefined ? regexp?.test(path) !== false : pattern === found),
    );
    const marked = matching.every(({ route }) => route.requirement?.of(target).level === 'required');
    return marked ? matching[0]?.route : undefined;
  };
}
