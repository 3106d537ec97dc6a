import type { HandlerClass } from '../options/mark.js';
import { codeOf, methodOf } from './handler-method.js';

/** The keys under which Nest and TypeScript keep what a handler takes and what a class injects. */
const ROUTE_ARGUMENTS = '__routeArguments__';
const CONSTRUCTOR_TYPES = 'design:paramtypes';
const CONSTRUCTOR_TOKENS = 'self:paramtypes';
const PROPERTY_TOKENS = 'self:properties_metadata';

/** RouteParamtypes.SESSION of Nest: the number is the same in 11 and 12. */
const SESSION_PARAMETER = /^7:/;

/** `request.session`, `request['session']`, `{ session } = request`, and what Passport adds to a request. */
const IN_CODE = [
  /(?<!\bthis)\??\.(session)\b(?!\s*\()/,
  /\breq(?:uest)?(?:\.raw)?\??\.(log[iI]n|log[oO]ut|isAuthenticated)\b/,
  /\[["'`](session)["'`]\]/,
  /\{[^{}]*\b(session)\b[^{}]*\}\s*=[^=>]/,
];

/** What a handler may call of SecureSessions; the last two names are those of other services as well. */
const OF_SESSIONS = /\.(signIn|signOut|regenerate|revokeAll)\(|[sS]essions\.(revoke|list)\(/;

/**
 * How a handler uses the session, in words ("it takes the session"), as far as its parameters, its code and that of the
 * methods that it calls on its own class show; undefined where they show nothing.
 */
export function sessionUse(controller: HandlerClass, handler: string): string | undefined {
  if (takesSession(controller, handler)) return 'it takes the session';
  const code = codeWithCalled(controller, handler);
  const used = IN_CODE.map((pattern) => pattern.exec(code)?.[1]).find((name) => name !== undefined);
  if (used !== undefined) return `its code uses ${used} of the request`;
  const call = OF_SESSIONS.exec(code);
  if (call === null || !injectsSessions(controller)) return undefined;
  return `its code calls ${call[1] ?? call[2]} of SecureSessions`;
}

/** Whether a handler has a parameter under `@Session()`. */
export function takesSession(controller: HandlerClass, handler: string): boolean {
  const parameters: unknown = Reflect.getMetadata(ROUTE_ARGUMENTS, controller, handler);
  return Object.keys(Object(parameters)).some((key) => SESSION_PARAMETER.test(key));
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

function codeWithCalled(controller: HandlerClass, handler: string): string {
  const own = codeOf(methodOf(controller, handler));
  const called = new Set([...own.matchAll(/\bthis\.(\w+)\(/g)].map(([, name]) => name ?? ''));
  return [own, ...[...called].map((name) => codeOf(methodOf(controller, name)))].join('\n');
}
