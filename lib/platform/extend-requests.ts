import type { HttpServer } from '@nestjs/common';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { explainLack } from './adapter-capabilities.js';
import { FRAMEWORK_PROTOCOL, type PlatformRequest } from './platform.js';
import { isObject, prototypeChain, readProperty } from './unknown-values.js';

/** The symbol under which Fastify keeps the constructor of an instance's requests. */
const FASTIFY_REQUEST = 'fastify.Request';

/** Tells Fastify that its requests are decorated. */
const UNIFIED = Symbol.for('nestjs-secure:unified');

/**
 * Gives the requests of this application properties of their own: on their prototype, so never process-wide, and at no
 * cost per request.
 *
 * @throws Error when the adapter's requests cannot be reached.
 */
export function extendRequests(adapter: HttpServer, properties: (prototype: object) => PropertyDescriptorMap): void {
  const prototype = requestPrototypeOf(adapter.getInstance());
  if (prototype === undefined) throw new Error(explainLack('requestPrototype'));
  Object.defineProperties(prototype, properties(prototype));
}

/** `req.secure` and `req.protocol` as the declared proxies have it. */
export function schemeProperties(
  prototype: object,
  isSecure: (request: PlatformRequest) => boolean,
): PropertyDescriptorMap & ThisType<PlatformRequest> {
  const framework: unknown = Object.getPrototypeOf(prototype);
  return {
    [FRAMEWORK_PROTOCOL]: {
      configurable: true,
      get(): unknown {
        return isObject(framework) ? Reflect.get(framework, 'protocol', this) : undefined;
      },
    },
    protocol: {
      configurable: true,
      get() {
        return isSecure(this) ? 'https' : 'http';
      },
    },
    secure: {
      configurable: true,
      get() {
        return isSecure(this);
      },
    },
  };
}

/** An address of the documentation (RFC 5737): nobody's proxy. */
const TEST_NET_ADDRESS = { remoteAddress: '203.0.113.1' };

/** Whether the framework would believe a forwarded scheme of anybody. */
export function trustsEverybody(adapter: HttpServer): boolean {
  const prototype = compilePrototypeReader(adapter.getInstance())();
  if (prototype === undefined) return false;
  const request: object = Object.create(prototype, {
    socket: { value: TEST_NET_ADDRESS },
    connection: { value: TEST_NET_ADDRESS },
    raw: { value: { socket: TEST_NET_ADDRESS } },
    headers: { value: { 'x-forwarded-proto': 'https' } },
  });
  return (Reflect.get(request, FRAMEWORK_PROTOCOL) ?? Reflect.get(request, 'protocol')) === 'https';
}

/**
 * Compiles how a request that the framework will not see, such as a handshake, is given what the framework would say of it.
 * A class for them, because an object that `Object.create` gives properties takes 6 us: of an exempt request in mode `all`,
 * which the server gate looks at, that was a tenth.
 */
export function compileFrameworkRequests(adapter: HttpServer): (raw: IncomingMessage) => PlatformRequest {
  const readPrototype = compilePrototypeReader(adapter.getInstance());
  let known: object | undefined;
  let create: (raw: IncomingMessage) => PlatformRequest = (raw) => raw;
  return function asFrameworkRequest(raw) {
    const prototype = readPrototype();
    if (prototype !== known && prototype !== undefined) create = compileFrameworkRequest(prototype);
    known = prototype;
    return prototype === undefined ? raw : create(raw);
  };
}

function compileFrameworkRequest(prototype: object): (raw: IncomingMessage) => PlatformRequest {
  // Fields, which the accessors of the prototype do not get to see.
  class FrameworkRequest {
    readonly raw: IncomingMessage;
    readonly socket: Socket;
    readonly connection: Socket;
    readonly headers: IncomingHttpHeaders;
    // Fastify would look for them in the route, and there is none.
    readonly is404 = undefined;
    readonly routeOptions = undefined;

    constructor(raw: IncomingMessage) {
      this.raw = raw;
      this.socket = raw.socket;
      this.connection = raw.socket;
      this.headers = raw.headers;
    }
  }
  Object.setPrototypeOf(FrameworkRequest.prototype, prototype);
  return (raw) => new FrameworkRequest(raw);
}

/** Compiles what finds the prototype of the framework's requests, which Fastify may replace until it is ready. */
function compilePrototypeReader(instance: unknown): () => object | undefined {
  const symbol = fastifyRequestSymbol(instance);
  return () => {
    const holder: unknown = symbol === undefined ? undefined : Reflect.get(Object(instance), symbol);
    const prototype: unknown = typeof holder === 'function' ? holder.prototype : ownRequestPrototype(instance);
    return isObject(prototype) ? prototype : undefined;
  };
}

/** Express: `app.request`, an object of this application's own that its requests inherit from. */
function ownRequestPrototype(instance: unknown): object | undefined {
  const request: unknown = Reflect.get(Object(instance), 'request');
  return isObject(request) ? request : undefined;
}

function requestPrototypeOf(instance: unknown): object | undefined {
  const constructor = fastifyConstructor(instance);
  return constructor === undefined ? ownRequestPrototype(instance) : fastifyPrototype(Object(instance));
}

/**
 * Fastify: the prototype of the constructor this instance builds requests with. With `trustProxy` Fastify has put its
 * own `protocol` there for good, so a prototype that inherits from it takes its place.
 */
function fastifyPrototype(instance: object): object | undefined {
  const constructor = fastifyConstructor(instance);
  const own: unknown = constructor?.prototype;
  if (constructor === undefined || !isObject(own)) return undefined;
  const prototype: object = Object.create(own);
  constructor.prototype = prototype;
  // Once it is ready, Fastify drops a constructor that was never decorated for the one it was made from.
  const decorate: unknown = Reflect.get(instance, 'decorateRequest');
  if (typeof decorate !== 'function') return undefined;
  Reflect.apply(decorate, instance, [UNIFIED, { getter: () => true }]);
  return prototype;
}

/** The prototype of the requests of a Fastify instance, as it is now. */
export function fastifyRequestPrototype(instance: unknown): object | undefined {
  const prototype: unknown = fastifyConstructor(instance)?.prototype;
  return isObject(prototype) ? prototype : undefined;
}

/** Whether the server of an adapter speaks HTTP/2. */
export function speaksHttp2(adapter: HttpServer): boolean {
  const instance: unknown = adapter.getInstance();
  return readProperty(readProperty(instance, 'initialConfig'), 'http2') === true;
}

function fastifyConstructor(instance: unknown): { prototype: unknown } | undefined {
  const symbol = fastifyRequestSymbol(instance);
  const constructor: unknown = symbol === undefined ? undefined : Reflect.get(Object(instance), symbol);
  return typeof constructor === 'function' ? constructor : undefined;
}

function fastifyRequestSymbol(instance: unknown): symbol | undefined {
  if (!isObject(instance)) return undefined;
  const symbols = [...prototypeChain(instance)].flatMap((at) => Object.getOwnPropertySymbols(at));
  return symbols.find(({ description }) => description === FASTIFY_REQUEST);
}
