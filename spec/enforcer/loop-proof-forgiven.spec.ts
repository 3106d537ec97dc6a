import { Controller, Get } from '@nestjs/common';
import { SecureRequired } from 'nestjs-secure';
import { RecentRequests } from '../../lib/enforcer/recent-requests.js';
import { adapters, createApp } from '../support/applications.js';

@Controller()
class SiteController {
  @SecureRequired()
  @Get('secret')
  secret() {
    return 'secret';
  }

  @Get('office/desk')
  desk() {
    return 'desk';
  }
}

/** What a browser sends that was told to trust this origin over plain HTTP, as it would behind a proxy that ends TLS. */
const headers = {
  Host: 'trusted.example',
  'Sec-Fetch-Site': 'none',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Dest': 'document',
};

const { NODE_ENV } = process.env;

afterEach(() => {
  if (NODE_ENV === undefined) delete process.env['NODE_ENV'];
  else process.env['NODE_ENV'] = NODE_ENV;
});

describe.each(adapters)('a redirected browser on %s', (_platform, newAdapter) => {
  const start = (paths?: string[]) =>
    createApp(newAdapter, {
      controllers: [SiteController],
      options: { hosts: ['trusted.example'], paths, proxies: { trust: ['loopback'] } },
    });

  // The guard answers for what is marked, the gate for what a rule covers.
  it.each([
    ['/secret', undefined],
    ['/secret', ['/office']],
    ['/office/desk', ['/office']],
    ['/office/nothing-here', ['/office']],
  ])(
    'may come to %s, with paths %j, as often as it likes where it arrives over https each time',
    async (path, paths) => {
      // Without rules there is no gate in production.
      process.env['NODE_ENV'] = 'production';
      const app = await start(paths);

      for (let visit = 0; visit < 3; visit += 1) {
        expect((await app.ask(path, { headers })).status).toBe(307);
        await app.ask(path, { headers, https: true });
      }
    },
  );

  it('goes round in circles where it does not arrive', async () => {
    const app = await start(['/office']);

    expect((await app.ask('/secret', { headers })).status).toBe(307);
    await app.ask('/office/desk', { headers, https: true });
    expect((await app.ask('/secret', { headers })).status).toBe(421);
  });
});

describe.each(adapters)('four equal requests on %s', (_platform, newAdapter) => {
  const status = async (app: Awaited<ReturnType<typeof createApp>>, sent: Record<string, string>) => {
    const statuses: (number | undefined)[] = [];
    for (let time = 0; time < 4; time += 1) {
      statuses.push((await app.ask('/secret', { headers: { Host: 'trusted.example', ...sent } })).status);
    }
    return statuses;
  };
  const start = (proxies?: { trust: string[] }) =>
    createApp(newAdapter, { controllers: [SiteController], options: { hosts: ['trusted.example'], proxies } });

  it.each<[string, Record<string, string>, { trust: string[] } | undefined]>([
    ['of a script', { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'no-cors' }, undefined],
    [
      'of an image on another site',
      { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' },
      undefined,
    ],
    ['with port 443', { 'X-Forwarded-Proto': 'http', 'X-Forwarded-Port': '443' }, { trust: ['loopback'] }],
  ])('%s that come back over plain HTTP are a loop', async (_what, sent, proxies) => {
    expect(await status(await start(proxies), sent)).toEqual([307, 421, 421, 421]);
  });

  it.each<[string, Record<string, string>]>([
    ['with what the fetch() of Node sends', { 'Sec-Fetch-Mode': 'cors' }],
    ['with nothing of that', {}],
    ['with port 80', { 'X-Forwarded-Proto': 'http', 'X-Forwarded-Port': '80' }],
  ])('%s are redirected each time', async (_what, sent) => {
    expect(await status(await start({ trust: ['loopback'] }), sent)).toEqual([307, 307, 307, 307]);
  });

  it('of a hundred visitors behind one proxy are not taken for those of one', async () => {
    const app = await start({ trust: ['loopback'] });
    for (let visitor = 1; visitor <= 100; visitor += 1) {
      const sent = { ...headers, 'X-Forwarded-For': `203.0.113.${visitor}`, 'X-Forwarded-Proto': 'http' };
      expect((await app.ask('/secret', { headers: sent })).status).toBe(307);
    }
  });
});

describe('what is remembered of requests', () => {
  const one = { peer: '192.0.2.1', userAgent: 'A', host: 'example.com', target: '/' };
  const other = { ...one, target: '/other' };

  it('is nothing once the time is over', () => {
    let now = 0;
    const requests = new RecentRequests(1000, () => now);
    expect(requests.empty).toBe(true);
    requests.add(one);
    now = 500;
    requests.add(other);
    now = 1000;
    expect(requests.empty).toBe(false);
    expect([requests.has(one), requests.has(other)]).toEqual([false, true]);
    now = 1500;
    expect(requests.empty).toBe(true);
  });

  it('is forgotten one by one', () => {
    const requests = new RecentRequests(1000, () => 0);
    requests.add(one);
    requests.add(other);
    requests.forget(one);
    expect([requests.has(one), requests.has(other), requests.empty]).toEqual([false, true, false]);
  });
});
