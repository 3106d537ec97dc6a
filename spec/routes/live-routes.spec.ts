import { VersioningType, type INestApplication, type VersioningOptions } from '@nestjs/common';
import { SecureAudit, type AuditedRoute } from 'nestjs-secure';
import { adapters, createApp, type App, type AppParts, type NewAdapter } from '../support/applications.js';
import { configure, everyFeature, VersionsModule, versionings } from '../support/every-routing-feature.js';
import { watchRouter } from '../support/live-routes.js';
import { sampled } from '../support/everything.js';

type HeadersOf = (version: string) => Record<string, string>;

const noVersions: HeadersOf = () => ({});

const ways: [name: string, versioning: VersioningOptions | undefined, headersOf: HeadersOf][] = [
  ['no versioning', undefined, noVersions],
  ...versionings,
];

/** An application, and every route that its router says it holds. */
interface Started {
  readonly app: App;
  readonly live: () => string[];
}

async function start(
  newAdapter: NewAdapter,
  versioning: VersioningOptions | undefined,
  appOptions: AppParts['appOptions'] = {},
): Promise<Started> {
  let live = (): string[] => [];
  const app = await createApp(newAdapter, {
    appOptions,
    imports: versioning === undefined ? everyFeature : [...everyFeature, VersionsModule],
    main: (nest) => {
      configure(nest, versioning);
      live = watchRouter(nest);
    },
  });
  return { app, live };
}

function routesOf(nest: INestApplication): readonly AuditedRoute[] {
  return nest.get(SecureAudit).routes();
}

/** A path that a pattern leads to. */
function pathOf({ path }: AuditedRoute): string {
  return path.replace(/\{?\*\w*\}?/g, 'a/b').replace(/:\w+/g, 'x');
}

/** A host that a route names. */
function hostsOf({ hosts }: AuditedRoute): string[] {
  if (hosts.length === 0) return ['localhost'];
  return hosts.map((host) => (host.startsWith('/') ? 'api7.example.com' : host.replace(/:\w+/g, 'acme')));
}

/**
 * The versions to ask for. Of a list that holds the neutral version, Nest serves it with URI and header versioning; with
 * media types Nest 11 does not on Fastify, and a custom extractor cannot say that a request names none.
 */
function versionsOf({ versions }: AuditedRoute, versioning: VersioningOptions | undefined): readonly string[] {
  if (versions.length === 0) return ['neutral'];
  const lost = versioning?.type === VersioningType.CUSTOM || versioning?.type === VersioningType.MEDIA_TYPE;
  return lost && versions.length > 1 ? versions.filter((version) => version !== 'neutral') : versions;
}

/** Where a request that names no version gets no answer. */
function isBoundToVersion({ versions }: AuditedRoute): boolean {
  return versions.length > 0 && !versions.includes('neutral');
}

/** Every request that a route says it answers. */
function requestsFor(
  route: AuditedRoute,
  versioning: VersioningOptions | undefined,
  headersOf: HeadersOf,
): { method: string; headers: Record<string, string> }[] {
  return versionsOf(route, versioning).flatMap((version) =>
    hostsOf(route).flatMap((host) =>
      methodsOf(route).map((method) => ({
        method,
        headers: { Host: host, ...(version === 'neutral' ? {} : headersOf(version)) },
      })),
    ),
  );
}

/** The methods to try: each, where a route takes all. */
function methodsOf({ method }: AuditedRoute): string[] {
  return method === 'ALL' ? ['GET', 'POST', 'PUT', 'DELETE'] : [method];
}

describe.each(adapters)('the route table on %s', (_platform, newAdapter) => {
  describe.each(sampled(ways, 3))('with %s', (_name, versioning, headersOf) => {
    it('lists only what answers: every path, with every method, host and version named', async () => {
      const { app } = await start(newAdapter, versioning);
      const routes = routesOf(app.nest);

      expect(routes.length).toBeGreaterThan(30);
      for (const route of routes) {
        for (const { method, headers } of requestsFor(route, versioning, headersOf)) {
          const reply = await app.ask(pathOf(route), { method, headers });
          const handler = method === 'HEAD' ? '' : route.handler;
          const status = route.method === 'POST' ? 201 : 200;
          expect({ ...route, answered: [reply.status, reply.body] }).toStrictEqual({
            ...route,
            answered: [status, handler],
          });
        }
      }
    });

    it('names hosts and versions without which a route does not answer', async () => {
      const { app } = await start(newAdapter, versioning);
      const bound = routesOf(app.nest).filter(({ hosts }) => hosts.length > 0);

      expect(bound.map(({ handler }) => handler)).toStrictEqual([
        'OfficeController.show',
        'TenantController.show',
        'NumberedController.show',
      ]);
      for (const route of bound) {
        const elsewhere = { Host: 'www.example.net', ...headersOf('1') };
        expect([route, (await app.ask(pathOf(route), { headers: elsewhere })).status]).toStrictEqual([route, 404]);
      }
      if (versioning?.defaultVersion !== undefined) {
        expect(routesOf(app.nest).filter(({ versions }) => versions.length === 0)).toStrictEqual([]);
      }
      for (const route of routesOf(app.nest).filter(isBoundToVersion)) {
        const another = { Host: 'localhost', ...headersOf('99') };
        const { body } = await app.ask(pathOf(route).replace(/(v|version-)\d/, '$199'), { headers: another });
        expect([route, body]).not.toStrictEqual([route, route.handler]);
      }
    });

    it('lists nothing that the router does not hold, and what the router holds beside is no page', async () => {
      const { app, live } = await start(newAdapter, versioning);
      const listed = new Set(routesOf(app.nest).map(({ method, path }) => `${method} ${path}`));
      const held = live();

      expect([...listed].filter((route) => !held.includes(route))).toStrictEqual([]);
      for (const route of held.filter((one) => !listed.has(one))) {
        const [method = '', path = ''] = route.split(' ');
        const reply = await app.ask(path, { method: method === 'ALL' ? 'DELETE' : method });
        expect({ route, status: reply.status }).toStrictEqual({ route, status: 404 });
      }
    });
  });

  // Nest 12 can register routes in the order of their paths instead; Nest 11 does not know the option.
  it.each(sampled(ways, 3))(
    'names the same handlers where Nest sorts routes, with %s',
    async (_name, versioning, headersOf) => {
      const { app } = await start(newAdapter, versioning, { routeResolutionStrategy: 'specificity' });

      for (const route of routesOf(app.nest).filter(({ method }) => method === 'GET')) {
        for (const { method, headers } of requestsFor(route, versioning, headersOf)) {
          const { body } = await app.ask(pathOf(route), { method, headers });
          expect([route.path, route.versions, body]).toStrictEqual([route.path, route.versions, route.handler]);
        }
      }
    },
  );
});
