import { Controller, Get, Inject, Post, Req, Res, Session } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { ServerResponse } from 'node:http';
import passport from 'passport';
import { Strategy } from 'passport-local';
import { SecureRequired, SecureSessions, type SessionFace, type SessionOptions } from 'nestjs-secure';
import type { NewAdapter } from '../support/applications.js';
import { shared } from '../support/everything.js';
import { Browser, createSessionApp, findingsOf, found, stores, type OpenStore } from '../support/sessions.js';

interface User {
  name: string;
}

/** What Passport adds to whatever request it is given. */
interface PassportRequest {
  user?: User;
  session: SessionFace & { passport?: unknown };
  logIn(user: User, options: { keepSessionInfo?: boolean }, done: (error: unknown) => void): void;
  logout(options: { keepSessionInfo?: boolean }, done: (error: unknown) => void): void;
}

type HandlerRequest = PassportRequest & { raw?: PassportRequest; body: unknown; query: { keep?: string } };
type HandlerResponse = ServerResponse & { raw?: ServerResponse };

const MONTH = 30 * 86_400_000;

const authenticator = new passport.Passport();
authenticator.use(
  new Strategy((name, password, done) => {
    if (password === 'right') done(null, { name });
    else done(null, false);
  }),
);
// Later, as from a database: what goes wrong in the meantime is nobody's to catch.
authenticator.serializeUser((user, done) => {
  setImmediate(() => done(null, Reflect.get(user, 'name')));
});
authenticator.deserializeUser((name, done) => {
  setImmediate(() => done(null, { name }));
});

/** Which request Passport is given, of the one a handler has. */
type Given = (request: HandlerRequest) => PassportRequest;

/** Runs a middleware of Passport in a handler. */
function run(strategy: string, request: PassportRequest, response: HandlerResponse): Promise<User | undefined> {
  return new Promise((resolve, reject) => {
    const done = (error: unknown, user?: User | false): void => {
      if (error !== undefined && error !== null) reject(error);
      else resolve(user === false ? undefined : user);
    };
    const middleware: unknown =
      strategy === 'session' ? authenticator.authenticate(strategy) : authenticator.authenticate(strategy, done);
    if (typeof middleware === 'function') middleware(request, response.raw ?? response, done);
  });
}

class Accounts {
  constructor(
    @Inject('GIVEN') private readonly given: Given,
    @Inject('IN_HANDLERS') private readonly inHandlers: boolean,
    @Inject(SecureSessions) private readonly sessions: SecureSessions,
  ) {}

  @Post('cart')
  cart(@Session() session: Record<string, unknown>): void {
    session['cart'] = ['tea'];
  }

  @Post('login')
  async login(@Req() request: HandlerRequest, @Res({ passthrough: true }) response: HandlerResponse): Promise<string> {
    const asked = this.given(request);
    // Fastify parses the body for its own request, where it cannot be set.
    if (asked !== request) Object.assign(asked, { body: request.body });
    const user = await run('local', asked, response);
    if (user === undefined) return 'no';
    await new Promise<void>((resolve, reject) => {
      asked.logIn(user, { keepSessionInfo: request.query.keep === 'true' }, (error) =>
        error === undefined || error === null ? resolve() : reject(error),
      );
    });
    return 'yes';
  }

  @Post('login-for-a-month')
  async loginForAMonth(@Req() request: HandlerRequest, @Res({ passthrough: true }) response: HandlerResponse) {
    await this.login(request, response);
    this.given(request).session.cookie.maxAge = MONTH;
  }

  /** Passport's own part of the session is given on. */
  @Post('sign-in-for-a-month')
  async signInForAMonth(@Req() request: HandlerRequest, @Res({ passthrough: true }) response: HandlerResponse) {
    await this.login(request, response);
    const { passport: kept } = this.given(request).session;
    const lifetimes = { idleTimeout: '30d', absoluteTimeout: '30d', persistent: true };
    await this.sessions.signIn(request, 'ada', { passport: kept }, lifetimes);
  }

