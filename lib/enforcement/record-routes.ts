import type { HttpServer } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { readMarks, type Handler, type HandlerClass } from '../policy/marks.js';
import { compileRequirement, type RequirementSettings } from '../policy/requirement.js';
import type { Route, RouteTable } from '../policy/route-table.js';

/** Carries a handler's own function to the adapter: Nest copies a method's metadata to what it registers there. */
const HANDLER = 'nestjs-secure:handler';

/** The keys under which Nest keeps the path of a controller and of a handler. */
const PATH = 'path';

const ROUTE_METHODS =
  'get post head delete put patch options all search query propfind proppatch mkcol copy move lock unlock'.split(' ');

interface Candidate {
  readonly controller: HandlerClass;
  readonly name: string;
}

/** Which handlers a function serves: more than one where controllers inherit it. */
export type HandlerIndex = ReadonlyMap<unknown, readonly Candidate[]>;

/** Finds every handler of every controller, before any route is registered. */
export function indexHandlers(modules: ModulesContainer): HandlerIndex {
  const index = new Map<unknown, Candidate[]>();
  for (const module of modules.values()) {
    for (const { metatype } of module.controllers.values()) {
      if (isHandlerClass(metatype)) indexController(metatype, index);
    }
  }
  return index;
}

/**
 * Notes every route that reaches the adapter, Nest's own and those registered by hand. The adapter gets the final path
 * (prefix, exclusions, RouterModule, URI version), which nothing else in Nest tells in both majors.
 */
export function recordRoutes(
  adapter: HttpServer,
  table: RouteTable,
  settings: RequirementSettings,
  index: HandlerIndex,
): void {
  for (const method of ROUTE_METHODS) {
    const register: unknown = Reflect.get(adapter, method);
    if (typeof register !== 'function') continue;
    Reflect.set(adapter, method, function recordRoute(this: unknown, ...given: unknown[]): unknown {
      const [path] = given;
      for (const one of Array.isArray(path) ? path : [path]) {
        if (typeof one === 'string' && given.length > 1) {
          table.add(routeOf(method, one, given[given.length - 1], settings, index));
        }
      }
      return Reflect.apply(register, this, given);
    });
  }
}

function routeOf(
  method: string,
  path: string,
  callback: unknown,
  settings: RequirementSettings,
  index: HandlerIndex,
): Route {
  const original: unknown = typeof callback === 'function' ? Reflect.getMetadata(HANDLER, callback) : undefined;
  const candidate = bestCandidate(index.get(original) ?? [], path, callback);
  const marks = candidate !== undefined && isHandler(original) ? readMarks(candidate.controller, original) : undefined;
  return {
    method: method.toUpperCase(),
    path,
    controller: candidate?.controller,
    handler: candidate?.name,
    requirement: marks === undefined ? undefined : compileRequirement(marks, settings),
    keptFrom: marks?.keptFrom,
  };
}

/**
 * Controllers that inherit a handler share its function. Nest 12 names the callback `Controller.handler`; Nest 11 does
 * not, and there the path that ends with the controller's own tells them apart.
 */
function bestCandidate(candidates: readonly Candidate[], path: string, callback: unknown): Candidate | undefined {
  if (candidates.length < 2) return candidates[0];
  const name = typeof callback === 'function' ? callback.name : '';
  const named = candidates.find(({ controller, name: handler }) => name === `${controller.name}.${handler}`);
  if (named !== undefined) return named;
  const fitting = candidates
    .flatMap((candidate) => pathsOf(candidate).map((end) => ({ candidate, end })))
    .filter(({ end }) => path === end || path.endsWith(end))
    .toSorted((a, b) => b.end.length - a.end.length);
  return fitting[0]?.candidate ?? candidates[0];
}

function pathsOf({ controller, name }: Candidate): string[] {
  const own: unknown = Reflect.getMetadata(PATH, controller);
  const handler: unknown = Reflect.get(controller.prototype, name);
  const paths: unknown = typeof handler === 'function' ? Reflect.getMetadata(PATH, handler) : undefined;
  return listOf(own).flatMap((start) => listOf(paths).map((end) => joined(start, end)));
}

function listOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string');
}

function joined(...parts: string[]): string {
  const segments = parts.flatMap((part) => part.split('/')).filter((segment) => segment !== '');
  return `/${segments.join('/')}`;
}

function indexController(controller: HandlerClass, index: Map<unknown, Candidate[]>): void {
  const seen = new Set<string>();
  let prototype: unknown = controller.prototype;
  while (typeof prototype === 'object' && prototype !== null && prototype !== Object.prototype) {
    for (const name of Object.getOwnPropertyNames(prototype)) {
      const method: unknown = Object.getOwnPropertyDescriptor(prototype, name)?.value;
      if (seen.has(name) || typeof method !== 'function' || !Reflect.hasMetadata(PATH, method)) continue;
      Reflect.defineMetadata(HANDLER, method, method);
      index.set(method, [...(index.get(method) ?? []), { controller, name }]);
    }
    Object.getOwnPropertyNames(prototype).forEach((name) => seen.add(name));
    prototype = Object.getPrototypeOf(prototype);
  }
}

function isHandlerClass(value: unknown): value is HandlerClass {
  return typeof value === 'function' && typeof value.prototype === 'object';
}

function isHandler(value: unknown): value is Handler {
  return typeof value === 'function';
}
