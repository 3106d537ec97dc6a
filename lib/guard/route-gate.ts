import type { ModulesContainer } from '@nestjs/core';
import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Handler, HandlerClass } from '../options/mark-types.js';
import type { HandlerPlace } from '../platform/handlers.js';
import { buildAnswer } from '../answer/answer.js';
import type { Enforcer } from '../enforcer/enforcer.js';
import { compileHandler, type GuardedHandler } from '../enforcer/handler-policy.js';
import { rawRequestOf, takeResponse, type PlatformRequest, type PlatformResponse } from '../platform/platform.js';
import { boundFilters, SecureExceptionFilter } from './secure-exception.filter.js';
import { SecureGuard } from './secure.guard.js';
import { isAnswerHeader } from '../answer/lock-response.js';
import { writeAnswer } from '../answer/write-answer.js';
import { compileSendHooks } from './on-send-hooks.js';

/** What the guard is when nobody has replaced or spied on it. */
const CAN_ACTIVATE: unknown = Reflect.get(SecureGuard.prototype, 'canActivate');

/** What the router calls for a handler. */
export type RouteCallback = (request: PlatformRequest, response: PlatformResponse, next?: unknown) => unknown;

/** A handler, and what the router is to call for it. */
export interface RoutedHandler {
  readonly place: HandlerPlace;
  /** The method of the class, which carries what decorators say. */
  readonly method: Handler;
  readonly callback: RouteCallback;
}

/** Stands before what the router calls for a handler; undefined where the guard alone judges its requests. */
export type RouteGate = (routed: RoutedHandler) => RouteCallback | undefined;

/**
 * Compiles a gate for marked handlers, where the router hands a request over. It turns a plain-HTTP request away as the
 * guard would, before all that Nest does for a handler: a controller that is made for each request is not made for this
 * one, and nothing has to be thrown and caught. An optimisation, not a replacement for the guard, which judges every
 * request that reaches a handler.
 *
 * Undefined where something else was put in the place of `SecureGuard`, and where nothing is answered.
 */
export function compileRouteGate(
  enforcer: Enforcer,
  guard: SecureGuard,
  modules: ModulesContainer,
): RouteGate | undefined {
  const { transport, reportOnly } = enforcer.settings;
  if (!enforcer.enforcing || reportOnly || Object.getPrototypeOf(guard) !== SecureGuard.prototype) return undefined;
  const isAwaited = compileSendHooks();
  let filterIsOurs: boolean | undefined;

  function turnsAway(request: PlatformRequest, response: PlatformResponse, { input }: GuardedHandler): boolean {
    const connection = enforcer.connectionOf(request);
    if (transport.isSecure(connection)) return false;
    if (Reflect.get(guard, 'canActivate') !== CAN_ACTIVATE || isAwaited(request)) return false;
    const answered = enforcer.judge(request, input, connection);
    if (answered === undefined) return false;
    const raw = rawRequestOf(request);
    writeAnswer(raw, takeOver(response), buildAnswer(answered, raw.headers.accept));
    return true;
  }

  return function routeGate({ place, method, callback }) {
    const handler = compileHandler(place, enforcer);
    if (!handler.marked || !writesOurBody(place.controller, method) || !(filterIsOurs ??= isFilterOurs(modules)))
      return undefined;
    return copyFunctionMetadata(callback, function gatedHandler(this: unknown, request, response, next) {
      return turnsAway(request, response, handler) ? undefined : callback.call(this, request, response, next);
    });
  };
}

/** A filter that the application binds to a handler or its controller writes the body itself. */
function writesOurBody(controller: HandlerClass, handler: Handler): boolean {
  const filters = [...boundFilters(handler), ...boundFilters(controller)];
  return filters.length > 0 && filters.every((filter) => filter === SecureExceptionFilter);
}

/** A test may have put another filter in the place of ours. Every module that has a marked controller has made one. */
function isFilterOurs(modules: ModulesContainer): boolean {
  return [...modules.values()].every(({ injectables }) => {
    const made: unknown = injectables.get(SecureExceptionFilter)?.instance;
    return made === undefined || Object.getPrototypeOf(made) === SecureExceptionFilter.prototype;
  });
}

/** Takes the response, with what may stand in the answer of all that the application has set so far. */
function takeOver(response: PlatformResponse): ServerResponse {
  const raw = takeResponse(response);
  if (!isReply(response)) return raw;
  for (const [name, value] of Object.entries(response.getHeaders())) {
    if (value !== undefined && isAnswerHeader(name)) setIfWritable(raw, name, value);
  }
  return raw;
}

/** Fastify takes any value, and finds out when it writes the head. A redirect to https does without one that cannot be written. */
function setIfWritable(response: ServerResponse, name: string, value: OutgoingHttpHeader): void {
  try {
    response.setHeader(name, value);
  } catch {
    // The application's own answers fail with it, and say so.
  }
}

/** What is used of a Fastify reply. */
interface Reply {
  readonly raw: ServerResponse;
  getHeaders(): OutgoingHttpHeaders;
}

function isReply(response: PlatformResponse): response is Reply {
  return 'hijack' in response;
}

/** Makes a function pass for another: adapters read the metadata and the properties of what they are given, tracers the name. */
export function copyFunctionMetadata(original: RouteCallback, replacement: RouteCallback): RouteCallback {
  Object.defineProperty(replacement, 'name', { configurable: true, value: original.name });
  for (const key of Reflect.getMetadataKeys(original)) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, original), replacement);
  }
  return Object.assign(replacement, original);
}