  @Post('logout')
  async logout(@Req() request: HandlerRequest, @Res({ passthrough: true }) response: HandlerResponse): Promise<string> {
    const asked = await this.asked(request, response);
    await new Promise<void>((resolve, reject) => {
      asked.logout({}, (error) => (error === undefined || error === null ? resolve() : reject(error)));
    });
    return asked.user?.name ?? 'nobody';
  }

  @Get('user')
  async user(@Req() request: HandlerRequest, @Res({ passthrough: true }) response: HandlerResponse): Promise<string> {
    return (await this.asked(request, response)).user?.name ?? 'nobody';
  }

  @Get('session')
  session(@Session() session: object): object {
    return session;
  }

  private async asked(request: HandlerRequest, response: HandlerResponse): Promise<PassportRequest> {
    const asked = this.given(request);
    if (this.inHandlers) await run('session', asked, response);
    return asked;
  }
}

@SecureRequired()
@Controller()
class AccountController extends Accounts {}

@Controller('open')
class OpenController extends Accounts {}

function useMiddleware(app: INestApplication): void {
  app.use(authenticator.initialize());
  app.use(authenticator.session());
}

interface Way {
  readonly newAdapter: NewAdapter;
  readonly given: Given;
  /** Passport is called by handlers, not by middleware. */
  readonly inHandlers: boolean;
}

const express: NewAdapter = () => new ExpressAdapter();
const fastify: NewAdapter = () => new FastifyAdapter();

const ways: [name: string, way: Way][] = [
  ['on Express by middleware', { newAdapter: express, given: (request) => request, inHandlers: false }],
  [
    "on Fastify by middleware, with Node's request",
    { newAdapter: fastify, given: (request) => request.raw ?? request, inHandlers: false },
  ],
  [
    "on Fastify by middleware, with Fastify's request",
    { newAdapter: fastify, given: (request) => request, inHandlers: false },
  ],
  [
    "on Fastify in handlers, with Fastify's request",
    { newAdapter: fastify, given: (request) => request, inHandlers: true },
  ],
];

/** Each way with every store; in `npm test` with one of them. */
const sites = ways.flatMap(([name, way], at) =>
  shared(stores, at % stores.length, stores.length).map(
    ([store, openStore]): [string, string, Way, () => OpenStore] => [name, store, way, openStore],
  ),
);

function credentials(password: string): { method: string; headers: Record<string, string>; body: string } {
  return {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username: 'ada', password }),
  };
}

const post = { method: 'POST' };

