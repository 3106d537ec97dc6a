import { Controller, Get, Inject, Post, Req, Session } from '@nestjs/common';
import connectPgSimple from 'connect-pg-simple';
import { RedisStore } from 'connect-redis';
import { RedisStore as RedisStore8 } from 'connect-redis-8';
import expressSession from 'express-session';
import { Redis } from 'ioredis';
import { connect, createServer, type Socket } from 'node:net';
import { SecureRequired, SecureSessions, type SessionStore } from 'nestjs-secure';
import { Pool } from 'pg';
import { createClient } from 'redis';
import { isPostgresStore, PostgresRecords } from '../../lib/session/postgres-records.js';
import { isRedisStore, RedisRecords, type RedisClient, type RedisCommands } from '../../lib/session/redis-records.js';
import { adapters } from '../support/applications.js';
import { listenLocally } from '../support/listen-locally.js';
import { Answers, describeOutOfStep } from '../support/out-of-step.js';
import { newId, recordOf } from '../support/session-records-contract.js';
import { startPostgres, startRedis, type TestServer } from '../support/servers.js';
import { Browser, createSessionApp, until } from '../support/sessions.js';

let redis: TestServer;
let postgres: TestServer;

beforeAll(async () => {
  redis = await startRedis();
  postgres = await startPostgres();
  const pool = new Pool({ connectionString: postgres.url });
  await pool.query('CREATE TABLE session (sid varchar PRIMARY KEY, sess json NOT NULL, expire timestamp NOT NULL)');
  await pool.end();
}, 60_000);

afterAll(async () => {
  await redis.stop();
  await postgres.stop();
});

const PGStore = connectPgSimple(expressSession);

async function openRedis() {
  const client = createClient({ url: redis.url });
  await client.on('error', () => undefined).connect();
  return { client, store: new RedisStore({ client }) };
}

describe('Redis', () => {
  describeOutOfStep(async () => {
    const { client, store } = await openRedis();
    const answers = new Answers();
    if (!isRedisStore(store)) throw new Error('connect-redis is not known as such');
    const asked: RedisClient = store.client;
    const commands = asked.withCommandOptions.bind(asked);
    asked.withCommandOptions = (options): RedisCommands => {
      const own = commands(options);
      return {
        eval: async (...given) => answers.pass(await own.eval(...given)),
        hmGet: async (...given) => answers.pass(await own.hmGet(...given)),
        del: async (...given) => answers.pass(await own.del(...given)),
      };
    };
    return {
      records: new RedisRecords(store),
      answers,
      saysNothing: (answer) => Array.isArray(answer) && answer.every((value) => value === null),
      close: () => client.destroy(),
    };
  });

  it('has what an older version wrote, which does not say whose it is', async () => {
    const { client, store } = await openRedis();
    if (!isRedisStore(store)) throw new Error('connect-redis is not known as such');
    const records = new RedisRecords(store);
    const [old, next, record] = [newId(), newId(), recordOf({ userId: newId() })];
    await records.insert(old, record);
    await records.move(old, next, record);
    for (const id of [old, next]) expect(await client.hDel(`sess:${id}`, 'id')).toBe(1);
    expect(await records.read(next)).toEqual(record);
    expect(await records.read(old)).toMatchObject({ movedTo: next });
    expect(await records.touch(next, record)).toBe(true);
    expect(await records.listByUser(record.userId ?? '')).toEqual([{ id: next, record }]);
    expect(await records.stillThere([old])).toEqual(new Map([[old, next]]));
    await records.remove(old);
    expect(await records.read(next)).toBeUndefined();
    client.destroy();
  });
});

describe('Postgres', () => {
  describeOutOfStep(async () => {
    const pool = new Pool({ connectionString: postgres.url });
    const answers = new Answers();
    const store = new PGStore({ pool, pruneSessionInterval: false });
    if (!isPostgresStore(store)) throw new Error('connect-pg-simple is not known as such');
    const query = store.query.bind(store);
    store.query = (sql, given, done) => query(sql, given, (error, row) => done(error, answers.pass(row)));
    return {
      records: new PostgresRecords(store),
      answers,
      saysNothing: (answer) => answer === undefined,
      close: () => pool.end(),
    };
  });
});

