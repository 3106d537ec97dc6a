import type { HttpServer } from '@nestjs/common';

/** Fastify's plugins that put a session on requests. */
const PLUGINS = ['@fastify/session', '@fastify/secure-session'];

/** Finds out which other session engines an application uses: the middleware it adds from here on, and plugins. */
export function watchSessionMiddleware(adapter: HttpServer): () => readonly string[] {
  const found = new Set<string>();
  const use: unknown = Reflect.get(adapter, 'use');
  if (typeof use === 'function') {
    Reflect.set(adapter, 'use', (...given: unknown[]) => {
      for (const one of given) {
        const name = engineOf(one);
        if (name !== undefined) found.add(name);
      }
      return Reflect.apply(use, adapter, given);
    });
  }
  return () => [...found, ...pluginsOf(adapter.getInstance())];
}

/** By the name of the function that its package makes. */
function engineOf(middleware: unknown): string | undefined {
  if (typeof middleware !== 'function') return undefined;
  if (middleware.name === '_cookieSession') return 'cookie-session';
  const isEngine = middleware.name === 'session' && String(middleware).includes('sessionID');
  return isEngine ? 'express-session' : undefined;
}

function pluginsOf(instance: unknown): readonly string[] {
  const hasPlugin: unknown =
    typeof instance === 'object' && instance !== null ? Reflect.get(instance, 'hasPlugin') : undefined;
  if (typeof hasPlugin !== 'function') return [];
  return PLUGINS.filter((name) => Reflect.apply(hasPlugin, instance, [name]) === true);
}
