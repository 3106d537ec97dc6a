import { Controller, Get, HostParam, Inject, Ip, Module, Req, UseGuards, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, PassportStrategy } from '@nestjs/passport';
import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import type { FastifyReply } from 'fastify';
import { rateLimit } from 'express-rate-limit';
import session from 'express-session';
import { SecureModule, SecureRequired, SecureUrls, type SecureOptions } from 'nestjs-secure';
import OAuth2Strategy from 'passport-oauth2';
import { once } from 'node:events';
import { request, type IncomingMessage, type ServerResponse } from 'node:http';
import { json, text } from 'node:stream/consumers';
import { adapters, type NewAdapter } from '../support/applications.js';

type Seen = Record<string, unknown>;

class OAuth extends PassportStrategy(OAuth2Strategy, 'oauth') {
  constructor() {
    super({
      authorizationURL: 'https://provider.example/authorize',
      tokenURL: 'https://provider.example/token',
      clientID: 'id',
      clientSecret: 'secret',
      callbackURL: '/auth/callback',
    });
  }
  validate(): boolean {
    return true;
  }
}

@Controller()
class PageController {
  constructor(@Inject(SecureUrls) private readonly urls: SecureUrls) {}

  @Get('seen')
  seen(@Req() req: Seen & { headers: Seen; session?: Seen }, @Ip() ip: string): Seen {
    const { secure, protocol, host, hostname, port, ips } = req;
    const { headers } = req;
    if (req.session !== undefined) req.session['seen'] = true;
    const url = this.urls.buildAbsoluteUrl(req, '/links?page=2');
    return { secure, protocol, ip, sameIp: req['ip'] === ip, ips, host, hostname, port, headers, url };
  }

  @Get('limited')
  limited(): string {
    return 'ok';
  }

  @Get('auth')
  @UseGuards(AuthGuard('oauth'))
  auth(): string {
    return 'ok';
  }

  @SecureRequired()
  @Get('marked')
  marked(): string {
    return 'marked';
  }
}

@Controller({ host: ':tenant.public.example' })
class TenantController {
  @Get('tenant')
  tenant(@HostParam('tenant') tenant: string): string {
    return tenant;
  }
}

const opened: INestApplication[] = [];
afterEach(async () => {
  for (const app of opened.splice(0)) await app.close();
});

async function start(
  newAdapter: NewAdapter,
  options: SecureOptions,
  main: (app: INestApplication) => unknown = () => undefined,
): Promise<{ port: number; findings: () => string[] }> {
  @Module({
    imports: [SecureModule.forRoot({ hosts: ['*'], ...options })],
    controllers: [TenantController, PageController],
    providers: [OAuth],
  })
  class AppModule {}
  const logged: string[] = [];
  const log = (...values: unknown[]): void => void logged.push(values.map(String).join(' '));
  const logger = { log: () => undefined, warn: log, error: log, fatal: log };
  const app = await NestFactory.create(AppModule, newAdapter(), { logger, abortOnError: false });
  opened.push(app);
  await main(app);
  await app.listen(0, '127.0.0.1');
  return { port: app.getHttpServer().address().port, findings: () => logged };
}

async function ask(port: number, path: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const sent = request({
    host: '127.0.0.1',
    port,
    path,
    agent: false,
    headers: { Host: 'inner.example:9000', ...headers },
  });
  sent.end();
  const [response]: IncomingMessage[] = await once(sent, 'response');
  if (response === undefined) throw new Error('no response');
  return response;
}

async function see(port: number, headers: Record<string, string>): Promise<Seen & { headers: Seen }> {
  return (await json(await ask(port, '/seen', headers))) as Seen & { headers: Seen };
}

