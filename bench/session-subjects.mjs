// Sessions of this package and of others: each subject is one server, started in a process of its own by serve.mjs.
// The packages of others are imported by the subject that needs them: the copy for Nest 11 has none of them.
import { createHmac, createSecretKey, hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Get, Inject, Req } from '@nestjs/common';
import { SecureSessions, Store } from 'nestjs-secure';
import { decorate, HELLO, HOSTS, nest, PROXIES, takeRequestHook } from './subjects.mjs';

const SECRET = randomBytes(32).toString('hex');

/** Every subject by its name: `start(platform)` resolves to the server. GET /in signs in, GET /hello reads, or writes. */
export const SESSION_SUBJECTS = {
  'module, no sessions': (platform) => nest(platform, { secure: { hosts: HOSTS, proxies: PROXIES } }),
  'module, empty hooks': (platform) =>
    nest(platform, { secure: { hosts: HOSTS, proxies: PROXIES }, main: takeSessionPlaces }),

  'lmdb, read': (platform) => ours(platform, { dir: folder() }, read),
  'lmdb, anonymous read': (platform) => ours(platform, { dir: folder() }, visitor),
  'lmdb, write': (platform) => ours(platform, { dir: folder() }, write),
  'lmdb, not touched': (platform) => ours(platform, { dir: folder() }, () => HELLO),
  'lmdb, device-bound, not touched': (platform) => ours(platform, { dir: folder(), deviceBound: true }, () => HELLO),
  'Redis, read': async (platform) => ours(platform, { store: await redisStore() }, read),
  'Redis, not touched': async (platform) => ours(platform, { store: await redisStore() }, () => HELLO),
  'Postgres, read': async (platform) => ours(platform, { store: await postgresStore(Store) }, read),

  'express-session, memory, read': (platform) => theirs(platform, {}, read),
  'express-session, memory, write': (platform) => theirs(platform, {}, write),
  'express-session, Redis, read': async (platform) => theirs(platform, { store: await redisStore() }, read),
  'express-session, Postgres, read': async (platform) =>
    theirs(platform, { store: await postgresStore((await import('express-session')).default.Store) }, read),
  '@fastify/session, memory, read': (platform) => onFastify(platform, fastifySession, read),
  '@fastify/session, memory, write': (platform) => onFastify(platform, fastifySession, write),
  '@fastify/secure-session, read': (platform) => onFastify(platform, fastifySecureSession, read),

  'lmdb alone, read': (platform) => alone(platform, read),
  'lmdb alone, write': (platform) => alone(platform, write),
};

function read(session) {
  return { hello: session.userId };
}

function visitor(session) {
  return { hello: session.userId ?? 'nobody' };
}

function write(session) {
  // As long as the first: answers are counted by their length.
  session.visits = 1 + ((session.visits ?? 0) % 9);
  return { hello: session.userId };
}

/** This package. */
function ours(platform, session, answer) {
  return nest(platform, {
    secure: { hosts: HOSTS, proxies: PROXIES, session: { secret: SECRET, ...session } },
    controller: controllerOf(SecureSessions, answer),
  });
}

/** express-session. `proxy`: it reads X-Forwarded-Proto itself, because on Fastify its request has no `secure`. */
async function theirs(platform, session, answer) {
  const { default: expressSession } = await import('express-session');
  const options = { secret: SECRET, resave: false, saveUninitialized: false, proxy: true, cookie: { secure: true } };
  return nest(platform, {
    trust: true,
    before: (app) => app.use(expressSession({ ...options, ...session })),
    controller: controllerOf(undefined, answer),
  });
}

/** A plugin of Fastify. */
function onFastify(platform, register, answer) {
  return nest(platform, { trust: true, before: register, controller: controllerOf(undefined, answer) });
}

async function fastifySession(app) {
  const { default: cookie } = await import('@fastify/cookie');
  const { default: session } = await import('@fastify/session');
  await app.register(cookie);
  await app.register(session, { secret: SECRET, saveUninitialized: false, rolling: false, cookie: { secure: true } });
}

async function fastifySecureSession(app) {
  const { default: session } = await import('@fastify/secure-session');
  await app.register(session, { key: Buffer.from(SECRET.slice(0, 32)), cookie: { secure: true, path: '/' } });
}

/**
 * The least that a session in lmdb costs: verify the cookie, hash the id, read, parse, and write where it has changed. It
 * keeps none of the promises: nothing of timeouts, transport, races, or a store that fails.
 */
