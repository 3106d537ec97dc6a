import type { HttpServer } from '@nestjs/common';
import { isRequest, type PlatformRequest } from '../platform/platform.js';

/** Told of a request that a parser or the router has turned away with an error. */
export type OnTurnedAway = (request: PlatformRequest) => void;

/** Where Fastify keeps the options of an instance, and in them what answers a path that its router cannot decode. */
const FASTIFY_OPTIONS = 'fastify.options';
const FRAMEWORK_ERRORS = 'frameworkErrors';

/**
 * Tells of each request that ends in an error before a handler is called: a body that cannot be parsed, is too long or of
 * an unknown type, a path that cannot be decoded. Such errors go through the error handler that Nest gives the adapter, so
 * other requests pay nothing.
 */
export function watchErrors(adapter: HttpServer, tell: OnTurnedAway): void {
  const setErrorHandler: unknown = Reflect.get(adapter, 'setErrorHandler');
  if (typeof setErrorHandler === 'function') {
    Reflect.set(adapter, 'setErrorHandler', (handler: unknown, ...others: unknown[]): unknown =>
      Reflect.apply(setErrorHandler, adapter, [telling(handler, tell), ...others]),
    );
  }
  watchFrameworkErrors(adapter.getInstance(), tell);
}

/** Express knows error handlers by their four parameters. */
function telling(handler: unknown, tell: OnTurnedAway): unknown {
  if (typeof handler !== 'function') return handler;
  return function handleError(
    this: unknown,
    error: unknown,
    request: unknown,
    response: unknown,
    next: unknown,
  ): unknown {
    if (isRequest(request)) tell(request);
    return Reflect.apply(handler, this, [error, request, response, next]);
  };
}

/** Fastify calls no hook and no error handler for a path that its router cannot decode, only this option. */
function watchFrameworkErrors(instance: unknown, tell: OnTurnedAway): void {
  if (typeof instance !== 'object' || instance === null) return;
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