/** What each way to write it says: https, public.example:8443, the client 203.0.113.7 through 10.0.0.1, the prefix /app. */
const FORGED = '6.6.6.6';
const ways: [string, SecureOptions['proxies'] & object, Record<string, string>][] = [
  [
    'x-forwarded',
    { trust: ['loopback', '10.0.0.0/8'] },
    { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': `${FORGED}, 203.0.113.7, 10.0.0.1` },
  ],
  [
    'forwarded',
    { trust: ['loopback', '10.0.0.0/8'], header: 'forwarded' },
    {
      Forwarded: `for=${FORGED}, for=203.0.113.7;proto=https;host="public.example:8443", for=10.0.0.1;proto=http;host=x`,
    },
  ],
  [
    'a custom header',
    { trust: ['loopback', '10.0.0.0/8'], header: { name: 'X-Scheme', value: 'https' } },
    { 'X-Scheme': 'https', 'X-Forwarded-For': `${FORGED}, 203.0.113.7, 10.0.0.1` },
  ],
];

describe.each(adapters)('one truth on %s', (platform, newAdapter) => {
  const express = platform === 'Express';
  const ips = express ? ['203.0.113.7', '10.0.0.1'] : ['127.0.0.1', '10.0.0.1', '203.0.113.7'];

  describe.each(ways)('in %s', (_way, proxies, says) => {
    it('a declared proxy: scheme and client, and its host where that is declared', async () => {
      for (const host of [false, true]) {
        const { port } = await start(newAdapter, { proxies: { ...proxies, host } });
        const sent = { 'X-Forwarded-Host': 'public.example:8443', ...says };
        const told = await see(port, sent);
        const expected = host ? 'public.example:8443' : 'inner.example:9000';
        expect(told).toMatchObject({
          protocol: 'https',
          ip: '203.0.113.7',
          sameIp: true,
          ips,
          host: expected,
          hostname: expected.split(':')[0],
          url: `https://${expected}/links?page=2`,
          headers: {
            'x-forwarded-proto': 'https',
            'x-forwarded-for': '203.0.113.7, 10.0.0.1',
            host: 'inner.example:9000',
          },
        });
        if (express) expect(told['secure']).toBe(true);
        else expect(told['port']).toBe(Number(expected.split(':')[1]));
        expect(told.headers['x-forwarded-host']).toBe(host ? 'public.example:8443' : undefined);
        expect('x-forwarded-host' in told.headers).toBe(host);
      }
    });

    it('an undeclared peer is believed in nothing, and what it says is taken away', async () => {
      const { port } = await start(newAdapter, {
        proxies: { ...proxies, trust: ['10.0.0.0/8'], host: true, prefix: true },
      });
      const told = await see(port, {
        ...says,
        'X-Forwarded-Proto': 'https',
        'X-Forwarded-Host': 'evil.example',
        'X-Forwarded-Port': '443',
        'X-Forwarded-Ssl': 'on',
        'X-Forwarded-Prefix': '/evil',
        Forwarded: 'proto=https;host=evil.example',
      });
      expect(told).toMatchObject({
        protocol: 'http',
        ip: '127.0.0.1',
        ips: express ? [] : ['127.0.0.1'],
        host: 'inner.example:9000',
        url: 'http://inner.example:9000/links?page=2',
      });
      expect(told.headers['x-forwarded-proto']).toBe('http');
      expect(Object.keys(told.headers).filter((name) => name.includes('forwarded'))).toEqual(['x-forwarded-proto']);
      expect((await ask(port, '/marked', { 'X-Forwarded-Proto': 'https' })).statusCode).toBe(421);
    });

    it('a prefix is part of every URL and every redirect', async () => {
      const { port } = await start(newAdapter, { proxies: { ...proxies, prefix: true }, paths: ['/ruled'] });
      const told = await see(port, { ...says, 'X-Forwarded-Prefix': '/app' });
      expect(told['url']).toBe('https://inner.example:9000/app/links?page=2');
      const locations = [];
      for (const path of ['/marked?a=b', '/ruled', '/app/ruled']) {
        locations.push((await ask(port, path, { 'X-Forwarded-Prefix': '/app' })).headers.location);
      }
      expect(locations).toEqual([
        'https://inner.example/app/marked?a=b',
        'https://inner.example/app/ruled',
        'https://inner.example/app/ruled',
      ]);
    });

    it('OAuth callbacks, rate limits, bound hosts and other sessions follow', async () => {
      const limiter = rateLimit({
        windowMs: 60_000,
        limit: 2,
        validate: false,
        // On Fastify middleware has Node's response.
        handler: (_request, response: ServerResponse) => {
          response.statusCode = 429;
          response.end();
        },
      });
      const { port } = await start(newAdapter, { proxies: { ...proxies, host: true } }, async (app) => {
        app.use('/limited', limiter);
        if (express) {
          app.use('/seen', session({ secret: 's', resave: false, saveUninitialized: false, cookie: { secure: true } }));
          return;
        }
        const fastify = app.getHttpAdapter().getInstance();
        // What Passport calls on a response.
        fastify.addHook('onRequest', async (_request: unknown, reply: FastifyReply) => {
          Object.assign(reply, {
            setHeader: (name: string, value: string) => reply.raw.setHeader(name, value),
            end: () => reply.raw.end(),
          });
        });
        await fastify.register(fastifyCookie);
        await fastify.register(fastifySession, { secret: 's'.repeat(32), cookie: { secure: true } });
      });
      const sent = { ...says, 'X-Forwarded-Host': 'public.example:8443' };
      const redirect = new URL(String((await ask(port, '/auth', sent)).headers.location));
      expect(redirect.searchParams.get('redirect_uri')).toBe('https://public.example:8443/auth/callback');

      const statuses = [];
      for (const visitor of ['203.0.113.7', '203.0.113.8', '203.0.113.9', '203.0.113.7', '203.0.113.7']) {
        const one = Object.fromEntries(
          Object.entries(sent).map(([name, value]) => [name, value.replace('203.0.113.7', visitor)]),
        );
        statuses.push((await ask(port, '/limited', one)).statusCode);
      }
      expect(statuses).toEqual([200, 200, 200, 200, 429]);

      const tenant = (value: string): Record<string, string> =>
        Object.fromEntries(Object.entries(sent).map(([name, one]) => [name, one.replace('public.example', value)]));
      expect(await text(await ask(port, '/tenant', tenant('blue.public.example')))).toBe('blue');

      const other = Object.fromEntries(
        Object.entries(sent).map(([name, value]) => [name, value.replace('203.0.113.7', '203.0.113.30')]),
      );
      expect((await ask(port, '/seen', other)).headers['set-cookie']?.[0]).toMatch(/Secure/);
    });
  });

  const list = { 'X-Forwarded-For': '"203.0.113.7", "10.0.0.1"' };
  it.each<[string, SecureOptions['proxies'] & object, Record<string, string>, 'http' | 'https']>([
    [
      'spaces in Forwarded',
      { trust: 'loopback', header: 'forwarded' },
      { Forwarded: 'for=203.0.113.43; proto=https; extension=value' },
      'https',
    ],
    [
      'tabs in Forwarded',
      { trust: 'loopback', header: 'forwarded' },
      { Forwarded: 'for=203.0.113.43\t;\tproto=https' },
      'https',
    ],
    [
      'Forwarded with an element that is none',
      { trust: 'loopback', header: 'forwarded' },
      { Forwarded: 'proto=https, for=, proto=http' },
      'http',
    ],
    [
      'quoted members',
      { trust: ['loopback', '10.0.0.1'] },
      { 'X-Forwarded-Proto': '"https" , "http"', ...list },
      'https',
    ],
    [
      'quoted members, the other way',
      { trust: ['loopback', '10.0.0.1'] },
      { 'X-Forwarded-Proto': '"http" , "https"', ...list },
      'http',
    ],
    [
      'a single value beside several addresses',
      { trust: 'loopback' },
      { 'X-Forwarded-Proto': 'https', ...list },
      'https',
    ],
  ])('reads what senders write: %s', async (_what, proxies, headers, protocol) => {
    const { port } = await start(newAdapter, { proxies });
    expect(await see(port, headers)).toMatchObject({ protocol });
    expect((await ask(port, '/marked', headers)).statusCode).toBe(protocol === 'https' ? 200 : 307);
  });

  it('without proxies nothing is touched', async () => {
    const { port } = await start(newAdapter, {});
    const sent = {
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-For': '203.0.113.7',
      Forwarded: 'proto=https',
      'X-Forwarded-Host': 'a',
    };
    const told = await see(port, sent);
    expect(told).toMatchObject({ protocol: 'http', ip: '127.0.0.1', host: 'inner.example:9000' });
    expect(told.headers).toMatchObject({
      'x-forwarded-proto': 'https',
      forwarded: 'proto=https',
      'x-forwarded-host': 'a',
    });
    expect(told['url']).toBe('http://inner.example:9000/links?page=2');
  });

  it('a hundred visitors behind one proxy, one of whom is redirected', async () => {
    const { port } = await start(newAdapter, { proxies: { trust: 'loopback' } });
    const browser = {
      'User-Agent': 'one for all',
      'Sec-Fetch-Site': 'none',
      'Sec-Fetch-Mode': 'navigate',
      'Sec-Fetch-Dest': 'document',
      'X-Forwarded-Proto': 'http',
    };
    const statuses = [];
    for (let visitor = 0; visitor < 100; visitor += 1) {
      statuses.push((await ask(port, '/marked', { ...browser, 'X-Forwarded-For': `203.0.113.${visitor}` })).statusCode);
    }
    expect(new Set(statuses)).toEqual(new Set([307]));
    expect((await ask(port, '/marked', { ...browser, 'X-Forwarded-For': '203.0.113.1' })).statusCode).toBe(421);
  });
});

describe("Express's own trust setting beside proxies", () => {
  const newAdapter = adapters[0]?.[1];
  it.each([true, 1, 'loopback'])('%j does not win, and is a finding', async (value) => {
    if (newAdapter === undefined) throw new Error('no adapter');
    const { port, findings } = await start(newAdapter, { proxies: { trust: '10.0.0.0/8' } }, (app) => {
      app.getHttpAdapter().getInstance().set('trust proxy', value);
    });
    expect(findings().join()).toContain('SEC113');
    expect(await see(port, { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '203.0.113.7' })).toMatchObject({
      protocol: 'http',
      ip: '127.0.0.1',
    });
  });
});
