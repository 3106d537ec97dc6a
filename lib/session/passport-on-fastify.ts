import type { HttpServer } from '@nestjs/common';
import { rawRequestOf, type PlatformRequest } from '../platform/platform.js';

/** What Passport puts on the request that its middleware is given: Node's own under Fastify. */
const REQUEST_NAMES = [
  'user',
  'authInfo',
  'account',
  'isAuthenticated',
  'isUnauthenticated',
  'logIn',
  'login',
  'logOut',
  'logout',
  'flash',
  '_sessionManager',
  '_userProperty',
  '_passport',
];

/** A decoration that takes no name from anybody. */
const DECORATED = Symbol('nestjs-secure:reply');

/** What is used of a Fastify instance. */
interface Instance {
  addHook(name: 'onReady', hook: () => Promise<void>): unknown;
  hasRequestDecorator(name: string): boolean;
  hasReplyDecorator(name: string | symbol): boolean;
  decorateRequest(name: string, accessor: object): unknown;
  decorateReply(name: string | symbol, method: Function): unknown;
}

/** What is used of a Fastify reply. */
interface Reply {
  header(name: string, value: unknown): Reply;
  send(payload: unknown): Reply;
}

/**
 * Lets Passport work on Fastify as Nest documents it: what its middleware puts on Node's request is seen on the one that
 * handlers and guards have, and its redirects have the methods of a response they call. What the application has
 * decorated itself stays as it is.
 */
export function bridgePassport(adapter: HttpServer): void {
  const instance: unknown = adapter.getInstance();
  if (!isFastify(instance)) return;
  // Fastify uses the class of its replies for routes only where something was decorated by the time they are made.
  if (!instance.hasReplyDecorator(DECORATED)) instance.decorateReply(DECORATED, end);
  // Later than every plugin: a name that is taken makes their own decorateRequest throw.
  instance.addHook('onReady', async () => {
    for (const name of REQUEST_NAMES) {
      if (!instance.hasRequestDecorator(name)) instance.decorateRequest(name, accessorTo(name));
    }
    if (!instance.hasReplyDecorator('setHeader')) instance.decorateReply('setHeader', setHeader);
    if (!instance.hasReplyDecorator('end')) instance.decorateReply('end', end);
  });
}

function accessorTo(name: string): object {
  return {
    getter(this: PlatformRequest): unknown {
      return Reflect.get(rawRequestOf(this), name);
    },
    setter(this: PlatformRequest, value: unknown): void {
      Reflect.set(rawRequestOf(this), name, value);
    },
  };
}

function setHeader(this: Reply, name: string, value: unknown): Reply {
  return this.header(name, value);
}

function end(this: Reply, payload: unknown = ''): Reply {
  return this.send(payload);
}

function isFastify(instance: unknown): instance is Instance {
  return (
    typeof instance === 'object' &&
    instance !== null &&
    'decorateRequest' in instance &&
    'hasRequestDecorator' in instance &&
    'decorateReply' in instance
  );
}
