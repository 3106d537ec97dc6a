import type { HttpServer } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { METHODS } from 'node:http';
import type { Route, RouteTable, Unlisted } from '../policy/route-table.js';
import type { AdapterCalls } from './record-routes.js';
import { readProperty } from '../platform/unknown-values.js';
import { wrapMethod } from '../platform/wrap-method.js';

const ANSWERS_BY_ITSELF =
  'What it answers by itself is no route. Only rules in paths and mode all can require https there.';

/**
 * Finds the routes that an application gave to the framework itself, past Nest's adapter: on its instance, by a router
 * or by a plugin. They have no handler that Nest knows, so only path rules and the mode can require https of them.
 */
export function findRoutesOutsideNest(
  adapter: HttpServer,
  table: RouteTable,
  calls: AdapterCalls,
  config: ApplicationConfig,
): void {
  const middleware = recordMiddleware(adapter);
  const unlisted = (paths: readonly string[]): Unlisted[] => middlewareOn(paths, config.getGlobalPrefix());
  const instance: unknown = adapter.getInstance();
  const addHook = readProperty(instance, 'addHook');
  if (typeof addHook === 'function') {
    const routes: Route[] = [];
    const earlier = routesBefore(instance);
    Reflect.apply(addHook, instance, [
      'onRoute',
      (options: unknown) => routes.push(...fastifyRoutes(options, calls, routes)),
    ]);
    table.addSource({ routes: () => routes, unlisted: () => [...earlier, ...unlisted(middleware.paths())] });
    return;
  }
  const walk = (): FoundInExpress => walkExpress(instance, middleware, calls);
  table.addSource({
    routes: () => walk().routes,
    unlisted: () => [...walk().lost, ...unlisted(walk().mounts)],
  });
}

/** What was given to the adapter as middleware. */
interface Middleware {
  has(callback: unknown): boolean;
  /** Nest's own handler of what nothing else answers. */
  isLast(callback: unknown): boolean;
  /** Where a function was mounted; versions of Express before 5.2 do not tell. */
  pathsOf(callback: unknown): readonly string[];
  paths(): readonly string[];
}

function recordMiddleware(adapter: HttpServer): Middleware {
  const paths = new Map<unknown, string[]>();
  const last = new Set<unknown>();

  function note(path: unknown, callbacks: readonly unknown[]): void {
    const named = [path].flat().filter((one) => typeof one === 'string');
    for (const callback of callbacks) paths.set(callback, [...(paths.get(callback) ?? []), ...named]);
  }

  wrapMethod(adapter, 'use', (given, use) => {
    const [path, ...rest] = given;
    if (typeof path !== 'function') note(path, rest.flat());
    return use(given);
  });
  wrapMethod(adapter, 'setNotFoundHandler', (given, set) => {
    last.add(given[0]);
    return set(given);
  });
  wrapMethod(adapter, 'createMiddlewareFactory', (given, make) => {
    const noted = (factory: unknown): unknown => (typeof factory === 'function' ? noting(factory) : factory);
    const noting =
      (factory: Function) =>
      (...args: unknown[]): unknown => {
        note(args[0], args.slice(1));
        return Reflect.apply(factory, undefined, args);
      };
    const factory = make(given);
    const then = readProperty(factory, 'then');
    return typeof then === 'function' ? Reflect.apply(then, factory, [noted]) : noted(factory);
  });

  return {
    has: (callback) => paths.has(callback),
    isLast: (callback) => last.has(callback),
    pathsOf: (callback) => paths.get(callback) ?? [],
    paths: () => [...paths.values()].flat(),
  };
}

/** Middleware for every path is part of every request, and no page. */
function middlewareOn(paths: readonly string[], globalPrefix: string): Unlisted[] {
  const everywhere = new Set(['', pathOf(`/${globalPrefix}`)]);
  const named = new Set(paths.map(pathOf).filter((path) => !everywhere.has(path)));
  return [...named].map((path) => ({ subject: `middleware on ${path}`, cause: ANSWERS_BY_ITSELF }));
}

