import { Controller, Get, Post, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { jest } from '@jest/globals';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { SecureModule, SecureRequired, type ProxyOptions, type SecureOptions } from 'nestjs-secure';
import { compileTransport } from '../../lib/transport/transport.js';
import { clearRequests, sendOverHttp, type ClearRequest } from '../support/insecure-requests.js';
import { listenLocally } from '../support/listen-locally.js';
import { configureProxiedSite, ProxiedSiteModule } from '../support/proxy-config-site.js';
import { checkProxyConfig, type ProxyServer } from '../support/proxy-servers.js';
import { writtenProxies, type WrittenProxy } from '../support/written-proxies.js';

jest.setTimeout(120_000);

const LIE = [
  'X-Forwarded-Proto: https',
  'x-forwarded-proto: HTTPS',
  'X-Forwarded-For: 192.0.2.1',
  'X-Forwarded-Host: evil.example',
  'X-Forwarded-Port: 443',
  'X-Forwarded-Ssl: on',
  'Forwarded: for=192.0.2.1;proto=https;host=evil.example',
  'X-Secure: yes indeed',
  'CF-Visitor: {"scheme":"https"}',
  'X-ARR-SSL: 2048',
];

function request(target: string, given: Partial<ClearRequest> = {}): ClearRequest {
  return { method: 'GET', target, host: 'example.com', lines: [], odd: false, ...given };
}

/** Sends a request over TLS. */
async function sendOverTls(port: number, { method, target, host, lines }: ClearRequest): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, servername: 'localhost' });
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...lines];
  socket.write(Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'));
  return text(socket);
}

/** An upstream that says which headers it was sent. */
let upstream: Server;
let upstreamPort: number;
const arrived: { headers: IncomingHttpHeaders; rawHeaders: string[] }[] = [];
const stops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  upstream = createServer(({ headers, rawHeaders }, response) => {
    arrived.push({ headers, rawHeaders });
    response.end('passed');
  });
  upstreamPort = await listenLocally(upstream);
});

afterEach(async () => {
  arrived.length = 0;
  for (const stop of stops.splice(0).toReversed()) await stop();
});

afterAll(() => {
  upstream.closeAllConnections();
  upstream.close();
});

async function siteWith(options: SecureOptions): Promise<INestApplication> {
  class Root {}
  const root = { module: Root, imports: [ProxiedSiteModule, SecureModule.forRoot(options)] };
  const app = await NestFactory.create(root, { logger: false, abortOnError: false });
  stops.push(() => app.close());
  configureProxiedSite(app);
  await app.init();
  return app;
}

/** Starts a server with what is written for the site: rules on http, headers on https, or as `sides` has it. */
async function startWith(
  { start, configOf, block, own }: WrittenProxy,
  options: SecureOptions,
  sides: { http?: 'http' | 'https'; https: 'http' | 'https' } = { http: 'http', https: 'https' },
): Promise<ProxyServer> {
  const app = await siteWith(options);
  const proxy = await start((place) =>
    (['http', 'https'] as const)
      .flatMap((side) => {
        const writes = sides[side];
        if (writes === undefined) return [];
        const written = configOf(app, { side: writes });
        return [block({ place, side, upstream: upstreamPort, written, own: own(upstreamPort) })];
      })
      .join('\n'),
  );
  stops.push(() => proxy.stop());
  return proxy;
}

