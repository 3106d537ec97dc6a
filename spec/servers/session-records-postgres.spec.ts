import connectPgSimple from 'connect-pg-simple';
import expressSession from 'express-session';
import { Pool } from 'pg';
import { isPostgresStore, PostgresRecords } from '../../lib/session/postgres-records.js';
import { UnreadableRecordError } from '../../lib/session/records.js';
import {
  describeContract,
  expectRejections,
  keepSession,
  newId,
  recordOf,
} from '../support/session-records-contract.js';
import { startPostgres, type TestServer } from '../support/servers.js';
import { until } from '../support/sessions.js';

const MINUTE = 60_000;
const PGStore = connectPgSimple(expressSession);

type StoreOptions = NonNullable<ConstructorParameters<typeof PGStore>[0]>;

let server: TestServer;

beforeAll(async () => {
  server = await startPostgres();
  const pool = newPool();
  await recordsOn(pool, undefined, { createTableIfMissing: true }).read(newId());
  await pool.query('CREATE TABLE documents (sid varchar PRIMARY KEY, sess jsonb NOT NULL, expire timestamp NOT NULL)');
  await pool.end();
}, 60_000);

afterAll(() => server.stop());

function newPool(): Pool {
  const pool = new Pool({ connectionString: server.url });
  // What an application must do, or a lost connection ends its process.
  pool.on('error', () => undefined);
  return pool;
}

function recordsOn(pool: Pool, now?: () => number, options: StoreOptions = {}, patience?: number): PostgresRecords {
  const store = new PGStore({ pool, pruneSessionInterval: false, ...options });
  if (!isPostgresStore(store)) throw new Error('connect-pg-simple is not known as such');
  return new PostgresRecords(store, now, patience);
}

describe.each([
  ['Postgres', 'session'],
  ['Postgres with a column of type jsonb', 'documents'],
])('%s', (_what, tableName) => {
  describeContract(async (now) => {
    const [pool, another] = [newPool(), newPool()];
    return {
      records: recordsOn(pool, now, { tableName }),
      other: recordsOn(another, now, { tableName }),
      corrupt: async (id) => {
        const content = JSON.stringify('{"data":');
        await pool.query(
          `UPDATE "${tableName}" SET sess = jsonb_set(sess::jsonb, '{content}', $1::jsonb) WHERE sid = $2`,
          [content, id],
        );
      },
      close: async () => {
        await pool.end();
        await another.end();
      },
    };
  });
});

describe('what Postgres keeps', () => {
  let pool: Pool;

  beforeAll(() => {
    pool = newPool();
  });

  beforeEach(() => pool.query('DELETE FROM session'));

  afterAll(() => pool.end());

  async function secondsLeft(id: string): Promise<number> {
    const sql = 'SELECT extract(epoch FROM expire - localtimestamp)::float AS left FROM session WHERE sid = $1';
    return (await pool.query(sql, [id])).rows[0].left;
  }

  it('is pruned when the session ends, not before', async () => {
    const [records, id] = [recordsOn(pool), newId()];
    const record = recordOf();
    await records.insert(id, record);
    expect(await secondsLeft(id)).toBeGreaterThan(29 * 60);
    expect(await secondsLeft(id)).toBeLessThanOrEqual(30 * 60 + 1);
    await records.touch(id, { ...record, expires: record.expires + 30 * MINUTE });
    expect(await secondsLeft(id)).toBeGreaterThan(59 * 60);
    await records.update(id, { ...record, expires: record.expires + 60 * MINUTE });
    expect(await secondsLeft(id)).toBeGreaterThan(89 * 60);
    await records.insert('ended', recordOf({ expires: Date.now() - 2 * MINUTE }));
    const store = new PGStore({ pool, pruneSessionInterval: false });
    await new Promise((resolve) => store.pruneSessions(resolve));
    expect((await pool.query('SELECT sid FROM session')).rows).toEqual([{ sid: id }]);
  });

  it('may lie in a table and a schema of any name', async () => {
    await pool.query('CREATE SCHEMA "o\'ne"');
    const options = { schemaName: "o'ne", tableName: 'my "sessions"', createTableIfMissing: true };
    const [records, id, record] = [recordsOn(pool, undefined, options), newId(), recordOf({ userId: 'ann' })];
    await records.insert(id, record);
    expect(await records.update(id, record)).toBe(true);
    await records.touch(id, record);
    expect(await records.listByUser('ann')).toEqual([{ id, record }]);
  });

  it('may lie beside sessions of others, with U+0000 in them and with no JSON operator that reads them', async () => {
    const [records, id, record] = [recordsOn(pool), newId(), recordOf({ userId: 'ann' })];
    await pool.query('INSERT INTO session VALUES ($1, $2, now())', ['other', { cookie: {}, query: 'a\u0000b' }]);
    await pool.query('INSERT INTO session VALUES ($1, $2, now())', ['list', '[]']);
    await records.insert(id, record);
    expect(await records.listByUser('ann')).toEqual([{ id, record }]);
    await expect(records.read('other')).rejects.toThrow(UnreadableRecordError);
  });

  it('is listed to nobody for whom a session only speaks of', async () => {
    const [records, id] = [recordsOn(pool), newId()];
    await records.insert(id, recordOf({ userId: 'ann' }));
    const { user } = (await pool.query('SELECT sess FROM session WHERE sid = $1', [id])).rows[0].sess;
    await records.insert(newId(), recordOf({ userId: 'bob', data: { cookie: {}, text: user } }));
    expect((await records.listByUser('ann')).map((kept) => kept.id)).toEqual([id]);
  });
});

