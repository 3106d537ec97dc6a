import { isMoved, OutOfStepError, type SessionRecords } from '../../lib/session/records.js';
import { newId, recordOf } from './session-records-contract.js';

/** Stands where the answers of a store arrive: notes them, and can put another in the place of one. */
export class Answers {
  readonly noted: unknown[] = [];
  private exchanged: { place: number; by: unknown } | undefined;
  private place = 0;

  /** What the caller gets. */
  pass(answer: unknown): unknown {
    const { exchanged } = this;
    this.noted.push(structuredClone(answer));
    this.place += 1;
    return exchanged !== undefined && this.place === exchanged.place ? structuredClone(exchanged.by) : answer;
  }

  /** Of the answers from now on, gives another in the place of one, the first being 1. */
  exchange(place: number, by: unknown): void {
    this.place = 0;
    this.exchanged = { place, by };
  }

  /** Whether that many answers have come since. Ends the exchange. */
  mend(): boolean {
    const { exchanged } = this;
    this.exchanged = undefined;
    return exchanged !== undefined && this.place >= exchanged.place;
  }
}

/** A store, and where its answers arrive. */
export interface OpenedAnswers {
  readonly records: SessionRecords;
  readonly answers: Answers;
  /** Whether an answer says nothing: it may be of any id. */
  saysNothing(answer: unknown): boolean;
  close(): unknown;
}

type Act = (records: SessionRecords, id: string, record: ReturnType<typeof recordOf>) => Promise<unknown>;

const ACTS: Readonly<Record<string, Act>> = {
  read: (records, id) => records.read(id),
  insert: (records, _id, record) => records.insert(newId(), record, true),
  update: (records, id, record) => records.update(id, record),
  touch: (records, id, record) => records.touch(id, record),
  move: (records, id, record) => records.move(id, newId(), record),
  remove: (records, id) => records.remove(id),
  listByUser: (records, _id, { userId = '' }) => records.listByUser(userId),
  stillThere: (records, id) => records.stillThere([id]),
};

/** What holds for every store over a connection, whichever answer it gives to whichever question. */
export function describeOutOfStep(open: () => Promise<OpenedAnswers>): void {
  const bob = { live: newId(), old: newId(), next: newId(), record: recordOf({ userId: 'bob' }) };
  let opened: OpenedAnswers;
  let others: unknown[];

  beforeAll(async () => {
    opened = await open();
    const { records, answers } = opened;
    const { live, old, next, record } = bob;
    answers.noted.length = 0;
    await records.insert(live, record);
    await records.insert(old, record);
    await records.move(old, next, record);
    for (const id of [live, old])
      for (const act of ['read', 'stillThere', 'touch']) await ACTS[act]?.(records, id, record);
    await records.listByUser('bob');
    await records.remove(old);
    others = [...new Map(answers.noted.map((answer) => [JSON.stringify(answer), answer])).values()].filter(
      (answer) => !opened.saysNothing(answer),
    );
    // What the answers lead to is there.
    await records.insert(next, record);
  });

  afterAll(() => opened.close());

  it.each(Object.entries(ACTS))('%s gives and ends nothing of another', async (name, act) => {
    const { records, answers } = opened;
    let exchanges = 0;
    for (let place = 1, isAsked = true; isAsked; place += 1) {
      for (const other of others) {
        const [id, record] = [newId(), recordOf({ userId: newId() })];
        await records.insert(id, record);
        answers.exchange(place, other);
        const result = await act(records, id, record).catch((error: unknown) => error);
        isAsked = answers.mend();
        if (!isAsked) break;
        exchanges += 1;
        // An answer that is not looked at does no harm.
        if (!(result instanceof OutOfStepError)) expect(result).toEqual(await act(records, id, record));
        expect(JSON.stringify(result)).not.toContain('bob');
        if (name !== 'remove') expect((await records.stillThere([id])).size).toBe(1);
        else expect(await isAlive(records, id)).toBe(false);
        expect([await isAlive(records, bob.live), await isAlive(records, bob.next)]).toEqual([true, true]);
      }
    }
    expect(others.length).toBeGreaterThan(2);
    expect(exchanges).toBeGreaterThanOrEqual(others.length);
  });
}

async function isAlive(records: SessionRecords, id: string): Promise<boolean> {
  const found = await records.read(id);
  return found !== undefined && !isMoved(found);
}
