import { RequestMethod, VERSION_NEUTRAL, VersioningType, type HttpServer } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { Handler, HandlerClass } from '../options/mark-types.js';
import type { ControllerMethod, HandlerPlaces, NotedController } from '../platform/handlers.js';
import { readMarks, hasMarks } from '../platform/marks.js';
import { rawRequestOf } from '../platform/platform.js';
import { wrapMethod } from '../platform/wrap-method.js';
import { compileRequirement, type RequirementSettings } from '../policy/requirement.js';
import type { Route, RouteTable, Versioning } from '../policy/route-table.js';
import { copyFunctionMetadata, type RouteCallback, type RouteGate } from '../guard/route-gate.js';

/** Tags the function of a handler with itself. Nest copies the metadata of a method to the callback that it registers. */
const HANDLER = 'nestjs-secure:handler';

/** The keys under which Nest keeps what its decorators say. */
const PATH = 'path';
const METHOD = 'method';
const HOST = 'host';
const VERSION = '__version__';
const MODULE_PATH = '__module_path__';

const ROUTE_METHODS =
  'get post head delete put patch options all search query propfind proppatch mkcol copy move lock unlock'.split(' ');

const VERSIONINGS: Readonly<Record<VersioningType, Versioning>> = {
  [VersioningType.URI]: 'uri',
  [VersioningType.HEADER]: 'header',
  [VersioningType.MEDIA_TYPE]: 'media-type',
  [VersioningType.CUSTOM]: 'custom',
};

/** A route that Nest is going to register: what a controller says of it. */
interface ExpectedRoute extends Pick<Route, 'hosts' | 'versions' | 'versioning'> {
  readonly controller: HandlerClass;
  readonly name: string;
  readonly method: ControllerMethod;
  /** The HTTP method as the adapter's own method is called: `get`. */
  readonly verb: string;
  /** The path that the adapter is given, and the same without the global prefix, which a route may be excluded from. */
  readonly paths: ReadonlySet<string>;
  /** The function alone tells a guard which handler it is. */
  readonly certain: boolean;
  /** Another controller has the same function on the same path. */
  readonly shared: boolean;
}

/** What Nest knows of the application's routes. */
export interface RouteSources {
  readonly modules: ModulesContainer;
  readonly config: ApplicationConfig;
  readonly handlers: HandlerPlaces;
}

/** Tags the functions of the handlers of all controllers. To be called once they are noted, before routes are registered. */
export function tagHandlers({ controllers }: HandlerPlaces): void {
  for (const { functions } of controllers.flatMap(({ methods }) => methods)) {
    for (const method of functions) Reflect.defineMetadata(HANDLER, method, method);
  }
}

/** What has gone through the adapter. */
export interface AdapterCalls {
  /** Whether a function was given to the adapter as the handler of a route. */
  has(callback: unknown, method: string, path: string): boolean;
  /** Whether the adapter is registering a route right now. */
  running(): boolean;
}

/**
 * Notes every route that reaches the adapter, Nest's own and those registered by hand. The adapter gets the final path
 * (prefix, exclusions, RouterModule, URI version), which nothing else in Nest tells in both majors. Puts the route gate
 * before what the adapter is given, where there is one.
 */
