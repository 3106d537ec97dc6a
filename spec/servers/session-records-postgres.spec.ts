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
