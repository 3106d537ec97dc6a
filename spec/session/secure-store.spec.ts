import express, { type Request, type Response } from 'express';
import expressSession, { type Session, type SessionData, type Store } from 'express-session';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as ask, type Server } from 'node:http';
import type { PresentSession, SessionRecord, PresentRecords, SessionUse } from '../../lib/session/records.js';
import { createSecureStore, hashedId, userIdOf, type SecureStore } from '../../lib/session/secure-store.js';
import { recordOf } from '../support/session-records-contract.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SECRET = 'a secret of the test, long enough for it';

/** Records in memory, as a table test wants them: every call is noted, and can be made to wait or to fail. */
class NotedRecords implements PresentRecords {
  readonly kept = new Map<string, SessionRecord>();
  readonly calls: string[] = [];
  /** What a call waits for, or fails with. */
  before: (name: string) => Promise<void> | void = () => undefined;

  async read(id: string): Promise<SessionRecord | undefined> {
    await this.note('read');
    return structuredClone(this.kept.get(id));
  }
  async insert(id: string, record: SessionRecord): Promise<void> {
    await this.note('insert');
    this.kept.set(id, record);
  }
  async update(id: string, record: SessionRecord): Promise<boolean> {
    await this.note('update');
    if (!this.kept.has(id)) return false;
    this.kept.set(id, record);
    return true;
  }
  async touch(id: string, { seen, expires }: SessionUse): Promise<void> {
    await this.note('touch');
    const record = this.kept.get(id);
    if (record !== undefined) this.kept.set(id, { ...record, seen, expires });
  }
  async remove(id: string): Promise<void> {
    await this.note('remove');
    this.kept.delete(id);
  }
  async listOf(): Promise<readonly PresentSession[]> {
    return [];
  }
  async close(): Promise<void> {}

  private async note(name: string): Promise<void> {
    this.calls.push(name);
    await this.before(name);
  }
}

let now: number;
let records: NotedRecords;
let secureStore: SecureStore;
let store: Store;
let changed: object[];

function create(
  given: PresentRecords = records,
  userChanged: (session: object) => void = (session) => void changed.push(session),
): void {
  const lifetimes = { idleTimeout: 30 * MINUTE, absoluteTimeout: 12 * HOUR };
  secureStore = createSecureStore(expressSession.Store, given, lifetimes, { userChanged }, () => now);
  store = secureStore.store;
  // The engine gives the store its generate().
  expressSession({ store, secret: SECRET, resave: false, saveUninitialized: false });
}

beforeEach(() => {
  now = Date.now();
  records = new NotedRecords();
  changed = [];
  create();
});

/** A session that nobody has had before. */
function newSession(): Session & SessionData {
  const request: { session?: Session & SessionData } = {};
  Object.assign(request, { connection: { encrypted: true }, sessionStore: store });
  Reflect.apply(Reflect.get(store, 'generate'), store, [request]);
  if (request.session === undefined) throw new Error('no session was made');
  return request.session;
}

/** A session as a further request has it. */
async function load(id: string): Promise<Session & SessionData> {
  const session = await find(id);
  if (session === undefined) throw new Error('no session was found');
  return session;
}

function find(id: string): Promise<(Session & SessionData) | undefined> {
  return new Promise((resolve, reject) => {
    store.load(id, (error, data) => {
      if (error) reject(error);
      else resolve(data === undefined || data === null ? undefined : asSession(data));
    });
  });
}

function asSession(data: SessionData): Session & SessionData {
  const isSession = (value: SessionData): value is Session & SessionData => 'save' in value;
  if (isSession(data)) return data;
  throw new Error('the engine made no session');
}

/** Calls a method of a session, and waits until it calls back. */
function call(session: Session, name: 'save' | 'destroy' | 'reload' | 'regenerate'): Promise<void> {
  return new Promise((resolve, reject) => {
    session[name]((error: unknown) => (error === undefined || error === null ? resolve() : reject(error)));
  });
}

