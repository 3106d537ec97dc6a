import { jest } from '@jest/globals';
import { Controller, Get, Header, Inject, Param, Post, Req, Session, Sse } from '@nestjs/common';
import { Context, Query, Resolver, Subscription } from '@nestjs/graphql';
import {
  ConnectedSocket,
  SubscribeMessage,
  WebSocketGateway,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import { SecureAudit, SecureRequired, SecureSessions, type SessionOptions } from 'nestjs-secure';
import { readFileSync } from 'node:fs';
import { request as requestTls } from 'node:https';
import { NEVER, startWith, type Observable } from 'rxjs';
import type { Socket } from 'socket.io';
import type { WebSocket } from 'ws';
import { adapters, type NewAdapter } from '../support/applications.js';
import {
  ask,
  closing,
  ioConnect,
  onSocketIo,
  onWs,
  startGateways,
  WsClient,
  type GatewayApp,
} from '../support/gateways.js';
import { startChromium } from '../support/chromium.js';
import { drivers, firstOf, subscriber } from '../support/graphql.js';
import { startNginx, type ProxyServer } from '../support/proxy-servers.js';
import { createSessionApp, SECRET } from '../support/sessions.js';

jest.setTimeout(60_000);

@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @SecureRequired()
  @Get()
  @Header('content-type', 'text/html')
  page(): string {
    return '<!doctype html><title>page</title>';
  }

  @SecureRequired()
  @Post('login/:user')
  async login(@Req() request: object, @Param('user') user: string): Promise<void> {
    await this.sessions.signIn(request, user);
  }

  @SecureRequired()
  @Post('logout')
  async logout(@Req() request: object): Promise<void> {
    await this.sessions.signOut(request);
  }

  @SecureRequired()
  @Sse('events')
  events(@Session() session: { userId?: string }): Observable<{ data: string }> {
    return NEVER.pipe(startWith({ data: session.userId ?? 'nobody' }));
  }
}

class Talk implements OnGatewayConnection, OnGatewayDisconnect {
  private readonly clients = new Set<WebSocket | Socket>();

  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  handleConnection(client: WebSocket | Socket): void {
    this.clients.add(client);
  }

  handleDisconnect(client: WebSocket | Socket): void {
    this.clients.delete(client);
  }

  tellAll(data: string): void {
    for (const client of this.clients) {
      if ('readyState' in client) client.send(JSON.stringify({ event: 'news', data }));
      else client.emit('news', data);
    }
  }

  @SubscribeMessage('who')
  async who(@ConnectedSocket() client: object): Promise<{ event: string; data: unknown }> {
    const session = await this.sessions.of(client);
    return { event: 'who', data: session === undefined ? 'nobody' : Reflect.get(session, 'userId') };
  }
}

@WebSocketGateway()
class OpenGateway extends Talk {}

@SecureRequired()
@WebSocketGateway()
class MarkedGateway extends Talk {}

/** The blocks of the page: what stands in http { }, and what is added to the location of the recipe. */
const [MAP = '', LOCATION = ''] = [
  ...readFileSync(new URL('../../docs/websockets.md', import.meta.url), 'utf8').matchAll(
    /^```nginx\n([\s\S]*?)^```$/gm,
  ),
].map(([, block = '']) => block);

const SERVER = `
  location / {
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Host $host;
    proxy_set_header X-Forwarded-Port "";
    proxy_set_header X-Forwarded-Prefix "";
    proxy_set_header Forwarded "";
${LOCATION}`;

/** An application, nginx in front of it with a certificate of its own, and how clients get there. */
interface Site {
  readonly app: GatewayApp;
  readonly nginx: ProxyServer;
  readonly ca: string;
}

/** nginx, as docs/websockets.md and docs/proxies.md have it. */
async function startInFrontOf(port: number): Promise<ProxyServer> {
  const nginx = await startNginx(
    ({ http, https, certificate, key }) => `${MAP}
server {
  listen 127.0.0.1:${http};
  listen 127.0.0.1:${https} ssl;
  ssl_certificate ${certificate};
  ssl_certificate_key ${key};
${SERVER}
    proxy_pass http://127.0.0.1:${port};
  }
}`,
  );
  closing({ close: () => nginx.stop() });
  return nginx;
}

async function start(
  newAdapter: NewAdapter,
  sockets: typeof onWs,
  marked: boolean,
  session: Partial<SessionOptions> = {},
): Promise<Site> {
  const app = await startGateways(newAdapter, {
    providers: [marked ? MarkedGateway : OpenGateway],
    controllers: [AccountController],
    sockets,
    options: { proxies: { trust: ['loopback'] }, session: { secret: SECRET, store: 'memory', ...session } },
  });
  const nginx = await startInFrontOf(app.http);
  return { app, nginx, ca: readFileSync(nginx.certificate, 'utf8') };
}

