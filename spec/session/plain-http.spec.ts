import { Controller, Get, Inject, Post, Req, Session } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SecureModule, SecureRequired, SecureSessions, type SessionOptions } from 'nestjs-secure';
import { switchOffSecure } from 'nestjs-secure/testing';
import request from 'supertest';
import { adapters } from '../support/applications.js';
import { Browser, createSessionApp, findingsOf, SECRET, sites } from '../support/sessions.js';

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('login')
  async login(@Req() asked: object): Promise<void> {
    await this.sessions.signIn(asked, 'ada');
  }

  @Post('logout')
  async logout(@Req() asked: object): Promise<void> {
    await this.sessions.signOut(asked);
  }

  @Get('user')
  user(@Session() session: Record<string, unknown>): unknown {
    return session['userId'] ?? 'nobody';
  }
}

const controllers = [AccountController];
const clear = { https: false };
const post = { method: 'POST', https: false };

describe.each(sites)('With httpsSupport: false, on %s with %s,', (_platform, _store, newAdapter, openStore) => {
  async function openSite(session: Partial<SessionOptions> = {}) {
    const store = openStore();
    const app = await createSessionApp(newAdapter, {
      controllers,
      options: { httpsSupport: false },
      session: { ...store.options, ...session },
    });
    return { app, store, browser: new Browser(app, 'dev.test') };
  }

  it('sessions work over plain HTTP', async () => {
    const { app, store, browser } = await openSite();
    await browser.visit('/login', post);
    expect((await browser.visit('/user', clear)).body).toBe('ada');
    expect(await store.ids()).toEqual([browser.keptId('sid')]);
    await browser.visit('/logout', post);
    expect(await store.ids()).toEqual([]);
    expect(browser.jar.cookies()).toEqual([]);
    expect(findingsOf(app)).toEqual([]);
  });

  it('the cookie is called sid and has no Secure, and is taken back the same', async () => {
    const { browser } = await openSite();
    expect((await browser.visit('/login', post)).setCookie).toEqual([
      expect.stringMatching(/^sid=[\w-]{65}; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
    expect((await browser.visit('/logout', post)).setCookie).toEqual([
      'sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax',
    ]);
  });

  it('and it is the same over https', async () => {
    const { browser } = await openSite();
    await browser.visit('/login', { method: 'POST' });
    expect((await browser.visit('/user')).body).toBe('ada');
    expect((await browser.visit('/user', clear)).body).toBe('ada');
  });
});

describe.each(adapters)('Switched off by the test kit, on %s,', (_platform, newAdapter) => {
  it.each<[session: Partial<SessionOptions>, cookie: RegExp]>([
    [{}, /^sid=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/],
    [{ name: '__Host-app' }, /^app=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/],
    [{ name: '__Host-Http-app' }, /^app=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/],
    [{ name: '__secure-app' }, /^app=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/],
    [{ cookie: { sameSite: 'none', partitioned: true } }, /^sid=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/],
    [{ cookie: { sameSite: 'strict' } }, /^sid=[^;]+; Path=\/; HttpOnly; SameSite=Strict$/],
  ])('an application with %j has sessions over plain HTTP', async (session, cookie) => {
    const testing = Test.createTestingModule({
      imports: [SecureModule.forRoot({ session: { secret: SECRET, store: 'memory', ...session } })],
      controllers,
    });
    const app = (await switchOffSecure(testing).compile()).createNestApplication(newAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    try {
      const agent = request.agent(app.getHttpServer());
      const { headers } = await agent.post('/login').expect(201);
      expect(headers['set-cookie']).toEqual([expect.stringMatching(cookie)]);
      await agent.get('/user').expect('ada');
      await agent.post('/logout').expect(201);
      await agent.get('/user').expect('nobody');
    } finally {
      await app.close();
    }
  });
});