function touch(session: Session & SessionData): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: unknown): void => (error === undefined || error === null ? resolve() : reject(error));
    store.touch?.(session.id, session, done);
  });
}

/** Saves a new session with this content, and gives its id. */
async function begin(content: object = { n: 1 }): Promise<string> {
  const session = newSession();
  Object.assign(session, content);
  await call(session, 'save');
  return session.id;
}

function keptOf(id: string): SessionRecord | undefined {
  return records.kept.get(hashedId(id));
}

describe('the id of a session', () => {
  it('is kept as its SHA-256, never as itself', async () => {
    const id = await begin({ userId: 7 });
    expect([...records.kept.keys()]).toEqual([createHash('sha256').update(id).digest('base64url')]);
    expect(JSON.stringify([...records.kept])).not.toContain(id);
  });

  it('is not found by its hash', async () => {
    const id = await begin();
    expect(await find(hashedId(id))).toBeUndefined();
  });
});

describe('what is kept of a session', () => {
  it('is what was in it when it was saved, with its cookie, its times and its user', async () => {
    const session = newSession();
    Object.assign(session, { userId: 7, cart: ['book'], when: new Date(0) });
    const saved = call(session, 'save');
    Object.assign(session, { cart: [] });
    await saved;
    const { cookie, ...content } = keptOf(session.id)?.data ?? {};
    expect(keptOf(session.id)).toMatchObject({ created: now, seen: now, expires: now + 30 * MINUTE, userId: '7' });
    expect(content).toEqual({ userId: 7, cart: ['book'], when: '1970-01-01T00:00:00.000Z' });
    expect(cookie).toMatchObject({ path: '/', httpOnly: true, originalMaxAge: null });
  });

  it.each([
    ['1 MB', 'x'.repeat(1_000_000)],
    ['characters of many bytes', '\u6f22\u5b57 \u{1f469}\u200d\u{1f467}'],
    ['U+0000 and half of a surrogate pair', '\u0000\ud800'],
  ])('comes back with %s', async (_what, text) => {
    const id = await begin({ text });
    expect(Reflect.get(await load(id), 'text')).toBe(text);
  });

  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  it.each([
    ['a circle', circle],
    ['a bigint', { amount: 1n }],
  ])('cannot be %s: the save says so, and throws nothing', async (_what, content) => {
    const session = newSession();
    Object.assign(session, { content });
    await expect(call(session, 'save')).rejects.toThrow(TypeError);
    expect(records.calls).toEqual([]);
  });

  it.each([
    ['a cookie', {}],
    ['a cookie that is an object', { cookie: 'sid=1' }],
    ['a cookie that is there', { cookie: null }],
  ])('is no session without %s', async (_what, data) => {
    // Source: django/django tests/sessions_tests/tests.py, test_decode_failure_logged_to_security
    records.kept.set(hashedId('planted'), { ...recordOf(), data });
    expect(await find('planted')).toBeUndefined();
  });
});

describe('the user of a session', () => {
  it.each<[what: string, session: object, userId: string | undefined]>([
    ['a text', { userId: 'ann' }, 'ann'],
    ['a number', { userId: 7 }, '7'],
    ['0', { userId: 0 }, '0'],
    ['an object with an id', { userId: { id: 7, name: 'Ann' } }, '7'],
    ['the text of Passport', { passport: { user: 'ann' } }, 'ann'],
    ['the number of Passport', { passport: { user: 7 } }, '7'],
    ['the object of Passport', { passport: { user: { id: 7, username: 'ann' } } }, '7'],
    ['the one of signIn before the one of Passport', { userId: 'ann', passport: { user: 'bob' } }, 'ann'],
    ['nobody', {}, undefined],
    ['nobody, where Passport has none', { passport: {} }, undefined],
    ['nobody, where there is an empty text', { userId: '' }, undefined],
    ['nobody, where there is null', { userId: null, passport: null }, undefined],
    ['nobody, where there is true', { userId: true }, undefined],
    ['nobody, where an object has no id', { passport: { user: { name: 'Ann' } } }, undefined],
  ])('is %s', (_what, session, userId) => {
    expect(userIdOf(session)).toBe(userId);
  });

  it('is what JSON makes of it, as it will be when the session is read', async () => {
    const objectId = { toJSON: () => '507f1f77bcf86cd799439011' };
    expect(keptOf(await begin({ userId: objectId }))?.userId).toBe('507f1f77bcf86cd799439011');
    expect(keptOf(await begin({ userId: Number.NaN }))?.userId).toBeUndefined();
  });
});

