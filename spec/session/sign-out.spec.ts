import { Controller, Get, Inject, Post, Req, Session } from '@nestjs/common';
import { SecureRequired, SecureSessions } from 'nestjs-secure';
import { Browser, createSessionApp, findingsOf, found, SECRET, sites } from '../support/sessions.js';

interface SessionRequest {
  session?: object;
}

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async login(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 'ada');
  }

  @Post('logout')
  async logout(@Req() request: SessionRequest): Promise<string> {
    await this.sessions.signOut(request);
    return typeof request.session;
  }

  @Post('logout-everywhere')
  async clear(@Req() request: object): Promise<void> {
    await this.sessions.signOut(request, { clearSiteData: true });
  }

  @Post('write-and-logout')
  async writeAndLogout(@Req() request: object, @Session() session: Record<string, unknown>): Promise<void> {
    session['cart'] = ['tea'];
    await this.sessions.signOut(request);
  }

  @Get('session')
  session(@Session() session: object): object {
    return session;
  }
}

@Controller()
class OpenController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('open/logout')
  logout(@Req() request: object): Promise<void> {
    return this.sessions.signOut(request);
  }
}

const controllers = [AccountController, OpenController];
const post = { method: 'POST' };
const EXPIRED = '__Host-sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax';

describe.each(sites)('On %s with %s, signOut()', (_platform, _store, newAdapter, openStore) => {
  async function openSite() {
    const store = openStore();
    const app = await createSessionApp(newAdapter, { controllers, session: store.options });
    return { app, store, browser: new Browser(app) };
  }

  it('ends the session in the store and takes the cookie back', async () => {
    const { app, store, browser } = await openSite();
    await browser.visit('/login', post);
    const cookie = browser.cookie();
    const answer = await browser.visit('/logout', post);
    expect(answer.setCookie).toEqual([EXPIRED]);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(browser.cookie()).toBeUndefined();
    expect(await store.ids()).toEqual([]);
    const replayed = await app.ask('/session', { https: true, headers: { Cookie: `__Host-sid=${cookie}` } });
    expect(replayed.body).not.toContain('ada');
    expect(findingsOf(app)).toEqual([]);
  });

  it('leaves no session in the request, and begins none', async () => {
    const { store, browser } = await openSite();
    await browser.visit('/login', post);
    expect((await browser.visit('/logout', post)).body).toBe('undefined');
    expect(await store.ids()).toEqual([]);
  });

  it('does nothing where there is no session', async () => {
    const { store, browser } = await openSite();
    const answer = await browser.visit('/logout', post);
    expect(answer.status).toBe(201);
    expect(answer.body).toBe('undefined');
    expect(answer.setCookie).toEqual([]);
    expect(await store.ids()).toEqual([]);
  });

  it('takes back a cookie that no secret verifies', async () => {
    const { app } = await openSite();
    const answer = await app.ask('/logout', { ...post, https: true, headers: { Cookie: '__Host-sid=planted' } });
    expect(answer.headers['set-cookie']).toEqual([EXPIRED]);
  });

  it.each(['/logout', '/login'])(
    'of several valid cookies none counts, and %s ends the sessions of all',
    async (path) => {
      const { app, store, browser } = await openSite();
      const [other, third] = [new Browser(app), new Browser(app)];
      for (const one of [browser, other, third]) await one.visit('/login', post);
      const cookies = [browser, other, browser].map((one) => `__Host-sid=${one.cookie()}`);
      const headers = { Cookie: cookies.join('; ') };
      expect((await app.ask('/session', { https: true, headers })).body).not.toContain('ada');
      const answer = await app.ask(path, { ...post, https: true, headers });
      expect(answer.headers['set-cookie']).toHaveLength(1);
      const ids = await store.ids();
      expect(ids).toHaveLength(path === '/login' ? 2 : 1);
      expect(ids).toContain(third.keptId());
      for (const one of [browser, other]) expect(ids).not.toContain(one.keptId());
    },
  );

  it('ends a session that was made in the same request, which the browser never hears of', async () => {
    const { store, browser } = await openSite();
    const answer = await browser.visit('/write-and-logout', post);
    expect(answer.setCookie).toEqual([]);
    expect(await store.ids()).toEqual([]);
  });

  it('lets nothing back that was written before it', async () => {
    const { store, browser } = await openSite();
    await browser.visit('/login', post);
    expect((await browser.visit('/write-and-logout', post)).setCookie).toEqual([EXPIRED]);
    expect(await store.ids()).toEqual([]);
  });

  it('clears the site where it is asked to, and only there', async () => {
    const { browser } = await openSite();
    await browser.visit('/login', post);
    const answer = await browser.visit('/logout-everywhere', post);
    expect(answer.headers['clear-site-data']).toBe('"cache", "cookies", "storage"');
    await browser.visit('/login', post);
    expect((await browser.visit('/logout', post)).headers).not.toHaveProperty('clear-site-data');
  });

  it('throws over http, where it could end nothing', async () => {
    const { app } = await openSite();
    expect((await app.ask('/open/logout', post)).status).toBe(500);
    expect(found(app, 'SEC201')).toMatchObject([{ subject: 'POST /open/logout' }]);
  });

  it.each([
    ['a domain', { domain: 'example.test' }, 'Path=/; Domain=example.test'],
    ['a path', { path: '/app' }, 'Path=/app'],
    ['a partition', { domain: 'example.test', partitioned: true }, 'Path=/; Domain=example.test'],
  ])('takes a cookie with %s back with the same', async (_what, cookie, attributes) => {
    const app = await createSessionApp(newAdapter, {
      controllers,
      session: { ...openStore().options, secret: SECRET, cookie },
      main: (nest) => void nest.setGlobalPrefix('app'),
    });
    const browser = new Browser(app, 'example.test');
    await browser.visit('/app/login', post);
    expect(browser.cookie('__Secure-sid')).toBeDefined();
    const answer = await browser.visit('/app/logout', post);
    expect(answer.setCookie).toEqual([
      `__Secure-sid=; ${attributes}; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure; SameSite=Lax${'partitioned' in cookie ? '; Partitioned' : ''}`,
    ]);
    expect(browser.cookie('__Secure-sid')).toBeUndefined();
  });
});
