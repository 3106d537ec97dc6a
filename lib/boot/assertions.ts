import type { HttpServer } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import type { Findings } from '../findings/findings.js';
import { isRequestHookInstalled } from '../gate/request-hook.js';
import { withoutSessions } from '../guard/recent-sign-in.js';
import type { SecureGuard } from '../guard/secure.guard.js';
import { explainLack } from '../platform/adapter-capabilities.js';
import { isHandlerClass, readRecentSignIn, shortestRecentSignIn } from '../platform/marks.js';
import type { RouteTable } from '../policy/route-table.js';
import { SECURE_OPTIONS } from '../tokens.js';

/**
 * Two modules would have two sets of options. A second copy of this package counts as well: both provide the options.
 *
 * @throws Error when the module is imported twice.
 */
export function assertImportedOnce(modules: ModulesContainer): void {
  const secure = [...modules.values()].filter(({ providers }) => providers.has(SECURE_OPTIONS));
  if (secure.length < 2) return;
  throw new Error(
    'SecureModule is imported twice in one application, and two sets of options cannot both hold. Keep one SecureModule.forRoot() in the root module; it is global.',
  );
}

/**
 * A module that is loaded lazily comes after guards and routes are built: nothing would be enforced.
 *
 * @throws Error when the application has been made already.
 */
export function assertNotLazy(adapter: HttpServer | undefined): void {
  // Set when the application is made. getHttpServer() does not tell: Fastify has a server from the start.
  if (adapter === undefined || Reflect.get(adapter, 'httpServer') === undefined) return;
  throw new Error(
    'SecureModule was loaded lazily, after guards and routes were built, so it would enforce nothing. Import SecureModule.forRoot() in the root module.',
  );
}

/** @throws Error when another global guard runs before `SecureGuard`. */
export function assertGuardIsFirst(config: ApplicationConfig, guard: SecureGuard): void {
  if (config.getGlobalGuards()[0] === guard) return;
  throw new Error(
    'SecureGuard is not the first global guard: something has put another one before it, which would see plain-HTTP requests. Let it use APP_GUARD or app.useGlobalGuards() instead.',
  );
}

/** @throws Error when the adapter does not call the gate. */
export function assertGateIsInstalled(adapter: HttpServer): void {
  if (isRequestHookInstalled(adapter)) return;
  throw new Error(explainLack('requestHook'));
}

/** @throws Error when a handler asks for a recent sign-in, and there are no sessions. */
export function assertNoRecentSignIn(modules: ModulesContainer): void {
  for (const { controllers, providers } of modules.values()) {
    for (const { metatype } of [...controllers.values(), ...providers.values()]) {
      if (isHandlerClass(metatype) && shortestRecentSignIn(metatype) !== undefined) {
        throw new Error(withoutSessions(metatype.name));
      }
    }
  }
}

/** @throws Error when the page where users sign in asks for a recent sign-in: nobody could sign in. */
export function assertSignInPage(routes: RouteTable, signInPath: string | undefined): void {
  if (signInPath === undefined) return;
  for (const { path, controller, handler } of routes.routes()) {
    if (path !== signInPath || controller === undefined || handler === undefined) continue;
    if (readRecentSignIn(controller, handler) === undefined) continue;
    throw new Error(
      `session.signInPath is '${signInPath}', and ${controller.name}.${handler} answers there under @RecentSignIn(), so nobody could sign in. Take @RecentSignIn() off it, or move it to another class.`,
    );
  }
}

/** @throws Error naming every finding of severity error. */
export function assertNoErrors(findings: Findings): void {
  const errors = findings.all().filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return;
  const lines = errors.map(({ id, subject, cause, fix }) => `${id} ${subject}: ${cause} ${fix}`);
  throw new Error(`strict: ${errors.length} finding(s) of severity error.\n${lines.join('\n')}`);
}
