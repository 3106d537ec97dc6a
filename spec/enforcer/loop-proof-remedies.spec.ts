import { Controller, Get, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SecureAudit, SecureModule, SecureRequired, type Finding, type SecureOptions } from 'nestjs-secure';
import { mkdtemp, rm } from 'node:fs/promises';
import { request, type OutgoingHttpHeaders, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import { runInNewContext } from 'node:vm';
import { explainDoubts } from '../../lib/enforcer/explain.js';
import type { ProxyOptions } from '../../lib/options/secure-options.js';
import { compileTransport } from '../../lib/transport/transport.js';
import { adapters, type NewAdapter } from '../support/applications.js';
import { connect, type HeaderLines } from '../support/connection.js';
import { shared } from '../support/everything.js';

@Controller()
class PagesController {
  @SecureRequired()
  @Get('secret')
  secret(): string {
    return 'secret';
  }
}

const HOST = 'shop.example.com';
/** What a browser sends over https, and over http only where it trusts the host. */
const navigation = { 'Sec-Fetch-Site': 'none', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
const pairOfHttps = { 'X-Forwarded-Proto': 'https, http' };

type Row = [what: string, proxies: ProxyOptions | undefined, headers: OutgoingHttpHeaders, id: string, ways: number];

/** Each way in which proxies may be declared, and what comes from one that is not, or says it otherwise. */
const ROWS: Row[] = [
  ['no proxies, and X-Forwarded-Proto', undefined, { 'X-Forwarded-Proto': 'https' }, 'SEC101', 1],
  ['no proxies, and another case', undefined, { 'X-Forwarded-Proto': 'HTTPS' }, 'SEC101', 1],
  ['no proxies, and wss', undefined, { 'X-Forwarded-Proto': 'wss' }, 'SEC101', 1],
  ['no proxies, and Forwarded', undefined, { Forwarded: 'for=192.0.2.1;proto=https' }, 'SEC101', 1],
  ['no proxies, and a header of CloudFront', undefined, { 'CloudFront-Forwarded-Proto': 'https' }, 'SEC101', 1],
  ['no proxies, and X-Forwarded-Ssl', undefined, { 'X-Forwarded-Ssl': 'on' }, 'SEC101', 1],
  ['no proxies, and Front-End-Https', undefined, { 'Front-End-Https': 'On' }, 'SEC101', 1],
  ['no proxies, and X-Forwarded-Protocol', undefined, { 'X-Forwarded-Protocol': 'ssl' }, 'SEC101', 1],
  ['no proxies, and Fastly-SSL', undefined, { 'Fastly-SSL': '1' }, 'SEC101', 1],
  ['no proxies, and WL-Proxy-SSL', undefined, { 'WL-Proxy-SSL': 'true' }, 'SEC101', 1],
  ['no proxies, and X-ARR-SSL', undefined, { 'X-ARR-SSL': '2048|128|DC=com, DC=example' }, 'SEC101', 1],
  ['no proxies, and CF-Visitor', undefined, { 'CF-Visitor': '{"scheme":"https"}' }, 'SEC101', 1],
  ['no proxies, and CF-Visitor with spaces', undefined, { 'CF-Visitor': '{ "scheme": "https" }' }, 'SEC101', 1],
  ['no proxies, and a misspelt header', undefined, { 'X-Forwared-Proto': 'https' }, 'SEC101', 1],
  ['no proxies, and a header with a quote in its name', undefined, { "X-It's": 'https' }, 'SEC101', 1],
  ['no proxies, and a quoted value', undefined, { 'X-Scheme': '"https"' }, 'SEC101', 1],
  ['no proxies, and the port only', undefined, { 'X-Forwarded-Port': '443' }, 'SEC101', 1],
  ['no proxies, and a list', undefined, pairOfHttps, 'SEC101', 1],
  ['no proxies, and a list in a header of its own', undefined, { 'X-Scheme': 'https, http' }, 'SEC101', 1],
  ['no proxies, and a browser on https', undefined, navigation, 'SEC104', 1],
  ['no proxies, and a cookie of https', undefined, { Cookie: '__Host-sid=1' }, 'SEC104', 1],

  ['another proxy declared', { trust: ['10.0.0.1'] }, { 'X-Forwarded-Proto': 'https' }, 'SEC101', 1],
  ['another one in a text', { trust: '10.0.0.1, uniquelocal' }, { 'X-Forwarded-Proto': 'https' }, 'SEC101', 1],
  ['another one that names the host', { trust: ['unix'], host: true }, { 'X-Forwarded-Proto': 'https' }, 'SEC101', 1],
  ['another one, and another header', { trust: ['10.0.0.1'] }, { Forwarded: 'proto=https' }, 'SEC101', 1],
  ['another one, and a list', { trust: ['10.0.0.1'] }, pairOfHttps, 'SEC101', 1],
  ['another one, and a browser on https', { trust: ['10.0.0.1'] }, navigation, 'SEC104', 1],
  ['no hop', { trust: 0 }, { 'X-Forwarded-Proto': 'https' }, 'SEC101', 1],
  [
    'another one with Forwarded',
    { trust: ['10.0.0.1'], header: 'forwarded', host: true },
    { 'X-Forwarded-Proto': 'https' },
    'SEC101',
    1,
  ],
  [
    'another one with a header of its own',
    { trust: ['10.0.0.1'], header: { name: 'X-Scheme', value: ['tls', 'https'] }, host: 'X-Host' },
    { 'X-Scheme': 'https' },
    'SEC101',
    1,
  ],

  ['a proxy with another header', { trust: 'loopback' }, { Forwarded: 'proto=https' }, 'SEC102', 2],
  ['a hop with another header', { trust: 1 }, { 'X-Scheme': 'https' }, 'SEC102', 2],
  ['a proxy with a misspelt header', { trust: 'loopback' }, { 'X-Forwared-Proto': 'https' }, 'SEC102', 2],
  ['a proxy with the port only', { trust: 'loopback' }, { 'X-Forwarded-Port': '443' }, 'SEC102', 1],
  [
    'a proxy that is to send Forwarded',
    { trust: 'loopback', header: 'forwarded' },
    { 'X-Forwarded-Proto': 'https' },
    'SEC102',
    2,
  ],
  [
    'a proxy that is to send a word',
    { trust: 'loopback', header: { name: 'Front-End-Https', value: 'on' } },
    { 'X-Forwarded-Proto': 'https' },
    'SEC102',
    2,
  ],
  [
    'a proxy that says http where it is read',
    { trust: 'loopback' },
    { 'X-Forwarded-Proto': 'http', 'X-Forwarded-Ssl': 'on' },
    'SEC102',
    2,
  ],

  ['a proxy that appends', { trust: 'loopback' }, pairOfHttps, 'SEC103', 1],
  ['a hop that appends', { trust: 2 }, pairOfHttps, 'SEC103', 1],
  [
    'a proxy with a bad Forwarded',
    { trust: 'loopback', header: 'forwarded' },
    { Forwarded: 'for=192.0.2.1:80; proto=https' },
    'SEC103',
    1,
  ],
  [
    'a proxy with another word',
    { trust: 'loopback', header: { name: 'X-Forwarded-Ssl', value: 'yes' } },
    { 'X-Forwarded-Ssl': 'on' },
    'SEC103',
    2,
  ],

  [
    'a proxy that says http beside port 443',
    { trust: 'loopback' },
    { 'X-Forwarded-Proto': 'http', 'X-Forwarded-Port': '443' },
    'SEC104',
    1,
  ],
  [
    'a proxy that says http in Forwarded beside port 443',
    { trust: 'loopback', header: 'forwarded' },
    { Forwarded: 'for=192.0.2.1; proto=http', 'X-Forwarded-Port': '443' },
    'SEC104',
    1,
  ],
  [
    'no proxies, and a script of a page on https',
    undefined,
    { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'script' },
    'SEC104',
    1,
  ],
  ['a proxy that says nothing, and a browser on https', { trust: 'loopback' }, navigation, 'SEC104', 1],
  ['a hop that says nothing, and a cookie of https', { trust: 1 }, { Cookie: '__Secure-a=1' }, 'SEC104', 1],
  [
    'a proxy that does not say it by a header of presence',
    { trust: 'loopback', header: { name: 'X-ARR-SSL' } },
    navigation,
    'SEC104',
    1,
  ],
];

/** One way out, as the text of a finding has it: what to write into the options, and what the proxy is to send. */
interface Way {
  readonly options: SecureOptions | undefined;
  readonly sends: OutgoingHttpHeaders;
}

function waysIn(fix: string): Way[] {
  return fix.split('; or, ').map((way) => {
    const [, code] = /SecureModule\.forRoot\((\{.*\})\)/.exec(way) ?? [];
    const [, name, value] = /send '([^ ]+): ([^']+)'/.exec(way) ?? [];
    return {
      options: code === undefined ? undefined : structuredClone(runInNewContext(`(${code})`)),
      sends: name === undefined ? {} : { [name]: value },
    };
  });
}

