import { jest } from '@jest/globals';
import { Controller, Get, Inject, Post, Req, Session } from '@nestjs/common';
import { SecureRequired, SecureSessions, type SessionOptions } from 'nestjs-secure';
import { Browser, createSessionApp, sites } from '../support/sessions.js';

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async login(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada', { step: 0 });
  }

  @Post('step')
  step(@Session() session: Record<string, unknown>): void {
    session['step'] = Number(session['step']) + 1;
  }

  @Get('user')
  user(@Session() session: Record<string, unknown>): unknown {
    return session['userId'] ?? 'nobody';
  }
}

const post = { method: 'POST' };
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe.each(sites)('On %s with %s', (_platform, _store, newAdapter, openStore) => {
  beforeEach(() => {
    // Date alone: timers, sockets and stores go on as they do.
    jest.useFakeTimers({
      now: Date.UTC(2030, 0, 1),
      doNotFake: [
        'hrtime',
        'nextTick',
        'performance',
        'queueMicrotask',
        'setImmediate',
        'clearImmediate',
        'setInterval',
        'clearInterval',
        'setTimeout',
        'clearTimeout',
      ],
    });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  async function signedIn(session: Partial<SessionOptions> = {}) {
    const app = await createSessionApp(newAdapter, {
      controllers: [AccountController],
      session: { ...openStore().options, ...session },
    });
    const browser = new Browser(app);
    await browser.visit('/login', post);
    return { browser, sessions: app.nest.get(SecureSessions) };
  }

  async function userAfter(browser: Browser, milliseconds: number): Promise<string> {
    jest.setSystemTime(Date.now() + milliseconds);
    return (await browser.visit('/user')).body;
  }

  it('a session ends after 30 minutes without a request', async () => {
    const { browser } = await signedIn();
    expect(await userAfter(browser, 30 * MINUTE - 1)).toBe('ada');
    expect(await userAfter(browser, 30 * MINUTE)).toBe('nobody');
  });

  it.each(['/user', '/step'])('every request (%s) gives it as much again', async (path) => {
    const { browser } = await signedIn();
    for (let request = 0; request < 5; request += 1) {
      jest.setSystemTime(Date.now() + 20 * MINUTE);
      await browser.visit(path, path === '/step' ? post : {});
    }
    expect(await userAfter(browser, 20 * MINUTE)).toBe('ada');
  });

  it('it ends after 12 hours whatever happens', async () => {
    const { browser, sessions } = await signedIn();
    for (let minutes = 20; minutes < 12 * 60; minutes += 20) expect(await userAfter(browser, 20 * MINUTE)).toBe('ada');
    await browser.visit('/step', post);
    expect(await userAfter(browser, 20 * MINUTE)).toBe('nobody');
    expect(await sessions.list('ada')).toEqual([]);
  });

  it('both times are as the options say', async () => {
    const { browser } = await signedIn({ idleTimeout: 2 * HOUR, absoluteTimeout: 3 * HOUR });
    expect(await userAfter(browser, 2 * HOUR - 1)).toBe('ada');
    expect(await userAfter(browser, HOUR)).toBe('ada');
    expect(await userAfter(browser, 1)).toBe('nobody');
  });

  it('a session that has ended is not listed', async () => {
    const { sessions } = await signedIn();
    expect(await sessions.list('ada')).toHaveLength(1);
    jest.setSystemTime(Date.now() + 30 * MINUTE);
    expect(await sessions.list('ada')).toEqual([]);
  });

  it('its id is not taken up again by whoever still brings it', async () => {
    const { browser } = await signedIn();
    const before = browser.id();
    jest.setSystemTime(Date.now() + 31 * MINUTE);
    await browser.visit('/step', post);
    expect(browser.id()).not.toBe(before);
  });

  it('a new sign-in begins both times anew', async () => {
    const { browser } = await signedIn();
    for (let minutes = 20; minutes < 11 * 60; minutes += 20) await userAfter(browser, 20 * MINUTE);
    await browser.visit('/login', post);
    for (let minutes = 20; minutes < 12 * 60; minutes += 20) expect(await userAfter(browser, 20 * MINUTE)).toBe('ada');
    expect(await userAfter(browser, 20 * MINUTE)).toBe('nobody');
  });
});
