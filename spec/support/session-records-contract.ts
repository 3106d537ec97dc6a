import { howMany } from './everything.js';
import {
  isMoved,
  UnreadableRecordError,
  type MovedSession,
  type SessionRecord,
  type SessionRecords,
} from '../../lib/session/records.js';

/** A store under test. */
export interface OpenedRecords {
  readonly records: SessionRecords;
  /** The same store once more, as another client of it has it; the same object where the store has one client. */
  readonly other: SessionRecords;
  /** Writes over a session what nobody can read; absent where nobody else can write. */
  corrupt?(id: string): Promise<void>;
  /** False: two movers in two processes may both win. Default true. */
  readonly oneMoverWins?: boolean;
  close(): Promise<void>;
}

/** Opens a store; `now` is its clock. */
export type OpenRecords = (now: () => number) => Promise<OpenedRecords>;

const MINUTE = 60_000;
const ROUNDS = howMany(1_000, 100);

let made = 0;

/** An id no other test has. */
export function newId(): string {
  made += 1;
  return `id-${process.pid}-${made}`;
}

/** The record of a session; undefined where there is none. Fails where there is only the way to it. */
export function recordIn(found: SessionRecord | MovedSession | undefined): SessionRecord | undefined {
  if (isMoved(found)) throw new Error('Only the way to a session was found.');
  return found;
}

/** A session of now that ends in half an hour. */
export function recordOf(parts: Partial<SessionRecord> = {}): SessionRecord {
  const now = Date.now();
  return { created: now, seen: now, expires: now + 30 * MINUTE, userId: undefined, data: dataOf({}), ...parts };
}

/** Expects every operation to be rejected, as of a store that is down or hangs. */
export async function expectRejections(records: SessionRecords, message: RegExp): Promise<void> {
  const record = recordOf({ userId: 'ann' });
  const asked = [
    records.read('a'),
    records.insert('a', record),
    records.update('a', record),
    records.touch('a', record),
    records.remove('a'),
    records.listByUser('ann'),
  ];
  for (const result of await Promise.allSettled(asked)) {
    expect(result).toMatchObject({ status: 'rejected', reason: { message: expect.stringMatching(message) } });
  }
}

/** Keeps a session, and returns what expects that the store has it still, and can change it. */
export async function keepSession(records: SessionRecords): Promise<() => Promise<void>> {
  const [id, record] = [newId(), recordOf({ userId: 'back' })];
  await records.insert(id, record);
  return async function expectKept() {
    expect(await records.read(id)).toEqual(record);
    expect(await records.listByUser('back')).toEqual([{ id, record }]);
    expect(await records.update(id, record)).toBe(true);
    await records.remove(id);
    expect(await records.read(id)).toBeUndefined();
  };
}

/** What a session says, with the cookie every session has. */
export function dataOf(content: Record<string, unknown>): SessionRecord['data'] {
  return { cookie: { originalMaxAge: null, expires: null, secure: true, httpOnly: true, path: '/' }, ...content };
}

const contents: [what: string, content: Record<string, unknown>][] = [
  ['nothing', {}],
  ['empty lists and objects, which are not the same', { list: [], object: {}, nested: [[], {}] }],
  ['numbers', { zero: 0, large: Number.MAX_SAFE_INTEGER, small: Number.MIN_VALUE, fraction: 0.1, exponent: 1e300 }],
  ['null, true and false', { nothing: null, yes: true, no: false }],
  ['characters of many bytes', { text: 'Za\u017c\u00f3\u0142\u0107 \u6f22\u5b57 \u{1f469}\u200d\u{1f467} \ufdfd' }],
  ['U+0000', { text: 'a\u0000b', 'key\u0000': 1 }],
  ['half of a surrogate pair', { text: '\ud800' }],
  ['quotes, backslashes and line ends', { text: `"'\\\n\r\u2028` }],
  ['keys that mean something elsewhere', { $set: 1, 'a.b': 2, seen: 3, user: 'x', content: 'y', id: 'z' }],
  ['a key __proto__', JSON.parse('{"nested": {"__proto__": {"polluted": true}}}')],
  ['1 MB', { text: '\u00e4"'.repeat(333_333) }],
];

