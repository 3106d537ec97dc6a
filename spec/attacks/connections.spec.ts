import { All, Body, Controller, Inject, Req } from '@nestjs/common';
import { SecureRequired, SecureUrls, type SecureOptions } from 'nestjs-secure';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { adapters, ran } from '../support/applications.js';
import { serve, type LiveApplication } from '../support/live-application.js';

@Controller()
class SiteController {
  constructor(@Inject(SecureUrls) private readonly urls: SecureUrls) {}

  @SecureRequired()
  @All('secret')
  secret(): string {
    ran.push('secret');
    return 'secret';
  }

  @All('open')
  open(@Req() request: object, @Body() _body: unknown): string {
    return `secure: ${this.urls.isSecure(request)}, ${this.urls.buildAbsoluteUrl(request)}`;
  }
}

/** Sends parts one after another, and reads all that comes back. */
async function send({ nest }: LiveApplication, ...parts: string[]): Promise<string> {
  const socket = connect(Number(new URL(await nest.getUrl()).port), '127.0.0.1');
  socket.on('error', () => undefined);
  for (const part of parts) socket.write(Buffer.from(part, 'latin1'));
  try {
    return (await buffer(socket)).toString('latin1');
  } catch {
    // Hung up: nothing came.
    return '';
  }
}

const head = (line: string, ...lines: string[]): string =>
  [`${line} HTTP/1.1`, 'Host: shop.example', ...lines, '', ''].join('\r\n');

const body = 'a=b';
const CHUNKED = ['Transfer-Encoding: chunked', 'Content-Type: application/x-www-form-urlencoded'];
const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n`;

/** What a client can do to a connection so that later or other headers might be believed. */
const ATTACKS: [what: string, parts: (path: string) => string[]][] = [
  [
    'trailers that say https',
    (path) => [
      head(`POST ${path}`, 'Connection: close', 'Trailer: X-Forwarded-Proto, Host', ...CHUNKED),
      `${chunk}X-Forwarded-Proto: https\r\nHost: evil.example\r\n\r\n`,
    ],
  ],
  [
    'trailers nobody announced',
    (path) => [
      head(`POST ${path}`, 'Connection: close', ...CHUNKED),
      `${chunk}Forwarded: proto=https\r\nX-Forwarded-Proto: https\r\n\r\n`,
    ],
  ],
  [
    'a switch to TLS that is never made',
    (path) => [head(`GET ${path}`, 'Connection: Upgrade, close', 'Upgrade: TLS/1.2')],
  ],
  [
    'a switch to HTTP/2',
    (path) => [
      head(
        `GET ${path}`,
        'Connection: Upgrade, HTTP2-Settings, close',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQAAP__',
      ),
    ],
  ],
  [
    'a handshake for a socket that nobody opens',
    (path) => [
      head(
        `GET ${path}`,
        'Connection: Upgrade, close',
        'Upgrade: websocket',
        'Sec-WebSocket-Key: x',
        'Sec-WebSocket-Version: 13',
      ),
      '',
    ],
  ],
  ['Connection that names Host', (path) => [head(`GET ${path}`, 'Connection: close, Host, X-Forwarded-Proto')]],
  [
    'an early hint of its own',
    (path) => [head(`GET ${path}`, 'Connection: close', 'Early-Data: 1', 'X-Forwarded-Proto: http')],
  ],
  [
    'a second request behind one that passes',
    (path) => [head('GET /open', 'X-Forwarded-Proto: http'), head(`GET ${path}`, 'Connection: close')],
  ],
  [
    'a second request behind one over https',
    (path) => [head('GET /open', 'X-Forwarded-Proto: https'), head(`GET ${path}`, 'Connection: close')],
  ],
  [
    'a second request in the body of a GET',
    (path) => [
      head('GET /open', 'Content-Length: 60', 'X-Forwarded-Proto: http'),
      head(`GET ${path}`, 'X-Forwarded-Proto: http', 'Connection: close'),
    ],
  ],
  [
    'a method in a header',
    (path) => [
      head(
        `GET ${path}`,
        'Connection: close',
        'X-HTTP-Method-Override: OPTIONS',
        'Origin: https://shop.example',
        'Access-Control-Request-Method: GET',
      ),
    ],
  ],
];

const settings: [string, SecureOptions['proxies']][] = [
  ['a declared proxy', { trust: ['loopback'] }],
  ['another proxy declared', { trust: ['10.0.0.0/8'] }],
  ['no proxies', undefined],
];

describe.each(adapters)('over one connection on %s', (_platform, newAdapter) => {
  describe.each(settings)('with %s', (_proxies, proxies) => {
    let site: LiveApplication;
    beforeAll(async () => {
      site = await serve(newAdapter, { controllers: [SiteController], options: { hosts: ['shop.example'], proxies } });
    });
    afterAll(() => site.close());

    it.each(ATTACKS)('%s: nothing marked runs, and nothing is steered', async (_what, parts) => {
      for (const path of ['/secret', '/open']) {
        const answer = await send(site, ...parts(path));
        expect([path, answer]).toEqual([path, expect.not.stringContaining('evil.example')]);
        const last = answer.slice(answer.lastIndexOf('HTTP/1.1'));
        if (path === '/open') expect(last).not.toContain('secure: true');
      }
      expect(ran).toEqual([]);
      expect((await site.ask('/open', { headers: { Host: 'shop.example' } })).status).toBe(200);
    });
  });
});
