import { Controller, Get, Inject, Req } from '@nestjs/common';
import { SecureAudit, SecureRequired, SecureUrls, type Finding, type SecureOptions } from 'nestjs-secure';
import { asHttps } from 'nestjs-secure/testing';
import supertest from 'supertest';
import { adapters, createApp, type App, type NewAdapter } from '../support/applications.js';

@Controller()
class SiteController {
  constructor(@Inject(SecureUrls) private readonly urls: SecureUrls) {}

  @SecureRequired()
  @Get(['members/ada/edit', 'shop/members/ada/edit'])
  edit() {
    return 'secret';
  }

  @Get('open')
  open(@Req() request: object) {
    return this.urls.buildAbsoluteUrl(request, '/open');
  }
}

const EDIT = '/members/ada/edit';
const trusted: SecureOptions = { hosts: ['shop.example'], proxies: { trust: ['loopback'] } };

function start(newAdapter: NewAdapter, options: SecureOptions = trusted): Promise<App> {
  return createApp(newAdapter, { controllers: [SiteController], options });
}

function found({ nest }: App): readonly Finding[] {
  return nest
    .get(SecureAudit)
    .findings()
    .filter(({ id }) => ['SEC002', 'SEC105', 'SEC106'].includes(id));
}

function findLoop({ nest }: App): Finding | undefined {
  return nest
    .get(SecureAudit)
    .findings()
    .find(({ id }) => id === 'SEC104');
}

const { NODE_ENV } = process.env;
beforeEach(() => (process.env['NODE_ENV'] = 'development'));
afterEach(() => (process.env['NODE_ENV'] = NODE_ENV));

describe.each(adapters)('a redirect that leads nowhere, on %s', (_platform, newAdapter) => {
  it.each([
    ['X-Forwarded-Prefix', '/shop'],
    ['X-Forwarded-Prefix', '/shop/'],
    ['X-Original-URI', `/shop${EDIT}?tab=2`],
    ['X-Original-URL', `/shop${EDIT}`],
    ['X-Envoy-Original-Path', `/shop${EDIT}`],
  ])('is reported where %s tells of a prefix: %s', async (name, value) => {
    const app = await start(newAdapter);
    const { status, headers } = await app.ask(EDIT, { headers: { Host: 'shop.example', [name]: value } });

    expect([status, headers.location]).toEqual([307, `https://shop.example${EDIT}`]);
    expect(found(app)).toMatchObject([
      {
        id: 'SEC105',
        subject: '/shop',
        cause: expect.stringContaining(name.toLowerCase()),
        fix: expect.stringContaining("app.setGlobalPrefix('shop')"),
      },
    ]);
  });

  it.each([
    ['X-Forwarded-Prefix', '/'],
    ['X-Forwarded-Prefix', 'shop'],
    ['X-Forwarded-Prefix', '//evil.example'],
    ['X-Forwarded-Prefix', '/a/../b'],
    ['X-Forwarded-Prefix', "/'); process.exit('"],
    ['X-Forwarded-Prefix', `/${'a'.repeat(4000)}`],
    ['X-Original-URI', EDIT],
    ['X-Original-URI', '/another/page'],
    ['X-Original-URL', `https://evil.example${EDIT}`],
  ])('is not suspected because of %s: %s', async (name, value) => {
    const app = await start(newAdapter);
    await app.ask(EDIT, { headers: { Host: 'shop.example', [name]: value } });

    expect(found(app)).toEqual([]);
  });

  it('is not suspected where the application serves the prefix', async () => {
    const app = await start(newAdapter);
    const { status } = await app.ask(`/shop${EDIT}`, {
      headers: { Host: 'shop.example', 'X-Forwarded-Prefix': '/shop' },
    });

    expect([status, found(app)]).toEqual([307, []]);
  });

  it('is reported where outsiders use a port that is not declared', async () => {
    const app = await start(newAdapter);
    const { headers } = await app.ask(EDIT, { headers: { Host: 'shop.example:8080' } });

    expect(headers.location).toBe(`https://shop.example${EDIT}`);
    expect(found(app)).toMatchObject([
      { id: 'SEC106', subject: 'http port 8080', fix: expect.stringContaining('{ ports: { http: 8080, https: ') },
    ]);
  });

  it.each<[string, SecureOptions, string]>([
    ['the port is declared', { ...trusted, ports: { http: 8080, https: 8443 } }, 'shop.example:8080'],
    ['the https port is', { ...trusted, ports: { https: 8443 } }, 'shop.example:8080'],
    ['the proxy takes it out of Host', { ...trusted, ports: { http: 8080, https: 8443 } }, 'shop.example'],
    ['it is 80', trusted, 'shop.example:80'],
  ])('is not suspected where %s', async (_what, options, host) => {
    const app = await start(newAdapter, options);
    await app.ask(EDIT, { headers: { Host: host } });

    expect(found(app)).toEqual([]);
  });
});

