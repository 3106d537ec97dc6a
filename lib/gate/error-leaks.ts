import type { HttpServer } from '@nestjs/common';
import { isRequest, type PlatformRequest } from '../platform/platform.js';
import { wrapMethod } from '../platform/wrap-method.js';

/** Told of a request that a parser or the router has turned away with an error. */
export type OnTurnedAway = (request: PlatformRequest) => void;

/** Where Fastify keeps the options of an instance, and in them what answers a path that its router cannot decode. */
const FASTIFY_OPTIONS = 'fastify.options';
const FRAMEWORK_ERRORS = 'frameworkErrors';

/** How many parameters Express knows an error handler by. */
const EXPRESS_PARAMETERS = 4;

/** The handlers that tell already: an adapter may hand one on to its instance. */
const telling = new WeakSet<object>();

/**
 * Tells of each request that ends in an error before a handler is called: a body that cannot be parsed, is too long or of
 * an unknown type, a path that cannot be decoded. Such errors go through the error handler that Nest gives the adapter, or
 * through one that the application puts before it, so other requests pay nothing.
 */
export function watchErrors(adapter: HttpServer, tell: OnTurnedAway): void {
  const instance: object = Object(adapter.getInstance());
  for (const target of [adapter, instance]) {
    makeTell(target, 'setErrorHandler', () => true, tell);
    makeTell(target, 'use', (given) => typeof given === 'function' && given.length === EXPRESS_PARAMETERS, tell);
  }
  watchFrameworkErrors(instance, tell);
}

/** Has the error handlers that a method is given tell. */
function makeTell(
  target: object,
  method: 'setErrorHandler' | 'use',
  isErrorHandler: (given: unknown) => boolean,
  tell: OnTurnedAway,
): void {
  // Express takes lists of handlers too.
  const replace = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(replace);
    return isErrorHandler(one) ? tellingHandler(one, tell) : one;
  };
  wrapMethod(target, method, (given, register) => register(given.map(replace)));
}

function tellingHandler(handler: unknown, tell: OnTurnedAway): unknown {
  if (typeof handler !== 'function' || telling.has(handler)) return handler;
  const handleError = function (
    this: unknown,
    error: unknown,
    request: unknown,
    response: unknown,
    next: unknown,
  ): unknown {
    if (isRequest(request)) tell(request);
    return Reflect.apply(handler, this, [error, request, response, next]);
  };
  telling.add(handleError);
  return handleError;
}

/** Fastify calls no hook and no error handler for a path that its router cannot decode, only this option. */
function watchFrameworkErrors(instance: object, tell: OnTurnedAway): void {
  const slot = Object.getOwnPropertySymbols(instance).find(({ description }) => description === FASTIFY_OPTIONS);
  const options: unknown = slot === undefined ? undefined : Reflect.get(instance, slot);
  if (typeof options !== 'object' || options === null) return;
  // Nest 12 sets it, and answers with the error as Fastify does on its own.
  const frameworkErrors: unknown = Reflect.get(options, FRAMEWORK_ERRORS) ?? sendError;
  if (typeof frameworkErrors !== 'function') return;
  Reflect.set(options, FRAMEWORK_ERRORS, (error: unknown, request: unknown, reply: unknown): unknown => {
    if (isRequest(request)) tell(request);
    return Reflect.apply(frameworkErrors, undefined, [error, request, reply]);
  });
}

function sendError(error: unknown, _request: unknown, reply: { send(payload: unknown): unknown }): unknown {
  return reply.send(error);
}