describe.each(sites)('Passport %s, with %s,', (_name, _store, { newAdapter, given, inHandlers }, openStore) => {
  async function openSite(session: Partial<SessionOptions> = {}) {
    const store = openStore();
    const app = await createSessionApp(newAdapter, {
      controllers: [AccountController, OpenController],
      providers: [
        { provide: 'GIVEN', useValue: given },
        { provide: 'IN_HANDLERS', useValue: inHandlers },
      ],
      session: { ...store.options, ...session },
      main: inHandlers ? undefined : useMiddleware,
    });
    return { app, store, browser: new Browser(app) };
  }

  it('signs in, and knows the user in the next request', async () => {
    const { app, store, browser } = await openSite();
    expect((await browser.visit('/user')).body).toBe('nobody');
    expect(await store.ids()).toEqual([]);
    expect((await browser.visit('/login', credentials('right'))).body).toBe('yes');
    expect(await store.ids()).toEqual([browser.keptId()]);
    expect((await browser.visit('/user')).body).toBe('ada');
    expect(findingsOf(app)).toEqual([]);
  });

  it('does not sign in with a wrong password', async () => {
    const { store, browser } = await openSite();
    const answer = await browser.visit('/login', credentials('wrong'));
    expect(answer.body).toBe('no');
    expect(answer.setCookie).toEqual([]);
    expect(await store.ids()).toEqual([]);
  });

  it('gives a new id with the sign-in and ends the old one', async () => {
    const { app, store, browser } = await openSite();
    await browser.visit('/cart', post);
    const before = browser.keptId();
    await browser.visit('/login', credentials('right'));
    expect(browser.keptId()).not.toBe(before);
    expect(await store.ids()).toEqual([browser.keptId()]);
    expect((await browser.visit('/session')).body).not.toContain('tea');
    expect(findingsOf(app)).toEqual([]);
  });

  it('keeps what was in the session where it is asked to', async () => {
    const { browser } = await openSite();
    await browser.visit('/cart', post);
    await browser.visit('/login?keep=true', credentials('right'));
    expect(JSON.parse((await browser.visit('/session')).body)).toMatchObject({
      cart: ['tea'],
      passport: { user: 'ada' },
    });
  });

  it('signs out: the session is ended, nothing takes its place, and the cookie is taken back', async () => {
    const { app, store, browser } = await openSite();
    await browser.visit('/login', credentials('right'));
    const cookie = browser.cookie();
    expect((await browser.visit('/logout', post)).body).toBe('nobody');
    expect(await store.ids()).toEqual([]);
    expect(browser.cookie()).toBeUndefined();
    expect((await app.ask('/user', { https: true, headers: { Cookie: `__Host-sid=${cookie}` } })).body).toBe('nobody');
    expect(findingsOf(app)).toEqual([]);
  });

  it.each([
    ['cookie.maxAge and an absoluteTimeout as long', '/login-for-a-month', { absoluteTimeout: '30d' }],
    ["signIn() and Passport's part of the session", '/sign-in-for-a-month', {}],
  ] as const)('remembers the user by %s, as the finding and the page say', async (_how, path, session) => {
    const { app, browser } = await openSite(session);
    expect((await browser.visit(path, credentials('right'))).setCookie).toEqual([expect.stringMatching(/; Expires=/)]);
    expect((await browser.visit('/user')).body).toBe('ada');
    expect(findingsOf(app)).toEqual([]);
  });

  it('is told how where the absolute timeout is shorter than cookie.maxAge', async () => {
    const { app, browser } = await openSite();
    await browser.visit('/login-for-a-month', credentials('right'));
    expect((await browser.visit('/user')).body).toBe('ada');
    expect(found(app, 'SEC236')).toMatchObject([
      { fix: expect.stringContaining("Set session.absoluteTimeout to '30d' or more, and keep cookie.maxAge") },
    ]);
  });

  it("has its users' sessions listed and revoked by SecureSessions", async () => {
    const { app, browser } = await openSite();
    await browser.visit('/login', credentials('right'));
    const sessions = app.nest.get(SecureSessions);
    expect((await sessions.list('ada')).map(({ id }) => id)).toEqual([browser.keptId()]);
    await sessions.revokeAll('ada');
    expect((await browser.visit('/user')).body).toBe('nobody');
  });

  it('signs nobody in over http, and says why', async () => {
    const { app, store } = await openSite();
    expect((await app.ask('/open/user')).body).toBe('nobody');
    const answer = await app.ask('/open/login', credentials('right'));
    expect(answer.status).toBe(500);
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(await store.ids()).toEqual([]);
    expect(found(app, 'SEC201')).toMatchObject([
      { subject: 'POST /open/login', cause: expect.stringContaining('req.session.regenerate()') },
    ]);
  });

  it('does not break over http in production either', async () => {
    const { app, store } = await openSite();
    const { NODE_ENV } = process.env;
    process.env['NODE_ENV'] = 'production';
    try {
      const answer = await app.ask('/open/login', credentials('right'));
      expect(answer).toMatchObject({ status: 201, body: 'yes' });
      expect(answer.headers['set-cookie']).toBeUndefined();
      expect((await app.ask('/open/logout', post)).status).toBe(201);
    } finally {
      process.env['NODE_ENV'] = NODE_ENV;
    }
    expect(await store.ids()).toEqual([]);
    expect(found(app, 'SEC201').map(({ subject }) => subject)).toEqual(['POST /open/login', 'POST /open/logout']);
  });
});