describe.each(adapters)('a URL of a secure request, on %s', (_platform, newAdapter) => {
  const ask = async (app: App, path: string, headers: Record<string, string>): Promise<string> =>
    (await app.ask(path, { https: true, headers: { Host: 'shop.example', ...headers } })).body;

  it('that lacks the port a proxy was asked at is reported once, and each advice mends it', async () => {
    const stated = { 'X-Forwarded-Port': '8443' };
    const app = await start(newAdapter);
    expect(await ask(app, '/open', stated)).toBe('https://shop.example/open');
    expect(await ask(app, '/open', stated)).toBe('https://shop.example/open');
    expect(found(app)).toMatchObject([{ id: 'SEC106', subject: 'https port 8443', occurrences: 1 }]);
    expect(found(app)[0]?.fix).toMatch(
      /nginx: proxy_set_header Host \$http_host.*forRoot\(\{ ports: \{ https: 8443 \} \}\)/,
    );

    const sendsHost = await start(newAdapter);
    expect(await ask(sendsHost, '/open', { ...stated, Host: 'shop.example:8443' })).toBe(
      'https://shop.example:8443/open',
    );
    const declared = await start(newAdapter, { ...trusted, ports: { https: 8443 } });
    expect(await ask(declared, '/open', stated)).toBe('https://shop.example:8443/open');
    expect([...found(sendsHost), ...found(declared)]).toEqual([]);
  });

  it('that has the port of a server inside is reported', async () => {
    const app = await start(newAdapter);
    const url = await ask(app, '/open', { 'X-Forwarded-Port': '443', Host: 'shop.example:9000' });
    expect(url).toBe('https://shop.example:9000/open');
    expect(found(app)).toMatchObject([{ id: 'SEC106', subject: 'https port 443' }]);
  });

  it.each([
    ['X-Forwarded-Prefix', '/shop', true],
    ['X-Forwarded-Prefix', '/shop/', '/shop'],
    ['X-Original-URI', '/shop/open?x', '/shop'],
    ['X-Original-URL', '/shop/open', '/shop'],
    ['X-Envoy-Original-Path', '/shop/open', '/shop'],
  ] as const)(
    'that lacks a prefix which %s tells of is reported once, and the advice mends it',
    async (name, value, prefix) => {
      const app = await start(newAdapter);
      expect(await ask(app, '/open', { [name]: value })).toBe('https://shop.example/open');
      expect(await ask(app, '/open', { [name]: value })).toBe('https://shop.example/open');
      const [finding] = found(app);
      expect(finding).toMatchObject({ id: 'SEC105', subject: '/shop', occurrences: 1 });
      expect(finding?.fix).toContain(`prefix: ${typeof prefix === 'string' ? `'${prefix}'` : prefix}`);

      const mended = await start(newAdapter, { ...trusted, proxies: { trust: ['loopback'], prefix } });
      expect(await ask(mended, '/open', { [name]: value })).toBe('https://shop.example/shop/open');
      expect(found(mended)).toEqual([]);
    },
  );

  it.each(['0', '65536', '443', 'https', '8443, 443', ''])('shows nothing by X-Forwarded-Port: %s', async (stated) => {
    const app = await start(newAdapter);
    await ask(app, '/open', { 'X-Forwarded-Port': stated });
    expect(found(app)).toEqual([]);
  });
});

