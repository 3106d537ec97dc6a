import { All, Controller, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import { once } from 'node:events';
import { connect, type ClientHttp2Session, type IncomingHttpHeaders, type OutgoingHttpHeaders } from 'node:http2';
import { SecureAudit, SecureModule, SecureRequired, type SecureOptions } from 'nestjs-secure';
import { ran } from '../support/applications.js';
import { makeCertificate, type Certificate } from '../support/certificates.js';

// Express cannot speak HTTP/2: it gives the request a prototype that reads a socket of HTTP/1.

@Controller()
class PagesController {
  @SecureRequired()
  @All('page')
  page(): string {
    ran.push('page');
    return 'secret';
  }

  @All('open')
  open(): string {
    ran.push('open');
    return 'open';
  }
}

let app: INestApplication;
let session: ClientHttp2Session;

afterEach(async () => {
  session.destroy();
  await app.close();
  ran.length = 0;
});

async function start(options: SecureOptions, tls?: Certificate): Promise<void> {
  const adapter =
    tls === undefined ? new FastifyAdapter({ http2: true }) : new FastifyAdapter({ http2: true, https: tls });
  const root = { module: class AppModule {}, imports: [SecureModule.forRoot(options)], controllers: [PagesController] };
  app = await NestFactory.create(root, adapter, { logger: false, abortOnError: false });
  await app.listen(0, '127.0.0.1');
  const { port } = new URL(await app.getUrl());
  // Nest 11 says http of an adapter that was given a certificate.
  session = connect(`${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, { rejectUnauthorized: false });
}

/** Asks over the one connection. */
async function ask(headers: OutgoingHttpHeaders): Promise<IncomingHttpHeaders> {
  const stream = session.request({ ':path': '/page', ...headers });
  stream.resume().end();
  const [answered]: IncomingHttpHeaders[] = await once(stream, 'response');
  if (!stream.closed) await once(stream, 'close');
  return answered ?? {};
}

const hosts = ['shop.example', 'docs.example'];

const twoNames: [authority: string, host: string][] = [
  ['evil.example', 'shop.example'],
  ['shop.example', 'evil.example'],
  ['shop.example', 'docs.example'],
  ['shop.example', 'shop.example:8443'],
];

const oneName: [authority: string, host: string][] = [
  ['shop.example', 'SHOP.EXAMPLE'],
  ['shop.example', 'shop.example:80'],
  ['shop.example:80', 'shop.example'],
];

const optionsOf: [string, SecureOptions][] = [
  ['no proxies', { hosts }],
  ['declared proxies', { hosts, proxies: { trust: ['loopback'], host: true, direct: true } }],
  ["mode 'all'", { hosts, mode: 'all' }],
];

const paths = ['/page', '/open', '/nothing'];

describe.each(optionsOf)('an HTTP/2 request that names two hosts, with %s', (_what, options) => {
  it.each(['plain HTTP', 'TLS'])('is refused over %s', async (over) => {
    await start(options, over === 'TLS' ? await makeCertificate() : undefined);
    const asked = twoNames.flatMap(([authority, host]) => paths.map((path) => ({ authority, host, path })));
    const answers = await Promise.all(
      asked.map(({ authority, host, path }) => ask({ ':authority': authority, host, ':path': path })),
    );
    for (const [at, answer] of answers.entries()) {
      expect([asked[at], answer[':status'], answer.location]).toEqual([asked[at], 400, undefined]);
    }
    expect(ran).toEqual([]);
    expect(app.get(SecureAudit).findings()).toContainEqual(expect.objectContaining({ id: 'SEC002' }));
  });
});

it('an HTTP/2 request names one host where Host differs in case or names the default port', async () => {
  await start({ hosts });
  for (const [authority, host] of oneName) {
    expect(await ask({ ':authority': authority, host })).toMatchObject({ location: 'https://shop.example/page' });
  }
});

it('each request of one HTTP/2 connection is judged by its own host', async () => {
  await start({ hosts });
  const answers = await Promise.all(
    ['shop.example', 'docs.example', 'evil.example', 'shop.example'].map((name) => ask({ ':authority': name })),
  );
  expect(answers.map((answer) => answer.location ?? answer[':status'])).toEqual([
    'https://shop.example/page',
    'https://docs.example/page',
    400,
    'https://shop.example/page',
  ]);
  expect(ran).toEqual([]);
});

it.each(['https', 'HTTPS', 'wss'])('the scheme of a request is not what :scheme says: %s', async (scheme) => {
  for (const options of [{ hosts }, { hosts, proxies: { trust: ['loopback'] } }]) {
    await start(options);
    expect(await ask({ ':authority': 'shop.example', ':scheme': scheme })).toMatchObject({ ':status': 307 });
    expect((await ask({ ':authority': 'shop.example', ':scheme': scheme, ':method': 'POST' }))[':status']).toBe(403);
    expect(ran).toEqual([]);
    session.destroy();
    await app.close();
  }
  await start({ hosts });
});

it.each([
  '/%70age',
  '//page',
  '/./page',
  '/page/',
  '/PAGE',
  '/x/../page',
  '/page?x=/open',
  '/open/../page',
  '/page#/open',
])('a path rule covers the :path %s', async (path) => {
  await start({ hosts, paths: ['/page'] });
  const answered = await ask({ ':authority': 'shop.example', ':path': path });
  expect([answered[':status'], new URL(String(answered.location)).host]).toEqual([307, 'shop.example']);
  expect(ran).toEqual([]);
});
