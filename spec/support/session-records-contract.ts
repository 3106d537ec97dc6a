import type { SessionRecord, PresentRecords } from '../../lib/session/records.js';

/** A store under test. */
export interface OpenedRecords {
  readonly records: PresentRecords;
  /** The same store once more, as another client of it has it; the same object where the store has one client. */
  readonly other: PresentRecords;
  /** Writes over a session what nobody can read. */
  corrupt(id: string): Promise<void>;
  close(): Promise<void>;
}

/** Opens a store; `now` is its clock. */
export type OpenRecords = (now: () => number) => Promise<OpenedRecords>;

const MINUTE = 60_000;
const ROUNDS = 1_000;

let made = 0;

/** An id no other test has. */
export function newId(): string {
  made += 1;
  return `id-${process.pid}-${made}`;
}

/** A session of now that ends in half an hour. */
export function recordOf(parts: Partial<SessionRecord> = {}): SessionRecord {
  const now = Date.now();
  return { created: now, seen: now, expires: now + 30 * MINUTE, userId: undefined, data: dataOf({}), ...parts };
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
    let records: PresentRecords;

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
      const first = await records.read(id);
      const list: unknown = first?.data['list'];
      if (Array.isArray(list)) list.push(2);
      expect((await records.read(id))?.data['list']).toEqual([1]);
    });

    it('never makes a session by an update', async () => {
      const id = newId();
      expect(await records.update(id, recordOf({ userId: id }))).toBe(false);
      expect(await records.read(id)).toBeUndefined();
      expect(await records.listOf(id)).toEqual([]);
    });

    it('never makes a session by a touch', async () => {
      const id = newId();
      await records.touch(id, recordOf({ userId: id }));
      expect(await records.read(id)).toBeUndefined();
      expect(await records.listOf(id)).toEqual([]);
    });

    it('does not know a session that was removed', async () => {
      const id = newId();
      await records.insert(id, recordOf({ userId: id }));
      await opened.other.remove(id);
      expect(await records.read(id)).toBeUndefined();
      expect(await records.listOf(id)).toEqual([]);
    });

    it('does not bring a removed session back by an update or a touch', async () => {
      const [id, record] = [newId(), recordOf({ userId: '7' })];
      await records.insert(id, record);
      await opened.other.remove(id);
      expect(await records.update(id, record)).toBe(false);
      await records.touch(id, record);
      expect(await records.read(id)).toBeUndefined();
      expect((await records.listOf('7')).map((kept) => kept.id)).not.toContain(id);
    });

    it('removes what is not there without a word', async () => {
      await expect(records.remove(newId())).resolves.toBeUndefined();
    });

    it('moves the times of a session by a touch', async () => {
      const [id, record] = [newId(), recordOf()];
      await records.insert(id, record);
      const later = { seen: record.seen + MINUTE, expires: record.expires + MINUTE };
      await records.touch(id, { ...record, ...later });
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
      expect((await records.listOf(record.userId ?? '')).map((kept) => kept.id)).toEqual([id]);
    });

    it('holds nothing that has ended in the list of a user', async () => {
      const [id, userId] = [newId(), newId()];
      await records.insert(id, recordOf({ userId }));
      ahead = 31 * MINUTE;
      expect(await records.listOf(userId)).toEqual([]);
    });

    it.each(users)('lists the sessions of a user whose id is %s, and of nobody else', async (_what, userId) => {
      const [first, second, another] = [newId(), newId(), newId()];
      const before = new Set((await records.listOf(userId)).map((kept) => kept.id));
      await records.insert(first, recordOf({ userId }));
      await opened.other.insert(second, recordOf({ userId }));
      await records.insert(another, recordOf({ userId: `${userId}0` }));
      const listed = (await records.listOf(userId)).filter((kept) => !before.has(kept.id));
      expect(listed.map((kept) => kept.id).toSorted()).toEqual([first, second].toSorted());
      expect(listed[0]?.record.userId).toBe(userId);
    });

    it('lists a session under its user once, however often it is written', async () => {
      const [id, userId] = [newId(), newId()];
      const record = recordOf({ userId });
      await records.insert(id, record);
      await records.update(id, record);
      await records.touch(id, record);
      expect(await records.listOf(userId)).toEqual([{ id, record }]);
    });

    it('lists a session under the user it has now', async () => {
      const [id, ann, bob] = [newId(), newId(), newId()];
      await records.insert(id, recordOf());
      await records.update(id, recordOf({ userId: ann }));
      await records.update(id, recordOf({ userId: bob }));
      expect(await records.listOf(ann)).toEqual([]);
      expect((await records.listOf(bob)).map((kept) => kept.id)).toEqual([id]);
      await records.update(id, recordOf());
      expect(await records.listOf(bob)).toEqual([]);
    });

    it('misses none of 20 sign-ins of one user at once', async () => {
      const userId = newId();
      const ids = Array.from({ length: 20 }, newId);
      await Promise.all(ids.map((id) => records.insert(id, recordOf({ userId }))));
      expect((await records.listOf(userId)).map((kept) => kept.id).toSorted()).toEqual(ids.toSorted());
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

    it('does not know a session that cannot be read', async () => {
      const [id, userId] = [newId(), newId()];
      const whole = newId();
      await records.insert(id, recordOf({ userId }));
      await records.insert(whole, recordOf({ userId }));
      await opened.corrupt(id);
      expect(await records.read(id)).toBeUndefined();
      expect((await records.listOf(userId)).map((kept) => kept.id)).toEqual([whole]);
      await expect(records.remove(id)).resolves.toBeUndefined();
      expect(await records.read(id)).toBeUndefined();
    });

    // Source: django/django tests/sessions_tests/tests.py, test_session_save_does_not_resurrect_session_logged_out_in_other_context
    it(`brings no session back in ${ROUNDS} races of a logout against slower requests`, async () => {
      const back: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const [id, record] = [newId(), recordOf({ userId: 'racer' })];
        await records.insert(id, record);
        const race = [
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
      expect(await records.listOf('racer')).toEqual([]);
    }, 60_000);
  });
}
