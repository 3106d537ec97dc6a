import { jest } from '@jest/globals';
import { open } from 'lmdb';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbRecords } from '../../lib/session/lmdb-records.js';
import { CompiledSessions, type LmdbProcess } from '../support/lmdb-processes.js';
import { dataOf, describeContract, newId, recordIn, recordOf } from '../support/session-records-contract.js';

const MINUTE = 60_000;

let parent: string;
let made = 0;

beforeAll(() => {
  parent = mkdtempSync(join(tmpdir(), 'lmdb-records-'));
});

afterAll(() => rmSync(parent, { recursive: true }));

/** The name of a directory that is not there yet. */
function newDirectory(name = 'sessions'): string {
  made += 1;
  return join(parent, String(made), name);
}

/** The number of entries of each table of a store. */
async function sizesOf(directory: string): Promise<Record<string, number>> {
  const root = open({ path: directory, noSubdir: false, encoding: 'string' });
  const tables = ['sessions', 'by-user', 'by-expiry'];
  const sizes = tables.map((name) => [name, root.openDB({ name, dupSort: name === 'by-user' }).getCount()]);
  await root.close();
  return Object.fromEntries(sizes);
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

describe('the embedded store', () => {
  describeContract(async (now) => {
    const directory = newDirectory();
    const records = await openLmdbRecords(directory, now);
    const other = await openLmdbRecords(directory, now);
    return {
      records,
      other,
      corrupt: async (id) => {
        const root = open({ path: directory, noSubdir: false, encoding: 'string' });
        await root.openDB({ name: 'sessions' }).put(id, '{"created": 1, "data":');
        await root.close();
      },
      close: async () => {
        await records.close();
        await other.close();
      },
    };
  });

  it('keeps sessions over a restart', async () => {
    const [directory, id, record] = [newDirectory(), newId(), recordOf({ userId: '7' })];
    const before = await openLmdbRecords(directory);
    await before.insert(id, record);
    await before.close();
    const after = await openLmdbRecords(directory);
    expect(await after.read(id)).toEqual(record);
    expect(await after.listByUser('7')).toEqual([{ id, record }]);
    await after.close();
  });

  it('writes what it was given before it closed', async () => {
    const [directory, ids] = [newDirectory(), Array.from({ length: 50 }, newId)];
    const records = await openLmdbRecords(directory);
    const inserts = ids.map((id) => records.insert(id, recordOf()));
    await records.close();
    await Promise.all(inserts);
    expect(await sizesOf(directory)).toMatchObject({ sessions: 50 });
  });

  it('stays open for one application when another of the process closes', async () => {
    const [directory, id, record] = [newDirectory(), newId(), recordOf()];
    const [one, another] = [await openLmdbRecords(directory), await openLmdbRecords(directory)];
    await one.close();
    await another.insert(id, record);
    expect(await another.read(id)).toEqual(record);
    await another.close();
  });

  it('holds nothing of sessions that are not there, nor of users they no longer belong to', async () => {
    const [directory, id, record] = [newDirectory(), newId(), recordOf({ userId: 'ann' })];
    const records = await openLmdbRecords(directory);
    await records.update(id, record);
    await records.touch(id, record);
    expect(await sizesOf(directory)).toEqual({ sessions: 0, 'by-user': 0, 'by-expiry': 0 });
    await records.insert(id, record);
    await records.update(id, { ...record, userId: 'bob' });
    expect(await sizesOf(directory)).toEqual({ sessions: 1, 'by-user': 1, 'by-expiry': 1 });
    await records.close();
  });

  it('rejects what it is asked after it closed', async () => {
    const records = await openLmdbRecords(newDirectory());
    await records.close();
    await expect(records.read(newId())).rejects.toThrow();
    await expect(records.insert(newId(), recordOf())).rejects.toThrow();
    await expect(records.update(newId(), recordOf())).rejects.toThrow();
    await expect(records.touch(newId(), recordOf())).rejects.toThrow();
    await expect(records.remove(newId())).rejects.toThrow();
    await expect(records.listByUser('7')).rejects.toThrow();
  });
});

describe('the sweep', () => {
  afterEach(() => void jest.useRealTimers());

  it('takes away what has expired, and its entries, when the store is opened', async () => {
    const directory = newDirectory();
    const now = Date.now();
    const before = await openLmdbRecords(directory);
    const sessions = Array.from({ length: 2_500 }, (_, n) => recordOf({ userId: String(n % 10), expires: now + n }));
    await Promise.all(sessions.map((record) => before.insert(newId(), record)));
    await before.insert(newId(), recordOf({ userId: '7', expires: now + MINUTE }));
    await before.close();
    expect(await sizesOf(directory)).toEqual({ sessions: 2_501, 'by-user': 2_501, 'by-expiry': 2_501 });
    const after = await openLmdbRecords(directory, () => now + 3_000);
    await after.close();
    expect(await sizesOf(directory)).toEqual({ sessions: 1, 'by-user': 1, 'by-expiry': 1 });
  });

  it('leaves a session that was used meanwhile, and takes it when that time is over', async () => {
    const [directory, id] = [newDirectory(), newId()];
    const now = Date.now();
    const record = recordOf({ userId: '7', expires: now + MINUTE });
    const first = await openLmdbRecords(directory);
    await first.insert(id, record);
    await first.touch(id, { ...record, seen: now + 1, expires: now + 5 * MINUTE });
    await first.close();
    const second = await openLmdbRecords(directory, () => now + 2 * MINUTE);
    expect(await second.read(id)).toEqual({ ...record, seen: now + 1, expires: now + 5 * MINUTE });
    await second.close();
    await (await openLmdbRecords(directory, () => now + 6 * MINUTE)).close();
    expect(await sizesOf(directory)).toEqual({ sessions: 0, 'by-user': 0, 'by-expiry': 0 });
  });

  it('happens once a minute', async () => {
    jest.useFakeTimers({
      doNotFake: ['setImmediate', 'setTimeout', 'nextTick', 'queueMicrotask', 'Date', 'performance'],
    });
    let now = Date.now();
    const [directory, id] = [newDirectory(), newId()];
    const records = await openLmdbRecords(directory, () => now);
    await records.insert(id, recordOf());
    now += 31 * MINUTE;
    jest.advanceTimersByTime(MINUTE - 1);
    await records.remove(newId());
    expect(await sizesOf(directory)).toMatchObject({ sessions: 1 });
    jest.advanceTimersByTime(1);
    await records.remove(newId());
    expect(await sizesOf(directory)).toMatchObject({ sessions: 0 });
    await records.close();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('forgets sessions that were removed or cannot be read', async () => {
    const directory = newDirectory();
    const records = await openLmdbRecords(directory);
    const [removed, unreadable] = [newId(), newId()];
    await records.insert(removed, recordOf({ userId: '7' }));
    await records.insert(unreadable, recordOf());
    await records.remove(removed);
    await records.close();
    const root = open({ path: directory, noSubdir: false, encoding: 'string' });
    await root.openDB({ name: 'sessions' }).put(unreadable, '"nonsense"');
    await root.close();
    await (await openLmdbRecords(directory, () => Date.now() + 60 * MINUTE)).close();
    expect(await sizesOf(directory)).toEqual({ sessions: 0, 'by-user': 0, 'by-expiry': 0 });
  });
});

describe('the directory of the embedded store', () => {
  let umask: number;

  beforeAll(() => {
    umask = process.umask(0);
  });

  afterAll(() => void process.umask(umask));

  it('is made for nobody else, and so are its files, whatever the umask', async () => {
    const directory = newDirectory();
    const records = await openLmdbRecords(directory);
    await records.insert(newId(), recordOf());
    expect(modeOf(directory)).toBe('700');
    expect(readdirSync(directory).toSorted()).toEqual(['.gitignore', 'data.mdb', 'lock.mdb']);
    expect(readdirSync(directory).map((file) => modeOf(join(directory, file)))).toEqual(['600', '600', '600']);
    await records.close();
  });

  it('is closed to others where it was open to them', async () => {
    const directory = newDirectory();
    mkdirSync(directory, { recursive: true, mode: 0o777 });
    const first = await openLmdbRecords(directory);
    await first.close();
    chmodSync(directory, 0o755);
    chmodSync(join(directory, 'data.mdb'), 0o644);
    const second = await openLmdbRecords(directory);
    expect([directory, join(directory, 'data.mdb')].map(modeOf)).toEqual(['700', '600']);
    await second.close();
  });

  it('is refused, and left as it is, where others can read it and something else is in it', async () => {
    const directory = newDirectory();
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'report.txt'), '');
    await expect(openLmdbRecords(directory)).rejects.toThrow(
      `The directory of the embedded session store, ${JSON.stringify(directory)}, cannot be used: ` +
        'it is open to others and holds something else (report.txt). ' +
        'Give session.dir or SESSION_DIR a directory of its own, which this process can write.',
    );
    expect(modeOf(directory)).toBe('777');
    expect(readdirSync(directory)).toEqual(['report.txt']);
  });

  it('may hold something else where nobody else can read it', async () => {
    const directory = newDirectory();
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(join(directory, '.gitignore'), '*');
    const records = await openLmdbRecords(directory);
    expect(modeOf(directory)).toBe('700');
    await records.close();
  });

  it('may have a dot in its name', async () => {
    const directory = newDirectory('app.v2');
    const records = await openLmdbRecords(directory);
    expect(readdirSync(directory).toSorted()).toEqual(['.gitignore', 'data.mdb', 'lock.mdb']);
    await records.close();
  });

  // Source: django/django tests/sessions_tests/tests.py, FileSessionTests.test_configuration_check
  it('is refused at boot where it cannot be made', async () => {
    const file = join(parent, 'file');
    writeFileSync(file, '');
    await expect(openLmdbRecords(join(file, 'sessions'))).rejects.toThrow(/file\/sessions", cannot be used: ENOTDIR/);
    await expect(openLmdbRecords(file)).rejects.toThrow(/file", cannot be used: EEXIST/);
  });
});

describe('several processes on one embedded store', () => {
  let compiled: CompiledSessions;
  const running: LmdbProcess[] = [];

  beforeAll(() => {
    compiled = new CompiledSessions();
  });

  afterEach(async () => {
    for (const process of running.splice(0)) await process.kill();
  });

  afterAll(() => compiled.remove());

  async function start(directory: string, count = 1): Promise<LmdbProcess[]> {
    const started = await Promise.all(Array.from({ length: count }, () => compiled.start(directory)));
    running.push(...started);
    return started;
  }

  it('lose no acknowledged session to 6 kills during 8 parallel writers', async () => {
    const directory = newDirectory();
    const acknowledged: string[] = [];
    for (let kill = 1; kill <= 6; kill += 1) {
      const [writer] = await start(directory);
      await writer?.order('write', { writers: 8 });
      while ((writer?.acknowledged.length ?? 0) < kill * 100) await writer?.hear('acknowledged');
      await writer?.kill('SIGKILL');
      acknowledged.push(...(writer?.acknowledged ?? []));
    }
    const records = await openLmdbRecords(directory);
    const lost: string[] = [];
    for (const id of acknowledged) if (recordIn(await records.read(id))?.data['id'] !== id) lost.push(id);
    expect(lost).toEqual([]);
    expect(acknowledged.length).toBeGreaterThan(2_000);
    const listed = new Set((await records.listByUser('writer')).map((kept) => kept.id));
    expect(acknowledged.filter((id) => !listed.has(id))).toEqual([]);
    await records.close();
  }, 60_000);

  it('see at once what another has written, touched and removed', async () => {
    const directory = newDirectory();
    const [one, another] = await start(directory, 2);
    const missed: string[] = [];
    for (let round = 0; round < 200; round += 1) {
      const [id, record] = [newId(), recordOf({ userId: '7' })];
      await one?.call('insert', id, record);
      if (((await another?.call('read', id)) ?? undefined) === undefined) missed.push(`insert ${round}`);
      await another?.call('touch', id, { ...record, seen: record.seen + round });
      if (JSON.stringify(await one?.call('read', id)) !== JSON.stringify({ ...record, seen: record.seen + round }))
        missed.push(`touch ${round}`);
      await one?.call('remove', id);
      if (((await another?.call('read', id)) ?? undefined) !== undefined) missed.push(`remove ${round}`);
      if ((await another?.call('update', id, record)) !== false) missed.push(`update ${round}`);
    }
    expect(missed).toEqual([]);
  }, 60_000);

  it('see in the midst of one turn what another has removed', async () => {
    const [directory, id] = [newDirectory(), newId()];
    const [another] = await start(directory);
    const records = await openLmdbRecords(directory);
    await records.insert(id, recordOf());
    expect(await records.read(id)).toBeDefined();
    const removal = another?.call('remove', id);
    // The removal is awaited by nothing but the store itself, so that this turn does not end.
    const patience = Date.now() + 10_000;
    let gone = false;
    while (!gone && Date.now() < patience) gone = (await records.read(id)) === undefined;
    expect(gone).toBe(true);
    await removal;
    await records.close();
  });

  it('keep every one of 3 x 200 sessions of one user, whoever writes it', async () => {
    const directory = newDirectory();
    const processes = await start(directory, 3);
    const ids = processes.map(() => Array.from({ length: 200 }, newId));
    const text = 'x'.repeat(2_000);
    await Promise.all(
      processes.flatMap((process, n) =>
        (ids[n] ?? []).map(async (id) => {
          await process.call('insert', id, recordOf({ userId: 'shared', data: dataOf({ id }) }));
          const next = processes[(n + 1) % 3];
          await next?.call('update', id, recordOf({ userId: 'shared', data: dataOf({ id, text }) }));
        }),
      ),
    );
    const records = await openLmdbRecords(directory);
    const listed = await records.listByUser('shared');
    expect(listed.map((kept) => kept.id).toSorted()).toEqual(ids.flat().toSorted());
    expect(listed.filter(({ id, record }) => record?.data['id'] !== id || record.data['text'] !== text)).toEqual([]);
    await records.close();
  }, 60_000);

  it('answer an update in 3 processes alike: true until the session is removed, false from then on', async () => {
    const directory = newDirectory();
    const processes = await start(directory, 3);
    const wrong: string[] = [];
    for (let round = 0; round < 100; round += 1) {
      const [id, record] = [newId(), recordOf()];
      await processes[round % 3]?.call('insert', id, record);
      let removed = false;
      const updates = processes.map(async (process, n) => {
        for (let again = 0; again < 5; again += 1) {
          const removedBefore = removed;
          const written = await process.call('update', id, { ...record, data: dataOf({ n, again }) });
          if (written === true && removedBefore) wrong.push(`${round}: written after the removal`);
        }
      });
      await processes[(round + 1) % 3]?.call('remove', id);
      removed = true;
      await Promise.all(updates);
      for (const process of processes)
        if (((await process.call('read', id)) ?? undefined) !== undefined) wrong.push(`${round}: back`);
    }
    expect(wrong).toEqual([]);
  }, 60_000);

  it('bring none of 1,000 sessions back that are removed while 2 others write them', async () => {
    const directory = newDirectory();
    const ids = Array.from({ length: 1_000 }, newId);
    const records = await openLmdbRecords(directory);
    await Promise.all(ids.map((id) => records.insert(id, recordOf({ userId: 'racer' }))));
    const hammers = await start(directory, 2);
    await Promise.all(hammers.flatMap((hammer) => [hammer.order('hammer', { ids }), hammer.hear('hammered')]));
    const back: string[] = [];
    for (const id of ids) {
      await records.remove(id);
      if ((await records.read(id)) !== undefined) back.push(id);
    }
    await Promise.all(hammers.map((hammer) => hammer.order('rest')));
    for (const id of ids) if ((await records.read(id)) !== undefined) back.push(id);
    expect(back).toEqual([]);
    expect(await records.listByUser('racer')).toEqual([]);
    await records.close();
  }, 60_000);
});
