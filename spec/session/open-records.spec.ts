import { jest } from '@jest/globals';
import connectPgSimple from 'connect-pg-simple';
import { RedisStore } from 'connect-redis';
import expressSession, { MemoryStore } from 'express-session';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, createClientPool, createCluster } from 'redis';
import { lookAtStore } from '../../lib/session/look-at-store.js';
import { MemoryRecords } from '../../lib/session/memory-records.js';
import { openRecords } from '../../lib/session/open-records.js';
import { PostgresRecords } from '../../lib/session/postgres-records.js';
import { RedisRecords } from '../../lib/session/redis-records.js';
import { isInMemory } from '../../lib/settings/validate-session.js';
import type { SessionOptions } from '../../lib/options/session-options.js';
import { ForeignStoreRecords } from '../../lib/session/foreign-store-records.js';
import { newId, recordOf } from '../support/session-records-contract.js';

const secret = 'not used by a store, which sees no cookie';

const handWritten: SessionOptions['store'] = { get: () => undefined, set: () => undefined, destroy: () => undefined };

/** What ioredis shows, and what connect-redis 8 makes of any client. */
const otherClients = [
  ['connect-redis on ioredis', { call: () => undefined, sendCommand: () => undefined, eval: () => undefined }],
  ['connect-redis 8', { get: () => undefined, set: () => undefined, del: () => undefined, mget: () => undefined }],
] as const;

function pgStore(): SessionOptions['store'] {
  const PGStore = connectPgSimple(expressSession);
  return new PGStore({ conString: 'postgres://127.0.0.1:1/none', pruneSessionInterval: false });
}

describe('the store of the options', () => {
  it.each<[store: string, kind: string, store: () => SessionOptions['store']]>([
    ['connect-redis on a client of node-redis', RedisRecords.name, () => new RedisStore({ client: createClient() })],
    ['connect-redis on a pool', RedisRecords.name, () => new RedisStore({ client: createClientPool() })],
    [
      'connect-redis on a cluster',
      RedisRecords.name,
      () => new RedisStore({ client: createCluster({ rootNodes: [{ url: 'redis://127.0.0.1:1' }] }) }),
    ],
    ['connect-pg-simple', PostgresRecords.name, pgStore],
    ['the word memory', MemoryRecords.name, () => 'memory'],
    ['the memory store of express-session', ForeignStoreRecords.name, () => new MemoryStore()],
    ['a store written by hand', ForeignStoreRecords.name, () => handWritten],
    ...otherClients.map(([name, client]): [string, string, () => SessionOptions['store']] => [
      name,
      ForeignStoreRecords.name,
      () => new RedisStore({ client }),
    ]),
  ])('that is %s is kept by %s', async (_name, kind, store) => {
    const options = { secret, store: store() };
    const records = await openRecords(options, { SESSION_DIR: '/proc/never' });
    expect(records.constructor.name).toBe(kind);
    // The boot says of no other that it has no conditional writes.
    expect(lookAtStore(options)?.kind === 'plain').toBe(
      kind === ForeignStoreRecords.name && !isInMemory(options.store),
    );
    await records.close();
  });

  it('that is the word memory keeps sessions, one store for each application', async () => {
    const options: SessionOptions = { secret, store: 'memory' };
    const [one, another] = [await openRecords(options, {}), await openRecords(options, {})];
    const [id, record] = [newId(), recordOf()];
    await one.insert(id, record);
    expect(await one.read(id)).toEqual(record);
    expect(await another.read(id)).toBeUndefined();
  });
});

describe('the directory of the embedded store', () => {
  const before = process.cwd();
  let cwd: string;

  beforeEach(() => {
    cwd = mkdtempSync(join(tmpdir(), 'open-records-'));
    process.chdir(cwd);
  });

  afterEach(() => {
    process.chdir(before);
    rmSync(cwd, { recursive: true });
  });

  it.each<[what: string, dir: string | undefined, environment: { SESSION_DIR?: string }, expected: string]>([
    ['the one of the options, before SESSION_DIR', 'mine', { SESSION_DIR: 'theirs' }, 'mine'],
    ['SESSION_DIR', undefined, { SESSION_DIR: 'theirs' }, 'theirs'],
    ['.sessions', undefined, {}, '.sessions'],
    ['.sessions where SESSION_DIR is set to nothing', undefined, { SESSION_DIR: '' }, '.sessions'],
  ])('is %s', async (_what, dir, environment, expected) => {
    const records = await openRecords({ secret, dir }, environment);
    const [id, record] = [newId(), recordOf()];
    await records.insert(id, record);
    expect(await records.read(id)).toEqual(record);
    await records.close();
    expect(readdirSync(cwd)).toEqual([expected]);
    expect(readdirSync(expected).toSorted()).toEqual(['.gitignore', 'data.mdb', 'lock.mdb']);
  });

  it('is not made where lmdb cannot be loaded, and the boot says what to do', async () => {
    jest.unstable_mockModule('lmdb', () => {
      throw new Error('No native build was found');
    });
    await expect(openRecords({ secret }, {})).rejects.toThrow(
      'The embedded session store needs lmdb, and it could not be loaded. Install it with its optional dependencies ' +
        '(npm install lmdb --include=optional), or give SecureModule another store: ' +
        "session: { store: new RedisStore(...) }, or 'memory' outside production.",
    );
    await expect(openRecords({ secret }, {})).rejects.toMatchObject({ cause: expect.anything() });
    expect(readdirSync(cwd)).toEqual([]);
  });
});