describe('the times of a session', () => {
  // Source: expressjs/session test/session.js, "session expired in store, new sid"
  it('end it after 30 minutes without a request', async () => {
    const id = await begin();
    now += 30 * MINUTE - 1;
    expect(await find(id)).toBeDefined();
    now += 1;
    expect(await find(id)).toBeUndefined();
  });

  it('move with every use', async () => {
    const id = await begin();
    for (let use = 0; use < 5; use += 1) {
      now += 20 * MINUTE;
      await touch(await load(id));
    }
    expect(keptOf(id)).toMatchObject({ seen: now, expires: now + 30 * MINUTE, created: now - 100 * MINUTE });
  });

  it('end it after 12 hours whatever happens', async () => {
    const id = await begin();
    for (let use = 0; use < 35; use += 1) {
      now += 20 * MINUTE;
      const session = await load(id);
      if (use % 2 === 0) await touch(session);
      else await call(session, 'save');
    }
    expect(keptOf(id)?.expires).toBe(now + 20 * MINUTE);
    now += 20 * MINUTE;
    expect(await find(id)).toBeUndefined();
  });

  it('are held to the timeouts of today, not to those it was kept with', async () => {
    const week = 7 * 24 * HOUR;
    const old = { created: now - 13 * HOUR, seen: now, expires: now + week };
    records.kept.set(hashedId('old'), recordOf(old));
    expect(await find('old')).toBeUndefined();
    records.kept.set(hashedId('unused'), recordOf({ created: now - HOUR, seen: now - HOUR, expires: now + week }));
    expect(await find('unused')).toBeUndefined();
  });

  it('begin with its first save, and go on after a reload', async () => {
    const session = newSession();
    await call(session, 'save');
    const created = now;
    now += 10 * MINUTE;
    await call(session, 'reload');
    await call(session, 'save');
    expect(keptOf(session.id)?.created).toBe(created);
  });
});

describe('a session saved more than once in a request', () => {
  it('is made once and then updated', async () => {
    const session = newSession();
    Object.assign(session, { n: 1 });
    await call(session, 'save');
    Object.assign(session, { n: 2 });
    await call(session, 'save');
    expect(records.calls).toEqual(['insert', 'update']);
    expect(keptOf(session.id)?.data['n']).toBe(2);
  });

  it('ends as it was saved last, also where nobody waits and the store is slow at first', async () => {
    let slow = true;
    records.before = async () => {
      const rounds = slow ? 20 : 0;
      slow = false;
      for (let round = 0; round < rounds; round += 1) await new Promise((resolve) => setImmediate(resolve));
    };
    const session = newSession();
    Object.assign(session, { n: 1 });
    const first = call(session, 'save');
    Object.assign(session, { n: 2 });
    await Promise.all([first, call(session, 'save')]);
    expect(records.calls).toEqual(['insert', 'update']);
    expect(keptOf(session.id)?.data['n']).toBe(2);
  });

  it('is made by the second save where the first one failed', async () => {
    const session = newSession();
    records.before = (name) => {
      records.before = () => undefined;
      throw new Error(name);
    };
    await expect(call(session, 'save')).rejects.toThrow('insert');
    await call(session, 'save');
    expect(records.calls).toEqual(['insert', 'insert']);
    expect(records.kept.size).toBe(1);
  });
});