const users: [what: string, userId: string][] = [
  ['a number', '7'],
  ['an address', 'ann+work@example.com'],
  ['a glob', '*'],
  ['a colon', 'user:7'],
  ['a quote', `o'brien"`],
  ['U+0000', 'a\u0000b'],
  ['half of a surrogate pair', '\udc00'],
  ['5,000 characters', 'u'.repeat(5_000)],
  ['__proto__', '__proto__'],
];

/** What holds for every store. */
export function describeContract(open: OpenRecords): void {
  describe('the contract of every store', () => {
    let ahead = 0;
    let opened: OpenedRecords;
    let records: SessionRecords;

    beforeAll(async () => {
      opened = await open(() => Date.now() + ahead);
      records = opened.records;
    });

    afterEach(() => {
      ahead = 0;
    });

    afterAll(() => opened.close());

    it('knows no session it has not been given', async () => {
      expect(await records.read(newId())).toBeUndefined();
    });

    it.each(contents)('gives back a session with %s as it was', async (_what, content) => {
      const [id, record] = [newId(), recordOf({ userId: '7', data: dataOf(content) })];
      await records.insert(id, record);
      expect(await records.read(id)).toEqual(record);
      expect(await opened.other.read(id)).toEqual(record);
    });

    it.each(contents)('gives back %s after an update', async (_what, content) => {
      const [id, record] = [newId(), recordOf({ data: dataOf(content) })];
      await records.insert(id, recordOf({ data: dataOf({ before: true }) }));
      expect(await opened.other.update(id, record)).toBe(true);
      expect(await records.read(id)).toEqual(record);
    });

    it('gives a copy of its own to each who asks', async () => {
      const id = newId();
      await records.insert(id, recordOf({ data: dataOf({ list: [1] }) }));
      const first = recordIn(await records.read(id));
      const list: unknown = first?.data['list'];
      if (Array.isArray(list)) list.push(2);
      expect(recordIn(await records.read(id))?.data['list']).toEqual([1]);
    });

    it('never makes a session by an update', async () => {
      const id = newId();
      expect(await records.update(id, recordOf({ userId: id }))).toBe(false);
      expect(await records.read(id)).toBeUndefined();
      expect(await records.listByUser(id)).toEqual([]);
    });

    it('never makes a session by a touch', async () => {
      const id = newId();
      expect(await records.touch(id, recordOf({ userId: id }))).toBe(false);
      expect(await records.read(id)).toBeUndefined();
      expect(await records.listByUser(id)).toEqual([]);
    });

    it('does not know a session that was removed', async () => {
      const id = newId();
      await records.insert(id, recordOf({ userId: id }));
      await opened.other.remove(id);
      expect(await records.read(id)).toBeUndefined();
      expect(await records.listByUser(id)).toEqual([]);
    });

    it('does not bring a removed session back by an update or a touch', async () => {
      const [id, record] = [newId(), recordOf({ userId: '7' })];
      await records.insert(id, record);
      await opened.other.remove(id);
      expect(await records.update(id, record)).toBe(false);
      expect(await records.touch(id, record)).toBe(false);
      expect(await records.read(id)).toBeUndefined();
      expect((await records.listByUser('7')).map((kept) => kept.id)).not.toContain(id);
    });

    it('removes what is not there without a word', async () => {
      await expect(records.remove(newId())).resolves.toBeUndefined();
    });

    it('moves the times of a session by a touch', async () => {
      const [id, record] = [newId(), recordOf()];
      await records.insert(id, record);
      const later = { seen: record.seen + MINUTE, expires: record.expires + MINUTE };
      expect(await records.touch(id, { ...record, ...later })).toBe(true);
      expect(await records.read(id)).toEqual({ ...record, ...later });
    });

    it('leaves by a touch what another request has written meanwhile', async () => {
      const [id, read] = [newId(), recordOf({ data: dataOf({ cart: [] }) })];
      await records.insert(id, read);
      await opened.other.update(id, { ...read, userId: '7', data: dataOf({ cart: ['book'] }) });
      await records.touch(id, { ...read, seen: read.seen + MINUTE });
      const kept = await records.read(id);
      expect(kept).toMatchObject({ seen: read.seen + MINUTE, userId: '7', data: { cart: ['book'] } });
    });

    it('keeps a session that was touched past its first end', async () => {
      const [id, record] = [newId(), recordOf({ userId: newId() })];
      await records.insert(id, record);
      await records.touch(id, { ...record, expires: record.expires + 60 * MINUTE });
      ahead = 45 * MINUTE;
      expect((await records.listByUser(record.userId ?? '')).map((kept) => kept.id)).toEqual([id]);
    });

    it('holds nothing that has ended in the list of a user', async () => {
      const [id, userId] = [newId(), newId()];
      await records.insert(id, recordOf({ userId }));
      ahead = 31 * MINUTE;
      expect(await records.listByUser(userId)).toEqual([]);
    });

    it.each(users)('lists the sessions of a user whose id is %s, and of nobody else', async (_what, userId) => {
      const [first, second, another] = [newId(), newId(), newId()];
      const before = new Set((await records.listByUser(userId)).map((kept) => kept.id));
      await records.insert(first, recordOf({ userId }));
      await opened.other.insert(second, recordOf({ userId }));
      await records.insert(another, recordOf({ userId: `${userId}0` }));
      const listed = (await records.listByUser(userId)).filter((kept) => !before.has(kept.id));
      expect(listed.map((kept) => kept.id).toSorted()).toEqual([first, second].toSorted());
      expect(listed[0]?.record?.userId).toBe(userId);
    });

    it('lists a session under its user once, however often it is written', async () => {
      const [id, userId] = [newId(), newId()];
      const record = recordOf({ userId });
      await records.insert(id, record);
      await records.update(id, record);
      await records.touch(id, record);
      expect(await records.listByUser(userId)).toEqual([{ id, record }]);
    });

    it('lists a session under the user it has now', async () => {
      const [id, ann, bob] = [newId(), newId(), newId()];
      await records.insert(id, recordOf());
      await records.update(id, recordOf({ userId: ann }));
      await records.update(id, recordOf({ userId: bob }));
      expect(await records.listByUser(ann)).toEqual([]);
      expect((await records.listByUser(bob)).map((kept) => kept.id)).toEqual([id]);
      await records.update(id, recordOf());
      expect(await records.listByUser(bob)).toEqual([]);
    });

    it('misses none of 20 sign-ins of one user at once', async () => {
      const userId = newId();
      const ids = Array.from({ length: 20 }, newId);
      await Promise.all(ids.map((id) => records.insert(id, recordOf({ userId }))));
      expect((await records.listByUser(userId)).map((kept) => kept.id).toSorted()).toEqual(ids.toSorted());
    });

    it('keeps one of 20 updates at once, whole', async () => {
      const [id, first] = [newId(), recordOf()];
      await records.insert(id, first);
      const updates = Array.from({ length: 20 }, (_, n) => ({ ...first, data: dataOf({ n, again: n }) }));
      const written = await Promise.all(
        updates.map((record, n) => (n % 2 === 0 ? records : opened.other).update(id, record)),
      );
      expect(new Set(written)).toEqual(new Set([true]));
      expect(updates).toContainEqual(await records.read(id));
    });

    it('does not take what cannot be read for absent, and removes it all the same', async () => {
      if (opened.corrupt === undefined) return;
      const id = newId();
      await records.insert(id, recordOf());
      await opened.corrupt(id);
      await expect(records.read(id)).rejects.toThrow(UnreadableRecordError);
      if (records.readNow !== undefined) expect(() => records.readNow?.(id)).toThrow(UnreadableRecordError);
      await expect(records.remove(id)).resolves.toBeUndefined();
      expect(await records.read(id)).toBeUndefined();
    });

    it('gives nothing that has expired', async () => {
      const [id, userId] = [newId(), newId()];
      await records.insert(id, recordOf({ userId }));
      ahead = 31 * MINUTE;
      expect(await records.read(id)).toBeUndefined();
      expect(records.readNow?.(id)).toBeUndefined();
      expect(await records.stillThere([id])).toEqual(new Map());
    });

    it('answers at once what it answers', async () => {
      if (records.readNow === undefined) return;
      const [id, record] = [newId(), recordOf()];
      await records.insert(id, record);
      expect(records.readNow(id)).toEqual(record);
      expect(records.readNow(newId())).toBeUndefined();
    });

    it('writes nothing to a session that has expired', async () => {
      const userId = newId();
      const [updated, touched, moved, fresh] = [newId(), newId(), newId(), newId()];
      for (const id of [updated, touched, moved]) await records.insert(id, recordOf({ userId }));
      ahead = 31 * MINUTE;
      const later = recordOf({ userId, expires: Date.now() + 90 * MINUTE });
      expect(await records.update(updated, later)).toBe(false);
      expect(await records.touch(touched, later)).toBe(false);
      expect(await records.move(moved, fresh, later)).toBe(false);
      for (const id of [updated, touched, moved, fresh]) expect(await records.read(id)).toBeUndefined();
      expect(await records.listByUser(userId)).toEqual([]);
    });

    it('keeps the first of two sessions under one id', async () => {
      const [id, first] = [newId(), recordOf({ data: dataOf({ n: 1 }) })];
      expect(await records.insert(id, first)).toBe(true);
      expect(await opened.other.insert(id, recordOf({ data: dataOf({ n: 2 }) }), true)).toBe(false);
      expect(await records.read(id)).toEqual(first);
    });

    it('takes an id anew when its session has expired', async () => {
      const id = newId();
      await records.insert(id, recordOf({ expires: Date.now() + MINUTE }));
      ahead = 2 * MINUTE;
      const next = recordOf({ data: dataOf({ next: true }) });
      expect(await records.insert(id, next, true)).toBe(true);
      expect(await records.read(id)).toEqual(next);
    });

    it('keeps the stamp beside the data', async () => {
      const stamp = { authenticatedAt: 1, idleTimeout: 2, absoluteTimeout: 3, persistent: true };
      const [id, record] = [newId(), recordOf({ stamp, userId: '7', data: dataOf({ stamp: 'mine' }) })];
      await records.insert(id, record);
      expect(await records.read(id)).toEqual(record);
      expect(await records.touch(id, { ...record, seen: record.seen + 1 })).toBe(true);
      const { stamp: _, ...unstamped } = record;
      expect(await records.read(id)).toEqual({ ...record, seen: record.seen + 1 });
      expect(await records.update(id, unstamped)).toBe(true);
      expect(await records.read(id)).toEqual(unstamped);
    });

    describe('a session that moves', () => {
      it('is found under its new id, and under its old one for 30 seconds the way to it', async () => {
        const [before, after, userId] = [newId(), newId(), newId()];
        const record = recordOf({ userId, data: dataOf({ cart: ['book'] }) });
        await records.insert(before, record);
        expect(await records.move(before, after, { ...record, seen: record.seen + 1 })).toBe(true);
        expect(await opened.other.read(after)).toEqual({ ...record, seen: record.seen + 1 });
        const way = await opened.other.read(before);
        expect(way).toMatchObject({ movedTo: after });
        expect(isMoved(way) && way.until - Date.now()).toBeGreaterThan(25_000);
        expect((await records.listByUser(userId)).map((kept) => kept.id)).toEqual([after]);
        ahead = 30_001;
        expect(await records.read(before)).toBeUndefined();
        expect(await records.read(after)).toBeDefined();
      });

      it('does so only where it is still there', async () => {
        const [before, after, record] = [newId(), newId(), recordOf({ userId: newId() })];
        expect(await records.move(before, after, record)).toBe(false);
        await records.insert(before, record);
        await opened.other.remove(before);
        expect(await records.move(before, after, record)).toBe(false);
        expect(await records.read(after)).toBeUndefined();
        expect(await records.read(before)).toBeUndefined();
        expect(await records.listByUser(record.userId ?? '')).toEqual([]);
      });

      it('is not written under its old id', async () => {
        const [before, after, record] = [newId(), newId(), recordOf()];
        await records.insert(before, record);
        await records.move(before, after, record);
        expect(await opened.other.update(before, record)).toBe(false);
        expect(await opened.other.touch(before, record)).toBe(false);
        expect(await opened.other.move(before, newId(), record)).toBe(false);
        expect(await records.read(before)).toMatchObject({ movedTo: after });
        expect(await records.read(after)).toEqual(record);
      });

      it('ends with its old id', async () => {
        const [before, after, record] = [newId(), newId(), recordOf()];
        await records.insert(before, record);
        await records.move(before, after, record);
        await opened.other.remove(before);
        expect(await records.read(after)).toBeUndefined();
        expect(await records.read(before)).toBeUndefined();
        expect(await records.update(after, record)).toBe(false);
      });

      it('ends with the first of three ids, and with the second', async () => {
        for (const which of [0, 1]) {
          const [ids, record] = [[newId(), newId(), newId()] as const, recordOf()];
          await records.insert(ids[0], record);
          await records.move(ids[0], ids[1], record);
          await records.move(ids[1], ids[2], record);
          expect(await records.stillThere(ids)).toEqual(new Map(ids.map((id) => [id, ids[2]])));
          await opened.other.remove(ids[which] ?? '');
          expect(await records.read(ids[2])).toBeUndefined();
          expect(await records.stillThere(ids)).toEqual(new Map());
        }
      });

      it('is in the list of its user all the while', async () => {
        for (let round = 0; round < howMany(200, 20); round += 1) {
          const [before, after, record] = [newId(), newId(), recordOf({ userId: newId() })];
          await records.insert(before, record);
          const lists = Array.from({ length: 4 }, () => opened.other.listByUser(record.userId ?? ''));
          const moved = records.move(before, after, record);
          // Redis has it under both ids for a moment.
          for (const list of await Promise.all(lists)) expect(list).not.toHaveLength(0);
          await moved;
        }
      });

      it('has left no way to itself when it ended', async () => {
        const [before, after, record] = [newId(), newId(), recordOf()];
        await records.insert(before, record);
        await records.move(before, after, record);
        await records.remove(after);
        expect(await records.stillThere([before, after])).toEqual(new Map());
      });

      it('goes to one of 10 new ids that are asked for at once', async () => {
        const [before, record] = [newId(), recordOf()];
        await records.insert(before, record);
        const ids = Array.from({ length: 10 }, newId);
        const moves = ids.map((id, n) =>
          (opened.oneMoverWins !== false && n % 2 === 1 ? opened.other : records).move(before, id, record),
        );
        expect((await Promise.all(moves)).filter(Boolean)).toHaveLength(1);
        const alive = await Promise.all(ids.map((id) => records.read(id)));
        expect(alive.filter((found) => found !== undefined)).toEqual([record]);
      });

      it('is alive nowhere once it was removed, in 100 races', async () => {
        const back: number[] = [];
        for (let round = 0; round < 100; round += 1) {
          const [before, after, record] = [newId(), newId(), recordOf({ userId: 'mover' })];
          await records.insert(before, record);
          const race: (() => Promise<unknown>)[] = [
            () => records.move(before, after, record),
            () => opened.other.update(before, record),
            () => records.touch(before, record),
          ];
          race.splice(round % 4, 0, () => (round % 2 === 0 ? records : opened.other).remove(before));
          await Promise.all(race.map((run) => run()));
          for (const id of [before, after]) if (recordIn(await records.read(id)) !== undefined) back.push(round);
        }
        expect(back).toEqual([]);
        expect(await records.listByUser('mover')).toEqual([]);
      }, 60_000);
    });

    it('lists the oldest session of a user first', async () => {
      const [ids, userId] = [Array.from({ length: 5 }, newId), newId()];
      const now = Date.now();
      for (const n of [3, 0, 4, 1, 2]) await records.insert(ids[n] ?? '', recordOf({ userId, created: now - 60 + n }));
      expect((await records.listByUser(userId)).map((kept) => kept.id)).toEqual(ids);
    });

    it('lists what cannot be read as well, so that it can be ended', async () => {
      if (opened.corrupt === undefined) return;
      const [id, whole, userId] = [newId(), newId(), newId()];
      const record = recordOf({ userId });
      await records.insert(id, record);
      await records.insert(whole, record);
      await opened.corrupt(id);
      expect(await records.listByUser(userId)).toEqual([
        { id, record: undefined },
        { id: whole, record },
      ]);
      await records.remove(id);
      expect((await records.listByUser(userId)).map((kept) => kept.id)).toEqual([whole]);
    });

    it('tells which of 300 sessions are there', async () => {
      const ids = Array.from({ length: 300 }, newId);
      const record = recordOf();
      await Promise.all(ids.filter((_, n) => n % 3 !== 0).map((id) => records.insert(id, record)));
      await Promise.all(ids.filter((_, n) => n % 3 === 1).map((id) => opened.other.remove(id)));
      const there = ids.filter((_, n) => n % 3 === 2);
      expect(await records.stillThere(ids)).toEqual(new Map(there.map((id) => [id, id])));
      expect(await records.stillThere([])).toEqual(new Map());
    });

    it('takes an unreadable session for one that is there', async () => {
      if (opened.corrupt === undefined) return;
      const id = newId();
      await records.insert(id, recordOf());
      await opened.corrupt(id);
      expect(await records.stillThere([id])).toEqual(new Map([[id, id]]));
      await records.remove(id);
    });

    it('fits, and keeps nothing of the probe', async () => {
      await expect(records.probe()).resolves.toBeUndefined();
    });

    // Source: django/django tests/sessions_tests/tests.py, test_session_save_does_not_resurrect_session_logged_out_in_other_context
    it(`brings no session back in ${ROUNDS} races of a logout against slower requests`, async () => {
      const back: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const [id, record] = [newId(), recordOf({ userId: 'racer' })];
        await records.insert(id, record);
        const race: (() => Promise<unknown>)[] = [
          () => records.update(id, record),
          () => opened.other.update(id, record),
          () => records.touch(id, record),
          () => opened.other.touch(id, record),
        ];
        race.splice(round % (race.length + 1), 0, () => (round % 2 === 0 ? records : opened.other).remove(id));
        await Promise.all(race.map((run) => run()));
        if ((await records.read(id)) !== undefined || (await opened.other.read(id)) !== undefined) back.push(round);
      }
      expect(back).toEqual([]);
      expect(await records.listByUser('racer')).toEqual([]);
    }, 60_000);

    it('ends every session at once, whatever is being written', async () => {
      // Without conditional writes it may take until the next write.
      if (opened.oneMoverWins === false) return;
      const back: number[] = [];
      for (let round = 0; round < howMany(40, 8); round += 1) {
        const [ids, moved] = [Array.from({ length: 6 }, newId), newId()];
        await Promise.all(ids.map((id) => records.insert(id, recordOf({ userId: 'racer' }))));
        const [mover = '', ...writers] = ids;
        await Promise.all([
          records.move(mover, moved, recordOf({ userId: 'racer' })),
          opened.other.removeAll(),
          ...writers.map((id) => records.update(id, recordOf({ userId: 'racer' }))),
        ]);
        if ((await records.stillThere([...ids, moved])).size > 0) back.push(round);
      }
      expect(back).toEqual([]);
    }, 60_000);

    it('ends every session at once', async () => {
      const [ids, userId] = [Array.from({ length: 60 }, newId), newId()];
      await Promise.all(ids.map((id) => records.insert(id, recordOf({ userId }))));
      const moved = newId();
      await records.move(ids[0] ?? '', moved, recordOf({ userId }));
      await opened.other.removeAll();
      expect(await records.stillThere([...ids, moved])).toEqual(new Map());
      expect(await records.listByUser(userId)).toEqual([]);
      expect(await records.update(moved, recordOf())).toBe(false);
    });
  });
}
