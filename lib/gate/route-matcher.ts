import { pathToRegexp } from 'path-to-regexp';
import type { Route } from '../policy/route-table.js';

/** Holds a request against one route without running the router. */
export interface RouteMatcher {
  readonly pattern: string;
  readonly regexp: RegExp | undefined;
  answers(method: string): boolean;
}

/** Compiles a matcher. Surer than the router is fine: case is ignored, and so is a slash at the end. */
export function compileMatcher({ method, path: pattern }: Route): RouteMatcher {
  return {
    pattern,
    regexp: regexpOf(pattern),
    answers: (asked) => method === 'ALL' || method === asked || (method === 'GET' && asked === 'HEAD'),
  };
}

/** Undefined where the pattern is not of the kind Express 5 reads. Fastify writes a wildcard as a bare `*`. */
function regexpOf(path: string): RegExp | undefined {
  try {
    return pathToRegexp(path.replace(/\*(?![A-Za-z_$"])/g, '*"*"'), { sensitive: false, trailing: true }).regexp;
  } catch {
    return undefined;
  }
}