describe('a session that has ended', () => {
  it('stays ended when a request that has loaded it saves, touches or reloads it', async () => {
    // Source: django/django tests/sessions_tests/tests.py,
    // test_session_save_does_not_resurrect_session_logged_out_in_other_context and test_session_update_error_redirect
    const id = await begin();
    const [slow, other] = [await load(id), await load(id)];
    await call(other, 'destroy');
    Object.assign(slow, { n: 2 });
    await call(slow, 'save');
    now += MINUTE;
    await touch(slow);
    await expect(call(slow, 'reload')).rejects.toThrow('failed to load session');
    await call(slow, 'save');
    expect(records.kept.size).toBe(0);
    expect(await find(id)).toBeUndefined();
  });

  it('stays ended when it was ended by another process', async () => {
    const id = await begin();
    const slow = await load(id);
    records.kept.clear();
    Object.assign(slow, { n: 2 });
    await call(slow, 'save');
    now += MINUTE;
    await touch(slow);
    expect(records.kept.size).toBe(0);
    expect(records.calls.filter((name) => name === 'insert')).toHaveLength(1);
  });

  it.each<[what: string, prepare: (session: Session & SessionData) => Promise<void>]>([
    ['had been saved', (session) => call(session, 'save')],
    ['had never been saved', async () => undefined],
  ])('stays ended when the request that ended it saves it again, where it %s', async (_what, prepare) => {
    const session = newSession();
    await prepare(session);
    await call(session, 'destroy');
    Object.assign(session, { n: 2 });
    await call(session, 'save');
    now += MINUTE;
    await touch(session);
    expect(records.kept.size).toBe(0);
  });

  it('stays ended where nobody waits, however slow the store is', async () => {
    const delays = [7, 3, 0, 5, 0, 2];
    records.before = async () => {
      const rounds = delays.shift() ?? 0;
      for (let round = 0; round < rounds; round += 1) await new Promise((resolve) => setImmediate(resolve));
    };
    const session = newSession();
    await Promise.all([
      call(session, 'save'),
      call(session, 'save'),
      touch(session),
      call(session, 'destroy'),
      call(session, 'save'),
      touch(session),
    ]);
    expect(records.kept.size).toBe(0);
  });

  it('stays ended where the store still gives it back for a moment', async () => {
    const id = await begin();
    const slow = await load(id);
    const record = keptOf(id) ?? recordOf();
    await call(await load(id), 'destroy');
    records.kept.set(hashedId(id), record);
    expect(await find(id)).toBeUndefined();
    const calls = records.calls.length;
    await call(slow, 'save');
    expect(records.calls.slice(calls)).toEqual([]);
  });

  it('is not one that the store has refused to end', async () => {
    const session = await load(await begin());
    records.before = () => {
      throw new Error('the store is down');
    };
    await expect(call(session, 'destroy')).rejects.toThrow('the store is down');
    records.before = () => undefined;
    await call(session, 'destroy');
    expect(records.kept.size).toBe(0);
  });
});

describe('a session that is read and written by its id, as a socket or a job does', () => {
  /** What the store has under an id, and no request has loaded. */
  function get(id: string): Promise<SessionData> {
    return new Promise((resolve, reject) => {
      store.get(id, (error, data) => (data === undefined || data === null ? reject(error) : resolve(data)));
    });
  }

  function set(id: string, data: SessionData): Promise<void> {
    return new Promise((resolve, reject) => {
      store.set(id, data, (error: unknown) => (error === undefined || error === null ? resolve() : reject(error)));
    });
  }

  it('is updated, and keeps the time it was made', async () => {
    const id = await begin();
    const created = now;
    const data = await get(id);
    records.calls.length = 0;
    now += MINUTE;
    await set(id, Object.assign(data, { n: 2 }));
    expect(records.calls).toEqual(['update']);
    expect(keptOf(id)).toMatchObject({ created, seen: now, data: { n: 2 } });
  });

  it('stays ended when it was ended in between', async () => {
    const id = await begin();
    const data = await get(id);
    await records.remove(hashedId(id));
    await set(id, Object.assign(data, { n: 2 }));
    expect(records.kept.size).toBe(0);
  });

  it('lives longer when it is touched', async () => {
    const id = await begin();
    const data = await get(id);
    now += MINUTE;
    await new Promise<void>((resolve) => void store.touch?.(id, data, () => resolve()));
    expect(keptOf(id)?.seen).toBe(now);
  });

  it('is reported where its user changes', async () => {
    const id = await begin({ userId: 7 });
    const data = await get(id);
    await set(id, Object.assign(data, { userId: 8 }));
    expect(changed).toEqual([data]);
  });

  it('is one of its own where a new one gets what was in it', async () => {
    const data = await get(await begin({ n: 1 }));
    const copy = newSession();
    Object.assign(copy, data);
    await call(copy, 'save');
    expect(keptOf(copy.id)?.data).toMatchObject({ n: 1 });
    expect(Object.getOwnPropertySymbols(data)).toEqual([]);
  });
});

