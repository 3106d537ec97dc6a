import { ConnectSessionKnexStore } from 'connect-session-knex';
import { RedisStore as RedisStore8 } from 'connect-redis-8';
import RedisStore7 from 'connect-redis-7';
import { Redis } from 'ioredis';
import knex from 'knex';
import type { SessionStore } from 'nestjs-secure';
import { createClient } from 'redis';
import { createClient as createClient4 } from 'redis-4';
import { describeForeignStore } from '../support/foreign-store-tests.js';
import { startPostgres, startRedis, startRedisCluster } from '../support/servers.js';
import { createCluster } from 'redis';

describeForeignStore('connect-session-knex, on Postgres', async () => {
  const server = await startPostgres();
  const connection = knex({ client: 'pg', connection: server.url });
  const store = new ConnectSessionKnexStore({ knex: connection, createTable: true, cleanupInterval: 0 });
  return {
    store: store as SessionStore,
    async close() {
      await connection.destroy();
      await server.stop();
    },
  };
});

const versions: [name: string, newStore: (client: never) => SessionStore][] = [
  ['connect-redis 7', (client) => new RedisStore7({ client })],
  ['connect-redis 8', (client) => new RedisStore8({ client })],
];

for (const [name, newStore] of versions) {
  describeForeignStore(`${name} on node-redis 5`, async () => {
    const server = await startRedis();
    const client = await createClient({ url: server.url })
      .on('error', () => undefined)
      .connect();
    return {
      store: newStore(client as never),
      async close() {
        client.destroy();
        await server.stop();
      },
    };
  });

  describeForeignStore(`${name} on node-redis 4`, async () => {
    const server = await startRedis();
    const client = await createClient4({ url: server.url })
      .on('error', () => undefined)
      .connect();
    return {
      store: newStore(client as never),
      async close() {
        await client.quit();
        await server.stop();
      },
    };
  });

  describeForeignStore(`${name} on ioredis`, async () => {
    const server = await startRedis();
    const client = new Redis(server.url).on('error', () => undefined);
    return {
      store: newStore(client as never),
      async close() {
        client.disconnect();
        await server.stop();
      },
    };
  });
}

describeForeignStore('connect-redis 8 on a cluster of node-redis 5', async () => {
  const { nodes, stop } = await startRedisCluster();
  const client = await createCluster({ rootNodes: nodes.map(({ url }) => ({ url })) })
    .on('error', () => undefined)
    .connect();
  return {
    store: new RedisStore8({ client: client as never }),
    async close() {
      client.destroy();
      await stop();
    },
  };
});
