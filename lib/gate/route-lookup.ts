import { pathToRegexp } from 'path-to-regexp';
import { rawRequestOf, targetOf, type PlatformRequest } from '../platform/platform.js';
import { possibleDecodings } from '../policy/paths.js';
import type { Route, RouteTable } from '../policy/route-table.js';
import type { PolicySettings } from '../policy/verdict.js';
import type { Settings } from '../settings/settings.js';
import { pathOf, readPath } from '../transport/request-target.js';

/** What the gate looks up about the handler that a request will reach, without running the router. */
export interface RouteLookup {
  /**
   * Whether an exempt handler could answer a request: in mode `all` the guard judges those.
   *
   * **Security:** a path that can be read in several ways must lead to an exempt handler in each: static files, which come
   * before handlers, serve `/s.txt` for `/things/..%2fs.txt`, which is a `/things/:id` as well.
   */
  readonly matchesExemptRoute: (request: PlatformRequest) => boolean;
  /** Returns how the gate answers a request: as the module says, narrowed by the decorator of the handler it is for. */
  readonly routePolicy: (request: PlatformRequest) => PolicySettings;
  /** Returns the route of a request where every handler that could answer requires https; undefined where one does not. */
  readonly findMarkedRoute: (request: PlatformRequest) => Route | undefined;
}

/**
 * Compiles the look-ups, each at its first use: every route is known then. Fastify may have found the route by the time the
 * gate is asked; elsewhere the path is held against the patterns.
 */
export function compileRouteLookup(table: RouteTable, settings: Settings): RouteLookup {
  const moduleWide = settings.policy([]);
  const exempt = lazily(() => table.routes().filter(isExempt).map(compileMatcher));
  const all = lazily(() => table.routes().map(compileMatcher));
  const narrowed = lazily(
    () =>
      new Map(
        table
          .routes()
          .filter(narrowsPolicy)
          .map((route) => [route, settings.policy(route.requirement?.options ?? [])]),
      ),
  );

  return {
    matchesExemptRoute(request) {
      if (request.is404 === true || exempt().length === 0) return false;
      const { method, url, found } = readRequest(request);
      const answering = exempt().filter(({ answers }) => answers(method));
      if (found !== undefined && !answering.some(({ route }) => route.path === found)) return false;
      const path = readPath(url);
      const readings = path === undefined ? undefined : possibleDecodings(path);
      if (readings === undefined) return false;
      if (found !== undefined && readings.length === 1) return true;
      return readings.every((reading) => answering.some(({ regexp }) => regexp?.test(reading) === true));
    },

    routePolicy(request) {
      if (narrowed().size === 0) return moduleWide;
      const { method, url, found } = readRequest(request);
      const path = pathOf(url);
      for (const { route, answers, regexp } of all()) {
        if (!answers(method) || !(found === undefined ? regexp?.test(path) === true : route.path === found)) continue;
        const policy = narrowed().get(route);
        if (policy !== undefined) return policy;
        // A later route, such as a catch-all, does not answer.
        if (!mayPassOn(route)) return moduleWide;
      }
      return moduleWide;
    },

    findMarkedRoute(request) {
      const { method, url, found } = readRequest(request);
      const path = readPath(url);
      if (path === undefined) return undefined;
      const target = targetOf(request);
      // A pattern that cannot be read may match.
      const matching = all().filter(
        ({ route, answers, regexp }) =>
          answers(method) && (found === undefined ? regexp?.test(path) !== false : route.path === found),
      );
      const marked = matching.every(({ route }) => route.requirement?.of(target).level === 'required');
      return marked ? matching[0]?.route : undefined;
    },
  };
}

function lazily<T>(compile: () => T): () => T {
  let compiled: T | undefined;
  return () => (compiled ??= compile());
}

/** Whether a decorator exempts a route. One without a requirement was made by no controller; nothing says that it is exempt. */
function isExempt({ requirement }: Route): boolean {
  return requirement?.exempt === true;
}

/** Whether a route leaves requests to later ones, by their host or a version that is not in the path. */
function mayPassOn({ hosts, versioning }: Route): boolean {
  return hosts.length > 0 || (versioning !== undefined && versioning !== 'uri');
}

/** Whether the decorator of a route says how it is answered. */
function narrowsPolicy({ requirement }: Route): boolean {
  return requirement?.options.some((option) => Object.keys(option).length > 0) === true;
}

/** `found`: the pattern of the route, where Fastify has found it already. */
function readRequest(request: PlatformRequest): { method: string; url: string; found: string | undefined } {
  const { method = 'GET', url = '/' } = rawRequestOf(request);
  return { method, url, found: request.routeOptions?.url };
}

/** Holds a request against one route. */
interface RouteMatcher {
  readonly route: Route;
  readonly regexp: RegExp | undefined;
  readonly answers: (method: string) => boolean;
}

/** May match more than the router does: case is ignored, and so is a slash at the end. */
function compileMatcher(route: Route): RouteMatcher {
  const { method, path } = route;
  return {
    route,
    regexp: compilePattern(path),
    answers: (asked) => method === 'ALL' || method === asked || (method === 'GET' && asked === 'HEAD'),
  };
}

/** Undefined where the pattern is not of the kind Express 5 reads. Fastify writes a wildcard as a bare `*`. */
function compilePattern(path: string): RegExp | undefined {
  try {
    return pathToRegexp(path.replace(/\*(?![A-Za-z_$"])/g, '*"*"'), { sensitive: false, trailing: true }).regexp;
  } catch {
    return undefined;
  }
}