describe('a fix', () => {
  it('is read here from its text, as a person would', () => {
    expect(
      waysIn("Let the proxy send 'X-A: on'; or, read that: SecureModule.forRoot({ proxies: { trust: [] } })."),
    ).toEqual([
      { options: undefined, sends: { 'X-A': 'on' } },
      { options: { proxies: { trust: [] } }, sends: {} },
    ]);
  });

  it.each<[string, string | undefined, string]>([
    ['a mapped IPv4 address', '::ffff:10.0.0.3', "trust: ['10.0.0.3']"],
    ['a link-local address', 'fe80::1%eth0', "trust: ['fe80::1']"],
    ['a unix socket', 'unix', "trust: ['unix']"],
    ['an IPv6 address', '2001:db8::1', "trust: ['2001:db8::1']"],
  ])('for %s makes its requests secure', (_what, peer, trust) => {
    const connection = connect({ Host: HOST, 'X-Forwarded-Proto': 'https' }, { peer });
    const { subject = '', fix = '' } =
      explainDoubts(connection, compileTransport(undefined).read(connection), undefined) ?? {};
    expect(fix).toContain(trust);
    expect(trust).toBe(`trust: ['${subject.replace(', x-forwarded-proto', '')}']`);
    expect(compileTransport(waysIn(fix)[0]?.options?.proxies).isSecure(connection)).toBe(true);
  });

  it.each<[string, ProxyOptions | undefined]>([
    ['no proxies', undefined],
    ['an address', { trust: ['10.0.0.1'] }],
    ['a hop', { trust: 1 }],
  ])('declares nobody where the peer is not known, with %s', (_what, proxies) => {
    for (const [name, value] of [
      ['X-Forwarded-Proto', 'https'],
      ['Cookie', '__Host-sid=1'],
    ] as const) {
      const connection = connect({ Host: HOST, [name]: value }, { peer: undefined });
      const explanation = explainDoubts(connection, compileTransport(proxies).read(connection), proxies);
      expect(explanation).toMatchObject({ subject: expect.stringContaining('an unknown peer') });
      expect(explanation?.fix).toMatch(/^The connection was gone before its address could be read/);
    }
  });

  it('keeps host: true only with the header it was meant for', () => {
    const proxies: ProxyOptions = { trust: 'loopback', header: 'forwarded', host: true };
    const connection = connect({ Host: HOST, 'X-Forwarded-Proto': 'https' });
    const fix = explainDoubts(connection, compileTransport(proxies).read(connection), proxies)?.fix ?? '';
    expect(waysIn(fix)[1]?.options).toEqual({ proxies: { trust: 'loopback' } });
  });

  it.each<[string, ProxyOptions | undefined, HeaderLines, ProxyOptions]>([
    [
      'those that are declared already, and what is said of them',
      { trust: '10.0.0.1, uniquelocal', host: 'X-Host' },
      { 'X-Forwarded-Proto': 'https' },
      { trust: ['10.0.0.1', 'uniquelocal', '192.0.2.7'], host: 'X-Host' },
    ],
    [
      'the header whose presence says it',
      undefined,
      { 'X-ARR-SSL': '2048' },
      { trust: ['192.0.2.7'], header: { name: 'x-arr-ssl' } },
    ],
    ['no list, which several hands have written', undefined, { 'X-Scheme': 'https, http' }, { trust: ['192.0.2.7'] }],
    [
      'no value that is long',
      undefined,
      { 'CF-Visitor': `{"scheme":"https","a":"${'x'.repeat(80)}"}` },
      { trust: ['192.0.2.7'] },
    ],
  ])('names %s', (_what, proxies, lines, expected) => {
    const connection = connect({ Host: HOST, ...lines }, { peer: '192.0.2.7' });
    const fix = explainDoubts(connection, compileTransport(proxies).read(connection), proxies)?.fix ?? '';
    expect(waysIn(fix)[0]?.options).toEqual({ proxies: expected });
  });

  it('names the header of the proxy, whatever a client adds', () => {
    const lines = {
      Host: HOST,
      'A-Made-Up': 'https',
      Cookie: '__Host-a=1',
      'X-Forwarded-Proto': 'https',
      'Z-Made-Up': 'wss',
    };
    const connection = connect(lines, { peer: '10.0.0.3' });
    expect(explainDoubts(connection, compileTransport(undefined).read(connection), undefined)).toMatchObject({
      id: 'SEC101',
      signature: '10.0.0.3, x-forwarded-proto',
    });
  });

  it('is told of the header that is read before that of another', () => {
    const lines = { Host: HOST, 'X-Forwarded-Proto': 'https', 'X-Own': 'https, http' };
    const connection = connect(lines);
    const proxies: ProxyOptions = { trust: 'loopback', header: { name: 'X-Own', value: 'https' } };
    expect(explainDoubts(connection, compileTransport(proxies).read(connection), proxies)).toMatchObject({
      id: 'SEC103',
      subject: '127.0.0.1, x-own',
    });
  });

  it('is not asked for where nothing is doubted', () => {
    const connection = connect({ Host: HOST });
    expect(explainDoubts(connection, compileTransport(undefined).read(connection), undefined)).toBeUndefined();
  });
});

