import {
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  type OnGatewayConnection,
} from '@nestjs/websockets';
import { SecureRequired, type SecureOptions } from 'nestjs-secure';
import type { Socket } from 'socket.io-client';
import { adapters, boots } from '../support/applications.js';
import {
  ask,
  connected,
  handshake,
  ioClient,
  ioConnect,
  onSocketIo,
  ran,
  refused,
  startGateways,
} from '../support/gateways.js';

class Talk implements OnGatewayConnection {
  handleConnection(): void {
    ran.push(`${this.constructor.name} connected`);
  }

  @SubscribeMessage('say')
  say(@MessageBody() data: string): string {
    ran.push(`${this.constructor.name} said`);
    return `said ${data}`;
  }
}

@SecureRequired()
@WebSocketGateway()
class VaultGateway extends Talk {}

@WebSocketGateway({ namespace: 'chat' })
class ChatGateway extends Talk {}

@SecureRequired()
@WebSocketGateway({ namespace: '/safe' })
class SafeGateway extends Talk {}

const HTTPS_REQUIRED = expect.objectContaining({
  message: 'HTTPS_REQUIRED',
  data: { code: 'HTTPS_REQUIRED', message: expect.stringContaining('wss only'), reason: 'websocket' },
});

/** Resolves once a client that began by polling has a WebSocket. */
async function upgradeOf({ io: { engine } }: Socket): Promise<void> {
  if (engine.transport.name !== 'websocket') await new Promise((resolve) => engine.once('upgrade', resolve));
}

/** The session of the engine that a handshake by polling has opened. */
function sidIn(body: string): string {
  const { sid }: { sid: string } = JSON.parse(body.slice(1));
  return sid;
}

const POLL = '/socket.io/?EIO=4&transport=polling';

