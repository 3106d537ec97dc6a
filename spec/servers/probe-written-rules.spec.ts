import { jest } from '@jest/globals';
import { probe } from 'nestjs-secure';
import { adapters } from '../support/applications.js';
import { connectToFront, createShop, SHOP, shopRan, startFront } from '../support/probed-shop.js';
import { SiteCertificates } from '../support/site-certificates.js';
import { writtenProxies } from '../support/written-proxies.js';

jest.setTimeout(120_000);

let certificates: SiteCertificates;
const stops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  certificates = await SiteCertificates.create(SHOP);
});

afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

/** What the options say of the proxy, and the header in which the written files then state the scheme. */
const DECLARED = [
  ['X-Forwarded-Proto', { trust: ['loopback'] }],
  ['Forwarded', { trust: ['loopback'], header: 'forwarded' }],
  ['a header of its own', { trust: ['loopback'], header: { name: 'X-Edge-Scheme', value: 'https' } }],
] as const;

describe.each(writtenProxies)(
  'behind %s with the written rules on http and the written headers on https',
  (_name, to) => {
    const rows = DECLARED.flatMap(([header, proxies]) =>
      adapters.map(([platform, newAdapter]) => [header, platform, { proxies, newAdapter }] as const),
    );

    it.each(rows)('the probe finds nothing wrong: %s, on %s', async (_header, _platform, { proxies, newAdapter }) => {
      const app = await createShop(newAdapter, { proxies });
      stops.push(() => app.close());
      await app.listen(0, '127.0.0.1');
      const port = Number(new URL(await app.getUrl()).port);
      const config: Parameters<typeof startFront>[0]['config'] = (_front, upstream, place) =>
        (['http', 'https'] as const)
          .map((side) =>
            to.block({
              place: { ...place, certificate: place.fullchain, key: place.chainKey },
              side,
              upstream,
              written: to.configOf(app, { side }),
            }),
          )
          .join('\n');
      const front = await startFront(
        { start: to.start, config },
        { http: [], https: [] },
        port,
        await certificates.valid(),
      );
      stops.push(() => front.stop());
      shopRan.length = 0;

      const report = await probe(app, `https://${SHOP}`, {
        rate: 10_000,
        connectTo: connectToFront(front),
        ca: certificates.ca,
      });

      expect(report.findings).toEqual([]);
      expect(report.unanswered).toEqual([]);
      expect(shopRan).toContain('news');
    });
  },
);