describe.each(adapters)('on %s', (platform, newAdapter) => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'remedies-'));
  });

  afterAll(() => rm(folder, { recursive: true }));

  it.each(shared(ROWS, platform === 'Express' ? 0 : 1, adapters.length))(
    'the fix for %s makes the request pass',
    async (_what, proxies, headers, id, ways) => {
      const before = await ask(newAdapter, 0, { proxies }, headers);
      expect(before.replies.at(-1)).toBe(421);
      expect(before.findings.map((finding) => finding.id)).toEqual([id]);

      const found = waysIn(before.findings[0]?.fix ?? '');
      expect(found).toHaveLength(ways);
      for (const { options, sends } of found) {
        const after = await ask(newAdapter, 0, options ?? { proxies }, without(headers, sends));
        expect(after).toStrictEqual({ replies: [200, 200], findings: [] });
      }
    },
  );

  it('the fix for a peer on a unix socket makes the request pass', async () => {
    const path = join(folder, 'application.sock');
    const before = await ask(newAdapter, path, { proxies: undefined }, { 'X-Forwarded-Proto': 'https' });
    expect(before.findings).toMatchObject([{ id: 'SEC101', subject: 'unix, x-forwarded-proto' }]);

    const [way] = waysIn(before.findings[0]?.fix ?? '');
    expect(way?.options).toEqual({ proxies: { trust: ['unix'] } });
    const after = await ask(newAdapter, path, way?.options ?? {}, { 'X-Forwarded-Proto': 'https' });
    expect(after.replies).toEqual([200, 200]);
  });
});