export function recordRoutes(
  adapter: HttpServer,
  table: RouteTable,
  settings: RequirementSettings,
  sources: RouteSources,
  routeGate?: RouteGate,
): AdapterCalls {
  const recorded = new Map<unknown, Set<string>>();
  const { handlers } = sources;
  const asWritten = followNormalizedPaths(adapter);
  let depth = 0;
  // Not before the first route of Nest's: until then an application may set its global prefix and its versioning.
  let expected: ExpectedRoutes | undefined;

  function find(verb: string, path: string, callback: unknown): ExpectedRoute | undefined {
    return handlers.noted
      ? (expected ??= new ExpectedRoutes(sources)).take(verb, asWritten(path), callback)
      : undefined;
  }

  /** What the router calls for a handler: the route gate first, and a note of the handler where a guard needs it. */
  function wrapped(callback: RouteCallback, route: ExpectedRoute): RouteCallback {
    const { controller, name, method, certain } = route;
    const place = { controller, name };
    const gated = isOnlyForRoute(route) ? routeGate?.({ place, method: method.method, callback }) : undefined;
    const inner = gated ?? callback;
    if (certain) return inner;
    return copyFunctionMetadata(inner, function noteHandler(this: unknown, request, response, next) {
      handlers.noteRequest(rawRequestOf(request), place);
      return inner.call(this, request, response, next);
    });
  }

  /** Notes what is given for a route, and wraps it. */
  function note(verb: string, given: unknown[]): void {
    const [path] = given;
    const callback = given.at(-1);
    const names = recorded.get(callback) ?? new Set();
    recorded.set(callback, names);
    for (const one of [path].flat()) {
      const found = find(verb, String(one), callback);
      const route = routeOf(verb, String(one), found, settings);
      names.add(`${route.method} ${route.path}`);
      table.add(route);
      if (found === undefined || !isRouteCallback(callback)) continue;
      const called = wrapped(callback, found);
      given[given.length - 1] = called;
      recorded.set(called, names);
    }
  }

  for (const verb of ROUTE_METHODS) {
    wrapMethod(adapter, verb, (given, register) => {
      // Express reads a setting with get(name).
      if (given.length > 1) note(verb, given);
      depth += 1;
      try {
        return register(given);
      } finally {
        depth -= 1;
      }
    });
  }
  return {
    has: (callback, method, path) => recorded.get(callback)?.has(`${method} ${path}`) === true,
    running: () => depth > 0,
  };
}

/** Whether all that reaches a callback is for its handler: Nest's own filters for hosts and versions may pass it on. */
function isOnlyForRoute({ shared, hosts, versioning }: ExpectedRoute): boolean {
  return !shared && hosts.length === 0 && (versioning === undefined || versioning === 'uri');
}

function routeOf(verb: string, path: string, found: ExpectedRoute | undefined, settings: RequirementSettings): Route {
  const marks = found === undefined ? undefined : readMarks(found.controller, found.name);
  return {
    kind: 'http',
    method: verb.toUpperCase(),
    path,
    controller: found?.controller,
    handler: found?.name,
    requirement: marks === undefined ? undefined : compileRequirement(marks, settings),
    keptFrom: marks?.keptFrom,
    hosts: found?.hosts ?? [],
    versions: found?.versions ?? [],
    versioning: found?.versioning,
  };
}

/** An adapter writes some paths in a syntax of its own, before Nest registers them. Returns how to read them back. */
function followNormalizedPaths(adapter: HttpServer): (path: string) => string {
  const before = new Map<string, string>();
  const normalize: unknown = Reflect.get(adapter, 'normalizePath');
  if (typeof normalize === 'function') {
    Reflect.set(adapter, 'normalizePath', (path: string): unknown => {
      const normalized: unknown = Reflect.apply(normalize, adapter, [path]);
      if (typeof normalized === 'string') before.set(normalized, path);
      return normalized;
    });
  }
  return (path) => before.get(path) ?? path;
}

/** The routes to come, by what tells them when Nest registers them. */
class ExpectedRoutes {
  /** In the order of registration: module by module, controller by controller. */
  private readonly byFunction = new Map<unknown, Set<ExpectedRoute>>();
  /** Those whose functions are not known beforehand: their callbacks carry no tag. */
  private readonly untagged = new Set<ExpectedRoute>();

  constructor(sources: RouteSources) {
    for (const noted of sources.handlers.controllers) {
      for (const route of routesOfController(noted, sources)) {
        if (!route.method.fixed) this.untagged.add(route);
        for (const method of route.method.functions) {
          this.byFunction.set(method, (this.byFunction.get(method) ?? new Set()).add(route));
        }
      }
    }
  }

