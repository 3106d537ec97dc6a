import {
  Catch,
  Controller,
  Inject,
  Param,
  Post,
  Req,
  UseFilters,
  type ArgumentsHost,
  type ExceptionFilter,
  type Type,
} from '@nestjs/common';
import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WsException,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import { RecentSignIn, SecureAudit, SecureRequired, SecureSessions, type SecureOptions } from 'nestjs-secure';
import type { Socket } from 'socket.io';
import type { WebSocket } from 'ws';
import { adapters, type NewAdapter } from '../support/applications.js';
import {
  ask,
  connected,
  ioClient,
  ioConnect,
  onSocketIo,
  onWs,
  ran,
  startGateways,
  WsClient,
  type GatewayApp,
} from '../support/gateways.js';
import { EVERYTHING } from '../support/everything.js';
import { ONE_PER_USER, SECRET, until } from '../support/sessions.js';

declare module 'nestjs-secure' {
  interface SessionData {
    userId?: string;
    color?: string;
  }
}

@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @SecureRequired()
  @Post('login/:user')
  async login(@Req() request: object, @Param('user') user: string): Promise<void> {
    const authenticatedAt = Date.now() - (user === 'late' ? 3_600_000 : 0);
    await this.sessions.signIn(request, user, { color: 'red' }, { authenticatedAt });
  }

  @SecureRequired()
  @Post('renew')
  async renew(@Req() request: object): Promise<void> {
    await this.sessions.regenerate(request, { keep: true });
  }

  @SecureRequired()
  @Post('logout')
  async logout(@Req() request: object): Promise<void> {
    await this.sessions.signOut(request);
  }
}

/** Tells clients what went wrong; the filter of Nest 11 tells those of socket.io only. */
@Catch(WsException)
class TellingFilter implements ExceptionFilter<WsException> {
  catch(exception: WsException, host: ArgumentsHost): void {
    const client = host.switchToWs().getClient<WebSocket | Socket>();
    const data = exception.getError();
    if ('readyState' in client) client.send(JSON.stringify({ event: 'exception', data }));
    else client.emit('exception', data);
  }
}

class Talk implements OnGatewayConnection, OnGatewayDisconnect {
  constructor(@Inject(SecureSessions) protected readonly sessions: SecureSessions) {}

  handleConnection(): void {
    ran.push('connected');
  }

  handleDisconnect(): void {
    ran.push('disconnected');
  }

  @SubscribeMessage('who')
  async who(@ConnectedSocket() client: object): Promise<{ event: string; data: unknown }> {
    ran.push('who');
    const session = await this.sessions.of(client);
    return { event: 'who', data: session === undefined ? 'nobody' : `${session.userId} likes ${session.color}` };
  }

  @SubscribeMessage('paint')
  async paint(
    @ConnectedSocket() client: object,
    @MessageBody() color: string,
  ): Promise<{ event: string; data: unknown }> {
    const session = await this.sessions.of(client);
    if (session === undefined) return { event: 'paint', data: 'nobody' };
    session.color = color;
    await session.save();
    return { event: 'paint', data: session.color };
  }

  @UseFilters(TellingFilter)
  @RecentSignIn('10 minutes')
  @SubscribeMessage('pay')
  pay(): { event: string; data: unknown } {
    ran.push('paid');
    return { event: 'pay', data: 'paid' };
  }

  @SubscribeMessage('become')
  async become(
    @ConnectedSocket() client: object,
    @MessageBody() user: string,
  ): Promise<{ event: string; data: unknown }> {
    const session = await this.sessions.of(client);
    try {
      Reflect.set(session ?? {}, 'userId', user);
      await session?.save();
      return { event: 'become', data: 'done' };
    } catch (error) {
      return { event: 'become', data: String(error) };
    }
  }
}

@WebSocketGateway()
class OpenGateway extends Talk {}

@SecureRequired()
@WebSocketGateway()
class MarkedGateway extends Talk {}

type Talker = {
  say(event: string, data?: unknown): Promise<unknown>;
  /** Says something, and gives the exception that answers it. */
  refused(event: string): Promise<unknown>;
  closed: Promise<unknown>;
  close(): void;
};

