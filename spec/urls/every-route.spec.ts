import type { INestApplication } from '@nestjs/common';
import { SecureUrls, type RouteParameters } from 'nestjs-secure';
import type { Route, RouteTable } from '../../lib/policy/route-table.js';
import { SECURE_ROUTES } from '../../lib/tokens.js';
import { adapters, createApp } from '../support/applications.js';
import { configure, everyFeature, VersionsModule, versionings } from '../support/every-routing-feature.js';

/** The parameters that a route takes, as its handler writes them. */
function parametersOf({ path, hosts }: Route): RouteParameters {
  const ofPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']): [string, string] => [name, 'a value']);
  const ofHost = hosts.some((host) => String(host).startsWith(':tenant')) ? [['tenant', 'acme']] : [];
  const rest = path.includes('*') ? [['*', ['a', 'b c']]] : [];
  return Object.fromEntries([...ofPath, ...ofHost, ...rest]);
}

/** A request for a host that the one regular expression among the hosts fits. */
const ofNumber = 'api7.example.com';
const numbered = { headers: { host: ofNumber }, rawHeaders: ['Host', ofNumber], socket: {}, url: '/' };

describe.each(adapters)('urlFor on %s', (_platform, newAdapter) => {
  it.each(versionings)('leads to every handler there is, with %s', async (_name, versioning, headersOf) => {
    const app = await createApp(newAdapter, {
      imports: [...everyFeature, VersionsModule],
      options: { hosts: ['localhost', '.example.com', '.example.org'] },
      main: (nest: INestApplication) => configure(nest, versioning),
    });
    const urls = app.nest.get(SecureUrls);
    const table: RouteTable = app.nest.get(SECURE_ROUTES);
    const routes = table.routes();

    expect(routes.length).toBeGreaterThan(30);
    for (const route of routes) {
      const { controller, handler, versions, method, hosts } = route;
      if (controller === undefined || handler === undefined) throw new Error(`${route.path} has no handler`);
      const request = hosts.some((host) => host instanceof RegExp) ? numbered : undefined;
      const [version] = versions;
      const name: string = handler;
      const url = new URL(
        urls.urlFor<Record<string, () => void>>(
          Object(controller),
          name,
          parametersOf(route),
          request,
          version === undefined ? {} : { version },
        ),
      );

      const reply = await app.ask(url.pathname, {
        method: method === 'ALL' ? 'PUT' : method,
        headers: { Host: url.host, ...(version === undefined || version === 'neutral' ? {} : headersOf(version)) },
      });

      const answered = method === 'HEAD' ? reply.status : reply.body;
      expect([url.href, answered]).toStrictEqual([url.href, method === 'HEAD' ? 200 : `${controller.name}.${name}`]);
    }
  });
});
