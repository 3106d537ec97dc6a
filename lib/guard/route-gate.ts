import type { ModulesContainer } from '@nestjs/core';
import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Handler, HandlerClass } from '../options/mark.js';
import { answerOf } from '../answer/answer.js';
import type { Enforcer } from '../enforcer/enforcer.js';
import { compileHandler, type GuardedHandler } from '../enforcer/handler-policy.js';
import {
  rawRequestOf,
  rawResponseOf,
  takeResponse,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform/platform.js';
import { applyResponseHalf } from '../enforcer/response-options.js';
import { SecureExceptionFilter } from './secure-exception.filter.js';
import { SecureGuard } from './secure.guard.js';
import { isAnswerHeader, writeAnswer } from '../answer/lock-response.js';
import { compileSendHooks } from './on-send-hooks.js';

/** The key under which Nest keeps what `@UseFilters()` binds. */
const FILTERS = '__exceptionFilters__';

/** What the guard is when nobody has replaced or spied on it. */
const CAN_ACTIVATE: unknown = Reflect.get(SecureGuard.prototype, 'canActivate');

/** What the router calls for a handler. */
export type RouteCallback = (request: PlatformRequest, response: PlatformResponse, next?: unknown) => unknown;

/** A handler, and what the router is to call for it. */
export interface RoutedHandler {
  readonly controller: HandlerClass;
  readonly handler: Handler;
  readonly callback: RouteCallback;
}

/** Stands before what the router calls for a handler; undefined where the guard alone is to judge its requests. */
export type InnerGate = (routed: RoutedHandler) => RouteCallback | undefined;

/**
 * Compiles a gate for marked handlers, where the router hands a request over. It answers a plain-HTTP request as the guard
 * would, ahead of all that Nest does for a handler: a controller that is made for each request is not made for this one,
 * and nothing has to be thrown and caught. It is there beside the guard, never in its place: whatever it cannot tell for
 * certain it leaves to the guard, which judges what reaches a handler on any other way too.
 *
 * Undefined where something else than `SecureGuard` itself was put in its place, and where nothing is answered.
 */
export function compileRouteGate(
  enforcer: Enforcer,
  guard: SecureGuard,
  modules: ModulesContainer,
): InnerGate | undefined {
  const { transport, reportOnly } = enforcer.settings;
  if (!enforcer.enforcing || reportOnly || Object.getPrototypeOf(guard) !== SecureGuard.prototype) return undefined;
  const isAwaited = compileSendHooks();
  let filterIsOurs: boolean | undefined;

  function letThrough(request: PlatformRequest, response: PlatformResponse, { responseOptions }: GuardedHandler): void {
    // Whoever listens to the verdicts hears of it from the guard.
    if (enforcer.observed) return;
    enforcer.letThrough(request);
    if (responseOptions !== undefined) applyResponseHalf(responseOptions, request, rawResponseOf(response), enforcer);
  }

  function answers(request: PlatformRequest, response: PlatformResponse, handler: GuardedHandler): boolean {
    if (Reflect.get(guard, 'canActivate') !== CAN_ACTIVATE) return false;
    const connection = enforcer.connectionOf(request);
    if (transport.isSecure(connection)) {
      letThrough(request, response, handler);
      return false;
    }
    if (isAwaited(request)) return false;
    const answered = enforcer.judge(request, handler.input, connection);
    if (answered === undefined) return false;
    const raw = rawRequestOf(request);
    writeAnswer(raw, takeOver(response), answerOf(answered, raw.headers.accept));
    return true;
  }

  return function routeGate({ controller, handler: method, callback }) {
    const handler = compileHandler(controller, method, enforcer);
    if (!handler.marked || !writesOurBody(controller, method) || !(filterIsOurs ??= isFilterOurs(modules)))
      return undefined;
    return copyFunctionMetadata(callback, function gatedHandler(this: unknown, request, response, next) {
      return answers(request, response, handler) ? undefined : callback.call(this, request, response, next);
    });
  };
}

/** A filter that the application binds to a handler or its controller writes the body itself. */
function writesOurBody(controller: HandlerClass, handler: Handler): boolean {
  const bound: unknown[] = [Reflect.getMetadata(FILTERS, handler), Reflect.getMetadata(FILTERS, controller)].flat();
  const filters = bound.filter((filter) => filter !== undefined);
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
function copyFunctionMetadata(original: RouteCallback, replacement: RouteCallback): RouteCallback {
  Object.defineProperty(replacement, 'name', { configurable: true, value: original.name });
  for (const key of Reflect.getMetadataKeys(original)) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, original), replacement);
  }
  return Object.assign(replacement, original);
}
