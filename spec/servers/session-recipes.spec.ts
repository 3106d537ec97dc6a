import { jest } from '@jest/globals';
import { Module, type DynamicModule } from '@nestjs/common';
import { Redis } from 'ioredis';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SecureOptions } from 'nestjs-secure';
import { SECURE_OPTIONS } from '../../lib/tokens.js';
import { AccountController } from '../support/account-controller.js';
import { adapters, createApp, type App } from '../support/applications.js';
import { createSnippetFolder } from '../support/compile-snippets.js';
import { writeFiles } from '../support/documentation.js';
import { startPostgres, startRedis, startRedisCluster } from '../support/servers.js';
import { Browser } from '../support/sessions.js';

const PAGE = readFileSync(new URL('../../docs/sessions.md', import.meta.url), 'utf8');

interface Recipe {
  /** A name that its code exports. */
  readonly exports: string;
  /** The package under which an older version is installed here. */
  readonly instead?: readonly [name: string, here: string];
  open(): Promise<Server>;
}

interface Server {
  readonly variable: string;
  readonly value: string;
  readonly store: { halt(): Promise<void>; start(): Promise<void> } | undefined;
  stop(): Promise<void>;
}

async function redis(): Promise<Server> {
  const store = await startRedis();
  return { variable: 'REDIS_URL', value: store.url, store, stop: () => store.stop() };
}

const recipes: [name: string, recipe: Recipe][] = [
  ['Redis', { exports: 'redisOptions', open: redis }],
  [
    'Redis Cluster',
    {
      exports: 'clusterOptions',
      async open() {
        const { nodes, stop } = await startRedisCluster();
        return { variable: 'REDIS_NODES', value: nodes.map(({ url }) => url).join(','), store: undefined, stop };
      },
    },
  ],
  [
    'Postgres',
    {
      exports: 'postgresOptions',
      async open() {
        const store = await startPostgres();
        return { variable: 'DATABASE_URL', value: store.url, store, stop: () => store.stop() };
      },
    },
  ],
  [
    'connect-redis 8 with ioredis',
    { exports: 'ioredisOptions', instead: ["'connect-redis'", "'connect-redis-8'"], open: redis },
  ],
];

const folder = createSnippetFolder('recipes');

/** The code of the page that exports a name, as a module. */
async function load({ exports, instead = ['', ''] }: Recipe): Promise<DynamicModule> {
  const [, code = ''] =
    [...PAGE.matchAll(/^```[jt]s\n([\s\S]*?)^```$/gm)].find(([block]) => block.includes(`function ${exports}(`)) ?? [];
  expect(code).not.toBe('');
  const [file = ''] = writeFiles(folder, [{ path: `${exports}.ts`, code: code.replace(...pair(instead)) }]);
  const { secure }: { secure: DynamicModule } = await import(join(file));
  return secure;
}

function pair([from, to]: readonly [string, string]): [string, string] {
  return [from, to];
}

const table = recipes.flatMap(([name, recipe], at) =>
  adapters.filter((_, one) => one === at % adapters.length).map((adapter) => [name, ...adapter, recipe] as const),
);

describe.each(table)('the recipe for %s, on %s', (_name, _platform, newAdapter, recipe) => {
  let server: Server;
  let said: { mockRestore(): void };

  beforeAll(async () => {
    server = await recipe.open();
    process.env[server.variable] = server.value;
    process.env['SESSION_SECRET'] = 'kW-of-the-recipes-that-are-printed-61xv';
  }, 60_000);

  beforeEach(() => {
    said = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  });

  afterEach(() => said.mockRestore());

  afterAll(() => server.stop());

  it('signs in and out, and lives through a stop of the store', async () => {
    const secure = await load(recipe);
    @Module({ imports: [secure], controllers: [AccountController] })
    class Account {}
    const app = await createApp(newAdapter, { options: false, imports: [Account] });
    try {
      const browser = new Browser(app);
      expect((await browser.visit('/login', { method: 'POST' })).status).toBe(201);
      expect((await browser.visit('/me')).body).toBe('ada');
      if (server.store !== undefined) {
        await server.store.halt();
        await eventually(async () => (await browser.visit('/me')).status === 503);
        await server.store.start();
        await eventually(async () => (await browser.visit('/me')).body === 'ada');
      }
      expect((await browser.visit('/logout-everywhere', { method: 'POST' })).status).toBe(201);
      expect((await browser.visit('/me')).body).toBe('nobody');
    } finally {
      closeStore(app);
    }
  }, 60_000);
});

/** Longer than a client waits before it connects again. */
async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const patience = AbortSignal.timeout(40_000);
  while (!(await condition())) patience.throwIfAborted();
}

/** connect-redis 8 hides its client. */
const ioredisClients: Redis[] = [];
const { connect } = Redis.prototype;
Redis.prototype.connect = function connectAndNote(this: Redis, ...given) {
  ioredisClients.push(this);
  return connect.apply(this, given);
};

/** What the application has opened. */
function closeStore({ nest }: App): void {
  for (const client of ioredisClients.splice(0)) client.disconnect();
  const { session }: SecureOptions = nest.get(SECURE_OPTIONS, { strict: false });
  const store: unknown = session?.store;
  if (typeof store !== 'object' || store === null) return;
  for (const [owner, method] of [
    [Reflect.get(store, 'client'), 'destroy'],
    [store, 'close'],
  ] as const) {
    const close: unknown = typeof owner === 'object' && owner !== null ? Reflect.get(owner, method) : undefined;
    if (typeof close === 'function') Reflect.apply(close, owner, []);
  }
}
