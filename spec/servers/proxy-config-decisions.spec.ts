import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { jest } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import { SecureModule, type SecureOptions } from 'nestjs-secure';
import { adapters, type NewAdapter } from '../support/applications.js';
import {
  applicationOutcome,
  clearRequests,
  isAsStrict,
  PASSED,
  proxyOutcome,
  sendOverHttp,
  unreadableRequests,
  type ClearOutcome,
} from '../support/insecure-requests.js';
import { listenLocally } from '../support/listen-locally.js';
import { configureProxiedSite, ProxiedSiteModule, proxiedSites } from '../support/proxy-config-site.js';
import { checkProxyConfig, type ProxyServer } from '../support/proxy-servers.js';
import { writtenProxies, type WrittenProxy } from '../support/written-proxies.js';

jest.setTimeout(120_000);

/** An application, what it answers to each request by itself, and an upstream that only says that it was reached, and by which target. */
interface Site {
  readonly app: INestApplication;
  readonly port: number;
  readonly outcomes: readonly ClearOutcome[];
  readonly upstream: Server;
  readonly upstreamPort: number;
}

async function startSite(newAdapter: NewAdapter, options: SecureOptions): Promise<Site> {
  class Root {}
  const root = { module: Root, imports: [ProxiedSiteModule, SecureModule.forRoot(options)] };
  const app = await NestFactory.create(root, newAdapter(), { logger: false, abortOnError: false });
  configureProxiedSite(app);
  await app.listen(0, '127.0.0.1');
  const port = Number(new URL(await app.getUrl()).port);
  const outcomes: ClearOutcome[] = [];
  for (const request of clearRequests) outcomes.push(applicationOutcome(await sendOverHttp(port, request)));
  const upstream = createServer(({ url }, response) => {
    response.setHeader('X-Target', url ?? '').end(PASSED);
  });
  return { app, port, outcomes, upstream, upstreamPort: await listenLocally(upstream) };
}

describe.each(proxiedSites)('%s', (_name, options) => {
  describe.each(adapters)('on %s', (_platform, newAdapter) => {
    let site: Site;

    beforeAll(async () => {
      site = await startSite(newAdapter, options);
    });

    afterAll(async () => {
      site.upstream.closeAllConnections();
      site.upstream.close();
      await site.app.close();
    });

    it('answers in every way there is', () => {
      const actions = new Set(site.outcomes.map(({ action }) => action));
      expect([...actions].toSorted()).toStrictEqual(['pass', 'redirect', 'refuse']);
    });

    it.each(writtenProxies)('%s decides as the application does, or more strictly', async (_server, written) => {
      const proxy = await startProxy(written, site);
      try {
        checkProxyConfig(written.server, proxy);
        const laxer: unknown[] = [];
        const others: unknown[] = [];
        for (const [at, request] of clearRequests.entries()) {
          const application = site.outcomes[at] ?? { action: 'pass' };
          const its = proxyOutcome(await sendOverHttp(proxy.http, request));
          if (!isAsStrict(its, application)) laxer.push({ request, application, its });
          if (!request.odd && JSON.stringify(its) !== JSON.stringify(application))
            others.push({ request, application, its });
        }
        expect(laxer).toStrictEqual([]);
        // What people and programs write gets the very same answer.
        expect(others).toStrictEqual([]);
      } finally {
        await proxy.stop();
      }
    });

    it.each(writtenProxies)(
      '%s decides as strictly where the application cannot read a target, or hands on one that it can and passes',
      async (_server, written) => {
        const proxy = await startProxy(written, site);
        try {
          for (const request of unreadableRequests) {
            const application = applicationOutcome(await sendOverHttp(site.port, request));
            const answer = await sendOverHttp(proxy.http, request);
            if (isAsStrict(proxyOutcome(answer), application)) continue;
            const [, target] = /^x-target: (.*)\r$/im.exec(answer) ?? [];
            expect(target).toBe('/?x=/api/members/7');
            const handedOn = { ...request, target: '/?x=/api/members/7' };
            expect(applicationOutcome(await sendOverHttp(site.port, handedOn))).toEqual({ action: 'pass' });
          }
        } finally {
          await proxy.stop();
        }
      },
    );
  });
});

function startProxy({ start, configOf, block, own }: WrittenProxy, { app, upstreamPort }: Site): Promise<ProxyServer> {
  return start((place) =>
    block({ place, side: 'http', upstream: upstreamPort, written: configOf(app), own: own(upstreamPort) }),
  );
}

it('is asked at least 200 requests', () => {
  expect(clearRequests.length).toBeGreaterThan(600);
  expect(clearRequests.filter(({ odd }) => !odd).length).toBeGreaterThan(300);
});
