import { connect, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { Controller, Inject, Post, Req } from '@nestjs/common';
import { SecureSessions, type SessionOptions } from 'nestjs-secure';
import * as fc from 'fast-check';
import type { SessionRecords } from '../../lib/session/records.js';
import { adapters, createApp, type App } from './applications.js';
import { SCHEDULES } from './everything.js';
import { recordsOf, SECRET } from './sessions.js';

// Random interleavings of requests of two browsers of one user, in two processes on one store, against a model: a session
// is one register, and each request says what it saw of it. What the model cannot know (a request that failed, one that is
// on its way) it lets be either way.

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const IDLE = 30 * MINUTE;
const ABSOLUTE = 12 * 60 * MINUTE;
/** How much earlier than its idle timeout a session may end: not each use is told to the store. */
const EARLY = 2 * MINUTE;
/** How long an old id leads to the session. */
const MOVED = 30 * SECOND;
/** How long a test may take on a busy machine, and while a schedule that failed is shrunk: one takes 10 to 60 milliseconds. */
const PATIENCE = 30 * MINUTE + SCHEDULES.numRuns * (SECOND / 2);

/** What a request does, after it has looked at the session or without that. */
const ACTS = [
  'read',
  'write',
  'save',
  'sign in',
  'sign out',
  'set to null',
  'destroy',
  'start anew',
  'keep',
  'confirm',
  'revoke',
  'write over http',
] as const;
type Act = (typeof ACTS)[number];

/** Acts that end the session of a request, and those that give it another id. */
const ENDING: ReadonlySet<Act> = new Set(['sign in', 'sign out', 'set to null', 'destroy', 'start anew', 'revoke']);
const MOVING: ReadonlySet<Act> = new Set(['keep', 'confirm']);

interface Asked {
  readonly act: Act;
  readonly looks: boolean;
  readonly browser: number;
  readonly process: number;
}

/** Requests that are on their way together, and what happens meanwhile and afterwards. */
interface Batch {
  readonly requests: readonly Asked[];
  /** Which call of the store fails, and whether it has done its work by then. */
  readonly failure: { readonly call: number; readonly done: boolean } | undefined;
  /** By how many milliseconds the clock goes on: while the requests are on their way, and then. */
  readonly during: number;
  readonly after: number;
}

/** What the register of a session was given, and when: never more than known. */
interface Write {
  readonly value: number | null;
  readonly from: number;
  to: number;
}

/** One session, under whatever ids it has had. */
interface Life {
  readonly user: string | null;
  /** Between these times it was made. */
  readonly made: readonly [number, number];
  readonly writes: Write[];
  /** The acknowledged uses: the last of them surely counts. */
  used: number;
  /** The latest moment at which anything could have used it. */
  usable: number;
  /** When the answer that made it had come. */
  readonly known: number;
  /** When an answer said that it has ended; Infinity: none did. */
  ended: number;
  /** When something began that may end it. */
  ending: number;
  /** The cookie of the last answer that gave it one, and when something began that may give it another id. */
  cookie: string;
  moving: number;
  movingClock: number;
  /** A request failed that would have written or moved it. */
  blurred: boolean;
}

interface View {
  readonly user: string | null;
  readonly value: number | null;
}

/** A store that both processes have. */
export interface ModelStore {
  /** The `session` options of each process. */
  readonly options: readonly [Partial<SessionOptions>, Partial<SessionOptions>];
  /** Called once both processes are there. */
  prepare?(records: readonly SessionRecords[]): void;
  /** Holds the calls of the store itself, where it has its turns between them; else each operation is held. */
  hold?(hold: Hold): void;
  /** Nothing in it is atomic over two processes: it may lose what is written meanwhile, and may not fail between two steps. */
  readonly isPlain?: boolean;
  readonly runs?: number;
  close(): Promise<void>;
}

/** Lets a call wait for its turn, before and after. */
export type Hold = <T>(work: () => Promise<T>) => Promise<T>;

/** What the requests of the running schedule wait for. */
let current: Schedule | undefined;
let clock = 0;

/** Lets what is on its way go on, one step at a time, in the order that was drawn. */
class Schedule {
  private readonly blocked: (() => void)[] = [];
  private busy = 0;
  private calls = 0;
  failure: Batch['failure'];
  during = 0;

  constructor(private readonly order: Iterator<number>) {}

  /** Waits for its turn. */
  wait(): Promise<void> {
    return new Promise((resolve) => this.blocked.push(resolve));
  }

  /** Whether the call that comes now is the one that fails. */
  fails(): boolean {
    this.calls += 1;
    return this.failure?.call === this.calls;
  }

  async inStore<T>(work: () => Promise<T>): Promise<T> {
    await this.wait();
    const fails = this.fails();
    if (fails && this.failure?.done === false) throw new Error('the store is away');
    this.busy += 1;
    const result = await work().finally(() => (this.busy -= 1));
    if (fails) throw new Error('the answer of the store was lost');
    await this.wait();
    return result;
  }

  /** Runs until all is done. */
  async run(work: readonly Promise<unknown>[]): Promise<void> {
    this.calls = 0;
    const live = new Set(work);
    for (const one of work) one.then(() => live.delete(one));
    for (let step = 0; live.size > 0; step += 1) {
      await this.untilQuiet(live);
      if (step === 4) clock += this.during;
      const next = this.order.next();
      if (this.blocked.length > 0) this.blocked.splice(Number(next.value) % this.blocked.length, 1)[0]?.();
    }
  }

  /** Until everything that is on its way waits for its turn, or for something else that does. */
  private async untilQuiet(live: ReadonlySet<unknown>): Promise<void> {
    let before = -1;
    for (let same = 0; same < 12 && live.size > this.blocked.length;) {
      await nextTurn();
      const now = this.blocked.length;
      same = now === before && this.busy === 0 && now > 0 ? same + 1 : 0;
      before = now;
    }
  }
}

function pause(): Promise<void> | undefined {
  return current?.wait();
}

type Request = { session: Record<string, unknown> | null; headers: Record<string, string | undefined> };

@Controller()
class ModelController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('act')
  async act(@Req() request: Request): Promise<View> {
    const { act, looks, user, value } = JSON.parse(request.headers['x-act'] ?? '');
    if (looks === true) void request.session?.['value'];
    await pause();
    await this.perform(request, act, user, value);
    await pause();
    const { session } = request;
    return { user: stringIn(session?.['userId']), value: numberIn(session?.['value']) };
  }

  private async perform(request: Request, act: Act, user: string, value: number): Promise<unknown> {
    const { session } = request;
    const call = (method: string): unknown => Reflect.apply(Object(session?.[method]), session, []);
    switch (act) {
      case 'read':
        return undefined;
      case 'write':
      case 'write over http':
      case 'save':
        Object.assign(session ?? {}, { value });
        return act === 'save' ? call('save') : undefined;
      case 'sign in':
        return this.sessions.signIn(request, user);
      case 'sign out':
        return this.sessions.signOut(request);
      case 'set to null':
        request.session = null;
        return undefined;
      case 'destroy':
        return call('destroy');
      case 'start anew':
        return call('regenerate');
      case 'keep':
        return this.sessions.regenerate(request, { keep: true });
      case 'confirm':
        return this.sessions.confirm(request, { userId: user });
      case 'revoke':
        return this.sessions.revokeAll(user);
    }
  }
}

