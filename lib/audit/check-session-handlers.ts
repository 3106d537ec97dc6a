import type { Findings } from '../findings/findings.js';
import type { Route } from '../policy/route-table.js';
import { readRecentSignIn } from '../platform/marks.js';
import { handlerSubject, type BootFacts } from './boot-facts.js';
import { functionCode, findMethod } from './handler-method.js';
import { takesSession } from './handler-parameters.js';
import { sessionUse } from './session-use.js';

/** The key under which Nest keeps what `@UseInterceptors()` binds. */
const INTERCEPTORS = '__interceptors__';

/** What can be told of handlers that use the session, and of what stands beside it. */
export function checkSessionHandlers(facts: BootFacts, findings: Findings): void {
  const { settings, routes, globalInterceptors, sessionMiddleware } = facts;
  if (settings.options.session === undefined) return;
  for (const name of sessionMiddleware) {
    findings.report('SEC233', {
      subject: name,
      cause: `The application uses ${name} beside the session option of SecureModule, and both want to be req.session.`,
      fix: `Take ${name} out of the application.`,
    });
  }
  for (const route of routes) {
    checkCache(route, globalInterceptors, findings);
    checkDeletion(route, findings);
    checkSensitive(route, findings);
  }
}

/** How handlers are named that change how a user signs in, or end an account. */
const SENSITIVE =
  /^(?:change|update|set|replace)(?:my|own|user|account)?(?:password|passphrase|(?:e?mail)?address|e?mail)$|^(?:delete|remove|close|erase)(?:my|own|user)?account$/i;

/** An attacker who finds a session that is signed in would take over the account with these. */
function checkSensitive(route: Route, findings: Findings): void {
  const { controller, handler, method } = route;
  if (controller === undefined || handler === undefined || method === 'GET') return;
  if (!SENSITIVE.test(handler) || readRecentSignIn(controller, handler) !== undefined) return;
  findings.report('SEC242', {
    subject: handlerSubject(route),
    cause: `It is named ${handler}, and runs however long ago the user signed in, so a browser that was left open is enough.`,
    fix: "Write @RecentSignIn('10 minutes') on it, and let the user confirm who they are.",
  });
}

/** Nest's CacheInterceptor keeps what a handler returned by the URL alone. */
function checkCache(route: Route, globalInterceptors: readonly unknown[], findings: Findings): void {
  const { controller, handler, method } = route;
  if (controller === undefined || handler === undefined || (method !== 'GET' && method !== 'ALL')) return;
  const bound = [findMethod(controller, handler), controller].flatMap((target) => interceptorsOf(target));
  if (![...globalInterceptors, ...bound].some(isCache)) return;
  const use = sessionUse(controller, handler);
  if (use === undefined) return;
  findings.report('SEC231', {
    subject: handlerSubject(route),
    cause: `CacheInterceptor stands before it, which keeps what it returns by the URL alone, and ${use}: the page of one user is sent to the next.`,
    fix: 'Take CacheInterceptor off this handler, or extend it with a trackBy() that returns undefined here, or a key with the id of the user in it.',
  });
}

/** A session is there from its first touch on: without one there is nothing to delete. */
function checkDeletion(route: Route, findings: Findings): void {
  const { controller, handler } = route;
  if (controller === undefined || handler === undefined || takesSession(controller, handler)) return;
  const code = functionCode(findMethod(controller, handler));
  const deletion = /\bdelete\s+[\w$.]+\.session\b(?!\s*[.[?])/.exec(code);
  if (deletion === null || /\.session\b/.test(code.slice(0, deletion.index))) return;
  findings.report('SEC234', {
    subject: handlerSubject(route),
    cause:
      'Its code deletes req.session and does not touch it before. A session is loaded at its first touch, so there is nothing to delete, and it goes on.',
    fix: 'Call SecureSessions.signOut(request), which ends the session in the store and in the browser.',
  });
}

function interceptorsOf(target: object | undefined): readonly unknown[] {
  const bound: unknown = target === undefined ? undefined : Reflect.getMetadata(INTERCEPTORS, target);
  return Array.isArray(bound) ? bound : [];
}

/** By name: it comes from a package that need not be there. One with its own `trackBy` knows what it keeps. */
function isCache(interceptor: unknown): boolean {
  let type: unknown = typeof interceptor === 'function' ? interceptor : Object(interceptor).constructor;
  for (; typeof type === 'function' && type !== Function.prototype; type = Object.getPrototypeOf(type)) {
    if (type.name === 'CacheInterceptor') return true;
    if (Object.hasOwn(Object(type.prototype), 'trackBy')) return false;
  }
  return false;
}
