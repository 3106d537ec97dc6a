import type { Route } from '../policy/route-table.js';
import { parseHost } from '../transport/host.js';
import { compileHost, compilePath, type Pattern, type RouteParameters } from './fill-pattern.js';

/** Makes links to one route of the parameters; where they do not fit, a sentence says what is wrong with them. */
export type RouteLink = (parameters: RouteParameters) => FilledRoute | { readonly fault: string };

/** The path of a link, and its host. */
export interface FilledRoute {
  readonly path: string;
  /**
   * Where the route is bound to hosts it is one of these: `own` if it is one, and else the first that the parameters
   * fill. Undefined where they fill none.
   *
   * @throws RangeError when what they fill is no host.
   */
  hostFor(own: string | undefined): string | undefined;
}

/** One host that a route is bound to: a pattern, or a regular expression, which tells whether a host fits and never which. */
interface BoundHost {
  readonly pattern: Pattern | undefined;
  matches(host: string): boolean;
}

/** Compiles the path and the hosts of a route. */
export function compileLink({ path, hosts }: Pick<Route, 'path' | 'hosts'>): RouteLink {
  let ofPath: Pattern;
  try {
    ofPath = compilePath(path);
  } catch {
    return () => ({ fault: `'${path}' is a pattern that cannot be filled.` });
  }
  const bound = hosts.map(compileBoundHost);
  const faultOf = compileCheck(path, [ofPath, ...bound.flatMap(({ pattern }) => pattern ?? [])]);

  return function link(parameters) {
    const fault = faultOf(parameters);
    if (fault !== undefined) return { fault };
    const forHost = Object.keys(parameters).filter((name) => !ofPath.takes(name));
    try {
      return { path: ofPath.fill(parameters), hostFor: (own) => hostOf(bound, parameters, forHost, own) };
    } catch (error) {
      return { fault: `'${path}' cannot be filled: ${String(error)}` };
    }
  };
}

/** Makes the function that says which names are missing of the path, and which are of no pattern. */
function compileCheck(
  path: string,
  patterns: readonly [Pattern, ...Pattern[]],
): (parameters: RouteParameters) => string | undefined {
  const names = [...new Set(patterns.flatMap((pattern) => pattern.names))];
  const taken = names.length === 0 ? 'no parameter' : names.join(', ');

  return function faultOf(parameters) {
    const missing = patterns[0].missing(parameters);
    const unknown = Object.keys(parameters).filter((name) => !patterns.some((pattern) => pattern.takes(name)));
    const faults = [...missing.map((name) => `${name} is missing`), ...unknown.map((name) => `${name} is unknown`)];
    return faults.length === 0 ? undefined : `'${path}' takes ${taken}: ${faults.join(', ')}.`;
  };
}

function hostOf(
  bound: readonly BoundHost[],
  parameters: RouteParameters,
  forHost: readonly string[],
  own: string | undefined,
): string | undefined {
  if (bound.length === 0) return own;
  if (forHost.length === 0 && own !== undefined && bound.some(({ matches }) => matches(own))) return own;
  const filled = bound
    .flatMap(({ pattern }) => pattern ?? [])
    .filter((pattern) => forHost.every((name) => pattern.takes(name)))
    .find((pattern) => pattern.missing(parameters).length === 0)
    ?.fill(parameters);
  if (filled === undefined) return undefined;
  const read = parseHost(filled);
  if (read === undefined || read.port !== undefined) {
    throw new RangeError(`The parameters make '${filled}', which is no host.`);
  }
  return read.host;
}

function compileBoundHost(host: string | RegExp): BoundHost {
  if (typeof host !== 'string') return { pattern: undefined, matches: (text) => text.search(host) !== -1 };
  const pattern = compileHost(host);
  return { pattern, matches: pattern.matches };
}
