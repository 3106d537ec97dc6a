import { Controller, Inject, Param, Post, Req } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import {
  ConnectedSocket,
  SubscribeMessage,
  WebSocketGateway,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import { RedisStore } from 'connect-redis';
import connectPgSimple from 'connect-pg-simple';
import expressSession from 'express-session';
import { SecureRequired, SecureSessions, type SessionOptions } from 'nestjs-secure';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, createCluster } from 'redis';
import type { WebSocket } from 'ws';
import { SECURE_SESSION_ENGINE } from '../../lib/tokens.js';
import type { SessionRecords } from '../../lib/session/records.js';
import { ask, onWs, startGateways, WsClient, type GatewayApp } from '../support/gateways.js';
import { CompiledSessions } from '../support/lmdb-processes.js';
import {
  startPostgres,
  startRedis,
  startRedisCluster,
  type FreezableServer,
  type TestServer,
} from '../support/servers.js';
import { SECRET, until } from '../support/sessions.js';

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login/:user')
  async login(@Req() request: object, @Param('user') user: string): Promise<void> {
    await this.sessions.signIn(request, user);
  }
}

/** Tells all its clients again and again, as gateways do that push. */
@SecureRequired()
@WebSocketGateway()
class TalkGateway implements OnGatewayConnection<WebSocket>, OnGatewayDisconnect<WebSocket> {
  private readonly clients = new Set<WebSocket>();

  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  handleConnection(client: WebSocket): void {
    this.clients.add(client);
  }

  handleDisconnect(client: WebSocket): void {
    this.clients.delete(client);
  }

  tellAll(data: string): void {
    for (const client of this.clients) client.send(JSON.stringify({ event: 'news', data }));
  }

  @SubscribeMessage('who')
  async who(@ConnectedSocket() client: object): Promise<{ event: string; data: unknown }> {
    const session = await this.sessions.of(client);
    return { event: 'who', data: session === undefined ? 'nobody' : Reflect.get(session, 'userId') };
  }
}

let redis: FreezableServer;
let cluster: Awaited<ReturnType<typeof startRedisCluster>>;
let postgres: TestServer;
let directory: string;
let compiled: CompiledSessions;
const revokers: ChildProcess[] = [];

beforeAll(async () => {
  [redis, cluster, postgres] = await Promise.all([startRedis(), startRedisCluster(), startPostgres()]);
  directory = mkdtempSync(join(tmpdir(), 'shared-sessions-'));
  compiled = new CompiledSessions();
}, 60_000);

afterEach(() => {
  for (const revoker of revokers.splice(0)) revoker.kill('SIGKILL');
});

afterAll(async () => {
  await Promise.all([redis.stop(), cluster.stop(), postgres.stop()]);
  rmSync(directory, { recursive: true, force: true });
  compiled.remove();
});

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function redisOptions(): Promise<Partial<SessionOptions>> {
  const client = createClient({ url: redis.url, socket: { reconnectStrategy: 20 } });
  client.on('error', () => undefined);
  await client.connect();
  closers.push(async () => client.destroy());
  return { store: new RedisStore({ client }) };
}

async function clusterOptions(): Promise<Partial<SessionOptions>> {
  const client = createCluster({ rootNodes: cluster.nodes.map(({ url }) => ({ url })) });
  client.on('error', () => undefined);
  await client.connect();
  closers.push(async () => client.destroy());
  return { store: new RedisStore({ client }) };
}

const kinds: [kind: string, address: () => string, options: () => Promise<Partial<SessionOptions>>][] = [
  ['Redis', () => redis.url, redisOptions],
  ['Redis Cluster', () => cluster.nodes.map(({ url }) => url).join(','), clusterOptions],
  [
    'Postgres',
    () => postgres.url,
    async () => {
      const store = new (connectPgSimple(expressSession))({ conString: postgres.url, createTableIfMissing: true });
      closers.push(async () => store.close());
      return { store };
    },
  ],
  ['lmdb', () => directory, async () => ({ dir: directory })],
];

interface Told {
  readonly ended?: number;
  readonly steps?: number;
}