describe.each(writtenProxies)('the files for %s', (_name, written) => {
  it.each<[string, SecureOptions]>([
    ['marks alone', {}],
    ['mode all', { mode: 'all', exempt: ['/health'], hosts: ['*'], refuse: { status: 405 } }],
    [
      'path rules of every kind',
      { paths: ['/', "/it's/a%20b/caf\u00e9", '/%22quoted%22/%7Bx%7D', '/ss/fi'], exempt: ['/$x/!y'] },
    ],
    ['nothing enforced', { httpsSupport: false }],
    ['Forwarded', { proxies: { trust: ['loopback'], header: 'forwarded', host: true } }],
    [
      'a header of its own',
      { proxies: { trust: 'unix', header: { name: 'CF-Visitor', value: '{"scheme":"https"}' }, host: 'X-Site' } },
    ],
  ])('are taken as they are: %s', async (_what, options) => {
    const proxy = await startWith(written, options);
    expect(() => checkProxyConfig(written.server, proxy)).not.toThrow();
  });

  it('never answer over https, whatever file is included there', async () => {
    const proxy = await startWith(written, { mode: 'all', hosts: ['example.com'], paths: ['/'] }, { https: 'http' });
    const asked = clearRequests.filter(({ odd }, at) => !odd && at % 7 === 0);
    for (const one of asked) {
      const answer = await sendOverTls(proxy.https, one);
      expect([one.method, one.target, answer.split('\r\n')[0]]).toStrictEqual([
        one.method,
        one.target,
        'HTTP/1.1 200 OK',
      ]);
    }
    expect(asked.length).toBeGreaterThan(40);
  });

  it.each<[string, ProxyOptions | undefined]>([
    ['no proxies declared', undefined],
    ['X-Forwarded-Proto', { trust: ['loopback'], host: true }],
    ['Forwarded', { trust: ['loopback'], header: 'forwarded', host: true }],
    ['Forwarded without a host', { trust: ['loopback'], header: 'forwarded' }],
    [
      'a header with a value',
      { trust: ['loopback'], header: { name: 'X-Secure', value: 'yes indeed' }, host: 'X-Site' },
    ],
    ['a header with https', { trust: ['loopback'], header: { name: 'X-Secure', value: 'https' } }],
    ['a header with JSON', { trust: ['loopback'], header: { name: 'CF-Visitor', value: '{"scheme":"https"}' } }],
    ['a header by its presence', { trust: ['loopback'], header: { name: 'X-ARR-SSL' } }],
  ])('let the application believe the truth and nothing else: %s', async (_what, proxies) => {
    const proxy = await startWith(written, { hosts: ['example.com'], ...(proxies && { proxies }) });
    const { read } = compileTransport(proxies ?? { trust: ['loopback'] });
    // Of what is open over plain HTTP, for the rules answer the rest.
    await sendOverHttp(proxy.http, request('/health', { lines: LIE }));
    await sendOverTls(
      proxy.https,
      request('/health', { lines: LIE.map((line) => line.replace(/https|HTTPS|on$|yes indeed/, 'http')) }),
    );
    const seen = arrived.map(({ headers, rawHeaders }) => ({
      transport: read({ encrypted: false, peer: '127.0.0.1', headers, rawHeaders, framework: undefined }),
      headers,
    }));
    expect(seen.map(({ transport: { secure, host, doubts } }) => ({ secure, host, doubts }))).toStrictEqual([
      { secure: false, host: 'example.com', doubts: [] },
      { secure: true, host: 'example.com', doubts: [] },
    ]);
    expect(JSON.stringify(seen)).not.toMatch(/192\.0\.2\.1|evil\.example/);
  });

  it('refuse so that nothing is kept, and say what the status wants said', async () => {
    const proxy = await startWith(written, { hosts: ['example.com'], paths: ['/stop'], refuse: { status: 405 } });
    const upload = await sendOverHttp(proxy.http, request('/stop', { method: 'POST' }));
    expect(upload).toMatch(/^HTTP\/1\.1 405 /);
    expect(upload).toMatch(/^cache-control: no-store\r$/im);
    expect(upload).toMatch(/^allow: *\r$/im);
    const removal = await sendOverHttp(proxy.http, request('/api/account/7', { method: 'DELETE' }));
    expect(removal).toMatch(/^HTTP\/1\.1 426 /);
    expect(removal).toMatch(/^cache-control: no-store\r$/im);
    expect(removal).toMatch(/^upgrade: TLS\/1\.2, HTTP\/1\.1\r$/im);
    expect(arrived).toStrictEqual([]);
  });

  it('leave CORS preflights, and nothing like them, to the application', async () => {
    const proxy = await startWith(written, { hosts: ['example.com'], paths: ['/stop'] });
    const origin = 'Origin: https://other.example';
    const asks = 'Access-Control-Request-Method: PUT';
    const status = async (method: string, ...lines: string[]): Promise<string | undefined> =>
      (await sendOverHttp(proxy.http, request('/stop', { method, lines }))).split(' ')[1];
    expect(await status('OPTIONS', origin, asks)).toBe('200');
    expect(await status('OPTIONS', origin)).toBe('403');
    expect(await status('OPTIONS', asks)).toBe('403');
    expect(await status('POST', origin, asks)).toBe('403');
  });
});

