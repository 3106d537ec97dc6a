import type { HttpServer } from '@nestjs/common';

/** What the module needs of an HTTP adapter. */
interface Capability {
  /** The name that a boot error gives. */
  readonly name: string;
  /** Where the adapter has it. */
  readonly from: string;
  /** What cannot be enforced without it. */
  readonly without: string;
}

/**
 * Everything that the module needs of an HTTP adapter, in one table. An adapter that has it works, whatever its name is.
 * One that lacks a capability is a boot error that names it, where an option needs it.
 */
const CAPABILITIES = {
  routeRegistration: {
    name: 'route registration',
    from: 'the methods get, post, put, patch, delete, head, options and all',
    without: 'no route would be recorded, and no path rule be matched with routes',
  },
  requestHook: {
    name: 'request hook',
    from: 'setOnRequestHook(), kept as onRequestHook and called with every request',
    without: "paths and mode 'all' would not be enforced, and sessions, HSTS and cookies would not be handled",
  },
  requestPrototype: {
    name: 'per-request scheme',
    from: "a prototype of this application's requests: the property request of its instance, or Fastify's constructor",
    without: 'the proxies and session options would not reach req.secure, req.ip and req.session',
  },
  rawRequest: {
    name: 'raw request',
    from: "Node's IncomingMessage, as the request itself or as its property raw",
    without: 'the connection of a request cannot be read, so the request is refused',
  },
  rawResponse: {
    name: 'raw response',
    from: "Node's ServerResponse, as the response itself or as its property raw",
    without: 'a redirect or refusal cannot be written, so the request is refused',
  },
} as const satisfies Record<string, Capability>;

const ROUTE_METHODS = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options', 'all'];

/** Explains which capability an adapter lacks, what follows, and what to do. */
export function explainLack(key: keyof typeof CAPABILITIES): string {
  const { name, from, without } = CAPABILITIES[key];
  return `This HTTP adapter lacks a capability that SecureModule needs, the ${name} (${from}). Without it ${without}. Use @nestjs/platform-express or @nestjs/platform-fastify.`;
}

/**
 * Checks the capability that every application needs.
 *
 * @throws Error when routes cannot be recorded with the adapter.
 */
export function assertRoutesCanBeRecorded(adapter: HttpServer): void {
  if (ROUTE_METHODS.some((method) => typeof Reflect.get(adapter, method) !== 'function')) {
    throw new Error(explainLack('routeRegistration'));
  }
}
