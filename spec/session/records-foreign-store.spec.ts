import { jest } from '@jest/globals';
import session, { MemoryStore } from 'express-session';
import { runInNewContext } from 'node:vm';
import type { SessionStore } from '../../lib/options/session-options.js';
import { UnreadableRecordError } from '../../lib/session/records.js';
import { storedFrom } from '../../lib/session/store-calls.js';
import { ForeignStoreRecords } from '../../lib/session/foreign-store-records.js';
import { dataOf, describeContract, newId, recordOf } from '../support/session-records-contract.js';

const MINUTE = 60_000;

type Callback = (error?: unknown, found?: object | null) => void;

/**
 * A store in which each call takes some turns of the event loop, none of them the same number, and which calls back
 * twice and returns a promise as well.
 */
class SlowStore implements SessionStore {
  readonly kept = new Map<string, string>();
  private calls = 0;

  get(id: string, callback: Callback): Promise<void> {
    return this.later(() => {
      const text = this.kept.get(id);
      callback(null, text === undefined ? undefined : JSON.parse(text));
      callback(new Error('called back twice'));
    });
  }

  set(id: string, given: object, callback: Callback = ignore): Promise<void> {
    return this.later(() => {
      this.kept.set(id, JSON.stringify(given));
      callback();
    });
  }

  destroy(id: string, callback: Callback = ignore): Promise<void> {
    return this.later(() => {
      this.kept.delete(id);
      callback();
    });
  }

  clear(callback: Callback = ignore): Promise<void> {
    return this.later(() => {
      this.kept.clear();
      callback();
    });
  }

  private async later(work: () => void): Promise<void> {
    this.calls += 1;
    for (let turn = this.calls % 3; turn > 0; turn -= 1) await new Promise((resolve) => setImmediate(resolve));
    work();
  }
}

function ignore(): void {}

/** Promises of another realm, which are no instance of ours. */
const OtherPromise: PromiseConstructor = runInNewContext('Promise');

/** A store that answers each call in the same way. */
function storeThat(answer: (callback: Callback) => unknown): SessionStore {
  return {
    get: (_id, callback) => answer(callback),
    set: (_id, _session, callback = ignore) => answer(callback),
    destroy: (_id, callback = ignore) => answer(callback),
  };
}

describe('the memory store of express-session', () => {
  describeContract(async (now) => {
    const store = new MemoryStore();
    const records = new ForeignStoreRecords(store, now);
    return {
      records,
      other: records,
      corrupt: async (id) => {
        await new Promise<void>((resolve) => {
          const cookie = new session.Cookie();
          store.set(id, Object.assign({ cookie }, { created: 1, seen: 1, expires: 1, content: '{"data":' }), () =>
            resolve(),
          );
        });
      },
      close: () => records.close(),
    };
  });
});

describe('a slow store written by hand', () => {
  describeContract(async (now) => {
    const store = new SlowStore();
    const records = new ForeignStoreRecords(store, now);
    return {
      records,
      other: records,
      corrupt: async (id) => void store.kept.set(id, '"not a session"'),
      close: () => records.close(),
    };
  });
});