/** Lies in front of a server. Once it has fallen behind, each answer is the one to the question before. */
class LateWire {
  static async to(url: string): Promise<LateWire> {
    const target = new URL(url);
    const server = createServer();
    const wire = new LateWire(Number(target.port), () => server.close());
    target.port = String(await listenLocally(server));
    server.on('connection', (near) => wire.join(near));
    return Object.assign(wire, { url: target.href });
  }

  readonly url: string = '';
  isLate = false;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly port: number,
    private readonly closeServer: () => void,
  ) {}

  /** Cuts what has fallen behind; clients connect anew. */
  mend(): void {
    this.isLate = false;
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.mend();
    this.closeServer();
  }

  private join(near: Socket): void {
    const far = connect({ port: this.port, host: '127.0.0.1' });
    let last: Buffer | undefined;
    near.on('data', (question) => far.write(question));
    far.on('data', (answer) => {
      near.write(this.isLate && last !== undefined ? last : answer);
      last = answer;
    });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(socket);
      socket
        .on('error', () => undefined)
        .on('close', () => {
          this.sockets.delete(socket);
          other.destroy();
        });
    }
  }
}

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login/ada')
  async ada(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada');
  }

  @Post('login/bob')
  async bob(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'bob');
  }

  @Post('write')
  write(@Session() session: Record<string, unknown>): string {
    session['written'] = true;
    return String(session['userId']);
  }

  @Post('logout')
  async logOut(@Req() request: object): Promise<void> {
    await this.sessions.signOut(request);
  }

  @Get('me')
  me(@Session() session: Record<string, unknown>): string {
    return String(session['userId']);
  }
}

interface Client {
  readonly store: SessionStore;
  close(): unknown;
}

const clients: [name: string, url: () => string, open: (url: string) => Promise<Client>][] = [
  [
    'node-redis, with connect-redis 9',
    () => redis.url,
    async (url) => {
      const client = createClient({ url, socket: { reconnectStrategy: 20 } });
      await client.on('error', () => undefined).connect();
      return { store: new RedisStore({ client }) as SessionStore, close: () => client.destroy() };
    },
  ],
  [
    'ioredis, with connect-redis 8',
    () => redis.url,
    async (url) => {
      const client = new Redis(url).on('error', () => undefined);
      return { store: new RedisStore8({ client, prefix: 'plain:' }) as SessionStore, close: () => client.disconnect() };
    },
  ],
  [
    'pg, with connect-pg-simple',
    () => postgres.url,
    async (url) => {
      const pool = new Pool({ connectionString: url, max: 1 });
      pool.on('error', () => undefined);
      return { store: new PGStore({ pool, pruneSessionInterval: false }) as SessionStore, close: () => pool.end() };
    },
  ],
];

describe.each(adapters)(
  'On %s, where each answer of the store is the one to the question before',
  (_name, newAdapter) => {
    it.each(clients)(
      '%s: nobody is shown the session of another, and none is lost',
      async (_client, url, open) => {
        const wire = await LateWire.to(url());
        const { store, close } = await open(wire.url);
        try {
          const app = await createSessionApp(newAdapter, { session: { store }, controllers: [AccountController] });
          const [ada, bob] = [new Browser(app), new Browser(app)];
          await ada.visit('/login/ada', { method: 'POST' });
          await bob.visit('/login/bob', { method: 'POST' });
          for (const [one, user] of [
            [ada, 'ada'],
            [bob, 'bob'],
          ] as const) {
            expect((await one.visit('/me')).body).toBe(user);
          }
          wire.isLate = true;
          for (const [path, method] of [
            ['/me', 'GET'],
            ['/write', 'POST'],
            ['/logout', 'POST'],
            ['/me', 'GET'],
          ] as const) {
            for (const one of [ada, bob]) {
              const { status, body } = await one.visit(path, { method });
              expect(status).toBe(503);
              expect(body).not.toMatch(/ada|bob/);
            }
          }
          wire.mend();
          for (const [one, user] of [
            [ada, 'ada'],
            [bob, 'bob'],
          ] as const) {
            await until(async () => (await one.visit('/me')).status === 200);
            expect((await one.visit('/me')).body).toBe(user);
          }
        } finally {
          await close();
          wire.close();
        }
      },
      30_000,
    );
  },
);
