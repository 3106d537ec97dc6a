import connectPgSimple from 'connect-pg-simple';
import { RedisStore } from 'connect-redis';
import expressSession from 'express-session';
import { Redis } from 'ioredis';
import { Store, type SessionOptions } from 'nestjs-secure';
import { Pool } from 'pg';
import { createClient, createClientPool, createCluster } from 'redis';
import { checkOptions } from '../../lib/audit/check-options.js';
import { Findings } from '../../lib/findings/findings.js';
import { detectHosting } from '../../lib/platform/hosting.js';
import { lookAtStore } from '../../lib/session/look-at-store.js';
import { listenForErrors } from '../../lib/session/store-clients.js';
import { compileSettings } from '../../lib/settings/settings.js';
import { validateOptions } from '../../lib/settings/validate.js';
import { adapters } from '../support/applications.js';
import { createApp } from '../support/applications.js';
import { findingsOf, openMemory, SECRET, SwitchedStore } from '../support/sessions.js';

type Environment = Readonly<Record<string, string>>;

/** What is found of a session's store at boot, id and subject. */
function found(session: Partial<SessionOptions>, environment: Environment = {}): string[] {
  const findings = new Findings(new Set(), () => undefined);
  const settings = compileSettings(validateOptions({ session: { secret: SECRET, ...session } }));
  const facts = {
    settings,
    routes: [],
    endpoints: [],
    production: false,
    globalGuards: [],
    globalInterceptors: [],
    sessionMiddleware: [],
    sessionStore: lookAtStore(settings.options.session),
    hosting: detectHosting(environment),
    beforeGate: [],
    frameworkTrustsEverybody: false,
  };
  checkOptions(facts, findings);
  return findings.all().flatMap(({ id, subject }) => (id.startsWith('SEC22') ? [`${id} ${subject}`] : []));
}

function redisStore(client: ReturnType<typeof createClient>): SessionOptions['store'] {
  return new RedisStore({ client });
}

function listened<Client extends { on(event: 'error', listener: () => void): unknown }>(client: Client): Client {
  client.on('error', () => undefined);
  return client;
}

const rootNodes = [{ url: 'redis://127.0.0.1:1' }];
const PgStore = connectPgSimple(expressSession);

describe('the embedded store is a finding', () => {
  it.each<[platform: string, environment: Environment]>([
    ['Kubernetes (KUBERNETES_SERVICE_HOST is set)', { KUBERNETES_SERVICE_HOST: '10.0.0.1' }],
    ['Heroku (DYNO is set)', { DYNO: 'web.1' }],
    ['AWS Lambda (AWS_LAMBDA_FUNCTION_NAME is set)', { AWS_LAMBDA_FUNCTION_NAME: 'shop' }],
    ['Google Cloud Run (K_SERVICE is set)', { K_SERVICE: 'shop', KUBERNETES_SERVICE_HOST: '10.0.0.1' }],
    ['Google App Engine (GAE_SERVICE is set)', { GAE_SERVICE: 'default' }],
    ['Vercel (VERCEL is set)', { VERCEL: '1' }],
  ])('on %s', (platform, environment) => {
    expect(found({}, environment)).toEqual([`SEC227 ${platform}`]);
    expect(found({ dir: '/data/sessions' }, environment)).toEqual([`SEC227 ${platform}`]);
    expect(found({ store: redisStore(listened(createClient())) }, environment)).toEqual([]);
  });

  it('nowhere else', () => {
    expect(found({})).toEqual([]);
    expect(found({}, { DYNO: '', HOME: '/root' })).toEqual([]);
  });
});

