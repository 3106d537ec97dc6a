import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { All, Controller } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { INestApplication } from '@nestjs/common';
import { jest } from '@jest/globals';
import { listenSecurely, SecureModule, SecureRequired } from 'nestjs-secure';
import { adapters, type NewAdapter } from '../support/applications.js';
import { makeCertificate } from '../support/certificates.js';
import { proxies, type Proxy, type ProxyRules } from '../support/proxy-configs.js';
import type { ProxyServer } from '../support/proxy-servers.js';

jest.setTimeout(120_000);

const HOST = 'www.lamplight.test';
const SECRET = 'the secret';
const ran: string[] = [];

@Controller()
class SecretController {
  @SecureRequired()
  @All('secret')
  secret(): string {
    ran.push('secret');
    return SECRET;
  }

  @All('*')
  open(): string {
    return 'open';
  }
}

class SiteModule {}

/** Every header in which some proxy says how a request came. */
const FORWARDED = [
  'X-Forwarded-Proto',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Port',
  'X-Forwarded-Ssl',
  'X-Forwarded-Scheme',
  'X-Forwarded-Prefix',
  'X-Forwarded-Server',
  'X-Url-Scheme',
  'X-Real-IP',
  'Front-End-Https',
  'Forwarded',
  'Via',
  'Host',
];

const FORGED = [
  'X-Forwarded-Proto: https',
  'X-Forwarded-Ssl: on',
  'X-Forwarded-Port: 443',
  'X-Forwarded-Scheme: https',
  'Front-End-Https: on',
  'Forwarded: for=192.0.2.1;proto=https',
];

/** What a client can have a proxy do to headers that the proxy itself sets. */
const TRICKS: [what: string, lines: string[]][] = [
  ['none', []],
  ['forged headers', FORGED],
  ['Connection that names all of them', [`Connection: close, ${FORWARDED.join(', ')}`]],
  ['Connection that names all of them, with forged ones', [`Connection: close, ${FORWARDED.join(', ')}`, ...FORGED]],
  ...FORWARDED.map((name): [string, string[]] => [`Connection that names ${name}`, [`Connection: close, ${name}`]]),
  ['Connection in lower case', ['connection: close, x-forwarded-proto', 'x-forwarded-proto: https']],
  ['two lines of Connection', ['Connection: close', 'Connection: X-Forwarded-Proto', 'X-Forwarded-Proto: https']],
  ['Connection with empty members', ['Connection: close,, ,X-Forwarded-Proto,']],
  ['Connection that names itself', ['Connection: close, Connection, X-Forwarded-Proto']],
  ['Proxy-Connection', ['Proxy-Connection: X-Forwarded-Proto', 'X-Forwarded-Proto: https']],
  ['TE', ['TE: trailers', 'Connection: close, TE, X-Forwarded-Proto']],
  ['Keep-Alive', ['Keep-Alive: X-Forwarded-Proto', 'Connection: keep-alive, X-Forwarded-Proto']],
  ['Upgrade', ['Connection: Upgrade, X-Forwarded-Proto', 'Upgrade: x']],
  ['a trailer', ['Connection: close, Trailer', 'Trailer: X-Forwarded-Proto']],
  ['the same header twice', ['X-Forwarded-Proto: https', 'X-Forwarded-Proto: https']],
  ['a list', ['X-Forwarded-Proto: https, https', 'X-Forwarded-For: 127.0.0.1, 127.0.0.1']],
  ['addresses of proxies', ['X-Forwarded-For: 127.0.0.1', 'X-Forwarded-Proto: https', 'Connection: X-Forwarded-For']],
  ['a folded line', ['X-Forwarded-Proto: http', ' , https']],
  ['a folded Connection', ['Connection: close,', '\tX-Forwarded-Proto']],
  ['an underscore', ['X_Forwarded_Proto: https', 'Connection: close, X_Forwarded_Proto, X-Forwarded-Proto']],
  ['a space before the colon', ['X-Forwarded-Proto : https', 'Connection: close, X-Forwarded-Proto']],
  ['an empty value', ['X-Forwarded-Proto:', 'Connection: close, X-Forwarded-Proto']],
  ['a very long Connection', [`Connection: close, ${'x, '.repeat(1500)}X-Forwarded-Proto`]],
];