describe('a session with a new id', () => {
  // Source: expressjs/session test/session.js, ".regenerate()"
  // Source: django/django tests/sessions_tests/tests.py, test_cycle
  it('ends the old one, and is made anew', async () => {
    const session = await load(await begin({ userId: 7 }));
    await call(session, 'regenerate');
    const fresh = asSession(Reflect.get(Reflect.get(session, 'req'), 'session'));
    expect(fresh.id).not.toBe(session.id);
    expect(records.kept.size).toBe(0);
    Object.assign(fresh, { userId: 7 });
    await call(fresh, 'save');
    expect([...records.kept.keys()]).toEqual([hashedId(fresh.id)]);
    await call(session, 'save');
    expect([...records.kept.keys()]).toEqual([hashedId(fresh.id)]);
  });

  it('says so where the old one could not be ended', async () => {
    const session = await load(await begin());
    records.before = () => Promise.reject(new Error('the store is down'));
    await expect(call(session, 'regenerate')).rejects.toThrow('the store is down');
  });
});

describe('a touch', () => {
  it('leaves what another request has written meanwhile', async () => {
    const id = await begin({ cart: [] });
    const [slow, other] = [await load(id), await load(id)];
    Object.assign(other, { cart: ['book'] });
    await call(other, 'save');
    now += MINUTE;
    await touch(slow);
    expect(keptOf(id)).toMatchObject({ seen: now, data: { cart: ['book'] } });
  });

  it('is told to the store at most sixty times per idle timeout', async () => {
    const id = await begin();
    records.calls.length = 0;
    now += 30_000 - 1;
    await touch(await load(id));
    expect(records.calls).toEqual(['read']);
    now += 1;
    await touch(await load(id));
    expect(records.calls).toEqual(['read', 'read', 'touch']);
    expect(keptOf(id)).toMatchObject({ seen: now, expires: now + 30 * MINUTE });
  });

  it('of a session that is not in the store asks nothing of it', async () => {
    await touch(newSession());
    expect(records.calls).toEqual([]);
  });
});

describe('the news that the user of a session changed', () => {
  it('comes once where somebody signs in without a new id', async () => {
    const session = await load(await begin());
    Object.assign(session, { userId: 7 });
    await call(session, 'save');
    await call(session, 'save');
    expect(changed).toEqual([session]);
  });

  it('comes where one user becomes another', async () => {
    const session = await load(await begin({ userId: 7 }));
    Object.assign(session, { userId: 8 });
    await call(session, 'save');
    expect(changed).toEqual([session]);
  });

  it('does not come for a new session, for the same user or where nobody is left', async () => {
    const session = await load(await begin({ userId: 7 }));
    Object.assign(session, { n: 2 });
    await call(session, 'save');
    Reflect.deleteProperty(session, 'userId');
    await call(session, 'save');
    expect(changed).toEqual([]);
  });

  it('fails the save where it throws', async () => {
    create(records, () => {
      throw new Error('refused');
    });
    const session = await load(await begin());
    Object.assign(session, { userId: 7 });
    await expect(call(session, 'save')).rejects.toThrow('refused');
    expect(keptOf(session.id)?.userId).toBeUndefined();
  });
});