async function alone(platform, answer) {
  const { open } = await import('lmdb');
  const sessions = open({ path: folder(), encoding: 'string', eventTurnBatching: false });
  const key = createSecretKey(Buffer.from(SECRET));
  const tagOf = (id) => createHmac('sha256', key).update(id).digest().subarray(0, 16);
  const responses = new WeakMap();
  const keyOf = (id) => hash('sha256', id, 'base64url');

  function load(request) {
    const { cookie } = request.headers;
    if (cookie === undefined) return;
    const value = cookie.slice('sid='.length);
    const id = value.slice(0, 43);
    if (!timingSafeEqual(Buffer.from(value.slice(43), 'base64url'), tagOf(id))) return;
    const kept = sessions.get(keyOf(id));
    if (kept !== undefined) request.session = JSON.parse(kept);
  }

  class AloneController {
    async signIn(request) {
      const id = randomBytes(32).toString('base64url');
      await sessions.put(keyOf(id), JSON.stringify({ userId: 'ada' }));
      responses.get(request).setHeader('Set-Cookie', `sid=${id}${tagOf(id).toString('base64url')}`);
      return HELLO;
    }

    hello(request) {
      const { session } = request;
      const before = JSON.stringify(session);
      const body = answer(session);
      const after = JSON.stringify(session);
      if (before === after) return body;
      const { cookie } = request.headers;
      return sessions.put(keyOf(cookie.slice(4, 47)), after).then(() => body);
    }
  }
  decorateController(AloneController);
  return nest(platform, {
    trust: true,
    before(app) {
      const enter = (request, response, next) => {
        if (request.url === '/in') responses.set(request, response.raw ?? response);
        load(request);
        next();
      };
      if (platform === 'express') app.use(enter);
      else app.getHttpAdapter().getInstance().decorateRequest('session', undefined).addHook('onRequest', enter);
    },
    controller: AloneController,
  });
}

function controllerOf(sessions, answer) {
  class SessionController {
    constructor(service) {
      this.sessions = service;
    }

    async signIn(request) {
      if (this.sessions === undefined) signInOthers(sessionOf(request));
      else await this.sessions.signIn(request, 'ada');
      return HELLO;
    }

    hello(request) {
      return answer.length === 0 ? answer() : answer(sessionOf(request));
    }
  }
  decorateController(SessionController);
  if (sessions !== undefined) Inject(sessions)(SessionController, undefined, 0);
  return SessionController;
}

function decorateController(controller) {
  decorate(controller, 'signIn', [Get('in')]);
  decorate(controller, 'hello', [Get('hello')]);
  Req()(controller.prototype, 'signIn', 0);
  Req()(controller.prototype, 'hello', 0);
  Controller()(controller);
}

function signInOthers(session) {
  session.userId = 'ada';
}

/** express-session on Fastify leaves it on Node's own request. */
function sessionOf(request) {
  return request.session ?? request.raw.session;
}

/** A session must be saved before Fastify writes a head, so there is a hook; Express needs none. */
function takeSessionPlaces(app) {
  takeRequestHook(app);
  app
    .getHttpAdapter()
    .getInstance()
    .addHook?.('onSend', (_request, _reply, payload, done) => done(null, payload));
}

async function redisStore() {
  const [{ RedisStore }, { createClient }] = await Promise.all([import('connect-redis'), import('redis')]);
  const client = createClient({ url: process.env.BENCH_REDIS });
  client.on('error', (error) => console.error(error));
  await client.connect();
  return new RedisStore({ client, prefix: `${process.pid}:` });
}

async function postgresStore(base) {
  const [{ default: connectPgSimple }, { Pool }] = await Promise.all([import('connect-pg-simple'), import('pg')]);
  // Each has its own schema: connect-pg-simple gives the index of every table one name.
  const schema = `bench_${process.pid}`;
  const pool = new Pool({ connectionString: process.env.BENCH_POSTGRES, max: 10, options: `-c search_path=${schema}` });
  pool.on('error', (error) => console.error(error.message));
  await pool.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
  const PostgresStore = connectPgSimple({ Store: base });
  return new PostgresStore({ pool, createTableIfMissing: true });
}

function folder() {
  const made = mkdtempSync(join(tmpdir(), 'bench-sessions-'));
  process.on('exit', () => rmSync(made, { recursive: true, force: true }));
  return made;
}
