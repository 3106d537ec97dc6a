import { Module, type INestApplication, type Provider, type WebSocketAdapter } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { Test } from '@nestjs/testing';
import { SubscribeMessage, WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { SecureAudit, SecureGuard, SecureModule, SecureRequired } from 'nestjs-secure';
import { EventEmitter } from 'node:events';
import { Server as HttpServer } from 'node:http';
import { createServer, type Server as HttpsServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { WebSocketServer as WsServer } from 'ws';
import { refuseUpgrade } from '../../lib/answer/upgrade.js';
import { adapters } from '../support/applications.js';
import { makeCertificate } from '../support/certificates.js';
import {
  ask,
  closing,
  handshake,
  ioConnect,
  onSocketIo,
  onWs,
  ran,
  refused,
  startGateways,
  WsClient,
} from '../support/gateways.js';
import { listenLocally } from '../support/listen-locally.js';

class Talk {
  @SubscribeMessage('say')
  say(): { event: string; data: string } {
    ran.push(`${this.constructor.name} said`);
    return { event: 'said', data: 'yes' };
  }
}

@SecureRequired()
@WebSocketGateway()
class VaultGateway extends Talk {
  @WebSocketServer()
  server!: { address?(): AddressInfo; httpServer?: HttpServer };

  get port(): number {
    const address = this.server.address?.() ?? this.server.httpServer?.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }
}

@WebSocketGateway()
class ChatGateway extends Talk {}

@WebSocketGateway({ path: '/chat' })
class ElsewhereGateway extends Talk {}

const POLL = '/socket.io/?EIO=4&transport=polling';
const UPGRADE = '/socket.io/?EIO=4&transport=websocket';

/** A port that was free a moment ago: a decorator cannot ask for any. */
async function freePort(): Promise<number> {
  const server = new HttpServer();
  const port = await listenLocally(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('a gateway on a port of its own', () => {
  const [[, newAdapter] = []] = adapters;
  if (newAdapter === undefined) throw new Error('no adapter');

  it('is reached on ws through a declared proxy that says wss, and not over plain HTTP', async () => {
    const { nest } = await startGateways(newAdapter, {
      options: { proxies: { trust: ['loopback'] } },
      providers: [VaultGateway],
      sockets: () => new WsAdapter(),
    });
    const { port } = nest.get(VaultGateway);

    expect(await handshake(port, '/')).toEqual(refused);
    const client = await WsClient.open({ port, path: '/' }, { 'X-Forwarded-Proto': 'wss' });
    expect(await client.say('say', '')).toEqual({ event: 'said', data: 'yes' });
  });

  it('is reached on socket.io through a declared proxy that says https, and not over plain HTTP', async () => {
    const { nest } = await startGateways(newAdapter, {
      options: { proxies: { trust: ['loopback'] } },
      providers: [VaultGateway],
      sockets: () => new IoAdapter(),
    });
    const { port } = nest.get(VaultGateway);

    expect(await handshake(port, UPGRADE)).toEqual(refused);
    expect(await ask(port, POLL)).toMatchObject({ status: 403, body: refused.body });
    expect(await ask(port, POLL, { 'X-Forwarded-Proto': 'https' })).toMatchObject({ status: 200 });
    await ioConnect(port, { extraHeaders: { 'X-Forwarded-Proto': 'https' } });
  });

  it('is covered by path rules, as those that share the port by path are', async () => {
    const port = await freePort();
    @WebSocketGateway(port, { path: '/admin' })
    class AdminGateway extends Talk {}
    @SecureRequired()
    @WebSocketGateway(port, { path: '/vault' })
    class PathGateway extends Talk {}
    @WebSocketGateway(port, { path: '/open' })
    class OpenGateway extends Talk {}
    await startGateways(newAdapter, {
      options: { paths: ['/admin'] },
      providers: [AdminGateway, PathGateway, OpenGateway],
      sockets: onWs,
    });

    expect(await handshake(port, '/admin')).toEqual(refused);
    expect(await handshake(port, '/vault')).toEqual(refused);
    expect(await handshake(port, '/open')).toMatchObject({ status: 101 });
  });

  it('is reached over TLS where its adapter makes a server with a certificate', async () => {
    const tls = await makeCertificate();
    const servers: HttpsServer[] = [];
    class TlsAdapter extends WsAdapter {
      override create(_port: number, { path }: { path?: string }): WsServer {
        const server = createServer(tls).listen(0, '127.0.0.1');
        servers.push(server);
        return new WsServer({ server, path });
      }
    }
    await startGateways(newAdapter, { providers: [VaultGateway], sockets: () => new TlsAdapter() });
    const address = servers[0]?.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    servers.forEach((server) => server.unref());

    const client = await WsClient.open({ port, path: '/', tls: true }, {}, tls.cert);
    expect(await client.say('say', '')).toEqual({ event: 'said', data: 'yes' });
    client.socket.terminate();
    servers.forEach((server) => server.close());
  });
});

describe.each(adapters)('the place of gateways on %s', (_platform, newAdapter) => {
  it('is taken on the adapter that Nest makes where the application names none', async () => {
    const app = await startGateways(newAdapter, { providers: [VaultGateway] });

    expect(await handshake(app.http, UPGRADE)).toEqual(refused);
    await ioConnect(app.https, { tls: true });
  });

  it('is taken by the strictest where gateways share their clients', async () => {
    const app = await startGateways(newAdapter, { providers: [ChatGateway, VaultGateway], sockets: onWs });

    expect(await handshake(app.http, '/')).toEqual(refused);
    const client = await WsClient.open({ port: app.https, path: '/', tls: true });
    expect(await client.say('say', '')).toEqual({ event: 'said', data: 'yes' });
  });

  it.each<[string, Provider[]]>([
    ['no gateway', []],
    ['none that is marked', [ChatGateway, ElsewhereGateway]],
  ])('is not taken with %s: adapter and server stay as they are', async (_name, providers) => {
    const sockets: WsAdapter[] = [];
    const app = await startGateways(newAdapter, {
      providers,
      sockets(nest) {
        const adapter = new WsAdapter(nest);
        sockets.push(adapter);
        return adapter;
      },
    });

    expect(sockets.map((adapter) => Object.hasOwn(adapter, 'create'))).toEqual([false]);
    expect(Object.hasOwn(app.nest.getHttpServer(), 'emit')).toBe(false);
  });

  it('is no place for a server that speaks neither ws nor socket.io: a boot error', async () => {
    class OtherAdapter extends WsAdapter {
      override create(): EventEmitter {
        return new EventEmitter();
      }

      override async close(): Promise<void> {}
    }
    const parts = { sockets: (): WebSocketAdapter => new OtherAdapter() };

    await expect(startGateways(newAdapter, { ...parts, providers: [VaultGateway] })).rejects.toThrow(
      /^VaultGateway: https is required here, and SecureModule could not take its place on the server that OtherAdapter made/,
    );
    await expect(startGateways(newAdapter, { ...parts, providers: [ChatGateway] })).resolves.toBeDefined();
  });

  it('that was not taken is a boot error', async () => {
    class SlyModule {}
    Module({ imports: [SecureModule.forRoot()], providers: [VaultGateway] })(SlyModule);
    const app = await NestFactory.create(SlyModule, newAdapter(), { logger: false, abortOnError: false });
    // An adapter that came past the application's own door.
    Reflect.set(Reflect.get(app, 'config'), 'ioAdapter', new WsAdapter(app));

    await expect(app.init()).rejects.toThrow(/^VaultGateway: https is required here/);
    await app.close();
  });

  it('needs SecureModule: a marked gateway without it is a boot error', async () => {
    const parts = { options: false as const, providers: [VaultGateway], sockets: onWs };

    await expect(startGateways(newAdapter, parts)).rejects.toThrow(/SecureModule is not imported/);
  });

  it('is empty where a test overrides the guard, but for path rules', async () => {
    @SecureRequired()
    @WebSocketGateway({ path: '/admin' })
    class AdminGateway extends Talk {}
    class RootModule {}
    Module({
      imports: [SecureModule.forRoot({ paths: ['/admin'], mode: 'all' })],
      providers: [VaultGateway, AdminGateway],
    })(RootModule);
    const testing = await Test.createTestingModule({ imports: [RootModule] })
      .overrideProvider(SecureGuard)
      .useValue({ canActivate: () => true })
      .compile();
    const nest = closing(testing.createNestApplication<INestApplication>(newAdapter(), { logger: false }));
    nest.useWebSocketAdapter(new WsAdapter(nest));
    await nest.listen(0, '127.0.0.1');
    const port = Number(new URL(await nest.getUrl()).port);

    expect(await handshake(port, '/')).toMatchObject({ status: 101 });
    expect(await handshake(port, '/admin')).toEqual(refused);
  });

  it('is listed by the audit, with every message', async () => {
    @WebSocketGateway({ namespace: 'desk' })
    class DeskGateway extends Talk {
      @SecureRequired()
      @SubscribeMessage('pay')
      pay(): void {
        ran.push('pay');
      }

      handleConnection(): void {
        ran.push('connected');
      }
    }
    const app = await startGateways(newAdapter, { providers: [VaultGateway, DeskGateway], sockets: onSocketIo });
    const listed = app.nest
      .get(SecureAudit)
      .routes()
      .filter(({ kind }) => kind === 'websocket');

    const refusal = { action: 'refuse', status: 403 };
    const open = { level: 'unmarked', by: 'nobody' };
    const pass = { action: 'pass' };
    expect(
      listed.map(({ path, handler, requirement, overHttp }) => [path, handler, requirement, overHttp.safe]),
    ).toEqual([
      ['/socket.io/ say', 'VaultGateway.say', { level: 'required', by: 'class' }, refusal],
      ['/socket.io/ /desk', 'DeskGateway.handleConnection', open, pass],
      ['/socket.io/ /desk pay', 'DeskGateway.pay', { level: 'required', by: 'handler' }, refusal],
      ['/socket.io/ /desk say', 'DeskGateway.say', open, pass],
    ]);
  });

  it('is cut, and never answered in the wrong place, behind an answer that is not through', async () => {
    const app = await startGateways(newAdapter, {
      providers: [VaultGateway],
      sockets: onWs,
      main: (nest) => {
        nest.use('/slow', (_request: unknown, response: { write(text: string): void }) => response.write('slow'));
      },
    });
    const socket = connect(app.http, '127.0.0.1');
    socket.on('error', () => undefined);
    const head = 'HTTP/1.1\r\nHost: localhost\r\n';
    socket.write(
      `GET /slow ${head}\r\nGET / ${head}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );

    expect(await text(socket).catch(() => '')).not.toContain('403');
    expect(app.logged).toEqual([]);
    expect(await handshake(app.http, '/')).toEqual(refused);
  });
});

it('a marked gateway stands in no way of an application without servers', async () => {
  class StandaloneModule {}
  Module({ imports: [SecureModule.forRoot()], providers: [VaultGateway] })(StandaloneModule);
  const context = await NestFactory.createApplicationContext(StandaloneModule, { logger: false, abortOnError: false });

  expect(context.get(VaultGateway)).toBeInstanceOf(VaultGateway);
  await context.close();
});

it("a client that breaks off while it is refused is nobody else's trouble", async () => {
  const answer = { status: 403, headers: { 'content-length': '2' }, body: 'no' };
  const broken = new Promise((resolve) => {
    const server = closing(new HttpServer());
    server.on('upgrade', (request) => {
      refuseUpgrade(request, answer);
      // What an error nobody listens to would throw.
      resolve(request.socket.emit('error', new Error('broken off')));
    });
    void listenLocally(server).then((port) => handshake(port, '/').catch(() => undefined));
  });

  expect(await broken).toBe(true);
});