function stringIn(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function numberIn(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

interface Answer {
  readonly status: number;
  readonly cookie: string | undefined;
  readonly expires: boolean;
  readonly view: View;
}

/** A connection that stays, with one request at a time: an HTTP client would take longer than the server. */
class Line {
  private answered: ((text: string) => void) | undefined;
  private text = '';

  constructor(private readonly socket: Socket) {
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('data', (part) => this.take(String(part)));
  }

  ask(head: string): Promise<string> {
    return new Promise((resolve) => {
      this.answered = resolve;
      this.socket.write(head);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private take(part: string): void {
    this.text += part;
    const end = this.text.indexOf('\r\n\r\n');
    const length = /\r\ncontent-length: (\d+)/i.exec(this.text)?.[1];
    if (end === -1 || length === undefined || this.text.length < end + 4 + Number(length)) return;
    const { text } = this;
    this.text = '';
    this.answered?.(text);
  }
}

/** Connections to each process that nobody uses. */
const lines = new Map<number, Line[]>();

async function send(port: number, cookie: string | undefined, act: object, https: boolean): Promise<Answer> {
  const free = lines.get(port) ?? [];
  lines.set(port, free);
  const line = free.pop() ?? new Line(connect({ port, host: '127.0.0.1' }));
  const fields = [
    'POST /act HTTP/1.1',
    'Host: localhost',
    'Content-Length: 0',
    `X-Act: ${JSON.stringify(act)}`,
    ...(https ? ['X-Forwarded-Proto: https'] : []),
    ...(cookie === undefined ? [] : [`Cookie: __Host-sid=${cookie}`]),
  ];
  const text = await line.ask(`${fields.join('\r\n')}\r\n\r\n`);
  free.push(line);
  const status = Number(text.slice(9, 12));
  const value = /\r\nset-cookie: __Host-sid=([^;]*)/i.exec(text)?.[1];
  const view: View = status === 201 ? JSON.parse(text.slice(text.indexOf('\r\n\r\n'))) : { user: null, value: null };
  return { status, cookie: value === '' ? undefined : value, expires: value === '', view };
}

/** The model: what may be, by what has been acknowledged. */
class Model {
  readonly lives = new Map<string, Life>();
  readonly jars: (string | undefined)[] = [undefined, undefined];
  /** From when to when all sessions of the user were being ended. */
  private readonly revocations: { from: number; to: number }[] = [];
  private tick = 0;
  private value = 0;

  constructor(
    private readonly apps: readonly App[],
    private readonly user: string,
    private readonly isPlain: boolean,
  ) {}

  async ask({ act, looks, browser, process }: Asked, hasFailure: boolean, cookie = this.jars[browser]): Promise<void> {
    this.value += 1;
    const { value, user } = this;
    const life = cookie === undefined ? undefined : this.lives.get(cookie);
    const from = (this.tick += 1);
    const begun = clock;
    const https = act !== 'write over http';
    if (https) this.begin(act, life, from, value);
    const app = this.apps[process];
    if (app === undefined) return;
    const answer = await send(app.port, cookie, { act, looks, user, value }, https);
    const to = (this.tick += 1);
    const seen = `${act} of browser ${browser} at ${from} to ${to}: ${JSON.stringify(answer)}`;
    if (!https) {
      if (answer.view.user !== null || answer.view.value !== null) throw new Error(`served over http: ${seen}`);
      if (answer.cookie !== undefined || answer.expires) throw new Error(`a cookie over http: ${seen}`);
      return;
    }
    const isDone = answer.status === 201;
    if (!isDone && !this.mayFail(answer.status, act, life, from, hasFailure)) throw new Error(`failed: ${seen}`);
    this.judge({ act, life, cookie, answer, from, begun, seen });
    this.note({ act, life, cookie, answer, value, from, to, begun, hasFailure });
    if (answer.cookie !== undefined) this.jars[browser] = answer.cookie;
    if (answer.expires) this.jars[browser] = undefined;
  }

  /** What begins may have its effect from now on. */
  private begin(act: Act, life: Life | undefined, from: number, value: number): void {
    if (act === 'revoke') {
      this.revocations.push({ from, to: Infinity });
      for (const one of this.lives.values()) one.ending = Math.min(one.ending, from);
    }
    if (life === undefined) return;
    if (act === 'write' || act === 'save') life.writes.push({ value, from, to: Infinity });
    if (ENDING.has(act)) life.ending = Math.min(life.ending, from);
    if (MOVING.has(act)) {
      life.moving = Math.min(life.moving, from);
      life.movingClock = Math.min(life.movingClock, clock);
    }
  }

  private mayFail(status: number, act: Act, life: Life | undefined, from: number, hasFailure: boolean): boolean {
    if (status === 503) return hasFailure;
    // Only what carries content over throws where the session has ended, and a write to one that has moved.
    const isGone = life === undefined || life.ending < Infinity || clock >= earliestEnd(life) || hasFailure;
    if (act === 'confirm' && status === 403) return isGone || life.user === null || life.moving < from;
    if (MOVING.has(act) && (status === 401 || status === 409)) return isGone || life.moving < Infinity;
    return (act === 'write' || act === 'save') && life !== undefined && life.moving < Infinity && status >= 409;
  }

  /**
   * Whether a request that came with a cookie may have found nothing. Of one that was under way when its session moved, the
   * store may have been asked at last when the old key had ended.
   */
  private mayBeGone(life: Life, cookie: string): boolean {
    if (life.ending < Infinity || life.blurred || clock >= earliestEnd(life)) return true;
    const isOld = cookie !== life.cookie || life.moving < Infinity;
    return isOld && clock >= life.movingClock + MOVED;
  }

  private judge({ act, life, cookie, answer, from, begun, seen }: Seen): void {
    const { view } = answer;
    const makesNew = act === 'sign in' || act === 'start anew';
    if (answer.status !== 201 || makesNew) return;
    const ends = ENDING.has(act) && act !== 'revoke';
    if (ends) {
      if (view.user !== null) throw new Error(`signed in after the end: ${seen}`);
      return;
    }
    if (life === undefined || cookie === undefined) {
      if (view.user !== null) throw new Error(`signed in without a session: ${seen}`);
      return;
    }
    const isShown = view.user !== null || (view.value !== null && act !== 'write' && act !== 'save');
    if (isShown && view.user !== null && view.user !== life.user) throw new Error(`another user: ${seen}`);
    if (isShown && life.ended < from) throw new Error(`resurrected: ${seen}`);
    if (isShown && begun >= latestEnd(life)) throw new Error(`past a timeout: ${seen}`);
    if (this.mayBeGone(life, cookie)) return;
    if (view.user !== life.user) throw new Error(`signed out: ${seen}`);
    const isMove = MOVING.has(act);
    if ((answer.cookie !== undefined && !isMove) || answer.expires) throw new Error(`another cookie: ${seen}`);
    if (act === 'write' || act === 'save') return;
    if (!mayHold(life, view.value, from)) throw new Error(`lost: ${seen}, of ${JSON.stringify(life.writes)}`);
  }

  private note({ act, life, cookie, answer, value, from, to, begun, hasFailure }: Noted): void {
    const isDone = answer.status === 201;
    const writes = act === 'write' || act === 'save';
    // A write to a session that has ended begins another one.
    const isOther = writes && answer.cookie !== undefined;
    if (life !== undefined && !isOther) {
      life.usable = Math.max(life.usable, clock);
      const isSeen = isDone && (answer.view.user !== null || answer.view.value !== null);
      if (isSeen && !hasFailure && !ENDING.has(act)) life.used = Math.max(life.used, begun);
      if (!isDone && (writes || MOVING.has(act)) && answer.status === 503) life.blurred = true;
      const own = cookie === life.cookie && life.moving > from;
      const reaches = own || MOVING.has(act) || clock < life.movingClock + MOVED;
      if (isDone && ENDING.has(act) && act !== 'revoke' && reaches) life.ended = Math.min(life.ended, to);
      const write = life.writes.find((one) => writes && one.from === from);
      if (write !== undefined && isDone) write.to = to;
      else if (MOVING.has(act)) life.writes.push({ value: answer.view.value, from, to: isDone ? to : Infinity });
      // Without conditional writes a use that is noted writes what was read.
      else if (this.isPlain) life.writes.push({ value: answer.view.value, from, to: Infinity });
    }
    const revocation = this.revocations.find((one) => act === 'revoke' && one.from === from);
    if (revocation !== undefined) revocation.to = to;
    if (act === 'revoke' && isDone) {
      for (const one of this.lives.values()) {
        if (one.user !== null && one.known < from) one.ended = Math.min(one.ended, to);
      }
    }
    if (answer.cookie === undefined) return;
    if (MOVING.has(act) && life !== undefined && isDone) {
      life.cookie = answer.cookie;
      this.lives.set(answer.cookie, life);
      return;
    }
    if (this.lives.has(answer.cookie)) return;
    this.lives.set(answer.cookie, {
      user: act === 'sign in' ? this.user : null,
      made: [begun, clock],
      writes: [{ value: writes ? value : null, from, to }],
      used: begun,
      usable: clock,
      known: to,
      ended: Infinity,
      ending: isDone && this.revocations.every((one) => one.to < from) ? Infinity : from,
      cookie: answer.cookie,
      moving: Infinity,
      movingClock: Infinity,
      blurred: !isDone,
    });
  }

  /** When nothing is on its way: what the browsers see. */
  async askBoth(): Promise<void> {
    for (const browser of [0, 1]) await this.ask({ act: 'read', looks: true, process: browser, browser }, false);
  }

  /** What every cookie there ever was leads to. */
  async askAll(): Promise<void> {
    const look = { act: 'read', looks: true } as const;
    for (const cookie of this.lives.keys()) {
      const before = [...this.jars];
      await this.ask({ ...look, process: 1, browser: 0 }, false, cookie);
      this.jars.splice(0, 2, ...before);
    }
  }
}

interface Seen {
  readonly act: Act;
  readonly life: Life | undefined;
  readonly cookie: string | undefined;
  readonly answer: Answer;
  readonly from: number;
  readonly begun: number;
  readonly seen: string;
}

interface Noted extends Omit<Seen, 'seen'> {
  readonly value: number;
  readonly to: number;
  readonly hasFailure: boolean;
}

/** A session may have this value where no write that was done before the request has followed the one that gave it. */
function mayHold({ writes }: Life, value: number | null, from: number): boolean {
  return writes.some(
    (write) =>
      write.value === value && !writes.some((later) => later.from > write.to && later.to < from && later !== write),
  );
}

function latestEnd({ made, usable }: Life): number {
  return Math.min(usable + IDLE, made[1] + ABSOLUTE);
}

function earliestEnd({ made, used }: Life): number {
  return Math.min(used + IDLE - EARLY, made[0] + ABSOLUTE);
}

const request: fc.Arbitrary<Asked> = fc.record({
  act: fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...ACTS) }, fc.constantFrom('read', 'write', 'keep')),
  looks: fc.boolean(),
  browser: fc.nat(1),
  process: fc.nat(1),
});

const later = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  fc.constantFrom(20 * SECOND, 31 * SECOND, 5 * MINUTE, 20 * MINUTE, IDLE + MINUTE, 3 * 60 * MINUTE, ABSOLUTE),
);

const batch: fc.Arbitrary<Batch> = fc.record({
  requests: fc.array(request, { minLength: 1, maxLength: 3 }),
  failure: fc.option(fc.record({ call: fc.nat(6), done: fc.boolean() }), { freq: 4, nil: undefined }),
  during: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, later),
  after: later,
});

