import * as fc from 'fast-check';
import type { SessionStore } from '../../lib/options/session-options.js';
import { CookieTags } from '../../lib/session/cookie-tag.js';
import { EndedIds } from '../../lib/session/ended-ids.js';
import { MemoryRecords } from '../../lib/session/memory-records.js';
import { isMoved, type SessionRecords } from '../../lib/session/records.js';
import { SessionAdopter } from '../../lib/session/session-adopter.js';
import { ForeignStoreRecords } from '../../lib/session/foreign-store-records.js';
import { compileSession } from '../../lib/settings/session-settings.js';
import { howMany } from '../support/everything.js';
import { SECRET } from '../support/sessions.js';

const SCHEDULES = Number(process.env['SCHEDULES'] ?? howMany(5_000, 200));

type Callback = (error?: unknown, found?: object | null) => void;

/** A store whose every answer comes when the schedule says so. */
class ScheduledStore implements SessionStore {
  readonly kept = new Map<string, string>();

  constructor(private readonly turn: () => Promise<unknown>) {}

  get(id: string, callback: Callback): void {
    void this.turn().then(() => callback(null, JSON.parse(this.kept.get(id) ?? 'null')));
  }

  set(id: string, session: object, callback: Callback = () => undefined): void {
    const text = JSON.stringify(session);
    void this.turn().then(() => {
      this.kept.set(id, text);
      callback();
    });
  }

  destroy(id: string, callback: Callback = () => undefined): void {
    void this.turn().then(() => {
      this.kept.delete(id);
      callback();
    });
  }
}

/** Conditional writes, each of which happens when the schedule says so. */
function scheduled(records: SessionRecords, turn: () => Promise<unknown>): SessionRecords {
  return new Proxy(records, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return async (...given: unknown[]) => {
        await turn();
        return Reflect.apply(method, target, given);
      };
    },
  });
}

/** Several requests of a browser in two processes, one of which may sign out as soon as it is served. */
const requests = fc.array(fc.record({ process: fc.nat(1), signsOut: fc.boolean() }), { minLength: 2, maxLength: 4 });

/** What a schedule has come to. */
interface Outcome {
  readonly keys: ReadonlySet<string>;
  readonly served: number;
  readonly signedOut: boolean;
  /** Requests that began after a sign-out was acknowledged, and were served all the same. */
  readonly revived: number;
  readonly alive: boolean;
  readonly oldIsThere: boolean;
}

async function play(
  scheduler: fc.Scheduler,
  asked: readonly { process: number; signsOut: boolean }[],
  open: (turn: () => Promise<unknown>) => readonly [SessionRecords, SessionRecords],
): Promise<Outcome> {
  const turn = (): Promise<unknown> => scheduler.schedule(Promise.resolve());
  const old = new ScheduledStore(turn);
  old.kept.set('old', '{"cookie":{},"userId":"ada"}');
  const settings = compileSession({ secret: SECRET, adopt: { secret: 'old', store: old, until: '2999-01-01' } }, true);
  if (settings.adopt === undefined) throw new Error('There is an old engine.');
  const { adopt } = settings;
  const processes = open(turn).map((records) => {
    const tags = new CookieTags([SECRET]);
    return { records, adopter: new SessionAdopter(adopt, records, settings, tags, new EndedIds(), turn) };
  });
  const keys = new Set<string>();
  let [served, revived, signedOut] = [0, 0, false];

  async function visit(request: { process: number; signsOut: boolean }): Promise<void> {
    await turn();
    const wasSignedOut = signedOut;
    const at = processes[request.process];
    const { ticket } = (await at?.adopter.adopt('old')) ?? {};
    if (at === undefined || ticket === undefined) return;
    keys.add(ticket.key);
    const found = await at.records.read(ticket.key);
    if (found === undefined || isMoved(found)) return;
    served += 1;
    if (wasSignedOut) revived += 1;
    if (!request.signsOut) return;
    await at.records.remove(ticket.key);
    signedOut = true;
  }

  // The last two come when all is over, or so it seems.
  const late = asked.slice(0, 1);
  await scheduler.waitFor(Promise.all(asked.map(visit)).then(() => Promise.all(late.map(visit))));
  const [key = ''] = keys;
  const found = await scheduler.waitFor(processes[0]?.records.read(key) ?? Promise.resolve(undefined));
  return { keys, served, signedOut, revived, alive: found !== undefined, oldIsThere: old.kept.has('old') };
}