describe('a dirty session', () => {
  it('is one in which something has changed since the store was given it', async () => {
    const session = newSession();
    expect(secureStore.isDirty(session)).toBe(false);
    Object.assign(session, { n: 1 });
    expect(secureStore.isDirty(session)).toBe(true);
    await call(session, 'save');
    expect(secureStore.isDirty(session)).toBe(false);
    Object.assign(session, { n: 2 });
    expect(secureStore.isDirty(session)).toBe(true);
  });

  it('is not one that was only loaded, or whose cookie alone has moved', async () => {
    const session = await load(await begin());
    expect(secureStore.isDirty(session)).toBe(false);
    session.cookie.maxAge = 1_000;
    expect(secureStore.isDirty(session)).toBe(false);
    Reflect.deleteProperty(session, 'n');
    expect(secureStore.isDirty(session)).toBe(true);
  });

  it('stays dirty where the store failed, and does not where the session has ended', async () => {
    const session = await load(await begin());
    Object.assign(session, { n: 2 });
    records.before = () => Promise.reject(new Error('the store is down'));
    await expect(call(session, 'save')).rejects.toThrow('the store is down');
    expect(secureStore.isDirty(session)).toBe(true);
    records.before = () => undefined;
    records.kept.clear();
    await call(session, 'save');
    expect(secureStore.isDirty(session)).toBe(false);
  });
});

describe('a store that fails', () => {
  const failures: [how: string, fail: () => Promise<void>][] = [
    ['rejects', () => Promise.reject(new Error('the store is down'))],
    [
      'throws',
      () => {
        throw new Error('the store is down');
      },
    ],
  ];

  it.each(failures)('is reported by every call where it %s', async (_how, fail) => {
    const session = await load(await begin());
    Object.assign(records, { read: fail, insert: fail, update: fail, touch: fail, remove: fail });
    await expect(find(session.id)).rejects.toThrow('the store is down');
    await expect(call(session, 'save')).rejects.toThrow('the store is down');
    await expect(call(newSession(), 'save')).rejects.toThrow('the store is down');
    now += MINUTE;
    await expect(touch(session)).rejects.toThrow('the store is down');
    await expect(call(session, 'reload')).rejects.toThrow('the store is down');
    await expect(call(session, 'destroy')).rejects.toThrow('the store is down');
  });

  it('is reported where it rejects with nothing', async () => {
    records.before = () => Promise.reject();
    await expect(find('any')).rejects.toThrow();
  });

  it('does not end the process where nobody listens', async () => {
    const session = newSession();
    records.before = () => Promise.reject(new Error('the store is down'));
    session.save();
    store.destroy(session.id);
    await expect(find(session.id)).rejects.toThrow('the store is down');
  });
});