describe('a store whose answers are refusals', () => {
  const down = new Error('the store is down');
  const refusals: [how: string, answer: (callback: Callback) => unknown][] = [
    ['calls back with an error', (callback) => callback(down)],
    [
      'throws',
      () => {
        throw down;
      },
    ],
    ['returns a promise that rejects', () => Promise.reject(down)],
    ['returns a promise that rejects and calls back', (callback) => Promise.reject(down).finally(() => callback(down))],
    ['returns a promise of another kind that rejects', () => OtherPromise.reject(down)],
  ];

  it.each(refusals)('rejects every call where it %s', async (_how, answer) => {
    const records = new ForeignStoreRecords(storeThat(answer));
    const [id, record] = [newId(), recordOf({ userId: '7' })];
    await expect(records.read(id)).rejects.toBe(down);
    await expect(records.insert(id, record)).rejects.toBe(down);
    await expect(records.update(id, record)).rejects.toBe(down);
    await expect(records.touch(id, record)).rejects.toBe(down);
    await expect(records.remove(id)).rejects.toBe(down);
    await expect(records.listByUser('7')).rejects.toBe(down);
  });

  it('rejects every call, and says so, where it never answers', async () => {
    const silent = storeThat(ignore);
    const records = new ForeignStoreRecords(silent, Date.now, 20);
    const [id, record] = [newId(), recordOf({ userId: '7' })];
    const answer = 'The session store did not answer within 20 milliseconds.';
    await expect(records.read(id)).rejects.toThrow(answer);
    await expect(records.insert(id, record)).rejects.toThrow(answer);
    await expect(records.update(id, record)).rejects.toThrow(answer);
    await expect(records.touch(id, record)).rejects.toThrow(answer);
    await expect(records.remove(id)).rejects.toThrow(answer);
    await expect(records.listByUser('7')).rejects.toThrow(answer);
  });

  it('goes on with a session after a call that failed', async () => {
    const store = new SlowStore();
    const records = new ForeignStoreRecords(store);
    const [id, record] = [newId(), recordOf()];
    const set = store.set.bind(store);
    store.set = () => {
      store.set = set;
      throw down;
    };
    const [failed, next] = [records.insert(id, record), records.insert(id, record)];
    await expect(failed).rejects.toBe(down);
    await next;
    expect(await records.read(id)).toEqual(record);
  });

  // Source: expressjs/session test/session.js, "when get() returns ENOENT"
  it('takes ENOENT for a session that is not there', async () => {
    const records = new ForeignStoreRecords(
      storeThat((callback) => callback(Object.assign(new Error(), { code: 'ENOENT' }))),
    );
    expect(await records.read(newId())).toBeUndefined();
    expect(await records.update(newId(), recordOf())).toBe(false);
    await expect(records.remove(newId())).resolves.toBeUndefined();
  });

  it('takes null for no session', async () => {
    const records = new ForeignStoreRecords(storeThat((callback) => Reflect.apply(callback, undefined, [null, null])));
    expect(await records.read(newId())).toBeUndefined();
  });

  it('has no way to end all sessions where it has no clear(), and ends none', async () => {
    const store = Object.assign(new MemoryStore(), { clear: undefined });
    const [records, id, record] = [new ForeignStoreRecords(store), newId(), recordOf({})];
    await records.insert(id, record);
    await expect(records.removeAll()).rejects.toThrow('The session store has no clear()');
    expect(await records.update(id, record)).toBe(true);
  });

  it.each([
    ['a text', 'text'],
    ['a list', []],
    ['a session of plain express-session', { cookie: {}, userId: '7' }],
    ['times that are no numbers', { created: '1', seen: '1', expires: '1', content: '{"data":{"cookie":{}}}' }],
    ['content that is no JSON', { created: 1, seen: 1, expires: 1, content: '{' }],
    ['content that is not an object', { created: 1, seen: 1, expires: 1, content: 'null' }],
    ['no data', { created: 1, seen: 1, expires: 1, content: '{}' }],
    ['data that is not an object', { created: 1, seen: 1, expires: 1, content: '{"data":"x"}' }],
  ])('does not take %s for absent', async (_what, found) => {
    const records = new ForeignStoreRecords({
      ...storeThat(ignore),
      get: (_id, callback) => Reflect.apply(callback, undefined, [null, found]),
    });
    await expect(records.read(newId())).rejects.toThrow(UnreadableRecordError);
  });
});

