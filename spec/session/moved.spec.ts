import { jest } from '@jest/globals';
import { Controller, Get, Inject, Post, Req, Session } from '@nestjs/common';
import { SecureRequired, SecureSessions, type SessionOptions } from 'nestjs-secure';
import { ran } from '../support/applications.js';
import { Browser, createSessionApp, found, sites, until } from '../support/sessions.js';

/** What a waiting handler waits for. */
let goOn: () => void = () => undefined;

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async login(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada');
  }

  @Post('renew')
  async renew(@Req() request: object): Promise<void> {
    await this.sessions.regenerate(request, { keep: true });
  }

  @Post('slow-renew')
  async slowRenew(@Req() request: object, @Session() session: Record<string, unknown>): Promise<void> {
    ran.push(`waits for ${session['userId']}`);
    await new Promise<void>((resolve) => (goOn = resolve));
    await this.sessions.regenerate(request, { keep: true });
  }

  @Post('logout')
  async logout(@Req() request: object): Promise<void> {
    await this.sessions.signOut(request);
  }

  @Post('write')
  write(@Session() session: Record<string, unknown>): void {
    session['color'] = 'blue';
  }

  @Post('copy')
  async copy(@Req() request: { session: Record<string, unknown> & { regenerate(): Promise<void> } }): Promise<void> {
    const { userId } = request.session;
    await request.session.regenerate();
    request.session['userId'] = userId;
  }

  @Post('slow-write')
  async slowWrite(@Session() session: Record<string, unknown>): Promise<void> {
    session['color'] = 'blue';
    ran.push('waits to write');
    await new Promise<void>((resolve) => (goOn = resolve));
  }

  @Get('user')
  user(@Session() session: Record<string, unknown>): unknown {
    return session['userId'] ?? 'nobody';
  }

  @Get('color')
  color(@Session() session: Record<string, unknown>): unknown {
    return session['color'] ?? 'none';
  }
}

const post = { method: 'POST' };

describe.each(sites)('On %s with %s', (_platform, _store, newAdapter, openStore) => {
  let later = 0;
  beforeEach(() => {
    later = 0;
    const clock = Date.now;
    jest.spyOn(Date, 'now').mockImplementation(() => clock() + later);
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  async function signedIn(session: Partial<SessionOptions> = {}) {
    const store = openStore();
    const app = await createSessionApp(newAdapter, {
      controllers: [AccountController],
      session: { ...store.options, ...session },
    });
    const browser = new Browser(app);
    await browser.visit('/login', post);
    const sessions = app.nest.get(SecureSessions);
    return { app, store, browser, sessions };
  }

  /** A second tab: the same cookie, at the time of the call. */
  function tab(app: Awaited<ReturnType<typeof signedIn>>['app'], cookie: string | undefined) {
    return (path: string, ask: object = {}) =>
      app.ask(path, { https: true, headers: { Cookie: `__Host-sid=${cookie}` }, ...ask });
  }

  it.each(['/logout', 'revokeAll'])(
    'a slow request that carries its session over after %s does not bring it back, and is told so',
    async (way) => {
      const { app, store, browser, sessions } = await signedIn();
      const slow = tab(app, browser.cookie())('/slow-renew', post);
      await until(() => ran.includes('waits for ada'));
      if (way === 'revokeAll') await sessions.revokeAll('ada');
      else await browser.visit(way, post);
      goOn();
      const answer = await slow;
      expect(answer.status).toBe(401);
      expect(answer.headers).not.toHaveProperty('set-cookie');
      expect(await store.ids()).toEqual([]);
      expect(await sessions.list('ada')).toEqual([]);
    },
  );

  it.each(['/renew', '/copy'])('%s once a second does not carry a session over its absolute timeout', async (path) => {
    const { browser } = await signedIn({ idleTimeout: '2s', absoluteTimeout: '2500ms' });
    for (let second = 0; second < 2; second += 1) {
      later += 1000;
      expect((await browser.visit(path, post)).status).toBe(201);
      expect((await browser.visit('/user')).body).toBe('ada');
    }
    later += 600;
    expect((await browser.visit('/user')).body).toBe('nobody');
  });

  it('for 30 seconds the old id is good for reading, and sets no cookie', async () => {
    const { app, browser } = await signedIn();
    await browser.visit('/write', post);
    const other = tab(app, browser.cookie());
    await browser.visit('/renew', post);
    for (const path of ['/user', '/color']) {
      const answer = await other(path);
      expect(answer.body).toBe(path === '/user' ? 'ada' : 'blue');
      expect(answer.headers).not.toHaveProperty('set-cookie');
    }
    later += 30_001;
    const answer = await other('/user');
    expect(answer.body).toBe('nobody');
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect((await browser.visit('/user')).body).toBe('ada');
  });

  it('a write with the old id throws, and is a finding', async () => {
    const { app, browser } = await signedIn();
    const other = tab(app, browser.cookie());
    await browser.visit('/renew', post);
    const answer = await other('/write', post);
    expect(answer.status).toBe(500);
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect(found(app, 'SEC235')).toMatchObject([{ subject: 'POST /write' }]);
    expect((await browser.visit('/color')).body).toBe('none');
  });

  it('a write that is stored only after the move is answered 409, and is a finding', async () => {
    const { app, browser } = await signedIn();
    const slow = browser.visit('/slow-write', post);
    await until(() => ran.includes('waits to write'));
    const renewed = await tab(app, browser.cookie())('/renew', post);
    goOn();
    const answer = await slow;
    expect(answer.status).toBe(409);
    expect(JSON.parse(answer.body)).toMatchObject({ reason: 'session-moved' });
    expect(answer.setCookie).toEqual([]);
    expect(found(app, 'SEC235')).toMatchObject([{ subject: 'POST /slow-write' }]);
    const [line = ''] = renewed.headers['set-cookie'] ?? [];
    const cookie = /=([^;]*)/.exec(line)?.[1];
    expect((await tab(app, cookie)('/user')).body).toBe('ada');
    expect((await tab(app, cookie)('/color')).body).toBe('none');
  });

  it('a sign-out with the old id ends the session, and a sign-in with it takes its place', async () => {
    const { app, store, browser } = await signedIn();
    const other = tab(app, browser.cookie());
    await browser.visit('/renew', post);
    expect((await other('/logout', post)).status).toBe(201);
    expect(await store.ids()).toEqual([]);
    await browser.visit('/login', post);
    const again = tab(app, browser.cookie());
    await browser.visit('/renew', post);
    const answer = await again('/login', post);
    expect(answer.headers['set-cookie']).toHaveLength(1);
    expect((await browser.visit('/user')).body).toBe('nobody');
  });

  it('a sign-out leaves no way from the old id', async () => {
    const { app, browser } = await signedIn();
    const other = tab(app, browser.cookie());
    await browser.visit('/renew', post);
    await browser.visit('/logout', post);
    expect((await other('/user')).body).toBe('nobody');
  });
});
