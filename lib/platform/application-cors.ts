import type { HttpServer } from '@nestjs/common';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { rawRequestOf, rawResponseOf, type PlatformRequest, type PlatformResponse } from './platform.js';

/** What lets a script of another origin read a response. */
const CORS_HEADER = /^(?:vary|access-control-.*)$/i;

/** The slot in which the Fastify adapter keeps the hook of `app.enableCors()`, from 11.2.10 on. */
const CORS_HOOK = 'corsHook';

type CorsMiddleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => unknown;
type CorsHook = (request: PlatformRequest, reply: PlatformResponse, done: (error?: unknown) => void) => unknown;

/** The CORS of the application, for responses that are written before it has its turn. */
export interface ApplicationCors {
  /** Whether the application would let its origins read the response to a request. Never for OPTIONS, which CORS answers itself. */
  concerns(request: IncomingMessage): boolean;
  /**
   * Sets the headers that `app.enableCors()` sets for a request, and calls `proceed` once; without headers where an origin
   * function fails.
   */
  apply(request: PlatformRequest, response: PlatformResponse, proceed: () => void): void;
}

/**
 * Captures what `app.enableCors()` and the option `cors` hand to the adapter. CORS that an application adds on its own,
 * with `app.use(cors())` or a plugin, is not seen.
 */
export function captureCors(adapter: HttpServer): ApplicationCors {
  const middleware: CorsMiddleware[] = [];
  const enableCors: unknown = Reflect.get(adapter, 'enableCors');
  if (typeof enableCors === 'function') {
    Reflect.set(adapter, 'enableCors', (...given: unknown[]): unknown =>
      capturingUse(adapter, middleware, () => Reflect.apply(enableCors, adapter, given)),
    );
  }

  function steps(): CorsHook[] {
    const hook: unknown = Reflect.get(adapter, CORS_HOOK);
    if (isHook(hook)) return [(request, reply, done) => hook.call(adapter, request, reply, done)];
    return middleware.map((cors) => (request, response, done) => {
      cors(rawRequestOf(request), rawResponseOf(response), done);
    });
  }

  return {
    concerns: ({ headers, method }) => headers.origin !== undefined && method !== 'OPTIONS' && steps().length > 0,
    apply(request, response, proceed) {
      const [first, ...others] = steps();
      const finish = (): void => {
        copyHeaders(response);
        proceed();
      };
      run(first, others, request, response, finish);
    },
  };
}

function run(
  step: CorsHook | undefined,
  others: readonly CorsHook[],
  request: PlatformRequest,
  response: PlatformResponse,
  finish: () => void,
): void {
  if (step === undefined) return finish();
  let isDone = false;
  function done(error?: unknown): void {
    if (isDone) return;
    isDone = true;
    const [next, ...rest] = error === undefined || error === null ? others : [];
    run(next, rest, request, response, finish);
  }
  try {
    const returned = step(request, response, done);
    if (returned instanceof Promise) returned.then(undefined, done);
  } catch (error) {
    done(error);
  }
}

/** Express: the middleware that the adapter passes to its own `use`. */
function capturingUse(adapter: HttpServer, middleware: CorsMiddleware[], enable: () => unknown): unknown {
  const own = Object.getOwnPropertyDescriptor(adapter, 'use');
  const use: unknown = Reflect.get(adapter, 'use');
  Reflect.set(adapter, 'use', (...given: unknown[]): unknown => {
    const cors = given.at(-1);
    if (isMiddleware(cors)) middleware.push(cors);
    return typeof use === 'function' ? Reflect.apply(use, adapter, given) : undefined;
  });
  try {
    return enable();
  } finally {
    if (own === undefined) Reflect.deleteProperty(adapter, 'use');
    else Object.defineProperty(adapter, 'use', own);
  }
}

/** Fastify keeps the headers of a reply to itself until it sends it. */
function copyHeaders(response: PlatformResponse): void {
  if ('writeHead' in response) return;
  const getHeaders: unknown = Reflect.get(response, 'getHeaders');
  if (typeof getHeaders !== 'function') return;
  const headers: unknown = Reflect.apply(getHeaders, response, []);
  if (typeof headers !== 'object' || headers === null) return;
  for (const [name, value] of Object.entries(headers)) {
    if (CORS_HEADER.test(name) && isHeaderValue(value)) response.raw.setHeader(name, value);
  }
}

function isHeaderValue(value: unknown): value is string | string[] {
  return typeof value === 'string' || (Array.isArray(value) && value.every((one) => typeof one === 'string'));
}

function isMiddleware(value: unknown): value is CorsMiddleware {
  return typeof value === 'function';
}

function isHook(value: unknown): value is CorsHook {
  return typeof value === 'function';
}