/** Two processes, one on each adapter, against the model; `open` opens the store they share. */
export function describeModel(name: string, open: () => Promise<ModelStore>): void {
  describe(`sessions in ${name}, two processes`, () => {
    it(
      `are never resurrected, lost, served over http, alive past a timeout, or signed out by a parallel request, in ${SCHEDULES.numRuns} schedules`,
      async () => {
        clock = Date.now();
        const now = jest.spyOn(Date, 'now').mockImplementation(() => clock);
        const store = await open();
        const apps: App[] = [];
        try {
          for (const [at, [, newAdapter]] of adapters.entries()) {
            const session = { secret: SECRET, idleTimeout: IDLE, absoluteTimeout: ABSOLUTE, ...store.options[at] };
            apps.push(await createApp(newAdapter, { controllers: [ModelController], options: { session } }));
          }
          const hold: Hold = (work) => (current === undefined ? work() : current.inStore(work));
          store.prepare?.(apps.map(recordsOf));
          if (store.hold === undefined) for (const app of apps) holdRecords(recordsOf(app), hold);
          else store.hold(hold);
          let schedules = 0;
          await fc.assert(
            fc.asyncProperty(
              fc.array(batch, { minLength: 1, maxLength: 3 }),
              fc.infiniteStream(fc.nat(11)),
              async (batches, order) => {
                schedules += 1;
                const model = new Model(apps, `user ${schedules}`, store.isPlain === true);
                const schedule = new Schedule(order[Symbol.iterator]());
                const signIn = { act: 'sign in', looks: false, browser: 0, process: schedules % 2 } as const;
                await model.ask(signIn, false);
                for (const { requests, failure, during, after } of batches) {
                  const fails = store.isPlain === true ? undefined : failure;
                  Object.assign(schedule, { failure: fails, during });
                  current = schedule;
                  const asked = (store.isPlain === true ? withOneMaker(requests) : requests).map((one) =>
                    model.ask(one, fails !== undefined),
                  );
                  const settled = Promise.allSettled(asked);
                  await schedule.run(asked.map((one) => one.catch(() => undefined)));
                  current = undefined;
                  for (const result of await settled) if (result.status === 'rejected') throw result.reason;
                  clock += after;
                  await model.askBoth();
                }
                await model.askAll();
              },
            ),
            { numRuns: store.runs ?? SCHEDULES.numRuns },
          );
        } finally {
          current = undefined;
          for (const line of [...lines.values()].flat()) line.close();
          lines.clear();
          for (const app of apps) await app.nest.close();
          await store.close();
          now.mockRestore();
        }
      },
      PATIENCE,
    );
  });
}

/** In a store where nothing is atomic, two that move one session at the same moment may both do so, and of two that are made one may not be listed. */
function withOneMaker(requests: readonly Asked[]): readonly Asked[] {
  const makes = ({ act }: Asked): boolean => MOVING.has(act) || act === 'sign in';
  const first = requests.findIndex(makes);
  return requests.filter((one, at) => at === first || !makes(one));
}

const HELD = ['read', 'insert', 'update', 'touch', 'move', 'remove', 'listByUser'] as const;

/** Each operation of a store waits for its turn, before and after. */
function holdRecords(records: SessionRecords, hold: Hold): void {
  const readNow = records.readNow?.bind(records);
  if (readNow !== undefined) {
    records.readNow = (id) => {
      if (current?.fails() === true) throw new Error('the store is away');
      return readNow(id);
    };
  }
  for (const name of HELD) {
    const method: Function = records[name];
    Reflect.set(records, name, (...given: unknown[]) =>
      hold(async () => {
        const result: unknown = await Reflect.apply(method, records, given);
        return result;
      }),
    );
  }
}
