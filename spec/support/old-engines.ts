import type { AddressInfo } from 'node:net';
import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import express from 'express';
import expressSession from 'express-session';
import fastify from 'fastify';
import type { AdoptOptions, SessionStore } from 'nestjs-secure';

/** @fastify/session demands 32 characters. */
export const OLD_SECRET = '4Fq-of-the-engine-before-this-one-9xT2';

/** An application as it was before it moved: a visit signs in. */
export interface OldEngine {
  readonly store: SessionStore;
  readonly adopt: Pick<AdoptOptions, 'name' | 'secret' | 'store'>;
  /** Signs somebody in, and returns what the browser then sends as Cookie. */
  signIn(data: Readonly<Record<string, unknown>>, maxAge?: number): Promise<string>;
  /** Whom the old application knows by that cookie; null where nobody. */
  userOf(cookie: string): Promise<unknown>;
}

interface OldSession {
  cookie: { maxAge?: number | null };
  [key: string]: unknown;
}

type Start = (store: SessionStore, secret?: string) => Promise<OldEngine>;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** express-session, on Express. */
const startExpress: Start = async (store, secret = OLD_SECRET) => {
  const app = express();
  const old: unknown = store;
  if (!isExpressStore(old)) throw new Error('express-session takes stores of its own kind only.');
  app.use(expressSession({ secret, store: old, resave: false, saveUninitialized: false }));
  app.use(express.json());
  app.post('/', ({ session, body }, response) => {
    signInTo(session, body);
    response.end();
  });
  app.get('/', ({ session }, response) => void response.json(Reflect.get(session, 'userId') ?? null));
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  return oldEngine(store, { secret, store }, portOf(address));
};

/** @fastify/session, on Fastify. */
const startFastify: Start = async (store, secret = OLD_SECRET) => {
  const app = fastify();
  const old: unknown = store;
  if (!isFastifyStore(old)) throw new Error('@fastify/session takes stores of its own kind only.');
  await app.register(fastifyCookie);
  await app.register(fastifySession, {
    secret,
    store: old,
    cookie: { secure: false },
    saveUninitialized: false,
    rolling: false,
  });
  app.post('/', async ({ session, body }) => signInTo(session, body));
  app.get('/', async ({ session }) => JSON.stringify(Reflect.get(session, 'userId') ?? null));
  await app.listen({ port: 0, host: '127.0.0.1' });
  closers.push(() => app.close());
  return oldEngine(store, { name: 'sessionId', secret, store }, portOf(app.server.address()));
};

/** Both, with a store in memory of their own. */
export const oldEngines: [name: string, start: Start, newStore: () => SessionStore][] = [
  ['express-session', startExpress, () => new expressSession.MemoryStore()],
  ['@fastify/session', startFastify, () => new fastifySession.MemoryStore()],
];

function oldEngine(store: SessionStore, adopt: OldEngine['adopt'], port: number): OldEngine {
  const url = `http://127.0.0.1:${port}/`;
  return {
    store,
    adopt,
    async signIn(data, maxAge) {
      const headers = { 'Content-Type': 'application/json' };
      const { headers: given } = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ data, maxAge }) });
      const [cookie = ''] = given.getSetCookie().map((line) => line.slice(0, line.indexOf(';')));
      expect(cookie).not.toBe('');
      return cookie;
    },
    async userOf(cookie) {
      return (await fetch(url, { headers: { Cookie: cookie } })).json();
    },
  };
}

function signInTo(session: object, body: unknown): void {
  if (!isOldSession(session) || !isOrder(body)) throw new Error('A session and what is to be kept are needed.');
  Object.assign(session, body.data);
  if (body.maxAge !== undefined) session.cookie.maxAge = body.maxAge;
}

function isOldSession(session: object): session is OldSession {
  return 'cookie' in session;
}

function isOrder(body: unknown): body is { data: object; maxAge?: number } {
  return typeof body === 'object' && body !== null && 'data' in body;
}

function isExpressStore(store: unknown): store is expressSession.Store {
  return typeof store === 'object' && store !== null;
}

function isFastifyStore(store: unknown): store is fastifySession.SessionStore {
  return typeof store === 'object' && store !== null;
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}