/** A way to talk to a gateway. */
interface Kind {
  readonly sockets: typeof onWs;
  /** What a client is told at the end of its session. */
  readonly end: unknown;
  connect(app: GatewayApp, cookie?: string, tls?: boolean): Promise<Talker>;
}

const kinds: [name: string, kind: Kind][] = [
  [
    'ws',
    {
      sockets: onWs,
      end: [1008, 'Session ended'],
      async connect(app, cookie, tls = true) {
        const port = tls ? app.https : app.http;
        const client = await WsClient.open({ port, path: '/', tls }, cookie === undefined ? {} : { Cookie: cookie });
        const closed = new Promise((resolve) =>
          client.socket.once('close', (code, reason) => resolve([code, reason.toString()])),
        );
        return {
          say: async (event, data) => Reflect.get(Object(await client.say(event, data)), 'data'),
          refused: async (event) => Reflect.get(Object(await client.say(event, null)), 'data'),
          closed,
          close: () => client.socket.terminate(),
        };
      },
    },
  ],
  ...(['websocket', 'polling'] as const).map((transport): [string, Kind] => [
    `socket.io by ${transport}`,
    {
      sockets: onSocketIo,
      end: [{ status: 'error', code: 'SESSION_ENDED', message: 'Session ended.' }, 'io server disconnect'],
      async connect(app, cookie, tls = true) {
        const extraHeaders: Record<string, string> = cookie === undefined ? {} : { Cookie: cookie };
        const client = await ioConnect(tls ? app.https : app.http, { tls, transports: [transport], extraHeaders });
        let told: unknown;
        client.on('exception', (data) => (told = data));
        return {
          say: async (event, data) => {
            client.emit(event, data);
            return new Promise((resolve) => client.once(event, resolve));
          },
          refused: async (event) => {
            client.emit(event);
            return new Promise((resolve) => client.once('exception', resolve));
          },
          closed: new Promise((resolve) => client.once('disconnect', (reason) => resolve([told, reason]))),
          close: () => client.disconnect(),
        };
      },
    },
  ]),
];

async function start(
  newAdapter: NewAdapter,
  sockets: typeof onWs,
  gateway: Type = OpenGateway,
  options: SecureOptions = {},
): Promise<GatewayApp> {
  return startGateways(newAdapter, {
    providers: [gateway],
    controllers: [AccountController],
    sockets,
    options: { session: { secret: SECRET, store: 'memory' }, ...options },
  });
}

