import { jest } from '@jest/globals';
import { Controller, Get, Inject, Post, Req, Session } from '@nestjs/common';
import { SecureRequired, SecureSessions, type SessionFace, type SessionOptions } from 'nestjs-secure';
import { Browser, createSessionApp, found, recordsOf, sites } from '../support/sessions.js';

const DAY = 86_400_000;

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async login(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada');
  }

  @Post('remember')
  async remember(@Req() request: object): Promise<void> {
    await this.sessions.signIn(
      request,
      'ada',
      {},
      { idleTimeout: '30 days', absoluteTimeout: '90 days', persistent: true, authenticatedAt: false },
    );
  }

  @Post('write')
  write(@Session() session: Record<string, unknown>): void {
    session['color'] = 'blue';
  }

  @Post('max-age')
  maxAge(@Session() session: SessionFace): void {
    session.cookie.maxAge = 2 * DAY;
  }

  @Post('confirm')
  async confirm(@Req() request: object): Promise<void> {
    await this.sessions.confirm(request, { userId: 'ada' });
  }

  @Post('confirm-other')
  async confirmOther(@Req() request: object): Promise<void> {
    await this.sessions.confirm(request, { userId: 'bob' });
  }

  @Get('user')
  user(@Session() session: Record<string, unknown>): unknown {
    return session['userId'] ?? 'nobody';
  }

  @Get('current')
  current(@Req() request: object): object {
    return { id: this.sessions.currentId(request) };
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

  async function openSite(session: Partial<SessionOptions> = {}) {
    const store = openStore();
    const app = await createSessionApp(newAdapter, {
      controllers: [AccountController],
      session: { ...store.options, ...session },
    });
    return { app, store, browser: new Browser(app), sessions: app.nest.get(SecureSessions) };
  }

  it('a remembered sign-in has a lasting cookie and lifetimes of its own', async () => {
    const { browser } = await openSite();
    expect((await browser.visit('/remember', post)).setCookie[0]).toMatch(/; Expires=/);
    later = 29 * DAY;
    expect((await browser.visit('/user')).body).toBe('ada');
    later = 58 * DAY;
    expect((await browser.visit('/write', post)).setCookie[0]).toMatch(/; Expires=/);
    expect((await browser.visit('/user')).body).toBe('ada');
    later = 90 * DAY;
    expect((await browser.visit('/user')).body).toBe('nobody');
  });

  it('cookie.maxAge in a handler is the idle timeout of this session, and its cookie lasts as long', async () => {
    const { app, browser } = await openSite({ absoluteTimeout: '7 days' });
    await browser.visit('/login', post);
    expect((await browser.visit('/max-age', post)).setCookie[0]).toMatch(/; Expires=/);
    later = 2 * DAY - 60_000;
    expect((await browser.visit('/user')).body).toBe('ada');
    later += 2 * DAY + 1;
    expect((await browser.visit('/user')).body).toBe('nobody');
    expect(found(app, 'SEC236')).toEqual([]);
  });

  it('the absolute timeout ends it all the same, and a longer maxAge is a finding', async () => {
    const { app, browser } = await openSite();
    await browser.visit('/login', post);
    await browser.visit('/max-age', post);
    expect(found(app, 'SEC236')).toMatchObject([{ subject: 'POST /max-age' }]);
    later = DAY / 2;
    expect((await browser.visit('/user')).body).toBe('nobody');
  });

  it('confirm() notes the time beside the data, under a new id, and only for the user of the session', async () => {
    const { app, browser } = await openSite();
    await browser.visit('/login', post);
    const stampOf = async (): Promise<number> => {
      const kept = await recordsOf(app).listByUser('ada');
      expect(kept).toHaveLength(1);
      return kept[0]?.record?.stamp?.authenticatedAt ?? Number.NaN;
    };
    const first = await stampOf();
    later = 10 * 60_000;
    const before = browser.id();
    expect((await browser.visit('/confirm-other', post)).status).toBe(403);
    expect(await stampOf()).toBe(first);
    expect((await browser.visit('/confirm', post)).status).toBe(201);
    expect(browser.id()).not.toBe(before);
    expect(await stampOf()).toBeGreaterThanOrEqual(first + later);
    expect((await browser.visit('/user')).body).toBe('ada');
  });

  it('perUser ends the oldest session before the new one is answered', async () => {
    const { app, browser, sessions } = await openSite({ ...limit('end-oldest') });
    const browsers = [browser, new Browser(app), new Browser(app)];
    for (const one of browsers) {
      later += 1000;
      await one.visit('/login', post);
      expect((await sessions.list('ada')).length).toBeLessThanOrEqual(2);
    }
    const users = await Promise.all(browsers.map(async (one) => (await one.visit('/user')).body));
    expect(users).toEqual(['nobody', 'ada', 'ada']);
  });

  it('of sign-ins at the same moment perUser leaves as many alive as it allows, and not fewer', async () => {
    const { app, sessions } = await openSite({ ...limit('end-oldest') });
    const browsers = Array.from({ length: 6 }, () => new Browser(app));
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(browsers.map((one) => one.visit('/login', post)));
      expect(await sessions.list('ada')).toHaveLength(2);
      const users = await Promise.all(browsers.map(async (one) => (await one.visit('/user')).body));
      expect(users.filter((user) => user === 'ada')).toHaveLength(2);
    }
  });

  it('perUser ends the older session though the clock of the process that made it is ahead', async () => {
    const { app, browser } = await openSite({ ...limit('end-oldest') });
    const browsers = [browser, new Browser(app), new Browser(app)];
    for (const one of browsers) {
      later -= 60_000;
      await one.visit('/login', post);
    }
    expect((await browsers[2]?.visit('/user'))?.body).toBe('ada');
  });

  it('perUser refuses one more session', async () => {
    const { app, browser, sessions } = await openSite({ ...limit('refuse') });
    const browsers = [browser, new Browser(app), new Browser(app)];
    const statuses: number[] = [];
    for (const one of browsers) {
      const { status = 0 } = await one.visit('/login', post);
      statuses.push(status);
    }
    expect(statuses).toEqual([201, 201, 403]);
    expect(await sessions.list('ada')).toHaveLength(2);
    expect(browsers.at(-1)?.cookie()).toBeUndefined();
  });

  it('revokeAll() may except the session of the request', async () => {
    const { app, browser, sessions } = await openSite();
    const other = new Browser(app);
    await browser.visit('/login', post);
    await other.visit('/login', post);
    const { id }: { id: string } = JSON.parse((await browser.visit('/current')).body);
    await sessions.revokeAll('ada', { except: id });
    expect((await browser.visit('/user')).body).toBe('ada');
    expect((await other.visit('/user')).body).toBe('nobody');
  });
});

function limit(then: 'end-oldest' | 'refuse'): Pick<SessionOptions, 'perUser'> {
  // oxlint-disable-next-line unicorn/no-thenable -- `then` is the name of an option, of an object that is never awaited
  return { perUser: { max: 2, then } };
}