describe('what a foreign store is given', () => {
  it('has a cookie from which every store reads the same time to live', async () => {
    const given: Record<string, unknown>[] = [];
    const store: SessionStore = {
      ...storeThat((callback) => callback()),
      set: (_id, stored, callback = ignore) => {
        given.push(stored);
        callback();
      },
    };
    const record = recordOf({ data: dataOf({ cookie: { maxAge: 1, path: '/admin' } }) });
    await new ForeignStoreRecords(store).insert(newId(), record);
    expect(given[0]?.['cookie']).toEqual({
      expires: new Date(record.expires),
      maxAge: 30 * MINUTE,
      originalMaxAge: 30 * MINUTE,
    });
  });

  it('keeps the list of a user no longer than the sessions of that user that live', async () => {
    const store = new SlowStore();
    const records = new ForeignStoreRecords(store);
    const userId = newId();
    for (let signIn = 0; signIn < 5; signIn += 1) {
      const id = newId();
      await records.insert(id, recordOf({ userId }));
      await records.remove(id);
    }
    const last = newId();
    await records.insert(last, recordOf({ userId }));
    const lists = [...store.kept].filter(([key]) => key.startsWith('user:')).map(([, text]) => JSON.parse(text).ids);
    expect(lists).toEqual([[last]]);
  });

  it('has a list that outlives the sessions in it', async () => {
    const store = new SlowStore();
    const record = recordOf({ userId: '7' });
    await new ForeignStoreRecords(store).insert(newId(), record);
    const list = [...store.kept].find(([key]) => key.startsWith('user:'))?.[1] ?? '';
    expect(Date.parse(JSON.parse(list).cookie.expires)).toBeGreaterThan(record.expires + 24 * 60 * MINUTE);
  });

  it('is nothing for a session that is not there', async () => {
    const store = new SlowStore();
    const records = new ForeignStoreRecords(store);
    await records.update(newId(), recordOf({ userId: '7' }));
    await records.touch(newId(), recordOf({ userId: '7' }));
    expect(store.kept.size).toBe(0);
  });

  it('leaves no timer behind', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask', 'Date'] });
    const records = new ForeignStoreRecords(new SlowStore());
    await records.insert(newId(), recordOf({ userId: '7' }));
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  it('names no user in its keys', async () => {
    const store = new SlowStore();
    await new ForeignStoreRecords(store).insert(newId(), recordOf({ userId: 'ann@example.com' }));
    expect([...store.kept.keys()].join()).not.toContain('ann@example.com');
  });
});

it('a removal that failed half way ends a session that had moved, when it is done again', async () => {
  const store = new SlowStore();
  const records = new ForeignStoreRecords(store);
  const [before, after] = [newId(), newId()];
  await records.insert(before, recordOf());
  await records.move(before, after, recordOf());
  for (const failing of [1, 2, 3, 4]) {
    let calls = 0;
    const spy = jest.spyOn(store, 'destroy');
    const { destroy } = SlowStore.prototype;
    spy.mockImplementation(function destroyOrFail(this: SlowStore, id: string, callback: Callback = ignore) {
      calls += 1;
      if (calls !== failing) return destroy.call(this, id, callback);
      callback(new Error('the store is away'));
      return Promise.resolve();
    });
    await records.remove(before).catch(ignore);
    spy.mockRestore();
  }
  await records.remove(before);
  expect(await records.read(after)).toBeUndefined();
});

it('a session that is being written while all are ended is gone, or goes with its next write', async () => {
  const store = new HeldStore();
  const [records, id, record] = [new ForeignStoreRecords(store), newId(), recordOf({ userId: 'ann' })];
  await records.insert(id, record);
  // The write comes after everything was destroyed: it finds the mark.
  store.beforeSet = () => new ForeignStoreRecords(store).removeAll();
  expect(await records.update(id, record)).toBe(false);
  expect(await records.read(id)).toBeUndefined();
  expect(await records.listByUser('ann')).toEqual([]);
  // Brought back past the mark, as by a process that looked for it in the moment in which it was destroyed.
  store.put(id, record);
  expect(await records.read(id)).toBeDefined();
  expect(await records.touch(id, record)).toBe(false);
  expect(await records.read(id)).toBeUndefined();
  // What is made later lives.
  const later = newId();
  await records.insert(later, recordOf({ created: Date.now() + 1 }));
  expect(await records.update(later, recordOf({ created: Date.now() + 1 }))).toBe(true);
});

it('a session under an id of before that has ended while another process inserted it is not there', async () => {
  const store = new HeldStore();
  const [records, other, id] = [new ForeignStoreRecords(store), new ForeignStoreRecords(store), newId()];
  store.beforeSet = async () => {
    expect(await other.insert(id, recordOf({}), true)).toBe(true);
    await other.remove(id);
  };
  expect(await records.insert(id, recordOf({}), true)).toBe(false);
  expect(await records.read(id)).toBeUndefined();
});

it('a session under an id of before is not there where all were ended while it was inserted', async () => {
  const store = new HeldStore();
  const [records, id] = [new ForeignStoreRecords(store), newId()];
  store.beforeSet = () => new ForeignStoreRecords(store).removeAll();
  expect(await records.insert(id, recordOf({}), true)).toBe(false);
  expect(await records.read(id)).toBeUndefined();
});

it('a write that the store does when it was given up, after the session has ended, is taken back', async () => {
  const store = new HeldStore();
  const [records, id, record] = [new ForeignStoreRecords(store, Date.now, 20), newId(), recordOf({ userId: 'ann' })];
  await records.insert(id, record);
  let goOn: () => void = () => undefined;
  store.beforeSet = () => new Promise((resolve) => (goOn = resolve));
  await expect(records.update(id, record)).rejects.toThrow('did not answer within 20 milliseconds');
  // In another process, which knows nothing of the write.
  await new ForeignStoreRecords(store).remove(id);
  expect(await records.read(id)).toBeUndefined();
  const removed = store.nextRemoval();
  goOn();
  await removed;
  expect(await records.read(id)).toBeUndefined();
});

it('a write that the store does and does not acknowledge is taken back where the session has ended', async () => {
  const store = new HeldStore();
  const [records, id, record] = [new ForeignStoreRecords(store), newId(), recordOf({ userId: 'ann' })];
  await records.insert(id, record);
  store.beforeSet = async () => {
    await new ForeignStoreRecords(store).remove(id);
    store.put(id, record);
    throw new Error('the answer was lost');
  };
  const removed = store.nextRemoval(2);
  await expect(records.update(id, record)).rejects.toThrow('the answer was lost');
  await removed;
  expect(await records.read(id)).toBeUndefined();
});

it.each([
  ['one key at a time, as redis 4 gives them', (keys: readonly string[]) => keys],
  ['pages of keys, as redis 5 gives them', (keys: readonly string[]) => [keys.slice(0, 2), [], keys.slice(2)]],
])('connect-redis before 9 ends all sessions: %s', async (_what, pages) => {
  const kept = new Map<string, string>([['other:1', 'of somebody else']]);
  const client = {
    scanIterator: () => pages([...kept.keys()].filter((key) => key.startsWith('sess:')))[Symbol.iterator](),
  };
  const store = {
    prefix: 'sess:',
    client,
    get: (key: string, done: Done) => done(null, JSON.parse(kept.get(`sess:${key}`) ?? 'null')),
    set: (key: string, value: object, done: Done) => done(null, void kept.set(`sess:${key}`, JSON.stringify(value))),
    destroy: (key: string, done: Done) => done(null, void kept.delete(`sess:${key}`)),
    clear: () => Promise.reject(new TypeError('Invalid argument type')),
  };
  const records = new ForeignStoreRecords(store);
  const ids = [newId(), newId(), newId()];
  for (const id of ids) await records.insert(id, recordOf({ userId: 'ann' }));
  await records.removeAll();
  expect(await records.stillThere(ids)).toEqual(new Map());
  expect([...kept.keys()]).toEqual(['other:1', 'sess:ended:']);
});

type Done = (error: unknown, found?: object | null) => void;

/** A store in memory, in which something may come between. */
class HeldStore {
  readonly kept = new Map<string, string>();
  beforeSet: (() => Promise<void>) | undefined;
  private removed: () => void = () => undefined;

  put(id: string, record: Parameters<typeof storedFrom>[1]): void {
    this.kept.set(id, JSON.stringify(storedFrom(id, record)));
  }

  get(id: string, done: Done): void {
    done(null, JSON.parse(this.kept.get(id) ?? 'null'));
  }

  set(id: string, given: object, done: Done = () => undefined): void {
    const { beforeSet } = this;
    this.beforeSet = undefined;
    Promise.resolve(beforeSet?.()).then(() => done(null, void this.kept.set(id, JSON.stringify(given))), done);
  }

  destroy(id: string, done: Done = () => undefined): void {
    done(null, void this.kept.delete(id));
    this.removed();
  }

  /** When so many sessions have been destroyed from now on. */
  nextRemoval(count = 1): Promise<void> {
    return new Promise((resolve) => {
      let left = count;
      this.removed = () => {
        left -= 1;
        if (left === 0) resolve();
      };
    });
  }

  clear(done: Done): void {
    this.kept.clear();
    done(null);
  }
}
