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
