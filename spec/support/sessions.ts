import { createHmac } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers';
import { mkdtempSync, rmSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import expressSession from 'express-session';
import { open, type Database, type RootDatabase } from 'lmdb';
import { SecureAudit, type Finding, type SessionOptions, type SessionStore } from 'nestjs-secure';
import { hashedId, type SessionRecords } from '../../lib/session/records.js';
import { CookieJar } from '../../lib/testing/cookie-jar.js';
import { SECURE_SESSION_ENGINE } from '../../lib/tokens.js';
import { adapters, createApp, type App, type AppParts, type Ask, type NewAdapter, type Reply } from './applications.js';
import { EVERYTHING } from './everything.js';

/** One session for each user. `then` is the name of an option, of an object that is never awaited. */
// oxlint-disable-next-line unicorn/no-thenable -- the rule takes any property of that name for a promise
export const ONE_PER_USER = { max: 1, then: 'end-oldest' } as const;

export const SECRET = 'a8Zq3nP0-first-of-the-secrets-of-this-test-7Xk';

/** A store as an application names it, and a way to look into it past the package. */
export interface OpenStore {
  readonly options: Pick<SessionOptions, 'store' | 'dir'>;
  /** The ids under which sessions are kept. */
  ids(): Promise<string[]>;
  /** Everything that is kept, as one text. */
  text(): Promise<string>;
}

/** Where sessions are kept in these tests. */
export const stores: [name: string, openStore: () => OpenStore][] = [
  ['memory', openMemory],
  ['lmdb', openDirectory],
];

/** Every adapter with every store (in `npm test` Express with one and Fastify with the other), for `describe.each(sites)('%s, %s', (platform, store, newAdapter, openStore) => ...)`. */
export const sites: [platform: string, store: string, newAdapter: NewAdapter, openStore: () => OpenStore][] =
  adapters.flatMap(([platform, newAdapter], at) =>
    stores
      .filter((_, one) => EVERYTHING || one === (at + 1) % stores.length)
      .map(([store, openStore]) => [platform, store, newAdapter, openStore] as (typeof sites)[number]),
  );

/** What an application with sessions is made of. */
export interface SessionAppParts extends AppParts {
  /** Of `session`, beside the secret. */
  session?: Partial<SessionOptions>;
}

/** What was found at boot: a store in memory, or a handler that is not marked, as these tests have them on purpose. */
const foundAtBoot = new WeakMap<App, ReadonlySet<string>>();

/** Starts an application with sessions. */
export async function createSessionApp(
  newAdapter: NewAdapter,
  { session, options, ...parts }: SessionAppParts,
): Promise<App> {
  const app = await createApp(newAdapter, {
    ...parts,
    options: { ...options, session: { secret: SECRET, ...session } },
  });
  // Not what the store was asked at boot.
  if (session?.store instanceof SwitchedStore) session.store.calls.length = 0;
  foundAtBoot.set(app, new Set(findingsOf(app).map(nameOf)));
  return app;
}

/** What a browser got, and the session cookie that came with it. */
export interface Visit extends Reply {
  readonly setCookie: readonly string[];
}

/** A browser on a site: keeps its cookies by the rules, and fails where it would not have kept one. */
export class Browser {
  readonly jar = new CookieJar();

  constructor(
    private readonly app: Pick<App, 'ask'>,
    private readonly host = 'localhost',
  ) {}

  async visit(path: string, { headers, https = true, ...ask }: Ask = {}): Promise<Visit> {
    const url = `${https ? 'https' : 'http'}://${this.host}${path}`;
    const cookie = this.jar.header(url);
    const sent = { Host: this.host, ...(cookie === undefined ? {} : { Cookie: cookie }), ...headers };
    const reply = await this.app.ask(path, { ...ask, https, headers: sent });
    const setCookie = setCookieOf(reply.headers);
    expect(this.jar.store(url, setCookie)).toEqual([]);
    return { ...reply, setCookie };
  }

  /** The value of a cookie, as it is sent. */
  cookie(name = '__Host-sid'): string | undefined {
    return this.jar.cookies().find((cookie) => cookie.name === name)?.value;
  }

  /** The id of the session it is in. */
  id(name?: string): string | undefined {
    const value = this.cookie(name);
    return value === undefined ? undefined : idIn(value);
  }

  /** The id under which the store keeps that session. */
  keptId(name?: string): string | undefined {
    const id = this.id(name);
    return id === undefined ? undefined : hashedId(id);
  }
}

/** The session id in a cookie: what comes before the tag. */
export function idIn(cookie: string): string {
  return cookie.slice(0, 43);
}

/** A cookie as the engine makes it, for an id that it has not made. */
export function tagged(id: string, secret = SECRET): string {
  return id + createHmac('sha256', secret).update(id).digest().subarray(0, 16).toString('base64url');
}

/** What an application has found so far; of one with sessions, since its start. */
export function findingsOf(app: App): readonly Finding[] {
  const known = foundAtBoot.get(app);
  const findings = app.nest.get(SecureAudit).findings();
  return findings.filter((finding) => known?.has(nameOf(finding)) !== true);
}

function nameOf({ id, subject }: Finding): string {
  return `${id} ${subject}`;
}

/** Findings with one id. */
export function found(app: App, id: Finding['id']): readonly Finding[] {
  return findingsOf(app).filter((finding) => finding.id === id);
}

/** Waits for what comes of an answer that has gone already; throws where it does not come. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const patience = AbortSignal.timeout(4000);
  while (!(await condition())) {
    patience.throwIfAborted();
    await setImmediate();
  }
}

/** Where an application keeps its sessions, behind everything that express-session knows of. */
export function recordsOf({ nest }: App): SessionRecords {
  const engine: { records: SessionRecords } = nest.get(SECURE_SESSION_ENGINE);
  return engine.records;
}

type Callback = (error: unknown, session?: object | null) => void;

/** A store in memory that counts its calls, and fails or waits where it is told to. */
export class SwitchedStore implements SessionStore {
  readonly calls: string[] = [];
  readonly failing = new Set<'get' | 'set' | 'destroy'>();
  readonly kept = new Map<string, string>();

  /** The ids of sessions. What is noted of users, and of sessions that have ended, has a colon in its key. */
  get sessions(): string[] {
    return [...this.kept.keys()].filter((key) => !key.includes(':'));
  }

  get(id: string, callback: Callback): void {
    this.run('get', callback, () => {
      const text = this.kept.get(id);
      return text === undefined ? null : JSON.parse(text);
    });
  }

  set(id: string, session: object, callback: Callback = () => undefined): void {
    this.run('set', callback, () => void this.kept.set(id, JSON.stringify(session)));
  }

  destroy(id: string, callback: Callback = () => undefined): void {
    this.run('destroy', callback, () => void this.kept.delete(id));
  }

  private run(call: 'get' | 'set' | 'destroy', callback: Callback, work: () => object | null | void): void {
    this.calls.push(call);
    nextTurn(() => {
      if (this.failing.has(call)) callback(new Error('the switch is off'));
      else callback(null, work() ?? null);
    });
  }
}

function setCookieOf(headers: IncomingHttpHeaders): readonly string[] {
  return headers['set-cookie'] ?? [];
}

export function openMemory(): OpenStore {
  const store = new expressSession.MemoryStore();
  const all = (): Promise<Record<string, object>> =>
    new Promise((resolve, reject) => {
      store.all((error: unknown, sessions) => (error === null ? resolve(sessions ?? {}) : reject(error)));
    });
  return {
    options: { store },
    ids: async () => Object.keys(await all()).filter((id) => !id.includes(':')),
    text: async () => JSON.stringify(await all()),
  };
}

const closers: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closers.splice(0)) await close();
});

export function openDirectory(): OpenStore {
  const dir = mkdtempSync(join(tmpdir(), 'sessions-'));
  let root: RootDatabase<string, string> | undefined;
  let sessions: Database<string, string> | undefined;
  closers.push(async () => {
    await root?.close();
    rmSync(dir, { recursive: true, force: true });
  });
  function all(): { key: string; value: string }[] {
    // Only to read: it shares a thread with the one that writes, and must not wait for it.
    root ??= open({ path: dir, encoding: 'string', readOnly: true });
    sessions ??= root.openDB<string, string>({ name: 'sessions', encoding: 'string' });
    return [...sessions.getRange()];
  }
  return {
    options: { dir },
    ids: async () => {
      const kept = all();
      const keys = new Set(kept.map(({ key }) => key));
      // What a move leaves under the old id is no session, as long as it leads to one.
      const leads = ({ value }: { value: string }): boolean => keys.has(JSON.parse(value).movedTo);
      return kept.filter((one) => !leads(one)).map(({ key }) => key);
    },
    text: async () =>
      all()
        .map(({ key, value }) => `${key} ${value}`)
        .join('\n'),
  };
}
