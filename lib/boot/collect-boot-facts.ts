import type { HttpServer } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import type { BootFacts } from '../audit/boot-facts.js';
import { layersBeforeGate } from '../gate/layers-before-gate.js';
import { trustsEverybody } from '../platform/extend-requests.js';
import type { RouteTable } from '../policy/route-table.js';
import type { Settings } from '../settings/settings.js';

/** Collects what the checks at boot look at, once every route is known. */
export function collectBootFacts(
  adapter: HttpServer | undefined,
  settings: Settings,
  routes: RouteTable,
  config: ApplicationConfig,
  sessionMiddleware: readonly string[],
): BootFacts {
  const perRequest = config.getGlobalRequestGuards().map(({ metatype }) => metatype);
  const interceptorsPerRequest = config.getGlobalRequestInterceptors().map(({ metatype }) => metatype);
  return {
    settings,
    routes: routes.routes(),
    endpoints: routes.endpoints(),
    production: process.env.NODE_ENV === 'production',
    globalGuards: [...config.getGlobalGuards(), ...perRequest],
    globalInterceptors: [...config.getGlobalInterceptors(), ...interceptorsPerRequest],
    sessionMiddleware,
    beforeGate: adapter === undefined ? [] : layersBeforeGate(adapter),
    frameworkTrustsEverybody:
      adapter !== undefined && settings.options.proxies === undefined && trustsEverybody(adapter),
  };
}
