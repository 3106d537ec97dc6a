import { pathToRegexp } from 'path-to-regexp';
import type { Route, RouteTable } from '../policy/route-table.js';
import { pathOf } from '../urls/absolute-url.js';
import { rawRequestOf, type PlatformRequest } from './platform.js';

/** Whether a handler that is exempt could answer a request. Surer than needed is fine: the guard judges those that can. */
export type ExemptReach = (request: PlatformRequest) => boolean;

/**
 * Compiles the question for mode `all`, once every route is known. Fastify has found the route by the time the gate is
 * asked; on Express the path is held against the patterns of the exempt routes alone, so the router is never run twice.
 */
export function compileExemptReach(table: RouteTable): ExemptReach {
  let compiled: ExemptReach | undefined;
  return (request) => (compiled ??= compile(table.routes().filter(isExempt)))(request);
}

function compile(routes: readonly Route[]): ExemptReach {
  const patterns = new Set(routes.map(({ path }) => path));
  const matchers = routes.map(compileMatcher);
  return function reachesExempt(request) {
    const { method = 'GET' } = rawRequestOf(request);
    if (request.is404 === true) return false;
    if (request.routeOptions?.url !== undefined) return patterns.has(request.routeOptions.url);
    const path = pathOf(rawRequestOf(request).url ?? '/');
    return matchers.some((matches) => matches(method, path));
  };
}

/** A route without a requirement was made by no controller; nothing says that it is exempt. */
function isExempt({ requirement }: Route): boolean {
  return requirement?.exempt === true;
}

function compileMatcher({ method, path }: Route): (method: string, path: string) => boolean {
  const answers = (asked: string): boolean =>
    method === 'ALL' || method === asked || (method === 'GET' && asked === 'HEAD');
  const pattern = regexpOf(path);
  return (asked, target) => answers(asked) && (pattern === undefined || pattern.test(target));
}

/** Undefined where the pattern is not of the kind Express 5 reads: then any path may be meant. */
function regexpOf(path: string): RegExp | undefined {
  try {
    return pathToRegexp(path, { sensitive: false, trailing: true }).regexp;
  } catch {
    return undefined;
  }
}