/** Posts as a browser would; gives the session cookie. */
async function post({ https }: GatewayApp, path: string, cookie?: string): Promise<string> {
  const headers = cookie === undefined ? {} : { Cookie: cookie };
  const answer = await ask(https, path, headers, { method: 'POST', tls: true });
  expect(answer.status).toBe(201);
  return answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

describe.each(adapters)('On %s', (platform, newAdapter) => {
  // In `npm test` each adapter has some of them.
  const some = kinds.filter((_kind, at) => EVERYTHING || (platform === 'Express' ? at === 0 : at === 2));
  describe.each(some)('over %s', (_name, { sockets, connect, end }) => {
    it('a gateway has the session of the handshake, as it is now', async () => {
      const app = await start(newAdapter, sockets);
      const cookie = await post(app, '/login/ada');
      const client = await connect(app, cookie);

      expect(await client.say('who')).toBe('ada likes red');
      expect(await client.say('paint', 'blue')).toBe('blue');
      expect(await client.say('who')).toBe('ada likes blue');
      const other = await connect(app, cookie);
      expect(await other.say('who')).toBe('ada likes blue');
    });

    it('there is none without a cookie, and with one that nobody has signed', async () => {
      const app = await start(newAdapter, sockets, MarkedGateway);
      const cookie = await post(app, '/login/ada');
      const forged = cookie.replace(/.{5}$/, 'AAAAA');

      expect(await (await connect(app)).say('who')).toBe('nobody');
      expect(await (await connect(app, forged)).say('who')).toBe('nobody');
    });

    it('there is none over ws, and a finding says why', async () => {
      const app = await start(newAdapter, sockets);
      const cookie = await post(app, '/login/ada');
      const client = await connect(app, cookie, false);

      expect(await client.say('who')).toBe('nobody');
      const findings = app.nest.get(SecureAudit).findings();
      expect(findings).toContainEqual(
        expect.objectContaining({ id: 'SEC240', cause: expect.stringContaining('came over plain HTTP') }),
      );
    });

    it.each([
      ['sign-out', async (app: GatewayApp, cookie: string) => void (await post(app, '/logout', cookie))],
      ['revokeAll', (app: GatewayApp) => app.nest.get(SecureSessions).revokeAll('ada')],
      ['revokeEverybody', (app: GatewayApp) => app.nest.get(SecureSessions).revokeEverybody()],
    ])('%s closes it, and nothing runs afterwards', async (how, finish) => {
      const app = await start(newAdapter, sockets);
      const cookie = await post(app, '/login/ada');
      const client = await connect(app, cookie);
      const stranger = await connect(app);
      const [bob, eve] = await Promise.all(
        ['bob', 'eve'].map(async (user) => connect(app, await post(app, `/login/${user}`))),
      );
      expect(await client.say('who')).toBe('ada likes red');
      ran.length = 0;

      await finish(app, cookie);
      void client.say('who');

      expect(await client.closed).toEqual(end);
      await until(() => ran.includes('disconnected'));
      expect(ran).not.toContain('who');
      expect(await stranger.say('who')).toBe('nobody');
      if (how !== 'revokeEverybody') expect(await bob?.say('who')).toBe('bob likes red');
      else expect(await eve?.closed).toEqual(end);
    });

    it('it is closed when its user signs in elsewhere once more than perUser allows', async () => {
      const session = { secret: SECRET, store: 'memory', perUser: ONE_PER_USER } as const;
      const app = await start(newAdapter, sockets, OpenGateway, { session });
      const client = await connect(app, await post(app, '/login/ada'));
      expect(await client.say('who')).toBe('ada likes red');

      await post(app, '/login/bob');
      expect(await client.say('who')).toBe('ada likes red');
      await post(app, '/login/ada');
      expect(await client.closed).toEqual(end);
    });

    it('it stays with the session under a new id, and ends with it', async () => {
      const app = await start(newAdapter, sockets);
      const first = await post(app, '/login/ada');
      const client = await connect(app, first);
      const second = await post(app, '/renew', first);

      expect(second).not.toBe(first);
      expect(await client.say('who')).toBe('ada likes red');
      expect(await client.say('paint', 'green')).toBe('green');
      await post(app, '/logout', second);
      expect(await client.closed).toEqual(end);
    });

    it('a message under @RecentSignIn runs after a recent sign-in only', async () => {
      const app = await start(newAdapter, sockets);
      const fresh = await connect(app, await post(app, '/login/ada'));
      expect(await fresh.say('pay')).toBe('paid');
      ran.length = 0;

      const refusal = expect.objectContaining({ code: 'SIGN_IN_TOO_OLD', reason: 'sign-in-too-old' });
      for (const cookie of [await post(app, '/login/late'), undefined]) {
        expect(await (await connect(app, cookie)).refused('pay')).toEqual(refusal);
      }
      expect(ran).not.toContain('paid');
    });

    it('the user of a session cannot be changed over it', async () => {
      const app = await start(newAdapter, sockets);
      const client = await connect(app, await post(app, '/login/ada'));

      expect(await client.say('become', 'root')).toContain('The user of a session was changed over a socket');
      expect(await client.say('who')).toBe('ada likes red');
    });
  });
});

describe.each(adapters.slice(0, 1))('A client of socket.io that began by polling, on %s', (_platform, newAdapter) => {
  it('is closed after it has changed to a WebSocket', async () => {
    const app = await start(newAdapter, onSocketIo);
    const cookie = await post(app, '/login/ada');
    const client = await connected(ioClient(app.https, { tls: true, extraHeaders: { Cookie: cookie } }));
    const { engine } = client.io;
    if (engine.transport.name !== 'websocket')
      await new Promise<void>((resolve) => engine.once('upgrade', () => resolve()));

    const closed = new Promise((resolve) => client.once('disconnect', resolve));
    await app.nest.get(SecureSessions).revokeAll('ada');
    expect(await closed).toBe('io server disconnect');
  });
});
