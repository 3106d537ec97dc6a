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
import { RecentSignIn, SecureRequired, SecureSessions, type SecureOptions } from 'nestjs-secure';
import type { Socket } from 'socket.io';
import type { WebSocket } from 'ws';
import type { NewAdapter } from './applications.js';
import { ask, ioConnect, onSocketIo, onWs, ran, startGateways, WsClient, type GatewayApp } from './gateways.js';
import { SECRET } from './sessions.js';

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
export class OpenGateway extends Talk {}

@SecureRequired()
@WebSocketGateway()
export class MarkedGateway extends Talk {}

export type Talker = {
  say(event: string, data?: unknown): Promise<unknown>;
  /** Says something, and gives the exception that answers it. */
  refused(event: string): Promise<unknown>;
  closed: Promise<unknown>;
  close(): void;
};

/** A way to talk to a gateway. */
export interface Kind {
  readonly sockets: typeof onWs;
  /** What a client is told at the end of its session. */
  readonly end: unknown;
  connect(app: GatewayApp, cookie?: string, tls?: boolean): Promise<Talker>;
}

export const kinds: [name: string, kind: Kind][] = [
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

export async function start(
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
export async function post({ https }: GatewayApp, path: string, cookie?: string): Promise<string> {
  const headers = cookie === undefined ? {} : { Cookie: cookie };
  const answer = await ask(https, path, headers, { method: 'POST', tls: true });
  expect(answer.status).toBe(201);
  return answer.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}
