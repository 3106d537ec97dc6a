import type { HttpServer } from '@nestjs/common';
import { FRAMEWORK_PROTOCOL, type PlatformRequest } from './platform.js';

/** The symbol under which Fastify keeps the constructor of an instance's requests. */
const FASTIFY_REQUEST = 'fastify.Request';

/**
 * Makes `req.secure` and `req.protocol` say what the declared proxies say, by a getter on the prototype of this
 * application's own requests: never process-wide, and no cost per request.
 *
 * @throws Error when the adapter's requests cannot be reached.
 */
export function unifyRequestScheme(adapter: HttpServer, isSecure: (request: PlatformRequest) => boolean): void {
  const prototype = requestPrototypeOf(adapter.getInstance());
  if (prototype === undefined) {
    throw new Error(
      'SecureModule cannot make req.secure agree with proxies on this HTTP adapter. Use @nestjs/platform-express or @nestjs/platform-fastify, or leave proxies out.',
    );
  }
  const framework: unknown = Object.getPrototypeOf(prototype);
  Object.defineProperties(prototype, {
    [FRAMEWORK_PROTOCOL]: {
      configurable: true,
      get(this: PlatformRequest): unknown {
        return isObject(framework) ? Reflect.get(framework, 'protocol', this) : undefined;
      },
    },
    protocol: {
      configurable: true,
      get(this: PlatformRequest) {
        return isSecure(this) ? 'https' : 'http';
      },
    },
    secure: {
      configurable: true,
      get(this: PlatformRequest) {
        return isSecure(this);
      },
    },
  });
}

function requestPrototypeOf(instance: unknown): object | undefined {
  // Express: `app.request`, an object of this application's own that its requests inherit from.
  if (typeof instance === 'function') {
    const request: unknown = Reflect.get(instance, 'request');
    return isObject(request) ? request : undefined;
  }
  return isObject(instance) ? fastifyPrototype(instance) : undefined;
}

/**
 * Fastify: the prototype of the constructor this instance builds requests with. With `trustProxy` Fastify has put its
 * own `protocol` there for good, so a prototype that inherits from it takes its place.
 */
function fastifyPrototype(instance: object): object | undefined {
  const symbol = symbolsOf(instance).find(({ description }) => description === FASTIFY_REQUEST);
  const constructor: unknown = symbol === undefined ? undefined : Reflect.get(instance, symbol);
  if (typeof constructor !== 'function') return undefined;
  const own: unknown = constructor.prototype;
  if (!isObject(own)) return undefined;
  const prototype: object = Object.create(own);
  constructor.prototype = prototype;
  return prototype;
}

function symbolsOf(instance: object): symbol[] {
  const symbols: symbol[] = [];
  for (let at: unknown = instance; isObject(at); at = Object.getPrototypeOf(at)) {
    symbols.push(...Object.getOwnPropertySymbols(at));
  }
  return symbols;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