describe('two processes at one session, each in turn the one that waits for the other', () => {
  const pools: Pool[] = [];
  let ids: { readonly old: string; readonly next: string; readonly userId: string };

  beforeEach(async () => {
    pools.push(newPool(), newPool());
    ids = { old: newId(), next: newId(), userId: newId() };
    await recordsOn(pools[0] ?? newPool()).insert(ids.old, recordOf({ userId: ids.userId }));
  });

  afterEach(async () => {
    for (const pool of pools.splice(0)) await pool.end();
  });

  /** Does the first in a transaction that ends once the second waits for it. */
  async function inOrder<First, Second>(
    first: (records: PostgresRecords) => Promise<First>,
    second: (records: PostgresRecords) => Promise<Second>,
  ): Promise<[First, Second]> {
    const [mine = newPool(), other = newPool()] = pools;
    const client = await mine.connect();
    try {
      await client.query('BEGIN');
      const begun = await first(recordsOn(client as unknown as Pool));
      const waiting = second(recordsOn(other));
      await until(async () => {
        const { rows } = await mine.query('SELECT count(*)::int AS locks FROM pg_locks WHERE NOT granted');
        return rows[0].locks > 0;
      });
      await client.query('COMMIT');
      return [begun, await waiting];
    } finally {
      client.release();
    }
  }

  const moves = (records: PostgresRecords): Promise<boolean> =>
    records.move(ids.old, ids.next, recordOf({ userId: ids.userId }));
  const updates = (records: PostgresRecords): Promise<boolean> =>
    records.update(ids.old, recordOf({ userId: ids.userId }));
  const touches = (records: PostgresRecords): Promise<boolean> => records.touch(ids.old, recordOf());
  const revokesEverybody = (records: PostgresRecords): Promise<void> => records.removeAll();
  const ends = (records: PostgresRecords): Promise<void> => records.remove(ids.old);
  /** As `perUser` does it: the session is found under the id that it has until the move is done. */
  const cuts = async (records: PostgresRecords): Promise<void> => {
    for (const { id } of await records.listByUser(ids.userId)) await records.remove(id);
  };

  const writes = { moves, updates, touches };
  const removals = { revokesEverybody, ends, cuts };
  const table = Object.entries(writes).flatMap(([write, writing]) =>
    Object.entries(removals).map(([removal, removing]) => ({ write, writing, removal, removing })),
  );

  async function expectNothing(): Promise<void> {
    const records = recordsOn(pools[0] ?? newPool());
    for (const id of [ids.old, ids.next]) expect(await records.read(id)).toBeUndefined();
    expect(await records.listByUser(ids.userId)).toEqual([]);
    expect(await records.stillThere([ids.old, ids.next])).toEqual(new Map());
  }

  it.each(table)(
    'one $write, and is not done when another $removal: nothing is left',
    async ({ writing, removing }) => {
      expect((await inOrder(writing, removing))[0]).toBe(true);
      await expectNothing();
    },
  );

  it.each(table)(
    'one $removal, and is not done when another $write: nothing is written',
    async ({ writing, removing }) => {
      expect((await inOrder(removing, writing))[1]).toBe(false);
      await expectNothing();
    },
  );

  it('a session that is made meanwhile ends with those of everybody', async () => {
    await inOrder((records) => records.insert(ids.next, recordOf({ userId: ids.userId })), revokesEverybody);
    await expectNothing();
  });

  it('of two that move it, one does', async () => {
    const another = newId();
    const [one, other] = await inOrder(moves, (records) => records.move(ids.old, another, recordOf()));
    expect([one, other]).toEqual([true, false]);
    expect(await recordsOn(pools[0] ?? newPool()).read(another)).toBeUndefined();
  });
});

describe('Postgres that cannot be reached', () => {
  let pool: Pool;

  beforeEach(() => {
    pool = newPool();
  });

  afterEach(() => pool.end());

  const expectRefusals = (patience: number): Promise<void> =>
    expectRejections(
      recordsOn(pool, undefined, {}, patience),
      /did not answer within|terminat|ECONNREFUSED|ECONNRESET/,
    );

  it('rejects everything while it is down, and has everything when it is back', async () => {
    const records = recordsOn(pool);
    const expectKept = await keepSession(records);
    await server.halt();
    await expectRefusals(5_000);
    await server.start();
    await expectKept();
  }, 60_000);

  it('rejects everything while it hangs, and answers again when it does not', async () => {
    const [id, record, records] = [newId(), recordOf(), recordsOn(pool)];
    await records.insert(id, record);
    const locker = await pool.connect();
    await locker.query('BEGIN');
    await locker.query('LOCK TABLE session IN ACCESS EXCLUSIVE MODE');
    await expectRefusals(200);
    await locker.query('ROLLBACK');
    locker.release();
    expect(await records.read(id)).toEqual(record);
    // What was given up was carried out late: an insert by itself, and an update that had nothing to update.
    await records.remove('a');
  });

  it('settles what was under way when it ended', async () => {
    const records = recordsOn(pool, undefined, {}, 5_000);
    const all = Promise.allSettled(Array.from({ length: 200 }, () => records.insert(newId(), recordOf())));
    await server.halt();
    expect((await all).length).toBe(200);
    await server.start();
  }, 60_000);
});