describe('express-session on this store', () => {
  let server: Server;
  let handle: (request: Request, response: Response) => void | Promise<void>;

  beforeEach(async () => {
    const app = express();
    app.use(expressSession({ store, secret: SECRET, resave: false, saveUninitialized: false, name: 'sid' }));
    app.use(async (request, response) => {
      await handle(request, response);
    });
    app.use((error: Error, _request: Request, response: Response, _next: unknown) => {
      response.status(500).end(error.message);
    });
    server = createServer(app).listen(0, '127.0.0.1');
    await once(server, 'listening');
    handle = (request, response) => {
      const { n } = { n: 0, ...request.session };
      Object.assign(request.session, { n: n + 1 });
      response.end(request.sessionID);
    };
  });

  afterEach(() => {
    server.close();
  });

  async function get(cookie?: string): Promise<{ status: number; cookie: string | undefined; body: string }> {
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const headers = cookie === undefined ? {} : { cookie };
    const asked = ask({ host: '127.0.0.1', port, headers, agent: false }).end();
    const [response] = await once(asked, 'response');
    let body = '';
    for await (const chunk of response) body += String(chunk);
    return { status: response.statusCode, cookie: response.headers['set-cookie']?.[0]?.split(';')[0], body };
  }

  it('keeps one session over many requests', async () => {
    const first = await get();
    await get(first.cookie);
    const third = await get(first.cookie);
    expect(third).toEqual({ status: 200, cookie: undefined, body: first.body });
    expect(keptOf(first.body)?.data['n']).toBe(3);
    expect(records.kept.size).toBe(1);
  });

  // Source: expressjs/session test/session.js, "sid not in store, new sid"
  // Source: django/django tests/sessions_tests/tests.py, test_session_load_does_not_create_record
  it('adopts no id it has not given out, though it is signed', async () => {
    const first = await get();
    records.kept.clear();
    handle = (request, response) => void response.end(request.sessionID);
    const second = await get(first.cookie);
    expect(second.body).not.toBe(first.body);
    expect(second.cookie).toBeUndefined();
    expect(records.kept.size).toBe(0);
  });

  // Source: expressjs/session test/session.js, "sid not properly signed, new session" and "no fetch"
  it('asks the store nothing for an id with a bad signature', async () => {
    const first = await get();
    records.calls.length = 0;
    handle = (request, response) => void response.end(request.sessionID);
    const second = await get(`${first.cookie}x`);
    expect(second.body).not.toBe(first.body);
    expect(records.calls).toEqual([]);
  });

  // Source: expressjs/session test/session.js, "saveUninitialized false"
  it('keeps nothing of a session nobody has written to', async () => {
    handle = (_request, response) => void response.end();
    expect((await get()).cookie).toBeUndefined();
    expect(records.calls).toEqual([]);
  });

  it('touches a session that was only read', async () => {
    const first = await get();
    records.calls.length = 0;
    now += MINUTE;
    handle = (_request, response) => void response.end();
    await get(first.cookie);
    expect(records.calls).toEqual(['read', 'touch']);
    expect(keptOf(first.body)).toMatchObject({ seen: now, data: { n: 1 } });
  });

  // Source: expressjs/session test/session.js, ".destroy()"
  // Source: django/django tests/sessions_tests/tests.py, test_flush
  it('forgets a session at its end, whoever still brings its cookie', async () => {
    const first = await get();
    handle = async (request, response) => {
      await call(request.session, 'destroy');
      response.end();
    };
    await get(first.cookie);
    expect(records.kept.size).toBe(0);
    handle = (request, response) => void response.end(request.sessionID);
    expect((await get(first.cookie)).body).not.toBe(first.body);
    expect(records.kept.size).toBe(0);
  });

  it('brings a session back for no request that was slower than the logout', async () => {
    const first = await get();
    let loaded = (): void => undefined;
    let release = (): void => undefined;
    const isLoaded = new Promise<void>((resolve) => (loaded = resolve));
    const isReleased = new Promise<void>((resolve) => (release = resolve));
    handle = async (request, response) => {
      loaded();
      await isReleased;
      Object.assign(request.session, { n: 99 });
      response.end();
    };
    const slow = get(first.cookie);
    await isLoaded;
    handle = async (request, response) => {
      await call(request.session, 'destroy');
      response.end();
    };
    await get(first.cookie);
    release();
    expect((await slow).status).toBe(200);
    expect(records.kept.size).toBe(0);
  });

  // Source: expressjs/session test/session.js, "store fetch error" and "store disconnected"
  it('answers 500, and runs no handler without a session, where the store fails', async () => {
    const first = await get();
    let ran = false;
    handle = () => void (ran = true);
    records.before = () => Promise.reject(new Error('the store is down'));
    expect(await get(first.cookie)).toEqual({ status: 500, cookie: undefined, body: 'the store is down' });
    expect(ran).toBe(false);
    records.before = () => undefined;
    handle = (request, response) => void response.end(request.sessionID);
    expect((await get(first.cookie)).body).toBe(first.body);
  });

  it('begins anew where what is kept cannot be read', async () => {
    const first = await get();
    records.kept.set(hashedId(first.body), recordOf({ data: {} }));
    const second = await get(first.cookie);
    expect(second).toMatchObject({ status: 200, cookie: expect.stringMatching(/^sid=/) });
    expect(second.body).not.toBe(first.body);
  });
});
