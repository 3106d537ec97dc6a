import connectPgSimple from 'connect-pg-simple';
import { RedisStore } from 'connect-redis';
import { SecureSessions, Store, type SessionOptions } from 'nestjs-secure';
import { Pool } from 'pg';
import { createClient } from 'redis';
import { AccountController } from '../support/account-controller.js';
import { adapters } from '../support/applications.js';
import { startPostgres, startRedis } from '../support/servers.js';
import { Browser, createSessionApp } from '../support/sessions.js';

interface Connection {
  readonly store: NonNullable<SessionOptions['store']>;
  close(): unknown;
}

async function connectRedis(url: string): Promise<Connection> {
  const client = await createClient({ url })
    .on('error', () => undefined)
    .connect();
  return { store: new RedisStore({ client }), close: () => client.destroy() };
}

async function connectPostgres(connectionString: string): Promise<Connection> {
  const pool = new Pool({ connectionString }).on('error', () => undefined);
  const PgStore = connectPgSimple({ Store } as never);
  return { store: new PgStore({ pool, createTableIfMissing: true }), close: () => pool.end() };
}

// oxlint-disable-next-line unicorn/no-thenable -- `then` is the name of an option, of an object that is never awaited
const TWO = { max: 2, then: 'end-oldest' } as const;

it.each([
  ['Redis', startRedis, connectRedis],
  ['Postgres', startPostgres, connectPostgres],
] as const)(
  'sign-ins at the same moment, in two processes on %s, leave two alive and not fewer',
  async (_name, start, connect) => {
    const server = await start();
    const connections: Connection[] = [];
    try {
      const apps = [];
      for (const [, newAdapter] of adapters) {
        const connection = await connect(server.url);
        connections.push(connection);
        const session = { store: connection.store, perUser: TWO };
        apps.push(await createSessionApp(newAdapter, { session, controllers: [AccountController] }));
      }
      const browsers = [...apps, ...apps, ...apps].map((app) => new Browser(app));
      for (let round = 0; round < 20; round += 1) {
        const answers = await Promise.all(browsers.map((one) => one.visit('/login', { method: 'POST' })));
        expect(answers.map(({ status }) => status)).toEqual(browsers.map(() => 201));
        expect(await apps[0]?.nest.get(SecureSessions).list('ada')).toHaveLength(2);
      }
    } finally {
      for (const { close } of connections) await close();
      await server.stop();
    }
  },
);
