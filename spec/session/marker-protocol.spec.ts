import * as fc from 'fast-check';
import { isMoved, type SessionRecords } from '../../lib/session/records.js';
import { ForeignStoreRecords } from '../../lib/session/foreign-store-records.js';
import type { SessionStore } from '../../lib/options/session-options.js';
import { howMany } from '../support/everything.js';
import { recordOf } from '../support/session-records-contract.js';

const SCHEDULES = howMany(20_000, 200);

type Callback = (error?: unknown, found?: object | null) => void;

/** A store whose every answer comes when the schedule says so. */
class ScheduledStore implements SessionStore {
  readonly kept = new Map<string, string>();

  constructor(private readonly scheduler: fc.Scheduler) {}

  get(id: string, callback: Callback): void {
    this.step(() => {
      const text = this.kept.get(id);
      callback(null, text === undefined ? null : JSON.parse(text));
    });
  }

  set(id: string, session: object, callback: Callback = () => undefined): void {
    const text = JSON.stringify(session);
    this.step(() => {
      this.kept.set(id, text);
      callback();
    });
  }

  destroy(id: string, callback: Callback = () => undefined): void {
    this.step(() => {
      this.kept.delete(id);
      callback();
    });
  }

  private step(work: () => void): void {
    void this.scheduler.schedule(Promise.resolve()).then(work);
  }
}

async function isAlive(kept: ReadonlyMap<string, string>, id: string): Promise<boolean> {
  const found = await new ForeignStoreRecords(storeOn(kept)).read(id);
  return found !== undefined && !isMoved(found);
}

function storeOn(kept: ReadonlyMap<string, string>): SessionStore {
  return {
    get: (id, callback) => callback(null, JSON.parse(kept.get(id) ?? 'null')),
    set: () => undefined,
    destroy: () => undefined,
  };
}

type Work = (records: SessionRecords) => Promise<unknown>;

const record = recordOf();
const works: Record<string, Work> = {
  update: (records) => records.update('old', record),
  touch: (records) => records.touch('old', record),
  read: (records) => records.read('old'),
};

/** What else happens, and in which of two processes each thing does. */
const others = fc.array(fc.tuple(fc.constantFrom(...Object.keys(works)), fc.boolean()), { minLength: 1, maxLength: 3 });

describe('the order of steps in a store with get, set and destroy only', () => {
  it(`brings no session back in ${SCHEDULES} schedules of moves, writes and a removal in two processes`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        others,
        fc.boolean(),
        fc.boolean(),
        async (scheduler, more, moverIs, enderIs) => {
          const store = new ScheduledStore(scheduler);
          const processes = [new ForeignStoreRecords(store), new ForeignStoreRecords(store)] as const;
          const at = (which: boolean): SessionRecords => processes[which ? 0 : 1];
          const inserted = at(true).insert('old', record);
          await scheduler.waitFor(inserted);
          const running = [
            at(moverIs).move('old', 'new', record),
            at(enderIs).remove('old'),
            at(!enderIs).update('old', record),
            ...more.map(([name, where]) => works[name]?.(at(where))),
          ];
          await scheduler.waitFor(Promise.all(running));
          expect([await isAlive(store.kept, 'old'), await isAlive(store.kept, 'new')]).toEqual([false, false]);
        },
      ),
      { numRuns: SCHEDULES },
    );
  }, 600_000);

  it(`loses no session in ${SCHEDULES} schedules of a move and writes in two processes`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), others, fc.boolean(), async (scheduler, more, moverIs) => {
        const store = new ScheduledStore(scheduler);
        const processes = [new ForeignStoreRecords(store), new ForeignStoreRecords(store)] as const;
        const at = (which: boolean): SessionRecords => processes[which ? 0 : 1];
        await scheduler.waitFor(at(true).insert('old', record));
        const moved = at(moverIs).move('old', 'new', record);
        await scheduler.waitFor(Promise.all([moved, ...more.map(([name, where]) => works[name]?.(at(where)))]));
        expect(await moved).toBe(true);
        expect([await isAlive(store.kept, 'old'), await isAlive(store.kept, 'new')]).toEqual([false, true]);
      }),
      { numRuns: SCHEDULES },
    );
  }, 600_000);
});