async function post({ nginx, ca }: Site, path: string, cookie?: string): Promise<string> {
  const headers = cookie === undefined ? {} : { Cookie: cookie };
  const { status, headers: answered } = await ask(nginx.https, path, headers, { method: 'POST', tls: true, ca });
  expect(status).toBe(201);
  return answered['set-cookie']?.[0]?.split(';')[0] ?? '';
}

interface Talker {
  who(): Promise<unknown>;
  /** How the client was told of the end. */
  readonly closed: Promise<unknown>;
  /** What was pushed to it. */
  readonly pushed: unknown[];
}

/** A way to talk through nginx. */
interface Kind {
  readonly sockets: typeof onWs;
  readonly end: unknown;
  readonly expiry: unknown;
  connect(site: Site, headers: Record<string, string>, tls?: boolean): Promise<Talker>;
}

const kinds: [name: string, kind: Kind][] = [
  [
    'ws',
    {
      sockets: onWs,
      end: [1008, 'Session ended'],
      expiry: [1008, 'Session expired'],
      async connect({ nginx, ca }, headers, tls = true) {
        const { socket } = await WsClient.open({ port: tls ? nginx.https : nginx.http, path: '/', tls }, headers, ca);
        const pushed: unknown[] = [];
        let answer: ((data: unknown) => void) | undefined;
        socket.on('message', (message: Buffer) => {
          const { event, data }: { event: string; data: unknown } = JSON.parse(message.toString());
          if (event === 'news') pushed.push(data);
          else answer?.(data);
        });
        return {
          who: () =>
            new Promise((resolve) => {
              answer = resolve;
              socket.send(JSON.stringify({ event: 'who', data: null }));
            }),
          closed: new Promise((resolve) => socket.once('close', (code, reason) => resolve([code, reason.toString()]))),
          pushed,
        };
      },
    },
  ],
  ...(['websocket', 'polling'] as const).map((transport): [string, Kind] => [
    `socket.io by ${transport}`,
    {
      sockets: onSocketIo,
      end: ['SESSION_ENDED', 'io server disconnect'],
      expiry: ['SESSION_EXPIRED', 'io server disconnect'],
      async connect({ nginx, ca }, extraHeaders, tls = true) {
        const port = tls ? nginx.https : nginx.http;
        const client = await ioConnect(port, { tls, ca, transports: [transport], extraHeaders });
        const pushed: unknown[] = [];
        let told: unknown;
        client.on('news', (data) => pushed.push(data));
        client.on('exception', ({ code }) => (told = code));
        return {
          who: () =>
            new Promise((resolve) => {
              client.once('who', resolve);
              client.emit('who');
            }),
          closed: new Promise((resolve) => client.once('disconnect', (reason) => resolve([told, reason]))),
          pushed,
        };
      },
    },
  ]),
];