/** A process that shares the store, and ends all sessions of a user. Undefined where it has died. */
async function startRevoker(kind: string, address: string): Promise<(order: object) => Promise<Told | undefined>> {
  const given = [join(compiled.directory, 'session'), kind, address];
  const revoker = fork(join(import.meta.dirname, '../support/revoker-process.mjs'), given, {
    execArgv: [],
    cwd: compiled.directory,
  });
  revokers.push(revoker);
  await once(revoker, 'message');
  return async (order) => {
    revoker.send(order);
    const told: Told | undefined = await new Promise((resolve) => {
      revoker.once('message', (message: Told) => resolve(message));
      revoker.once('exit', () => resolve(undefined));
    });
    return told;
  };
}

async function signIn({ https }: GatewayApp, user: string): Promise<string> {
  const { headers } = await ask(https, `/login/${encodeURIComponent(user)}`, {}, { method: 'POST', tls: true });
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

/** Opens a socket that is known to have its session. */
async function connect(app: GatewayApp, Cookie: string) {
  const client = await WsClient.open({ port: app.https, path: '/', tls: true }, { Cookie });
  const closed = new Promise<unknown>((resolve) =>
    client.socket.once('close', (code, reason) => resolve([code, reason.toString()])),
  );
  return { client, closed };
}

function start(session: Partial<SessionOptions>): Promise<GatewayApp> {
  return startGateways(() => new ExpressAdapter(), {
    providers: [TalkGateway],
    controllers: [AccountController],
    sockets: onWs,
    options: { session: { secret: SECRET, ...session } },
  });
}

describe.each(kinds)('Two processes on one %s', (kind, address, options) => {
  it('a session that one ends has its sockets closed in the other within a second', async () => {
    const app = await start(await options());
    const cookies = [await signIn(app, `ada-${kind}`), await signIn(app, `ada-${kind}`)];
    const ada = await Promise.all([...cookies, cookies[0] ?? ''].map((cookie) => connect(app, cookie)));
    const bob = await connect(app, await signIn(app, `bob-${kind}`));
    for (const { client } of ada) {
      expect(await client.say('who', null)).toEqual({ event: 'who', data: `ada-${kind}` });
    }
    const revoke = await startRevoker(kind, address());
    const began = performance.now();

    expect(await revoke({ userId: `ada-${kind}` })).toMatchObject({ ended: 2 });

    for (const { closed } of ada) expect(await closed).toEqual([1008, 'Session ended']);
    expect(performance.now() - began).toBeLessThan(1_000);
    app.nest.get(TalkGateway).tellAll('a secret');
    expect(await bob.client.next()).toEqual({ event: 'news', data: 'a secret' });
    expect(ada.flatMap(({ client }) => client.unread)).toEqual([]);
    expect(await bob.client.say('who', null)).toEqual({ event: 'who', data: `bob-${kind}` });
  });

  it('a process that dies at any step of it leaves no socket open of a session that has ended', async () => {
    const app = await start(await options());
    const { records }: { records: SessionRecords } = app.nest.get(SECURE_SESSION_ENGINE);
    let hasFinished = false;
    for (let dieAt = 0; !hasFinished; dieAt += 1) {
      const userId = `eve-${kind}-${dieAt}`;
      const sockets = [await connect(app, await signIn(app, userId)), await connect(app, await signIn(app, userId))];
      for (const { client } of sockets) expect(await client.say('who', null)).toMatchObject({ data: userId });
      const revoke = await startRevoker(kind, address());
      hasFinished = (await revoke({ userId, dieAt })) !== undefined;

      const left = await records.listByUser(userId);
      const open = (): number => sockets.filter(({ client: { socket } }) => socket.readyState === socket.OPEN).length;
      await until(() => open() === left.length);
      if (hasFinished) expect(left).toEqual([]);
    }
  }, 60_000);
});

describe('Redis', () => {
  it('what ended while the connection for messages was lost is looked up, and messages are heard again', async () => {
    const app = await start(await redisOptions());
    const cookie = await signIn(app, 'ida');
    const { client, closed } = await connect(app, cookie);
    expect(await client.say('who', null)).toMatchObject({ data: 'ida' });
    await redis.halt();
    await redis.start();
    const revoke = await startRevoker('Redis', redis.url);
    await revoke({ userId: 'ida' });
    expect(await closed).toEqual([1008, 'Session ended']);

    const again = await connect(app, await signIn(app, 'ida'));
    expect(await again.client.say('who', null)).toMatchObject({ data: 'ida' });
    await revoke({ userId: 'ida' });
    expect(await again.closed).toEqual([1008, 'Session ended']);
  });
});
