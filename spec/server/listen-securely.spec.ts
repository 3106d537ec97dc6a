import { jest } from '@jest/globals';
import {
  Body,
  Controller,
  Get,
  Injectable,
  Module,
  Post,
  Req,
  type BeforeApplicationShutdown,
  type INestApplication,
  type NestApplicationOptions,
  type Type,
} from '@nestjs/common';
import { NestFactory, type AbstractHttpAdapter } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import { connect as connectTcp, createServer as createTcpServer, Server as NetServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import { listenSecurely, type SecureListening } from '../../lib/server/listen-securely.js';
import { listenFailure } from '../../lib/server/listen-failure.js';
import { SecureListeners } from '../../lib/server/secure-listeners.js';
import { makeCertificate, type Certificate } from '../support/certificates.js';

/** More than a kernel takes for a socket whose other end does not read: 4 MB at most, and what the other holds unread. */
const LARGE = 'a'.repeat(10_000_000);

/** A request that the test holds in its handler. */
class Held {
  readonly #arrival = deferred();
  readonly #release = deferred();
  readonly arrived = this.#arrival.promise;
  release(): void {
    this.#release.resolve();
  }
  async handle(): Promise<void> {
    this.#arrival.resolve();
    await this.#release.promise;
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

let held = new Held();

@Controller()
class SiteController {
  @Get('scheme')
  scheme(@Req() request: { protocol: string }): string {
    return request.protocol;
  }

  @Post('echo')
  echo(@Body() body: object): object {
    return body;
  }

  @Get('held')
  async held(): Promise<string> {
    await held.handle();
    return 'answered';
  }

  @Get('large')
  large(): string {
    return LARGE;
  }
}

@WebSocketGateway()
class EchoGateway {
  @SubscribeMessage('echo')
  echo(@MessageBody() data: string): { event: string; data: string } {
    return { event: 'echo', data };
  }
}

@Module({ providers: [SecureListeners], exports: [SecureListeners] })
class ListenersModule {}

@Injectable()
class ClosesEarly implements BeforeApplicationShutdown {
  constructor(private readonly listeners: SecureListeners) {}
  beforeApplicationShutdown(): Promise<void> {
    return this.listeners.close();
  }
}

@Module({ imports: [ListenersModule], controllers: [SiteController] })
class SiteModule {}

@Module({ imports: [ListenersModule], controllers: [SiteController], providers: [ClosesEarly] })
class EarlyClosingModule {}

@Module({ imports: [ListenersModule], providers: [EchoGateway, ClosesEarly] })
class GatewayModule {}

interface Answer {
  status: number | undefined;
  headers: http.IncomingHttpHeaders;
  body: string;
}

async function ask(url: string, options: https.RequestOptions = {}, body?: object): Promise<Answer> {
  const { request } = url.startsWith('https') ? https : http;
  const headers = body && { 'Content-Type': 'application/json' };
  const sent = request(url, { ca: certificate.cert, headers, method: body ? 'POST' : 'GET', ...options });
  sent.end(body && JSON.stringify(body));
  const [response]: http.IncomingMessage[] = await once(sent, 'response');
  if (response === undefined) throw new Error('no response');
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

let certificate: Certificate;
let app: INestApplication;

beforeAll(async () => {
  certificate = await makeCertificate();
});

beforeEach(() => {
  held = new Held();
});

afterEach(async () => {
  held.release();
  await app.close();
});

async function open(
  module: Type,
  adapter: AbstractHttpAdapter,
  options: NestApplicationOptions = {},
): Promise<SecureListening> {
  app = await NestFactory.create(module, adapter, { logger: false, ...options });
  app.useWebSocketAdapter(new WsAdapter(app));
  const listening = await listenSecurely(app, { http: 0, https: 0, tls: certificate });
  // A connection that is kept alive stays open until somebody closes it.
  listening.http.server.keepAliveTimeout = 0;
  return listening;
}

const adapters: [string, () => AbstractHttpAdapter][] = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
];

describe.each(adapters)('listenSecurely on %s', (_, adapter) => {
  it('serves one application over http and over https', async () => {
    const listening = await open(SiteModule, adapter());

    expect((await ask(`${listening.http.url}/scheme`)).body).toBe('http');
    expect((await ask(`${listening.https.url}/scheme`)).body).toBe('https');
  });

  it('passes request bodies on over https', async () => {
    const listening = await open(SiteModule, adapter());

    const answer = await ask(`${listening.https.url}/echo`, {}, { name: 'Ada' });

    expect(JSON.parse(answer.body)).toEqual({ name: 'Ada' });
  });

  it('tells the ports of the real sockets', async () => {
    const listening = await open(SiteModule, adapter());
    const listeners = app.get(SecureListeners, { strict: false });

    expect(listening.http.server.address()).toMatchObject({ port: listening.http.port });
    expect(listening.https.server.address()).toMatchObject({ port: listening.https.port });
    expect(listeners.ports).toEqual({ http: listening.http.port, https: listening.https.port });
    expect(listening.http.url).toBe(`http://localhost:${listening.http.port}`);
    expect(listening.https.url).toBe(`https://localhost:${listening.https.port}`);
  });

  it('listens on every interface unless told otherwise, as Node does', async () => {
    const listening = await open(SiteModule, adapter());
    const reference = http.createServer().listen(0);
    await once(reference, 'listening');
    const { address } = Object(reference.address());
    reference.close();

    expect(listening.http.server.address()).toMatchObject({ address });
    expect(listening.https.server.address()).toMatchObject({ address });
  });

  it.each(['127.0.0.1', 'localhost'])('listens on the host %s', async (host) => {
    app = await NestFactory.create(SiteModule, adapter(), { logger: false });
    const listening = await listenSecurely(app, {
      http: { port: 0, host },
      https: { port: 0, host },
      tls: certificate,
    });

    expect(listening.http.url).toBe(`http://${host}:${listening.http.port}`);
    expect((await ask(`${listening.http.url}/scheme`)).body).toBe('http');
    expect((await ask(`${listening.https.url}/scheme`)).body).toBe('https');
  });

  it('takes an application of the Nest testing module', async () => {
    const testing = await Test.createTestingModule({ imports: [SiteModule] }).compile();
    app = testing.createNestApplication(adapter(), { logger: false });

    const listening = await listenSecurely(app, { http: 0, https: 0, tls: certificate });

    expect((await ask(`${listening.https.url}/scheme`)).body).toBe('https');
  });

  it('says that it serves before the application boots, so that checks at boot can see it', async () => {
    const seen: boolean[] = [];
    @Module({ imports: [ListenersModule] })
    class LookingModule {
      constructor(private readonly listeners: SecureListeners) {}
      onApplicationBootstrap(): void {
        seen.push(this.listeners.serving);
      }
    }
    await open(LookingModule, adapter());

    expect(seen).toEqual([true]);
  });

  it('holds the limits of the application for https too', async () => {
    const listening = await open(SiteModule, adapter());
    listening.http.server.maxRequestsPerSocket = 1;
    const agent = new https.Agent({ keepAlive: true });

    const answer = await ask(`${listening.https.url}/scheme`, { agent });

    expect(answer.headers.connection).toBe('close');
  });

  it('answers a malformed request over https as the application answers it over http', async () => {
    const listening = await open(SiteModule, adapter());
    const plain = connectTcp(listening.http.port);
    const secure = connectTls({ port: listening.https.port, ca: certificate.cert, servername: 'localhost' });

    plain.end('NONSENSE\r\n\r\n');
    secure.end('NONSENSE\r\n\r\n');
    const [overHttp, encrypted] = await Promise.all([text(plain), text(secure)]);

    expect(encrypted).toMatch(/^HTTP\/1\.1 400 /);
    expect(encrypted).toBe(overHttp);
  });

  it('serves a request that asks for an upgrade nobody offers like any other', async () => {
    const listening = await open(SiteModule, adapter());

    const answer = await ask(`${listening.https.url}/scheme`, {
      headers: { Connection: 'Upgrade', Upgrade: 'h2c' },
    });

    expect(answer.body).toBe('https');
  });

  it('serves a gateway over ws and over wss', async () => {
    const listening = await open(GatewayModule, adapter());

    for (const { url } of [listening.http, listening.https]) {
      const socket = new WebSocket(url.replace('http', 'ws'), { ca: certificate.cert });
      await once(socket, 'open');
      socket.send(JSON.stringify({ event: 'echo', data: url }));
      const [message] = await once(socket, 'message');

      expect(JSON.parse(String(message))).toEqual({ event: 'echo', data: url });
    }
  });
});

const closing = adapters.flatMap(([name, adapter]): [string, Type, () => AbstractHttpAdapter][] => [
  [name, SiteModule, adapter],
  [`${name}, with close() called in beforeApplicationShutdown`, EarlyClosingModule, adapter],
]);

describe.each(closing)('app.close() on %s', (_, module, adapter) => {
  it('closes both listeners', async () => {
    const listening = await open(module, adapter());
    const listeners = app.get(SecureListeners, { strict: false });

    await app.close();

    expect(listening.http.server.listening).toBe(false);
    expect(listening.https.server.listening).toBe(false);
    expect(listeners.serving).toBe(false);
    expect(listeners.ports).toEqual({ http: undefined, https: undefined });
    await expect(ask(`${listening.http.url}/scheme`)).rejects.toThrow(/ECONNREFUSED/);
    await expect(ask(`${listening.https.url}/scheme`)).rejects.toThrow(/ECONNREFUSED/);
  });

  it.each(['http', 'https'] as const)('ends an idle kept-alive connection of the %s listener', async (scheme) => {
    const listening = await open(module, adapter());
    const agent = scheme === 'http' ? new http.Agent({ keepAlive: true }) : new https.Agent({ keepAlive: true });
    await ask(`${listening[scheme].url}/scheme`, { agent });
    const [idle] = Object.values(agent.freeSockets).flat();
    if (idle === undefined) throw new Error('the connection was not kept alive');

    await Promise.all([once(idle, 'close'), app.close()]);
  });

  it.each(['http', 'https'] as const)(
    'ends a connection to the %s listener that never said anything',
    async (scheme) => {
      const listening = await open(module, adapter());
      const silent = connectTcp(listening[scheme].port);
      await once(listening[scheme].server, 'connection');

      silent.resume();
      await Promise.all([once(silent, 'close'), app.close()]);
    },
  );

  it('ends a TLS connection that never asked for anything', async () => {
    const listening = await open(module, adapter());
    const silent = connectTls({ port: listening.https.port, ca: certificate.cert, servername: 'localhost' });
    await once(listening.https.server, 'secureConnection');

    silent.resume();
    await Promise.all([once(silent, 'close'), app.close()]);
  });

  it.each(['http', 'https'] as const)('lets a request in flight over %s have its answer first', async (scheme) => {
    const listening = await open(module, adapter());
    const agent = scheme === 'http' ? new http.Agent({ keepAlive: true }) : new https.Agent({ keepAlive: true });
    const order: string[] = [];

    listening.http.server.once('request', (_request, response: http.ServerResponse) => {
      response.once('finish', () => order.push('answered'));
    });
    const answer = ask(`${listening[scheme].url}/held`, { agent });
    await held.arrived;
    const close = app.close().then(() => order.push('closed'));
    await refused(listening[scheme].port);
    held.release();

    expect((await answer).body).toBe('answered');
    expect((await answer).headers.connection).toBe('close');
    await close;
    expect(order).toEqual(['answered', 'closed']);
  });

  it.each(['http', 'https'] as const)(
    'does not cut off an answer over %s that is still being written',
    async (scheme) => {
      const listening = await open(module, adapter());
      const { request } = scheme === 'http' ? http : https;
      const written = new Promise<void>((resolve) => {
        listening.http.server.once('request', (_request, response: http.ServerResponse) => {
          response.once('prefinish', resolve);
        });
      });

      const agent = scheme === 'http' ? new http.Agent({ keepAlive: true }) : new https.Agent({ keepAlive: true });
      const sent = request(`${listening[scheme].url}/large`, { ca: certificate.cert, agent }).end();
      const [response] = await once(sent, 'response');
      await written;
      const close = app.close();
      await refused(listening[scheme].port);

      let length = 0;
      for await (const chunk of response) length += chunk.length;
      expect(length).toBe(LARGE.length);
      await close;
    },
  );
});

describe.each(adapters)('SecureListeners.close() on %s', (_, adapter) => {
  it.each(['http', 'https'] as const)('resolves once the requests over %s are answered', async (scheme) => {
    const listening = await open(SiteModule, adapter());
    const order: string[] = [];
    listening.http.server.once('request', (_request, response: http.ServerResponse) => {
      response.once('finish', () => order.push('answered'));
    });
    const answer = ask(`${listening[scheme].url}/held`);
    await held.arrived;

    const close = app
      .get(SecureListeners, { strict: false })
      .close()
      .then(() => order.push('closed'));
    await refused(listening[scheme].port);
    held.release();

    expect((await answer).body).toBe('answered');
    await close;
    expect(order).toEqual(['answered', 'closed']);
  });

  it('leaves open WebSockets to their gateway', async () => {
    const listening = await open(GatewayModule, adapter());
    const client = new WebSocket(listening.https.url.replace('https', 'wss'), { ca: certificate.cert });
    await once(client, 'open');

    await app.get(SecureListeners, { strict: false }).close();
    client.send(JSON.stringify({ event: 'echo', data: 'still here' }));
    const [message] = await once(client, 'message');

    expect(JSON.parse(String(message))).toEqual({ event: 'echo', data: 'still here' });
  });
});

describe.each(adapters)('app.close() on %s', (_, adapter) => {
  it('ends the clients of gateways over ws and wss', async () => {
    const listening = await open(GatewayModule, adapter());
    const clients = [listening.http, listening.https].map(
      ({ url }) => new WebSocket(url.replace('http', 'ws'), { ca: certificate.cert }),
    );
    await Promise.all(clients.map((client) => once(client, 'open')));

    await Promise.all([app.close(), ...clients.map((client) => once(client, 'close'))]);
  });

  it('ends upgraded connections that nobody else closes', async () => {
    const listening = await open(SiteModule, adapter());
    listening.http.server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    });
    const options = { ca: certificate.cert, headers: { Connection: 'Upgrade', Upgrade: 'x' } };
    const upgraded = [http.get(listening.http.url, options), https.get(listening.https.url, options)];
    const sockets = await Promise.all(upgraded.map(async (request) => (await once(request, 'upgrade'))[1]));

    for (const socket of sockets) socket.resume().on('error', () => undefined);
    await Promise.all([app.close(), ...sockets.map((socket) => once(socket, 'close'))]);
  });

  // Nest 11 forces nothing on Fastify: its adapter waits for every request, whatever the option says.
  const forces = 'beforeClose' in adapter() || adapter() instanceof ExpressAdapter;
  (forces ? it : it.skip).each(['http', 'https'] as const)(
    'cuts off %s requests where the application forces connections closed',
    async (scheme) => {
      const listening = await open(SiteModule, adapter(), { forceCloseConnections: true });
      const answer = ask(`${listening[scheme].url}/held`);
      await held.arrived;

      await Promise.all([expect(answer).rejects.toThrow('socket hang up'), app.close()]);
    },
  );
});

const settings: NestApplicationOptions = { logger: false };

describe.each(adapters)('listenSecurely on %s that fails', (_, adapter) => {
  let opened: jest.SpiedFunction<typeof NetServer.prototype.listen>;
  let others: NetServer[] = [];

  async function occupied(): Promise<number> {
    const other = createTcpServer().listen(0);
    others.push(other);
    await once(other, 'listening');
    opened.mockClear();
    return Object(other.address()).port;
  }

  beforeEach(() => {
    opened = jest.spyOn(NetServer.prototype, 'listen');
  });

  afterEach(() => {
    opened.mockRestore();
    for (const other of others) other.close();
    others = [];
  });

  it.each(['http', 'https'] as const)(
    'names the port of %s that is in use, and leaves nothing open',
    async (scheme) => {
      const port = await occupied();
      app = await NestFactory.create(SiteModule, adapter(), settings);

      const refusal = listenSecurely(app, { http: 0, https: 0, tls: certificate, [scheme]: port });

      await expect(refusal).rejects.toMatchObject({ name: 'SecureListenError', code: 'EADDRINUSE' });
      await expect(refusal).rejects.toThrow(
        `The ${scheme} listener cannot have port ${port}: something listens there already.`,
      );
      expect(opened.mock.contexts).not.toContainEqual(expect.objectContaining({ listening: true }));
      expect(app.get(SecureListeners, { strict: false })).toMatchObject({
        serving: false,
        ports: { http: undefined, https: undefined },
      });
    },
  );

  it.each(['http', 'https'] as const)('can be tried again with another port of %s', async (scheme) => {
    const port = await occupied();
    app = await NestFactory.create(SiteModule, adapter(), settings);
    await expect(listenSecurely(app, { http: 0, https: 0, tls: certificate, [scheme]: port })).rejects.toThrow();

    const listening = await listenSecurely(app, { http: 0, https: 0, tls: certificate });

    expect((await ask(`${listening.http.url}/scheme`)).body).toBe('http');
    expect((await ask(`${listening.https.url}/scheme`)).body).toBe('https');
  });

  it('names the host this machine does not have', async () => {
    app = await NestFactory.create(SiteModule, adapter(), settings);

    const refusal = listenSecurely(app, { http: { port: 0, host: '192.0.2.1' }, https: 0, tls: certificate });

    await expect(refusal).rejects.toMatchObject({ name: 'SecureListenError', code: 'EADDRNOTAVAIL' });
    await expect(refusal).rejects.toThrow('The http listener cannot be opened on host "192.0.2.1"');
  });

  it('passes on what the boot of the application throws, and opens nothing', async () => {
    @Module({ imports: [ListenersModule] })
    class FailingModule {
      onModuleInit(): void {
        throw new RangeError('no database');
      }
    }
    app = await NestFactory.create(FailingModule, adapter(), settings);

    await expect(listenSecurely(app, { http: 0, https: 0, tls: certificate })).rejects.toThrow(
      new RangeError('no database'),
    );
    expect(opened).not.toHaveBeenCalled();
  });

  it('asks for SecureModule where it is not imported', async () => {
    @Module({})
    class BareModule {}
    app = await NestFactory.create(BareModule, adapter(), settings);

    const refusal = listenSecurely(app, { http: 0, https: 0, tls: certificate });

    await expect(refusal).rejects.toMatchObject({ name: 'SecureListenError', code: 'NO_SECURE_MODULE' });
    await expect(refusal).rejects.toThrow('Add SecureModule.forRoot() to the imports of its root module.');
  });

  it('refuses an application that listens already', async () => {
    app = await NestFactory.create(SiteModule, adapter(), settings);
    await app.listen(0);

    await expect(listenSecurely(app, { http: 0, https: 0, tls: certificate })).rejects.toMatchObject({
      code: 'ALREADY_LISTENING',
    });
  });

  it('refuses to be called twice', async () => {
    app = await NestFactory.create(SiteModule, adapter(), settings);
    const first = listenSecurely(app, { http: 0, https: 0, tls: certificate });
    const second = listenSecurely(app, { http: 0, https: 0, tls: certificate });

    await expect(second).rejects.toMatchObject({ code: 'ALREADY_LISTENING' });
    expect((await ask(`${(await first).https.url}/scheme`)).body).toBe('https');
  });

  it.each([
    ['a string', '8080', 'the port of "http" is "8080". A whole number from 0 to 65535 is accepted.'],
    ['a string', '8080', 'write Number("8080")'],
    ['nothing', undefined, 'the port of "http" is undefined.'],
    ['not whole', 80.5, 'the port of "http" is 80.5.'],
    ['too large', { port: 65536 }, 'the port of "http" is 65536.'],
    ['negative', -1, 'the port of "http" is -1.'],
    ['with a host that is no text', { port: 0, host: 7 }, 'the host of "http" is 7.'],
    ['the port of https', 8443, '"http" and "https" are both on port 8443.'],
  ])('refuses an address that is %s: %p', async (_what, given, message) => {
    app = await NestFactory.create(SiteModule, adapter(), settings);

    const refusal: Promise<unknown> = Reflect.apply(listenSecurely, undefined, [
      app,
      { http: given, https: 8443, tls: certificate },
    ]);

    await expect(refusal).rejects.toMatchObject({ name: 'SecureListenError', code: 'ADDRESS_INVALID' });
    await expect(refusal).rejects.toThrow(message);
    expect(opened).not.toHaveBeenCalled();
  });
});

it.each<[string, () => Promise<INestApplication>]>([
  ['Express', () => NestFactory.create(SiteModule, new ExpressAdapter(), { ...settings, httpsOptions: certificate })],
  ['Fastify', () => NestFactory.create(SiteModule, new FastifyAdapter({ https: certificate }), settings)],
])('listenSecurely on %s refuses an application that was created with TLS of its own', async (_, create) => {
  app = await create();

  const refusal = listenSecurely(app, { http: 0, https: 0, tls: certificate });

  await expect(refusal).rejects.toMatchObject({ name: 'SecureListenError', code: 'SERVER_NOT_PLAIN' });
  await expect(refusal).rejects.toThrow(
    'created with its own TLS server (httpsOptions, or the https option of Fastify)',
  );
});

it('listenSecurely refuses an application that speaks HTTP/2', async () => {
  app = await NestFactory.create(SiteModule, new FastifyAdapter({ http2: true }), settings);

  await expect(listenSecurely(app, { http: 0, https: 0, tls: certificate })).rejects.toMatchObject({
    code: 'SERVER_NOT_PLAIN',
  });
});

it('a port that needs a permission is explained', () => {
  const cause = Object.assign(new Error('listen EACCES: permission denied 0.0.0.0:80'), { code: 'EACCES' });

  expect(listenFailure({ scheme: 'http', port: 80 }, cause)).toMatchObject({
    code: 'EACCES',
    message: expect.stringMatching(/^The http listener may not open port 80: .* CAP_NET_BIND_SERVICE/),
    cause,
  });
});

it('a failure nobody has foreseen is passed on with its own words', () => {
  const error = listenFailure({ scheme: 'https', port: 8443 }, new Error('the sky fell'));

  expect(error).toMatchObject({
    code: 'LISTEN_FAILED',
    message: 'The https listener cannot be opened on port 8443: the sky fell (LISTEN_FAILED)',
  });
});

/** Resolves when the port does not take connections any more. */
async function refused(port: number): Promise<void> {
  for (;;) {
    const socket = connectTcp(port);
    try {
      await once(socket, 'connect');
      socket.resume();
      await once(socket.end(), 'close');
    } catch {
      return;
    }
  }
}