describe.each(adapters)('behind nginx with TLS, on %s', (_platform, newAdapter) => {
  describe.each(kinds)('over %s', (_name, { sockets, end, expiry, connect }) => {
    it('a socket has the session of its handshake, is closed when it ends, and gets nothing afterwards', async () => {
      const site = await start(newAdapter, sockets, true);
      const [ada, bob] = [await post(site, '/login/ada'), await post(site, '/login/bob')];
      const [one, other] = [await connect(site, { Cookie: ada }), await connect(site, { Cookie: bob })];
      expect(await one.who()).toBe('ada');
      expect(await other.who()).toBe('bob');

      await post(site, '/logout', ada);
      site.app.nest.get(MarkedGateway).tellAll('a secret');
      expect(await one.closed).toEqual(end);
      expect(await other.who()).toBe('bob');
      expect(other.pushed).toEqual(['a secret']);
      expect(one.pushed).toEqual([]);

      await site.app.nest.get(SecureSessions).revokeAll('bob');
      expect(await other.closed).toEqual(end);
    });

    it.each([
      ['idle', { idleTimeout: '1s' }, false],
      ['absolute', { idleTimeout: '1s', absoluteTimeout: '2s' }, true],
    ] as const)('a socket is closed by the %s timeout of its session', async (_what, timeouts, isUsed) => {
      const site = await start(newAdapter, sockets, true, timeouts);
      const client = await connect(site, { Cookie: await post(site, '/login/ada') });
      let answer: unknown = isUsed ? 'ada' : undefined;
      while (answer === 'ada') answer = await Promise.race([client.who(), client.closed]);
      expect(await client.closed).toEqual(expiry);
      site.app.nest.get(MarkedGateway).tellAll('a secret');
      expect(client.pushed).toEqual([]);
    });

    it('over plain HTTP there is no session, whatever the client says, and a marked gateway is closed to it', async () => {
      const open = await start(newAdapter, sockets, false);
      const Cookie = await post(open, '/login/ada');
      for (const name of ['X-Forwarded-Proto', 'X-Forwarded-Ssl', 'Forwarded']) {
        const value = { Forwarded: 'proto=https', 'X-Forwarded-Ssl': 'on' }[name] ?? 'https';
        const client = await connect(open, { Cookie, [name]: value }, false);
        expect(await client.who()).toBe('nobody');
      }
      expect(open.app.nest.get(SecureAudit).findings()).toContainEqual(expect.objectContaining({ id: 'SEC240' }));

      const marked = await start(newAdapter, sockets, true);
      await expect(connect(marked, { Cookie: await post(marked, '/login/ada') }, false)).rejects.toThrow();
    });
  });

  it('Chromium is told of the end by a WebSocket and an EventSource', async () => {
    const site = await start(newAdapter, onWs, true);
    const browser = closing(await startChromium('MAP *.test 127.0.0.1'));
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    await page.goto(`https://localhost:${site.nginx.https}/`);
    const noted: string[] = await page.evaluate(`(async () => {
      const noted = [];
      const note = (text) => noted.push(text);
      await fetch('/login/ada', { method: 'POST' });
      const socket = new WebSocket('wss://' + location.host + '/');
      const events = new EventSource('/events');
      const closed = new Promise((resolve) => (socket.onclose = ({ code, reason }) => resolve(code + ' ' + reason)));
      const cut = new Promise((resolve) => (events.onerror = () => { events.close(); resolve('events are over'); }));
      await Promise.all([
        new Promise((resolve) => (events.onmessage = ({ data }) => { note(data); resolve(); })),
        new Promise((resolve) => {
          socket.onopen = () => socket.send(JSON.stringify({ event: 'who', data: null }));
          socket.onmessage = ({ data }) => { note(JSON.parse(data).data); resolve(); };
        }),
      ]);
      await fetch('/logout', { method: 'POST' });
      note(await closed);
      note(await cut);
      return noted;
    })()`);
    expect(noted).toEqual(['ada', 'ada', '1008 Session ended', 'events are over']);
  });

  it('server-sent events end with the session', async () => {
    const site = await start(newAdapter, onWs, true);
    const Cookie = await post(site, '/login/ada');
    const events = requestTls({
      host: '127.0.0.1',
      port: site.nginx.https,
      path: '/events',
      servername: 'localhost',
      ca: site.ca,
      headers: { Host: 'localhost', Cookie, Accept: 'text/event-stream' },
    }).end();
    const text = await new Promise<string>((resolve, reject) => {
      events.on('error', reject);
      events.on('response', (response) => {
        let seen = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          if (seen === '') void site.app.nest.get(SecureSessions).revokeAll('ada');
          seen += chunk;
        });
        response.on('end', () => resolve(seen));
        response.on('error', reject);
      });
    });
    expect(text).toContain('data: ada');
  });
});

@Resolver()
class NewsResolver {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Query(() => String)
  nothing(): string {
    return '';
  }

  @Subscription(() => String, { resolve: (value: unknown) => value })
  async *news(@Context() context: object): AsyncGenerator<string> {
    const session = await this.sessions.of(context);
    yield String(Reflect.get(session ?? {}, 'userId') ?? 'nobody');
    await new Promise(() => undefined);
  }
}

describe.each(drivers)('graphql-ws behind nginx with TLS, with %s', (_name, { newAdapter, graphql }) => {
  it('a subscription has the session of its handshake over wss alone, and ends with it', async () => {
    const app = await createSessionApp(newAdapter, {
      imports: [graphql({ subscriptions: true })],
      providers: [NewsResolver],
      controllers: [AccountController],
      session: { store: 'memory' },
    });
    const nginx = await startInFrontOf(app.port);
    const ca = readFileSync(nginx.certificate, 'utf8');
    const { headers: answered } = await ask(nginx.https, '/login/ada', {}, { method: 'POST', tls: true, ca });
    const headers = { Cookie: answered['set-cookie']?.[0]?.split(';')[0] ?? '', 'X-Forwarded-Proto': 'https' };

    const insecure = subscriber(`ws://127.0.0.1:${nginx.http}/graphql`, { headers });
    expect(await firstOf(insecure, 'subscription { news }')).toEqual({ data: { news: 'nobody' } });
    await insecure.dispose();

    const client = subscriber(`wss://127.0.0.1:${nginx.https}/graphql`, { headers, ca });
    const closed = new Promise<unknown>((resolve) => client.on('closed', resolve));
    const given: unknown[] = [];
    const ended = new Promise<unknown>((resolve) => {
      client.subscribe(
        { query: 'subscription { news }' },
        {
          next: (event) => {
            given.push(event);
            void app.nest.get(SecureSessions).revokeAll('ada');
          },
          error: resolve,
          complete: () => resolve('complete'),
        },
      );
    });
    expect(await closed).toMatchObject({ code: 1008, reason: 'Session ended' });
    await ended;
    expect(given).toEqual([{ data: { news: 'ada' } }]);
  });
});
