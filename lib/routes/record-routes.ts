import { VERSION_NEUTRAL, VersioningType, type HttpServer } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { Handler, HandlerClass } from '../options/mark.js';
import { readMarks } from '../platform/marks.js';
import { compileRequirement, type RequirementSettings } from '../policy/requirement.js';
import type { Route, RouteTable, Versioning } from '../policy/route-table.js';
import type { InnerGate, RouteCallback, RoutedHandler } from '../guard/route-gate.js';

/** Carries a handler's own function to the adapter: Nest copies a method's metadata to what it registers there. */
const HANDLER = 'nestjs-secure:handler';

/** The keys under which Nest keeps what its decorators say. */
const PATH = 'path';
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
  /** The end of its path: all but the global prefix. */
  readonly end: string;
}

/** The routes to come of a function that handles them. */
interface ExpectedOfHandler {
  /** In the order of registration. */
  readonly routes: ExpectedRoute[];
  /** Several controllers inherit it, so which of them a route is of is not certain. */
  readonly shared: boolean;
}

/** By that function. */
type ExpectedRoutes = Map<unknown, ExpectedOfHandler>;

/** What Nest knows of the application's routes. */
export interface RouteSources {
  readonly modules: ModulesContainer;
  readonly config: ApplicationConfig;
}

/** What has gone through the adapter. */
export interface AdapterCalls {
  /** Whether a function was given to the adapter as the handler of a route. */
  has(callback: unknown, method: string, path: string): boolean;
  /** Whether the adapter is registering a route right now. */
  running(): boolean;
}

