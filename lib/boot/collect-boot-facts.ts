import type { HttpServer } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { Server as NetServer } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { BootFacts } from '../audit/boot-facts.js';
import type { ListenFacts } from '../audit/check-listeners.js';
import { layersBeforeGate } from '../gate/layers-before-gate.js';
import { applicationRequire } from '../platform/application-require.js';
import { detectHosting } from '../platform/hosting.js';
import { findGlobalGuards } from '../platform/global-guards.js';
import { trustsEverybody } from '../platform/extend-requests.js';
import type { RouteTable } from '../policy/route-table.js';
import type { SecureListeners } from '../server/secure-listeners.js';
import { lookAtStore } from '../session/look-at-store.js';
import type { Settings } from '../settings/settings.js';
import type { Parts } from './install.js';

/** Where the facts come from, beside the settings and the routes. */
export interface BootSources {
  readonly modules: ModulesContainer;
  readonly config: ApplicationConfig;
  /** The middleware of other session engines, by name. */
  readonly sessionMiddleware: readonly string[];
}

/** Collects what the checks at boot look at, once every route is known. */
export function collectBootFacts(
  adapter: HttpServer | undefined,
  settings: Settings,
  routes: RouteTable,
  { modules, config, sessionMiddleware }: BootSources,
): BootFacts {
  const interceptorsPerRequest = config.getGlobalRequestInterceptors().map(({ metatype }) => metatype);
  return {
    settings,
    routes: routes.routes(),
    endpoints: routes.endpoints(),
    production: process.env.NODE_ENV === 'production',
    globalGuards: findGlobalGuards(modules, config).known,
    globalInterceptors: [...config.getGlobalInterceptors(), ...interceptorsPerRequest],
    sessionMiddleware,
    sessionStore: lookAtStore(settings.options.session),
    hosting: detectHosting(process.env),
    beforeGate: adapter === undefined ? [] : layersBeforeGate(adapter),
    frameworkTrustsEverybody:
      adapter !== undefined && settings.options.proxies === undefined && trustsEverybody(adapter),
  };
}

/** Collects what is looked at once the application listens. */
export function collectListenFacts(
  adapter: HttpServer,
  { enforcer, routes }: Pick<Parts, 'enforcer' | 'routes'>,
  { serving }: Pick<SecureListeners, 'serving'>,
): ListenFacts {
  const server: unknown = adapter.getHttpServer();
  const address = server instanceof NetServer ? server.address() : null;
  const socket = typeof address === 'object' && address !== null ? address : undefined;
  const production = process.env.NODE_ENV === 'production';
  return {
    settings: enforcer.settings,
    routes: routes.routes(),
    servesHttps: serving || server instanceof TlsServer,
    httpPort: socket?.port ?? 3000,
    httpHost: socket?.address === '::' ? undefined : socket?.address,
    production,
    canMakeCertificate: !production && isInstalled('selfsigned'),
  };
}

/** Whether the application finds a package from where it is started. */
function isInstalled(name: string): boolean {
  try {
    applicationRequire().resolve(name);
    return true;
  } catch {
    return false;
  }
}
