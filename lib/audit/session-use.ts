import type { HandlerClass } from '../options/mark-types.js';
import { findMethod } from './handler-method.js';
import { codeFacts, takesSession } from './handler-parameters.js';

/** The keys under which Nest and TypeScript keep what a class injects. */
const CONSTRUCTOR_TYPES = 'design:paramtypes';
const CONSTRUCTOR_TOKENS = 'self:paramtypes';
const PROPERTY_TOKENS = 'self:properties_metadata';

/** What a handler may call of SecureSessions; the last two names are those of other services as well. */
const OF_SESSIONS = new Set(['signIn', 'signOut', 'regenerate', 'revokeAll', 'revoke', 'list']);

/**
 * Text that a handler has which uses the session: a word of it, or a call of a method of its own class, which may. Parsing takes
 * 40 ms of 1,000 handlers, and most have neither.
 */
const MAY_USE =
  /session|log(?:in|out)|isAuthenticated|sign(?:In|Out)|regenerate|revoke|list|\bthis\s*\??\.\s*\w+\s*(?:\?\.\s*)?\(|\bthis\s*(?:\?\.\s*)?\[/i;

/**
 * How a handler uses the session, in words ("it takes the session"), as far as its parameters, its code and that of the
 * methods that it calls on its own class show; undefined where they show nothing.
 */
export function sessionUse(controller: HandlerClass, handler: string): string | undefined {
  if (takesSession(controller, handler)) return 'it takes the session';
  // With its comments: a pattern that takes them out takes code with them, such as what follows '//cdn.example'.
  if (!MAY_USE.test(String(findMethod(controller, handler)))) return undefined;
  const { session, calls } = codeFacts(controller, handler);
  const [used] = session;
  if (used !== undefined) return `its code uses ${used} of the request`;
  const call = calls.find((name) => OF_SESSIONS.has(name));
  return call === undefined || !injectsSessions(controller) ? undefined : `its code calls ${call} of SecureSessions`;
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