describe.each(adapters)('a host that is not allowed, on %s', (_platform, newAdapter) => {
  const replaced = { Host: '10.0.0.7:3000', 'X-Forwarded-Host': 'shop.example' };

  it.each<[string, SecureOptions, string]>([
    ['declared', trusted, "proxies: { trust: ['loopback'], host: true }"],
    [
      'not declared',
      { ...trusted, proxies: { trust: ['10.0.0.0/8'] } },
      "trust: ['10.0.0.0/8', '127.0.0.1'], host: true",
    ],
    [
      'declared with Forwarded',
      { ...trusted, proxies: { trust: ['loopback'], header: 'forwarded' } },
      "proxies: { trust: ['loopback'], header: 'forwarded', host: 'x-forwarded-host' }",
    ],
  ])('is the fault of a proxy that says what was asked for; it is %s', async (_what, options, fix) => {
    const app = await start(newAdapter, options);

    expect((await app.ask(EDIT, { headers: replaced })).status).toBe(400);
    expect(found(app)).toMatchObject([{ id: 'SEC002', subject: '10.0.0.7', fix: expect.stringContaining(fix) }]);
  });

  it('may be the fault of a proxy that does not say what was asked for', async () => {
    const app = await start(newAdapter);

    expect((await app.ask(EDIT, { headers: { Host: '10.0.0.7:3000' } })).status).toBe(400);
    expect(found(app)).toMatchObject([
      {
        id: 'SEC002',
        fix: expect.stringMatching(
          /^If a proxy .*proxy_set_header Host \$host; .* hosts: \['shop\.example', '10\.0\.0\.7'\] \}\)\.$/,
        ),
      },
    ]);
  });

  it.each(['127.0.0.1:3000', '[::1]:3000', 'localhost:3000', 'backend', 'api_server:3000', 'web.internal'])(
    'that a proxy with a bare proxy_pass has put into Host is mended there first: %s',
    async (host) => {
      for (const proxies of [undefined, { trust: ['loopback'] }]) {
        const app = await start(newAdapter, { hosts: ['shop.example'], proxies });

        expect((await app.ask(EDIT, { headers: { Host: host } })).status).toBe(400);
        expect(found(app)).toMatchObject([
          { id: 'SEC002', fix: expect.stringMatching(/^If a proxy .*proxy_set_header Host \$host; .*add '/) },
        ]);
      }
    },
  );

  it.each<[string, SecureOptions['hosts'], string]>([
    ['none', undefined, "hosts: ['localhost', '127.0.0.1', 'shop.test'] })."],
    ['some', ['a.example', '.b.example'], "hosts: ['a.example', '.b.example', 'shop.test'] })."],
    ['a function', [() => false], "hosts: ['shop.test'] }), beside the function there is."],
  ])('is told with the whole of hosts, where there are %s', async (_what, hosts, end) => {
    const app = await start(newAdapter, { hosts });
    await app.ask(EDIT, { headers: { Host: 'shop.test' } });
    expect(found(app)).toMatchObject([{ id: 'SEC002', fix: expect.stringContaining(end) }]);
  });

  it.each<[string, SecureOptions['proxies'], RegExp]>([
    ['without proxies', undefined, /hosts: \['shop\.example', 'shop\.example\.net'\] \}\)\.$/],
    ['behind one', { trust: ['loopback'] }, /If a proxy .*proxy_set_header Host \$host; /],
  ])('that visitors may use is added to hosts, %s', async (_what, proxies, end) => {
    const app = await start(newAdapter, { hosts: ['shop.example'], proxies });
    await app.ask(EDIT, { headers: { Host: 'shop.example.net' } });

    const [finding] = found(app);
    expect(finding?.fix).toMatch(/^If it is yours, add 'shop\.example\.net' to hosts/);
    expect(finding?.fix).toMatch(end);
  });

  describe('in a test', () => {
    beforeEach(() => (process.env['NODE_ENV'] = 'test'));

    it.each<[string, SecureOptions['hosts'], string]>([
      ['one', ['shop.example'], 'shop.example'],
      ['a domain first', ['.shop.example', 'localhost'], 'shop.example'],
      ['one with a port', ['localhost:3000'], 'localhost:3000'],
      ['an IPv6 address', ['[2001:db8::1]'], '[2001:db8::1]'],
      ['a function first', [() => false, 'shop.example'], 'shop.example'],
    ])('is told of the test kit first, and what it is told works; of the hosts, %s', async (_what, hosts, declared) => {
      const app = await start(newAdapter, { hosts });
      expect((await app.ask(EDIT, { headers: { Host: '127.0.0.1:4000' } })).status).toBe(400);

      const advice = `In a test, send the request with asHttps() of nestjs-secure/testing, or with the Host header '${declared}'. Elsewhere: If a proxy `;
      expect(found(app)[0]?.fix.slice(0, advice.length)).toBe(advice);
      const server = app.nest.getHttpServer();
      await asHttps(supertest(server).get(EDIT)).expect(200);
      await supertest(server).get(EDIT).set('Host', declared).expect(307);
    });

    it('and over https, where a page builds its own URL, is told of the header alone', async () => {
      const app = await start(newAdapter, { hosts: ['shop.example'] });
      await asHttps(supertest(app.nest.getHttpServer()).get('/open')).expect(400);

      expect(found(app)).toMatchObject([
        {
          id: 'SEC002',
          fix: expect.stringMatching(/^In a test, send the request with the Host header 'shop\.example'\. Elsewhere: /),
        },
      ]);
      await asHttps(supertest(app.nest.getHttpServer()).get('/open').set('Host', 'shop.example')).expect(200);
    });

    it('is told of no name, where a function decides', async () => {
      const app = await start(newAdapter, { hosts: [() => false] });
      await app.ask(EDIT, { headers: { Host: '127.0.0.1:4000' } });

      expect(found(app)).toMatchObject([
        { id: 'SEC002', fix: expect.stringMatching(/^In a test, .* of nestjs-secure\/testing\. Elsewhere: /) },
      ]);
      await asHttps(supertest(app.nest.getHttpServer()).get('/open')).expect(400);
    });
  });

  it.each(['evil.example', 'shop.example, evil.example', 'shop.example@evil.example', '10.0.0.7'])(
    'suggests nothing that X-Forwarded-Host %s would make up',
    async (stated) => {
      const app = await start(newAdapter);
      await app.ask(EDIT, { headers: { Host: '10.0.0.7', 'X-Forwarded-Host': stated } });

      expect(found(app)).toMatchObject([{ id: 'SEC002', fix: expect.not.stringContaining('host: true') }]);
    },
  );

  it('is reported and answered 400 where a page builds its own URL, over https too', async () => {
    const app = await start(newAdapter);
    const { status, body } = await app.ask('/open', { headers: replaced, https: true });

    expect(status).toBe(400);
    expect(body).toContain("The host '10.0.0.7' is not allowed in a URL.");
    expect(found(app)).toMatchObject([{ id: 'SEC002', fix: expect.stringContaining('host: true') }]);
  });
});