const METHODS = ['GET', 'POST'];

/** Sends bytes and reads until the server hangs up, over TLS where it is asked for. */
async function send(port: number, method: string, lines: readonly string[], tls = false): Promise<string> {
  const socket = tls
    ? connectTls({ port, host: '127.0.0.1', servername: HOST, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
    : connect({ port, host: '127.0.0.1' });
  const closes = lines.some((line) => /^connection:/i.test(line)) ? [] : ['Connection: close'];
  // HTTP/1.0 ends the connection with the answer whatever stands in Connection.
  const head = [`${method} /secret HTTP/1.1`, `Host: ${HOST}`, 'Content-Length: 0', ...closes, ...lines];
  socket.write(Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'));
  // Where Connection does not ask for an end, the next request does.
  if (closes.length === 0) socket.write(`GET /open HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`);
  socket.on('error', () => undefined);
  try {
    return (await buffer(socket)).toString('latin1');
  } catch {
    // Hung up: nothing came.
    return '';
  }
}

interface Site {
  readonly proxy: ProxyServer;
  stop(): Promise<void>;
}

async function start(
  newAdapter: NewAdapter,
  proxy: Proxy,
  rules: Pick<ProxyRules, 'upstreamTls' | 'forwardedFor'>,
): Promise<Site> {
  const root = {
    module: SiteModule,
    imports: [SecureModule.forRoot({ hosts: [HOST], proxies: { trust: ['loopback'] } })],
    controllers: [SecretController],
  };
  const app: INestApplication = await NestFactory.create(root, newAdapter(), { logger: false, abortOnError: false });
  const address = { port: 0, host: '127.0.0.1' };
  const { http, https } = await listenSecurely(app, { http: address, https: address, tls: await makeCertificate() });
  const upstream = rules.upstreamTls === true ? https.port : http.port;
  const server = await proxy.start((place) =>
    proxy.config(
      {
        ...rules,
        upstream,
        http: { set: { 'X-Forwarded-Proto': 'http' } },
        https: { set: { 'X-Forwarded-Proto': 'https' } },
      },
      place,
    ),
  );
  return {
    proxy: server,
    async stop() {
      await server.stop();
      await app.close();
    },
  };
}

const UPSTREAMS: [how: string, upstreamTls: boolean][] = [
  ['http', false],
  ['TLS', true],
];

/** With `forwardedFor: false` Apache runs with ProxyAddHeaders Off. */
const FRONTS = proxies.flatMap(([name, proxy]): [name: string, proxy: Proxy, forwardedFor: boolean][] => [
  [name, proxy, true],
  [`${name} without X-Forwarded-For`, proxy, false],
]);

describe.each(adapters)('the application on %s', (_platform, newAdapter) => {
  describe.each(UPSTREAMS)('spoken to over %s', (_how, upstreamTls) => {
    it.each(FRONTS)('by %s: no trick runs a marked handler over plain HTTP', async (_name, proxy, forwardedFor) => {
      const site = await start(newAdapter, proxy, { upstreamTls, forwardedFor });
      try {
        expect(await send(site.proxy.https, 'GET', [], true)).toContain(SECRET);
        ran.length = 0;
        const bypasses: string[] = [];
        for (const [what, lines] of TRICKS) {
          for (const method of METHODS) {
            const answer = await send(site.proxy.http, method, lines);
            if (ran.splice(0).length > 0 || answer.includes(SECRET)) bypasses.push(`${method} with ${what}`);
          }
        }
        expect(bypasses).toEqual([]);
      } finally {
        await site.stop();
      }
    });
  });
});
