import type { INestApplication } from '@nestjs/common';

/**
 * Every `METHOD /path` that the router of an application holds, as the router itself tells. To be called before the
 * application starts: Fastify tells of each route once.
 */
export function watchRouter(app: INestApplication): () => string[] {
  const instance: unknown = app.getHttpAdapter().getInstance();
  const { addHook }: { addHook?: unknown } = Object(instance);
  const read = typeof addHook === 'function' ? watchFastify(Object(instance)) : () => ofExpress(Object(instance));
  return () => [...new Set(read())].toSorted();
}

interface ExpressLayer {
  readonly route?: { readonly path: string | string[]; readonly methods: Record<string, boolean> };
}

function ofExpress({ router }: { router: { stack: ExpressLayer[] } }): string[] {
  return router.stack.flatMap(({ route }) => {
    if (route === undefined) return [];
    const methods = named(Object.keys(route.methods));
    return [route.path].flat().flatMap((path) => methods.map((method) => `${method} ${path}`));
  });
}

interface FastifyRoute {
  readonly method: string | string[];
  readonly url: string;
}

function watchFastify(instance: {
  addHook(name: 'onRoute', hook: (route: FastifyRoute) => void): void;
}): () => string[] {
  const seen: string[] = [];
  instance.addHook('onRoute', ({ method, url }) => {
    // Fastify adds a HEAD route to every GET route.
    if (method !== 'HEAD' || !seen.includes(`GET ${url}`))
      seen.push(...named([method].flat()).map((name) => `${name} ${url}`));
  });
  return () => seen;
}

function named(methods: string[]): string[] {
  const names = methods.map((method) => method.toUpperCase());
  return ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'].every((name) => names.includes(name)) ? ['ALL'] : names;
}