describe.each(adapters)('a loop through several proxies, on %s', (_platform, newAdapter) => {
  const browser = {
    Host: 'shop.example',
    'Sec-Fetch-Site': 'none',
    'Sec-Fetch-Mode': 'navigate',
    'Sec-Fetch-Dest': 'document',
  };

  it.each<[string, SecureOptions['proxies'], Record<string, string>, string]>([
    [
      'one of two is counted',
      { trust: 1 },
      { 'X-Forwarded-Proto': 'https, http', 'X-Forwarded-For': '203.0.113.7, 10.0.0.3' },
      'proxies: { trust: 2 }',
    ],
    [
      'one of three is counted',
      { trust: 1 },
      { 'X-Forwarded-Proto': 'https, http, http', 'X-Forwarded-For': '203.0.113.7, 10.0.0.3, 10.0.0.4' },
      'proxies: { trust: 3 }',
    ],
    [
      'the last one alone is named',
      { trust: ['loopback'] },
      { 'X-Forwarded-Proto': 'https, http', 'X-Forwarded-For': '203.0.113.7, 10.0.0.3' },
      "proxies: { trust: ['loopback', '10.0.0.3'] }",
    ],
  ])('names the setting where %s', async (_what, proxies, forwarded, setting) => {
    const app = await start(newAdapter, { hosts: ['shop.example'], proxies });
    const headers = { ...browser, ...forwarded };
    await app.ask(EDIT, { headers });

    expect((await app.ask(EDIT, { headers })).status).toBe(421);
    const loop = findLoop(app);
    expect(loop?.fix).toContain(setting);
    expect(loop?.cause).toContain('says http in x-forwarded-proto');
  });

  it('names none where no proxy says https', async () => {
    const app = await start(newAdapter);
    const headers = { ...browser, 'X-Forwarded-Proto': 'http', 'X-Forwarded-For': '203.0.113.7' };
    await app.ask(EDIT, { headers });
    await app.ask(EDIT, { headers });

    const loop = findLoop(app);
    expect(loop?.fix).toContain("'X-Forwarded-Proto: https'");
    expect(loop?.fix).not.toContain('trust');
    expect(loop?.fix).toContain('Never state https for a port that serves http.');
    expect(loop?.cause).not.toContain('program');
  });

  it('names a program as well where the only sign is a cookie, which no browser sends over http', async () => {
    const app = await start(newAdapter);
    const headers = { Host: 'shop.example', Cookie: '__Host-sid=1', 'X-Forwarded-Proto': 'http' };
    await app.ask(EDIT, { headers });
    await app.ask(EDIT, { headers });

    const loop = findLoop(app);
    expect(loop?.cause).toContain('Or a program, which is no browser, sent that cookie over http.');
    expect(loop?.fix).toContain('leave the proxy as it is, and give the program the https address.');
  });
});
