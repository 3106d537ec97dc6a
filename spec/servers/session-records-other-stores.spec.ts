import { RedisStore as RedisStore8 } from 'connect-redis-8';
import RedisStore7 from 'connect-redis-7';
import { Redis } from 'ioredis';
import { createClient } from 'redis-4';
import type { SessionStore } from 'nestjs-secure';
import { lookAtStore } from '../../lib/session/look-at-store.js';
import { ForeignStoreRecords } from '../../lib/session/foreign-store-records.js';
import { describeContract } from '../support/session-records-contract.js';
import { startRedis, type TestServer } from '../support/servers.js';
import { SECRET } from '../support/sessions.js';

let server: TestServer;

beforeAll(async () => {
  server = await startRedis();
});

afterAll(() => server.stop());

interface Connection {
  readonly store: SessionStore;
  set(key: string, value: string): Promise<unknown>;
  close(): Promise<unknown>;
}

async function nodeRedis(newStore: (client: never) => SessionStore): Promise<Connection> {
  const client = createClient({ url: server.url });
  client.on('error', () => undefined);
  await client.connect();
  return { store: newStore(client as never), set: (key, value) => client.set(key, value), close: () => client.quit() };
}

async function ioredis(newStore: (client: never) => SessionStore): Promise<Connection> {
  const client = new Redis(server.url);
  client.on('error', () => undefined);
  await client.ping();
  return { store: newStore(client as never), set: (key, value) => client.set(key, value), close: () => client.quit() };
}

const newStore7 = (client: never): SessionStore => new RedisStore7({ client });
const newStore8 = (client: never): SessionStore => new RedisStore8({ client });

describe.each<[name: string, connect: () => Promise<Connection>]>([
  ['connect-redis 7 on node-redis', () => nodeRedis(newStore7)],
  ['connect-redis 7 on ioredis', () => ioredis(newStore7)],
  ['connect-redis 8 on node-redis', () => nodeRedis(newStore8)],
  ['connect-redis 8 on ioredis', () => ioredis(newStore8)],
])('%s', (_name, connect) => {
  it('is said to have no conditional writes', async () => {
    const { store, close } = await connect();
    expect(lookAtStore({ secret: SECRET, store })).toEqual({ kind: 'plain', silent: [] });
    await close();
  });

  describeContract(async (now) => {
    const [one, another] = [await connect(), await connect()];
    return {
      records: new ForeignStoreRecords(one.store, now),
      other: new ForeignStoreRecords(another.store, now),
      oneMoverWins: false,
      corrupt: async (id) => void (await one.set(`sess:${id}`, '{"cookie":{},"created":"yesterday"}')),
      close: async () => {
        await one.close();
        await another.close();
      },
    };
  });
});
