import { ForeignStoreRecords } from '../../lib/session/foreign-store-records.js';
import { openLmdbRecords } from '../../lib/session/lmdb-records.js';
import { MemoryRecords } from '../../lib/session/memory-records.js';
import { PostgresRecords } from '../../lib/session/postgres-records.js';
import { OutOfStepError, type SessionRecords } from '../../lib/session/records.js';
import { RedisRecords, type RedisClient, type RedisCommands } from '../../lib/session/redis-records.js';
import { storedFrom } from '../../lib/session/store-calls.js';
import { Answers, describeOutOfStep } from '../support/out-of-step.js';
import { newId, recordOf } from '../support/session-records-contract.js';
import { openDirectory, SwitchedStore } from '../support/sessions.js';

const record = recordOf({ userId: 'ada' });

describe('a store with get, set and destroy whose answers are of another', () => {
  describeOutOfStep(async () => {
    const [store, answers] = [new SwitchedStore(), new Answers()];
    const get = store.get.bind(store);
    store.get = (id, done) => get(id, (error, found) => Reflect.apply(done, undefined, [error, answers.pass(found)]));
    return {
      records: new ForeignStoreRecords(store),
      answers,
      saysNothing: (answer) => answer === null,
      close: () => undefined,
    };
  });

  it('has what an older version wrote, which does not say whose it is', async () => {
    const store = new SwitchedStore();
    const records = new ForeignStoreRecords(store);
    const [old, next] = [newId(), newId()];
    await records.insert(old, record);
    await records.insert(next, record);
    await records.move(old, next, record);
    for (const [key, text] of store.kept)
      store.kept.set(key, text.replaceAll(/,?(\\?")id\1:\1[^"\\]*\1/g, '').replace('{,', '{'));
    expect([...store.kept.values()].join()).not.toMatch(/"id\\?"/);
    expect(await records.read(next)).toEqual(record);
    expect(await records.read(old)).toMatchObject({ movedTo: next });
    expect((await records.listByUser('ada')).map(({ id }) => id)).toContain(next);
    await records.remove(old);
    expect(await records.read(next)).toBeUndefined();
  });
});

/** The hash of a session, as Redis answers HMGET. */
function hashOf(owner: string | null): unknown[] {
  const { created, seen, expires, userId, data } = record;
  const fields = [created, seen, expires, userId, data].map((value) => JSON.stringify(value));
  return [...fields, null, null, null, owner];
}

function redisThat(answer: (command: keyof RedisCommands) => unknown): SessionRecords {
  const asked = async (command: keyof RedisCommands): Promise<unknown> => answer(command);
  const redis: RedisCommands = { eval: () => asked('eval'), hmGet: () => asked('hmGet'), del: () => asked('del') };
  const client: RedisClient = {
    isOpen: true,
    once: () => undefined,
    withCommandOptions: () => redis,
    scan: async () => ({ cursor: 0, keys: [] }),
  };
  const store = Object.assign(new SwitchedStore(), { client, prefix: 'sess:', serializer: JSON });
  return new RedisRecords(store);
}

function postgresThat(answer: object | undefined): SessionRecords {
  const query = (_sql: string, _given: unknown[], done: (error: unknown, row?: unknown) => void): void =>
    done(null, answer);
  return new PostgresRecords(Object.assign(new SwitchedStore(), { query, quotedTable: () => '"session"' }));
}

/** Each operation that one statement or script does is said not to be done. */
async function expectNothingDone(records: SessionRecords): Promise<void> {
  await expect(records.insert('ada', record)).rejects.toThrow(OutOfStepError);
  await expect(records.update('ada', record)).rejects.toThrow(OutOfStepError);
  await expect(records.touch('ada', record)).rejects.toThrow(OutOfStepError);
  await expect(records.move('ada', 'next', record)).rejects.toThrow(OutOfStepError);
  await expect(records.remove('ada')).rejects.toThrow(OutOfStepError);
  await expect(records.listByUser('ada')).rejects.toThrow(OutOfStepError);
}

describe('Redis', () => {
  it.each([
    ['the hash of another', hashOf('another')],
    ['the number that a script of an older version returned', 1],
    ['the answer of a script', ['sess:ada', 1]],
    ['fewer fields', [null, null, null]],
    ['nothing that it answers to HMGET', null],
  ])('that answers HMGET with %s gives no session', async (_what, answer) => {
    const records = redisThat(() => answer);
    await expect(records.read('ada')).rejects.toThrow(OutOfStepError);
    await expect(records.stillThere(['ada'])).rejects.toThrow(OutOfStepError);
  });

  it.each([
    ['the key of another', ['sess:another', 1]],
    ['a hash', hashOf('ada')],
    ['a number', 1],
    ['null', null],
  ])('that answers a script with %s has not done it', async (_what, answer) => {
    const records = redisThat(() => answer);
    await expectNothingDone(records);
  });

  it('gives the session of a hash that names its id, or was written by a version that named none', async () => {
    for (const owner of ['ada', null]) expect(await redisThat(() => hashOf(owner)).read('ada')).toEqual(record);
  });
});

describe('Postgres', () => {
  it('that answers with the row of another gives no session, and has done nothing', async () => {
    const records = postgresThat({ sid: 'another', sess: JSON.stringify(storedFrom('another', record)), found: {} });
    await expect(records.read('ada')).rejects.toThrow(OutOfStepError);
    await expectNothingDone(records);
    await expect(records.stillThere(['ada'])).rejects.toThrow(OutOfStepError);
  });

  it('gives the session of its row', async () => {
    const row = { sid: 'ada', sess: JSON.stringify(storedFrom('ada', record)) };
    expect(await postgresThat(row).read('ada')).toEqual(record);
  });
});

it('what the memory of this process and lmdb keep names no id: they answer in the call itself', async () => {
  const directory = openDirectory();
  const lmdb = await openLmdbRecords(directory.options.dir ?? '');
  const memory = new MemoryRecords();
  for (const records of [memory, lmdb]) {
    const id = newId();
    await records.insert(id, record);
    expect(records.readNow?.(id)).toEqual(record);
    await records.close();
  }
  expect(await directory.text()).not.toContain('"id"');
  const waiting: SessionRecords[] = [
    new ForeignStoreRecords(new SwitchedStore()),
    redisThat(() => null),
    postgresThat(undefined),
  ];
  for (const records of waiting) expect(records.readNow).toBeUndefined();
});