describe('a session that another process has claimed', () => {
  function adopterWith(records: SessionRecords, old: SessionStore, pause: () => Promise<unknown>) {
    const settings = compileSession(
      { secret: SECRET, adopt: { secret: 'old', store: old, until: '2999-01-01' } },
      true,
    );
    if (settings.adopt === undefined) throw new Error('There is an old engine.');
    return new SessionAdopter(settings.adopt, records, settings, new CookieTags([SECRET]), new EndedIds(), pause);
  }

  function oldStore(): ScheduledStore {
    const old = new ScheduledStore(() => Promise.resolve());
    old.kept.set('old', '{"cookie":{},"userId":"ada"}');
    return old;
  }

  /** Claims it, and stops where it reads the old record again. Gives what has that read fail. */
  async function claimed(records: SessionRecords): Promise<() => void> {
    const reads: Callback[] = [];
    const store: SessionStore = Object.assign(oldStore(), {
      get(_id: string, done: Callback): void {
        if (reads.push(done) === 1) done(null, { cookie: {}, userId: 'ada' });
      },
    });
    const adopting = adopterWith(records, store, () => Promise.resolve()).adopt('old');
    adopting.catch(() => undefined);
    while (reads.length < 2) await new Promise(setImmediate);
    return () => reads[1]?.(new Error('the old store is down'));
  }

  it('is a failure where that process does not finish, and no visitor who is signed out', async () => {
    const records = new MemoryRecords();
    const fail = await claimed(records);
    const adopter = adopterWith(records, oldStore(), () => Promise.resolve());
    await expect(adopter.adopt('old')).rejects.toThrow('another process');
    fail();
    await records.close();
  });

  it('is a failure where that process fails, and is moved in by the next request', async () => {
    const records = new MemoryRecords();
    const fail = await claimed(records);
    const adopter = adopterWith(records, oldStore(), async () => {
      fail();
      await new Promise(setImmediate);
    });
    await expect(adopter.adopt('old')).rejects.toThrow('another process');
    expect(await adopter.adopt('old')).toBeDefined();
    await records.close();
  });
});

describe(`in ${SCHEDULES} schedules of requests in two processes, a session that is moved in`, () => {
  it.each<
    [
      store: string,
      mayRevive: boolean,
      open: (turn: () => Promise<unknown>) => readonly [SessionRecords, SessionRecords],
    ]
  >([
    [
      'with conditional writes',
      false,
      (turn) => {
        const shared = scheduled(new MemoryRecords(), turn);
        return [shared, shared];
      },
    ],
    [
      // Between a write that comes too late and the look that takes it back, a request may find the session.
      'with get, set and destroy, once all is done',
      true,
      (turn) => {
        const shared = new ScheduledStore(turn);
        return [new ForeignStoreRecords(shared), new ForeignStoreRecords(shared)];
      },
    ],
  ])(
    'in a store %s, is one, and stays signed out',
    async (_store, mayRevive, open) => {
      await fc.assert(
        fc.asyncProperty(fc.scheduler(), requests, async (scheduler, asked) => {
          const { keys, served, signedOut, revived, alive, oldIsThere } = await play(scheduler, asked, open);
          expect(keys.size).toBe(1);
          expect(oldIsThere).toBe(false);
          expect(served).toBeGreaterThan(0);
          if (!mayRevive) expect(revived).toBe(0);
          expect(alive).toBe(!signedOut);
        }),
        { numRuns: SCHEDULES },
      );
    },
    300_000,
  );
});