/** Without slashes and wildcards at its end: middleware covers what is below its path, however it is written. */
function pathOf(path: string): string {
  return path.replace(/\/*(?:\{?\/?\*\w*\}?|\/)*\$?$/, '').replace(/^\/{2,}/, '/');
}

/** Fastify's own word for an instance that has no route. */
const NO_ROUTES = '(empty tree)';

/** A route that was there before Nest is not told to a hook that comes later. */
function routesBefore(instance: unknown): Unlisted[] {
  const print = readProperty(instance, 'printRoutes');
  if (typeof print !== 'function' || printed(instance, print) === NO_ROUTES) return [];
  return [
    {
      subject: 'routes of the Fastify instance',
      cause: 'They were there before the instance was given to Nest, and are not listed. Register them afterwards.',
    },
  ];
}

/** Fastify cannot print a route that has constraints of a kind it does not know. */
function printed(instance: unknown, print: Function): unknown {
  try {
    return Reflect.apply(print, instance, []);
  } catch {
    return undefined;
  }
}

/** The routes of one call of `onRoute`. Fastify adds a HEAD route to each GET route, which says nothing new. */
function fastifyRoutes(options: unknown, calls: AdapterCalls, before: readonly Route[]): Route[] {
  const path = readProperty(options, 'url');
  if (calls.running() || typeof path !== 'string') return [];
  const methods = [readProperty(options, 'method')].flat().filter((method) => typeof method === 'string');
  const constraints = readProperty(options, 'constraints');
  const hosts = [readProperty(constraints, 'host')]
    .flat()
    .filter((one) => typeof one === 'string' || one instanceof RegExp);
  const names = namesOf(methods);
  const last = before.at(-1);
  if (names.join() === 'HEAD' && last?.method === 'GET') {
    if (last.path === path) return [];
    // The root of a plugin has a slash at its end as well, and of that Fastify tells HEAD alone.
    if (`${last.path}/` === path) return [{ ...last, path }];
  }
  return names.map((method) => ({ ...foreignRoute(method, path), hosts }));
}

interface FoundInExpress {
  readonly routes: Route[];
  /** The paths of middleware. */
  readonly mounts: string[];
  readonly lost: Unlisted[];
}

const LOST_ROUTER: Unlisted = {
  subject: 'a router of Express',
  cause: 'Its routes are not listed: this version of Express does not tell where it is mounted. Express 5.2 does.',
};

/** Walks the router of Express, as it is now. */
function walkExpress(instance: unknown, middleware: Middleware, calls: AdapterCalls): FoundInExpress {
  const found: FoundInExpress = { routes: [], mounts: [], lost: [] };

  function walk(stack: readonly unknown[], prefix: string): void {
    for (const layer of stack) {
      const route = readProperty(layer, 'route');
      if (route === undefined) addMount(readProperty(layer, 'handle'), mountsOf(layer, middleware), prefix);
      else addRoute(route, prefix);
    }
  }

  function addRoute(route: unknown, prefix: string): void {
    const handle = readProperty(stackOf(route).at(-1), 'handle');
    if (middleware.isLast(handle)) return;
    const methods = namesOf(Object.keys(Object(readProperty(route, 'methods'))));
    for (const path of [readProperty(route, 'path')].flat()) {
      const whole = typeof path === 'string' ? joined(prefix, path) : `${prefix}${String(path)}`;
      if (middleware.has(handle)) found.mounts.push(whole);
      else {
        const unknown = methods.filter((method) => !calls.has(handle, method, String(path)));
        found.routes.push(...unknown.map((method) => foreignRoute(method, whole)));
      }
    }
  }

  function addMount(handle: unknown, paths: readonly string[] | undefined, prefix: string): void {
    const stack = readProperty(handle, 'stack');
    if (!Array.isArray(stack)) {
      // What takes four arguments handles errors.
      if (readProperty(handle, 'length') !== 4) found.mounts.push(...(paths ?? []).map((path) => joined(prefix, path)));
    } else if (paths === undefined) found.lost.push(LOST_ROUTER);
    else for (const path of paths) walk(stack, joined(prefix, path));
  }

  walk(stackOf(readProperty(instance, 'router')), '');
  return found;
}

function mountsOf(layer: unknown, middleware: Middleware): readonly string[] | undefined {
  const path = readProperty(layer, 'rawPath');
  if (path !== undefined) return [path].flat().map(String);
  const handle = readProperty(layer, 'handle');
  return readProperty(layer, 'slash') === true
    ? ['/']
    : middleware.has(handle)
      ? middleware.pathsOf(handle)
      : undefined;
}

function stackOf(router: unknown): readonly unknown[] {
  const stack = readProperty(router, 'stack');
  return Array.isArray(stack) ? stack : [];
}

/** A path below another; a slash at its end is left out: to Express it makes no difference. */
function joined(prefix: string, path: string): string {
  const whole = `${prefix}${path.startsWith('/') ? path : `/${path}`}`;
  return whole.length > 1 && whole.endsWith('/') ? whole.slice(0, -1) : whole;
}

/** Methods by name; `ALL` where they are every method there is. */
function namesOf(methods: readonly string[]): readonly string[] {
  const names = methods.map((method) => (method === '_all' ? 'ALL' : method.toUpperCase()));
  return COMMON.every((method) => names.includes(method)) ? ['ALL'] : names;
}

const COMMON = METHODS.filter((method) => /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE)$/.test(method));

function foreignRoute(method: string, path: string): Route {
  return {
    kind: 'http',
    method,
    path,
    controller: undefined,
    handler: undefined,
    requirement: undefined,
    keptFrom: undefined,
    hosts: [],
    versions: [],
    versioning: undefined,
  };
}