describe('a client without a listener for error is a finding', () => {
  it.each<[what: string, newStore: (listen: typeof listened) => SessionOptions['store']]>([
    ['a client', (listen) => new RedisStore({ client: listen(createClient()) })],
    ['a pool', (listen) => new RedisStore({ client: listen(createClientPool()) })],
    ['a cluster', (listen) => new RedisStore({ client: listen(createCluster({ rootNodes })) })],
  ])('%s of node-redis', (_what, newStore) => {
    expect(found({ store: newStore((client) => client) })).toEqual(['SEC228 session.store']);
    expect(found({ store: newStore(listened) })).toEqual([]);
  });

  it('of ioredis, in a store that shows it', () => {
    const client = new Redis({ lazyConnect: true });
    const store = Object.assign(new SwitchedStore(), { client });
    expect(found({ store })).toEqual(['SEC229 session.store', 'SEC228 session.store']);
    expect(found({ store: Object.assign(new SwitchedStore(), { client: listened(client) }) })).toEqual([
      'SEC229 session.store',
    ]);
  });

  it('a pool of pg, in a store that is built from our Store', () => {
    const pool = new Pool({ connectionString: 'postgres://127.0.0.1:1/none' });
    const OwnPgStore = connectPgSimple({ Store } as never);
    const store = new OwnPgStore({ pool, pruneSessionInterval: false });
    expect(found({ store })).toEqual(['SEC228 session.store']);
    listened(pool);
    expect(found({ store })).toEqual([]);
  });

  it('and stays one though the module listens in its place, so that the process lives', () => {
    const client = createClient();
    const store = new RedisStore({ client });
    listenForErrors(undefined, store);
    listenForErrors(store, undefined);
    expect(client.listenerCount('error')).toBe(1);
    expect(client.emit('error', new Error('the connection was lost'))).toBe(true);
    expect(found({ store })).toEqual(['SEC228 session.store']);
    listened(client);
    expect(found({ store })).toEqual([]);
  });

  it('of the old store as well', () => {
    const adopt = { secret: SECRET, store: new RedisStore({ client: createClient() }), until: '2999-01-01' };
    expect(found({ adopt })).toEqual(['SEC228 session.adopt.store']);
  });

  it('once where both stores have it', () => {
    const client = createClient();
    const [store, old] = [new RedisStore({ client }), new RedisStore({ client, prefix: 'old:' })];
    const adopt = { secret: SECRET, store: old, until: '2999-01-01' };
    expect(found({ store, adopt })).toEqual(['SEC228 session.store']);
  });
});

describe('a store with get, set and destroy only is a finding', () => {
  it.each<[what: string, store: SessionOptions['store']]>([
    ['one written by hand', new SwitchedStore()],
    ['connect-redis 8', new RedisStore({ client: { get() {}, set() {}, del() {}, mget() {} } })],
  ])('%s', (_what, store) => {
    expect(found({ store })).toEqual(['SEC229 session.store']);
  });

  it('and one with conditional writes is none', () => {
    const store = new PgStore({ conString: 'postgres://127.0.0.1:1/none', pruneSessionInterval: false });
    expect(found({ store })).toEqual([]);
  });
});

it('adopt is a finding from the time in until on, and a date is the start of its day', () => {
  const { store } = openMemory().options;
  if (typeof store !== 'object') throw new Error('There is no store.');
  const adopt = { secret: 'old', store };
  expect(found({ adopt: { ...adopt, until: '2020-01-31' } })).toEqual(['SEC226 session.adopt']);
  const today = new Date().toISOString().slice(0, 10);
  expect(found({ adopt: { ...adopt, until: today } })).toEqual(['SEC226 session.adopt']);
  expect(found({ adopt: { ...adopt, until: new Date(Date.now() + 60_000) } })).toEqual([]);
});

it.each(adapters)(
  'an until that has passed is a warning, which the log of the boot has, on %s',
  async (_platform, newAdapter) => {
    const adopt = { secret: 'old', store: new SwitchedStore(), until: '2025-01-31' };
    const app = await createApp(newAdapter, { options: { session: { secret: SECRET, store: 'memory', adopt } } });
    expect(findingsOf(app)).toContainEqual(
      expect.objectContaining({
        id: 'SEC226',
        severity: 'warning',
        cause: expect.stringContaining('until is 2025-01-31T00:00:00.000Z, which has passed'),
      }),
    );
  },
);

it.each(adapters)('what is found is said at boot, on %s', async (_platform, newAdapter) => {
  const app = await createApp(newAdapter, { options: { session: { secret: SECRET, store: new SwitchedStore() } } });
  expect(findingsOf(app).filter(({ id }) => id.startsWith('SEC2'))).toMatchObject([
    { id: 'SEC229', severity: 'info', fix: expect.stringContaining('connect-redis 9') },
  ]);
});
