import { Controller, Get, Inject, Post, Query, Req, Session } from '@nestjs/common';
import { SecureRequired, SecureSessions } from 'nestjs-secure';
import { Browser, createSessionApp, findingsOf, found, sites } from '../support/sessions.js';

@SecureRequired()
@Controller()
class AccountController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('cart')
  cart(@Session() session: Record<string, unknown>): void {
    session['cart'] = ['tea'];
  }

  @Post('login')
  async login(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 7, { name: 'Ada', roles: ['admin'] });
  }

  @Post('login-and-fail')
  async loginAndFail(@Req() request: object): Promise<void> {
    await this.sessions.signIn(request, 7);
    throw new Error('something else went wrong');
  }

  @Post('login-with')
  async loginWith(@Req() request: object, @Query('key') key: string): Promise<string> {
    return this.messageOf(() => this.sessions.signIn(request, 7, { [key]: 1 }));
  }

  @Post('login-of-nobody')
  loginOfNobody(@Req() request: object, @Query('id') id: string): Promise<string> {
    const nobody: { id: number } = JSON.parse(id === 'NaN' ? '{}' : `{${id}}`);
    return this.messageOf(() => this.sessions.signIn(request, id === 'NaN' ? Number.NaN : nobody.id));
  }

  @Get('session')
  session(@Session() session: object): object {
    return session;
  }

  private async messageOf(work: () => Promise<void>): Promise<string> {
    return work().then(
      () => 'signed in',
      (error: unknown) => String(error),
    );
  }
}

@Controller()
class OpenController {
  constructor(@Inject(SecureSessions) private readonly sessions: SecureSessions) {}

  @Post('open/login')
  login(@Req() request: object): Promise<void> {
    return this.sessions.signIn(request, 7);
  }
}

const controllers = [AccountController, OpenController];

describe.each(sites)('On %s with %s, signIn()', (_platform, _store, newAdapter, openStore) => {
  async function openSite() {
    const store = openStore();
    const app = await createSessionApp(newAdapter, { controllers, session: store.options });
    return { app, store, browser: new Browser(app) };
  }

  it('makes a session for a stranger', async () => {
    const { app, store, browser } = await openSite();
    expect((await browser.visit('/login', { method: 'POST' })).status).toBe(201);
    expect(await store.ids()).toEqual([browser.keptId()]);
    expect(findingsOf(app)).toEqual([]);
  });

  it('gives a new id and ends the old one', async () => {
    const { app, store, browser } = await openSite();
    await browser.visit('/cart', { method: 'POST' });
    const before = browser.keptId();
    expect(await store.ids()).toEqual([before]);
    await browser.visit('/login', { method: 'POST' });
    expect(browser.keptId()).not.toBe(before);
    expect(await store.ids()).toEqual([browser.keptId()]);
    expect(findingsOf(app)).toEqual([]);
  });

  it('puts userId and the data at the top level, and keeps nothing of before', async () => {
    const { browser } = await openSite();
    await browser.visit('/cart', { method: 'POST' });
    await browser.visit('/login', { method: 'POST' });
    const { cookie: _, ...session }: Record<string, unknown> = JSON.parse((await browser.visit('/session')).body);
    expect(session).toEqual({ userId: 7, name: 'Ada', roles: ['admin'] });
  });

  it('gives a second sign-in of the same user another id', async () => {
    const { store, browser } = await openSite();
    await browser.visit('/login', { method: 'POST' });
    const first = browser.keptId();
    await browser.visit('/login', { method: 'POST' });
    expect(browser.keptId()).not.toBe(first);
    expect(await store.ids()).toEqual([browser.keptId()]);
  });

  it('has saved when it returns, whatever becomes of the handler', async () => {
    const { store, browser } = await openSite();
    expect((await browser.visit('/login-and-fail', { method: 'POST' })).status).toBe(500);
    expect(await store.ids()).toEqual([browser.keptId()]);
  });

  it.each(['id', 'cookie', 'req', 'save', 'destroy', 'regenerate', 'reload', 'touch', 'resetMaxAge'])(
    'refuses data with the key %s before anything happens',
    async (key) => {
      const { store, browser } = await openSite();
      await browser.visit('/cart', { method: 'POST' });
      const answer = await browser.visit(`/login-with?key=${key}`, { method: 'POST' });
      expect(answer.body).toBe(
        `TypeError: signIn() cannot keep '${key}' at the top level of the session: it is the session's own. Put it deeper, such as { user: { ${key} } }.`,
      );
      expect(await store.ids()).toEqual([browser.keptId()]);
    },
  );

  it('refuses data with the key __proto__ before anything happens', async () => {
    const { store, browser } = await openSite();
    await browser.visit('/cart', { method: 'POST' });
    const { body } = await browser.visit('/login-with?key=__proto__', { method: 'POST' });
    expect(body).toBe(
      "TypeError: signIn() cannot keep '__proto__' at the top level of the session: it is the session's own. Leave it out: it would change what the session inherits from.",
    );
    expect(await store.ids()).toEqual([browser.keptId()]);
  });

  it.each([
    ['', 'undefined'],
    ['"id":null', 'object'],
    ['"id":""', 'an empty string'],
    ['"id":["ada"]', 'object'],
    ['"id":true', 'boolean'],
    ['NaN', 'NaN'],
  ])('refuses what is no id of a user (%s)', async (id, given) => {
    const { store, browser } = await openSite();
    const answer = await browser.visit(`/login-of-nobody?id=${encodeURIComponent(id)}`, { method: 'POST' });
    expect(answer.body).toBe(
      `TypeError: signIn() was given ${given} as the id of a user. Accepted: a string or a number.`,
    );
    expect(await store.ids()).toEqual([]);
  });

  it('throws over http, in production too, and says why', async () => {
    const { app, store } = await openSite();
    const { NODE_ENV } = process.env;
    process.env['NODE_ENV'] = 'production';
    try {
      const answer = await app.ask('/open/login', { method: 'POST' });
      expect(answer.status).toBe(500);
      expect(answer.headers['set-cookie']).toBeUndefined();
    } finally {
      process.env['NODE_ENV'] = NODE_ENV;
    }
    expect(await store.ids()).toEqual([]);
    expect(found(app, 'SEC201')).toMatchObject([
      { subject: 'POST /open/login', cause: expect.stringContaining('SecureSessions.signIn()') },
    ]);
    expect(app.logged.some((line) => line.includes('Mark the handler with @SecureRequired()'))).toBe(true);
  });
});
