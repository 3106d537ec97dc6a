import { once } from 'node:events';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { Controller, Post } from '@nestjs/common';
import { createRedirectServer, SecureExempt, SecureRequired, type SecureOptions } from 'nestjs-secure';
import { adapters, ran } from '../support/applications.js';
import { makeCertificate } from '../support/certificates.js';
import { listenLocally } from '../support/listen-locally.js';
import { serve, type LiveApplication } from '../support/live-application.js';

@Controller()
class FormsController {
  @SecureRequired()
  @Post('marked')
  marked(): string {
    ran.push('marked');
    return 'marked';
  }

  @SecureRequired()
  @Post('app/marked')
  markedBelow(): string {
    ran.push('marked');
    return 'marked';
  }

  @Post('ruled')
  ruled(): string {
    ran.push('ruled');
    return 'ruled';
  }

  @SecureExempt()
  @Post('open')
  open(): string {
    ran.push('open');
    return 'open';
  }
}

const HEAD =
  'Host: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\nContent-Type: application/x-www-form-urlencoded\r\n';

/** Every status line the server sends, in order; the body follows a 100 only. */
async function statuses(port: number, path: string, tls = false): Promise<string[]> {
  const socket = tls
    ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    : connect({ port, host: '127.0.0.1' });
  socket.write(`POST ${path} HTTP/1.1\r\n${HEAD}Connection: close\r\n\r\n`);
  socket.once('data', (chunk: Buffer) => {
    if (chunk.toString().startsWith('HTTP/1.1 100')) socket.write('a=b');
  });
  const answer = await text(socket);
  return [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => String(status));
}

const RULES: [rule: string, options: SecureOptions, path: string][] = [
  ['a paths rule', { paths: ['/ruled'] }, '/ruled'],
  ['mode "all"', { mode: 'all' }, '/ruled'],
  ['mode "all", where nothing answers', { mode: 'all' }, '/nothing'],
  ['a decorator', {}, '/marked'],
  ['a decorator, with a query', {}, '/marked?x=/open'],
  ['a decorator, on a path that is exempt', { mode: 'all', exempt: ['/marked'] }, '/marked'],
  [
    'a decorator, on a path that is exempt for this caller',
    { mode: 'all', exempt: [{ path: '/marked', from: ['127.0.0.1'] }], proxies: { trust: [] } },
    '/marked',
  ],
  [
    'a decorator, on a path that is exempt below the prefix',
    { mode: 'all', exempt: ['/marked'], proxies: { trust: ['loopback'], prefix: '/app' } },
    '/app/marked',
  ],
];

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

describe.each(adapters)('on %s, a request that waits for 100 Continue', (_platform, newAdapter) => {
  let site: LiveApplication;

  afterEach(() => site.close());

  async function start(options: SecureOptions): Promise<{ server: Server; port: number }> {
    site = await serve(newAdapter, { options, controllers: [FormsController] });
    const server: Server = site.nest.getHttpServer();
    const address = server.address();
    return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
  }

  it.each(RULES)('is refused in its place by %s', async (_rule, options, path) => {
    const { port } = await start(options);
    expect(await statuses(port, path)).toEqual(['403']);
    expect(ran).toEqual([]);
  });

  it.each(RULES)("is refused ahead of the application's own listener by %s", async (_rule, options, path) => {
    const { server, port } = await start(options);
    const own: Listener = (request, response) => {
      ran.push('own');
      response.writeContinue();
      server.emit('request', request, response);
    };
    server.on('checkContinue', own);
    expect(await statuses(port, path)).toEqual(['403']);
    expect(ran).toEqual([]);
    expect(await statuses(port, '/open')).toEqual(['100', '201']);
    expect(ran).toEqual(['own', 'open']);
  });

  it('is sent one where nothing requires https', async () => {
    const { port } = await start({ mode: 'all' });
    expect(await statuses(port, '/open')).toEqual(['100', '201']);
    expect(ran).toEqual(['open']);
  });

  it('is redirected in its place where the options say so', async () => {
    const { port } = await start({ onInsecure: 'redirect' });
    expect(await statuses(port, '/marked')).toEqual(['307']);
  });

  it('is sent one with reportOnly', async () => {
    const { port } = await start({ reportOnly: true });
    expect(await statuses(port, '/marked')).toEqual(['100', '201']);
  });
});

it.each(adapters)(
  'listenSecurely on %s judges it on the http port, and sends one on the https port',
  async (_, newAdapter) => {
    const certificate = await makeCertificate();
    const site = await serve(newAdapter, { controllers: [FormsController], certificate });
    const http = Number(new URL(await site.nest.getUrl()).port);
    expect(await statuses(http, '/marked')).toEqual(['403']);
    expect(
      (
        await site.ask('/marked', {
          method: 'POST',
          headers: { Expect: '100-continue', 'Content-Type': 'application/json' },
          body: '{}',
          tls: true,
        })
      ).status,
    ).toBe(201);
    await site.close();
  },
);

it('createRedirectServer answers in its place', async () => {
  const server = createRedirectServer({ hosts: ['localhost'] });
  const port = await listenLocally(server);
  expect(await statuses(port, '/anything')).toEqual(['403']);
  server.close();
  await once(server, 'close');
});