describe.each(adapters)('gateways on socket.io and the port of %s', (_platform, newAdapter) => {
  describe('all of them marked', () => {
    const start = (options: SecureOptions = {}, boot: (typeof boots)[number][0] = 'NestFactory.create') =>
      startGateways(newAdapter, { boot, options, providers: [VaultGateway, SafeGateway], sockets: onSocketIo });

    it.each(boots)('are reached over wss only, made with %s', async (boot) => {
      const app = await start({}, boot);

      const answer = await handshake(app.http, '/socket.io/?EIO=4&transport=websocket');
      expect(answer).toEqual(refused);
      expect(answer.headers.location).toBeUndefined();
      await expect(ioConnect(app.http, { transports: ['websocket'] })).rejects.toThrow('websocket error');
      expect(ran).toEqual([]);

      const client = await ioConnect(app.https, { tls: true, transports: ['websocket'] });
      expect(await client.emitWithAck('say', 'hello')).toBe('said hello');
      expect(ran).toEqual(['VaultGateway connected', 'VaultGateway said']);
    });

    it('are polled over https only, and upgraded from there', async () => {
      const app = await start();

      expect(await ask(app.http, POLL)).toMatchObject({ ...refused, headers: expect.anything() });
      expect(await ask(app.http, POLL, {}, { method: 'POST', body: '40' })).toMatchObject({ status: 403 });
      await expect(ioConnect(app.http, { transports: ['polling'] })).rejects.toThrow('xhr poll error');
      expect(ran).toEqual([]);

      const client = await ioConnect(app.https, { tls: true, transports: ['polling'] });
      expect(await client.emitWithAck('say', 'hello')).toBe('said hello');
      const upgrading = await ioConnect(app.https, { tls: true });
      await upgradeOf(upgrading);
      expect(await upgrading.emitWithAck('say', 'on')).toBe('said on');
    });
  });

  describe('a marked namespace beside others', () => {
    const start = (options: SecureOptions = {}) =>
      startGateways(newAdapter, { options, providers: [ChatGateway, SafeGateway], sockets: onSocketIo });

    it.each(['polling', 'websocket'])(
      'refuses clients over plain HTTP, over %s, and the others let them in',
      async (transport) => {
        const app = await start();
        const transports = [transport];

        const chat = await ioConnect(app.http, { transports }, '/chat');
        expect(await chat.emitWithAck('say', 'hello')).toBe('said hello');
        await expect(ioConnect(app.http, { transports }, '/safe')).rejects.toEqual(HTTPS_REQUIRED);
        expect(ran).toEqual(['ChatGateway connected', 'ChatGateway said']);

        const safe = await ioConnect(app.https, { tls: true, transports }, '/safe');
        expect(await safe.emitWithAck('say', 'hello')).toBe('said hello');
      },
    );

    it('lets nobody go on over plain HTTP who came over https, by polling or by an upgrade', async () => {
      const app = await start();
      const sid = sidIn((await ask(app.https, POLL, {}, { tls: true })).body);
      const going = `${POLL}&sid=${sid}`;

      expect(await ask(app.http, going, {}, { method: 'POST', body: '40/safe,' })).toMatchObject({
        status: 403,
        body: refused.body,
      });
      expect(await ask(app.http, going)).toMatchObject({ status: 403 });
      expect(await ask(app.http, `${POLL}&sid=none&sid=${sid}`)).toMatchObject({ status: 403 });
      expect(await handshake(app.http, going.replace('polling', 'websocket'))).toEqual(refused);
      expect(await ask(app.https, going, {}, { tls: true, method: 'POST', body: '40/safe,' })).toMatchObject({
        status: 200,
      });
      expect((await ask(app.https, going, {}, { tls: true })).body).toMatch(/^40\/safe,\{"sid"/);
      expect(ran).toEqual(['SafeGateway connected']);
    });

    it('refuses who began over plain HTTP, however he goes on', async () => {
      const app = await start();
      const going = `${POLL}&sid=${sidIn((await ask(app.http, POLL)).body)}`;
      await ask(app.https, going, {}, { tls: true, method: 'POST', body: '40/safe,' });

      expect((await ask(app.https, going, {}, { tls: true })).body).toMatch(/^44\/safe,\{"message":"HTTPS_REQUIRED"/);
      expect(ran).toEqual([]);
    });
  });

  it('namespaces that clients name are refused over plain HTTP by the mark of their pattern', async () => {
    @SecureRequired()
    @WebSocketGateway({ namespace: /^\/room-\d+$/ })
    class RoomsGateway extends Talk {}
    const app = await startGateways(newAdapter, { providers: [ChatGateway, RoomsGateway], sockets: onSocketIo });

    await expect(ioConnect(app.http, {}, '/room-7')).rejects.toEqual(HTTPS_REQUIRED);
    const room = await ioConnect(app.https, { tls: true }, '/room-7');
    expect(await room.emitWithAck('say', 'hello')).toBe('said hello');
    await ioConnect(app.http, {}, '/chat');
  });

  it('a root namespace that is marked is refused over plain HTTP, and another on the same server is not', async () => {
    const app = await startGateways(newAdapter, { providers: [VaultGateway, ChatGateway], sockets: onSocketIo });

    await expect(ioConnect(app.http)).rejects.toEqual(HTTPS_REQUIRED);
    await ioConnect(app.http, {}, '/chat');
    await ioConnect(app.https, { tls: true });
  });

  describe.each(['/safe', '/room-7'])('a client that was away from %s', (name) => {
    const connectionStateRecovery = { maxDisconnectionDuration: 60_000, skipMiddlewares: true };

    @WebSocketGateway({ namespace: '/chat', connectionStateRecovery })
    class RecoveringGateway extends Talk {}

    @SecureRequired()
    @WebSocketGateway({ namespace: name === '/safe' ? name : /^\/room-\d+$/, connectionStateRecovery })
    class NewsGateway extends Talk {
      @WebSocketServer()
      private readonly namespace!: { emit(event: string, ...data: unknown[]): void };

      publish(news: string): void {
        this.namespace.emit('news', news);
      }

      handleDisconnect(): void {
        this.publish('secret');
        ran.push('away');
      }
    }

    it('gets what it has missed over https only', async () => {
      const providers = [RecoveringGateway, NewsGateway];
      const app = await startGateways(newAdapter, { providers, sockets: onSocketIo });
      const first = await ioConnect(app.https, { tls: true, transports: ['websocket'] }, name);
      const told = new Promise((resolve) => first.once('news', resolve));
      app.nest.get(NewsGateway).publish('public');
      await told;
      const auth = { pid: Reflect.get(first, '_pid'), offset: Reflect.get(first, '_lastOffset') };
      first.io.engine.close();
      while (!ran.includes('away')) await new Promise((resolve) => setImmediate(resolve));

      const heard: unknown[] = [];
      const clear = ioClient(app.http, { auth, transports: ['websocket'] }, name);
      const refusal = connected(clear);
      clear.io.engine.on('message', (packet: unknown) => heard.push(packet));
      await expect(refusal).rejects.toEqual(HTTPS_REQUIRED);
      expect(heard).toEqual([expect.stringMatching(/^4\/.*HTTPS_REQUIRED/)]);

      const back = ioClient(app.https, { auth, tls: true, transports: ['websocket'] }, name);
      const missed = new Promise((resolve) => back.once('news', resolve));
      await connected(back);
      expect(await missed).toBe('secret');
    });
  });
});
