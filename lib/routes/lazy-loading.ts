import { LazyModuleLoader, type ModulesContainer } from '@nestjs/core';
import type { RouteSource, Unlisted } from '../policy/route-table.js';

/** The keys under which Nest and TypeScript keep what a class injects. */
const INJECTED = ['design:paramtypes', 'self:paramtypes', 'self:properties_metadata'];

/**
 * Says who loads modules later. Nest gives the controllers of such a module no routes, so none is missing; but what the
 * module registers by hand is only known once it is loaded.
 */
export function lazyLoading(modules: ModulesContainer): RouteSource {
  return { routes: () => [], unlisted: () => [...modules.values()].flatMap(loadersOf) };
}

type Module = ModulesContainer extends Map<string, infer M> ? M : never;

function loadersOf({ providers, controllers, injectables }: Module): Unlisted[] {
  const wrappers = [providers, controllers, injectables].flatMap((held) => [...held.values()]);
  return wrappers.filter(injectsLoader).map(({ name }) => ({
    subject: `modules that ${String(name)} loads lazily`,
    cause:
      'Nest gives controllers of a module that is loaded after the boot no routes. What such a module registers by hand is listed once it is loaded.',
  }));
}

function injectsLoader({ metatype, inject }: { metatype: unknown; inject?: unknown }): boolean {
  if (metatype === LazyModuleLoader) return false;
  if (Array.isArray(inject)) return inject.includes(LazyModuleLoader);
  return typeof metatype === 'function' && INJECTED.some((key) => mentions(Reflect.getMetadata(key, metatype)));
}

function mentions(metadata: unknown): boolean {
  if (!Array.isArray(metadata)) return false;
  return metadata.some((one) => [one, Object(one).param, Object(one).type].includes(LazyModuleLoader));
}