/** Puts on every handler what tells it from others once Nest has wrapped it. To be called before routes are registered. */
export function nameHandlers(modules: ModulesContainer): void {
  for (const { metatype } of controllersOf(modules)) {
    for (const { method } of handlersOf(metatype)) Reflect.defineMetadata(HANDLER, method, method);
  }
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
  routeGate?: InnerGate,
): AdapterCalls {
  const recorded = new Map<unknown, Set<string>>();
  let depth = 0;
  // Not before the first route of Nest's: until then an application may set its global prefix and its versioning.
  let expected: ExpectedRoutes | undefined;

  /** Notes what is given for a route, and puts the route gate into it. */
  function note(method: string, given: unknown[]): void {
    const [path] = given;
    const callback = given.at(-1);
    const handler = handlerIn(callback);
    const names = recorded.get(callback) ?? new Set();
    recorded.set(callback, names);
    for (const one of [path].flat()) {
      const found = handler && find(handler, String(one), (expected ??= expectRoutes(sources)));
      const route = routeOf(method, String(one), found, settings);
      names.add(`${route.method} ${route.path}`);
      table.add(route);
      const gated = found !== undefined && isOnlyForRoute(found) ? routeGate?.(found) : undefined;
      if (gated === undefined) continue;
      given[given.length - 1] = gated;
      recorded.set(gated, names);
    }
  }

  for (const method of ROUTE_METHODS) {
    const register: unknown = Reflect.get(adapter, method);
    if (typeof register !== 'function') continue;
    Reflect.set(adapter, method, function recordRoute(this: unknown, ...given: unknown[]): unknown {
      // Express reads a setting with get(name).
      if (given.length > 1) note(method, given);
      depth += 1;
      try {
        return Reflect.apply(register, this, given);
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

/** What is known of a function that was given to the adapter. */
interface FoundHandler extends RoutedHandler, ExpectedRoute {
  readonly shared: boolean;
}

/** The handler behind what Nest has given the adapter; undefined for what an application gave it itself. */
function handlerIn(callback: unknown): Pick<RoutedHandler, 'handler' | 'callback'> | undefined {
  if (!isRouteCallback(callback)) return undefined;
  const handler: unknown = Reflect.getMetadata(HANDLER, callback);
  return isHandler(handler) && handler !== callback ? { handler, callback } : undefined;
}

function find(
  { handler, callback }: Pick<RoutedHandler, 'handler' | 'callback'>,
  path: string,
  expected: ExpectedRoutes,
): FoundHandler | undefined {
  const { routes, shared } = expected.get(handler) ?? { routes: [], shared: false };
  const route = take(routes, path);
  return route === undefined ? undefined : { ...route, handler, callback, shared };
}

/** Whether all that reaches a function is for its handler: Nest's own filters for hosts and versions may pass it on. */
function isOnlyForRoute({ shared, hosts, versioning }: FoundHandler): boolean {
  return !shared && hosts.length === 0 && (versioning === undefined || versioning === 'uri');
}

function routeOf(method: string, path: string, found: FoundHandler | undefined, settings: RequirementSettings): Route {
  const marks = found === undefined ? undefined : readMarks(found.controller, found.handler);
  return {
    kind: 'http',
    method: method.toUpperCase(),
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

/**
 * Controllers that inherit a handler share its function. Nest registers module by module and controller by controller,
 * so the first that is still expected is the one, unless Nest sorts routes by their paths; then it is the first whose
 * path fits.
 */
function take(expected: ExpectedRoute[], path: string): ExpectedRoute | undefined {
  const fitting = expected.findIndex(({ end }) => path.endsWith(end));
  return expected.splice(Math.max(fitting, 0), 1)[0];
}

/** Every route of every controller, in the order in which Nest registers them. */
function expectRoutes({ modules, config }: RouteSources): ExpectedRoutes {
  const expected = new Map<unknown, ExpectedRoute[]>();
  for (const { metatype, modulePath } of controllersOf(modules)) {
    const handlers = [...handlersOf(metatype)];
    const hosts = hostsOf(metatype);
    for (const start of listOf(Reflect.getMetadata(PATH, metatype))) {
      for (const { name, method } of handlers) {
        const routes = listOf(Reflect.getMetadata(PATH, method)).flatMap((end) =>
          versionsOf(metatype, method, config).map(({ prefix, ...version }) => ({
            controller: metatype,
            name,
            end: joined(prefix, modulePath, start, end),
            hosts,
            ...version,
          })),
        );
        const sameHandler = expected.get(method);
        if (sameHandler === undefined) expected.set(method, routes);
        else sameHandler.push(...routes);
      }
    }
  }
  return new Map(
    [...expected].map(([method, routes]) => {
      const controllers = new Set(routes.map(({ controller }) => controller));
      return [method, { routes, shared: controllers.size > 1 }];
    }),
  );
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

function* controllersOf(modules: ModulesContainer): Generator<{ metatype: HandlerClass; modulePath: string }> {
  for (const { controllers, metatype: module } of modules.values()) {
    const path: unknown =
      Reflect.getMetadata(`${MODULE_PATH}${modules.applicationId}`, module) ?? Reflect.getMetadata(MODULE_PATH, module);
    const modulePath = typeof path === 'string' ? path : '';
    for (const { metatype } of controllers.values()) {
      if (isHandlerClass(metatype)) yield { metatype, modulePath };
    }
  }
}

function* handlersOf(controller: HandlerClass): Generator<{ name: string; method: Handler }> {
  const seen = new Set<string>();
  let prototype: unknown = controller.prototype;
  while (typeof prototype === 'object' && prototype !== null && prototype !== Object.prototype) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const method: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
      if (!seen.has(name) && isHandler(method) && Reflect.hasMetadata(PATH, method)) yield { name, method };
      seen.add(name);
    }
    prototype = Object.getPrototypeOf(prototype);
  }
}

function listOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string');
}

/** A path of its parts; that of the root is empty, for every path ends with it. */
function joined(...parts: string[]): string {
  const segments = parts.flatMap((part) => part.split('/')).filter((segment) => segment !== '');
  return segments.map((segment) => `/${segment}`).join('');
}

function isRouteCallback(value: unknown): value is RouteCallback {
  return typeof value === 'function';
}

function isHandlerClass(value: unknown): value is HandlerClass {
  return typeof value === 'function' && typeof value.prototype === 'object';
}

function isHandler(value: unknown): value is Handler {
  return typeof value === 'function';
}
