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
  const matchers = routes.map(compileMatcher);
  return function reachesExempt(request) {
    if (request.is404 === true) return false;
    const { method = 'GET', url = '/' } = rawRequestOf(request);
    const path = pathOf(url);
    const found = request.routeOptions?.url;
    return matchers.some(
      ({ pattern, answers, matches }) => answers(method) && (found === undefined ? matches(path) : pattern === found),
    );
  };
}

/** A route without a requirement was made by no controller; nothing says that it is exempt. */
function isExempt({ requirement }: Route): boolean {
  return requirement?.exempt === true;
}

interface Matcher {
  readonly pattern: string;
  answers(method: string): boolean;
  matches(path: string): boolean;
}

function compileMatcher({ method, path: pattern }: Route): Matcher {
  const regexp = regexpOf(pattern);
  return {
    pattern,
    answers: (asked) => method === 'ALL' || method === asked || (method === 'GET' && asked === 'HEAD'),
    matches: (path) => regexp === undefined || regexp.test(path),
  };
}

/** Undefined where the pattern is not of the kind Express 5 reads: then any path may be meant. */
function regexpOf(path: string): RegExp | undefined {
  try {
    return pathToRegexp(path, { sensitive: false, trailing: true }).regexp;
  } catch {
    return undefined;
  }
}
