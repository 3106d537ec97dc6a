import type { HandlerClass } from '../options/mark-types.js';
import { codeFacts } from './handler-parameters.js';

/** The keys under which Nest and TypeScript keep what a class injects. */
const CONSTRUCTOR_TYPES = 'design:paramtypes';
const CONSTRUCTOR_TOKENS = 'self:paramtypes';
const PROPERTY_TOKENS = 'self:properties_metadata';

/** What a handler may call of SecureSessions; the last two names are those of other services as well. */
const OF_SESSIONS = new Set(['signIn', 'signOut', 'regenerate', 'revokeAll', 'revoke', 'list']);

/**
 * How a handler uses the session, in words ("it takes the session"), as far as its parameters, its code and that of the
 * methods that it calls on its own class show; undefined where they show nothing.
 */
export function sessionUse(controller: HandlerClass, handler: string): string | undefined {
  if (takesSession(controller, handler)) return 'it takes the session';
  const { session, calls } = codeFacts(controller, handler);
  const [used] = session;
  if (used !== undefined) return `its code uses ${used} of the request`;
  const call = calls.find((name) => OF_SESSIONS.has(name));
  return call === undefined || !injectsSessions(controller) ? undefined : `its code calls ${call} of SecureSessions`;
}

/** Whether a handler has a parameter under `@Session()`. */
export function takesSession(controller: HandlerClass, handler: string): boolean {
  return codeFacts(controller, handler).parameters.some(({ origin }) => origin === 'session');
}

/** By name: the class may come from another copy of this package. */
function injectsSessions(controller: HandlerClass): boolean {
  const injected: unknown[] = [
    Reflect.getMetadata(CONSTRUCTOR_TYPES, controller),
    Reflect.getMetadata(CONSTRUCTOR_TOKENS, controller),
    Reflect.getMetadata(PROPERTY_TOKENS, controller),
  ].flat();
  return injected
    .flatMap((one) => [one, Object(one).param, Object(one).type])
    .some((token) => typeof token === 'function' && token.name === 'SecureSessions');
}