  /**
   * The route that a callback is registered for. Handlers of one function are told apart by method and path, and those
   * that share these too (versions, hosts) by the order of registration, for nothing else of theirs differs.
   */
  take(verb: string, path: string, callback: unknown): ExpectedRoute | undefined {
    const tag: unknown = typeof callback === 'function' ? Reflect.getMetadata(HANDLER, callback) : undefined;
    // An application that registers a handler of its own by hand gives the function itself.
    const candidates = [...((tag === undefined ? this.untagged : this.byFunction.get(tag)) ?? [])];
    if (tag === callback) return undefined;
    const fitting = candidates.filter((one) => one.verb === verb && one.paths.has(path));
    const route = fitting[0] ?? (tag === undefined ? undefined : candidates[0]);
    if (route === undefined) return undefined;
    this.untagged.delete(route);
    for (const method of route.method.functions) this.byFunction.get(method)?.delete(route);
    const controllers = new Set((fitting.length > 0 ? fitting : candidates).map(({ controller }) => controller));
    return controllers.size > 1 ? { ...route, shared: true } : route;
  }
}

function* routesOfController(
  noted: NotedController,
  { modules, config, handlers }: RouteSources,
): Generator<ExpectedRoute> {
  const { controller, module } = noted;
  const modulePath = modulePathOf(module, modules);
  const hosts = hostsOf(controller);
  const isMarked = hasMarks(controller);
  const pathsOf = (end: string): Set<string> =>
    new Set([joined(config.getGlobalPrefix(), end), end].map((path) => (path === '' ? '/' : path)));
  for (const start of listOf(Reflect.getMetadata(PATH, controller))) {
    for (const one of noted.methods) {
      const { name, method } = one;
      if (typeof name !== 'string') continue;
      const verb = verbOf(method);
      const certain = !isMarked || handlers.isCertain(noted, one);
      for (const end of listOf(Reflect.getMetadata(PATH, method))) {
        for (const { prefix, ...version } of versionsOf(controller, method, config)) {
          const paths = pathsOf(joined(prefix, modulePath, start, end));
          yield { controller, name, method: one, verb, paths, hosts, certain, shared: false, ...version };
        }
      }
    }
  }
}

/** As Nest calls the adapter: server-sent events are GET, and so is a method without a decorator of its own. */
function verbOf(method: Handler): string {
  const verb: unknown = Reflect.getMetadata(METHOD, method);
  const name = typeof verb === 'number' ? RequestMethod[verb] : undefined;
  return (name ?? 'GET').toLowerCase();
}

interface RouteVersion extends Pick<Route, 'versions' | 'versioning'> {
  /** The segment that stands before the path, with URI versioning. */
  readonly prefix: string;
}

/** With URI versioning each version has a path, and so a route, of its own. */
function versionsOf(controller: HandlerClass, method: Handler, config: ApplicationConfig): RouteVersion[] {
  const options = config.getVersioning();
  const version: unknown =
    options === undefined
      ? undefined
      : Reflect.getMetadata(VERSION, method) || (Reflect.getMetadata(VERSION, controller) ?? options.defaultVersion);
  if (options === undefined || version === undefined || version === '') {
    return [{ prefix: '', versions: [], versioning: undefined }];
  }
  const versioning = VERSIONINGS[options.type];
  const versions = [version].flat().map((one) => (one === VERSION_NEUTRAL ? 'neutral' : String(one)));
  if (options.type !== VersioningType.URI) return [{ prefix: '', versions, versioning }];
  const before = options.prefix === false ? '' : (options.prefix ?? 'v');
  return [version]
    .flat()
    .map((one) => (one === VERSION_NEUTRAL ? '' : `${before}${String(one)}`))
    .map((prefix, index) => ({ prefix, versions: versions.slice(index, index + 1), versioning }));
}

function hostsOf(controller: HandlerClass): readonly (string | RegExp)[] {
  const host: unknown = Reflect.getMetadata(HOST, controller);
  return [host].flat().filter((one) => typeof one === 'string' || one instanceof RegExp);
}

function modulePathOf(module: unknown, modules: ModulesContainer): string {
  if (typeof module !== 'function') return '';
  const path: unknown =
    Reflect.getMetadata(`${MODULE_PATH}${modules.applicationId}`, module) ?? Reflect.getMetadata(MODULE_PATH, module);
  return typeof path === 'string' ? path : '';
}

function listOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string');
}

/** A path of its parts; that of the root is empty. */
function joined(...parts: string[]): string {
  const segments = parts.flatMap((part) => part.split('/')).filter((segment) => segment !== '');
  return segments.map((segment) => `/${segment}`).join('');
}

function isRouteCallback(value: unknown): value is RouteCallback {
  return typeof value === 'function';
}