/** The headers of a proxy that sends what it is told to send in place of what it sent. */
function without(headers: OutgoingHttpHeaders, sends: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const replaced = new Set(Object.keys(sends).map((name) => name.toLowerCase()));
  const kept = Object.entries(headers).filter(([name]) => !replaced.has(name.toLowerCase()));
  return { ...Object.fromEntries(kept), ...sends };
}

/** Asks an application twice, for a loop is one at the second time. */
async function ask(
  newAdapter: NewAdapter,
  where: number | string,
  options: SecureOptions,
  headers: OutgoingHttpHeaders,
): Promise<{ replies: (number | undefined)[]; findings: readonly Finding[] }> {
  const root = {
    module: class AppModule {},
    imports: [SecureModule.forRoot({ hosts: [HOST], ...options })],
    controllers: [PagesController],
  };
  const app = await NestFactory.create(root, newAdapter(), { logger: false, abortOnError: false });
  try {
    const address = await listen(app, where);
    const replies = [await get(address, headers), await get(address, headers)];
    const findings = app.get(SecureAudit).findings();
    return { replies, findings: findings.filter(({ id }) => /^SEC10\d$/.test(id)) };
  } finally {
    await app.close();
  }
}

async function listen(
  app: INestApplication,
  where: number | string,
): Promise<{ socketPath: string } | { port: number }> {
  if (typeof where === 'string') {
    // Not app.listen(): on Fastify, Nest 11 takes any text for a port.
    await app.init();
    await app.getHttpAdapter().getInstance().ready?.();
    const server: Server = app.getHttpServer();
    await once(server.listen(where), 'listening');
    return { socketPath: where };
  }
  await app.listen(where, '127.0.0.1');
  return { port: Number(new URL(await app.getUrl()).port) };
}

async function get(address: object, headers: OutgoingHttpHeaders): Promise<number | undefined> {
  const asked = request({
    host: '127.0.0.1',
    path: '/secret',
    agent: false,
    ...address,
    headers: { Host: HOST, ...headers },
  });
  asked.end();
  const [response] = await once(asked, 'response');
  await text(response);
  return response.statusCode;
}
