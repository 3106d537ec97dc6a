import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { Controller, Get, Session } from '@nestjs/common';
import { ConnectSessionKnexStore } from 'connect-session-knex';
import { RedisStore as RedisStore8 } from 'connect-redis-8';
import RedisStore7 from 'connect-redis-7';
import { Redis } from 'ioredis';
import knex from 'knex';
import { createRequire } from 'node:module';
import type { Server } from 'node:http';
import { Store, type SessionStore } from 'nestjs-secure';
import { createClient, createCluster } from 'redis';
import { createClient as createClient4 } from 'redis-4';
import { adapters } from '../support/applications.js';
import { describeForeignStore } from '../support/foreign-store-tests.js';
import { listenLocally } from '../support/listen-locally.js';
import { freePort } from '../support/server-process.js';
import { startMariaDb, startPostgres, startRedis, startRedisCluster } from '../support/servers.js';
import { createSessionApp } from '../support/sessions.js';

// These have no types, or those of express-session.
const require = createRequire(import.meta.url);
type NewStore<Made> = (session: object) => new (options: object) => SessionStore & Made;
const mysqlStore: NewStore<{ close(): Promise<void>; onReady(): Promise<void> }> = require('express-mysql-session');
const dynamoDbStore: NewStore<object> = require('connect-dynamodb');
const dynalite: (options: object) => Server = require('dynalite');

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

describeForeignStore('express-mysql-session, on MariaDB', async () => {
  const server = await startMariaDb();
  const store = new (mysqlStore({ Store }))({
    host: '127.0.0.1',
    port: server.port,
    user: 'root',
    database: 'sessions',
  });
  // It makes its table, which may take seconds on a busy disk.
  await store.onReady();
  return {
    store,
    async close() {
      await store.close();
      await server.stop();
    },
  };
});

describeForeignStore('connect-dynamodb', async () => {
  const server = dynalite({ createTableMs: 0 });
  const endpoint = `http://127.0.0.1:${await listenLocally(server)}`;
  const credentials = { accessKeyId: 'of', secretAccessKey: 'nobody' };
  const client = new DynamoDBClient({ endpoint, region: 'eu-central-1', credentials });
  return {
    store: new (dynamoDbStore({ Store }))({ client }),
    // It has no clear().
    clears: false,
    close() {
      client.destroy();
      server.close();
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

@Controller()
class PageController {
  @Get()
  page(@Session() session: Record<string, unknown>): string {
    session['visited'] = true;
    return 'page';
  }
}

describe.each(adapters)('connect-dynamodb, on %s, with `initialized: true`', (_platform, newAdapter) => {
  it('whose service cannot be reached is 503, and ends no process', async () => {
    const endpoint = `http://127.0.0.1:${await freePort()}`;
    const credentials = { accessKeyId: 'of', secretAccessKey: 'nobody' };
    const client = new DynamoDBClient({ endpoint, region: 'eu-central-1', credentials, maxAttempts: 1 });
    const store = new (dynamoDbStore({ Store }))({ client, initialized: true });
    const app = await createSessionApp(newAdapter, { session: { store }, controllers: [PageController] });
    expect(await app.ask('/', { https: true })).toMatchObject({ status: 503 });
    client.destroy();
  });
});
