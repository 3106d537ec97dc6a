import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { isObject } from './unknown-values.js';

type ModuleOfApplication = ModulesContainer extends Map<string, infer M> ? M : never;
type ProviderOfModule = ModuleOfApplication['providers'] extends Map<unknown, infer P> ? P : never;

/** The guards that stand before every handler. */
export interface GlobalGuards {
  /** Instances, and classes of those that are made for each request or, in a preview, not at all. */
  readonly known: readonly unknown[];
  /** Those that a factory makes which has not run: the name of the module that provides each. */
  readonly unknown: readonly string[];
}

/** Nest gives every global guard a token that begins with this. */
const APP_GUARD = 'APP_GUARD';

/** How many providers may stand for one another before it is taken for a circle. */
const LONGEST_CHAIN = 20;

/**
 * Finds the global guards of an application: those of `APP_GUARD`, by class, value or another provider, and those of
 * `useGlobalGuards`. What a factory would make is known once it has run, and never in a preview.
 */
export function findGlobalGuards(modules: ModulesContainer, config: ApplicationConfig): GlobalGuards {
  const known: unknown[] = [];
  const unknown: string[] = [];
  for (const module of modules.values()) {
    const found = new Set([...module.providers.values(), ...module.injectables.values()].filter(isGlobalGuard));
    for (const provider of found) {
      const guard = guardBehind(provider, modules, 0);
      if (guard === undefined) unknown.push(module.name);
      else known.push(guard);
    }
  }
  const byHand: readonly unknown[] = config.getGlobalGuards();
  return { known: [...new Set([...byHand.filter((guard) => isObject(guard)), ...known])], unknown };
}

function isGlobalGuard({ token }: ProviderOfModule): boolean {
  return typeof token === 'string' && token.startsWith(APP_GUARD);
}

/** The instance or the class of a guard; undefined where a factory would have to be run to know it. */
function guardBehind(provider: ProviderOfModule, modules: ModulesContainer, depth: number): unknown {
  const { instance, isAlias, inject, metatype } = provider;
  const made: unknown = instance;
  // A class has an object for an instance before its constructor runs, whose prototype tells the class.
  if (isObject(made)) return made;
  if (!Array.isArray(inject)) return metatype ?? undefined;
  if (!isAlias || depth > LONGEST_CHAIN) return undefined;
  const [token] = inject;
  if (token === undefined) return undefined;
  for (const { providers } of modules.values()) {
    const next = providers.get(typeof token === 'object' ? token.token : token);
    if (next !== undefined) return guardBehind(next, modules, depth + 1);
  }
  return undefined;
}