describe('the files for Caddy', () => {
  const caddy = writtenProxies.find(([name]) => name === 'Caddy')?.[1];

  it.each([
    [
      'first in a route of the site',
      'route {\nimport nestjs-secure\nhandle /stop* {\nreverse_proxy UPSTREAM\n}\nreverse_proxy UPSTREAM\n}',
    ],
    ['beside the headers', 'import nestjs-secure\nimport nestjs-secure-headers\nreverse_proxy UPSTREAM'],
  ])('act %s', async (_where, site) => {
    if (caddy === undefined) throw new Error('Caddy is not among the proxies.');
    const proxies: ProxyOptions = { trust: ['loopback'], header: { name: 'X-Secure', value: 'yes' } };
    const app = await siteWith({ hosts: ['example.com'], paths: ['/stop'], proxies });
    const proxy = await caddy.start(({ http }) => {
      const written = [caddy.configOf(app), caddy.configOf(app, { side: 'https' })].join('\n');
      return `${written}\nhttp://:${http} {\n${site.replaceAll('UPSTREAM', `127.0.0.1:${upstreamPort}`)}\n}`;
    });
    stops.push(() => proxy.stop());
    expect(await sendOverHttp(proxy.http, request('/stop'))).toMatch(/^HTTP\/1\.1 307 /);
    expect(await sendOverHttp(proxy.http, request('/stop', { method: 'POST' }))).toMatch(/^HTTP\/1\.1 403 /);
    expect(await sendOverHttp(proxy.http, request('/health', { lines: ['X-Secure: yes'] }))).toMatch(
      /^HTTP\/1\.1 200 /,
    );
    expect(arrived.map(({ headers }) => headers['x-secure'])).toStrictEqual([undefined]);
  });
});

/** Names that mean something to a server, as far as the platform takes them for a route. */
const HOSTILE = [
  'it"s',
  "it's",
  'a b',
  '$x',
  '\\{x\\}',
  'x;y',
  'x#y',
  '%7Bx',
  '\\\\x',
  'x\\(y\\)',
  '100%',
  '`x`',
  '"; \\} return 200 "x',
  '${x}',
  '\\{$HOME\\}',
  'x\ny',
];

describe.each(writtenProxies)('a route that is called like a part of a configuration, for %s', (_name, written) => {
  it('is a route like others', async () => {
    @Controller()
    class HostileController {
      @SecureRequired()
      @Get(HOSTILE.map((path) => `hostile/${path}`))
      show(): string {
        return 'show';
      }
      @Post('open')
      open(): string {
        return 'open';
      }
    }
    class Root {}
    const root = {
      module: Root,
      imports: [SecureModule.forRoot({ hosts: ['example.com'] })],
      controllers: [HostileController],
    };
    const app = await NestFactory.create(root, { logger: false, abortOnError: false });
    stops.push(() => app.close());
    await app.init();
    const proxy = await written.start((place) =>
      written.block({ place, side: 'http', upstream: upstreamPort, written: written.configOf(app) }),
    );
    stops.push(() => proxy.stop());
    const answers = await Promise.all(
      ['/hostile/it"s', '/hostile/a%20b', '/hostile/$x', '/hostile/x;y', '/other'].map((target) =>
        sendOverHttp(proxy.http, request(target)),
      ),
    );
    expect(answers.map((answer) => answer.split(' ')[1])).toStrictEqual(['307', '307', '307', '307', '200']);
  });
});
