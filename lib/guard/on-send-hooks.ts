import type { PlatformRequest } from '../platform/platform.js';
import { readProperty } from '../platform/unknown-values.js';

/** The symbol under which Fastify keeps what it knows of the route on a request. */
const ROUTE_CONTEXT = 'fastify.context';

/** Names the hook of this package: Fastify binds hooks, so that only their names are left to tell them by. */
const OWN = 'nestjs-secure:onSend';

/** Marks a hook before an answer is sent as one of this package, which has no part in an answer over plain HTTP. */
export function nameSendHook(hook: Function): void {
  Object.defineProperty(hook, 'name', { configurable: true, value: OWN });
}

/**
 * Compiles the question whether hooks of the application are to see an answer before Fastify sends it: its own, and those
 * that plugins add to routes. Where Fastify does not tell, they are.
 */
export function compileSendHooks(): (request: PlatformRequest) => boolean {
  let key: symbol | undefined;
  return function areAwaited(request) {
    // Express has none.
    if (!('raw' in request)) return false;
    key ??= Object.getOwnPropertySymbols(request).find(({ description }) => description === ROUTE_CONTEXT);
    const context: unknown = key === undefined ? undefined : Reflect.get(request, key);
    const hooks = readProperty(context, 'onSend');
    if (hooks === null) return false;
    return !Array.isArray(hooks) || !hooks.every(isOwn);
  };
}

function isOwn(hook: unknown): boolean {
  return typeof hook === 'function' && hook.name.endsWith(OWN);
}
